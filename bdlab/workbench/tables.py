"""The figures of the paper's tables and sweeps, each a pure function (data, ax=None) -> Figure.

Ours are filled marks, the paper's hollow ones; a verdict is said by mark and word, never by colour
alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bdlab.experiments.verdicts import Verdict
from bdlab.modality import Modality

from .style import COLOURS, PALETTE, STYLES, on

#: word -> (mark, colour)
MARKS = {
    "better": ("^", COLOURS[Modality.V]),
    "worse": ("v", COLOURS[Modality.I]),
    "not shown": ("o", "0.45"),
}
_FEW = ("x", "0.45")  # too few seeds or splits
_HATCHES = ("", "//", "..", "\\\\", "xx", "--")


def effect(
    verdicts: Sequence[Verdict],
    metric: str = "R1",
    theirs: Mapping[tuple[str, str], float] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Each contrast's difference with its 95 % interval, its pairs as small dots and its word; per
    cent.

    The grey band behind a row is what its pairs were too few to show: differences smaller than its
    ``detectable``. ``theirs[row, against]``: the paper's difference, a hollow square.
    """
    figure, ax = on(ax, (8.2, 1.1 + 0.52 * max(len(verdicts), 1)))
    for y, v in enumerate(verdicts):
        printed = (v.row, v.against) in (theirs or {})
        if printed:
            ax.scatter(
                theirs[v.row, v.against],
                y,
                marker="s",
                s=46,
                fc="none",
                ec="0.2",
                lw=1.5,
                zorder=3,
                label="the paper's difference",
            )
        mark, colour = MARKS.get(v.word, _FEW)
        words = (
            v.word
            if v.difference is not None
            else f"the paper {theirs[v.row, v.against]:+.1f}"
            if printed
            else "not run"
        )
        if v.detectable is not None:
            ax.barh(y, 2 * v.detectable, left=-v.detectable, height=0.72, color="0.92", zorder=0)
        if v.low is not None:
            ax.plot([v.low, v.high], [y, y], color=colour, lw=2.2, zorder=2)
        if v.difference is not None:
            ax.scatter(
                v.pairs, np.full(v.n, y + 0.24), s=14, color=colour, alpha=0.6, lw=0, zorder=3
            )
            ax.scatter(v.difference, y, marker=mark, s=75, color=colour, zorder=4)
            words += f"  {v.difference:+.1f}  (n {v.n})"
        ax.text(1.02, y, words, transform=ax.get_yaxis_transform(), va="center", fontsize="small")
    ax.axvline(0, color="0.2", lw=1)
    ax.set_yticks(range(len(verdicts)), [f"{v.row} - {v.against}" for v in verdicts])
    ax.set(ylim=(len(verdicts) - 0.4, -0.6), xlabel=f"difference of {metric}, points of per cent")
    ax.grid(axis="y", visible=False)
    _legend_above(ax)
    return figure


