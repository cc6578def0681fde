"""The one sequence that makes a cell (prepare, train, test, write), and what opens a finished one
again.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bdlab import __version__, protocols
from bdlab.config import Config, from_flat
from bdlab.datasets import Dataset
from bdlab.methods import METHODS
from bdlab.modality import BASE
from bdlab.network.backbones import strides_of
from bdlab.rules import CORRUPTED
from bdlab.training import checkpoint, collapse
from bdlab.training.extract import evaluate
from bdlab.training.loop import train
from bdlab.training.setup import Setup, TrainingError, files_read, open_data, prepare

from . import claims, runs
from .provenance import code, git_state


def of(config: Config, dataset: Dataset | None = None) -> runs.Cell:
    """The cell of a configuration, known before it is prepared; ``dataset`` if it is open already.

    Raises what a run would raise for its data and its files, before anything is paid for.
    """
    dataset = dataset or open_data(config)
    model = config.model
    strides_of(model.strides, model.weights, model.backbone)
    return runs.Cell(config.flat(), dataset.fingerprint, files_read(config, dataset))


def run(
    config: Config,
    folder: Path,
    device: str | None = None,
    resume: Iterable[Path] = (),
    inexact: bool = False,
    **hooks: Any,
) -> dict:
    """A whole cell into an attempt folder: what the training notebook does step by step. Returns
    the result.
    """
    began = time.perf_counter()
    setup = prepare(config, device)
    train(setup, folder, resume, inexact, **hooks)
    return write(setup, folder, evaluate(setup), time.perf_counter() - began)


def make(
    cell: runs.Cell,
    config: Config,
    out: Path,
    device: str | None = None,
    inexact: bool = False,
    **hooks: Any,
) -> Path:
    """A cell made here from its first attempt to its commit; returns its folder.

    Goes on from earlier attempts. Raises RunError if another runner works on it.
    """
    place = out / ".attempts" / cell.name
    claim = claims.claim(place)
    if claim is None:
        raise runs.RunError(f"{cell.name}: being trained by {claims.by_whom(place)}; wait for it")
    with claim:
        if runs.done(out, cell):  # by another runner, just now
            return out / cell.name
        earlier = runs.attempts(out, cell.name)
        attempt = runs.begin(out, cell, torch.get_num_threads())
        try:
            run(config, attempt, device, earlier, inexact, **hooks)
            runs.commit(out, cell.name, attempt)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            line = f"{last.filename}:{last.lineno}"
            reason = f"{type(error).__name__}: {error}"
            with contextlib.suppress(runs.WriteError):  # the disk may be what failed
                runs.fail(attempt, reason, cell=None, line=last.line, last=line)
            raise
    return out / cell.name


def write(
    setup: Setup, folder: Path, scores: dict[str, protocols.Result], seconds: float
) -> dict[str, Any]:
    """weights.pt (the whole net as it is tested) and result.json with full provenance; returns the
    result. ``seconds`` is what the run took, without earlier attempts.
    """
    params = setup.config.flat()
    buffer = io.BytesIO()  # torch.save on a full disk says nothing of use
    saved = {"params": params, "num_ids": setup.pool.num_ids, "state": setup.net.state_dict()}
    torch.save(saved, buffer)
    weights = buffer.getvalue()
    runs.write(folder / "weights.pt", weights)
    history = runs.read_lines(folder / "history.jsonl")
    trained = sum(line["time"]["seconds"] for line in history)  # of earlier attempts too
    said = {name: value.to_json() for name, value in scores.items()}
    origin = provenance(setup) | {
        "protocols": {name: result.provenance for name, result in scores.items()},
        "seconds": round(max(seconds, trained), 1),
        "weights_bytes": len(weights),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    guard: dict[str, Any] = collapse.watch(history, setup.config, setup.pool.num_ids)
    guard |= collapse.still(history)
    # of many more tests one would be above chance by luck
    clean = {name: score for name, score in said.items() if CORRUPTED not in name}
    guard |= collapse.chance(clean, origin["identities"]["test"])
    if life := collapse.life(history):
        guard["life"] = life
    result = {
        "schema": runs.SCHEMA,
        "params": params,
        "scores": said,
        "guard": guard,
        "provenance": origin,
    }
    runs.write_json(folder / "params.json", params)
    runs.write_json(folder / "result.json", result)
    return result


def provenance(setup: Setup) -> dict[str, Any]:
    """Where a result comes from, as far as it is known before the test: code, machine, data,
    files.
    """
    config, dataset = setup.config, setup.dataset
    on_gpu = setup.device.type == "cuda"
    pictures = {}
    for split in ("train", "test"):
        pictures[split] = {m.value: len(dataset.select(split, m)) for m in BASE}
    best = setup.best.get("epoch")
    held_out = f"best of the epochs on held-out identities (epoch {best})"
    model = config.model
    return {
        "bdlab": __version__,
        **git_state(),
        "code": code(),
        "torch": str(torch.__version__),
        "device": torch.cuda.get_device_name(setup.device) if on_gpu else "cpu",
        "precision": str(setup.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "fingerprint": dataset.fingerprint,
        "files": dict(setup.files),
        "published": dict(setup.published),
        "strides": strides_of(model.strides, model.weights, model.backbone),
        "data": dataset.provenance,
        "feature": model.feature,
        "selection": held_out if best else "last epoch",
        "test": vars(config.test),
        "seed": config.run.seed,
        "identities": {split: len(dataset.identities(split)) for split in ("train", "test")},
        "pictures": pictures,
        "resumed": setup.resumed or None,
    }


def find(
    out: Path | str,
    data: str,
    row: str = "MDL4",
    fits: Callable[[Mapping[str, Any], Mapping[str, Any]], bool] = lambda params, origin: True,
    **wanted: Any,
) -> Path | None:
    """The finished cell of a data set that is shown where one is: one answer for every notebook.

    Of this row before others, then of the most modalities, the larger preset, the lower split and
    seed, the first by name. ``wanted``: parameters that must be so (``preset="demo"``); ``fits``
    takes a cell's parameters and its provenance. None if there is none.
    """
    sizes = ("paper", "middle", "study", "demo", "smoke")
    found = []
    for folder, result, _ in runs.committed(Path(out)):
        params = result["params"] if result else {}
        same = all(params.get(key) == value for key, value in (wanted | {"data": data}).items())
        if result is None or not same or not fits(params, result["provenance"]):
            continue
        size = sizes.index(params["preset"]) if params["preset"] in sizes else len(sizes)
        streams = len(params["modalities"].split())
        place = (size, params["split"], params["seed"], folder.name)
        found.append((params["row"] != row, -streams, *place, folder))
    return min(found)[-1] if found else None


def load(folder: Path | str) -> nn.Module:
    """The trained network of a committed cell, in eval mode on the CPU. Raises TrainingError if its
    weights are damaged or no such data.
    """
    path = Path(folder) / "weights.pt"
    result = json.loads((Path(folder) / "result.json").read_text())
    if runs.sha256(path) != result["provenance"]["weights_sha256"]:
        raise TrainingError(
            f"{path}: damaged, its sha256 is not the one in result.json; run the cell again"
        )
    try:
        saved = checkpoint.data(path.read_bytes())
        params, state = saved["params"], saved["state"]
        if not any(len(value) == saved["num_ids"] for value in state.values() if value.ndim == 2):
            raise ValueError(f"no classifier of {saved['num_ids']} people in it")
        strides = result["provenance"].get("strides", "v1.5")
        # the numbers are in the file; nothing to download
        config = from_flat(params | {"weights": None, "strides": strides})
        net, _ = METHODS[config.run.method](config, saved["num_ids"])
        net.load_state_dict(state)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise TrainingError(
            f"{path}: not the weights of a cell ({first}); run the cell again"
        ) from error
    return net.eval()


def epoch_line(line: dict[str, Any], epochs: int) -> str:
    """One epoch of a history in words; what the guard has found stands at its end.

    While the triplets ramp in, ``total`` rises with their weight: it is said at which ramp it was.
    """
    terms = "  ".join(
        f"{name} {value:.3f}"
        for name, value in line["terms"].items()
        if name not in ("spread", "gradient")
    )
    if line.get("ramp", 1.0) < 1:
        terms = f"ramp {line['ramp']:.2f}  {terms}"
    found = f"  [{', '.join(line['guard'])}]" if line.get("guard") else ""
    return (
        f"epoch {line['epoch']:>3}/{epochs}  lr {line['lr']:.4f}  {terms}  "
        f"{line['time']['pictures_per_s']:,.0f} pictures/s{found}"
    )
