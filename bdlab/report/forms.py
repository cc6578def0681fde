"""A table in signs: for a terminal, as CSV and as Markdown."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Sequence

from bdlab import paper

from . import watched, words
from .provenance import draws
from .table import PAPER_DATA, PRIMARY, SETTINGS, Column, Table, Value

# -- for a terminal


def text(table: Table) -> str:
    """For a terminal: title, outcome, aligned columns (a star at the best where the verdicts allow
    it), verdicts, what the numbers are.
    """
    kept = narrow(table)
    groups = ["", "", "", *(table.columns[k].group for k in kept)]
    heads = ["row", "n", "triplets", *(table.columns[k].metric for k in kept)]
    body = []
    for row, values in table.values.items():
        numbers = [values[k].text + "*" * values[k].best for k in kept]
        body.append([row, table.standing(row), alive(table, row), *numbers])
    widths = _widths([heads, *body], groups)
    lines = [_spans(groups, widths), _line(heads, widths)]
    lines += [_line(line, widths) for line in body]
    lines.insert(2, "-" * max(map(len, lines)))
    said = [*table.warnings, *words.notes(table), *words.over_people(table), *_gone(table)]
    head = f"{words.title(table)}, {words.lead(table)}"
    return "\n".join(
        [head, "", words.outcome(table), "", *lines, "", *_verdict_lines(table), *said]
    )


def narrow(table: Table) -> list[int]:
    """The columns a page of paper has room for."""
    return [k for k, column in enumerate(table.columns) if not column.aside]


def alive(table: Table, row: str) -> str:
    """The liveness of a row's cells; empty for a method that is only printed."""
    return "" if row in table.printed else watched.share(table.cells[row])


def _gone(table: Table) -> list[str]:
    said = []
    for run in table.left_out:
        if run.word != "superseded":
            said.append(f"left out: {run.name}: {run.word}, {run.why}".rstrip(", "))
    return said


def _widths(lines: Sequence[Sequence[str]], groups: Sequence[str]) -> list[int]:
    """The width of each column; a setting's name must fit over its columns."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, numbers in _runs(groups):
        width = _over(widths, numbers)
        widths[numbers[0]] += max(0, len(name) - width)
    return widths


def _runs(groups: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Neighbouring columns of one group, with the group's name."""
    found = itertools.groupby(range(len(groups)), key=lambda k: groups[k])
    return [(name, list(numbers)) for name, numbers in found]


def _over(widths: Sequence[int], numbers: Sequence[int]) -> int:
    """The width of several columns and the blanks between them."""
    return sum(widths[k] for k in numbers) + 2 * (len(numbers) - 1)


def _spans(groups: Sequence[str], widths: Sequence[int]) -> str:
    """The line above the metrics: each setting once, over its own columns."""
    names = [name.center(_over(widths, numbers)) for name, numbers in _runs(groups)]
    return "  ".join(names).rstrip()


def _line(fields: Sequence[str], widths: Sequence[int]) -> str:
    padded = [field.rjust(width) for field, width in zip(fields, widths, strict=True)]
    padded[0] = fields[0].ljust(widths[0])
    return "  ".join(padded)


def _verdict_lines(table: Table) -> list[str]:
    if not table.verdicts:
        return []
    lines = [(table.primary.head, "difference", "95 %", "pairs", "verdict")]
    for verdict in table.verdicts:
        name = f"{verdict.row} against {verdict.against}"
        lines.append((name, *words.judged(table, verdict)))
    numbers = [line[:4] for line in lines]
    widths = _widths(numbers, numbers[0])
    return [f"{_line(line[:4], widths)}  {line[4]}" for line in lines] + [""]


# -- CSV

ABOUT = ("sweep", "data", "preset", "row", "source", "setting", "metric", "unit")
NUMBERS = ("mean", "sd", "n", "left_out", "triplets")
STANDS_ON = ("draw", "mixed", "not_comparable")
VERDICT = (
    "against", "difference", "low", "high", "pairs", "unit_of_pairs", "p_holm", "detectable",
    "verdict", "people_low", "people_high", "unlike_pairs", "contrasts",
)  # fmt: skip


