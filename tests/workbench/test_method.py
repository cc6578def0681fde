"""The drawings of the method say what the network is, their words fit and never cover each other,
their pictures are those given.
"""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from bdlab.modality import BASE, MDL_GRAPHS, Modality
from bdlab.workbench import method, style

V, I, DV, DI = Modality


def crowd(n=3, **more):
    rng = np.random.default_rng(0)
    return {
        m: rng.integers(0, 256, (n, 16, 8, 3), dtype=np.uint8)
        for m in (V, I, *more.get("extra", ()))
    }


def test_people_are_laid_out_by_modality_and_person():
    pictures = crowd(extra=(DV, DI))
    ax = method.people(pictures, titles=["a", "b", "c"]).axes[0]
    sheet = ax.images[0].get_array()
    assert sheet.shape == (4 * 17 - 1, 3 * 9 - 1, 3)
    np.testing.assert_allclose(sheet[17 : 17 + 16, 9 : 9 + 8], pictures[I][1] / 255)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b", "c"]
    assert len(ax.get_yticklabels()) == 4


@pytest.mark.parametrize("name", MDL_GRAPHS)
def test_graph_has_an_arrow_a_pair_and_a_mark_a_modality(name):
    ax = method.graph(MDL_GRAPHS[name]).axes[0]
    assert len(ax.patches) == len(MDL_GRAPHS[name])
    assert len(ax.collections) == 4
    assert len(ax.lines) == 2  # who is made from whom


def test_overview_shows_both():
    assert len(method.overview(crowd(extra=(DV, DI)), MDL_GRAPHS["mdl4"]).axes) == 2


def texts(ax):
    return [t for t in [*ax.texts, ax.title] if t.get_text().strip()]


def overlaps(figure):
    """Pairs of words that cover each other, on the whole figure as it is rendered."""
    figure.canvas.draw()
    found = [(t.get_text(), t.get_window_extent()) for ax in figure.axes for t in texts(ax)]
    return [(a, b) for (a, one), (b, two) in combinations(found, 2) if one.overlaps(two)]


def loose(figure):
    """Labels that stick out of the box around their centre, and words that leave the figure."""
    figure.canvas.draw()
    page, out = figure.bbox, []
    for ax in figure.axes:
        boxes = [p.get_window_extent() for p in ax.patches if isinstance(p, FancyBboxPatch)]
        for text in texts(ax):
            words = text.get_window_extent()
            middle = ((words.x0 + words.x1) / 2, (words.y0 + words.y1) / 2)
            around = [b for b in boxes if b.contains(*middle)]
            for frame in [page, *around]:
                if (
                    words.x0 < frame.x0
                    or words.x1 > frame.x1
                    or words.y0 < frame.y0
                    or words.y1 > frame.y1
                ):
                    out.append(text.get_text())
    return out


def reach(family, start):
    """The boxes that can be come to from one."""
    found, new = set(), {start}
    while new:
        found |= new
        new = {b for a, b in family.arrows if a in found} - found
    return found


class TestFamilies:
    def test_every_panel_holds_its_boxes_and_arrows_and_the_last_is_the_key(self):
        axes = method.families().axes
        assert len(axes) == 6
        for ax, (name, family) in zip(axes, method.FAMILIES.items(), strict=False):
            assert ax.get_title() == f"({name}) {family.title}"
            assert sorted(t.get_text() for t in ax.texts) == sorted(
                box.label for box in family.boxes.values()
            )
            assert sum(isinstance(p, FancyArrowPatch) for p in ax.patches) == len(family.arrows)
            boxes = [p for p in ax.patches if isinstance(p, FancyBboxPatch)]
            owners = [box.owner for box in family.boxes.values()]
            assert [p.get_facecolor()[:3] for p in boxes] == [
                to_rgb(style.COLOURS[m]) if m else to_rgb("0.88") for m in owners
            ]
        assert "shared" in [t.get_text() for t in axes[5].texts]

    def test_words_fit_their_boxes_and_do_not_cover_each_other(self):
        figure = method.families()
        assert overlaps(figure) == []
        assert loose(figure) == []

    def test_words_that_do_not_fit_are_found(self):
        """The broken variants: a box in another's place, a box too small for its label."""
        e = method.FAMILIES["e"]
        moved = e._replace(boxes=dict(e.boxes) | {"DV": e.boxes["E"]._replace(label="$D_V$")})
        assert overlaps(method.family(moved)) == [("$E_V$", "$D_V$")]
        small = e._replace(boxes=dict(e.boxes) | {"N": e.boxes["N"]._replace(width=0.4)})
        assert loose(method.family(small)) == ["trunk"]

    @pytest.mark.parametrize("name", method.FAMILIES)
    def test_both_cameras_reach_the_shared_part_and_something_that_names_people(self, name):
        family = method.FAMILIES[name]
        assert {end for arrow in family.arrows for end in arrow} == set(family.boxes)
        for start in BASE:
            there = reach(family, start)
            assert any(family.boxes[end].owner is None and end == "N" for end in there)
            assert any("classifier" in family.boxes[end].label for end in there)

    def test_what_is_shared_and_what_is_gone_is_what_the_introduction_says(self):
        own = {
            name: {key for key, box in family.boxes.items() if box.owner and key not in BASE}
            for name, family in method.FAMILIES.items()
        }
        assert own["a"] == set()
        assert own["b"] == {"SV", "SI"}
        assert own["c"] == {"CV", "CI"}
        e = method.FAMILIES["e"].boxes
        assert e["G"].owner is None, "one generator for both"
        assert e["E"].owner is V
        assert {key for key, box in e.items() if box.gone} == {
            "E",
            "G",
            "DV",
            "DI",
            "SDV",
            "SDI",
            "C",
        }
        assert "SDI" not in reach(method.FAMILIES["e"], "SV")

    def test_arrows_run_level_into_a_tall_box(self):
        ax = method.family(method.FAMILIES["b"]).axes[0]
        ends = [p.get_path().vertices for p in ax.patches if isinstance(p, FancyArrowPatch)]
        assert len(ends) == 5
        for p in ax.patches:
            if isinstance(p, FancyArrowPatch):
                (_, a), (_, b) = p._posA_posB
                assert a == pytest.approx(b)


