"""Reference runs: small, without weights or paths, shown as shipped until own runs exist; what is
damaged is said and never fatal.
"""

import json
import shutil

import pytest
import torch

from bdlab import report
from bdlab.experiments import cell, reference, runs, sweeps
from tests.report.test_report import put


@pytest.fixture
def out(tmp_path):
    """Own runs of two rows, one of them with a path in its parameters."""
    for seed in range(2):
        put(tmp_path / "runs", "B2", seed, 0.3 + 0.01 * seed, people=[0.2, 0.4])
        root = str(tmp_path / "secret" / "set")
        put(tmp_path / "runs", "MDL4", seed, 0.4, people=[0.3, 0.5], root=root)
    return tmp_path / "runs"


@pytest.fixture
def shipped(out, tmp_path, monkeypatch):
    """The same runs, packed where a fresh clone would have them."""
    place = tmp_path / "reference"
    reference.pack(out, place, "bdlab run table4 --seeds 0,1")
    monkeypatch.setattr(reference, "FOLDER", place)
    monkeypatch.setattr(reference.load, "__defaults__", (place,))
    return place


def damage(folder, text):
    (folder / "result.json").write_text(text)


def changed(folder, **changes):
    result = json.loads((folder / "result.json").read_text())
    return json.dumps(result | changes)


class TestPack:
    def test_it_says_how_it_was_made_and_holds_no_weights(self, shipped, tmp_path):
        files = {path.name for path in shipped.glob("*/*")}
        assert files == {"result.json", "history.jsonl"}
        result = json.loads(next(shipped.glob("*/result.json")).read_text())
        assert result["shipped"]["command"] == "bdlab run table4 --seeds 0,1"
        assert result["provenance"]["git_sha"] == "a" * 40
        assert result["provenance"]["threads"] == 1
        for path in shipped.glob("*/*"):
            assert str(tmp_path) not in path.read_text()

    def test_the_scores_are_those_of_the_runs(self, out, shipped):
        own = {folder.name: result for folder, result, _ in runs.committed(out)}
        ours = {folder.name: result for folder, result, _ in reference.load(shipped)}
        assert own.keys() == ours.keys()
        for name, result in own.items():
            for setting, score in result["scores"].items():
                assert ours[name]["scores"][setting]["mean"] == pytest.approx(score["mean"])

    def test_a_long_history_is_thinned_and_keeps_its_last_epoch(self, tmp_path):
        folder = put(tmp_path / "runs", "B2")
        for epoch in range(3, 64):
            runs.append_line(folder / "history.jsonl", {"epoch": epoch, "terms": {}})
        (packed,) = reference.pack(tmp_path / "runs", tmp_path / "to")
        epochs = [line["epoch"] for line in runs.read_lines(packed / "history.jsonl")]
        assert epochs[-1] == 63
        assert len(epochs) <= reference.EPOCHS
        assert epochs == sorted(epochs)

    def test_more_than_the_limit_is_refused_and_nothing_written(self, out, tmp_path, monkeypatch):
        monkeypatch.setattr(reference, "MOST_BYTES", 1000)
        with pytest.raises(runs.RunError, match="at most 1,000 are"):
            reference.pack(out, tmp_path / "to")
        assert not (tmp_path / "to").exists()

    def test_code_that_is_in_no_commit_is_refused(self, tmp_path):
        put(tmp_path, "B2", more={"git_dirty": True})
        with pytest.raises(runs.RunError, match="in no commit"):
            reference.pack(tmp_path, tmp_path / "to")

    def test_the_command_line(self, out, tmp_path, capsys):
        assert reference.main(["pack", str(out), "--to", str(tmp_path / "to")]) == 0
        assert "4 reference runs" in capsys.readouterr().out
        assert reference.main(["pack", str(tmp_path / "nothing"), "--to", str(tmp_path)]) == 2
        assert "no finished cell" in capsys.readouterr().err


class TestShown:
    def test_they_stand_in_until_own_runs_exist(self, shipped, tmp_path):
        (table,) = report.find(tmp_path / "nothing", "table4")
        assert table.shipped
        assert table.counts["MDL4"] == 2
        assert "(ours, shipped with bdlab)" in report.text(table)
        put(tmp_path / "mine", "B2", 5, 0.9)
        (own,) = report.find(tmp_path / "mine", "table4")
        assert not own.shipped
        assert own.counts["B2"] == 1

    def test_a_table_of_them_has_every_form(self, shipped, tmp_path):
        (table,) = report.find(tmp_path / "nothing")
        for form in ("text", "to_html", "to_markdown", "to_latex"):
            assert "shipped with bdlab" in getattr(report, form)(table), form
        assert table.people["MDL4", "B2"][0] == pytest.approx(10)

    def test_own_folders_alone_can_be_asked(self, shipped, tmp_path):
        assert report.find(tmp_path / "nothing", shipped=False) == []

    @pytest.mark.parametrize(
        "text", ["{", "[]", "{}", '{"shipped": {}}', '{"shipped": {}, "params": 3}', ""]
    )
    def test_a_damaged_one_is_said_and_never_fatal(self, shipped, tmp_path, text):
        folder = sorted(shipped.iterdir())[0]
        damage(folder, text)
        (table,) = report.find(tmp_path / "nothing")
        assert sum(table.counts.values()) == 3
        assert any(f"{folder.name} is damaged" in words for words in table.warnings)

    @pytest.mark.parametrize("value", [1.5, -0.1, "0.3", None])
    def test_a_score_that_is_none_is_damaged(self, shipped, value):
        folder = sorted(shipped.iterdir())[0]
        damage(folder, changed(folder, scores={"v2t": {"mean": {"R1": value}}}))
        faults = [fault for _, _, fault in reference.load(shipped) if fault]
        assert faults == ["the scores of v2t are no fractions in [0, 1]"]

    def test_a_missing_history_is_damaged(self, shipped):
        (sorted(shipped.iterdir())[0] / "history.jsonl").unlink()
        assert sum(fault is not None for *_, fault in reference.load(shipped)) == 1

    def test_no_folder_is_no_reference_run(self, tmp_path):
        assert list(reference.load(tmp_path / "nothing")) == []


