"""Bring your own pictures: ``visible/<id>/*`` and ``infrared/<id>/*``, tested by RegDB's protocol
on the division the set declares, or on a seeded one.

Pictures may lie in folders below the identity's (the frames of a video). What else a set may say of
itself, its division, cameras, names and rules, stands in ``declared``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bdlab import rules
from bdlab.modality import Modality

from . import declared
from .declared import Declared
from .layouts import (
    checked_split,
    entries,
    identity_folders,
    is_picture,
    paired,
    seeded_parts,
)
from .records import Dataset, DatasetError, Fault, Record, few, refuse, validate

FOLDERS = {Modality.V: "visible", Modality.I: "infrared"}
OPTIONS = ("split", "test_fraction", "val_fraction")
TOPS = {name: modality for modality, name in FOLDERS.items()}

Picture = tuple[Modality, str, int]  # modality, path under the root, identity


def read(
    root: Path | str,
    split: int = 1,
    test_fraction: float = 0.5,
    val_fraction: float = 0.0,
    *,
    name: str = "folder",
    fault: Fault = refuse,
) -> Dataset:
    """The data set. Its ``train.txt`` and ``test.txt`` say who is trained on; without them
    ``split`` seeds a draw of identities, the fractions [0..1] are of identities.

    Raises DatasetError (or hands it to ``fault`` and reads on): a folder whose name is no number, a
    file that is no picture, an identity without one modality (unless the set allows distractors),
    a part without identities, a split or fraction beside a declared division.
    """
    root = Path(root)
    split = checked_split(
        split, range(2**63), "the split of a folder is the seed of its draw: 0, 1, 2, ..."
    )
    _fractions(test_fraction, val_fraction)
    found = list(pictures(root, fault))
    says = declared.read(root, {one for _, _, one in found}, fault)
    lonely = _lonely(found) if says.distractors else set()
    both = paired(root, {(m, one) for m, _, one in found if one not in lonely}, FOLDERS, fault)
    if says.parts is None:
        drawn = seeded_parts(both, split, test_fraction, val_fraction)
        source = (
            f"identities drawn with seed {split}: {test_fraction:g} to test on, "
            f"{val_fraction:g} to validate on"
        )
    else:
        _nothing_drawn(root, split, test_fraction, val_fraction, says)
        drawn = {one: part for one, part in says.parts.items() if one in both}
        source = "the division the set declares (train.txt, test.txt)"
    parts = drawn | _distractors(root, lonely, says, fault)
    records = [
        Record(path, one, modality, says.cameras.get(path, 0), parts[one])
        for modality, path, one in found
        if one in parts
    ]
    records.sort(key=lambda r: r.path)
    _cameras_for(says.exclude, records, root, fault)
    unlike = [f"your own pictures, tested as {rules.REGDB.title} is"]
    provenance = {"split": split, "source": source, "unlike_published": unlike}
    provenance |= _said(found, parts, lonely, says)
    protocol = rules.REGDB.name
    return validate(
        Dataset(name, root, tuple(records), protocol, provenance, says.exclude, says.names)
    )


def pictures(root: Path, fault: Fault = refuse) -> Iterator[Picture]:
    """Every picture of the layout on disk, folder by folder."""
    for modality, top in FOLDERS.items():
        for one, folder in identity_folders(root / top, root, fault).items():
            for below in frames(root / top / folder, root, fault):
                yield modality, f"{top}/{folder}/{below}", one


def frames(folder: Path, root: Path, fault: Fault = refuse) -> Iterator[str]:
    """The pictures of an identity, in its folder and in those below."""
    for entry in entries(folder, root, fault):
        if entry.is_dir():
            for path in frames(folder / entry.name, root, fault):
                yield f"{entry.name}/{path}"
        elif is_picture(entry, fault):
            yield entry.name


def _cameras_for(exclude: str, records: list[Record], root: Path, fault: Fault) -> None:
    """Faults: a rule about cameras where pictures have none."""
    without = [record.path for record in records if record.camera == 0]
    if exclude == "none" or not without:
        return
    error = DatasetError(
        f"exclude = {exclude!r}, but {len(without)} pictures have no camera: {few(without, 3)}",
        file=root / "set.json",
        rule="a camera rule needs the camera of every picture, in pictures.csv",
        remedy="correct pictures.csv (columns path, camera), or take the rule out of set.json",
    )
    fault(error)


def _lonely(found: list[Picture]) -> set[int]:
    """The identities with pictures of one modality only."""
    seen: dict[Modality, set[int]] = {m: set() for m in FOLDERS}
    for modality, _, one in found:
        seen[modality].add(one)
    return seen[Modality.V] ^ seen[Modality.I]


def _distractors(root: Path, lonely: set[int], says: Declared, fault: Fault) -> dict[int, str]:
    """The part of people of one modality: the gallery they stand in is the test's."""
    trained = [one for one in lonely if (says.parts or {}).get(one, "test") != "test"]
    if trained:
        fault(
            DatasetError(
                f"identities {few(trained)} have pictures of one modality and are not tested on",
                file=root / "train.txt",
                rule="who is trained on has pictures of both modalities",
                remedy="list them in test.txt: they stand in the gallery there",
            )
        )
    return {one: "test" for one in lonely if one not in trained}


def _nothing_drawn(root: Path, split: int, test: float, val: float, says: Declared) -> None:
    """Raises DatasetError for an option that a declared division leaves without effect."""
    held = val == 0 or "val" in (says.parts or {}).values()
    if (split, test) != (1, 0.5) or not held:
        raise DatasetError(
            f"the set declares its own division: split {split}, test_fraction {test:g} and "
            f"val_fraction {val:g} cannot change it",
            file=root / "train.txt",
            rule="a declared division is the only split (1); who validates stands in val.txt",
            remedy="leave these options out, or take train.txt and test.txt away",
        )


def _said(
    found: list[Picture], parts: dict[int, str], lonely: set[int], says: Declared
) -> dict[str, Any]:
    """What provenance says beyond the split; nothing for a set that declares nothing."""
    said: dict[str, Any] = {}
    if out := {one for _, _, one in found} - parts.keys():
        said["left_out"] = {"identities": len(out), "why": "in no list of the division"}
    if lonely:
        count = sum(one in lonely for _, _, one in found)
        said["distractors"] = {"identities": len(lonely), "pictures": count}
    if says.cameras:
        said["cameras"] = sorted(set(says.cameras.values()))
    if says.exclude != "none":
        said["exclude"] = says.exclude
    return said | ({"made": says.made} if says.made else {})


def _fractions(test_fraction: float, val_fraction: float) -> None:
    for key, value in (("test_fraction", test_fraction), ("val_fraction", val_fraction)):
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
            or not 0 <= value < 1
        ):
            raise DatasetError(
                f"{key} {value!r} is no fraction",
                rule="fractions of the identities are numbers from 0 up to 1, without 1",
                remedy=f"give a number such as {key}=0.5",
            )
    if test_fraction + val_fraction >= 1:
        raise DatasetError(
            f"test_fraction {test_fraction} and val_fraction {val_fraction} leave nobody "
            "to train on",
            rule="their sum stays below 1",
            remedy="make them smaller",
        )


def on_disk(root: Path, fault: Fault = refuse) -> dict[str, tuple[int, Modality]]:
    """Every picture under ``root``, listed or not -> its identity and modality."""
    return {path: (one, modality) for modality, path, one in pictures(root, fault)}


def doctors_splits(root: Path) -> tuple[int, ...]:
    """The splits that the data doctor reads."""
    return (1,)
