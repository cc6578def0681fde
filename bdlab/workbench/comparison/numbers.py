"""What the board of runs knows: the finished cells of a folder, their parameters, scores and
curves.

A *quantity* is a score, a loss term's life, or a parameter that differs between the cells; any of
them sorts, filters or spans an axis. Scores are fractions in the files and per cent here. The
verdict on two rows is in ``pairs``, the widget in ``explore``, the static twin in ``figures``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bdlab import rules
from bdlab.config.identity import INTRODUCED
from bdlab.experiments import reference, runs, sweeps
from bdlab.files import read_lines

#: Parameters that say which cell it is; the table shows them.
PLACE = ("row", "data", "preset", "split", "seed")
#: Scores that the table shows, of a cell's primary setting.
SHOWN = ("R1", "mAP", "mINP")
METRICS = runs.METRICS
#: What a result says beside its scores, in the words of a control.
BESIDE = ("minutes", "MML share", "MDL share")
#: Words on a cell's triplets, the worst first.
WORDS = ("unordered", "dead", "collapsing", "satisfied", "alive")
DEAD = ("unordered", "dead")
UNSAID = "–"  # of a cell whose triplets nobody watched, or that has none


class BoardError(ValueError):
    """What the board cannot show: one sentence that names the fault and its remedy."""


@dataclass(frozen=True, eq=False)
class Finished:
    """One finished cell: its folder and what its result.json says."""

    folder: Path
    result: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def params(self) -> Mapping[str, Any]:
        return self.result["params"]

    @property
    def shipped(self) -> bool:
        """Whether it is a reference run; most of them come without weights."""
        return "shipped" in self.result

    @property
    def has_weights(self) -> bool:
        """Whether its network can be opened."""
        return not self.shipped or (self.folder / reference.WEIGHTS).is_file()

    @property
    def place(self) -> tuple[int, int]:
        """(split, seed): what pairs it with a cell of another row."""
        return self.params["split"], self.params["seed"]

    @cached_property
    def setting(self) -> str:
        """The primary setting: the first that its protocol is asked in."""
        scores = self.result["scores"]
        known = [setting.name for setting in rules.every_setting() if setting.name in scores]
        return known[0] if known else next(iter(scores))

    def param(self, name: str) -> Any:
        """A parameter; a record that lacks it is older, and had the value of its introduction."""
        return self.params.get(name, INTRODUCED.get(name))

    @property
    def word(self) -> str:
        """How alive its triplets are: the worst word of MML and MDL."""
        words = [term.get("word") for term in self._life().values()]
        return next((word for word in WORDS if word in words), UNSAID)

    def _life(self) -> dict[str, Mapping[str, Any]]:
        life = self.result.get("guard", {}).get("life")
        terms = life if isinstance(life, Mapping) else {}
        return {k: terms[k] for k in ("mml", "mdl") if isinstance(terms.get(k), Mapping)}

    @property
    def warnings(self) -> list[str]:
        """The guard's sentences."""
        return [words for words in self.result.get("guard", {}).values() if isinstance(words, str)]

    def quantity(self, name: str) -> Any:
        """A score in per cent (``R1`` of the primary setting, ``R1 t2v`` of another), one of
        ``BESIDE``, or a parameter; None where the cell does not have it.
        """
        metric, _, setting = name.partition(" ")
        if metric in METRICS:
            score = self.result["scores"].get(setting or self.setting, {})
            value = score.get("mean", {}).get(metric)
            return None if value is None else 100 * value
        if name == "minutes":
            seconds = self.result["provenance"].get("seconds")
            return None if seconds is None else seconds / 60
        if name in BESIDE:
            share = self._life().get(metric.lower(), {}).get("share")
            return None if share is None else 100 * share
        return self.word if name == "word" else self.param(name)

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """The lines of its history, one an epoch."""
        return read_lines(self.folder / "history.jsonl")


