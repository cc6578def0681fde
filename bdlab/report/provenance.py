"""Whether the cells of a table may be averaged and compared: their provenance, fact by fact.

Cells that differ in code, precision, device, threads, torch, bdlab, pictures or other files read
are still shown, and what differs is said in every form of the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bdlab import config
from bdlab.experiments.provenance import COMPARED

from .table import PAPER_DATA, SETTINGS, Cells, Column, place

UNKNOWN = "unknown"
#: What is compared of a result, and of the cells of one mean besides.
FACTS = {**COMPARED, "bdlab": "bdlab", "pictures": "pictures (data fingerprint)"}
HASHED = 12  # signs of a hash that are shown


def facts(result: Mapping[str, Any]) -> dict[str, str]:
    """What is compared of one result, each as a short text; ``unknown`` where it was not kept."""
    provenance = result["provenance"]
    found = {key: _short(provenance.get(key)) for key in FACTS}
    found["files"] = _files(provenance.get("files"))
    found["pictures"] = _short(provenance.get("fingerprint"))
    return found


def _short(value: Any) -> str:
    if value is None or value == "":
        return UNKNOWN
    text = str(value)
    return text[:HASHED] if re.fullmatch(r"[0-9a-f]{40,64}", text) else text


def _files(files: Any) -> str:
    if not isinstance(files, Mapping):
        return UNKNOWN
    parts = [f"{part} {_short(digest)}" for part, digest in sorted(files.items())]
    return ", ".join(parts) or "none"


def mixed(cells: Cells) -> str:
    """What differs among the cells of one mean, in words; empty if nothing does.

    ``precision float32 (seed 0), bfloat16 (seed 1); threads 2 (seed 0), 1 (seed 1)``
    """
    said = []
    for key, words in FACTS.items():
        values = _values(cells, key)
        if len(values) > 1:
            each = [f"{value} ({_places(results)})" for value, results in values.items()]
            said.append(f"{words} {', '.join(each)}")
    return "; ".join(said)


def _values(cells: Cells, key: str) -> dict[str, list[dict]]:
    """The results of a row by their value of one fact. A data set has another fingerprint in each
    split, so pictures are compared within a split.
    """
    results = [result for _, result in cells]
    if key == "pictures":
        for split in {place(result)[0] for result in results}:
            same_split = [result for result in results if place(result)[0] == split]
            values = _by_value(same_split, key)
            if len(values) > 1:
                return values
        return {}
    return _by_value(results, key)


def _by_value(results: Iterable[dict], key: str) -> dict[str, list[dict]]:
    values: dict[str, list[dict]] = {}
    for result in results:
        values.setdefault(facts(result)[key], []).append(result)
    return values


def _places(results: list[dict]) -> str:
    """Seeds in words; with several splits also these."""
    places = [place(result) for result in results]
    if len(places) > 6:
        return f"{len(places)} cells"
    if all(split == 1 for split, _ in places):
        seeds = ", ".join(str(seed) for _, seed in places)
        return f"seed {seeds}" if len(places) == 1 else f"seeds {seeds}"
    return ", ".join(f"split {split} seed {seed}" for split, seed in places)


def unlike(row: Cells, against: Cells) -> str:
    """What differs within the pairs of a contrast, in words; empty if nothing does.

    ``precision in 2 of 5 pairs (bfloat16 against float32)``
    """
    others = {place(result): facts(result) for _, result in against}
    pairs = []
    for _, result in row:
        if place(result) in others:
            pairs.append((facts(result), others[place(result)]))
    said = []
    for key, words in FACTS.items():
        different = [f"{a[key]} against {b[key]}" for a, b in pairs if a[key] != b[key]]
        if different:
            each = ", ".join(dict.fromkeys(different))
            said.append(f"{words} in {len(different)} of {len(pairs)} pairs ({each})")
    return "; ".join(said)


def unknown(results: list[dict]) -> str:
    """A sentence if the computing code was not kept with some cells, which then cannot be compared
    by it; else empty.
    """
    count = sum(facts(result)["code"] == UNKNOWN for result in results)
    if not count:
        return ""
    return (
        f"The computing code is unknown for {count} of {len(results)} cells (made before it was "
        "kept): whether the same formulas made them cannot be checked."
    )


def labels(data: str, columns: Iterable[Column], results: list[dict]) -> list[str]:
    """What must be said before a number of ours is held beside the paper's: an invented split, a
    part of the set, a set of another kind.
    """
    paper = [column for column in columns if column.paper]
    if data not in PAPER_DATA:
        return [_other_set(data, paper)] if paper else []
    whose = "the paper's" if paper else "published"
    beside = f"Not comparable with {whose} numbers"
    said = []
    for source in dict.fromkeys(_source(result) for result in results):
        if "not comparable" in source or "no index" in source:
            said.append(f"{beside}: {source.partition(',')[0]}.")
    counts = [_published(result) for result in results]
    if False in counts:
        said.append(f"{beside}: {_part(data, results, counts.count(False))}.")
    if None in counts:
        said.append(
            f"Whether the test had the published counts of {PAPER_DATA[data]} was not kept with "
            f"{counts.count(None)} of {len(counts)} cells."
        )
    return said


def _other_set(data: str, columns: Iterable[Column]) -> str:
    theirs = [PAPER_DATA[SETTINGS[column.setting][1]] for column in columns]
    printed = " and ".join(dict.fromkeys(theirs))
    what = "a set rendered by bdlab" if data in config.TWINS else "a folder of the user's own"
    return (
        f"The paper's columns are for {printed} itself; ours are for {data}, {what}: "
        "compare orders, not levels."
    )


def _source(result: Mapping[str, Any]) -> str:
    """How the data set says its people were divided."""
    data = result["provenance"].get("data")
    return str(data.get("source", "")) if isinstance(data, Mapping) else ""


def _published(result: Mapping[str, Any]) -> bool | None:
    """Whether every setting was tested on the published counts; None where one does not say."""
    tests = protocols(result)
    said = [test.get("published_counts") for test in tests.values()]
    if False in said:
        return False
    return True if said and None not in said else None


def _part(data: str, results: list[dict], count: int) -> str:
    identities = {result["provenance"]["identities"]["test"] for result in results}
    people = " or ".join(str(number) for number in sorted(identities))
    return (
        f"{count} of {len(results)} cells were tested on other counts than the published ones of "
        f"{PAPER_DATA[data]} ({people} test identities)"
    )


def protocols(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What each setting of a result says of its test; empty where it was not kept."""
    found = result["provenance"].get("protocols")
    if not isinstance(found, Mapping):
        return {}
    return {name: test for name, test in found.items() if isinstance(test, Mapping)}


