"""Where the synthetic people walk: backdrops larger than a picture, painted once and cut out with a
shift.

A spot is a place that several shots share; which one a shot uses says nothing about who is in it.
Things have albedo, NIR reflectance and temperature of their own (leaves are bright in NIR, glass
and sky are cold in long wave).
"""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np

from .canvas import LIT, Canvas

#: name -> albedo, NIR reflectance, degrees Celsius
STUFF: dict[str, tuple[float, float, float, float, float]] = {
    "asphalt": (0.46, 0.46, 0.47, 0.34, 20.0),
    "pavement": (0.63, 0.60, 0.56, 0.46, 20.6),
    "floor": (0.58, 0.56, 0.52, 0.50, 20.4),
    "grass": (0.40, 0.46, 0.31, 0.74, 16.8),
    "leaves": (0.27, 0.35, 0.23, 0.80, 15.8),
    "plaster": (0.74, 0.72, 0.68, 0.62, 19.6),
    "brick": (0.55, 0.43, 0.37, 0.50, 20.2),
    "concrete": (0.56, 0.56, 0.54, 0.44, 19.0),
    "sky": (0.82, 0.86, 0.90, 0.25, 8.0),
    "glass": (0.24, 0.27, 0.30, 0.16, 14.0),
    "door": (0.36, 0.28, 0.23, 0.48, 19.4),
    "metal": (0.50, 0.52, 0.54, 0.40, 17.5),
    "rubber": (0.10, 0.10, 0.10, 0.12, 22.5),
    "warm": (0.30, 0.30, 0.31, 0.28, 26.5),
    "bark": (0.36, 0.31, 0.26, 0.46, 17.6),
    "white": (0.84, 0.84, 0.82, 0.74, 19.2),
}
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


def _stuff(
    rng: np.random.Generator, name: str, tone: float = 0.12, warm: float = 0.9
) -> np.ndarray:
    """One thing of a kind: its tone, NIR and temperature vary apart from each other."""
    values = np.array(STUFF[name], np.float32)
    # tones differ along the red-blue axis (sun and sky), hardly along the green one
    values[:3] *= np.exp(rng.normal(0, tone)) * (
        1 + 0.10 * rng.standard_normal() * np.array([1.0, 0.0, -1.0])
    )
    values[3] += 0.08 * rng.standard_normal()
    values[4] += warm * rng.standard_normal()
    return np.clip(values, 0.04, [0.95, 0.95, 0.95, 0.95, 40.0]).astype(np.float32)


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


def _fill(
    canvas: Canvas, rng, name: str, top: float, bottom: float, far=(3.0, 3.0), rough=0.05, tone=0.12
) -> None:
    """A band across the whole board with a mottled tone; ``far`` is its distance at its top and at
    its bottom.
    """
    at = canvas.window(-9, top, 9, bottom)
    if at is None:
        return
    canvas.fold = int(rng.integers(1 << 20))
    mottle = canvas.folds(at)
    values = np.empty((5, *mottle.shape), np.float32)
    values[:] = _stuff(rng, name, tone)[:, None, None]
    values[:4] *= 1 + rough * mottle
    values[4] += 6 * rough * canvas.folds(at, 1)
    share = np.clip((canvas.ys[at[0]] - top) / max(bottom - top, 1e-3), 0, 1)
    canvas.far = 1.0 / (1.0 / far[0] + (1.0 / far[1] - 1.0 / far[0]) * share)
    distance = np.maximum(top - canvas.ys[at[0]], canvas.ys[at[0]] - bottom) + 0 * mottle
    canvas.paint(at, distance, values)
    canvas.far = float(far[0])


def _ground(canvas: Canvas, rng, name: str, horizon: float, rough=0.05) -> None:
    _fill(canvas, rng, name, horizon, 1.3, (4.0, 0.85), rough)


