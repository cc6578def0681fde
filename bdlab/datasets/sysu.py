"""SYSU-MM01: ``cam1..cam6/<id:04d>/<n:04d>.jpg`` and ``exp/{train,val,test}_id.txt``, or the
authors' ``.mat`` (notes, Datasets and protocols).

Cameras 1, 2, 4, 5 are RGB, 3 and 6 infrared. Not every identity is in every camera. Queries are all
infrared pictures of the test identities, the gallery is drawn from their RGB pictures by the
protocol.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from bdlab import rules
from bdlab.modality import Modality

from .layouts import (
    checked_split,
    entries,
    identity_folders,
    naming,
    picture_names,
    pictures_below,
)
from .pictures import read_bytes
from .records import Dataset, DatasetError, Fault, Record, refuse, validate

CAMERAS = dict.fromkeys(rules.SYSU.visible, Modality.V)
CAMERAS |= dict.fromkeys(rules.SYSU.infrared, Modality.I)
OPTIONS = ("split", "val_holdout")
TOPS = {f"cam{camera}": CAMERAS[camera] for camera in sorted(CAMERAS)}
PARTS = ("train", "val", "test")
MAX_LIST = 1_000_000  # bytes; the published lists have 1.5 kB


def read(
    root: Path | str,
    split: int = 1,
    val_holdout: bool = False,
    *,
    name: str = rules.SYSU.name,
    fault: Fault = refuse,
) -> Dataset:
    """The data set. ``val_holdout=False``: train and val identities are both trained on (395, the
    field's convention); ``True``: the val identities become the val part, for choosing a
    checkpoint.

    Raises DatasetError (or hands it to ``fault`` and reads on) naming file and line: a camera that
    is not there, every rule of ``parse_ids``, an identity in two lists, a listed identity without
    any picture, one trained on in one modality only.
    """
    root, fault = Path(root), naming(fault)
    split = checked_split(split, range(1, 2), "SYSU-MM01 has one split: 1")
    if not isinstance(val_holdout, bool):
        raise DatasetError(
            f"val_holdout {val_holdout!r} is neither True nor False",
            rule="the val identities are held out or trained on",
            remedy="give True or False",
        )
    part_of = _parts(root, fault)
    present = {entry.name for entry in entries(root, root, fault) if entry.is_dir()}
    records: list[Record] = []
    for camera, modality in sorted(CAMERAS.items()):
        folder = f"cam{camera}"
        if folder not in present:
            fault(
                DatasetError(
                    f"camera {camera} ({modality.title}) is not there",
                    file=root / folder,
                    rule="SYSU-MM01 has the cameras cam1 to cam6",
                    remedy="check the root, or " + rules.SYSU.source,
                )
            )
            continue
        for one, identity_name in identity_folders(root / folder, root, fault).items():
            if (part := part_of.get(one)) is not None:
                part = "train" if part == "val" and not val_holdout else part
                names = picture_names(root / folder / identity_name, root, fault)
                records += [
                    Record(f"{folder}/{identity_name}/{picture}", one, modality, camera, part)
                    for picture in names
                ]
    for one in sorted(part_of.keys() - {r.identity for r in records}):
        fault(
            DatasetError(
                f"identity {one} is listed, but no camera has a picture of it",
                file=root / "exp" / f"{part_of[one]}_id.txt",
                rule="every listed identity has pictures",
                remedy="fetch the cameras again, or take it out of the list",
            )
        )
    records.sort(key=lambda r: r.path)
    provenance = {
        "split": split,
        "source": f"exp/*_id.txt, val identities {'held out' if val_holdout else 'trained on'}",
        "val_holdout": val_holdout,
        "unlike_published": rules.unlike_published(rules.SYSU, records),
    }
    return validate(Dataset(name, root, tuple(records), rules.SYSU.name, provenance))


def _parts(root: Path, fault: Fault) -> dict[int, str]:
    """Identity -> the list that names it."""
    part_of: dict[int, str] = {}
    for part in PARTS:
        file = root / "exp" / f"{part}_id.txt"
        try:
            if not file.exists() and file.with_suffix(".mat").exists():
                ids = ids_of_mat(file.with_suffix(".mat"), fault)
            else:
                ids = parse_ids(read_bytes(file, MAX_LIST, "list of identities"), file, fault)
        except DatasetError as error:
            fault(error)
            continue
        for one in ids:
            if (other := part_of.setdefault(one, part)) != part:
                fault(
                    DatasetError(
                        f"identity {one} is in {other}_id.txt too",
                        file=file,
                        line=1,
                        rule="the lists share nobody",
                        remedy="fetch the lists again",
                    )
                )
    return part_of


def ids_of_mat(file: Path, fault: Fault = refuse) -> list[int]:
    """The identities of one ``exp/*_id.mat``, the form in which the authors' own code reads the
    lists: one row of whole numbers from 1, named ``id``. Faults as ``parse_ids``.
    """
    from scipy.io import loadmat

    try:
        held = loadmat(BytesIO(read_bytes(file, MAX_LIST, "list of identities")))
        ids = [float(value) for value in held["id"].ravel()]
    except DatasetError:
        raise
    except Exception as error:  # a reader that meets hostile bytes may raise anything
        problem = f"is no list that can be read ({type(error).__name__})"
    else:
        if ids and len(set(ids)) == len(ids) and all(one >= 1 and one % 1 == 0 for one in ids):
            return [int(one) for one in ids]
        problem = "lists nobody, somebody twice, or what is no whole number from 1"
    fault(
        DatasetError(
            problem,
            file=file,
            rule="a list in a .mat file is one row of whole numbers from 1, named id",
            remedy=f"fetch it again, or put {file.with_suffix('.txt').name} beside it",
        )
    )
    return []


def parse_ids(data: bytes, file: Path | str, fault: Fault = refuse) -> list[int]:
    """The bytes of one ``exp/*_id.txt`` -> its identities: one line of comma-separated whole
    numbers from 1.

    A BOM, blanks around the numbers and a line end are accepted. Faults name file and line: NUL or
    UTF-16, a second line, anything but plain digits between commas, 0, an identity named twice, an
    empty list.
    """

    def wrong(problem: str, line: int = 1) -> list[int]:
        fault(
            DatasetError(
                problem,
                file=file,
                line=line,
                rule="a list is one line of whole numbers from 1 with commas between",
                remedy="fetch the list again",
            )
        )
        return []

    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        return wrong("holds NUL bytes or is UTF-16")
    lines = [
        (n, line.strip(b" \t\r"))
        for n, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1)
    ]
    filled = [(n, line) for n, line in lines if line]
    if not filled:
        return wrong("lists nobody")
    if len(filled) > 1:
        return wrong("has a second line", filled[1][0])
    number, line = filled[0]
    ids: dict[int, None] = {}
    for word in (word.strip(b" \t") for word in line.split(b",")):
        if not re.fullmatch(rb"[0-9]{1,9}", word) or int(word) == 0:
            return wrong(
                f"{word[:40].decode('utf-8', 'backslashreplace')!r} is no identity", number
            )
        if int(word) in ids:
            return wrong(f"identity {int(word)} is named twice", number)
        ids[int(word)] = None
    return list(ids)


def on_disk(root: Path, fault: Fault = refuse) -> dict[str, tuple[int, Modality]]:
    """Every picture under ``root``, listed or not -> its identity and modality."""
    return pictures_below(root, TOPS, fault)


def doctors_splits(root: Path) -> tuple[int, ...]:
    """The splits that the data doctor reads."""
    return (1,)
