"""LLCM's draws and scores by its authors' code, on a small tree in the set's own layout."""

from __future__ import annotations

import numpy as np
import pytest

from bdlab import datasets, evaluation, protocols, rules
from bdlab.evaluation import Embedded
from bdlab.modality import Modality
from bdlab.protocols import draws

from . import numbers, recipes

SCORES = numbers.read("llcm_scores.json")["scores"]
WORDS = {Modality.V: "vis", Modality.I: "nir"}


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """(visible, infrared): the recipe's features on the test records that the reader finds."""
    numbers.same_streams()
    root = tmp_path_factory.mktemp("llcm") / "set"
    recipes.llcm_tree(root)
    dataset = datasets.open("llcm", root)
    found = []
    for (modality, word), features in zip(WORDS.items(), recipes.llcm_features(), strict=True):
        rows = recipes.llcm_rows(word)
        place = {tuple(row): k for k, row in enumerate(rows.tolist())}
        records = [dataset.records[row] for row in dataset.select("test", modality)]
        order = [place[r.identity, r.camera, picture(r.path)] for r in records]
        assert sorted(order) == list(range(len(rows)))
        ids, cameras = [r.identity for r in records], [r.camera for r in records]
        found.append(Embedded(features[order], ids, cameras, [r.path for r in records]))
    return tuple(found)


def picture(path: str) -> int:
    return int(path.rpartition("_")[2].removesuffix(".jpg"))


@pytest.fixture(scope="module")
def results(sets):
    return {way: protocols.llcm(*sets, way, trials=3) for way in rules.LLCM.names}


@pytest.mark.parametrize("theirs", SCORES, ids=lambda s: f"{s['direction']}-{s['trial']}")
def test_the_authors_scores(results, theirs):
    result = results[theirs["direction"]]
    ours = result.trials[theirs["trial"]]
    assert numbers.differences(ours, theirs, numbers.FLOAT32, numbers.FLOAT64) == []
    assert len(ours.valid) == theirs["queries"]
    assert ours.length == theirs["gallery"]
    # the broken variants: another trial, another direction
    other = result.trials[(theirs["trial"] + 1) % 3]
    assert numbers.differences(other, theirs, numbers.FLOAT32, numbers.FLOAT64)
    for way in rules.LLCM.names:
        if way != theirs["direction"]:
            turned = results[way].trials[theirs["trial"]]
            assert numbers.differences(turned, theirs, 1e-3, 1e-3)


@pytest.mark.parametrize(
    "theirs", [s for s in SCORES if "pictures" in s], ids=lambda s: f"{s['direction']}-{s['trial']}"
)
def test_the_authors_draws(sets, theirs):
    side = sets[0] if theirs["direction"] == "t2v" else sets[1]
    setting = rules.LLCM[theirs["direction"]]
    rows = draws.seeded_draw(side, setting, theirs["trial"])
    assert [picture(side.keys[row]) for row in rows] == theirs["pictures"]
    assert np.array_equal(side.ids[rows], np.sort(side.ids[rows]))


def test_without_the_camera_rule_the_scores_are_others(sets, results):
    """The broken variant: a query may find its own camera's picture of itself."""
    visible, infrared = sets
    theirs = next(s for s in SCORES if s["direction"] == "t2v")
    rows = results["t2v"].draws[theirs["trial"]]
    matrix = evaluation.distances(infrared.features, visible.features[rows], squared=True)
    found = evaluation.scores(matrix, infrared.ids, visible.ids[rows], unique_ids=True)
    assert numbers.differences(found, theirs, 1e-3, 1e-3)


def test_all_settings_at_once_are_those_alone(sets, results):
    together = protocols.evaluate("llcm", *sets, trials=3)
    assert list(together) == ["t2v", "v2t", "v2t-as-code"]
    for way, result in together.items():
        assert result.mean == pytest.approx(results[way].mean, abs=1e-12)
        assert result.provenance["protocol"] == "llcm"
        assert result.by_identity()["ids"] == results[way].by_identity()["ids"]
    asked = together["v2t-as-code"].asked
    assert [len(rows) for rows in asked] == [120, 120, 120]
    assert together["t2v"].asked is None