def _windows(canvas: Canvas, rng, top: float, bottom: float, far: float) -> None:
    """A grid of panes, some with a lit or curtained one."""
    canvas.far = far
    step_x, step_y = rng.uniform(0.13, 0.26), rng.uniform(0.13, 0.22)
    half = (step_x * rng.uniform(0.24, 0.36), step_y * rng.uniform(0.28, 0.38))
    frame, pane = _stuff(rng, "white"), _stuff(rng, "glass")
    start = rng.uniform(0, step_x)
    for x in np.arange(-1 + start, 1, step_x):
        for y in np.arange(bottom - step_y, top, -step_y):
            canvas.box((x, y), (half[0] + 0.008, half[1] + 0.008), frame)
            canvas.box(
                (x, y), half, pane if rng.random() < 0.8 else _stuff(rng, "plaster", 0.3, 2.0)
            )


def _bushes(canvas: Canvas, rng, base: float, far: float, count: int, size: float) -> None:
    canvas.far = far
    for _ in range(count):
        canvas.fold = int(rng.integers(1 << 20))
        r = size * rng.uniform(0.6, 1.3)
        centre = (rng.uniform(-0.85, 0.85), base - r * rng.uniform(0.2, 0.8))
        canvas.ellipse(
            centre,
            r * rng.uniform(0.9, 1.6),
            r,
            _stuff(rng, "leaves", 0.25),
            crease=1.6,
            ragged=0.016,
        )


def _tree(canvas: Canvas, rng, base: float, far: float) -> None:
    canvas.far = far
    x, width = rng.uniform(-0.8, 0.8), rng.uniform(0.012, 0.035)
    canvas.limb(
        (x, base),
        (x + rng.uniform(-0.03, 0.03), -0.1),
        width,
        width * 0.7,
        _stuff(rng, "bark"),
        crease=1.0,
    )
    _crown = [(x + rng.uniform(-0.15, 0.15), rng.uniform(-0.15, 0.12)) for _ in range(4)]
    for centre in _crown:
        canvas.fold = int(rng.integers(1 << 20))
        canvas.ellipse(
            centre,
            rng.uniform(0.1, 0.2),
            rng.uniform(0.08, 0.14),
            _stuff(rng, "leaves", 0.25),
            crease=1.6,
            ragged=0.018,
        )


def car(canvas: Canvas, rng, x: float, base: float, size: float, far: float) -> None:
    """A car seen from the side or at an angle: body, cabin, glass, wheels, a warm bonnet; ``size``
    is its half length.
    """
    canvas.far = far
    paint = _stuff(rng, "metal", 0.55, 1.2)
    paint[:3] = np.clip(paint[:3] * (1 + 0.12 * rng.standard_normal(3)), 0.05, 0.9)
    side = float(rng.choice((-1, 1)))
    for wheel in (-0.62, 0.60):
        canvas.ellipse((x + wheel * size, base), 0.17 * size, 0.19 * size, _stuff(rng, "rubber"))
    canvas.box(
        (x - 0.05 * side * size, base - 0.55 * size),
        (0.56 * size, 0.26 * size),
        paint,
        corner=0.16 * size,
        bulge=0.5,
    )
    canvas.box(
        (x - 0.05 * side * size, base - 0.56 * size),
        (0.50 * size, 0.17 * size),
        _stuff(rng, "glass"),
        corner=0.1 * size,
    )
    canvas.box((x - 0.05 * side * size, base - 0.5 * size), (0.03 * size, 0.25 * size), paint)
    canvas.box((x, base - 0.22 * size), (size, 0.22 * size), paint, corner=0.12 * size, bulge=0.5)
    canvas.box(
        (x + 0.72 * side * size, base - 0.28 * size),
        (0.2 * size, 0.13 * size),
        np.append(paint[:4], 23.5 + rng.normal()),
        corner=0.06 * size,
    )
    for wheel in (-0.62, 0.60):
        canvas.ellipse(
            (x + wheel * size, base - 0.03 * size), 0.15 * size, 0.16 * size, _stuff(rng, "rubber")
        )
        canvas.ellipse(
            (x + wheel * size, base - 0.03 * size), 0.07 * size, 0.08 * size, _stuff(rng, "metal")
        )
    canvas.box(
        (x - 0.95 * side * size, base - 0.28 * size),
        (0.04 * size, 0.06 * size),
        np.array([0.7, 0.2, 0.15, 0.6, 19], np.float32),
    )


