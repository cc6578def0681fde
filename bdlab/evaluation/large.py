"""Exact ranking against a gallery larger than memory: its distances come in chunks, and every chunk
adds to the counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import Embedded, distances, host, refuse_infinite
from .counting import PerQuery, Top, count_below, heads, summarise
from .gallery import Gallery
from .ranking import Scores, averaged

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    Chunk = Float[np.ndarray, "Q c"]
    Matches = Float[np.ndarray, "Q P"]
    Places = Int[np.ndarray, "Q P"]
    Real = Bool[np.ndarray, "Q P"]

#: Query rows and gallery rows, integers that broadcast -> bool: what does not exist for a query.
Rule = Callable[[np.ndarray, np.ndarray], np.ndarray]


def rank_large(
    query: Embedded,
    gallery: Embedded,
    k: int = 20,
    chunk: int = 50_000,
    unique_ids: bool = False,
    rows: int = 256,
    excluded: Rule | None = None,
) -> tuple[Scores, Top]:
    """Exact scores and k nearest against a gallery too large for a distance matrix: the same as the
    dense path.

    ``excluded`` says of query rows and gallery rows, which broadcast, what does not exist for a
    query (as the dense path's matrix does); in the lists it comes last, at an infinite distance.
    ``gallery.features`` may be a memory map; beside it, about ``rows x chunk`` distances are held
    at a time. Distances are squared Euclidean (``Top.distances`` too). A block's matrix product may
    differ from the whole one's in the last bit, and with it the order of distances that close;
    where the products are exact, so is the agreement. Raises ValueError as ``scores`` and ``topk``
    do.
    """
    each, top = ranked_large(query, gallery, k, chunk, unique_ids, rows, excluded)
    return averaged(each, len(gallery)), top


def ranked_large(
    query: Embedded,
    gallery: Embedded,
    k: int,
    chunk: int,
    unique_ids: bool = False,
    rows: int = 256,
    excluded: Rule | None = None,
) -> tuple[PerQuery, Top]:
    """As ``rank_large``, but query by query: nobody needs to have a match."""
    if k < 1 or chunk < 1 or rows < 1:
        raise ValueError(f"k = {k}, chunk = {chunk}, rows = {rows}: all must be above 0")
    everything = np.arange(len(gallery))[None]
    layout = Gallery(gallery.ids, everything, False)
    k = min(k, len(gallery))
    ranked, tops = [], []
    for start in range(0, len(query), rows):
        block = slice(start, start + rows)
        asking = np.arange(len(query))[block, None]  # [Q, 1]
        per_query, top = _stream(
            query.features[block],
            query.ids[block],
            gallery,
            layout,
            k,
            chunk,
            unique_ids,
            None if excluded is None else _of_rows(excluded, asking),
        )
        ranked.append(per_query)
        tops.append(top)
    together = PerQuery(*map(np.concatenate, zip(*ranked, strict=True)))
    return together, Top(*map(np.concatenate, zip(*tops, strict=True)))


def _of_rows(
    excluded: Rule,
    asking: np.ndarray,
) -> Callable[[np.ndarray], np.ndarray]:
    """The rule for the queries ``asking`` [Q, 1] alone: gallery rows -> bool [Q, rows]."""
    return lambda gallery_rows: excluded(asking, gallery_rows)


def _stream(
    features: Any,
    ids: Int[np.ndarray, " Q"],
    gallery: Embedded,
    layout: Gallery,
    k: int,
    chunk: int,
    unique: bool,
    excluded: Callable[[np.ndarray], np.ndarray] | None,
) -> tuple[PerQuery, Top]:
    """One block of queries: first the distances of its matches alone, then every chunk adds to
    their counts.
    """
    places, real = layout.matches(ids)
    if excluded is not None:
        real = real & ~excluded(places)
    values = _of_matches(features, gallery, places, real, chunk)
    order = np.lexsort((places, values), axis=-1)  # by distance, equals by place in the gallery
    values = np.take_along_axis(values, order, 1)
    places = np.take_along_axis(places, order, 1)
    real = np.isfinite(values)
    count = np.zeros(values.shape, dtype=np.int64)
    people = len(layout.ids) if unique else 0
    seen = np.zeros((len(ids), people), dtype=bool)
    head = _no_head(len(ids), k, len(gallery), values.dtype)
    for start in range(0, len(gallery), chunk):
        part = gallery.features[start : start + chunk]
        block = host(distances(features, part, squared=True))
        refuse_infinite(block)
        if excluded is not None:
            columns = np.arange(start, start + block.shape[1])
            np.copyto(block, np.inf, where=excluded(columns))
        here = places - start  # columns of this chunk, or beyond it
        _put_matches(block, values, here, real)
        ranked = np.sort(block, axis=1)
        count += _count_before(block, ranked, values, here, real)
        head = _merge(head, block, ranked, start)
        if unique:
            row, column = _nearer(block, values, here, real)
            code = np.searchsorted(layout.ids, gallery.ids[start + column])
            seen[row, code] = True
    found = summarise(count, real)
    if unique:
        before = seen.sum(axis=1)
        first = np.where(found.first < 0, found.first, before)
        found = found._replace(first=first)
    return found, head


def _no_head(
    count: int,
    k: int,
    beyond: int,
    dtype: np.dtype,
) -> Top:
    """Lists [count, k] that hold nothing yet: columns beyond the gallery, infinitely far."""
    columns = np.full((count, k), beyond)
    return Top(columns, np.full((count, k), np.inf, dtype=dtype))


def _put_matches(
    block: Chunk,
    values: Matches,
    here: Places,
    real: Real,
) -> None:
    """A match must meet the very value it was given: a product of another shape may round
    differently.
    """
    inside = (here >= 0) & (here < block.shape[1])
    row, slot = np.nonzero(real & inside)
    column = here[row, slot]
    block[row, column] = values[row, slot]


def _nearer(
    block: Chunk,
    values: Matches,
    here: Places,
    real: Real,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a chunk that come before the first match."""
    some, value = real[:, :1], values[:, :1]  # [Q, 1]
    nearest = np.where(some, value, -np.inf)
    place = np.arange(block.shape[1])
    earlier = place < here[:, :1]  # [c] against [Q, 1] -> [Q, c]
    equal = (block == nearest) & earlier
    before = (block < nearest) | equal
    row, column = np.nonzero(before)
    return row, column


def _of_matches(
    features: Any,
    gallery: Embedded,
    places: Places,
    real: Real,
    chunk: int,
) -> Matches:
    """Squared distances [Q, P] from each query to its matches at ``places`` [Q, P]; infinite where
    there is none.
    """
    row, slot = np.nonzero(real)
    wanted, index = np.unique(places[row, slot], return_inverse=True)
    sample = host(distances(features[:1], gallery.features[:1]))
    values = np.full(places.shape, np.inf, dtype=sample.dtype)
    for start in range(0, len(wanted), chunk):
        some = gallery.features[wanted[start : start + chunk]]
        block = host(distances(features, some, squared=True))
        refuse_infinite(block)
        here = (index >= start) & (index < start + chunk)
        r, p = row[here], slot[here]
        column = index[here] - start
        values[r, p] = block[r, column]
    return values


def _count_before(
    block: Chunk,
    ranked: Chunk,
    values: Matches,
    here: Places,
    real: Real,
) -> Places:
    """How many of a chunk come before each match [Q, P]: the smaller ones, and equals that stand
    earlier.
    """
    width = block.shape[1]
    below = count_below(ranked, values)
    # past the smaller ones and the match itself
    inside = (here >= 0) & (here < width)
    beyond = below + inside
    column = np.minimum(beyond, width - 1)
    next_value = np.take_along_axis(ranked, column, axis=1)
    equal = (next_value == values) & (beyond < width)
    possible = real & (here > 0)
    row, slot = np.nonzero(possible & equal)
    place = np.arange(width)
    for start in range(0, len(row), len(block)):  # no more at a time than the block itself holds
        r = row[start : start + len(block)]
        p = slot[start : start + len(block)]
        value, column = values[r, p], here[r, p]
        same = block[r] == value[:, None]
        earlier = place < column[:, None]
        before = same & earlier
        below[r, p] += np.count_nonzero(before, axis=1)
    return below


def _merge(
    head: Top,
    block: Chunk,
    ranked: Chunk,
    start: int,
) -> Top:
    """The k nearest so far and a chunk that starts at column ``start``, ``ranked`` being its rows
    sorted: the k nearest now.
    """
    count, k = head.columns.shape
    bound = head.distances[:, -1:]
    if k <= block.shape[1]:
        bound = np.minimum(bound, ranked[:, k - 1 : k])
    row, column = np.nonzero(block <= bound)
    held = np.repeat(np.arange(count), k)
    rows = np.concatenate([held, row])
    shifted = start + column
    columns = np.concatenate([head.columns.ravel(), shifted])
    distance = block[row, column]
    values = np.concatenate([head.distances.ravel(), distance])
    return heads(rows, columns, values, count, k)
