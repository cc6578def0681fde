"""What a set is not is said before anything is trained, wherever its cells are made."""

from bdlab.cli import sweep
from tests.datasets import trees


def test_a_part_of_regdb_is_named_before_it_is_trained_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BDLAB_DATA", str(tmp_path / "data"))
    root = trees.regdb(tmp_path / "set", identities=16)
    assert len(sweep.cells("table4", "regdb", root, "smoke", [0], [1], {}, ["MDL4", "B2"])) == 2
    said = capsys.readouterr().err
    assert said.count("note: not the published RegDB") == 1
    assert "8 test identities, published 206" in said
    assert "labelled as not comparable" in said


def test_a_twin_needs_no_note(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BDLAB_DATA", str(tmp_path / "data"))
    sweep.cells("table4", "synthetic-regdb", None, "smoke", [0], [1], {}, ["MDL4"])
    assert "note:" not in capsys.readouterr().err
