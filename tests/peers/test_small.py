"""Forty small rankings: queries without a match, SYSU-MM01's camera rule, ties."""

import numpy as np
import pytest

from bdlab import evaluation, rules

from . import numbers, recipes

CASES = numbers.read("small_cases.json")
MATLAB = "SYSU-MM01 get_cmc_multi_cam, get_map_multi_cam"


@pytest.fixture(scope="module", autouse=True)
def _streams():
    numbers.same_streams()


def scored(case, rule):
    excluded = rules.SYSU.excluded(case["qc"][:, None], case["gc"][None, :]) if rule else None
    return evaluation.scores(case["distances"], case["q"], case["g"], excluded, unique_ids=rule)


def close(found, theirs, cmc, rest):
    """Whether a peer's curve, mAP and mINP are ours."""
    curve = found.cmc[: len(theirs["cmc"])]
    same = np.allclose(curve, theirs["cmc"][: len(curve)], rtol=0, atol=cmc)
    values = [(found.mAP, theirs["mAP"])]
    if "mINP" in theirs:
        values.append((found.mINP, theirs["mINP"]))
    return same and all(abs(a - b) <= rest for a, b in values)


@pytest.mark.parametrize("theirs", CASES["without_ties"], ids=lambda c: str(c["seed"]))
def test_without_ties(theirs):
    case = recipes.small_case(theirs["seed"], ties=False)
    for rule, answers in ((False, theirs["no_rule"]), (True, theirs["camera_rule"])):
        for peer, answer in answers.items():
            exact = numbers.MATLAB if peer == MATLAB else numbers.FLOAT32
            rest = numbers.MATLAB if peer == MATLAB else numbers.FLOAT64
            assert close(scored(case, rule), answer, exact, rest), peer


@pytest.mark.parametrize(
    "theirs", CASES[f"with_ties_camera_rule_{MATLAB}"], ids=lambda c: str(c["seed"])
)
def test_with_ties(theirs):
    case = recipes.small_case(theirs["seed"], ties=True)
    assert close(scored(case, True), theirs, numbers.MATLAB, numbers.MATLAB)


def test_equals_in_another_order_are_noticed():
    """The broken variant: galleries turned round, so that equals rank backwards."""
    wrong = 0
    for theirs in CASES[f"with_ties_camera_rule_{MATLAB}"]:
        case = recipes.small_case(theirs["seed"], ties=True)
        turned = case | {name: case[name][..., ::-1] for name in ("distances", "g", "gc")}
        wrong += not close(scored(turned, True), theirs, numbers.MATLAB, numbers.MATLAB)
    assert wrong >= 15
