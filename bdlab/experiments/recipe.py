"""What a row of an experiment is, and a sweep of them; the streams that most rows are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One trained row: what it is in words, its changes to the preset by flat names, what it
    multiplies of the preset's, and what it changes further at presets of the small network.
    """

    title: str
    changes: Mapping[str, Any]
    times: Mapping[str, int] = field(default_factory=dict)
    small: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sweep:
    """Rows that are compared; ``baseline`` is the row that the others are held against.

    ``contrasts`` are the differences that get a verdict, declared before anything runs (default:
    each row against the baseline); ``data`` the protocols it belongs to, on whose twins `bdlab run
    all` runs it. By name it runs on any set. ``judged`` ends the name of the setting that verdicts
    are about: ``@mixed``; the first setting if it is empty. ``rendered``: its rows are settings of
    rendered people, which no real set has.
    """

    name: str
    title: str
    rows: Mapping[str, Row]
    baseline: str
    contrasts: tuple[tuple[str, str], ...] = ()
    data: tuple[str, ...] = ("regdb", "sysu")
    yaml_sha256: str | None = None  # of the file that a sweep of one's own was read from
    judged: str = ""
    rendered: bool = False

    def __post_init__(self) -> None:
        default = tuple((row, self.baseline) for row in self.rows if row != self.baseline)
        object.__setattr__(self, "contrasts", self.contrasts or default)


TWO = {"modalities": "V I", "pairs": "V-I"}
FOUR = {"modalities": "V I DV DI", "pairs": "V-I V-DI I-DV"}
# the ID loss, and what a rival adds
ALONE = {"modalities": "V I", "pairs": "", "beta": 0.0, "gamma": 0.0}

OURS = Row("four modalities, MDL4: the paper's own", FOUR)
