"""The exercises: a right solution passes, every typical mistake gets a hint of its own, and nothing
a learner writes breaks a check.
"""

import inspect
import linecache
from itertools import combinations

import numpy as np
import pytest
import torch

from bdlab.workbench import exercises
from bdlab.workbench.exercises import (
    comparing,
    constraints,
    deriving,
    marking,
    scoring,
    solutions,
)

NAMES = ("derive", "hinge", "mdl", "score", "interval", "rescued")
CHECKS = {name: getattr(exercises, name) for name in NAMES}
TABLES = {
    "derive": deriving.DERIVE,
    "hinge": constraints.HINGE,
    "mdl": constraints.MDL,
    "score": scoring.SCORE,
    "interval": scoring.INTERVAL,
    "rescued": comparing.RESCUED,
}

#: What a learner writes instead of a line of the model solution, and words of the hint that answers
#: it.
MISTAKES = {
    "derive": [
        ("    grey = np.maximum(grey, 0)\n", "", "What follows the convolution"),
        (
            "return D_V, D_I",
            "return np.maximum(D_V, 0), np.maximum(D_I, 0)",
            "Only one of the two parts ends in a ReLU",
        ),
        ("g[k] * infrared[0]", "g[k] * np.maximum(infrared[0], 0)", "goes into G_S as it is"),
        (
            "g[k] * infrared[0]",
            "g[k] * np.maximum(sum(e) * infrared[0] + b, 0)",
            "does the infrared picture",
        ),
        ("visible[2] + b", "visible[2]", "E_V has four numbers"),
        ("np.maximum(grey, 0)", "np.maximum(grey - b, 0) + b", "before the ReLU clips"),
        ("+ c[k]", "", "G_S has six numbers"),
        (
            "g[k] * grey",
            "g[k] * np.maximum(e[k] * visible[k] + b, 0)",
            "keeps the three colours apart",
        ),
        ("g[k] * grey", "g[k] * visible[k]", "as three channels"),
        (
            "grey = e[0] * visible[0] + e[1] * visible[1] + e[2] * visible[2] + b",
            "grey = visible.mean(0) + b",
            "need not be equal",
        ),
        ("return D_V, D_I", "return D_I, D_V", "in the wrong order"),
    ],
    "hinge": [
        (
            "S[i, same].max() - S[i, ~same].min()",
            "(S[i] * same).max() - (S[i] * ~same).min()",
            "eq. 5 as it is printed",
        ),
        (
            "    S = ",
            "    a, b, ids_a, ids_b = b, a, ids_b, ids_a\n    S = ",
            "the other direction",
        ),
        (
            "S[i, same].max() - S[i, ~same].min()",
            "S[i].max() - S[i].min()",
            "where do the identities come in",
        ),
        ("S[i, ~same].min()", "S[i].min()", "Only strangers are negatives"),
        (
            "S[i, same].max() - S[i, ~same].min()",
            "S[i, same].min() - S[i, ~same].max()",
            "Which ones are hard",
        ),
        ("S[i, same].max()", "S[i, same].min()", "the nearest positive is the easiest"),
        ("S[i, ~same].min()", "S[i, ~same].max()", "the farthest stranger is the easiest"),
        (
            "S[i, same].max() - S[i, ~same].min()",
            "S[i, same].mean() - S[i, ~same].mean()",
            "takes a maximum and a minimum",
        ),
        (
            "np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(-1))",
            "((a[:, None] - b) ** 2).sum(-1)",
            "Squared distances",
        ),
        (
            "max(margin + S[i, same].max() - S[i, ~same].min(), 0)",
            "margin + S[i, same].max() - S[i, ~same].min()",
            "negative losses",
        ),
        ("np.mean(costs)", "np.sum(costs)", "We ask for the mean"),
        ("margin + S[i, same]", "S[i, same]", "Without the margin"),
        (
            "S[i, same].max() - S[i, ~same].min()",
            "S[i, ~same].min() - S[i, same].max()",
            "have changed places",
        ),
        (
            "        if same.any() and not same.all():\n    ",
            "        if True:\n    ",
            "whose person is not among the others",
        ),
    ],
    "mdl": [
        (
            "        total += directed(features[n], features[m], y_n, y_m)\n",
            "",
            "One direction of every pair.",
        ),
        ("        total += directed(features[m], features[n], y_m, y_n)\n", "", "the backward one"),
        (
            "for m, n in pairs:",
            "for m, n in [p for a, b in pairs for p in ((a, b), (b, a))]:",
            "Exactly twice too much",
        ),
        ("return total", "return total / max(len(pairs), 1)", "A mean over the pairs"),
        ("return total", "return total / 2", "The mean of the two directions"),
        (
            "in pairs:",
            "in [(a, b) for a in features for b in features if a < b]:",
            "All modalities against all",
        ),
        (", y_n, y_m)", ", y_m, y_n)", "when the direction turns"),
        ("ids[parent[m]], ids[parent[n]]", 'ids["V"], ids["I"]', "whatever the pair"),
        ("ids[parent[m]], ids[parent[n]]", "ids[m], ids[n]", "KeyError"),
    ],
    "score": [
        (
            "    if query_camera == 3:\n        stays = gallery_cameras != 2\n",
            "",
            "of camera 2 are still in your list",
        ),
        (
            "gallery_cameras != 2",
            "(gallery_cameras != 2) | (gallery_ids != query_id)",
            "ALL of camera 2",
        ),
        ("if query_camera == 3", "if True", "for every query"),
        ("rank = len(set(ids[: hits[0]])) + 1", "rank = hits[0] + 1", "The rank counts pictures"),
        (
            "    hits",
            "    ids = ids[np.sort(np.unique(ids, return_index=True)[1])]\n    hits",
            "nobody is dropped",
        ),
        ("len(set(ids[: hits[0]])) + 1", "len(set(ids[: hits[0]]))", "Ranks start at 1"),
        ("np.argsort(distances[stays])", "np.argsort(-distances[stays])", "upside down"),
        ("np.mean(precision)", "precision[0]", "looks at the first hit only"),
        (
            "return rank, np.mean(precision)",
            "return np.mean(precision), rank",
            "in the wrong order",
        ),
        (
            "    stays = np",
            "    gallery_ids = gallery_ids[np.argsort(distances)]\n    stays = np",
            "not the cameras with them",
        ),
    ],
    "interval": [
        (
            "ours.mean(axis=1) - baseline.mean(axis=1)",
            "(ours - baseline).ravel()",
            "How many trained models",
        ),
        (
            "d.std(ddof=1)",
            "np.hypot(ours.mean(axis=1).std(ddof=1), baseline.mean(axis=1).std(ddof=1))",
            "Seeds are not paired",
        ),
        ("stats.t.ppf(0.975, len(d) - 1)", "1.96", "1.96 belongs"),
        ("ddof=1", "ddof=0", "divided by n"),
        ("d.std(ddof=1)", "d.std()", "divided by n"),
        (" / np.sqrt(len(d))", "", "not where the MEAN lies"),
        ("0.975", "0.95", "A 90 % interval"),
        (
            "ours.mean(axis=1) - baseline.mean(axis=1)",
            "baseline.mean(axis=1) - ours.mean(axis=1)",
            "The sign is turned",
        ),
        (
            "ours.mean(axis=1) - baseline.mean(axis=1)",
            "ours[:, 0] - baseline[:, 0]",
            "Only the first gallery trial",
        ),
    ],
    "rescued": [
        ("found_b & ~found_a", "found_a & ~found_b", "the SECOND network misses"),
        ("found_b & ~found_a", "found_b", "all that the second network finds"),
        ("found_b & ~found_a", "~found_a", "all that the first network misses"),
        ("found_b & ~found_a", "found_a != found_b", "in either direction"),
        ("found_b & ~found_a", "found_a & found_b", "found by both"),
        ("found_b & ~found_a", "~(found_a | found_b)", "missed by both"),
        (".argmin(", ".argmax(", "FARTHEST"),
        ("return found_b & ~found_a", "return b.min(1) < a.min(1)", "a scale of its own"),
        (
            "return found_b & ~found_a",
            "right = query_ids[:, None] == gallery_ids\n"
            "    return np.where(right, b, 9).min(1) < np.where(right, a, 9).min(1)",
            "is it the nearest of all",
        ),
        (
            "return found_b & ~found_a",
            "five = [(gallery_ids[np.argsort(x, 1)[:, :5]] == query_ids[:, None]).any(1)"
            " for x in (a, b)]\n    return five[1] & ~five[0]",
            "the first five",
        ),
    ],
}


