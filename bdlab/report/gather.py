"""A folder of runs as tables: one a sweep, data set, preset and set of changes; parameters that
differ are never averaged, provenance that differs is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bdlab import config
from bdlab.experiments import adopting, reference, runs, sweeps

from . import declared
from .numbers import columns, judge, values
from .provenance import facts, labels, mixed, unknown, unlike
from .table import Cells, LeftOut, Table, place
from .watched import guarded

SWEEP_KEYS = {"sweep", "row", "data", "preset", "split", "seed"}


def tables(out: Path | str, own: Iterable[sweeps.Sweep] = ()) -> list[Table]:
    """The tables of a folder of runs; ``own``: sweeps of the user's, given now. Raises RunError if
    there is no finished cell in it.
    """
    out = Path(out)
    cells = [(folder, result) for folder, result, _ in runs.committed(out) if result]
    if not cells:
        raise runs.RunError(
            f"{out}: no finished cell there; `bdlab status {out}` says what stands, "
            f"`bdlab run table4 --out {out}` makes some"
        )
    declarations, faults = declared.read(out)
    given = {sweep.name: sweep for sweep in own}
    made = []
    for group in groups(cells, left_out(out)):
        rows = [result["params"]["row"] for _, result in group.cells]
        rows += [run.params["row"] for run in group.left_out]
        choice = declared.choose(group.params, group.changes, rows, declarations, given)
        made.append(_table(group, choice))
        made[-1].warnings += faults
    return made


def find(out: Path | str, *names: str, shipped: bool = True) -> list[Table]:
    """The tables of a folder, or only those of these sweeps; none if there are none (``tables``
    says so with an error).

    Where there is no table of a sweep yet, the reference runs that came with bdlab stand in for it,
    labelled so; not without ``shipped``.
    """
    try:
        found = tables(out)
    except runs.RunError:
        found = []
    own = {table.sweep.name for table in found}
    if shipped and not (own and not names):
        found += [table for table in reference_tables() if table.sweep.name not in own]
    return [table for table in found if not names or table.sweep.name in names]


def reference_tables() -> list[Table]:
    """The tables of the reference runs; a damaged one is named in each."""
    cells, faults = [], []
    for folder, result, fault in reference.load():
        if result is None:
            faults.append(f"The reference run {folder.name} is damaged and left out: {fault}.")
        else:
            cells.append((folder, result))
    cells += adopting.standing_in(cells)
    made = []
    for group in groups(cells, []):
        rows = [result["params"]["row"] for _, result in group.cells]
        table = _table(group, declared.choose(group.params, group.changes, rows, [], {}))
        table.shipped = True
        table.warnings += faults
        made.append(table)
    return made


# -- runs that a table cannot show


def left_out(out: Path) -> list[LeftOut]:
    """Every run that a table cannot show (all but the superseded, which only a table knows), with
    the reason.
    """
    found = []
    for state in runs.status(out):
        if state.word != "done":
            invalid = state.word == "invalid"
            folder = out / state.name if invalid else runs.attempts(out, state.name)[-1]
            epochs = f"{state.epochs}/{state.of or '?'}"
            found.append(_left(folder, state.name, state.word, state.note, epochs))
    aside = out / ".invalid"
    for folder in sorted(aside.iterdir()) if aside.is_dir() else ():
        reason = _read(folder / "invalid.json").get("reason", "no reason was kept")
        found.append(_left(folder, folder.name, "invalid", f"set aside: {reason}"))
    return [run for run in found if run.params.keys() >= SWEEP_KEYS]


def _left(folder: Path, name: str, word: str, why: str, epochs: str = "") -> LeftOut:
    return LeftOut(name, _read(folder / "params.json"), word, why, epochs)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


# -- which cells make one table


class Group:
    """The cells of one table, the runs it cannot show, and what all of them change."""

    def __init__(self, params: Mapping[str, Any], changes: dict[str, Any]) -> None:
        self.params = dict(params)
        self.changes = changes
        self.cells: Cells = []
        self.left_out: list[LeftOut] = []


def groups(cells: Cells, left: Sequence[LeftOut]) -> list[Group]:
    """Cells and runs by sweep, data set, preset and changes; a group without a cell is no table."""
    everything = [result["params"] for _, result in cells] + [run.params for run in left]
    found: dict[str, Group] = {}

    def group(params: Mapping[str, Any]) -> Group:
        changes = changed(params, everything)
        place = [params[key] for key in ("sweep", "data", "preset")]
        key = json.dumps([*place, changes], sort_keys=True)
        return found.setdefault(key, Group(params, changes))

    for folder, result in cells:
        group(result["params"]).cells.append((folder, result))
    for run in left:
        group(run.params).left_out.append(run)
    return [found[key] for key in sorted(found) if found[key].cells]


def changed(params: Mapping[str, Any], everything: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a cell's parameters change beside its preset, its row and its seed and split; cells of
    one table share it.

    A user's sweep is known from its cells alone (``everything``): what differs between its rows but
    never within one is theirs.
    """
    name, row = params["sweep"], params["row"]
    theirs = {"sweep", "row", "seed", "split", *runs.NOT_IDENTITY}
    times: Mapping[str, int] = {}
    if name in sweeps.SWEEPS and row in sweeps.SWEEPS[name].rows:
        plain = sweeps.configure(name, row, params["preset"], params["data"]).flat()
        times = sweeps.SWEEPS[name].rows[row].times
    else:
        plain = config.from_flat(config.preset(params["preset"], params["data"])).flat()
        theirs |= _of_rows(params, everything)
    changes = {}
    for key, value in params.items():
        if key not in theirs and value != plain.get(key):
            # a row that takes twice the steps was asked for half of those it has
            changes[key] = type(value)(value / times[key]) if key in times else value
    return changes


