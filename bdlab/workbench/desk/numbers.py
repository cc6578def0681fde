"""What the desk knows: trained cells of one data set, their maps, ranked lists, filters,
likenesses.

Every list and every hit is ``evaluation``'s, by way of ``retrieval.search``. A picture is named by
its row in the data set's records, the same in both cells. Widgets and pictures of the page are in
``explore``, the static twin in ``figures``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bdlab import pixels
from bdlab.modality import BASE, Modality
from bdlab.workbench.plane import widest
from bdlab.workbench.retrieval import embedding
from bdlab.workbench.retrieval.search import Answer, Tested, reopen

NAMES = "AB"  # the cells on the desk, in the order they were given
MAPS = ("PCA", "t-SNE")
ORDERS = ("hardest first", "by person")
#: Which queries can be asked for, by how many cells lie on the desk.
FILTERS = {
    1: ("all", "missed", "found"),
    2: (
        "all",
        "found by B, missed by A",
        "found by A, missed by B",
        "missed by both",
        "found by both",
    ),
}
#: Up to so many distances a trial's whole table is held, as the scores had it; above, a row is
#: computed when it is asked.
LARGEST = 2**22
#: Queries scored at once where a trial has no scores of its own.
BLOCK = 256


class DeskError(ValueError):
    """What cannot be laid on the desk: one sentence that names the fault and its remedy."""


# -- cells
# --------------------------------------------------------------------------------------------------


def open_cells(
    cells: Sequence[Tested | Path | str], root: Path | str | None = None
) -> list[Tested]:
    """One or two trained cells, tested again; ``root`` is where their data lie now, if elsewhere.

    Raises DeskError for a folder that is no finished cell, is damaged or whose data are not there,
    and for two cells of two data sets.
    """
    opened = [cell if isinstance(cell, Tested) else _opened(cell, root) for cell in cells]
    sets = [tested.setup.dataset for tested in opened]
    if len({dataset.fingerprint for dataset in sets}) > 1:
        names = [title(c) if isinstance(c, Tested) else c for c in cells]
        raise DeskError(
            f"{names[0]} was trained on {_named(sets[0])}, {names[1]} on {_named(sets[1])}: a "
            "picture of one is not in the other. Lay two cells of one data set, root and split on "
            "the desk."
        )
    return opened


def _opened(folder: Path | str, root: Path | str | None) -> Tested:
    if not Path(folder).is_dir():
        raise DeskError(
            f"{folder}: no such folder. `bdlab status {Path(folder).parent}` lists the cells there."
        )
    try:
        return reopen(folder, str(root) if root else None)
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        raise DeskError(" ".join(str(error).split())) from error


def _named(dataset: Any) -> str:
    return f"{dataset.name} (fingerprint {dataset.fingerprint[:8]})"


def title(tested: Tested) -> str:
    """A cell's row in its table, with its seed."""
    run = tested.setup.config.run
    return f"{run.row}, seed {run.seed}"


def lacking(tested: Tested) -> str:
    """Why a cell shows no derivative pictures, and what to do; empty if it has both."""
    missing = [m for m in (Modality.DV, Modality.DI) if m not in tested.embedded]
    if not missing:
        return ""
    names = " and ".join("D_V" if m is Modality.DV else "D_I" for m in missing)
    return (
        f"{title(tested)} has no {names}: it was trained without. "
        "`bdlab train MDL4` makes a cell that has both."
    )


# -- the map
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Points:
    """A cell's test pictures in all its streams, as points: ``rows``, ``ids``, ``cameras`` [N] int,
    ``streams`` [N] as numbers in the order of ``Modality``.
    """

    rows: np.ndarray
    ids: np.ndarray
    cameras: np.ndarray
    streams: np.ndarray

    def packed(self) -> bytes:
        """uint32 [N, 4], little-endian: row, identity, camera, stream."""
        columns = (self.rows, self.ids, self.cameras, self.streams)
        return np.stack(columns, axis=1).astype("<u4").tobytes()


def points(tested: Tested) -> Points:
    """The points of a cell's map, stream by stream, derivative ones last."""
    order = [m for m in Modality if m in tested.embedded]
    sizes = [len(tested.embedded[m]) for m in order]
    return Points(
        np.concatenate([tested.rows(m) for m in order]),
        np.concatenate([tested.embedded[m].ids for m in order]),
        np.concatenate([tested.embedded[m].cameras for m in order]),
        np.repeat([list(Modality).index(m) for m in order], sizes),
    )


def features(tested: Tested) -> np.ndarray:
    """The features [N, D] of a cell's points, in their order."""
    return np.concatenate([tested.embedded[m].features for m in Modality if m in tested.embedded])


