"""One person in one place: ``paint`` turns who and how seen into the layers that ``sensors``
develops.

The renderer from the outside in: this file (the whole, head, bags), ``outfit`` (clothes),
``figure`` (skeleton and view), ``scenery`` and ``things`` (the place), ``canvas`` (shapes),
``wardrobe`` (who).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from . import clothes, scenery, things
from .canvas import Canvas
from .skeleton import Figure, Vector, View, blend
from .wardrobe import Person

__all__ = ["VERSION", "View", "blend", "draw", "paint"]

VERSION = 1  # of everything that decides a pixel: raise it when a picture changes


def paint(person: Person, view: View, seed: int, height: int, width: int) -> np.ndarray:
    """Layers ``[9, height, width]`` float32 of the person in the place; ``seed`` is the data set's
    (its spots).
    """
    canvas = Canvas(
        height,
        width,
        layers=scenery.cut(seed, view.spot, view.kind, view.dx, view.dy, height, width),
    )
    draw(Figure(canvas, person, view))
    if view.occluder:
        things.occlude(
            canvas, scenery.stream(seed, "occluder", view.fold), view.occluder, view.occluder_x
        )
    return canvas.layers


def draw(f: Figure) -> None:
    """Shadow on the ground, then every part from far to near."""
    f.ground_shadow()
    for part in (clothes.legs, clothes.torso, clothes.arms, head, bag):
        part(f)
    f.canvas.far = 1.0
    for number, (_, do) in enumerate(sorted(f.parts, key=lambda part: part[0])):
        f.canvas.fold = f.view.fold + 31 * number
        do()


def head(f: Figure) -> None:
    """Hair that falls behind, then skull, hair, face and hat."""
    p = f.p
    if p.hair in ("long", "medium") and p.hat != "hood":
        f.later(0.03 - 0.35 * f.cos, partial(_hair_fall, f))
    if p.hair == "ponytail" and p.hat != "hood":
        f.later(0.2 - 0.35 * f.cos, partial(_tail, f))
    f.later(0.1, partial(_skull, f))


def _hair_fall(f: Figure) -> None:
    p, h = f.p, f.p.height
    x, y, z = f.J["head"]
    k = p.head * h
    reach = 0.20 if p.hair == "long" else 0.095
    rows = [
        (y + 0.03 * k, x, z - 0.012 * k, 0.050 * k, 0.052 * k),
        (y - 0.03 * k, x, z - 0.02 * k, 0.062 * k, 0.052 * k),
    ]
    rows += [
        (y - reach * 0.7 * k, x, z - 0.035 * k, 0.066 * k, 0.042 * k),
        (y - reach * k, x, z - 0.04 * k, 0.045 * k, 0.03 * k),
    ]
    f.slices(rows, p.hair_cloth)


def _tail(f: Figure) -> None:
    p, k = f.p, f.p.head * f.p.height
    x, y, z = f.J["head"]
    f.cloth(
        p.hair_cloth,
        (x, y + 0.03 * k, z - 0.075 * k),
        (x, y - 0.10 * k, z - 0.085 * k),
        0.026 * k,
        0.014 * k,
    )


def _skull(f: Figure) -> None:
    p, c = f.p, f.canvas
    x, y, z = f.J["head"]
    k, s = p.head * p.height, f.s
    hx, hy = f.at((x, y, z))
    rx = f.wide(0.047 * k, 0.058 * k)
    c.ellipse((hx, hy + 0.012 * k * s), rx * 0.94, 0.062 * k * s, p.skin.surface)
    jaw = f.at((x, y - 0.035 * k, z + 0.018 * k))
    c.ellipse(jaw, 0.038 * k * s, 0.034 * k * s, p.skin.surface)
    if p.hat == "hood":
        c.ellipse(
            (hx, hy - 0.004 * k * s),
            rx + 0.016 * k * s,
            0.085 * k * s,
            p.upper_cloth.surface,
            crease=p.upper_cloth.crease,
        )
    elif p.hair != "bald":
        _hair(f, x, y, z, hx, hy, rx, k)
    if f.cos > -0.35:
        _face(f, x, y, z, k)
    if p.hair in ("short", "medium", "long", "bun") and f.cos > -0.35 and p.hat == "none":
        top = f.at((x, y + 0.045 * k, z + 0.02 * k))  # the fringe
        c.ellipse(top, rx * 0.92, 0.026 * k * s, p.hair_cloth.surface, crease=0.5)
    _hat(f, x, y, z, hx, hy, rx, k)


def _hair(f: Figure, x, y, z, hx, hy, rx, k) -> None:
    p, c, s = f.p, f.canvas, f.s
    how = {"surface": p.hair_cloth.surface, "crease": 0.6}
    if p.hair == "afro":
        c.ellipse((hx, hy - 0.022 * k * s), rx + 0.038 * k * s, 0.092 * k * s, ragged=0.003, **how)
        return
    puff = (
        {
            "crop": 0.003,
            "short": 0.010,
            "medium": 0.014,
            "long": 0.012,
            "bun": 0.005,
            "ponytail": 0.005,
        }[p.hair]
        * k
        * s
    )
    back = f.at((x, y + 0.012 * k, z - 0.012 * k))
    c.ellipse(back, rx + puff, 0.063 * k * s + puff, **how)
    if p.hair == "bun":
        c.ellipse(f.at((x, y + 0.075 * k, z - 0.035 * k)), 0.03 * k * s, 0.028 * k * s, **how)


def _face(f: Figure, x, y, z, k) -> None:
    """Skin from hairline to chin on the side that looks our way, with sockets, mouth, nose and
    beard.
    """
    p, c, s = f.p, f.canvas, f.s
    turned = max(f.cos, 0.0)
    skin = p.skin.surface + np.float32([0, 0, 0, 0, 0.6])  # the face is the warmest place
    dark = skin * np.float32([0.45, 0.42, 0.42, 0.7, 1]) - np.float32([0, 0, 0, 0, 0.9])
    rx, ry = (0.030 + 0.012 * turned) * k * s, 0.056 * k * s
    c.ellipse(f.at((x, y - 0.008 * k, z + 0.026 * k)), rx, ry, skin)
    if abs(f.sin) > 0.35:
        c.limb(
            f.at((x, y + 0.002 * k, z + 0.058 * k)),
            f.at((x, y - 0.012 * k, z + 0.070 * k)),
            0.008 * k * s,
            0.009 * k * s,
            skin,
        )
    if p.beard:
        hair = p.hair_cloth.surface + np.float32([0, 0, 0, 0, 3.5])  # thin over warm skin
        c.ellipse(
            f.at((x, y - 0.052 * k, z + 0.03 * k)),
            rx * 0.82,
            0.018 * k * s,
            hair,
            crease=0.4,
            opacity=0.85,
        )
    for side in (-1, 1):
        eye = (x + side * 0.019 * k, y + 0.006 * k, z + 0.050 * k)
        if f.depth(eye) - f.depth((x, y, z)) > 0.012 * k:
            c.ellipse(f.at(eye), 0.0095 * k * s * max(turned, 0.4), 0.0055 * k * s, dark)
    if turned > 0.2:
        c.ellipse(
            f.at((x, y - 0.034 * k, z + 0.052 * k)),
            0.014 * k * s * turned,
            0.004 * k * s,
            dark,
            opacity=0.8,
        )
        c.ellipse(
            f.at((x, y - 0.016 * k, z + 0.058 * k)), 0.008 * k * s, 0.006 * k * s, dark, opacity=0.4
        )


def _hat(f: Figure, x, y, z, hx, hy, rx, k) -> None:
    p, c, s = f.p, f.canvas, f.s
    how = {"surface": p.hat_cloth.surface, "crease": 0.4}
    top = f.at((x, y + 0.028 * k, z))
    if p.hat in ("cap", "beanie"):
        puff = 0.008 if p.hat == "cap" else 0.014
        tall = 0.054 if p.hat == "cap" else 0.068
        c.ellipse(
            (top[0], top[1]), rx + puff * k * s, tall * k * s, above=top[1] + 0.012 * k * s, **how
        )
    if p.hat == "cap" and f.cos > -0.6:
        brim = [
            f.at((x + e * 0.022 * k, y + 0.022 * k, z + d * k))
            for e, d in ((-1, 0.055), (1, 0.055), (0, 0.10))
        ]
        for end in brim[:2]:
            c.limb(
                end,
                brim[2],
                0.011 * k * s,
                0.007 * k * s,
                p.hat_cloth.surface * np.float32([0.8, 0.8, 0.8, 1, 1]),
            )
    if p.hat == "brim":
        c.ellipse(
            (top[0], top[1] - 0.012 * k * s), rx + 0.004 * k * s, 0.056 * k * s, above=top[1], **how
        )
        c.ellipse((top[0], top[1]), rx + 0.042 * k * s, 0.014 * k * s, **how)


def bag(f: Figure) -> None:
    """The bag itself; its straps are painted with the trunk."""
    p = f.p
    if p.bag == "backpack":
        f.later(0.04 - 0.5 * f.cos, partial(_backpack, f))
    elif p.bag == "shoulder":
        spot = (
            -p.bag_side * -0.115 * p.height * p.hips,
            f.J["lhip"][1] + 0.02 * p.height,
            -0.02 * p.height,
        )
        f.later(0.09 + f.depth(spot), lambda: _satchel(f, spot))
    elif p.bag == "handbag":
        hand = f.J[("l" if p.bag_side > 0 else "r") + "hand"]
        f.later(f.depth(hand) + 0.05, lambda: _handbag(f, hand))


def _backpack(f: Figure) -> None:
    p, h, s, c = f.p, f.p.height, f.s, f.canvas
    z = f.J["neck"][2] - (0.105 + 0.02 * (p.bag_size - 1)) * h
    x, y = f.at((0.0, 0.715 * h - f.drop, z))
    half = (f.wide(0.075 * h, 0.052 * h) * p.bag_size, 0.100 * h * s * p.bag_size)
    c.box((x, y), half, p.bag_cloth.surface, corner=0.035 * h * s, crease=0.7, bulge=0.75)
    pocket = p.bag_cloth.surface * np.float32([0.8, 0.8, 0.8, 0.9, 1]) + np.float32(
        [0, 0, 0, 0, -0.8]
    )
    if f.cos < 0.3:
        c.box(
            (x, y + 0.45 * half[1]),
            (half[0] * 0.72, half[1] * 0.36),
            pocket,
            corner=0.02 * h * s,
            crease=0.4,
            bulge=0.5,
        )
        c.limb(
            (x - 0.5 * half[0], y - 0.25 * half[1]),
            (x + 0.5 * half[0], y - 0.25 * half[1]),
            0.006 * h * s,
            0.006 * h * s,
            pocket,
        )


def _satchel(f: Figure, spot: Vector) -> None:
    p, h, s = f.p, f.p.height, f.s
    x, y = f.at(spot)
    half = (f.wide(0.030 * h, 0.085 * h) * p.bag_size + 0.02 * h * s, 0.062 * h * s * p.bag_size)
    f.canvas.box((x, y), half, p.bag_cloth.surface, corner=0.016 * h * s, crease=0.5, bulge=0.7)
    flap = p.bag_cloth.surface * np.float32([0.82, 0.82, 0.82, 0.92, 1])
    f.canvas.box(
        (x, y - 0.4 * half[1]),
        (half[0] * 0.96, half[1] * 0.55),
        flap,
        corner=0.014 * h * s,
        bulge=0.6,
    )


def _handbag(f: Figure, hand: Vector) -> None:
    p, h, s = f.p, f.p.height, f.s
    x, y = f.at((hand[0], hand[1] - 0.115 * h, hand[2]))
    hx, hy = f.at(hand)
    half = (f.wide(0.028 * h, 0.075 * h) * p.bag_size + 0.01 * h * s, 0.058 * h * s * p.bag_size)
    for side in (-1, 1):
        f.canvas.limb(
            (hx, hy),
            (x + side * 0.6 * half[0], y - half[1]),
            0.006 * h * s,
            0.006 * h * s,
            p.bag_cloth.surface,
        )
    f.canvas.box((x, y), half, p.bag_cloth.surface, corner=0.014 * h * s, crease=0.4, bulge=0.6)
