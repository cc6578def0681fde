"""Which parameters make a run what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Parameters that say where things lie or how often they are saved, not what is computed: no part
#: of a cell's identity.
NOT_IDENTITY = ("root", "checkpoint_every")

#: Every parameter's value when it was introduced. Entries are added, never changed or removed: a
#: cell of an older release keeps its name, and so its result.
INTRODUCED: dict[str, Any] = json.loads(Path(__file__).with_name("introduced.json").read_text())


def identity(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that make a run what it is: those that differ from ``INTRODUCED``.

    A record that lacks a parameter is older than it, and so had the value of its introduction.
    """
    unknown = object()
    kept = {}
    for name, value in params.items():
        if name not in NOT_IDENTITY and INTRODUCED.get(name, unknown) != value:
            kept[name] = value
    return kept
