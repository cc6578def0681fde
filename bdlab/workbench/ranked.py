"""Ranked lists of pictures, as a figure: one line a query, right and wrong by frame and mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

RIGHT, WRONG = "#0173b2", "#d55e00"  # told apart by the colour-blind, and by mark and frame too

MARKS = {1: "✓", 0: "✗", -1: ""}
LINES = {1: "solid", 0: (0, (3, 2)), -1: "solid"}


@dataclass(frozen=True, eq=False)
class List:
    """One query [H, W, 3] uint8, its nearest pictures, their distances, and 1, 0 or -1 for each:
    right, wrong, not known.
    """

    query: np.ndarray
    answers: Sequence[np.ndarray]
    distances: Sequence[float]
    hits: Sequence[int]


def lists(found: Sequence[List]) -> Figure:
    """One line of pictures a query: the query, then its answers, nearest first."""
    width = 1 + max(len(one.answers) for one in found)
    figure, axes = plt.subplots(len(found), width, figsize=(width, 2.2 * len(found)), squeeze=False)
    for line, one in zip(axes, found, strict=True):
        for axis in line:
            axis.set_axis_off()
        _picture(line[0], one.query, "query")
        for rank, axis in enumerate(line[1 : 1 + len(one.answers)]):
            hit = int(one.hits[rank])
            title = f"{rank + 1} {MARKS[hit]}\n{one.distances[rank]:.2f}"
            _picture(axis, one.answers[rank], title, hit)
    return figure


def _picture(axis: Axes, picture: np.ndarray, title: str, hit: int = -1) -> None:
    axis.imshow(picture)
    axis.set_title(title, fontsize=9)
    if hit < 0:
        return
    axis.set_axis_on()
    axis.set(xticks=[], yticks=[])
    for side in axis.spines.values():
        side.set(visible=True, color=RIGHT if hit else WRONG, linewidth=2.5)
        side.set_linestyle(LINES[hit])
