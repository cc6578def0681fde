"""Channel augmentation and random erasing: pure functions of a key, their defining terms against
loops, and nothing at all where they are not asked for.
"""

import dataclasses

import numpy as np
import pytest
import torch

from bdlab import pixels
from bdlab.config import Config, from_flat
from bdlab.experiments import sweeps
from bdlab.modality import BASE
from bdlab.pixels import LUMA
from bdlab.training import augment, batches
from bdlab.training import setup as setups

V, I = BASE
SIZE = (32, 16)


def data(**changes):
    plain = Config().data
    return dataclasses.replace(plain, height=SIZE[0], width=SIZE[1], **changes)


def drawn(steps=400, batch=6, seed=3, epoch=1, **changes):
    return augment.draw(seed, epoch, steps, batch, data(**changes))


def bank(n=12):
    storage = torch.randint(0, 256, (n, *SIZE, 3), dtype=torch.uint8)
    return storage.permute(0, 3, 1, 2)


class TestDraw:
    def test_shares_are_those_asked_for(self):
        channels = drawn(channel_exchange=0.6, random_grey=0.25)[:, :6, 0]
        share = np.bincount(channels.ravel(), minlength=5) / channels.size
        np.testing.assert_allclose(share, [0.15, 0.2, 0.2, 0.2, 0.25], atol=0.03)

    def test_the_ends_are_exact(self):
        every = drawn(channel_exchange=1.0)[:, :6, 0]
        assert set(np.unique(every)) == {augment.RED, augment.GREEN, augment.BLUE}
        assert (drawn(random_grey=1.0)[:, :6, 0] == augment.GREY).all()
        assert not drawn(random_erasing=0.5)[..., 0].any(), "channels are as stored"

    def test_infrared_is_never_recoloured(self):
        assert (drawn(channel_exchange=1.0)[:, 6:, 0] == augment.KEPT).all()

    def test_rectangles_lie_inside_and_keep_area_and_shape(self):
        places = drawn(random_erasing=0.5)[..., 1:]
        top, left, height, width = places.reshape(-1, 4).T
        erased = height > 0
        assert erased.mean() == pytest.approx(0.5, abs=0.03)
        assert not places.reshape(-1, 4)[~erased].any()
        top, left, height, width = (side[erased] for side in (top, left, height, width))
        assert (top >= 0).all()
        assert (left >= 0).all()
        assert (top + height <= SIZE[0]).all()
        assert (left + width <= SIZE[1]).all()
        area = height * width / (SIZE[0] * SIZE[1])
        assert area.min() > augment.AREA[0] / 2  # a side is rounded to a pixel
        assert area.max() < augment.AREA[1] * 1.1
        # every corner is reached
        assert top.min() == left.min() == 0
        assert (top + height).max() == SIZE[0]
        assert (left + width).max() == SIZE[1]

    def test_both_modalities_are_erased(self):
        heights = drawn(random_erasing=1.0)[..., 3]
        assert (heights[:, :6] > 0).mean() > 0.99
        assert (heights[:, 6:] > 0).mean() > 0.99

    def test_a_pure_function_of_its_key(self):
        asked = {"channel_exchange": 0.5, "random_grey": 0.2, "random_erasing": 0.5}
        a = drawn(steps=20, **asked)
        np.testing.assert_array_equal(a, drawn(steps=20, **asked))
        # a step does not know how many follow
        np.testing.assert_array_equal(a[:7], drawn(steps=7, **asked))
        for other in (drawn(steps=20, seed=4, **asked), drawn(steps=20, epoch=2, **asked)):
            assert (other[:, :6, 0] != a[:, :6, 0]).any()
            assert (other[..., 1:] != a[..., 1:]).any()
        assert (a[1, :6, 0] != a[0, :6, 0]).any()

    def test_a_slot_does_not_know_how_many_follow(self):
        few = drawn(steps=5, batch=4, channel_exchange=0.5, random_erasing=0.5)
        more = drawn(steps=5, batch=6, channel_exchange=0.5, random_erasing=0.5)
        np.testing.assert_array_equal(few[:, :4], more[:, :4])

    def test_one_part_does_not_shift_another(self):
        both = drawn(channel_exchange=0.5, random_erasing=0.5)
        np.testing.assert_array_equal(both[..., 0], drawn(channel_exchange=0.5)[..., 0])
        np.testing.assert_array_equal(both[..., 1:], drawn(random_erasing=0.5)[..., 1:])

    def test_global_generators_are_left_alone(self):
        before = torch.get_rng_state()
        drawn(steps=3, channel_exchange=0.5, random_erasing=0.5)
        assert torch.equal(before, torch.get_rng_state())


