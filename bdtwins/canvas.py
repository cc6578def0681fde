"""The drawing board of the synthetic people: shapes painted into layers that every sensor can be
developed from.

One painting holds nine layers ``[9, H, W]`` float32: RED, GREEN, BLUE (albedo, 0..1), NIR
(reflectance, 0..1), HEAT (temperature in degrees Celsius), NX and NY (the visible part of the
surface normal, -1..1), LIT (1 = open to the light, less in a contact shadow), FAR (distance from
the camera in person distances, 1 = the person). Positions are in picture heights: x from the middle
to the right, y from the top edge down; a picture is 1 high and 0.5 wide. Edges are anti-aliased
from signed distances, so one description serves every size.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

RED, GREEN, BLUE, NIR, HEAT, NX, NY, LIT, FAR = range(9)

Point = tuple[float, float]


def clip(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """``np.clip`` without its overhead, which on pictures this small is most of its cost."""
    return np.minimum(np.maximum(values, low), high)


@lru_cache(maxsize=8)
def grain(height: int) -> np.ndarray:
    """Smooth noise ``[2, 2 * height, 2 * height]`` float32, mean 0, sd 1: wide folds, and fine
    ones.

    Fixed for a height (its seed is a constant): parts of a figure cut different windows from it.
    """
    # only rendering needs it, and every run opens this module
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(np.random.SeedSequence(20_260))
    side = 2 * height
    sheets = []
    for wide in (0.020, 0.008):
        # folds run along the body, hence the longer scale in y
        sheet = gaussian_filter(
            rng.standard_normal((side, side), dtype=np.float32),
            (1.6 * wide * height, wide * height),
            mode="wrap",
        )
        sheets.append(sheet / sheet.std())
    return np.stack(sheets).astype(np.float32)


class Canvas:
    """Layers under the brush; ``far`` is the brush's current distance (None: paint on what is
    there), ``fold`` its fold window.
    """

    def __init__(
        self,
        height: int,
        width: int,
        unit: int | None = None,
        top: float = 0.0,
        layers: np.ndarray | None = None,
    ):
        """``unit`` is the pixels of one picture height (a backdrop is larger than a picture),
        ``top`` the y of its upper edge.
        """
        self.height, self.width, self.unit, self.top = height, width, unit or height, top
        self.layers = np.zeros((9, height, width), np.float32) if layers is None else layers
        self.ys = ((np.arange(height, dtype=np.float32) + 0.5) / self.unit + np.float32(top))[
            :, None
        ]
        self.xs = ((np.arange(width, dtype=np.float32) + 0.5 - width / 2) / self.unit)[None, :]
        self.far: float | np.ndarray | None = 1.0
        self.fold = 0

    def window(
        self, x0: float, y0: float, x1: float, y1: float, pad: float = 0.0
    ) -> tuple[slice, slice] | None:
        """Rows and columns that a shape within these bounds can touch; None outside the picture."""
        pad += 1.0 / self.unit
        middle = self.width / 2
        top, bottom = (
            max(0, int((y0 - pad - self.top) * self.unit)),
            min(self.height, int((y1 + pad - self.top) * self.unit) + 1),
        )
        left, right = (
            max(0, int((x0 - pad) * self.unit + middle)),
            min(self.width, int((x1 + pad) * self.unit + middle) + 1),
        )
        return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None

    def folds(self, at: tuple[slice, slice], sheet: int = 0) -> np.ndarray:
        """The part of ``grain`` that the current fold window puts under ``at``: [h, w] float32."""
        rows, cols = at
        side = 2 * self.unit
        dy, dx = (
            (self.fold * 7919) % (side - self.height),
            (self.fold * 104_729) % (side - self.width),
        )
        return grain(self.unit)[
            sheet, rows.start + dy : rows.stop + dy, cols.start + dx : cols.stop + dx
        ]

    def paint(self, at, distance, surface, nx=0.0, ny=0.0, crease=0.0, opacity=1.0) -> None:
        """Lay one surface over the window ``at``.

        ``distance`` [h, w] is signed, negative inside; ``surface`` is five values (albedo, NIR,
        heat) or ``[5, h, w]``; ``crease`` is how deep the folds of the cloth are (they bend the
        normal and cool the cloth where it lifts off).
        """
        cover = clip(0.5 - distance * np.float32(self.unit), 0.0, 1.0)
        if opacity != 1.0:
            cover *= np.float32(opacity)
        value = np.empty((9, *cover.shape), np.float32)
        value[:5] = (
            surface
            if getattr(surface, "ndim", 1) == 3
            else np.asarray(surface, np.float32)[:, None, None]
        )
        region = self.layers[(slice(None), *at)]
        value[NX], value[NY], value[LIT] = nx, ny, 1.0
        value[FAR] = region[FAR] if self.far is None else self.far
        if crease:
            wide = self.folds(at)
            value[NX] += np.float32(0.15 * crease) * wide
            value[NY] += np.float32(0.22 * crease) * self.folds(at, 1)
            value[HEAT] += np.float32(0.9 * crease) * wide
        value -= region
        value *= cover
        region += value

    def shade(self, at, distance, depth: float, soft: float) -> None:
        """Darken the LIT layer by up to ``depth`` inside a shape, fading over ``soft`` picture
        heights outside it.
        """
        self.layers[(LIT, *at)] *= 1.0 - np.float32(depth) * clip(
            0.5 - distance / np.float32(soft), 0.0, 1.0
        )

    def limb(
        self,
        a: Point,
        b: Point,
        ra: float,
        rb: float,
        surface,
        *,
        crease=0.0,
        shadow=0.0,
        opacity=1.0,
        ink=None,
    ) -> None:
        """A tapered capsule from ``a`` (radius ``ra``) to ``b`` (radius ``rb``); ``shadow`` darkens
        what is beside it.

        ``ink(surface [5, h, w], across [h, w] in -1..1, along [h, w] in picture heights from a)``
        may print on it in place.
        """
        r = max(ra, rb)
        if r * self.unit < 0.25:
            return
        soft = 0.02 if shadow else 0.0
        at = self.window(
            min(a[0], b[0]) - r, min(a[1], b[1]) - r, max(a[0], b[0]) + r, max(a[1], b[1]) + r, soft
        )
        if at is None:
            return
        px, py = self.xs[:, at[1]] - a[0], self.ys[at[0]] - a[1]
        bx, by = b[0] - a[0], b[1] - a[1]
        square = max(bx * bx + by * by, 1e-9)
        free = (px * bx + py * by) / square
        t = clip(free, 0.0, 1.0)
        ex, ey = px - t * bx, py - t * by
        radius = ra + (rb - ra) * t
        distance = np.sqrt(ex * ex + ey * ey) - radius
        if shadow:
            self.shade(at, distance, shadow, soft)
        # the normal leans away from the axis only, so two limbs that meet in a joint shade alike
        radius = np.maximum(radius, 1e-4)
        length = math.sqrt(square)
        across = clip((px * by - py * bx) / (length * radius), -1.0, 1.0)
        if ink is not None:
            surface = np.broadcast_to(
                np.asarray(surface, np.float32)[:, None, None], (5, *distance.shape)
            ).copy()
            ink(surface, across, np.broadcast_to(free * length, distance.shape))
        self.paint(
            at, distance, surface, across * (by / length), across * (-bx / length), crease, opacity
        )

    def ellipse(
        self,
        centre: Point,
        rx: float,
        ry: float,
        surface,
        *,
        crease=0.0,
        ragged=0.0,
        below=None,
        above=None,
        opacity=1.0,
    ) -> None:
        """An ellipse; ``ragged`` roughens its edge (leaves, curls), ``below`` and ``above`` cut it
        at those heights.
        """
        if min(rx, ry) * self.unit < 0.2:
            return
        at = self.window(centre[0] - rx, centre[1] - ry, centre[0] + rx, centre[1] + ry, ragged)
        if at is None:
            return
        ys = self.ys[at[0]]
        qx, qy = (self.xs[:, at[1]] - centre[0]) / rx, (ys - centre[1]) / ry
        k = np.sqrt(qx * qx + qy * qy) + 1e-6
        distance = k * (k - 1.0) / np.sqrt((qx / rx) ** 2 + (qy / ry) ** 2 + 1e-6)
        if ragged:
            distance = distance + ragged * self.folds(at, 1)
        if below is not None:
            distance = np.maximum(distance, below - ys)
        if above is not None:
            distance = np.maximum(distance, ys - above)
        self.paint(at, distance, surface, clip(qx, -1, 1), clip(qy, -1, 1), crease, opacity)

    def box(
        self, centre: Point, half: Point, surface, *, corner=0.0, crease=0.0, bulge=0.0, opacity=1.0
    ) -> None:
        """An upright rectangle with rounded corners; ``bulge`` rounds its shading like a stuffed
        bag.
        """
        at = self.window(
            centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]
        )
        if at is None:
            return
        qx, qy = self.xs[:, at[1]] - centre[0], self.ys[at[0]] - centre[1]
        dx, dy = np.abs(qx) - (half[0] - corner), np.abs(qy) - (half[1] - corner)
        outside = np.sqrt(np.maximum(dx, 0) ** 2 + np.maximum(dy, 0) ** 2)
        distance = outside + np.minimum(np.maximum(dx, dy), 0.0) - corner
        nx, ny = (bulge * clip(q / h, -1, 1) ** 3 for q, h in zip((qx, qy), half, strict=True))
        self.paint(at, distance, surface, nx, ny, crease, opacity)

    def profile(
        self, heights, centres, halves, bow: float = 0.0
    ) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray] | None:
        """A body of horizontal slices (torso, skirt, hair): window, signed distance and place
        across, -1..1.

        ``bow`` curves the lower edge (a hem is a ring seen from above). ``heights`` ascends (down
        the picture); at each, the slice's middle and half width. Paint it with ``paint``: what is
        printed on it depends on where across (``u``) and how far down a pixel lies.
        """
        heights, centres, halves = (np.asarray(v, np.float32) for v in (heights, centres, halves))
        at = self.window(
            float((centres - halves).min()),
            float(heights[0]),
            float((centres + halves).max()),
            float(heights[-1]),
        )
        if at is None:
            return None
        ys = self.ys[at[0]]
        middle = np.interp(ys[:, 0], heights, centres).astype(np.float32)[:, None]
        half = np.interp(ys[:, 0], heights, halves).astype(np.float32)[:, None]
        across = self.xs[:, at[1]] - middle
        u = clip(across / np.maximum(half, 1e-4), -1.0, 1.0)
        distance = np.maximum(
            (np.abs(across) - half) * np.float32(0.9),
            np.maximum(heights[0] - ys, ys - heights[-1] + np.float32(bow) * u * u),
        )
        return at, distance, u
