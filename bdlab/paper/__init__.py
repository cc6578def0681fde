"""The paper's own numbers as data: every value of Tables I-IV, what is known of Figs. 6 and 7, and
what it says about them.

Per cent, as printed. No bar of Fig. 6 and no point of Fig. 7 is legible: they hold the baseline's
level and the one setting that a table gives, marked assumed.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

CITATION = (
    "H. Liu, Z. Miao, B. Yang, R. Ding: A Base-Derivative Framework for Cross-Modality "
    "RGB-Infrared Person "
    "Re-Identification. International Conference on Pattern Recognition (ICPR), 2020."
)


@dataclass(frozen=True)
class Value:
    """One printed number: ``value`` in per cent; ``assumed`` where the print is not legible and we
    say what we took.
    """

    table: str
    row: str
    dataset: str  # regdb or sysu
    mode: str  # v2t; all or indoor
    metric: str
    value: float
    source: str
    assumed: bool


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper against its own tables: what it says, what we find, whether it
    ``holds`` (yes, no, in part, cannot be checked).

    ``checks``: differences of two printed numbers and what they come to, ((table, row, dataset,
    mode, metric), the same, per cent).
    """

    where: str
    claim: str
    found: str
    holds: str
    checks: tuple[tuple[tuple[str, ...], tuple[str, ...], float], ...]


@cache
def values() -> tuple[Value, ...]:
    """Every number of ``tables/*.csv``, in the order of the tables."""
    found = []
    for file in sorted(
        resources.files(__package__).joinpath("tables").iterdir(), key=lambda f: f.name
    ):
        if file.name.endswith(".csv"):
            for line in csv.DictReader(file.read_text(encoding="utf-8").splitlines()):
                found.append(
                    Value(
                        **line
                        | {"value": float(line["value"]), "assumed": line["assumed"] == "yes"}
                    )
                )
    return tuple(found)


def value(table: str, row: str, dataset: str, mode: str, metric: str) -> Value | None:
    """One number of the paper, or None where it prints none."""
    key = (table, row, dataset, mode, metric)
    return next((v for v in values() if (v.table, v.row, v.dataset, v.mode, v.metric) == key), None)


@cache
def claims() -> tuple[Claim, ...]:
    """What the paper says about its numbers, with what they come to; see ``claims.csv``."""
    text = resources.files(__package__).joinpath("claims.csv").read_text(encoding="utf-8")
    found = []
    for line in csv.DictReader(text.splitlines()):
        checks = [re.split(" - | = ", check) for check in line["checks"].split("; ") if check]
        read = tuple(
            (tuple(a.split("/")), tuple(b.split("/")), float(difference))
            for a, b, difference in checks
        )
        found.append(Claim(**line | {"checks": read}))
    return tuple(found)
