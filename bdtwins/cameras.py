"""How the twins' cameras look and what they catch: lenses, places, light, poses, and who passes
which camera.
"""

from __future__ import annotations

import math

import numpy as np

from .scenery import OCCLUDERS, stream
from .sensors import Lens, Light
from .skeleton import View, blend

OUTDOOR = ("road", "green", "plaza", "wall")
#: SYSU camera -> (number of the place, kinds of spot there); cameras 2 and 3 stand in one place
CAMERA_PLACES: dict[int, tuple[int, tuple[str, ...]]] = {
    1: (1, ("hall", "wall", "corridor", "hall")),
    2: (2, ("corridor", "corridor", "hall", "wall")),
    3: (2, ("corridor", "corridor", "hall", "wall")),
    4: (4, ("plaza", "road", "green", "wall")),
    5: (5, ("green", "road", "plaza", "road")),
    6: (6, ("wall", "plaza", "green", "plaza")),
}
#: SYSU camera -> exposure, warmth, tint, tilt: each camera has its own look
CAMERA_LOOKS: dict[int, tuple[float, float, float, float]] = {
    1: (0.90, 0.05, 0.00, 0.14),
    2: (0.84, 0.07, 0.02, 0.20),
    3: (0.90, 0.02, 0.00, 0.20),
    4: (0.98, -0.03, 0.01, 0.08),
    5: (0.94, -0.06, 0.00, 0.05),
    6: (1.00, 0.00, 0.00, 0.12),
}
REGDB_SPOTS = 24
INFRARED_CAMERAS = (3, 6)


def band(kind: str) -> str:
    """Which infrared a twin's second camera sees."""
    return {"synthetic-regdb": "lwir", "synthetic-sysu": "nir"}[kind]


def lens(kind: str, camera: int, infrared: bool) -> Lens:
    """The lens of a camera: thermal optics are soft, a camera in the dark is noisy."""
    if kind == "synthetic-regdb":
        return Lens(0.0052, 0.016, 1.0) if infrared else Lens(0.0040, 0.014, 0.95)
    softness = (0.0030, 0.0042, 0.0050, 0.0026, 0.0034, 0.0042)[camera - 1]
    return (
        Lens(softness, 0.022, 1.0)
        if infrared
        else Lens(softness, 0.012, (0.95, 0.9, 1, 1.05, 1.0, 1)[camera - 1])
    )


def presence(
    kind: str, seed: int, identity: int, outdoor_only: bool
) -> dict[bool, tuple[int, ...]]:
    """Cameras that catch an identity: ``{False: RGB cameras, True: infrared cameras}``, at least
    one of each.

    RegDB has one pair (camera 0 for both). Nobody is left with camera 2 as the only RGB camera: a
    camera 3 query skips camera 2, which stands beside it, and would have nothing to find.
    """
    if kind == "synthetic-regdb":
        return {False: (0,), True: (0,)}
    rng = stream(seed, "presence", identity)
    kept = rng.random(6) > 0.15
    if outdoor_only:
        kept[:3] = False
        kept[5] = True
    elif rng.random() < 0.15:
        kept[3:] = False
    found = {
        False: [c for c in (1, 2, 4, 5) if kept[c - 1]],
        True: [c for c in INFRARED_CAMERAS if kept[c - 1]],
    }
    if not set(found[False]) - {2}:
        found[False] = sorted({*found[False], 4 if outdoor_only else 1})
    if not found[True]:
        found[True] = [3]
    return {m: tuple(cameras) for m, cameras in found.items()}


def free_view(
    kind: str, seed: int, identity: int, number: int, camera: int, infrared: bool
) -> View:
    """The view a camera would have of a shot if it knew nothing of the other camera's."""
    rng = stream(seed, "view-ir" if infrared else "view-rgb", identity, number)
    spot = _spot(kind, seed, camera, rng)
    exposure, warmth, tint, tilt = (
        (1.0, 0.0, 0.0, 0.06) if kind == "synthetic-regdb" else CAMERA_LOOKS[camera]
    )
    if kind == "synthetic-regdb" and not infrared:
        # someone walks towards the camera or away from it, and is followed over ten shots
        base = stream(seed, "walk", identity)
        yaw = (
            math.pi * int(base.random() < 0.5)
            + float(base.normal(0, 0.25))
            + float(rng.normal(0, 0.3))
        )
    else:
        yaw = float(rng.uniform(-math.pi, math.pi))
    return View(
        yaw=yaw,
        phase=float(rng.uniform(0, 2 * math.pi)),
        gait=float(rng.uniform(0.55, 1.0) if rng.random() < 0.8 else rng.uniform(0.0, 0.15)),
        elbow=float(rng.uniform(0.12, 0.7)),
        nod=float(rng.normal(0, 0.4)),
        x=float(rng.normal(0, 0.012)),
        foot=float(0.955 + rng.normal(0, 0.010)),
        scale=float(1.0 + rng.normal(0, 0.025)),
        tilt=float(max(0.0, tilt + rng.normal(0, 0.03))),
        dx=float(rng.uniform(-0.5, 0.5)),
        dy=float(rng.normal(0, 0.04)),
        light=_light(kind, rng, exposure, warmth, tint),
        spot=spot[0],
        kind=spot[1],
        gesture=str(rng.choice(["swing", "pocket", "phone", "fold"], p=[0.80, 0.10, 0.06, 0.04])),
        occluder=str(rng.choice(OCCLUDERS)) if rng.random() < 0.06 else "",
        occluder_x=float(rng.uniform(0.08, 0.2) * rng.choice((-1, 1))),
        fold=int(rng.integers(1 << 20)),
    )


def partner_view(
    visible: View, own: View, appearance_gap: float, seed: int, identity: int, number: int
) -> View:
    """The infrared shot's view: its RGB partner's at gap 0, its own at 1."""
    return blend(
        visible, own, appearance_gap, float(stream(seed, "coin", identity, number).random())
    )


def _spot(kind: str, seed: int, camera: int, rng: np.random.Generator) -> tuple[int, str]:
    """A spot's number and kind. Spots are shared by everybody: the place tells nothing about the
    person.
    """
    if kind == "synthetic-regdb":
        number = int(rng.integers(REGDB_SPOTS))
        return 1000 + number, OUTDOOR[number % len(OUTDOOR)]
    place, kinds = CAMERA_PLACES[camera]
    number = int(rng.integers(len(kinds)))
    return 10 * place + number, kinds[number]


def _light(
    kind: str, rng: np.random.Generator, exposure: float, warmth: float, tint: float
) -> Light:
    outdoors = kind == "synthetic-regdb"
    return Light(
        sun=float(rng.uniform(-1.2, 1.2)),
        ambient=float(rng.uniform(0.45, 0.75)),
        exposure=float(exposure * math.exp(rng.normal(0, 0.10))),
        warmth=float(warmth + rng.normal(0, 0.03)),
        tint=float(tint + rng.normal(0, 0.015)),
        veil=float(rng.uniform(0.12, 0.40) if outdoors else rng.uniform(0.02, 0.14)),
        lamp=float(rng.uniform(0.9, 1.3)),
        spread=float(rng.uniform(0.45, 0.75)),
        weather=float(rng.normal(0.5, 2.2)),
        gain=float(rng.uniform(23.0, 29.0)),
    )
