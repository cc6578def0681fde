"""Features on disk: ``features.npy`` [N, D] float32, unit length, ``index.csv``, ``about.json``.

A row of the index is a row of the array: path, identity (empty: unknown), modality, camera, split.
``about.json`` names the cell by the sha256 of its weights: features of two cells are never
compared.
"""

from __future__ import annotations

import contextlib
import csv
import json
import mmap
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bdlab import __version__
from bdlab.datasets import Record
from bdlab.files import write_json
from bdlab.modality import Modality

from . import DeployError
from .embedding import Embedder
from .pictures import UNKNOWN, Pictures

COLUMNS = ("path", "identity", "modality", "camera", "split")
SCHEMA = 1


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
        rows = [n for n, r in enumerate(self.pictures.records) if r.modality is m]
        if len(rows) == len(self):
            return self
        if not rows:
            raise DeployError(
                f"the gallery holds no picture of {m.title}; say which it holds with "
                "--gallery-modality"
            )
        # rows of one modality lie together where a set is sorted by path: then nothing is copied
        together = rows[-1] - rows[0] + 1 == len(rows)
        key = slice(rows[0], rows[-1] + 1) if together else rows
        return Features(self.pictures.of(m), self.array[key], self.about)

    @cached_property
    def identities(self) -> np.ndarray:
        """[N] int64, UNKNOWN where nobody said who it is."""
        return np.array([r.identity for r in self.pictures.records], dtype=np.int64)


def about(embedder: Embedder, pictures: Pictures) -> dict[str, Any]:
    """What must be known to use features: of which cell, of which folder, how many, how long."""
    return {
        "schema": SCHEMA,
        "bdlab": __version__,
        "cell": embedder.name,
        "weights_sha256": embedder.sha256,
        "height": embedder.height,
        "width": embedder.width,
        "root": str(pictures.root.resolve()),
        "rows": len(pictures),
        "dim": embedder.dim,
    }


def compute(embedder: Embedder, pictures: Pictures) -> Features:
    """The features of pictures, in memory."""
    array = np.empty((len(pictures), embedder.dim), dtype=np.float32)
    for rows, part in _parts(embedder, pictures):
        array[rows] = part
    return Features(pictures, array, about(embedder, pictures))


def _parts(embedder: Embedder, pictures: Pictures) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(rows, their features), one modality after the other as a test does."""
    for m in pictures.modalities:
        rows, paths = [], []
        for row, record in enumerate(pictures.records):
            if record.modality is m:
                rows.append(row)
                paths.append(pictures.root / record.path)
        start = 0
        for part in embedder.files(paths, m):
            yield np.array(rows[start : start + len(part)]), part
            start += len(part)


def write(folder: Path, embedder: Embedder, pictures: Pictures) -> None:
    """Embed pictures into ``folder``; it appears whole or not at all and may exceed memory.

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
        for rows, part in _parts(embedder, pictures):
            array[rows] = part
        array.flush()
        del array
        _write_index(aside / "index.csv", pictures)
        write_json(aside / "about.json", about(embedder, pictures))
        os.rename(aside, folder)
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
    records = _read_index(folder / "index.csv")
    if len(records) != len(array):
        raise DeployError(
            f"{folder / 'index.csv'}: {len(records)} rows for {len(array)} features; {again}"
        )
    return Features(Pictures(root, records), array, said)


def _read_index(path: Path) -> tuple[Record, ...]:
    records = []
    with path.open(encoding="utf-8", newline="") as table:
        for number, row in enumerate(csv.DictReader(table), start=2):
            try:
                identity = int(row["identity"]) if row["identity"] else UNKNOWN
                m = Modality(row["modality"])
                # a million rows: the few names of parts are kept once
                split = sys.intern(row["split"])
                records.append(Record(row["path"], identity, m, int(row["camera"]), split))
            except (KeyError, ValueError, TypeError) as error:
                raise DeployError(
                    f"{path}, line {number}: {row} is no row of an index ({error}); its columns "
                    f"are {', '.join(COLUMNS)}"
                ) from error
    return tuple(records)
