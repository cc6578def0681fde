"""The desk on paper: the same map, lists and likenesses as one figure, for headless runs and
files.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from bdlab.modality import BASE, Modality
from bdlab.workbench.pictures import luma
from bdlab.workbench.retrieval.search import Tested
from bdlab.workbench.style import (
    COLOURS,
    GAP,
    HIT,
    MARKS,
    MATH,
    MISS,
    PALETTE,
    bare,
    centre,
    frame,
    picture_sheet,
)

from . import numbers

SHOWN = 8  # pictures of a list
SIZE = (96, 48)  # pixels of a picture


def sentence(words: str) -> str:
    """What stands in the board's place, as HTML."""
    return f'<p role="alert" style="max-width:60em"><b>No desk.</b> {escape(words)}</p>'


def desk(
    cells: Sequence[Tested],
    lists: Sequence[numbers.Lists],
    selection: Mapping[str, Any],
    view: Mapping[str, Any],
    placed: tuple[np.ndarray, str],
) -> Figure:
    """Left the map with the query (ring) and lines to its true matches; right every cell's ranked
    list, hits framed and ticked, misses framed and crossed; below the likeness of the chosen pair.
    """
    figure = plt.figure(figsize=(13, 7.6), layout="constrained")
    grid = figure.add_gridspec(1, 2, width_ratios=[1, 1.25])
    rows = len(cells) + (selection["result"] is not None)
    right = grid[1].subgridspec(rows, 1)
    ax = _axes(figure, grid[0])
    embedding_map(cells[view["side"]], lists[view["side"]], selection, view, placed, ax)
    for side, one in enumerate(lists):
        ranked(one, selection["query"], _axes(figure, right[side]))
        name = f"{numbers.NAMES[side]}: {numbers.title(cells[side])}"
        figure.axes[-1].set_title(f"{name}. {_verdict(one, selection['query'])}", fontsize=10)
    if selection["result"] is not None:
        _pair(figure, right[rows - 1], cells[selection["side"]], selection)
    setting = cells[0].settings[view["setting"]]
    figure.suptitle(f"{cells[0].setup.dataset.name}: {setting}; queries: {view['filter']}")
    return figure


def _axes(figure: Figure, place: SubplotSpec) -> Axes:
    return figure.add_subplot(place)


def embedding_map(
    tested: Tested,
    lists: numbers.Lists,
    selection: Mapping[str, Any],
    view: Mapping[str, Any],
    placed: tuple[np.ndarray, str],
    ax: Axes,
) -> None:
    """The map as the page shows it: its window, its hidden streams, its colours. ``placed``: where
    its points lie [N, 2], and a sentence about that.
    """
    where, words = placed
    of = numbers.points(tested)
    colours = _colours(of, lists, view["colour"])
    streams = list(Modality)
    for k in sorted(set(of.streams), reverse=True):
        stream = streams[k]
        if stream.value in view["hidden"]:
            continue
        here = of.streams == k
        full = {"fc": colours[here], "ec": "white", "lw": 0.4}
        hollow = {"fc": "none", "ec": colours[here], "lw": 0.8}
        style = full if stream in BASE else hollow
        ax.scatter(*where[here].T, s=18, marker=MARKS[stream], label=MATH[stream], **style)
    places = {}
    for place in np.flatnonzero(np.isin(of.streams, [streams.index(m) for m in BASE])):
        places[int(of.rows[place])] = where[place]
    asked = places[selection["query"]]
    for row in lists.ranked(selection["query"])["matches"]:
        ax.plot(*zip(asked, places[row], strict=True), color=HIT, lw=0.8, zorder=4)
    ax.scatter(*asked, s=150, fc="none", ec="black", lw=2, zorder=5)
    x, y, zoom = view["window"]
    ax.set(xlim=(x - 1.05 / zoom, x + 1.05 / zoom), ylim=(y - 1.05 / zoom, y + 1.05 / zoom))
    ax.set(aspect="equal", xticks=[], yticks=[])
    name = numbers.NAMES[view["side"]]
    said = textwrap.fill(f"map of {name}, by {view['colour']}. {words}", 72)
    ax.set_title(said, fontsize=10)
    ax.legend(fontsize="small", loc="lower left")


def _colours(of: numbers.Points, lists: numbers.Lists, by: str) -> np.ndarray:
    """The points' colours [N, 3]."""
    palette = np.array(PALETTE)
    if by == "modality":
        return np.array([COLOURS[m] for m in Modality])[of.streams]
    if by == "person":
        return palette[np.unique(of.ids, return_inverse=True)[1] % len(palette)]
    if by == "camera":
        return palette[of.cameras % len(palette)]
    verdict = numbers.right(lists, of)
    return np.array([MISS, HIT, (0.75, 0.75, 0.75)])[verdict]  # -1: the last, did not ask


def ranked(lists: numbers.Lists, row: int, ax: Axes) -> None:
    """The query and the head of its list, with the first right picture where it comes later."""
    head = lists.ranked(row, SHOWN)["entries"]
    dataset = lists.tested.setup.dataset
    shown = [entry for entry in head if entry["place"] <= SHOWN]
    later = [entry for entry in head if entry["place"] > SHOWN]
    cells: list[np.ndarray | None] = [_picture(lists.tested, row), None]
    cells += [_picture(lists.tested, entry["row"]) for entry in shown]
    if later:
        cells += [None, _picture(lists.tested, later[0]["row"])]
    page = picture_sheet(ax, [cells], plain=len(cells))
    size = page.shape[0], (page.shape[1] + GAP) // len(cells) - GAP
    frame(ax, 0, 0, size, "black")
    ticks, words = [0.0], [f"query\nperson {dataset.records[row].identity}"]
    for entry in head:
        column = 1 + entry["place"] if entry["place"] <= SHOWN else len(cells) - 1
        colour, mark = (HIT, "✓") if entry["right"] else (MISS, "✗")
        frame(ax, 0, column, size, colour, mark)
        ticks.append(column)
        words.append(f"{entry['place']}\n{entry['distance']:.2f}")
    ax.set_xticks([centre(tick, size[1]) for tick in ticks], words, fontsize=8)


def _picture(tested: Tested, row: int) -> np.ndarray:
    return numbers.picture(tested, row, tested.setup.dataset.records[row].modality)


def _verdict(lists: numbers.Lists, row: int) -> str:
    found = lists.ranked(row, 1)
    if not found["first"]:
        return "no right picture in the gallery"
    return f"first right at place {found['first']} of {found['length']}"


def _pair(figure: Figure, place: SubplotSpec, tested: Tested, selection: Mapping[str, Any]) -> None:
    """The likeness of query and result, a panel for each stream: purple and + adds, orange and −
    takes away; the number is the cosine similarity.
    """
    panels = numbers.compare(tested, selection["query"], selection["result"])
    axes = place.subgridspec(1, len(panels)).subplots()
    most = max(np.abs(panel["values"]).max() for panel in panels)
    for ax, panel in zip(axes, panels, strict=True):
        stream = Modality(panel["stream"])
        picture = numbers.picture(tested, panel["row"], stream)
        height, width = picture.shape[:2]
        ax.imshow(luma(picture), cmap="gray", vmin=0, vmax=255)
        extent = (-0.5, width - 0.5, height - 0.5, -0.5)
        scale = {"cmap": "PuOr", "vmin": -most, "vmax": most}
        ax.imshow(np.array(panel["values"]), alpha=0.62, extent=extent, **scale)
        bare(ax)
        ax.set_title(f"{MATH[stream]}  {panel['sum']:+.2f}", fontsize=10)