class Plane:
    """The two widest directions of a cell's features, on the map's scale; ``shares`` [2] of the
    variance they hold. Other features of the same points can be laid into it: a film does.
    """

    def __init__(self, own: np.ndarray):
        self.middle, self.directions, self.shares = widest(own)
        self.centre, self.reach = np.zeros(2), 1.0
        where = self._flat(own)
        self.centre, self.reach = _bounds(where)

    def place(self, some: np.ndarray) -> np.ndarray:
        """Where features [N, D] lie: [N, 2] float32, the plane's own within -1..1."""
        return ((self._flat(some) - self.centre) / self.reach).astype(np.float32)

    def _flat(self, some: np.ndarray) -> np.ndarray:
        """In float64, some rows at a time: a large set is never copied whole."""
        steps = range(0, len(some), 1024)
        parts = [(some[k : k + 1024] - self.middle) @ self.directions.T for k in steps]
        return np.concatenate(parts)


def plane(tested: Tested, way: str = "PCA") -> tuple[np.ndarray, str]:
    """Where the points lie: [N, 2] float32 within -1..1, both axes on one scale, and a sentence
    about what the map keeps. ValueError for a map that is not in ``MAPS``.
    """
    if way not in MAPS:
        raise ValueError(f"map {way!r}: {' or '.join(MAPS)} is meant")
    own = features(tested)
    if way == "PCA":
        flat = Plane(own)
        words = f"PCA: the two axes hold {flat.shares.sum():.0%} of the variance"
        return flat.place(own), words
    where = embedding.tsne(own).astype(np.float64)
    centre, reach = _bounds(where)
    words = "t-SNE: neighbours are kept, distances are not"
    return ((where - centre) / reach).astype(np.float32), words


def _bounds(where: np.ndarray) -> tuple[np.ndarray, float]:
    """The middle of some points' box, and half of its longer side."""
    centre = (where.max(axis=0) + where.min(axis=0)) / 2
    return centre, max(float(np.abs(where - centre).max()), 1e-30)


# -- lists
# --------------------------------------------------------------------------------------------------


class Lists:
    """One trial of one setting as one cell answers it: a ranked list for every query.

    ``query`` [Q] and ``gallery`` [G] are rows of the records; ``first`` [Q] (rank of the first
    right one from 0, -1 without any), ``ap`` [Q] and ``valid`` [Q] are the scores'.
    """

    def __init__(self, tested: Tested, setting: str, number: int = 0):
        self.tested, self.setting, self.number = tested, setting, number
        asks = tested.asks(setting)
        asking = tested.asked(setting, number)
        self.query = tested.rows(asks)[asking]
        answers = BASE[1 - BASE.index(asks)]
        size = len(self.query) * len(tested.embedded[answers])
        whole = size <= LARGEST or tested.setup.config.test.rerank
        one = tested.search(setting, number, None if whole else [0])
        self._whole = one if whole else None
        self.gallery = one.gallery
        self.query_ids, self.gallery_ids = tested.embedded[asks].ids[asking], one.gallery_ids
        self.unique = one.unique
        self._places = {int(row): place for place, row in enumerate(self.query)}
        self.first, self.ap = self._scores()
        self.valid = self.first >= 0

    def _scores(self) -> tuple[np.ndarray, np.ndarray]:
        """(first, ap) of all queries: those of the protocol, or counted now, some at a time."""
        result = self.tested.results.get(self.setting)
        if result is not None:
            return result.trials[self.number].first, result.trials[self.number].ap
        scores = []
        for start in range(0, len(self.query), BLOCK):
            block = range(start, min(start + BLOCK, len(self.query)))
            scores.append(self.tested.search(self.setting, self.number, block).scores)
        return np.concatenate([s.first for s in scores]), np.concatenate([s.ap for s in scores])

    def place(self, row: int) -> int:
        """The number of the query that is this record; KeyError if it does not ask here."""
        return self._places[int(row)]

    def answer(self, row: int) -> Answer:
        """The whole list of one query, nearest first."""
        number = self.place(row)
        if self._whole is not None:
            return self._whole.answer(number)
        return self.tested.search(self.setting, self.number, [number]).answer(0)

    def ranked(self, row: int, shown: int = 20) -> dict[str, Any]:
        """The head of a list and, where it comes later, the first right one, for the page.

        ``first`` and ``length`` count places from 1 (0: none is right); ``rank`` counts distinct
        people where the protocol does; ``matches`` are the rows of all right ones.
        """
        answer, number = self.answer(row), self.place(row)
        places = list(range(min(shown, len(answer.places))))
        if answer.first >= shown:
            places.append(answer.first)
        records = self.tested.setup.dataset.records
        entries = []
        for place in places:
            found = int(self.gallery[answer.places[place]])
            entries.append(
                {
                    "row": found,
                    "place": place + 1,
                    "right": bool(answer.right[place]),
                    "distance": round(float(answer.distances[place]), 4),
                    "person": records[found].identity,
                    "camera": records[found].camera,
                }
            )
        return {
            "entries": entries,
            "first": answer.first + 1,
            "rank": int(self.first[number]) + 1 if self.unique else 0,
            "length": len(answer.places),
            "ap": round(float(self.ap[number]), 4) if self.valid[number] else None,
            "matches": self.gallery[answer.places[answer.right]].tolist(),
        }


