"""Words and curves beside the explorer's controls."""

import numpy as np
import pytest

from bdlab.workbench.channels import beside, page, render
from bdlab.workbench.channels.numbers import preset


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
