"""Each rival's defining parts: what they are, by loops or by hand, and that it shows when one is
missing.
"""

import math

import pytest
import torch
import torch.nn.functional as F

from bdlab import losses, network
from bdlab.methods import agw, asymmetric, bdtr, cmgan, gan, one_stream
from bdlab.modality import BASE, MDL_GRAPHS, Modality
from bdlab.pixels import LUMA, MEAN, STD
from tests.reference import rivals as reference

from .made import batch, gradients, made

V, I, DV, DI = Modality


class TestOneStream:
    def test_no_parameter_is_a_modalitys_own(self):
        net, _ = made("one-stream")
        assert net.stems["V"] is net.stems["I"]
        x = batch().images[V]
        assert torch.equal(net.eval().embed(x, V), net.embed(x, I))

    def test_parameters_as_counted_in_the_notes(self):
        net, _ = made("one-stream", people=395, backbone="resnet50")
        assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(24.32, abs=0.005)


class TestZeroPadding:
    @pytest.mark.parametrize(("m", "empty"), [(V, 1), (I, 0)])
    def test_each_modality_has_a_channel_and_the_other_is_zero(self, m, empty):
        seen = one_stream.Pad(m)(batch().images[m])
        assert seen.shape[1] == 2
        assert (seen[:, empty] == 0).all()
        assert seen[:, 1 - empty].std() > 0.1

    def test_only_luma_is_left_of_colour(self):
        pixels = torch.rand(2, 3, 8, 8)
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))
        grey = (pixels * torch.tensor(LUMA).view(3, 1, 1)).sum(1, keepdim=True).expand_as(pixels)
        pad = one_stream.Pad(V)
        torch.testing.assert_close(
            pad((pixels - mean) / std), pad((grey - mean) / std), atol=1e-5, rtol=0
        )
        red = torch.tensor([1.0, 0, 0]).view(3, 1, 1).expand(1, 3, 8, 8)
        assert pad((red - mean) / std)[0, 0].mean().item() == pytest.approx(
            (0.299 - sum(MEAN) / 3) / (sum(STD) / 3)
        )

    def test_the_other_modalitys_kernels_do_not_matter(self):
        net, _ = made("zero-padding")
        net.eval()
        x, before = batch().images, net.embed(batch().images[V], V)
        infrared = net.embed(x[I], I)
        with torch.no_grad():
            net.stems["V"][1].weight[:, 1].add_(1.0)
        assert torch.equal(net.embed(x[V], V), before)
        # the same convolution, the other channel
        assert not torch.equal(net.embed(x[I], I), infrared)


class TestAsymmetric:
    def test_a_classifier_learns_from_its_own_modality(self):
        net, objective = made("asymmetric")
        b = batch()
        terms = objective(b)
        assert gradients(net, terms["own"]) >= {"extras.V.weight", "extras.I.weight"}
        out = net.eval()(b.images)
        for m, other in (BASE, BASE[::-1]):
            said = net.extras[m](out.embeddings[m])
            net.zero_grad(set_to_none=True)
            F.cross_entropy(said, b.labels[m]).backward(retain_graph=True)
            assert net.extras[m].weight.grad.abs().sum() > 0
            assert net.extras[other].weight.grad is None

    def test_the_bridge_by_hand(self):
        a, b = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        p, q = (
            [math.exp(2) / (math.exp(2) + 1), 1 / (math.exp(2) + 1)],
            [1 / (1 + math.e), math.e / (1 + math.e)],
        )
        m = [(x + y) / 2 for x, y in zip(p, q, strict=True)]
        want = sum(sum(w * math.log(w / x) for w, x in zip(m, r, strict=True)) for r in (p, q)) / 2
        assert asymmetric.bridge([a, b]).item() == pytest.approx(want, rel=1e-5)
        assert asymmetric.bridge([a, a.clone()]).item() == pytest.approx(0, abs=1e-7)

    def test_the_bridge_moves_each_towards_both(self):
        a, b = (torch.randn(4, 6, requires_grad=True) for _ in range(2))
        asymmetric.bridge([a, b]).backward()
        together = (a.softmax(1) + b.softmax(1)) / 2
        # no gradient through the teacher
        torch.testing.assert_close(a.grad, (a.softmax(1) - together) / 8)

    def test_what_two_classifiers_say_comes_together(self):
        net, _ = made("asymmetric")
        x = torch.randn(8, net.dim)
        with torch.no_grad():
            for classifier in net.extras.values():
                classifier.weight.normal_(std=0.1)
        values = []
        opt = torch.optim.SGD(net.extras.parameters(), lr=0.5)
        for _ in range(20):
            loss = asymmetric.bridge([c(x) for c in net.extras.values()])
            opt.zero_grad()
            loss.backward()
            opt.step()
            values.append(loss.item())
        assert values[-1] < 0.5 * values[0]


