"""The numbers behind the channel explorer: one pair of pictures through E_V and G_S, without a
network.

Ten numbers make a generator (``generators``), in one of its two spaces. *Pixels* here are fractions
of white, 0 to 1; what lies outside a stem still sees, a screen cannot.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from bdlab.datasets import Dataset
from bdlab.modality import Modality
from bdlab.pixels import MEAN, STD
from bdlab.workbench import pictures

from .numbers import LEVEL, PARTS, SLOPE, SPACES, Numbers, checked, one_of

#: How one channel is shown: in its colour, as grey, or as the paper's Fig. 8c prints it.
INKS = ("colour", "grey", "dark is large")
#: A divergence of this much (of the way from black to white) or more is white.
WHITE = 0.5
_MEAN, _STD = np.array(MEAN, np.float32), np.array(STD, np.float32)


@dataclass(frozen=True, eq=False)
class Rendered:
    """One visible and one infrared picture, uint8 [H, W, 3], and what ten numbers make of them;
    float32 in G_S's own space.

    ``before`` [H, W] is E_V's sum before its ReLU; ``made[DV]``, ``made[DI]`` [H, W, 3] what G_S
    puts out.
    """

    visible: np.ndarray
    infrared: np.ndarray
    numbers: dict[str, list[float]]
    space: str
    before: np.ndarray
    made: dict[Modality, np.ndarray]

    @property
    def clipped(self) -> np.ndarray:
        """[H, W] bool: pixels that the ReLU sets to zero."""
        return self.before < 0

    @cached_property
    def pixels(self) -> dict[Modality, np.ndarray]:
        """All four as float32 [H, W, 3] fractions of white, nothing cut off."""
        base = {Modality.V: self.visible, Modality.I: self.infrared}
        return {m: p / np.float32(255) for m, p in base.items()} | {
            m: to_pixels(x, self.space) for m, x in self.made.items()
        }

    @cached_property
    def shown(self) -> dict[Modality, np.ndarray]:
        """All four as a screen can show them, uint8 [H, W, 3]."""
        return {m: _bytes(p) for m, p in self.pixels.items()}

    @cached_property
    def encoded(self) -> np.ndarray:
        """E_V(V) as the grey picture that would enter G_S with the same values, uint8 [H, W, 3]."""
        return np.repeat(
            _bytes(from_entered(np.maximum(self.before, 0), self.space))[..., None], 3, axis=-1
        )

    @property
    def divergence(self) -> np.ndarray:
        """|D_I - I| of each channel, [H, W, 3] float32 fractions of white, nothing cut off."""
        return np.abs(self.pixels[Modality.DI] - self.pixels[Modality.I])

    def outside(self, modality: Modality) -> float:
        """Share of a picture's values below black or above white: a stem sees them, a screen and
        this notebook cannot show them.
        """
        return float(((self.pixels[modality] < -1e-4) | (self.pixels[modality] > 1 + 1e-4)).mean())


@dataclass(frozen=True, eq=False)
class Stretched(Rendered):
    """The same pictures with their contrast stretched, each by itself: its darkest hundredth of
    values is black, its brightest white, what lay outside the screen included. Numbers and
    divergence are as they were.
    """

    @cached_property
    def shown(self) -> dict[Modality, np.ndarray]:
        return {m: _bytes(_stretch(p)) for m, p in self.pixels.items()}

    @cached_property
    def encoded(self) -> np.ndarray:
        grey = _stretch(from_entered(np.maximum(self.before, 0), self.space))
        return np.repeat(_bytes(grey)[..., None], 3, axis=-1)


def stretched(rendered: Rendered) -> Stretched:
    """See ``Stretched``."""
    return Stretched(**{field.name: getattr(rendered, field.name) for field in fields(Rendered)})


def _stretch(values: np.ndarray) -> np.ndarray:
    """Values by one scale and shift, so that their middle 98 % fill 0 to 1; a flat picture is
    left.
    """
    low, high = np.percentile(values, (1, 99))
    return values if high - low < 1e-6 else (values - low) / (high - low)


def render(
    visible: np.ndarray, infrared: np.ndarray, numbers: Numbers, space: str = "normalised"
) -> Rendered:
    """Eq. 1 on one pair of uint8 pictures [H, W, 3] of one size: D_V = G_S(E_V(V)), D_I = G_S(mean
    of I's channels).

    Raises ValueError for another shape or dtype, an unknown space, or numbers that are not ten.
    """
    one_of("space", space, SPACES)
    for name, p in (("visible", visible), ("infrared", infrared)):
        if getattr(p, "dtype", None) != np.uint8 or p.ndim != 3 or p.shape[-1] != 3:
            what = f"{getattr(p, 'dtype', type(p).__name__)} {list(getattr(p, 'shape', []))}"
            raise ValueError(
                f"{name} is {what}: a colour picture is meant, uint8 [H, W, 3]; "
                "np.asarray(Image.open(path).convert('RGB'))"
            )
    if visible.shape != infrared.shape:
        raise ValueError(
            f"visible is {visible.shape[:2]}, infrared {infrared.shape[:2]}: bring both to one "
            "size with channels.fit"
        )
    numbers = checked(numbers)
    w, b, scale, shift = (np.array(numbers[part], np.float32) for part in PARTS)
    before = enter(visible, space) @ w + b
    one = {Modality.DV: np.maximum(before, 0), Modality.DI: enter(infrared, space).mean(axis=-1)}
    return Rendered(
        visible,
        infrared,
        numbers,
        space,
        before,
        {m: x[..., None] * scale + shift for m, x in one.items()},
    )


def fit(pictures: Any, height: int = 288) -> np.ndarray:
    """One picture [H, W, 3] or several of it -> uint8 [n, height, height / 2, 3], the shape the
    network is fed (Lanczos).

    Raises ValueError for what is no uint8 colour picture.
    """
    found = np.asarray(pictures) if not isinstance(pictures, (list, tuple)) else pictures
    found = [np.asarray(p) for p in ([found] if getattr(found, "ndim", 0) == 3 else found)]
    if not found or any(p.dtype != np.uint8 or p.ndim != 3 or p.shape[-1] != 3 for p in found):
        what = f"{found[0].dtype} {list(found[0].shape)}" if found else "nothing"
        raise ValueError(
            f"pictures are {what}: uint8 [H, W, 3] or [n, H, W, 3] is meant; "
            "np.asarray(Image.open(path).convert('RGB'))"
        )
    size = (height // 2, height)
    return np.stack(
        [
            p
            if p.shape[1::-1] == size
            else np.asarray(Image.fromarray(p).resize(size, Image.Resampling.LANCZOS))
            for p in found
        ]
    )


def people_of(
    dataset: Dataset, most: int = 8, split: str = "test", height: int = 288
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """(visible, infrared, identities) of up to ``most`` people, uint8 [n, height, height / 2, 3]:
    each one's first pair of pictures.

    Of a rendered twin the same people anew, as sharp as asked. Raises ValueError for a part without
    people.
    """
    first: dict[int, tuple[int, int]] = {}
    for pair in pictures.partners(dataset, split, len(dataset.records)):
        first.setdefault(dataset.records[pair[0]].identity, pair)
    if not first:
        raise ValueError(
            f"{dataset.name} has nobody with a visible and an infrared picture in its part "
            f"{split!r}; take another part"
        )
    who = list(first)[:most]
    if twin := pictures.twin_of(dataset):
        from bdlab.datasets import twin as twins

        taken = [
            twins.counterfactual(**twin, identity=one, shot=0, shape=(height, height // 2))
            for one in who
        ]
        return np.stack([t["rgb"] for t in taken]), np.stack([t["ir"] for t in taken]), who
    rows = zip(*(first[one] for one in who), strict=True)
    visible, infrared = (pictures.pixels(dataset, row, height, height // 2) for row in rows)
    return visible, infrared, who


def enter(pictures: np.ndarray, space: str) -> np.ndarray:
    """uint8 [..., 3] -> float32 as E_V and G_S receive them."""
    return (
        pictures * (1 / (255 * _STD)) - _MEAN / _STD
        if space == "normalised"
        else pictures / np.float32(255)
    )


def to_pixels(values: np.ndarray, space: str) -> np.ndarray:
    """Three channels in the generator's space [..., 3] -> fractions of white, nothing cut off."""
    return values * _STD + _MEAN if space == "normalised" else values


def from_entered(values: np.ndarray, space: str) -> np.ndarray:
    """One channel [H, W] in the generator's space -> the grey, a fraction of white, that would have
    entered as it.
    """
    return (values - LEVEL) / SLOPE if space == "normalised" else values


def trace(rendered: Rendered, row: int, column: int) -> dict[str, Any]:
    """One pixel's way in numbers, as reading.js shows it: V and I in bytes, what enters, E_V's sum
    ``before`` and ``after`` its ReLU, ``warm`` (what infrared enters G_S as), what G_S makes of
    both, and D_V and D_I in bytes, nothing cut off. IndexError for a pixel outside.
    """
    visible, infrared = (p[row, column] for p in (rendered.visible, rendered.infrared))
    before = float(rendered.before[row, column])
    made = {m: x[row, column] for m, x in rendered.made.items()}
    return {
        "x": column,
        "y": row,
        "visible": visible.tolist(),
        "infrared": infrared.tolist(),
        "entered": enter(visible, rendered.space).tolist(),
        "before": before,
        "after": max(before, 0.0),
        "warm": float(enter(infrared, rendered.space).mean()),
        "made": {m.value: values.tolist() for m, values in made.items()},
        "bytes": {
            m.value: (255 * to_pixels(values, rendered.space)).tolist()
            for m, values in made.items()
        },
    }


# -- what the channels own
# ---------------------------------------------------------------------------------------------


def affine(numbers: Numbers, space: str = "normalised") -> tuple[np.ndarray, np.ndarray]:
    """(W [3], B [3]) such that of a grey infrared pixel I, a fraction of white, channel k of D_I is
    W_k I + B_k, in pixels too.

    In the unit space they are G_S's own w_k and b_k; in the normalised one what becomes of these on
    the way in and out.
    """
    w, b = (np.array(checked(numbers)[part]) for part in ("G_S.weight", "G_S.bias"))
    if space == "unit":
        return w, b
    return w * SLOPE * _STD, (w * LEVEL + b) * _STD + _MEAN


def shares(rendered: Rendered) -> dict[str, np.ndarray]:
    """What red, green and blue own of D_V, three fractions that sum to 1, measured in three spaces
    (and V's own, to compare).

    ``E_V weights``: of the sum of |w|. ``G_S output``: of the mean absolute value where it is
    computed. ``pixels``: of the mean brightness as a screen shows it.
    """
    found = {
        "E_V weights": np.abs(rendered.numbers["E_V.weight"]),
        "G_S output": np.abs(rendered.made[Modality.DV]).mean(axis=(0, 1)),
        "pixels": rendered.shown[Modality.DV].mean(axis=(0, 1)),
        "pixels of V": rendered.visible.mean(axis=(0, 1)),
    }
    return {
        name: np.divide(v, v.sum(), out=np.full(3, 1 / 3), where=v.sum() > 0)
        for name, v in found.items()
    }


def single(picture: np.ndarray, channel: int, ink: str = "colour") -> np.ndarray:
    """One channel of a uint8 picture alone, uint8 [H, W, 3], in one of ``INKS``."""
    one_of("ink", ink, INKS)
    plane = picture[..., channel]
    if ink != "colour":
        return np.repeat((plane if ink == "grey" else 255 - plane)[..., None], 3, axis=-1)
    alone = np.zeros_like(picture)
    alone[..., channel] = plane
    return alone


def grey(divergence: np.ndarray) -> np.ndarray:
    """A divergence [H, W] as uint8 [H, W, 3]: black where D_I is I, white from ``WHITE`` on; darker
    is more similar (Fig. 9).
    """
    return np.repeat(_bytes(divergence / WHITE)[..., None], 3, axis=-1)


def mark(picture: np.ndarray, where: np.ndarray) -> np.ndarray:
    """A uint8 picture with orange stripes where a mask [H, W] is true."""
    y, x = np.indices(where.shape)
    step = max(where.shape[0] // 48, 2)
    return np.where(
        (where & ((x + y) % (2 * step) < step))[..., None],
        np.array((222, 143, 5), np.uint8),
        picture,
    )


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 1) * np.float32(255)).astype(np.uint8)
