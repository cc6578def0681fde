"""Says in plain words when a run goes wrong quietly: stuck at a margin, at the loss of a guess, at
chance, shrunk to a point.

In this field a collapsed network is taken for a weak one: Rank-1 near 1 %, a loss that no longer
moves. Nothing here stops a run; what is found stands in its history, its result and the report.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bdlab.config import Config

NEAR = 0.05  # a loss within five per cent of what a single point or a guess would cost
SHRUNK = 0.02  # the features' spread against that of the first epoch


def watch(history: Sequence[Mapping[str, Any]], config: Config, num_ids: int) -> dict[str, str]:
    """What the last epochs of a run look like: {} or sentences under ``collapse``, ``guess``,
    ``margin``, ``shrunk``.

    ``history`` as ``training.train`` returns it. Judged from the third epoch on, and not while the
    triplet weights still ramp in.
    """
    if len(history) < 3 or len(history) < config.loss.triplet_ramp * config.optim.epochs:
        return {}
    at = levels(config, num_ids)
    found = {
        "guess": _guess(history, num_ids, at["id"]),
        "margin": _margin(history, config, at),
        "shrunk": _shrunk(history),
    }
    found = {kind: words for kind, words in found.items() if words}
    if {"guess", "margin"} <= found.keys():
        remedy = "Raise triplet_ramp, lower gamma and lr, or start from pretrained weights; this run's scores say nothing about the method."
        return {"collapse": f"Collapsed to a point: {found['guess']} {found['margin']} {remedy}"}
    return found


def levels(config: Config, num_ids: int) -> dict[str, float]:
    """What each loss term costs when the network has learned nothing: ``id`` a guess, ``mml`` and
    ``mdl`` all features in one point.

    ln(people), times the modalities if ID sums over them; the sum of the margins over the
    modalities and over both directions of every edge, times the anchors if the hinges sum over
    them.
    """
    loss, anchors = (
        config.loss,
        config.data.identities * config.data.shots if config.loss.reduction == "sum" else 1,
    )
    points = {
        "mml": len(config.modalities) * loss.margin_intra,
        "mdl": 2 * len(config.graph) * loss.margin_cross,
    }
    streams = len(config.modalities) if loss.id_over == "sum" else 1
    return {"id": streams * math.log(num_ids)} | {
        name: anchors * point for name, point in points.items() if point
    }


def _guess(history: Sequence[Mapping[str, Any]], num_ids: int, guess: float) -> str:
    """The ID loss of the last two epochs against what a guess costs."""
    last = [line["terms"].get("id") for line in history[-2:]]
    if any(value is None or value < (1 - NEAR) * guess for value in last):
        return ""
    return f"The ID loss is {last[-1]:.2f}, that of a guess among {num_ids} people ({guess:.2f}): nobody is told apart."


def _margin(history: Sequence[Mapping[str, Any]], config: Config, at: Mapping[str, float]) -> str:
    """MML and MDL of the last two epochs against what they cost when all features are one point:
    the sum of their margins.
    """
    said = []
    for name, weight in (("mml", config.loss.beta), ("mdl", config.loss.gamma)):
        values = [line["terms"].get(name) for line in history[-2:]]
        if (
            weight
            and name in at
            and None not in values
            and all(abs(v - at[name]) <= NEAR * at[name] for v in values)
        ):
            said.append(
                f"{name.upper()} sits at {values[-1]:.2f}, the sum of its margins ({at[name]:.2f})"
            )
    triplet = [line["terms"].get("wrt") for line in history[-2:]]
    if None not in triplet and all(abs(v - math.log(2)) <= NEAR * math.log(2) for v in triplet):
        said.append(f"the weighted triplet loss sits at {triplet[-1]:.2f}, near ln 2")
    if not said:
        return ""
    text = " and ".join(said)
    return f"{text[0].upper()}{text[1:]}: to the triplets all features look like one point, they no longer order people."


def _shrunk(history: Sequence[Mapping[str, Any]]) -> str:
    spread = [line["terms"].get("spread") for line in (history[0], history[-1])]
    if None in spread or not spread[0] or spread[1] > SHRUNK * spread[0]:
        return ""
    return f"The features have shrunk to {spread[1] / spread[0]:.1%} of the first epoch's spread."


def still(history: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """``{"still": ...}`` if the ID loss of a finished run's last epoch is not below the first's."""
    values = [line["terms"].get("id") for line in (history[0], history[-1])]
    if len(history) < 2 or None in values or values[1] < values[0]:
        return {}
    return {"still": f"The ID loss did not fall: {values[0]:.2f} at first, {values[1]:.2f} at last."}


def chance(scores: Mapping[str, Mapping[str, Any]], people: int) -> dict[str, str]:
    """``{"chance": ...}`` if no setting's Rank-1 is above what guessing among ``people`` test
    identities could give, else {}.

    ``scores`` as in result.json. Pictures of one person stand or fall together, so the guess's
    spread is taken over people: 1/n + 3 sqrt(1/n (1 - 1/n) / n).
    """
    level = 1 / people
    bound = level + 3 * math.sqrt(level * (1 - level) / people)
    best = max((setting["mean"]["R1"], name) for name, setting in scores.items())
    if best[0] > bound:
        return {}
    return {
        "chance": f"Rank-1 is at chance: the best setting has {100 * best[0]:.1f} % ({best[1]}), and guessing among {people} people gives "
        f"{100 * level:.1f} %, up to {100 * bound:.1f} % by luck. No row at this level can be told from another."
    }
