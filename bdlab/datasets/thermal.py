"""What an infrared camera measured: raw values, one range for a whole set, false colours.

A thermal camera counts 14 bits in files of 16, or writes degrees as floats. One range for all
pictures of a set turns them into grey levels; a range of each picture's own would destroy
temperature. A false-colour palette is known again and turned back into grey.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from .records import DatasetError

RAW = "`bdlab data import --scale auto` gives raw counts one range for the whole set"
#: Of 256: a whole set of 16-bit pictures below it is raw counts, not pictures.
SET_LEVELS = 128
#: Percentiles of a set's values that become black and white when the range is found by itself.
AUTO = (0.1, 99.9)
_SAMPLE, _MOST = 4096, 20_000_000  # values taken of a picture, and of a set

#: The palettes that are known again: matplotlib's, which OpenCV has too, and thermal cameras' iron.
PALETTES = ("inferno", "jet", "plasma", "magma", "hot", "turbo", "viridis", "iron")
_IRON = (
    (0, 0, 0), (32, 0, 140), (120, 0, 160), (204, 0, 119), (236, 75, 20),
    (255, 165, 0), (255, 225, 60), (255, 255, 255),
)  # fmt: skip
_NEAR = 24.0  # distance in RGB up to which a pixel is on a palette, a JPEG's errors included
_CHROMA = 16  # mean difference of the channels below which a picture is grey


@dataclass(frozen=True)
class Scale:
    """The one range of a set: ``low`` becomes black (0), ``high`` white (255), in the units of the
    files (counts, degrees).
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise DatasetError(
                f"{self.low} to {self.high} is no range",
                rule="a range has a low end and a higher one",
                remedy="give --scale LOW HIGH, or --scale auto",
            )

    def grey(self, values: np.ndarray) -> np.ndarray:
        """Values of any shape -> uint8; what lies outside the range is black or white."""
        share = (values.astype(np.float64) - self.low) / (self.high - self.low)
        return np.rint(share.clip(0, 1) * 255).astype(np.uint8)

    def clipped(self, values: np.ndarray) -> tuple[int, int]:
        """How many values lie below and above the range."""
        return int((values < self.low).sum()), int((values > self.high).sum())


def auto_scale(pictures: Iterable[np.ndarray], count: int) -> Scale:
    """The range between two percentiles (``AUTO``) of the values of ``count`` pictures, every
    picture weighing the same.
    """
    most = max(1, min(_SAMPLE, _MOST // max(count, 1)))
    taken = [_some(values, most) for values in pictures]
    low, high = np.percentile(np.concatenate(taken), AUTO)
    return Scale(float(low), float(high))


def _some(values: np.ndarray, most: int) -> np.ndarray:
    """At most ``most`` values of a picture, evenly spread."""
    flat = values.ravel()
    return flat[:: -(-flat.size // most)]


@dataclass
class Depth:
    """The values of a set's raw pictures, seen one after the other: how many pictures, from where
    to where.
    """

    pictures: int = 0
    low: float = float("inf")
    high: float = float("-inf")
    floats: int = 0

    def add(self, low: float, high: float, is_float: bool = False) -> None:
        """One picture more, by its lowest and highest value."""
        self.pictures += 1
        self.floats += is_float
        self.low, self.high = min(self.low, low), max(self.high, high)

    @property
    def levels(self) -> int:
        """Of 256: the grey levels that are used when 0..65535 becomes black to white."""
        return round((self.high - self.low) / 257) + 1

    def fault(self, root: Path) -> DatasetError | None:
        """Raw counts read as pictures; None for a set that uses its 16 bits, or has none."""
        if not self.pictures or self.levels >= SET_LEVELS:
            return None
        return DatasetError(
            f"{self.pictures} pictures of 16 bits hold {self.low:g} to {self.high:g} over the set: "
            f"{self.levels} of 256 grey levels",
            file=root,
            rule="16-bit pictures use the range 0..65535 (value / 257) and leave "
            f"{SET_LEVELS} grey levels over the set",
            remedy=RAW,
        )


@cache
def _colours(name: str) -> np.ndarray:
    """The 256 colours of a palette, [256 3] in 0..255, from cold to hot."""
    if name == "iron":
        ends = np.linspace(0, 255, len(_IRON))
        channels = [
            np.interp(np.arange(256), ends, channel) for channel in zip(*_IRON, strict=True)
        ]
        return np.stack(channels, axis=1)
    from matplotlib import colormaps

    return colormaps[name](np.arange(256))[:, :3] * 255


@cache
def _tree(name: str):
    """The colours of a palette, ready to be asked for the nearest."""
    from scipy.spatial import cKDTree

    return cKDTree(_colours(name))


def palette_of(rgb: np.ndarray) -> str | None:
    """The palette whose colours a picture [H, W, 3] is made of, or None: it is grey, or in other
    colours.
    """
    pixels = rgb.reshape(-1, 3).astype(float)
    pixels = pixels[:: max(1, len(pixels) // 1024)]
    if np.ptp(pixels, axis=1).mean() < _CHROMA:
        return None
    best, name = _NEAR, None
    for candidate in PALETTES:
        distance, level = _tree(candidate).query(pixels)
        low, high = np.percentile(level, (5, 95))
        # one flat colour is on many palettes
        fits = np.mean(distance < _NEAR) >= 0.9 and high - low >= 16
        if fits and distance.mean() < best:
            best, name = distance.mean(), candidate
    return name


def without_palette(rgb: np.ndarray, name: str) -> np.ndarray:
    """A false-colour picture [H, W, 3] -> uint8 [H, W]: the place of the nearest colour of the
    palette, 0 coldest.
    """
    if name not in PALETTES:
        raise DatasetError(
            f"there is no palette {name!r}",
            rule=f"the palettes are {', '.join(PALETTES)}",
            remedy="name one of them, or auto",
        )
    level = _tree(name).query(rgb.reshape(-1, 3).astype(float))[1]
    return level.astype(np.uint8).reshape(rgb.shape[:2])  # [H W]
