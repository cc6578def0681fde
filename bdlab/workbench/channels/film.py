"""The curves under the epoch slider: drawn once, marked anew for every epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

from bdlab.workbench.training import generator_curves

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
