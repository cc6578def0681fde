"""Sweeps by name and from YAML: cells, order, and every way to get a file wrong."""

import pytest

from bdlab import recipes
from bdlab.config import ConfigError

MINE = """
name: mine
title: My own ablation
baseline: plain
rows:
  plain: {modalities: V I, pairs: V-I}
  grey: {modalities: V I DV, pairs: V-I I-DV, gamma: 2.0, margin_cross: 0.7}
"""


def test_cells_are_rows_times_splits_times_seeds_and_the_slowest_come_first():
    found = recipes.configs("table4", "regdb", "demo", seeds=(0, 1), splits=(1, 2, 3))
    assert len(found) == 6 * 2 * 3
    assert len({(c.run.row, c.data.split, c.run.seed) for c in found}) == len(found)
    assert [len(c.modalities) for c in found] == sorted((len(c.modalities) for c in found), reverse=True)


def test_a_sweep_of_ones_own(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)
    sweep = recipes.sweep(str(file))
    assert (sweep.name, sweep.baseline, list(sweep.rows)) == ("mine", "plain", ["plain", "grey"])
    config = recipes.configure(str(file), "grey", "demo", "folder")
    assert (config.run.sweep, config.run.row, config.loss.gamma, config.loss.margin_cross) == ("mine", "grey", 2.0, 0.7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rows: [a, b]", "needs `rows`"),
        ("name: x", "needs `rows`"),
        ("- 1", "needs `rows`"),
        ("rows: {a: 5}", "needs `rows`"),
        ("rows: {a: {}}\nbaseline: b", "the baseline 'b' is not one of the rows"),
        ("rows: {a: {}}\nsteps: 5", "unknown entry 'steps'"),
        ("rows: {a: {}}\nsteps: 5\n7: 8", "unknown entry '7'"),
        ("rows: {a: {}}\nname: table4", "'table4' is taken"),
        ("rows: {a: {}}\nname: ../../up", "not plain"),
        ("rows: {a: [", "cannot be read"),
        ("a: !!python/object/apply:os.getcwd []", "cannot be read"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path, text, said):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        recipes.sweep(str(file))
    assert str(file) in str(caught.value)


def test_a_wrong_parameter_in_a_row_is_found_before_anything_runs(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("rows: {a: {gama: 1.0}}")
    with pytest.raises(ConfigError, match="did you mean 'gamma'"):
        recipes.configs(str(file), "folder")
    file.write_text("rows: {a: {lr: 1e-3}}")
    with pytest.raises(ConfigError, match="YAML reads 1e-3 as text"):
        recipes.configs(str(file), "folder")


def test_unknown_names_say_what_there_is():
    with pytest.raises(ConfigError, match="did you mean table4"):
        recipes.sweep("tabel4")
    with pytest.raises(ConfigError, match="unknown row 'B3' of table4: choose one of B1, B2"):
        recipes.configure("table4", "B3", "demo", "regdb")
    with pytest.raises(ConfigError, match="cannot be read"):
        recipes.sweep("absent.yaml")
