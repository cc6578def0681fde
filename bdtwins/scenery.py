"""Where the synthetic people walk: backdrops larger than a picture, painted once and cut out with a
shift.

A spot is a place that several shots share; which one a shot uses says nothing about who is in it.
What stands there is in ``things``.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np

from .canvas import LIT, Canvas
from .things import bushes, car, fill, ground, poles, stuff, tree, windows

KINDS = ("road", "wall", "green", "plaza", "corridor", "hall")
# a backdrop goes this much beyond the picture above and below, and REACH to each side
MARGIN = 0.15
REACH = 0.6


def key(purpose: str) -> int:
    """A stable number for a purpose's name: part of the key of every random stream (``hash``
    changes between runs).
    """
    return zlib.crc32(purpose.encode())


def stream(seed: int, purpose: str, *parts: int) -> np.random.Generator:
    """The random stream of (seed, purpose, parts...): neighbours share nothing, no global state is
    touched.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key(purpose), *parts)))


@lru_cache(maxsize=48)
def backdrop(seed: int, spot: int, kind: str, unit: int) -> Canvas:
    """The painted spot for pictures ``unit`` high; treat the result as read-only (it is shared
    between shots).
    """
    rng = stream(seed, "spot", spot)
    canvas = Canvas(round((1 + 2 * MARGIN) * unit), round((0.5 + 2 * REACH) * unit), unit, -MARGIN)
    canvas.layers[LIT] = 1.0
    horizon = rng.uniform(0.36, 0.56)
    {
        "road": _road,
        "wall": _wall,
        "green": _green,
        "plaza": _plaza,
        "corridor": _corridor,
        "hall": _hall,
    }[kind](canvas, rng, horizon)
    canvas.layers.flags.writeable = False
    return canvas


def cut(
    seed: int, spot: int, kind: str, dx: float, dy: float, height: int, width: int
) -> np.ndarray:
    """Layers ``[9, height, width]`` of a spot, moved by (dx, dy) picture heights (clipped to what
    is painted).
    """
    board = backdrop(seed, spot, kind, height)
    top = round(float(np.clip(MARGIN + dy, 0, 2 * MARGIN)) * height)
    left = round((board.width - width) / 2 + float(np.clip(dx, -REACH, REACH)) * height)
    top, left = min(top, board.height - height), int(np.clip(left, 0, board.width - width))
    return board.layers[:, top : top + height, left : left + width].copy()


def _road(canvas: Canvas, rng, horizon: float) -> None:
    fill(canvas, rng, "sky", -1, 0.1, (9, 9), 0.02)
    fill(
        canvas,
        rng,
        str(rng.choice(["leaves", "concrete", "brick"])),
        rng.uniform(-0.1, 0.12),
        horizon,
        (5, 5),
        0.12,
    )
    bushes(canvas, rng, horizon, 4.5, 5, 0.12)
    ground(canvas, rng, "asphalt", horizon)
    canvas.far = 2.5
    kerb = horizon + rng.uniform(0.16, 0.3)
    for x in rng.uniform(-0.9, 0.9, 3):
        car(canvas, rng, x, kerb - rng.uniform(0.0, 0.08), rng.uniform(0.2, 0.38), 2.5)
    fill(canvas, rng, "white" if rng.random() < 0.4 else "concrete", kerb, kerb + 0.014, (2, 2))
    if rng.random() < 0.6:
        fill(canvas, rng, "pavement", kerb + 0.014, 1.3, (2, 0.85))
    for x in np.arange(-0.9, 0.9, 0.32) + rng.uniform(0, 0.3):
        canvas.far = None
        canvas.box((x, rng.uniform(0.92, 0.95)), (0.09, 0.012), stuff(rng, "white"), opacity=0.7)
    poles(canvas, rng, kerb, 1)


def _wall(canvas: Canvas, rng, horizon: float) -> None:
    foot = rng.uniform(0.68, 0.82)
    fill(
        canvas,
        rng,
        str(rng.choice(["plaster", "brick", "concrete"])),
        -1,
        foot,
        (1.7, 1.7),
        0.05,
        0.2,
    )
    if rng.random() < 0.6:
        windows(canvas, rng, rng.uniform(-0.1, 0.1), foot - 0.12, 1.75)
    canvas.far = 1.7
    for x in rng.uniform(-0.8, 0.8, 2):
        canvas.box(
            (x, foot - 0.27),
            (rng.uniform(0.07, 0.11), 0.27),
            stuff(rng, "door", 0.3),
            corner=0.004,
        )
    fill(canvas, rng, "concrete", foot - 0.03, foot, (1.7, 1.7))
    ground(canvas, rng, "pavement", foot)
    poles(canvas, rng, foot, int(rng.integers(0, 3)))


