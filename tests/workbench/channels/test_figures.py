"""The figures of the channel notebook: what is on their axes is what the numbers say."""

import numpy as np
import pytest

from bdlab.modality import Modality
from bdlab.workbench.channels import figures as channel_figures
from bdlab.workbench.channels import render
from bdlab.workbench.channels.numbers import SPACES, preset, unflat
from tests.workbench.looking import drawn

V, I, DV, DI = Modality
NUMBERS = unflat([0.3, 0.5, -0.2, 0.8, 0.9, -0.3, 0.4, 0.1, 0.5, -0.2])
HEIGHT, WIDTH, STEP = 24, 12, 15  # of a picture, and from one to the next


@pytest.fixture(scope="module")
def rendered():
    """Three pairs through NUMBERS; red, green and blue of the first visible picture are unlike."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, 256, (3, 2, HEIGHT, WIDTH, 3), dtype=np.uint8)
    pairs[:, 1] = pairs[:, 1, ..., :1]
    return [render.render(v, i, NUMBERS) for v, i in pairs]


def cell(ax, row, column):
    """One picture of a sheet."""
    return ax.images[0].get_array()[
        27 * row : 27 * row + HEIGHT, STEP * column : STEP * column + WIDTH
    ]


def test_five_shows_parents_before_children(rendered):
    figure = channel_figures.five(rendered, titles=["a", "b", "c", "one too many"])
    (ax,) = figure.axes
    for row, r in enumerate(rendered):
        for column, picture in enumerate(
            (r.shown[V], r.encoded, r.shown[DV], r.shown[I], r.shown[DI])
        ):
            np.testing.assert_array_equal(cell(ax, row, column), picture)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b", "c"]
    assert len(ax.get_xticklabels()) == 5
    assert drawn(figure).std() > 10
    striped = channel_figures.five(rendered, clipped=True).axes[0]
    assert rendered[0].clipped.any()
    np.testing.assert_array_equal(
        cell(striped, 0, 1), render.mark(rendered[0].encoded, rendered[0].clipped)
    )


def test_fig8_frames_those_whose_channels_differ(rendered):
    """The colourless person, the broken variant, has no frame; nor has anybody who stands alone."""
    colourful = rendered[0]
    plain = colourful.visible[..., :1].repeat(3, axis=-1)
    grey = render.render(plain, colourful.infrared, NUMBERS)
    assert channel_figures.coloured(grey) < 1e-6 < channel_figures.coloured(colourful)
    width = colourful.visible.shape[1]
    for people, framed in (([colourful, grey], [0]), ([grey, colourful], [1]), ([colourful], [])):
        (frames,) = [
            [patch for patch in ax.patches if patch.get_edgecolor()[:3] == (1, 0, 0)]
            for ax in channel_figures.fig8(people).axes
            if ax.get_title().startswith("(c)")
        ]
        places = [round(frame.get_x() / (3 * (width + channel_figures.GAP))) for frame in frames]
        assert places == framed


def test_fig8_has_its_three_groups(rendered):
    figure = channel_figures.fig8(rendered)
    a, b, c = figure.axes
    assert [ax.get_title()[:3] for ax in figure.axes] == ["(a)", "(b)", "(c)"]
    for p, r in enumerate(rendered):
        for row, m in enumerate((V, DV)):
            np.testing.assert_array_equal(cell(a, row, p), r.shown[m])
            for k in range(3):
                np.testing.assert_array_equal(cell(b, row, 3 * p + k)[..., k], r.shown[m][..., k])
                assert np.delete(cell(b, row, 3 * p + k), k, axis=2).max() == 0
                np.testing.assert_array_equal(
                    cell(c, row, 3 * p + k), 255 - np.repeat(r.shown[m][..., k : k + 1], 3, axis=2)
                )
    assert [t.get_text() for t in b.get_xticklabels()] == list("RGB") * 3
    assert all(len(ax.lines) == 2 for ax in figure.axes), "a dotted line between two people"
    drawn(figure)


def test_fig9_is_dark_where_d_i_is_like_i(rendered):
    figure = channel_figures.fig9(rendered[:2])
    ax = figure.axes[0]
    for k in range(3):
        shade, divergence = cell(ax, 1, 2 + k)[..., 0].astype(float), rendered[1].divergence[..., k]
        np.testing.assert_allclose(shade, 255 * np.minimum(divergence / render.WHITE, 1), atol=0.51)
    assert [t.get_text() for t in ax.texts] == [
        f"{r.divergence[..., k].mean():.2f}" for r in rendered[:2] for k in range(3)
    ]
    assert "divergence" in figure.axes[1].get_ylabel()
    drawn(figure)


def test_histograms_count_every_pixel_and_the_unshown_ones(rendered):
    figure = channel_figures.histograms(rendered[0], bins=16)
    assert [ax.get_title() for ax in figure.axes] == ["$V$", "$D_V$", "$I$", "$D_I$"]
    for ax, m in zip(figure.axes, (V, DV, I, DI), strict=True):
        for k, curve in enumerate(ax.patches[:3]):
            values, edges, _ = curve.get_data()
            assert values.sum() == pytest.approx(100)
            np.testing.assert_allclose(
                values,
                100 * np.histogram(rendered[0].pixels[m][..., k], edges)[0] / (HEIGHT * WIDTH),
            )
        assert len({p.get_linestyle() for p in ax.patches[:3]}) == 3
    drawn(figure)


def test_weights_are_thick_where_large_and_dashed_where_negative():
    figure = channel_figures.weights(NUMBERS, "mine")
    (ax,) = figure.axes
    words = [t.get_text() for t in ax.texts]
    for value in (*NUMBERS["E_V.weight"], *NUMBERS["G_S.weight"]):
        assert f"{value:+.2f}" in words
    assert {f"bias {b:+.2f}" for b in NUMBERS["G_S.bias"]} <= set(words)
    assert "bias +0.80\nthen ReLU" in words
    order = [
        v for pair in zip(NUMBERS["E_V.weight"], NUMBERS["G_S.weight"], strict=True) for v in pair
    ]
    assert [line.get_linestyle() != "-" for line in ax.lines] == [v < 0 for v in order]
    assert (
        np.argsort([line.get_linewidth() for line in ax.lines]).tolist()
        == np.argsort(np.abs(order)).tolist()
    )
    assert ax.get_title() == "mine"
    drawn(figure)


def test_shares_are_bars_with_letters(rendered):
    found = {"one": render.shares(rendered[0]), "two": render.shares(rendered[1])}
    figure = channel_figures.shares(found)
    for ax, spaces in zip(figure.axes, found.values(), strict=True):
        expected = [100 * v for values in spaces.values() for v in values]
        np.testing.assert_allclose([p.get_height() for p in ax.patches], expected)
        assert [t.get_text() for t in ax.texts] == [
            f"{'RGB'[n % 3]}\n{v:.1f}" for n, v in enumerate(expected)
        ]
    drawn(figure)


@pytest.mark.parametrize("space", SPACES)
def test_copies_are_the_lines_that_pixels_follow(rendered, space):
    figure = channel_figures.copies(NUMBERS, space)
    diagonal, *lines = figure.axes[0].lines
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    again = render.render(rendered[0].visible, rendered[0].infrared, NUMBERS, space)
    for k, line in enumerate(lines):
        (x0, x1), (y0, y1) = line.get_xdata(), line.get_ydata()
        grey = again.pixels[I][..., k]
        np.testing.assert_allclose(
            again.pixels[DI][..., k], y0 + (y1 - y0) * (grey - x0) / (x1 - x0), atol=1e-5
        )
    assert len({line.get_marker() for line in lines}) == 3
    drawn(figure)


def test_spaces_say_what_each_clips(rendered):
    pair = rendered[0].visible, rendered[0].infrared
    views = {space: render.render(*pair, preset("uniform"), space) for space in SPACES}
    figure = channel_figures.spaces(views)
    heads = [t.get_text() for t in figure.axes[0].get_xticklabels()]
    assert heads == [
        "$V$",
        f"normalised\n{100 * views['normalised'].clipped.mean():.0f} % clipped",
        "unit\n0 % clipped",
    ]
    np.testing.assert_array_equal(cell(figure.axes[0], 0, 2), views["unit"].encoded)
    drawn(figure)


def test_swapped_parents_would_be_seen(rendered):
    """The broken variant: infrared through E_V changes the figure."""
    r = rendered[0]
    broken = render.render(r.infrared, r.visible, NUMBERS)
    assert (drawn(channel_figures.five([r])) != drawn(channel_figures.five([broken]))).any(
        axis=2
    ).mean() > 0.05
