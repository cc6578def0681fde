"""Raw infrared values in pictures that are embedded: one known range turns them into grey, or they
are refused. A range of each picture's own would destroy temperature.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bdlab.datasets import DatasetError, pictures
from bdlab.datasets.thermal import Scale
from bdlab.modality import Modality

from . import DeployError


@dataclass(frozen=True)
class Known(Scale):
    """A range, and who says so."""

    origin: str = "--scale"

    @property
    def words(self) -> str:
        """One sentence for whoever reads the result."""
        return f"Raw infrared values: {self.low:g} is black, {self.high:g} white ({self.origin})."


def given(ends: Sequence[float] | None) -> Known | None:
    """The range a caller gives as (low, high); raises DatasetError for one that is none."""
    return None if ends is None else Known(float(ends[0]), float(ends[1]))


def of_provenance(said: Any, origin: str) -> Known | None:
    """The range with which a set was imported, as its provenance (``made``) says; None if none."""
    try:
        low, high = said["made"]["scale"]
        return Known(float(low), float(high), origin)
    except (DatasetError, KeyError, TypeError, ValueError):
        return None


def of_cell(file: Path) -> Known | None:
    """The range of the set that a cell was trained on: of its result.json, or of the metadata of
    its published file.
    """
    try:
        if file.suffix == ".safetensors":
            from safetensors import safe_open

            with safe_open(file, framework="np") as opened:
                said = json.loads((opened.metadata() or {})["bdlab.data"])
        else:
            result = json.loads((file.parent / "result.json").read_text())
            said = result["provenance"]["data"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return of_provenance(said, "the set the cell was trained on")


class Reader:
    """Files of one modality as the net wants them: path -> uint8 [height, width, 3].

    ``seen``: whether raw values were among them.
    """

    def __init__(self, height: int, width: int, m: Modality, scale: Known | None):
        self.height, self.width, self.m, self.scale = height, width, m, scale
        self.seen = False

    def __call__(self, path: Path | str) -> np.ndarray:
        """Raises DatasetError for what is no picture, DeployError for raw values without a
        range.
        """
        data = pictures.read_bytes(path)
        values = pictures.raw(data, path) if self.m is Modality.I else None
        if values is None:
            return pictures.decode(data, self.height, self.width, path)
        if self.scale is None:
            raise DeployError(
                f"{path}: raw values from {values.min():g} to {values.max():g}, and nothing says "
                "which is black and which is white. Give the range of the pictures the cell was "
                "trained on: --scale LOW HIGH, in Python embedder(cell, scale=(LOW, HIGH)); "
                "--scale 0 65535 for pictures that use all 16 bits"
            )
        self.seen = True
        grey = Image.fromarray(self.scale.grey(values)).convert("RGB")
        return pictures.shrunk(grey, self.height, self.width)
