"""What was declared before a sweep's first cell: ``<out>/sweeps/<sweep>.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bdlab.experiments import sweeps

WITH_SWEEP = "declared with the sweep"
IN_BDLAB = "declared in bdlab's own list of sweeps"
AFTERWARDS = "not declared before the runs"


@dataclass(frozen=True)
class Declaration:
    """One declared sweep: its rows, baseline and contrasts, and what was asked for.

    ``data`` and ``preset`` are None where the file does not say; ``places`` are the asked (split,
    seed).
    """

    sweep: sweeps.Sweep
    data: str | None
    preset: str | None
    changes: Mapping[str, Any] | None
    places: frozenset[tuple[int, int]]

    def fits(self, params: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
        """Whether it was made for the cells of this table."""
        if self.sweep.name != params["sweep"]:
            return False
        if self.data not in (None, params["data"]) or self.preset not in (None, params["preset"]):
            return False
        return self.changes is None or all(
            changes.get(key, params.get(key)) == value for key, value in self.changes.items()
        )


def read(out: Path) -> tuple[list[Declaration], list[str]]:
    """Every declaration of a folder of runs, and a sentence on each file that holds none."""
    found, faults = [], []
    for path in sorted((out / "sweeps").glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            for about in content if isinstance(content, list) else [content]:
                found.append(_declaration(about))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            faults.append(
                f"sweeps/{path.name} is no declaration of a sweep ({type(error).__name__}: "
                f"{error}); its contrasts are unknown. Bring the file back, or run the sweep again."
            )
    return found, faults


def _declaration(about: Mapping[str, Any]) -> Declaration:
    rows = about["rows"]
    titles = rows if isinstance(rows, Mapping) else {row: row for row in rows}
    made = {row: sweeps.Row(_title(row, title), {}) for row, title in titles.items()}
    contrasts = tuple((row, against) for row, against in about["contrasts"])
    named = {about["baseline"], *(row for contrast in contrasts for row in contrast)}
    if not named <= made.keys():
        raise ValueError(f"{sorted(named - made.keys())[0]!r} is none of its rows")
    sweep = sweeps.Sweep(
        about["name"], about.get("title", about["name"]), made, about["baseline"], contrasts
    )
    places = frozenset((split, seed) for split in about["splits"] for seed in about["seeds"])
    return Declaration(sweep, about.get("data"), about.get("preset"), about.get("set"), places)


def _title(row: str, title: Any) -> str:
    return str(title.get("title", row)) if isinstance(title, Mapping) else str(title)


@dataclass(frozen=True)
class Choice:
    """The sweep that a table is made by: where its contrasts come from in words, the asked (split,
    seed), and what a reader must know of the choice.
    """

    sweep: sweeps.Sweep
    words: str
    asked: frozenset[tuple[int, int]] = frozenset()
    warnings: tuple[str, ...] = ()


def choose(
    params: Mapping[str, Any],
    changes: Mapping[str, Any],
    rows: Iterable[str],
    declarations: Iterable[Declaration],
    given: Mapping[str, sweeps.Sweep],
) -> Choice:
    """The sweep of a table: what was declared, unless a file ``given`` now says otherwise; else
    bdlab's own; else the rows that were run, against the first by name.
    """
    name = params["sweep"]
    same_name = [declared for declared in declarations if declared.sweep.name == name]
    fitting = [declared for declared in same_name if declared.fits(params, changes)]
    asked = frozenset().union(*(declared.places for declared in fitting))
    declared = (fitting or same_name or [None])[-1]
    if declared is None:
        return _undeclared(name, list(dict.fromkeys(rows)), given)
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
