"""What a set of one's own says of itself beside its pictures: names, cameras, division, rules.

All of it is optional and plain text at the root: ``names.csv`` (identity, name), ``pictures.csv``
(path, source, camera), ``train.txt``, ``test.txt`` and ``val.txt`` (one identity a line), and
``set.json`` (rules, and how the set was made). `bdlab data import` writes them.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .pictures import read_bytes
from .records import EXCLUDED, SPLITS, DatasetError, Fault, refuse

MAX_TEXT = 100_000_000  # bytes
#: The files that are read, by the words of which they may be called almost so.
FILES = {
    "train": "train.txt", "training": "train.txt",
    "val": "val.txt", "valid": "val.txt", "validation": "val.txt",
    "test": "test.txt", "testing": "test.txt",
    "split": "train.txt and test.txt", "splits": "train.txt and test.txt",
    "names": "names.csv", "pictures": "pictures.csv", "set": "set.json",
}  # fmt: skip
READ = ("train.txt", "val.txt", "test.txt", "names.csv", "pictures.csv", "set.json")
#: What ``set.json`` may say; ``made`` is for people and provenance, nothing is read from it.
RULES = ("exclude", "distractors", "made")


@dataclass
class Declared:
    """What a set says of itself; empty where it says nothing."""

    names: dict[int, str] = field(default_factory=dict)  # of people, by identity
    cameras: dict[str, int] = field(default_factory=dict)  # by picture
    parts: dict[int, str] | None = None  # identity -> train, val or test
    exclude: str = "none"  # see ``records.EXCLUDED``
    distractors: bool = False  # people of one modality may stand in the gallery
    made: dict[str, Any] = field(default_factory=dict)


def read(root: Path, people: set[int], fault: Fault = refuse) -> Declared:
    """What the set at ``root`` with the identities ``people`` declares; faults name file and
    line.
    """
    found = Declared()
    if root.is_dir():
        almost(root, [path.name for path in root.iterdir() if path.is_file()], fault)
    for line, row in table_rows(root / "names.csv", ("identity", "name"), fault):
        if not row["identity"].isdecimal():
            fault(_wrong(root / "names.csv", line, f"{row['identity']!r} is no identity"))
        elif found.names.setdefault(int(row["identity"]), row["name"]) != row["name"]:
            before = found.names[int(row["identity"])]
            problem = f"identity {row['identity']} is {row['name']!r} here and {before!r} before"
            fault(_wrong(root / "names.csv", line, problem))
    for line, row in table_rows(root / "pictures.csv", ("path",), fault):
        camera = row.get("camera", "")
        if camera and not camera.isdecimal():
            fault(_wrong(root / "pictures.csv", line, f"{camera!r} is no number of a camera"))
        elif camera and found.cameras.setdefault(row["path"], int(camera)) != int(camera):
            problem = f"{row['path']} is of camera {camera} here, of another before"
            fault(_wrong(root / "pictures.csv", line, problem))
    called = Counter(found.names.values())
    of_name = {name: one for one, name in found.names.items() if called[name] == 1}

    def look_up(word: str) -> int | None:
        one = int(word) if word.isdecimal() else of_name.get(word)
        return one if one in people else None

    found.parts = read_lists(root, look_up, fault)
    _rules(root / "set.json", found, fault)
    return found


def almost(root: Path, names: Iterable[str], fault: Fault = refuse) -> None:
    """Faults: files at ``root`` that are called almost as one that is read (``Train.txt``,
    ``test_id.txt``): what they say would be passed over without a word.
    """
    for name in sorted(names):
        stem, _, ending = name.lower().rpartition(".")
        meant = FILES.get(re.sub(r"[ _-]?ids?$", "", stem))
        if meant and ending in ("txt", "csv", "json") and name not in READ:
            error = DatasetError(
                f"is not read, but is called almost as {meant}",
                file=root / name,
                rule=f"a set says who is who in {', '.join(READ)}",
                remedy=f"write it as {meant}, or call it otherwise if it means something else",
            )
            fault(error)


def table_rows(
    file: Path, columns: tuple[str, ...], fault: Fault
) -> Iterator[tuple[int, dict[str, str]]]:
    """The (line, row) pairs of a small CSV file of ours; none where there is no such file."""
    if not file.exists():
        return
    try:
        text = read_bytes(file, MAX_TEXT, "table").decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        missing = set(columns) - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"no column {', '.join(sorted(missing))}")
        for row in reader:
            if None in row or None in row.values():
                fault(_wrong(file, reader.line_num, "the line has more or fewer columns"))
            else:
                yield reader.line_num, row
    except DatasetError as error:
        fault(error)
    except (ValueError, csv.Error) as error:
        fault(_wrong(file, None, f"is no table of the columns {', '.join(columns)} ({error})"))


def read_lists(
    root: Path, look_up: Callable[[str], Hashable | None], fault: Fault = refuse
) -> dict[Any, str] | None:
    """Person -> part, from ``train.txt``, ``test.txt`` and ``val.txt``; None where there is none.

    A line is one identity, or several with commas between; ``look_up`` says whom a word means, or
    None. Faults: a list of two that is missing, a word that means nobody, a person listed twice.
    """
    files = {part: root / f"{part}.txt" for part in SPLITS}
    there = {part: file for part, file in files.items() if file.is_file()}
    if not there:
        return None
    for part in ("train", "test"):
        if part not in there:
            also = ", ".join(file.name for file in there.values())
            fault(_wrong(files[part], None, f"is not there, but {also} is"))
    parts: dict[Any, str] = {}
    for part, file in there.items():
        for line, word in _words(file, look_up, fault):
            one = look_up(word)
            if one is None:
                fault(_wrong(file, line, f"{word!r} is nobody of this set, or a name of two"))
            elif one in parts:
                fault(_wrong(file, line, f"{word!r} is listed before, in {parts[one]}.txt"))
            else:
                parts[one] = part
    return parts


def _words(
    file: Path, look_up: Callable[[str], Hashable | None], fault: Fault
) -> Iterator[tuple[int, str]]:
    """The (line, word) pairs of a list; a whole line that means somebody is one word."""
    try:
        text = read_bytes(file, MAX_TEXT, "list of identities").decode("utf-8-sig")
    except UnicodeDecodeError:
        fault(_wrong(file, None, "is no plain text, UTF-8"))
        return
    for line, words in enumerate(text.splitlines(), start=1):
        whole = words.strip()
        for word in [whole] if look_up(whole) is not None else whole.split(","):
            if word.strip():
                yield line, word.strip()


class _Twice(ValueError):
    """A word that an object of JSON says twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON whose words stand there once each; raises _Twice."""
    said = dict(pairs)
    if len(said) < len(pairs):
        raise _Twice("a word stands there twice")
    return said


def _rules(file: Path, found: Declared, fault: Fault) -> None:
    """What ``set.json`` says, into ``found``."""
    if not file.exists():
        return
    try:
        said = json.loads(read_bytes(file, MAX_TEXT, "set.json"), object_pairs_hook=_once)
    except ValueError as error:
        said = error
    if not isinstance(said, dict):
        why = f" ({said})" if isinstance(said, _Twice) else ""
        fault(_wrong(file, None, f"is no JSON object{why}"))
        return
    if unknown := sorted(said.keys() - set(RULES)):
        fault(_wrong(file, None, f"says {', '.join(unknown)}, which is not understood"))
    found.exclude = said.get("exclude", "none")
    if found.exclude not in EXCLUDED:
        fault(_wrong(file, None, f"exclude = {found.exclude!r} is none of {', '.join(EXCLUDED)}"))
    if not isinstance(said.get("distractors", False), bool):
        problem = f"distractors = {said['distractors']!r} is neither true nor false"
        fault(_wrong(file, None, problem))
    found.distractors = said.get("distractors") is True
    found.made = said.get("made", {})


def _wrong(file: Path, line: int | None, problem: str) -> DatasetError:
    return DatasetError(
        problem,
        file=file,
        line=line,
        rule=_SAYS.get(file.name, "a list names identities, one a line, in train.txt and test.txt"),
        remedy="correct it, or take the file away",
    )


_SAYS = {
    "names.csv": "names.csv gives a name to identities: the columns identity, name",
    "pictures.csv": "pictures.csv gives a camera to pictures: the columns path, camera",
    "set.json": f"set.json says {', '.join(RULES)}",
}
