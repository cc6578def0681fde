"""What was declared before a sweep's first cell: ``<out>/sweeps/<sweep>.json``."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bdlab.experiments import declarations, runs, sweeps

WITH_SWEEP = "declared with the sweep"
IN_BDLAB = "declared in bdlab's own list of sweeps"
AFTERWARDS = "not declared before the runs"

Cell = tuple[str, int, int]  # (row, split, seed)


@dataclass(frozen=True)
class Declaration:
    """One declared sweep: its rows, baseline and contrasts, and every command that asked for cells
    of it (``data``, ``preset``, ``rows``, ``seeds``, ``splits``, ``set``).
    """

    sweep: sweeps.Sweep
    asked: tuple[Mapping[str, Any], ...]

    def places(self, params: Mapping[str, Any], changes: Mapping[str, Any]) -> frozenset[Cell]:
        """The (row, split, seed) that were asked for in the table of these cells."""
        found: set[Cell] = set()
        for asking in self.asked:
            if _fits(asking, params, changes):
                rows = asking.get("rows") or self.sweep.rows
                found |= set(itertools.product(rows, asking["splits"], asking["seeds"]))
        return frozenset(found)


def _fits(asking: Mapping[str, Any], params: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
    """Whether a command asked for cells of this table."""
    if params["data"] not in asking["data"] or params["preset"] not in asking["preset"]:
        return False
    wanted = asking.get("set") or {}
    return all(changes.get(key, params.get(key)) == value for key, value in wanted.items())


def read(out: Path) -> tuple[list[Declaration], list[str]]:
    """Every declaration of a folder of runs, and a sentence on each file that holds none."""
    found, faults = [], []
    for path in sorted((out / "sweeps").glob("*.json")):
        try:
            one = declarations.declared(out, path.stem)
            if one is not None:
                _check(one.sweep)
                found.append(Declaration(one.sweep, one.asked))
        except (runs.RunError, ValueError) as error:
            why = str(error.__cause__ or error)
            faults.append(
                f"sweeps/{path.name} is no declaration of a sweep ({why}); its contrasts are "
                "unknown. Bring the file back, or run the sweep again."
            )
    return found, faults


def _check(sweep: sweeps.Sweep) -> None:
    """ValueError if the baseline or a contrast names no row."""
    named = {sweep.baseline, *itertools.chain(*sweep.contrasts)}
    if not named <= sweep.rows.keys():
        raise ValueError(f"{sorted(named - sweep.rows.keys())[0]!r} is none of its rows")


@dataclass(frozen=True)
class Choice:
    """The sweep that a table is made by: where its contrasts come from in words, the asked (row,
    split, seed), and what a reader must know of the choice.
    """

    sweep: sweeps.Sweep
    words: str
    asked: frozenset[Cell] = frozenset()
    warnings: tuple[str, ...] = ()


def choose(
    params: Mapping[str, Any],
    changes: Mapping[str, Any],
    rows: Iterable[str],
    known: Iterable[Declaration],
    given: Mapping[str, sweeps.Sweep],
) -> Choice:
    """The sweep of a table: what was declared, unless a file ``given`` now says otherwise; else
    bdlab's own; else the rows that were run, against the first by name.
    """
    name = params["sweep"]
    same_name = [declared for declared in known if declared.sweep.name == name]
    if not same_name:
        return _undeclared(name, list(dict.fromkeys(rows)), given)
    fitting = [declared for declared in same_name if declared.places(params, changes)]
    declared = (fitting or same_name)[-1]
    asked = declared.places(params, changes)
    if name in given and _compared(given[name]) != _compared(declared.sweep):
        warning = (
            "The contrasts of the file given now are not those declared before the runs "
            f"({_listed(declared.sweep)}): they were chosen afterwards."
        )
        return Choice(given[name], AFTERWARDS, asked, (warning,))
    warnings = []
    if any(_compared(other.sweep) != _compared(declared.sweep) for other in same_name):
        warnings.append(
            f"The sweep {name} was declared more than once with different contrasts; these tables "
            f"hold {_listed(declared.sweep)}."
        )
    if name in sweeps.SWEEPS:
        return _of_bdlab(declared.sweep, asked, warnings)
    return Choice(declared.sweep, WITH_SWEEP, asked, tuple(warnings))


def _of_bdlab(sweep: sweeps.Sweep, asked: frozenset, warnings: list[str]) -> Choice:
    """A declared sweep of bdlab's own: today's list has its rows; the declared contrasts count."""
    today = sweeps.SWEEPS[sweep.name]
    if _compared(today) == _compared(sweep):
        return Choice(today, WITH_SWEEP, asked, tuple(warnings))
    warnings.append(
        f"{sweep.name} has other contrasts in today's bdlab ({_listed(today)}); those declared "
        "before the runs are shown."
    )
    return Choice(sweep, WITH_SWEEP, asked, tuple(warnings))


def _undeclared(name: str, rows: list[str], given: Mapping[str, sweeps.Sweep]) -> Choice:
    if name in given:
        return Choice(given[name], AFTERWARDS)
    if name in sweeps.SWEEPS:
        return Choice(sweeps.SWEEPS[name], IN_BDLAB)
    plain = {row: sweeps.Row(row, {}) for row in rows}
    sweep = sweeps.Sweep(name, name, plain, rows[0])
    warning = (
        f"Which row is the baseline is not kept with the runs: {sweep.baseline} was taken, the "
        "first by name. `bdlab report OUT --sweep FILE.yaml` takes what the file declares."
    )
    return Choice(sweep, AFTERWARDS, warnings=(warning,))


def _compared(sweep: sweeps.Sweep) -> tuple:
    return sweep.baseline, sweep.contrasts


def _listed(sweep: sweeps.Sweep) -> str:
    return ", ".join(f"{row} against {against}" for row, against in sweep.contrasts)
