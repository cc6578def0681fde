"""The verdict on two rows: their cells paired by split and seed, as far as they may be compared.

It is ``experiments.verdicts``' for one contrast. What stands between the two rows and a comparison
is said, or the comparison is refused with the filter that mends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bdlab.experiments import runs, verdicts
from bdlab.experiments.provenance import COMPARED

from .numbers import DEAD, BoardError, Finished, key

#: What two cells of a pair must have in common; the report says the last two in its caption.
FACTS = {**COMPARED, "feature": "feature", "selection": "selection of the epoch"}
#: What the word on one pair does not say.
ALONE = (
    "The word is for this pair alone, if it was chosen before looking; `bdlab report` judges all "
    "declared contrasts together."
)
#: No part of what a row is.
FREE = {"split", "seed", *runs.NOT_IDENTITY}


@dataclass(frozen=True)
class Judged:
    """A verdict in points of per cent, what the two rows differ in, and what a reader must know."""

    verdict: verdicts.Verdict
    setting: str
    differs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def judge(row: str, cells: Sequence[Finished], against: str, others: Sequence[Finished]) -> Judged:
    """The verdict on Rank-1 of the primary setting, ``row`` minus ``against``.

    Raises BoardError for a row without cells, a row whose cells differ in more than split and seed,
    and two rows of different data: each with what to filter by.
    """
    if row == against:
        raise BoardError(f"{row} against itself: choose two rows.")
    for name, own in ((row, cells), (against, others)):
        _one_thing(name, own)
    setting = cells[0].setting
    _same_data(row, cells, against, others)
    scores = {}
    for name, own in ((row, cells), (against, others)):
        scores[name] = {cell.place: cell.quantity(f"R1 {setting}") for cell in own}
    identities = cells[0].result["provenance"].get("identities", {})
    people = identities.get("train", 1), identities.get("test", 1)
    (verdict,) = verdicts.judge(scores, [(row, against)], *people)
    return Judged(verdict, setting, _differs(cells[0], others[0]), _notes(cells, others))


def _one_thing(row: str, cells: Sequence[Finished]) -> None:
    """Refuse a row whose cells are not one thing with several seeds."""
    if not cells:
        raise BoardError(f"No cell of {row} is shown: change the filter, or choose another row.")
    names = {name for cell in cells for name in cell.params} - FREE
    for name in sorted(names, key=lambda name: (name != "data", name)):
        values = {key(cell.param(name)): cell.param(name) for cell in cells}
        if len(values) > 1:
            said = ", ".join(map(str, values.values()))
            raise BoardError(
                f"{row} is shown with several values of {name} ({said}): filter by {name}."
            )
    places = [cell.place for cell in cells]
    double = [place for place in places if places.count(place) > 1]
    if double:
        split, seed = double[0]
        raise BoardError(
            f"{row} has several cells of split {split}, seed {seed}, of other data or files: move "
            "the older one out of the folder."
        )


def _same_data(
    row: str, cells: Sequence[Finished], against: str, others: Sequence[Finished]
) -> None:
    sets = [own[0].param("data") for own in (cells, others)]
    if sets[0] != sets[1]:
        raise BoardError(
            f"{row} is of {sets[0]}, {against} of {sets[1]}: scores of two data sets are not "
            "compared. Filter by data."
        )
    partners = {cell.place: cell for cell in others}
    for cell in cells:
        other = partners.get(cell.place)
        if other and _fact(cell, "fingerprint") != _fact(other, "fingerprint"):
            raise BoardError(
                f"{row} and {against} saw different pictures of {sets[0]} (other fingerprints): "
                "run both rows again on one set."
            )


def _fact(cell: Finished, name: str) -> object:
    value = cell.result["provenance"].get(name)
    # which epoch was the best one may differ, how it was chosen may not
    return value.partition(" (epoch")[0] if name == "selection" and value else value


def _differs(cell: Finished, other: Finished) -> list[str]:
    """``gamma 5.0 against 0.0`` for each parameter that is not the same."""
    names = dict.fromkeys([*cell.params, *other.params])
    said = []
    for name in names:
        ours, theirs = cell.param(name), other.param(name)
        if name not in FREE | {"sweep", "row"} and key(ours) != key(theirs):
            said.append(f"{name} {_said(ours)} against {_said(theirs)}")
    return said


def _said(value: object) -> str:
    return "none" if value in (None, "") else str(value)


def _notes(cells: Sequence[Finished], others: Sequence[Finished]) -> list[str]:
    """What a reader must know beside the word."""
    partners = {cell.place: cell for cell in others}
    pairs = [(cell, partners[cell.place]) for cell in cells if cell.place in partners]
    unlike = []
    for name, words in FACTS.items():
        if any(_fact(cell, name) != _fact(other, name) for cell, other in pairs):
            unlike.append(words)
    notes = [f"Unlike pairs: they differ in {', '.join(unlike)}."] if unlike else []
    both = [*cells, *others]
    dead = sum(cell.word in DEAD for cell in both)
    if dead:
        notes.append(f"In {dead} of {len(both)} cells the triplets are dead.")
    return [*notes, ALONE]


def words(judged: Judged) -> str:
    """The verdict as one sentence."""
    v = judged.verdict
    if v.difference is None:
        return f"{v.row} and {v.against} have no {v.unit[:-1]} in common: nothing to pair."
    unit = v.unit if v.n != 1 else v.unit[:-1]
    text = f"{v.row} minus {v.against}, Rank-1 ({judged.setting}): {v.difference:+.2f} points"
    if v.low is not None:
        text += f", 95 % [{v.low:+.2f}, {v.high:+.2f}]"
    text += f", {v.n} {unit}: {v.word}"
    if v.word == "not shown":
        text += f" (seen from {v.detectable:.1f})"
    elif v.word.startswith("too few"):
        text += f" (from {verdicts.FEWEST})"
    return f"{text}."