class TestTopRanking:
    @pytest.mark.parametrize("seed", range(3))
    def test_as_written_with_loops(self, seed):
        g = torch.Generator().manual_seed(seed)
        f = {V: torch.randn(6, 3, generator=g), I: torch.randn(4, 3, generator=g)}
        y = {V: torch.tensor([0, 0, 1, 1, 2, 2]), I: torch.tensor([0, 1, 1, 2])}
        found = bdtr.top_ranking(f, y, 0.5, 0.3)
        want = reference.top_ranking(
            f[V].tolist(), f[I].tolist(), y[V].tolist(), y[I].tolist(), 0.5, 0.3
        )
        assert [value.item() for value in found] == pytest.approx(want, rel=1e-5)

    def test_each_constraint_sees_what_the_other_does_not(self):
        """Persons 0 and 1 on a line; first strangers meet across, then within a modality."""
        y = dict.fromkeys(BASE, torch.tensor([0, 1]))
        apart = {V: torch.tensor([[0.0], [9.0]]), I: torch.tensor([[0.0], [9.0]])}
        assert [v.item() for v in bdtr.top_ranking(apart, y)] == [pytest.approx(0, abs=1e-5)] * 2
        across = {V: torch.tensor([[0.0], [9.0]]), I: torch.tensor([[9.0], [0.0]])}
        cross, intra = bdtr.top_ranking(across, y, 0.5, 0.0)
        assert cross.item() == pytest.approx(2 * 9.5)
        assert intra.item() == pytest.approx(0, abs=1e-5)
        within = {
            V: torch.tensor([[5.0, 1.0], [5.0, -1.0]]),
            I: torch.tensor([[5.0, 0.1], [5.0, -0.1]]),
        }
        cross, intra = bdtr.top_ranking(within, y, 0.0, 0.3)
        assert cross.item() == pytest.approx(0, abs=1e-5)
        assert intra.item() == pytest.approx(
            0.3 + 0.9 - 0.2
        )  # infrared's two persons are nearer than a person's two pictures

    def test_nothing_is_undefined_where_pictures_coincide(self):
        f = {m: torch.zeros(4, 3, requires_grad=True) for m in BASE}
        y = dict.fromkeys(BASE, torch.tensor([0, 0, 1, 1]))
        sum(bdtr.top_ranking(f, y)).backward()
        assert all(x.grad.isfinite().all() for x in f.values())


class TestAdversary:
    def test_reversal_is_the_identity_and_minus_its_gradient(self):
        x = torch.randn(3, 4, requires_grad=True)
        assert torch.equal(cmgan.Reverse.apply(x), x)
        (cmgan.Reverse.apply(x) * 3).sum().backward()
        assert (x.grad == -3).all()

    def test_the_network_climbs_what_the_discriminator_descends(self):
        """A step along each side's own gradient: one lowers the cross-entropy, the other raises it."""
        for part, falls in (("extras", True), ("trunk", False)):
            net, objective = made("cmgan")
            with torch.no_grad():  # a discriminator that is sure enough to have a slope
                for p in net.extras.parameters():
                    p.mul_(3)
            before = objective(batch())["adversary"]
            before.backward()
            with torch.no_grad():
                for name, p in net.named_parameters():
                    if name.startswith(part):
                        p.sub_(0.01 * p.grad / p.grad.norm().clamp_min(1e-12))
            after = objective(batch())["adversary"]
            assert (after < before) == falls, part

    def test_one_network_for_both(self):
        net, _ = made("cmgan")
        assert net.stems["V"] is net.stems["I"]