@pytest.fixture(scope="module")
def own(own_place, tmp_path_factory):
    """A finished cell of the real trainer, at smoke size."""
    out = tmp_path_factory.mktemp("runs")
    config = sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb", {"lr": 0.0123456789})
    with pytest.MonkeyPatch.context() as patch:
        clean = {"git_sha": "a" * 40, "git_dirty": False, "git_note": None}
        patch.setattr(cell, "git_state", lambda: clean)
        return cell.make(cell.of(config), config, out)


class TestTrained:
    """Two cells ship with their weights; they open like any finished cell."""

    ASKED = ("MDL4", "synthetic-regdb")

    @pytest.fixture
    def place(self, own, tmp_path, monkeypatch):
        reference.pack(own.parent, tmp_path / "reference", "bdlab train MDL4", [own.name])
        monkeypatch.setattr(reference, "FOLDER", tmp_path / "reference")
        return tmp_path / "reference" / own.name

    def test_it_is_the_cell_that_was_packed(self, own, place, tmp_path):
        opened = reference.trained(*self.ASKED, tmp_path / "runs")
        assert runs.check(opened) is None
        assert opened.name == own.name
        result = json.loads((opened / "result.json").read_text())
        assert runs.Cell.from_result(result).name == own.name, "no parameter lost a digit"
        theirs, ours = cell.load(own).state_dict(), cell.load(opened).state_dict()
        assert theirs.keys() == ours.keys()
        assert all(torch.equal(value, ours[name]) for name, value in theirs.items())

    def test_it_lies_in_the_cache_unless_told_otherwise(self, place, tmp_path, monkeypatch):
        monkeypatch.setenv("BDLAB_CACHE", str(tmp_path / "cache"))
        assert reference.trained(*self.ASKED).parent == tmp_path / "cache" / "shipped"

    def test_it_is_unpacked_once_and_again_where_it_was_damaged(self, place, tmp_path):
        opened = reference.trained(*self.ASKED, tmp_path / "runs")
        before = (opened / "weights.pt").stat().st_mtime_ns
        assert reference.trained(*self.ASKED, tmp_path / "runs") == opened
        assert (opened / "weights.pt").stat().st_mtime_ns == before
        good = (opened / "weights.pt").read_bytes()
        (opened / "weights.pt").write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        reference.trained(*self.ASKED, tmp_path / "runs")
        assert (opened / "weights.pt").read_bytes() == good

    def test_a_film_comes_along_and_one_of_the_readers_own_stays(self, own, place, tmp_path):
        opened = reference.trained(*self.ASKED, tmp_path / "runs")
        assert not (opened / reference.FILM).exists()
        (opened / reference.FILM).write_bytes(b"a reader's")
        reference.trained(*self.ASKED, tmp_path / "runs")
        assert (opened / reference.FILM).read_bytes() == b"a reader's"
        (own / reference.FILM).write_bytes(b"the cell's")
        try:
            reference.pack(own.parent, place.parent, "bdlab train MDL4", [own.name])
        finally:
            (own / reference.FILM).unlink()
        assert (place / reference.FILM).read_bytes() == b"the cell's"
        reference.trained(*self.ASKED, tmp_path / "runs")
        assert (opened / reference.FILM).read_bytes() == b"the cell's"
        unpacked = json.loads((opened / "result.json").read_text())["provenance"]
        first = json.loads((own / "result.json").read_text())["provenance"]
        assert unpacked["unpacked_from"] == first["weights_sha256"]

    def test_another_notebook_that_was_first_is_no_fault(self, place, tmp_path, monkeypatch):
        first = reference.trained(*self.ASKED, tmp_path / "first")

        def late(path, *_, **__):  # between our look and our rename the other one has finished
            shutil.copytree(first, path, dirs_exist_ok=True)

        monkeypatch.setattr(reference.shutil, "rmtree", late)
        opened = reference.trained(*self.ASKED, tmp_path / "runs")
        monkeypatch.undo()
        assert runs.check(opened) is None

    def test_what_did_not_come_is_named_with_what_did(self, place, tmp_path):
        said = r"no trained cell of B2 on synthetic-sysu .*MDL4 on synthetic-regdb.*bdlab train B2"
        with pytest.raises(runs.RunError, match=said):
            reference.trained("B2", "synthetic-sysu", tmp_path)

    @pytest.mark.parametrize("harm", [lambda b: b[:-9], lambda b: b"", lambda b: b"{}" + b])
    def test_damaged_weights_are_said(self, place, tmp_path, harm):
        file = place / reference.WEIGHTS
        file.write_bytes(harm(file.read_bytes()))
        with pytest.raises(runs.RunError, match="damaged"):
            reference.trained(*self.ASKED, tmp_path / "runs")
        assert not list((tmp_path / "runs").glob("*"))

    def test_large_weights_and_cells_that_are_not_there_are_refused(
        self, own, tmp_path, monkeypatch
    ):
        with pytest.raises(runs.RunError, match="no finished cell nothing"):
            reference.pack(own.parent, tmp_path / "to", weights=["nothing"])
        monkeypatch.setattr(reference, "MOST_WEIGHTS", 1000)
        with pytest.raises(runs.RunError, match="take a smaller backbone"):
            reference.pack(own.parent, tmp_path / "to", weights=[own.name])
        assert not (tmp_path / "to").exists()
