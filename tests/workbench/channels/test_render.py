"""What ten numbers make of a pair of pictures: the network's own pictures, and the sentences about
them.
"""

import numpy as np
import pytest
import torch

from bdlab import pixels
from bdlab.modality import Modality
from bdlab.network import BaseDerivativeNet
from bdlab.workbench import pictures
from bdlab.workbench.channels import numbers as generators
from bdlab.workbench.channels import render
from bdlab.workbench.data import numbers as gaps

V, I, DV, DI = Modality


def some(seed=0):
    """Ten random numbers."""
    return generators.unflat(np.random.default_rng(seed).normal(0.3, 0.5, 10))


@pytest.fixture
def pair():
    """A colourful picture and a grey one, [16, 8, 3] uint8."""
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (16, 8, 3), dtype=np.uint8), np.repeat(
        rng.integers(0, 256, (16, 8, 1), dtype=np.uint8), 3, axis=2
    )


def derived(pair, numbers, space):
    """What the network makes of the pair, as fractions of white [16, 8, 3], nothing cut off."""
    net = BaseDerivativeNet(2, backbone="resnet10", generator_space=space)
    with torch.no_grad():
        for name, conv in (("E_V", net.encoder.conv), ("G_S", net.generator.conv)):
            conv.weight.copy_(torch.tensor(numbers[f"{name}.weight"]).view_as(conv.weight))
            conv.bias.copy_(torch.tensor(numbers[f"{name}.bias"]))
        images = {
            m: pixels.normalise(torch.from_numpy(p).permute(2, 0, 1)[None])
            for m, p in zip((V, I), pair, strict=True)
        }
        return {
            m: (x * net.std + net.mean)[0].permute(1, 2, 0).numpy()
            for m, x in net.derive(images).items()
        }


@pytest.mark.parametrize("space", generators.SPACES)
@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_the_network_makes(pair, space, seed):
    rendered = render.render(*pair, some(seed), space)
    expected = derived(pair, some(seed), space)
    for m in (DV, DI):
        np.testing.assert_allclose(rendered.pixels[m], expected[m], atol=2e-5)
        assert np.abs(rendered.shown[m] / 255 - expected[m].clip(0, 1)).max() < 0.5 / 255 + 1e-4
    other = next(s for s in generators.SPACES if s != space)
    assert np.abs(render.render(*pair, some(seed), other).pixels[DV] - expected[DV]).max() > 0.05, (
        "the broken variant"
    )


def test_parents_are_shown_as_they_are(pair):
    rendered = render.render(*pair, some())
    np.testing.assert_array_equal(rendered.shown[V], pair[0])
    np.testing.assert_array_equal(rendered.shown[I], pair[1])


def test_the_relu_clips_dark_pixels_of_the_normalised_space_only(pair):
    grey = np.repeat(np.arange(128, dtype=np.uint8).reshape(16, 8, 1) * 2, 3, axis=2)
    normalised = render.render(grey, grey, generators.preset("uniform"))
    assert normalised.clipped.any()
    assert grey[normalised.clipped].max() < grey[~normalised.clipped].min()
    # minus LEVEL over SLOPE: middle grey
    assert grey[normalised.clipped].max() == pytest.approx(255 * 0.449, abs=2)
    assert not render.render(grey, grey, generators.preset("uniform"), "unit").clipped.any()
    flat = normalised.shown[DV][normalised.clipped]
    assert (flat == flat[0]).all(), "where it clips, D_V is one tone"


def test_e_v_is_shown_as_the_grey_that_would_enter(pair):
    grey = pair[1]
    for space in generators.SPACES:
        numbers = generators.preset("uniform", space) | {"E_V.weight": [1 / 3] * 3}
        rendered = render.render(grey, grey, numbers, space)
        np.testing.assert_array_equal(rendered.encoded[~rendered.clipped], grey[~rendered.clipped])


@pytest.mark.parametrize("space", generators.SPACES)
def test_d_i_is_an_affine_copy(pair, space):
    rendered = render.render(*pair, some(2), space)
    slope, level = render.affine(some(2), space)
    grey = pair[1] / 255
    np.testing.assert_allclose(rendered.pixels[DI], slope * grey + level, atol=1e-5)
    np.testing.assert_allclose(rendered.divergence, np.abs((slope - 1) * grey + level), atol=1e-5)


