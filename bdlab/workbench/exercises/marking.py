"""How a learner's function is marked: it is run on a few cases and compared with the library's
answer and with known mistakes.

A check is data: cases from plain to special, the right function (bdlab's own), and traps, each a
typical wrong function with the hint for whoever fell into it. The hint is that of the trap that
gives what the learner's function gives, best on every case, else on the first case that is wrong
and with two wrong numbers: one that agrees by accident names no mistake.
"""

from __future__ import annotations

import copy
import linecache
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

# wide enough for float32, far below the difference any trap makes
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
CONSTANT = (
    "The same answer comes back in every case, whatever is given. Does your function use its "
    "arguments?"
)
SOMETIMES = (
    "Right so far, but in one case nothing comes back ({}). Does every way through your function "
    "end in a return?"
)


@dataclass(frozen=True, repr=False)
class Mark:
    """Whether the learner's function is right, and what to say to the learner.

    ``begun`` is False where nothing has been written yet. Shown in a notebook, a mark leaves a note
    in the output's metadata, where ``progress`` finds it whatever becomes of the cell.
    """

    right: bool
    hint: str
    exercise: str = ""
    begun: bool = True

    @property
    def word(self) -> str:
        """``passed``, ``hint`` or ``not begun``."""
        if self.right:
            return "passed"
        return "hint" if self.begun else "not begun"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        return {}, {"bdlab": {"exercise": self.exercise, "mark": self.word, "hint": self.hint}}

    def __repr__(self) -> str:
        return f"{'Right.' if self.right else 'Not yet.'} {self.hint}"

    def _repr_markdown_(self) -> str:
        return f"**{'✔ Right.' if self.right else '✘ Not yet.'}** {self.hint}"


class Case(NamedTuple):
    """One call: what is special about it, and the arguments."""

    words: str
    arguments: tuple[Any, ...]


class Trap(NamedTuple):
    """A typical mistake: the function somebody writes who makes it, and what to tell them."""

    wrong: Callable[..., Any]
    hint: str


class Exercise(NamedTuple):
    """``name`` is that of its check; ``returns`` names what the function gives back, one word or
    more; ``praise`` is said when it is right.
    """

    name: str
    cases: Sequence[Case]
    right: Callable[..., Any]
    returns: tuple[str, ...]
    traps: Sequence[Trap]
    praise: str


class _Unfit(Exception):
    """Something came back, or was raised, that cannot be compared; the text is the hint."""


class _Missing(_Unfit):
    """Nothing came back."""


def mark(yours: Callable[..., Any], exercise: Exercise) -> Mark:
    """Run ``yours`` on every case. Never raises for what the learner's function does."""
    if not callable(yours):
        hint = (
            "Give the check the function itself (its name, without brackets); this is a "
            f"{type(yours).__name__}."
        )
        return Mark(False, hint, exercise.name)
    try:
        hint = _hint(yours, exercise)
    except _Missing as error:
        return Mark(False, str(error), exercise.name, begun=False)
    return Mark(hint is None, hint or exercise.praise, exercise.name)


def _hint(yours: Callable[..., Any], exercise: Exercise) -> str | None:
    """What to think about; None where every case is right. Raises _Missing where nothing is there
    yet.
    """
    if _is_constant(yours, exercise.cases):
        return CONSTANT
    expected = [_numbers(exercise.right(*case.arguments)) for case in exercise.cases]
    answers: list[list[np.ndarray]] = []
    for case, right in zip(exercise.cases, expected, strict=True):
        try:
            answers.append(_answer(yours, case, right, exercise.returns))
        except _Unfit as error:
            missing = isinstance(error, _Missing)
            if missing and not answers:
                raise
            if all(map(_same, answers, expected)):
                return SOMETIMES.format(case.words) if missing else str(error)
            break  # what was wrong before that says more
    wrong = [k for k, answer in enumerate(answers) if not _same(answer, expected[k])]
    if not wrong:
        return None
    if trap := _trap(exercise, answers, expected, wrong[0]):
        return trap.hint
    return _difference(exercise, wrong[0], answers[wrong[0]], expected[wrong[0]])


def _is_constant(yours: Callable[..., Any], cases: Sequence[Case]) -> bool:
    """Whether every case gets one and the same finite answer, or one number at every place."""
    try:
        answers = [_numbers(yours(*copy.deepcopy(case.arguments))) for case in cases]
    except Exception:  # what it is, is said where the answer is taken
        return False
    everything = [part.ravel() for answer in answers for part in answer]
    if not everything or not np.isfinite(np.concatenate(everything)).all():
        return False
    if len(np.unique(np.concatenate(everything))) == 1:
        return True
    first = answers[0]
    return all(
        len(answer) == len(first) and all(map(np.array_equal, answer, first)) for answer in answers
    )


def _trap(
    exercise: Exercise,
    answers: Sequence[list[np.ndarray]],
    expected: Sequence[list[np.ndarray]],
    first: int,
) -> Trap | None:
    """The trap that gives what was answered: in every case, else in the first case that is wrong
    and with two wrong numbers that are no accident.
    """
    cases = exercise.cases[: len(answers)]
    stopped = len(answers) < len(exercise.cases)
    partly = None
    for trap in exercise.traps:
        fell = list(map(partial(_fell, trap), cases, answers))
        telling = _telling(answers, expected, fell)
        if all(fell) and (telling or not stopped):
            return trap
        if fell[first] and telling > 1:
            partly = partly or trap
    return partly


