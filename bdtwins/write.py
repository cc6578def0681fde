"""The synthetic twins: rendered stand-ins for RegDB and SYSU-MM01, written in the real sets' own layouts.

Two dials say how hard a twin is. ``channel_gap`` 0..1: what the infrared sensor sees, from the luminance of the
RGB scene to its own physics. ``appearance_gap`` 0..1: how far the infrared shot's pose, view, place and light are
from its RGB partner's, from the same to drawn on their own. ``counterfactual`` renders each shot from the other's
place, so that the two gaps can be measured apart - which no real set allows.

Every random draw is keyed by (seed, purpose, identity, shot): neither the number of jobs nor the dials change one.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from . import person, sensors, wardrobe
from .records import DatasetError
from .scenery import stream
from .shots import INFRARED_CAMERAS, band, free_view, lens, partner_view
from .twins import DEFAULT_DIALS, KINDS, SIZES, SPECS, Twin, cameras, parts, settle

__all__ = [
    "DEFAULT_DIALS", "KINDS", "SIZES", "SPECS", "Shot", "Twin", "counterfactual", "default_root", "describe", "ensure", "make", "parts",
    "picture", "settle", "shots", "views", "who_is",
]  # fmt: skip

FORMAT = "twin.json"
SPLITS = 10
SMALL = 1000  # pictures up to which a pool of processes costs more than it saves


# -- one shot ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shot:
    """One picture to take: ``number`` counts an identity's shots of one modality; RGB and IR of one number are partners."""

    identity: int
    number: int
    infrared: bool
    camera: int
    path: str


def shots(twin: Twin, identity: int) -> Iterator[Shot]:
    """The pictures of one identity (1, 2, ...), in order; paths are relative to the root."""
    spec = twin.spec
    taken: dict[int, int] = {}
    for infrared, count in ((False, spec.visible), (True, spec.infrared)):
        for number in range(count):
            here = cameras(twin, identity)[infrared]
            camera = here[number % len(here)]
            taken[camera] = taken.get(camera, 0) + 1
            if twin.kind == "synthetic-regdb":
                folder, letter = ("Thermal", "t") if infrared else ("Visible", "v")
                path = f"{folder}/{identity}/person_{letter}_{number + 1:05d}_{identity}.bmp"
            else:
                path = f"cam{camera}/{identity:04d}/{taken[camera]:04d}.jpg"
            yield Shot(identity, number, infrared, camera, path)


def views(twin: Twin, identity: int, number: int) -> tuple[person.View, person.View]:
    """The RGB view and the infrared view of one pair of partners."""
    first, second = _cameras(twin, identity, number)
    visible = free_view(twin.kind, twin.seed, identity, number, first, infrared=False)
    own = free_view(twin.kind, twin.seed, identity, number, second, infrared=True)
    return visible, partner_view(visible, own, twin.appearance_gap, twin.seed, identity, number)


def _cameras(twin: Twin, identity: int, number: int) -> tuple[int, int]:
    """The cameras that took the RGB and the infrared shot of a pair."""
    rgb, infrared = (cameras(twin, identity)[m] for m in (False, True))
    return rgb[number % len(rgb)], infrared[number % len(infrared)]


def _take(
    twin: Twin, view: person.View, who: wardrobe.Person, camera: int, infrared: bool, noise: np.random.Generator, shape
) -> np.ndarray:
    layers = person.paint(who, view, twin.seed, *shape)
    glass = lens(twin.kind, camera, infrared)
    if infrared:
        return sensors.shoot_infrared(layers, view.light, glass, band(twin.kind), twin.channel_gap, noise)
    return sensors.shoot_rgb(layers, view.light, glass, noise)


@lru_cache(maxsize=64)
def who_is(twin: Twin, identity: int) -> wardrobe.Person:
    """The person behind an identity: the same clothes in all shots."""
    return wardrobe.person(stream(twin.seed, "person", identity))


def picture(twin: Twin, shot: Shot) -> np.ndarray:
    """Render one shot: ``[height, width, 3]`` uint8."""
    visible, infrared = views(twin, shot.identity, shot.number)
    noise = stream(twin.seed, "noise-ir" if shot.infrared else "noise-rgb", shot.identity, shot.number)
    view = infrared if shot.infrared else visible
    return _take(twin, view, who_is(twin, shot.identity), shot.camera, shot.infrared, noise, (twin.spec.height, twin.spec.width))


