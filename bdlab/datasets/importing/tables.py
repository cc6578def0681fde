"""A table that lists pictures: which column says what, row by row. Nothing of it is dropped without
a word.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection
from pathlib import Path

from ..layouts import SUFFIXES
from ..pictures import read_bytes
from ..records import DatasetError, few
from ..strays import link_fault
from . import words
from .plan import Found, Plan

MAX_TABLE = 100_000_000  # bytes
SEPARATORS = (",", ";", "\t", "|")
#: What a column is for, and the headers that say so (small letters, blanks and dashes as _).
COLUMNS = {
    "path": ("path", "file", "filename", "file_name", "image", "image_path", "img", "picture"),
    "identity": ("identity", "id", "pid", "person", "person_id", "label"),
    "modality": ("modality", "spectrum", "domain"),
    "camera": ("camera", "cam", "camid", "cam_id", "camera_id"),
    "split": ("split", "part", "subset", "set"),
    "name": ("name", "person_name", "full_name"),
    "x": ("x", "left"), "y": ("y", "top"),
    "w": ("w", "width"), "h": ("h", "height"),
}  # fmt: skip
LISTING = ("path", "identity", "modality", "camera", "split", "name")
NEEDED = ("path", "identity", "modality")

Row = dict[str, str]


def read(table: Path, skip: Collection[str] = ()) -> Plan:
    """The plan of a table of pictures: columns path, identity and modality; camera, split and name
    if they are there.

    Separators are commas, semicolons, tabs or bars; headers are read in any case. Relative paths
    start at the table. ``skip`` names columns to pass over. Raises DatasetError naming file and
    line.
    """
    rows, passed = read_rows(table, LISTING, NEEDED, skip)
    plan = Plan(table, "a table of pictures", [], passed=passed)
    spelled: dict[int, str] = {}
    listed: dict[Path, int] = {}
    for line, row in rows:
        one = _found(row, table, line)
        if one.source in listed:
            raise wrong(
                table, line, f"{row['path']} is listed twice (first in line {listed[one.source]})",
                "every picture is listed once", "take one of the lines out",
            )  # fmt: skip
        listed[one.source] = line
        _one_spelling(one.name, spelled, table, line)
        describe(plan, row, one.name, table, line)
        plan.pictures.append(one)
    _are_there(plan, table)
    return plan


def read_rows(
    table: Path, known: tuple[str, ...], needed: tuple[str, ...], skip: Collection[str] = ()
) -> tuple[list[tuple[int, Row]], list[str]]:
    """The (line, row) pairs of a table, columns by their purpose; and the columns passed over.

    Raises DatasetError: no text in UTF-8, no header, a column that is missing, twice there or not
    understood, a row with more or fewer columns.
    """
    text = _text(table)
    first = text.partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        header = [column.strip() for column in next(reader, [])]
        lines = [(reader.line_num, values) for values in reader if any(map(str.strip, values))]
    except csv.Error as error:
        raise wrong(
            table, None, f"is no CSV table ({error})", "the table is CSV, UTF-8",
            "save it as CSV UTF-8",
        ) from error  # fmt: skip
    _without_empty_ends(header, lines)
    purposes = _purposes(header, table, known, needed, skip)
    rows = [(line, _row(values, purposes, table, line)) for line, values in lines]
    passed = [f"the column {column!r}" for column in header if column in skip]
    return rows, passed


def _without_empty_ends(header: list[str], lines: list[tuple[int, list[str]]]) -> None:
    """Takes off the columns at the right in which nothing stands, as spreadsheets write them."""
    while header and not header[-1]:
        ends = [values for _, values in lines if len(values) == len(header)]
        if any(values[-1].strip() for values in ends):
            return
        for values in (header, *ends):
            del values[-1]


def _text(table: Path) -> str:
    data = read_bytes(table, MAX_TABLE, "table")
    rule, remedy = "the table is plain text, UTF-8", "save it as CSV UTF-8"
    if b"\0" in data:
        raise wrong(table, None, "holds NUL bytes or is UTF-16", rule, remedy)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise wrong(table, None, f"is no CSV table ({error})", rule, remedy) from error


def _purposes(
    header: list[str],
    table: Path,
    known: tuple[str, ...],
    needed: tuple[str, ...],
    skip: Collection[str],
) -> list[str | None]:
    """What each column is for, None for one passed over."""
    rule = f"the table has the columns {', '.join(needed)}, and may have {', '.join(known)}"
    purposes: list[str | None] = []
    strange = []
    for column in header:
        low = column.lower().replace(" ", "_").replace("-", "_")
        purpose = next((name for name in known if low in COLUMNS[name]), None)
        if column in skip:
            purposes.append(None)
            continue
        if purpose is None:
            strange.append(column)
        elif purpose in purposes:
            raise wrong(
                table, 1, f"has two columns for the {purpose}: {column!r} is the second", rule,
                f"take one out, or pass it over with --skip {column}",
            )  # fmt: skip
        purposes.append(purpose)
    # a table of people's names alone: the name is the identity
    if "identity" in needed and "identity" not in purposes and "name" in purposes:
        purposes[purposes.index("name")] = "identity"
    if missing := [name for name in needed if name not in purposes]:
        held = f" (it has {', '.join(header)})" if any(header) else ""
        raise wrong(
            table, 1, f"has no column {', '.join(missing)}{held}", rule,
            "name the columns in the first line, with , ; or tabs between",
        )  # fmt: skip
    if strange:
        options = " ".join(f"--skip {column!r}" for column in strange)
        raise wrong(
            table, 1, "has columns that are not understood: "
            f"{', '.join(column or 'one without a name' for column in strange)}", rule,
            f"rename them, take them out, or pass them over with {options}",
        )  # fmt: skip
    return purposes


def _row(values: list[str], purposes: list[str | None], table: Path, line: int) -> Row:
    if len(values) != len(purposes):
        raise wrong(
            table, line, "the line has more or fewer columns than the first",
            "every line has the same columns",
        )  # fmt: skip
    return {
        name: value.strip()
        for name, value in zip(purposes, values, strict=True)
        if name is not None
    }


def _found(row: Row, table: Path, line: int) -> Found:
    """One row as a picture; raises DatasetError naming its line."""
    name = words.plain(row["identity"])
    if not name or not name.isprintable():
        raise wrong(
            table, line, f"the identity {name!r} is empty or no printable text",
            "an identity is a name on one line",
        )  # fmt: skip
    modality = words.MODALITIES.get(row["modality"].lower())
    if modality is None:
        raise wrong(
            table, line, f"unknown modality {row['modality']!r}",
            f"a modality is one of {', '.join(words.MODALITIES)}",
        )  # fmt: skip
    source = place(row["path"], table.parent, table, line)
    return Found(source, name, modality, row.get("camera") or None, line=line)


def place(path: str, base: Path, table: Path, line: int) -> Path:
    """The file a table's path names, relative to ``base`` or absolute; raises DatasetError."""
    if not path or not path.isprintable():
        raise wrong(table, line, f"the path {path!r} is empty or no text", "a row names a picture")
    if Path(path.replace("\\", "/")).suffix.lower() not in SUFFIXES:
        raise wrong(
            table, line, f"{path!r} is not a picture bdlab reads",
            f"pictures end in {', '.join(sorted(SUFFIXES))}",
        )  # fmt: skip
    source = Path(path.replace("\\", "/"))
    if source.is_absolute():
        return _in_its_form(source)
    rule = "a relative path stays under the folder it starts from"
    if ".." in source.parts:
        remedy = "give the absolute path"
        raise wrong(table, line, f"the path {path!r} leads out of {base}", rule, remedy)
    if (base / source).is_symlink() and (error := link_fault(base / source, base)):
        raise wrong(table, line, f"{path!r} {error.problem}", rule, error.remedy)
    return _in_its_form(base / source)