@dataclass(frozen=True, eq=False)
class Found:
    """What lies in a folder of runs: ``cells``, and a sentence about them in ``note``."""

    cells: list[Finished]
    note: str

    @cached_property
    def rows(self) -> list[str]:
        """The rows, in the order of their sweeps; see ``row``."""
        names = sorted({self._place_of(cell) for cell in self.cells})
        return [self._row(sweep, row) for sweep, _, row in names]

    def row(self, cell: Finished) -> str:
        """A cell's row; with its sweep before it where the folder holds several sweeps."""
        return self._row(cell.params["sweep"], cell.params["row"])

    def of_row(self, cells: Sequence[Finished], row: str) -> list[Finished]:
        """Those of some cells that are of a row."""
        return [cell for cell in cells if self.row(cell) == row]

    def _row(self, sweep: str, row: str) -> str:
        return f"{sweep} {row}" if "sweep" in self.differing else row

    def _place_of(self, cell: Finished) -> tuple[str, int, str]:
        sweep, row = cell.params["sweep"], cell.params["row"]
        known = list(sweeps.SWEEPS[sweep].rows) if sweep in sweeps.SWEEPS else []
        return sweep, known.index(row) if row in known else len(known), row

    @cached_property
    def differing(self) -> dict[str, list[Any]]:
        """Every parameter that differs between the cells, with its values in order; where a thing
        lies does not count. ``word`` (of the triplets) is filtered by as if it were one.
        """
        names = list(dict.fromkeys(name for cell in self.cells for name in cell.params))
        front = ["sweep", *PLACE, "word"]
        names = front + [name for name in names if name not in front]
        found = {}
        for name in names:
            values = {key(cell.quantity(name)): cell.quantity(name) for cell in self.cells}
            if len(values) > 1 and name not in runs.NOT_IDENTITY:
                found[name] = sorted(values.values(), key=_order)
        return found

    def named(self, name: str) -> Finished:
        """The cell of that name; KeyError for none."""
        return {cell.name: cell for cell in self.cells}[name]


def read(out: Path | str) -> Found:
    """The finished cells of a folder, or the reference runs that came with bdlab where it has none.

    Raises BoardError for a file in the folder's place, for a folder whose finished cells are all
    damaged, and where neither own nor reference runs are there.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise BoardError(f"{out} is a file: give the folder of runs, what `--out` named.")
    cells, faults = [], []
    for folder, result, fault in runs.committed(out):
        if result is None:
            faults.append(f"{folder.name}: {fault}")
        else:
            cells.append(Finished(folder, result))
    if cells:
        return Found(cells, " ".join(_damaged(faults)))
    if faults:
        raise BoardError(
            f"{out}: none of its {len(faults)} cells is whole. The first is {faults[0]}. Run their "
            "command again: `bdlab run` sets damaged cells aside and makes them anew."
        )
    return _shipped(out)


def _damaged(faults: Sequence[str]) -> list[str]:
    if not faults:
        return []
    return [f"{len(faults)} damaged and left out, the first {faults[0]}."]


def _shipped(out: Path) -> Found:
    """The reference runs in place of a folder that holds no finished cell."""
    what = "holds no finished cell" if out.is_dir() else "is no folder"
    cells = [Finished(folder, result) for folder, result, _ in reference.load() if result]
    makes = f"`bdlab run table4 --out {out}` makes some"
    if not cells:
        raise BoardError(f"{out} {what}, and this bdlab ships no reference runs: {makes}.")
    note = f"{out} {what}. These are the reference runs that came with bdlab; {makes} of yours."
    return Found(cells, note)


def whole(found: Found, cell: Finished) -> Path:
    """The folder of a cell with its weights; a shipped one is unpacked first. Raises BoardError for
    a reference run that came without.
    """
    if not cell.shipped:
        return cell.folder
    row, data = cell.params["row"], cell.params["data"]
    try:
        folder = reference.trained(row, data) if cell.has_weights else cell.folder
    except runs.RunError as error:
        raise BoardError(str(error)) from error
    if cell.has_weights and folder.name == cell.name:
        return folder
    able = [other.params for other in found.cells if other.has_weights]
    names = ", ".join(f"{params['row']} seed {params['seed']}" for params in able)
    others = f" (with weights: {names})" if names else ""
    command = cell.result["shipped"].get("command") or "bdlab run table4"
    raise BoardError(
        f"{row} seed {cell.params['seed']} is a reference run and came without weights{others}: "
        f"`{command}` makes cells that the desk can open."
    )


# -- parameters and quantities
# --------------------------------------------------------------------------------------------------


def key(value: Any) -> str:
    """A parameter's value as a text that is equal where the values are: 5 is 5.0, True is not 1."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value))
    return json.dumps(value)


def _order(value: Any) -> tuple[int, float, str]:
    """Numbers by size, before words by letter, before nothing."""
    if value is None:
        return 2, 0.0, ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 0, float(value), ""
    return 1, 0.0, str(value)


def quantities(found: Found) -> list[str]:
    """What can span an axis: scores of the primary setting, of each other one, what is beside
    them, parameters that differ.
    """
    cells = found.cells
    primary = {cell.setting for cell in cells}
    others = {setting for cell in cells for setting in cell.result["scores"]} - primary
    names = list(METRICS)
    for setting in sorted(others):
        names += [f"{metric} {setting}" for metric in SHOWN]
    for name in BESIDE:
        known = [cell.quantity(name) for cell in cells]
        names += [name] if any(value is not None for value in known) else []
    return names + list(found.differing)


def kept(found: Found, chosen: Mapping[str, Sequence[Any]]) -> np.ndarray:
    """Which cells a filter leaves: [N] bool. ``chosen[parameter]`` are the values that stay;
    several parameters must all fit. KeyError for a parameter that does not differ.
    """
    cells = found.cells
    mask = np.ones(len(cells), bool)
    for name, values in chosen.items():
        if name not in found.differing:
            raise KeyError(name)
        allowed = {key(value) for value in values}
        mask &= np.array([key(cell.quantity(name)) in allowed for cell in cells])
    return mask


