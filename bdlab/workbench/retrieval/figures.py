"""The figures of the retrieval notebook, each a pure function on top of ``retrieval`` and
``embedding``; those of the embedding space stand in ``space``.

A hit has a green frame and a tick, a miss an orange one and a cross.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from bdlab.datasets import Dataset
from bdlab.modality import Modality
from bdlab.workbench import pictures
from bdlab.workbench.style import (
    COLOURS,
    GAP,
    HIT,
    MISS,
    PALETTE,
    STYLES,
    centre,
    frame,
    on,
    picture_sheet,
)

from . import search as retrieval
from .space import distances, maps, points

__all__ = [
    "answer",
    "cmc",
    "distances",
    "evidence",
    "maps",
    "parts",
    "points",
    "question",
    "ranked",
]

_LANES = {"right": 2, "wrong": 1, "removed": 0}


def answer(search: retrieval.Search, number: int, ax: Axes | None = None) -> Figure:
    """One query's whole gallery by distance: right ones as discs above, wrong ones as strokes,
    removed ones as crosses below; the first and the last right one carry their places.
    """
    figure, ax = on(ax, (8.6, 2.5))
    found = search.answer(number)
    out = np.sqrt(search.squared[number][search.removed[number]])
    right, wrong = found.distances[found.right], found.distances[~found.right]
    ax.scatter(
        wrong,
        np.full(len(wrong), _LANES["wrong"]),
        s=160,
        marker="|",
        color=MISS,
        lw=0.9,
        alpha=0.8,
    )
    ax.scatter(
        right,
        np.full(len(right), _LANES["right"]),
        s=70,
        marker="o",
        color=HIT,
        ec="white",
        zorder=3,
    )
    ax.scatter(out, np.full(len(out), _LANES["removed"]), s=40, marker="x", color="0.45")
    places = np.flatnonzero(found.right) + 1
    ends = (
        [(places[0], "first right", "right"), (places[-1], "last right", "left")]
        if len(places) > 1
        else [(p, "right", "center") for p in places]
    )
    for place, words, side in ends:
        x = found.distances[place - 1]
        ax.plot([x, x], [1, 2.5], color=HIT, lw=1, ls=":", zorder=1)
        ax.text(x, 2.58, f"{words}: place {place}", ha=side, fontsize=9)
    counts = {"right": len(right), "wrong": len(wrong), "removed": len(out)}
    lanes = {name: y for name, y in _LANES.items() if counts[name] or name != "removed"}
    ax.set_yticks(list(lanes.values()), [f"{name} ({counts[name]})" for name in lanes])
    ax.set(
        ylim=(min(lanes.values()) - 0.5, 3), xlabel="distance to the query, 0 alike to 2 opposite"
    )
    ax.grid(axis="y", visible=False)
    return figure


def ranked(
    dataset: Dataset,
    search: retrieval.Search,
    queries: Sequence[int],
    shown: int = 8,
    ax: Axes | None = None,
) -> Figure:
    """A row a query: its picture, then the ``shown`` nearest, ticked green if it is the same person
    and crossed orange if not, with whose they are; where no right one is among them, the first
    right one stands at the end with its place.
    """
    size = height, width = 96, 48
    answers = [search.answer(int(q)) for q in queries]
    wide = 3 + shown + 1  # query, a gap, the list, a gap, the first right one if it is farther down
    figure, ax = on(ax, (1.5 + 0.66 * wide, 0.5 + 1.3 * len(answers)))
    cells = [
        _line(dataset, search, q, found, shown, size)
        for q, found in zip(queries, answers, strict=True)
    ]
    page = picture_sheet(ax, cells, plain=wide)
    for r, found in enumerate(answers):
        frame(ax, r, 0, size, "black")
        for c, (place, right) in enumerate(
            zip(found.places[:shown], found.right[:shown], strict=True)
        ):
            frame(ax, r, 2 + c, size, HIT if right else MISS, "✓" if right else "✗")
            _below(ax, r, 2 + c, size, str(search.gallery_ids[place]))
        if found.first >= shown:
            frame(ax, r, wide - 1, size, HIT, "✓")
            _below(ax, r, wide - 1, size, f"place {found.first + 1}")
    ax.set_yticks(
        [centre(r, height) for r in range(len(answers))],
        [_who(dataset, search, int(q)) for q in queries],
        fontsize=9.5,
    )
    ax.xaxis.tick_top()
    heads = ["query", *map(str, range(1, shown + 1)), "first\nright"]
    ax.set_xticks(
        [centre(c, width) for c in (0, *range(2, 2 + shown), wide - 1)], heads, fontsize=9
    )
    ax.set_xlim(-4, page.shape[1] + 3)
    return figure


def question(query: np.ndarray, offered: Sequence[np.ndarray]) -> Figure:
    """A round of the game: the infrared picture that asks in a black frame, then the visible ones
    to choose from, numbered; uint8 [H, W, 3] of one size.
    """
    size = query.shape[:2]
    figure, ax = plt.subplots(figsize=(1.1 * (len(offered) + 1.5), 2.6), layout="constrained")
    picture_sheet(ax, [[query, None, *offered]], plain=2)
    frame(ax, 0, 0, size, "black")
    ax.set_title("Who is it?", loc="left")
    heads = {0: "infrared"} | {k + 2: str(k + 1) for k in range(len(offered))}
    ax.set_xticks([centre(c, size[1]) for c in heads], list(heads.values()))
    return figure


def cmc(
    results: Mapping[str, np.ndarray], guess: np.ndarray | None = None, ax: Axes | None = None
) -> Figure:
    """CMC curves [trials, ranks] by name: the mean over the trials, every single trial as a faint
    line and a 95 % t-interval of the mean as a band; with one trial there is neither, and the
    legend says so. ``guess`` is dotted.
    """
    figure, ax = on(ax, (6.4, 4.6))
    for number, (name, curves) in enumerate(results.items()):
        ranks, colour = np.arange(1, curves.shape[1] + 1), PALETTE[(0, 3, 2, 1, 4)[number % 5]]
        mean, half = retrieval.interval(curves)
        said = f"{len(curves)} trials" if half is not None else "1 trial: no interval"
        ax.plot(
            ranks,
            100 * mean,
            color=colour,
            ls=STYLES[number % 6],
            marker="osD^v"[number % 5],
            ms=4,
            lw=2,
            label=f"{name} ({said})",
        )
        if half is not None:
            ax.plot(ranks, 100 * curves.T, color=colour, lw=0.5, alpha=0.45)
            ax.fill_between(
                ranks, 100 * (mean - half), 100 * (mean + half), color=colour, alpha=0.3, lw=0
            )
    if guess is not None:
        ax.plot(
            np.arange(1, len(guess) + 1), 100 * guess, color="0.4", ls=":", lw=2, label="a guess"
        )
    ax.set(
        xlabel="rank",
        ylabel="queries answered by then (%)",
        ylim=(0, 101),
        xlim=(0.5, None),
        xticks=[1, 5, 10, 15, 20],
    )
    ax.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.18), frameon=False)
    return figure


def evidence(panels: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> Figure:
    """Titled pictures [H, W, 3] in 0..1 above; below each in grey under its map [h, w], what every
    block adds to the likeness: purple and + for it, orange and − against it, all on one scale. The
    number above a map is its sum, the cosine similarity.
    """
    figure, axes = plt.subplots(
        2, len(panels), figsize=(1.65 * len(panels) + 1.2, 5.6), squeeze=False, layout="constrained"
    )
    most = max(float(np.abs(values).max()) for _, _, values in panels)
    for (above, below), (title, picture, values) in zip(axes.T, panels, strict=True):
        above.imshow(picture)
        above.set_title(title, fontsize=10)
        shown = _overlay(below, picture, values, most)
        below.set_title(f"{values.sum():+.2f}", fontsize=11)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
        ax.spines[:].set_visible(False)
    figure.colorbar(shown, ax=axes, fraction=0.03, label="added to the cosine similarity")
    return figure


def parts(
    trained: Mapping[str, int], deployed: Mapping[str, int], ax: Axes | None = None
) -> Figure:
    """Parameters by part on a logarithmic scale: plain what is deployed, hatched what exists for
    training only.
    """
    figure, ax = on(ax, (6.8, 0.9 + 0.34 * len(trained)))
    names = sorted(trained, key=trained.__getitem__)
    for y, name in enumerate(names):
        stays = name in deployed
        ax.barh(
            y,
            trained[name],
            color=COLOURS[Modality.V] if stays else "white",
            ec="0.3",
            hatch="" if stays else "////",
            height=0.7,
        )
        ax.text(
            1.15 * trained[name],
            y,
            f"{trained[name]:,}" + ("" if stays else "  training only"),
            va="center",
            fontsize=9,
        )
    ax.set(xscale="log", xlim=(1, 40 * max(trained.values())), xlabel="parameters")
    ax.set_yticks(range(len(names)), names)
    ax.grid(axis="y", visible=False)
    return figure


# -- parts of figures
# --------------------------------------------------------------------------------------------------


def _line(
    dataset: Dataset,
    search: retrieval.Search,
    query: int,
    found: retrieval.Answer,
    shown: int,
    size: tuple[int, int],
) -> list:
    """The cells of one row of ``ranked``: the query, a gap, the head of the list, a gap, the first
    right one if it is farther down.
    """
    places = [int(search.query[query]), *search.gallery[found.places[:shown]].tolist()]
    places += [int(search.gallery[found.places[found.first]])] if found.first >= shown else []
    asked, *listed = pictures.pixels(dataset, places, *size)
    head, rest = listed[: min(shown, len(found.places))], listed[min(shown, len(found.places)) :]
    return [asked, None, *head, *[None] * (shown - len(head)), None, *(rest or [None])]


def _who(dataset: Dataset, search: retrieval.Search, number: int) -> str:
    record, lost = dataset.records[search.query[number]], int(search.removed[number].sum())
    camera = f"camera {record.camera}\n" if record.camera else ""
    name = dataset.called(record.identity).replace("$", r"\$")  # no formula
    return (
        f"person {name}\n{record.modality.title}\n{camera}"
        + (f"{lost} removed" if lost else "").rstrip()
    )


def _below(ax: Axes, r: int, c: int, size: tuple[int, int], words: str) -> None:
    """Small words at the foot of one picture."""
    box = {"boxstyle": "square,pad=0.12", "fc": "white", "ec": "none", "alpha": 0.8}
    y = r * (size[0] + GAP) + size[0] - 5
    ax.text(centre(c, size[1]), y, words, ha="center", va="bottom", fontsize=9, bbox=box, zorder=4)


def _overlay(ax: Axes, picture: np.ndarray, values: np.ndarray, most: float) -> AxesImage:
    """A grey picture under the blocks of a map, unsmoothed: a block is a place the trunk knows.
    Strong ones carry their sign.
    """
    height, width = picture.shape[:2]
    ax.imshow(pictures.luma(picture), cmap="gray", vmin=0, vmax=1)
    shown = ax.imshow(
        values,
        cmap="PuOr",
        vmin=-most,
        vmax=most,
        alpha=0.62,
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        zorder=2,
    )
    for (y, x), value in np.ndenumerate(values):
        if abs(value) > most / 3 and values.size <= 200:
            at = (
                (x + 0.5) * width / values.shape[1] - 0.5,
                (y + 0.5) * height / values.shape[0] - 0.5,
            )
            ax.text(
                *at,
                "+" if value > 0 else "−",
                ha="center",
                va="center",
                fontsize=11,
                weight="bold",
                zorder=3,
            )
    return shown
