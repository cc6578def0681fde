"""Boxes and arrows: how the drawings of the method say what a network is made of, and Fig. 1 as
data.

A box in a modality's colour belongs to that modality alone, a grey box is shared by all; a broken
outline is gone when the network is tested. Every box is labelled, so nothing hangs on colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from bdlab.modality import BASE, Modality

from .style import COLOURS, MATH

V, I, DV, DI = Modality


STREAMS = (V, DV, DI, I)  # from the top: each derivative beside its parent


SHARED, INK, LINE = "0.88", "0.15", "0.35"


PAD = 0.08


LEVELS = (4, 2.75, 1.25, 0)


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
        | {
            "CV": Box(11.4, 4, "classifier\nof $V$", V, 1.8, 1.2, True),
            "CI": Box(11.4, 0, "classifier\nof $I$", I, 1.8, 1.2, True),
        },
        [("V", "N"), ("I", "N"), ("N", "CV"), ("N", "CI"), ("CV", "CI"), ("CI", "CV")],
    ),
    "d": Family(
        "GAN: paint each modality in the other's manner",
        _inputs()
        | {
            "GV": Box(2.4, 3, "generator\n$V$ to $I$", V, 1.8, 1.0),
            "GI": Box(2.4, 1, "generator\n$I$ to $V$", I, 1.8, 1.0),
        }
        | {"MI": Box(5.2, 3, "$I$, made", I, 1.6), "MV": Box(5.2, 1, "$V$, made", V, 1.6)}
        | {
            "D": Box(5.2, 2, "real or made?", None, 2.2, 0.6, True),
            "N": _shared(8.9, "network"),
            "C": _CLASSIFIER,
        },
        [*_GENERATED, ("V", "N"), ("MI", "N"), ("MV", "N"), ("I", "N"), ("N", "C")],
    ),
    "e": Family(
        "base-derivative: two relatives from one generator",
        _inputs()
        | {
            "E": Box(1.75, 2.75, "$E_V$", V, 1.1, gone=True),
            "G": Box(3.4, 2, "$G_S$", None, 1.1, 2.6, True),
        }
        | {
            "DV": Box(4.8, 2.75, "$D_V$", DV, 0.9, gone=True),
            "DI": Box(4.8, 1.25, "$D_I$", DI, 0.9, gone=True),
        }
        | {
            f"S{m}": Box(6.6, y, f"stem of {MATH[m]}", m, 1.8, gone=m not in BASE)
            for m, y in zip(STREAMS, LEVELS, strict=True)
        }
        | {"N": _shared(8.9, "trunk"), "C": _CLASSIFIER},
        [("V", "E"), ("E", "G"), ("I", "G"), ("G", "DV"), ("G", "DI"), ("N", "C")]
        + [edge for m in STREAMS for edge in ((m.value, f"S{m}"), (f"S{m}", "N"))],
    ),
}


def draw_box(ax: Axes, box: Box) -> None:
    face = SHARED if box.owner is None else COLOURS[box.owner]
    corner = (box.x - box.width / 2 + PAD, box.y - box.height / 2 + PAD)
    edge = (
        {"ec": LINE, "ls": (0, (4, 2)), "lw": 1.6}
        if box.gone
        else {"ec": "white" if box.owner else LINE, "lw": 1.0}
    )
    shape = f"round,pad={PAD},rounding_size={2 * PAD}"
    ax.add_patch(
        FancyBboxPatch(
            corner,
            box.width - 2 * PAD,
            box.height - 2 * PAD,
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
        color="white" if box.owner else INK,
        zorder=4,
    )


def draw_arrow(ax: Axes, start: Box, end: Box) -> None:
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
        "color": LINE,
        "shrinkA": 1,
        "shrinkB": 1,
    }
    ax.add_patch(FancyArrowPatch(a, b, zorder=2, **style))


def _within(y: float, box: Box) -> float:
    room = max(box.height / 2 - 0.3, 0)
    return float(np.clip(y, box.y - room, box.y + room))


def draw_picture(ax: Axes, pixels: np.ndarray, box: Box, name: str) -> None:
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


def draw_note(ax: Axes, x: float, words: str, stays: bool) -> None:
    """What reads a part of the network, above it."""
    ax.add_patch(
        FancyArrowPatch(
            (x, 10.4),
            (x, 11.8),
            arrowstyle="-|>",
            mutation_scale=10,
            lw=1.3,
            color=LINE,
            shrinkA=0,
            shrinkB=1,
        )
    )
    frame = {
        "boxstyle": "round,pad=0.35",
        "fc": "white",
        "ec": LINE,
        "ls": "-" if stays else (0, (4, 2)),
    }
    ax.text(x, 12.5, words, ha="center", va="center", fontsize=9, color=INK, bbox=frame)


def fit_axes(ax: Axes, boxes) -> None:
    left, right = min(b.x - b.width / 2 for b in boxes), max(b.x + b.width / 2 for b in boxes)
    ax.set(xlim=(left - 0.2, right + 0.2), ylim=(-0.7, 4.7), aspect="equal")
    ax.axis("off")
