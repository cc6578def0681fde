"""The figures of the channel notebook, each a pure function (data, ax=None) -> Figure on top of
``channels``.

Red, green and blue are named or lettered wherever they are drawn; what is clipped is striped; a
negative weight is dashed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

from bdlab.modality import BASE, DERIVATIVE, Modality
from bdlab.workbench.style import COLOURS, GAP, MATH, PALETTE, centre, on, picture_sheet

from . import render
from .numbers import CHANNELS, Numbers, checked
from .render import Rendered

V, I = BASE
DV, DI = DERIVATIVE
RGB = (PALETTE[3], PALETTE[2], PALETTE[0])
STYLES, MARKS = ("-", "--", "-."), ("o", "s", "D")
_HEADS = ("$V$", "$E_V(V)$", "$D_V = G_S(E_V(V))$", "$I$", "$D_I = G_S(I)$")


def five(
    rendered: Sequence[Rendered],
    clipped: bool = False,
    titles: Sequence[str] = (),
    ax: Axes | None = None,
) -> Figure:
    """A row a person: V, E_V(V), D_V and, right of the black line, I, D_I; ``clipped`` stripes in
    E_V(V) what its ReLU sets to zero.
    """
    height, width = rendered[0].visible.shape[:2]
    figure, ax = on(ax, (1.0 + 1.5 * 5, 0.6 + 1.5 * len(rendered) * height / width))
    grey = [render.mark(r.encoded, r.clipped) if clipped else r.encoded for r in rendered]
    picture_sheet(
        ax,
        [
            [r.shown[V], e, r.shown[DV], r.shown[I], r.shown[DI]]
            for r, e in zip(rendered, grey, strict=True)
        ],
    )
    ax.axvline(3 * (width + GAP) - GAP / 2 - 0.5, color="black", lw=2)
    _heads(
        ax,
        ("$V$", "$E_V(V)$", "$D_V = G_S(E_V(V))$", "$I$", "$D_I = G_S(I)$"),
        titles[: len(rendered)],
        (height, width),
    )
    for label, colour in zip(
        ax.get_xticklabels(), (COLOURS[V], "0.2", COLOURS[DV], COLOURS[I], COLOURS[DI]), strict=True
    ):
        label.set_color(colour)
    return figure


def fig8(rendered: Sequence[Rendered]) -> Figure:
    """The paper's Fig. 8: (a) V and D_V; each channel of V (upper row) and of D_V (lower row)
    alone, (b) in its colour and (c) as grey, where darker means larger. Dotted lines part the
    people; a red frame stands round V's channels of those more strongly coloured than the mean.
    """
    height, width = rendered[0].visible.shape[:2]
    figure = plt.figure(figsize=(10.5, 6.4 * height / (2 * width)), layout="constrained")
    columns = [2 * len(rendered), 3 * len(rendered)]
    grid = figure.add_gridspec(2, 2, width_ratios=columns)
    panels = [figure.add_subplot(place) for place in (grid[:, 0], grid[0, 1], grid[1, 1])]
    both = (V, DV)
    above = [[[r.shown[V]], [r.shown[DV]]] for r in rendered]
    _group(panels[0], above, "(a) $V$ and $D_V$")
    inks = {"colour": "(b) channels, in colour", "dark is large": "(c) channels, darker is larger"}
    for ax, (ink, title) in zip(panels[1:], inks.items(), strict=True):
        _group(ax, [_channels(r, both, ink) for r in rendered], title)
        ticks = [centre(n, width) for n in range(3 * len(rendered))]
        ax.set_xticks(ticks, list("RGB") * len(rendered), fontsize=9)
    strength = np.array([coloured(r) for r in rendered])
    for n in np.flatnonzero(strength > strength.mean()):
        corner = (3 * n * (width + GAP) - 0.5, -0.5)
        size = (3 * (width + GAP) - GAP, height)
        panels[2].add_patch(Rectangle(corner, *size, fill=False, ec="red", lw=3, zorder=5))
    for ax in panels:
        ax.set_yticks([centre(0, height), centre(1, height)], [MATH[m] for m in both], fontsize=12)
    return figure


def coloured(rendered: Rendered) -> float:
    """How much the channels of V differ: the largest minus the smallest, mean over the pixels."""
    return float(np.ptp(rendered.pixels[V], axis=-1).mean())


def fig9(rendered: Sequence[Rendered], titles: Sequence[str] = ()) -> Figure:
    """The paper's Fig. 9, a row a person: I, D_I and, right of the black line, |D_I - I| of each
    channel as grey, darker being more similar; the number is the mean. The bar says how much a
    shade is.
    """
    height, width = rendered[0].visible.shape[:2]
    figure, ax = plt.subplots(
        figsize=(9.0, 0.6 + 1.35 * len(rendered) * height / width), layout="constrained"
    )
    rows = []
    for r in rendered:
        maps = [render.grey(r.divergence[..., k]) for k in range(3)]
        rows.append([r.shown[I], r.shown[DI], *maps])
    picture_sheet(ax, rows)
    ax.axvline(2 * (width + GAP) - GAP / 2 - 0.5, color="black", lw=2)
    _heads(
        ax,
        ("$I$", "$D_I$", *(f"$|D_I - I|$\n{c}" for c in CHANNELS)),
        titles[: len(rendered)],
        (height, width),
    )
    for row, r in enumerate(rendered):
        for k in range(3):
            box = {"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.9}
            place = (centre(k + 2, width), row * (height + GAP) + 0.975 * height)
            ax.text(
                *place,
                f"{r.divergence[..., k].mean():.2f}",
                ha="center",
                va="bottom",
                fontsize=9,
                bbox=box,
            )
    scale = plt.cm.ScalarMappable(plt.Normalize(0, render.WHITE), "gray")
    figure.colorbar(
        scale,
        ax=ax,
        shrink=0.8,
        pad=0.02,
        extend="max",
        label="divergence (1: from black to white)",
    )
    return figure


def histograms(rendered: Rendered, bins: int = 48) -> Figure:
    """Pixels of V, D_V, I and D_I by brightness, a curve a channel; what lies outside 0..1 (grey) a
    stem sees and a screen cuts off.
    """
    figure, axes = plt.subplots(1, 4, figsize=(11.5, 2.8), sharex=True, layout="constrained")
    low = min(rendered.pixels[m].min() for m in Modality)
    high = max(rendered.pixels[m].max() for m in Modality)
    edges = np.linspace(min(low, 0) - 0.05, max(high, 1) + 0.05, bins + 1)
    for ax, m in zip(axes, (V, DV, I, DI), strict=True):
        for k, name in enumerate(CHANNELS):
            counts = np.histogram(rendered.pixels[m][..., k], edges)[0]
            ax.stairs(
                100 * counts / counts.sum(), edges, color=RGB[k], ls=STYLES[k], lw=1.8, label=name
            )
        for side in ((edges[0], 0), (1, edges[-1])):
            ax.axvspan(*side, color="0.88", zorder=0)
        ax.set(
            title=MATH[m],
            xlim=(edges[0], edges[-1]),
            xlabel="pixel, 0 black, 1 white",
            ylim=(0, None),
        )
        ax.title.set_color(COLOURS[m])
        ax.grid(False)
    axes[0].set_ylabel("pixels (%)")
    axes[-1].legend(fontsize="x-small")
    return figure


def weights(numbers: Numbers, title: str = "", ax: Axes | None = None) -> Figure:
    """The ten numbers as a picture: three channels into one by E_V, one into three by G_S.
    Thickness is a weight's size, dashes a negative one; a bias is written under its node.
    """
    found = checked(numbers)
    figure, ax = on(ax, (7.6, 3.6))
    places = {"V": [(0.0, y) for y in (2, 1, 0)], "D": [(4.0, y) for y in (2, 1, 0)]}
    middle = (2.0, 1.0)
    for k, name in enumerate(CHANNELS):
        _edge(ax, places["V"][k], middle, found["E_V.weight"][k], RGB[k])
        _edge(ax, middle, places["D"][k], found["G_S.weight"][k], RGB[k])
        for x, letter in ((0.0, "V"), (4.0, "D")):
            ax.add_patch(Circle((x, 2 - k), 0.19, color=RGB[k], zorder=3))
            ax.text(
                x,
                2 - k,
                name[0].upper(),
                color="white",
                ha="center",
                va="center",
                weight="bold",
                zorder=4,
            )
            if letter == "D":
                ax.text(
                    x + 0.3, 2 - k, f"bias {found['G_S.bias'][k]:+.2f}", va="center", fontsize=9
                )
    ax.add_patch(Circle(middle, 0.25, color="0.25", zorder=3))
    ax.text(*middle, "1", color="white", ha="center", va="center", weight="bold", zorder=4)
    ax.text(
        2.0, 0.64, f"bias {found['E_V.bias'][0]:+.2f}\nthen ReLU", ha="center", va="top", fontsize=9
    )
    ax.add_patch(
        FancyArrowPatch(
            (2.0, 1.95), (2.0, 1.3), arrowstyle="-|>", mutation_scale=14, color=COLOURS[I], lw=2
        )
    )
    ax.text(
        2.0,
        2.0,
        "$I$ enters here\n(no ReLU)",
        ha="center",
        va="bottom",
        fontsize=9,
        color=COLOURS[I],
    )
    for x, text, colour in (
        (0.0, "$V$", COLOURS[V]),
        (4.0, "$D_V$, $D_I$", COLOURS[DV]),
        (1.0, "$E_V$", "0.2"),
        (3.0, "$G_S$", "0.2"),
    ):
        ax.text(x, 2.42, text, ha="center", fontsize=13, color=colour)
    ax.set(xlim=(-0.4, 5.1), ylim=(-0.35, 2.75), aspect="equal", title=title)
    ax.axis("off")
    return figure


def shares(found: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """What red, green and blue own, a panel a generator and a group of bars a space
    (``channels.shares``); the line is a third.
    """
    figure, axes = plt.subplots(
        1,
        len(found),
        figsize=(5.4 * len(found), 3.3),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for ax, (title, spaces) in zip(axes[0], found.items(), strict=True):
        for n, values in enumerate(spaces.values()):
            for k, value in enumerate(values):
                ax.bar(
                    n + (k - 1) * 0.27,
                    100 * value,
                    0.25,
                    color=RGB[k],
                    label=CHANNELS[k] if n == 0 else None,
                )
                ax.text(
                    n + (k - 1) * 0.27,
                    100 * value + 0.8,
                    f"{'RGB'[k]}\n{100 * value:.1f}",
                    ha="center",
                    fontsize=8,
                )
        ax.axhline(100 / 3, color="0.3", lw=1, ls=":")
        ax.set_xticks(
            range(len(spaces)), [name.replace(" ", "\n", 1) for name in spaces], fontsize=9
        )
        ax.set(
            title=title,
            ylim=(0, 100 * max(v.max() for s in found.values() for v in s.values()) + 12),
        )
        ax.grid(False, axis="x")
    axes[0][0].set_ylabel("share (%)")
    return figure


def copies(numbers: Numbers, space: str = "normalised", ax: Axes | None = None) -> Figure:
    """D_I as the affine copy of I that it is: a line W_k I + B_k a channel. The height between a
    line and the dotted diagonal is the divergence (W_k - 1) I + B_k; beyond the white band a screen
    shows plain black or white.
    """
    figure, ax = on(ax, (6.0, 3.8))
    slope, level = render.affine(numbers, space)
    x = np.array([0.0, 1.0])
    ax.plot(x, x, color="black", ls=":", lw=1.5, label="$D_I = I$")
    for k, name in enumerate(CHANNELS):
        label = f"{name}: {slope[k]:.2f} I {level[k]:+.2f}"
        ax.plot(
            x,
            slope[k] * x + level[k],
            color=RGB[k],
            ls=STYLES[k],
            marker=MARKS[k],
            lw=2,
            label=label,
        )
    low, high = min(ax.get_ylim()[0], -0.05), max(ax.get_ylim()[1], 1.05)
    for side in ((low, 0), (1, high)):
        ax.axhspan(*side, color="0.9", zorder=0)
    ax.set(
        xlim=(0, 1),
        ylim=(low, high),
        xlabel="a pixel of $I$ (0 black, 1 white)",
        ylabel="the same pixel of $D_I$",
    )
    ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def spaces(pairs: Mapping[str, Rendered]) -> Figure:
    """V, then E_V(V) as computed in each space: striped what the ReLU sets to zero, and its
    share.
    """
    rendered = list(pairs.values())
    height, width = rendered[0].visible.shape[:2]
    figure, ax = plt.subplots(
        figsize=(1.9 * (1 + len(rendered)), 0.9 + 1.9 * height / width), layout="constrained"
    )
    picture_sheet(
        ax, [[rendered[0].shown[V], *(render.mark(r.encoded, r.clipped) for r in rendered)]]
    )
    heads = [
        "$V$",
        *(f"{name}\n{100 * r.clipped.mean():.0f} % clipped" for name, r in pairs.items()),
    ]
    _heads(ax, heads, (), (height, width))
    return figure


# -- parts of figures
# --------------------------------------------------------------------------------------------------


def _heads(ax: Axes, heads: Sequence[str], rows: Sequence[str], size: tuple[int, int]) -> None:
    """Words over every column of a sheet and, where given, before every row."""
    ax.xaxis.tick_top()
    ax.set_xticks([centre(c, size[1]) for c in range(len(heads))], heads)
    ax.set_yticks([centre(r, size[0]) for r in range(len(rows))], rows)


def _channels(rendered: Rendered, streams: Sequence[Modality], ink: str) -> list:
    """A row for each stream: its three channels, each alone."""
    rows = []
    for m in streams:
        rows.append([render.single(rendered.shown[m], k, ink) for k in range(3)])
    return rows


def _group(ax: Axes, people: Sequence[Sequence[Sequence[np.ndarray]]], title: str) -> None:
    """``people[p][row][column]`` side by side, a dotted line between two people."""
    rows: list[list[np.ndarray]] = [[] for _ in people[0]]
    for person in people:
        for row, pictures in zip(rows, person, strict=True):
            row += pictures
    page = picture_sheet(ax, rows)
    for n in range(1, len(people)):
        ax.axvline(
            n * (page.shape[1] + GAP) / len(people) - GAP / 2 - 0.5, color="black", ls=":", lw=2
        )
    ax.set_title(title)


def _edge(
    ax: Axes, a: tuple[float, float], b: tuple[float, float], weight: float, colour: object
) -> None:
    """A line as thick as the weight is large, dashed where it is negative, with its number on
    white.
    """
    size = min(0.8 + 7 * abs(weight), 12)
    ax.plot(
        *zip(a, b, strict=True),
        color=colour,
        lw=size,
        ls="-" if weight >= 0 else (0, (1.2, 0.6)),
        alpha=0.75,
        zorder=1,
    )
    x, y = (0.55 * a[k] + 0.45 * b[k] for k in range(2))
    box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.85}
    ax.text(x, y, f"{weight:+.2f}", ha="center", va="center", fontsize=9, bbox=box, zorder=2)