def _of_rows(params: Mapping[str, Any], everything: Sequence[Mapping[str, Any]]) -> set[str]:
    """Parameters that have one value within each row of a user's sweep: the rows' own."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for other in everything:
        if all(other[key] == params[key] for key in ("sweep", "data", "preset")):
            rows.setdefault(other["row"], []).append(other)
    own = set(params)
    for cells in rows.values():
        own &= {key for key in params if _one_value(key, cells)}
    return own


def _one_value(key: str, cells: Iterable[Mapping[str, Any]]) -> bool:
    return len({json.dumps(params.get(key)) for params in cells}) == 1


# -- one table


def _table(group: Group, choice: declared.Choice) -> Table:
    sweep = choice.sweep
    kept, older = _by_row(group.cells, sweep)
    shown, printed = columns(sweep, [result for _, result in group.cells])
    table = Table(
        sweep=sweep,
        params=group.params,
        changes=group.changes,
        columns=shown,
        values=values(sweep, shown, printed, kept),
        cells=kept,
        printed=printed,
        asked=choice.asked,
        declared=choice.words,
        left_out=group.left_out + older,
    )
    table.mixed = {row: mixed(cells) for row, cells in kept.items() if mixed(cells)}
    for row, against in sweep.contrasts:
        if words := unlike(kept.get(row, []), kept.get(against, [])):
            table.unlike[row, against] = words
    judge(table)
    table.warnings = [*_comparable(table), *choice.warnings, *_dropped(older), *guarded(kept)]
    return table


def _by_row(cells: Cells, sweep: sweeps.Sweep) -> tuple[dict[str, Cells], list[LeftOut]]:
    """The cells of each row, one a (split, seed), the newest; and those that are not shown."""
    kept: dict[str, Cells] = {}
    dropped = []
    for row in sweep.rows:
        of_row = [cell for cell in cells if cell[1]["params"]["row"] == row]
        kept[row], older = _newest(of_row)
        for folder, result in older:
            why = _why_older(result, kept[row])
            dropped.append(LeftOut(folder.name, result["params"], "superseded", why))
    for folder, result in cells:
        row = result["params"]["row"]
        if row not in sweep.rows:
            why = f"the row {row} is none of the sweep's"
            dropped.append(LeftOut(folder.name, result["params"], "undeclared", why))
    return kept, dropped


def _newest(cells: Cells) -> tuple[Cells, Cells]:
    """One cell a (split, seed), the newest; and the older ones."""
    places: dict[tuple, Cells] = {}
    for cell in sorted(cells, key=lambda cell: cell[0].stat().st_mtime):
        places.setdefault(place(cell[1]), []).append(cell)
    newest, older = [], []
    for _, same in sorted(places.items()):
        newest.append(same[-1])
        older += same[:-1]
    return newest, older


def _why_older(result: dict, kept: Cells) -> str:
    newer = next(other for _, other in kept if place(other) == place(result))
    params = {**newer["params"], **result["params"]}
    keys = sorted(k for k in params if newer["params"].get(k) != result["params"].get(k))
    for key, words in (("pictures", "data fingerprint"), ("files", "other files read")):
        if facts(newer)[key] != facts(result)[key]:
            keys.append(words)
    different = ", ".join(keys) or "parameters of another version"
    return f"older than another result of its row, seed and split; they differ in {different}"


def _dropped(left: Sequence[LeftOut]) -> list[str]:
    """A line for each row with cells that are not shown."""
    words = {
        "superseded": "older results of the same seed and split are left out",
        "undeclared": "results are of no row of the sweep and left out",
    }
    counts: dict[tuple[str, str], int] = {}
    for run in left:
        key = run.params["row"], run.word
        counts[key] = counts.get(key, 0) + 1
    return [f"{row}: {count} {words[word]}" for (row, word), count in counts.items()]


def _comparable(table: Table) -> list[str]:
    """What stands between these numbers and a comparison: the data, mixed means, unlike pairs."""
    results = table.results
    said = labels(table.params["data"], table.columns, results)
    said += [f"Mixed within the mean of {row}: {words}." for row, words in table.mixed.items()]
    for (row, against), words in table.unlike.items():
        said.append(f"Unlike pairs, {row} against {against}: {words}.")
    code = unknown(results)
    return [*said, code] if code else said