def written(source, name):
    """A function from its source, as a notebook cell would define it: its lines can be quoted."""
    file = f"<cell {abs(hash(source))}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    space = {"np": np, "stats": solutions.stats}
    exec(compile(source, file, "exec"), space)
    return space[name]


def mistaken(name, old, new):
    source = inspect.getsource(getattr(solutions, name))
    assert source.count(old) >= 1, f"{old!r} is not in the solution"
    return written(source.replace(old, new), name)


@pytest.mark.parametrize("name", CHECKS)
def test_a_right_solution_passes(name):
    mark = CHECKS[name](getattr(solutions, name))
    assert mark.right, mark.hint
    assert mark.hint == TABLES[name].praise
    assert "Right." in repr(mark)
    assert "✔" in mark._repr_markdown_()


@pytest.mark.parametrize(
    ("name", "old", "new", "hint"),
    [(name, *mistake) for name in MISTAKES for mistake in MISTAKES[name]],
)
def test_a_typical_mistake_gets_its_own_hint(name, old, new, hint):
    mark = CHECKS[name](mistaken(name, old, new))
    assert not mark.right
    assert hint in mark.hint
    assert "Not yet." in repr(mark)
    others = {words for _, _, words in MISTAKES[name]} - {hint}
    assert not any(words in mark.hint for words in others), "one hint, not another's"