def ordered(
    found: Found, chosen: Mapping[str, Sequence[Any]], by: str = "row", down: bool = False
) -> list[int]:
    """The numbers of the cells that a filter leaves, sorted by a quantity; ties by row, data, split
    and seed. A cell without the quantity comes last, whichever way.
    """
    rows = {row: number for number, row in enumerate(found.rows)}
    numbers = np.flatnonzero(kept(found, chosen)).tolist()

    def place(number: int) -> tuple[Any, ...]:
        cell = found.cells[number]
        return rows[found.row(cell)], cell.params["data"], cell.params["preset"], cell.place

    numbers.sort(key=place)
    if by == "row":
        return numbers[::-1] if down else numbers
    values = {number: found.cells[number].quantity(by) for number in numbers}
    known = [number for number in numbers if values[number] is not None]
    known.sort(key=lambda number: _order(values[number]), reverse=down)
    return known + [number for number in numbers if values[number] is None]


# -- curves and axes
# --------------------------------------------------------------------------------------------------


def terms(cells: Sequence[Finished]) -> list[str]:
    """The loss terms that some cell's last epoch holds, ``total`` first."""
    names: dict[str, None] = {"total": None}
    for cell in cells:
        for line in cell.history[-1:]:
            names |= dict.fromkeys(line.get("terms", {}))
    return list(names)


def curve(cell: Finished, term: str) -> list[tuple[int, float]]:
    """(epoch, value) of a loss term, unweighted, as far as the history holds it."""
    points = []
    for number, line in enumerate(cell.history, start=1):
        value = line.get("terms", {}).get(term)
        if value is not None:
            points.append((line.get("epoch", number), value))
    return points


def axis(cells: Sequence[Finished], name: str) -> tuple[list[float | None], list[str]]:
    """Where the cells lie along a quantity, and the words at 0, 1, 2, ... if it is none of numbers
    (else none). None where a cell does not have it.
    """
    values = [cell.quantity(name) for cell in cells]
    known = [value for value in values if value is not None]
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in known):
        return [None if value is None else float(value) for value in values], []
    words = sorted(values, key=_order)
    places = {k: n for n, k in enumerate(dict.fromkeys(map(key, words)))}
    names = {key(value): str(value) for value in values}
    return [float(places[key(value)]) for value in values], [names[k] for k in places]


# -- how a board begins
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opening:
    """What a board has chosen and shows before anybody touches it."""

    selection: dict[str, Any]
    view: dict[str, Any]


def opening(found: Found) -> Opening:
    """Rank-1 of each row, and one cell of either row of the first pair. Of several data sets or
    presets the one with most cells: scores of two are not held against each other.
    """
    chosen: dict[str, list[Any]] = {}
    for name in ("data", "preset"):
        if name in found.differing:
            cells = [found.cells[number] for number in ordered(found, chosen)]
            chosen[name] = [Counter(cell.param(name) for cell in cells).most_common(1)[0][0]]
    pair = first_pair(found, chosen)
    x = "row" if len(found.rows) > 1 else "mAP"
    view = {"filter": chosen, "sort": "row", "down": False, "term": "total", "x": x, "y": "R1"}
    return Opening({"cells": _first_cells(found, chosen, pair), "pair": pair}, view)


def first_pair(found: Found, chosen: Mapping[str, Sequence[Any]]) -> list[str]:
    """The pair of rows that is judged first: the last declared contrast whose rows a filter leaves,
    else the first two rows; [] where there is one row.
    """
    shown = [found.cells[number] for number in ordered(found, chosen)]
    by_row = {(cell.params["sweep"], cell.params["row"]): found.row(cell) for cell in shown}
    for sweep in dict.fromkeys(sweep for sweep, _ in by_row):
        declared = sweeps.SWEEPS[sweep].contrasts if sweep in sweeps.SWEEPS else ()
        for row, against in reversed(declared):
            if (sweep, row) in by_row and (sweep, against) in by_row:
                return [by_row[sweep, row], by_row[sweep, against]]
    return found.rows[:2] if len(found.rows) > 1 else []


def _first_cells(
    found: Found, chosen: Mapping[str, Sequence[Any]], pair: Sequence[str]
) -> list[str]:
    """One cell of either row of a pair, of one split and seed where there are such; without a pair
    the first cell.
    """
    shown = [found.cells[number] for number in ordered(found, chosen)]
    own = [found.of_row(shown, row) for row in pair]
    if not all(own) or not own:
        return [shown[0].name]
    first = own[0][0]
    alike = [cell for cell in own[1] if cell.place == first.place]
    return [first.name, (alike or own[1])[0].name]
