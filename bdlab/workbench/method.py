"""The drawings that explain the method: the families of Fig. 1, the graphs of Fig. 2, the framework
of Fig. 4, one picture's way.

One grammar for all: a box in a modality's colour belongs to that modality alone, a grey box is
shared by all; a broken outline is gone when the network is tested. Every box is labelled, so
nothing hangs on colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from bdlab.modality import BASE, MDL_GRAPHS, Modality

from .style import _MATH, COLOURS, _on, graph

V, I, DV, DI = Modality
STREAMS = (V, DV, DI, I)  # from the top: each derivative beside its parent
_ALL, _INK, _LINE = "0.88", "0.15", "0.35"
_PAD = 0.08
_LEVELS = (4, 2.75, 1.25, 0)


class Box(NamedTuple):
    """One part of a network: its centre, what it says, whose it is (None: shared by all) and
    whether it is gone at the test.
    """

    x: float
    y: float
    label: str
    owner: Modality | None = None
    width: float = 1.7
    height: float = 0.8
    gone: bool = False


class Family(NamedTuple):
    """One way to build a network for two modalities (Fig. 1): boxes by name, arrows by their ends'
    names.
    """

    title: str
    boxes: Mapping[str, Box]
    arrows: Sequence[tuple[str, str]]


def _inputs(height: float = 4) -> dict[str, Box]:
    return {"V": Box(0, height, "$V$", V, 1.0), "I": Box(0, 0, "$I$", I, 1.0)}


def _shared(x: float, label: str, height: float = 4.8) -> Box:
    return Box(x, 2, label, None, 1.8, height)


_CLASSIFIER = _shared(11.4, "classifier", 1.4)._replace(gone=True)
_GENERATED = [("V", "GV"), ("I", "GI"), ("GV", "MI"), ("GI", "MV"), ("MI", "D"), ("MV", "D")]

#: Fig. 1 by letter: (a)-(d) are the earlier families as the paper's introduction sorts them, (e) is
#: its own.
FAMILIES: dict[str, Family] = {
    "a": Family(
        "one stream: one network for everything",
        _inputs() | {"N": _shared(8.9, "network")._replace(x=7.55, width=4.5), "C": _CLASSIFIER},
        [("V", "N"), ("I", "N"), ("N", "C")],
    ),
    "b": Family(
        "two streams: own first layers, then shared ones",
        _inputs()
        | {"SV": Box(6.3, 4, "stem of $V$", V), "SI": Box(6.3, 0, "stem of $I$", I)}
        | {"N": _shared(8.9, "trunk"), "C": _CLASSIFIER},
        [("V", "SV"), ("I", "SI"), ("SV", "N"), ("SI", "N"), ("N", "C")],
    ),
    "c": Family(
        "asymmetric: shared layers, own classifiers",
        _inputs()
        | {"N": _shared(7.55, "network")._replace(width=4.5)}
        | {"CV": Box(11.4, 4, "classifier\nof $V$", V, 1.8, 1.2, True), "CI": Box(11.4, 0, "classifier\nof $I$", I, 1.8, 1.2, True)},
        [("V", "N"), ("I", "N"), ("N", "CV"), ("N", "CI"), ("CV", "CI"), ("CI", "CV")],
    ),
    "d": Family(
        "GAN: paint each modality in the other's manner",
        _inputs()
        | {"GV": Box(2.4, 3, "generator\n$V$ to $I$", V, 1.8, 1.0), "GI": Box(2.4, 1, "generator\n$I$ to $V$", I, 1.8, 1.0)}
        | {"MI": Box(5.2, 3, "$I$, made", I, 1.6), "MV": Box(5.2, 1, "$V$, made", V, 1.6)}
        | {"D": Box(5.2, 2, "real or made?", None, 2.2, 0.6, True), "N": _shared(8.9, "network"), "C": _CLASSIFIER},
        [*_GENERATED, ("V", "N"), ("MI", "N"), ("MV", "N"), ("I", "N"), ("N", "C")],
    ),
    "e": Family(
        "base-derivative: two relatives from one generator",
        _inputs()
        | {"E": Box(1.75, 2.75, "$E_V$", V, 1.1, gone=True), "G": Box(3.4, 2, "$G_S$", None, 1.1, 2.6, True)}
        | {"DV": Box(4.8, 2.75, "$D_V$", DV, 0.9, gone=True), "DI": Box(4.8, 1.25, "$D_I$", DI, 0.9, gone=True)}
        | {f"S{m}": Box(6.6, y, f"stem of {_MATH[m]}", m, 1.8, gone=m not in BASE) for m, y in zip(STREAMS, _LEVELS, strict=True)}
        | {"N": _shared(8.9, "trunk"), "C": _CLASSIFIER},
        [("V", "E"), ("E", "G"), ("I", "G"), ("G", "DV"), ("G", "DI"), ("N", "C")]
        + [edge for m in STREAMS for edge in ((m.value, f"S{m}"), (f"S{m}", "N"))],
    ),
}  # fmt: skip


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
    figure, ax = _on(ax, (6.4, 2.7))
    for start, end in drawn.arrows:
        _arrow(ax, drawn.boxes[start], drawn.boxes[end])
    for box in drawn.boxes.values():
        _box(ax, box)
    _frame(ax, drawn.boxes.values())
    return figure


def key(ax: Axes | None = None) -> Figure:
    """What the boxes of these drawings mean."""
    figure, ax = _on(ax, (6.4, 2.7))
    lines = [
        (Box(2.2, 3.7, "$V$, its parts", V, 2.4), "belongs to this modality alone"),
        (Box(2.2, 2.55, "shared", None, 2.4), "one set of weights for all that enter"),
        (
            Box(2.2, 1.4, "gone", None, 2.4, gone=True),
            "trained with, not used when people are looked for",
        ),
    ]
    for box, words in lines:
        _box(ax, box)
        ax.text(3.9, box.y, words, va="center", fontsize=10, color=_INK)
    ax.text(1.0, 0.25, "pictures come in at the left", va="center", fontsize=10, color=_INK)
    _frame(ax, [Box(0, 4, ""), Box(11.4, 0, "")])
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
        graph(pairs, [m for m in Modality if m in BASE or any(m in pair for pair in pairs)], ax=ax)
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
        "E": Box(2.9, _ROWS[DV], "$E_V$\n3 to 1", V, 1.5, 1.4, True), "G": Box(5.3, middle, "$G_S$\n1 to 3", None, 1.5, 4.7, True),
        **{f"S{m}": Box(10.6, y, f"stem $F_I$\nof {_MATH[m]}", m, 2.0, 1.4, m not in BASE) for m, y in _ROWS.items()},
        "T": Box(13.9, middle, "trunk\n$F_S$\n\nlayer1\nto\nlayer4", None, 1.8, 11.4),
        **{f"F{m}": Box(17.1, y, f"feature\nof {_MATH[m]}", m, 1.8, 1.2, m not in BASE) for m, y in _ROWS.items()},
        "N": Box(20.4, middle, "neck\n(batch\nnorm)", None, 1.8, 11.4), "C": Box(23.4, middle, "classifier", None, 2.0, 11.4, True),
    }  # fmt: skip
    arrows = [("V", "E"), ("E", "G"), ("I", "G"), ("G", "DV"), ("G", "DI"), ("N", "C")]
    arrows += [
        edge
        for m in STREAMS
        for edge in ((m.value, f"S{m}"), (f"S{m}", "T"), ("T", f"F{m}"), (f"F{m}", "N"))
    ]
    for start, end in arrows:
        _arrow(ax, (shown | boxes)[start], (shown | boxes)[end])
    for m in STREAMS:
        _picture(ax, pictures[m], shown[m], _MATH[m])
    for box in boxes.values():
        _box(ax, box)
    # the triplets see all four features
    ax.add_patch(Rectangle((15.95, -1.05), 2.3, 11.4, fill=False, ec=_LINE, lw=1, ls=":"))
    for name, words in {
        "FV": "triplets: MML (eq. 6)\nand MDL (eq. 2)",
        "N": "test:\ndistances",
        "C": "ID loss\n(eq. 8)",
    }.items():
        _note(ax, boxes[name].x, words, name == "N")
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
    streams = [m for m in STREAMS if any(m in column for column in stages.values())]
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
            _MATH[m],
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
    ax.text(
        0.5, -0.02, shape, transform=ax.transAxes, ha="center", va="top", fontsize=9, color=_INK
    )


def _box(ax: Axes, box: Box) -> None:
    face = _ALL if box.owner is None else COLOURS[box.owner]
    corner = (box.x - box.width / 2 + _PAD, box.y - box.height / 2 + _PAD)
    edge = (
        {"ec": _LINE, "ls": (0, (4, 2)), "lw": 1.6}
        if box.gone
        else {"ec": "white" if box.owner else _LINE, "lw": 1.0}
    )
    shape = f"round,pad={_PAD},rounding_size={2 * _PAD}"
    ax.add_patch(
        FancyBboxPatch(
            corner,
            box.width - 2 * _PAD,
            box.height - 2 * _PAD,
            boxstyle=shape,
            fc=face,
            zorder=3,
            **edge,
        )
    )
    ax.text(
        box.x,
        box.y,
        box.label,
        ha="center",
        va="center",
        fontsize=9,
        color="white" if box.owner else _INK,
        zorder=4,
    )


def _arrow(ax: Axes, start: Box, end: Box) -> None:
    """From box to box: sideways where one is right of the other, else up or down; level where a
    tall box allows it.
    """
    if end.x - end.width / 2 >= start.x + start.width / 2:
        level = min(end, start, key=lambda box: box.height).y
        a, b = (
            (start.x + start.width / 2, _within(level, start)),
            (end.x - end.width / 2, _within(level, end)),
        )
    else:
        up = 1 if end.y > start.y else -1
        a, b = (start.x, start.y + up * start.height / 2), (end.x, end.y - up * end.height / 2)
    style = {
        "arrowstyle": "-|>",
        "mutation_scale": 10,
        "lw": 1.3,
        "color": _LINE,
        "shrinkA": 1,
        "shrinkB": 1,
    }
    ax.add_patch(FancyArrowPatch(a, b, zorder=2, **style))


def _within(y: float, box: Box) -> float:
    room = max(box.height / 2 - 0.3, 0)
    return float(np.clip(y, box.y - room, box.y + room))


def _picture(ax: Axes, pixels: np.ndarray, box: Box, name: str) -> None:
    edges = (
        box.x - box.width / 2,
        box.x + box.width / 2,
        box.y - box.height / 2,
        box.y + box.height / 2,
    )
    ax.imshow(pixels, extent=edges, interpolation="nearest", zorder=3)
    ax.add_patch(
        Rectangle(
            (edges[0], edges[2]),
            box.width,
            box.height,
            fill=False,
            ec=COLOURS[box.owner],
            lw=3,
            zorder=4,
        )
    )
    ax.text(
        box.x, edges[3] + 0.1, name, ha="center", va="bottom", fontsize=13, color=COLOURS[box.owner]
    )


def _note(ax: Axes, x: float, words: str, stays: bool) -> None:
    """What reads a part of the network, above it."""
    ax.add_patch(
        FancyArrowPatch(
            (x, 10.4),
            (x, 11.8),
            arrowstyle="-|>",
            mutation_scale=10,
            lw=1.3,
            color=_LINE,
            shrinkA=0,
            shrinkB=1,
        )
    )
    frame = {
        "boxstyle": "round,pad=0.35",
        "fc": "white",
        "ec": _LINE,
        "ls": "-" if stays else (0, (4, 2)),
    }
    ax.text(x, 12.5, words, ha="center", va="center", fontsize=9, color=_INK, bbox=frame)


def _frame(ax: Axes, boxes) -> None:
    left, right = min(b.x - b.width / 2 for b in boxes), max(b.x + b.width / 2 for b in boxes)
    ax.set(xlim=(left - 0.2, right + 0.2), ylim=(-0.7, 4.7), aspect="equal")
    ax.axis("off")
