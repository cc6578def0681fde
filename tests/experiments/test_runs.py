"""The run contract: names, attempts, the one rename, invalid folders, status."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bdlab.config import FIELDS, INTRODUCED, Config, from_flat
from bdlab.experiments import runs

PRINT = "f" * 64


def cell(**changes):
    return runs.Cell(from_flat({"data": "folder", "epochs": 3, **changes}).flat(), PRINT)


def fill(attempt, c, **result):
    """What a finished notebook leaves in its attempt."""
    (attempt / "weights.pt").write_bytes(b"weights")
    runs.append_line(attempt / "history.jsonl", {"epoch": 1})
    mean = dict.fromkeys(runs.METRICS, 0.5)
    whole = {
        "schema": runs.SCHEMA,
        "params": dict(c.params),
        "scores": {"v2t": {"mean": mean}},
        "provenance": {
            "fingerprint": c.fingerprint,
            "weights_bytes": 7,
            "weights_sha256": hashlib.sha256(b"weights").hexdigest(),
        },
    }
    runs.write_json(attempt / "result.json", whole | result)


def committed(out, c):
    attempt = runs.begin(out, c)
    fill(attempt, c)
    assert runs.commit(out, c.name, attempt)
    return out / c.name


class TestNames:
    def test_a_name_reads_sweep_row_data_split_seed_hash(self):
        name = cell(sweep="table4", row="MDL4", seed=3, split=2).name
        assert name.startswith("table4-MDL4-folder-2-3-")
        assert len(name.rsplit("-", 1)[1]) == 8

    def test_every_parameter_but_place_and_saving_changes_it(self):
        base = Config().flat()
        plain = runs.Cell(base, PRINT).name
        for name, value in base.items():
            kinds = {int: 7, float: 0.123, str: "other", bool: not value, type(None): "other"}
            changed = runs.Cell(base | {name: kinds[type(value)]}, PRINT).name
            assert (changed == plain) == (name in runs.NOT_IDENTITY), name
        assert runs.Cell(base, "e" * 64).name != plain
        assert runs.Cell(base, PRINT, {"permutations": "a" * 64}).name != plain

    def test_a_file_counts_by_what_it_holds_not_by_where_it_lies(self):
        def name(weights, sha):
            params = from_flat({"weights": weights}).flat()
            return runs.Cell(params, PRINT, {"weights": sha}).name

        assert name("a.pth", "1" * 64) == name("elsewhere/b.pth", "1" * 64)
        assert name("a.pth", "1" * 64) != name("a.pth", "2" * 64)


class TestReleases:
    """A later release has more parameters and more metrics: what is finished stays finished."""

    def test_the_name_of_a_cell_is_for_ever(self):
        # hashed by hand once: sha256 of [changed parameters, fingerprint, files] as sorted JSON
        assert cell(seed=3).name == "single-Ours-folder-1-3-3c3d7248"

    def test_values_of_introduction_are_never_changed(self):
        first = json.loads((Path(__file__).parent / "introduced-0.1.json").read_text())
        assert {name: INTRODUCED[name] for name in first} == first

    def test_every_parameter_has_one(self):
        assert set(FIELDS) <= set(INTRODUCED)

    def test_a_parameter_with_a_default_renames_nothing(self, monkeypatch):
        old = cell()
        monkeypatch.setitem(INTRODUCED, "colour_jitter", 0.0)
        assert runs.Cell({**old.params, "colour_jitter": 0.0}, PRINT).name == old.name
        assert runs.Cell({**old.params, "colour_jitter": 0.4}, PRINT).name != old.name

    def test_nor_does_another_default_of_an_old_parameter(self):
        """Today's default is what is computed, whatever the first release's was."""
        params = dict(cell().params)
        assert runs.Cell(params | {"pad": 7}, PRINT).name != runs.Cell(params, PRINT).name

    def test_without_the_table_every_name_would_change(self, monkeypatch):
        """The broken variant: a hash over all parameters."""
        old = cell()
        monkeypatch.setattr(runs, "identity", dict)
        assert runs.Cell({**old.params, "colour_jitter": 0.0}, PRINT).name != cell().name

    def test_a_finished_cell_stays_finished_and_valid(self, tmp_path, monkeypatch):
        old = cell()
        folder = committed(tmp_path, old)
        monkeypatch.setitem(INTRODUCED, "colour_jitter", 0.0)
        monkeypatch.setattr(runs, "SCHEMA", 2)
        monkeypatch.setitem(runs.SCHEMAS, 2, (*runs.METRICS, "R50"))
        now = runs.Cell({**old.params, "colour_jitter": 0.0}, PRINT)
        assert runs.done(tmp_path, now)["scores"]["v2t"]["mean"]["R1"] == 0.5
        assert [s.word for s in runs.status(tmp_path)] == ["done"]
        assert folder.is_dir()

    def test_a_result_of_the_new_schema_needs_the_new_metric(self, tmp_path, monkeypatch):
        """The broken variant: a record of schema 2 with the metrics of schema 1."""
        folder = committed(tmp_path, cell())
        monkeypatch.setitem(runs.SCHEMAS, 2, (*runs.METRICS, "R50"))
        result = json.loads((folder / "result.json").read_text())
        runs.write_json(folder / "result.json", result | {"schema": 2})
        assert "v2t R50 is None" in runs.check(folder)

    def test_odd_row_names_stay_inside_the_folder(self):
        for row in ("../../up", "a/b", "..", "", "B2 + MML"):
            name = cell(row=row).name
            assert "/" not in name
            assert not name.startswith(".")


class TestCommit:
    def test_a_cell_appears_whole(self, tmp_path):
        c = cell()
        attempt = runs.begin(tmp_path, c)
        (attempt / "checkpoint-00000001.pt").write_bytes(b"x")
        fill(attempt, c)
        assert runs.done(tmp_path, c) is None
        assert runs.commit(tmp_path, c.name, attempt)
        assert runs.done(tmp_path, c)["scores"]["v2t"]["mean"]["R1"] == 0.5
        assert sorted(p.name for p in (tmp_path / c.name).iterdir()) == sorted(runs.FILES)
        assert not attempt.exists()

    def test_the_second_commit_loses_and_changes_nothing(self, tmp_path):
        c = cell()
        one, two = runs.begin(tmp_path, c), runs.begin(tmp_path, c)
        assert one != two
        fill(one, c)
        fill(two, c, scores={"v2t": {"mean": dict.fromkeys(runs.METRICS, 0.9)}})
        assert runs.commit(tmp_path, c.name, one)
        assert not runs.commit(tmp_path, c.name, two)
        assert runs.done(tmp_path, c)["scores"]["v2t"]["mean"]["R1"] == 0.5
        assert not two.exists()

    @pytest.mark.parametrize("missing", runs.FILES)
    def test_half_a_result_is_not_committed(self, tmp_path, missing):
        c = cell()
        attempt = runs.begin(tmp_path, c)
        fill(attempt, c)
        (attempt / missing).unlink()
        with pytest.raises(runs.RunError, match=f"{missing} is missing"):
            runs.commit(tmp_path, c.name, attempt)
        assert not (tmp_path / c.name).exists()

    def test_dead_attempts_go_with_the_commit_and_live_ones_stay(self, tmp_path):
        c = cell()
        dead, live = runs.begin(tmp_path, c), runs.begin(tmp_path, c)
        gone = subprocess.run(
            [sys.executable, "-c", "import os; print(os.getpid())"],
            capture_output=True,
            text=True,
            check=True,
        )
        runs.write_json(
            dead / "attempt.json",
            json.loads((dead / "attempt.json").read_text()) | {"pid": int(gone.stdout)},
        )
        committed(tmp_path, c)
        assert not dead.exists()
        assert live.exists()


class TestInvalid:
    BREAKS = {
        "cut json": lambda f: (f / "result.json").write_text('{"schema": 1, "par'),
        "another schema": lambda f: runs.write_json(
            f / "result.json", json.loads((f / "result.json").read_text()) | {"schema": 99}
        ),
        "no weights": lambda f: (f / "weights.pt").unlink(),
        "a flipped bit in the weights": lambda f: (f / "weights.pt").write_bytes(b"weighus"),
        "cut weights": lambda f: (f / "weights.pt").write_bytes(b"we"),
        "no history": lambda f: (f / "history.jsonl").unlink(),
        "other params": lambda f: runs.write_json(f / "params.json", {"seed": 5}),
        "score out of range": lambda f: (f / "result.json").write_text(
            (f / "result.json").read_text().replace("0.5", "50.0")
        ),
        "score NaN": lambda f: (f / "result.json").write_text(
            (f / "result.json").read_text().replace("0.5", "NaN")
        ),
        "a list": lambda f: (f / "result.json").write_text("[]"),
    }

    @pytest.mark.parametrize("damage", BREAKS.values(), ids=BREAKS)
    def test_an_invalid_cell_is_moved_aside_and_reported_not_deleted(self, tmp_path, damage):
        c = cell()
        folder = committed(tmp_path, c)
        assert runs.check(folder) is None
        damage(folder)
        # status does not read the weights, a rerun does
        if damage is not self.BREAKS["a flipped bit in the weights"]:
            assert [s.word for s in runs.status(tmp_path)] == ["invalid"]
        assert runs.done(tmp_path, c) is None
        assert not folder.exists()
        (aside,) = (tmp_path / ".invalid").iterdir()
        assert json.loads((aside / "invalid.json").read_text())["reason"]
        committed(tmp_path, c)
        assert runs.done(tmp_path, c)

    def test_a_folder_renamed_by_hand_does_not_count(self, tmp_path):
        a, b = cell(seed=1), cell(seed=2)
        os.rename(committed(tmp_path, a), tmp_path / b.name)
        assert runs.done(tmp_path, b) is None


class TestStatus:
    def test_every_state_has_its_word(self, tmp_path):
        committed(tmp_path, cell(seed=0))
        runs.fail(runs.begin(tmp_path, cell(seed=1)), "ValueError: no")
        running = runs.begin(tmp_path, cell(seed=2))
        runs.append_line(running / "history.jsonl", {"epoch": 1})
        stopped = runs.begin(tmp_path, cell(seed=3))
        gone = subprocess.run(
            [sys.executable, "-c", "import os; print(os.getpid())"],
            capture_output=True,
            text=True,
            check=True,
        )
        runs.write_json(
            stopped / "attempt.json",
            json.loads((stopped / "attempt.json").read_text()) | {"pid": int(gone.stdout)},
        )
        states = {s.name.split("-")[-2]: s for s in runs.status(tmp_path)}
        assert {k: s.word for k, s in states.items()} == {
            "0": "done",
            "1": "failed",
            "2": "running",
            "3": "interrupted",
        }
        assert states["1"].note == "ValueError: no"
        assert (states["2"].epochs, states["2"].of) == (1, 3)

    def test_an_empty_or_absent_folder_has_no_cells(self, tmp_path):
        assert runs.status(tmp_path) == runs.status(tmp_path / "absent") == []

    def test_a_report_or_a_stray_folder_is_no_cell(self, tmp_path):
        (tmp_path / "report").mkdir()
        (tmp_path / "notes.txt").write_text("mine")
        assert runs.status(tmp_path) == []

    @pytest.mark.parametrize(
        "file", ["failure.json", "params.json", "attempt.json", "history.jsonl"]
    )
    @pytest.mark.parametrize("text", ["", "[1]", "{", "5"])
    def test_damaged_notes_of_an_attempt_are_no_crash(self, tmp_path, file, text):
        (runs.begin(tmp_path, cell()) / file).write_text(text)
        assert len(runs.status(tmp_path)) == 1


class TestFiles:
    def test_a_cut_last_line_of_a_history_is_passed_over(self, tmp_path):
        path = tmp_path / "history.jsonl"
        runs.append_line(path, {"epoch": 1})
        with path.open("a") as file:
            file.write('{"epoch": 2, "te')
        assert runs.read_lines(path) == [{"epoch": 1}]

    def test_nan_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="not JSON compliant"):
            runs.write_json(tmp_path / "x.json", {"a": float("nan")})
        assert not (tmp_path / "x.json").exists()

    def test_a_write_into_no_folder_names_it(self, tmp_path):
        with pytest.raises(runs.WriteError, match=r"absent/x\.json.*ENOENT"):
            runs.write_json(tmp_path / "absent" / "x.json", {})
