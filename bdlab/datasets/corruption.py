"""Corrupted pictures: noise, blur, weather and digital faults in five severities, for tests.

In the manner of SYSU-MM01-C and RegDB-C (Chen et al., "Benchmarks for Corruption Invariant Person
Re-identification", NeurIPS 2021, after Hendrycks and Dietterich, ICLR 2019): only visible test
pictures, each with a kind and a severity drawn for it. Ours: the kinds are written anew, with
ladders of our own and without frost; pictures are corrupted at the network's size, and lengths grow
with it; the draw is fixed by the relative path. So scores are not the published benchmark's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from PIL import Image
from scipy import ndimage

from bdlab.pixels import LUMA
from bdlab.rules import Corruption

HEIGHT = 128  # pixels of the picture that lengths below are given for
#: A picture [H, W, 3] float in [0, 1], a level of the ladder, pixels a unit of length, the draw.
Change = Callable[[np.ndarray, float, float, Generator], np.ndarray]


class Kind(NamedTuple):
    """One kind of corruption: what it does, and how far at each of the five severities."""

    change: Change
    ladder: tuple[float, float, float, float, float]


def corrupt(picture: np.ndarray, path: str, test: Corruption) -> np.ndarray:
    """The picture uint8 [H, W, 3] as this test shows it; ``path`` is its place in the set.

    A pure function: kind and severity are drawn by the path where the test leaves them open, the
    rest by path, kind and severity. Raises ValueError for pixels that are no uint8 RGB.
    """
    kind = _drawn(path, "kind", test.kinds)
    severity = _drawn(path, "severity", test.severities)
    return apply(picture, path, kind, severity)


def _drawn(path: str, purpose: str, choices: Sequence[Any]) -> Any:
    return choices[int(generator(path, purpose).integers(len(choices)))]


def apply(picture: np.ndarray, path: str, kind: str, severity: int) -> np.ndarray:
    """The picture with one kind of corruption at one severity, 1 to 5."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"a picture is {picture.dtype} {picture.shape}: uint8 [H, W, 3] is meant")
    change, ladder = KINDS[kind]
    draw = generator(path, kind, severity)
    unit = len(picture) / HEIGHT
    changed = change(picture / 255.0, ladder[severity - 1], unit, draw)
    return np.rint(255 * changed.clip(0, 1)).astype(np.uint8)


def generator(path: str, *key: object) -> Generator:
    """An independent generator for one picture and purpose."""
    text = "\0".join(map(str, (path, *key)))
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


# -- noise


