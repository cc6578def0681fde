"""RegDB: ``Visible/<id>/*.bmp``, ``Thermal/<id>/*.bmp``,
``idx/{train,test}_{visible,thermal}_{1..10}.txt``.

A line of an index file is a path, a blank and a label: ``Visible/285/male_back_v_05528_285.bmp 0``.
The identity is the folder's number; labels only have to agree with it. Ten trials are ten splits.
Without index files the identities are halved by a seeded order, and the provenance says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bdlab import rules
from bdlab.modality import Modality

from .layouts import (
    SOURCES,
    SUFFIXES,
    checked_split,
    entries,
    identity_folders,
    paired,
    picture_names,
    seeded_parts,
)
from .pictures import read_bytes
from .records import Dataset, DatasetError, Fault, Record, few, refuse, validate

TRIALS = range(1, rules.REGDB.splits + 1)
PARTS = ("train", "test")
FOLDERS = {Modality.V: "Visible", Modality.I: "Thermal"}
# bytes; the published files have 120 kB and lines of 45 bytes
MAX_INDEX, MAX_LINE = 4_000_000, 1000

_LINE_RULE = "a line is a path, a blank and a label, as in Visible/285/male_back_v_05528_285.bmp 0"
_AGAIN = "fetch the index files again"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an index file."""

    line: int
    path: str
    identity: int
    label: int


def read(
    root: Path | str,
    split: int = 1,
    val_holdout: bool = False,
    *,
    name: str = rules.REGDB.name,
    fault: Fault = refuse,
) -> Dataset:
    """The data set of one trial. ``val_holdout``: with the people of ``idx/val_*_<trial>.txt`` as the
    val part, whom the rendered sets have; RegDB itself holds nobody out.

    Raises DatasetError (or hands it to ``fault`` and reads on) naming the file and the line: for
    every rule of ``parse_index``, a picture that is not there, labels that disagree, visible and
    thermal identities that differ.
    """
    root = Path(root)
    if not isinstance(val_holdout, bool) or (val_holdout and not has_index(root)):
        raise DatasetError(
            f"val_holdout {val_holdout!r} is asked for",
            file=root,
            rule="True or False; people are held out by index files idx/val_*_<trial>.txt alone",
            remedy="leave it out: RegDB itself holds nobody out of training",
        )
    split = checked_split(split, TRIALS, "RegDB has ten trials, each a split of its own: 1 to 10")
    if has_index(root):
        parts = (*PARTS, "val") if val_holdout else PARTS
        records = _from_index(root, split, parts, fault)
        source = f"trial {split} of the index files"
    else:
        records, source = (
            _halved(root, split, fault),
            f"identities halved by seed {split}: no index files, not comparable with published trials",
        )
    records.sort(key=lambda r: r.path)
    return validate(
        Dataset(
            name,
            root,
            tuple(records),
            rules.REGDB.name,
            {"split": split, "source": source, "val_holdout": val_holdout},
        )
    )


def has_index(root: Path) -> bool:
    """Whether ``idx`` holds any index file: then every trial needs its four."""
    return any(
        re.fullmatch(r"(train|test)_.*\.txt", path.name) for path in (root / "idx").glob("*.txt")
    )


