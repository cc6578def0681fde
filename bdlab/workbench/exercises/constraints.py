"""Exercises 2 and 3: the directed hinge loss of eq. 4-5, and eq. 2 over a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bdlab import losses
from bdlab.modality import MDL_GRAPHS, Modality, Pair

from .marking import Case, Exercise, Mark, Trap, mark

Array = np.ndarray
V, I, DV, DI = Modality


# -- 2: eq. 4 and 5
# --------------------------------------------------------------------------------------------------


def hinge(yours: Callable[..., Any]) -> Mark:
    """Exercise 2, eq. 4-5: ``yours(a [N, D], b [M, D], ids_a [N], ids_b [M], margin) -> L_{a ->
    b}``, a mean over the anchors a.
    """
    return mark(yours, HINGE)


def _directed(
    a: Array, b: Array, ids_a: Array, ids_b: Array, margin: float, literal: bool = False
) -> float:
    features = {m: torch.from_numpy(np.asarray(f, np.float64)) for m, f in ((V, a), (I, b))}
    labels = {V: torch.from_numpy(np.asarray(ids_a)), I: torch.from_numpy(np.asarray(ids_b))}
    return float(losses.table(features, labels, margin_cross=margin, literal=literal)[0, 1])


def _by_anchor(a: Array, b: Array, ids_a: Array, ids_b: Array) -> list[tuple[Array, Array]]:
    """For each anchor that has both: its distances to positives and to negatives."""
    distance, same = np.linalg.norm(a[:, None] - b[None], axis=-1), ids_a[:, None] == ids_b[None]
    return [(d[s], d[~s]) for d, s in zip(distance, same, strict=True) if s.any() and not s.all()]


def _misread(
    each: Callable[[Array, Array, float], float], over: Callable[[Any], Any] = np.mean
) -> Callable[..., float]:
    """A hinge that looks at an anchor's positives and negatives in another way."""
    return lambda a, b, p, q, margin: float(
        over([each(pos, neg, margin) for pos, neg in _by_anchor(a, b, p, q)])
    )


def _clip(x: float) -> float:
    return max(float(x), 0.0)


def _whole_batch(a: Array, b: Array, ids_a: Array, ids_b: Array, margin: float) -> float:
    positives, negatives = zip(*_by_anchor(a, b, ids_a, ids_b), strict=True)
    return _clip(margin + np.concatenate(positives).max() - np.concatenate(negatives).min())


def _clouds() -> list[Case]:
    rng = np.random.default_rng(2)

    def case(
        words: str, ids_a: list[int], ids_b: list[int], apart: float, margin: float = 0.5
    ) -> Case:
        centres = rng.normal(size=(4, 3)) * apart
        a, b = (
            centres[np.array(ids)] + rng.normal(0, 0.5, (len(ids), 3)) for ids in (ids_a, ids_b)
        )
        return Case(words, (a, b, np.array(ids_a), np.array(ids_b), margin))

    return [
        case(
            "two people, three pictures of each on both sides",
            [0, 0, 0, 1, 1, 1],
            [0, 0, 0, 1, 1, 1],
            1.0,
        ),
        case(
            "three people, as many anchors as others but in another order",
            [0, 0, 1, 1, 2, 2],
            [2, 0, 1, 1, 0, 2],
            1.0,
            0.8,
        ),
        case(
            "people far apart, so that some hinges are 0",
            [0, 0, 1, 1, 2, 2],
            [0, 1, 2, 2, 1, 0],
            2.0,
            0.3,
        ),
        case("six anchors, four others", [0, 0, 1, 1, 2, 2], [2, 0, 1, 1], 1.0),
        case("an anchor whose person is not among the others", [0, 0, 1, 3], [0, 1, 1, 0, 2], 1.0),
        case(
            "people all over each other and a wide margin, so that no hinge is 0",
            [0, 0, 1, 1],
            [0, 1, 1, 0],
            0.2,
            3.0,
        ),
    ]


