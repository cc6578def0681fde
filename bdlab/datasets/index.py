"""Index files: text that lists one picture a line, with a label; read without trust, and refused by
file and line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .records import DatasetError, Fault, refuse

MAX_LINE = 1000  # bytes; the published files have lines of 45
AGAIN = "fetch the index files again"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an index file."""

    line: int
    path: str
    identity: int
    label: int


@dataclass(eq=False)
class Wrong(Exception):
    """What is wrong with a line: the problem, the rule it breaks ("" for the general one) and the
    remedy.
    """

    problem: str
    rule: str = ""
    remedy: str = "correct the line, or " + AGAIN


#: A path's parts (without an absolute or a climbing one) and its label -> the identity, or Wrong.
IdentityOf = Callable[[str, list[str], int], int]


def parse(
    data: bytes, identity_of: IdentityOf, example: str, file: Path | str, fault: Fault = refuse
) -> list[Entry]:
    """The bytes of one index file -> its entries, in order.

    UTF-8 with or without BOM, LF or CRLF, forward or backward slashes. Faults name file and line:
    another encoding, NUL, a line of more than 1,000 bytes, a missing or third column, a path that
    leads out of the set (absolute, ``..``) or is not ``identity_of``'s, a label that is no plain
    whole number, a picture listed twice, a label or an identity with two partners.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        error = DatasetError(
            "holds NUL bytes or is UTF-16",
            file=file,
            line=data.partition(b"\0")[0].count(b"\n") + 1,
            rule="index files are plain text, UTF-8",
            remedy="save it as UTF-8, or fetch it again",
        )
        fault(error)
        return []
    known = _Known()
    rule = f"a line is a path, a blank and a label, as in {example}"
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            entry = _entry(raw.removesuffix(b"\r"), number, identity_of)
            if entry is not None:
                known.add(entry)
        except Wrong as wrong:
            error = DatasetError(
                wrong.problem,
                file=file,
                line=number,
                rule=wrong.rule or rule,
                remedy=wrong.remedy,
            )
            fault(error)
    if not known.entries:
        fault(
            DatasetError(
                "lists no picture", file=file, rule="every index file lists pictures", remedy=AGAIN
            )
        )
    return known.entries


class _Known:
    """The entries read so far, and what they say about each other."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.line_of: dict[str, int] = {}
        self.of_label: dict[int, Entry] = {}
        self.of_identity: dict[int, Entry] = {}

    def add(self, entry: Entry) -> None:
        """Takes one more entry; Wrong if it is listed already or contradicts an earlier one."""
        if entry.path in self.line_of:
            raise Wrong(
                f"{entry.path} is listed twice (first in line {self.line_of[entry.path]})",
                "every picture is listed once",
                "take one of the two lines out",
            )
        for table, key in ((self.of_label, entry.label), (self.of_identity, entry.identity)):
            other = table.setdefault(key, entry)
            if (other.label, other.identity) != (entry.label, entry.identity):
                raise Wrong(
                    f"label {entry.label} with identity {entry.identity} "
                    f"contradicts line {other.line}",
                    "one label, one identity (the number of the folder)",
                    AGAIN,
                )
        self.line_of[entry.path] = entry.line
        self.entries.append(entry)


def _entry(raw: bytes, number: int, identity_of: IdentityOf) -> Entry | None:
    """One line -> its entry, or None for a blank line; raises Wrong."""
    if len(raw) > MAX_LINE:
        raise Wrong(f"the line has {len(raw):,} bytes", f"a line has at most {MAX_LINE:,} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Wrong(
            "the line is not UTF-8",
            "index files are plain text, UTF-8",
            "save it as UTF-8, or fetch it again",
        ) from None
    columns = re.split(r"[ \t]+", text.strip(" \t"))
    if columns == [""]:
        return None
    if not text.replace("\t", " ").isprintable():
        raise Wrong(f"the line holds characters that are no printable text: {text!r}")
    if len(columns) != 2:
        raise Wrong(f"the line has {len(columns)} column{'s' * (len(columns) != 1)}: {text!r}")
    path, label = columns[0].replace("\\", "/"), columns[1]
    parts = path.split("/")
    if ".." in parts or path.startswith("/") or re.match("[A-Za-z]:", path):
        raise Wrong(
            f"the path {columns[0]!r} leads out of the data set",
            "a path is relative to the root and stays under it",
        )
    if not re.fullmatch("[0-9]{1,9}", label):
        # the path is looked at first: it says more about a line of something else
        identity_of(columns[0], parts, 0)
        raise Wrong(f"the label {label!r} is no whole number in plain digits")
    return Entry(number, path, identity_of(columns[0], parts, int(label)), int(label))
