"""Weights somebody trained before: which file is meant, what may be read from it, how it fits.

Four kinds are taken: a finished cell (its folder), a published file (safetensors with bdlab's
metadata), a state dict of a ResNet (torchvision, timm, safetensors), and a checkpoint that wraps
one. Nothing is unpickled but tensors and plain values, and no file unpacks to more than it holds.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

#: Where checkpoints of other programs keep their state dict, the first that is there is read.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "state", "teacher")
#: How a file that is no weights at all begins, and what it is then.
NOT_WEIGHTS = {
    b"bdlab-checkpoint": (
        "is a checkpoint of an unfinished training",
        "run the same command again until the cell is done, then give the cell's folder",
    ),
    b"version https://git-lfs": (
        "is a git-LFS pointer, not the file",
        "run `git lfs pull` where it came from",
    ),
    b"<": ("is a web page, not weights", "log in where it came from and fetch it again"),
}


class WeightsError(ValueError):
    """Weights that cannot be had, read or fitted; says which file or name and what to do."""


@dataclass(frozen=True)
class Weights:
    """What a file holds: ``state`` by name (on the CPU); of a cell also its parameters and people.

    ``file`` is the file that was read: a cell's weights.pt, else what was given.
    """

    file: Path
    state: Mapping[str, Tensor]
    params: Mapping[str, Any] | None = None
    num_ids: int = 0


def locate(weights: str | Path) -> Path:
    """The one file a ``weights=`` names. Raises WeightsError if it is not there."""
    path = Path(weights)
    if path.is_dir():
        if not (path / "weights.pt").is_file():
            raise WeightsError(
                f"{path}: a folder, but no finished cell (weights.pt is missing). "
                "`bdlab status` lists the cells there are; their folders can be given"
            )
        return path / "weights.pt"
    if not path.is_file():
        raise WeightsError(
            f"{path}: neither a cell's folder nor a weights file lies there. `bdlab status RUNS` "
            "lists the cells of a folder of runs"
        )
    return path


def read(weights: str | Path) -> Weights:
    """All that the file of a ``weights=`` holds. Raises WeightsError naming file and remedy."""
    file = locate(weights)
    if file.suffix == ".safetensors":
        return _safetensors(file)
    _plausible(file)
    value = _unpickled(file)
    if isinstance(value, dict) and {"params", "num_ids", "state"} <= value.keys():
        params = _checked(file, value["params"])
        return _of_cell(file, value["state"], params, value["num_ids"])
    return Weights(file, _state(file, value))


def _safetensors(file: Path) -> Weights:
    """A safetensors file; one that bdlab has published says in its metadata how it was made."""
    from safetensors import SafetensorError, safe_open

    state = {}
    try:
        with safe_open(file, framework="pt") as opened:
            about = opened.metadata() or {}
            for name in opened.keys():  # noqa: SIM118 - it is no dict
                state[name] = opened.get_tensor(name)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"{file}: no whole safetensors file ({error}); fetch or export it again"
        ) from error
    if "bdlab.params" not in about:
        return Weights(file, _state(file, state))
    try:
        params, num_ids = json.loads(about["bdlab.params"]), int(about["bdlab.num_ids"])
    except (KeyError, ValueError) as error:
        raise WeightsError(
            f"{file}: its metadata are damaged ({error}); fetch or export it again"
        ) from error
    return _of_cell(file, state, params, num_ids)


def _of_cell(file: Path, state: Any, params: Any, num_ids: Any) -> Weights:
    if not isinstance(params, dict) or not isinstance(num_ids, int):
        raise WeightsError(f"{file}: its parameters are damaged; run the cell again")
    return Weights(file, _state(file, state), params, num_ids)


def _plausible(file: Path) -> None:
    """Raise WeightsError for what is often found in the place of weights, nothing unpickled yet."""
    with file.open("rb") as opened:
        head = opened.read(64).lstrip()
    for start, (what, remedy) in NOT_WEIGHTS.items():
        if head.startswith(start):
            raise WeightsError(f"{file}: {what}; {remedy}")
    if not zipfile.is_zipfile(file):
        return
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    claimed, there = sum(member.file_size for member in members), file.stat().st_size
    if claimed > there:
        raise WeightsError(
            f"{file}: not a file that can be loaded safely: its members claim {claimed:,} bytes, "
            f"it has {there:,}; fetch it again from somebody you trust"
        )
    if any(member.filename.endswith("/constants.pkl") for member in members):
        raise WeightsError(
            f"{file}: a TorchScript program, not a state dict; load it with torch.jit.load and "
            "save its state_dict()"
        )


def _unpickled(file: Path) -> Any:
    """Tensors and plain values of a torch file; an older file's tensors too (two zips are new)."""
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises many kinds; all mean the same to the reader
        first = str(error).partition("\n")[0]
        raise WeightsError(
            f"{file}: not a plain state dict that can be loaded safely ({type(error).__name__}: "
            f"{first}). Where a whole model was saved, load it where its code is and "
            "torch.save(model.state_dict(), ...)"
        ) from error


def _checked(file: Path, params: Any) -> Any:
    """A cell's parameters, its weights held against the result.json beside them if there is one.

    ``strides`` is what the run has noted, since "auto" asks for a file that may be gone.
    """
    try:
        provenance = json.loads((file.parent / "result.json").read_text())["provenance"]
        wanted = provenance["weights_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return params  # weights.pt copied out of its cell
    if hashlib.sha256(file.read_bytes()).hexdigest() != wanted:
        raise WeightsError(
            f"{file}: damaged, its sha256 is not the one in result.json; run the cell again"
        )
    if "strides" in provenance and isinstance(params, dict):
        return params | {"strides": provenance["strides"]}
    return params


def _state(file: Path, value: Any) -> dict[str, Tensor]:
    """The names and tensors among what a file holds: the whole of it, or what a wrapper keeps."""
    for name in WRAPPERS:
        if isinstance(value, dict) and isinstance(value.get(name), dict):
            value = value[name]
            break
    if not isinstance(value, dict):
        raise WeightsError(
            f"{file}: a state dict (names to tensors) is meant, this holds {type(value).__name__}"
        )
    for name, tensor in value.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise WeightsError(
                f"{file}: a state dict (names to tensors) is meant, but {name!r} holds "
                f"{type(tensor).__name__}. One in a dict is found under {', '.join(WRAPPERS)}: "
                "save it alone, torch.save(checkpoint[<name>], ...)"
            )
        end = tensor.storage_offset() * tensor.itemsize + tensor.nbytes
        if end > tensor.untyped_storage().nbytes():
            raise WeightsError(f"{file}: {name} unfolds to more than the file holds; not loaded")
    return value
