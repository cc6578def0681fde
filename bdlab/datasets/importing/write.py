"""An import done: every picture opened, turned into grey where it is raw, and written beside its
place; the folder appears whole or not at all.
"""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from bdlab import machine
from bdlab.modality import Modality

from .. import pictures
from ..grouped import told
from ..records import SPLITS, DatasetError
from ..thermal import Depth, Scale, auto_scale, palette_of, without_palette
from .boxes import cut
from .plan import FOLDERS, UNKNOWN, Found, Plan, check, shown_path

CHUNK = 256  # pictures between two writes


@dataclass(frozen=True, slots=True)
class Ready:
    """A picture as it will be written, and what became of it."""

    data: bytes
    suffix: str
    raw: tuple[float, float] | None = None  # lowest and highest value of a picture kept raw
    below: int = 0  # pixels darker than the range, and brighter
    above: int = 0
    pixels: int = 0
    palette: str | None = None
    clamped: bool = False


def write(plan: Plan, out: Path | str, progress: bool = False) -> Path:
    """Does what ``plan`` says, into the new folder ``out``, returned.

    Raises DatasetError, and leaves nothing, where ``out`` exists, a picture cannot be used (all
    such are told at once), or nothing can be written.
    """
    out = Path(out)
    check(plan)
    if out.exists() or out.is_symlink():
        raise DatasetError(
            "is there already",
            file=out,
            rule="an import never overwrites",
            remedy="name a new folder",
        )
    if plan.scale == "auto":
        plan = replace(plan, scale=_auto(plan))
    part = out.with_name(f".{out.name}.{secrets.token_hex(8)}.part")
    try:
        part.mkdir(parents=True)
        rows, made = _pictures(plan, part, progress)
        _beside(plan, part, rows, made)
        os.rename(part, out)
    except OSError as error:
        raise DatasetError(
            f"cannot be written ({error.strerror})",
            file=out,
            rule="an import has room beside its target and may write there",
            remedy="make room, or name another folder",
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return out


def _auto(plan: Plan) -> Scale:
    """The range of all raw infrared pictures of the plan together."""
    infrared = [one for one in plan.pictures if one.modality is Modality.I]
    return auto_scale((_raw(one, plan) for one in infrared), len(infrared))


def _raw(one: Found, plan: Plan) -> np.ndarray:
    values = pictures.raw(pictures.read_bytes(one.source), one.source)
    if values is None:
        raise DatasetError(
            "has 8 bits, no raw values",
            file=one.source,
            rule="--scale is for sets whose infrared pictures all hold raw values",
            remedy="leave --scale out, or import the raw pictures alone",
        )
    return values if one.box is None else cut(values, one, plan.source)[0]


def _pictures(plan: Plan, part: Path, progress: bool) -> tuple[list[tuple], list[Ready]]:
    """Writes every picture; returns the rows of pictures.csv and what became of each picture."""
    numbers, cameras = plan.numbers(), plan.cameras()
    count: Counter = Counter()
    rows, made, errors = [], [], []
    ordered = sorted(
        plan.pictures, key=lambda one: (one.name, one.modality, str(one.source), one.line or 0)
    )
    quiet = None if progress else True  # None: no bar where nobody sees it move
    bar = tqdm(total=len(ordered), unit="picture", leave=False, disable=quiet)
    with bar, ThreadPoolExecutor(min(8, machine.cores())) as pool:
        for start in range(0, len(ordered), CHUNK):
            chunk = ordered[start : start + CHUNK]
            for one, ready in zip(chunk, pool.map(lambda x: _safe(x, plan), chunk), strict=True):
                bar.update()
                if isinstance(ready, DatasetError):
                    errors.append(ready)
                    continue
                person = f"{numbers[one.name]:04d}" if one.name else ""
                top = FOLDERS[one.modality]
                here = f"{top}/{person}" if person else f"{UNKNOWN}/{top}"
                count[here] += 1
                target = f"{here}/{count[here]:04d}{ready.suffix}"
                (part / here).mkdir(parents=True, exist_ok=True)
                (part / target).write_bytes(ready.data)
                made.append(replace(ready, data=b""))
                camera = cameras[one.camera] if one.camera else ""
                rows.append((target, _source(one, plan), camera))
    _refuse(errors, plan)
    _judge(plan, made)
    return rows, made


def _safe(one: Found, plan: Plan) -> Ready | DatasetError:
    try:
        return _ready(one, plan)
    except DatasetError as error:
        return error


def _ready(one: Found, plan: Plan) -> Ready:
    """One picture as it will be written; raises DatasetError for what cannot be used."""
    infrared = one.modality is Modality.I
    if infrared and isinstance(plan.scale, Scale):
        values = _raw(one, plan)
        below, above = plan.scale.clipped(values)
        return Ready(_png(plan.scale.grey(values)), ".png", None, below, above, values.size)
    data = pictures.read_bytes(one.source)
    values = pictures.raw(data, one.source)
    if values is not None and values.dtype.kind != "f":
        clamped = False
        if one.box is not None:
            values, clamped = cut(values, one, plan.source)
            data = _png(values.astype(np.uint16))
        suffix = ".png" if one.box else one.source.suffix.lower()
        return Ready(data, suffix, (values.min(), values.max()), clamped=clamped)
    rgb = np.asarray(pictures.full(data, one.source))
    palette = palette_of(rgb) if infrared else None
    if palette and plan.palette not in ("auto", palette):
        raise DatasetError(
            f"is in false colour, the palette {palette}",
            file=one.source,
            rule="infrared pictures are grey: a palette is no measurement",
            remedy=f"--palette {palette} turns such pictures back into grey",
        )
    clamped = False
    if palette:
        rgb = without_palette(rgb, palette)
    if one.box is not None:
        rgb, clamped = cut(rgb, one, plan.source)
    if palette or one.box is not None:
        return Ready(_png(rgb), ".png", palette=palette, clamped=clamped)
    return Ready(data, one.source.suffix.lower())


def _png(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(values)).save(out, "PNG")
    return out.getvalue()


def _refuse(errors: list[DatasetError], plan: Plan) -> None:
    """Raises one DatasetError for all pictures that cannot be used: each kind of fault once."""
    if not errors:
        return
    first = errors[0]
    if len(errors) == 1:
        raise first
    kinds = told(errors)
    more = "" if len(kinds) == 1 else " " + " ".join(kinds[1:])
    same = len(errors) if len(kinds) == 1 else f"{len(errors)} faults, {len(kinds)} kinds"
    raise DatasetError(
        f"{first.problem} ({same} of {len(plan.pictures)} pictures{more})",
        file=first.file,
        line=first.line,
        rule=first.rule,
        remedy=first.remedy,
    )


def _judge(plan: Plan, made: list[Ready]) -> None:
    """Raises DatasetError for raw counts without a range, and for an option nothing needed."""
    depth = Depth()
    for one in made:
        if one.raw:
            depth.add(*one.raw)
    if error := depth.fault(plan.source):
        raise error
    if plan.palette and not any(one.palette for one in made):
        raise DatasetError(
            "no infrared picture is in false colour of a palette that is known",
            file=plan.source,
            rule="--palette is for false colours",
            remedy="leave --palette out",
        )


def _source(one: Found, plan: Plan) -> str:
    """Where a picture came from, for pictures.csv."""
    shown = shown_path(one.source, plan.source)
    if one.box is None:
        return shown
    return f"{shown}#{','.join(f'{side:g}' for side in one.box)}"


def _beside(plan: Plan, part: Path, rows: list[tuple], made: list[Ready]) -> None:
    """The files beside the pictures: names, sources, division, rules."""
    numbers = plan.numbers()
    named = [(number, plan.people.get(name, name)) for name, number in numbers.items()]
    _table(part / "names.csv", ("identity", "name"), named)
    header = ("path", "source", "camera")
    if not plan.cameras():
        header, rows = header[:2], [row[:2] for row in rows]
    _table(part / "pictures.csv", header, rows)
    for name, text in _lists(plan, numbers):
        (part / name).write_text(text, encoding="utf-8")
    rules: dict[str, Any] = {"made": _made(plan, made)}
    if plan.exclude != "none":
        rules["exclude"] = plan.exclude
    if plan.lonely():
        rules["distractors"] = True
    (part / "set.json").write_text(json.dumps(rules, indent=1) + "\n", encoding="utf-8")


def _lists(plan: Plan, numbers: dict[str, int]) -> Iterator[tuple[str, str]]:
    """The lists of a declared division, as (name, text)."""
    for part in SPLITS:
        ids = sorted(number for name, number in numbers.items() if plan.parts.get(name) == part)
        if ids:
            yield f"{part}.txt", "".join(f"{one}\n" for one in ids)


def _made(plan: Plan, made: list[Ready]) -> dict[str, Any]:
    """How the set was made, for its provenance."""
    said: dict[str, Any] = {"form": plan.form}
    if isinstance(plan.scale, Scale):
        pixels = max(1, sum(one.pixels for one in made))
        said["scale"] = [plan.scale.low, plan.scale.high]
        said["clipped"] = {
            "below": sum(one.below for one in made) / pixels,
            "above": sum(one.above for one in made) / pixels,
        }
    if palettes := Counter(one.palette for one in made if one.palette):
        said["palettes"] = dict(palettes)
    if clamped := sum(one.clamped for one in made):
        said["clamped_boxes"] = clamped
    cameras = {str(number): name for name, number in plan.cameras().items()}
    if any(number != name for number, name in cameras.items()):
        said["cameras"] = cameras
    return said


def _table(path: Path, header: tuple[str, ...], rows: list[tuple]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([header, *rows])