def counterfactual(
    kind: str,
    identity: int,
    shot: int,
    *,
    size: str = "demo",
    seed: int = 0,
    channel_gap: float | None = None,
    appearance_gap: float | None = None,
    shape: tuple[int, int] | None = None,
) -> dict[str, np.ndarray]:
    """A pair of partners and what each camera would have seen from the other's place.

    Returns ``[height, width, 3]`` uint8 arrays: ``rgb`` and ``ir`` are the pictures of the set (before a file format);
    ``rgb_at_ir`` is the RGB camera at the infrared shot's pose, view, place and light; ``ir_at_rgb`` the reverse.
    So rgb against rgb_at_ir is the appearance gap alone, rgb_at_ir against ir the channel gap alone.
    ``identity`` counts from 1, ``shot`` from 0; ``shape`` (height, width) overrides the size's own.
    Raises DatasetError for an identity, a shot, a size or a dial that the twin does not have.
    """
    twin = settle(kind, size, seed, channel_gap, appearance_gap)
    spec = twin.spec
    most = min(spec.visible, spec.infrared)
    if not 1 <= identity <= spec.identities:
        raise DatasetError(f"identity {identity} is not in {kind} at size {size}", rule=f"identities are 1 to {spec.identities}")
    if not 0 <= shot < most:
        raise DatasetError(f"shot {shot} is not in {kind} at size {size}", rule=f"pairs of partners are 0 to {most - 1}")
    visible, infrared = views(twin, identity, shot)
    glass = _cameras(twin, identity, shot)
    who = who_is(twin, identity)
    takes = {"rgb": (visible, False), "ir": (infrared, True), "rgb_at_ir": (infrared, False), "ir_at_rgb": (visible, True)}
    found = {}
    for name, (view, is_infrared) in takes.items():
        noise = stream(twin.seed, f"noise-{name.replace('_', '-')}", identity, shot)
        found[name] = _take(twin, view, who, glass[is_infrared], is_infrared, noise, shape or (spec.height, spec.width))
    return found


# -- a whole set -------------------------------------------------------------------------------------------------------


def default_root(
    kind: str, size: str = "demo", seed: int = 0, channel_gap: float | None = None, appearance_gap: float | None = None
) -> Path:
    """``<data>/<kind>-<size>-s<seed>-c<..>-a<..>``, with ``<data>`` the BDLAB_DATA environment variable or ``./data``."""
    twin = settle(kind, size, seed, channel_gap, appearance_gap)
    name = f"{kind}-{size}-s{twin.seed}-c{twin.channel_gap}-a{twin.appearance_gap}"
    return Path(os.environ.get("BDLAB_DATA") or "data") / name


def ensure(kind: str, root: Path | str | None = None, **options) -> Path:
    """The twin at ``root`` (or its default place), made if it is not there yet; options as for ``make``."""
    if root is None:
        root = default_root(kind, **{k: options[k] for k in ("size", "seed", "channel_gap", "appearance_gap") if k in options})
    return make(kind, Path(root), **options)


