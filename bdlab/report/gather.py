"""A folder of runs as tables: one a sweep, data set, preset and set of changes; nothing that
differs is ever averaged.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bdlab import config, paper, rules
from bdlab.experiments import runs, sweeps, verdicts

from .table import ASIDE, METRICS, PRIMARY, SETTINGS, Cells, Column, LeftOut, Table, Value, place


def tables(out: Path | str, own: Iterable[sweeps.Sweep] = ()) -> list[Table]:
    """The tables of a folder of runs; ``own`` declares sweeps of the user's. Raises RunError if
    there is no finished cell in it.
    """
    out = Path(out)
    done = [(folder, result) for folder, result, _ in runs.committed(out) if result]
    left = left_out(out)
    if not done:
        raise runs.RunError(
            f"{out}: no finished cell there; `bdlab status {out}` says what stands, `bdlab run table4 --out {out}` makes some"
        )
    everything = [result["params"] for _, result in done] + [dict(x.params) for x in left]
    groups: dict[str, tuple[Cells, list[LeftOut]]] = {}
    changes: dict[str, dict[str, Any]] = {}
    for params, k, item in [
        *((r["params"], 0, (f, r)) for f, r in done),
        *((x.params, 1, x) for x in left),
    ]:
        made = changed(params, everything)
        key = json.dumps([*(params[k] for k in ("sweep", "data", "preset")), made], sort_keys=True)
        groups.setdefault(key, ([], []))[k].append(item)
        changes[key] = made
    declared = sweeps.SWEEPS | {sweep.name: sweep for sweep in own}
    return [
        _table(cells, left, changes[key], declared)
        for key, (cells, left) in sorted(groups.items())
        if cells
    ]


def find(out: Path | str, *names: str) -> list[Table]:
    """The tables of a folder, or only those of these sweeps; none if there are none (``tables``
    says so with an error).
    """
    try:
        return [table for table in tables(out) if not names or table.sweep.name in names]
    except runs.RunError:
        return []


def left_out(out: Path) -> list[LeftOut]:
    """Every run that a table cannot show (all but the superseded, which only a table knows), with
    the reason.
    """
    found = []
    for state in runs.status(out):
        if state.word != "done":
            folder = (
                out / state.name if state.word == "invalid" else runs.attempts(out, state.name)[-1]
            )
            found.append(
                (folder, state.name, state.word, state.note, f"{state.epochs}/{state.of or '?'}")
            )
    for folder in sorted((out / ".invalid").iterdir()) if (out / ".invalid").is_dir() else ():
        found.append(
            (
                folder,
                folder.name,
                "invalid",
                f"set aside: {_read(folder / 'invalid.json').get('reason', 'no reason was kept')}",
                "",
            )
        )
    whole = []
    for folder, name, word, why, epochs in found:
        params = _read(folder / "params.json")
        if {"sweep", "row", "data", "preset", "split", "seed"} <= params.keys():
            whole.append(LeftOut(name, params, word, why, epochs))
    return whole


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def changed(params: Mapping[str, Any], everything: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a cell's parameters change beside its preset, its row and its seed and split; cells of
    one table share it.

    A user's sweep is known from its cells alone (``everything``): what differs between its rows but
    never within one is theirs.
    """
    name, row = params["sweep"], params["row"]
    times: Mapping[str, int] = {}
    loose = {"sweep", "row", "seed", "split", *runs.NOT_IDENTITY}
    if name in sweeps.SWEEPS and row in sweeps.SWEEPS[name].rows:
        plain = sweeps.configure(name, row, params["preset"], params["data"]).flat()
        # a row that takes twice the steps was asked for half of those it has
        times = sweeps.SWEEPS[name].rows[row].times
    else:
        plain = config.from_flat(config.preset(params["preset"], params["data"])).flat()
        alike = [
            p for p in everything if all(p[k] == params[k] for k in ("sweep", "data", "preset"))
        ]
        rows = [
            [p for p in alike if p["row"] == own] for own in dict.fromkeys(p["row"] for p in alike)
        ]
        loose |= {
            key
            for key in params
            if all(len({json.dumps(p.get(key)) for p in own}) == 1 for own in rows)
        }
    made = {
        key: value for key, value in params.items() if key not in loose and value != plain.get(key)
    }
    return {
        key: type(value)(value / times[key]) if key in times else value
        for key, value in made.items()
    }


def _table(
    cells: Cells, left: list[LeftOut], changes: dict[str, Any], declared: Mapping[str, sweeps.Sweep]
) -> Table:
    params = cells[0][1]["params"]
    sweep, warnings = declared.get(params["sweep"]), []
    if sweep is None:
        names = dict.fromkeys(
            [*(result["params"]["row"] for _, result in cells), *(x.params["row"] for x in left)]
        )
        sweep = sweeps.Sweep(
            params["sweep"],
            params["sweep"],
            {name: sweeps.Row(name, {}) for name in names},
            next(iter(names)),
        )
        warnings.append(f"Which row is the baseline is not kept with the runs: {sweep.baseline} was taken, the first by name. "
                        "`bdlab report OUT --sweep FILE.yaml` takes what the file declares.")  # fmt: skip
    kept: dict[str, Cells] = {}
    for row in sweep.rows:
        kept[row], older = _newest([cell for cell in cells if cell[1]["params"]["row"] == row])
        left = left + [
            LeftOut(folder.name, result["params"], "superseded", _why_older(result, kept[row]))
            for folder, result in older
        ]
        warnings += (
            [f"{row}: {len(older)} older results of the same seed and split are left out"]
            if older
            else []
        )
    columns, printed = _columns(sweep, cells)
    values = {
        row: [_value(column, row, kept.get(row, []), sweep.name) for column in columns]
        for row in (*printed, *sweep.rows)
    }
    for k in range(len(columns)):
        best = max(
            (values[row][k].mean for row in sweep.rows if values[row][k].mean is not None),
            default=None,
        )
        for row in sweep.rows:
            if best is not None and values[row][k].mean == best:
                values[row][k] = Value(best, values[row][k].sd, best=True)
    table = Table(
        sweep,
        params,
        changes,
        columns,
        values,
        kept,
        printed,
        left_out=left,
        warnings=[*warnings, *_guarded(kept)],
    )
    _judge(table)
    return table


