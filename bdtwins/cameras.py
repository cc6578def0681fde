"""How the twins' cameras look and what they catch: lenses, places, light, poses, and who passes
which camera.
"""

from __future__ import annotations

import math

import numpy as np

from .scenery import stream
from .sensors import Lens, Light
from .skeleton import View, blend
from .things import OCCLUDERS

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
#: LLCM camera -> kinds of spot, exposure: nine cameras at dusk and by night; all but the third see
#: both ways
NIGHT_CAMERAS: dict[int, tuple[tuple[str, ...], float]] = {
    1: (("road", "wall", "plaza"), 0.42),
    2: (("corridor", "hall", "wall"), 0.50),
    3: (("plaza", "road", "green"), 0.36),
    4: (("wall", "road", "wall"), 0.30),
    5: (("green", "plaza", "road"), 0.34),
    6: (("hall", "corridor", "hall"), 0.55),
    7: (("road", "green", "road"), 0.27),
    8: (("plaza", "wall", "green"), 0.38),
    9: (("wall", "hall", "plaza"), 0.46),
}
#: kind -> cameras of each modality, False RGB and True infrared; camera 0 has no number
CAMERAS: dict[str, dict[bool, tuple[int, ...]]] = {
    "synthetic-regdb": {False: (0,), True: (0,)},
    "synthetic-sysu": {False: (1, 2, 4, 5), True: (3, 6)},
    "synthetic-llcm": {False: (1, 2, 3, 4, 5, 6, 7, 8, 9), True: (1, 2, 4, 5, 6, 7, 8, 9)},
}
BANDS = {"synthetic-regdb": "lwir", "synthetic-sysu": "nir", "synthetic-llcm": "nir"}
#: Least and most stray light and haze: it brightens what is dark.
VEILS = {
    "synthetic-regdb": (0.12, 0.40),
    "synthetic-sysu": (0.02, 0.14),
    "synthetic-llcm": (0.00, 0.04),
}


def band(kind: str) -> str:
    """Which infrared a twin's second camera sees."""
    return BANDS[kind]


def lens(kind: str, camera: int, infrared: bool) -> Lens:
    """The lens of a camera: thermal optics are soft, a camera in the dark is noisy."""
    if kind == "synthetic-regdb":
        return Lens(0.0052, 0.016, 1.0) if infrared else Lens(0.0040, 0.014, 0.95)
    if kind == "synthetic-llcm":
        # a long exposure and a high gain: soft and noisy in the visible
        blur = (0.0040, 0.0034, 0.0050)[camera % 3]
        return Lens(blur, 0.022 if infrared else 0.034, 1.0)
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

    RegDB has one pair (camera 0 for both). LLCM's cameras see both ways, and everybody passes two
    or more of them: a query has more to find than its own camera. On SYSU-MM01 nobody is left with
    camera 2 as the only RGB camera: a camera 3 query skips camera 2, which stands beside it, and
    would have nothing to find.
    """
    if kind == "synthetic-regdb":
        return CAMERAS[kind]
    rng = stream(seed, "presence", identity)
    if kind == "synthetic-llcm":
        shared = rng.permutation(CAMERAS[kind][True])[: int(rng.integers(2, 5))].tolist()
        third = [3] if rng.random() < 0.4 else []
        return {False: tuple(sorted(shared + third)), True: tuple(sorted(shared))}
    kept = rng.random(6) > 0.15
    if outdoor_only:
        kept[:3] = False
        kept[5] = True
    elif rng.random() < 0.15:
        kept[3:] = False
    found = {
        False: [c for c in CAMERAS[kind][False] if kept[c - 1]],
        True: [c for c in CAMERAS[kind][True] if kept[c - 1]],
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
    exposure, warmth, tint, tilt = _look(kind, camera)
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


def _look(kind: str, camera: int) -> tuple[float, float, float, float]:
    """Exposure, warmth, tint and tilt of a camera."""
    if kind == "synthetic-regdb":
        return 1.0, 0.0, 0.0, 0.06
    if kind == "synthetic-llcm":
        return NIGHT_CAMERAS[camera][1], 0.08 - 0.02 * (camera % 5), 0.0, 0.06 + 0.02 * (camera % 4)
    return CAMERA_LOOKS[camera]


def _spot(kind: str, seed: int, camera: int, rng: np.random.Generator) -> tuple[int, str]:
    """A spot's number and kind. Spots are shared by everybody: the place tells nothing about the
    person.
    """
    if kind == "synthetic-regdb":
        number = int(rng.integers(REGDB_SPOTS))
        return 1000 + number, OUTDOOR[number % len(OUTDOOR)]
    if kind == "synthetic-llcm":
        kinds = NIGHT_CAMERAS[camera][0]
        number = int(rng.integers(len(kinds)))
        return 2000 + 10 * camera + number, kinds[number]
    place, kinds = CAMERA_PLACES[camera]
    number = int(rng.integers(len(kinds)))
    return 10 * place + number, kinds[number]


def _light(
    kind: str, rng: np.random.Generator, exposure: float, warmth: float, tint: float
) -> Light:
    return Light(
        sun=float(rng.uniform(-1.2, 1.2)),
        ambient=float(rng.uniform(0.45, 0.75)),
        exposure=float(exposure * math.exp(rng.normal(0, 0.10))),
        warmth=float(warmth + rng.normal(0, 0.03)),
        tint=float(tint + rng.normal(0, 0.015)),
        veil=float(rng.uniform(*VEILS[kind])),
        lamp=float(rng.uniform(0.9, 1.3)),
        spread=float(rng.uniform(0.45, 0.75)),
        weather=float(rng.normal(0.5, 2.2)),
        gain=float(rng.uniform(23.0, 29.0)),
    )