def setting_for(tested: Tested, row: int, preferred: str) -> str:
    """A setting in which this record asks: the preferred one if it does, else the first that has
    pictures of its modality as queries.
    """
    asks = tested.setup.dataset.records[row].modality
    for setting in (preferred, *tested.settings):
        if tested.asks(setting) is asks:
            return setting
    raise DeskError(f"no setting of {tested.setup.dataset.name} is asked by {asks.title} pictures.")


# -- filters
# --------------------------------------------------------------------------------------------------


def filters(lists: Sequence[Lists]) -> dict[str, np.ndarray]:
    """Which queries are shown, by name: [Q] bool each. *Found* is a right picture at rank 1; a
    query without any match in the gallery is in none.
    """
    valid = lists[0].valid
    found = [one.first == 0 for one in lists]
    if len(lists) == 1:
        shown = [valid, valid & ~found[0], found[0]]
    else:
        a, b = found
        shown = [valid, valid & b & ~a, valid & a & ~b, valid & ~a & ~b, valid & a & b]
    return dict(zip(FILTERS[len(lists)], shown, strict=True))


def queries(
    lists: Sequence[Lists],
    chosen: str = "all",
    camera: int = 0,
    order: str = "hardest first",
    among: Sequence[int] = (),
) -> np.ndarray:
    """Rows of the queries that are shown, in their order: by a name of ``filters``, one camera (0:
    all), ``among`` these rows (none: all). Hardest is by the first cell: the rank of its first
    right one, then average precision. ValueError for an unknown filter or order.
    """
    shown = filters(lists)
    if chosen not in shown:
        raise ValueError(f"filter {chosen!r}: one of {', '.join(shown)} is meant")
    if order not in ORDERS:
        raise ValueError(f"order {order!r}: one of {', '.join(ORDERS)} is meant")
    first = lists[0]
    keep = shown[chosen].copy()
    if camera:
        records = first.tested.setup.dataset.records
        keep &= np.array([records[row].camera == camera for row in first.query])
    if len(among):
        keep &= np.isin(first.query, among)
    if order == "by person":
        ranked = np.argsort(first.query_ids, kind="stable")
    else:
        ranked = np.lexsort((first.ap, -first.first))
    return first.query[ranked[keep[ranked]]]


def right(lists: Lists, of: Points) -> np.ndarray:
    """[N] int8 for every point: 1 where the picture, asked, is found at rank 1, 0 where it is not,
    -1 where it does not ask in this setting (the gallery, derivatives, queries without a match).
    """
    by_row = np.full(max(of.rows.max(), lists.query.max()) + 1, -1)
    by_row[lists.query] = np.where(lists.valid, lists.first == 0, -1)
    base = [list(Modality).index(m) for m in BASE]
    return np.where(np.isin(of.streams, base), by_row[of.rows], -1).astype(np.int8)


# -- pictures
# --------------------------------------------------------------------------------------------------


def picture(tested: Tested, row: int, stream: Modality) -> np.ndarray:
    """One record as one stream of a cell sees it, uint8 [H, W, 3]. DeskError where the cell has no
    such stream or the stream is of the other modality.
    """
    record = tested.setup.dataset.records[row]
    if record.modality is not stream.parent:
        raise DeskError(f"record {row} is {record.modality.title}: it has no {stream.value}.")
    image = tested.setup.bank.pictures[row : row + 1]
    if stream is record.modality:
        return image[0].permute(1, 2, 0).cpu().numpy()  # [3 H W] -> [H W 3]
    if stream not in tested.embedded:
        raise DeskError(lacking(tested))
    with torch.no_grad():
        derived = tested.setup.net.derive({record.modality: pixels.normalise(image)})
    return np.rint(255 * pixels.shown(derived[stream])[0]).astype(np.uint8)


def compare(tested: Tested, row: int, other: int) -> list[dict[str, Any]]:
    """Where the likeness of two pictures lies: the first in all its streams, for the second, then
    the second for the first. ``values`` [h][w] add up to ``sum``, the cosine similarity of that
    stream's feature and the other picture's deployed one.
    """
    panels = []
    for one, two in ((row, other), (other, row)):
        for stream, (_, values) in embedding.likeness(tested, one, two).items():
            panels.append(
                {
                    "row": int(one),
                    "stream": stream.value,
                    "sum": round(float(values.sum()), 4),
                    "values": np.round(values.astype(np.float64), 5).tolist(),
                }
            )
    return panels
