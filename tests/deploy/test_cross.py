"""A cell on another set: that set's protocol, and a label that says so."""

import json

import pytest

import bdlab
from bdlab import datasets
from bdlab.deploy import cross
from bdlab.training import extract
from bdlab.workbench.retrieval import search


@pytest.fixture(scope="module")
def embed(cell):
    return bdlab.embedder(cell, device="cpu")


def test_on_its_own_set_it_is_the_runs_own_test(cell, embed, regdb):
    found = cross.test(embed, regdb)
    assert found.label.startswith("same set")
    wanted = extract.evaluate(search.reopen(cell, device="cpu").setup)
    for name, result in wanted.items():
        assert found.results[name].mean == result.mean
    said = json.loads((cell / "result.json").read_text())["scores"]
    assert found.results["v2t"].mean["R1"] == pytest.approx(said["v2t"]["mean"]["R1"])


def test_another_set_is_tested_by_its_own_protocol_and_labelled(embed, sysu):
    found = cross.test(embed, sysu)
    label = "cross-set: trained on synthetic-regdb (split 1), tested on synthetic-sysu (split 1)"
    assert found.label == label
    assert set(found.results) <= {"all-single", "all-multi", "indoor-single", "indoor-multi"}
    for result in found.results.values():
        assert result.provenance["cross_set"] == label
    assert found.text().splitlines()[0] == label
    assert json.loads(json.dumps(found.to_json()))["label"] == label


def test_another_split_of_the_same_set_warns(embed, regdb):
    other = datasets.open("synthetic-regdb", size="smoke", split=2)
    assert "people may have been trained on" in cross.test(embed, other).label
