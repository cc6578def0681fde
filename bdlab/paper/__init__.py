"""The paper's own numbers as data: every value of Tables I-IV with where it stands. Per cent, as printed."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

CITATION = (
    "H. Liu, Z. Miao, B. Yang, R. Ding: A Base-Derivative Framework for Cross-Modality RGB-Infrared Person "
    "Re-Identification. International Conference on Pattern Recognition (ICPR), 2020."
)


@dataclass(frozen=True)
class Value:
    """One printed number: ``value`` in per cent; ``assumed`` where the print is not legible and we say what we took."""

    table: str
    row: str
    dataset: str  # regdb or sysu
    mode: str  # v2t; all or indoor
    metric: str
    value: float
    source: str
    assumed: bool


@cache
def values() -> tuple[Value, ...]:
    """Every number of ``tables/*.csv``, in the order of the tables."""
    found = []
    for file in sorted(resources.files(__package__).joinpath("tables").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".csv"):
            for line in csv.DictReader(file.read_text(encoding="utf-8").splitlines()):
                found.append(Value(**line | {"value": float(line["value"]), "assumed": line["assumed"] == "yes"}))
    return tuple(found)


def value(table: str, row: str, dataset: str, mode: str, metric: str) -> Value | None:
    """One number of the paper, or None where it prints none."""
    key = (table, row, dataset, mode, metric)
    return next((v for v in values() if (v.table, v.row, v.dataset, v.mode, v.metric) == key), None)
