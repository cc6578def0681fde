"""What the guard found in the cells of a table, and how many of them are alive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .table import Cells

#: Words on the hinges of a cell, the worst first: above or at the collapse level, near it, at most
#: 60 % of it, near zero.
WORDS = ("unordered", "dead", "collapsing", "satisfied", "alive")
DEAD = ("unordered", "dead")


def life(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the guard keeps on the hinges of a cell: ``mml`` and ``mdl``, each with ``word`` and
    ``share`` of the collapse level; empty where nothing was kept.
    """
    found = result.get("guard", {}).get("life")
    return found if isinstance(found, Mapping) else {}


def liveness(result: Mapping[str, Any]) -> str | None:
    """The worst word of a cell's terms; None where the result does not say."""
    terms = [life(result).get(name) for name in ("mml", "mdl")]
    words = [term.get("word") for term in terms if isinstance(term, Mapping)]
    for word in WORDS:
        if word in words:
            return word
    return None


def share(cells: Cells) -> str:
    """The liveness of a row's cells in a few words, with MDL as a share of its collapse level:
    ``3 of 5 dead, MDL 97 %``; a dash where no cell says.
    """
    words = [liveness(result) for _, result in cells]
    known = [word for word in words if word]
    if not known:
        return "-"
    kinds = [word for word in WORDS if word in known]
    said = [f"{known.count(word)} of {len(known)} {word}" for word in kinds]
    if len(kinds) == 1 and kinds[0] not in DEAD:
        said = kinds
    shares = [life(result)["mdl"]["share"] for _, result in cells if "mdl" in life(result)]
    if shares:
        said.append(f"MDL {100 * sum(shares) / len(shares):.0f} %")
    return ", ".join(said)


def guarded(rows: Mapping[str, Cells]) -> list[str]:
    """What the guard found in the cells of a table, one line a kind with the words of the first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row, cells in rows.items():
        for _, result in cells:
            for kind, words in result.get("guard", {}).items():
                if isinstance(words, str):
                    found.setdefault(kind, []).append((row, words))
    count = sum(map(len, rows.values()))
    said = []
    for kind, cases in found.items():
        where = ", ".join(dict.fromkeys(row for row, _ in cases))
        said.append(f"{kind}, in {len(cases)} of {count} cells ({where}). The first: {cases[0][1]}")
    return said