def _columns(sweep: sweeps.Sweep, cells: Cells) -> tuple[list[Column], tuple[str, ...]]:
    """The columns of a table, and the rows that only the paper has."""
    settings = [s for s in SETTINGS if all(s in result["scores"] for _, result in cells)]
    of = rules.protocol_of(cells[0][1]["params"]["data"]).name
    places = {SETTINGS[s][1:]: s for s in settings if SETTINGS[s][1] == of}
    print_ = [v for v in paper.values() if v.table == sweep.name and (v.dataset, v.mode) in places]
    theirs = {(places[v.dataset, v.mode], v.metric) for v in print_}
    narrow = ("R1", "mAP", "mINP")
    columns = []
    for s in settings:
        columns += [
            Column(s, m, aside=s in ASIDE or m not in narrow)
            for m in METRICS
            if m in narrow or (s, m) in theirs
        ]
        columns += [
            Column(s, m, paper=True, aside=m not in narrow) for m in METRICS if (s, m) in theirs
        ]
    return columns, tuple(dict.fromkeys(v.row for v in print_ if v.row not in sweep.rows))


def _newest(cells: Cells) -> tuple[Cells, Cells]:
    """One cell a (split, seed), the newest; and the older ones."""
    groups: dict[tuple, Cells] = {}
    for cell in cells:
        groups.setdefault(place(cell[1]), []).append(cell)
    ordered = [
        sorted(group, key=lambda cell: cell[0].stat().st_mtime)
        for _, group in sorted(groups.items())
    ]
    return [group[-1] for group in ordered], [cell for group in ordered for cell in group[:-1]]


def _why_older(result: dict, kept: Cells) -> str:
    newer = next(r for _, r in kept if place(r) == place(result))
    keys = sorted(
        key
        for key in {**newer["params"], **result["params"]}
        if newer["params"].get(key) != result["params"].get(key)
    )
    keys += (
        ["data fingerprint"]
        if newer["provenance"]["fingerprint"] != result["provenance"]["fingerprint"]
        else []
    )
    return f"older than another result of its row, seed and split; they differ in {', '.join(keys) or 'parameters of another version'}"


def _value(column: Column, row: str, cells: Cells, sweep: str) -> Value:
    if column.paper:
        _, data, mode = SETTINGS[column.setting]
        printed = paper.value(sweep, row, data, mode, column.metric)
        return Value(printed.value if printed else None)
    numbers = [100 * result["scores"][column.setting]["mean"][column.metric] for _, result in cells]
    if not numbers:
        return Value(None)
    return Value(statistics.fmean(numbers), statistics.stdev(numbers) if len(numbers) > 1 else None)


def _guarded(kept: Mapping[str, Cells]) -> list[str]:
    """What the guard found in the cells of a table, one line a kind with the words of the first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row, own in kept.items():
        for _, result in own:
            for kind, words in result.get("guard", {}).items():
                if kind == "life":  # a measurement, no warning
                    continue
                found.setdefault(kind, []).append((row, words))
    count = sum(map(len, kept.values()))
    return [f"{kind}, in {len(said)} of {count} cells ({', '.join(dict.fromkeys(row for row, _ in said))}). The first: {said[0][1]}"
            for kind, said in found.items()]  # fmt: skip


def _judge(table: Table) -> None:
    """Verdicts on the primary column, and where the cells hold it, what other test people would
    have changed.
    """
    setting, pairs = table.primary.setting, table.sweep.contrasts
    cells = {
        row: {place(r): r["scores"][setting] for _, r in own} for row, own in table.cells.items()
    }
    scores = {
        row: {key: 100 * s["mean"][PRIMARY] for key, s in own.items()} for row, own in cells.items()
    }
    people = next(r for own in table.cells.values() for _, r in own)["provenance"]["identities"]
    table.verdicts = verdicts.judge(scores, pairs, people["train"], people["test"])
    for row, against in pairs:
        both = sorted(cells[row].keys() & cells[against].keys())
        own = [
            (cells[row][key].get("by_identity"), cells[against][key].get("by_identity"))
            for key in both
        ]
        if own and all(a and b and a["ids"] == b["ids"] == own[0][0]["ids"] for a, b in own):
            gains = np.mean([np.subtract(a[PRIMARY], b[PRIMARY]) for a, b in own], axis=0)
            table.people[row, against] = verdicts.over_identities(100 * gains, own[0][0]["queries"])
