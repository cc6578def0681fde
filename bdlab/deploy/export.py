"""A trained cell as one file for other programs: ONNX, TorchScript, torch or safetensors.

ONNX and TorchScript hold the two-stream net with its preprocessing: ``pictures`` uint8
[N, H, W, 3] (RGB, resized by Lanczos to the cell's size) and ``infrared`` bool [N] in, ``features``
float32 [N, D] of unit length out. What a file computes is compared with our own net before it is
written.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bdlab import __version__
from bdlab.files import write
from bdlab.modality import Modality
from bdlab.pixels import MEAN, STD

from . import DeployError
from .embedding import Embedder, embedder

SUFFIXES = {
    "onnx": ".onnx",
    "torchscript": ".torchscript.pt",
    "torch": ".pt",
    "safetensors": ".safetensors",
}
TOLERANCE = 1e-5  # the largest difference in any number of any feature
OPSET = 17
INPUTS, OUTPUT = ("pictures", "infrared"), "features"


class Deployed(nn.Module):
    """Both streams in one pass: uint8 pictures and which of them are infrared -> features."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.visible, self.infrared = net.stems["V"], net.stems["I"]
        self.trunk, self.pool, self.neck = net.trunk, net.pool, net.neck
        self.after_neck = net.feature == "bn"
        self.register_buffer("mean", 255 * torch.tensor(MEAN).view(3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(STD).view(3, 1, 1))

    def forward(self, pictures: Tensor, infrared: Tensor) -> Tensor:
        # [N, H, W, 3] -> [N, 3, H, W]
        x = pictures.permute(0, 3, 1, 2).float()
        x = (x - self.mean) / self.std
        # one stem for each picture; both are computed, they are a hundredth of the net
        mask = infrared.view(-1, 1, 1, 1)
        maps = torch.where(mask, self.infrared(x), self.visible(x))
        pooled = self.pool(self.trunk(maps)).flatten(1)
        feature = self.neck(pooled) if self.after_neck else pooled
        return F.normalize(feature, dim=1)


def export(cell: str | Path, to: str, out: Path | None = None, licence: str = "") -> Path:
    """Write a cell as a file of the kind ``to`` and return where; compared with our net first.

    Raises DeployError for an unknown kind, a package that is missing, a net whose file would
    compute something else; WeightsError for a cell that cannot be read.
    """
    if to not in SUFFIXES:
        raise DeployError(f"--to {to!r}: choose one of {', '.join(SUFFIXES)}")
    ours = embedder(cell, device="cpu")
    path = out or Path(ours.name + SUFFIXES[to])
    if to in ("onnx", "torchscript"):
        data = {"onnx": _onnx, "torchscript": _torchscript}[to](ours)
    elif to == "torch":
        data = _torch(ours)
    else:
        from .card import published

        data, card = published(ours, licence)
        write(path.with_suffix(".md"), card.encode())
    write(path, data)
    return path


def _onnx(ours: Embedder) -> bytes:
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise DeployError(
            f"--to onnx needs the package {error.name}: pip install 'bdlab[export]'"
        ) from None
    out = io.BytesIO()
    batch = {name: {0: "N"} for name in (*INPUTS, OUTPUT)}
    with warnings.catch_warnings():  # the exporter that needs no further package is the old one
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _deployed(ours), _example(ours, 2), out, input_names=list(INPUTS),
            output_names=[OUTPUT], dynamic_axes=batch, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    model = onnx.load_from_string(out.getvalue())
    onnx.helper.set_model_props(model, {"bdlab": json.dumps(_about(ours))})
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])

    def ask(pictures: np.ndarray, infrared: np.ndarray) -> np.ndarray:
        return session.run([OUTPUT], dict(zip(INPUTS, (pictures, infrared), strict=True)))[0]

    compare(ours, ask)
    return data


def _torchscript(ours: Embedder) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings():  # torch calls it deprecated; programs in C++ still read it
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(_deployed(ours), _example(ours, 2))
        extra = {"bdlab.json": json.dumps(_about(ours))}
        torch.jit.save(traced, out, _extra_files=extra)
    compare(ours, program(out.getvalue()))
    return out.getvalue()


def program(data: bytes) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The function in an exported TorchScript file: (pictures, infrared) -> features."""
    with warnings.catch_warnings():  # of deprecation, as above
        warnings.simplefilter("ignore")
        loaded = torch.jit.load(io.BytesIO(data))

    @torch.no_grad()
    def ask(pictures: np.ndarray, infrared: np.ndarray) -> np.ndarray:
        return loaded(torch.from_numpy(pictures), torch.from_numpy(infrared)).numpy()

    return ask


def _torch(ours: Embedder) -> bytes:
    """The form of a cell's weights.pt, so that whatever takes a cell takes the file."""
    state = ours.net.state_dict()
    out = io.BytesIO()
    torch.save({"params": ours.params, "num_ids": num_ids(ours), "state": state}, out)
    return out.getvalue()


def num_ids(ours: Embedder) -> int:
    """The number of people a cell was trained on."""
    return len(ours.net.classifier.weight)


def compare(ours: Embedder, ask: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> float:
    """The largest difference to our features, over batches of 1 and 5 pictures of both modalities.

    Raises DeployError above TOLERANCE: such a file is not written.
    """
    largest = 0.0
    for count in (1, 5):
        pictures, infrared = (value.numpy() for value in _example(ours, count))
        theirs = ask(pictures, infrared)
        for n in range(count):
            m = Modality.I if infrared[n] else Modality.V
            difference = np.abs(theirs[n] - ours(pictures[n], m)[0]).max()
            largest = max(largest, float(difference))
    if not largest <= TOLERANCE:
        raise DeployError(
            f"the exported net's features differ from ours by {largest:.2g}, {TOLERANCE} is "
            "allowed: nothing was written. Use --to torch, and tell us which cell it was"
        )
    return largest


def _deployed(ours: Embedder) -> Deployed:
    if ours.params.get("flip"):
        raise DeployError(
            "this cell is tested with mirrored pictures (flip): a file of one pass would give "
            "other features. Use --to torch"
        )
    return Deployed(ours.net.export()).eval()


def _example(ours: Embedder, count: int) -> tuple[Tensor, Tensor]:
    """Pictures of noise, every other one infrared."""
    draw = torch.Generator().manual_seed(count)
    shape = (count, ours.height, ours.width, 3)
    pictures = torch.randint(0, 256, shape, dtype=torch.uint8, generator=draw)
    return pictures, torch.arange(count) % 2 == 1


def _about(ours: Embedder) -> dict:
    return {
        "bdlab": __version__,
        "cell": ours.name,
        "weights_sha256": ours.sha256,
        "height": ours.height,
        "width": ours.width,
        "dim": ours.dim,
        "pictures": "uint8 RGB, resized by Lanczos to height x width",
    }
