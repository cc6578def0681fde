"""The counting behind ``evaluation``: prepared arrays in, per-query ranks out. Nothing here checks
its arguments.

A match at 0-based place r of a list has r pictures before it, so the places of all matches are
counts of smaller distances: one sort of each row's values, then a binary search. Average precision
is the mean over the n matches of (k + 1) / (r_k + 1), inverse negative penalty n / (r_last + 1).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .arrays import finite

# first [Q] int64 (-1: no match), ap [Q], inp [Q] (NaN: no match)
PerQuery = tuple[np.ndarray, np.ndarray, np.ndarray]


class Top(NamedTuple):
    """The head of each ranked list: ``columns`` [Q, k] int64 gallery rows and their ``distances``
    [Q, k], best first.
    """

    columns: np.ndarray
    distances: np.ndarray


class Gallery:
    """Galleries drawn from the columns of a distance matrix, laid out so that whole rows can be
    worked on.

    ``draws`` [T, g] columns: T draws that differ in pictures but not in the sequence of identities
    (SYSU-MM01's trials), so that everything but the distances is the same for all and their rows
    are ranked as one matrix. With ``unique`` the columns are regrouped: the first picture of every
    identity, then the second of those that have one, ..., identities by falling number. The minimum
    over an identity is then a minimum of a few contiguous runs.
    """

    def __init__(self, gallery_ids: np.ndarray, draws: np.ndarray, unique: bool) -> None:
        self.drawn = np.asarray(draws)
        self.trials, self.length = self.drawn.shape
        self.whole = (
            not unique
            and self.trials == 1
            and np.array_equal(self.drawn[0], np.arange(len(gallery_ids)))
        )
        self.ids, code, self.counts = np.unique(
            gallery_ids[self.drawn[0]], return_inverse=True, return_counts=True
        )
        by_identity = np.argsort(code, kind="stable")
        self.starts = np.cumsum(self.counts) - self.counts
        self.layout = np.arange(self.length)  # column of a part -> place in the draw
        self.runs: list[int] = []  # lengths of the runs: identities with a k-th picture
        if unique:
            slot = np.empty(self.length, dtype=np.intp)
            slot[by_identity] = np.arange(self.length) - np.repeat(self.starts, self.counts)
            self.layout = np.lexsort((code, -self.counts[code], slot))
            self.runs = np.bincount(slot).tolist()
        self.columns = self.drawn[:, self.layout].ravel()
        # The k-th picture of identity c stands in column where[starts[c] + k].
        self.where = np.argsort(self.layout)[by_identity]

    def matches(self, query_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Columns [Q, P] of each query's own identity, P the largest number, and which of them are
        there [Q, P] bool.
        """
        code = np.searchsorted(self.ids, query_ids).clip(max=len(self.ids) - 1)
        number = np.where(self.ids[code] == query_ids, self.counts[code], 0)
        k = np.arange(max(1, number.max()))
        there = k < number[:, None]
        return self.where[np.where(there, self.starts[code][:, None] + k, 0)], there


def rank_block(
    block: np.ndarray, query_ids: np.ndarray, gallery: Gallery, excluded: np.ndarray | None
) -> PerQuery:
    """PerQuery [R, T] for one block of rows and every draw; ValueError if a distance that counts is
    not finite.
    """
    if excluded is not None:
        if not finite(block) and not np.isfinite(block[~excluded]).all():
            raise ValueError("distances hold NaN or infinite values")
        block = block.copy()
        np.copyto(block, np.inf, where=excluded)
    # [R T, g]
    part = (
        block if gallery.whole else block.take(gallery.columns, axis=1).reshape(-1, gallery.length)
    )
    places, there = (value.repeat(gallery.trials, axis=0) for value in gallery.matches(query_ids))
    result, tied = _measure(part, places, there, gallery.runs, excluded is None)
    if tied.any():
        # Among equals the gallery's order decides: put places of a stable sort for the distances,
        # and none are equal.
        listed = part[tied][:, np.argsort(gallery.layout)]
        place = np.empty(listed.shape, dtype=np.float64)
        np.put_along_axis(
            place, _stable_order(listed), np.arange(gallery.length, dtype=np.float64)[None], axis=1
        )
        place[np.isinf(listed)] = np.inf
        place = place[:, gallery.layout]
        own = _own(place, places[tied], there[tied])
        # a place says what is before it
        exact = _summary(place, own, np.where(np.isinf(own), 0, own).astype(np.intp), gallery.runs)
        for mine, better in zip(result, exact, strict=True):
            mine[tied] = better
    return tuple(value.reshape(-1, gallery.trials) for value in result)


def _measure(
    part: np.ndarray, places: np.ndarray, there: np.ndarray, runs: list[int], all_finite: bool
) -> tuple[PerQuery, np.ndarray]:
    """PerQuery of the rows of ``part`` [R, g], infinite where excluded, and which rows [R] have a
    match with an equal.

    ``all_finite``: nothing is excluded, so an end of a sorted row that is not finite (NaN sorts
    last) is an error.
    """
    values = _own(part, places, there)
    ranked = np.sort(part, axis=1)
    if all_finite and not np.isfinite(ranked[:, [0, -1]]).all():
        raise ValueError("distances hold NaN or infinite values")
    below = count_below(ranked, values)
    after = np.take_along_axis(ranked, np.minimum(below + 1, ranked.shape[1] - 1), axis=1)
    tied = (np.isfinite(values) & (below + 1 < ranked.shape[1]) & (after == values)).any(axis=1)
    return _summary(part, values, below, runs), tied


def _own(part: np.ndarray, places: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The values [R, P] of a query's own pictures, ascending, infinite where there are no more."""
    values = np.where(there, np.take_along_axis(part, places, axis=1), np.inf).astype(
        part.dtype, copy=False
    )
    values.sort(axis=1)
    return values


def _summary(part: np.ndarray, values: np.ndarray, below: np.ndarray, runs: list[int]) -> PerQuery:
    """PerQuery of rows whose matches are at ``values`` and have ``below`` pictures before them."""
    first, ap, inp = summarise(below, np.isfinite(values))
    if runs:
        nearest, start = part[:, : runs[0]].copy(), 0  # [R, identities]
        for run in runs:
            np.minimum(nearest[:, :run], part[:, start : start + run], out=nearest[:, :run])
            start += run
        before = np.count_nonzero(nearest < values[:, :1], axis=1)
        first = np.where(first < 0, first, before)
    return first, ap, inp


def _stable_order(values: np.ndarray) -> np.ndarray:
    """``argsort(axis=1, kind="stable")`` without NaN: numpy's other kind, and a sort of (run of
    equals, column), take half the time.
    """
    order = np.argsort(values, axis=1)
    ranked = np.take_along_axis(values, order, axis=1)
    order[:, 1:] += values.shape[1] * (ranked[:, 1:] != ranked[:, :-1]).cumsum(axis=1)
    order.sort(axis=1)
    return order % values.shape[1]


def count_below(ranked: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How many of each ascending row of ``ranked`` [R, g] are smaller than each of ``values`` [R,
    P]: [R, P] intp.

    ``searchsorted`` takes one row at a time; this is the same bisection for all rows at once.
    """
    width = ranked.shape[1]
    flat, base = ranked.ravel(), (np.arange(len(ranked)) * width - 1)[:, None]
    found = np.zeros(values.shape, dtype=np.intp)
    step = 1 << (width.bit_length() - 1)
    while step:
        probe = found + step
        smaller = flat.take(base + np.minimum(probe, width)) < values
        smaller &= probe <= width
        found += step * smaller
        step >>= 1
    return found


def summarise(places: np.ndarray, real: np.ndarray) -> PerQuery:
    """PerQuery from the ascending 0-based places [Q, P] of the matches; ``real`` [Q, P] bool says
    which entries are any.
    """
    number = real.sum(axis=1)
    some = number > 0
    k = np.arange(1, places.shape[1] + 1, dtype=np.float64)
    precision = np.where(real, k / (places + 1.0), 0.0)
    last = np.where(real, places, -1).max(axis=1)
    n = np.where(some, number, np.nan)
    first = np.where(some, places[:, 0], -1).astype(np.int64)
    return first, precision.sum(axis=1) / n, n / np.where(some, last + 1.0, 1.0)


def count_before(
    block: np.ndarray, ranked: np.ndarray, own: np.ndarray, places: np.ndarray, real: np.ndarray
) -> np.ndarray:
    """How many of a chunk come before each match [Q, P]: the smaller ones, and equals that stand
    earlier.
    """
    width = block.shape[1]
    below = count_below(ranked, own)
    # past the smaller ones and the match itself
    beyond = below + ((places >= 0) & (places < width))
    equal = np.take_along_axis(ranked, np.minimum(beyond, width - 1), axis=1) == own
    row, slot = np.nonzero(real & (places > 0) & (beyond < width) & equal)
    for start in range(0, len(row), len(block)):  # no more at a time than the block itself holds
        r, p = row[start : start + len(block)], slot[start : start + len(block)]
        before = (block[r] == own[r, p][:, None]) & (np.arange(width) < places[r, p][:, None])
        below[r, p] += np.count_nonzero(before, axis=1)
    return below


def merge(head: Top, block: np.ndarray, ranked: np.ndarray, start: int) -> Top:
    """The k nearest so far and a chunk that starts at column ``start``, ``ranked`` being its rows
    sorted: the k nearest now.
    """
    count, k = head.columns.shape
    bound = head.distances[:, -1:]
    if k <= block.shape[1]:
        bound = np.minimum(bound, ranked[:, k - 1 : k])
    row, column = np.nonzero(block <= bound)
    rows = np.concatenate([np.repeat(np.arange(count), k), row])
    columns = np.concatenate([head.columns.ravel(), start + column])
    return heads(
        rows, columns, np.concatenate([head.distances.ravel(), block[row, column]]), count, k
    )


def heads(rows: np.ndarray, columns: np.ndarray, values: np.ndarray, count: int, k: int) -> Top:
    """Of candidates in any order, at least k a row: the first k of each row by (value, column)."""
    order = np.lexsort((columns, values, rows))
    starts = np.searchsorted(rows[order], np.arange(count))
    chosen = order[starts[:, None] + np.arange(k)]
    return Top(columns[chosen].astype(np.int64), values[chosen])


def rank_on_device(matrix: Any, query_ids: np.ndarray, gallery: Gallery, excluded: Any) -> PerQuery:
    """The same [Q, T] for a torch tensor, on its own device: there a stable sort of indices costs
    what a sort of values does.
    """
    import torch

    if excluded is not None:
        excluded = torch.as_tensor(excluded, device=matrix.device)
        matrix = matrix.masked_fill(excluded, 0)
    if not bool(matrix.isfinite().all()):
        raise ValueError("distances hold NaN or infinite values")
    if excluded is not None:
        matrix = matrix.masked_fill(excluded, torch.inf)
    drawn = torch.as_tensor(gallery.drawn.ravel(), device=matrix.device)
    # a handful of int64 arrays of this size: about a gigabyte
    rows = max(1, (1 << 28) // (8 * drawn.numel()))
    parts = []
    for start in range(0, len(matrix), rows):
        part = matrix[start : start + rows].index_select(1, drawn).view(-1, gallery.length)
        parts.append(
            _device_part(part, query_ids[start : start + rows].repeat(gallery.trials), gallery)
        )
    return tuple(
        torch.cat(column).cpu().numpy().reshape(-1, gallery.trials)
        for column in zip(*parts, strict=True)
    )


def _device_part(part: Any, query_ids: np.ndarray, gallery: Gallery) -> tuple[Any, Any, Any]:
    import torch

    where = part.device
    # identities as 0, 1, ...: what scatter needs
    drawn_ids = np.empty(gallery.length, dtype=np.int64)
    drawn_ids[gallery.layout[gallery.where]] = np.repeat(
        np.arange(len(gallery.ids)), gallery.counts
    )
    code = np.searchsorted(gallery.ids, query_ids).clip(max=len(gallery.ids) - 1)
    own = torch.as_tensor(np.where(gallery.ids[code] == query_ids, code, -1), device=where)[:, None]
    ranked, order = torch.sort(part, dim=1, stable=True)
    listed = torch.as_tensor(drawn_ids, device=where)[order]
    match = (listed == own) & ranked.isfinite()
    place = torch.arange(gallery.length, device=where).expand_as(order)
    number, some = match.sum(1), match.any(1)
    n = torch.where(some, number, torch.nan).double()
    ap = (match * match.cumsum(1) / (place + 1.0).double()).sum(1) / n
    inp = n / (torch.where(match, place, -1).amax(1) + 1.0).double()
    first = torch.where(match, place, gallery.length).amin(1)
    if gallery.runs:
        nearest = torch.full((len(part), len(gallery.ids)), gallery.length, device=where)
        nearest.scatter_reduce_(1, listed, place, "amin")
        first = (nearest < first[:, None]).sum(1)
    return torch.where(some, first, -1), ap, torch.where(some, inp, torch.nan)
