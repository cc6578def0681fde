"""The things of a place, from the ground to a car, each with albedo, NIR reflectance and
temperature of its own (leaves are bright in NIR, glass and sky are cold in long wave).
"""

from __future__ import annotations

import numpy as np

from .canvas import Canvas

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


def stuff(rng: np.random.Generator, name: str, tone: float = 0.12, warm: float = 0.9) -> np.ndarray:
    """One thing of a kind: its tone, NIR and temperature vary apart from each other."""
    values = np.array(STUFF[name], np.float32)
    # tones differ along the red-blue axis (sun and sky), hardly along the green one
    values[:3] *= np.exp(rng.normal(0, tone)) * (
        1 + 0.10 * rng.standard_normal() * np.array([1.0, 0.0, -1.0])
    )
    values[3] += 0.08 * rng.standard_normal()
    values[4] += warm * rng.standard_normal()
    return np.clip(values, 0.04, [0.95, 0.95, 0.95, 0.95, 40.0]).astype(np.float32)


def fill(
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
    values[:] = stuff(rng, name, tone)[:, None, None]
    values[:4] *= 1 + rough * mottle
    values[4] += 6 * rough * canvas.folds(at, 1)
    share = np.clip((canvas.ys[at[0]] - top) / max(bottom - top, 1e-3), 0, 1)
    canvas.far = 1.0 / (1.0 / far[0] + (1.0 / far[1] - 1.0 / far[0]) * share)
    distance = np.maximum(top - canvas.ys[at[0]], canvas.ys[at[0]] - bottom) + 0 * mottle
    canvas.paint(at, distance, values)
    canvas.far = float(far[0])


def ground(canvas: Canvas, rng, name: str, horizon: float, rough=0.05) -> None:
    fill(canvas, rng, name, horizon, 1.3, (4.0, 0.85), rough)


def windows(canvas: Canvas, rng, top: float, bottom: float, far: float) -> None:
    """A grid of panes, some with a lit or curtained one."""
    canvas.far = far
    step_x, step_y = rng.uniform(0.13, 0.26), rng.uniform(0.13, 0.22)
    half = (step_x * rng.uniform(0.24, 0.36), step_y * rng.uniform(0.28, 0.38))
    frame, pane = stuff(rng, "white"), stuff(rng, "glass")
    start = rng.uniform(0, step_x)
    for x in np.arange(-1 + start, 1, step_x):
        for y in np.arange(bottom - step_y, top, -step_y):
            canvas.box((x, y), (half[0] + 0.008, half[1] + 0.008), frame)
            canvas.box(
                (x, y), half, pane if rng.random() < 0.8 else stuff(rng, "plaster", 0.3, 2.0)
            )


def bushes(canvas: Canvas, rng, base: float, far: float, count: int, size: float) -> None:
    canvas.far = far
    for _ in range(count):
        canvas.fold = int(rng.integers(1 << 20))
        r = size * rng.uniform(0.6, 1.3)
        centre = (rng.uniform(-0.85, 0.85), base - r * rng.uniform(0.2, 0.8))
        canvas.ellipse(
            centre,
            r * rng.uniform(0.9, 1.6),
            r,
            stuff(rng, "leaves", 0.25),
            crease=1.6,
            ragged=0.016,
        )


def tree(canvas: Canvas, rng, base: float, far: float) -> None:
    canvas.far = far
    x, width = rng.uniform(-0.8, 0.8), rng.uniform(0.012, 0.035)
    canvas.limb(
        (x, base),
        (x + rng.uniform(-0.03, 0.03), -0.1),
        width,
        width * 0.7,
        stuff(rng, "bark"),
        crease=1.0,
    )
    _crown = [(x + rng.uniform(-0.15, 0.15), rng.uniform(-0.15, 0.12)) for _ in range(4)]
    for centre in _crown:
        canvas.fold = int(rng.integers(1 << 20))
        canvas.ellipse(
            centre,
            rng.uniform(0.1, 0.2),
            rng.uniform(0.08, 0.14),
            stuff(rng, "leaves", 0.25),
            crease=1.6,
            ragged=0.018,
        )


def car(canvas: Canvas, rng, x: float, base: float, size: float, far: float) -> None:
    """A car seen from the side or at an angle: body, cabin, glass, wheels, a warm bonnet; ``size``
    is its half length.
    """
    canvas.far = far
    paint = stuff(rng, "metal", 0.55, 1.2)
    paint[:3] = np.clip(paint[:3] * (1 + 0.12 * rng.standard_normal(3)), 0.05, 0.9)
    side = float(rng.choice((-1, 1)))
    for wheel in (-0.62, 0.60):
        canvas.ellipse((x + wheel * size, base), 0.17 * size, 0.19 * size, stuff(rng, "rubber"))
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
        stuff(rng, "glass"),
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
            (x + wheel * size, base - 0.03 * size), 0.15 * size, 0.16 * size, stuff(rng, "rubber")
        )
        canvas.ellipse(
            (x + wheel * size, base - 0.03 * size), 0.07 * size, 0.08 * size, stuff(rng, "metal")
        )
    canvas.box(
        (x - 0.95 * side * size, base - 0.28 * size),
        (0.04 * size, 0.06 * size),
        np.array([0.7, 0.2, 0.15, 0.6, 19], np.float32),
    )


def poles(canvas: Canvas, rng, base: float, count: int) -> None:
    for _ in range(count):
        canvas.far = float(rng.uniform(1.5, 3))
        x = rng.uniform(-0.85, 0.85)
        canvas.limb((x, base + 0.05), (x, -0.2), 0.012, 0.009, stuff(rng, "metal", 0.4, 2.0))


def occlude(canvas: Canvas, rng, kind: str, x: float) -> None:
    """Something in front of the person: a pole, a bollard, a bush, a bin or the bonnet of a car."""
    canvas.far, canvas.fold = 0.85, int(rng.integers(1 << 20))
    if kind == "pole":
        canvas.limb((x, 1.1), (x, -0.1), 0.017, 0.015, stuff(rng, "metal", 0.4))
    elif kind == "bollard":
        canvas.limb((x, 1.1), (x, 0.78), 0.035, 0.035, stuff(rng, "concrete", 0.3))
    elif kind == "bush":
        for dx in (-0.1, 0.0, 0.1):
            canvas.ellipse(
                (x + dx, 0.98 + rng.uniform(-0.02, 0.02)),
                0.1,
                0.11,
                stuff(rng, "leaves", 0.2),
                crease=1.6,
                ragged=0.015,
            )
    elif kind == "bin":
        canvas.box((x, 0.95), (0.09, 0.14), stuff(rng, "metal", 0.4), corner=0.015, bulge=0.6)
    elif kind == "car":
        car(canvas, rng, x, 1.05, 0.3, 0.85)


OCCLUDERS = ("pole", "bollard", "bush", "bin", "car")