HINGE = Exercise(
    "hinge",
    _clouds(),
    _directed,
    ("the loss",),
    [
        Trap(
            lambda a, b, p, q, margin: _directed(a, b, p, q, margin, literal=True),
            "This is eq. 5 as it is printed: distances multiplied by the 0/1 matrix. Every row of "
            "that matrix has zeros; so what is the "
            "minimum over the negatives, always? Who is ever pushed away? Select the negatives "
            "instead of multiplying by 0.",
        ),
        Trap(
            lambda a, b, p, q, margin: _directed(b, a, q, p, margin),
            (
                "This is the other direction: your anchors are b. For every row of the distance "
                "matrix (an a) look along the columns."
            ),
        ),
        Trap(
            lambda a, b, p, q, margin: float(
                np.mean(
                    [_clip(margin + np.ptp(np.append(x, y))) for x, y in _by_anchor(a, b, p, q)]
                )
            ),
            "Farthest minus nearest of ALL pictures: where do the identities come in? The farthest "
            "is looked for among one set, the "
            "nearest among another.",
        ),
        Trap(
            _misread(lambda x, y, margin: _clip(margin + x.max() - min(x.min(), y.min()))),
            (
                "Your hardest positive is right, but the nearest picture may be one of the same "
                "person. Only strangers are negatives."
            ),
        ),
        Trap(
            _misread(lambda x, y, margin: _clip(margin + x.min() - y.max())),
            (
                "You take the nearest positive and the farthest negative, the easiest of each. "
                "Which ones are hard?"
            ),
        ),
        Trap(
            _misread(lambda x, y, margin: _clip(margin + x.min() - y.min())),
            (
                "Your negative is right, but the nearest positive is the easiest one. Which "
                "positive costs the most?"
            ),
        ),
        Trap(
            _misread(lambda x, y, margin: _clip(margin + x.max() - y.max())),
            (
                "Your positive is right, but the farthest stranger is the easiest one. Which "
                "stranger is most easily taken for the person?"
            ),
        ),
        Trap(
            _misread(lambda x, y, margin: _clip(margin + x.mean() - y.mean())),
            (
                "You average over positives and negatives. Eq. 4 takes a maximum and a minimum: "
                "one of each for an anchor."
            ),
        ),
        Trap(
            _misread(lambda x, y, margin: _clip(margin + x.max() ** 2 - y.min() ** 2)),
            (
                "Squared distances. S in eq. 5 is the Euclidean distance itself; the margin is "
                "measured in its unit."
            ),
        ),
        Trap(
            _misread(lambda x, y, margin: margin + x.max() - y.min()),
            (
                "Anchors that are satisfied by more than the margin count as negative losses. What "
                "does [z]_+ do with them?"
            ),
        ),
        Trap(
            lambda *a: _clip(_misread(lambda x, y, margin: margin + x.max() - y.min())(*a)),
            (
                "The hinge [z]_+ belongs to every anchor for itself: an easy anchor must not pay "
                "for a hard one. Clip first, then average."
            ),
        ),
        Trap(
            _misread(lambda x, y, margin: _clip(margin + x.max() - y.min()), np.sum),
            (
                "The sum over the anchors, as eq. 4 prints it. We ask for the mean over the "
                "anchors that count."
            ),
        ),
        Trap(
            _misread(lambda x, y, margin: _clip(x.max() - y.min())),
            (
                "Without the margin. By how much must the nearest stranger be farther than the "
                "farthest picture of the same person?"
            ),
        ),
        Trap(
            _misread(lambda x, y, margin: _clip(margin + y.min() - x.max())),
            (
                "Positives and negatives have changed places: the loss must grow when a POSITIVE "
                "is far."
            ),
        ),
        Trap(
            _whole_batch,
            (
                "One hardest pair for the whole batch. Each anchor has a hardest positive and a "
                "hardest negative of its own."
            ),
        ),
    ],
    "Masked, batch-hard, one direction: what bdlab's loss table holds off its diagonal.",
)


# -- 3: eq. 2
# --------------------------------------------------------------------------------------------------


def mdl(yours: Callable[..., Any]) -> Mark:
    """Exercise 3, eq. 2: ``yours(features, ids, pairs, directed) -> L_MDL``.

    ``features`` {modality: [N, D]} of all four, ``ids`` {"V": [N], "I": [M]} of the base modalities
    only, ``pairs`` a tuple of pairs, ``directed(a, b, ids_a, ids_b)`` the loss L_{a -> b} with
    margin 0.5.
    """
    return mark(yours, MDL)


def directed(a: Array, b: Array, ids_a: Array, ids_b: Array) -> float:
    """L_{a -> b} of eq. 4 with margin 0.5: exercise 2's function, given. Raises ValueError if
    labels and features differ in number.
    """
    return _directed(a, b, ids_a, ids_b, 0.5)