def test_graphs_stand_side_by_side_with_their_counts():
    figure = method.graphs()
    assert [ax.get_title().splitlines()[0] for ax in figure.axes] == [
        "baseline",
        "MDL1",
        "MDL2",
        "MDL3",
        "MDL4",
    ]
    for ax, name in zip(figure.axes, ("base", "mdl1", "mdl2", "mdl3", "mdl4"), strict=True):
        pairs = MDL_GRAPHS[name]
        assert len(ax.patches) == len(pairs)
        assert f"{2 * len(pairs)} directed losses" in ax.get_title()
        assert len(ax.texts) == len({m for pair in pairs for m in pair} | set(BASE)), (
            "only the modalities that take part"
        )
    assert overlaps(figure) == []
    assert loose(figure) == []


class TestFramework:
    pictures = dict(
        zip(
            Modality,
            np.random.default_rng(0).integers(0, 256, (4, 16, 8, 3), dtype=np.uint8),
            strict=True,
        )
    )

    def test_it_shows_the_four_pictures_it_was_given(self):
        ax = method.framework(self.pictures).axes[0]
        for image, m in zip(ax.images, method.STREAMS, strict=True):
            np.testing.assert_array_equal(image.get_array(), self.pictures[m])

    def test_its_words_fit(self):
        figure = method.framework(self.pictures)
        assert overlaps(figure) == []
        assert loose(figure) == []

    def test_four_stems_one_trunk_three_losses(self):
        said = [t.get_text() for t in method.framework(self.pictures).axes[0].texts]
        assert sum("stem" in words for words in said) == 4
        assert sum("trunk" in words for words in said) == 1
        assert {"eq. 2", "eq. 6", "eq. 8"} == {
            eq for eq in ("eq. 2", "eq. 6", "eq. 8") if any(eq in words for words in said)
        }


class TestJourney:
    picture = np.random.default_rng(1).integers(0, 256, (16, 8, 3), dtype=np.uint8)
    maps = dict(zip((V, DV), np.random.default_rng(2).normal(size=(2, 6, 4, 3)), strict=True))

    def stages(self):
        feature = {m: np.arange(5.0) for m in (V, DV)}
        return {
            "parent": {DV: self.picture},
            "seen": dict.fromkeys((V, DV), self.picture),
            "stem": self.maps,
            "feature": feature,
        }

    def test_rows_are_streams_columns_are_stages_and_shapes_stand_below(self):
        figure = method.journey(self.stages())
        axes = np.array(figure.axes).reshape(2, 4)
        assert [ax.get_title() for ax in axes[0]] == ["parent", "seen", "stem", "feature"]
        assert not axes[0][0].images, "V has no parent"
        np.testing.assert_array_equal(axes[1][0].images[0].get_array(), self.picture)
        below = [next(t.get_text() for t in ax.texts) for ax in axes[1]]
        assert below == ["3 x 16 x 8", "3 x 16 x 8", "6 x 4 x 3", "5"]
        np.testing.assert_allclose([bar.get_width() for bar in axes[1][3].patches], np.arange(5.0))
        assert overlaps(figure) == []

    def test_maps_three_wide_are_maps_and_pictures_are_pictures(self):
        axes = np.array(method.journey(self.stages()).axes).reshape(2, 4)
        assert axes[0][2].images[0].get_array().ndim == 2

    def test_all_streams_show_the_same_channels_those_that_vary_most(self):
        one, two = np.zeros((5, 4, 2)), np.zeros((5, 4, 2))
        one[3, 0], two[1, 0], two[4, 0] = 9.0, 5.0, 1.0
        assert method.busiest([one, two], 2).tolist() == [1, 3]
        assert method.busiest([one, two], 16).tolist() == [0, 1, 2, 3, 4]

    def test_a_sheet_of_maps_keeps_each_channel_stretched_in_its_place(self):
        maps = np.stack([np.arange(6.0).reshape(3, 2) * scale - 4 for scale in (1, 10, 100)])
        sheet = method.tiled(maps)
        assert sheet.shape == (3 + 1 + 3, 2 + 1 + 2)
        for y, x in ((0, 0), (0, 3), (4, 0)):
            np.testing.assert_allclose(
                sheet[y : y + 3, x : x + 2], np.arange(6.0).reshape(3, 2) / 5
            )
        assert np.isnan(sheet[3]).all()
        assert np.isnan(sheet[4:, 3:]).all(), "no fourth channel"
        assert method.tiled(np.ones((1, 3, 2))).max() == 0, (
            "a flat channel is black, not a division by zero"
        )
