"""What stands beside the channel explorer's pictures: words on a run, curves that are drawn once
and marked anew for every epoch, a second generator with what sets it apart, and the static twin of
a view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from bdlab.modality import DERIVATIVE
from bdlab.workbench.training import generator_curves

from . import figures
from .numbers import CHANNELS, NAMES, Learned, flat, moved
from .render import Rendered

STILL = 0.001  # a change of one of the ten numbers below it is none
UNSEEN = 0.01  # of the way from black to white: less cannot be told apart by eye
LAST = "as learned"  # what stands for the epoch of a run that kept none
Mark = tuple[float, float, float]  # x, top, bottom in pixels


def curves(
    lines: Sequence[Mapping[str, Any]],
) -> tuple[np.ndarray, dict[int, list[Mark]]]:
    """The curves drawn once, and where each epoch stands in their two panels: (x, top, bottom) in
    pixels.
    """
    figure = generator_curves(lines)
    figure.set_size_inches(8.6, 1.8)
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


def marked(drawn: np.ndarray, marks: Sequence[Mark], name: str = "") -> np.ndarray:
    """The curves with a black line and a flag at each mark, and beside the flag a ``name``."""
    canvas = Image.fromarray(drawn)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(12)
    for x, top, bottom in marks:
        draw.line([(x, top), (x, bottom)], (0, 0, 0), 2)
        draw.polygon([(x - 6, top), (x + 6, top), (x, top + 9)], (0, 0, 0))
        draw.text((x - 8, top + 2), name.strip(), (0, 0, 0), font, anchor="rt")
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


# -- a second generator
# --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """One of two generators that are compared: its ten numbers in a row, its space, the name of its
    cell, where in the run it stands, in words, and the epoch (None: of no epoch).
    """

    numbers: tuple[float, ...]
    space: str
    cell: str
    where: str
    epoch: int | None

    @property
    def name(self) -> str:
        return ", ".join(word for word in (self.cell, self.where) if word)


def epochs(run: Learned) -> list[int | str]:
    """What of a run can stand beside: its epochs; of a run that kept none ``LAST``."""
    return [line["epoch"] for line in run.history] or [LAST]


def side(run: Learned, epoch: int | str) -> Side:
    """A run's generator after one of its ``epochs``. KeyError for another epoch."""
    if epoch == LAST:
        return Side(tuple(flat(run.numbers)), run.space, run.name, LAST, None)
    lines = {line["epoch"]: line["generator"] for line in run.history}
    numbers = tuple(flat(lines[epoch]))
    return Side(numbers, run.space, run.name, epoch_name(int(epoch)), int(epoch))


def table(a: Side, b: Side) -> str:
    """The ten numbers of both sides and, in one space, how far B is from A, as HTML."""
    rows = {"A": a.numbers, "B": b.numbers}
    if a.space == b.space:
        rows["B − A"] = tuple(np.subtract(b.numbers, a.numbers))
    parts = (("E_V", 3), ("E_V bias", 1), ("G_S", 3), ("G_S bias", 3))
    heads = [f'<th colspan="{n}" scope="colgroup">{name}</th>' for name, n in parts]
    letters = [*CHANNELS, "", *CHANNELS, *CHANNELS]
    below = [f'<th scope="col">{word}</th>' for word in letters]
    lines = ["<tr><td></td>" + "".join(heads) + "</tr>", "<tr><td></td>" + "".join(below) + "</tr>"]
    for name, numbers in rows.items():
        cells = [f"<td>{_signed(value)}</td>" for value in numbers]
        lines.append(f'<tr><th scope="row">{name}</th>{"".join(cells)}</tr>')
    names = f"<b>A</b> {escape(a.name)}, {a.space}<br><b>B</b> {escape(b.name)}, {b.space}"
    return f'{names}<table class="two">{"".join(lines)}</table>'


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def difference(a: Side, b: Side, made: Sequence[Rendered]) -> str:
    """What sets two sides apart, in plain words; ``made``: one person by A and by B."""
    shares = []
    for modality in DERIVATIVE:
        first, second = (one.shown[modality].astype(float) / 255 for one in made)
        shares.append(float(np.abs(first - second).mean()))
    clipped = [f"{100 * one.clipped.mean():.0f} %" for one in made]
    return (
        f"{_numbers_apart(a, b)} Of the way from black to white, on average: "
        f"{_apart('D_V', shares[0])}, {_apart('D_I', shares[1])}. "
        f"E_V's ReLU clips {clipped[0]} of V's pixels in A, {clipped[1]} in B."
    )


def _apart(word: str, mean: float) -> str:
    if mean < UNSEEN:
        return f"{word} looks the same"
    return f"{word} differs by {100 * mean:.0f} %"


def _numbers_apart(a: Side, b: Side) -> str:
    if a.space != b.space:
        return (
            f"A works in the {a.space} space and B in the {b.space} one: compare their pictures, "
            "not their numbers."
        )
    change = np.subtract(b.numbers, a.numbers)
    if np.abs(change).max() < STILL:
        return "All ten numbers are the same."
    most, least = (int(pick(np.abs(change))) for pick in (np.argmax, np.argmin))
    return (
        f"{NAMES[most]} differs most: {_signed(a.numbers[most])} in A, "
        f"{_signed(b.numbers[most])} in B. "
        f"{NAMES[least]} differs least, by {abs(change[least]):.2f}."
    )


def of_two(shown: np.ndarray, a: Side, b: Side, told: str) -> Figure:
    """What the explorer shows of two sides [H, W, 3], with their ten numbers and the words below it
    as a figure.
    """
    wide = 10.0
    tall = wide * shown.shape[0] / shown.shape[1]
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(wide, tall + 1.3), height_ratios=(tall, 1.3), layout="constrained"
    )
    above.imshow(shown)
    for ax in (above, below):
        ax.axis("off")
    lines = [f"A: {a.name}, {a.space} space", f"B: {b.name}, {b.space} space", told]
    below.text(0, 1, "\n".join(lines), va="top", fontsize=8, wrap=True)
    cells = [list(map(_signed, one.numbers)) for one in (a, b)]
    drawn = below.table(cells, rowLabels=["A", "B"], colLabels=NAMES, loc="lower center")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(7)
    return figure


def of_view(view: str, rendered: Rendered) -> Figure:
    """What the explorer shows of one person in a view, as a figure. KeyError for another view."""
    views = {
        "overview": lambda pair: figures.five(pair, True),
        "channels": figures.fig8,
        "divergence": figures.fig9,
    }
    return views[view]([rendered])