@pytest.mark.parametrize("name", CHECKS)
def test_traps_differ_from_the_answer_and_from_each_other(name):
    """Two traps that gave the same numbers would leave one hint unsaid."""
    table = TABLES[name]
    assert len({trap.hint for trap in table.traps}) == len(table.traps) >= 3
    for one, two in combinations([marking.Trap(table.right, "right"), *table.traps], 2):
        answers = [
            (case, answer) for case in table.cases if (answer := given(one, case)) is not None
        ]
        assert len(answers) > 1
        assert not all(marking._fell(two, case, answer) for case, answer in answers), (
            one.hint,
            two.hint,
        )


def given(trap, case):
    try:
        return marking._numbers(trap.wrong(*case.arguments))
    except ValueError:
        return None  # unequal numbers of labels and features


@pytest.mark.parametrize("name", CHECKS)
def test_no_hint_holds_the_solution(name):
    """No line of the model solution, nor a number the check expects, is in anything a learner is
    told.
    """
    table = TABLES[name]
    lines = [line.strip() for line in inspect.getsource(getattr(solutions, name)).splitlines()[1:]]
    said = " ".join(
        [
            *(trap.hint for trap in table.traps),
            table.praise,
            *(CHECKS[name](lambda *a: 17.125).hint for _ in (1,)),
        ]
    )
    for line in lines:
        assert line not in said
    for case in table.cases:
        for value in marking._numbers(table.right(*case.arguments)):
            assert value.size > 1 or value == value.round() or f"{float(value):.4g}" not in said


@pytest.mark.parametrize("name", CHECKS)
class TestNothingALearnerWritesBreaksACheck:
    def test_the_empty_stub(self, name):
        for stub in (lambda *a: None, lambda *a: ..., lambda *a: (..., None)):
            mark = CHECKS[name](stub)
            assert not mark.right
            assert "Nothing comes back yet" in mark.hint
            assert all(word in mark.hint for word in TABLES[name].returns)

        def not_written(*arguments):
            raise NotImplementedError

        assert "Nothing comes back yet" in CHECKS[name](not_written).hint

    def test_an_exception_is_explained_with_its_line(self, name):
        mark = CHECKS[name](written(f"def {name}(*given):\n    x = 1\n    return x / 0\n", name))
        assert not mark.right
        assert "ZeroDivisionError: division by zero" in mark.hint
        assert "`return x / 0`" in mark.hint
        assert TABLES[name].cases[0].words in mark.hint

    def test_too_few_arguments(self, name):
        assert "could not be called: TypeError" in CHECKS[name](lambda only: only).hint

    def test_what_is_no_function(self, name):
        assert "without brackets" in CHECKS[name](0.5).hint

    @pytest.mark.parametrize(
        "value",
        [
            "a word",
            {"a": 1},
            object(),
            [[1, 2], [3]],
            np.zeros((2, 2)),
            (1, 2, 3, 4),
            3.5,
            [],
            torch.ones(9),
        ],
    )
    def test_an_answer_of_another_kind(self, name, value):
        mark = CHECKS[name](lambda *a: value)
        assert not mark.right
        assert mark.hint

    def test_infinities(self, name):
        names = TABLES[name].returns
        mark = CHECKS[name](
            lambda *a: (
                float("nan")
                if len(names) == 1
                else tuple([np.full(np.shape(a[0]), np.nan)] * len(names))
            )
        )
        assert not mark.right

    def test_changed_arguments_are_noticed(self, name):
        def greedy(*given):
            answer = getattr(solutions, name)(*given)
            first = next(x for x in given if isinstance(x, (np.ndarray, dict)))
            if isinstance(first, dict):
                first = next(iter(first.values()))
            first += 1
            return answer

        before = marking.copy.deepcopy([case.arguments for case in TABLES[name].cases])
        assert "changes the arrays" in CHECKS[name](greedy).hint
        for then, case in zip(before, TABLES[name].cases, strict=True):
            assert marking._untouched(then, case.arguments), "the cases themselves stay as they are"


