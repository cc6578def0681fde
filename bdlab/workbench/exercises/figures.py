"""The pictures of the exercises: what is asked, not what the answer is."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bdlab.modality import Modality
from bdlab.workbench.style import COLOURS, PALETTE, on

V, I = Modality.V, Modality.I
_HIDDEN = "0.45"


def cloud(
    a: np.ndarray,
    b: np.ndarray,
    ids_a: Sequence[int],
    ids_b: Sequence[int],
    anchor: int = 0,
    ax: Axes | None = None,
) -> Figure:
    """Two modalities in a plane, [N, 2] and [M, 2]: circles V, squares I, the person's number in
    each; one anchor with its distances.

    Solid lines go to the anchor's positives, dotted ones to its negatives.
    """
    figure, ax = on(ax, (6.2, 4.2))
    for point, person in zip(b, ids_b, strict=True):
        same = person == ids_a[anchor]
        ax.plot(
            *zip(a[anchor], point, strict=True),
            color="0.2" if same else "0.6",
            ls="-" if same else ":",
            lw=1.6,
            zorder=1,
        )
    for points, ids, m, mark in ((a, ids_a, V, "o"), (b, ids_b, I, "s")):
        ax.scatter(
            *points.T,
            s=330,
            marker=mark,
            color=COLOURS[m],
            edgecolor="white",
            lw=1.5,
            zorder=2,
            label=f"{m.title} ${m}$",
        )
        for (x, y), person in zip(points, ids, strict=True):
            ax.text(
                x, y, str(person), ha="center", va="center", color="white", fontsize=11, zorder=3
            )
    ax.scatter(
        *a[anchor], s=620, facecolor="none", edgecolor="black", lw=1.8, zorder=2, label="the anchor"
    )
    ax.margins(0.14)
    ax.set(xticks=[], yticks=[], aspect="equal")
    for handle in ax.legend(
        fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5), labelspacing=1.4
    ).legend_handles:
        handle.set_sizes([110])
    return figure


def ranking(
    query: tuple[int, int], people: Sequence[int], cameras: Sequence[int], ax: Axes | None = None
) -> Figure:
    """A query (person, camera) and its gallery, nearest first: a box a picture, ticked where it
    shows the right person.
    """
    figure, ax = on(ax, (1.05 * len(people) + 1.9, 1.7))
    for x, (person, camera) in enumerate([query, *zip(people, cameras, strict=True)]):
        left = x + (0.5 if x else 0.0)
        right = x > 0 and person == query[0]
        face = COLOURS[I] if x == 0 else COLOURS[Modality.DV] if right else "0.8"
        ax.add_patch(Rectangle((left, 0), 0.86, 1.0, fc=face, ec=_HIDDEN, lw=0.8))
        words = f"person {person}{' ✓' if right else ''}\ncamera {camera}"
        ax.text(
            left + 0.43,
            0.5,
            words,
            ha="center",
            va="center",
            fontsize=9,
            color="black" if face == "0.8" else "white",
        )
        ax.text(
            left + 0.43,
            1.12,
            f"{x}" if x else "query",
            ha="center",
            va="bottom",
            fontsize=10,
            color="0.2",
        )
    ax.set(xlim=(-0.1, len(people) + 1.46), ylim=(-0.15, 1.5))
    ax.axis("off")
    return figure


def seeds(ours: np.ndarray, baseline: np.ndarray, ax: Axes | None = None) -> Figure:
    """Two rows of a table [S, T] in per cent: small dots the T trials of a seed, large ones their
    mean, a line a seed.
    """
    figure, ax = on(ax, (5.2, 3.6))
    for s, pair in enumerate(zip(baseline, ours, strict=True)):
        colour = PALETTE[s % 10]
        ax.plot(
            [0, 1],
            [100 * values.mean() for values in pair],
            color=colour,
            marker="os^Dv<>P"[s % 8],
            ms=8,
            label=f"seed {s}",
            zorder=3,
        )
        for x, values in enumerate(pair):
            spread = (
                x + (0.1 if x else -0.1) + np.linspace(-0.05, 0.05, len(values)) * (len(values) > 1)
            )
            ax.scatter(spread, 100 * values, s=9, color=colour, alpha=0.6, lw=0)
    ax.set(xlim=(-0.35, 1.35), ylabel="Rank-1 (%)")
    ax.set_xticks([0, 1], ["baseline", "ours"])
    ax.grid(axis="x", visible=False)
    ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def tables(
    a: np.ndarray,
    b: np.ndarray,
    query_ids: Sequence[int],
    gallery_ids: Sequence[int],
) -> Figure:
    """The distances [Q, G] of two networks side by side: a row is a query, a column a gallery
    picture, darker is nearer; the right pictures are framed.
    """
    figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.4), layout="constrained")
    for ax, distances, name in zip(axes, (a, b), ("the first network", "the second"), strict=True):
        ax.imshow(distances, cmap="Greys_r", aspect="auto")
        for (row, column), distance in np.ndenumerate(distances):
            light = distance < 0.6 * distances.min() + 0.4 * distances.max()
            ax.text(
                column,
                row,
                f"{distance:.1f}",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if light else "black",
            )
            if query_ids[row] == gallery_ids[column]:
                box = Rectangle((column - 0.46, row - 0.46), 0.92, 0.92, fill=False)
                box.set(edgecolor=COLOURS[Modality.DV], linewidth=2.4)
                ax.add_patch(box)
        ax.set_xticks(range(len(gallery_ids)), [f"person {k}" for k in gallery_ids], fontsize=8)
        ax.set_yticks(range(len(query_ids)), [f"query of {k}" for k in query_ids], fontsize=8)
        ax.set_title(name, fontsize=10)
        ax.grid(visible=False)
    return figure
