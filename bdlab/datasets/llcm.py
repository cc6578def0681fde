"""LLCM: ``idx/train_{vis,nir}.txt``, ``idx/test_id.txt``, ``test_{vis,nir}/cam<n>/<id:04d>/*``.

A line of a training list is a path and a label, counted from 0. The test pictures' identities and
cameras are those of their folders; every camera sees both ways, but for the third, which has no
infrared. Queries are all test pictures of one modality, the gallery is drawn from the other by the
protocol.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from bdlab import rules
from bdlab.modality import Modality

from . import index
from .layouts import SUFFIXES, checked_split, entries, identity_folders, naming, picture_names
from .pictures import read_bytes
from .records import Dataset, DatasetError, Fault, Record, few, refuse, validate
from .sysu import MAX_LIST, parse_ids

OPTIONS = ("split",)
WORDS = {Modality.V: "vis", Modality.I: "nir"}
CAMERAS = {Modality.V: rules.LLCM.visible, Modality.I: rules.LLCM.infrared}
TOPS = {f"test_{word}": modality for modality, word in WORDS.items()}
MAX_INDEX = 8_000_000  # bytes; some 17,000 lines
#: Where the folder above a training picture is no number, its label names the identity, from here.
BY_LABEL = 1_000_000
_EXAMPLE = "vis/0001/0001_c01_0001.jpg 0"


def read(
    root: Path | str,
    split: int = 1,
    val_holdout: bool = False,
    *,
    name: str = rules.LLCM.name,
    fault: Fault = refuse,
) -> Dataset:
    """The data set. ``val_holdout``: with the people of ``idx/val_{vis,nir}.txt`` as the val part,
    whom the rendered sets have; LLCM itself holds nobody out.

    Raises DatasetError (or hands it to ``fault`` and reads on) naming file and line: a camera that
    is not there, every rule of ``index.parse`` and ``sysu.parse_ids``, a listed picture that is not
    there, a test identity without pictures, one trained on in one modality only.
    """
    root, fault = Path(root), naming(fault)
    split = checked_split(split, range(1, 2), "LLCM has one split: 1")
    if not isinstance(val_holdout, bool):
        raise DatasetError(
            f"val_holdout {val_holdout!r} is neither True nor False",
            rule="people are held out or not",
            remedy="give True or False",
        )
    records = []
    for part in ("train", "val") if val_holdout else ("train",):
        records += _listed(root, part, fault)
    records += _tested(root, fault)
    records.sort(key=lambda record: record.path)
    provenance = {
        "split": split,
        "source": "idx/train_vis.txt, idx/train_nir.txt, idx/test_id.txt",
        "val_holdout": val_holdout,
        "unlike_published": rules.unlike_published(rules.LLCM, records),
    }
    return validate(Dataset(name, root, tuple(records), rules.LLCM.name, provenance))


def parse_list(
    data: bytes, modality: Modality, file: Path | str, fault: Fault = refuse
) -> list[index.Entry]:
    """The entries of a training list; faults name file and line: see ``index.parse``, and a path
    of the other modality's folder.
    """
    return index.parse(data, partial(_identity_of, modality), _EXAMPLE, file, fault)


def _identity_of(modality: Modality, shown: str, parts: list[str], label: int) -> int:
    """The identity of a training picture: the number of its folder, else its label's."""
    name = parts[-1]
    is_picture = not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
    if len(parts) < 2 or not is_picture or {"", "."} & set(parts):
        raise index.Wrong(f"the path {shown!r} is not <folder>/.../<picture>")
    if parts[0] in WORDS.values() and parts[0] != WORDS[modality]:
        raise index.Wrong(
            f"the path {shown!r} is of the other modality",
            f"this list has {modality.title} pictures, of {WORDS[modality]}/",
            "rename the two lists if they are exchanged, or " + index.AGAIN,
        )
    if parts[0] in TOPS:
        raise index.Wrong(
            f"the path {shown!r} is a test picture",
            "nobody is trained on and tested",
            index.AGAIN,
        )
    folder = parts[-2]
    numbered = folder.isascii() and folder.isdigit() and len(folder) < 10
    return int(folder) if numbered else BY_LABEL + label


def _listed(root: Path, part: str, fault: Fault) -> list[Record]:
    """The pictures of the two lists of a part, each looked up on disk."""
    records: list[Record] = []
    labels: dict[Modality, dict[int, int]] = {}
    for modality, word in WORDS.items():
        file = root / "idx" / f"{part}_{word}.txt"
        try:
            data = read_bytes(file, MAX_INDEX, "index file")
        except DatasetError as error:
            fault(error)
            continue
        found = parse_list(data, modality, file, fault)
        _in_one_list(records, found, file, fault)
        labels[modality] = {entry.identity: entry.label for entry in found}
        for entry in found:
            if _is_picture(root, entry.path):
                records.append(Record(entry.path, entry.identity, modality, split=part))
            else:
                fault(_gone(root, file, entry))
    if len(labels) == 2:
        _same_labels(root, part, labels[Modality.V], labels[Modality.I], fault)
    return records


