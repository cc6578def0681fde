"""Plans and augmentation: pure functions of a key, balanced, and the same pixels from both cuts."""

import numpy as np
import pytest
import torch

from bdlab import pixels
from bdlab.modality import BASE
from bdlab.pixels import MEAN, STD
from bdlab.training import batches

V, I = BASE


def pool(ids=9, visible=6, infrared=3):
    """Rows 0.. for visible, 1000.. for infrared; identity 7 k for label k, the last one has one
    picture of each.
    """
    names = [7 * k for k in range(ids)]
    v = [name for name in names[:-1] for _ in range(visible)] + [names[-1]]
    i = [name for name in names[:-1] for _ in range(infrared)] + [names[-1]]
    return batches.Pool.of({V: range(len(v)), I: range(1000, 1000 + len(i))}, {V: v, I: i})


class TestPlan:
    def test_every_step_is_balanced(self):
        p = pool()
        plan = batches.plan(3, 5, p, identities=4, shots=2, steps=50)
        assert plan.labels.shape == plan.rows[V].shape == plan.rows[I].shape == (50, 8)
        for step in range(50):
            labels, counts = np.unique(plan.labels[step], return_counts=True)
            assert len(labels) == 4
            assert (counts == 2).all()
            for m in BASE:
                for label, row in zip(plan.labels[step], plan.rows[m][step], strict=True):
                    assert row in p.rows[m][label]

    def test_no_picture_twice_where_there_are_enough(self):
        p = pool(visible=2, infrared=2)
        plan = batches.plan(0, 0, p, 4, 2, 200)
        seen_one = False
        for step in range(200):
            for m in BASE:
                for slot in range(0, 8, 2):
                    a, b = plan.rows[m][step, slot : slot + 2]
                    lonely = len(p.rows[m][plan.labels[step, slot]]) == 1
                    seen_one |= lonely
                    assert (a == b) == lonely
        assert seen_one

    def test_every_identity_and_picture_has_its_turn(self):
        p = pool()
        plan = batches.plan(1, 0, p, 4, 2, 400)
        assert set(np.unique(plan.labels)) == set(range(9))
        for m in BASE:
            assert set(np.unique(plan.rows[m])) == {row for rows in p.rows[m] for row in rows}

    def test_a_plan_is_a_pure_function_of_its_key(self):
        a, b = (batches.plan(1, 2, pool(), 4, 2, 20) for _ in range(2))
        np.testing.assert_array_equal(a.labels, b.labels)
        # a step does not know how many follow
        np.testing.assert_array_equal(batches.plan(1, 2, pool(), 4, 2, 7).labels, a.labels[:7])
        for other in (batches.plan(2, 2, pool(), 4, 2, 20), batches.plan(1, 3, pool(), 4, 2, 20)):
            assert (other.labels != a.labels).any()

    def test_the_global_generators_are_left_alone(self):
        np.random.seed(0)  # noqa: NPY002 - the global generator is what is tested
        before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
        batches.plan(0, 0, pool(), 4, 2, 5)
        batches.draw(0, 0, 5, 8, 4)
        np.testing.assert_array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
        assert torch.equal(before[1], torch.get_rng_state())

    def test_neighbouring_seeds_epochs_and_purposes_share_no_stream(self):
        keys = [
            (s, p, e, t)
            for s in range(4)
            for p in ("plan", "augment")
            for e in range(4)
            for t in range(4)
        ]
        firsts = [tuple(batches.generator(*key).integers(2**63, size=2)) for key in keys]
        assert len(set(firsts)) == len(keys)

    def test_seed_plus_epoch_would_share_streams(self):
        """The broken variant: adding the parts of a key gives (1, 2) and (2, 1) one stream."""
        assert np.random.default_rng(1 + 2).integers(2**63) == np.random.default_rng(
            2 + 1
        ).integers(2**63)
        assert batches.generator(1, "plan", 2).integers(2**63) != batches.generator(
            2, "plan", 1
        ).integers(2**63)

    def test_too_few_people_are_counted(self):
        with pytest.raises(
            batches.BatchError,
            match="takes 10 identities, the training part has 9; set identities to at most 9",
        ):
            batches.plan(0, 0, pool(), 10, 2, 1)

    def test_a_person_without_a_modality_is_named(self):
        with pytest.raises(batches.BatchError, match="identity 5 has no infrared picture"):
            batches.Pool.of({V: [0, 1], I: [2]}, {V: [5, 8], I: [8]})

    @pytest.mark.parametrize(
        ("v", "i", "steps"), [(22_258, 11_909, 928), (2_060, 2_060, 86), (24, 24, 2)]
    )
    def test_steps_of_an_epoch_as_in_the_notes(self, v, i, steps):
        assert batches.steps_per_epoch(v, i, 24) == steps


