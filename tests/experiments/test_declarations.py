"""A sweep's declaration: written before the first cell, never turned afterwards, seeds that never
began counted.
"""

import json

import pytest

from bdlab.config import ConfigError
from bdlab.experiments import declarations, runs, sweeps
from tests.experiments.test_runs import PRINT, fill

MINE = """name: mine
title: My own ablation
baseline: Zeta
rows:
  Alpha: {modalities: V I, pairs: V-I}
  Zeta: {modalities: V I DV, pairs: V-I I-DV}
"""


def write(place, text=MINE):
    (place / "mine.yaml").write_text(text)
    return str(place / "mine.yaml")


def cells(name, seeds=(0,), **changes):
    configs = sweeps.configs(name, "folder", "smoke", seeds, changes=changes)
    return [runs.Cell(config.flat(), PRINT) for config in configs]


def declare(out, name, seeds=(0,), **changes):
    asked = cells(name, seeds, **changes)
    return sweeps.declare(out, sweeps.sweep(name), asked, changes, f"bdlab run {name}")


def test_it_is_read_as_it_was_declared(tmp_path):
    name = write(tmp_path)
    now = declare(tmp_path, name, seeds=(0, 1), gamma=2.0)
    (tmp_path / "mine.yaml").unlink()
    assert sweeps.declared(tmp_path, "mine") == now
    assert (now.sweep.title, now.sweep.baseline) == ("My own ablation", "Zeta")
    assert now.sweep.contrasts == (("Alpha", "Zeta"),)
    assert list(now.sweep.rows) == ["Alpha", "Zeta"]
    assert now.sweep.yaml_sha256 is not None
    (asked,) = now.asked
    assert (asked["seeds"], asked["splits"], asked["set"]) == ([0, 1], [1], {"gamma": 2.0})
    assert asked["command"] == f"bdlab run {name}"
    assert asked["data"] == ["folder"]


def test_the_parameters_of_an_asked_cell_come_back_whole(tmp_path):
    asked = cells("table4")
    now = declare(tmp_path, "table4")
    for cell in asked:
        params = {k: v for k, v in cell.params.items() if k not in runs.NOT_IDENTITY}
        assert params.items() <= now.cells[cell.name].items()


def test_there_is_none_where_nothing_was_declared(tmp_path):
    assert sweeps.declared(tmp_path, "mine") is None
    assert declarations.every(tmp_path) == {}


def test_askings_add_up_and_repetitions_do_not(tmp_path):
    declare(tmp_path, "table4", seeds=(0,))
    path = tmp_path / "sweeps" / "table4.json"
    before = path.read_bytes()
    declare(tmp_path, "table4", seeds=(0,))
    assert path.read_bytes() == before
    now = declare(tmp_path, "table4", seeds=(0, 1, 2))
    assert [asked["seeds"] for asked in now.asked] == [[0], [0, 1, 2]]
    assert len(now.cells) == 6 * 3
    assert list(declarations.every(tmp_path)) == ["table4"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("baseline: Zeta", "baseline: Alpha", "the baseline was Zeta, is Alpha"),
        ("title:", "contrasts: [[Alpha, Zeta], [Zeta, Alpha]]\ntitle:", "other contrasts"),
        ("pairs: V-I}", "pairs: ''}", "the row Alpha was"),
        ("  Zeta:", "  More: {gamma: 3.0}\n  Zeta:", "the row More is new"),
    ],
)
def test_another_declaration_of_the_name_is_refused(tmp_path, old, new, said):
    name = write(tmp_path)
    declare(tmp_path, name)
    before = (tmp_path / "sweeps" / "mine.json").read_bytes()
    write(tmp_path, MINE.replace(old, new))
    with pytest.raises(ConfigError, match=said) as caught:
        declare(tmp_path, name)
    assert "another name" in str(caught.value)
    assert (tmp_path / "sweeps" / "mine.json").read_bytes() == before


def test_a_title_may_be_mended(tmp_path):
    declare(tmp_path, write(tmp_path))
    declare(tmp_path, write(tmp_path, MINE.replace("My own", "Our own")))


def test_asked_seeds_that_never_began_are_known(tmp_path):
    now = declare(tmp_path, "table4", seeds=(0, 1))
    done, begun, aside, *rest = cells("table4", seeds=(0, 1))
    attempt = runs.begin(tmp_path, done)
    fill(attempt, done)
    runs.commit(tmp_path, done.name, attempt)
    runs.begin(tmp_path, begun)
    (tmp_path / ".invalid" / f"{aside.name}-1").mkdir(parents=True)
    missing = sweeps.never_begun(tmp_path, now)
    assert set(missing) == {cell.name for cell in rest}
    assert {params["seed"] for params in missing.values()} == {0, 1}


def test_a_damaged_declaration_is_named(tmp_path):
    declare(tmp_path, "table4")
    path = tmp_path / "sweeps" / "table4.json"
    about = json.loads(path.read_text())
    del about["rows"]
    for text in ("{", json.dumps(about), "[]"):
        path.write_text(text)
        with pytest.raises(runs.RunError, match=r"table4\.json"):
            sweeps.declared(tmp_path, "table4")


def test_two_that_declare_at_once_lose_nothing(tmp_path, monkeypatch):
    """The second waits for the first; without the lock one asking would be lost."""
    asked = cells("table4", seeds=(7,))
    real = runs.write_json

    def other_comes_first(path, value):
        lock = declarations._alone(tmp_path / "sweeps" / ".table4.lock", patience=0.0)
        with pytest.raises(runs.RunError, match="held by"), lock:
            pass
        real(path, value)

    monkeypatch.setattr(runs, "write_json", other_comes_first)
    now = sweeps.declare(tmp_path, sweeps.sweep("table4"), asked)
    assert {cell.name for cell in asked} == set(now.cells)
