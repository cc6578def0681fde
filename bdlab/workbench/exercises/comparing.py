"""Exercise 6: two trained networks on the same queries; who finds what the other one misses?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bdlab import evaluation

from .marking import Case, Exercise, Mark, Trap, mark

Array = np.ndarray


def rescued(yours: Callable[..., Any]) -> Mark:
    """Exercise 6: ``yours(a [Q, G], b [Q, G], query_ids [Q], gallery_ids [G]) -> [Q]`` bool: the
    queries whose nearest picture is right by the distances ``b`` and wrong by ``a``.
    """
    return mark(yours, RESCUED)


def _hits(distances: Array, query_ids: Array, gallery_ids: Array) -> Array:
    """[Q] bool: the first of each list is right, by the library's own scores."""
    found = evaluation.scores(distances, query_ids, gallery_ids)
    return np.asarray(found.first) == 0


def _rescued(a: Array, b: Array, query_ids: Array, gallery_ids: Array) -> Array:
    return _hits(b, query_ids, gallery_ids) & ~_hits(a, query_ids, gallery_ids)


def _nearest(distances: Array, query_ids: Array, gallery_ids: Array, among: int = 1) -> Array:
    """[Q] bool: somebody right is among the first few of each list."""
    first = np.argsort(distances, axis=1)[:, :among]  # [Q, among]
    return (gallery_ids[first] == query_ids[:, None]).any(axis=1)


def _right_distance(distances: Array, query_ids: Array, gallery_ids: Array) -> Array:
    """[Q]: how far the nearest right picture is."""
    right = query_ids[:, None] == gallery_ids[None]
    return np.where(right, distances, np.inf).min(axis=1)


def _lists() -> list[Case]:
    rng = np.random.default_rng(6)

    def case(words: str, queries: int, gallery: int, people: int, noise: float) -> Case:
        query_ids = rng.integers(0, people, queries)
        # everybody is in the gallery at least once
        gallery_ids = rng.permutation(np.arange(gallery) % people)
        right = query_ids[:, None] == gallery_ids[None]
        a, b = (1.0 - 0.25 * right + rng.normal(0, noise, right.shape) for _ in range(2))
        return Case(words, (a, b, query_ids, gallery_ids))

    return [
        case("eight queries, one gallery picture of each of eight people", 8, 8, 8, 0.2),
        case("ten queries, three gallery pictures of each of four people", 10, 12, 4, 0.25),
        case("twelve queries, six gallery pictures: more queries than pictures", 12, 6, 3, 0.25),
        case("twelve queries, one gallery picture of each of twenty people", 12, 20, 20, 0.18),
    ]


RESCUED = Exercise(
    "rescued",
    _lists(),
    _rescued,
    ("the mask",),
    [
        Trap(
            lambda a, b, q, g: _rescued(b, a, q, g),
            "These are the queries that the SECOND network misses and the first one finds. Turn "
            "the two round.",
        ),
        Trap(
            lambda a, b, q, g: _hits(b, q, g),
            "These are all that the second network finds. Which of them did the first one find "
            "too?",
        ),
        Trap(
            lambda a, b, q, g: ~_hits(a, q, g),
            "These are all that the first network misses. Did the second one find them?",
        ),
        Trap(
            lambda a, b, q, g: _hits(a, q, g) != _hits(b, q, g),
            "These are the queries on which the two disagree, in either direction. Only one "
            "direction is asked for.",
        ),
        Trap(
            lambda a, b, q, g: _hits(a, q, g) & _hits(b, q, g),
            "These are found by both.",
        ),
        Trap(
            lambda a, b, q, g: ~_hits(a, q, g) & ~_hits(b, q, g),
            "These are missed by both.",
        ),
        Trap(
            lambda a, b, q, g: _rescued(-a, -b, q, g),
            "You look at the FARTHEST picture of each list. A small distance means alike.",
        ),
        Trap(
            lambda a, b, q, g: _nearest(b, q, g, 5) & ~_nearest(a, q, g, 5),
            "You look at the first five of each list. Rank-1 asks for the very first.",
        ),
        Trap(
            lambda a, b, q, g: b.min(axis=1) < a.min(axis=1),
            "You compare distances of one network with distances of the other. Each has a scale "
            "of its own; only the order within a list counts.",
        ),
        Trap(
            lambda a, b, q, g: _right_distance(b, q, g) < _right_distance(a, q, g),
            "The right picture is nearer in the second network, but is it the nearest of all? "
            "Look at the whole list.",
        ),
    ],
    "Found by one, missed by the other: single people behind a difference of two scores.",
)
