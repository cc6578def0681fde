"""The data doctor: looks a folder over, opens every picture, names everything that is wrong and who
can help.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from bdlab.modality import Modality

from . import folder, regdb, sysu
from .layouts import SOURCES, identity_folders, picture_names
from .pictures import decode, read_bytes
from .records import Dataset, DatasetError, Fault, few
from .twin import read_twin

#: The folders of each layout that hold pictures.
FOLDERS: dict[str, dict[str, Modality]] = {
    "regdb": {name: modality for modality, name in regdb.FOLDERS.items()},
    "sysu": {f"cam{camera}": modality for camera, modality in sysu.CAMERAS.items()},
    "folder": {name: modality for modality, name in folder.FOLDERS.items()},
}

#: What the real sets hold (notes, Datasets and protocols; SYSU-MM01 with train and val identities
#: both trained on).
PUBLISHED: dict[str, dict[str, int]] = {
    "regdb": {
        "identities": 412,
        "visible pictures": 4120,
        "infrared pictures": 4120,
        "train identities": 206,
        "test identities": 206,
        "test visible pictures": 2060,
        "test infrared pictures": 2060,
    },
    "sysu": {
        "identities": 491,
        "visible pictures": 30071,
        "infrared pictures": 15792,
        "train identities": 395,
        "test identities": 96,
        "train visible pictures": 22258,
        "train infrared pictures": 11909,
        "test infrared pictures": 3803,
    },
}


@dataclass(frozen=True)
class Report:
    """What the doctor found. ``faults`` must be mended before the set can be used, ``notes`` only
    be known.
    """

    root: Path
    layout: str
    counts: dict[str, int]
    faults: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the set can be used as it is."""
        return not self.faults

    def text(self) -> str:
        """The report as lines for a terminal: counts, notes, every fault, the verdict."""
        lines = [f"{self.root}: layout {self.layout}"]
        lines += [f"  {value:>8,} {name}" for name, value in self.counts.items()]
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"fault: {fault}" for fault in self.faults]
        return "\n".join(
            [
                *lines,
                "ok: the set can be used"
                if self.ok
                else f"{len(self.faults)} faults: the set cannot be used as it is",
            ]
        )


def check(root: Path | str, layout: str | None = None, progress: bool = True) -> Report:
    """Looks over the folder ``root``; ``layout`` is ``regdb``, ``sysu``, ``folder`` or None to
    recognise it.

    Every index file is read (RegDB: of all ten trials) and every picture decoded; all faults are
    named, not only the first. Nothing is raised for what is on disk. Raises DatasetError for a
    layout that does not exist.
    """
    root = Path(root)
    if layout is not None and layout not in FOLDERS:
        raise DatasetError(
            f"there is no layout {layout!r}",
            rule=f"the layouts are {', '.join(FOLDERS)}",
            remedy="leave it out to have it recognised",
        )
    found: dict[tuple[str, int | None, str], str] = {}

    def fault(error: DatasetError) -> None:
        # a picture that is gone is listed by many index files: it is one fault
        found.setdefault(
            (str(error.file), error.line, error.problem.partition(" (")[0]), str(error)
        )

    layout = layout or recognise(root)
    if layout is None or not root.is_dir():
        remedy = f"check the root; if you do not have the data: {SOURCES['regdb']}, {SOURCES['sysu']}, or render a twin with `bdlab data make`"
        fault(
            DatasetError(
                "no layout is recognised here",
                file=root,
                rule="RegDB has Visible and Thermal, SYSU-MM01 cam1 to cam6, your own pictures visible and infrared",
                remedy=remedy,
            )
        )
        return Report(root, "unknown", {}, tuple(found.values()), ())
    twin = None
    try:
        twin = read_twin(root)
    except DatasetError as error:
        fault(error)
    dataset = _read(root, layout, fault)
    paths = _paths(root, layout, fault)
    notes = (
        [f"a synthetic twin ({', '.join(f'{k} {v}' for k, v in twin.items())}): not the real set"]
        if twin
        else []
    )
    notes += _open_all(root, paths, progress, fault)
    counts = _counts(paths, dataset)
    if layout == "regdb" and not regdb.has_index(root):
        notes.append(
            "no index files: identities are split by a seed, not comparable with published trials"
        )
    if layout in PUBLISHED and not twin:
        notes += _compare(root, layout, counts, fault)
    return Report(
        root,
        layout + (" (synthetic twin)" if twin else ""),
        counts,
        tuple(found.values()),
        tuple(notes),
    )


