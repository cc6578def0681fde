"""The figure under the clothes: how a shot sees a person (``View``), a walking skeleton, and its
projection.

The body stands in metres: x to the person's left, y up, z to where it looks; ``Figure.at`` turns
that into picture heights. What is drawn on the skeleton is in ``outfit`` (limbs and clothes) and
``person`` (head, bags, the whole).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from .canvas import LIT, Canvas, Point
from .sensors import Light
from .wardrobe import Cloth, Person

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class View:
    """One shot: how the person moves and stands, where the camera is, the place and the light.

    Angles in radians, positions in picture heights. ``yaw`` 0 looks into the camera, pi away from
    it.
    """

    yaw: float
    phase: float
    gait: float  # 0 stands still, 1 strides
    elbow: float
    nod: float
    x: float
    foot: float
    scale: float
    tilt: float  # the camera looks down by this much
    dx: float  # shift of the place
    dy: float
    light: Light
    spot: int
    kind: str
    gesture: str  # "swing" | "pocket" | "phone" | "fold"
    occluder: str  # "" | things.OCCLUDERS
    occluder_x: float
    fold: int


def blend(a: View, b: View, share: float, coin: float) -> View:
    """The view ``share`` of the way from ``a`` to ``b``: lengths by their mean, angles by the
    shorter arc.

    What has no between (the place, a gesture, an occluder) changes over when ``share`` (smoothed,
    so that a small share rarely does it) passes ``coin``: monotonic for one shot and, over many
    coins, on the average.
    """
    switched = 3 * share**2 - 2 * share**3 > coin
    values = {}
    for field in fields(View):
        u, v = getattr(a, field.name), getattr(b, field.name)
        if field.name in ("yaw", "phase"):
            values[field.name] = u + share * ((v - u + math.pi) % (2 * math.pi) - math.pi)
        elif isinstance(u, Light):
            values[field.name] = Light(
                *(
                    (1 - share) * getattr(u, f.name) + share * getattr(v, f.name)
                    for f in fields(Light)
                )
            )
        elif isinstance(u, float):
            values[field.name] = (1 - share) * u + share * v  # exact at both ends
        else:
            values[field.name] = v if switched else u
    return View(**values)


class Figure:
    """A person on a canvas. ``J`` are its joints in metres; ``at`` projects; parts wait in a list
    with their depth.
    """

    def __init__(self, canvas: Canvas, person: Person, view: View):
        self.canvas, self.p, self.view = canvas, person, view
        self.cos, self.sin = math.cos(view.yaw), math.sin(view.yaw)
        # detectors crop people to the same height, but not quite: some of the true height survives
        self.s = view.scale * 0.85 / (1.72 * (person.height / 1.72) ** 0.55)
        self.parts: list[tuple[float, Callable[[], None]]] = []
        self.J = self._joints()

    def _joints(self) -> dict[str, Vector]:
        p, v = self.p, self.view
        h, leg = p.height, p.height * p.legs
        lean = p.stoop + 0.05 * v.gait
        joints: dict[str, Vector] = {}
        swing = 0.5 * p.stride * v.gait
        for side, name in ((1, "l"), (-1, "r")):
            hip = (side * 0.052 * h * p.hips, leg, 0.0)
            angle = side * swing * math.sin(v.phase)
            bend = 0.06 + v.gait * 0.95 * max(0.0, side * math.cos(v.phase)) ** 1.5
            spread = side * 0.012 * h * (p.stance - 0.6)
            thigh, shin = 0.49 * leg, 0.43 * leg
            knee = (hip[0] + spread, hip[1] - thigh * math.cos(angle), thigh * math.sin(angle))
            ankle = (
                knee[0] + spread,
                knee[1] - shin * math.cos(angle - bend),
                knee[2] + shin * math.sin(angle - bend),
            )
            joints |= {name + "hip": hip, name + "knee": knee, name + "ankle": ankle}
        low = min(joints["lankle"][1], joints["rankle"][1]) - 0.045 * h
        joints = {k: (x, y - low, z) for k, (x, y, z) in joints.items()}
        self.drop = low
        back = math.tan(lean)
        for side, name in ((1, "l"), (-1, "r")):
            shoulder = (side * 0.096 * h * p.shoulders, 0.784 * h - low, (0.80 * h - leg) * back)
            joints |= {name + "shoulder": shoulder, **self._arm(side, name, shoulder)}
        joints["neck"] = (0.0, 0.835 * h - low, (0.835 * h - leg) * back)
        joints["head"] = (0.0, 0.925 * h - low, (0.93 * h - leg) * back + 0.018 * h + 0.03 * v.nod)
        return joints

    def _arm(self, side: int, name: str, shoulder: Vector) -> dict[str, Vector]:
        p, v = self.p, self.view
        upper, fore = 0.175 * p.height, 0.150 * p.height
        out = 0.10 + 0.10 * (p.build - 0.8) + 0.05 * p.loose
        angle, bend = -side * 0.55 * p.swing * v.gait * math.sin(v.phase), v.elbow
        turn_in = 0.0
        busy = side == p.bag_side if v.gesture != "fold" else True
        if busy and v.gesture == "phone":
            angle, bend, turn_in = 0.35, 2.1, 0.35
        elif busy and v.gesture == "fold":
            angle, bend, turn_in = 0.15, 1.55, 1.0
        elif busy and v.gesture == "pocket":
            angle, bend, out, turn_in = -0.30, 0.75, out + 0.2, 0.25
        elbow = (
            shoulder[0] + side * upper * math.sin(out),
            shoulder[1] - upper * math.cos(out) * math.cos(angle),
            shoulder[2] + upper * math.sin(angle),
        )
        reach = angle + bend
        hand = (
            elbow[0] + side * fore * (0.3 * math.sin(out) - math.sin(turn_in)),
            elbow[1] - fore * math.cos(reach),
            elbow[2] + fore * math.sin(reach) * math.cos(turn_in),
        )
        return {name + "elbow": elbow, name + "hand": hand}

    def at(self, point: Vector) -> Point:
        """Metres on the body -> picture heights."""
        x, y, z = point
        depth = z * self.cos - x * self.sin
        return (
            self.view.x + self.s * (x * self.cos + z * self.sin),
            self.view.foot
            - self.s * (y * math.cos(self.view.tilt) - depth * math.sin(self.view.tilt)),
        )

    def depth(self, point: Vector) -> float:
        """How much nearer to the camera than the body's axis, in metres."""
        return point[2] * self.cos - point[0] * self.sin

    def wide(self, across: float, deep: float) -> float:
        """Half width in picture heights of an elliptic slice with these half axes in metres, at
        this yaw.
        """
        return self.s * math.hypot(across * self.cos, deep * self.sin)

    def later(self, depth: float, do: Callable[[], None]) -> None:
        """Put a part on the list; greater depth is nearer and painted later."""
        self.parts.append((depth, do))

    def ground_shadow(self) -> None:
        """Darken the ground around both feet: contact shadows, for visible light and the lamp."""
        for name in ("lankle", "rankle"):
            x, _, z = self.J[name]
            cx, cy = self.at((x, 0.0, z))
            rx, ry = 0.15 * self.s, 0.04 * self.s
            window = self.canvas.window(cx - rx, cy - ry, cx + rx, cy + ry, 0.02)
            if window is None:
                continue
            q = np.sqrt(
                ((self.canvas.xs[:, window[1]] - cx) / rx) ** 2
                + ((self.canvas.ys[window[0]] - cy) / ry) ** 2
            )
            self.canvas.layers[(LIT, *window)] *= 1 - 0.45 * np.clip(1.4 - q, 0, 1)

    def skin(self, a: Vector, b: Vector, ra: float, rb: float, **how) -> None:
        """A limb of bare skin; ends and radii in metres."""
        self.canvas.limb(
            self.at(a), self.at(b), ra * self.s, rb * self.s, self.p.skin.surface, **how
        )

    def cloth(self, cloth: Cloth, a: Vector, b: Vector, ra: float, rb: float, **how) -> None:
        """A limb in cloth; ends and radii in metres."""
        how.setdefault("crease", cloth.crease)
        self.canvas.limb(self.at(a), self.at(b), ra * self.s, rb * self.s, cloth.surface, **how)

    def slices(self, rows, cloth: Cloth, decorate=None, bow: float = 0.0) -> None:
        """Paint elliptic slices (y, x, z, half across, half deep), all metres, top first;
        ``decorate`` adds the prints.
        """
        points = [self.at((x, y, z)) for y, x, z, _, _ in rows]
        found = self.canvas.profile(
            [q[1] for q in points],
            [q[0] for q in points],
            [self.wide(a, d) for _, _, _, a, d in rows],
            bow,
        )
        if found is None:
            return
        window, distance, u = found
        surface = np.broadcast_to(cloth.surface[:, None, None], (5, *distance.shape)).copy()
        crease = cloth.crease
        if decorate is not None:
            # 0 at the top, negative below
            metres = (points[0][1] - self.canvas.ys[window[0]]) / self.s
            decorate(surface, u, -metres)
        self.canvas.paint(window, distance, surface, 0.92 * u, 0.0, crease)


def lerp(a: float, b: float, t: float) -> float:
    """The number ``t`` of the way from ``a`` to ``b``."""
    return a + (b - a) * t


def mix(a: Vector, b: Vector, t: float) -> Vector:
    """The point ``t`` of the way from ``a`` to ``b``."""
    return (lerp(a[0], b[0], t), lerp(a[1], b[1], t), lerp(a[2], b[2], t))


def along(hip: Vector, knee: Vector, ankle: Vector, down: float) -> Vector:
    """The point at ``down`` of the leg: 0 hip, 0.5 knee, 1 ankle."""
    return mix(hip, knee, down / 0.5) if down < 0.5 else mix(knee, ankle, (down - 0.5) / 0.5)
