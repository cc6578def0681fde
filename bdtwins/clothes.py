"""Legs, trunk and arms in their clothes on the skeleton of ``figure``; what is seen on the cloth is
in ``prints``.

Each function puts its parts on the figure's list with their depth; they are painted later, from far
to near.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from .prints import decorate, pattern
from .skeleton import Figure, Vector, along, lerp, mix
from .wardrobe import Cloth


def legs(f: Figure) -> None:
    """Both legs and what covers the hips."""
    for name in ("l", "r"):
        depth = f.depth(f.J[name + "knee"])
        f.later(-1.0 + 0.3 * depth, lambda name=name: _leg(f, name))
    if f.p.lower in ("skirt", "long skirt"):
        f.later(-0.45, partial(_skirt, f))
    else:
        f.later(-0.5, partial(_pelvis, f))


def _leg(f: Figure, name: str) -> None:
    p, J = f.p, f.J
    hip, knee, ankle = J[name + "hip"], J[name + "knee"], J[name + "ankle"]
    g = p.build**0.8 * p.height / 1.72
    thigh, calf, thin = 0.080 * g, 0.052 * g, 0.036 * g
    _shoe(f, name, ankle)
    covered = p.length if p.lower in ("trousers", "slim", "wide", "shorts") else 0.0
    if covered < 0.97:
        f.skin(hip, knee, thigh, calf * 0.98, shadow=0.35)
        middle = mix(knee, ankle, 0.3)
        f.skin(knee, middle, calf * 0.93, calf * 1.05)
        f.skin(middle, ankle, calf * 1.05, thin)
        if p.socks:
            f.cloth(
                p.inner_cloth, mix(knee, ankle, 0.8), ankle, thin * 1.3, thin * 1.12, crease=0.2
            )
    if covered:
        ease = {"slim": 0.004, "trousers": 0.014, "wide": 0.026, "shorts": 0.022}[p.lower]
        flare = {"slim": 0.004, "trousers": 0.020, "wide": 0.046, "shorts": 0.022}[p.lower]
        above = min(covered / 0.5, 1.0)
        end = mix(hip, knee, above)
        f.cloth(
            p.lower_cloth,
            hip,
            end,
            thigh + ease,
            (calf if above == 1 else lerp(thigh, calf, above)) + ease,
            shadow=0.4,
        )
        if covered > 0.5:
            stop = mix(knee, ankle, (covered - 0.5) / 0.5)
            f.cloth(
                p.lower_cloth,
                knee,
                stop,
                calf + ease,
                lerp(calf, thin, (covered - 0.5) / 0.5) + flare,
            )
    if p.boots and p.lower in ("slim", "skirt", "bare", "shorts"):
        f.cloth(p.shoe_cloth, mix(knee, ankle, 0.45), ankle, calf * 1.02, thin * 1.3, crease=0.3)


def _shoe(f: Figure, name: str, ankle: Vector) -> None:
    h = f.p.height
    side = 1 if name == "l" else -1
    lift = max(0.0, ankle[1] - 0.05 * h)
    sole = (ankle[0], ankle[1] - 0.026 * h, ankle[2] - 0.008 * h)
    toe = (ankle[0] + side * 0.018 * h, sole[1] - 0.004 * h - 0.25 * lift, ankle[2] + 0.10 * h)
    f.cloth(f.p.shoe_cloth, sole, toe, 0.024 * h, 0.019 * h, crease=0.0)
    f.cloth(f.p.shoe_cloth, ankle, sole, 0.022 * h, 0.025 * h, crease=0.0)


def _pelvis(f: Figure) -> None:
    p, h = f.p, f.p.height
    y = f.J["lhip"][1]
    if p.lower == "bare":
        return
    g = p.build**0.8
    levels = (
        (0.085, 0.084, 0.062),
        (0.03, 0.093, 0.068),
        (-0.01, 0.098, 0.07),
        (-0.05, 0.088, 0.064),
        (-0.075, 0.05, 0.045),
    )
    f.slices(
        [(y + dy * h, 0.0, 0.0, a * h * p.hips * g, d * h * g) for dy, a, d in levels],
        p.lower_cloth,
    )


def _skirt(f: Figure) -> None:
    _hang(
        f,
        f.p.lower_cloth,
        f.J["lhip"][1] + 0.085 * f.p.height,
        f.p.length,
        0.25 if f.p.lower == "skirt" else 0.12,
    )


def _hang(f: Figure, cloth: Cloth, waist: float, length: float, flare: float) -> None:
    """Cloth that hangs from the waist around both legs down to ``length`` (0 = hip, 1 = ankle)."""
    p, J, h = f.p, f.J, f.p.height
    hip, ankle = J["lhip"][1], 0.05 * h
    hem = lerp(hip, ankle, length)
    g = p.build**0.8
    rows = []
    for share in (0.0, 0.2, 0.5, 1.0):
        y = lerp(waist, hem, share)
        down = min(max((hip - y) / (hip - ankle), 0.0), 1.0)
        left, right = (along(J[s + "hip"], J[s + "knee"], J[s + "ankle"], down) for s in "lr")
        z = (left[2] + right[2]) / 2
        across = (0.082 + 0.030 * min(share * 3, 1)) * h * p.hips * g + flare * share * 0.12 * h
        deep = 0.068 * h * g + abs(left[2] - right[2]) / 2 + flare * share * 0.1 * h
        rows.append((y, 0.0, z, across, deep))
    f.slices(rows, cloth, bow=0.022 * f.s)


def torso(f: Figure) -> None:
    """The trunk with what is printed on it, collar and hood, and the skirt of a dress."""
    p = f.p
    if p.upper == "dress":
        f.later(
            -0.44,
            lambda: _hang(
                f,
                p.upper_cloth,
                f.J["lhip"][1] + 0.1 * p.height,
                (p.legs - p.hem) / (p.legs - 0.05),
                0.3,
            ),
        )
    f.later(0.0, partial(_trunk, f))
    f.later(0.02, partial(_collar, f))
    if p.upper in ("hoodie", "coat") and p.hat != "hood":
        f.later(0.05 - 0.25 * f.cos, partial(_hood_down, f))


def _trunk(f: Figure) -> None:
    p, h = f.p, f.p.height
    g, ease = p.build, 0.008 * p.loose * h / 1.7
    belly = 0.012 * h * p.belly
    shoulder = 0.118 * h * p.shoulders
    hem = p.hem if p.upper != "dress" else 0.47
    if p.upper == "coat":
        hem = max(p.hem, 0.22)
    flare = 0.015 * h if p.upper == "coat" else 0.0
    levels = [
        (0.858, 0.036 * h, 0.040 * h),
        (0.838, 0.052 * h, 0.050 * h),
        (0.824, 0.72 * shoulder, 0.056 * h * g),
        (0.808, 0.93 * shoulder + ease, 0.062 * h * g),
        (0.785, shoulder + ease, 0.068 * h * g),
        (0.72, 0.095 * h * (0.5 + 0.5 * p.shoulders) * g + ease, 0.072 * h * g + ease),
        (0.62, 0.080 * h * g + ease * 1.5 + belly, 0.066 * h * g + ease + 1.6 * belly),
        (
            0.54,
            0.092 * h * p.hips * g**0.8 + ease * 1.6 + 0.5 * belly,
            0.068 * h * g + ease + belly,
        ),
    ]
    levels += [
        (y, 0.097 * h * p.hips * g**0.8 + ease * 1.7 + flare, 0.070 * h * g + ease + flare)
        for y in (0.50,)
        if y > hem + 0.02
    ]
    levels.append(
        (
            hem,
            (0.098 + 0.10 * max(0.0, 0.47 - hem)) * h * p.hips * g**0.8 + ease * 1.7 + flare,
            0.072 * h * g + ease + flare,
        )
    )
    leg, lean = h * p.legs, math.tan(p.stoop + 0.05 * f.view.gait)
    rows = [
        (y * h - f.drop, 0.0, max(0.0, y * h - leg) * lean + 0.5 * belly * (0.5 < y < 0.7), a, d)
        for y, a, d in levels
    ]
    f.slices(rows, p.upper_cloth, partial(decorate, f), 0.018 * f.s)


def _collar(f: Figure) -> None:
    p, h = f.p, f.p.height
    x, y, z = f.J["neck"]
    f.skin(
        (x, y - 0.004 * h, z),
        (x, y + 0.05 * h, z + 0.012 * h),
        0.033 * h * p.build**0.4,
        0.030 * h,
        shadow=0.0,
    )
    if p.upper in ("tee", "tank", "dress", "open") and f.cos > 0.1:
        low = 0.03 if p.upper in ("tee", "open") else 0.05
        cx, cy = f.at((x, y + 0.004 * h, z + 0.03 * h))
        f.canvas.ellipse(
            (cx, cy), 0.042 * h * f.s * f.cos, low * h * f.s, p.skin.surface, below=cy - 0.01
        )
    elif p.upper in ("shirt", "jacket", "coat"):
        c, d = (x, y + 0.006 * h, z), (x, y + 0.022 * h, z)
        f.cloth(p.upper_cloth, c, d, 0.043 * h, 0.038 * h, crease=0.2)
        if f.cos > 0.2:
            cx, cy = f.at((x, y + 0.02 * h, z + 0.03 * h))
            f.canvas.ellipse((cx, cy), 0.022 * h * f.s, 0.03 * h * f.s, p.skin.surface)


def _hood_down(f: Figure) -> None:
    p, h = f.p, f.p.height
    x, y, z = f.J["neck"]
    cx, cy = f.at((x, y + 0.008 * h, z - 0.03 * h))
    surface = p.upper_cloth.surface * np.float32([0.9, 0.9, 0.9, 1, 1])
    drop = 0.058 if f.cos < 0 else 0.036
    f.canvas.ellipse(
        (cx, cy), f.wide(0.075 * h, 0.055 * h), drop * h * f.s, surface, crease=p.upper_cloth.crease
    )


def arms(f: Figure) -> None:
    """Both arms in their sleeves."""
    for name in ("l", "r"):
        mean = (f.depth(f.J[name + "elbow"]) + f.depth(f.J[name + "hand"])) / 2
        f.later(mean + 0.06, lambda name=name: _sleeved(f, name))


def _sleeved(f: Figure, name: str) -> None:
    p, J, h = f.p, f.J, f.p.height
    shoulder, elbow, hand = (J[name + part] for part in ("shoulder", "elbow", "hand"))
    g = p.build**0.7 * h / 1.72
    top, mid, wrist = 0.046 * g, 0.041 * g, 0.029 * g
    ease = 0.004 + 0.008 * p.loose
    wrist_at = mix(elbow, hand, 0.93)
    if p.sleeve < 1:
        f.skin(shoulder, elbow, top * 0.9, mid, shadow=0.35)
        f.skin(elbow, wrist_at, mid, wrist, shadow=0.2)
    f.skin(wrist_at, mix(elbow, hand, 1.16), 0.030 * g, 0.026 * g)
    if p.sleeve <= 0:
        return
    above = min(p.sleeve / 0.5, 1.0)
    ink = partial(_sleeve_print, f) if p.print in ("stripes", "checks", "pinstripes") else None
    f.cloth(
        p.upper_cloth,
        shoulder,
        mix(shoulder, elbow, above),
        top + ease,
        lerp(top, mid, above) + ease * 1.2,
        shadow=0.4,
        ink=ink,
    )
    if p.sleeve > 0.5:
        share = (p.sleeve - 0.5) / 0.5
        f.cloth(
            p.upper_cloth,
            elbow,
            mix(elbow, wrist_at, share),
            mid + ease * 1.2,
            lerp(mid, wrist, share) + ease,
            shadow=0.25,
            ink=ink,
        )


def _sleeve_print(f: Figure, surface: np.ndarray, across: np.ndarray, along: np.ndarray) -> None:
    pattern(f, surface, np.arcsin(across) * 0.4, along / f.s)