def naive(picture, down, right, flip, pad):
    """Pad with black, crop, flip, one picture at a time, by numpy's own means."""
    height, width = picture.shape[:2]
    padded = np.pad(picture, ((pad, pad), (pad, pad), (0, 0)))
    crop = padded[down : down + height, right : right + width]
    return crop[:, ::-1] if flip else crop


class TestCut:
    def bank(self, n=12, height=16, width=8):
        storage = torch.randint(0, 256, (n, height, width, 3), dtype=torch.uint8)
        return storage.permute(0, 3, 1, 2)

    @pytest.mark.parametrize("pad", [0, 1, 4, 12])
    def test_both_cuts_equal_the_naive_one(self, pad):
        bank = self.bank()
        how = torch.from_numpy(batches.draw(0, 0, 1, 20, pad)[0])
        rows = torch.randint(0, len(bank), (40,))
        want = np.stack(
            [
                naive(bank[r].permute(1, 2, 0).numpy(), *h, pad)
                for r, h in zip(rows.tolist(), how.tolist(), strict=True)
            ]
        )
        for cut in (batches.cut, batches.cut_by_gather):
            np.testing.assert_array_equal(
                cut(bank, rows, how, pad).permute(0, 2, 3, 1).numpy(), want
            )

    def test_no_shift_and_no_flip_is_the_picture_itself(self):
        bank = self.bank()
        how = torch.tensor([[3, 3, 0]])
        assert torch.equal(batches.cut(bank, torch.tensor([5]), how, 3)[0], bank[5])

    def test_the_bank_is_not_written_to(self):
        bank = self.bank()
        before = bank.clone()
        pixels.normalise(
            batches.cut(bank, torch.arange(12), torch.from_numpy(batches.draw(0, 0, 1, 6, 2)[0]), 2)
        )
        assert torch.equal(bank, before)

    def test_draws_cover_their_range_evenly(self):
        how = batches.draw(0, 0, 200, 24, 3).reshape(-1, 3)
        for column, top in ((0, 6), (1, 6), (2, 1)):
            values, counts = np.unique(how[:, column], return_counts=True)
            assert values.tolist() == list(range(top + 1))
            assert counts.min() > 0.85 * len(how) / (top + 1)

    def test_channels_last_is_kept(self):
        out = pixels.normalise(
            batches.cut(self.bank(), torch.arange(4), torch.zeros(4, 3, dtype=torch.long), 0)
        )
        assert out.is_contiguous(memory_format=torch.channels_last)


def test_normalisation_there_and_back():
    x = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    want = (x.double().permute(0, 2, 3, 1) / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
    torch.testing.assert_close(
        pixels.normalise(x).double().permute(0, 2, 3, 1), want, atol=1e-6, rtol=0
    )
    torch.testing.assert_close(
        pixels.denormalise(pixels.normalise(x)), x.float() / 255, atol=1e-6, rtol=0
    )
    assert pixels.denormalise(torch.full((1, 3, 1, 1), 99.0)).max() == 1
