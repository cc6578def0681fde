"""Re-ranked distances as torchreid computes them."""

import re

import numpy as np
import pytest

from bdlab.evaluation.rerank import rerank

from . import numbers, recipes

ANSWERS = np.load(numbers.HERE / "rerank.npz")


@pytest.mark.parametrize("name", list(ANSWERS))
def test_the_peers_distances(name):
    numbers.same_streams()
    k1, k2 = (int(re.search(rf"{k}(\d+?)_", name)[1]) for k in ("k1", "k2"))
    weight = float(name.rpartition("l")[2])
    query, gallery = recipes.rerank_case()
    ours = rerank(query, gallery, k1, k2, weight)
    np.testing.assert_allclose(ours, ANSWERS[name], rtol=0, atol=2e-6)
    other = rerank(query, gallery, k1 - 1, k2, weight)  # the broken variant
    assert np.abs(other - ANSWERS[name]).max() > 1e-3
