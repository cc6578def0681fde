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
from typing import TYPE_CHECKING

import numpy as np

from bdlab.machine import cores

from .arrays import Array, host, integers, is_tensor, wide
from .counting import PerQuery, Top, heads, rank_block
from .device import rank_on_device
from .gallery import Gallery

if TYPE_CHECKING:
    from jaxtyping import Bool, Int, Shaped

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
        """[length] float64: the share of valid queries with a match within the first k + 1."""
        hits = np.bincount(self.first[self.valid], minlength=self.length)
        return hits.cumsum() / self.valid.sum()

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


def scores(
    distances: Array,
    query_ids: Array,
    gallery_ids: Array,
    excluded: Array = None,
    unique_ids: bool = False,
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
    distances: Array,
    query_ids: Array,
    gallery_ids: Array,
    draws: Sequence[Array],
    excluded: Array = None,
    unique_ids: bool = False,
) -> list[Scores]:
    """One ``scores`` for every gallery in ``draws``: columns of ``distances`` in gallery order, or
    None for all of them.

    The same as ``scores(distances[:, draw], ...)`` for each draw, errors included, but draws with
    the same sequence of identities are ranked in one go. Blocks of queries go to as many threads as
    there are cores (numpy sorts without the lock).
    """
    matrix = wide(distances)
    shape = tuple(matrix.shape)
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"distances have shape {shape}: [Q, G] with Q and G above 0 is meant")
    query_ids = integers(query_ids, "query_ids", shape[0])
    gallery_ids = integers(gallery_ids, "gallery_ids", shape[1])
    mask = _mask(excluded, shape)
    everything = np.arange(shape[1])
    columns = [everything if draw is None else np.asarray(draw) for draw in draws]
    rank = rank_on_device if is_tensor(matrix) else _rank
    found: dict[int, Scores] = {}
    for numbers in _same_identities(gallery_ids, columns):
        together = np.stack([columns[number] for number in numbers])  # [T, g]
        gallery = Gallery(gallery_ids, together, unique_ids)
        ranked = rank(matrix, query_ids, gallery, mask)
        for trial, number in enumerate(numbers):
            alone = PerQuery(*(value[:, trial] for value in ranked))
            found[number] = averaged(alone, gallery.length)
    return [found[number] for number in range(len(columns))]


def _same_identities(
    gallery_ids: Int[np.ndarray, " G"],
    columns: Sequence[np.ndarray],
) -> list[list[int]]:
    """The numbers of the draws, those with the same sequence of identities together."""
    groups: dict[bytes, list[int]] = {}
    for number, draw in enumerate(columns):
        sequence = gallery_ids[draw].tobytes()
        groups.setdefault(sequence, []).append(number)
    return list(groups.values())


def _rank(
    matrix: Shaped[np.ndarray, "Q G"],
    query_ids: Int[np.ndarray, " Q"],
    gallery: Gallery,
    excluded: Bool[np.ndarray, "Q G"] | None,
) -> PerQuery:
    """PerQuery [Q, T], blocks of queries by as many threads as there are cores."""
    copies = 1 if gallery.whole else 2  # one to sort, and before it one of the columns drawn
    row_bytes = copies * matrix.itemsize * gallery.columns.size
    most = max(1, _BLOCK_BYTES // row_bytes)
    # of every core, so that none waits for another's last block
    turns = math.ceil(len(matrix) / (most * cores()))
    rows = math.ceil(len(matrix) / (turns * cores()))
    blocks = [slice(start, start + rows) for start in range(0, len(matrix), rows)]

    def rank(block: slice) -> PerQuery:
        mask = None if excluded is None else excluded[block]
        return rank_block(matrix[block], query_ids[block], gallery, mask)

    with ThreadPoolExecutor(min(len(blocks), cores())) as pool:
        parts = list(pool.map(rank, blocks))
    return PerQuery(*map(np.concatenate, zip(*parts, strict=True)))


def averaged(
    ranked: PerQuery,
    length: int,
) -> Scores:
    """The Scores of queries [Q] against a gallery of ``length``; NoMatch if none has a match."""
    if not (ranked.first >= 0).any():
        raise NoMatch("no query has a match in its gallery: there is nothing to average")
    return Scores(*ranked, length=length)


def _mask(
    excluded: Array,
    shape: tuple[int, ...],
) -> np.ndarray | None:
    """``excluded`` as a bool array; ValueError for another shape or type."""
    if excluded is None:
        return None
    mask = np.asarray(excluded.detach().cpu() if is_tensor(excluded) else excluded)
    if mask.shape != shape or mask.dtype != bool:
        raise ValueError(f"excluded is {mask.dtype} {mask.shape}: bool {shape} is meant")
    return mask


def topk(
    distances: Array,
    k: int,
    excluded: Array = None,
) -> Top:
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
    count, width = matrix.shape
    k = min(k, width)
    candidates = np.ones(matrix.shape, dtype=bool)
    if k < width:  # everything up to the k-th value, equals included, holds the k first
        bound = np.partition(matrix, k - 1, axis=1)[:, k - 1 : k]
        candidates = matrix <= bound
    rows, columns = np.nonzero(candidates)
    return heads(rows, columns, matrix[rows, columns], count, k)