class TestXModality:
    def test_x_is_made_from_visible_alone_by_three_to_one_to_three(self):
        net, _ = made("x-modality")
        x = batch().images
        assert set(net.derive(x)) == {DV}
        assert sum(p.numel() for p in net.generators()) == 10
        assert net.stems["V"] is net.stems["I"]
        assert net.stems["V"] is net.stems["DV"]

    def test_the_two_gaps_as_composed(self):
        _, objective = made("x-modality", beta=1.0, gamma=1.0)
        b = batch()
        terms = objective(b)
        out = made("x-modality")[0](b.images)
        labels = {m: b.labels[m.parent] for m in out.features}
        torch.testing.assert_close(
            terms["mdl"], losses.mdl(out.features, labels, MDL_GRAPHS["mdl2"])
        )
        torch.testing.assert_close(terms["mml"], losses.mml(out.features, labels))
        torch.testing.assert_close(terms["total"], terms["id"] + terms["mml"] + terms["mdl"])
        assert list(out.logits) == [V, I, DV]
        # without X the gap is another
        assert terms["mdl"] > losses.mdl(out.features, labels, MDL_GRAPHS["base"])


class TestWeightedTriplet:
    @pytest.mark.parametrize("scale", [1e-3, 1e-2, 0.1, 1.0, 16.0, 100.0, 1e3])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_right_at_any_distance(self, scale, dtype):
        g = torch.Generator().manual_seed(3)
        labels = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2])
        distance = scale * (0.5 + torch.rand(8, 8, generator=g, dtype=torch.float64))
        distance = (distance + distance.T) / 2
        want = reference.weighted_triplet(distance.tolist(), labels.tolist())
        assert agw.weighted_triplet(distance.to(dtype), labels).item() == pytest.approx(
            want, rel=2e-5 if dtype == torch.float32 else 1e-12
        )

    def test_the_open_form_is_wrong_where_ours_is_right(self):
        """The broken variant: exponentials in the open, as public code has them."""
        labels, distance = torch.tensor([0, 0, 1, 1]), torch.full((4, 4), 200.0) + torch.rand(4, 4)
        same = labels[:, None] == labels
        weights = (-distance).exp() * ~same
        weights = weights / (weights.sum(1, keepdim=True) + 1e-6)
        assert (weights.sum(1) == 0).all()  # every negative is lost
        want = reference.weighted_triplet(distance.tolist(), labels.tolist())
        assert agw.weighted_triplet(distance, labels).item() == pytest.approx(want, rel=1e-5)

    def test_gradients_are_right_and_finite(self):
        labels = torch.tensor([0, 0, 1, 1, 2])
        distance = torch.rand(5, 5, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda d: agw.weighted_triplet(d, labels), distance)
        far = (1e3 * torch.rand(5, 5)).requires_grad_()
        agw.weighted_triplet(far, labels).backward()
        assert far.grad.isfinite().all()
        assert far.grad.abs().sum() > 0

    @pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 2, 3]])
    def test_no_pair_costs_nothing(self, labels):
        distance = torch.rand(4, 4, requires_grad=True)
        loss = agw.weighted_triplet(distance, torch.tensor(labels))
        loss.backward()
        assert loss.item() == 0
        assert (distance.grad == 0).all()

    def test_it_pulls_the_far_positive_and_pushes_the_near_negative_most(self):
        distance = torch.tensor(
            [[0.0, 1, 3, 2, 5], [1, 0, 1, 1, 1], [3, 1, 0, 1, 1], [2, 1, 1, 0, 1], [5, 1, 1, 1, 0]],
            requires_grad=True,
        )
        agw.weighted_triplet(distance, torch.tensor([0, 0, 0, 1, 1])).backward()
        slope = distance.grad[0]
        assert slope[2] > abs(slope[1])
        assert slope[3] < -abs(slope[4])

    def test_the_objective_reads_all_streams_together(self):
        net, objective = made("agw", beta=0.0, gamma=0.0, pool="gem")
        b = batch()
        out = made("agw", pool="gem")[0](b.images)
        features = torch.cat([out.features[m] for m in BASE])
        distance = torch.cdist(
            features.double(), features.double(), compute_mode="donot_use_mm_for_euclid_dist"
        )
        want = reference.weighted_triplet(
            distance.tolist(), torch.cat([b.labels[m] for m in BASE]).tolist()
        )
        assert objective(b)["wrt"].item() == pytest.approx(want, rel=1e-4)
        assert net.pool.p.requires_grad


