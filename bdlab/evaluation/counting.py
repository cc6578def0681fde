"""The counting behind ``evaluation``: prepared arrays in, per-query ranks out. Nothing here checks
its arguments.

A match at 0-based place r of a list has r pictures before it, so the places of all matches are
counts of smaller distances: one sort of each row's values, then a binary search. Average precision
is the mean over the n matches of (k + 1) / (r_k + 1), inverse negative penalty n / (r_last + 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .arrays import finite
from .gallery import Gallery

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, Shaped

    Distances = Float[np.ndarray, "R g"]
    Matches = Float[np.ndarray, "R P"]
    Places = Int[np.ndarray, "R P"]
    Real = Bool[np.ndarray, "R P"]


class PerQuery(NamedTuple):
    """What each query came to, [Q] or [Q, T] for T draws: ``first`` int64, the 0-based rank of the
    first match (-1: no match); ``ap`` and ``inp`` float64 (NaN: no match).
    """

    first: np.ndarray
    ap: np.ndarray
    inp: np.ndarray


class Top(NamedTuple):
    """The head of each ranked list: ``columns`` [Q, k] int64 gallery rows and their ``distances``
    [Q, k], best first.
    """

    columns: np.ndarray
    distances: np.ndarray


def rank_block(
    block: Shaped[np.ndarray, "R G"],
    query_ids: Int[np.ndarray, " R"],
    gallery: Gallery,
    excluded: Bool[np.ndarray, "R G"] | None,
) -> PerQuery:
    """PerQuery [R, T] for one block of rows and every draw; ValueError if a distance that counts is
    not finite.
    """
    if excluded is not None:
        block = _without(block, excluded)
    part = block
    if not gallery.whole:
        part = block.take(gallery.columns, axis=1)  # [R, T g]
        part = part.reshape(-1, gallery.length)  # [R T, g]
    places, real = gallery.matches(query_ids)
    places = places.repeat(gallery.trials, axis=0)  # [R, P] -> [R T, P]
    real = real.repeat(gallery.trials, axis=0)
    everything = excluded is None
    result, tied = _measure(part, places, real, gallery.runs, everything)
    if tied.any():
        exact = _by_places(
            part[tied],
            places[tied],
            real[tied],
            gallery,
        )
        for mine, better in zip(result, exact, strict=True):
            mine[tied] = better
    shape = (-1, gallery.trials)  # [R T] -> [R, T]
    return PerQuery(
        result.first.reshape(shape),
        result.ap.reshape(shape),
        result.inp.reshape(shape),
    )


def _without(
    block: Shaped[np.ndarray, "R G"],
    excluded: Bool[np.ndarray, "R G"],
) -> Shaped[np.ndarray, "R G"]:
    """A copy with infinity where a picture is excluded; ValueError if another is not finite."""
    if not finite(block) and not np.isfinite(block[~excluded]).all():
        raise ValueError("distances hold NaN or infinite values")
    block = block.copy()
    np.copyto(block, np.inf, where=excluded)
    return block


def _measure(
    part: Distances,
    places: Places,
    real: Real,
    runs: list[int],
    all_finite: bool,
) -> tuple[PerQuery, Bool[np.ndarray, " R"]]:
    """PerQuery of the rows of ``part`` [R, g], infinite where excluded, and which rows [R] have a
    match with an equal.

    ``all_finite``: nothing is excluded, so an end of a sorted row that is not finite (NaN sorts
    last) is an error.
    """
    values = _of_matches(part, places, real)
    ranked = np.sort(part, axis=1)
    if all_finite and not np.isfinite(ranked[:, [0, -1]]).all():
        raise ValueError("distances hold NaN or infinite values")
    below = count_below(ranked, values)
    width = ranked.shape[1]
    next_place = np.minimum(below + 1, width - 1)
    after = np.take_along_axis(ranked, next_place, axis=1)  # [R, P]
    equal = (below + 1 < width) & (after == values)
    tied = (equal & np.isfinite(values)).any(axis=1)
    return _summary(part, values, below, runs), tied


def _by_places(
    part: Distances,
    places: Places,
    real: Real,
    gallery: Gallery,
) -> PerQuery:
    """PerQuery of rows with equals, of which the gallery's order decides: put places of a stable
    sort for the distances, and none are equal.
    """
    back = np.argsort(gallery.layout)
    listed = part[:, back]  # in the order of the draw
    place = np.empty(listed.shape, dtype=np.float64)
    order = _stable_order(listed)
    ascending = np.arange(gallery.length, dtype=np.float64)
    np.put_along_axis(place, order, ascending[None], axis=1)
    place[np.isinf(listed)] = np.inf
    place = place[:, gallery.layout]
    values = _of_matches(place, places, real)
    # a place says what is before it
    before = np.where(np.isinf(values), 0, values)
    before = before.astype(np.intp)
    return _summary(place, values, before, gallery.runs)


def _of_matches(
    part: Distances,
    places: Places,
    real: Real,
) -> Matches:
    """The values [R, P] of a query's own pictures, ascending, infinite where there are no more."""
    found = np.take_along_axis(part, places, axis=1)
    values = np.where(real, found, np.inf)
    values = values.astype(part.dtype, copy=False)
    values.sort(axis=1)
    return values


