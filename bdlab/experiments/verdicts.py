"""Which differences between rows to believe: paired intervals over training seeds, Holm over
declared contrasts, one word.

The unit is a training seed. SYSU-MM01's ten gallery trials are one trained model looked at ten
times: their mean is one number. Row and baseline are compared seed by seed, because cells of one
seed share their draws of people and pictures. RegDB's trials are splits of one set of people into
206 + 206, so any two of them share people and their scores move together; with several splits the
unit is a split (its seeds averaged) and the variance is Nadeau and Bengio's (Inference for the
generalization error, Machine Learning 52, 2003): 1/n becomes 1/n + test/train.

What was simulated (tests/test_verdicts.py, n = 5, five contrasts against one baseline): the same
thing trained twice is called different in 1 to 5 % of families whatever the skew, and spreads of 3
to 1 do no harm; skew 1 with spreads of 2 to 1 is still within 6.5 %, intervals cover 93 to 97 %. It
does NOT hold when seeds are strongly skewed (2) and spreads are 3 to 1 as well: 13 % of families,
intervals that cover 91 %, and ten seeds are no better. One degree of freedom fewer would mend most
of that, but costs every ordinary table its power and covers 98 % where skewed rows are alike; so
the plain t stays. A row that fails now and then, which is what such seeds mean, shows in its seeds'
dots and in the guard's words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize, stats

LEVEL = 0.95  # of an interval; 1 - LEVEL is the chance of any false word in a table
POWER = 0.8
FEWEST = 5  # seeds, or splits, below which nothing is said


class Paired(NamedTuple):
    """Means of paired differences [...], their intervals and two-sided p values; each interval for
    itself, not for a table.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray


@dataclass(frozen=True)
class Verdict:
    """One row against another, in the unit of the scores given; intervals are None below two pairs.

    ``pairs``: the differences, one a ``unit`` (seeds or splits); ``unpaired`` cells have no partner
    and are left out; ``p`` is Holm's. ``detectable``: the smallest true difference that n such
    pairs show with a chance of 80 % at the table's strictest level.
    """

    row: str
    against: str
    pairs: tuple[float, ...]
    unit: str
    unpaired: int
    difference: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    detectable: float | None = None
    word: str = ""

    @property
    def n(self) -> int:
        return len(self.pairs)


def paired(differences: Any, overlap: float = 0.0) -> Paired:
    """Student's t over the last axis of ``differences`` [..., n], n above 1; ``overlap`` is
    test/train for overlapping splits, else 0.
    """
    d = np.asarray(differences, dtype=float)
    n, mean = d.shape[-1], d.mean(axis=-1)
    error = np.sqrt((1 / n + overlap) * d.var(axis=-1, ddof=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        # no spread at all: any difference is one
        t = np.where(mean == 0, 0.0, np.abs(mean) / error)
    half = stats.t.ppf(0.5 + LEVEL / 2, n - 1) * error
    return Paired(mean, mean - half, mean + half, 2 * stats.t.sf(t, n - 1))


def holm(p: Any) -> np.ndarray:
    """Holm's adjusted p values over the last axis [..., m]: compared with 0.05, at most 5 % of
    families hold a false one.
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, axis=-1)
    stepped = np.take_along_axis(p, order, -1) * (p.shape[-1] - np.arange(p.shape[-1]))
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(np.maximum.accumulate(stepped, axis=-1), 1.0), -1)
    return adjusted


def detectable(sd: float, n: int, contrasts: int = 1, overlap: float = 0.0) -> float:
    """The true difference that n pairs with this spread of their differences would show with a
    chance of 80 %.

    At level 0.05 / contrasts, the strictest that Holm asks for.
    """
    bound = stats.t.ppf(1 - (1 - LEVEL) / 2 / contrasts, n - 1)
    far = optimize.brentq(lambda shift: stats.nct.sf(bound, n - 1, shift) - POWER, 0, 10 * bound)
    return float(far * sd * np.sqrt(1 / n + overlap))


def judge(
    cells: Mapping[str, Mapping[tuple[int, int], float]],
    contrasts: Sequence[tuple[str, str]],
    train: int = 1,
    test: int = 1,
) -> list[Verdict]:
    """A verdict for each declared contrast (row, against) of a table.

    ``cells[row][split, seed]`` is the score of one trained network (trials averaged); ``train`` and
    ``test`` count the people of a split and matter only with several splits. A contrast that was
    declared but not run still counts for Holm.
    """
    found = [_difference(cells.get(row, {}), cells.get(against, {})) for row, against in contrasts]
    overlaps = [test / train if unit == "splits" else 0.0 for _, unit, _ in found]
    measured = [
        paired(d, overlap) if len(d) > 1 else None
        for (d, _, _), overlap in zip(found, overlaps, strict=True)
    ]
    plain = [
        float(m.p) if m and len(d) >= FEWEST else 1.0
        for m, (d, _, _) in zip(measured, found, strict=True)
    ]
    p = holm(plain)
    verdicts = []
    for k, ((row, against), (d, unit, unpaired), m) in enumerate(
        zip(contrasts, found, measured, strict=True)
    ):
        about: dict[str, Any] = {
            "difference": float(d.mean()) if len(d) else None,
            "word": f"too few {unit}",
        }
        if m:
            reach = detectable(float(d.std(ddof=1)), len(d), len(contrasts), overlaps[k])
            about |= {"low": float(m.low), "high": float(m.high), "detectable": reach}
        if len(d) >= FEWEST:
            about |= {"p": float(p[k]), "word": _word(about["difference"], p[k])}
        verdicts.append(Verdict(row, against, tuple(d.tolist()), unit, unpaired, **about))
    return verdicts


def _word(difference: float, p: float) -> str:
    if p > 1 - LEVEL:
        return "not shown"
    return "better" if difference > 0 else "worse"


def _difference(
    row: Mapping[tuple[int, int], float], against: Mapping[tuple[int, int], float]
) -> tuple[np.ndarray, str, int]:
    """Paired differences [n], what they are of (seeds, or splits with their seeds averaged), and
    the cells without a partner.
    """
    both = sorted(row.keys() & against.keys())
    unpaired = len(row.keys() ^ against.keys())
    by_split: dict[int, list[float]] = {}
    for key in both:
        by_split.setdefault(key[0], []).append(row[key] - against[key])
    if len(by_split) < 2:
        return np.array([row[key] - against[key] for key in both]), "seeds", unpaired
    return np.array([np.mean(own) for own in by_split.values()]), "splits", unpaired


def over_identities(
    values: Any, queries: Any, draws: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean over queries and its 95 % interval over the people who happened to be tested: a
    bootstrap of identities.

    ``values`` [I]: a score or a paired difference, mean over each identity's ``queries`` [I]; seeds
    averaged before. The pictures of one person stand or fall together, so people are drawn, not
    pictures; the gallery stays as it is.
    """
    values, queries = np.asarray(values, dtype=float), np.asarray(queries, dtype=float)
    drawn = np.random.default_rng(seed).multinomial(
        len(values), np.full(len(values), 1 / len(values)), size=draws
    )
    means = drawn @ (values * queries) / (drawn @ queries)
    low, high = np.quantile(means, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return float(values @ queries / queries.sum()), float(low), float(high)