def to_csv(table: Table) -> str:
    """One line a row and column, fractions as in the files; the paper's columns in per cent as
    printed, named so.

    The line of the column that verdicts are about also holds them: a line for each contrast of its
    row. ``mixed``, ``unlike_pairs`` and ``not_comparable`` say what differs in provenance.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*ABOUT, *NUMBERS, *STANDS_ON, *VERDICT])
    for row, values in table.values.items():
        for column, value in zip(table.columns, values, strict=True):
            printed = column.paper or row in table.printed
            if printed and value.mean is None:
                continue
            fields = _fields(table, row, column, value, printed)
            verdicts = _verdict_fields(table, row) if column == table.primary else []
            for verdict in verdicts or [[""] * len(VERDICT)]:
                writer.writerow([*fields, *verdict])
    return out.getvalue()


def _fields(table: Table, row: str, column: Column, value: Value, printed: bool) -> list:
    """All of a CSV line but the verdict."""
    params = table.params
    about = [table.sweep.name, params["data"], params["preset"], row]
    place = [column.setting, column.metric]
    if printed:
        source = f"paper {PAPER_DATA[SETTINGS[column.setting][1]]}"
        numbers = [_number(value.mean), _number(value.sd), "", "", ""]
        return [*about, source, *place, "per cent", *numbers, "", "", ""]
    absent = table.counted_absent(row)
    numbers = [_fraction(value.mean), _fraction(value.sd), table.counts[row], absent]
    stands_on = [draws(table.results).partition(": ")[2], table.mixed.get(row, ""), _label(table)]
    return [*about, "bdlab", *place, "fraction", *numbers, alive(table, row), *stands_on]


def _label(table: Table) -> str:
    """Why these numbers cannot be held beside published ones; empty where they can."""
    labels = [words for words in table.warnings if _is_label(words)]
    return " ".join(labels)


def _is_label(sentence: str) -> bool:
    starts = ("Not comparable", "Whether the test had", "The paper's columns are for")
    return sentence.startswith((*starts, "The computing code is unknown"))


def _number(value: float | None) -> float | str:
    return "" if value is None else round(value, 6)


def _fraction(value: float | None) -> float | str:
    return "" if value is None else round(value / 100, 6)


def _verdict_fields(table: Table, row: str) -> list[list]:
    """The verdicts of a row as CSV fields, fractions."""
    found = []
    for v in table.of(row):
        contrast = v.row, v.against
        people = table.people.get(contrast, (None, None, None))[1:]
        numbers = [_fraction(x) for x in (v.difference, v.low, v.high)]
        p = "" if v.p is None else f"{v.p:.4g}"
        fields = [v.against, *numbers, v.n, v.unit, p, _fraction(v.detectable), v.word]
        fields += [_fraction(x) for x in people]
        found.append([*fields, table.unlike.get(contrast, ""), table.declared])
    return found


# -- Markdown


def to_markdown(table: Table) -> str:
    """A Markdown table with its title, outcome, verdicts and notes; methods that are only printed
    in the paper stand in italics.
    """
    kept = narrow(table)
    heads = ["row", "n", "triplets", *(table.columns[k].head for k in kept)]
    heads += ["against", f"{PRIMARY} difference", "95 %", "pairs", "verdict"]
    lines = [heads, ["---", *["---:"] * (len(heads) - 2), "---"]]
    for row, values in table.values.items():
        name = f"*{row}*" if row in table.printed else row
        numbers = [_bold(values[k]) for k in kept]
        start = [name, table.standing(row), alive(table, row)]
        lines.append([*start, *numbers, *_verdict_cells(table, row)])
    parts = [
        f"### {words.title(table)}, {words.lead(table)}",
        words.outcome(table),
        _bars(lines),
        *table.warnings,
        *words.notes(table),
        *words.over_people(table),
        f"Made by `{words.command(table)}`",
    ]
    return "\n\n".join(parts) + "\n"


def _bold(value: Value) -> str:
    return f"**{value.text}**" if value.best else value.text


def _verdict_cells(table: Table, row: str) -> list[str]:
    """The five cells of a row's verdicts; several contrasts stand under each other."""
    said = [(v.against, *words.judged(table, v)) for v in table.of(row)] or [("",) * 5]
    return ["<br>".join(column) for column in zip(*said, strict=True)]


def _bars(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def printed(name: str) -> str:
    """The paper's numbers of a table alone, as Markdown: what there is before anything has been
    run; empty if it has none.
    """
    numbers = [value for value in paper.values() if value.table == name]
    if not numbers:
        return ""
    columns = list(dict.fromkeys((v.dataset, v.mode, v.metric) for v in numbers))
    rows: dict[str, dict[tuple, str]] = {}
    for v in numbers:
        shown = f"{v.value:.2f}" + " (assumed)" * v.assumed
        rows.setdefault(v.row, {})[v.dataset, v.mode, v.metric] = shown
    heads = [f"{PAPER_DATA[data]} {mode} {metric}" for data, mode, metric in columns]
    lines = [["row", *heads], ["---", *["---:"] * len(columns)]]
    for row, values in rows.items():
        lines.append([row, *(values.get(column, "-") for column in columns)])
    return _bars(lines) + "\n"