def naive_recolour(picture, choice):
    """One picture [3, H, W], one pixel at a time."""
    out = picture.copy()
    for y in range(SIZE[0]):
        for x in range(SIZE[1]):
            red, green, blue = (float(value) for value in picture[:, y, x])
            luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
            becomes = {1: red, 2: green, 3: blue, 4: round(luma)}
            if choice in becomes:
                out[:, y, x] = becomes[choice]
    return out


class TestRecolour:
    def test_equals_the_loops(self):
        pictures = bank(5)
        made = augment.recolour(pictures, torch.arange(5))
        assert made.dtype == torch.uint8
        for k in range(5):
            want = naive_recolour(pictures[k].numpy(), k)
            assert np.abs(made[k].numpy().astype(int) - want.astype(int)).max() <= (k == 4)
            assert np.array_equal(made[k].numpy(), want) or k == 4

    def test_a_recoloured_picture_has_equal_channels_as_an_infrared_one(self):
        made = augment.recolour(bank(40), torch.arange(1, 5).repeat(10))
        assert (made == made[:, :1]).all()

    def test_exchanging_after_normalising_would_not(self):
        """The broken variant: the public code copies a normalised channel; its stored colours then
        differ, as an infrared picture's never do.
        """
        normalised = pixels.normalise(bank(3))
        normalised[:, 1:] = normalised[:, :1]
        back = pixels.denormalise(normalised)
        assert (back - back[:, :1]).abs().max() > 0.01

    def test_pictures_are_not_written_to_and_stay_channels_last(self):
        pictures = bank()
        before = pictures.clone()
        made = augment.recolour(pictures, torch.full((12,), augment.GREY))
        assert torch.equal(pictures, before)
        assert made.is_contiguous(memory_format=torch.channels_last)


class TestErase:
    def test_equals_the_loops(self):
        images = torch.randn(20, 3, *SIZE)
        rectangles = torch.from_numpy(drawn(1, 10, random_erasing=0.7)[0, :, 1:])
        made = augment.erase(images, rectangles)
        want = images.clone()
        for k, (top, left, height, width) in enumerate(rectangles.tolist()):
            want[k, :, top : top + height, left : left + width] = 0
        assert torch.equal(made, want)
        assert not torch.equal(made, images)

    def test_zero_is_the_mean_colour(self):
        erased = torch.zeros(1, 3, 1, 1)
        np.testing.assert_allclose(pixels.denormalise(erased).flatten(), pixels.MEAN, rtol=1e-6)


class TestInARun:
    def setup(self, **changes):
        config = sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb", changes)
        return setups.prepare(config, device="cpu", progress=False)

    def test_without_them_a_batch_is_what_it_was(self, regdb):
        """Bit for bit, and the draws have no further column."""
        s = self.setup()
        rows, draws, labels = setups.draw_epoch(s, 0, 2)
        assert draws.shape[2] == augment.PLACES
        batch = setups.cut(s, rows[0], draws[0], labels[0], 0.0)
        plain = pixels.normalise(batches.cut(s.bank.pictures, rows[0], draws[0], 2))
        assert torch.equal(torch.cat([batch.images[V], batch.images[I]]), plain)

    def test_with_them_pictures_places_and_people_stay(self, regdb):
        plain, s = self.setup(), self.setup(channel_exchange=0.75, random_erasing=0.5)
        for a, b in zip(setups.draw_epoch(plain, 1, 3), setups.draw_epoch(s, 1, 3), strict=True):
            assert torch.equal(a, b if b.ndim < 3 else b[..., : augment.PLACES])

    def test_only_visible_pictures_change_their_channels(self, regdb):
        a, b = setups.first_batch(self.setup()), setups.first_batch(self.setup(random_grey=1.0))
        assert torch.equal(a.images[I], b.images[I])
        assert not torch.equal(a.images[V], b.images[V])
        stored = pixels.denormalise(b.images[V])
        assert (stored - stored[:, :1]).abs().max() < 1e-5

    def test_erasing_takes_pixels_of_both(self, regdb):
        a, b = setups.first_batch(self.setup()), setups.first_batch(self.setup(random_erasing=1.0))
        for m in BASE:
            changed = a.images[m] != b.images[m]
            assert changed.any()
            assert (b.images[m][changed] == 0).all()

    def test_the_shares_are_of_the_same_pictures(self):
        assert from_flat({"channel_exchange": 0.75, "random_grey": 0.25}).data.random_grey == 0.25
