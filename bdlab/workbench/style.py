"""Every figure as a pure function (data, ax=None) -> Figure: no widgets, no files, no global state
but the theme.

Colours are seaborn's colour-blind-safe palette, one fixed colour a modality; what colour says is
also said by line style, mark or label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.ticker import MaxNLocator

from bdlab import losses
from bdlab.modality import BASE, Modality, Pair

_STYLE = Path(__file__).with_name("house.mplstyle")
_PALETTE = [
    to_rgb(colour)
    for colour in mpl.rc_params_from_file(_STYLE, use_default_template=False)[
        "axes.prop_cycle"
    ].by_key()["color"]
]
COLOURS: dict[Modality, Any] = {
    Modality.V: _PALETTE[0],
    Modality.I: _PALETTE[3],
    Modality.DV: _PALETTE[2],
    Modality.DI: _PALETTE[1],
}
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
#: Where Fig. 2 draws the four modalities: base above, derivative below, the homologous ones under
#: each other.
PLACES = {Modality.V: (0, 1), Modality.I: (1, 1), Modality.DV: (0, 0), Modality.DI: (1, 0)}
_TERMS = {
    **{name: term.label for name, term in losses.TERMS.items()},
    "total": "total (eq. 9)",
    "spread": "spread of the features",
    "validation": "mAP on held-out people",
}
_MATH = {Modality.V: "$V$", Modality.I: "$I$", Modality.DV: "$D_V$", Modality.DI: "$D_I$"}


def theme() -> None:
    """One look for every notebook and report."""
    plt.style.use(_STYLE)


def people(
    pictures: Mapping[Modality, np.ndarray], titles: Sequence[str] = (), ax: Axes | None = None
) -> Figure:
    """One row a modality, one column a person: uint8 or float [0, 1] arrays [n, H, W, 3], n equal
    in all rows.
    """
    modalities = list(pictures)
    count, height, width = pictures[modalities[0]].shape[:3]
    gap = max(1, height // 32)
    sheet = np.ones((len(modalities) * (height + gap) - gap, count * (width + gap) - gap, 3))
    for r, m in enumerate(modalities):
        values = pictures[m] / 255 if pictures[m].dtype == np.uint8 else pictures[m]
        for c, picture in enumerate(values):
            sheet[
                r * (height + gap) : r * (height + gap) + height,
                c * (width + gap) : c * (width + gap) + width,
            ] = picture
    figure, ax = _on(ax, (0.62 * count + 1.2, 1.24 * len(modalities)))
    ax.imshow(sheet, interpolation="nearest", aspect="equal")
    ax.set_yticks(
        [r * (height + gap) + height / 2 for r in range(len(modalities))],
        [_MATH[m] for m in modalities],
        fontsize=14,
    )
    ax.set_xticks([c * (width + gap) + width / 2 for c in range(len(titles))], titles, fontsize=8)
    for label, m in zip(ax.get_yticklabels(), modalities, strict=True):
        label.set_color(COLOURS[m])
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return figure


def graph(
    pairs: Sequence[Pair], modalities: Sequence[Modality] = tuple(Modality), ax: Axes | None = None
) -> Figure:
    """Fig. 2: the modalities as nodes, each pair of an MDL graph as a two-headed edge; dashed lines
    show who is made from whom.
    """
    figure, ax = _on(ax, (3.2, 3.2))
    for child, parent in ((m, m.parent) for m in modalities if m.parent is not m):
        ax.plot(
            *zip(PLACES[child], PLACES[parent], strict=True), color="0.75", lw=1.5, ls=":", zorder=1
        )
    for a, b in pairs:
        bend = FancyArrowPatch(
            PLACES[a],
            PLACES[b],
            arrowstyle="<|-|>",
            mutation_scale=16,
            lw=2.2,
            color="0.2",
            shrinkA=29,
            shrinkB=29,
            zorder=2,
        )
        ax.add_patch(bend)
    for m in modalities:
        x, y = PLACES[m]
        ax.scatter(
            x,
            y,
            s=1500,
            color=COLOURS[m],
            zorder=3,
            marker="o" if m in BASE else "s",
            edgecolor="white",
            lw=2,
        )
        ax.text(x, y, _MATH[m], ha="center", va="center", color="white", fontsize=15, zorder=4)
    ax.set(xlim=(-0.4, 1.4), ylim=(-0.4, 1.4), aspect="equal")
    ax.axis("off")
    return figure


def overview(pictures: Mapping[Modality, np.ndarray], pairs: Sequence[Pair]) -> Figure:
    """The method in one picture: people in all four modalities beside the graph of constraints that
    ties them.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11.5, 5.2), width_ratios=[2.3, 1], layout="constrained"
    )
    people(pictures, ax=left)
    left.set_title("two base modalities, and $D_V = G_S(E_V(V))$, $D_I = G_S(I)$ derived from them")
    graph(pairs, list(pictures), ax=right)
    right.set_title("the multi-directional loss:\neach edge two directed triplet losses")
    return figure


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
                    "color": _PALETTE[number % 10],
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
                fontsize=8,
                color="0.35",
            )
        ax.set(title=_TERMS.get(term, term), xlabel="epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_ylim(bottom=0)
    if len(histories) > 1:
        axes[0][0].legend(fontsize="small")
    return figure


def cmc(curves: Mapping[str, Sequence[float]], ranks: int = 20, ax: Axes | None = None) -> Figure:
    """Cumulative matching characteristics: fractions in, per cent drawn, ranks 1..20."""
    figure, ax = _on(ax, (4.8, 3.4))
    for number, (name, curve) in enumerate(curves.items()):
        values = 100 * np.asarray(curve[:ranks])
        ax.plot(
            np.arange(1, len(values) + 1),
            values,
            label=name,
            color=_PALETTE[number % 10],
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
                colour = _PALETTE[(3, 2, 0)[k]] if values.shape[1] == 3 else "0.3"
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


def _on(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """The axes given, or new ones of ``size`` inches."""
    if ax is not None:
        return ax.figure, ax
    return plt.subplots(figsize=size, layout="constrained")
