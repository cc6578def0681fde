"""What is on a figure."""

import numpy as np


def drawn(figure):
    """The figure as pixels; fails if drawing warns."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


def words(ax):
    return [t.get_text() for t in ax.texts]
