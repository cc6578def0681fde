"""The numbers behind the loss notebook: one hinge against loops, the sketch's world, its training
and its measures.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bdlab import losses
from bdlab.modality import MDL_GRAPHS, Modality, parse_pairs
from bdlab.workbench.losses import toy
from tests.reference import losses as loops

V, I, DV, DI = Modality
POINTS = toy.constellation()


class TestGraphs:
    @pytest.mark.parametrize(
        ("text", "name"), [("V-I", "base"), ("DI-V I-V DV-I", "mdl4"), ("V-DV", ""), ("", "none")]
    )
    def test_a_graph_is_known_in_any_order(self, text, name):
        assert toy.named(parse_pairs(text)) == name

    def test_two_ways_an_edge_and_only_the_streams_on_it(self):
        assert toy.directed(MDL_GRAPHS["mdl1"]) == [(V, I), (I, V), (V, DI), (DI, V)]
        assert toy.streams(MDL_GRAPHS["mdl1"]) == (V, I, DI)
        assert toy.streams(()) == (V, I)


class TestHinge:
    @pytest.mark.parametrize("own", Modality)
    @pytest.mark.parametrize("to", Modality)
    @pytest.mark.parametrize("literal", [False, True])
    def test_the_hinges_of_a_stream_are_an_entry_of_the_loops(self, own, to, literal):
        f, y = (
            {m: v.tolist() for m, v in part.items()} for part in (POINTS.features, POINTS.labels)
        )
        margin = 0.2 if own is to else 0.7
        values = [toy.hinge(POINTS, own, k, to, 0.7, 0.2, literal).value for k in range(8)]
        if literal and own is not to:
            want = loops.literal(f[own], y[own], f[to], y[to], margin)
        else:
            want = loops.directed(f[own], y[own], f[to], y[to], margin, same_stream=own is to)
        assert np.mean(values) == pytest.approx(want, abs=1e-9)

    def test_its_numbers_are_those_of_the_rows_it_names(self):
        for k in range(8):
            one = toy.hinge(POINTS, V, k, I)
            far = np.linalg.norm(POINTS.features[I].numpy() - POINTS.features[V][k].numpy(), axis=1)
            same = (POINTS.labels[I] == POINTS.labels[V][k]).numpy()
            assert (far[one.positive], far[one.negative]) == pytest.approx(
                (one.farthest, one.nearest)
            )
            assert same[one.positive]
            assert not same[one.negative]
            assert (one.farthest, one.nearest) == pytest.approx((far[same].max(), far[~same].min()))
            assert one.value == pytest.approx(max(0.0, 0.5 + one.farthest - one.nearest), abs=1e-9)

    def test_an_anchor_is_not_its_own_positive(self):
        assert all(toy.hinge(POINTS, V, k, V).positive == k ^ 1 for k in range(8))

    def test_the_printed_eq_5_has_no_negative(self):
        one = toy.hinge(POINTS, V, 0, I, literal=True)
        assert (one.negative, one.nearest) == (None, 0.0)
        assert one.value == pytest.approx(0.5 + one.farthest)
        assert toy.hinge(POINTS, V, 0, V, literal=True).negative is not None, "eq. 7 has no mask"

    def test_refusals(self):
        with pytest.raises(ValueError, match="rows 0 to 7"):
            toy.hinge(POINTS, V, 8, I)
        alone = toy.Constellation(
            {m: POINTS.features[m][:1] for m in (V, I)},
            {V: torch.tensor([0]), I: torch.tensor([0])},
        )
        with pytest.raises(ValueError, match="has no negative in I"):
            toy.hinge(alone, V, 0, I)
        with pytest.raises(ValueError, match="has no positive in V"):
            toy.hinge(alone, V, 0, V)

    def test_matrices_are_eq_3_and_5(self):
        found = toy.matrices(POINTS, V, DI)
        for (r, c), value in np.ndenumerate(found["S"]):
            same = POINTS.labels[V][r] == POINTS.labels[DI][c]
            assert value == pytest.approx(
                float((POINTS.features[V][r] - POINTS.features[DI][c]).norm())
            )
            assert [found[n][r, c] for n in ("V", "S V", "S (1-V)")] == [
                float(same),
                value * same,
                value * ~same,
            ]


class TestWorld:
    def test_seeds_are_worlds_of_their_own_and_repeat(self):
        one, again, other = toy.pictures(3), toy.pictures(3), toy.pictures(4)
        assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
        assert not torch.equal(one[0], other[0])
        assert one[0].shape == one[1].shape == (4 * 88, 3, 6, 1)
        assert torch.equal(one[1][:, 0], one[1][:, 2]), (
            "infrared is one channel, stored three times"
        )

    def test_infrared_is_a_negative_of_the_colours_as_far_as_they_are_shared(self):
        def agreement(shared):
            visible, infrared, _ = toy.pictures(0, shared)
            mixed = torch.einsum("k,nkpo->npo", torch.tensor(toy.INFRARED), visible)
            return np.corrcoef(mixed.ravel(), infrared[:, 0].ravel())[0, 1]

        assert agreement(1.0) < -0.8
        assert agreement(1.0) < agreement(0.5) < -0.2
        assert abs(agreement(0.0)) < 0.1

    def test_nobody_else_s_random_numbers_are_touched(self):
        torch.manual_seed(5)
        before = torch.get_rng_state()
        toy.train(MDL_GRAPHS["mdl4"], steps=2)
        assert torch.equal(torch.get_rng_state(), before)


class TestTraining:
    def test_runs_of_a_seed_start_alike_and_repeat(self):
        base, four, again = (
            toy.train(MDL_GRAPHS[g], 1, steps=4, every=2) for g in ("base", "mdl4", "mdl4")
        )
        assert [frame.step for frame in four] == [0, 2, 4]
        np.testing.assert_array_equal(base[0].features[I], four[0].features[I])
        assert not np.array_equal(base[-1].features[I], four[-1].features[I])
        for m in Modality:
            np.testing.assert_array_equal(again[-1].features[m], four[-1].features[m])
        assert set(base[0].features) == {V, I}
        assert not np.array_equal(
            toy.train(MDL_GRAPHS["base"], 2, steps=1)[0].features[I], base[0].features[I]
        )

    def test_the_last_step_is_always_handed_out(self):
        assert [frame.step for frame in toy.training((), steps=5, every=3)] == [0, 3, 5]

    def test_the_first_loss_is_eq_9_on_the_first_batch(self):
        frames = toy.train(
            MDL_GRAPHS["mdl4"], 0, steps=1, weights=toy.Weights(2.0, 3.0, 5.0, 0.1, 0.7, ramp=0.0)
        )
        people = toy.batches.generator(0, "plan", 0).choice(64, 6, replace=False)
        rows = torch.tensor([4 * p + k for p in people for k in range(4)])
        visible, infrared, ids = toy.pictures(0)
        net = toy.Net(0)
        f = net(visible[rows], infrared[rows], tuple(Modality))
        y = dict.fromkeys(Modality, ids[rows])
        logits = {m: net.classifier(x) for m, x in f.items()}
        want = (
            2 * losses.identity(logits, y)
            + 3 * losses.mml(f, y, 0.1)
            + 5 * losses.mdl(f, y, MDL_GRAPHS["mdl4"], 0.7)
        )
        assert frames[-1].loss == pytest.approx(want.item(), rel=1e-6)

    def test_the_literal_reading_leaves_mml_as_it_is(self):
        only_mml = toy.Weights(alpha=0.0, gamma=0.0, ramp=0.0)
        one, two = (
            toy.train(MDL_GRAPHS["base"], steps=1, weights=replace(only_mml, literal=lit))[-1].loss
            for lit in (False, True)
        )
        assert one == two

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", [0, 1])
    def test_pull_without_push_collapses_and_the_masked_reading_does_not(self, seed):
        masked, literal = (
            toy.train(MDL_GRAPHS["base"], seed, steps=200, weights=replace(toy.ALONE, literal=lit))
            for lit in (False, True)
        )
        assert literal[-1].spread < 0.1 * literal[0].spread
        assert literal[-1].loss == pytest.approx(1.0, abs=0.05)
        assert masked[-1].spread > 0.6 * masked[0].spread
        assert masked[-1].spread > 5 * literal[-1].spread

    @pytest.mark.slow
    def test_it_learns_to_find_new_people(self):
        before, after = toy.train(MDL_GRAPHS["base"], 0, every=300)
        assert before.gap > 0.9
        assert after.gap < 0.55
        assert before.rank1 < 0.15 < 0.4 < after.rank1


class TestMeasures:
    ids = np.repeat([0, 1], 2)

    def frame(self, v, i):
        return toy.Frame(
            0, {V: np.array(v, float)[:, None], I: np.array(i, float)[:, None]}, self.ids, 0.0
        )

    def test_by_hand(self):
        frame = self.frame([0, 0, 4, 4], [1, 1, 3, 3])
        assert frame.gap == pytest.approx(1 / 3)
        assert frame.rank1 == 1.0
        assert frame.spread == pytest.approx(np.sqrt(2.5))

    def test_swapped_people_are_not_found(self):
        assert self.frame([0, 0, 4, 4], [3, 3, 1, 1]).rank1 == 0.0
        assert self.frame([0, 0, 4, 4], [3, 3, 1, 1]).gap == pytest.approx(3.0)

    def test_a_point_tells_nobody_apart(self):
        point = self.frame([2] * 4, [2] * 4)
        assert (point.gap, point.rank1, point.spread) == (1.0, 0.0, 0.0)

    def test_the_shadow_keeps_what_is_flat(self):
        rng = np.random.default_rng(0)
        flat = rng.normal(size=(8, 2)) @ np.linalg.qr(rng.normal(size=(5, 5)))[0][:2]
        frame = toy.Frame(0, {V: flat[:4], I: flat[4:]}, self.ids, 0.0)
        (spots,) = toy.shadow([frame])
        far = np.linalg.norm(flat[:4, None] - flat[None, 4:], axis=-1)
        np.testing.assert_allclose(np.linalg.norm(spots[V][:, None] - spots[I][None], axis=-1), far)
