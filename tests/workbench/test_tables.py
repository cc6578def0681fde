"""The figures of tables and sweeps hold the numbers they were given, and say a verdict by mark and
word.
"""

import numpy as np
import pytest

from bdlab.experiments import verdicts
from bdlab.workbench import tables


def judged():
    base = {(1, seed): 30.0 + seed for seed in range(5)}
    gains = {"up": (9, 10, 11, 10, 9), "down": (-9, -10, -11, -10, -9), "level": (5, -5, 4, -4, 1)}
    cells = {row: {key: base[key] + own[key[1]] for key in base} for row, own in gains.items()}
    cells |= {"B2": base, "few": {(1, 0): 99.0, (1, 1): 31.0}}
    return verdicts.judge(cells, [(row, "B2") for row in ("up", "down", "level", "few", "gone")])


def marks(ax):
    return [path.vertices for c in ax.collections for path in c.get_paths()]


class TestEffect:
    def test_words_marks_intervals_and_pairs(self):
        found = judged()
        ax = tables.effect(found, "v2t R1").axes[0]
        assert [t.get_text().split("  ")[0] for t in ax.texts] == [
            "better",
            "worse",
            "not shown",
            "too few seeds",
            "not run",
        ]
        assert [t.get_text() for t in ax.get_yticklabels()] == [f"{v.row} - B2" for v in found]
        bars = [
            line.get_xdata()
            for line in ax.lines
            if len(line.get_xdata()) == 2 and line.get_ydata()[0] == line.get_ydata()[1]
        ]
        np.testing.assert_allclose(bars[:4], [(v.low, v.high) for v in found[:4]])
        dots = [c.get_offsets()[:, 0] for c in ax.collections if len(c.get_offsets()) == 5]
        np.testing.assert_allclose(dots, [v.pairs for v in found[:3]])
        assert "v2t R1" in ax.get_xlabel()

    def test_a_verdict_is_said_by_its_mark_too(self):
        shapes = {word: mark for word, (mark, _) in tables.MARKS.items()}
        assert len(set(shapes.values())) == 3
        triangle = {len(v) for v in marks(tables.effect(judged()[:1]).axes[0])}
        circle = {len(v) for v in marks(tables.effect(judged()[2:3]).axes[0])}
        assert triangle != circle

    def test_the_grey_band_is_what_could_not_be_seen(self):
        found = judged()[2]
        (band,) = tables.effect([found]).axes[0].patches
        assert (band.get_x(), band.get_width()) == pytest.approx(
            (-found.detectable, 2 * found.detectable)
        )

    def test_the_papers_difference_alone(self):
        ax = tables.effect(
            verdicts.judge({}, [("MDL4", "B2")]), theirs={("MDL4", "B2"): 14.88}
        ).axes[0]
        assert ax.collections[0].get_offsets()[0, 0] == 14.88
        assert ax.get_legend().get_texts()[0].get_text() == "the paper's difference"
        assert ax.texts[0].get_text() == "the paper +14.9"


class TestBars:
    def test_bars_are_the_values_and_the_baseline_a_line(self):
        groups = ["Rank-1", "mAP"]
        ax = tables.bars(
            groups, {"1:1:1": [30, 28], "1:1:5": [35, None]}, [29, 26], {"1:1:1": [2, 1]}
        ).axes[0]
        heights = [bar.get_height() for bar in ax.patches]
        assert heights[:3] == [30, 28, 35]
        assert np.isnan(heights[3])
        assert [line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == "--"] == [
            29,
            26,
        ]
        assert ax.get_ylim()[0] == 0  # a bar is read by its length
        assert len({bar.get_hatch() for bar in ax.patches}) == 2

    def test_a_baseline_alone(self):
        ax = tables.bars(["Rank-1", "mAP"], {}, [65.79, None]).axes[0]
        assert len(ax.patches) == 0
        assert [line.get_ydata()[0] for line in ax.lines] == [65.79]


class TestCurve:
    def test_points_and_straight_lines(self):
        ax = tables.curve({"R1": {1.0: (31, 2.0), 0.2: (29, 1.0)}}, {"R1": 28.0, "mAP": 25.0}).axes[
            0
        ]
        shown = [line for line in ax.lines if list(line.get_xdata()) == [0.2, 1.0]]
        assert any(list(line.get_ydata()) == [29, 31] for line in shown)
        levels = [line.get_ydata()[0] for line in ax.lines if list(line.get_xdata()) == [0, 1]]
        assert levels == [28.0, 25.0]
        assert [t.get_text() for t in ax.texts] == ["R1, baseline", "mAP, baseline"]

    def test_single_seeds_have_no_bar(self):
        ax = tables.curve({"R1": {0.2: (29, None), 1.0: (31, None)}}, {}).axes[0]
        assert not ax.collections


class TestBeside:
    def test_a_line_joins_what_both_have(self):
        ax = tables.beside(
            {"HCML": 24.44, "Ours": 80.67}, {"Ours": (33.0, 5.0), "B2": (30.0, None)}
        ).axes[0]
        assert [t.get_text() for t in ax.get_yticklabels()] == ["HCML", "Ours", "B2"]
        joined = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2]
        np.testing.assert_allclose(joined[0], [80.67, 33.0])
        assert [c.get_offsets()[0, 0] for c in ax.collections if len(c.get_offsets()) == 1][:2] == [
            24.44,
            80.67,
        ]
        grey, black = (ax.get_yticklabels()[k].get_color() for k in (0, 1))
        assert grey != black
        assert [t.get_text() for t in ax.get_legend().get_texts()] == [
            "the paper",
            "ours, ± sd over cells",
        ]
