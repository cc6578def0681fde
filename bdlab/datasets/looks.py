"""What the data doctor sees in the pictures themselves: broken ones, equal ones, their range, false
colours.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from bdlab import machine
from bdlab.modality import Modality

from .pictures import full, raw, read_bytes
from .records import DatasetError, Fault, few
from .thermal import Depth, palette_of

Paths = dict[str, tuple[int, Modality]]  # a picture's path -> its identity and modality


@dataclass(frozen=True, slots=True)
class Look:
    """One picture looked at: its bytes, its values from ``low`` to ``high``, how many of its pixels
    are at an end of what its file can hold, its palette.
    """

    digest: bytes
    bits: int
    low: float
    high: float
    ends: int
    pixels: int
    palette: str | None = None


def look(path: Path, infrared: bool) -> Look:
    """Open one picture; raises DatasetError."""
    data = read_bytes(path)
    digest = hashlib.sha256(data).digest()
    values, palette = raw(data, path), None
    bits = 8 if values is None else 16
    if values is not None and values.dtype.kind == "f":
        full(data, path)  # refuses floats, with the remedy
    if values is None:
        rgb = np.asarray(full(data, path))
        palette = palette_of(rgb) if infrared else None
        values = rgb.max(axis=2)
    low, high = float(values.min()), float(values.max())
    ends = int(((values <= 0) | (values >= 2**bits - 1)).sum())
    return Look(digest, bits, low, high, ends, values.size, palette)


def look_at_all(root: Path, paths: Paths, progress: bool, fault: Fault) -> list[str]:
    """Opens every picture; faults those that cannot be used, and returns notes on the others."""

    def safe(path: str) -> Look | DatasetError:
        try:
            return look(root / path, paths[path][1] is Modality.I)
        except DatasetError as error:
            return error

    quiet = None if progress else True
    with ThreadPoolExecutor(min(8, machine.cores())) as pool:
        found = pool.map(safe, paths)
        bar = tqdm(found, "opening", len(paths), False, unit="picture", disable=quiet)
        seen = dict(zip(paths, bar, strict=True))
    looks = {}
    for path, one in seen.items():
        if isinstance(one, DatasetError):
            fault(one)
        else:
            looks[path] = one
    _raw_counts(root, looks, fault)
    _false_colours(root, looks, fault)
    return [*_ranges(looks, paths), *_equal(looks, paths)]


def _raw_counts(root: Path, looks: dict[str, Look], fault: Fault) -> None:
    depth = Depth()
    for one in looks.values():
        if one.bits > 8:
            depth.add(one.low, one.high)
    if error := depth.fault(root):
        fault(error)


def _false_colours(root: Path, looks: dict[str, Look], fault: Fault) -> None:
    found = Counter(one.palette for one in looks.values() if one.palette)
    for palette, count in found.items():
        path = next(path for path, one in looks.items() if one.palette == palette)
        fault(
            DatasetError(
                f"is in false colour, the palette {palette} ({count} such)",
                file=root / path,
                rule="infrared pictures are grey: a palette is no measurement",
                remedy="`bdlab data import --palette auto` turns them back into grey",
            )
        )


def _ranges(looks: dict[str, Look], paths: Paths) -> list[str]:
    """Of each modality and depth: the values used over the set, how many pixels are at an end."""
    notes = []
    for modality in (Modality.V, Modality.I):
        for bits in (8, 16):
            own = [x for path, x in looks.items() if (paths[path][1], x.bits) == (modality, bits)]
            if own:
                notes.append(
                    f"{len(own):,} {modality.title} pictures of {bits} bits: {_range(own)}"
                )
    return notes


def _range(looks: list[Look]) -> str:
    low, high = min(one.low for one in looks), max(one.high for one in looks)
    ends, pixels = sum(one.ends for one in looks), sum(one.pixels for one in looks)
    return f"range {low:g} to {high:g} over the set, {100 * ends / pixels:.1f} % of pixels clipped"


def _equal(looks: dict[str, Look], paths: Paths) -> list[str]:
    """A note on pictures that lie under two identities, byte for byte."""
    first: dict[bytes, str] = {}
    twice = []
    for path, one in looks.items():
        other = first.setdefault(one.digest, path)
        if paths[other][0] != paths[path][0]:
            twice.append(f"{path} = {other}")
    if not twice:
        return []
    return [f"{len(twice)} pictures lie under two identities, byte for byte: {few(twice)}"]