def _gaussian_noise(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    return x + level * draw.standard_normal(x.shape)


def _shot_noise(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    photons = 1 / level
    return draw.poisson(x * photons) / photons


def _impulse_noise(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    hit = draw.random(x.shape) < level
    return np.where(hit, draw.integers(0, 2, x.shape), x)


def _speckle_noise(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    return x + level * x * draw.standard_normal(x.shape)


# -- blur


def _defocus_blur(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    """A disc, its edge one pixel soft."""
    radius = level * unit
    reach = int(np.ceil(radius + 0.5))
    y, z = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return _convolved(x, np.clip(radius + 0.5 - np.hypot(y, z), 0, 1))


def _glass_blur(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    """Every pixel from a place near by, then softened."""
    shift = level * unit * draw.uniform(-1, 1, (2, *x.shape[:2]))
    return _softened(_moved(x, shift), 0.4 * level * unit)


def _motion_blur(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    return _streaked(x, level * unit, draw.uniform(0, np.pi))


def _zoom_blur(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    """The mean of pictures that come nearer."""
    middle = (np.array(x.shape[:2]) - 1) / 2
    offset = np.indices(x.shape[:2]) - middle[:, None, None]
    nearer = [_moved(x, (1 / scale - 1) * offset) for scale in np.linspace(1, 1 + level, 8)]
    return np.mean(nearer, axis=0)


def _gaussian_blur(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    return _softened(x, level * unit)


# -- weather


def _snow(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    """A paler picture, and flakes that fall aslant."""
    flakes = (draw.random(x.shape[:2]) < 0.07 * level).astype(float)
    fallen = _streaked(flakes[..., None], 5 * unit, draw.uniform(0.3, 0.7) * np.pi)
    pale = (1 - 0.5 * level) * x + 0.5 * level
    return pale + 1.5 * fallen


def _fog(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    """Light grey that is denser in places."""
    clouds = _clouds(x.shape[:2], 24 * unit, draw)
    dense = level * (0.6 + 0.4 * clouds)[..., None]
    return (1 - dense) * x + 0.85 * dense


def _rain(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    """A darker picture, and bright streaks that fall nearly upright."""
    drops = (draw.random(x.shape[:2]) < 0.06 * level).astype(float)
    streaks = _streaked(drops[..., None], 14 * unit, draw.uniform(0.42, 0.58) * np.pi)
    return (1 - 0.3 * level) * x + 3 * streaks


def _spatter(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    """Drops of mud over a share of the picture."""
    clouds = _clouds(x.shape[:2], 2.5 * unit, draw)
    mud = clouds > np.quantile(clouds, 1 - level)
    return np.where(mud[..., None], np.array([0.25, 0.16, 0.08]), x)


def _brightness(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    return x + level


# -- digital


def _contrast(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    mean = x.mean((0, 1))
    return mean + (1 - level) * (x - mean)


def _elastic(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    """A cloth that is pulled: neighbours move together."""
    pull = [2 * _clouds(x.shape[:2], 5 * unit, draw) - 1 for _ in range(2)]
    return _moved(x, level * unit * np.stack(pull))


def _pixelate(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    height, width = x.shape[:2]
    few = max(1, round(width / (level * unit))), max(1, round(height / (level * unit)))
    small = _image(x).resize(few, Image.Resampling.BOX)
    return np.asarray(small.resize((width, height), Image.Resampling.NEAREST)) / 255.0


def _jpeg(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    file = BytesIO()
    _image(x).save(file, "JPEG", quality=int(level))
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB")) / 255.0


def _saturate(x: np.ndarray, level: float, unit: float, draw: Generator) -> np.ndarray:
    luma = x @ np.array(LUMA)
    return luma[..., None] + level * (x - luma[..., None])


# -- what they are made of


def _image(x: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(255 * x).astype(np.uint8))


def _convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Each channel with a kernel [a, b] whose sum becomes 1."""
    return ndimage.convolve(x, kernel[..., None] / kernel.sum(), mode="nearest")


def _softened(x: np.ndarray, sigma: float) -> np.ndarray:
    return ndimage.gaussian_filter(x, (sigma, sigma, 0), mode="nearest")


def _streaked(x: np.ndarray, length: float, angle: float) -> np.ndarray:
    """Each channel along a line of this length; a right angle is upright."""
    reach = int(np.ceil(length / 2))
    y, z = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = np.abs(z * np.cos(angle) + y * np.sin(angle))
    across = np.abs(y * np.cos(angle) - z * np.sin(angle))
    line = np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1)
    return _convolved(x, line)


def _moved(x: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Every pixel from where ``shift`` [2, H, W] (down, right) points; outside, the edge."""
    places = np.indices(x.shape[:2]) + shift
    channels = np.moveaxis(x, 2, 0)
    moved = [ndimage.map_coordinates(one, places, order=1, mode="nearest") for one in channels]
    return np.stack(moved, axis=2)


def _clouds(size: tuple[int, ...], sigma: float, draw: Generator) -> np.ndarray:
    """Soft noise [H, W] that fills [0, 1]."""
    noise = ndimage.gaussian_filter(draw.standard_normal(size), sigma, mode="reflect")
    low, high = noise.min(), noise.max()
    return (noise - low) / max(high - low, 1e-9)


#: Every kind that ``rules.CORRUPTIONS`` names.
KINDS = {
    "gaussian_noise": Kind(_gaussian_noise, (0.05, 0.10, 0.16, 0.24, 0.35)),
    "shot_noise": Kind(_shot_noise, (0.01, 0.03, 0.07, 0.15, 0.30)),
    "impulse_noise": Kind(_impulse_noise, (0.02, 0.05, 0.10, 0.18, 0.28)),
    "speckle_noise": Kind(_speckle_noise, (0.12, 0.22, 0.35, 0.50, 0.70)),
    "defocus_blur": Kind(_defocus_blur, (2.2, 3.0, 4.0, 5.2, 6.5)),
    "glass_blur": Kind(_glass_blur, (1.0, 1.8, 2.8, 4.0, 5.5)),
    "motion_blur": Kind(_motion_blur, (4.0, 7.0, 11.0, 16.0, 22.0)),
    "zoom_blur": Kind(_zoom_blur, (0.08, 0.16, 0.25, 0.35, 0.50)),
    "gaussian_blur": Kind(_gaussian_blur, (0.8, 1.5, 2.3, 3.3, 4.5)),
    "snow": Kind(_snow, (0.15, 0.30, 0.50, 0.70, 0.90)),
    "fog": Kind(_fog, (0.25, 0.40, 0.55, 0.70, 0.85)),
    "rain": Kind(_rain, (0.2, 0.4, 0.6, 0.8, 1.0)),
    "spatter": Kind(_spatter, (0.05, 0.10, 0.17, 0.26, 0.38)),
    "brightness": Kind(_brightness, (0.1, 0.2, 0.3, 0.4, 0.5)),
    "contrast": Kind(_contrast, (0.30, 0.45, 0.58, 0.70, 0.80)),
    "elastic": Kind(_elastic, (2.5, 4.0, 6.0, 9.0, 12.0)),
    "pixelate": Kind(_pixelate, (3.0, 4.2, 5.6, 7.5, 10.0)),
    "jpeg": Kind(_jpeg, (30, 20, 13, 8, 4)),
    "saturate": Kind(_saturate, (1.6, 2.4, 3.6, 5.5, 9.0)),
}
