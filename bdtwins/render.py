"""One picture of a twin: which shots an identity has, from where each is taken, and what the camera
sees.

``counterfactual`` renders each shot from the other's place, so that the two gaps can be measured
apart - which no real set allows. Every random draw is keyed by (seed, purpose, identity, shot):
neither the number of jobs nor the dials change one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from . import person, sensors, wardrobe
from .cameras import band, free_view, lens, partner_view
from .scenery import stream
from .twin import Twin, TwinError, cameras, parts, settle


@dataclass(frozen=True)
class Shot:
    """One picture to take: ``number`` counts an identity's shots of one modality; RGB and IR of one
    number are partners.
    """

    identity: int
    number: int
    infrared: bool
    camera: int
    path: str


def shots(twin: Twin, identity: int) -> Iterator[Shot]:
    """The pictures of one identity (1, 2, ...), in order; paths are relative to the root."""
    spec = twin.spec
    taken: dict[int, int] = {}
    for infrared, count in ((False, spec.visible), (True, spec.infrared)):
        for number in range(count):
            here = cameras(twin, identity)[infrared]
            camera = here[number % len(here)]
            taken[camera] = taken.get(camera, 0) + 1
            path = _path(twin, identity, number, infrared, camera, taken[camera])
            yield Shot(identity, number, infrared, camera, path)


def _path(
    twin: Twin, identity: int, number: int, infrared: bool, camera: int, nth_of_camera: int
) -> str:
    """Where a picture lies under the root, as in the real set."""
    if twin.kind == "synthetic-regdb":
        folder, letter = ("Thermal", "t") if infrared else ("Visible", "v")
        return f"{folder}/{identity}/person_{letter}_{number + 1:05d}_{identity}.bmp"
    if twin.kind == "synthetic-llcm":
        modality = "nir" if infrared else "vis"
        name = f"{identity:04d}_c{camera:02d}_{number + 1:04d}.jpg"
        if identity in parts(twin)["test"]:
            return f"test_{modality}/cam{camera}/{identity:04d}/{name}"
        return f"{modality}/{identity:04d}/{name}"
    return f"cam{camera}/{identity:04d}/{nth_of_camera:04d}.jpg"


def views(twin: Twin, identity: int, number: int) -> tuple[person.View, person.View]:
    """The RGB view and the infrared view of one pair of partners."""
    first, second = _cameras(twin, identity, number)
    visible = free_view(twin.kind, twin.seed, identity, number, first, infrared=False)
    own = free_view(twin.kind, twin.seed, identity, number, second, infrared=True)
    return visible, partner_view(visible, own, twin.appearance_gap, twin.seed, identity, number)


def _cameras(twin: Twin, identity: int, number: int) -> tuple[int, int]:
    """The cameras that took the RGB and the infrared shot of a pair."""
    rgb, infrared = (cameras(twin, identity)[m] for m in (False, True))
    return rgb[number % len(rgb)], infrared[number % len(infrared)]


def _take(
    twin: Twin,
    view: person.View,
    who: wardrobe.Person,
    camera: int,
    infrared: bool,
    noise: np.random.Generator,
    shape,
) -> np.ndarray:
    layers = person.paint(who, view, twin.seed, *shape)
    glass = lens(twin.kind, camera, infrared)
    if infrared:
        return sensors.shoot_infrared(
            layers, view.light, glass, band(twin.kind), twin.channel_gap, noise
        )
    return sensors.shoot_rgb(layers, view.light, glass, noise)


@lru_cache(maxsize=64)
def who_is(twin: Twin, identity: int) -> wardrobe.Person:
    """The person behind an identity: the same clothes in all shots."""
    return wardrobe.person(stream(twin.seed, "person", identity))


def picture(twin: Twin, shot: Shot) -> np.ndarray:
    """Render one shot: ``[height, width, 3]`` uint8."""
    visible, infrared = views(twin, shot.identity, shot.number)
    noise = stream(
        twin.seed, "noise-ir" if shot.infrared else "noise-rgb", shot.identity, shot.number
    )
    view = infrared if shot.infrared else visible
    return _take(
        twin,
        view,
        who_is(twin, shot.identity),
        shot.camera,
        shot.infrared,
        noise,
        (twin.spec.height, twin.spec.width),
    )


def counterfactual(
    kind: str,
    identity: int,
    shot: int,
    *,
    size: str = "demo",
    seed: int = 0,
    channel_gap: float | None = None,
    appearance_gap: float | None = None,
    shape: tuple[int, int] | None = None,
) -> dict[str, np.ndarray]:
    """A pair of partners and what each camera would have seen from the other's place.

    Returns ``[height, width, 3]`` uint8 arrays: ``rgb`` and ``ir`` are the pictures of the set
    (before a file format); ``rgb_at_ir`` is the RGB camera at the infrared shot's pose, view, place
    and light; ``ir_at_rgb`` the reverse. So rgb against rgb_at_ir is the appearance gap alone,
    rgb_at_ir against ir the channel gap alone. ``identity`` counts from 1, ``shot`` from 0;
    ``shape`` (height, width) overrides the size's own. Raises TwinError for an identity, a shot, a
    size or a dial that the twin does not have.
    """
    twin = settle(kind, size, seed, channel_gap, appearance_gap)
    spec = twin.spec
    most = min(spec.visible, spec.infrared)
    if not 1 <= identity <= spec.identities:
        raise TwinError(
            f"identity {identity} is not in {kind} at size {size}",
            rule=f"identities are 1 to {spec.identities}",
        )
    if not 0 <= shot < most:
        raise TwinError(
            f"shot {shot} is not in {kind} at size {size}",
            rule=f"pairs of partners are 0 to {most - 1}",
        )
    visible, infrared = views(twin, identity, shot)
    glass = _cameras(twin, identity, shot)
    who = who_is(twin, identity)
    takes = {
        "rgb": (visible, False),
        "ir": (infrared, True),
        "rgb_at_ir": (infrared, False),
        "ir_at_rgb": (visible, True),
    }
    found = {}
    for name, (view, is_infrared) in takes.items():
        noise = stream(twin.seed, f"noise-{name.replace('_', '-')}", identity, shot)
        found[name] = _take(
            twin,
            view,
            who,
            glass[is_infrared],
            is_infrared,
            noise,
            shape or (spec.height, spec.width),
        )
    return found
