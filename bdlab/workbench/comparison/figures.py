"""The board of runs on paper: its table, curves, scatter and verdict as one figure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bdlab.workbench import tables
from bdlab.workbench.style import PALETTE, STYLES

from . import numbers, pairs
from .numbers import Finished, Found

LINES = 14  # of the table on paper
MARKS = "o^sDvP"


def sentence(words: str) -> str:
    """What stands in the board's place, as HTML."""
    return f'<p role="alert" style="max-width:60em"><b>No board.</b> {escape(words)}</p>'


def look(found: Found) -> dict[str, dict[str, Any]]:
    """One colour, mark and line style for each row, in every panel, on paper and on the page."""
    return {
        row: {"colour": to_hex(PALETTE[n % len(PALETTE)]), "mark": MARKS[n % 6], "line": n % 6}
        for n, row in enumerate(found.rows)
    }


def overview(out: Path | str) -> Figure | None:
    """The finished cells of a folder: a table, loss curves of two cells, Rank-1 of each row, and
    the verdict on the last declared contrast. None where there is nothing to show.
    """
    try:
        found = numbers.read(out)
    except numbers.BoardError:
        return None
    start = numbers.opening(found)
    shown = numbers.ordered(found, start.view["filter"])
    return board(found, shown, start.selection, start.view)


def board(
    found: Found, shown: Sequence[int], selection: Mapping[str, Any], view: Mapping[str, Any]
) -> Figure:
    """Left the table over the verdict of the chosen pair of rows, right the curves of the chosen
    cells over the scatter of all that are shown; chosen cells have a ring.
    """
    figure = plt.figure(figsize=(13, 7.6), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=[1.25, 1], height_ratios=[1.35, 1])
    chosen = [found.named(name) for name in selection["cells"]]
    cells = [found.cells[number] for number in shown]
    _table(found, cells, chosen, figure.add_subplot(grid[0, 0]))
    curves(found, chosen, view["term"], figure.add_subplot(grid[0, 1]))
    verdict(found, cells, selection["pair"], figure.add_subplot(grid[1, 0]))
    scatter(found, cells, chosen, view["x"], view["y"], figure.add_subplot(grid[1, 1]))
    whose = "reference runs: " if any(cell.shipped for cell in found.cells) else ""
    figure.suptitle(f"{whose}{len(cells)} of {len(found.cells)} cells{_filtered(view['filter'])}")
    return figure


def _filtered(chosen: Mapping[str, Sequence[Any]]) -> str:
    parts = [f"{name} {' or '.join(map(str, values))}" for name, values in chosen.items()]
    return f": {', '.join(parts)}" if parts else ""


def _table(found: Found, cells: Sequence[Finished], chosen: Sequence[Finished], ax: Axes) -> None:
    """The first cells that are shown, the chosen ones ticked; what all of them share stands once,
    above.
    """
    ax.axis("off")
    if not cells:
        ax.text(0.5, 0.5, "the filter leaves no cell", ha="center", va="center")
        return
    differ, alike = [], []
    for name in numbers.PLACE[1:]:
        values = {cell.param(name) for cell in cells}
        if len(values) > 1:
            differ.append(name)
        else:
            alike.append(f"{name} {values.pop()}")
    heads = ["", "row", *differ, *numbers.SHOWN, "triplets"]
    lines = []
    for cell in cells[:LINES]:
        scores = [f"{cell.quantity(metric):.1f}" for metric in numbers.SHOWN]
        place = [str(cell.param(name)) for name in differ]
        tick = "✓" if cell in chosen else ""
        lines.append([tick, found.row(cell), *place, *scores, cell.word])
    widths = {"": 0.05, "row": 0.18, "data": 0.26, "preset": 0.12, "triplets": 0.15}
    made = ax.table(
        lines,
        colLabels=heads,
        colWidths=[widths.get(head, 0.1) for head in heads],
        loc="upper center",
        edges="horizontal",
    )
    made.auto_set_font_size(False)
    made.set_fontsize(9)
    first = f"the first {LINES} of {len(cells)} cells, " if len(cells) > LINES else ""
    ax.set_title(f"{first}{', '.join(alike)}", fontsize=10)


def curves(found: Found, chosen: Sequence[Finished], term: str, ax: Axes) -> None:
    """A loss term of the chosen cells over the epochs."""
    style, named = look(found), set()
    for cell in chosen:
        row, points = found.row(cell), numbers.curve(cell, term)
        if points:
            how = style[row]
            line = {"color": how["colour"], "ls": STYLES[how["line"]], "marker": how["mark"]}
            label = None if row in named else row
            ax.plot(*zip(*points, strict=True), ms=3, label=label, **line)
            named.add(row)
    ax.set(title=f"{term}, the {len(chosen)} chosen cells", xlabel="epoch")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if named:
        ax.legend(fontsize="small")


def scatter(
    found: Found, cells: Sequence[Finished], chosen: Sequence[Finished], x: str, y: str, ax: Axes
) -> None:
    """Every cell that is shown between two quantities; chosen ones have a ring."""
    style = look(found)
    (across, x_words), (up, y_words) = numbers.axis(cells, x), numbers.axis(cells, y)
    places = np.array([across, up], dtype=float)  # None becomes nan, which is not drawn
    for row in dict.fromkeys(found.row(cell) for cell in cells):
        here = [found.row(cell) == row for cell in cells]
        how = {"color": style[row]["colour"], "marker": style[row]["mark"], "label": row}
        ax.scatter(*places[:, here], s=34, alpha=0.85, **how)
    rings = [cell in chosen for cell in cells]
    ax.scatter(*places[:, rings], s=130, fc="none", ec="0.2", lw=1.6)
    if x_words:
        ax.set_xticks(range(len(x_words)), x_words)
    if y_words:
        ax.set_yticks(range(len(y_words)), y_words)
    ax.set(xlabel=named(x), ylabel=named(y))
    if cells:
        ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def named(quantity: str) -> str:
    """A quantity with its unit."""
    score = quantity.partition(" ")[0] in numbers.METRICS or quantity.endswith("share")
    return f"{quantity} (%)" if score else quantity


def verdict(found: Found, cells: Sequence[Finished], pair: Sequence[str], ax: Axes) -> None:
    """The verdict on two rows, or the sentence that says why there is none."""
    try:
        judged = of_pair(found, cells, pair)
    except numbers.BoardError as error:
        ax.axis("off")
        ax.text(0, 0.5, str(error), va="center", wrap=True)
        return
    tables.effect([judged.verdict], "Rank-1", ax=ax)
    ax.set_yticks([0], [f"{judged.verdict.row}\n− {judged.verdict.against}"])
    ax.set_title(textwrap.fill(pairs.words(judged), 60), fontsize=10)


def of_pair(found: Found, cells: Sequence[Finished], pair: Sequence[str]) -> pairs.Judged:
    """The verdict on two rows among the cells that are shown. Raises BoardError, see
    ``pairs.judge``.
    """
    if len(pair) != 2:
        raise numbers.BoardError("A verdict needs two rows; the folder shows one.")
    row, against = pair
    ours, theirs = found.of_row(cells, row), found.of_row(cells, against)
    return pairs.judge(row, ours, against, theirs)
