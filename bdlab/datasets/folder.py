"""Bring your own pictures: ``visible/<id>/*`` and ``infrared/<id>/*``, tested by RegDB's protocol
on a seeded identity split.
"""

from __future__ import annotations

import math
from pathlib import Path

from bdlab import rules
from bdlab.modality import Modality

from .layouts import (
    checked_split,
    identity_folders,
    paired,
    picture_names,
    pictures_below,
    seeded_parts,
)
from .records import Dataset, DatasetError, Fault, Record, refuse, validate

FOLDERS = {Modality.V: "visible", Modality.I: "infrared"}
OPTIONS = ("split", "test_fraction", "val_fraction")
TOPS = {name: modality for modality, name in FOLDERS.items()}


def read(
    root: Path | str,
    split: int = 1,
    test_fraction: float = 0.5,
    val_fraction: float = 0.0,
    *,
    name: str = "folder",
    fault: Fault = refuse,
) -> Dataset:
    """The data set; ``split`` seeds the draw of identities, the fractions [0..1] are of identities.

    Raises DatasetError (or hands it to ``fault`` and reads on): a folder whose name is no number, a
    file that is no picture, an identity without one modality, a part without identities.
    """
    root = Path(root)
    split = checked_split(
        split, range(2**63), "the split of a folder is the seed of its draw: 0, 1, 2, ..."
    )
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
            f"test_fraction {test_fraction} and val_fraction {val_fraction} leave nobody to train on",
            rule="their sum stays below 1",
            remedy="make them smaller",
        )
    pictures = [
        (modality, f"{folder}/{identity_name}/{picture}", one)
        for modality, folder in FOLDERS.items()
        for one, identity_name in identity_folders(root / folder, root, fault).items()
        for picture in picture_names(root / folder / identity_name, root, fault)
    ]
    parts = seeded_parts(
        paired(root, {(m, one) for m, _, one in pictures}, FOLDERS, fault),
        split,
        test_fraction,
        val_fraction,
    )
    records = sorted(
        (
            Record(path, one, modality, split=parts[one])
            for modality, path, one in pictures
            if one in parts
        ),
        key=lambda r: r.path,
    )
    source = f"identities drawn with seed {split}: {test_fraction:g} to test on, {val_fraction:g} to validate on"
    unlike = [f"your own pictures, tested as {rules.REGDB.title} is"]
    provenance = {"split": split, "source": source, "unlike_published": unlike}
    return validate(Dataset(name, root, tuple(records), rules.REGDB.name, provenance))


def on_disk(root: Path, fault: Fault = refuse) -> dict[str, tuple[int, Modality]]:
    """Every picture under ``root``, listed or not -> its identity and modality."""
    return pictures_below(root, TOPS, fault)


def doctors_splits(root: Path) -> tuple[int, ...]:
    """The splits that the data doctor reads."""
    return (1,)
