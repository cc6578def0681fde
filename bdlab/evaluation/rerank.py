"""k-reciprocal re-ranking (Zhong et al., CVPR 2017), an option that every result using it must
name.

It looks at all queries and the whole gallery together, so a query's score depends on the other
queries: a different task from ranking each picture alone, and not comparable with published scores
that do not use it.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .arrays import Array, distances, host, refuse_infinite, wide


def rerank(
    query_features: Array,
    gallery_features: Array,
    k1: int = 20,
    k2: int = 6,
    lambda_: float = 0.3,
) -> np.ndarray:
    """Re-ranked distances [Q, G] from features [Q, D] and [G, D]; float32 or better, in [0, 1].

    Two pictures are close if their sets of k1-reciprocal neighbours (widened by those of its
    members that share two thirds, weighted by exp(-d), averaged over k2 neighbours) overlap:
    Jaccard distance, blended with the original one (squared Euclidean over the row's largest) at
    weight ``lambda_``. Memory grows with (Q + G) squared. Raises ValueError for k1 or k2 below 1,
    lambda_ outside [0, 1], or features that do not fit.
    """
    if k1 < 1 or k2 < 1 or not 0 <= lambda_ <= 1:
        raise ValueError(
            f"k1 = {k1}, k2 = {k2}, lambda_ = {lambda_}: k1 and k2 from 1, lambda_ within [0, 1]"
        )
    query = host(wide(query_features))
    gallery = host(wide(gallery_features))
    both = np.concatenate([query, gallery])
    d = _normalised(both)
    order = np.argsort(d, axis=1, kind="stable")
    member = _widened(order, k1)
    # [N, N]: what each picture gives to its members, rows of sum 1
    places = (member.row, member.col)
    far = d[places].astype(np.float64)
    closeness = np.exp(-far)
    weight = sparse.csr_matrix((closeness, places), shape=d.shape)
    total = np.asarray(weight.sum(axis=1))
    total = total.ravel()  # [N, 1] -> [N]
    vectors = sparse.diags(1 / total) @ weight
    nearest = _pick(order[:, :k2])
    vectors = nearest @ vectors / min(k2, len(both))
    queries = len(query)
    overlap = _shared_weight(
        vectors[:queries].tocsr(),
        vectors[queries:].tocsc(),
    )
    jaccard = 1 - overlap / (2 - overlap)
    original = d[:queries, queries:]
    blended = (1 - lambda_) * jaccard + lambda_ * original
    return blended.astype(d.dtype)


def _normalised(both: np.ndarray) -> np.ndarray:
    """Squared distances [N, N] of all pictures from each other, over the largest of each row."""
    d = distances(both, both, squared=True)
    refuse_infinite(d)
    np.fill_diagonal(d, 0)
    largest = d.max(axis=1, keepdims=True)
    d /= np.where(largest > 0, largest, 1)
    return d


def _widened(order: np.ndarray, k1: int) -> sparse.coo_matrix:
    """[N, N]: who belongs to each picture's k1-reciprocal neighbours, or to the half-size set of
    one of them that shares two thirds of it.
    """
    near = _reciprocal(order, k1)
    half = _reciprocal(order, round(k1 / 2))
    # Row i, column j: how many of j's half-size neighbours are i's too.
    shared = (near @ half.T).multiply(near)
    shared = shared.tocoo()
    size = np.asarray(half.sum(axis=1))
    size = size.ravel()  # [N, 1] -> [N]
    two_thirds = 2 / 3 * size[shared.col]
    joins = shared.data > two_thirds
    row, column = shared.row[joins], shared.col[joins]
    ones = np.ones(len(row))
    widening = sparse.csr_matrix((ones, (row, column)), shape=near.shape)
    wider = near + widening @ half
    return wider.tocoo()


def _pick(columns: np.ndarray) -> sparse.csr_matrix:
    """[N, N] with a one at every (i, columns[i, k])."""
    count, width = columns.shape
    pointers = np.arange(count + 1) * width
    return sparse.csr_matrix(
        (np.ones(columns.size), columns.ravel(), pointers), shape=(count, count)
    )


def _reciprocal(
    order: np.ndarray,
    k: int,
) -> sparse.csr_matrix:
    """Pairs that are in each other's first k + 1 (a picture comes first in its own list)."""
    forward = _pick(order[:, : k + 1])
    return forward.multiply(forward.T).tocsr()


def _shared_weight(
    query: sparse.csr_matrix,
    gallery: sparse.csc_matrix,
    rows: int = 64,
) -> np.ndarray:
    """Sum over columns of min(query[i], gallery[j]) [Q, G]: only columns both have can add
    anything.
    """
    queries, width = query.shape[0], gallery.shape[0]
    result = np.zeros((queries, width))
    lengths = np.diff(gallery.indptr)
    for start in range(0, queries, rows):
        block = query[start : start + rows].tocoo()
        count = block.shape[0]
        times = lengths[block.col]
        ends = np.cumsum(times)
        # Every entry (i, column) meets the gallery's entries of that column, which stand together.
        begins = gallery.indptr[block.col] - (ends - times)
        index = np.arange(times.sum()) + np.repeat(begins, times)
        of_query = np.repeat(block.data, times)
        least = np.minimum(of_query, gallery.data[index])
        row = np.repeat(block.row, times)
        cell = row * np.int64(width) + gallery.indices[index]
        sums = np.bincount(cell, least, minlength=count * width)
        result[start : start + count] = sums.reshape(count, width)
    return result
