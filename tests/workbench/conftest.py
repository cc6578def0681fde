"""Figures are drawn in the notebooks' theme, and every one that a test draws can be read in a
notebook's cell; none is left open.
"""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.text import Text

from bdlab.workbench import style

CELL = 950  # pixels across that a notebook has for a figure on a laptop
SMALLEST = 8  # pixels that a letter's font may have there


def too_small(figure):
    """Words of a figure whose font is under 8 pixels where the figure fills a notebook's cell."""
    inches = figure.get_size_inches()[0]
    per_inch = min(figure.dpi, CELL / inches)
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    sizes = {text.get_text(): text.get_fontsize() / 72 * per_inch for text in shown}
    return {words: round(size, 1) for words, size in sizes.items() if size < SMALLEST}


@pytest.fixture(autouse=True)
def readable():
    with mpl.rc_context():
        style.theme()
        yield
    figures = [plt.figure(number) for number in plt.get_fignums()]
    small = [too_small(figure) for figure in figures]
    plt.close("all")
    assert not any(small), small
