"""Many faults of one kind, told once: the first of them, how many there are, where."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .records import DatasetError, few


def told(errors: Iterable[DatasetError]) -> list[str]:
    """One paragraph a kind of fault, in the order of their first.

    Faults are of one kind when their words are equal but for numbers and what stands in quotes.
    """
    groups: dict[tuple[str, str, str], list[DatasetError]] = {}
    for error in errors:
        # a picture that is gone is listed by many index files: it is one fault
        known = groups.setdefault(_kind(error), [])
        if not any(_place(error) == _place(other) for other in known[:1000]):
            known.append(error)
    return [_paragraph(group) for group in groups.values()]


def _kind(error: DatasetError) -> tuple[str, str, str]:
    words = re.sub(r"'[^']*'|\"[^\"]*\"|[0-9]+", "#", error.problem)
    return words.partition(" (")[0], error.rule, re.sub("[0-9]+", "#", error.remedy)


def _place(error: DatasetError) -> tuple[str, int | None, str]:
    return str(error.file), error.line, error.problem.partition(" (")[0]


def _paragraph(group: list[DatasetError]) -> str:
    if len(group) == 1:
        return str(group[0])
    others = [_short(error, group[0]) for error in group[1:]]
    return f"{group[0]} There are {len(group):,} such faults; the others: {few(others)}."


def _short(error: DatasetError, first: DatasetError) -> str:
    """What tells a fault from the first of its kind: its place, or its words."""
    if (error.file, error.line) == (first.file, first.line):
        return error.problem
    line = "" if error.line is None else f", line {error.line}"
    return f"{error.file}{line}"
