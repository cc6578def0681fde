"""Exercises 4 and 5: the score of one ranked list under SYSU-MM01's rules, and what several seeds
say about a difference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from bdlab import evaluation
from bdlab.experiments import verdicts

from .marking import Case, Exercise, Mark, Trap, mark

Array = np.ndarray


# -- 4: CMC and average precision
# --------------------------------------------------------------------------------------


def score(yours: Callable[..., Any]) -> Mark:
    """Exercise 4: ``yours(query_id, query_camera, gallery_ids [G], gallery_cameras [G], distances
    [G]) -> (rank, AP)``.

    ``rank`` from 1, among distinct people; ``AP`` over all pictures; both after the camera rule.
    """
    return mark(yours, SCORE)


def _scored(
    query_id: int, query_camera: int, ids: Array, cameras: Array, distances: Array
) -> tuple[float, float]:
    excluded = ((query_camera == 3) & (cameras == 2))[None]
    found = evaluation.scores(distances[None], np.array([query_id]), ids, excluded, unique_ids=True)
    return found.first[0] + 1, found.ap[0]


def _camera_rule(query_id: int, query_camera: int, ids: Array, cameras: Array) -> Array:
    """[G] bool: what stays in the gallery."""
    return ~((query_camera == 3) & (cameras == 2))


def _list(
    stays: Callable[..., Array] = _camera_rule,
    rank_distinct: bool = True,
    ap_distinct: bool = False,
    sign: int = 1,
) -> Callable[..., tuple[float, float]]:
    """The two scores with a rule of another kind, or another list."""

    def scored(
        query_id: int, query_camera: int, ids: Array, cameras: Array, distances: Array
    ) -> tuple[float, float]:
        kept = stays(query_id, query_camera, ids, cameras)
        listed = ids[kept][np.argsort(sign * distances[kept], kind="stable")]
        # places where somebody appears for the first time
        first = np.sort(np.unique(listed, return_index=True)[1])
        ranked, precise = (
            listed[first] if rank_distinct else listed,
            listed[first] if ap_distinct else listed,
        )
        hits = np.flatnonzero(precise == query_id)
        return np.flatnonzero(ranked == query_id)[0] + 1, np.mean(
            np.arange(1, len(hits) + 1) / (hits + 1)
        )

    return scored


def _kept_places(
    query_id: int, query_camera: int, ids: Array, cameras: Array, distances: Array
) -> tuple[float, float]:
    """What the camera rule removes is no right answer any more, but still takes up its place."""
    ids = np.where(
        _camera_rule(query_id, query_camera, ids, cameras), ids, -1 - np.arange(len(ids))
    )
    return _list(lambda q, c, i, k: np.ones(len(i), bool))(
        query_id, query_camera, ids, cameras, distances
    )


def _every_place(*a: Any) -> tuple[float, float]:
    """Precision averaged over all places of the list instead of over the hits."""
    query_id, query_camera, ids, cameras, distances = a
    kept = _camera_rule(query_id, query_camera, ids, cameras)
    right = ids[kept][np.argsort(distances[kept])] == query_id
    return _scored(*a)[0], np.mean(np.cumsum(right) / np.arange(1, len(right) + 1))


def _galleries() -> list[Case]:
    def case(words: str, query: tuple[int, int], listed: list[tuple[int, int]]) -> Case:
        """``listed`` (person, camera), nearest first; shuffled, as a gallery is not sorted by
        distance.
        """
        order = np.random.default_rng(4).permutation(len(listed))
        people, cameras = np.array(listed)[order].T
        return Case(words, (*query, people, cameras, (np.arange(len(listed)) * 0.1 + 0.3)[order]))

    return [
        case(
            "a query of camera 6, everybody listed once",
            (7, 6),
            [(1, 1), (2, 4), (7, 5), (3, 2), (4, 1), (5, 5)],
        ),
        case(
            "a query of camera 6, the right person listed three times",
            (7, 6),
            [(1, 1), (7, 2), (2, 5), (3, 2), (7, 4), (7, 5)],
        ),
        case(
            "a query of camera 6, a stranger twice before the first hit",
            (7, 6),
            [(1, 1), (1, 4), (1, 5), (7, 5), (2, 2), (7, 2)],
        ),
        case(
            "a query of camera 3, pictures of camera 2 in the list",
            (7, 3),
            [(7, 2), (1, 2), (2, 4), (3, 2), (1, 1), (2, 5), (7, 5), (4, 2), (7, 1)],
        ),
    ]


SCORE = Exercise(
    "score",
    _galleries(),
    _scored,
    ("rank", "AP"),
    [
        Trap(
            _list(stays=lambda q, c, ids, k: np.ones(len(ids), bool)),
            (
                "For a query of camera 3 the pictures of camera 2 are still in your list. The two "
                "stand in one place, so the wall behind the person would help."
            ),
        ),
        Trap(
            _list(stays=lambda q, c, ids, k: ~((c == 3) & (k == 2) & (ids == q))),
            "You remove only the right person's pictures of camera 2. SYSU-MM01's rule takes ALL "
            "of camera 2 out for a query of camera 3, "
            "strangers too.",
        ),
        Trap(
            _list(stays=lambda q, c, ids, k: k != 2),
            (
                "You remove camera 2 for every query. A query of camera 6 hangs elsewhere: for it "
                "camera 2 counts."
            ),
        ),
        Trap(
            _kept_places,
            (
                "The pictures of camera 2 are no right answers any more, but they still take up "
                "places. Remove them before ranking."
            ),
        ),
        Trap(
            _list(rank_distinct=False),
            "The rank counts pictures. In SYSU-MM01's CMC a person seen a second time in the list "
            "does not count again: how many different "
            "people stand before the first hit?",
        ),
        Trap(
            _list(ap_distinct=True),
            (
                "The rank is right. For average precision nobody is dropped: every right picture "
                "that remains in the list is a hit of its own."
            ),
        ),
        Trap(
            lambda *a: (_scored(*a)[0] - 1, _scored(*a)[1]),
            "Ranks start at 1: a right picture at the very front has rank 1.",
        ),
        Trap(
            _list(sign=-1),
            "Your list is upside down: the smallest distance comes first.",
        ),
        Trap(
            lambda *a: (_scored(*a)[0], 1 / _list(rank_distinct=False)(*a)[0]),
            (
                "AP looks at the first hit only. It is the mean, over ALL hits, of the precision "
                "at the place of each."
            ),
        ),
        Trap(
            _every_place,
            "You average the precision over all places. Only the places of hits count.",
        ),
        Trap(
            lambda *a: _scored(*a)[::-1],
            "Both numbers are right, in the wrong order: the rank first, then AP.",
        ),
        Trap(
            lambda q, c, ids, k, d: _list()(q, c, ids[np.argsort(d)], k, d),
            (
                "You sort the identities but not the cameras with them. Sort all, or none before "
                "the rule is applied."
            ),
        ),
    ],
    "This is the rank CMC counts and the AP that mAP averages, query by query.",
)


# -- 5: a difference over seeds
# ----------------------------------------------------------------------------------------


def interval(yours: Callable[..., Any]) -> Mark:
    """Exercise 5: ``yours(ours [S, T], baseline [S, T]) -> (mean, low, high)``: paired difference
    over S seeds of T trials each, 95 %.
    """
    return mark(yours, INTERVAL)


def _paired(ours: Array, baseline: Array) -> tuple[float, float, float]:
    found = verdicts.paired(ours.mean(axis=1) - baseline.mean(axis=1))
    return found.mean, found.low, found.high


def _student(
    d: Array, error: float | None = None, share: float = 0.975, ddof: int = 1
) -> tuple[float, float, float]:
    """Mean and interval of differences [n]; ``error`` replaces the standard error."""
    half = stats.t.ppf(share, len(d) - 1) * (
        d.std(ddof=ddof) / len(d) ** 0.5 if error is None else error
    )
    return d.mean(), d.mean() - half, d.mean() + half


def _by_seed(ours: Array, baseline: Array) -> Array:
    return ours.mean(axis=1) - baseline.mean(axis=1)


def _unpaired(ours: Array, baseline: Array) -> tuple[float, float, float]:
    a, b = ours.mean(axis=1), baseline.mean(axis=1)
    return _student(a - b, (a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)) ** 0.5)


def _pooled(ours: Array, baseline: Array) -> tuple[float, float, float]:
    """Two independent samples of one variance."""
    a, b = ours.mean(axis=1), baseline.mean(axis=1)
    found = stats.ttest_ind(a, b).confidence_interval(0.95)
    return (a - b).mean(), found.low, found.high


def _normal(ours: Array, baseline: Array) -> tuple[float, float, float]:
    d = _by_seed(ours, baseline)
    half = stats.norm.ppf(0.975) * d.std(ddof=1) / len(d) ** 0.5
    return d.mean(), d.mean() - half, d.mean() + half


def _tables() -> list[Case]:
    rng = np.random.default_rng(5)

    def case(words: str, seeds: int, trials: int) -> Case:
        seed, trial = rng.normal(0, 0.04, (seeds, 1)), rng.normal(0, 0.01, (2, seeds, trials))
        ours, baseline = (
            0.36 + seed + rng.normal(0, 0.012, (seeds, 1)) + trial[0],
            0.33 + seed + trial[1],
        )
        return Case(words, (ours, baseline))

    return [
        case("five seeds, one gallery trial each", 5, 1),
        case("five seeds, ten gallery trials each", 5, 10),
        case("eight seeds, ten gallery trials each", 8, 10),
    ]


INTERVAL = Exercise(
    "interval",
    _tables(),
    _paired,
    ("mean", "low", "high"),
    [
        Trap(
            lambda a, b: _student((a - b).ravel()),
            "Every gallery trial counts as a run of its own. Ten trials look at ONE trained model "
            "ten times: average them first. How many "
            "trained models are there?",
        ),
        Trap(
            _unpaired,
            (
                "Seeds are not paired: a seed that is lucky for both rows widens your interval. "
                "Take the difference within each seed first."
            ),
        ),
        Trap(
            _pooled,
            (
                "A test for two independent samples. The rows share their seeds (people drawn, "
                "pictures drawn): take differences seed by seed."
            ),
        ),
        Trap(
            _normal,
            "1.96 belongs to the normal distribution, which knows the spread. Yours is estimated "
            "from a few seeds: which distribution has "
            "wider tails for that, and with how many degrees of freedom?",
        ),
        Trap(
            lambda a, b: _student(_by_seed(a, b), ddof=0),
            "The spread is divided by n, as if the mean were known. It is estimated from the same "
            "seeds (numpy's std does this unless told "
            "otherwise).",
        ),
        Trap(
            lambda a, b: _student(_by_seed(a, b), error=_by_seed(a, b).std(ddof=1)),
            (
                "That is where a single further seed may fall, not where the MEAN lies: how does "
                "the error of a mean shrink with n?"
            ),
        ),
        Trap(
            lambda a, b: _student(_by_seed(a, b), share=0.95),
            "A 90 % interval: 5 % are left out on EACH side.",
        ),
        Trap(
            lambda a, b: _paired(b, a),
            "The sign is turned: ours minus baseline, so that above 0 means better.",
        ),
        Trap(
            lambda a, b: _paired(a[:, :1], b[:, :1]),
            (
                "Only the first gallery trial of each seed is used. The others are measurements of "
                "the same model: average them."
            ),
        ),
    ],
    (
        "Paired by seed, one number a trained model, Student's t: the interval behind the word in "
        "bdlab's tables."
    ),
)
