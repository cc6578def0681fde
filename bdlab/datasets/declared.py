"""What a set of one's own says of itself beside its pictures: names, cameras, division, rules.

All of it is optional and plain text at the root: ``names.csv`` (identity, name), ``pictures.csv``
(path, source, camera), ``train.txt``, ``test.txt`` and ``val.txt`` (one identity a line), and
``set.json`` (rules, and how the set was made). `bdlab data import` writes them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .pictures import read_bytes
from .records import EXCLUDED, SPLITS, DatasetError, Fault, refuse

MAX_TEXT = 100_000_000  # bytes
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
    for line, row in table_rows(root / "names.csv", ("identity", "name"), fault):
        if row["identity"].isdecimal():
            found.names[int(row["identity"])] = row["name"]
        else:
            fault(_wrong(root / "names.csv", line, f"{row['identity']!r} is no identity"))
    for line, row in table_rows(root / "pictures.csv", ("path",), fault):
        camera = row.get("camera", "")
        if camera.isdecimal():
            found.cameras[row["path"]] = int(camera)
        elif camera:
            fault(_wrong(root / "pictures.csv", line, f"{camera!r} is no number of a camera"))
    of_name = {name: one for one, name in found.names.items()}

    def look_up(word: str) -> int | None:
        one = int(word) if word.isdecimal() else of_name.get(word)
        return one if one in people else None

    found.parts = read_lists(root, look_up, fault)
    _rules(root / "set.json", found, fault)
    return found


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
                fault(_wrong(file, line, f"{word!r} is nobody of this set"))
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


def _rules(file: Path, found: Declared, fault: Fault) -> None:
    """What ``set.json`` says, into ``found``."""
    if not file.exists():
        return
    try:
        said = json.loads(read_bytes(file, MAX_TEXT, "set.json"))
    except ValueError as error:
        said = error
    if not isinstance(said, dict):
        fault(_wrong(file, None, "is no JSON object"))
        return
    if unknown := sorted(said.keys() - set(RULES)):
        fault(_wrong(file, None, f"says {', '.join(unknown)}, which is not understood"))
    found.exclude = said.get("exclude", "none")
    if found.exclude not in EXCLUDED:
        fault(_wrong(file, None, f"exclude = {found.exclude!r} is none of {', '.join(EXCLUDED)}"))
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