def _poles(canvas: Canvas, rng, base: float, count: int) -> None:
    for _ in range(count):
        canvas.far = float(rng.uniform(1.5, 3))
        x = rng.uniform(-0.85, 0.85)
        canvas.limb((x, base + 0.05), (x, -0.2), 0.012, 0.009, _stuff(rng, "metal", 0.4, 2.0))


def _road(canvas: Canvas, rng, horizon: float) -> None:
    _fill(canvas, rng, "sky", -1, 0.1, (9, 9), 0.02)
    _fill(
        canvas,
        rng,
        str(rng.choice(["leaves", "concrete", "brick"])),
        rng.uniform(-0.1, 0.12),
        horizon,
        (5, 5),
        0.12,
    )
    _bushes(canvas, rng, horizon, 4.5, 5, 0.12)
    _ground(canvas, rng, "asphalt", horizon)
    canvas.far = 2.5
    kerb = horizon + rng.uniform(0.16, 0.3)
    for x in rng.uniform(-0.9, 0.9, 3):
        car(canvas, rng, x, kerb - rng.uniform(0.0, 0.08), rng.uniform(0.2, 0.38), 2.5)
    _fill(canvas, rng, "white" if rng.random() < 0.4 else "concrete", kerb, kerb + 0.014, (2, 2))
    if rng.random() < 0.6:
        _fill(canvas, rng, "pavement", kerb + 0.014, 1.3, (2, 0.85))
    for x in np.arange(-0.9, 0.9, 0.32) + rng.uniform(0, 0.3):
        canvas.far = None
        canvas.box((x, rng.uniform(0.92, 0.95)), (0.09, 0.012), _stuff(rng, "white"), opacity=0.7)
    _poles(canvas, rng, kerb, 1)