def recognise(root: Path | str) -> str | None:
    """The layout with at least one of its folders under ``root``, spelt exactly; None for none."""
    names = (
        {path.name for path in Path(root).iterdir() if path.is_dir()}
        if Path(root).is_dir()
        else set()
    )
    return next((layout for layout, folders in FOLDERS.items() if names & folders.keys()), None)


def _read(root: Path, layout: str, fault: Fault) -> Dataset | None:
    """The data set as far as it can be read, all faults collected; of RegDB's trials the last that
    can be.
    """
    dataset = None
    for split in regdb.TRIALS if layout == "regdb" and regdb.has_index(root) else (1,):
        collected: list[DatasetError] = []
        try:
            dataset = {"regdb": regdb.read, "sysu": sysu.read, "folder": folder.read}[layout](
                root, split, fault=collected.append
            )
        except DatasetError as error:
            # after other faults, a part without pictures is only their consequence
            collected = collected or [error]
        for error in collected:
            fault(error)
    return dataset


def _paths(root: Path, layout: str, fault: Fault) -> dict[str, tuple[int, Modality]]:
    """Every picture on disk, listed in an index or not -> its identity and modality."""
    return {
        f"{top}/{name}/{picture}": (identity, modality)
        for top, modality in FOLDERS[layout].items()
        if (root / top).is_dir()
        for identity, name in identity_folders(root / top, root, fault).items()
        for picture in picture_names(root / top / name, root, fault)
    }


def _open_all(
    root: Path, paths: dict[str, tuple[int, Modality]], progress: bool, fault: Fault
) -> list[str]:
    """Decodes every picture; faults those that cannot be, and returns notes on equal files under
    two identities.
    """

    def look(path: str) -> bytes | DatasetError:
        try:
            data = read_bytes(root / path)
            decode(data, 8, 8, root / path)
        except DatasetError as error:
            return error
        return hashlib.sha256(data).digest()

    first: dict[bytes, str] = {}
    twice: list[str] = []
    shown = {
        "desc": "opening",
        "unit": "picture",
        "leave": False,
        "disable": None if progress else True,
    }
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        looks = tqdm(pool.map(look, paths), total=len(paths), **shown)
        for path, result in zip(paths, looks, strict=True):
            if isinstance(result, DatasetError):
                fault(result)
            elif paths[other := first.setdefault(result, path)][0] != paths[path][0]:
                twice.append(f"{path} = {other}")
    return (
        [f"{len(twice)} pictures lie under two identities, byte for byte: {few(twice)}"]
        if twice
        else []
    )


def _counts(paths: dict[str, tuple[int, Modality]], dataset: Dataset | None) -> dict[str, int]:
    """What is on disk, and what of it each part uses."""
    by_modality = Counter(modality for _, modality in paths.values())
    counts = {"identities": len({identity for identity, _ in paths.values()})}
    counts |= {f"{m.title} pictures": by_modality[m] for m in (Modality.V, Modality.I)}
    for part in ("train", "val", "test") if dataset else ():
        if ids := dataset.identities(part):
            counts[f"{part} identities"] = len(ids)
            counts |= {
                f"{part} {m.title} pictures": len(dataset.select(part, m))
                for m in (Modality.V, Modality.I)
            }
    return counts


def _compare(root: Path, layout: str, counts: dict[str, int], fault: Fault) -> list[str]:
    """Against the published counts: fewer identities are a part of the set (a note); all identities
    but other counts are a fault.
    """
    other = [
        f"{counts.get(name, 0):,} {name} of {value:,}"
        for name, value in PUBLISHED[layout].items()
        if counts.get(name, 0) != value
    ]
    if not other:
        return ["all counts are the published ones"]
    if counts["identities"] < PUBLISHED[layout]["identities"]:
        return [f"a part of the set: {', '.join(other)}; for the whole of it, {SOURCES[layout]}"]
    fault(
        DatasetError(
            f"counts differ from the published ones: {', '.join(other)}",
            file=root,
            rule="the set is whole",
            remedy=f"fetch what is missing again; {SOURCES[layout]}",
        )
    )
    return []
