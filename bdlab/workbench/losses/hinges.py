"""Figures of hinges in the plane: one anchor's summand of eq. 4, and the board that is dragged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

from bdlab import losses
from bdlab.modality import Modality
from bdlab.workbench.style import COLOURS, MARKS, MATH, PALETTE, on

from . import toy
from .toy import Constellation, Hinge

PUSH, PULL = PALETTE[1], PALETTE[0]
#: Arrows in units of distance, 0.7 long for a gradient of 1, as hinge.js draws them.
_ARROWS = {
    "angles": "xy", "scale_units": "xy", "scale": 1 / 0.7, "width": 0.004, "zorder": 3,
    "color": "0.25",
}  # fmt: skip


def hinge(points: Constellation, one: Hinge) -> Figure:
    """One summand of eq. 4: the anchor (ring), its farthest positive (solid circle), the margin
    around that (broken), its nearest negative.

    Left the plane: a point is a picture, its number the person, its mark the modality; modalities
    that take no part are pale. Right the same as lengths; the hatched part is what the hinge costs.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 5), width_ratios=[1.5, 1], layout="constrained"
    )
    _plane(points, one, left)
    lengths(one, right)
    return figure


def dragged(points: Constellation, one: Hinge) -> Figure:
    """Points of two streams with the anchor's circles and everybody's way downhill (arrows); right
    all distances S, of the same person shaded, and in each row what max and min read framed.

    A row's hinge stands at its end; the anchor's row is that of ``one``.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 4.6), width_ratios=[1.2, 1], layout="constrained"
    )
    _plane(points, one, left)
    for m, ways in downhill(points, one).items():
        spots = points.features[m].numpy()
        left.quiver(*spots.T, *ways.T, **_ARROWS)
    _distances(points, one, right)
    return figure


def downhill(points: Constellation, one: Hinge) -> dict[Modality, np.ndarray]:
    """Minus the gradient of eq. 4 in both directions between the two streams of ``one``, [N, 2] a
    stream; its margin and reading are those of ``one``.
    """
    pair = (one.own, one.to)
    moving = {m: points.features[m].clone().requires_grad_() for m in pair}
    labels = {m: points.labels[m] for m in pair}
    literal = one.negative is None
    cost = losses.mdl(moving, labels, (pair,), margin=one.margin, literal=literal)
    cost.backward()
    return {m: -x.grad.numpy() for m, x in moving.items()}


def _distances(points: Constellation, one: Hinge, ax: Axes) -> None:
    """S from the anchors of ``one.own``: shaded of one person, framed what each hinge reads."""
    ids = {m: points.labels[m].numpy() for m in (one.own, one.to)}
    grids = toy.matrices(points, one.own, one.to)
    same = grids["V"] == 1
    ax.imshow(np.where(same, 0.25, 0.04), cmap="Purples", vmin=0, vmax=1)
    for (r, c), value in np.ndenumerate(grids["S"]):
        weight = "bold" if r == one.anchor else "normal"
        ax.text(c, r, f"{value:.2f}", ha="center", va="center", fontsize=9, weight=weight)
    literal = one.negative is None
    for row in range(len(same)):
        each = toy.hinge(points, one.own, row, one.to, cross=one.margin, literal=literal)
        for column, colour, style in ((each.positive, PULL, "-"), (each.negative, PUSH, "--")):
            if column is not None:
                look = {"fill": False, "ec": colour, "lw": 2.5, "ls": style}
                ax.add_patch(Rectangle((column - 0.45, row - 0.45), 0.9, 0.9, **look))
        ax.text(same.shape[1] - 0.3, row, f"{each.value:.2f}", va="center", fontsize=9)
    ax.set_xticks(range(same.shape[1]), [str(k + 1) for k in ids[one.to]])
    ax.set_yticks(range(same.shape[0]), [str(k + 1) for k in ids[one.own]])
    ax.set(xlabel=f"{MATH[one.to]}, person", ylabel=f"anchor in {MATH[one.own]}, person")
    ax.set_title("$S$; framed: max (solid), min (dashed); right: hinge", fontsize=11)
    ax.grid(False)


def _plane(points: Constellation, one: Hinge, ax: Axes) -> None:
    """The plane with the anchor's circles and its two arrows."""
    spot = points.features[one.own][one.anchor].numpy()
    for radius, style in ((one.farthest, "-"), (one.farthest + one.margin, "--")):
        ax.add_patch(Circle(spot, radius, fill=False, ls=style, ec="0.3", lw=1.3))
    people(points.features, points.labels, (one.own, one.to), ax)
    ax.scatter(*spot, s=340, fc="none", ec="black", lw=2, zorder=5)
    positive = points.features[one.to][one.positive].numpy()
    _arrow(ax, spot, positive, PULL, "-", "farthest positive")
    if one.negative is not None:
        _arrow(
            ax,
            spot,
            points.features[one.to][one.negative].numpy(),
            PUSH,
            "--",
            "nearest negative",
        )
    ax.legend(
        loc="upper left",
        bbox_to_anchor=(0, -0.01),
        ncols=3,
        fontsize="small",
        markerscale=0.7,
        columnspacing=1.2,
    )
    ax.set(xlim=(-1.75, 1.75), ylim=(-1.5, 1.5), aspect="equal", xticks=[], yticks=[])
    ax.set_title(
        f"{MATH[one.own]} to {MATH[one.to]}, anchor: person "
        f"{int(points.labels[one.own][one.anchor]) + 1}"
    )