def test_identity_leaves_no_divergence(pair):
    for space in generators.SPACES:
        assert (
            render.render(*pair, generators.preset("D_I = I", space), space).divergence.max() < 1e-5
        )
    assert render.render(*pair, generators.preset("luma")).divergence.max() > 0.01, (
        "ones are no identity among normalised channels"
    )


def test_equal_channels_look_reddish_and_are_not(pair):
    """The artefact of section III-E: the same output, unequal pixels."""
    found = render.shares(render.render(*pair, generators.preset("uniform")))
    np.testing.assert_allclose(found["G_S output"], 1 / 3, atol=1e-6)
    np.testing.assert_allclose(found["E_V weights"], 1 / 3, atol=1e-6)
    assert found["pixels"][0] > found["pixels"][1] + 0.01 > found["pixels"][2] + 0.02
    unit = render.shares(render.render(*pair, generators.preset("uniform", "unit"), "unit"))
    np.testing.assert_allclose(unit["pixels"], 1 / 3, atol=1e-6)


def test_shares_sum_to_one_also_of_nothing(pair):
    black = [np.zeros_like(p) for p in pair]
    nothing = {part: [0.0] * count for part, count in generators.PARTS.items()}
    for found in (
        render.shares(render.render(*pair, some())),
        render.shares(render.render(*black, nothing, "unit")),
    ):
        assert all(values.sum() == pytest.approx(1) for values in found.values())


def test_values_that_no_screen_shows_are_counted(pair):
    numbers = generators.preset("D_I = I", "unit") | {"G_S.bias": [2.0, 0.0, -2.0]}
    assert render.render(*pair, numbers, "unit").outside(DI) == pytest.approx(2 / 3, abs=0.02)
    assert render.render(*pair, generators.preset("D_I = I", "unit"), "unit").outside(DI) == 0


class TestInk:
    def test_one_channel_alone(self, pair):
        picture = pair[0]
        red = render.single(picture, 0, "colour")
        np.testing.assert_array_equal(red[..., 0], picture[..., 0])
        assert red[..., 1:].max() == 0
        grey, inverted = (render.single(picture, 2, ink) for ink in ("grey", "dark is large"))
        np.testing.assert_array_equal(grey, np.repeat(picture[..., 2:], 3, axis=2))
        np.testing.assert_array_equal(inverted, 255 - grey)

    def test_a_divergence_is_dark_where_it_is_small(self):
        shade = render.grey(np.array([[0.0, render.WHITE / 2, render.WHITE, 3.0]]))
        assert shade[0, :, 0].tolist() == [0, 128, 255, 255]

    def test_stripes_stay_where_the_mask_is(self, pair):
        mask = np.zeros((16, 8), bool)
        mask[4:12] = True
        marked = render.mark(pair[0], mask)
        changed = (marked != pair[0]).any(axis=2)
        assert not changed[~mask].any()
        assert 0.3 < changed[mask].mean() < 0.7

    def test_an_unknown_ink_is_refused(self, pair):
        with pytest.raises(ValueError, match="colour, grey, dark is large"):
            render.single(pair[0], 0, "sepia")


class TestFit:
    def test_one_or_many_of_any_size(self):
        pictures = [np.full((40, 30, 3), 7, np.uint8), np.full((64, 32, 3), 9, np.uint8)]
        assert render.fit(pictures, 64).shape == (2, 64, 32, 3)
        assert render.fit(pictures[0], 64).shape == (1, 64, 32, 3)
        np.testing.assert_array_equal(render.fit(pictures, 64)[1], pictures[1])

    @pytest.mark.parametrize(
        "wrong",
        [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), [], np.zeros((4, 4, 4), np.uint8)],
    )
    def test_what_is_no_colour_picture_is_refused(self, wrong):
        with pytest.raises(ValueError, match=r"uint8 \[H, W, 3\]"):
            render.fit(wrong)