def _total(features: dict, ids: dict, pairs: tuple[Pair, ...], _: Any) -> float:
    f = {m: torch.from_numpy(x) for m, x in features.items()}
    return float(losses.mdl(f, {m: torch.from_numpy(ids[m.parent]) for m in f}, pairs, 0.5))


def _terms(features: dict, ids: dict, pairs: Any) -> list[float]:
    return [directed(features[a], features[b], ids[a.parent], ids[b.parent]) for a, b in pairs]


def _streams() -> list[Case]:
    rng = np.random.default_rng(3)

    def case(words: str, name: str, ids_v: list[int], ids_i: list[int]) -> Case:
        ids = {V: np.array(ids_v), I: np.array(ids_i)}
        return Case(
            words,
            (
                {m: rng.normal(size=(len(ids[m.parent]), 3)) for m in Modality},
                ids,
                MDL_GRAPHS[name],
                directed,
            ),
        )

    return [
        case("the baseline's graph, one pair", "base", [0, 0, 1, 1], [0, 1, 0, 1]),
        case("MDL4's graph, three pairs", "mdl4", [0, 0, 1, 1], [0, 1, 0, 1]),
        case(
            "MDL3's graph, four pairs; more infrared pictures than visible ones",
            "mdl3",
            [0, 0, 1, 1],
            [1, 0, 2, 1, 0, 2],
        ),
        case("no pair at all", "none", [0, 1], [0, 1]),
    ]


def _turned(pairs: Any) -> list[Pair]:
    return [(b, a) for a, b in pairs]


def _everything(features: dict) -> list[Pair]:
    return [(a, b) for a in features for b in features if a is not b]


MDL = Exercise(
    "mdl",
    _streams(),
    _total,
    ("the loss",),
    [
        Trap(
            lambda f, ids, pairs, _: sum(_terms(f, ids, pairs)),
            (
                "One direction of every pair. Each modality of a pair supplies the anchors once: "
                "two directed losses an edge."
            ),
        ),
        Trap(
            lambda f, ids, pairs, _: sum(_terms(f, ids, _turned(pairs))),
            (
                "One direction of every pair, the backward one. Each modality of a pair supplies "
                "the anchors once."
            ),
        ),
        Trap(
            lambda f, ids, pairs, _: 2 * _total(f, ids, pairs, _),
            "Exactly twice too much: every directed loss is counted two times. The sum in eq. 2 "
            "runs over ordered pairs AND adds both "
            "directions; read it over unordered pairs.",
        ),
        Trap(
            lambda f, ids, pairs, _: _total(f, ids, pairs, _) / max(len(pairs), 1),
            "A mean over the pairs. Eq. 2 is a sum: a graph with more edges pulls harder.",
        ),
        Trap(
            lambda f, ids, pairs, _: _total(f, ids, pairs, _) / 2,
            "The mean of the two directions. Eq. 2 adds them.",
        ),
        Trap(
            lambda f, ids, pairs, _: sum(_terms(f, ids, _everything(f))),
            (
                "All modalities against all. The graph says which pairs there are: V and D_V, for "
                "one, are homologous and not among them."
            ),
        ),
        Trap(
            lambda f, ids, pairs, _: (
                _total(f, ids, pairs, _) + sum(_terms(f, ids, [(m, m) for m in f]))
            ),
            (
                "You have added each modality with itself. That is the multi-mode loss (eq. 6), "
                "another term of eq. 9."
            ),
        ),
        Trap(
            lambda f, ids, pairs, _: (
                sum(_terms(f, ids, pairs))
                + sum(directed(f[b], f[a], ids[a.parent], ids[b.parent]) for a, b in pairs)
            ),
            "The labels are in the wrong place: the first ids belong to the anchors, and when the "
            "direction turns, they turn too.",
        ),
        Trap(
            lambda f, ids, pairs, _: (
                sum(directed(f[a], f[b], ids[V], ids[I]) for a, b in pairs)
                + sum(directed(f[b], f[a], ids[I], ids[V]) for a, b in pairs)
            ),
            "You give the labels of V and then those of I, whatever the pair. Whose people does "
            "its first modality show, whose its second?",
        ),
    ],
    (
        "Every edge twice, once in each direction, and nothing else; derivatives carry their "
        "parents' labels."
    ),
)
