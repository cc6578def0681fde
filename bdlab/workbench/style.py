"""What every figure of the workbench shares: the theme, one colour and one mark for each modality,
ticks and crosses, and sheets of pictures.

Every figure is a pure function (data, ax=None) -> Figure: no widgets, no files, no global state but
the theme. Colours are seaborn's colour-blind-safe palette, one fixed colour a modality; what colour
says is also said by line style, mark or label.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bdlab.modality import Modality

from .pictures import sheet

_STYLE = Path(__file__).with_name("house.mplstyle")
_CYCLE = mpl.rc_params_from_file(_STYLE, use_default_template=False)["axes.prop_cycle"]
PALETTE = [to_rgb(colour) for colour in _CYCLE.by_key()["color"]]
COLOURS: dict[Modality, Any] = {
    Modality.V: PALETTE[0],
    Modality.I: PALETTE[3],
    Modality.DV: PALETTE[2],
    Modality.DI: PALETTE[1],
}
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
#: One mark for each modality, in every map and every plane.
MARKS = {Modality.V: "o", Modality.I: "^", Modality.DV: "s", Modality.DI: "D"}
MATH = {Modality.V: "$V$", Modality.I: "$I$", Modality.DV: "$D_V$", Modality.DI: "$D_I$"}

#: A hit is green with a tick, a miss orange with a cross; DIM takes no part.
HIT, MISS, DIM = COLOURS[Modality.DV], COLOURS[Modality.DI], "0.55"
GAP = 3  # pixels between two pictures
_HATCHED = {"fc": "none", "ec": "0.75", "lw": 0, "hatch": "////"}


def theme() -> None:
    """One look for every notebook and report."""
    plt.style.use(_STYLE)


def on(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """The axes given, or new ones of ``size`` inches."""
    if ax is not None:
        return ax.figure, ax
    return plt.subplots(figsize=size, layout="constrained")


def centre(n: float, side: int) -> float:
    """Where the middle of the n-th picture of a sheet lies, in its pixels."""
    return n * (side + GAP) + side / 2 - 0.5


def corner(r: float, c: float, size: tuple[int, int]) -> tuple[float, float]:
    """(x, y) of the upper left corner of the picture in row ``r`` and column ``c`` of a sheet."""
    height, width = size
    return c * (width + GAP) - 0.5, r * (height + GAP) - 0.5


def picture_sheet(
    ax: Axes, cells: Sequence[Sequence[np.ndarray | None]], plain: int = 0
) -> np.ndarray:
    """Pictures in rows and columns with nothing else; None is hatched, or white in the first
    ``plain`` columns.
    """
    page = sheet(cells, GAP)
    pictures = [picture for row in cells for picture in row if picture is not None]
    size = height, width = pictures[0].shape[:2]
    for r, row in enumerate(cells):
        empty = [c for c, picture in enumerate(row) if picture is None]
        for c in empty:
            x, y = corner(r, c, size)
            if c < plain:
                left, top = int(x + 0.5), int(y + 0.5)
                page[top : top + height, left : left + width] = 255
            else:
                ax.add_patch(Rectangle((x, y), width, height, **_HATCHED))
    ax.imshow(page, aspect="equal")
    bare(ax)
    return page


def bare(ax: Axes) -> None:
    """Pictures speak for themselves: no ticks, no grid, no box."""
    ax.set(xticks=[], yticks=[])
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)


def frame(ax: Axes, r: int, c: int, size: tuple[int, int], colour: Any, mark: str = "") -> None:
    """A frame within one picture, so that neighbours of two colours do not touch, with a mark in
    its corner.
    """
    height, width = size
    x, y = corner(r, c, size)
    style = {"fc": "none", "ec": colour, "lw": 2.5, "clip_on": False, "zorder": 3}
    ax.add_patch(Rectangle((x + 1, y + 1), width - 2, height - 2, **style))
    if mark:
        box = {"boxstyle": "square,pad=0.15", "fc": colour, "ec": "none"}
        words = {"color": "white", "fontsize": 10, "va": "top", "weight": "bold"}
        ax.text(x + 4, y + 4, mark, bbox=box, zorder=4, **words)


def cross(ax: Axes, r: int, c: int, size: tuple[int, int]) -> None:
    """Two diagonals and a veil over one picture: it is not there for this query."""
    height, width = size
    x, y = corner(r, c, size)
    ax.add_patch(Rectangle((x, y), width, height, fc="white", ec="none", alpha=0.6, zorder=3))
    line = {"color": MISS, "lw": 2, "zorder": 4, "scalex": False, "scaley": False}
    ax.plot([x, x + width], [y, y + height], **line)
    ax.plot([x, x + width], [y + height, y], **line)


def panels(count: int, width: float = 5.4, height: float = 4.6) -> tuple[Figure, Sequence[Axes]]:
    """A figure with ``count`` axes side by side, to be handed on as ``ax``."""
    return plt.subplots(1, count, figsize=(width * count, height), layout="constrained")
