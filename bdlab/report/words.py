"""A table in sentences: its title, its outcome, the command that makes it, and what a reader must
know beside the numbers.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bdlab import config
from bdlab.experiments.verdicts import FEWEST, Verdict
from bdlab.files import without_paths
from bdlab.rules import CORRUPTED

from .provenance import draws, made_by, protocols
from .table import Cells, Table
from .watched import DEAD, liveness

RANK = {"R1": "Rank-1"}
FEATURES = {"bn": "feature after the neck's batch norm", "pool": "pooled feature"}


def title(table: Table) -> str:
    shipped = " (ours, shipped with bdlab)" if table.shipped else ""
    return f"{table.sweep.title}, on {table.params['data']}{shipped}"


def lead(table: Table) -> str:
    """The preset, and every parameter that is changed for all rows."""
    changes = [f"{key} {value}" for key, value in table.changes.items()]
    return ", ".join([f"{table.params['preset']} preset", *changes])


def command(table: Table) -> str:
    """The command line that makes a table."""
    params = table.params
    seeds, splits = _numbers(table, "seed"), _numbers(table, "split")
    words = [f"bdlab run {table.sweep.name} --data {params['data']}"]
    if params["data"] not in config.TWINS:
        words.append("--root DIR")
    words.append(f"--preset {params['preset']} --seeds {_commas(seeds)}")
    if splits != [1]:
        words.append(f"--splits {_commas(splits)}")
    words += [f"--set {key}={json.dumps(value)}" for key, value in table.changes.items()]
    return " ".join(words)


def _numbers(table: Table, key: str) -> list[int]:
    return sorted({result["params"][key] for result in table.results})


def _commas(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _list(numbers: Sequence[int]) -> str:
    first, last = numbers[0], numbers[-1]
    whole = len(numbers) > 3 and list(numbers) == list(range(first, last + 1))
    return f"{first}..{last}" if whole else ", ".join(map(str, numbers))


# -- the outcome


def outcome(table: Table) -> str:
    """What the table says, in one sentence: what is better and worse and by how much, what is not
    shown, what nothing can be said about.
    """
    metric = f"{RANK.get(table.primary.metric, table.primary.metric)} ({table.primary.setting})"
    parts = []
    for word in ("better", "worse"):
        if gains := _gains([verdict for verdict in table.verdicts if verdict.word == word]):
            parts.append(f"{'; '.join(gains)} of {metric}")
    open_ = [v for v in table.verdicts if v.word == "not shown"]
    if open_:
        parts.append(f"no difference of {metric} is shown for {_open(open_)}")
    if not parts:
        return _undecided(table, metric)
    few = [v for v in table.verdicts if v.word not in ("better", "worse", "not shown")]
    if begun := [v for v in few if v.n]:
        parts.append(f"too few seeds yet for {_contrasts(begun)}")
    if unrun := [v for v in few if not v.n]:
        parts.append(f"not run yet: {_contrasts(unrun)}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}{_unlike(table)}{_dead(table)}."


def _gains(verdicts: Sequence[Verdict]) -> list[str]:
    """Verdicts of one word, those against the same row in one clause."""
    said = []
    for against in dict.fromkeys(verdict.against for verdict in verdicts):
        of = [verdict for verdict in verdicts if verdict.against == against]
        rows = _and([verdict.row for verdict in of])
        points = _and([f"{abs(verdict.difference or 0):.1f}" for verdict in of])
        are = "is" if len(of) == 1 else "are"
        said.append(f"{rows} {are} {of[0].word} than {against} by {points} points")
    return said


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _open(verdicts: Sequence[Verdict]) -> str:
    """Contrasts without a word, each with its difference and interval: what is not shown is not
    nothing.
    """
    said = []
    for v in verdicts:
        numbers = f"{v.difference:+.1f} points, 95 % from {v.low:+.1f} to {v.high:+.1f}"
        said.append(f"{v.row} against {v.against} ({numbers})")
    return ", ".join(said)


def _contrasts(verdicts: Sequence[Verdict]) -> str:
    against = list(dict.fromkeys(verdict.against for verdict in verdicts))
    if len(against) == 1:
        return f"{', '.join(v.row for v in verdicts)} against {against[0]}"
    return ", ".join(f"{v.row} against {v.against}" for v in verdicts)


def _undecided(table: Table, metric: str) -> str:
    """The outcome where no contrast has enough pairs."""
    k = table.columns.index(table.primary)
    means = {row: table.values[row][k].mean for row in table.sweep.rows}
    known = {row: mean for row, mean in means.items() if mean is not None}
    row = max(known, key=known.__getitem__)
    most = max((verdict.n for verdict in table.verdicts), default=0)
    units = {verdict.unit for verdict in table.verdicts if verdict.n}
    unit = "split" if units == {"splits"} else "seed"
    need = "no contrast is declared"
    if table.verdicts:
        have = f"{most} {unit}{'' if most == 1 else 's'}"
        need = f"a contrast has {have} at most and needs {FEWEST}"
    return (
        f"Nothing can be said yet about which row is better: {need}; the highest mean {metric} so "
        f"far is {known[row]:.1f} % ({row}){_unlike(table)}{_dead(table)}."
    )


def _unlike(table: Table) -> str:
    return ", between cells of unlike provenance" if table.unlike or table.mixed else ""


def _dead(table: Table) -> str:
    """How many cells learn nothing from their triplets, each kind by its word."""
    words = [liveness(result) for result in table.results]
    known = [word for word in words if word]
    said = [f"{word} in {known.count(word)} of {len(known)}" for word in DEAD if word in known]
    return f"; the triplets are {', '.join(said)} cells" if said else ""


# -- what a reader must know


def notes(table: Table) -> list[str]:
    """What a reader must know: per cent, spread, selection (the caption); what the verdicts mean;
    how was counted; chance; what computed it.
    """
    results = table.results
    people = results[0]["provenance"]["identities"]["test"]
    chance = f"{100 / people:.1f} %"
    said = [
        _caption(table),
        about_verdicts(table),
        _counted(results),
        f"{people} test identities: a guess finds the right one first in about {chance}.",
    ]
    if any(CORRUPTED in column.setting for column in table.columns):
        said.append(
            f"A name with {CORRUPTED}: the same trained networks, only their visible test pictures "
            "corrupted, in the manner of SYSU-MM01-C and RegDB-C but not with their pictures: not "
            "comparable with published numbers."
        )
    if table.printed:
        methods = ", ".join(table.printed)
        said.append(f"{methods}: the paper's numbers alone; these methods are not trained here.")
    return [*said, made_by(results)]


def _caption(table: Table) -> str:
    provenance = table.results[0]["provenance"]
    test = provenance.get("test", {})
    how = [FEATURES[provenance["feature"]]]
    how += ["k-reciprocal re-ranking"] if test.get("rerank") else []
    how += ["mirrored pictures averaged in"] if test.get("flip") else []
    how.append(draws(table.results))
    selections = [result["provenance"]["selection"] for result in table.results]
    plain = dict.fromkeys(re.sub(r" \(epoch \d+\)", "", words) for words in selections)
    selection = " / ".join(plain).capitalize()
    seeds, splits = _list(_numbers(table, "seed")), _list(_numbers(table, "split"))
    return (
        "Per cent; mean ± standard deviation over cells, n of them a row "
        f"(seeds {seeds}, splits {splits}). {selection}, {', '.join(how)}."
    )


def _counted(results: Sequence[dict]) -> str:
    """What a rank counts, and what mINP is: both differ between public codes."""
    tests = [test for result in results for test in protocols(result).values()]
    counts = dict.fromkeys(str(test["cmc"]) for test in tests if test.get("cmc"))
    said = {
        "pictures": "every gallery picture takes a rank (public code that counts each person once "
        "prints higher Rank-10 and Rank-20)",
        "distinct identities": "each person takes one rank, by the nearest picture",
    }
    how = " / ".join(said.get(count, count) for count in counts) or "unknown"
    return (
        f"CMC: {how}. mINP: the number of right pictures over the rank of the last of them, mean "
        "over queries."
    )


def about_verdicts(table: Table) -> str:
    """What is held against what, where that was declared, and what the words mean."""
    if not table.verdicts:
        return "No contrast is declared."
    against = list(dict.fromkeys(v.against for v in table.verdicts))
    if len(against) == 1:
        what = f"each row against {against[0]}"
    else:
        what = ", ".join(f"{v.row} against {v.against}" for v in table.verdicts)
    units = {v.unit for v in table.verdicts if v.n}
    how = "paired by seed, a t interval"
    if units == {"splits"}:
        how = (
            "paired, the seeds of a split averaged, and the interval widened because splits "
            "overlap (Nadeau and Bengio)"
        )
    count = len(table.verdicts)
    unseen = ""
    if any(v.word == "not shown" for v in table.verdicts):
        unseen = (
            "'Not shown' does not mean equal: beside it stands the true difference that would be "
            "seen four times in five. "
        )
    return (
        f"Verdicts are on {table.primary.head}: {what}, {count} contrast{'s' * (count != 1)}, "
        f"{table.declared}. Differences are {how}, 95 % for itself alone; the word is for the "
        f"whole table (Holm over the contrasts, level 5 %). {unseen}Below {FEWEST} seeds "
        "nothing is said. Bold (in text a star): the highest mean of "
        f"{table.primary.head}, where its verdict allows the word; no other column has a verdict."
    )


def over_people(table: Table) -> list[str]:
    """What other test people would have changed: one sentence, none where no cell holds scores by
    identity.
    """
    if not table.people:
        return []
    said = [
        f"{row} against {against} {low:+.2f} to {high:+.2f}"
        for (row, against), (_, low, high) in table.people.items()
    ]
    return [
        "Intervals over seeds say nothing on other people. With the seeds as they are, other test "
        f"identities would have moved the differences so far (95 %, bootstrap of identities, "
        f"gallery fixed; it takes no part in a word): {', '.join(said)}."
    ]


def judged(table: Table, verdict: Verdict) -> tuple[str, str, str, str]:
    """A verdict in words: difference, interval, pairs, the word (with what could have been seen,
    and whether the pairs differ in provenance).
    """
    if verdict.difference is None:
        return "-", "-", "0", "not run"
    interval = "-"
    if verdict.low is not None:
        interval = f"[{verdict.low:+.2f}, {verdict.high:+.2f}]"
    more = []
    if verdict.word == "not shown":
        more.append(f"seen from {verdict.detectable:.1f}")
    if (verdict.row, verdict.against) in table.unlike:
        more.append("unlike pairs")
    word = f"{verdict.word} ({', '.join(more)})" if more else verdict.word
    return f"{verdict.difference:+.2f}", interval, str(verdict.n), word


# -- without the machine's paths


def private(table: Table) -> Table:
    """The same table to be given away: without persons' pictures and without a path of the machine
    in any of its words.
    """
    roots = _roots(table)

    def plain(value: Any) -> Any:
        return without_paths(value, roots) if isinstance(value, str) else value

    left_out = [replace(run, why=plain(run.why)) for run in table.left_out]
    cells: dict[str, Cells] = {}
    for row in table.cells:
        cells[row] = [_plain_cell(cell, plain) for cell in table.cells[row]]
    return replace(
        table,
        params={key: plain(value) for key, value in table.params.items()},
        changes={key: plain(value) for key, value in table.changes.items()},
        warnings=[plain(words) for words in table.warnings],
        mixed={row: plain(words) for row, words in table.mixed.items()},
        unlike={contrast: plain(words) for contrast, words in table.unlike.items()},
        left_out=left_out,
        cells=cells,
        pictures=False,
    )


def _plain_cell(cell: tuple[Path, dict], plain: Any) -> tuple[Path, dict]:
    folder, result = cell
    return folder, json.loads(json.dumps(result), object_hook=lambda one: _each(one, plain))


def _each(mapping: dict, plain: Any) -> dict:
    return {key: plain(value) for key, value in mapping.items()}


def _roots(table: Table) -> list[str]:
    """Folders of this machine that a sentence may name, the longest first."""
    roots = {str(Path.home()), str(Path.cwd())}
    params = [run.params for run in table.left_out]
    for folder, result in itertools.chain(*table.cells.values()):
        roots |= {str(folder.parent), str(folder.parent.resolve())}
        params.append(result["params"])
    for value in itertools.chain(*(one.values() for one in params)):
        if isinstance(value, str):  # a file or the root of a set: its folder is not told
            roots.add(str(Path(value).parent))
    absolute = [root for root in roots if Path(root).is_absolute() and root != Path(root).anchor]
    return sorted(absolute, key=len, reverse=True)