class TestNonLocal:
    def test_starts_as_the_identity(self):
        x = torch.randn(2, 8, 5, 3)
        assert torch.equal(agw.NonLocal(8)(x), x)

    def test_by_hand_over_all_pairs_of_places(self):
        block = agw.NonLocal(6).eval()
        torch.nn.init.ones_(block.out[1].weight)
        x = torch.randn(2, 6, 3, 2)
        g, theta, phi = (part(x).flatten(2) for part in (block.g, block.theta, block.phi))
        want = torch.zeros_like(g)
        for n in range(6):
            for m in range(6):
                want[:, :, n] += (
                    (theta[:, :, n] * phi[:, :, m]).sum(1, keepdim=True) * g[:, :, m] / 6
                )
        torch.testing.assert_close(
            block(x), x + block.out(want.unflatten(2, (3, 2))), atol=1e-5, rtol=1e-4
        )

    def test_every_place_sees_every_other(self):
        block = agw.NonLocal(8).eval()
        torch.nn.init.ones_(block.out[1].weight)
        x = torch.randn(1, 8, 6, 4)
        y = x.clone()
        y[0, :, 0, 0] += 1
        assert (block(x) - block(y))[0, :, 5, 3].abs().sum() > 1e-4
        assert block.g.out_channels == 4  # not one

    @pytest.mark.parametrize(
        ("backbone", "counts"), [("resnet50", (0, 2, 3, 0)), ("resnet10", (0, 1, 1, 0))]
    )
    def test_how_many_and_where(self, backbone, counts):
        net, _ = made("agw", backbone=backbone)
        found = [sum(isinstance(x, agw.NonLocal) for x in stage.modules()) for stage in net.trunk]
        assert tuple(found) == counts
        plain = network.BaseDerivativeNet(5, ("V", "I"), backbone=backbone)
        assert [len(stage) for stage in net.trunk] == [len(stage) for stage in plain.trunk]


class TestGan:
    def test_each_term_reaches_its_own_players(self):
        net, objective = made("gan")
        terms = objective(batch())
        judges = {name for name, _ in net.named_parameters() if name.startswith("extras.judge_")}
        translators = {
            name for name, _ in net.named_parameters() if name.startswith("extras.from_")
        }
        assert gradients(net, terms["judge"]) == judges
        assert gradients(net, terms["fool"]) == translators
        assert gradients(net, terms["cycle"]) == translators
        assert gradients(net, terms["id"]) >= translators
        assert not gradients(net, terms["id"]) & judges

    def test_a_translation_enters_by_the_stem_of_what_it_imitates(self):
        net, _ = made("gan")
        assert net.stems["DV"] is net.stems["I"]
        assert net.stems["DI"] is net.stems["V"]
        x = batch().images
        out = net(x)
        assert torch.equal(out.images[DV], net.extras["from_V"](x[V]))
        assert torch.equal(out.images[DI], net.extras["from_I"](x[I]))

    def test_the_cycle_by_hand(self):
        net, _ = made("gan")
        x = batch().images
        images = {DV: net.extras["from_V"](x[V]), DI: net.extras["from_I"](x[I])}
        there = [
            (net.extras["from_I"](images[DV]) - x[V]).abs().mean(),
            (net.extras["from_V"](images[DI]) - x[I]).abs().mean(),
        ]
        torch.testing.assert_close(gan.games(net, x, images)["cycle"], 10 * sum(there))

    def test_judges_learn_and_translators_answer(self):
        """The judges alone learn to tell translations apart; then the translators alone learn to be
        taken for real.
        """
        net, _ = made("gan")
        x = batch().images

        def play(parts, term, steps):
            opt = torch.optim.SGD(
                [p for n, p in net.extras.named_parameters() if n.startswith(parts)],
                lr=0.02,
                momentum=0.9,
            )
            values = []
            for _ in range(steps):
                terms = gan.games(
                    net, x, {DV: net.extras["from_V"](x[V]), DI: net.extras["from_I"](x[I])}
                )
                opt.zero_grad(set_to_none=True)
                terms[term].backward()
                opt.step()
                values.append(terms[term].item())
            return values

        judged = play("judge", "judge", 50)
        assert judged[0] == pytest.approx(4 * math.log(2), abs=0.2)  # a guess
        assert judged[-1] < 0.7 * judged[0]
        fooled = play("from", "fool", 50)
        assert fooled[-1] < 0.7 * fooled[0]
