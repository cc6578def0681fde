"""A whole twin on disk, in the real sets' own layouts: rendered in parallel, whole or absent."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from . import workers
from .cameras import CAMERAS
from .render import picture, shots
from .twin import Twin, TwinError, first_people, parts, settle

FORMAT = "twin.json"
SPLITS = 10
SMALL = 1000  # pictures up to which other processes cost more than they save


def describe(root: Path | str) -> dict:
    """The ``twin.json`` of a finished set; TwinError where there is none or it cannot be read."""
    file = Path(root) / FORMAT
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TwinError(
            f"this is not a finished synthetic set ({error})",
            file=file,
            remedy="remove the folder and render the set again",
        ) from error
    if not isinstance(card, dict):
        raise TwinError(
            "the description is not a table",
            file=file,
            remedy="remove the folder and make it again",
        )
    return card


def make(
    kind: str,
    root: Path | str,
    *,
    size: str = "demo",
    seed: int = 0,
    channel_gap: float | None = None,
    appearance_gap: float | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> Path:
    """Write a twin at ``root`` and return ``root``; a finished set with the same parameters is left
    as it is.

    The set is built in a hidden folder beside ``root`` and renamed into place when complete,
    ``twin.json`` last: what lies at ``root`` is whole or absent. ``jobs`` processes (default: the
    cores this process may use) give the same bytes. Raises TwinError for bad choices, or where
    ``root`` holds anything else.
    """
    twin, root = settle(kind, size, seed, channel_gap, appearance_gap), Path(root)
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        raise TwinError(
            f"jobs is {jobs!r}",
            rule="a whole number from 1",
            remedy="leave it out to use every core",
        )
    if _already(twin, root):
        if _without_held_out(twin, root) and os.access(root, os.W_OK):
            _add_held_out(twin, root, jobs or _cores(), progress)
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{root.name}.making-", dir=root.parent))
    try:
        work.chmod(0o755)
        _fill(twin, work, range(1, twin.spec.identities + 1), jobs or _cores(), progress)
        _index(twin, work)
        _describe(twin, work, work)
        try:
            os.rename(work, root)  # replaces an empty folder, never a full one
        except OSError:
            # someone else finished the same set first: theirs has the same bytes
            if not _already(twin, root):
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return root


def _describe(twin: Twin, root: Path, work: Path) -> None:
    """Write ``work/twin.json`` about the set under ``root``."""
    card = twin.card() | {"counts": _count(root)}
    (work / FORMAT).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def _without_held_out(twin: Twin, root: Path) -> bool:
    """Whether this finished set was rendered before its kind had people held out for validation."""
    return describe(root)["counts"]["identities"] == first_people(twin) < twin.spec.identities


def _add_held_out(twin: Twin, root: Path, jobs: int, progress: bool) -> None:
    """Render the people held out for validation into a finished set that lacks them.

    Nothing that is there changes but ``twin.json``, last: whoever is interrupted begins again, and
    two at once write the same bytes.
    """
    work = Path(tempfile.mkdtemp(prefix=f".{root.name}.making-", dir=root.parent))
    try:
        people = range(first_people(twin) + 1, twin.spec.identities + 1)
        _fill(twin, work, people, jobs, progress)
        for folder in sorted(work.glob("*/*")):
            place = root / folder.relative_to(work)
            if not place.exists():
                os.rename(folder, place)
        _index(twin, work)
        for file in sorted((work / "idx").glob("val_*.txt")):
            os.replace(file, root / "idx" / file.name)
        _describe(twin, root, work)
        os.replace(work / FORMAT, root / FORMAT)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _already(twin: Twin, root: Path) -> bool:
    """Whether ``root`` holds this very twin; False where it is free; TwinError where something else
    is there.
    """
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    remedy = "choose another root, or remove this one first"
    if not (root / FORMAT).is_file():
        raise TwinError(
            f"there is something here that is not a finished {twin.kind}", file=root, remedy=remedy
        )
    card = describe(root)
    if other := [
        f"{k} {card.get(k)!r} (asked for: {v!r})"
        for k, v in twin.card().items()
        if card.get(k) != v
    ]:
        raise TwinError(
            f"another synthetic set is here: {', '.join(other)}", file=root, remedy=remedy
        )
    most = None
    if card.get("counts", {}).get("identities") == first_people(twin):
        most = first_people(twin)  # rendered before people were held out: those may be on their way
    if card.get("counts") != _count(root, most):
        raise TwinError(
            "pictures are missing from this set or were added to it",
            file=root,
            remedy="remove the folder and make it again",
        )
    return True


def _count(root: Path, most: int | None = None) -> dict[str, int]:
    """Identities (up to ``most``) and pictures of them that lie under ``root``."""
    infrared = ("Thermal", "nir", *(f"cam{c}" for c in CAMERAS["synthetic-sysu"][True]))
    found = {"identities": set(), "visible": 0, "infrared": 0}
    for top, folders in _identity_folders(root):
        for folder in folders:
            if most is not None and int(folder.name) > most:
                continue
            found["identities"].add(int(folder.name))
            found["infrared" if top in infrared else "visible"] += sum(1 for _ in folder.iterdir())
    return {
        "identities": len(found["identities"]),
        "visible": found["visible"],
        "infrared": found["infrared"],
    }


def _identity_folders(root: Path) -> Iterator[tuple[str, list[Path]]]:
    """The folders named by an identity, by the folder above them that tells the modality."""
    for top in sorted(p for p in root.iterdir() if p.is_dir() and p.name not in ("idx", "exp")):
        if top.name.startswith("test_"):  # LLCM: cameras are in between
            yield top.name.removeprefix("test_"), sorted(top.glob("cam*/*"))
        else:
            yield top.name, sorted(top.iterdir())


def _fill(twin: Twin, work: Path, ids: range, jobs: int, progress: bool) -> None:
    """Render and write every picture of these identities, in processes of their own: pictures must
    not hang on what this one's numpy uses (see ``workers``).
    """
    total = sum(1 for identity in ids for _ in shots(twin, identity))
    name = f"{twin.kind} {twin.size}"
    with tqdm(total=total, desc=name, unit="picture", disable=None if progress else True) as bar:
        jobs = 1 if total <= SMALL else min(jobs, len(ids))
        for done in workers.write(twin, list(ids), work, jobs):
            bar.update(done)


def write_identity(twin: Twin, identity: int, work: Path) -> int:
    """Write one identity's pictures below a folder; returns how many."""
    todo = list(shots(twin, identity))
    for shot in todo:
        file = work / shot.path
        file.parent.mkdir(parents=True, exist_ok=True)
        options = {"quality": 95, "subsampling": 0} if file.suffix == ".jpg" else {}
        Image.fromarray(picture(twin, shot)).save(file, **options)
    return len(todo)


