"""Approximate lists by faiss, for galleries that are asked very often; their recall is measured."""

from __future__ import annotations

import numpy as np

from bdlab import evaluation
from bdlab.evaluation import Embedded
from bdlab.evaluation.counting import Top

from . import DeployError

NEIGHBOURS = 32  # links of a picture in the graph that is walked
SAMPLE = 100  # queries on which the recall is measured
CHUNK = 8192  # gallery rows that are copied into the index in one go


def lists(query: np.ndarray, gallery: np.ndarray, k: int) -> tuple[Top, str]:
    """The k nearest that a walk through a graph finds, and a sentence on how many it misses.

    The index holds the whole gallery in memory. Raises DeployError without faiss.
    """
    try:
        import faiss
    except ImportError:
        raise DeployError(
            "--approximate needs the package faiss-cpu: pip install 'bdlab[search]'; without it "
            "the ranking is exact"
        ) from None
    index = faiss.IndexHNSWFlat(gallery.shape[1], NEIGHBOURS)
    for start in range(0, len(gallery), CHUNK):
        index.add(np.array(gallery[start : start + CHUNK]))
    k = min(k, len(gallery))
    index.hnsw.efSearch = max(64, 2 * k)
    distances, columns = index.search(np.ascontiguousarray(query), k)
    top = Top(columns.astype(np.int64), np.maximum(distances, 0))
    sample = query[:SAMPLE]
    share = recall(columns[:SAMPLE], exact(sample, gallery, k).columns)
    return top, (
        f"Approximate (faiss HNSW): {100 * share:.1f} % of the {k} nearest were found, measured "
        f"against the exact lists of {len(sample)} queries."
    )


def exact(query: np.ndarray, gallery: np.ndarray, k: int) -> Top:
    """The true k nearest, whoever they are."""
    ids = (np.zeros(len(query), np.int64), np.arange(len(gallery)))
    asked, there = Embedded(query, ids[0]), Embedded(gallery, ids[1])
    return evaluation.rank_large(asked, there, k, CHUNK)[1]


def recall(found: np.ndarray, true: np.ndarray) -> float:
    """The share of the true columns [Q, k] that are among those found [Q, k]."""
    hits = [len(np.intersect1d(a, b)) for a, b in zip(found, true, strict=True)]
    return float(sum(hits) / true.size)
