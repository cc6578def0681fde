"""Losses against loops: random, adversarial and hand-made cases; gradients in float64; broken
variants that must differ.
"""

import doctest
import math
import subprocess
import sys

import pytest
import torch

from bdlab import losses
from bdlab.modality import MDL_GRAPHS, Modality

from .reference import losses as loops
from .seen import UNREADABLE, FakeTensorMode, Seen

V, I, DV, DI = Modality
ALL = tuple(Modality)


def streams(sizes, ids=5, dim=7, scale=1.0, seed=0):
    """Random features and labels, float64; ``sizes`` a dict modality -> number."""
    g = torch.Generator().manual_seed(seed)
    features = {
        m: scale * torch.randn(n, dim, generator=g, dtype=torch.float64) for m, n in sizes.items()
    }
    labels = {m: torch.randint(0, ids, (n,), generator=g) for m, n in sizes.items()}
    return features, labels


def plain(values):
    return {m: v.tolist() for m, v in values.items()}


SIZES = {
    "equal": dict.fromkeys(ALL, 24),
    "unequal": {V: 9, I: 14, DV: 9, DI: 14},
    "tiny": {V: 2, I: 3, DV: 2, DI: 3},
    "one each": dict.fromkeys(ALL, 1),
    "two streams": {V: 8, I: 12},
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("seed", range(4))
def test_mml_and_every_graph_equal_the_loops(sizes, reduction, seed):
    features, labels = streams(sizes, seed=seed)
    args = plain(features), plain(labels)
    assert losses.mml(features, labels, reduction=reduction).item() == pytest.approx(
        loops.mml(*args, reduction=reduction), abs=1e-9
    )
    for pairs in MDL_GRAPHS.values():
        if all(m in sizes for pair in pairs for m in pair):
            got = losses.mdl(features, labels, pairs, reduction=reduction).item()
            assert got == pytest.approx(loops.mdl(*args, pairs, reduction=reduction), abs=1e-9)


def test_table_holds_every_directed_loss():
    features, labels = streams(SIZES["unequal"], seed=3)
    table = losses.table(features, labels, margin_intra=0.2, margin_cross=0.7)
    for r, a in enumerate(ALL):
        for c, b in enumerate(ALL):
            args = (
                features[a].tolist(),
                labels[a].tolist(),
                features[b].tolist(),
                labels[b].tolist(),
            )
            want = loops.directed(*args, 0.2 if a is b else 0.7, same_stream=a is b)
            assert table[r, c].item() == pytest.approx(want, abs=1e-9), (a, b)


def test_the_mask_by_hand():
    visible, infrared = torch.tensor([7, 3, 3]), torch.tensor([3, 7])
    want = [[False, True], [True, False], [True, False]]
    assert losses.mask(visible, infrared).tolist() == want


def test_the_table_is_directed():
    features, labels = streams(SIZES["unequal"], seed=1)
    table = losses.table(features, labels)
    assert not torch.allclose(table, table.T)


@pytest.mark.parametrize("over", ["mean", "sum"])
def test_identity_equals_the_loops(over):
    logits, labels = streams({V: 6, I: 9, DV: 6}, ids=7, seed=2)
    assert losses.identity(logits, labels, over=over).item() == pytest.approx(
        loops.identity(plain(logits), plain(labels), over), rel=1e-12
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
def test_smoothed_labels_equal_the_loops(smoothing):
    logits, labels = streams({V: 6, I: 9}, ids=7, seed=2)
    want = loops.identity(plain(logits), plain(labels), "mean", smoothing)
    ours = losses.identity(logits, labels, smoothing=smoothing).item()
    assert ours == pytest.approx(want, rel=1e-12)
    features = {m: value[:, :4] for m, value in logits.items()}
    terms = losses.total(logits, features, labels, [(V, I)], label_smoothing=smoothing)
    assert terms["id"].item() == ours


def test_without_smoothing_it_is_eq_8_bit_for_bit():
    """And the broken variant: spread over the others alone, as some code does, is another loss."""
    logits, labels = streams({V: 6, I: 9}, ids=7, seed=2)
    assert torch.equal(
        losses.identity(logits, labels), losses.identity(logits, labels, "mean", 0.0)
    )
    smoothed = losses.identity(logits, labels, smoothing=0.1).item()
    others = loops.identity(plain(logits), plain(labels), "mean", 0.1 * 7 / 6)
    assert smoothed != pytest.approx(others, rel=1e-6)


def test_smoothed_labels_are_never_all_of_the_answer():
    """A network that is sure and right pays, and the more the surer it is."""
    labels = dict.fromkeys((V, I), torch.arange(4))
    sure = [{m: k * torch.eye(4) for m in (V, I)} for k in (8.0, 16.0)]
    low, high = (losses.identity(logits, labels, smoothing=0.1) for logits in sure)
    assert high > low > losses.identity(sure[0], labels)


def test_identity_of_a_fresh_classifier_is_the_log_of_the_people():
    logits = {m: torch.zeros(8, 206) for m in (V, I)}
    labels = {m: torch.arange(8) for m in (V, I)}
    assert losses.identity(logits, labels).item() == pytest.approx(math.log(206), rel=1e-6)


class TestHandMade:
    """Points on a line, so that every distance can be read off."""

    def test_known_distances(self):
        features = {V: torch.tensor([[0.0], [1.0]]), I: torch.tensor([[0.4], [3.0]])}
        labels = {V: torch.tensor([0, 1]), I: torch.tensor([0, 1])}
        # V->I: anchor 0: 0.5 + 0.4 - 3.0 < 0; anchor 1: 0.5 + 2.0 - 0.6 = 1.9. I->V: 0.5 + 0.4 -
        # 0.6 = 0.3; 0.5 + 2.0 - 3.0 < 0.
        table = losses.table(features, labels)
        assert table[0, 1].item() == pytest.approx(1.9 / 2, rel=1e-6)
        assert table[1, 0].item() == pytest.approx(0.3 / 2, rel=1e-6)
        assert losses.mdl(features, labels, [(V, I)]).item() == pytest.approx(1.1, rel=1e-6)

    def test_collapsed_features_cost_the_margins(self):
        features = {m: torch.zeros(8, 3) for m in ALL}
        labels = {m: torch.arange(4).repeat_interleave(2) for m in ALL}
        assert losses.mml(features, labels).item() == pytest.approx(4 * 0.3, abs=1e-5)
        assert losses.mdl(features, labels, MDL_GRAPHS["mdl4"]).item() == pytest.approx(
            6 * 0.5, abs=1e-5
        )

    @pytest.mark.parametrize("sizes", [{V: 6, I: 6}, {V: 5, I: 9}], ids=["equal", "unequal"])
    def test_literal_eq_5_between_streams_is_the_loops(self, sizes):
        features, labels = streams(sizes, ids=3, seed=11)
        table = losses.table(features, labels, literal=True)
        args = {m: (features[m].tolist(), labels[m].tolist()) for m in sizes}
        assert table[0, 1].item() == pytest.approx(loops.literal(*args[V], *args[I], 0.5), abs=1e-9)
        assert table[1, 0].item() == pytest.approx(loops.literal(*args[I], *args[V], 0.5), abs=1e-9)

    def test_literal_eq_5_pulls_but_never_pushes(self):
        features, labels = streams({V: 12, I: 12}, seed=5)
        # perfectly separated
        far = {m: f + 1000.0 * labels[m][:, None] for m, f in features.items()}
        assert losses.mdl(far, labels, [(V, I)]).item() == 0.0
        literal = losses.mdl(far, labels, [(V, I)], literal=True).item()
        args = {m: (far[m].tolist(), labels[m].tolist()) for m in (V, I)}
        assert literal == pytest.approx(
            loops.literal(*args[V], *args[I], 0.5) + loops.literal(*args[I], *args[V], 0.5),
            rel=1e-6,
        )
        assert literal > 1.0  # alpha + d_pos each way: separation does not help


class TestAdversarial:
    def test_one_identity_only_costs_nothing(self):
        features, _ = streams(SIZES["equal"])
        labels = {m: torch.zeros(24, dtype=torch.long) for m in ALL}
        assert losses.table(features, labels).abs().sum() == 0

    def test_no_positive_in_the_other_modality_costs_nothing_and_moves_nothing(self):
        features, _ = streams({V: 4, I: 4})
        features = {m: f.requires_grad_() for m, f in features.items()}
        labels = {V: torch.tensor([0, 0, 1, 1]), I: torch.tensor([2, 2, 3, 3])}
        value = losses.mdl(features, labels, [(V, I)])
        value.backward()
        assert value.item() == 0
        assert all(torch.count_nonzero(f.grad) == 0 for f in features.values())

    def test_some_anchors_without_a_positive_leave_the_mean(self):
        features = {V: torch.tensor([[0.0], [5.0]]), I: torch.tensor([[1.0], [2.0]])}
        labels = {V: torch.tensor([0, 9]), I: torch.tensor([0, 1])}
        assert losses.table(features, labels)[0, 1].item() == pytest.approx(0.0)
        features[I] = torch.tensor([[2.0], [1.0]])
        # one anchor counts, not two
        assert losses.table(features, labels)[0, 1].item() == pytest.approx(1.5)

    @pytest.mark.parametrize("scale", [0.0, 1.0, 1e3])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_identical_features_have_a_finite_gradient(self, scale, dtype):
        base = torch.full((1, 64), scale, dtype=dtype)
        features = {m: base.repeat(8, 1).requires_grad_() for m in ALL}
        labels = {m: torch.arange(2).repeat_interleave(4) for m in ALL}
        (losses.mml(features, labels) + losses.mdl(features, labels, MDL_GRAPHS["mdl3"])).backward()
        assert all(f.grad.isfinite().all() for f in features.values())

    @pytest.mark.parametrize("sizes", [SIZES["equal"], SIZES["unequal"]], ids=["equal", "unequal"])
    def test_float32_features_of_norm_1000_are_as_exact_as_float32_allows(self, sizes):
        features, labels = streams(sizes, dim=64, seed=4)
        features = {m: (f + 1000 / 8).float() for m, f in features.items()}
        want = loops.mml(plain(features), plain(labels)) + loops.mdl(
            plain(features), plain(labels), MDL_GRAPHS["mdl4"]
        )
        got = losses.mml(features, labels) + losses.mdl(features, labels, MDL_GRAPHS["mdl4"])
        assert got.dtype == torch.float32
        assert got.item() == pytest.approx(want, rel=1e-6)

    def test_the_naive_float32_product_would_fail_that(self):
        """The broken variant of the test above: distances from an uncentred float32 product are
        visibly wrong.
        """
        features, _ = streams({V: 24}, dim=64, seed=4)
        x = (features[V] + 1000 / 8).float()
        square = x.square().sum(1)
        naive = (square[:, None] + square - 2 * x @ x.T).clamp_min(0).sqrt()
        exact = torch.cdist(x.double(), x.double(), compute_mode="donot_use_mm_for_euclid_dist")
        off = ~torch.eye(24, dtype=torch.bool)
        assert (naive.double() - exact)[off].abs().max() > 1e-3
        assert (losses.pairwise(x.double()) - exact)[off].abs().max() < 1e-9


@pytest.mark.parametrize("width", [3, 100, 2048])
def test_a_distance_is_right_to_what_is_promised(width):
    """Tight clusters far from each other, the hard case once the mean is gone, and rows with a copy
    and one in the last bit.
    """
    generator = torch.Generator().manual_seed(width)
    centre = torch.randn(6, 1, width, generator=generator)
    x = (1000 + centre + 0.01 * torch.randn(6, 16, width, generator=generator)).flatten(0, 1)
    x[1::16], x[2::16] = x[::16], x[::16].nextafter(torch.tensor(torch.inf))
    exact = torch.cdist(x.double(), x.double(), compute_mode="donot_use_mm_for_euclid_dist")
    size = (x.double() - x.double().mean(0)).square().sum(1)
    allowed = losses.ROUNDING * torch.finfo(torch.float32).eps * (size[:, None] + size)

    def kept(distance):
        return ((distance.double() ** 2 - exact**2).abs() <= 1.5 * allowed).all() and not distance[
            exact**2 <= allowed / 9
        ].any()

    assert kept(losses.pairwise(x))
    square = x.square().sum(1)
    # broken: not from the mean
    assert not kept((square[:, None] + square - 2 * x @ x.T).clamp_min(0).sqrt())


def test_the_analytic_gradient_is_autograds():
    features, _ = streams(SIZES["unequal"], seed=9)
    rows = torch.cat(list(features.values()))
    weight = torch.randn(len(rows), len(rows), dtype=torch.float64)

    def gradient(distances):
        leaf = rows.clone().requires_grad_()
        (distances(leaf) * weight).sum().backward()
        return leaf.grad

    def plainly(x):
        square = (x[:, None] - x).square().sum(-1)
        return torch.where(square > 0, square, 1.0).sqrt() * (square > 0)

    torch.testing.assert_close(gradient(losses.pairwise), gradient(plainly), rtol=1e-10, atol=1e-10)
    with pytest.raises(AssertionError):  # broken: one direction of the two forgotten
        torch.testing.assert_close(gradient(losses.pairwise), gradient(lambda x: plainly(x).triu()))


def test_points_too_close_to_tell_apart_do_not_blow_up_the_gradient():
    """Less than a thousandth of their size apart, in float32: the direction between them is
    rounding, so there is none.
    """
    base = 100 * torch.randn(1, 512)
    features = {m: (base + 3e-5 * torch.randn(8, 512)) for m in ALL}
    features[V][0] += 100 * torch.randn(512)  # so that the centre is elsewhere
    features = {m: f.requires_grad_() for m, f in features.items()}
    labels = {m: torch.arange(2).repeat_interleave(4) for m in ALL}
    losses.table(features, labels, reduction="sum").sum().backward()
    # 32 anchors that pull or push, a unit vector each
    assert max(f.grad.norm(dim=1).max() for f in features.values()) < 64


#: What makes the host wait for a value: reading a number, or a shape that hangs on one (an index by
#: a mask does).
WAITS = {
    f"aten::{name}"
    for name in (
        "_local_scalar_dense",
        "nonzero",
        "index.Tensor",
        "masked_select",
        "is_nonzero",
        "equal",
        "_unique2",
    )
}


def everything(features, labels):
    pairs = MDL_GRAPHS["mdl4" if DV in features else "base"]
    terms = losses.total(features, features, labels, pairs)
    return torch.stack([terms.pop("total"), *terms.values()]).sum()


def loop_style(features, labels):
    """The broken variant: what per-anchor code does."""
    distance = losses.pairwise(features[V])
    same = labels[V][:, None] == labels[V]
    return sum(
        distance[i][same[i]].max() - distance[i][~same[i]].min() for i in range(len(distance))
    )


class TestTheHostNeverWaits:
    @pytest.mark.parametrize("sizes", [SIZES["equal"], SIZES["unequal"]], ids=["equal", "unequal"])
    def test_forward_and_backward(self, sizes):
        features, labels = streams(sizes)
        features = {m: f.requires_grad_() for m, f in features.items()}
        with Seen() as seen:
            everything(features, labels).backward()
        assert not WAITS & set(seen.operations)

    @pytest.mark.parametrize("sizes", [SIZES["equal"], SIZES["unequal"]], ids=["equal", "unequal"])
    def test_forward_on_a_pretended_gpu(self, sizes):
        """Tensors without values on a device that is not there: reading one raises, and moving one
        is seen.
        """
        with FakeTensorMode():
            features = {m: torch.randn(n, 16, device="cuda") for m, n in sizes.items()}
            labels = {m: torch.zeros(n, dtype=torch.long, device="cuda") for m, n in sizes.items()}
            with Seen() as seen:
                assert everything(features, labels).device.type == "cuda"
            assert seen.waits == []
            with Seen() as seen:
                features[V].cpu()
            assert seen.waits
            with pytest.raises(UNREADABLE):
                loop_style(features, labels)

    def test_the_loop_style_is_found_out(self):
        with Seen() as seen:
            loop_style(*streams({V: 4}, ids=2))
        assert WAITS & set(seen.operations)


@pytest.mark.parametrize("sizes", [SIZES["equal"], SIZES["unequal"]], ids=["equal", "unequal"])
def test_gradients_in_float64(sizes):
    features, labels = streams({m: min(n, 6) for m, n in sizes.items()}, ids=2, dim=3, seed=6)
    order = list(features)

    def total(*values):
        f = dict(zip(order, values, strict=True))
        return losses.mml(f, labels) + losses.mdl(f, labels, MDL_GRAPHS["mdl3"])

    assert torch.autograd.gradcheck(
        total, [features[m].requires_grad_() for m in order], eps=1e-7, atol=1e-5
    )


def test_identity_gradient_in_float64():
    logits, labels = streams({V: 4, I: 5}, ids=3, dim=3, seed=7)
    assert torch.autograd.gradcheck(
        lambda a, b: losses.identity({V: a, I: b}, labels),
        [logits[V].requires_grad_(), logits[I].requires_grad_()],
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_features_are_judged_in_float32_inside_autocast(dtype):
    features, labels = streams(SIZES["equal"], dim=16, seed=8)
    low = {m: f.to(dtype) for m, f in features.items()}
    with torch.autocast("cpu", torch.bfloat16):
        got = losses.mml(low, labels)
        ids = losses.identity({m: f[:, :5] for m, f in low.items()}, labels)
    assert got.dtype == ids.dtype == torch.float32
    assert got.item() == pytest.approx(
        loops.mml({m: f.double().tolist() for m, f in low.items()}, plain(labels)), rel=1e-6
    )


class TestTotal:
    """Eq. 9 against the loops, with a ramp and with a rival's own terms."""

    def case(self, seed=12):
        features, labels = streams(SIZES["unequal"], seed=seed)
        logits = {m: f[:, :5] for m, f in features.items()}
        args = plain(features), plain(labels)
        want = {
            "id": loops.identity(plain(logits), plain(labels)),
            "mml": loops.mml(*args, margin=0.2),
            "mdl": loops.mdl(*args, MDL_GRAPHS["mdl4"], margin=0.6),
        }
        return logits, features, labels, want

    @pytest.mark.parametrize("kind", [torch.uint8, torch.int8, torch.int16, torch.int32])
    def test_labels_of_any_integers_cost_the_same(self, kind):
        logits, features, labels, _ = self.case()
        given = {m: value.to(kind) for m, value in labels.items()}
        found = losses.total(logits, features, given, MDL_GRAPHS["mdl4"], label_smoothing=0.1)
        same = losses.total(logits, features, labels, MDL_GRAPHS["mdl4"], label_smoothing=0.1)
        assert found.keys() == same.keys()
        for name, value in found.items():
            assert torch.equal(value, same[name]), name

    @pytest.mark.parametrize("ramp", [0.0, 0.25, 1.0])
    def test_every_term_and_their_sum_are_the_loops(self, ramp):
        logits, features, labels, want = self.case()
        extra = {"a": torch.tensor(3.0), "b": torch.tensor(4.0)}
        terms = losses.total(
            logits, features, labels, MDL_GRAPHS["mdl4"], alpha=2.0, beta=3.0, gamma=5.0,
            margin_intra=0.2, margin_cross=0.6, ramp=ramp, extra_terms=extra, rival=0.1,
        )  # fmt: skip
        for name, value in want.items():
            assert terms[name].item() == pytest.approx(value, rel=1e-9)
        assert (terms["a"].item(), terms["b"].item()) == (3.0, 4.0)  # unweighted
        pull = 3 * want["mml"] + 5 * want["mdl"] + 0.1 * 7
        assert terms["total"].item() == pytest.approx(2 * want["id"] + ramp * pull, rel=1e-9)
        assert set(losses.TERMS) == set(want)

    @pytest.mark.parametrize("name", losses.TERMS)
    def test_each_term_is_weighed_by_the_argument_it_names(self, name):
        logits, features, labels, _ = self.case()
        weights = {term.weight: 1.0 for term in losses.TERMS.values()}
        weights[losses.TERMS[name].weight] = 3.0
        terms = losses.total(logits, features, labels, MDL_GRAPHS["mdl4"], **weights)
        plain_sum = sum(terms[other].item() for other in losses.TERMS)
        assert terms["total"].item() == pytest.approx(plain_sum + 2 * terms[name].item())

    def test_without_hinges_there_are_none_and_eq_9_is_the_id_loss(self):
        logits, features, labels, want = self.case()
        terms = losses.total(logits, features, labels, (), beta=0.0, gamma=0.0)
        assert set(terms) == {"total", "id"}
        assert terms["total"].item() == pytest.approx(want["id"])

    def test_the_share_at_work_is_counted_by_loops(self):
        logits, features, labels, _ = self.case(seed=3)
        # people apart: some anchors are satisfied
        features = {m: f + labels[m][:, None] for m, f in features.items()}
        terms = losses.total(logits, features, labels, MDL_GRAPHS["mdl4"])
        shares = {n.removeprefix(losses.ACTIVE): v for n, v in terms.items() if "-" in n}
        edges = [(m, m) for m in ALL]
        for a, b in MDL_GRAPHS["mdl4"]:
            edges += [(a, b), (b, a)]
        assert set(shares) == {f"{a}-{b}" for a, b in edges}
        values = set()
        for a, b in edges:
            want = loops.active(
                features[a].tolist(), labels[a].tolist(), features[b].tolist(),
                labels[b].tolist(), 0.3 if a is b else 0.5, a is b,
            )  # fmt: skip
            assert shares[f"{a}-{b}"].item() == pytest.approx(want)
            values.add(want)
        assert len(values) > 2  # not all 0 or 1

    def test_idle_is_what_a_guess_and_a_point_cost(self):
        """The levels of a run that learns nothing, from such a run's very terms."""
        features = {m: torch.zeros(8, 3) for m in ALL}
        labels = {m: torch.arange(4).repeat_interleave(2) for m in ALL}
        logits = {m: torch.zeros(8, 77) for m in ALL}
        terms = losses.total(logits, features, labels, MDL_GRAPHS["mdl3"])
        for name, level in losses.idle(4, 4, 77, 0.3, 0.5).items():
            assert terms[name].item() == pytest.approx(level, rel=1e-6)


def test_the_lines_of_every_card_run():
    found = doctest.DocTestFinder().find(losses)
    shown = {test.name.rpartition(".")[2] for test in found if test.examples}
    cards = {"pairwise", "mask", "directed", "hardest", "table", "mdl", "mml", "identity", "total"}
    assert shown == cards
    assert doctest.testmod(losses).failed == 0


class TestRefusals:
    def test_unknown_readings(self):
        features, labels = streams({V: 2, I: 2})
        with pytest.raises(ValueError, match="reduction = 'median'"):
            losses.table(features, labels, reduction="median")
        with pytest.raises(ValueError, match="over = 'max'"):
            losses.identity(features, labels, over="max")

    def test_a_pair_without_features(self):
        features, labels = streams({V: 2, I: 2})
        with pytest.raises(ValueError, match="V-DI needs features of both"):
            losses.mdl(features, labels, MDL_GRAPHS["mdl1"])

    def test_labels_that_do_not_fit(self):
        features, labels = streams({V: 3, I: 2})
        with pytest.raises(ValueError, match=r"V: \(3, 7\) values need labels of shape \(3,\)"):
            losses.mml(features, labels | {V: labels[V][:2]})
        with pytest.raises(ValueError, match="labels are missing for I"):
            losses.mml(features, {V: labels[V]})

    def test_labels_that_are_no_integers(self):
        """In a Python of its own: the tests' shapes would refuse them first."""
        code = (
            "import torch\n"
            "from bdlab import losses\n"
            "from bdlab.modality import Modality\n"
            "x = {m: torch.rand(4, 3) for m in (Modality.V, Modality.I)}\n"
            "for kind in (torch.float32, torch.bool):\n"
            "    y = dict.fromkeys(x, torch.tensor([0, 0, 1, 1]).to(kind))\n"
            "    for loss in (losses.mml, losses.identity):\n"
            "        try:\n"
            "            loss(x, y)\n"
            "        except ValueError as error:\n"
            "            print(error)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        told = "V: labels are torch.{}: integers are meant, use labels.long()"
        assert done.stdout.splitlines() == [
            told.format(kind) for kind in ("float32", "float32", "bool", "bool")
        ]


class TestBrokenVariants:
    """Plausible mistakes; each must be told apart from the right loss by the cases above."""

    def cases(self):
        for seed in range(3):
            features, labels = streams(SIZES["unequal"], seed=seed)
            yield features, labels, loops.mdl(plain(features), plain(labels), MDL_GRAPHS["mdl4"])

    def test_swapped_margins(self):
        assert any(
            abs(losses.mdl(f, y, MDL_GRAPHS["mdl4"], margin=0.3).item() - want) > 1e-3
            for f, y, want in self.cases()
        )

    def test_pairs_counted_twice(self):
        assert any(
            abs(2 * losses.mdl(f, y, MDL_GRAPHS["mdl4"]).item() - want) > 1e-3
            for f, y, want in self.cases()
        )

    def test_a_dropped_edge(self):
        assert any(
            abs(losses.mdl(f, y, MDL_GRAPHS["mdl1"]).item() - want) > 1e-3
            for f, y, want in self.cases()
        )

    def test_an_anchor_as_its_own_positive_changes_lonely_anchors(self):
        features = {V: torch.tensor([[0.0], [0.1]])}
        labels = {V: torch.tensor([0, 1])}
        assert losses.mml(features, labels).item() == 0.0
        assert loops.directed(
            [[0.0], [0.1]], [0, 1], [[0.0], [0.1]], [0, 1], 0.3, same_stream=False
        ) == pytest.approx(0.2)
