"""People cut out of frames: a table of boxes, as detectors write it, and a folder of frames."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path

import numpy as np

from bdlab.modality import Modality

from . import words
from .plan import Found, Plan
from .tables import describe, place, read_rows, wrong

COLUMNS = ("path", "x", "y", "w", "h", "identity", "modality", "camera", "split", "name")
NEEDED = ("path", "x", "y", "w", "h")
MIN_SIDE = 8  # pixels, as of any picture of a person
_NOBODY = frozenset({"", "none", "nan", "null", "-1", "unknown"})


def read(table: Path, frames: Path, skip: Collection[str] = ()) -> Plan:
    """The plan of a table of boxes in the frames below ``frames``: columns path, x, y, w, h [pixels
    of the frame as it is shown]; identity, modality, camera, split and name if they are there.

    Without a column the folders of the path say the modality. A box without an identity is of
    nobody known. Raises DatasetError naming file and line.
    """
    rows, passed = read_rows(table, COLUMNS, NEEDED, skip)
    plan = Plan(table, "boxes of people in frames", [], passed=passed)
    for line, row in rows:
        source = place(row["path"], frames, table, line)
        if not source.is_file():
            raise wrong(
                table, line, f"the frame {source} is not there",
                f"paths start at {frames}", "correct the path, or name the folder with --frames",
            )  # fmt: skip
        name = words.plain(row.get("identity", ""))
        name = "" if name.lower() in _NOBODY else name
        if name:
            describe(plan, row, name, table, line)
        modality, camera = _modality(row, table, line), row.get("camera") or None
        plan.pictures.append(Found(source, name, modality, camera, _box(row, table, line), line))
    return plan


def _modality(row: dict[str, str], table: Path, line: int) -> Modality:
    said = [row["modality"]] if "modality" in row else Path(row["path"]).parts[:-1]
    found = {words.MODALITIES[word.lower()] for word in said if word.lower() in words.MODALITIES}
    if len(found) != 1:
        raise wrong(
            table, line, "neither a column nor the folders of the path say one modality",
            f"a modality is one of {', '.join(words.MODALITIES)}", "add a column modality",
        )  # fmt: skip
    return found.pop()


def _box(row: dict[str, str], table: Path, line: int) -> tuple[float, ...]:
    try:
        box = tuple(float(row[side]) for side in ("x", "y", "w", "h"))
    except ValueError:
        box = (math.nan,)
    if not all(math.isfinite(side) for side in box) or min(box[2:]) <= 0:
        raise wrong(
            table, line, f"x, y, w, h = {', '.join(row[side] for side in 'xywh')} is no box",
            "a box has a place and a size in pixels, w and h above 0",
        )  # fmt: skip
    return box


def cut(pixels: np.ndarray, one: Found, table: Path) -> tuple[np.ndarray, bool]:
    """What a box holds of a frame [H, W, ...], and whether it was cut at the frame's border.

    Raises DatasetError for a box outside the frame, or one that leaves fewer than 8 pixels a side.
    """
    x, y, w, h = one.box
    height, width = pixels.shape[:2]
    left, top = round(x), round(y)
    right, bottom = round(x + w), round(y + h)
    inside = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
    if min(inside[2] - inside[0], inside[3] - inside[1]) < MIN_SIDE:
        raise wrong(
            table, one.line, f"the box {x:g}, {y:g}, {w:g}, {h:g} leaves fewer than {MIN_SIDE} "
            f"pixels a side of the frame's {width} x {height}",
            "a box lies in its frame", "correct the box, or take the line out",
        )  # fmt: skip
    crop = pixels[inside[1] : inside[3], inside[0] : inside[2]]
    return crop, inside != (left, top, right, bottom)
