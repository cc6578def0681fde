"""200 queries against 1,000,000 features of 512 numbers on disk: exact scores and the 20 nearest,
in bounded memory.

The peer is a flat faiss index where faiss is installed (bdlab never needs it), else one torch
matrix of all distances and its top-k; both find the 20 nearest only, we the scores as well. The
same 20 distances are asserted first. ``--full``: 3,803 queries too (minutes).
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from side_by_side import CORES, asked, compare, peak_memory, report, timed

from bdlab import evaluation
from bdlab.evaluation import Embedded

K, WIDTH, PEOPLE = 20, 512, 20_000


def store(folder, count):
    """Random features in a file, written by pieces."""
    features = np.memmap(Path(folder) / "gallery", np.float32, "w+", shape=(count, WIDTH))
    rng = np.random.default_rng(0)
    for start in range(0, count, 50_000):
        features[start : start + 50_000] = rng.standard_normal(
            (min(50_000, count - start), WIDTH), dtype=np.float32
        )
    features.flush()
    return features


def peer(features, query):
    """(its name, a function that finds the nearest, its squared distances in order)."""
    try:
        import faiss
    except ImportError:
        print(
            "faiss is not installed: the peer is one torch matrix of all distances (pip install "
            "faiss-cpu for the other)"
        )
        gallery, asked_for = torch.from_numpy(np.array(features)), torch.from_numpy(query)
        squares = gallery.square().sum(1)

        def nearest():
            far = squares - 2 * asked_for @ gallery.T
            return (far.topk(K, largest=False)[0] + asked_for.square().sum(1, keepdim=True)).numpy()

        return "a torch matrix of all distances", nearest
    faiss.omp_set_num_threads(CORES)
    index = faiss.IndexFlatL2(WIDTH)
    index.add(np.array(features))
    return "a flat faiss index", lambda: index.search(query, K)[0]


def main() -> None:
    options = asked(turns=3, full={"action": "store_true"})
    torch.set_num_threads(CORES)
    count, queries = (3000, 50) if options.smoke else (1_000_000, 200)
    with tempfile.TemporaryDirectory() as folder:
        features = store(folder, count)
        rng = np.random.default_rng(1)
        ids = rng.integers(0, min(PEOPLE, count // 50), count)
        many = 100 if options.smoke else 3803
        query = Embedded(
            rng.standard_normal((many, WIDTH), dtype=np.float32), ids[rng.integers(0, count, many)]
        )
        few, gallery = (
            Embedded(query.features[:queries], query.ids[:queries]),
            Embedded(features, ids),
        )

        def ours():
            return evaluation.rank_large(few, gallery, k=K)

        name, nearest = peer(features, few.features)
        np.testing.assert_allclose(ours()[1].distances, nearest(), rtol=1e-4)
        compare(
            f"ranking, {queries} x {count:,} x {WIDTH}, chunked, time of {name} over ours",
            nearest,
            ours,
            options.turns,
            0.5,
        )
        report(
            f"ranking, {queries} x {count:,} x {WIDTH}, memory beside the features",
            [peak_memory(ours) / 1e9],
            "GB",
            at_most=1,
        )
        if not (options.full or options.smoke):
            return
        found = []
        memory = peak_memory(
            lambda: found.append(timed(lambda: evaluation.rank_large(query, gallery, k=K)))
        )
        report(
            f"ranking, {many:,} x {count:,} x {WIDTH}, memory beside the features",
            [memory / 1e9],
            "GB",
            at_most=1,
        )
        report(f"ranking, {many:,} x {count:,} x {WIDTH}", [found[0][0]], "s")


if __name__ == "__main__":
    main()