def test_a_solution_in_torch_passes():
    def derive(visible, infrared, e, b, g, c):
        both = [
            torch.from_numpy(np.asarray(x)) for x in solutions.derive(visible, infrared, e, b, g, c)
        ]
        return both[0], both[1]

    assert exercises.derive(derive).right


def test_wrong_shapes_are_named():
    def last(*a):
        return tuple(np.moveaxis(x, 0, -1) for x in solutions.derive(*a))

    assert "D_V has shape (4, 2, 3); shape (3, 4, 2) is meant" in exercises.derive(last).hint
    assert "a single number is meant" in exercises.hinge(lambda a, *_: a[:, 0]).hint
    assert (
        "2 things are meant to come back, (D_V, D_I); this is an array (3, 4, 2)"
        in exercises.derive(lambda v, *_: v).hint
    )


def test_an_unknown_mistake_says_where_and_which_way_but_not_how_much():
    assert (
        "is too large (case: two people"
        in exercises.hinge(lambda *a: solutions.hinge(*a) + 0.37).hint
    )
    assert "is too small" in exercises.hinge(lambda *a: solutions.hinge(*a) - 0.37).hint
    assert "is not finite" in exercises.hinge(lambda *a: float("inf")).hint
    assert "wrong at 1 of 24 places, first at (1, 0, 0)" in exercises.derive(one_pixel_off).hint


def one_pixel_off(*a):
    made = solutions.derive(*a)
    made[0][1, 0, 0] += 0.1
    return made


def test_two_mistakes_are_told_one_after_the_other():
    """Forgotten ReLU and forgotten biases at once: the first case that is wrong decides."""
    source = (
        inspect.getsource(solutions.derive)
        .replace("    grey = np.maximum(grey, 0)\n", "")
        .replace("+ c[k]", "")
    )
    first = exercises.derive(written(source, "derive"))
    assert "G_S has six numbers" in first.hint
    mended = source.replace("g[k] * grey ", "g[k] * grey + c[k]").replace(
        "g[k] * infrared[0] ", "g[k] * infrared[0] + c[k]"
    )
    assert "What follows the convolution" in exercises.derive(written(mended, "derive")).hint


def test_a_wrong_answer_before_an_exception_is_what_is_told():
    def hinge(a, b, *rest):
        if len(a) != len(b):
            raise ValueError("late")
        return solutions.hinge(a, b, *rest) * 0 - 1

    assert "too small" in exercises.hinge(hinge).hint


@pytest.mark.parametrize(
    ("name", "constant"),
    [
        ("hinge", 0.0),
        ("hinge", 0.5),
        ("mdl", 1.0),
        ("score", (1, 0.5)),
        ("score", (2, 1.0)),
        ("interval", (0.0, -1.0, 1.0)),
    ],
)
def test_a_constant_is_called_one_and_no_mistake_of_another_kind(name, constant):
    assert CHECKS[name](lambda *a: constant).hint == marking.CONSTANT


@pytest.mark.parametrize("name", ["hinge", "score"])
def test_one_number_that_is_right_by_accident_names_no_mistake(name):
    """What a trap gives on one case, and nonsense of its own on every other."""
    table = TABLES[name]
    for trap in table.traps:
        seen = []

        def mine(*a, trap=trap, seen=seen):
            seen.append(a)
            answer = np.asarray(trap.wrong(*a), dtype=float)
            return answer if len(seen) == 1 else answer + 17.0 * len(seen)

        try:
            mark = marking.mark(mine, table)
        except ValueError:  # a trap that stops on a case
            continue
        assert not mark.right
        assert mark.hint != trap.hint
