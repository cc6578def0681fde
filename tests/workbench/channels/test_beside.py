"""Words and curves beside the explorer's controls."""

import numpy as np
import pytest

from bdlab.workbench.channels import beside, page, render
from bdlab.workbench.channels.numbers import Learned, flat, preset


def lines(*names):
    return [{"epoch": k, "generator": preset(name)} for k, name in enumerate(names)]


def test_a_run_that_moved_and_one_that_did_not():
    assert beside.story(lines("uniform", "luma")).startswith("Epochs 0 to 1 of a real run; largest")
    assert "nothing moved" in beside.story(lines("luma", "luma"))
    assert beside.epoch_name(0) == "the start of the run"
    assert beside.epoch_name(7) == "after epoch 7"


def test_a_mark_stands_at_its_epoch_only():
    drawn, marks = beside.curves(lines("uniform", "luma", "uniform"))
    assert set(marks) == {0, 1, 2}
    changed = (beside.marked(drawn, marks[1]) != drawn).any(axis=(0, 2))
    columns = np.flatnonzero(changed)
    for x, _, _ in marks[1]:
        assert np.abs(columns - x).min() < 2
    assert all(min(abs(c - x) for x, _, _ in marks[1]) < 8 for c in columns)
    np.testing.assert_array_equal(beside.marked(drawn, []), drawn)


def test_every_view_has_a_figure():
    rng = np.random.default_rng(0)
    pair = rng.integers(0, 256, (2, 24, 12, 3), dtype=np.uint8)
    made = render.render(*pair, preset("uniform"))
    assert len({len(beside.of_view(view, made).axes) for view in page.VIEWS}) > 1
    with pytest.raises(KeyError):
        beside.of_view("everything", made)


def a_side(name, space="normalised"):
    return beside.Side(tuple(flat(preset(name, space))), space, "a cell", "learned", None)


def by(name, space="normalised"):
    pair = np.random.default_rng(0).integers(0, 256, (2, 24, 12, 3), dtype=np.uint8)
    return render.render(*pair, preset(name, space), space)


def test_the_difference_in_words_is_that_of_the_numbers():
    same = beside.difference(a_side("luma"), a_side("luma"), [by("luma"), by("luma")])
    assert same.startswith("All ten numbers are the same.")
    assert "D_V looks the same, D_I looks the same" in same
    made = [by("uniform"), by("luma")]
    said = beside.difference(a_side("uniform"), a_side("luma"), made)
    assert said.startswith("G_S red differs most: +0.33 in A, +1.00 in B. E_V bias differs least")
    for modality, word in zip((page.DV, page.DI), ("D_V", "D_I"), strict=True):
        first, second = (one.shown[modality].astype(int) for one in made)
        assert f"{word} differs by {100 * np.abs(first - second).mean() / 255:.0f} %" in said
    for side, one in zip("AB", made, strict=True):
        assert f"{100 * one.clipped.mean():.0f} %" in said.split("clips")[1], side
    spaces = beside.difference(
        a_side("luma"), a_side("luma", "unit"), [by("luma"), by("luma", "unit")]
    )
    assert "compare their pictures, not their numbers" in spaces


def test_the_table_holds_both_and_what_lies_between():
    told = beside.table(a_side("uniform"), a_side("luma"))
    assert told.count("<tr>") == 5
    assert told.count("<td>+0.67</td>") == 3, "G_S's weights went from a third to one"
    assert beside.table(a_side("uniform"), a_side("luma", "unit")).count("<tr>") == 4


def test_a_run_stands_beside_at_each_of_its_epochs():
    run = Learned(preset("luma"), lines("uniform", "luma"), "normalised", "a cell")
    assert beside.epochs(run) == [0, 1]
    assert beside.side(run, 0).numbers == tuple(flat(preset("uniform")))
    assert beside.side(run, 1).name == "a cell, after epoch 1"
    none = Learned(preset("luma"), [], "normalised", "a cell")
    assert beside.epochs(none) == [beside.LAST]
    assert beside.side(none, beside.LAST).numbers == tuple(flat(preset("luma")))
    with pytest.raises(KeyError):
        beside.side(run, 7)