def bars(
    groups: Sequence[str],
    ours: Mapping[str, Sequence[float | None]],
    baseline: Sequence[float | None] = (),
    spread: Mapping[str, Sequence[float | None]] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Fig. 6's form: a group of bars a metric, one bar a setting (values in per cent, None where
    there is none), ``baseline`` a line.

    ``spread`` draws a standard deviation on each bar. Settings are told apart by hatching too.
    """
    figure, ax = on(ax, (7.6, 3.4))
    width = 0.8 / max(len(ours), 1)
    for k, (name, own) in enumerate(ours.items()):
        at = np.arange(len(groups)) - 0.4 + (k + 0.5) * width
        shown = [np.nan if v is None else v for v in own]
        error = [np.nan if v is None else v for v in (spread or {}).get(name, [None] * len(groups))]
        look = {
            "color": PALETTE[k % 10],
            "hatch": _HATCHES[k % len(_HATCHES)],
            "edgecolor": "white",
            "lw": 0,
            "label": name,
        }
        ax.bar(
            at,
            shown,
            width,
            yerr=None if np.isnan(error).all() else error,
            error_kw={"lw": 1},
            **look,
        )
    for k, level in enumerate(baseline):
        if level is not None:
            ax.plot(
                [k - 0.45, k + 0.45],
                [level, level],
                color="0.1",
                lw=2,
                ls="--",
                label=None if k else "baseline",
            )
    ax.set(ylabel="per cent", ylim=(0, 100), xlim=(-0.6, len(groups) - 0.4))
    ax.set_xticks(range(len(groups)), groups)
    ax.grid(axis="x", visible=False)
    if ours or baseline:
        ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def curve(
    lines: Mapping[str, Mapping[float, tuple[float, float | None]]],
    baseline: Mapping[str, float],
    xlabel: str = "weight of MDL",
    ax: Axes | None = None,
) -> Figure:
    """Fig. 7's form: a score over a weight, ``lines[metric][weight]`` = (mean, sd or None),
    ``baseline[metric]`` a straight line.
    """
    figure, ax = on(ax, (4.9, 3.4))
    for k, metric in enumerate(dict.fromkeys([*lines, *baseline])):
        colour = PALETTE[k % 10]
        own = sorted(lines.get(metric, {}).items())
        if own:
            x, (means, sds) = [w for w, _ in own], zip(*(v for _, v in own), strict=True)
            sds = [np.nan if sd is None else sd for sd in sds]
            look = {"color": colour, "marker": "os^D"[k % 4], "ls": STYLES[k % 6], "capsize": 3}
            ax.errorbar(x, means, None if np.isnan(sds).all() else sds, label=metric, **look)
        if metric in baseline:
            ax.axhline(baseline[metric], color=colour, lw=1.4, ls=STYLES[k % 6], alpha=0.75)
            words = f"{metric}, baseline"
            ax.text(
                1.01,
                baseline[metric],
                words,
                transform=ax.get_yaxis_transform(),
                va="center",
                fontsize="x-small",
                color=colour,
            )
    ax.set(
        xlabel=xlabel,
        ylabel="per cent",
        xlim=(0, 1.1 * max((w for own in lines.values() for w in own), default=1)),
    )
    if any(lines.values()):
        ax.legend(fontsize="small")
    return figure


def gains(
    lines: Mapping[str, Mapping[float, tuple[float, float]]],
    xlabel: str,
    metric: str = "R1",
    ax: Axes | None = None,
) -> Figure:
    """A difference over a dial, ``lines[name][dial]`` = (mean, half its 95 % interval or NaN), in
    points; the dotted line is no difference.
    """
    figure, ax = on(ax, (5.6, 3.4))
    for k, (name, points) in enumerate(lines.items()):
        dials, found = zip(*sorted(points.items()), strict=True)
        means, halves = zip(*found, strict=True)
        look = {"color": PALETTE[k % 10], "marker": "os^D"[k % 4], "ls": STYLES[k % 6]}
        at = np.add(dials, 0.012 * k)  # bars of two lines beside each other
        ax.errorbar(at, means, halves, label=name, capsize=3, **look)
    ax.axhline(0, color="0.4", lw=1, ls=":")
    ax.set(xlabel=xlabel, ylabel=f"gain, points {metric}")
    ax.legend(fontsize="small")
    return figure


def beside(
    theirs: Mapping[str, float],
    ours: Mapping[str, tuple[float, float | None]],
    metric: str = "R1",
    ax: Axes | None = None,
) -> Figure:
    """Dumbbell: a line a row from the paper's number (hollow square) to ours (filled circle, its
    deviation a bar); per cent.
    """
    rows = list(dict.fromkeys([*theirs, *ours]))
    figure, ax = on(ax, (7.4, 0.9 + 0.36 * max(len(rows), 1)))
    blue = COLOURS[Modality.V]
    for y, row in enumerate(rows):
        if row in theirs and row in ours:
            ax.plot([theirs[row], ours[row][0]], [y, y], color="0.75", lw=2, zorder=1)
        if row in theirs:
            ax.scatter(
                theirs[row],
                y,
                marker="s",
                s=46,
                fc="white",
                ec="0.3",
                lw=1.6,
                zorder=3,
                label="the paper",
            )
        if row in ours:
            mean, sd = ours[row]
            ax.errorbar(
                mean,
                y,
                xerr=sd,
                color=blue,
                marker="o",
                ms=7,
                capsize=3,
                zorder=4,
                label="ours, ± sd over cells",
            )
    ax.set_yticks(range(len(rows)), rows)
    for row, label in zip(rows, ax.get_yticklabels(), strict=True):
        label.set_color("black" if row in ours else "0.5")
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlabel=f"{metric} (%)", xlim=(0, 100))
    _legend_above(ax)
    return figure


def _legend_above(ax: Axes) -> None:
    """Each label once, over the axes."""
    handles = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    if handles:
        ax.legend(
            handles.values(),
            handles.keys(),
            fontsize="small",
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=3,
            frameon=False,
        )


def panels(count: int, width: float = 5.2, height: float = 3.4) -> tuple[Figure, np.ndarray]:
    """A figure with ``count`` axes side by side."""
    figure, axes = plt.subplots(
        1, count, figsize=(width * count, height), squeeze=False, layout="constrained"
    )
    return figure, axes[0]
