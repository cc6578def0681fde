"""A trained cell as a function from pictures to features.

>>> import bdlab
>>> embed = bdlab.embedder("runs/<cell>")                     # doctest: +SKIP
>>> features = embed(["a.jpg", "b.jpg"], "V")                 # doctest: +SKIP
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from bdlab import pixels
from bdlab.config import ConfigError, from_flat
from bdlab.machine import cores
from bdlab.methods import METHODS
from bdlab.modality import Modality
from bdlab.network import reading
from bdlab.training.extract import EVALUATION_BATCH

from . import DeployError, raw
from .pictures import deployed

SHAPES = "[N, H, W, 3] or [H, W, 3] uint8, RGB from 0 to 255"


class Embedder:
    """A net that is only asked: pictures of V or I in, unit-length float32 features [N, D] out.

    ``height`` and ``width`` [pixels] are those it was trained at, pictures of other sizes are
    resized as in training. ``params`` are the cell's, ``sha256`` is that of its weights. ``scale``
    is the range of raw infrared values: the one given, else that of the set it was trained on.
    ``batch`` pictures go through the net at a time, as in a test.
    """

    batch = EVALUATION_BATCH

    def __init__(
        self,
        net: nn.Module,
        params: dict[str, Any],
        file: Path,
        device: str | None,
        scale: Sequence[float] | None = None,
    ):
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.net = net.eval().to(self.device, memory_format=torch.channels_last)
        self.params = params
        self.file = file
        self.sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        self.name = file.parent.name if file.name == "weights.pt" else file.stem
        self.height, self.width = int(params["height"]), int(params["width"])
        self.scale = raw.given(scale) or raw.of_cell(file)

    @property
    def dim(self) -> int:
        """The length D of a feature."""
        return self.net.dim

    def __call__(self, pictures: Any, modality: str | Modality = "V") -> np.ndarray:
        """The features [N, D] of pictures: files, arrays of any size, or a list of either.

        Raises ValueError for a modality that is not deployed, or pixels that are no uint8 RGB;
        DatasetError for a file that is no picture, DeployError for raw values without a range.
        """
        m = deployed(modality)
        whole = self._pixels(pictures, self.reader(m))
        parts = []
        for start in range(0, len(whole), self.batch):
            parts.append(self._features(whole[start : start + self.batch], m))
        return np.concatenate(parts)

    def reader(self, m: Modality, scale: raw.Known | None = None) -> raw.Reader:
        """What reads picture files of one modality; ``scale`` before the embedder's own."""
        return raw.Reader(self.height, self.width, m, scale or self.scale)

    def files(
        self,
        paths: Sequence[Path],
        modality: str | Modality,
        read: Callable[[Path], np.ndarray] | None = None,
    ) -> Iterator[np.ndarray]:
        """The features of picture files, so many rows at a time as a test has in a batch; ``read``
        opens one (default: ``reader``).
        """
        m = deployed(modality)
        read = read or self.reader(m)
        with ThreadPoolExecutor(cores()) as pool:
            for start in range(0, len(paths), self.batch):
                loaded = pool.map(read, paths[start : start + self.batch])
                yield self._features(np.stack(list(loaded)), m)

    @torch.no_grad()
    def _features(self, pictures: np.ndarray, m: Modality) -> np.ndarray:
        # [B, H, W, 3] -> [B, 3, H, W], the memory stays channels last
        stored = torch.from_numpy(pictures).to(self.device).permute(0, 3, 1, 2)
        x = pixels.normalise(stored)
        feature = self.net.embed(x, m)
        if self.params.get("flip"):
            feature = F.normalize(feature + self.net.embed(x.flip(-1), m), dim=1)
        return feature.cpu().numpy()

    def _pixels(self, pictures: Any, read: raw.Reader) -> np.ndarray:
        """Whatever was given as uint8 [N, H, W, 3] at the cell's size."""
        if isinstance(pictures, Tensor):
            raise ValueError(f"a tensor: numpy arrays are meant, {SHAPES}; use tensor.numpy()")
        if isinstance(pictures, str | Path):
            pictures = [pictures]
        if isinstance(pictures, np.ndarray) and pictures.ndim == 3:
            pictures = pictures[None]
        if len(pictures) == 0:
            raise ValueError("no picture was given")
        return np.stack([self._one(picture, read) for picture in pictures])

    def _one(self, picture: Any, read: raw.Reader) -> np.ndarray:
        if isinstance(picture, str | Path):
            return read(picture)
        array = np.asarray(picture)
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[-1] != 3:
            raise ValueError(f"a picture is {array.dtype} {array.shape}: {SHAPES} are meant")
        if array.shape[:2] == (self.height, self.width):
            return array
        size = (self.width, self.height)
        return np.asarray(Image.fromarray(array).resize(size, Image.Resampling.LANCZOS))


def embedder(
    cell: str | Path, device: str | None = None, scale: Sequence[float] | None = None
) -> Embedder:
    """The embedder of a finished cell's folder, or of a published file (.safetensors, .pt).

    ``scale`` (low, high) is the range of raw infrared values in files. Raises WeightsError for a
    file that is not there or damaged, DeployError for one that holds no cell.
    """
    found = reading.read(cell)
    if found.params is None:
        raise DeployError(
            f"{found.file}: holds weights but no cell, so nothing says how to use them. Train from "
            "them (--set weights=...), and give the finished cell"
        )
    return Embedder(net_of(found), dict(found.params), found.file, device, scale)


def net_of(found: reading.Weights) -> nn.Module:
    """The net of a cell that was read, on the CPU. Raises DeployError if its parts do not fit."""
    params = dict(found.params)
    try:
        strides = params["strides"]
        strides = "v1.5" if strides == "auto" else strides
        config = from_flat(params | {"weights": None, "strides": strides})
        classes = found.state["classifier.weight"].shape[0]
        if classes != found.num_ids:
            raise ValueError(f"a classifier of {classes} people, {found.num_ids} are meant")
        net, _ = METHODS[config.run.method](config, found.num_ids)
        net.load_state_dict(found.state)
    except (ConfigError, KeyError, RuntimeError, TypeError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise DeployError(
            f"{found.file}: not the weights of a cell ({first}); run the cell again, or fetch the "
            "file again"
        ) from error
    return net
