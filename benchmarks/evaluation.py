"""RegDB's ranking, 2,060 x 2,060, CMC, mAP and mINP from given distances: against a loop over queries. Equal scores asserted first."""

import numpy as np
from side_by_side import compare, turns

from bdlab import evaluation


def loop(distances, query_ids, gallery_ids):
    """The public style: argsort all, then query by query."""
    order = np.argsort(distances, axis=1, kind="stable")
    cmc, precision, penalty = [], [], []
    for row, identity in zip(order, query_ids, strict=True):
        match = (gallery_ids[row] == identity).astype(np.int32)
        if not match.any():
            continue
        places = np.flatnonzero(match)
        cmc.append(match.cumsum().clip(max=1))
        precision.append((np.arange(1, len(places) + 1) / (places + 1)).mean())
        penalty.append(len(places) / (places[-1] + 1))
    return np.mean(cmc, axis=0), np.mean(precision), np.mean(penalty)


def main() -> None:
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(206), 10)
    distances = rng.random((2060, 2060), dtype=np.float32)
    cmc, precision, penalty = loop(distances, ids, ids)
    scores = evaluation.scores(distances, ids, ids)
    np.testing.assert_allclose(scores.cmc, cmc, atol=1e-12)
    np.testing.assert_allclose([scores.mAP, scores.mINP], [precision, penalty], atol=1e-12)
    compare(
        "RegDB evaluation against a loop over queries",
        lambda: loop(distances, ids, ids),
        lambda: evaluation.scores(distances, ids, ids),
        turns(),
    )


if __name__ == "__main__":
    main()
