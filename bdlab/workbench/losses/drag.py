"""The hinge one can drag: points of two streams in a plane, drawn by hinge.js in the browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import anywidget
import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.figure import Figure

from bdlab.modality import BASE, Modality
from bdlab.workbench import live
from bdlab.workbench.widgets import Pictured, instead

from . import hinges, toy

V, I = BASE
EDGE = 1.6  # units of distance from the middle of the plane to its rim
MOST_PEOPLE, MOST_SHOTS = 9, 8  # what the names of the points, 1a to 9h, have room for
MOST_MARGIN = 1.5  # the end of the slider


def drag(
    points: toy.Constellation | None = None,
    margin: float = 0.5,
    anchor: Sequence[Any] = ("V", 0),
    literal: bool = False,
) -> Drag | widgets.HTML:
    """Points of two streams in a plane and, beside it, the distances that max and min of eq. 5
    read, the hinge of the anchor (ringed) as bars, and which way its gradient pushes everybody.

    ``points``: people in V and I (default: three of ``toy.constellation``); ``margin`` 0 to 1.5;
    ``anchor``: stream and row; ``literal``: eq. 5 as printed. Points are dragged or moved by the
    arrow keys, *let go* descends 50 steps. ``widget.V``, ``.I``, ``.margin``, ``.anchor`` and
    ``.literal`` are what is seen, readable and settable. What cannot be drawn gives one sentence in
    its place.
    """
    try:
        own, row = _anchor(anchor)
        points = points or toy.constellation(3, 2, 3)
        _check(points)
        if not 0 <= row < len(points.labels[own]):
            rows = len(points.labels[own])
            raise ValueError(f"anchor = {anchor!r}: {own} has the rows 0 to {rows - 1}.")
        traits = live.hinge_traits(points)
        looks = {"margin": _margin(margin), "literal": bool(literal), "anchor": [own.value, row]}
    except ValueError as error:
        return instead("hinge", error)
    return live.widget("losses/hinge.js", traits | looks, Drag)


class Drag(Pictured, anywidget.AnyWidget):
    """What ``drag`` returns; its traits are those hinge.js names."""

    @property
    def points(self) -> toy.Constellation:
        """Where everybody is now."""
        features = {m: torch.tensor(getattr(self, m.value), dtype=torch.float64) for m in BASE}
        labels = {m: torch.tensor(self.labels[m.value]) for m in BASE}
        return toy.Constellation(features, labels)

    @property
    def hinge(self) -> toy.Hinge:
        """The anchor's summand of eq. 4 as it is now."""
        own, row = _anchor(self.anchor)
        other = I if own is V else V
        return toy.hinge(self.points, own, row, other, cross=self.margin, literal=self.literal)

    def figure(self) -> Figure:
        """The static twin of what is seen."""
        return hinges.dragged(self.points, self.hinge)


def _anchor(given: Sequence[Any]) -> tuple[Modality, int]:
    """Stream and row of an anchor. ValueError for anything else."""
    try:
        stream, row = given
        own = Modality(stream)
    except (TypeError, ValueError):
        own, row = None, None
    if own not in BASE or isinstance(row, bool) or not isinstance(row, int):
        raise ValueError(f'anchor = {given!r}: a stream and a row are meant, ("V", 0) or ("I", 3).')
    return own, row


def _margin(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise ValueError(f"margin = {given!r}: a number from 0 to {MOST_MARGIN} is meant.")
    if not 0 <= given <= MOST_MARGIN:
        raise ValueError(f"margin = {given:g}: 0 to {MOST_MARGIN} are meant.")
    return float(given)


def _check(points: Any) -> None:
    """ValueError, one sentence, for points that the plane has no room or no hinge for."""
    if not isinstance(points, toy.Constellation):
        kind = type(points).__name__
        raise ValueError(f"points is a {kind}: toy.constellation() makes what is meant.")
    for m in BASE:
        if m not in points.features or m not in points.labels:
            raise ValueError(f"points have no {m}: people in V and I are meant.")
        spots, labels = np.asarray(points.features[m]), np.asarray(points.labels[m])
        if spots.ndim != 2 or spots.shape[1] != 2 or len(labels) != len(spots):
            shapes = f"{list(spots.shape)} with {len(labels)} labels"
            raise ValueError(f"points of {m} are {shapes}: [N, 2] with N labels are meant.")
        if not np.isfinite(spots).all() or abs(spots).max(initial=0) > EDGE:
            raise ValueError(f"a point of {m} is outside the plane, -{EDGE} to {EDGE}: scale them.")
    counts = {m: Counter(np.asarray(points.labels[m]).tolist()) for m in BASE}
    if counts[V].keys() != counts[I].keys() or not 2 <= len(counts[V]) <= MOST_PEOPLE:
        raise ValueError(f"points: 2 to {MOST_PEOPLE} people are meant, each of them in V and I.")
    if not counts[V].keys() <= set(range(MOST_PEOPLE)):
        raise ValueError(f"points: people are numbered 0 to {MOST_PEOPLE - 1}.")
    if max(max(own.values()) for own in counts.values()) > MOST_SHOTS:
        raise ValueError(f"points: at most {MOST_SHOTS} pictures of a person in a stream.")
