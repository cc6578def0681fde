"""Figures of the test part of a data set: which camera asks which, which pictures count, one query
and its gallery.

Colour is never alone: modalities are named, what is removed is hatched, matches have a frame and a
tick.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from bdlab.datasets import Dataset
from bdlab.modality import BASE
from bdlab.workbench import pictures as looks
from bdlab.workbench.style import COLOURS, GAP, HIT, MISS, centre, cross, frame, on, picture_sheet

from . import numbers

V, I = BASE


def roles(dataset: Dataset, ax: Axes | None = None) -> Figure:
    """Who asks whom: a box a camera of the test part, query cameras left, gallery cameras right; a
    crossed line is the camera rule.
    """
    protocol = dataset.tested_by
    figure, ax = on(ax, (6.6, 3.6 if protocol.has_cameras else 1.9))
    counts = Counter(
        (dataset.records[row].modality, dataset.records[row].camera)
        for row in dataset.select("test")
    )
    both = protocol.both_ways
    asks, answers = (V, I) if both else (I, V)
    left = sorted(key for key in counts if key[0] is asks)
    right = sorted(key for key in counts if key[0] is answers)
    place = {
        key: (x, _spread(n, len(keys)))
        for x, keys in ((0, left), (1, right))
        for n, key in enumerate(keys)
    }
    for a in left:
        for b in right:
            ruled = bool(protocol.excluded(a[1], b[1], True))
            _line(ax, place[a], place[b], ruled=ruled, both=both)
    for (m, camera), (x, y) in place.items():
        where = "\nindoor" if camera in protocol.indoor else "\noutdoor"
        where = where if protocol.indoor else ""
        box = {"boxstyle": "round,pad=0.5", "fc": COLOURS[m], "ec": "white"}
        words = f"{f'camera {camera}' if camera else m.title}{where}\n{counts[m, camera]} pictures"
        ax.text(
            x, y, words, ha="center", va="center", color="white", fontsize=9, bbox=box, zorder=4
        )
    titles = (
        ("query\ninfrared", "gallery, drawn from\nvisible")
        if not both
        else ("query or gallery", "gallery or query")
    )
    for x, title in enumerate(titles):
        ax.text(
            x,
            1.14 if protocol.has_cameras else 0.78,
            title,
            ha="center",
            va="bottom",
            fontsize=11,
            weight="bold",
        )
    ax.set(xlim=(-0.3, 1.3), ylim=(-0.15, 1.35) if protocol.has_cameras else (0.3, 1.0))
    ax.axis("off")
    return figure


def relation(dataset: Dataset, trial: numbers.Trial, ax: Axes | None = None) -> Figure:
    """Queries down, gallery across, both by camera, then person: a dot where it is the same one,
    hatched where it does not count, a cross where a right answer is lost by that. The title counts
    the queries that have something left to find.
    """
    figure, ax = on(ax, (5.2, 4.4))
    y, x = np.nonzero(trial.same & ~trial.removed)
    size = float(np.clip(2500 / max(trial.same.shape), 2, 40))
    ax.scatter(
        x, y, s=size, color=COLOURS[V], marker="o", label="same person: to be found", zorder=3
    )
    if trial.removed.any():
        rows, columns = (
            np.flatnonzero(trial.removed.any(axis=1)),
            np.flatnonzero(trial.removed.any(axis=0)),
        )
        corner, extent = (columns[0] - 0.5, rows[0] - 0.5), (len(columns), len(rows))
        ax.add_patch(
            Rectangle(
                corner,
                *extent,
                fc="0.9",
                ec="0.45",
                hatch="//",
                lw=0,
                label="removed by the camera rule",
                zorder=1,
            )
        )
        y, x = np.nonzero(trial.same & trial.removed)
        ax.scatter(
            x,
            y,
            s=1.6 * size,
            color=MISS,
            marker="x",
            lw=1.3,
            label="same person, removed",
            zorder=3,
        )
    if not trial.valid.all():
        lost = np.flatnonzero(~trial.valid)
        edge = np.full(len(lost), len(trial.gallery) - 0.5)
        ax.scatter(
            edge,
            lost,
            s=size,
            color="0.35",
            marker="<",
            clip_on=False,
            label="no match left: not counted",
        )
    for axis, rows, line in (
        (ax.yaxis, trial.query, ax.axhline),
        (ax.xaxis, trial.gallery, ax.axvline),
    ):
        cameras = [(dataset.records[row].modality, dataset.records[row].camera) for row in rows]
        starts = [k for k, key in enumerate(cameras) if k == 0 or key != cameras[k - 1]]
        for k in starts[1:]:
            line(k - 0.5, color="0.2", lw=1.2)
        middles = [(a + b - 1) / 2 for a, b in zip(starts, [*starts[1:], len(rows)], strict=True)]
        axis.set_ticks(
            middles,
            [
                looks.camera_name(*cameras[k])
                if cameras[k][1]
                else f"{cameras[k][0].title}, by person"
                for k in starts
            ],
        )
    ax.tick_params(axis="both", labelsize=8, length=0)
    ax.set(xlim=(-0.5, len(trial.gallery) - 0.5), ylim=(len(trial.query) - 0.5, -0.5))
    ax.set(
        xlabel=f"gallery: {len(trial.gallery)} pictures",
        ylabel=f"queries: {len(trial.query)} pictures",
    )
    ax.set_title(f"{trial.valid.sum()} of {len(trial.query)} queries have a match")
    ax.grid(False)
    ax.legend(
        fontsize="x-small",
        loc="upper center",
        bbox_to_anchor=(0.5, -0.2),
        ncols=2,
        markerscale=float(np.sqrt(40 / size)),
    )
    return figure


def gallery(
    dataset: Dataset,
    trial: numbers.Trial,
    number: int = 0,
    people: int = 10,
    ax: Axes | None = None,
) -> Figure:
    """One query and the gallery it is compared with, a column a person (the right one first), a row
    a camera: right answers framed and ticked, removed pictures crossed out, hatched where the
    gallery has none. ``number`` is the query's.
    """
    height, width = 96, 48
    rows, owner = numbers.shelves(
        dataset, trial, dataset.records[trial.query[number]].identity, people
    )
    figure, ax = on(ax, (1.4 + 0.72 * (len(owner) + 2), 0.9 + 1.35 * len(rows)))
    shown = {
        g: looks.pixels(dataset, [trial.gallery[g]], height, width)[0]
        for line in rows.values()
        for g in line
        if g is not None
    }
    asked = looks.pixels(dataset, [trial.query[number]], height, width)[0]
    cells = []
    for r, line in enumerate(rows.values()):
        listed = [None if g is None else shown[g] for g in line]
        cells.append([asked if r == 0 else None, None, *listed])
    picture_sheet(ax, cells, plain=2)
    frame(ax, 0, 0, (height, width), "black", "")
    for r, line in enumerate(rows.values()):
        for c, g in enumerate(line, start=2):
            if g is not None and trial.removed[number, g]:
                cross(ax, r, c, (height, width))
            elif g is not None and trial.same[number, g]:
                frame(ax, r, c, (height, width), HIT, "✓")
    for r, name in enumerate(rows):
        ax.text(
            2 * (width + GAP) - 6,
            centre(r, height),
            name,
            ha="right",
            va="center",
            fontsize=8.5,
            color=COLOURS[dataset.records[trial.gallery[0]].modality],
        )
    ax.xaxis.tick_top()
    query = dataset.records[trial.query[number]]
    camera = looks.camera_name(query.modality, query.camera).replace("\n", ", ")
    asking = f"query: person {query.identity}\n{camera}"
    ax.set_xticks(
        [centre(c, width) for c in (0, *range(2, 2 + len(owner)))],
        [asking, *map(str, owner)],
        fontsize=9,
    )
    ax.set_title(f"One query and its gallery ({len(trial.gallery)} pictures), a column a person")
    return figure


def _spread(n: int, count: int) -> float:
    """Heights 1 down to 0 of ``count`` boxes; two or one stand around the middle."""
    return 0.5 if count == 1 else 1 - n / (count - 1) if count > 2 else 0.8 - 0.6 * n


def _line(
    ax: Axes, a: tuple[float, float], b: tuple[float, float], ruled: bool, both: bool
) -> None:
    """One camera asks another; ``ruled`` out it is dashed, crossed and says so."""
    style = {"color": MISS, "ls": (0, (4, 3))} if ruled else {"color": "0.5"}
    style |= {
        "arrowstyle": "<|-|>" if both else "-|>",
        "mutation_scale": 14,
        "shrinkA": 42,
        "shrinkB": 42,
    }
    ax.add_patch(FancyArrowPatch(a, b, lw=1.8, zorder=2, **style))
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    if ruled:
        ax.plot(*middle, "x", color=MISS, ms=13, mew=3, zorder=5)
        ax.text(
            middle[0],
            middle[1] + 0.09,
            "same place: skipped",
            color=MISS,
            ha="center",
            fontsize=9,
            zorder=5,
        )
    elif both:
        ax.text(
            middle[0], middle[1] + 0.06, "all against all\nboth directions", ha="center", fontsize=9
        )
