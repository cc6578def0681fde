"""Pictures of a data set as a reader looks at them: decoded, in grey, as edges, in sheets, in
pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from bdlab.datasets import Dataset
from bdlab.datasets.pictures import load
from bdlab.methods.objective import Batch
from bdlab.modality import BASE, Modality
from bdlab.pixels import LUMA, shown
from bdlab.training.setup import Setup

DIALS = ("channel_gap", "appearance_gap")
#: How to look at a picture: what of it is shown, as grey where it is one number a pixel.
LOOKS = ("colour", "red", "green", "blue", "luma", "edges")


def pixels(dataset: Dataset, rows: Iterable[int], height: int = 64, width: int = 32) -> np.ndarray:
    """The pictures of some records, uint8 [n, height, width, 3]: decoded one by one, no bank of the
    whole set needed.
    """
    found = [load(dataset.root / dataset.records[row].path, height, width) for row in rows]
    return np.stack(found) if found else np.zeros((0, height, width, 3), np.uint8)


def luma(pictures: np.ndarray) -> np.ndarray:
    """Rec. 601 brightness [..., H, W] float32, 0..255; of an infrared picture with three equal
    channels that channel.
    """
    return pictures.astype(np.float32) @ np.array(LUMA, np.float32)


def edges(pictures: np.ndarray) -> np.ndarray:
    """Length of the brightness gradient [..., H, W]: outlines and folds, whichever side is the
    bright one.
    """
    dy, dx = np.gradient(luma(pictures), axis=(-2, -1))
    return np.hypot(dx, dy)


def look(pictures: np.ndarray, way: str = "colour") -> np.ndarray:
    """Pictures seen in one of ``LOOKS``, uint8 [..., H, W, 3]."""
    if way not in LOOKS:
        raise ValueError(f"look {way!r}: one of {', '.join(LOOKS)} is meant")
    if way == "colour":
        return pictures
    grey = {"luma": luma, "edges": lambda p: np.minimum(4 * edges(p), 255)}.get(
        way, lambda p: p[..., LOOKS.index(way) - 1]
    )(pictures)
    return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=-1)


def sheet(
    cells: Sequence[Sequence[np.ndarray | None]], gap: int = 3, blank: int = 235
) -> np.ndarray:
    """Pictures of one size in rows and columns on white, uint8; None leaves a grey cell. ValueError
    if all are None.
    """
    first = next((p for row in cells for p in row if p is not None), None)
    if first is None:
        raise ValueError("a sheet needs at least one picture")
    (height, width), columns = first.shape[:2], max(map(len, cells))
    page = np.full(
        (len(cells) * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8
    )
    for r, row in enumerate(cells):
        for c, picture in enumerate(row):
            y, x = r * (height + gap), c * (width + gap)
            page[y : y + height, x : x + width] = blank if picture is None else picture
    return page


def camera_name(modality: Modality, camera: int) -> str:
    """How a column of pictures is headed; sets with one camera a modality have no numbers."""
    return f"{modality.title}\ncamera {camera}" if camera else modality.title


def partners(dataset: Dataset, split: str = "test", most: int = 200) -> list[tuple[int, int]]:
    """(visible row, infrared row) of one person: the first with the first, the second with the
    second, in file order.

    In RegDB, its twin and aligned folders these are two pictures of one moment; in SYSU-MM01 of one
    person only.
    """
    rows: dict[int, dict[Modality, list[int]]] = {}
    for row in dataset.select(split):
        r = dataset.records[row]
        rows.setdefault(r.identity, {m: [] for m in BASE})[r.modality].append(row)
    pairs: list[tuple[int, int]] = []
    for identity in sorted(rows):
        visible, infrared = (rows[identity][m] for m in BASE)
        pairs += zip(visible, infrared, strict=False)
    keep = (
        np.unique(np.linspace(0, len(pairs) - 1, min(most, len(pairs))).astype(int))
        if pairs
        else []
    )
    return [pairs[k] for k in keep]


def twin_of(dataset: Dataset) -> dict[str, Any] | None:
    """The dials of a rendered twin as ``shots`` takes them (kind, size, seed, both dials); None for
    a set of real pictures.
    """
    card = dataset.provenance.get("twin")
    return card and {name: card[name] for name in ("kind", "size", "seed", *DIALS)}


@torch.no_grad()
def derived(setup: Setup, batch: Batch) -> dict[Modality, np.ndarray]:
    """A batch in all modalities of the net as it is now, ready to be shown (see
    ``pixels.shown``).
    """
    images = {**batch.images, **setup.net.derive(batch.images)}
    return {m: shown(images[m]) for m in Modality if m in images}
