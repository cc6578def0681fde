"""What is seen on the cloth of trunk and sleeves: prints, openings, buttons and straps."""

from __future__ import annotations

import numpy as np

from .skeleton import Figure


def decorate(f: Figure, surface: np.ndarray, u: np.ndarray, down: np.ndarray) -> None:
    """Prints, opening, buttons and straps on the trunk, by angle around the body (0 = chest) and
    metres down.
    """
    p = f.p
    angle = np.arcsin(u) - f.view.yaw  # the surface at body angle a shows up at u = sin(a + yaw)
    angle = (angle + np.pi) % (2 * np.pi) - np.pi
    # the contact with the body: warm at chest and shoulders, cooler where the cloth hangs free
    surface[4] += 1.0 - np.float32(3.2 + 1.2 * p.loose) * np.clip(down - 0.05, 0, 0.75)
    pattern(f, surface, angle, down)
    front = np.abs(angle)
    pixel = 1.0 / (f.s * f.canvas.unit)  # metres
    radius = 0.13

    def over(mask: np.ndarray, values, keep: float = 1.0) -> None:
        surface[:] += (
            keep * np.clip(mask, 0, 1) * (np.asarray(values, np.float32)[:, None, None] - surface)
        )

    if p.upper == "open":
        gap = p.opening * (0.75 + 0.5 * np.clip(down / 0.6, 0, 1))
        over(
            (gap - front) * radius / pixel + 0.5,
            p.inner_cloth.surface + np.float32([0, 0, 0, 0, 1.6]),
        )
    elif p.upper in ("jacket", "coat"):
        over(
            (0.008 - front * radius) / pixel + 0.5,
            p.upper_cloth.surface * 0.55 + np.float32([0, 0, 0, 0, 12.5]),
            0.8,
        )
        over(
            np.minimum(
                (0.11 - down) / pixel, ((0.11 - down) * 0.45 - front * radius) / pixel + 0.5
            ),
            p.inner_cloth.surface,
        )
    elif p.upper == "shirt":
        over(
            (0.010 - front * radius) / pixel + 0.5,
            p.upper_cloth.surface * np.float32([0.75, 0.75, 0.75, 0.85, 1]),
            0.7,
        )
    elif p.upper == "tank":
        over(
            np.minimum((0.13 - down) / pixel, (np.abs(np.sin(angle)) - 0.70) * radius / pixel),
            p.skin.surface,
        )
    _straps(f, over, angle, down, pixel)


def pattern(f: Figure, surface: np.ndarray, angle: np.ndarray, down: np.ndarray) -> None:
    """Mix the print's colour into ``surface [5, h, w]`` by angle around the body (radians) and
    metres down.
    """
    p = f.p
    if p.print == "plain":
        return
    pixels = p.period * f.s * f.canvas.unit  # of one period: finer than two pixels it averages out
    sharp = float(np.clip((pixels - 1.5) / 2, 0, 1))
    round_, turn = angle * 0.13 / p.period, down / p.period

    def bars(t: np.ndarray, duty: float = 0.0) -> np.ndarray:
        return np.clip((np.sin(2 * np.pi * t) + duty) * max(pixels, 2.0) / 5 + 0.5, 0, 1)

    if p.print == "stripes":
        mask = bars(turn) * sharp + 0.5 * (1 - sharp) + 0 * angle
    elif p.print == "pinstripes":
        mask = bars(round_, -0.6) * sharp + 0.25 * (1 - sharp) + 0 * down
    elif p.print == "checks":
        mask = (bars(round_) * 0.5 + bars(turn) * 0.5) * sharp + 0.5 * (1 - sharp)
    elif p.print == "logo":
        pixel = 1.0 / (f.s * f.canvas.unit)
        mask = np.clip(
            (
                0.075
                - np.hypot(np.sin(angle) * 0.13, (down - 0.22) * 0.8)
                - 9.0 * (np.abs(angle) > 1.5)
            )
            / pixel
            + 0.5,
            0,
            1,
        )
    elif p.print == "block":
        mask = np.clip((down - 0.26) * f.s * f.canvas.unit + 0.5, 0, 1) + 0 * angle
    else:
        mask = (
            np.clip((0.03 - np.abs((down - 0.30) % 0.2 - 0.06)) * f.s * f.canvas.unit + 0.5, 0, 1)
            * (down > 0.2)
            + 0 * angle
        )
    surface[:3] += mask * (p.print_colour[:, None, None] - surface[:3])
    # dyes fade in NIR: the print all but vanishes, and has no heat of its own
    surface[3] *= 1 - 0.06 * mask


def _straps(f: Figure, over, angle: np.ndarray, down: np.ndarray, pixel: float) -> None:
    p = f.p
    across = np.sin(angle) * 0.12 * p.shoulders
    bag = p.bag_cloth.surface + np.float32([0, 0, 0, 0, 4.0])  # warmed by the body
    if p.bag == "backpack":
        # two straps over the shoulders; on the back the pack itself covers them
        mask = np.minimum(
            0.021 - np.abs(np.abs(across) - 0.068 - 0.04 * np.clip(down - 0.1, 0, 1)), 0.36 - down
        )
        over(np.where(np.abs(angle) < 1.75, mask, -1.0) / pixel + 0.5, bag)
    elif p.bag == "shoulder":
        line = across + p.bag_side * (0.36 * (down - 0.05) - 0.08)
        over((0.020 - np.abs(line) * 0.94) / pixel + 0.5, bag)
    elif p.bag == "waist":
        over((0.024 - np.abs(down - 0.52)) / pixel + 0.5 + 0 * angle, bag)