def parse_index(
    data: bytes, modality: Modality, file: Path | str, fault: Fault = refuse
) -> list[Entry]:
    """The bytes of one index file -> its entries, in order.

    UTF-8 with or without BOM, LF or CRLF, forward or backward slashes. Faults name file and line:
    another encoding, NUL, a line of more than 1,000 bytes, a missing or third column, a path that
    is not ``Visible/<number>/<picture>`` (absolute, ``..``), a label that is no plain whole number,
    a picture listed twice, a label or an identity with two partners.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        line = data.partition(b"\0")[0].count(b"\n") + 1
        fault(
            DatasetError(
                "holds NUL bytes or is UTF-16",
                file=file,
                line=line,
                rule="index files are plain text, UTF-8",
                remedy="save it as UTF-8, or fetch it again",
            )
        )
        return []
    found: list[Entry] = []
    lines: dict[str, int] = {}
    of_label: dict[int, Entry] = {}
    of_identity: dict[int, Entry] = {}
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            if (entry := _entry(raw.removesuffix(b"\r"), number, modality, file)) is None:
                continue
            if entry.path in lines:
                raise DatasetError(
                    f"{entry.path} is listed twice (first in line {lines[entry.path]})",
                    file=file,
                    line=number,
                    rule="every picture is listed once",
                    remedy="take one of the two lines out",
                )
            for known, key in ((of_label, entry.label), (of_identity, entry.identity)):
                other = known.setdefault(key, entry)
                if (other.label, other.identity) != (entry.label, entry.identity):
                    raise DatasetError(
                        f"label {entry.label} with identity {entry.identity} contradicts line {other.line}",
                        file=file,
                        line=number,
                        rule="one label, one identity (the number of the folder)",
                        remedy=_AGAIN,
                    )
        except DatasetError as error:
            fault(error)
            continue
        lines[entry.path] = number
        found.append(entry)
    if not found:
        fault(
            DatasetError(
                "lists no picture", file=file, rule="every index file lists pictures", remedy=_AGAIN
            )
        )
    return found


def _entry(raw: bytes, number: int, modality: Modality, file: Path | str) -> Entry | None:
    """One line -> its entry, or None for a blank line; raises DatasetError."""

    def wrong(
        problem: str, rule: str = _LINE_RULE, remedy: str = "correct the line, or " + _AGAIN
    ) -> DatasetError:
        return DatasetError(problem, file=file, line=number, rule=rule, remedy=remedy)

    if len(raw) > MAX_LINE:
        raise wrong(f"the line has {len(raw):,} bytes", f"a line has at most {MAX_LINE:,} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise wrong(
            "the line is not UTF-8",
            "index files are plain text, UTF-8",
            "save it as UTF-8, or fetch it again",
        ) from None
    columns = re.split(r"[ \t]+", text.strip(" \t"))
    if columns == [""]:
        return None
    if not text.replace("\t", " ").isprintable():
        raise wrong(f"the line holds characters that are no printable text: {text!r}")
    if len(columns) != 2:
        raise wrong(f"the line has {len(columns)} column{'s' * (len(columns) != 1)}: {text!r}")
    path, label = columns[0].replace("\\", "/"), columns[1]
    parts = path.split("/")
    if ".." in parts or path.startswith("/") or re.match("[A-Za-z]:", path):
        raise wrong(
            f"the path {columns[0]!r} leads out of the data set",
            "a path is relative to the root and stays under it",
        )
    if (
        len(parts) != 3
        or parts[0] != FOLDERS[modality]
        or parts[2].startswith(".")
        or Path(parts[2]).suffix.lower() not in SUFFIXES
    ):
        raise wrong(f"the path {columns[0]!r} is not {FOLDERS[modality]}/<identity>/<picture>")
    if not re.fullmatch("[0-9]{1,9}", parts[1]):
        raise wrong(
            f"the identity {parts[1]!r} is no whole number in plain digits",
            "each identity has a folder named by its number",
        )
    if not re.fullmatch("[0-9]{1,9}", label):
        raise wrong(f"the label {label!r} is no whole number in plain digits")
    return Entry(number, path, int(parts[1]), int(label))


def _from_index(root: Path, split: int, parts: Iterable[str], fault: Fault) -> list[Record]:
    """The records of one trial's files, two a part, each picture looked up on disk."""
    there = {modality: _listing(root, modality, fault) for modality in FOLDERS}
    records: list[Record] = []
    for part in parts:
        identities: dict[Modality, dict[int, Entry]] = {}
        for modality, folder in FOLDERS.items():
            file = root / "idx" / f"{part}_{folder.lower()}_{split}.txt"
            try:
                data = read_bytes(file, MAX_INDEX, "index file")
            except DatasetError as error:
                fault(error)
                continue
            found = parse_index(data, modality, file, fault)
            identities[modality] = {entry.identity: entry for entry in found}
            for entry in found:
                if entry.path in there[modality]:
                    records.append(Record(entry.path, entry.identity, modality, split=part))
                else:
                    fault(
                        DatasetError(
                            f"the picture is not there ({file.name}, line {entry.line}, lists it)",
                            file=root / entry.path,
                            line=None,
                            rule="every picture an index file lists is there",
                            remedy="fetch the picture again",
                        )
                    )
        if len(identities) == 2:
            _same_identities(
                root, part, split, identities[Modality.V], identities[Modality.I], fault
            )
    return records


def _listing(root: Path, modality: Modality, fault: Fault) -> frozenset[str]:
    """The paths of all pictures of one modality on disk."""
    folder = FOLDERS[modality]
    names = identity_folders(root / folder, root, fault) if _present(root, folder, fault) else {}
    return frozenset(
        f"{folder}/{name}/{picture}"
        for name in names.values()
        for picture in picture_names(root / folder / name, root, fault)
    )


def _present(root: Path, folder: str, fault: Fault) -> bool:
    """Whether the root has this folder, spelt so; a link that leads out of the root does not count."""
    if folder in {entry.name for entry in entries(root, root, fault) if entry.is_dir()}:
        return True
    fault(
        DatasetError(
            f"the folder {folder} is not there",
            file=root,
            rule="RegDB has the folders Visible and Thermal",
            remedy="check the root, or " + SOURCES["regdb"],
        )
    )
    return False


def _same_identities(
    root: Path,
    part: str,
    split: int,
    visible: dict[int, Entry],
    thermal: dict[int, Entry],
    fault: Fault,
) -> None:
    """Faults: an identity in one modality's index only, or with another label there."""
    for ids, lacks in (
        (visible.keys() - thermal.keys(), "thermal"),
        (thermal.keys() - visible.keys(), "visible"),
    ):
        if ids:
            file = root / "idx" / f"{part}_{lacks}_{split}.txt"
            fault(
                DatasetError(
                    f"identities {few(ids)} have no {lacks} picture here, but the other modality's file lists them",
                    file=file,
                    rule="visible and thermal files list the same identities",
                    remedy=_AGAIN,
                )
            )
    for one in sorted(visible.keys() & thermal.keys()):
        if visible[one].label != thermal[one].label:
            fault(
                DatasetError(
                    f"identity {one} has label {thermal[one].label}, in the visible file label {visible[one].label}",
                    file=root / "idx" / f"{part}_thermal_{split}.txt",
                    line=thermal[one].line,
                    rule="one label, one identity (the number of the folder)",
                    remedy=_AGAIN,
                )
            )


def _halved(root: Path, split: int, fault: Fault) -> list[Record]:
    """Without index files: half of the identities to train on, half to test on, in a seeded order."""
    pictures = [
        (modality, path, int(path.split("/")[1]))
        for modality in FOLDERS
        for path in sorted(_listing(root, modality, fault))
    ]
    parts = seeded_parts(
        paired(root, {(m, one) for m, _, one in pictures}, FOLDERS, fault), split, test=0.5
    )
    return [
        Record(path, one, modality, split=parts[one])
        for modality, path, one in pictures
        if one in parts
    ]
