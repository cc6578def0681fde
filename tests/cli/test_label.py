"""What a set is not is said before anything is trained, wherever its cells are made."""

from click.testing import CliRunner

from bdlab import cli
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


def test_train_says_so_too(tmp_path, monkeypatch):
    monkeypatch.setenv("BDLAB_DATA", str(tmp_path / "data"))
    root = trees.regdb(tmp_path / "set", identities=16)

    def stop(*_):
        raise KeyboardInterrupt  # where the training would begin

    monkeypatch.setattr(sweep, "train", stop)
    words = ["train", "B2", "--data", "regdb", "--root", root, "--preset", "smoke"]
    done = CliRunner().invoke(cli.main, [*map(str, words), "--out", str(tmp_path / "runs")])
    assert "note: not the published RegDB: " in done.stderr
    assert done.exit_code == 130


def test_a_twin_needs_no_note(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BDLAB_DATA", str(tmp_path / "data"))
    sweep.cells("table4", "synthetic-regdb", None, "smoke", [0], [1], {}, ["MDL4"])
    assert "note:" not in capsys.readouterr().err