def _in_its_form(path: Path) -> Path:
    """The path in the form of Unicode that the disk has: systems write é in two."""
    forms = [Path(unicodedata.normalize(form, str(path))) for form in ("NFC", "NFD")]
    return next((there for there in (path, *forms) if there.exists()), path)


def describe(plan: Plan, row: Row, name: str, table: Path, line: int) -> None:
    """A row's part and person's name into the plan; raises DatasetError where two rows differ."""
    said = {}
    if "split" in row:
        said["split"] = words.PARTS.get(row["split"].lower())
        if said["split"] is None:
            raise wrong(
                table, line, f"unknown part {row['split']!r}",
                f"a part is one of {', '.join(words.PARTS)}",
            )  # fmt: skip
    if row.get("name"):
        said["name"] = words.plain(row["name"])
    for column, value in said.items():
        known = plan.parts if column == "split" else plan.people
        if known.setdefault(name, value) != value:
            raise wrong(
                table, line, f"identity {name!r} has the {column} {value!r} here and "
                f"{known[name]!r} before",
                f"one person has one {column}",
            )  # fmt: skip


def _one_spelling(name: str, spelled: dict[int, str], table: Path, line: int) -> None:
    """Raises DatasetError where a number is written in two ways: one person or two?"""
    number = re.fullmatch(r"([0-9]+)(?:\.0*)?", name)  # 1, 01, and 1.0 of a program's own making
    if number and spelled.setdefault(int(number[1]), name) != name:
        raise wrong(
            table, line, f"the identity {name!r} is written {spelled[int(number[1])]!r} before",
            "a number of a person is written one way",
        )  # fmt: skip


def _are_there(plan: Plan, table: Path) -> None:
    """Raises DatasetError naming the first picture that is not there, and how many are not."""
    gone = [one for one in plan.pictures if not one.source.is_file()]
    if gone:
        first = gone[0]
        others = f"; lines of the others: {few(one.line for one in gone[1:])}" * bool(gone[1:])
        raise wrong(
            table, first.line, f"the picture {first.source} is not there or cannot be read "
            f"({len(gone)} of {len(plan.pictures)}{others})",
            "paths are absolute, or start at the folder of the table",
            f"correct the paths, or move the table to where they start from ({table.parent} now)",
        )  # fmt: skip


def wrong(
    table: Path, line: int | None, problem: str, rule: str, remedy: str = "correct the line"
) -> DatasetError:
    """A fault of a table, by file and line."""
    return DatasetError(problem, file=table, line=line, rule=rule, remedy=remedy)