def people(
    features: Mapping[Modality, np.ndarray],
    labels: Mapping[Modality, np.ndarray],
    strong: Sequence[Modality],
    ax: Axes | None = None,
) -> Figure:
    """Points [N, 2] by modality (mark and colour), each with its person's number from 1; all but
    the ``strong`` modalities pale.
    """
    figure, ax = on(ax, (5, 5))
    for m in sorted(features, key=lambda m: m not in strong):
        where, there = np.asarray(features[m]), m in strong
        colour = COLOURS[m] if there else "0.86"
        ax.scatter(
            *where.T,
            s=190,
            marker=MARKS[m],
            color=colour,
            ec="white",
            lw=0.8,
            zorder=4 if there else 2,
            label=MATH[m],
        )
        for (x, y), person in zip(where, labels[m], strict=True):
            ax.text(
                x,
                y - 0.015 * (m is Modality.I),
                str(int(person) + 1),
                color="white",
                fontsize=8,
                ha="center",
                va="center_baseline",
                zorder=6 if there else 3,
            )
    return figure


def lengths(one: Hinge, ax: Axes | None = None) -> Figure:
    """The three lengths of one hinge as bars: farthest positive and margin on one, nearest negative
    on the other, the cost hatched.
    """
    figure, ax = on(ax, (3.6, 4))
    reach = one.farthest + one.margin
    ax.barh(1, one.farthest, 0.5, color=PULL)
    ax.barh(1, one.margin, 0.5, left=one.farthest, color="white", ec="0.3", ls="--", lw=1.3)
    ax.barh(0, one.nearest, 0.5, color=PUSH)
    if one.value > 0:
        ax.barh(0, one.value, 0.5, left=one.nearest, color="white", ec="black", hatch="////", lw=1)
    words = "eq. 5's zero" if one.negative is None else "nearest negative"
    ax.text(0, 1.32, f"farthest positive {one.farthest:.2f} + margin {one.margin:.2f}", fontsize=10)
    ax.text(0, 0.32, f"{words} {one.nearest:.2f}", fontsize=10)
    says = (
        f"hinge {one.value:.2f}" if one.value > 0 else "hinge 0: the negative is beyond the margin"
    )
    ax.text(0, -0.5, says, fontsize=12, weight="bold")
    ax.axvline(reach, color="0.3", lw=1, ls=":")
    ax.set(
        xlim=(0, max(reach, one.nearest) * 1.05),
        ylim=(-0.8, 1.7),
        yticks=[],
        xlabel="distance from the anchor",
    )
    ax.grid(False)
    return figure


def _arrow(
    ax: Axes, start: np.ndarray, end: np.ndarray, colour: tuple[float, ...], style: str, words: str
) -> None:
    ax.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=15,
            lw=2,
            ls=style,
            color=colour,
            shrinkA=10,
            shrinkB=7,
            zorder=3,
        )
    )
    ax.plot([], [], color=colour, ls=style, lw=2, label=words)
