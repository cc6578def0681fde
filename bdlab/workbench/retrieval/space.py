"""Figures of the embedding space: how far apart pairs of pictures are, and flat maps.

A map's marks tell the modalities, its numbers the people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bdlab.modality import BASE, Modality, Pair
from bdlab.workbench.style import COLOURS, MARKS, MATH, PALETTE, on

from . import embedding


def distances(
    pairs: Mapping[Pair, tuple[np.ndarray, np.ndarray]], graph: Sequence[Pair] = (), bins: int = 40
) -> Figure:
    """A triangle of panels, one for every two modalities: how far apart are pairs of one person
    (filled) and of two people (outline)? Each has the share of strangers that are nearer than a
    right one (0 apart, 50 % a coin); an edge of ``graph`` has a thick frame.
    """
    names = [m for m in Modality if (m, m) in pairs]
    both = np.concatenate([values for pair in pairs.values() for values in pair])
    steps = np.linspace(both.min(), both.max(), bins + 1)
    figure, axes = plt.subplots(
        len(names),
        len(names),
        figsize=(2.4 * len(names) + 0.6, 1.7 * len(names) + 0.9),
        sharex=True,
        layout="constrained",
        squeeze=False,
    )
    for (r, a), (c, b) in ((x, y) for x in enumerate(names) for y in enumerate(names)):
        ax = axes[r][c]
        if (b, a) not in pairs:
            ax.axis("off")
            continue
        positive, negative = pairs[b, a]
        colour = COLOURS[a] if a is b else "0.35"
        ax.hist(positive, steps, density=True, color=colour, alpha=0.55, label="one person")
        ax.hist(
            negative,
            steps,
            density=True,
            histtype="step",
            color="black",
            lw=1.4,
            ls="--",
            label="two people",
        )
        ax.text(
            0.03,
            0.95,
            f"{100 * embedding.overlap(positive, negative):.1f} %",
            transform=ax.transAxes,
            va="top",
            fontsize=10,
            weight="bold",
        )
        edge = {a, b} in [set(pair) for pair in graph]
        ax.set_title(f"{MATH[b]} – {MATH[a]}" + ("  (edge)" if edge else ""), fontsize=10)
        ax.spines[:].set(
            visible=True, linewidth=3 if edge else 0.8, color="black" if edge else "0.7"
        )
        ax.set_yticks([])
        ax.tick_params(labelbottom=True, labelsize=8)
    figure.supxlabel("distance", fontsize=10)
    said = (
        "distances of pairs of pictures;\n"
        "in bold: how often a stranger is\n"
        "nearer than the right person"
    )
    figure.legend(
        *axes[0][0].get_legend_handles_labels(),
        title=said,
        loc="upper right",
        bbox_to_anchor=(0.99, 0.98),
        frameon=False,
    )
    return figure


def points(
    where: np.ndarray,
    ids: np.ndarray,
    modalities: Sequence[Modality],
    by: str = "identity",
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """A map of pictures [N, 2]: the mark tells the modality (hollow: derivative), the colour the
    person (``by="identity"``, with the number written on its visible and on its infrared pictures)
    or the modality again (``by="modality"``). ValueError otherwise.
    """
    if by not in ("identity", "modality"):
        raise ValueError(f"by = {by!r}: identity or modality is meant")
    figure, ax = on(ax, (5.6, 4.8))
    modalities, people, tinted = np.array(modalities), list(np.unique(ids)), by == "identity"
    for m in (m for m in Modality if m in modalities):
        here = modalities == m
        tint = [PALETTE[people.index(i) % 10] for i in ids[here]] if tinted else [COLOURS[m]]
        # often on its parent
        full = (
            {"c": tint, "ec": "white", "lw": 0.6}
            if m in BASE
            else {"fc": "none", "ec": tint, "lw": 1.1}
        )
        ax.scatter(*where[here].T, s=30 if m in BASE else 60, marker=MARKS[m], alpha=0.8, **full)
        key = {
            "ec": "0.35" if tinted else COLOURS[m],
            "fc": "none" if m not in BASE else "0.35" if tinted else COLOURS[m],
        }
        ax.scatter([], [], s=30, marker=MARKS[m], label=MATH[m], **key)
    box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.7}
    for i in people if tinted else ():
        families = []
        for base in BASE:
            family = [m for m in Modality if m.parent is base]
            families.append(np.isin(modalities, family) & (ids == i))
        for here in (family for family in families if family.any()):
            ax.text(
                *np.median(where[here], axis=0),
                str(i),
                fontsize=8,
                weight="bold",
                ha="center",
                va="center",
                zorder=5,
                bbox=box,
            )
    ax.set(xticks=[], yticks=[], title=title)
    ax.set_aspect("equal", "datalim")
    ax.legend(fontsize="small", loc="best", framealpha=0.8)
    return figure


def maps(sample: embedding.Sample, found: Mapping[str, np.ndarray]) -> Figure:
    """Maps [N, 2] of one sample side by side, by title: coloured by person above, by modality
    below.
    """
    figure, axes = plt.subplots(
        2, len(found), figsize=(5.3 * len(found), 8.4), squeeze=False, layout="constrained"
    )
    for column, (title, where) in zip(axes.T, found.items(), strict=True):
        for ax, by in zip(column, ("identity", "modality"), strict=True):
            points(where, sample.ids, sample.modalities, by, f"{title}, coloured by {by}", ax)
    return figure
