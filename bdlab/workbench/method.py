"""The drawings that explain the method: the families of Fig. 1, the graphs of Fig. 2, the framework
of Fig. 4, one picture's way.

One grammar for all: a box in a modality's colour belongs to that modality alone, a grey box is
shared by all; a broken outline is gone when the network is tested. Every box is labelled, so
nothing hangs on colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from bdlab.modality import BASE, MDL_GRAPHS, Modality, Pair

from .diagram import (
    FAMILIES,
    INK,
    LINE,
    STREAMS,
    Box,
    Family,
    draw_arrow,
    draw_box,
    draw_note,
    draw_picture,
    fit_axes,
)
from .style import COLOURS, MATH, on

V, I, DV, DI = Modality
#: Where Fig. 2 draws the four modalities: base above, derivative below, the homologous ones under
#: each other.
PLACES = {Modality.V: (0, 1), Modality.I: (1, 1), Modality.DV: (0, 0), Modality.DI: (1, 0)}


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
    figure, ax = on(ax, (0.62 * count + 1.2, 1.24 * len(modalities)))
    ax.imshow(sheet, interpolation="nearest", aspect="equal")
    ax.set_yticks(
        [r * (height + gap) + height / 2 for r in range(len(modalities))],
        [MATH[m] for m in modalities],
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
    figure, ax = on(ax, (3.2, 3.2))
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
        ax.text(x, y, MATH[m], ha="center", va="center", color="white", fontsize=15, zorder=4)
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


def families(names: Sequence[str] = tuple(FAMILIES)) -> Figure:
    """Fig. 1: the families of networks for two modalities, one panel each, and a key to the
    drawings.
    """
    rows = (len(names) + 2) // 2
    figure, axes = plt.subplots(
        rows, 2, figsize=(13, 3.1 * rows), squeeze=False, layout="constrained"
    )
    figure.get_layout_engine().set(h_pad=0.15)
    for ax, name in zip(axes.flat, names, strict=False):
        family(FAMILIES[name], ax)
        ax.set_title(f"({name}) {FAMILIES[name].title}", fontsize=11)
    for ax in axes.flat[len(names) :]:
        ax.axis("off")
    key(axes.flat[len(names)])
    return figure


def family(drawn: Family, ax: Axes | None = None) -> Figure:
    """One family: its boxes and arrows, pictures coming in at the left."""
    figure, ax = on(ax, (6.4, 2.7))
    for start, end in drawn.arrows:
        draw_arrow(ax, drawn.boxes[start], drawn.boxes[end])
    for box in drawn.boxes.values():
        draw_box(ax, box)
    fit_axes(ax, drawn.boxes.values())
    return figure


def key(ax: Axes | None = None) -> Figure:
    """What the boxes of these drawings mean."""
    figure, ax = on(ax, (6.4, 2.7))
    lines = [
        (Box(2.2, 3.7, "$V$, its parts", V, 2.4), "belongs to this modality alone"),
        (Box(2.2, 2.55, "shared", None, 2.4), "one set of weights for all that enter"),
        (
            Box(2.2, 1.4, "gone", None, 2.4, gone=True),
            "trained with, not used when people are looked for",
        ),
    ]
    for box, words in lines:
        draw_box(ax, box)
        ax.text(3.9, box.y, words, va="center", fontsize=10, color=INK)
    ax.text(1.0, 0.25, "pictures come in at the left", va="center", fontsize=10, color=INK)
    fit_axes(ax, [Box(0, 4, ""), Box(11.4, 0, "")])
    return figure


def graphs(names: Sequence[str] = ("base", "mdl1", "mdl2", "mdl3", "mdl4")) -> Figure:
    """Fig. 2 and Table IV: graphs of constraints side by side, each with its number of directed
    losses.
    """
    figure, axes = plt.subplots(
        1, len(names), figsize=(2.6 * len(names), 3.4), squeeze=False, layout="constrained"
    )
    figure.get_layout_engine().set(h_pad=0.15)
    for ax, name in zip(axes[0], names, strict=True):
        pairs = MDL_GRAPHS[name]
        on_edges = {m for pair in pairs for m in pair}
        graph(pairs, [m for m in Modality if m in BASE or m in on_edges], ax=ax)
        title = {"base": "baseline"}.get(name, name.upper())
        ax.set_title(
            f"{title}\n{len(pairs)} pair{'s' * (len(pairs) > 1)}, {2 * len(pairs)} directed losses",
            fontsize=11,
        )
    return figure


_ROWS = dict(zip(STREAMS, (9.3, 6.2, 3.1, 0.0), strict=True))


def framework(pictures: Mapping[Modality, np.ndarray]) -> Figure:
    """Fig. 4: one picture [H, W, 3] a modality (uint8 or float in [0, 1]) through generator, stems,
    trunk and neck to the losses.
    """
    figure, ax = plt.subplots(figsize=(12.5, 6.9), layout="constrained")
    middle = _ROWS[V] / 2
    shown = {m.value: Box(0.0 if m in BASE else 7.6, y, "", m, 1.2, 2.4) for m, y in _ROWS.items()}
    boxes = {
        "E": Box(2.9, _ROWS[DV], "$E_V$\n3 to 1", V, 1.5, 1.4, True),
        "G": Box(5.3, middle, "$G_S$\n1 to 3", None, 1.5, 4.7, True),
        **{
            f"S{m}": Box(10.6, y, f"stem $F_I$\nof {MATH[m]}", m, 2.0, 1.4, m not in BASE)
            for m, y in _ROWS.items()
        },
        "T": Box(13.9, middle, "trunk\n$F_S$\n\nlayer1\nto\nlayer4", None, 1.8, 11.4),
        **{
            f"F{m}": Box(17.1, y, f"feature\nof {MATH[m]}", m, 1.8, 1.2, m not in BASE)
            for m, y in _ROWS.items()
        },
        "N": Box(20.4, middle, "neck\n(batch\nnorm)", None, 1.8, 11.4),
        "C": Box(23.4, middle, "classifier", None, 2.0, 11.4, True),
    }
    arrows = [("V", "E"), ("E", "G"), ("I", "G"), ("G", "DV"), ("G", "DI"), ("N", "C")]
    arrows += [
        edge
        for m in STREAMS
        for edge in ((m.value, f"S{m}"), (f"S{m}", "T"), ("T", f"F{m}"), (f"F{m}", "N"))
    ]
    for start, end in arrows:
        draw_arrow(ax, (shown | boxes)[start], (shown | boxes)[end])
    for m in STREAMS:
        draw_picture(ax, pictures[m], shown[m], MATH[m])
    for box in boxes.values():
        draw_box(ax, box)
    # the triplets see all four features
    ax.add_patch(Rectangle((15.95, -1.05), 2.3, 11.4, fill=False, ec=LINE, lw=1, ls=":"))
    for name, words in {
        "FV": "triplets: MML (eq. 6)\nand MDL (eq. 2)",
        "N": "test:\ndistances",
        "C": "ID loss\n(eq. 8)",
    }.items():
        draw_note(ax, boxes[name].x, words, name == "N")
    ax.set(xlim=(-1.0, 24.9), ylim=(-1.6, 13.3), aspect="equal")
    ax.axis("off")
    return figure


def journey(stages: Mapping[str, Mapping[Modality, np.ndarray]], tiles: int = 16) -> Figure:
    """One picture's way: a row a stream, a column a stage (its name: what came out of it), the
    shape under every drawing.

    An entry is a picture (uint8 [H, W, 3]), maps (float [C, h, w]) or a feature (float [D]). Of
    maps the ``tiles`` channels that vary most are shown, the same ones for every stream, each
    stretched from its least (black) to its greatest value (white); a feature is drawn as bars. A
    stream that has no such stage stays blank there.
    """
    drawn = set().union(*stages.values())
    streams = [m for m in STREAMS if m in drawn]
    figure, axes = plt.subplots(
        len(streams),
        len(stages),
        figsize=(1.4 * len(stages), 2.55 * len(streams)),
        squeeze=False,
        layout="constrained",
    )
    for c, (name, column) in enumerate(stages.items()):
        axes[0][c].set_title(name, fontsize=11)
        maps = [values for values in column.values() if _are_maps(values)]
        chosen = busiest(maps, tiles) if maps else None
        for r, m in enumerate(streams):
            _stage(axes[r][c], column.get(m), m, chosen)
    for r, m in enumerate(streams):
        axes[r][0].text(
            -0.12,
            0.5,
            MATH[m],
            transform=axes[r][0].transAxes,
            ha="right",
            va="center",
            fontsize=16,
            color=COLOURS[m],
        )
    return figure


def busiest(maps: Sequence[np.ndarray], tiles: int = 16) -> np.ndarray:
    """The ``tiles`` channels of maps [C, h, w], one array a stream, that vary most over all of
    them, in ascending order.
    """
    spread = sum(values.std(axis=(1, 2)) for values in maps)
    return np.sort(np.argsort(spread, kind="stable")[::-1][:tiles])


def tiled(maps: np.ndarray) -> np.ndarray:
    """Maps [C, h, w] on one sheet, row by row in a square of tiles, each stretched to [0, 1]; NaN
    between them.
    """
    low, high = (bound(maps, axis=(1, 2), keepdims=True) for bound in (np.min, np.max))
    stretched = (maps - low) / np.maximum(high - low, 1e-12)
    side, (height, width) = int(np.ceil(np.sqrt(len(maps)))), maps.shape[1:]
    gap = max(1, round(0.06 * width))
    sheet = np.full(
        (-(-len(maps) // side) * (height + gap) - gap, side * (width + gap) - gap), np.nan
    )
    for k, picture in enumerate(stretched):
        y, x = (k // side) * (height + gap), (k % side) * (width + gap)
        sheet[y : y + height, x : x + width] = picture
    return sheet


def _are_maps(values: np.ndarray) -> bool:
    return values.ndim == 3 and values.dtype != np.uint8


def _stage(ax: Axes, values: np.ndarray | None, m: Modality, chosen: np.ndarray | None) -> None:
    ax.axis("off")
    if values is None:
        return
    shape = " x ".join(map(str, values.shape))
    if values.ndim == 1:
        ax.barh(np.arange(len(values)), values, height=1.0, lw=0, color=COLOURS[m])
        ax.set(
            ylim=(len(values) - 0.5, -0.5), xlim=(min(0.0, values.min()), max(values.max(), 1e-12))
        )
        ax.set_box_aspect(2)
    elif _are_maps(values):
        ax.imshow(tiled(values[chosen]), cmap="gray", interpolation="nearest")
    else:
        ax.imshow(values, interpolation="nearest")
        shape = f"3 x {values.shape[0]} x {values.shape[1]}"
    ax.text(0.5, -0.02, shape, transform=ax.transAxes, ha="center", va="top", fontsize=9, color=INK)
