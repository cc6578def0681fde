"""What a table is: columns, values, the cells behind each row, and the runs that are not in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bdlab import rules
from bdlab.experiments import sweeps
from bdlab.experiments.verdicts import Verdict

#: Our settings and the columns of the paper they are printed beside: (title, paper's data set,
#: paper's mode).
SETTINGS = {
    setting.name: (setting.title, *(setting.paper or (None, None)))
    for setting in rules.every_setting()
}
ASIDE = tuple(setting.name for setting in rules.every_setting() if setting.aside)
METRICS = ("R1", "R10", "R20", "mAP", "mINP")
PAPER_DATA = {protocol.name: protocol.title for protocol in rules.PROTOCOLS.values()}
PRIMARY = "R1"  # what verdicts are about, of a table's first setting

Cells = list[tuple[Path, dict]]


@dataclass(frozen=True)
class Column:
    """One column: the ``setting`` and ``metric`` it shows; ``paper``: printed numbers; ``aside``:
    in the page and the CSV only.
    """

    setting: str
    metric: str
    paper: bool = False
    aside: bool = False

    @property
    def group(self) -> str:
        return (
            f"paper, {PAPER_DATA[SETTINGS[self.setting][1]]} {SETTINGS[self.setting][2]}"
            if self.paper
            else self.setting
        )

    @property
    def head(self) -> str:
        return f"{self.group.replace(',', '')} {self.metric}"


@dataclass(frozen=True)
class Value:
    """One number of a table in per cent: mean and standard deviation over cells; None where there
    is none.
    """

    mean: float | None
    sd: float | None = None
    best: bool = False

    @property
    def text(self) -> str:
        if self.mean is None:
            return "-"
        return f"{self.mean:.2f}" + (f" ± {self.sd:.2f}" if self.sd is not None else "")


@dataclass(frozen=True)
class LeftOut:
    """A run that is not in a table: ``word`` (failed, running, interrupted, invalid, superseded)
    and why.
    """

    name: str
    params: Mapping[str, Any]
    word: str
    why: str
    epochs: str = ""

    @property
    def place(self) -> tuple[str, int, int]:
        """(row, split, seed)"""
        return tuple(self.params[key] for key in ("row", "split", "seed"))


@dataclass
class Table:
    """A sweep on one data set at one preset, ready to be shown. ``values[row][k]`` belongs to
    ``columns[k]``.

    ``printed`` rows are methods that only the paper has numbers of. ``verdicts`` and ``people``
    (the interval over test identities) are per cent, one a declared contrast, ``people`` only where
    the cells hold scores by identity.
    """

    sweep: sweeps.Sweep
    params: dict[str, Any]  # of one of its cells
    changes: dict[str, Any]  # what all of them change beside preset and row
    columns: list[Column]
    values: dict[str, list[Value]]
    cells: dict[str, Cells]
    printed: tuple[str, ...] = ()
    verdicts: list[Verdict] = field(default_factory=list)
    people: dict[tuple[str, str], tuple[float, float, float]] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def slug(self) -> str:
        return "-".join([self.sweep.name, self.params["data"], self.params["preset"]])

    @property
    def counts(self) -> dict[str, int]:
        return {row: len(own) for row, own in self.cells.items()}

    @property
    def primary(self) -> Column:
        """The column that verdicts are about."""
        return next(c for c in self.columns if c.metric == PRIMARY and not c.paper)

    def value(self, row: str, setting: str, metric: str, paper: bool = False) -> Value:
        """One number of the table; an empty Value where there is no such row or column."""
        own = zip(self.columns, self.values.get(row, ()), strict=False)
        return next(
            (v for c, v in own if (c.setting, c.metric, c.paper) == (setting, metric, paper)),
            Value(None),
        )

    def of(self, row: str) -> list[Verdict]:
        return [v for v in self.verdicts if v.row == row]

    def standing(self, row: str) -> str:
        """The number of cells behind a row, and in words those that are not there: ``3 (1 failed, 1
        missing)``.
        """
        if row in self.printed:
            return ""
        have = {(row, *place(result)) for _, result in self.cells[row]}
        gone = {x.place: x.word for x in self.left_out if x.place[0] == row and x.place not in have}
        tried = {place(result) for own in self.cells.values() for _, result in own} | {
            x.place[1:] for x in self.left_out
        }
        words = [
            *gone.values(),
            *["missing"] * sum((row, *key) not in have | gone.keys() for key in tried),
        ]
        said = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
        return f"{len(have)} ({said})" if said else str(len(have))


def place(result: dict) -> tuple[int, int]:
    """(split, seed) of a result."""
    return result["params"]["split"], result["params"]["seed"]
