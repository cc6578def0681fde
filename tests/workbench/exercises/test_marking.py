"""Wrong answers of every kind: the hint is true of each, and a number that agrees with a known
mistake by accident names none.
"""

import numpy as np
import pytest
import torch
from scipy import stats

from bdlab.workbench import exercises
from bdlab.workbench.exercises import (
    comparing,
    constraints,
    deriving,
    marking,
    scoring,
    solutions,
)

TABLES = {
    "derive": deriving.DERIVE,
    "hinge": constraints.HINGE,
    "mdl": constraints.MDL,
    "score": scoring.SCORE,
    "interval": scoring.INTERVAL,
    "rescued": comparing.RESCUED,
}
PARENT = {"V": "V", "DV": "V", "I": "I", "DI": "I"}


# -- derive
# --------------------------------------------------------------------------------------------------


def encoded(v, e, b):
    return np.maximum(np.tensordot(e, v, 1) + b, 0)


def spread(y, g, c):
    return g[:, None, None] * y + c[:, None, None]


def derived(encode=encoded, generate=spread):
    return lambda v, i, e, b, g, c: (generate(encode(v, e, b), g, c), generate(i[0], g, c))


# -- hinge
# --------------------------------------------------------------------------------------------------


def euclid(a, b):
    return np.linalg.norm(a[:, None] - b[None], axis=-1)


def batch_hard(m, p, n):
    return max(m + p.max() - n.min(), 0)


def hinged(each=batch_hard, over=np.mean, distance=euclid):
    def hinge(a, b, p, q, margin):
        costs = []
        for row, who in zip(distance(a, b), p, strict=True):
            same = q == who
            if same.any() and not same.all():
                costs.append(each(margin, row[same], row[~same]))
        return over(costs)

    return hinge


# -- mdl
# --------------------------------------------------------------------------------------------------


def one(f, ids, directed, m, n):
    return directed(f[m], f[n], ids[PARENT[str(m)]], ids[PARENT[str(n)]])


def edges(two):
    """A sum over the edges of what is made of the two directions."""
    return lambda f, ids, pairs, d: sum(
        two(one(f, ids, d, m, n), one(f, ids, d, n, m)) for m, n in pairs
    )


# -- score
# --------------------------------------------------------------------------------------------------


def sysu(q, c, ids, cameras):
    return ~((c == 3) & (cameras == 2))


def distinct(listed, q):
    return len(set(listed[: np.flatnonzero(listed == q)[0]])) + 1


def places(listed, q):
    return np.flatnonzero(listed == q) + 1


def precision(listed, q):
    at = places(listed, q)
    return np.mean(np.arange(1, len(at) + 1) / at)


def scored(rank=distinct, ap=precision, rule=sysu):
    def score(q, c, ids, cameras, distances):
        stays = rule(q, c, ids, cameras) & np.ones(len(ids), bool)
        listed = ids[stays][np.argsort(distances[stays])]
        return rank(listed, q), ap(listed, q)

    return score


# -- interval
# --------------------------------------------------------------------------------------------------


def seeds(ours, baseline):
    return ours.mean(1) - baseline.mean(1)


def around(half, difference=seeds):
    def interval(ours, baseline):
        d = difference(ours, baseline)
        return d.mean(), d.mean() - half(d), d.mean() + half(d)

    return interval


def sem(d):
    return d.std(ddof=1) / len(d) ** 0.5


# -- rescued
# --------------------------------------------------------------------------------------------------


def hit(x, q, g):
    return g[x.argmin(1)] == q


def near(x, q, g, most):
    return (g[np.argsort(x, 1)[:, :most]] == q[:, None]).any(1)


