"""The figures of the retrieval notebook: what they mark is what the lists, curves and distances
say.
"""

import dataclasses

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from bdlab.modality import Modality
from bdlab.workbench import pictures, style
from bdlab.workbench.retrieval import figures
from bdlab.workbench.retrieval import search as retrieval
from tests.workbench.looking import drawn, words

V, I, DV, DI = Modality


def frames(ax, colour):
    found = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_linewidth() > 2]
    return sum(p.get_edgecolor() == to_rgba(colour) for p in found)


class TestAnswer:
    def test_every_picture_is_in_its_lane_at_its_distance(self, tested_sysu):
        search = tested_sysu.search("all-multi")
        q = int(np.flatnonzero(search.removed.any(axis=1) & search.scores.valid)[0])
        ax = figures.answer(search, q).axes[0]
        lanes = {
            2: search.query_ids[q] == search.gallery_ids,
            1: search.query_ids[q] != search.gallery_ids,
        }
        lanes = {y: kind & ~search.removed[q] for y, kind in lanes.items()} | {0: search.removed[q]}
        at = {int(c.get_offsets()[0, 1]): np.sort(c.get_offsets()[:, 0]) for c in ax.collections}
        for y, kind in lanes.items():
            np.testing.assert_allclose(at[y], np.sort(np.sqrt(search.squared[q][kind])), atol=1e-6)
        assert [t.get_text() for t in ax.get_yticklabels()] == [
            f"{n} ({lanes[y].sum()})" for n, y in (("right", 2), ("wrong", 1), ("removed", 0))
        ]
        drawn(ax.figure)

    def test_first_and_last_right_carry_their_places(self, tested_regdb):
        search = tested_regdb.search()
        right = np.flatnonzero(search.answer(3).right) + 1
        ax = figures.answer(search, 3).axes[0]
        assert words(ax) == [f"first right: place {right[0]}", f"last right: place {right[-1]}"]
        assert "removed" not in "".join(t.get_text() for t in ax.get_yticklabels())

    def test_one_right_or_none(self, tested_regdb):
        search = tested_regdb.search()
        one = dataclasses.replace(
            search,
            removed=(np.arange(len(search.gallery)) > 0)[None, :]
            & (search.query_ids[:, None] == search.gallery_ids),
        )
        assert [w.startswith("right: place") for w in words(figures.answer(one, 0).axes[0])] == [
            True
        ]
        none = dataclasses.replace(search, removed=search.query_ids[:, None] == search.gallery_ids)
        assert words(figures.answer(none, 0).axes[0]) == []


class TestRanked:
    def test_it_shows_the_list_with_ticks_and_crosses(self, tested_regdb):
        search, dataset = tested_regdb.search(), tested_regdb.setup.dataset
        queries = [0, 5, int(search.hardest[0])]
        ax = figures.ranked(dataset, search, queries, shown=6).axes[0]
        answers = [search.answer(q) for q in queries]
        late = [a.first for a in answers if a.first >= 6]
        hits = sum(a.right[:6].sum() for a in answers)
        assert late
        assert words(ax).count("✓") == hits + len(late) == frames(ax, style.HIT)
        assert words(ax).count("✗") == 3 * 6 - hits == frames(ax, style.MISS)
        assert frames(ax, "black") == 3
        assert [w for w in words(ax) if w.startswith("place")] == [f"place {f + 1}" for f in late]
        page = ax.images[0].get_array()
        for r, (q, a) in enumerate(zip(queries, answers, strict=True)):
            for c, row in (
                (0, search.query[q]),
                (2, search.gallery[a.places[0]]),
                (7, search.gallery[a.places[5]]),
            ):
                np.testing.assert_array_equal(
                    page[99 * r : 99 * r + 96, 51 * c : 51 * c + 48],
                    pictures.pixels(dataset, [row], 96, 48)[0],
                )
        assert drawn(ax.figure).std() > 10

    def test_whoever_has_a_name_is_called_by_it(self, tested_regdb):
        search, dataset = tested_regdb.search(), tested_regdb.setup.dataset
        names = {int(who): f"$100 Zoé {who}" for who in search.query_ids}
        named = dataclasses.replace(dataset, names=names)
        ax = figures.ranked(named, search, [0], shown=4).axes[0]
        drawn(ax.figure)  # a dollar in a name is no formula
        (label,) = (t.get_text() for t in ax.get_yticklabels())
        assert label.startswith(rf"person \$100 Zoé {search.query_ids[0]}" + "\n")

    def test_people_and_cameras_are_named(self, tested_sysu):
        search, dataset = tested_sysu.search("all-single"), tested_sysu.setup.dataset
        q = int(np.flatnonzero(search.removed.any(axis=1))[0])
        ax = figures.ranked(dataset, search, [q], shown=4).axes[0]
        (label,) = (t.get_text() for t in ax.get_yticklabels())
        who, removed = search.query_ids[q], search.removed[q].sum()
        assert label == f"person {who}\ninfrared\ncamera 3\n{removed} removed"
        named = [w for w in words(ax) if w.isdigit()]
        assert named == [str(search.gallery_ids[g]) for g in search.answer(q).places[:4]]

    def test_a_list_shorter_than_the_sheet(self, tested_sysu):
        search = tested_sysu.search("indoor-single")
        q = int(search.hardest[0])
        places = len(search.answer(q).places)
        ax = figures.ranked(tested_sysu.setup.dataset, search, [q], shown=places + 2).axes[0]
        assert words(ax).count("✓") + words(ax).count("✗") == places
        drawn(ax.figure)

    def test_a_swapped_list_would_be_seen(self, tested_regdb):
        """The broken variant: the farthest first."""
        search = tested_regdb.search()
        broken = dataclasses.replace(search, squared=search.squared.max() - search.squared)
        pages = [
            figures.ranked(tested_regdb.setup.dataset, s, [0], shown=6)
            .axes[0]
            .images[0]
            .get_array()
            for s in (search, broken)
        ]
        np.testing.assert_array_equal(pages[0][:, :48], pages[1][:, :48])
        assert not np.array_equal(*pages)


