"""RegDB: ``Visible/<id>/*.bmp``, ``Thermal/<id>/*.bmp``,
``idx/{train,test}_{visible,thermal}_{1..10}.txt``.

A line of an index file is a path, a blank and a label: ``Visible/285/male_back_v_05528_285.bmp 0``.
The identity is the folder's number; labels only have to agree with it. Ten trials are ten splits.
Without index files the identities are halved by a seeded order, and the provenance says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from bdlab import rules
from bdlab.modality import Modality

from . import index
from .index import Entry
from .layouts import (
    SUFFIXES,
    checked_split,
    entries,
    identity_folders,
    naming,
    paired,
    picture_names,
    pictures_below,
    seeded_parts,
)
from .pictures import read_bytes
from .records import Dataset, DatasetError, Fault, Record, few, refuse, validate

TRIALS = range(1, rules.REGDB.splits + 1)
PARTS = ("train", "test")
FOLDERS = {Modality.V: "Visible", Modality.I: "Thermal"}
OPTIONS = ("split",)
TOPS = {name: modality for modality, name in FOLDERS.items()}
_INDEX = re.compile(r"(train|test)_.*\.txt")
_ANY_INDEX = re.compile(r"(train|test)_(visible|thermal).*", re.IGNORECASE)
MAX_INDEX = 4_000_000  # bytes; the published files have 120 kB

NO_INDEX = "no index files, not comparable with published trials"
_EXAMPLE = "Visible/285/male_back_v_05528_285.bmp 0"


def read(
    root: Path | str,
    split: int = 1,
    val_holdout: bool = False,
    *,
    name: str = rules.REGDB.name,
    fault: Fault = refuse,
) -> Dataset:
    """The data set of one trial. ``val_holdout``: with the people of ``idx/val_*_<trial>.txt`` as
    the val part, whom the rendered sets have; RegDB itself holds nobody out.

    Raises DatasetError (or hands it to ``fault`` and reads on) naming the file and the line: for
    every rule of ``parse_index``, a picture that is not there, labels that disagree, visible and
    thermal identities that differ.
    """
    root, fault = Path(root), naming(fault)
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
        source, unlike = f"trial {split} of the index files", []
    else:
        misspelt(root, fault)
        records = _halved(root, split, fault)
        source = f"identities halved by seed {split}: {NO_INDEX}"
        unlike = [NO_INDEX]
    records.sort(key=lambda r: r.path)
    provenance = {
        "split": split,
        "source": source,
        "val_holdout": val_holdout,
        "unlike_published": unlike + rules.unlike_published(rules.REGDB, records),
    }
    return validate(Dataset(name, root, tuple(records), rules.REGDB.name, provenance))


def has_index(root: Path) -> bool:
    """Whether ``idx`` holds any index file: then every trial needs its four."""
    return any(_INDEX.fullmatch(path.name) for path in (root / "idx").glob("*.txt"))


def misspelt(root: Path, fault: Fault = refuse) -> None:
    """Faults: index files that lie where nobody reads them (another spelling of ``idx`` or
    ``.txt``, a folder too deep or too high), a folder for them without any.

    Without this the people would be halved anew, and pass for a published trial.
    """
    rule = "index files are idx/{train,test}_{visible,thermal}_{1..10}.txt"
    halved = "without any, the people are halved by a seed, and labelled so"
    folders = [root, *_folders(root)]
    for folder in folders[1:]:
        folders = [*folders, *_folders(folder)]
    for folder in folders:
        names = sorted(path.name for path in _inside(folder) if _ANY_INDEX.fullmatch(path.name))
        if names:
            error = DatasetError(
                f"index files lie here ({few(names)}), where they are not read",
                file=folder,
                rule=rule,
                remedy=f"move them to {root / 'idx'}, spelt in small letters; {halved}",
            )
            fault(error)
            return
    for folder in folders[1:]:
        if folder.name.lower() == "idx":
            error = DatasetError(
                "the folder of the index files holds none",
                file=folder,
                rule=rule,
                remedy=f"fetch them again, or remove the folder: {halved}",
            )
            fault(error)


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder, but for those of pictures."""
    return [path for path in _inside(folder) if path.is_dir()]


def _inside(folder: Path) -> list[Path]:
    """What a folder holds, but for the folders of pictures; nothing where it cannot be listed."""
    try:
        return sorted(path for path in folder.iterdir() if path.name not in TOPS)
    except OSError:
        return []


def parse_index(
    data: bytes, modality: Modality, file: Path | str, fault: Fault = refuse
) -> list[Entry]:
    """The bytes of one index file -> its entries, in order; see ``index.parse``. A path is
    ``Visible/<number>/<picture>``.
    """
    top = FOLDERS[modality]

    def identity_of(shown: str, parts: list[str], label: int) -> int:
        if (
            len(parts) != 3
            or parts[0] != top
            or parts[2].startswith(".")
            or Path(parts[2]).suffix.lower() not in SUFFIXES
        ):
            raise index.Wrong(f"the path {shown!r} is not {top}/<identity>/<picture>")
        if not re.fullmatch("[0-9]{1,9}", parts[1]):
            raise index.Wrong(
                f"the identity {parts[1]!r} is no whole number in plain digits",
                "each identity has a folder named by its number",
            )
        return int(parts[1])

    return index.parse(data, identity_of, _EXAMPLE, file, fault)


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
    """Whether the root has this folder, spelt so; a link out of the root does not count."""
    if folder in {entry.name for entry in entries(root, root, fault) if entry.is_dir()}:
        return True
    fault(
        DatasetError(
            f"the folder {folder} is not there",
            file=root,
            rule="RegDB has the folders Visible and Thermal",
            remedy="check the root, or " + rules.REGDB.source,
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
                    f"identities {few(ids)} have no {lacks} picture here, "
                    "but the other modality's file lists them",
                    file=file,
                    rule="visible and thermal files list the same identities",
                    remedy=index.AGAIN,
                )
            )
    for one in sorted(visible.keys() & thermal.keys()):
        if visible[one].label != thermal[one].label:
            fault(
                DatasetError(
                    f"identity {one} has label {thermal[one].label}, "
                    f"in the visible file label {visible[one].label}",
                    file=root / "idx" / f"{part}_thermal_{split}.txt",
                    line=thermal[one].line,
                    rule="one label, one identity (the number of the folder)",
                    remedy=index.AGAIN,
                )
            )


def _halved(root: Path, split: int, fault: Fault) -> list[Record]:
    """Without index files: half of the identities to train on, half to test on, drawn by a seed."""
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


def on_disk(root: Path, fault: Fault = refuse) -> dict[str, tuple[int, Modality]]:
    """Every picture under ``root``, listed or not -> its identity and modality."""
    return pictures_below(root, TOPS, fault)


def doctors_splits(root: Path) -> Iterable[int]:
    """The splits that the data doctor reads."""
    return TRIALS if has_index(root) else (1,)
