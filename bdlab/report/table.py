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
Place = tuple[int, int]  # (split, seed)


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
        """The head that the columns of one setting share."""
        if not self.paper:
            return self.setting
        _, data, mode = SETTINGS[self.setting]
        return f"paper, {PAPER_DATA[data]} {mode}"

    @property
    def head(self) -> str:
        """The column's name where it stands alone."""
        return f"{self.group.replace(',', '')} {self.metric}"


@dataclass(frozen=True)
class Value:
    """One number of a table in per cent: mean and standard deviation over cells; None where there
    is none. ``best``: the highest of its column, and the verdicts allow the word (set in bold).
    """

    mean: float | None
    sd: float | None = None
    best: bool = False

    @property
    def text(self) -> str:
        if self.mean is None:
            return "-"
        spread = "" if self.sd is None else f" ± {self.sd:.2f}"
        return f"{self.mean:.2f}{spread}"


@dataclass(frozen=True)
class LeftOut:
    """A run that is not in a table: ``word`` (failed, running, interrupted, invalid, superseded,
    undeclared) and why.
    """

    name: str
    params: Mapping[str, Any]
    word: str
    why: str
    epochs: str = ""

    @property
    def place(self) -> tuple[str, int, int]:
        """(row, split, seed)"""
        return self.params["row"], self.params["split"], self.params["seed"]


@dataclass
class Table:
    """A sweep on one data set at one preset, ready to be shown. ``values[row][k]`` belongs to
    ``columns[k]``.

    ``printed`` rows are methods that only the paper has numbers of. ``asked`` are the (row,
    split, seed) that the sweep's declaration names. ``declared`` says in words where the
    contrasts come from. ``verdicts`` and ``people`` (the interval over test identities) are per
    cent, one a contrast, ``people`` only where the cells hold scores by identity. ``mixed[row]``
    and ``unlike[row, against]`` say which provenance differs within a mean and between the pairs
    of a contrast. ``shipped``: these results came with bdlab. Without ``pictures`` no person is
    shown.
    """

    sweep: sweeps.Sweep
    params: dict[str, Any]  # of one of its cells
    changes: dict[str, Any]  # what all of them change beside preset and row
    columns: list[Column]
    values: dict[str, list[Value]]
    cells: dict[str, Cells]
    printed: tuple[str, ...] = ()
    asked: frozenset[tuple[str, int, int]] = frozenset()
    declared: str = ""
    verdicts: list[Verdict] = field(default_factory=list)
    people: dict[tuple[str, str], tuple[float, float, float]] = field(default_factory=dict)
    mixed: dict[str, str] = field(default_factory=dict)
    unlike: dict[tuple[str, str], str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    shipped: bool = False
    pictures: bool = True

    @property
    def slug(self) -> str:
        return "-".join([self.sweep.name, self.params["data"], self.params["preset"]])

    @property
    def counts(self) -> dict[str, int]:
        return {row: len(cells) for row, cells in self.cells.items()}

    @property
    def results(self) -> list[dict[str, Any]]:
        """Every result of the table, row by row."""
        return [result for cells in self.cells.values() for _, result in cells]

    @property
    def primary(self) -> Column:
        """The column that verdicts are about."""
        ours = [c for c in self.columns if c.metric == PRIMARY and not c.paper]
        judged = [c for c in ours if c.setting.endswith(self.sweep.judged)]
        return (judged or ours)[0]

    def value(self, row: str, setting: str, metric: str, paper: bool = False) -> Value:
        """One number of the table; an empty Value where there is no such row or column."""
        wanted = (setting, metric, paper)
        for column, value in zip(self.columns, self.values.get(row, ()), strict=False):
            if (column.setting, column.metric, column.paper) == wanted:
                return value
        return Value(None)

    def of(self, row: str) -> list[Verdict]:
        """The verdicts on one row."""
        return [verdict for verdict in self.verdicts if verdict.row == row]

    def absent(self, row: str) -> list[str]:
        """A word for each cell that this row should have and has not: failed, missing, ..."""
        have = {place(result) for _, result in self.cells[row]}
        words = {}
        for run in self.left_out:
            name, split, seed = run.place
            if name == row and (split, seed) not in have:
                words[split, seed] = run.word
        never = self.tried(row) - have - words.keys()
        return [*words.values(), *["missing"] * len(never)]

    def counted_absent(self, row: str) -> str:
        """The cells that are not there, counted: ``1 failed, 1 missing``."""
        absent = self.absent(row)
        return ", ".join(f"{absent.count(word)} {word}" for word in dict.fromkeys(absent))

    def tried(self, row: str) -> set[Place]:
        """The (split, seed) that were asked for of a row; where no declaration says, those that any
        row was begun with.
        """
        if self.asked:
            return {(split, seed) for name, split, seed in self.asked if name == row}
        places = {place(result) for result in self.results}
        return places | {run.place[1:] for run in self.left_out}

    def standing(self, row: str) -> str:
        """The number of cells behind a row, and in words those that are not there and whether
        their provenance differs: ``3 (1 failed, 1 missing, mixed)``.
        """
        if row in self.printed:
            return ""
        words = [text] if (text := self.counted_absent(row)) else []
        words += ["mixed"] if row in self.mixed else []
        count = str(len(self.cells[row]))
        return f"{count} ({', '.join(words)})" if words else count


def place(result: dict) -> Place:
    """(split, seed) of a result."""
    return result["params"]["split"], result["params"]["seed"]
