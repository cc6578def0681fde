"""Sets that `bdlab data import` wrote, and folders and files inside them: who is called what, which
camera took a picture, which rule the set declares. Read by the reader of such sets.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from bdlab.datasets import Record, declared, folder
from bdlab.datasets.layouts import identity_folders
from bdlab.modality import Modality

from . import DeployError

FILES = ("set.json", "names.csv", "pictures.csv")  # one of them makes a folder an imported set
NOBODY = "unknown"  # the folder of crops without an identity
UNKNOWN = -1  # the identity of a picture of which nobody said who it shows

Folders = dict[Modality, dict[int, str]]  # of a set: the folders of its people


def place(source: Path) -> tuple[Path, PurePosixPath] | None:
    """The imported set that ``source`` is or lies in, and where in it; None for any other place."""
    source = Path(os.path.normpath(source.absolute()))
    if _is_set(source):
        return source, PurePosixPath()
    for root in source.parents:
        below = source.relative_to(root)
        if below.parts[0] in (*folder.TOPS, NOBODY) and _is_set(root):
            return root, PurePosixPath(below.as_posix())
    return None


def _is_set(root: Path) -> bool:
    tops = (*folder.TOPS, NOBODY)
    there = any((root / name).is_file() for name in FILES)
    return there and any((root / top).is_dir() for top in tops)


def read(root: Path, below: PurePosixPath, part: str) -> tuple[list[Record], declared.Declared]:
    """The pictures of the set at ``root`` that lie in ``below``, paths from the set's root, and
    what the set declares.

    Nobody is drawn into a part: without a division the parts are empty. Raises DatasetError for
    every fault of the layout, DeployError for a ``part`` that the set does not declare.
    """
    folders: Folders = {}
    for m, top in folder.FOLDERS.items():
        folders[m] = identity_folders(root / top, root) if (root / top).is_dir() else {}
    people = {one for found in folders.values() for one in found}
    says = declared.read(root, people)
    if part != "all" and says.parts is None:
        raise DeployError(
            f"{root}: the set declares no division, so it has no part {part!r}; give the set by "
            f"name to have one drawn: folder --root {root}"
        )
    parts = dict(says.parts or {})
    if says.parts and says.distractors:
        lonely = folders[Modality.V].keys() ^ folders[Modality.I].keys()
        parts = dict.fromkeys(lonely, "test") | parts
    records = []
    for path, one, m in sorted(_pictures(root, folders, below)):
        split = parts.get(one, "")
        if part in ("all", split):
            records.append(Record(path, one, m, says.cameras.get(path, 0), split))
    return records, says


def _pictures(
    root: Path, folders: Folders, below: PurePosixPath
) -> Iterator[tuple[str, int, Modality]]:
    """(path, identity, modality) of every picture in ``below``; other folders are not listed."""
    for m, top in folder.FOLDERS.items():
        places = {f"{top}/{name}": one for one, name in folders[m].items()}
        if (root / NOBODY / top).is_dir():
            places[f"{NOBODY}/{top}"] = UNKNOWN
        for name, one in places.items():
            here = PurePosixPath(name)
            if not (here.is_relative_to(below) or below.is_relative_to(here)):
                continue
            for path in folder.frames(root / name, root):
                if PurePosixPath(f"{name}/{path}").is_relative_to(below):
                    yield f"{name}/{path}", one, m
