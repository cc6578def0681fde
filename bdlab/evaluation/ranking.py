"""Distances -> ranks -> CMC, mAP and mINP, without a Python loop over queries.

A rank is a count: how many gallery pictures come before this match. So the rows are sorted by value
only (several times faster than sorting indices), the matches are found in them by binary search,
and nothing is ever listed. The one thing values cannot tell is the order among equals; rows in
which a match has an equal are found out and ranked again by a stable sort. Equal distances rank in
gallery order, as in a stable ``argsort``.

Arrays are numpy or torch; a tensor on an accelerator is ranked there. Distances are compared in the
precision they come in, never a lower one; scores are float64 fractions, not per cent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bdlab.machine import cores

from .arrays import all_finite, distances, finite, host, integers, is_tensor, wide
from .counting import (
    Gallery,
    PerQuery,
    Top,
    count_before,
    heads,
    merge,
    rank_block,
    rank_on_device,
    summarise,
)

RANKS = (1, 5, 10, 20)
# of distances a thread has copied at a time: a bound on memory, and measured the fastest
_BLOCK_BYTES = 12 << 20


class NoMatch(ValueError):
    """No query has a match in its gallery, so there is nothing to average."""


@dataclass(frozen=True, eq=False)
class Scores:
    """What one ranking is worth, query by query and on average.

    ``first`` [Q] int64: 0-based rank of the first match (among distinct identities under
    ``unique_ids``), -1 if none; ``ap``, ``inp`` [Q] float64: average precision and inverse negative
    penalty (matches / rank of the last), NaN if none; ``length``: pictures in the gallery. The
    averages are over the valid queries, those with a match.
    """

    first: np.ndarray
    ap: np.ndarray
    inp: np.ndarray
    length: int

    @cached_property
    def valid(self) -> np.ndarray:
        """[Q] bool: the queries that have a match after the exclusions."""
        return self.first >= 0

    @cached_property
    def cmc(self) -> np.ndarray:
        """[length] float64: the share of valid queries whose first match is within the first k + 1."""
        return (
            np.bincount(self.first[self.valid], minlength=self.length).cumsum() / self.valid.sum()
        )

    @property
    def mAP(self) -> float:
        return float(self.ap[self.valid].mean())

    @property
    def mINP(self) -> float:
        return float(self.inp[self.valid].mean())

    def rank(self, k: int) -> float:
        """Rank-k, k = 1, 2, ...; beyond the end of the list the curve stays where it is. ValueError
        if k < 1.
        """
        if k < 1:
            raise ValueError(f"rank({k}): ranks start at 1")
        return float(self.cmc[min(k, self.length) - 1])

    def summary(self) -> dict[str, float]:
        """R1, R5, R10, R20, mAP, mINP as fractions."""
        return {f"R{k}": self.rank(k) for k in RANKS} | {"mAP": self.mAP, "mINP": self.mINP}


@dataclass(frozen=True, eq=False)
class Embedded:
    """The features of a set of pictures: ``features`` [N, D] numpy or torch, ``ids`` [N],
    ``cameras`` [N] or None.

    ``keys``: N relative paths, the order of files within an identity and camera; None means row
    order. Integers are kept as int64 numpy arrays. Raises ValueError on empty or unequal lengths,
    wrong types, non-finite features (not looked for in a memory map, which may be larger than
    memory: their distances are refused instead) or a key given twice.
    """

    features: Any
    ids: Any
    cameras: Any = None
    keys: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if not is_tensor(self.features):
            object.__setattr__(self, "features", np.asanyarray(self.features))
        shape, features = tuple(self.features.shape), self.features
        if len(shape) != 2 or 0 in shape:
            raise ValueError(f"features have shape {shape}: [N, D] with N and D above 0 is meant")
        if not all_finite(features):
            raise ValueError("features hold NaN or infinite values")
        object.__setattr__(self, "ids", integers(self.ids, "ids", shape[0]))
        if self.cameras is not None:
            object.__setattr__(self, "cameras", integers(self.cameras, "cameras", shape[0]))
        if self.keys is not None:
            self._check_keys()

    def _check_keys(self) -> None:
        keys = tuple(str(key) for key in self.keys)
        if len(keys) != len(self):
            raise ValueError(f"{len(keys)} keys for {len(self)} rows of features")
        cameras = self.ids if self.cameras is None else self.cameras
        if len(set(zip(self.ids.tolist(), cameras.tolist(), keys, strict=True))) != len(keys):
            raise ValueError(
                "a key is given twice for the same identity and camera: which picture comes first is undefined"
            )
        object.__setattr__(self, "keys", keys)

    def __len__(self) -> int:
        return int(self.features.shape[0])


def scores(
    distances: Any, query_ids: Any, gallery_ids: Any, excluded: Any = None, unique_ids: bool = False
) -> Scores:
    """CMC, mAP and mINP of ``distances`` [Q, G]; ids are [Q] and [G] integers, ``excluded`` [Q, G]
    bool or None.

    An excluded picture does not exist for that query. ``unique_ids`` is SYSU-MM01's CMC: of every
    ranked list only the first picture of an identity counts; mAP and mINP are over all that remains
    in either case. Raises ValueError for distances that are not finite, shapes or types that do not
    fit, and NoMatch (a ValueError) if no query has a match.
    """
    return scores_of_draws(distances, query_ids, gallery_ids, [None], excluded, unique_ids)[0]


def scores_of_draws(
    distances: Any,
    query_ids: Any,
    gallery_ids: Any,
    draws: Sequence[Any],
    excluded: Any = None,
    unique_ids: bool = False,
) -> list[Scores]:
    """One ``scores`` for every gallery in ``draws``: columns of ``distances`` in gallery order, or
    None for all of them.

    The same as ``scores(distances[:, draw], ...)`` for each draw, errors included, but draws with
    the same sequence of identities are ranked in one go. Blocks of queries go to as many threads as
    there are cores (numpy sorts without the lock).
    """
    matrix = wide(distances)
    if len(matrix.shape) != 2 or 0 in matrix.shape:
        raise ValueError(
            f"distances have shape {tuple(matrix.shape)}: [Q, G] with Q and G above 0 is meant"
        )
    count, width = matrix.shape
    query_ids, gallery_ids = (
        integers(query_ids, "query_ids", count),
        integers(gallery_ids, "gallery_ids", width),
    )
    excluded = _mask(excluded, (count, width))
    # draws with the same sequence of identities are ranked together
    alike: dict[bytes, list[int]] = {}
    draws = [np.arange(width) if draw is None else np.asarray(draw) for draw in draws]
    for number, draw in enumerate(draws):
        alike.setdefault(gallery_ids[draw].tobytes(), []).append(number)
    found: dict[int, Scores] = {}
    for numbers in alike.values():
        gallery = Gallery(gallery_ids, np.stack([draws[number] for number in numbers]), unique_ids)
        per_query = (rank_on_device if is_tensor(matrix) else _rank)(
            matrix, query_ids, gallery, excluded
        )
        for number, column in zip(
            numbers, zip(*(value.T for value in per_query), strict=True), strict=True
        ):
            found[number] = _scores(column, gallery.length)
    return [found[number] for number in range(len(draws))]


def _rank(
    matrix: np.ndarray, query_ids: np.ndarray, gallery: Gallery, excluded: np.ndarray | None
) -> PerQuery:
    """PerQuery [Q, T], blocks of queries by as many threads as there are cores."""
    copies = 1 if gallery.whole else 2  # one to sort, and before it one of the columns drawn
    most = max(1, _BLOCK_BYTES // (copies * matrix.itemsize * gallery.columns.size))
    turns = math.ceil(
        len(matrix) / (most * cores())
    )  # of every core, so that none waits for another's last block
    rows = math.ceil(len(matrix) / (turns * cores()))
    blocks = [slice(start, start + rows) for start in range(0, len(matrix), rows)]

    def rank(block: slice) -> PerQuery:
        return rank_block(
            matrix[block], query_ids[block], gallery, None if excluded is None else excluded[block]
        )

    with ThreadPoolExecutor(min(len(blocks), cores())) as pool:
        return tuple(map(np.concatenate, zip(*pool.map(rank, blocks), strict=True)))


def _scores(per_query: PerQuery, length: int) -> Scores:
    if not (per_query[0] >= 0).any():
        raise NoMatch("no query has a match in its gallery: there is nothing to average")
    return Scores(*per_query, length=length)


def _mask(excluded: Any, shape: tuple[int, int]) -> np.ndarray | None:
    if excluded is None:
        return None
    mask = np.asarray(excluded.detach().cpu() if is_tensor(excluded) else excluded)
    if mask.shape != shape or mask.dtype != bool:
        raise ValueError(f"excluded is {mask.dtype} {mask.shape}: bool {shape} is meant")
    return mask


def topk(distances: Any, k: int, excluded: Any = None) -> Top:
    """The k nearest of each row of ``distances`` [Q, G], equals in gallery order; k is cut to G.

    An excluded picture comes last, at an infinite distance. ValueError as in ``scores``, or if k <
    1.
    """
    matrix = host(wide(distances))
    if k < 1 or matrix.ndim != 2 or 0 in matrix.shape or np.isnan(matrix).any():
        raise ValueError(f"topk wants k above 0 and [Q, G] numbers: k = {k}, shape {matrix.shape}")
    mask = _mask(excluded, matrix.shape)
    if mask is not None:
        matrix = np.where(mask, matrix.dtype.type(np.inf), matrix)
    if k < matrix.shape[1]:  # everything up to the k-th value, equals included, holds the k first
        bound = np.partition(matrix, k - 1, axis=1)[:, k - 1 : k]
    else:
        k, bound = matrix.shape[1], np.inf
    rows, columns = np.nonzero(matrix <= bound)
    return heads(rows, columns, matrix[rows, columns], len(matrix), k)


def rank_large(
    query: Embedded,
    gallery: Embedded,
    k: int = 20,
    chunk: int = 50_000,
    unique_ids: bool = False,
    rows: int = 256,
) -> tuple[Scores, Top]:
    """Exact scores and k nearest against a gallery too large for a distance matrix: the same as the
    dense path.

    ``gallery.features`` may be a memory map; beside it, about ``rows x chunk`` distances are held
    at a time. Distances are squared Euclidean (``Top.distances`` too). A block's matrix product may
    differ from the whole one's in the last bit, and with it the order of distances that close;
    where the products are exact, so is the agreement. Raises ValueError as ``scores`` and ``topk``
    do.
    """
    if k < 1 or chunk < 1 or rows < 1:
        raise ValueError(f"k = {k}, chunk = {chunk}, rows = {rows}: all must be above 0")
    layout = Gallery(gallery.ids, np.arange(len(gallery))[None], False)
    parts = [
        _stream(
            query.features[a : a + rows],
            query.ids[a : a + rows],
            gallery,
            layout,
            min(k, len(gallery)),
            chunk,
            unique_ids,
        )
        for a in range(0, len(query), rows)
    ]
    found, tops = zip(*parts, strict=True)
    scored = _scores(tuple(map(np.concatenate, zip(*found, strict=True))), len(gallery))
    return scored, Top(*map(np.concatenate, zip(*tops, strict=True)))


def _refuse(block: np.ndarray) -> None:
    if not finite(block):
        raise ValueError("distances hold NaN or infinite values")


def _stream(
    features: Any,
    ids: np.ndarray,
    gallery: Embedded,
    layout: Gallery,
    k: int,
    chunk: int,
    unique: bool,
) -> tuple[PerQuery, Top]:
    """One block of queries: first the distances of its matches alone, then every chunk adds to
    their counts.
    """
    places, there = layout.matches(ids)
    own = _own_distances(features, gallery, places, there, chunk)
    order = np.lexsort((places, own), axis=-1)  # by distance, equals by place in the gallery
    own, places = np.take_along_axis(own, order, 1), np.take_along_axis(places, order, 1)
    real = np.isfinite(own)
    count, seen = (
        np.zeros(own.shape, dtype=np.int64),
        np.zeros((len(ids), len(layout.ids) if unique else 0), dtype=bool),
    )
    head = Top(
        np.full((len(ids), k), len(gallery)), np.full((len(ids), k), np.inf, dtype=own.dtype)
    )
    for start in range(0, len(gallery), chunk):
        block = host(distances(features, gallery.features[start : start + chunk], squared=True))
        _refuse(block)
        # A match must meet the very value it was given: a product of another shape may round
        # differently.
        row, slot = np.nonzero(real & (places >= start) & (places < start + block.shape[1]))
        block[row, places[row, slot] - start] = own[row, slot]
        ranked = np.sort(block, axis=1)
        count += count_before(block, ranked, own, places - start, real)
        head = merge(head, block, ranked, start)
        if unique:
            nearest = np.where(real[:, 0], own[:, 0], -np.inf)[:, None]
            earlier = np.arange(block.shape[1]) < places[:, :1] - start
            row, column = np.nonzero((block < nearest) | ((block == nearest) & earlier))
            seen[row, np.searchsorted(layout.ids, gallery.ids[start + column])] = True
    first, ap, inp = summarise(count, real)
    return (np.where(first < 0, first, seen.sum(axis=1)) if unique else first, ap, inp), head


def _own_distances(
    features: Any, gallery: Embedded, places: np.ndarray, there: np.ndarray, chunk: int
) -> np.ndarray:
    """Squared distances [Q, P] from each query to its matches at ``places`` [Q, P]; infinite where
    there is none.
    """
    row, slot = np.nonzero(there)
    wanted, index = np.unique(places[row, slot], return_inverse=True)
    own = np.full(
        places.shape, np.inf, dtype=host(distances(features[:1], gallery.features[:1])).dtype
    )
    for start in range(0, len(wanted), chunk):
        block = host(
            distances(features, gallery.features[wanted[start : start + chunk]], squared=True)
        )
        _refuse(block)
        here = (index >= start) & (index < start + chunk)
        own[row[here], slot[here]] = block[row[here], index[here] - start]
    return own