def _index(twin: Twin, work: Path) -> None:
    """The text files that say which identity or picture belongs to which part, as the real
    sets'.
    """
    if twin.kind == "synthetic-sysu":
        folder = work / "exp"
        folder.mkdir()
        for name, ids in (
            parts(twin) | {"available": list(range(1, twin.spec.identities + 1))}
        ).items():
            (folder / f"{name}_id.txt").write_text(",".join(map(str, ids)) + "\n", encoding="utf-8")
        return
    folder = work / "idx"
    folder.mkdir()
    if twin.kind == "synthetic-llcm":
        _index_llcm(twin, work)
        return
    for split in range(1, SPLITS + 1):
        for name, ids in parts(twin, split).items():
            for word, infrared in (("visible", False), ("thermal", True)):
                lines = []
                for label, identity in enumerate(ids):
                    paths = [s.path for s in shots(twin, identity) if s.infrared is infrared]
                    lines += [f"{path} {label}\n" for path in paths]
                file = folder / f"{name}_{word}_{split}.txt"
                file.write_text("".join(lines), encoding="utf-8")


def _index_llcm(twin: Twin, work: Path) -> None:
    """LLCM's lists: the training pictures with labels, the test identities; ours for validation."""
    people = parts(twin)
    for part in ("train", "val"):
        for modality, infrared in (("vis", False), ("nir", True)):
            lines = []
            for label, identity in enumerate(people[part]):
                paths = [s.path for s in shots(twin, identity) if s.infrared is infrared]
                lines += [f"{path} {label}\n" for path in paths]
            (work / "idx" / f"{part}_{modality}.txt").write_text("".join(lines), encoding="utf-8")
    ids = ",".join(map(str, people["test"]))
    (work / "idx" / "test_id.txt").write_text(ids + "\n", encoding="utf-8")
    for infrared, modality in ((False, "vis"), (True, "nir")):
        for camera in CAMERAS[twin.kind][
            infrared
        ]:  # every camera has its folder, as in the real set
            (work / f"test_{modality}" / f"cam{camera}").mkdir(parents=True, exist_ok=True)
