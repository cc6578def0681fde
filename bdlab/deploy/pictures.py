"""What there is to embed: a set by name, a folder of any form, single files.

A set keeps its parts and cameras. Of a folder, the modality is read from a folder's name in the
path (visible, rgb, infrared, thermal, ...) or given; the identity from a folder whose name is a
number, else it is unknown. Nothing is guessed from what a picture looks like.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bdlab import datasets
from bdlab.config import DATASETS
from bdlab.datasets import Record, check
from bdlab.datasets.layouts import SUFFIXES
from bdlab.modality import Modality

from . import DeployError
from .embedding import deployed

SEED = 8  # of the rendered example's people
UNKNOWN = -1  # the identity of a picture of which nobody said who it shows
#: Names of folders, in any case, that say what the pictures below are.
WORDS = {
    Modality.V: {"visible", "rgb", "color", "colour", "vis", "v"},
    Modality.I: {"infrared", "ir", "thermal", "nir", "lwir", "tir", "i"},
}
#: Published sets are known by the folder of their lists; without it a folder is a folder.
LISTS = {"regdb": "idx", "sysu": "exp"}
SKIPPED = {"@eadir", "__macosx", "lost+found"}  # folders that systems make


@dataclass(frozen=True)
class Pictures:
    """Picture files under one root; ``records`` say whose and of which modality each is.

    ``left_out`` are loose files beside folders that say what they hold: an overview, a logo.
    """

    root: Path
    records: tuple[Record, ...]
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.records)

    def of(self, m: Modality) -> Pictures:
        """Those of one modality."""
        return Pictures(self.root, tuple(r for r in self.records if r.modality is m), self.left_out)

    @property
    def modalities(self) -> list[Modality]:
        """The modalities there are, V first."""
        there = {record.modality for record in self.records}
        return [m for m in Modality if m in there]


def words_of(left_out: Sequence[str]) -> str:
    """One line on loose files that were left out."""
    more = ", ..." if len(left_out) > 3 else ""
    return f"Left out, in no folder that says visible or infrared: {', '.join(left_out[:3])}{more}"


def collect(
    source: str, modality: str | None = None, root: str | Path | None = None, part: str = "all"
) -> Pictures:
    """The pictures of a set (by name, at ``root``), of a folder or of one file.

    ``modality`` keeps V or I alone, and says what a folder is that does not say so itself;
    ``part`` of a set is train, val, test or all. Raises DeployError or DatasetError.
    """
    wanted = None if modality is None else deployed(modality)
    if source in DATASETS:
        found = _of_set(datasets.open(source, root), part)
    elif source and Path(source).is_dir():
        found = _of_folder(Path(source), wanted, part)
    elif Path(source).is_file():
        found = _of_files(Path(source).parent, [Path(source).name], wanted)
    else:
        raise DeployError(
            f"{source}: neither a folder, nor a picture, nor a set; the sets are "
            f"{', '.join(DATASETS)}"
        )
    found = found if wanted is None else found.of(wanted)
    if not len(found):
        kind = "" if wanted is None else f" of {wanted.title}"
        raise DeployError(
            f"{source}: no picture{kind} in it ({', '.join(sorted(SUFFIXES))}, "
            f"part {part!r}); check the folder, the modality and the part"
        )
    return found


def collect_all(sources: Sequence[str], modality: str | None) -> Pictures:
    """The pictures of several files and folders, under the root they share."""
    if len(sources) == 1:
        return collect(sources[0], modality)
    found = [collect(source, modality) for source in sources]
    root = Path(os.path.commonpath([pictures.root.resolve() for pictures in found]))
    records, left_out = [], []
    for pictures in found:
        below = pictures.root.resolve().relative_to(root)
        left_out += [(below / path).as_posix() for path in pictures.left_out]
        for r in pictures.records:
            path = (below / r.path).as_posix()
            records.append(Record(path, r.identity, r.modality, r.camera, r.split))
    return Pictures(root, tuple(records), tuple(left_out))


def _of_set(dataset: datasets.Dataset, part: str) -> Pictures:
    kept = [r for r in dataset.records if part in ("all", r.split)]
    return Pictures(dataset.root, tuple(kept))


def _of_folder(folder: Path, wanted: Modality | None, part: str) -> Pictures:
    for layout, lists in LISTS.items():
        if check.recognise(folder) == layout and (folder / lists).is_dir():
            return _of_set(datasets.open(layout, folder), part)
    if part != "all":
        raise DeployError(
            f"{folder}: a folder has no part {part!r}; give the set by name: folder --root {folder}"
        )
    paths = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_ours(name))
        below = Path(place).relative_to(folder)
        for name in sorted(names):
            if _is_ours(name) and Path(name).suffix.lower() in SUFFIXES:
                paths.append((below / name).as_posix())
    told = [path for path in paths if modality_of(Path(path).parts[:-1])]
    loose = [path for path in paths if "/" not in path] if told else []
    found = _of_files(folder, [path for path in paths if path not in loose], wanted)
    return replace(found, left_out=tuple(loose))


def _is_ours(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in SKIPPED


def _of_files(root: Path, paths: Iterable[str], wanted: Modality | None) -> Pictures:
    records = []
    for path in paths:
        folders = Path(path).parts[:-1]
        m = modality_of(folders) or modality_of((root.name, root.parent.name)) or wanted
        if m is None:
            raise DeployError(
                f"{root / path}: no folder in its path says what it is (visible, infrared, rgb, "
                "thermal, ...); give --modality V or --modality I"
            )
        records.append(Record(path, identity_of((root.name, *folders)), m, split=""))
    return Pictures(root, tuple(records))


def modality_of(folders: Sequence[str]) -> Modality | None:
    """What the first telling folder name says, or None."""
    for name in folders:
        for m, words in WORDS.items():
            if name.lower() in words:
                return m
    return None


def identity_of(folders: Sequence[str]) -> int:
    """The last folder name that is a plain number, else UNKNOWN."""
    for name in reversed(folders):
        if name.isascii() and name.isdigit() and len(name) < 10:
            return int(name)
    return UNKNOWN


def example(out: Path, people: int = 10, size: str = "demo") -> Path:
    """A folder as a reader has one: visible/<id>/* and infrared/<id>/* of rendered people.

    They are drawn with a seed of their own, so that no cell of a twin was trained on them. Written
    once.
    """
    if out.is_dir():
        return out
    twin = datasets.open("synthetic-regdb", size=size, seed=SEED)
    chosen = sorted({record.identity for record in twin.records})[:people]
    aside = out.with_name(f".{out.name}.{os.getpid()}.part")
    for record in twin.records:
        if record.identity in chosen:
            folder = "visible" if record.modality is Modality.V else "infrared"
            place = aside / folder / f"{record.identity:04d}"
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(twin.root / record.path, place)
    os.rename(aside, out)
    return out