def _in_one_list(records: list[Record], found: list[index.Entry], file: Path, fault: Fault) -> None:
    """Faults: the first picture that the other modality's list has too."""
    before = {record.path for record in records}
    twice = [entry for entry in found if entry.path in before]
    if twice:
        error = DatasetError(
            f"{twice[0].path} is in the visible list too ({len(twice)} such)",
            file=file,
            line=twice[0].line,
            rule="a picture is visible or infrared",
            remedy=index.AGAIN,
        )
        fault(error)


def _is_picture(root: Path, path: str) -> bool:
    """Whether an ordinary file lies there, under the root."""
    place = root / path
    return place.is_file() and place.resolve().is_relative_to(root.resolve())


def _gone(root: Path, file: Path, entry: index.Entry) -> DatasetError:
    return DatasetError(
        f"the picture is not there ({file.name}, line {entry.line}, lists it)",
        file=root / entry.path,
        rule="every picture an index file lists is there, under the root",
        remedy="fetch the picture again",
    )


def _same_labels(
    root: Path, part: str, visible: dict[int, int], infrared: dict[int, int], fault: Fault
) -> None:
    """Faults: identities of one list only, or with another label in the other."""
    for has, other, lacks in ((visible, infrared, "nir"), (infrared, visible, "vis")):
        if ids := has.keys() - other.keys():
            error = DatasetError(
                f"identities {few(ids)} have no {lacks} picture here, but the other list has them",
                file=root / "idx" / f"{part}_{lacks}.txt",
                rule="both lists have the same identities",
                remedy=index.AGAIN,
            )
            fault(error)
    for identity in sorted(visible.keys() & infrared.keys()):
        if visible[identity] != infrared[identity]:
            error = DatasetError(
                f"identity {identity} has label {infrared[identity]}, "
                f"in the visible list label {visible[identity]}",
                file=root / "idx" / f"{part}_nir.txt",
                rule="one label, one identity",
                remedy=index.AGAIN,
            )
            fault(error)


def _tested(root: Path, fault: Fault) -> list[Record]:
    """The pictures of the test identities, from the cameras' folders."""
    file = root / "idx" / "test_id.txt"
    try:
        wanted = set(parse_ids(read_bytes(file, MAX_LIST, "list of identities"), file, fault))
    except DatasetError as error:
        fault(error)
        wanted = set()
    records = [record for record in _in_cameras(root, fault) if record.identity in wanted]
    for modality in WORDS:
        seen = {record.identity for record in records if record.modality is modality}
        if missing := sorted(wanted - seen):
            error = DatasetError(
                f"identities {few(missing)} are listed, but no camera has "
                f"{'an' if modality is Modality.I else 'a'} {modality.title} picture of them",
                file=file,
                rule="every test identity has pictures of both modalities",
                remedy="fetch the cameras again, or take them out of the list",
            )
            fault(error)
    return records


def _in_cameras(root: Path, fault: Fault) -> list[Record]:
    """Every ``test_<modality>/cam<n>/<identity>/<picture>`` on disk."""
    records = []
    tops = {entry.name for entry in entries(root, root, fault) if entry.is_dir()}
    for top, modality in TOPS.items():
        listed = entries(root / top, root, fault) if top in tops else []
        present = {entry.name for entry in listed if entry.is_dir()}
        for camera in CAMERAS[modality]:
            folder = f"cam{camera}"
            if folder not in present:
                fault(_no_camera(root / top / folder, camera, modality))
                continue
            place = root / top / folder
            for identity, name in identity_folders(place, root, fault).items():
                for picture in picture_names(place / name, root, fault):
                    path = f"{top}/{folder}/{name}/{picture}"
                    records.append(Record(path, identity, modality, camera, "test"))
        known = {f"cam{camera}" for camera in CAMERAS[modality]}
        for strange in sorted(present - known):
            error = DatasetError(
                f"the folder {strange} is no camera of this modality",
                file=root / top / strange,
                rule=f"{top} has {', '.join(sorted(known))}",
                remedy="fetch the set again, or move the folder away",
            )
            fault(error)
    return records


def _no_camera(place: Path, camera: int, modality: Modality) -> DatasetError:
    return DatasetError(
        f"camera {camera} ({modality.title}) is not there",
        file=place,
        rule="LLCM has test_vis/cam1 to cam9, and test_nir without cam3",
        remedy="check the root, or " + rules.LLCM.source,
    )


def on_disk(root: Path, fault: Fault = refuse) -> dict[str, tuple[int, Modality]]:
    """Every test picture and every listed training picture -> its identity and modality."""

    def quiet(_: DatasetError) -> None:
        """The reader has named it already."""

    found = {record.path: (record.identity, record.modality) for record in _in_cameras(root, quiet)}
    for part in ("train", "val"):
        if (root / "idx" / f"{part}_vis.txt").is_file():
            for record in _listed(root, part, quiet):
                found[record.path] = (record.identity, record.modality)
    return found


def doctors_splits(root: Path) -> Iterable[int]:
    """The splits that the data doctor reads."""
    return (1,)