def _wall(canvas: Canvas, rng, horizon: float) -> None:
    foot = rng.uniform(0.68, 0.82)
    _fill(
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
        _windows(canvas, rng, rng.uniform(-0.1, 0.1), foot - 0.12, 1.75)
    canvas.far = 1.7
    for x in rng.uniform(-0.8, 0.8, 2):
        canvas.box(
            (x, foot - 0.27),
            (rng.uniform(0.07, 0.11), 0.27),
            _stuff(rng, "door", 0.3),
            corner=0.004,
        )
    _fill(canvas, rng, "concrete", foot - 0.03, foot, (1.7, 1.7))
    _ground(canvas, rng, "pavement", foot)
    _poles(canvas, rng, foot, int(rng.integers(0, 3)))


def _green(canvas: Canvas, rng, horizon: float) -> None:
    _fill(canvas, rng, "sky", -1, 0.3, (9, 9), 0.02)
    _fill(canvas, rng, "leaves", rng.uniform(0.0, 0.25), horizon + 0.02, (6, 6), 0.2)
    _ground(canvas, rng, "grass", horizon, 0.12)
    _bushes(canvas, rng, horizon + 0.05, 4, 9, 0.14)
    for _ in range(3):
        _tree(canvas, rng, horizon + rng.uniform(0.02, 0.2), 2.6)
    _fill(canvas, rng, "pavement", rng.uniform(0.80, 0.88), 1.3, (1.5, 0.85))


def _plaza(canvas: Canvas, rng, horizon: float) -> None:
    _fill(
        canvas,
        rng,
        str(rng.choice(["plaster", "brick", "concrete"])),
        -1,
        horizon + 0.05,
        (4, 4),
        0.05,
        0.2,
    )
    _windows(canvas, rng, -0.15, horizon, 4.0)
    _ground(canvas, rng, "pavement", horizon + 0.05)
    for y in (0.66, 0.76, 0.9):
        _fill(canvas, rng, "concrete", y, y + 0.006, (2, 2))
    _bushes(canvas, rng, horizon + 0.1, 3, 3, 0.07)
    car(canvas, rng, rng.uniform(-0.8, 0.8), horizon + 0.15, rng.uniform(0.16, 0.28), 3.2)
    _poles(canvas, rng, horizon + 0.2, 2)


def _corridor(canvas: Canvas, rng, horizon: float) -> None:
    foot = rng.uniform(0.62, 0.76)
    _fill(canvas, rng, "plaster", -1, foot, (2.0, 2.0), 0.02)
    if rng.random() < 0.5:
        _fill(
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
        canvas.box((x, foot - 0.25), (0.095, 0.25), _stuff(rng, "white", 0.1))
        canvas.box(
            (x, foot - 0.24),
            (0.08, 0.24),
            _stuff(rng, str(rng.choice(["door", "glass", "metal"])), 0.3),
        )
        canvas.box((x + 0.18, foot - 0.33), (0.05, 0.07), _stuff(rng, "white", 0.3))
    _ground(canvas, rng, "floor", foot, 0.03)
    canvas.far = None
    for x in np.arange(-0.9, 0.9, 0.22):
        canvas.limb((x, foot), (x * 1.7, 1.3), 0.003, 0.006, _stuff(rng, "concrete"), opacity=0.5)


def _hall(canvas: Canvas, rng, horizon: float) -> None:
    _fill(canvas, rng, "concrete", -1, horizon + 0.1, (3.0, 3.0), 0.03, 0.2)
    _windows(canvas, rng, -0.05, horizon + 0.02, 3.0)
    _ground(canvas, rng, "floor", horizon + 0.1, 0.03)
    for x in rng.uniform(-0.85, 0.85, 3):
        canvas.far = float(rng.uniform(1.5, 2.2))
        canvas.box(
            (x, 0.3), (rng.uniform(0.03, 0.06), 0.45), _stuff(rng, "plaster", 0.2), bulge=0.7
        )
    for x in rng.uniform(-0.85, 0.85, 3):
        canvas.far = 2.0
        canvas.box(
            (x, horizon + 0.2),
            (rng.uniform(0.05, 0.12), 0.07),
            _stuff(rng, str(rng.choice(["door", "metal", "warm"])), 0.4),
            corner=0.01,
        )


def occlude(canvas: Canvas, rng, kind: str, x: float) -> None:
    """Something in front of the person: a pole, a bollard, a bush, a bin or the bonnet of a car."""
    canvas.far, canvas.fold = 0.85, int(rng.integers(1 << 20))
    if kind == "pole":
        canvas.limb((x, 1.1), (x, -0.1), 0.017, 0.015, _stuff(rng, "metal", 0.4))
    elif kind == "bollard":
        canvas.limb((x, 1.1), (x, 0.78), 0.035, 0.035, _stuff(rng, "concrete", 0.3))
    elif kind == "bush":
        for dx in (-0.1, 0.0, 0.1):
            canvas.ellipse(
                (x + dx, 0.98 + rng.uniform(-0.02, 0.02)),
                0.1,
                0.11,
                _stuff(rng, "leaves", 0.2),
                crease=1.6,
                ragged=0.015,
            )
    elif kind == "bin":
        canvas.box((x, 0.95), (0.09, 0.14), _stuff(rng, "metal", 0.4), corner=0.015, bulge=0.6)
    elif kind == "car":
        car(canvas, rng, x, 1.05, 0.3, 0.85)


OCCLUDERS = ("pole", "bollard", "bush", "bin", "car")
