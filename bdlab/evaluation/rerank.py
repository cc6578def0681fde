"""k-reciprocal re-ranking (Zhong et al., CVPR 2017), an option that every result using it must
name.

It looks at all queries and the whole gallery together, so a query's score depends on the other
queries: a different task from ranking each picture alone, and not comparable with published scores
that do not use it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .arrays import distances, host, wide


def rerank(
    query_features: Any, gallery_features: Any, k1: int = 20, k2: int = 6, lambda_: float = 0.3
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
    both = np.concatenate([host(wide(query_features)), host(wide(gallery_features))])
    d = distances(both, both, squared=True)
    if not np.isfinite(d).all():
        raise ValueError("distances hold NaN or infinite values")
    np.fill_diagonal(d, 0)
    largest = d.max(axis=1, keepdims=True)
    d /= np.where(largest > 0, largest, 1)
    order = np.argsort(d, axis=1, kind="stable")
    near, half = _reciprocal(order, k1), _reciprocal(order, round(k1 / 2))
    # Row i, column j: how many of j's half-size neighbours are i's too; j widens i's set if they
    # are two thirds.
    shared = (near @ half.T).multiply(near).tocoo()
    size = np.asarray(half.sum(axis=1)).ravel()
    joins = shared.data > 2 / 3 * size[shared.col]
    widening = sparse.csr_matrix(
        (np.ones(joins.sum()), (shared.row[joins], shared.col[joins])), shape=near.shape
    )
    member = (near + widening @ half).tocoo()
    weight = sparse.csr_matrix(
        (np.exp(-d[member.row, member.col].astype(np.float64)), (member.row, member.col)),
        shape=d.shape,
    )
    vectors = sparse.diags(1 / np.asarray(weight.sum(axis=1)).ravel()) @ weight
    vectors = _pick(order[:, :k2]) @ vectors / min(k2, len(both))
    queries = len(query_features)
    overlap = _shared_weight(vectors[:queries].tocsr(), vectors[queries:].tocsc())
    return ((1 - lambda_) * (1 - overlap / (2 - overlap)) + lambda_ * d[:queries, queries:]).astype(
        d.dtype
    )


def _pick(columns: np.ndarray) -> sparse.csr_matrix:
    """[N, N] with a one at every (i, columns[i, k])."""
    count, width = columns.shape
    pointers = np.arange(count + 1) * width
    return sparse.csr_matrix(
        (np.ones(columns.size), columns.ravel(), pointers), shape=(count, count)
    )


def _reciprocal(order: np.ndarray, k: int) -> sparse.csr_matrix:
    """Pairs that are in each other's first k + 1 (a picture comes first in its own list)."""
    forward = _pick(order[:, : k + 1])
    return forward.multiply(forward.T).tocsr()


def _shared_weight(
    query: sparse.csr_matrix, gallery: sparse.csc_matrix, rows: int = 64
) -> np.ndarray:
    """Sum over columns of min(query[i], gallery[j]) [Q, G]: only columns both have can add
    anything.
    """
    result = np.zeros((query.shape[0], gallery.shape[0]))
    lengths = np.diff(gallery.indptr)
    for start in range(0, query.shape[0], rows):
        block = query[start : start + rows].tocoo()
        times = lengths[block.col]
        ends = np.cumsum(times)
        # Every entry (i, column) meets the gallery's entries of that column, which stand together.
        index = np.arange(times.sum()) + np.repeat(
            gallery.indptr[block.col] - (ends - times), times
        )
        least = np.minimum(np.repeat(block.data, times), gallery.data[index])
        cell = np.repeat(block.row, times) * np.int64(gallery.shape[0]) + gallery.indices[index]
        found = np.bincount(cell, least, minlength=block.shape[0] * gallery.shape[0])
        result[start : start + rows] = found.reshape(block.shape[0], -1)
    return result
