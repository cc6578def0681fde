"""Says in plain words whether a run's losses live, and when a run goes wrong quietly: stuck at a
margin, at the loss of a guess, at chance, shrunk to a point.

In this field a collapsed network is taken for a weak one: Rank-1 near 1 %, a loss that no longer
moves. Nothing here stops a run; the findings stand in its history, its result and the report.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bdlab import losses
from bdlab.config import Config

NEAR = 0.05  # a loss within five per cent of what a single point or a guess would cost
SHRUNK = 0.02  # the features' spread against that of the first epoch
ALIVE = 0.6  # at most this share of its collapse level, and a loss still orders people
SATISFIED = 0.02  # below this share there is nothing left to do for it
LAST = 2  # epochs that a judgement is about
#: The terms that are sums of hinges: all but the ID loss.
HINGES = tuple(name for name in losses.TERMS if name != "id")

Line = Mapping[str, Any]


def watch(
    history: Sequence[Line],
    config: Config,
    num_ids: int,
) -> dict[str, str]:
    """What the last epochs of a run look like: {} or sentences under ``collapse``, ``guess``,
    ``margin``, ``shrunk``.

    ``history`` as ``loop.train`` returns it. Judged from the third epoch on, and not while the
    triplet weights still ramp in.
    """
    ramped = config.loss.triplet_ramp * config.optim.epochs
    if len(history) < 3 or len(history) < ramped:
        return {}
    at = levels(config, num_ids)
    sentences = {
        "guess": _guess(history, num_ids, at["id"]),
        "margin": _margin(history, config, at),
        "shrunk": _shrunk(history),
    }
    for kind in [kind for kind, text in sentences.items() if not text]:
        sentences.pop(kind)
    if "guess" in sentences and "margin" in sentences:
        text = (
            f"Collapsed to a point: {sentences['guess']} {sentences['margin']} "
            "Raise triplet_ramp, lower gamma and lr, or start from pretrained weights; "
            "this run's scores say nothing about the method."
        )
        return {"collapse": text}
    return sentences


def levels(config: Config, num_ids: int) -> dict[str, float]:
    """What each loss term costs when the network has learned nothing: ``losses.idle``, times what
    the configuration sums over.

    ID times the modalities if it sums over them, the hinges times the anchors of a modality if they
    sum over those. A term that is always 0 has no level.
    """
    loss, data = config.loss, config.data
    modalities = len(config.modalities)
    at = losses.idle(
        modalities,
        len(config.graph),
        num_ids,
        loss.margin_intra,
        loss.margin_cross,
    )
    if loss.id_over == "sum":
        at["id"] *= modalities
    if loss.reduction == "sum":
        anchors = data.identities * data.shots
        for name in HINGES:
            at[name] *= anchors
    for name in HINGES:
        if not at[name]:
            at.pop(name)
    return at


def relative(
    line: Line,
    config: Config,
    num_ids: int,
) -> dict[str, float]:
    """The hinges (MML, MDL) of one epoch as shares of their collapse level: 1 is all features in
    one point, 0 is every anchor satisfied. Only those that weigh something.
    """
    at = levels(config, num_ids)
    shares = {}
    for name in HINGES:
        weight = getattr(config.loss, losses.TERMS[name].weight)
        value = line["terms"].get(name)
        if weight and name in at and value is not None:
            shares[name] = value / at[name]
    return shares


def life(history: Sequence[Line]) -> dict[str, Any]:
    """How alive the hinges of a run are at its end, as means of its last two epochs.

    ``mml`` and ``mdl`` each with ``share`` (of the collapse level) and ``word``; ``active``, the
    share of anchors at work in each direction (``V-I`` looks from V into I; ``V-V`` is MML's);
    ``spread`` of the features and ``gradient`` norm. {} for a run without hinges, or one whose
    history was written before this was measured.
    """
    last = [line for line in history[-LAST:] if line.get("relative")]
    if not last:
        return {}
    shares = _mean([line["relative"] for line in last])
    terms = _mean([line["terms"] for line in last])
    judged: dict[str, Any] = {}
    for name, share in shares.items():
        judged[name] = {"share": share, "word": word(share)}
    judged["active"] = _mean([line["active"] for line in last])
    judged["spread"] = terms["spread"]
    judged["gradient"] = terms["gradient"]
    return judged


def word(share: float) -> str:
    """``satisfied`` (near 0), ``alive`` (at most 60 % of the collapse level), ``collapsing`` (up to
    95 %), ``dead`` (at the level: features in one point cost the same), or ``unordered`` (above
    it: they would cost less, as in a network that has just begun).
    """
    if share < SATISFIED:
        return "satisfied"
    if share <= ALIVE:
        return "alive"
    if share < 1 - NEAR:
        return "collapsing"
    return "dead" if share <= 1 + NEAR else "unordered"


def _mean(lines: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Means by name over epochs."""
    means = {}
    for name in lines[-1]:
        values = [line[name] for line in lines]
        means[name] = sum(values) / len(values)
    return means


def _last(history: Sequence[Line], name: str) -> list[float]:
    """A term in the last two epochs; [] if it is not there."""
    values = [line["terms"].get(name) for line in history[-LAST:]]
    return [] if None in values else values


def _sits(values: Sequence[float], level: float) -> bool:
    """Whether a loss stayed at a level over the last epochs."""
    if not values:
        return False
    low, high = (1 - NEAR) * level, (1 + NEAR) * level
    return low <= min(values) and max(values) <= high


def _guess(
    history: Sequence[Line],
    num_ids: int,
    guess: float,
) -> str:
    """The ID loss of the last two epochs against what a guess costs."""
    values = _last(history, "id")
    told_apart = (1 - NEAR) * guess
    if not values or min(values) < told_apart:
        return ""
    return (
        f"The ID loss is {values[-1]:.2f}, that of a guess among {num_ids} people "
        f"({guess:.2f}): nobody is told apart."
    )


def _margin(
    history: Sequence[Line],
    config: Config,
    at: Mapping[str, float],
) -> str:
    """MML and MDL of the last two epochs against what they cost when all features are one point:
    the sum of their margins.
    """
    clauses = []
    for name in relative(history[-1], config, 2):
        values = _last(history, name)
        if _sits(values, at[name]):
            sum_ = f"the sum of its margins ({at[name]:.2f})"
            clauses.append(f"{name.upper()} sits at {values[-1]:.2f}, {sum_}")
    triplet = _last(history, "wrt")
    if _sits(triplet, math.log(2)):
        clauses.append(f"the weighted triplet loss sits at {triplet[-1]:.2f}, near ln 2")
    if not clauses:
        return ""
    text = " and ".join(clauses)
    return (
        f"{text[0].upper()}{text[1:]}: to the triplets all features look like one point, "
        "they no longer order people."
    )


def _shrunk(history: Sequence[Line]) -> str:
    """The spread of the features against that of the first epoch."""
    first = history[0]["terms"].get("spread")
    last = history[-1]["terms"].get("spread")
    if not first or last is None or last > SHRUNK * first:
        return ""
    return f"The features have shrunk to {last / first:.1%} of the first epoch's spread."


def still(history: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """``{"still": ...}`` if the ID loss of a finished run's last epoch is not below the first's."""
    values = [line["terms"].get("id") for line in (history[0], history[-1])]
    if len(history) < 2 or None in values or values[1] < values[0]:
        return {}
    return {
        "still": f"The ID loss did not fall: {values[0]:.2f} at first, {values[1]:.2f} at last."
    }


def chance(scores: Mapping[str, Mapping[str, Any]], people: int) -> dict[str, str]:
    """``{"chance": ...}`` if no setting's Rank-1 is above what guessing among ``people`` test
    identities could give, else {}.

    ``scores`` as in result.json. Pictures of one person stand or fall together, so the guess's
    spread is taken over people: 1/n + 3 sqrt(1/n (1 - 1/n) / n).
    """
    level = 1 / people
    spread = math.sqrt(level * (1 - level) / people)
    bound = level + 3 * spread
    ranks = [(setting["mean"]["R1"], name) for name, setting in scores.items()]
    best, name = max(ranks)
    if best > bound:
        return {}
    text = (
        f"Rank-1 is at chance: the best setting has {100 * best:.1f} % ({name}), "
        f"and guessing among {people} people gives {100 * level:.1f} %, "
        f"up to {100 * bound:.1f} % by luck. No row at this level can be told from another."
    )
    return {"chance": text}
