"""The figures of the data notebook, each a pure function (data, ax=None) -> Figure on top of
``numbers``; those of the test part stand in ``trials``.

Colour is never alone: modalities are named, places nobody was seen at are hatched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from bdlab.datasets import Dataset
from bdlab.modality import BASE, Modality
from bdlab.workbench import pictures as looks
from bdlab.workbench.style import COLOURS, DIM, GAP, centre, on, picture_sheet

from . import numbers
from .trials import gallery, relation, roles

__all__ = [
    "agreement",
    "counterfactuals",
    "dials",
    "fig5",
    "gallery",
    "histograms",
    "relation",
    "roles",
    "sightings",
]

V, I = BASE
_STYLES = {"appearance": ("o-", COLOURS[V]), "channel": ("s--", COLOURS[I]), "both": ("D:", "0.35")}
_MEANING = {
    "appearance": "appearance gap: two places",
    "channel": "channel gap: two sensors",
    "both": "both at once",
}


def sightings(
    dataset: Dataset,
    table: numbers.Sightings,
    height: int = 96,
    width: int = 48,
    ax: Axes | None = None,
) -> Figure:
    """Identity x camera: a row a person, the visible cameras' pictures left of the infrared ones';
    hatched where nobody was seen.
    """
    figure, ax = on(ax, (1.1 + 0.72 * len(table.columns), 0.6 + 1.35 * len(table.ids)))
    cells = []
    for line in table.cells:
        seen = iter(looks.pixels(dataset, [row for row in line if row is not None], height, width))
        cells.append([None if row is None else next(seen) for row in line])
    picture_sheet(ax, cells)
    ax.set_yticks(
        [centre(r, height) for r in range(len(table.ids))], [f"person {i}" for i in table.ids]
    )
    ax.xaxis.tick_top()
    starts = [
        c for c in range(len(table.columns)) if c == 0 or table.columns[c] != table.columns[c - 1]
    ]
    span = len(table.columns) / len(starts)
    ax.set_xticks(
        [centre(c + (span - 1) / 2, width) for c in starts],
        [looks.camera_name(*table.columns[c]) for c in starts],
        fontsize=9,
    )
    for c, label in zip(starts, ax.get_xticklabels(), strict=True):
        label.set_color(COLOURS[table.columns[c][0]])
    for c in starts[1:]:
        ax.axvline(c * (width + GAP) - GAP / 2 - 0.5, color="0.2", lw=1.5)
    return figure


def histograms(shares: Mapping[str, np.ndarray], ax: Axes | None = None) -> Figure:
    """Brightness of the three colours and of infrared: share of the pixels (%) at each step from 0
    to 255.
    """
    figure, ax = on(ax, (6.4, 3.2))
    styles = {
        "red": ("-", COLOURS[I]),
        "green": ("--", COLOURS[Modality.DV]),
        "blue": ("-.", COLOURS[V]),
        "infrared": (":", "black"),
    }
    for name, values in shares.items():
        centres = (np.arange(len(values)) + 0.5) * 256 / len(values)
        ax.plot(
            centres,
            100 * values,
            styles[name][0],
            color=styles[name][1],
            lw=3 if name == "infrared" else 1.8,
            label=name,
        )
    ax.set(
        xlabel="brightness, 0 black to 255 white",
        ylabel="pixels (%)",
        xlim=(0, 256),
        ylim=(0, None),
        xticks=range(0, 257, 64),
    )
    ax.legend(fontsize="small")
    return figure


def agreement(found: Mapping[str, np.ndarray], ax: Axes | None = None) -> Figure:
    """One dot a picture (or pair), the bar and its number the mean: how well two planes of it
    agree, -1 to 1.
    """
    figure, ax = on(ax, (7.4, 0.7 + 0.42 * len(found)))
    rng = np.random.default_rng(0)  # only spreads the dots
    for y, (name, values) in enumerate(found.items()):
        colour, mark = (
            (COLOURS[V], "o")
            if "IR" not in name
            else (COLOURS[I], "o")
            if "one" in name
            else (DIM, "x")
        )
        ax.scatter(
            values,
            y + rng.uniform(-0.22, 0.22, len(values)),
            s=13,
            color=colour,
            marker=mark,
            alpha=0.5,
            lw=1,
        )
        ax.plot([values.mean()] * 2, [y - 0.36, y + 0.36], color="black", lw=2.5)
        ax.text(1.06, y, f"{values.mean():+.2f}", va="center", fontsize="small")
    ax.axvline(0, color="0.4", lw=1)
    ax.set(
        xlim=(-1, 1.22),
        xticks=np.arange(-1, 1.1, 0.5),
        ylim=(len(found) - 0.5, -0.5),
        xlabel="correlation over a picture's pixels",
    )
    ax.set_yticks(range(len(found)), list(found))
    return figure


def counterfactuals(
    pictures: Mapping[str, np.ndarray], people: int = 8, ax: Axes | None = None
) -> Figure:
    """Three shots of each person, one step apart: from the first row to the second only the place
    changes, from the second to the third only the sensor. The mean gaps of all given pairs stand
    beside the arrows.
    """
    cells = [list(pictures[name][:people]) for name in ("rgb", "rgb_at_ir", "ir")]
    height, width = cells[0][0].shape[:2]
    figure, ax = on(ax, (2.1 + 4 * (len(cells[0]) + 4.4) * width / (3 * height), 4.1))
    page = picture_sheet(ax, cells)
    names = [
        "RGB picture",
        "RGB sensor at the\ninfrared camera's place\n(counterfactual)",
        "infrared picture",
    ]
    ax.set_yticks([centre(r, height) for r in range(3)], names)
    for label, m in zip(ax.get_yticklabels(), (V, V, I), strict=True):
        label.set_color(COLOURS[m])
    right = page.shape[1] + 0.25 * width
    found = {name: values.mean() for name, values in numbers.gaps(dict(pictures)).items()}
    for name, a, b, x in (
        ("appearance", 0, 1, right),
        ("channel", 1, 2, right),
        ("both", 0, 2, right + 2.6 * width),
    ):
        ends = [(x, centre(a, height)), (x, centre(b, height))]
        ax.add_patch(
            FancyArrowPatch(
                *ends,
                arrowstyle="<|-|>",
                mutation_scale=13,
                color=_STYLES[name][1],
                lw=2,
                clip_on=False,
            )
        )
        text = f"{name}{' gap' if name != 'both' else ''}\n{found[name]:.2f}"
        ax.text(
            x + 0.2 * width,
            (ends[0][1] + ends[1][1]) / 2,
            text,
            va="center",
            color=_STYLES[name][1],
            fontsize=10,
        )
    ax.set_xlim(-0.5, page.shape[1] + 4.4 * width)
    return figure


def dials(
    found: Mapping[str, Mapping[str, np.ndarray]],
    values: Sequence[float],
    title: str = "",
    axes: Sequence[Axes] = (),
) -> Figure:
    """A panel a dial: the gaps as it turns from 0 to 1, mean over people with a 95 % interval; the
    grey line is where two strangers stand. ``found`` is {dial: gaps.sweep(...)}; ``axes``, where
    given, one a dial.
    """
    if not len(axes):
        axes = plt.subplots(
            1,
            len(found),
            figsize=(4.7 * len(found), 3.2),
            sharey=True,
            layout="constrained",
            squeeze=False,
        )[1][0]
    for ax, (dial, swept) in zip(axes, found.items(), strict=True):
        for name, (style, colour) in _STYLES.items():
            mean, half = numbers.interval(swept[name])
            ax.errorbar(
                values,
                mean,
                half,
                fmt=style,
                color=colour,
                ms=6,
                capsize=3,
                lw=1.8,
                label=_MEANING[name],
            )
        ax.axhline(
            swept["strangers"].mean(),
            color="0.6",
            lw=1.2,
            ls=(0, (6, 2, 1, 2)),
            label="two strangers, one sensor",
        )
        ax.set(xlabel=f"dial {dial}", xticks=values, ylim=(-0.05, 1.65), title=title)
    axes[0].set_ylabel("measured gap, 1 − r")
    axes[-1].legend(fontsize=7.5, loc="upper left", ncols=1)
    return axes[0].figure


def fig5(panels: Mapping[str, Mapping[str, np.ndarray]], people: int = 6) -> Figure:
    """The paper's Fig. 5 on twins: pairs of one person, visible above infrared, a panel a set;
    below, what each gap measures.
    """
    figure = plt.figure(figsize=(1.5 * people + 2.2, 5.6), layout="constrained")
    grid = figure.add_gridspec(2, len(panels), height_ratios=[2.6, 1])
    for k, (title, pictures) in enumerate(panels.items()):
        ax = figure.add_subplot(grid[0, k])
        cells = [list(pictures[name][:people]) for name in ("rgb", "ir")]
        picture_sheet(ax, cells)
        ax.set_yticks(
            [centre(r, cells[0][0].shape[0]) for r in range(2)],
            ["visible", "infrared"],
            rotation=90,
            va="center",
        )
        for label, m in zip(ax.get_yticklabels(), BASE, strict=True):
            label.set_color(COLOURS[m])
        ax.set_title(f"({'abcdef'[k]}) {title}")
        bars = figure.add_subplot(grid[1, k])
        found = numbers.gaps(dict(pictures))
        for y, (name, hatch) in enumerate((("appearance", ""), ("channel", "//"))):
            mean, half = numbers.interval(found[name])
            bars.barh(
                y,
                mean,
                xerr=half,
                color=_STYLES[name][1],
                hatch=hatch,
                ec="white",
                height=0.6,
                capsize=4,
            )
            bars.text(1.22, y, f"{mean:.2f}", va="center", ha="right")
        bars.axvline(found["strangers"].mean(), color="0.4", lw=1.2, ls=(0, (6, 2, 1, 2)))
        bars.text(
            found["strangers"].mean(),
            -0.62,
            "two strangers",
            fontsize=8,
            color="0.3",
            va="bottom",
            ha="center",
        )
        bars.set(xlim=(0, 1.25), ylim=(1.6, -0.6), xlabel="measured gap, 1 − r")
        bars.set_yticks(range(2), ["appearance gap", "channel gap"] if k == 0 else ["", ""])
    figure.suptitle("Pairs of one person in the two rendered twins (not the paper's pictures)")
    return figure
