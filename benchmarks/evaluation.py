"""Scores of SYSU-MM01 (ten trials, single- and multi-shot) and RegDB at full size: against the
public loop over queries.

Both sides are given the same distances and galleries and find CMC, mAP and mINP; equal scores are
asserted first (the loop's with a stable sort; it is timed with numpy's default, which is faster).
One turn times one of the ten trials of the loop and all ten of ours.
"""

import numpy as np
from side_by_side import asked, compare

from bdlab import evaluation, protocols, rules
from bdlab.evaluation import Embedded
from bdlab.protocols import draws as galleries

PER_FILE = 20  # pictures an identity and camera has to draw from


def loop(distances, query_ids, gallery_ids, query_cameras=None, gallery_cameras=None, kind=None):
    """The public style: an argsort of the whole matrix, then query by query; with cameras
    SYSU-MM01's rules.
    """
    order = np.argsort(distances, axis=1, kind=kind)
    matches = (gallery_ids[order] == query_ids[:, np.newaxis]).astype(np.int32)
    curves, precisions, penalties = [], [], []
    for q in range(len(query_ids)):
        keep = np.ones(len(order[q]), dtype=bool)
        if query_cameras is not None:
            keep = np.invert((query_cameras[q] == 3) & (gallery_cameras[order[q]] == 2))
        hits = matches[q][keep]
        if not np.any(hits):
            continue
        counted = hits
        if query_cameras is not None:  # of every identity the first picture only
            names = gallery_ids[order[q]][keep]
            first = sorted(np.unique(names, return_index=True)[1])
            counted = (np.array([names[place] for place in first]) == query_ids[q]).astype(np.int32)
        curve = counted.cumsum()
        curve[curve > 1] = 1
        curves.append(curve[:20])
        running = hits.cumsum()
        last = np.max(np.where(hits == 1))
        penalties.append(running[last] / (last + 1.0))
        precision = (
            np.asarray([number / (place + 1.0) for place, number in enumerate(running)]) * hits
        )
        precisions.append(precision.sum() / hits.sum())
    return np.mean(curves, axis=0), np.mean(precisions), np.mean(penalties)


def agree(found, expected):
    np.testing.assert_allclose(found.cmc[: len(expected[0])], expected[0], atol=1e-12)
    np.testing.assert_allclose([found.mAP, found.mINP], expected[1:], atol=1e-12)


def sysu_case(smoke):
    """Random features with SYSU-MM01's numbers: 3,803 queries, 96 identities, 301 pairs of identity
    and camera in the gallery.
    """
    rng = np.random.default_rng(0)
    queries, people, width = (60, 12, 8) if smoke else (3803, 96, 2048)
    query = Embedded(
        rng.standard_normal((queries, width), dtype=np.float32),
        rng.permutation(np.arange(queries) % people),
        rng.choice([3, 6], queries),
    )
    seen = [(person, camera) for person in range(people) for camera in (1, 2, 4, 5)]
    kept = [seen[n] for n in sorted(rng.permutation(len(seen))[: round(301 / 384 * len(seen))])]
    ids, cameras = (np.repeat(column, PER_FILE) for column in zip(*kept, strict=True))
    return query, Embedded(rng.standard_normal((len(ids), width), dtype=np.float32), ids, cameras)


def sysu(options, shots, target):
    query, gallery = sysu_case(options.smoke)
    setting = rules.SYSU["all-single" if shots == 1 else "all-multi"]
    draws = [galleries.seeded_draw(gallery, setting, trial) for trial in range(10)]
    distances = evaluation.distances(query.features, gallery.features, squared=True)

    def ours():
        excluded = (query.cameras == 3)[:, None] & (gallery.cameras == 2)
        return evaluation.scores_of_draws(
            distances, query.ids, gallery.ids, draws, excluded, unique_ids=True
        )

    def trial(rows=draws[0], kind=None):
        return loop(
            distances[:, rows],
            query.ids,
            gallery.ids[rows],
            query.cameras,
            gallery.cameras[rows],
            kind,
        )

    agree(ours()[0], trial(kind="stable"))
    agree(
        protocols.sysu(query, gallery, shots=shots).trials[3], trial(draws[3], "stable")
    ) if options.smoke else None
    name = "single" if shots == 1 else "multi"
    count = max(1, options.turns if shots == 1 else options.turns // 2)
    compare(
        f"evaluation, SYSU-MM01 {name}-shot, ten trials, against a loop over queries",
        trial,
        ours,
        count,
        target,
        scale=10,
    )
    if shots == 1:

        def whole(rows=draws[0]):
            return loop(
                -2 * query.features @ gallery.features[rows].T,
                query.ids,
                gallery.ids[rows],
                query.cameras,
                gallery.cameras[rows],
            )

        width = query.features.shape[1]
        everything = f"evaluation, the same from {width}-d features, matrix products included"
        compare(
            everything, whole, lambda: protocols.sysu(query, gallery), max(1, count // 2), scale=10
        )


def regdb(options):
    ids = np.repeat(np.arange(10 if options.smoke else 206), 10)
    distances = np.random.default_rng(0).random((len(ids), len(ids)), dtype=np.float32)
    agree(evaluation.scores(distances, ids, ids), loop(distances, ids, ids, kind="stable"))
    compare(
        "evaluation, RegDB 2,060 x 2,060, against a loop over queries",
        lambda: loop(distances, ids, ids),
        lambda: evaluation.scores(distances, ids, ids),
        options.turns,
        300,
    )


def main() -> None:
    options = asked(turns=7)
    regdb(options)
    sysu(options, 1, 100)
    sysu(options, 10, 150)


if __name__ == "__main__":
    main()