def _summary(
    part: Distances,
    values: Matches,
    below: Places,
    runs: list[int],
) -> PerQuery:
    """PerQuery of rows whose matches are at ``values`` and have ``below`` pictures before them."""
    found = summarise(below, np.isfinite(values))
    if not runs:
        return found
    nearest = part[:, : runs[0]].copy()  # [R, identities]
    start = 0
    for run in runs:
        some = nearest[:, :run]
        end = start + run
        np.minimum(some, part[:, start:end], out=some)
        start = end
    of_first = values[:, :1]  # [R, 1]
    before = np.count_nonzero(nearest < of_first, axis=1)
    first = np.where(found.first < 0, found.first, before)
    return found._replace(first=first)


def _stable_order(values: Distances) -> Int[np.ndarray, "R g"]:
    """``argsort(axis=1, kind="stable")`` without NaN: numpy's other kind, and a sort of (run of
    equals, column), take half the time.
    """
    width = values.shape[1]
    order = np.argsort(values, axis=1)
    ranked = np.take_along_axis(values, order, axis=1)
    before, after = ranked[:, :-1], ranked[:, 1:]
    new_run = after != before
    order[:, 1:] += width * new_run.cumsum(axis=1)
    order.sort(axis=1)
    return order % width


def count_below(
    ranked: Distances,
    values: Matches,
) -> Places:
    """How many of each ascending row of ``ranked`` [R, g] are smaller than each of ``values`` [R,
    P]: [R, P] intp.

    ``searchsorted`` takes one row at a time; this is the same bisection for all rows at once.
    """
    rows, width = ranked.shape
    flat = ranked.ravel()  # [R, g] -> [R g]
    base = np.arange(rows) * width - 1
    base = base[:, None]  # [R, 1]
    found = np.zeros(values.shape, dtype=np.intp)
    step = 1 << (width.bit_length() - 1)
    while step:
        probe = found + step
        place = base + np.minimum(probe, width)
        smaller = flat.take(place) < values
        smaller &= probe <= width
        found += step * smaller
        step >>= 1
    return found


def summarise(
    places: Shaped[np.ndarray, "Q P"],
    real: Bool[np.ndarray, "Q P"],
) -> PerQuery:
    """PerQuery from the ascending 0-based places [Q, P] of the matches; ``real`` [Q, P] bool says
    which entries are any.
    """
    number = real.sum(axis=1)
    some = number > 0
    width = places.shape[1]
    k = np.arange(1, width + 1, dtype=np.float64)
    precision = np.where(real, k / (places + 1.0), 0.0)
    last = np.where(real, places, -1).max(axis=1)
    n = np.where(some, number, np.nan)
    first = np.where(some, places[:, 0], -1)
    listed = np.where(some, last + 1.0, 1.0)
    return PerQuery(
        first=first.astype(np.int64),
        ap=precision.sum(axis=1) / n,
        inp=n / listed,
    )


def heads(
    rows: Int[np.ndarray, " N"],
    columns: Int[np.ndarray, " N"],
    values: Shaped[np.ndarray, " N"],
    count: int,
    k: int,
) -> Top:
    """Of candidates in any order, at least k a row: the first k of each row by (value, column)."""
    order = np.lexsort((columns, values, rows))
    starts = np.searchsorted(rows[order], np.arange(count))
    chosen = order[starts[:, None] + np.arange(k)]  # [count, 1] + [k] -> [count, k]
    columns = columns[chosen].astype(np.int64)
    return Top(columns, values[chosen])