@pytest.mark.parametrize("which", [0, 1])
def test_a_picture_of_floats_is_refused(pair, which):
    wrong = [p / 255 if k == which else p for k, p in enumerate(pair)]
    with pytest.raises(ValueError, match=rf"{('visible', 'infrared')[which]} is float64"):
        render.render(*wrong, some())


def test_two_sizes_are_refused(pair):
    with pytest.raises(ValueError, match=r"channels.fit"):
        render.render(pair[0], pair[1][:8], some())


class TestPeople:
    def test_a_twins_people_are_rendered_as_sharp_as_asked(self, regdb):
        visible, infrared, who = render.people_of(regdb, 3, height=96)
        assert visible.shape == infrared.shape == (3, 96, 48, 3)
        assert who == list(regdb.identities("test")[:3])
        row = next(
            v
            for v, _ in pictures.partners(regdb, "test", 999)
            if regdb.records[v].identity == who[1]
        )
        small = pictures.pixels(regdb, [row], 32, 16)
        r = [
            gaps.correlation(pictures.luma(render.fit(p, 32)), pictures.luma(small))[0]
            for p in visible
        ]
        assert r[1] > 0.9 > max(r[0], r[2]) + 0.2, "the same person's same picture"

    def test_real_pictures_come_from_their_files(self, regdb):
        from dataclasses import replace

        plain = replace(regdb, provenance={})
        visible, infrared, who = render.people_of(plain, 2, "train", height=32)
        first = next(
            pair
            for pair in pictures.partners(regdb, "train", 999)
            if regdb.records[pair[0]].identity == who[0]
        )
        np.testing.assert_array_equal(visible[0], pictures.pixels(regdb, [first[0]], 32, 16)[0])
        np.testing.assert_array_equal(infrared[0], pictures.pixels(regdb, [first[1]], 32, 16)[0])

    def test_a_part_without_people_is_refused(self, regdb):
        with pytest.raises(ValueError, match="nobody .* 'val'"):
            render.people_of(regdb, split="val")


class TestTrace:
    """One pixel's way, against the whole pictures."""

    @pytest.mark.parametrize("space", ["normalised", "unit"])
    def test_it_is_what_the_pictures_hold(self, space):
        rng = np.random.default_rng(0)
        pair = rng.integers(0, 256, (2, 8, 6, 3), dtype=np.uint8)
        made = render.render(*pair, generators.preset("luma", space), space)
        for row, column in ((0, 0), (3, 5), (7, 2)):
            way = render.trace(made, row, column)
            weights = made.numbers["E_V.weight"]
            total = sum(w * x for w, x in zip(weights, way["entered"], strict=True))
            assert way["before"] == pytest.approx(total + made.numbers["E_V.bias"][0], abs=1e-5)
            assert way["after"] == max(way["before"], 0)
            for stream in (Modality.DV, Modality.DI):
                whole = 255 * made.pixels[stream][row, column]
                assert way["bytes"][stream.value] == pytest.approx(whole.tolist(), abs=1e-3)
            assert (way["x"], way["y"]) == (column, row)
        with pytest.raises(IndexError):
            render.trace(made, 8, 0)


class TestStretched:
    def test_each_picture_fills_black_to_white_by_one_scale(self):
        rng = np.random.default_rng(1)
        visible, infrared = rng.integers(90, 120, (2, 48, 24, 3), dtype=np.uint8)
        rendered = render.render(visible, infrared, generators.preset("luma"))
        seen = render.stretched(rendered)
        for m in Modality:
            was, now = rendered.pixels[m], seen.shown[m].astype(float)
            assert np.percentile(now, (1, 99)) == pytest.approx((0, 255), abs=2)
            inside = (now > 0) & (now < 255)
            slope, level = np.polyfit(was[inside], now[inside], 1)
            assert now[inside] == pytest.approx(slope * was[inside] + level, abs=1)
        np.testing.assert_array_equal(seen.divergence, rendered.divergence)
        np.testing.assert_array_equal(seen.clipped, rendered.clipped)

    def test_a_flat_picture_is_left(self):
        flat = np.full((8, 4, 3), 100, np.uint8)
        rendered = render.render(flat, flat, generators.preset("D_I = I"))
        np.testing.assert_array_equal(render.stretched(rendered).shown[Modality.V], flat)