def describe(root: Path | str) -> dict:
    """The ``twin.json`` of a finished set; DatasetError where there is none or it cannot be read."""
    file = Path(root) / FORMAT
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"this is not a finished synthetic set ({error})", file=file, remedy="make it with `bdlab data make`") from error
    if not isinstance(card, dict):
        raise DatasetError("the description is not a table", file=file, remedy="remove the folder and make it again")
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
    """Write a twin at ``root`` and return ``root``; a finished set with the same parameters is left as it is.

    The set is built in a hidden folder beside ``root`` and renamed into place when complete, ``twin.json`` last: what
    lies at ``root`` is whole or absent. ``jobs`` processes (default: the cores this process may use) give the same bytes.
    Raises DatasetError for bad choices, or where ``root`` holds anything else.
    """
    twin, root = settle(kind, size, seed, channel_gap, appearance_gap), Path(root)
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        raise DatasetError(f"jobs is {jobs!r}", rule="a whole number from 1", remedy="leave it out to use every core")
    if _already(twin, root):
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{root.name}.making-", dir=root.parent))
    try:
        work.chmod(0o755)
        _fill(twin, work, jobs or _cores(), progress)
        _index(twin, work)
        card = twin.card() | {"counts": _count(twin, work)}
        (work / FORMAT).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        try:
            os.rename(work, root)  # replaces an empty folder, never a full one
        except OSError:
            if not _already(twin, root):  # someone else finished the same set first: theirs has the same bytes
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return root


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _already(twin: Twin, root: Path) -> bool:
    """Whether ``root`` holds this very twin; False where it is free; DatasetError where something else is there."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    remedy = "choose another root, or remove this one first"
    if not (root / FORMAT).is_file():
        raise DatasetError(f"there is something here that is not a finished {twin.kind}", file=root, remedy=remedy)
    card = describe(root)
    if other := [f"{k} {card.get(k)!r} (asked for: {v!r})" for k, v in twin.card().items() if card.get(k) != v]:
        raise DatasetError(f"another synthetic set is here: {', '.join(other)}", file=root, remedy=remedy)
    if card.get("counts") != _count(twin, root):
        raise DatasetError(
            "pictures are missing from this set or were added to it", file=root, remedy="remove the folder and make it again"
        )
    return True


def _count(twin: Twin, root: Path) -> dict[str, int]:
    """Identities and pictures that lie under ``root``."""
    infrared = ("Thermal", *(f"cam{c}" for c in INFRARED_CAMERAS))
    found = {"identities": set(), "visible": 0, "infrared": 0}
    for top in sorted(p for p in root.iterdir() if p.is_dir() and p.name not in ("idx", "exp")):
        for folder in top.iterdir():
            found["identities"].add(int(folder.name))
            found["infrared" if top.name in infrared else "visible"] += sum(1 for _ in folder.iterdir())
    return {"identities": len(found["identities"]), "visible": found["visible"], "infrared": found["infrared"]}


def _fill(twin: Twin, work: Path, jobs: int, progress: bool) -> None:
    """Render and write every picture; in this process where a pool would cost more than it saves."""
    ids = range(1, twin.spec.identities + 1)
    tasks = [(twin, identity, str(work)) for identity in ids]
    total = sum(1 for identity in ids for _ in shots(twin, identity))
    with tqdm(total=total, desc=f"{twin.kind} {twin.size}", unit="picture", disable=None if progress else True) as bar:
        if jobs == 1 or total <= SMALL:
            for task in tasks:
                bar.update(_write(task))
            return
        # spawn: a fork of a process with threads (torch, Jupyter) can hang
        with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=get_context("spawn")) as pool:
            try:
                for done in pool.map(_write, tasks, chunksize=max(1, len(tasks) // (8 * jobs))):
                    bar.update(done)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _write(task: tuple[Twin, int, str]) -> int:
    """Write one identity's pictures (in a worker process); returns how many."""
    twin, identity, work = task
    todo = list(shots(twin, identity))
    for shot in todo:
        file = Path(work) / shot.path
        file.parent.mkdir(parents=True, exist_ok=True)
        options = {"quality": 95, "subsampling": 0} if file.suffix == ".jpg" else {}
        Image.fromarray(picture(twin, shot)).save(file, **options)
    return len(todo)


def _index(twin: Twin, work: Path) -> None:
    """The text files that say which identity or picture belongs to which part, as in the real sets."""
    if twin.kind == "synthetic-sysu":
        folder = work / "exp"
        folder.mkdir()
        for name, ids in (parts(twin) | {"available": list(range(1, twin.spec.identities + 1))}).items():
            (folder / f"{name}_id.txt").write_text(",".join(map(str, ids)) + "\n", encoding="utf-8")
        return
    folder = work / "idx"
    folder.mkdir()
    for split in range(1, SPLITS + 1):
        for name, ids in parts(twin, split).items():
            for word, infrared in (("visible", False), ("thermal", True)):
                lines = [f"{s.path} {label}\n" for label, i in enumerate(ids) for s in shots(twin, i) if s.infrared is infrared]
                if name != "val":
                    (folder / f"{name}_{word}_{split}.txt").write_text("".join(lines), encoding="utf-8")