#: Beside what is already in MISTAKES of test_exercises: plausible wrong functions, and words of the
#: hint. None: no known mistake is named, only where it is off.
WRONG = {
    "derive": {
        "the pictures as they came": (lambda v, i, *_: (v, np.repeat(i, 3, 0)), None),
        "no G_S": (derived(generate=lambda y, g, c: np.repeat(y[None], 3, 0)), None),
        "c before g": (derived(generate=lambda y, g, c: g[:, None, None] * y + c.sum() * 9), None),
        "without g": (derived(generate=lambda y, g, c: y + c[:, None, None]), None),
        "g from blue to red": (derived(generate=lambda y, g, c: spread(y, g[::-1], c)), None),
        "e from blue to red": (derived(lambda v, e, b: encoded(v, e[::-1], b)), None),
        "e made to sum to one": (derived(lambda v, e, b: encoded(v, e / e.sum(), b)), None),
        "b taken away": (derived(lambda v, e, b: encoded(v, e, -b)), None),
        "the absolute value": (derived(lambda v, e, b: abs(np.tensordot(e, v, 1) + b)), None),
        "ReLU before": (derived(lambda v, e, b: np.tensordot(e, np.maximum(v, 0), 1) + b), None),
        "D_I is D_V": (lambda *a: (solutions.derive(*a)[0],) * 2, None),
        "D_I left black": (lambda *a: (solutions.derive(*a)[0], 0 * a[0]), None),
        "clipped to [0, 1]": (
            lambda *a: tuple(np.clip(x, 0, 1) for x in solutions.derive(*a)),
            None,
        ),
        "one channel": (lambda v, i, e, b, g, c: (encoded(v, e, b)[None], i), "D_V has shape"),
        "D_I still dots": (lambda *a: (solutions.derive(*a)[0], ...), "still missing: D_I"),
        "nothing with biases": (
            lambda *a: solutions.derive(*a) if a[3] == 0 else None,
            "in one case nothing comes back (a light picture, with biases)",
        ),
    },
    "hinge": {
        "the margin": (lambda a, b, p, q, margin: margin, None),
        "the margin twice": (lambda a, b, p, q, margin: 2 * margin, None),
        "over all anchors": (lambda *a: hinged(over=np.sum)(*a) / len(a[0]), None),
        "over those that cost": (
            hinged(over=lambda c: np.mean([x for x in c if x] or [0.0])),
            None,
        ),
        "the dearest anchor": (hinged(over=np.max), None),
        "city blocks": (hinged(distance=lambda a, b: abs(a[:, None] - b).sum(-1)), None),
        "likeness for distance": (hinged(distance=lambda a, b: a @ b.T), None),
        "all triplets": (
            hinged(lambda m, p, n: np.maximum(m + p[:, None] - n, 0).mean()),
            None,
        ),
        "margin taken away": (hinged(lambda m, p, n: max(p.max() - n.min() - m, 0)), None),
        "squared cost": (hinged(lambda m, p, n: batch_hard(m, p, n) ** 2), None),
        "both directions": (
            lambda a, b, p, q, m: solutions.hinge(a, b, p, q, m) + solutions.hinge(b, a, q, p, m),
            None,
        ),
        "how many anchors cost": (hinged(lambda m, p, n: float(m + p.max() > n.min())), None),
        "cut to a whole number": (lambda *a: int(solutions.hinge(*a)), None),
        "0 where the numbers differ": (
            lambda a, b, *r: solutions.hinge(a, b, *r) if len(a) == len(b) else 0,
            None,
        ),
        "nothing where the numbers differ": (
            lambda a, b, *r: solutions.hinge(a, b, *r) if len(a) == len(b) else None,
            "in one case nothing comes back (six anchors, four others)",
        ),
        "one number an anchor": (lambda a, *_: np.arange(len(a)), "a single number is meant"),
    },
    "mdl": {
        "how many edges": (lambda f, ids, pairs, d: len(pairs), None),
        "margins added": (lambda f, ids, pairs, d: 1.0 * len(pairs), None),
        "the first edge": (lambda f, ids, pairs, d: solutions.mdl(f, ids, pairs[:1], d), None),
        "the last edge": (lambda f, ids, pairs, d: solutions.mdl(f, ids, pairs[-1:], d), None),
        "return in the loop": (
            lambda f, ids, pairs, d: next((one(f, ids, d, m, n) for m, n in pairs), 0.0),
            None,
        ),
        "V-I always": (lambda f, ids, pairs, d: solutions.mdl(f, ids, [("V", "I")], d), None),
        "mean of all losses": (
            lambda f, ids, pairs, d: solutions.mdl(f, ids, pairs, d) / max(2 * len(pairs), 1),
            None,
        ),
        "the larger direction": (edges(max), None),
        "the smaller direction": (edges(min), None),
        "their difference": (edges(lambda x, y: abs(x - y)), None),
        "their product": (edges(lambda x, y: x * y), None),
        "the weight inside": (lambda *a: 5 * solutions.mdl(*a), None),
        "forward twice": (edges(lambda x, y: 2 * x), None),
        "across parents": (
            lambda f, ids, pairs, d: sum(
                one(f, ids, d, m, n) for m in f for n in f if PARENT[str(m)] != PARENT[str(n)]
            ),
            None,
        ),
        "nothing without edges": (
            lambda *a: solutions.mdl(*a) if a[2] else None,
            "in one case nothing comes back (no pair at all)",
        ),
    },
    "score": {
        "no AP": (lambda *a: (solutions.score(*a)[0], 0.0), None),
        "AP 1": (lambda *a: (solutions.score(*a)[0], 1.0), None),
        "rank 1": (lambda *a: (1, solutions.score(*a)[1]), None),
        "AP over the gallery": (
            scored(ap=lambda x, q: precision(x, q) * len(places(x, q)) / len(x)),
            None,
        ),
        "AP as a sum": (scored(ap=lambda x, q: precision(x, q) * len(places(x, q))), None),
        "AP from 0": (
            scored(ap=lambda x, q: np.mean(np.arange(len(places(x, q))) / places(x, q))),
            None,
        ),
        "recall": (scored(ap=lambda x, q: np.mean(np.cumsum(x == q) / (x == q).sum())), None),
        "precision at the last": (
            scored(ap=lambda x, q: len(places(x, q)) / places(x, q)[-1]),
            None,
        ),
        "one over each place": (scored(ap=lambda x, q: np.mean(1 / places(x, q))), None),
        "per cent": (lambda *a: (solutions.score(*a)[0], 100 * solutions.score(*a)[1]), None),
        "rank from 2": (lambda *a: (solutions.score(*a)[0] + 1, solutions.score(*a)[1]), None),
        "the last hit's rank": (scored(rank=lambda x, q: places(x, q)[-1]), None),
        "where it lies in memory": (
            lambda *a: (np.flatnonzero(a[2] == a[0])[0] + 1, solutions.score(*a)[1]),
            None,
        ),
        "nothing but camera 2": (
            scored(rule=lambda q, c, i, k: (k == 2) if c == 3 else True),
            None,
        ),
        "own camera out": (
            scored(rule=lambda q, c, i, k: k != c),
            "of camera 2 are still in your list",
        ),
        "the other way round": (
            scored(rule=lambda q, c, i, k: ~((c == 2) & (k == 3))),
            "of camera 2 are still in your list",
        ),
        "AP still dots": (lambda *a: (solutions.score(*a)[0], ...), "still missing: AP"),
    },
    "interval": {
        "no width": (around(lambda d: 0 * sem(d)), None),
        "per cent": (lambda *a: tuple(100 * x for x in solutions.interval(*a)), None),
        "least and largest": (lambda *a: (seeds(*a).mean(), min(seeds(*a)), max(seeds(*a))), None),
        "one deviation": (around(lambda d: d.std(ddof=1)), None),
        "one error": (around(sem), None),
        "two errors": (around(lambda d: 2 * sem(d)), None),
        "99 %": (around(lambda d: stats.t.ppf(0.995, len(d) - 1) * sem(d)), None),
        "n degrees": (around(lambda d: stats.t.ppf(0.975, len(d)) * sem(d)), None),
        "degrees of two samples": (
            around(lambda d: stats.t.ppf(0.975, 2 * len(d) - 2) * sem(d)),
            None,
        ),
        "four degrees always": (around(lambda d: stats.t.ppf(0.975, 4) * sem(d)), None),
        "over n": (around(lambda d: stats.t.ppf(0.975, len(d) - 1) * sem(d) / len(d) ** 0.5), None),
        "the wrong tail": (around(lambda d: stats.t.ppf(0.025, len(d) - 1) * sem(d)), None),
        "best trial": (
            lambda a, b: solutions.interval(a.max(1, keepdims=True), b.max(1, keepdims=True)),
            None,
        ),
        "ours alone": (lambda a, b: solutions.interval(a, 0 * b), None),
        "low, mean, high": (lambda *a: tuple(sorted(solutions.interval(*a))), None),
        "still dots": (lambda *a: (seeds(*a).mean(), ..., ...), "still missing: low, high"),
    },
    "rescued": {
        "how many": (lambda *a: solutions.rescued(*a).sum(), "has shape"),
        "their places": (lambda *a: np.flatnonzero(solutions.rescued(*a)), "has shape"),
        "the rest": (lambda *a: ~solutions.rescued(*a), None),
        "found by either": (lambda a, b, q, g: hit(b, q, g) | hit(a, q, g), None),
        "or for and": (lambda a, b, q, g: hit(b, q, g) | ~hit(a, q, g), None),
        "both alike": (lambda a, b, q, g: hit(b, q, g) == hit(a, q, g), None),
        "the first finds": (lambda a, b, q, g: hit(a, q, g), None),
        "the second misses": (lambda a, b, q, g: ~hit(b, q, g), None),
        "minus": (lambda a, b, q, g: hit(b, q, g).astype(int) - hit(a, q, g), None),
        "place for person": (
            lambda a, b, q, g: (b.argmin(1) == q) & (a.argmin(1) != q),
            marking.CONSTANT,  # it never finds anybody
        ),
        "other nearest": (lambda a, b, q, g: a.argmin(1) != b.argmin(1), None),
        "other person": (lambda a, b, q, g: g[a.argmin(1)] != g[b.argmin(1)], None),
        "the first two": (lambda a, b, q, g: near(b, q, g, 2) & ~near(a, q, g, 2), None),
        "nearer on the whole": (lambda a, b, q, g: b.mean(1) < a.mean(1), None),
        "the first query": (lambda a, b, q, g: np.arange(len(q)) == 0, None),
        "no for the eight": (lambda a, b, q, g: np.arange(8) < 0, marking.CONSTANT),
    },
}