class TestCmc:
    def test_trials_have_lines_and_a_band_and_one_trial_says_it_has_none(self):
        many, one = (
            np.linspace(0.2, 0.6, 4) + np.array([[-0.1], [0.0], [0.1]]),
            np.linspace(0.1, 0.5, 4)[None, :],
        )
        ax = figures.cmc({"sysu": many, "regdb": one}, guess=np.linspace(0, 0.1, 4)).axes[0]
        mean, half = retrieval.interval(many)
        (band,) = ax.collections
        corners = band.get_paths()[0].vertices
        assert corners[:, 1].min() == pytest.approx(100 * (mean - half).min())
        assert corners[:, 1].max() == pytest.approx(100 * (mean + half).max())
        faint = [line for line in ax.lines if line.get_linewidth() < 1]
        assert len(faint) == 3
        np.testing.assert_allclose(faint[2].get_ydata(), 100 * many[2])
        assert [t.get_text() for t in ax.get_legend().get_texts()] == [
            "sysu (3 trials)",
            "regdb (1 trial: no interval)",
            "a guess",
        ]
        strong = [line for line in ax.lines if line.get_linewidth() > 1]
        assert len({(line.get_linestyle(), line.get_marker()) for line in strong}) == 3
        drawn(ax.figure)


class TestEvidence:
    def test_blocks_on_one_scale_with_their_sums_and_signs(self):
        picture = np.random.default_rng(0).random((32, 16, 3))
        shares = [np.array([[0.8, -0.5], [0.1, 0.0]]), np.array([[-1.0, 0.2], [0.2, 0.1]])]
        figure = figures.evidence([("a", picture, shares[0]), ("b", picture, shares[1])])
        above, below = figure.axes[:2], figure.axes[2:4]
        assert [ax.get_title() for ax in above] == ["a", "b"]
        assert [ax.get_title() for ax in below] == ["+0.40", "-0.50"]
        np.testing.assert_allclose(above[0].images[0].get_array(), picture)
        for ax, values in zip(below, shares, strict=True):
            np.testing.assert_array_equal(ax.images[1].get_array(), values)
            assert ax.images[1].get_clim() == (-1, 1)
        assert words(below[0]) == ["+", "−"]
        assert words(below[1]) == ["−"]
        assert drawn(figure).std() > 10


def test_parts_hatch_what_is_for_training_only():
    ax = figures.parts({"trunk": 1000, "G_S": 6, "stem V": 50}, {"trunk": 1000, "stem V": 50}).axes[
        0
    ]
    bars = [p for p in ax.patches if isinstance(p, Rectangle)]
    assert [b.get_width() for b in bars] == [6, 50, 1000]
    assert [bool(b.get_hatch()) for b in bars] == [True, False, False]
    assert words(ax) == ["6  training only", "50", "1,000"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["G_S", "stem V", "trunk"]
    drawn(ax.figure)
