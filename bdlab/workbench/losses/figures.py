"""Figures of the loss notebook: one hinge in the plane, eq. 3-5 as matrices, the table of directed
losses; those of embeddings while they train stand in ``films``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

from bdlab.modality import MDL_GRAPHS, Modality, Pair
from bdlab.workbench.method import graph
from bdlab.workbench.style import COLOURS, MARKS, MATH, PALETTE, on

from .films import collapse, curves, fig3, seeds
from .toy import Constellation, Directed, Hinge, directed, named

__all__ = [
    "card",
    "choices",
    "collapse",
    "curves",
    "equation",
    "fig3",
    "hinge",
    "lengths",
    "matrices",
    "people",
    "seeds",
    "table",
]

TITLES = {"none": "no edge", "base": "baseline (B2)"} | {f"mdl{k}": f"MDL{k}" for k in range(1, 5)}
PUSH, PULL = PALETTE[1], PALETTE[0]


# -- one hinge
# --------------------------------------------------------------------------------------------------


def hinge(points: Constellation, one: Hinge) -> Figure:
    """One summand of eq. 4: the anchor (ring), its farthest positive (solid circle), the margin
    around that (broken), its nearest negative.

    Left the plane: a point is a picture, its number the person, its mark the modality; modalities
    that take no part are pale. Right the same as lengths; the hatched part is what the hinge costs.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 5), width_ratios=[1.5, 1], layout="constrained"
    )
    spot = points.features[one.own][one.anchor].numpy()
    for radius, style in ((one.farthest, "-"), (one.farthest + one.margin, "--")):
        left.add_patch(Circle(spot, radius, fill=False, ls=style, ec="0.3", lw=1.3))
    people(points.features, points.labels, (one.own, one.to), left)
    left.scatter(*spot, s=340, fc="none", ec="black", lw=2, zorder=5)
    positive = points.features[one.to][one.positive].numpy()
    _arrow(left, spot, positive, PULL, "-", "farthest positive")
    if one.negative is not None:
        _arrow(
            left,
            spot,
            points.features[one.to][one.negative].numpy(),
            PUSH,
            "--",
            "nearest negative",
        )
    left.legend(
        loc="upper left",
        bbox_to_anchor=(0, -0.01),
        ncols=3,
        fontsize="small",
        markerscale=0.7,
        columnspacing=1.2,
    )
    left.set(xlim=(-1.75, 1.75), ylim=(-1.5, 1.5), aspect="equal", xticks=[], yticks=[])
    left.set_title(
        f"{MATH[one.own]} to {MATH[one.to]}, anchor: person "
        f"{int(points.labels[one.own][one.anchor]) + 1}"
    )
    lengths(one, right)
    return figure


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


# -- eq. 3 to 5, and the table
# -----------------------------------------------------------------------------------------


def matrices(
    found: Mapping[str, np.ndarray], ids: tuple[np.ndarray, np.ndarray], own: Modality, to: Modality
) -> Figure:
    """Eq. 3 and 5 with their numbers: S, the 0/1 mask, S*V with each row's maximum framed, S*(1-V)
    with two readings of its minimum.

    A cell the mask has set to zero is grey. The framed minimum is that of the cells that are left;
    crosses are the zeros that the printed formula takes instead.
    """
    figure, axes = plt.subplots(2, 2, figsize=(10.5, 8.6), layout="constrained")
    said = (
        "$S$: distances",
        "$V$ (eq. 3): the same person?",
        "$S * V$: maximum framed",
        r"$S * \tilde{V}$: minimum framed",
    )
    for ax, (name, values), title in zip(axes.flat, found.items(), said, strict=True):
        gone = {"S V": found["V"] == 0, "S (1-V)": found["V"] == 1}.get(
            name, np.zeros(values.shape, bool)
        )
        ax.imshow(
            np.where(gone, np.nan, values),
            cmap="cividis_r" if name != "V" else "Greys",
            vmin=0,
            vmax=max(values.max(), 1) * 1.25,
        )
        ax.set_facecolor("0.92")
        _numbers(ax, values, gone, name)
        ax.set_xticks(range(values.shape[1]), [str(int(i) + 1) for i in ids[1]])
        ax.set_yticks(range(values.shape[0]), [str(int(i) + 1) for i in ids[0]])
        ax.set(title=title, xlabel=f"{MATH[to]}, person", ylabel=f"anchor in {MATH[own]}, person")
        ax.grid(False)
    for row in range(len(found["S"])):
        _frame(
            axes[1, 0], row, int(np.where(found["V"][row] == 1, found["S"][row], -np.inf).argmax())
        )
        _frame(
            axes[1, 1], row, int(np.where(found["V"][row] == 0, found["S"][row], np.inf).argmin())
        )
    return figure


