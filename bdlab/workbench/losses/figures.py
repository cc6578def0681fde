"""Figures of the loss notebook: eq. 3-5 as matrices, the table of directed losses, a graph beside
eq. 2; those of one hinge stand in ``hinges``, those of embeddings while they train in ``films``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bdlab.modality import MDL_GRAPHS, Modality, Pair
from bdlab.workbench.method import graph
from bdlab.workbench.style import MATH

from .films import collapse, curves, fig3, seeds
from .hinges import PUSH, dragged, hinge, lengths, people
from .toy import Directed, directed, named

__all__ = [
    "card",
    "choices",
    "collapse",
    "curves",
    "dragged",
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


def card(pairs: Sequence[Pair], notes: Sequence[str] = ()) -> Figure:
    """A graph beside eq. 2 as it reads for it, the number of its directed triplet losses, and its
    name if the paper has it.

    ``notes``: lines below the equation.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(7.6, 3.4), width_ratios=[1, 1.3], layout="constrained"
    )
    graph(pairs, ax=left)
    lines = equation(pairs)
    for k, line in enumerate(lines):
        right.text(0.02 if k == 0 else 0.235, 0.74 - 0.13 * k, f"${line}$", fontsize=14)
    for k, note in enumerate(notes):
        right.text(0.02, 0.66 - 0.13 * max(len(lines), 1) - 0.085 * k, note, fontsize=10)
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
