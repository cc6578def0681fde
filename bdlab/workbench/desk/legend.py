"""What a desk says of itself while it is open: names, settings, streams and colours."""

from __future__ import annotations

from typing import Any

from matplotlib.colors import to_hex

from bdlab.modality import Modality
from bdlab.workbench.retrieval.search import Tested
from bdlab.workbench.style import COLOURS, HIT, MARKS, MISS, PALETTE

from . import numbers

COLOURINGS = ("person", "modality", "camera", "right or wrong")


def legend(cells: list[Tested]) -> dict[str, Any]:
    """What does not change while a board is open: names, settings, streams, colours."""
    first = cells[0]
    dataset = first.setup.dataset
    records = [dataset.records[row] for row in dataset.select("test")]
    maps = [way for way in numbers.MAPS if way == "PCA" or numbers.embedding.has_tsne()]
    height, width = first.setup.config.data.height, first.setup.config.data.width
    streams = []
    for tested in cells:
        streams.append([m.value for m in Modality if m in tested.embedded])
    return {
        "cells": [numbers.title(tested) for tested in cells],
        "data": dataset.name,
        "settings": first.settings,
        "draws": {setting: first.trials(setting) for setting in first.settings},
        "asks": {setting: first.asks(setting).value for setting in first.settings},
        "scores": [_scores(tested) for tested in cells],
        "streams": streams,
        "cameras": sorted({r.camera for r in records} - {0}),
        "filters": list(numbers.FILTERS[len(cells)]),
        "orders": list(numbers.ORDERS),
        "colourings": list(COLOURINGS),
        "maps": maps,
        "marks": {m.value: MARKS[m] for m in Modality},
        "colours": {m.value: to_hex(COLOURS[m]) for m in Modality},
        "palette": [to_hex(colour) for colour in PALETTE],
        "verdicts": {"hit": to_hex(HIT), "miss": to_hex(MISS)},
        "ratio": height / width,
    }


def _scores(tested: Tested) -> dict[str, str]:
    """Rank-1 and mAP in words, by setting."""
    words = {}
    for setting, result in tested.results.items():
        rank1, mean = result.mean["R1"], result.mean["mAP"]
        words[setting] = f"R1 {rank1:.1%}, mAP {mean:.1%}"
    return words