def draws(results: list[dict]) -> str:
    """How the galleries were drawn, in a few words: ``gallery draw: seeded``."""
    names = [test.get("draw") for result in results for test in protocols(result).values()]
    if not names:
        names = [result["provenance"].get("test", {}).get("draw") for result in results]
    known = dict.fromkeys(str(name) if name else UNKNOWN for name in names)
    return f"gallery draw: {' / '.join(known)}"


def made_by(results: list[dict]) -> str:
    """What the cells were computed by and on, in one sentence; several values side by side."""
    values = {key: " / ".join(_by_value(results, key)) for key in FACTS}
    plural = "" if values["threads"] == "1" else "s"
    commits = " / ".join(dict.fromkeys(commit(result) for result in results))
    return (
        f"Computed on {values['device']} in {values['precision']} with {values['threads']} "
        f"thread{plural}, torch {values['torch']}, bdlab {values['bdlab']}, computing code "
        f"{values['code']}, commit {commits}."
    )


def commit(result: Mapping[str, Any]) -> str:
    """The commit a result was made from, short; with a word if the tree was changed."""
    provenance = result["provenance"]
    sha = provenance.get("git_sha")
    if not sha:
        return UNKNOWN
    return str(sha)[:HASHED] + (" (changed)" if provenance.get("git_dirty") else "")
