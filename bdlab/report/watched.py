"""What the guard found in the cells of a table, and how many of them are alive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .table import Cells

ALIVE, SATISFIED, DEAD = "alive", "satisfied", "dead"


def liveness(result: Mapping[str, Any]) -> str | None:
    """Whether the triplet terms of a cell still work at its end: ``alive``, ``satisfied`` (near
    zero) or ``dead`` (near their collapse level); None where the result does not say.
    """
    found = result.get("guard", {}).get("liveness")
    words = {found} if isinstance(found, str) else _words(found)
    for word in (DEAD, SATISFIED, ALIVE):  # the worst of several terms counts
        if word in words:
            return word
    return None


def _words(found: Any) -> set[str]:
    """The words in a nested record."""
    if isinstance(found, str):
        return {found}
    if not isinstance(found, Mapping):
        return set()
    return set().union(*(_words(value) for value in found.values()))


def share(cells: Cells) -> str:
    """The liveness of a row's cells in a few words: ``3 of 5 dead``; a dash where none says."""
    words = [liveness(result) for _, result in cells]
    known = [word for word in words if word]
    if not known:
        return "-"
    if DEAD in known:
        return f"{known.count(DEAD)} of {len(known)} dead"
    kinds = dict.fromkeys(known)
    if len(kinds) == 1:
        return known[0]
    return ", ".join(f"{known.count(word)} {word}" for word in kinds)


def guarded(rows: Mapping[str, Cells]) -> list[str]:
    """What the guard found in the cells of a table, one line a kind with the words of the first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row, cells in rows.items():
        for _, result in cells:
            for kind, words in result.get("guard", {}).items():
                if isinstance(words, str) and kind != "liveness":
                    found.setdefault(kind, []).append((row, words))
    count = sum(map(len, rows.values()))
    said = []
    for kind, cases in found.items():
        where = ", ".join(dict.fromkeys(row for row, _ in cases))
        said.append(f"{kind}, in {len(cases)} of {count} cells ({where}). The first: {cases[0][1]}")
    return said