def _green(canvas: Canvas, rng, horizon: float) -> None:
    fill(canvas, rng, "sky", -1, 0.3, (9, 9), 0.02)
    fill(canvas, rng, "leaves", rng.uniform(0.0, 0.25), horizon + 0.02, (6, 6), 0.2)
    ground(canvas, rng, "grass", horizon, 0.12)
    bushes(canvas, rng, horizon + 0.05, 4, 9, 0.14)
    for _ in range(3):
        tree(canvas, rng, horizon + rng.uniform(0.02, 0.2), 2.6)
    fill(canvas, rng, "pavement", rng.uniform(0.80, 0.88), 1.3, (1.5, 0.85))


def _plaza(canvas: Canvas, rng, horizon: float) -> None:
    fill(
        canvas,
        rng,
        str(rng.choice(["plaster", "brick", "concrete"])),
        -1,
        horizon + 0.05,
        (4, 4),
        0.05,
        0.2,
    )
    windows(canvas, rng, -0.15, horizon, 4.0)
    ground(canvas, rng, "pavement", horizon + 0.05)
    for y in (0.66, 0.76, 0.9):
        fill(canvas, rng, "concrete", y, y + 0.006, (2, 2))
    bushes(canvas, rng, horizon + 0.1, 3, 3, 0.07)
    car(canvas, rng, rng.uniform(-0.8, 0.8), horizon + 0.15, rng.uniform(0.16, 0.28), 3.2)
    poles(canvas, rng, horizon + 0.2, 2)


def _corridor(canvas: Canvas, rng, horizon: float) -> None:
    foot = rng.uniform(0.62, 0.76)
    fill(canvas, rng, "plaster", -1, foot, (2.0, 2.0), 0.02)
    if rng.random() < 0.5:
        fill(
            canvas,
            rng,
            str(rng.choice(["door", "concrete", "grass"])),
            foot - rng.uniform(0.15, 0.3),
            foot,
            (2.0, 2.0),
            0.02,
        )
    canvas.far = 2.0
    for x in np.arange(-0.8, 0.8, rng.uniform(0.35, 0.6)) + rng.uniform(-0.1, 0.1):
        canvas.box((x, foot - 0.25), (0.095, 0.25), stuff(rng, "white", 0.1))
        canvas.box(
            (x, foot - 0.24),
            (0.08, 0.24),
            stuff(rng, str(rng.choice(["door", "glass", "metal"])), 0.3),
        )
        canvas.box((x + 0.18, foot - 0.33), (0.05, 0.07), stuff(rng, "white", 0.3))
    ground(canvas, rng, "floor", foot, 0.03)
    canvas.far = None
    for x in np.arange(-0.9, 0.9, 0.22):
        canvas.limb((x, foot), (x * 1.7, 1.3), 0.003, 0.006, stuff(rng, "concrete"), opacity=0.5)


def _hall(canvas: Canvas, rng, horizon: float) -> None:
    fill(canvas, rng, "concrete", -1, horizon + 0.1, (3.0, 3.0), 0.03, 0.2)
    windows(canvas, rng, -0.05, horizon + 0.02, 3.0)
    ground(canvas, rng, "floor", horizon + 0.1, 0.03)
    for x in rng.uniform(-0.85, 0.85, 3):
        canvas.far = float(rng.uniform(1.5, 2.2))
        canvas.box((x, 0.3), (rng.uniform(0.03, 0.06), 0.45), stuff(rng, "plaster", 0.2), bulge=0.7)
    for x in rng.uniform(-0.85, 0.85, 3):
        canvas.far = 2.0
        canvas.box(
            (x, horizon + 0.2),
            (rng.uniform(0.05, 0.12), 0.07),
            stuff(rng, str(rng.choice(["door", "metal", "warm"])), 0.4),
            corner=0.01,
        )