def _telling(
    answers: Sequence[list[np.ndarray]], expected: Sequence[list[np.ndarray]], fell: Sequence[bool]
) -> int:
    """How many different wrong numbers a trap shares with the answers. Whole numbers, a 0 or a rank
    or a mask, are shared by accident and do not count.
    """
    shared: set[float] = set()
    for answer, right, together in zip(answers, expected, fell, strict=False):
        if not together:
            continue
        for mine, meant in zip(answer, right, strict=True):
            off = mine[~np.isclose(mine, meant, **TOLERANCE)]
            shared.update(np.round(off[off != np.round(off)], 4).tolist())
    return len(shared)


def _fell(trap: Trap, case: Case, answer: list[np.ndarray]) -> bool:
    """Whether an answer is the one that a trap gives. A mistake that stops on a case has no answer
    to it.
    """
    try:
        return _same(answer, _numbers(trap.wrong(*case.arguments)))
    except ValueError:
        return False


def _answer(
    yours: Callable[..., Any], case: Case, right: list[np.ndarray], names: tuple[str, ...]
) -> list[np.ndarray]:
    """What ``yours`` gives on a case, as arrays of the right shapes; raises _Unfit with a hint."""
    given = copy.deepcopy(case.arguments)
    try:
        value = yours(*given)
    except NotImplementedError:
        raise _Missing(_missing(names)) from None
    except Exception as error:  # a learner's function may raise anything
        raise _Unfit(_explained(error, yours, case)) from None
    parts = value if isinstance(value, tuple) else (value,)
    dots = [part is None or part is Ellipsis for part in parts]
    if all(dots) and parts:
        raise _Missing(_missing(names))
    if any(dots):
        absent = [name for name, empty in zip(names, dots, strict=False) if empty]
        raise _Unfit(f"Begun, but this is still missing: {', '.join(absent)}.")
    if not _untouched(given, case.arguments):
        raise _Unfit(
            "Your function changes the arrays it is given (an in-place operation?). Work on a "
            "copy, or make a new array."
        )
    if len(names) > 1 and (not hasattr(value, "__len__") or len(value) != len(names)):
        raise _Unfit(
            f"{len(names)} things are meant to come back, ({', '.join(names)}); this is "
            f"{_described(value)}."
        )
    try:
        answer = _numbers(list(value) if len(names) > 1 else (value,))
    except (TypeError, ValueError, RuntimeError):
        raise _Unfit(
            f"Numbers or arrays of numbers are meant to come back; this is {_described(value)}."
        ) from None
    for name, mine, wanted in zip(names, answer, right, strict=True):
        if mine.shape != wanted.shape:
            shape = f"shape {wanted.shape}" if wanted.shape else "a single number"
            raise _Unfit(
                f"{name[0].upper()}{name[1:]} has shape {mine.shape}; {shape} is meant (case: "
                f"{case.words})."
            )
    return answer


def _missing(names: tuple[str, ...]) -> str:
    return (
        "Nothing comes back yet: replace the dots in the function's body, and return "
        f"{', '.join(names)}."
    )


def _explained(error: Exception, yours: Callable[..., Any], case: Case) -> str:
    """Where the learner's function stopped and on what."""
    code = getattr(yours, "__code__", None)
    own = [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if code and f.filename == code.co_filename
    ]
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    given = f"It was given {', '.join(map(_described, case.arguments))} (case: {case.words})."
    if not own:
        return f"Your function could not be called: {said}. {given}"
    line = linecache.getline(own[-1].filename, own[-1].lineno).strip()
    return f"Your function stopped with {said}" + (f", at `{line}`" if line else "") + f". {given}"


def _described(value: Any) -> str:
    if isinstance(value, dict):
        return f"a dict with {', '.join(map(str, value))}"
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"an array {tuple(shape)}" if len(shape) else "one number"
    if callable(value):
        return f"the function {getattr(value, '__name__', 'given')}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return repr(value)


def _numbers(value: Any) -> list[np.ndarray]:
    """A number, an array or a tuple of them as float64 arrays."""
    values = value if isinstance(value, (tuple, list)) else (value,)
    return [np.asarray(v, dtype=np.float64) for v in values]


def _same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(
        x.shape == y.shape and np.allclose(x, y, **TOLERANCE) for x, y in zip(a, b, strict=True)
    )


def _untouched(given: Any, kept: Any) -> bool:
    if isinstance(kept, np.ndarray):
        return isinstance(given, np.ndarray) and np.array_equal(given, kept)
    if isinstance(kept, dict):
        return given.keys() == kept.keys() and all(_untouched(given[k], kept[k]) for k in kept)
    if isinstance(kept, tuple):
        return all(map(_untouched, given, kept))
    return True


def _difference(
    exercise: Exercise, case: int, mine: list[np.ndarray], right: list[np.ndarray]
) -> str:
    """The first thing that is off, and which way; not by how much: the number would be the
    answer.
    """
    words = exercise.cases[case].words
    for name, a, b in zip(exercise.returns, mine, right, strict=True):
        if np.allclose(a, b, **TOLERANCE):
            continue
        said = name[0].upper() + name[1:]
        if not np.isfinite(a).all():
            return (
                f"{said} is not finite (case: {words}): look for a division by zero, or a maximum "
                "over nothing."
            )
        if not b.shape:
            return (
                f"{said} = {float(a):.4g} is too {'large' if a > b else 'small'} (case: {words})."
            )
        off = np.argwhere(~np.isclose(a, b, **TOLERANCE))
        return (
            f"{said} is wrong at {len(off)} of {b.size} places, first at {tuple(map(int, off[0]))} "
            f"(case: {words})."
        )
    raise AssertionError("called for an answer that is right")
