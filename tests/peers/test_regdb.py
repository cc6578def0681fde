"""RegDB's scores by three peers, and the other convention of CMC."""

import pytest

from bdlab import evaluation, protocols
from bdlab.evaluation import Embedded

from . import numbers, recipes

pytestmark = pytest.mark.slow

SCORES = numbers.read("regdb_scores.json")["scores"]
SAME = ("AGW eval_regdb", "torchreid evaluate_rank", "fast-reid evaluate_rank")


@pytest.fixture(scope="module")
def sets():
    numbers.same_streams()
    visible, thermal, ids = recipes.regdb_plain()
    return Embedded(visible, ids), Embedded(thermal, ids)


@pytest.mark.parametrize("direction", ["v2t", "t2v"])
def test_the_peers_scores(sets, direction):
    result = protocols.regdb(*sets, direction)
    for peer in SAME:
        theirs = SCORES[direction][peer]
        found = numbers.differences(result.trials[0], theirs, numbers.FLOAT32, numbers.FLOAT64)
        assert found == [], peer
    assert result.provenance["published_counts"]
    # the broken variant: the other direction
    other = SCORES[{"v2t": "t2v", "t2v": "v2t"}[direction]][SAME[0]]
    assert numbers.differences(result.trials[0], other, numbers.FLOAT32, numbers.FLOAT64)


@pytest.mark.parametrize("direction", ["v2t", "t2v"])
def test_the_other_convention_counts_identities(sets, direction):
    """MPANet's Rank-5 to Rank-20 are higher on the same features, its Rank-1 and mAP the same."""
    query, gallery = sets if direction == "v2t" else sets[::-1]
    distances = evaluation.distances(query.features, gallery.features, squared=True)
    name = next(peer for peer in SCORES[direction] if peer.startswith("MPANet"))
    theirs = SCORES[direction][name]
    by_identity = evaluation.scores(distances, query.ids, gallery.ids, unique_ids=True)
    assert numbers.differences(by_identity, theirs, numbers.MATLAB, numbers.FLOAT64) == []
    pictures = protocols.regdb(*sets, direction).trials[0]
    assert pictures.rank(1) == by_identity.rank(1)
    assert pictures.mAP == by_identity.mAP
    assert pictures.rank(20) < theirs["R20"]