@pytest.mark.parametrize(
    ("name", "label"), [(name, label) for name in WRONG for label in WRONG[name]]
)
def test_the_hint_is_true_of_a_wrong_answer(name, label):
    wrong, words = WRONG[name][label]
    mark = getattr(exercises, name)(wrong)
    assert mark.word == "hint"
    if words:
        assert words in mark.hint
    else:
        assert "(case: " in mark.hint
        assert mark.hint not in {trap.hint for trap in TABLES[name].traps}


def test_there_are_ten_for_every_exercise():
    assert WRONG.keys() == TABLES.keys()
    assert all(len(functions) >= 10 for functions in WRONG.values())


CONSTANTS = {
    "0": lambda name, *_: 0,
    "1": lambda name, *_: 1,
    "False": lambda name, *_: False,
    "a half": lambda name, *_: 0.5,
    "one tensor": lambda name, *_: torch.arange(4.0),
    "zeros of the right shape": lambda name, *a: filled(name, a, 0.0),
    "ones of the right shape": lambda name, *a: filled(name, a, 1.0),
    "what is right in the first case": lambda name, *_: first(name),
}


def first(name):
    """What is meant in the first case."""
    table = TABLES[name]
    value = table.right(*table.cases[0].arguments)
    return list(value) if len(table.returns) > 1 else value