def _numbers(ax: Axes, values: np.ndarray, gone: np.ndarray, name: str) -> None:
    dark = values > 0.75 * max(values.max(), 1) if name != "V" else values == 1
    for (r, c), value in np.ndenumerate(values):
        text = f"{value:.0f}" if name == "V" or gone[r, c] else f"{value:.2f}"
        if gone[r, c] and name == "S (1-V)":
            ax.plot(c, r, marker="x", ms=15, mew=1, color="0.45")
        ax.text(
            c,
            r,
            text,
            ha="center",
            va="center",
            fontsize=9,
            color="white" if dark[r, c] and not gone[r, c] else "black",
        )


def _frame(ax: Axes, row: float, column: float) -> None:
    ax.add_patch(Rectangle((column - 0.46, row - 0.46), 0.92, 0.92, fill=False, ec=PUSH, lw=2.5))


def table(
    values: np.ndarray,
    chosen: Mapping[str, Sequence[tuple[Modality, Modality]]],
    order: Sequence[Modality] = tuple(Modality),
) -> Figure:
    """The table of directed hinge losses [M, M] once a panel, with the entries that a loss sums
    framed, their sum in the title.

    Row: the anchor's modality, column: where its positive and negative are sought. ``chosen``:
    title -> entries.
    """
    figure, axes = plt.subplots(
        1, len(chosen), figsize=(2.75 * len(chosen), 3.5), squeeze=False, layout="constrained"
    )
    for ax, (title, entries) in zip(axes[0], chosen.items(), strict=True):
        names = [MATH[m] for m in order]
        looks = {
            "cmap": "cividis_r",
            "vmin": 0,
            "vmax": 1.3 * values.max(),
            "square": True,
            "cbar": False,
        }
        sns.heatmap(
            values,
            annot=True,
            fmt=".2f",
            annot_kws={"fontsize": 11},
            xticklabels=names,
            yticklabels=names,
            ax=ax,
            **looks,
        )
        ax.tick_params(axis="y", rotation=0)
        for text, (r, c) in zip(ax.texts, np.ndindex(values.shape), strict=True):
            if (order[r], order[c]) in entries:
                text.set_weight("bold")
                _frame(ax, r + 0.5, c + 0.5)
        total = sum(values[order.index(a), order.index(b)] for a, b in entries)
        ax.set_title(f"{title}\n{len(entries)} of 16, sum {total:.2f}", fontsize=11)
        ax.tick_params(labeltop=True, labelbottom=False, length=0)
    return figure


def choices(modalities: Sequence[Modality] = tuple(Modality)) -> dict[str, list[Directed]]:
    """MML and the paper's graphs as entries of the table, for ``table``."""
    graphs = {TITLES[name]: directed(pairs) for name, pairs in MDL_GRAPHS.items() if pairs}
    return {"MML": [(m, m) for m in modalities]} | graphs


# -- a graph and its equation
# ------------------------------------------------------------------------------------------


def equation(pairs: Sequence[Pair]) -> list[str]:
    """Eq. 2 for a graph as TeX, a line a pair: the two directed losses of each."""
    lines = [rf"L_{{{_tex(a)} \to {_tex(b)}}} + L_{{{_tex(b)} \to {_tex(a)}}}" for a, b in pairs]
    return (
        [f"L_{{MDL}} = {lines[0]}", *(f"+ {line}" for line in lines[1:])]
        if lines
        else ["L_{MDL} = 0"]
    )


def card(pairs: Sequence[Pair]) -> Figure:
    """A graph beside eq. 2 as it reads for it, the number of its directed triplet losses, and its
    name if the paper has it.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(7.6, 3.4), width_ratios=[1, 1.3], layout="constrained"
    )
    graph(pairs, ax=left)
    lines = equation(pairs)
    for k, line in enumerate(lines):
        right.text(0.02 if k == 0 else 0.235, 0.74 - 0.13 * k, f"${line}$", fontsize=14)
    name = named(pairs)
    title = (
        TITLES[name] + (", the paper's own" if name == "mdl4" else "")
        if name
        else "no graph of the paper"
    )
    right.set_title(f"{title}: {2 * len(pairs)} directed triplet losses")
    right.set(xlim=(0, 1), ylim=(0, 1))
    right.axis("off")
    return figure


def _tex(m: Modality) -> str:
    return MATH[m].strip("$")
