"""Features on disk: ``features.npy`` [N, D] float32, unit length, ``index.csv``, ``about.json``.

A row of the index is a row of the array: path, identity (empty: unknown), modality, camera, split.
``about.json`` names the cell by the sha256 of its weights: features of two cells are never
compared. ``names.csv`` holds people's names, if a set says any.
"""

from __future__ import annotations

import contextlib
import csv
import json
import mmap
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bdlab import __version__
from bdlab.datasets.records import EXCLUDED
from bdlab.files import write_json
from bdlab.modality import Modality

from . import DeployError, raw
from .columns import Building, Columns
from .pictures import UNKNOWN, Pictures

if TYPE_CHECKING:
    from .embedding import Embedder  # brings torch, which a search in features does not need

Read = Callable[[Path], np.ndarray]
COLUMNS = ("path", "identity", "modality", "camera", "split")
NAMES = ("identity", "name")
SCHEMA = 1
RAW = "raw_values"  # in about.json: whether some pictures held raw values, read by its scale


class Rows(np.memmap):
    """A mapped array whose pages are given back before the next rows are read.

    So a gallery larger than memory costs what one chunk of it does, not what has been read of it.
    """

    def __getitem__(self, key: Any) -> Any:
        if isinstance(self._mmap, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            self._mmap.madvise(mmap.MADV_DONTNEED)
        return super().__getitem__(key)


@dataclass(frozen=True, eq=False)
class Features:
    """Pictures and their features: row n of ``array`` [N, D] float32 is ``pictures.records[n]``."""

    pictures: Pictures
    array: np.ndarray
    about: dict[str, Any]

    def __len__(self) -> int:
        return len(self.array)

    def of(self, m: Modality) -> Features:
        """Those of one modality. Raises DeployError if there is none."""
        rows = self.pictures.rows(m)
        if len(rows) == len(self):
            return self
        if not len(rows):
            raise DeployError(
                f"the gallery holds no picture of {m.title}; say which it holds with "
                "--gallery-modality"
            )
        # rows of one modality lie together where a set is sorted by path: then nothing is copied
        together = rows[-1] - rows[0] + 1 == len(rows)
        key = slice(rows[0], rows[-1] + 1) if together else rows
        return Features(self.pictures.of(m), self.array[key], self.about)

    @property
    def identities(self) -> np.ndarray:
        """[N] int64, UNKNOWN where nobody said who it is."""
        return self.pictures.records.identities


def about(embedder: Embedder, pictures: Pictures) -> dict[str, Any]:
    """What must be known to use features: of which cell, of which folder, how many, how long; the
    camera rule and the range of raw values that the set declares.
    """
    return _range(pictures.scale) | {
        "schema": SCHEMA,
        "bdlab": __version__,
        "cell": embedder.name,
        "weights_sha256": embedder.sha256,
        "height": embedder.height,
        "width": embedder.width,
        "root": str(pictures.root.resolve()),
        "rows": len(pictures),
        "dim": embedder.dim,
        "exclude": pictures.exclude,
    }


def _range(known: raw.Known | None) -> dict[str, Any]:
    if known is None:
        return {}
    return {"scale": [known.low, known.high], "scale_from": known.origin}


def compute(embedder: Embedder, pictures: Pictures, read: Read | None = None) -> Features:
    """The features of pictures, in memory; ``read`` opens a picture (default: as the embedder)."""
    array = np.empty((len(pictures), embedder.dim), dtype=np.float32)
    said = about(embedder, pictures) | _fill(array, embedder, pictures, read)
    return Features(_scaled(pictures, said), array, said)


def _fill(
    array: np.ndarray, embedder: Embedder, pictures: Pictures, read: Read | None = None
) -> dict[str, Any]:
    """Puts the features into ``array``, one modality after the other as a test does; returns the
    range of raw values and RAW, if there were any.
    """
    said: dict[str, Any] = {}
    for m in pictures.modalities:
        rows = pictures.rows(m)
        reader = embedder.reader(m, pictures.scale)
        for start in range(0, len(rows), embedder.batch):
            some = rows[start : start + embedder.batch]
            paths = [pictures.root / pictures.records.path(row) for row in some.tolist()]
            for part in embedder.files(paths, m, read or reader):
                array[some] = part
        if reader.seen:
            said = _range(reader.scale) | {RAW: True}
    return said


def _scaled(pictures: Pictures, said: dict[str, Any]) -> Pictures:
    """Pictures that know the range their raw values were read with."""
    if "scale" not in said:
        return pictures
    known = raw.Known(*map(float, said["scale"]), str(said.get("scale_from", "the gallery's")))
    return replace(pictures, scale=known)


def write(folder: Path, embedder: Embedder, pictures: Pictures) -> dict[str, Any]:
    """Embed pictures into ``folder``; it appears whole or not at all and may exceed memory. Returns
    what about.json says.

    Raises DeployError if the folder is there already, OSError if it cannot be written.
    """
    if folder.exists():
        raise DeployError(f"{folder}: is there already; give another --out, or remove it first")
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    aside.mkdir()
    try:
        shape = (len(pictures), embedder.dim)
        array = np.lib.format.open_memmap(aside / "features.npy", "w+", np.float32, shape)
        said = about(embedder, pictures) | _fill(array, embedder, pictures)
        array.flush()
        del array
        _write_index(aside / "index.csv", pictures)
        if pictures.names:
            _write_names(aside / "names.csv", pictures)
        write_json(aside / "about.json", said)
        os.rename(aside, folder)
        return said
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(aside)


def _write_index(path: Path, pictures: Pictures) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(COLUMNS)
        for r in pictures.records:
            identity = "" if r.identity == UNKNOWN else r.identity
            table.writerow((r.path, identity, r.modality.value, r.camera, r.split))


def _write_names(path: Path, pictures: Pictures) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        named = sorted(pictures.names.items())
        csv.writer(out, lineterminator="\n").writerows([NAMES, *named])


def is_features(folder: Path) -> bool:
    """Whether a folder holds features rather than pictures."""
    return (folder / "features.npy").is_file()


def read(folder: Path) -> Features:
    """What ``write`` wrote, the array mapped. Raises DeployError naming file, line and remedy."""
    again = "embed the pictures again"
    try:
        said = json.loads((folder / "about.json").read_text())
        array = np.lib.format.open_memmap(folder / "features.npy", mode="r").view(Rows)
        root, shape = Path(said["root"]), (said["rows"], said["dim"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeployError(f"{folder}: no whole folder of features ({error}); {again}") from error
    if array.dtype != np.float32 or array.shape != shape:
        raise DeployError(
            f"{folder / 'features.npy'}: {array.dtype} {array.shape}, about.json says float32 "
            f"{shape}; {again}"
        )
    rule = said.get("exclude", "none")
    if rule not in EXCLUDED:
        raise DeployError(f"{folder / 'about.json'}: exclude = {rule!r} is no rule; {again}")
    records = _read_index(folder / "index.csv")
    if len(records) != len(array):
        raise DeployError(
            f"{folder / 'index.csv'}: {len(records)} rows for {len(array)} features; {again}"
        )
    names = _read_names(folder / "names.csv")
    pictures = Pictures(root, records, names=names, exclude=rule)
    try:
        return Features(_scaled(pictures, said), array, said)
    except (TypeError, ValueError) as error:
        raise DeployError(f"{folder / 'about.json'}: scale is no range; {again}") from error


def _read_names(path: Path) -> dict[int, str]:
    try:
        with path.open(encoding="utf-8", newline="") as table:
            return {int(row["identity"]): row["name"] for row in csv.DictReader(table)}
    except FileNotFoundError:
        return {}
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise DeployError(f"{path}: no table of the columns {', '.join(NAMES)}") from error


def _read_index(path: Path) -> Columns:
    """The index, row by row: a million records are never there at once."""
    made = Building()
    with path.open(encoding="utf-8", newline="") as table:
        lines = csv.reader(table)
        header = next(lines, [])
        if not set(COLUMNS) <= set(header):
            raise DeployError(f"{path}: its columns are {header}, not {', '.join(COLUMNS)}")
        places = [header.index(name) for name in COLUMNS]
        for number, row in enumerate(lines, start=2):
            try:
                where, who, what, camera, split = (row[place] for place in places)
                identity = int(who) if who else UNKNOWN
                made.add(where, identity, Modality(what), int(camera), split)
            except (IndexError, ValueError, OverflowError) as error:
                raise DeployError(
                    f"{path}, line {number}: {row} is no row of an index ({error}); its columns "
                    f"are {', '.join(COLUMNS)}"
                ) from error
    return made.done()