def filled(name, arguments, number):
    """An answer of the right shapes that holds one number."""
    parts = marking._numbers(TABLES[name].right(*arguments))
    made = [np.full(part.shape, number) for part in parts]
    return made if len(parts) > 1 else made[0]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("constant", CONSTANTS)
def test_a_constant_is_called_one(name, constant):
    mark = getattr(exercises, name)(lambda *a: CONSTANTS[constant](name, *a))
    assert mark.hint == marking.CONSTANT


@pytest.mark.parametrize("name", TABLES)
def test_neither_what_is_right_nor_a_known_mistake_is_a_constant(name):
    cases = TABLES[name].cases
    for function in (TABLES[name].right, *(trap.wrong for trap in TABLES[name].traps)):
        assert not marking._is_constant(function, cases)


@pytest.mark.parametrize("name", TABLES)
def test_a_mark_leaves_a_note_in_the_output(name):
    def note(yours):
        data, metadata = getattr(exercises, name)(yours)._repr_mimebundle_()
        assert data == {}, "what is shown stays as it is"
        assert metadata["bdlab"]["exercise"] == name
        return metadata["bdlab"]["mark"]

    assert note(getattr(solutions, name)) == "passed"
    assert note(lambda *a: 0) == "hint"
    assert note(0.5) == "hint"
    assert note(lambda *a: ...) == "not begun"
