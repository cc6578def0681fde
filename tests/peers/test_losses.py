"""Losses and rivals against numbers that nobody here made.

``losses.json`` holds answers of pytorch-metric-learning 2.9.0 and of the authors' public code of
[22], [6] and [16] (repository and commit stand in it), computed once on inputs that numpy makes
from a seed (``recipes.py``). None of that code is here or needed.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bdlab import losses
from bdlab.methods import agw, bdtr, x_modality
from bdlab.modality import MDL_GRAPHS, Modality

from . import recipes

PEERS = json.loads((Path(__file__).parent / "losses.json").read_text())
BATCHES = PEERS["batch_hard"]["cases"]
V, I = Modality.V, Modality.I
DTYPES = {"float64": torch.float64, "float32": torch.float32}
#: How closely: value, gradient.
CLOSE = {"float64": (1e-9, 1e-9), "float32": (2e-5, 4e-4)}


@pytest.fixture(scope="module", autouse=True)
def same_streams():
    """Another numpy's random streams are no fault of the losses."""
    if drifted := recipes.drift():
        pytest.skip(f"numpy {np.__version__} draws other inputs: {', '.join(drifted)}")


def batch(case, dtype):
    if case == "uneven":
        arrays, labels = recipes.uneven_batch()
    else:
        arrays, people = recipes.loss_batch(case, PEERS["seed"])
        labels = dict.fromkeys(arrays, people)
    features = {Modality(m): torch.tensor(x, dtype=dtype) for m, x in arrays.items()}
    return features, {Modality(m): torch.tensor(y) for m, y in labels.items()}


def gradient_numbers(tensors):
    """Norm, and the sum along the fixed array, by name."""
    norms, along = {}, {}
    for name, tensor in tensors.items():
        gradient = tensor.grad.double().numpy()
        norms[name] = np.linalg.norm(gradient)
        along[name] = (gradient * recipes.direction(gradient.shape)).sum()
    return norms, along


CASES = []
for name in BATCHES:
    CASES.append((name, "float64"))
    if name != "closer":  # .001 apart at norm 24: below what float32 can tell
        CASES.append((name, "float32"))


@pytest.mark.parametrize(("case", "dtype"), CASES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
class TestBatchHard:
    def test_every_directed_term(self, case, dtype, reduction):
        features, labels = batch(case, DTYPES[dtype])
        table = losses.table(features, labels, reduction=reduction)
        want, order = BATCHES[case][reduction], list(features)
        entries = {}
        for i, a in enumerate(order):
            for j, b in enumerate(order):
                entries[a.value if a is b else f"{a}->{b}"] = table[i, j].item()
        peers = want["within_margin_0.3"] | want["across_margin_0.5"]
        assert len(peers) == len(order) ** 2
        assert entries == pytest.approx(peers, rel=CLOSE[dtype][0], abs=1e-12)

    @pytest.mark.parametrize("loss", ["mml", "mdl"])
    def test_value_and_gradient(self, case, dtype, reduction, loss):
        features, labels = batch(case, DTYPES[dtype])
        leaves = {m: f.requires_grad_() for m, f in features.items()}
        graph = "base" if case == "uneven" else "mdl4"
        if loss == "mml":
            peer, value = "mml", losses.mml(leaves, labels, reduction=reduction)
        else:
            peer = "mdl_V-I" if case == "uneven" else "mdl4"
            value = losses.mdl(leaves, labels, MDL_GRAPHS[graph], reduction=reduction)
        value.backward()
        want, (close, slope) = BATCHES[case][reduction][peer], CLOSE[dtype]
        assert value.item() == pytest.approx(want["value"], rel=close)
        norms, along = gradient_numbers({m.value: f for m, f in leaves.items()})
        assert norms == pytest.approx(want["gradient_norm"], rel=slope)
        scale = max(want["gradient_norm"].values())
        assert along == pytest.approx(want["gradient_along"], rel=slope, abs=slope * scale)


def test_another_margin_is_seen():
    """The broken variant: MML's margin across the modalities."""
    features, labels = batch("unit", torch.float64)
    got = losses.mdl(features, labels, MDL_GRAPHS["mdl4"], margin=0.3).item()
    assert got != pytest.approx(BATCHES["unit"]["mean"]["mdl4"]["value"], rel=1e-2)


@pytest.mark.parametrize("case", PEERS["agw_as_published"]["cases"], ids=lambda c: str(c["scale"]))
class TestWeightedTriplet:
    def rows(self, case):
        x, people = recipes.wrt_batch(case["scale"])
        return torch.tensor(x, requires_grad=True), torch.tensor(people)

    def test_as_published(self, case):
        x, people = self.rows(case)
        value = agw.published_triplet(losses.pairwise(x), people)
        value.backward()
        assert value.item() == pytest.approx(case["value"], abs=1e-6, rel=1e-6)
        assert x.grad.norm().item() == pytest.approx(case["gradient_norm"], rel=1e-5, abs=1e-9)

    def test_the_clean_form_is_another(self, case):
        """The broken variant, and why there are two: they differ at every scale."""
        x, people = self.rows(case)
        clean = agw.weighted_triplet(losses.pairwise(x), people).item()
        assert clean != pytest.approx(case["value"], rel=1e-3)


@pytest.mark.parametrize("case", PEERS["bdtr"]["cases"], ids=lambda c: f"seed {c['seed']}")
def test_bdtr_as_published(case):
    options = {name: case[name] for name in ("count", "dim", "spread") if name in case}
    pair = recipes.pair_batch(case["seed"], **options)
    features = {m: torch.tensor(x) for m, x in zip((V, I), pair, strict=True)}
    labels = dict.fromkeys(features, torch.arange(len(pair[0])))
    cross, intra = bdtr.published_ranking(features, labels)
    assert cross.item() == pytest.approx(case["cross_both_directions"], rel=1e-9)
    want = case["intra_both_directions_unweighted"]
    assert intra.item() == pytest.approx(want, rel=1e-9, abs=1e-12)
    total = cross + bdtr.INTRA_WEIGHT * intra
    assert total.item() == pytest.approx(case["total_with_lambda_intra_0.1"], rel=1e-9)


def test_bdtrs_intra_term_is_seen_at_work_once():
    assert [c["seed"] for c in PEERS["bdtr"]["cases"] if c["intra_both_directions_unweighted"]] == [
        3
    ]


@pytest.mark.parametrize("case", PEERS["xiv"]["cases"], ids=lambda c: f"scale {c['scale']}")
def test_the_cross_term_of_x_modality_as_published(case):
    pair = recipes.pair_batch(case["seed"], count=12, dim=64, spread=2.0)
    x, y = (torch.tensor(case["scale"] * a, requires_grad=True) for a in pair)
    value = x_modality.centre_gap(x, y)
    value.backward()
    assert value.item() == pytest.approx(case["value_unweighted"], rel=1e-9)
    norms, along = gradient_numbers({"V": x, "I": y})
    assert norms == pytest.approx(case["gradient_norm"], rel=1e-9)
    assert along == pytest.approx(case["gradient_along"], rel=1e-9, abs=1e-12)
    meant = x_modality.centre_gap(x, y, euclidean=True).item()
    assert meant == pytest.approx(case["value_if_its_distance_were_euclidean"], rel=1e-9)
    assert meant != pytest.approx(value.item(), rel=1e-3)
