"""The figures of the data notebook: what is on their axes is what the data say."""

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from bdlab.modality import Modality
from bdlab.workbench import pictures
from bdlab.workbench.data import figures as data_figures
from bdlab.workbench.data import numbers as gaps
from bdlab.workbench.style import COLOURS
from tests.workbench.looking import drawn, words

V, I = Modality.V, Modality.I


def test_sightings_show_the_pictures_and_hatch_the_gaps(sysu):
    table = gaps.sightings(sysu, people=3, shots=1)
    ax = data_figures.sightings(sysu, table).axes[0]
    page = ax.images[0].get_array()
    assert page.shape == (3 * 99 - 3, 6 * 51 - 3, 3)
    assert len(ax.patches) == sum(row is None for line in table.cells for row in line) > 0
    assert all(p.get_hatch() for p in ax.patches)
    assert [t.get_text() for t in ax.get_yticklabels()] == [f"person {i}" for i in table.ids]
    assert [t.get_text() for t in ax.get_xticklabels()][-1] == "infrared\ncamera 6"
    p, c = next(
        (p, c)
        for p, line in enumerate(table.cells)
        for c, row in enumerate(line)
        if row is not None
    )
    np.testing.assert_array_equal(
        page[99 * p : 99 * p + 96, 51 * c : 51 * c + 48],
        pictures.pixels(sysu, [table.cells[p][c]], 96, 48)[0],
    )
    assert drawn(ax.figure).std() > 10


def test_histograms_tell_curves_apart_without_colour():
    shares = {name: np.full(4, 0.25) for name in ("red", "green", "blue", "infrared")}
    ax = data_figures.histograms(shares).axes[0]
    assert len({line.get_linestyle() for line in ax.lines}) == 4
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 25)
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [32, 96, 160, 224])


def test_agreement_writes_the_means_it_marks():
    found = {
        "R–G": np.array([0.9, 1.0]),
        "luma–IR, one person": np.array([-0.2, 0.4]),
        "luma–IR, strangers": np.array([-0.5, 0.5]),
    }
    ax = data_figures.agreement(found).axes[0]
    assert words(ax) == ["+0.95", "+0.10", "+0.00"]
    assert [t.get_text() for t in ax.get_yticklabels()] == list(found)
    for collection, values in zip(ax.collections, found.values(), strict=True):
        np.testing.assert_allclose(collection.get_offsets()[:, 0], values)
    marks = [c.get_paths()[0].vertices.shape for c in ax.collections]
    assert marks[2] != marks[1], "strangers have a mark of their own"


def test_counterfactuals_write_the_gaps_they_show():
    pictures = gaps.shots("synthetic-sysu", 4, size="smoke")
    ax = data_figures.counterfactuals(pictures, people=3).axes[0]
    found = {name: values.mean() for name, values in gaps.gaps(pictures).items()}
    assert words(ax) == [
        f"appearance gap\n{found['appearance']:.2f}",
        f"channel gap\n{found['channel']:.2f}",
        f"both\n{found['both']:.2f}",
    ]
    page = ax.images[0].get_array()
    np.testing.assert_array_equal(page[35 : 35 + 32, :16], pictures["rgb_at_ir"][0])
    assert drawn(ax.figure).std() > 10


def test_dials_draw_what_was_swept():
    values = (0.0, 0.5, 1.0)
    rng = np.random.default_rng(0)
    found = {dial: {name: rng.random((3, 5)) for name in gaps.GAPS} for dial in pictures.DIALS}
    axes = data_figures.dials(found, values, "a twin").axes
    assert [ax.get_xlabel() for ax in axes] == ["dial channel_gap", "dial appearance_gap"]
    for ax, dial in zip(axes, pictures.DIALS, strict=True):
        for container, name in zip(ax.containers, ("appearance", "channel", "both"), strict=True):
            np.testing.assert_allclose(
                container.lines[0].get_ydata(), found[dial][name].mean(axis=1)
            )
        assert (
            len({(c.lines[0].get_marker(), c.lines[0].get_linestyle()) for c in ax.containers}) == 3
        )


def test_fig5_shows_pairs_above_their_gaps():
    panels = {kind: gaps.shots(f"synthetic-{kind}", 3, size="smoke") for kind in ("sysu", "regdb")}
    figure = data_figures.fig5(panels, people=2)
    assert [ax.get_title() for ax in figure.axes if ax.images] == ["(a) sysu", "(b) regdb"]
    assert "not the paper's" in figure.get_suptitle()
    for ax, taken in zip((ax for ax in figure.axes if not ax.images), panels.values(), strict=True):
        bars = [p for p in ax.patches if isinstance(p, Rectangle)]
        found = gaps.gaps(taken)
        np.testing.assert_allclose(
            [b.get_width() for b in bars], [found["appearance"].mean(), found["channel"].mean()]
        )
        assert [bool(b.get_hatch()) for b in bars] == [False, True]
        assert bars[0].get_facecolor() == to_rgba(COLOURS[V])
    drawn(figure)


def test_a_swapped_pair_would_be_seen():
    """The broken variant: infrared in the visible row changes the bars and the picture."""
    pictures = gaps.shots("synthetic-regdb", 3, size="smoke")
    broken = pictures | {"rgb": pictures["ir"]}
    first, second = (
        [
            p.get_width()
            for ax in data_figures.fig5({"one": taken}).axes
            if not ax.images
            for p in ax.patches
        ]
        for taken in (pictures, broken)
    )
    assert abs(first[0] - second[0]) > 0.1
