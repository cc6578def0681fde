"""The figures of the test part: their marks are the trial that is drawn."""

import numpy as np
from matplotlib.patches import FancyArrowPatch, Rectangle

from bdlab.workbench import style
from bdlab.workbench.data import numbers as gaps
from bdlab.workbench.data import trials
from tests.workbench.looking import drawn, words


def points(ax, label):
    """Offsets of the scatter with that label, as a set of (x, y)."""
    found = [c for c in ax.collections if c.get_label().startswith(label)]
    return {tuple(map(int, xy)) for c in found for xy in c.get_offsets()}


def test_roles_cross_out_camera_3_to_2_only(sysu, regdb):
    ax = trials.roles(sysu).axes[0]
    arrows = [p for p in ax.patches if isinstance(p, FancyArrowPatch)]
    assert len(arrows) == 2 * 4
    assert sum(a.get_linestyle() not in ("-", "solid") for a in arrows) == 1
    assert words(ax).count("same place: skipped") == 1
    assert sum("camera" in w for w in words(ax)) == 6
    numbers = sum(int(w.split("\n")[-1].split()[0]) for w in words(ax) if w.endswith("pictures"))
    assert numbers == len(sysu.select("test"))
    assert "indoor" in next(w for w in words(ax) if w.startswith("camera 3"))
    ax = trials.roles(regdb).axes[0]
    assert "same place: skipped" not in words(ax)
    assert {"visible\n32 pictures", "infrared\n32 pictures"} <= set(words(ax))


def test_relation_marks_every_pair(sysu):
    trial = gaps.trial(sysu, "indoor-single")
    ax = trials.relation(sysu, trial).axes[0]
    assert points(ax, "same person: to be found") == {
        (g, q) for q, g in np.argwhere(trial.same & ~trial.removed)
    }
    assert points(ax, "same person, removed") == {
        (g, q) for q, g in np.argwhere(trial.same & trial.removed)
    }
    assert {y for _, y in points(ax, "no match left")} == set(np.flatnonzero(~trial.valid))
    (block,) = ax.patches
    assert block.get_hatch()
    assert block.get_width() * block.get_height() == trial.removed.sum()
    assert ax.get_title() == f"{trial.valid.sum()} of {len(trial.query)} queries have a match"
    drawn(ax.figure)


def test_relation_without_a_rule_has_nothing_hatched(regdb):
    ax = trials.relation(regdb, gaps.trial(regdb)).axes[0]
    assert list(ax.patches) == []
    assert len(points(ax, "same person: to be found")) == 8 * 4 * 4


def test_relation_draws_on_axes_given(sysu):
    figure, axes = style.panels(2)
    trial = gaps.trial(sysu)
    assert trials.relation(sysu, trial, ax=axes[1]) is figure
    assert axes[1].get_title()
    assert not axes[0].get_title()


def test_gallery_ticks_the_right_and_crosses_the_removed(sysu):
    trial = gaps.trial(sysu)
    number = trial.example
    ax = trials.gallery(sysu, trial, number, people=8).axes[0]
    right = (trial.same & ~trial.removed)[number].sum()
    removed = trial.removed[number].sum()
    assert words(ax).count("✓") == right
    assert len(ax.lines) == 2 * removed > 0
    frames = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_linewidth() > 2]
    assert len(frames) == 1 + right
    heads = [t.get_text() for t in ax.get_xticklabels()]
    query = sysu.records[trial.query[number]]
    assert heads[0] == f"query: person {query.identity}\ninfrared, camera 3"
    assert heads[1] == str(query.identity)
    drawn(ax.figure)


def test_gallery_of_regdb_has_no_crosses(regdb):
    ax = trials.gallery(regdb, gaps.trial(regdb), 5, people=4).axes[0]
    assert len(ax.lines) == 0
    assert words(ax).count("✓") == 3  # of four shots three fit on the shelves
