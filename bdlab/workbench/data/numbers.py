"""The numbers behind the data notebook: who was seen where, how channels agree, who is compared
with whom, the two gaps.

Everywhere a correlation is Pearson's over the pixels of two pictures; a gap is one minus it: 0 for
the same picture up to brightness and contrast, 1 for two that have nothing in common, above 1 for a
negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bdlab.datasets import Dataset
from bdlab.evaluation import Embedded
from bdlab.modality import BASE, Modality
from bdlab.protocols import draws
from bdlab.workbench.pictures import camera_name, edges, luma, partners, pixels

GAPS = ("appearance", "channel", "both", "strangers")


# -- pictures
# --------------------------------------------------------------------------------------------------


# -- who was seen where
# ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sightings:
    """A table of people by cameras: ``cells[p][c]`` is a record's row, or None where that camera
    has no (more) picture.
    """

    ids: tuple[int, ...]
    columns: tuple[tuple[Modality, int], ...]
    cells: tuple[tuple[int | None, ...], ...]


def sightings(
    dataset: Dataset, split: str = "test", people: int = 4, shots: int = 2, first: int = 0
) -> Sightings:
    """``people`` identities of a part from the ``first``-th on; ``shots`` pictures a camera,
    visible cameras before infrared.
    """
    seen: dict[tuple[int, Modality, int], list[int]] = {}
    for row in dataset.select(split):
        r = dataset.records[row]
        seen.setdefault((r.identity, r.modality, r.camera), []).append(row)
    cameras = sorted({key[1:] for key in seen}, key=lambda c: (BASE.index(c[0]), c[1]))
    ids = dataset.identities(split)[first : first + people]
    columns = tuple(camera for camera in cameras for _ in range(shots))
    cells = []
    for identity in ids:
        line: list[int | None] = []
        for camera in cameras:
            line += (seen.get((identity, *camera), []) + [None] * shots)[:shots]
        cells.append(tuple(line))
    return Sightings(ids, columns, tuple(cells))


# -- channels
# --------------------------------------------------------------------------------------------------


def strangers(dataset: Dataset, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The visible pictures of ``pairs``, each with the infrared one of the next person; empty if
    there is only one.
    """
    who = [dataset.records[v].identity for v, _ in pairs]
    found = []
    for k, (v, _) in enumerate(pairs):
        later = (*range(k + 1, len(pairs)), *range(k))
        found += [(v, pairs[j][1]) for j in later if who[j] != who[k]][:1]
    return found


def correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson's r of each of n pairs of planes [n, H, W] -> [n] float64; 0 where one of the two is
    flat.
    """
    a, b = (x.reshape(len(x), -1).astype(np.float64) for x in (a, b))
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (a, b))
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.divide((a * b).sum(axis=1), scale, out=np.zeros(len(a)), where=scale > 0)


def histograms(visible: np.ndarray, infrared: np.ndarray, bins: int = 32) -> dict[str, np.ndarray]:
    """Share of the pixels in each of ``bins`` equal steps of brightness, for red, green, blue and
    infrared.
    """
    planes = {name: visible[..., k] for k, name in enumerate(("red", "green", "blue"))} | {
        "infrared": luma(infrared)
    }
    return {
        name: np.histogram(p, bins=bins, range=(0, 256))[0] / p.size for name, p in planes.items()
    }


def agreement(
    dataset: Dataset, split: str = "test", most: int = 200, height: int = 64, width: int = 32
) -> dict[str, np.ndarray]:
    """r of every picture: between the colours of the visible ones, then of brightness and of edges
    between visible and infrared, for partners and for strangers (left out where there is only one
    person).
    """
    pairs = partners(dataset, split, most)
    visible = pixels(dataset, [v for v, _ in pairs], height, width)
    red, green, blue = (visible[..., k] for k in range(3))
    found = {
        "R–G": correlation(red, green),
        "G–B": correlation(green, blue),
        "R–B": correlation(red, blue),
    }
    others = strangers(dataset, pairs)
    kinds = {"one person": pairs} | ({"strangers": others} if others else {})
    both = {}
    for who, rows in kinds.items():
        columns = zip(*rows, strict=True)  # visible rows, infrared rows
        both[who] = [pixels(dataset, column, height, width) for column in columns]
    for name, of in (("luma–IR", luma), ("edges–IR", edges)):
        found |= {f"{name}, {who}": correlation(of(a), of(b)) for who, (a, b) in both.items()}
    return found


# -- protocols
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Trial:
    """One test: rows of the queries and of the gallery, both by camera, then identity; ``same`` and
    ``removed`` [Q, G] bool.
    """

    query: tuple[int, ...]
    gallery: tuple[int, ...]
    same: np.ndarray
    removed: np.ndarray

    @property
    def valid(self) -> np.ndarray:
        """[Q] bool: queries with something left to find."""
        return (self.same & ~self.removed).any(axis=1)

    @property
    def example(self) -> int:
        """Number of a query that shows it all: the first that keeps a match and loses one, or keeps
        one, or the first.
        """
        return int(np.argmax(2 * self.valid + (self.same & self.removed).any(axis=1)))


def trial(dataset: Dataset, setting: str = "", number: int = 0) -> Trial:
    """A trial of the set's own protocol: "v2t", "t2v", or another of its record
    (``rules``; default: the first).

    ``number`` is the gallery draw (seeded). Raises ValueError for a setting of another protocol.
    """
    protocol = dataset.tested_by
    settings = protocol.names
    setting = setting or settings[0]
    if setting not in settings:
        raise ValueError(f"setting {setting!r}: {dataset.name} is tested by {', '.join(settings)}")
    visible, infrared = ([*dataset.select("test", m)] for m in BASE)
    asked = protocol[setting]
    query, gallery = (visible, infrared) if asked.query == "V" else (infrared, visible)
    if asked.shots:
        drawn = query if asked.drawn == "query" else gallery
        part = [dataset.records[row] for row in drawn]
        everyone = Embedded(
            np.zeros((len(part), 1)),
            [r.identity for r in part],
            [r.camera for r in part],
            [r.path for r in part],
        )
        drawn = [drawn[k] for k in draws.seeded_draw(everyone, asked, number)]
        query, gallery = (drawn, gallery) if asked.drawn == "query" else (query, drawn)

    query, gallery = (
        sorted(rows, key=lambda row: _order(dataset, row)) for rows in (query, gallery)
    )
    qcam, qid = np.array([_order(dataset, row)[:2] for row in query]).T
    gcam, gid = np.array([_order(dataset, row)[:2] for row in gallery]).T
    same = qid[:, None] == gid[None, :]
    removed = protocol.excluded(qcam[:, None], gcam[None, :], same)
    return Trial(tuple(query), tuple(gallery), same, removed)


def _order(dataset: Dataset, row: int) -> tuple[int, int, str]:
    r = dataset.records[row]
    return r.camera, r.identity, r.path


def shelves(
    dataset: Dataset, trial: Trial, wanted: int, people: int
) -> tuple[dict[str, list[int | None]], list[int]]:
    """Places in the gallery by camera (or, with one camera, by shot) and person, ``wanted`` first;
    and the persons' numbers.
    """
    seen: dict[tuple[str, int], list[int]] = {}
    for g, row in enumerate(trial.gallery):
        r = dataset.records[row]
        seen.setdefault((camera_name(r.modality, r.camera), r.identity), []).append(g)
    others = sorted({who for _, who in seen} - {wanted})
    owner = [wanted, *others[: people - 1]]
    names = list(dict.fromkeys(name for name, _ in seen))
    if len(names) > 1:
        shelves = {}
        for name in names:
            shelves[name] = [seen.get((name, who), [None])[0] for who in owner]
        return shelves, owner
    most = min(3, max(len(v) for v in seen.values()))
    taken = [seen.get((names[0], who), []) + [None] * most for who in owner]
    shelves = {}
    for k in range(most):
        shelves[f"{names[0]}\nshot {k + 1}"] = [pictures[k] for pictures in taken]
    return shelves, owner


# -- the two gaps
# --------------------------------------------------------------------------------------------------


def shots(kind: str, people: int = 24, number: int = 0, **options: Any) -> dict[str, np.ndarray]:
    """One pair a person of a twin, with what each camera would have seen from the other's place:
    [n, H, W, 3] uint8 each.

    ``rgb``, ``ir``, ``rgb_at_ir``, ``ir_at_rgb``; ``number`` counts a person's shots from 0,
    ``options`` go to ``bdtwins.counterfactual`` (size, seed, the dials, shape).
    """
    from bdlab.datasets import twin

    takes = [twin.counterfactual(kind, one, number, **options) for one in range(1, people + 1)]
    stacks = {}
    for name in takes[0]:
        stacks[name] = np.stack([take[name] for take in takes])
    return stacks


def gaps(pictures: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """1 - r [n] of each pair: ``appearance`` rgb | rgb_at_ir (two places, one sensor), ``channel``
    rgb_at_ir | ir (one place, two sensors), ``both`` rgb | ir (all that a real set shows);
    ``strangers`` rgb | the next person's, one sensor.
    """
    rgb, moved, ir = (luma(pictures[name]) for name in ("rgb", "rgb_at_ir", "ir"))
    pairs = {
        "appearance": (rgb, moved),
        "channel": (moved, ir),
        "both": (rgb, ir),
        "strangers": (rgb, np.roll(rgb, 1, axis=0)),
    }
    return {name: 1 - correlation(*pair) for name, pair in pairs.items()}


def sweep(
    kind: str, dial: str, values: Sequence[float], people: int = 24, **options: Any
) -> dict[str, np.ndarray]:
    """The gaps [values, people] while one dial of a twin turns and the other stays at its default
    (or as given).
    """
    found = [gaps(shots(kind, people, **options | {dial: float(value)})) for value in values]
    swept = {}
    for name in GAPS:
        swept[name] = np.stack([step[name] for step in found])
    return swept


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the last axis and half the width of its 95 % interval (normal: 1.96 standard
    errors).
    """
    count = values.shape[-1]
    return values.mean(axis=-1), 1.96 * values.std(axis=-1, ddof=1 if count > 1 else 0) / np.sqrt(
        count
    )
