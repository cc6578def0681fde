"""SYSU-MM01 as its authors' MATLAB code and AGW's code score it, ties included."""

from __future__ import annotations

import numpy as np
import pytest

from bdlab import evaluation, protocols, rules
from bdlab.evaluation import Embedded
from bdlab.protocols import draws

from . import numbers, recipes

pytestmark = pytest.mark.slow

OFFICIAL = numbers.read("sysu_official_scores.json")["scores"]
SEEDED = numbers.read("sysu_seeded.json")["scores"]


@pytest.fixture(scope="module", autouse=True)
def _streams():
    numbers.same_streams()


def embedded(features: str) -> tuple[Embedded, Embedded]:
    """(infrared queries, visible gallery) of a recipe."""
    parts = []
    for cameras, made in zip(
        (recipes.VISIBLE, recipes.INFRARED), getattr(recipes, features)(), strict=True
    ):
        rows = recipes.sysu_rows(cameras)
        keys = [recipes.sysu_path(*row) for row in rows.tolist()]
        parts.append(Embedded(made, rows[:, 0], rows[:, 1], keys))
    return parts[1], parts[0]


@pytest.fixture(scope="module")
def sets():
    return {name: embedded(name) for name in ("sysu_plain", "sysu_ties")}


@pytest.fixture(scope="module")
def distances(sets):
    return {
        name: evaluation.distances(query.features, gallery.features, squared=True)
        for name, (query, gallery) in sets.items()
    }


def permutations() -> dict:
    held = np.load(numbers.HERE / "sysu_official_draws.npz")
    found: dict[int, dict] = {}
    for k, (identity, camera) in enumerate(zip(held["identity"], held["camera"], strict=True)):
        found.setdefault(int(camera), {})[int(identity)] = held["pictures"][:, k].astype(int)
    return found


@pytest.fixture(scope="module")
def official(sets, distances):
    """(features, mode, shots) -> our Result by the authors' permutations."""
    found = {}
    for features, mode, shots in {(s["features"], s["mode"], s["shots"]) for s in OFFICIAL}:
        query, gallery = sets[features]
        trials = 3 if shots == 1 else 2
        found[features, mode, shots] = protocols.sysu(
            query, gallery, mode, shots, "official", permutations(), trials,
            distances=distances[features],
        )  # fmt: skip
    return found


@pytest.mark.parametrize(
    "theirs", OFFICIAL, ids=lambda s: f"{s['features']}-{s['mode']}-{s['shots']}-{s['trial']}"
)
def test_the_authors_matlab_scores(official, theirs):
    result = official[theirs["features"], theirs["mode"], theirs["shots"]]
    ours = result.trials[theirs["trial"] - 1]
    wrong = numbers.differences(ours, theirs, numbers.MATLAB, numbers.MATLAB)
    assert wrong == []
    assert result.provenance["gallery"] == theirs["gallery"]
    assert result.provenance["published_counts"]


def test_identity_by_identity_the_ties_would_rank_otherwise(official, sets, distances):
    """The broken variant: the same galleries, identities outside and cameras inside."""
    query, gallery = sets["sysu_ties"]
    theirs = next(s for s in OFFICIAL if s["features"] == "sysu_ties" and s["mode"] == "all")
    rows = official["sysu_ties", "all", theirs["shots"]].draws[theirs["trial"] - 1]
    turned = rows[np.lexsort((gallery.cameras[rows], gallery.ids[rows]))]
    excluded = rules.SYSU.excluded(query.cameras[:, None], gallery.cameras[turned][None, :])
    found = evaluation.scores(
        distances["sysu_ties"][:, turned], query.ids, gallery.ids[turned], excluded, True
    )
    assert numbers.differences(found, theirs, 1e-4, 1e-4)


@pytest.mark.parametrize("theirs", SEEDED, ids=lambda s: f"{s['mode']}-{s['trial']}")
def test_agws_draws_and_scores(sets, distances, theirs):
    query, gallery = sets[theirs["features"]]
    setting = rules.SYSU[f"{theirs['mode']}-single"]
    rows = draws.seeded_draw(gallery, setting, theirs["trial"])
    pictures = [int(gallery.keys[row].split("/")[-1].split(".")[0]) for row in rows]
    assert pictures == theirs["pictures"]
    matrix = distances[theirs["features"]]
    result = protocols.sysu(query, gallery, theirs["mode"], trials=3, distances=matrix)
    ours = result.trials[theirs["trial"]]
    assert numbers.differences(ours, theirs, numbers.FLOAT32, numbers.FLOAT64) == []
    other = result.trials[(theirs["trial"] + 1) % 3]  # the broken variant: another trial's gallery
    assert numbers.differences(other, theirs, numbers.FLOAT32, numbers.FLOAT64)
