"""The numbers of a table: its columns, the mean and spread of each row, the verdicts."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from bdlab import paper, rules
from bdlab.experiments import sweeps, verdicts

from .table import ASIDE, METRICS, PRIMARY, SETTINGS, Cells, Column, Table, Value, place

NARROW = ("R1", "mAP", "mINP")  # what a page of paper has room for
STRESSED = ("R1", "mAP")  # what is shown of a test on corrupted pictures


def columns(sweep: sweeps.Sweep, results: Sequence[dict]) -> tuple[list[Column], tuple[str, ...]]:
    """The columns of a table, and the rows that only the paper has."""
    settings = list(SETTINGS)
    for result in results:
        settings = [setting for setting in settings if setting in result["scores"]]
    protocol = rules.protocol_of(results[0]["params"]["data"]).name
    places = {SETTINGS[s][1:]: s for s in settings if SETTINGS[s][1] == protocol}
    printed = []
    for value in paper.values():
        if value.table == sweep.name and (value.dataset, value.mode) in places:
            printed.append(value)
    theirs = {(places[value.dataset, value.mode], value.metric) for value in printed}
    shown = []
    for setting in settings:
        for metric in METRICS:
            if metric in NARROW or (setting, metric) in theirs:
                aside = setting in ASIDE or metric not in NARROW
                shown.append(Column(setting, metric, aside=aside))
        for metric in METRICS:
            if (setting, metric) in theirs:
                shown.append(Column(setting, metric, paper=True, aside=metric not in NARROW))
    shown += _stressed(settings, results)
    rows = dict.fromkeys(value.row for value in printed if value.row not in sweep.rows)
    return shown, tuple(rows)


def _stressed(settings: Sequence[str], results: Sequence[dict]) -> list[Column]:
    """The columns of tests on corrupted pictures that every cell has, apart from the clean ones; of
    the first setting Rank-1 at open severities stands in short tables too.
    """
    shown = []
    for name in results[0]["scores"]:
        setting, corrupted, test = name.partition(rules.CORRUPTED)
        if corrupted and all(name in result["scores"] for result in results):
            main = setting == settings[0] and "-" not in test
            for metric in STRESSED:
                shown.append(Column(name, metric, aside=not main or metric != PRIMARY))
    return shown


def values(
    sweep: sweeps.Sweep,
    shown: Sequence[Column],
    printed: Sequence[str],
    cells: Mapping[str, Cells],
) -> dict[str, list[Value]]:
    """The numbers of every row, in the order of the columns."""
    made = {}
    for row in (*printed, *sweep.rows):
        made[row] = [_value(column, row, cells.get(row, []), sweep.name) for column in shown]
    return made


def _value(column: Column, row: str, cells: Cells, sweep: str) -> Value:
    if column.paper:
        _, data, mode = SETTINGS[column.setting]
        printed = paper.value(sweep, row, data, mode, column.metric)
        return Value(printed.value if printed else None)
    scores = [result["scores"][column.setting]["mean"] for _, result in cells]
    numbers = [100 * score[column.metric] for score in scores]
    if not numbers:
        return Value(None)
    spread = statistics.stdev(numbers) if len(numbers) > 1 else None
    return Value(statistics.fmean(numbers), spread)


def judge(table: Table) -> None:
    """Put the verdicts on the primary column into a table, and where the cells hold it, what other
    test people would have changed.
    """
    setting = table.primary.setting
    scores = {}
    for row, cells in table.cells.items():
        scores[row] = {}
        for _, result in cells:
            scores[row][place(result)] = 100 * result["scores"][setting]["mean"][PRIMARY]
    identities = table.results[0]["provenance"]["identities"]
    contrasts = table.sweep.contrasts
    table.verdicts = verdicts.judge(scores, contrasts, identities["train"], identities["test"])
    for row, against in contrasts:
        if interval := _over_people(table, row, against):
            table.people[row, against] = interval
    _mark_best(table)


def _over_people(table: Table, row: str, against: str) -> tuple[float, float, float] | None:
    """The difference of two rows over test identities, seeds averaged; None where a cell does not
    hold scores by identity, or other people were tested.
    """
    pairs = _identity_scores(table, row, against)
    if not pairs or not all(ours and theirs for ours, theirs in pairs):
        return None
    ids = pairs[0][0]["ids"]
    if not all(ours["ids"] == theirs["ids"] == ids for ours, theirs in pairs):
        return None
    gains = [np.subtract(ours[PRIMARY], theirs[PRIMARY]) for ours, theirs in pairs]
    return verdicts.over_identities(100 * np.mean(gains, axis=0), pairs[0][0]["queries"])


def _identity_scores(table: Table, row: str, against: str) -> list[tuple[dict, dict]]:
    """The scores by identity of both cells of each pair."""
    setting = table.primary.setting
    found = []
    for name in (row, against):
        cells = table.cells.get(name, [])
        scores = {place(result): result["scores"][setting] for _, result in cells}
        found.append({key: score.get("by_identity") for key, score in scores.items()})
    ours, theirs = found
    return [(ours[key], theirs[key]) for key in sorted(ours.keys() & theirs.keys())]


def _mark_best(table: Table) -> None:
    """Mark the highest mean of the primary column where the verdicts allow it to be called best: it
    is better than what it is held against, or all that is held against it is worse.
    """
    k = table.columns.index(table.primary)
    means = {row: table.values[row][k].mean for row in table.sweep.rows}
    known = {row: mean for row, mean in means.items() if mean is not None}
    if not known:
        return
    row = max(known, key=known.__getitem__)
    own = [verdict for verdict in table.verdicts if verdict.row == row]
    others = [verdict for verdict in table.verdicts if verdict.against == row]
    if _all(own, "better", table) or _all(others, "worse", table):
        value = table.values[row][k]
        table.values[row][k] = Value(value.mean, value.sd, best=True)


def _all(said: Sequence[verdicts.Verdict], word: str, table: Table) -> bool:
    """Whether these verdicts are there, have this word, and none is over unlike pairs."""
    if any((verdict.row, verdict.against) in table.unlike for verdict in said):
        return False
    return bool(said) and all(verdict.word == word for verdict in said)
