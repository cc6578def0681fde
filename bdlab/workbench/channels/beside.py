"""What stands beside the channel explorer's controls: words on a run, curves that are drawn once
and marked anew for every epoch, and the static twin of a view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from bdlab.workbench.training import generator_curves

from . import figures
from .numbers import moved
from .render import Rendered

STILL = 0.001  # a change of one of the ten numbers below it is none
Mark = tuple[float, float, float]  # x, top, bottom in pixels


def curves(
    lines: Sequence[Mapping[str, Any]],
) -> tuple[np.ndarray, dict[int, list[Mark]]]:
    """The curves drawn once, and where each epoch stands in their two panels: (x, top, bottom) in
    pixels.
    """
    figure = generator_curves(lines)
    figure.set_size_inches(8.6, 2.5)
    figure.set_dpi(90)
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    tall = drawn.shape[0]
    marks = {}
    for epoch in [line["epoch"] for line in lines]:
        marks[epoch] = []
        for ax in figure.axes:
            x = ax.transData.transform((epoch, 0))[0]
            marks[epoch].append((x, tall - ax.bbox.y1, tall - ax.bbox.y0))
    plt.close(figure)
    return drawn, marks


def marked(drawn: np.ndarray, marks: Sequence[Mark]) -> np.ndarray:
    """The curves with a black line and a flag at each mark."""
    canvas = Image.fromarray(drawn)
    for x, top, bottom in marks:
        ImageDraw.Draw(canvas).line([(x, top), (x, bottom)], (0, 0, 0), 2)
        ImageDraw.Draw(canvas).polygon([(x - 6, top), (x + 6, top), (x, top + 9)], (0, 0, 0))
    return np.asarray(canvas)


def story(lines: Sequence[Mapping[str, Any]]) -> str:
    """Which epochs there are, and whether the ten numbers moved at all, as HTML."""
    first, last, change = lines[0]["epoch"], lines[-1]["epoch"], moved(lines)
    told = f"largest change {change:.2f}"
    if change < STILL:
        told = f"<b>nothing moved</b>: the largest change is below {STILL}"
    return f"Epochs {first} to {last} of a real run; {told}."


def epoch_name(epoch: int) -> str:
    """Where numbers of an epoch come from, in words."""
    return f"after epoch {epoch}" if epoch else "the start of the run"


def of_view(view: str, rendered: Rendered) -> Figure:
    """What the explorer shows of one person in a view, as a figure. KeyError for another view."""
    views = {
        "overview": lambda pair: figures.five(pair, True),
        "channels": figures.fig8,
        "divergence": figures.fig9,
    }
    return views[view]([rendered])
