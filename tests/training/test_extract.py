"""The test on corrupted visible pictures: beside the clean one, which it does not touch."""

import numpy as np
import pytest
import torch

from bdlab import rules
from bdlab.experiments import sweeps
from bdlab.modality import Modality
from bdlab.training import extract
from bdlab.training import setup as setups

V, I = Modality.V, Modality.I
WORDS = "mixed fog-5"


@pytest.fixture(scope="module")
def both(regdb):
    """(without, with) corruption, the same fresh network."""
    made = []
    for words in ("none", WORDS):
        torch.manual_seed(0)
        torch.set_num_threads(1)
        changes = {"corruption": words}
        config = sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb", changes)
        made.append(setups.prepare(config, device="cpu", progress=False))
    return made


def test_the_clean_scores_are_the_same_bits(both):
    plain, stressed = (extract.evaluate(setup) for setup in both)
    assert list(plain) == ["v2t", "t2v"]
    assert list(stressed) == ["v2t", "t2v", "v2t@mixed", "t2v@mixed", "v2t@fog-5", "t2v@fog-5"]
    for name, result in plain.items():
        assert result.to_json() == stressed[name].to_json()


def test_every_corrupted_score_is_labelled_and_the_clean_ones_are_not(both):
    for name, result in extract.evaluate(both[1]).items():
        said = result.provenance.get("corruption", "")
        assert bool(said) == (rules.CORRUPTED in name)
        if said:
            word = name.partition(rules.CORRUPTED)[2]
            assert said == f"{word}, in the manner of SYSU-MM01-C and RegDB-C"


def test_only_visible_pictures_are_corrupted(both):
    (test,) = rules.corruptions("fog-5")
    streams = [V, I, Modality.DV, Modality.DI]
    clean = extract.embed(both[0], modalities=streams)
    wrong = extract.embed(both[0], modalities=streams, corruption=test)
    for m in streams:
        same = np.array_equal(clean[m].features, wrong[m].features)
        assert same == (m.parent is I)
        assert clean[m].keys == wrong[m].keys


def test_the_bank_is_not_written_to(both):
    before = both[1].bank.pictures.clone()
    extract.evaluate(both[1])
    assert torch.equal(both[1].bank.pictures, before)


def test_held_out_people_are_tested_clean(regdb):
    changes = {"corruption": WORDS, "validation": True, "identities": 3}
    config = sweeps.configure("table4", "B2", "smoke", "synthetic-regdb", changes)
    setup = setups.prepare(config, device="cpu", progress=False)
    assert list(extract.evaluate(setup, "val")) == ["v2t", "t2v"]


def test_features_at_hand_are_scored_alone(both):
    found = extract.evaluate(both[1], embedded=extract.embed(both[1]))
    assert list(found) == ["v2t", "t2v"]
