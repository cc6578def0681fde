"""Curves of a training and of its test: the loss terms and the ten numbers of E_V and G_S over the
epochs, matches over the ranks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bdlab import losses

from .style import PALETTE, STYLES, on

_TERMS = {
    **{name: term.label for name, term in losses.TERMS.items()},
    "total": "total (eq. 9)",
    "spread": "spread of the features",
    "validation": "mAP on held-out people",
}


def training_curves(
    histories: Mapping[str, Sequence[Mapping[str, Any]]],
    terms: Sequence[str] = ("id", "mml", "mdl"),
    levels: Mapping[str, float] | None = None,
) -> Figure:
    """The loss terms of one or several runs over the epochs, one panel a term (unweighted, mean
    over an epoch's steps).

    ``terms`` may also name ``spread`` or ``validation``; a term's level (``guard.levels``) is drawn
    as a dotted line.
    """
    figure, axes = plt.subplots(
        1, len(terms), figsize=(3.9 * len(terms), 3.1), squeeze=False, layout="constrained"
    )
    for ax, term in zip(axes[0], terms, strict=True):
        for number, (name, history) in enumerate(histories.items()):
            shown = [
                (line["epoch"], line["terms"].get(term, line.get(term)))
                for line in history
                if term in line["terms"] or term in line
            ]
            if shown:
                style = {
                    "color": PALETTE[number % 10],
                    "ls": STYLES[number % 6],
                    "marker": "o",
                    "ms": 3,
                }
                ax.plot(*zip(*shown, strict=True), label=name, **style)
        if term in (levels or {}):
            ax.axhline(levels[term], color="0.45", lw=1, ls=":")
            words = "a guess" if term == "id" else "all in one point"
            ax.text(
                0.98,
                levels[term],
                words,
                transform=ax.get_yaxis_transform(),
                ha="right",
                va="bottom",
                fontsize=9.5,
                color="0.35",
            )
        ax.set(title=_TERMS.get(term, term), xlabel="epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_ylim(bottom=0)
    if len(histories) > 1:
        axes[0][0].legend(fontsize="small")
    return figure


def generator_curves(history: Sequence[Mapping[str, Any]], ax: Axes | None = None) -> Figure:
    """The ten numbers of E_V and G_S over the epochs: weights left, biases right; the title says so
    if nothing moved.
    """
    if ax is not None:
        raise TypeError("generator_curves draws two panels of its own; it takes no ax")
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.1), layout="constrained")
    channels = ("red", "green", "blue")
    moved = 0.0
    for panel, kind in zip(axes, ("weight", "bias"), strict=True):
        for name, style in (("E_V", "-"), ("G_S", "--")):
            lines = [line["generator"].get(f"{name}.{kind}") for line in history]
            if not lines or lines[0] is None:
                continue
            values = np.array(lines)
            moved = max(moved, float(np.ptp(values, axis=0).max()))
            for k in range(values.shape[1]):
                colour = PALETTE[(3, 2, 0)[k]] if values.shape[1] == 3 else "0.3"
                label = f"${name}$ {channels[k]}" if values.shape[1] == 3 else f"${name}$"
                panel.plot(
                    [line["epoch"] for line in history],
                    values[:, k],
                    color=colour,
                    ls=style,
                    marker="o",
                    ms=3,
                    label=label,
                )
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set(xlabel="epoch", title="weights" if kind == "weight" else "biases")
        panel.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    if moved < 1e-3:
        figure.suptitle(
            "The generator did not move: its largest change over the run is below 0.001"
        )
    return figure


def cmc(curves: Mapping[str, Sequence[float]], ranks: int = 20, ax: Axes | None = None) -> Figure:
    """Cumulative matching characteristics: fractions in, per cent drawn, ranks 1..20."""
    figure, ax = on(ax, (4.8, 3.4))
    for number, (name, curve) in enumerate(curves.items()):
        values = 100 * np.asarray(curve[:ranks])
        ax.plot(
            np.arange(1, len(values) + 1),
            values,
            label=name,
            color=PALETTE[number % 10],
            ls=STYLES[number % 6],
        )
    ax.set(
        xlabel="rank",
        ylabel="matched by then (%)",
        ylim=(0, 100),
        xlim=(1, ranks),
        xticks=[1, 5, 10, 15, 20],
    )
    ax.legend(fontsize="small")
    return figure
