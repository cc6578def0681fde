"""What a sweep is doing, read from a folder with faked cells that run, fail and stop."""

import builtins
import json
import os
from pathlib import Path

import pytest

from bdlab.experiments import declarations, runs, sweeps
from bdlab.workbench.comparison import progress
from bdlab.workbench.comparison.progress import Glance
from tests.experiments.test_runs import PRINT
from tests.report.test_report import put


def cell_of(row, seed=0):
    flat = sweeps.configure("table4", row, "demo", "regdb", {"seed": seed}).flat()
    return runs.Cell(flat, PRINT)


def running(out, row, epochs=0, seed=0):
    """A cell that this process seems to train, some epochs along; its attempt's folder."""
    attempt = runs.begin(out, cell_of(row, seed))
    for epoch in range(1, epochs + 1):
        one_more(attempt, epoch)
    return attempt


def one_more(attempt, epoch):
    terms = {"total": 3.0 / epoch, "id": 2.0 / epoch, "spread": 9.0, "gradient": 9.0}
    runs.append_line(attempt / "history.jsonl", {"epoch": epoch, "terms": terms, "generator": {}})


def ended(attempt):
    """Its process is another machine's and has left no claim: nobody works on it."""
    note = json.loads((attempt / "attempt.json").read_text())
    runs.write_json(attempt / "attempt.json", note | {"machine": "another"})


class TestGlance:
    def test_running_failed_stopped_and_finished(self, out):
        running(out, "MDL3", 2)
        runs.fail(running(out, "MDL1", 1), "out of memory")
        ended(running(out, "MDL3", seed=1))
        seen = Glance(out).look()
        assert seen["finished"] == 20
        told = [(one["row"], one["word"], one["epoch"], one["note"]) for one in seen["cells"]]
        assert told == [
            ("MDL3", "running", 2, ""),
            ("MDL1", "failed", 1, "out of memory"),
            ("MDL3", "interrupted", 0, ""),
        ]
        first = seen["cells"][0]
        assert first["of"] == cell_of("MDL3").params["epochs"]
        assert first["losses"] == {"total": 1.5, "id": 1.0}, "neither spread nor gradient"
        assert first["curve"] == [3.0, 1.5]
        assert (first["data"], first["seed"], first["split"]) == ("regdb", 0, 1)
        assert progress.words(seen) == "20 finished, 1 running, 1 failed, 1 interrupted"
        assert progress.goes_on(seen)

    def test_what_was_asked_and_not_begun_waits(self, tmp_path):
        sweep = sweeps.SWEEPS["table4"]
        cells = [cell_of(row) for row in ("B2", "MDL4", "MDL2")]
        declarations.declare(tmp_path, sweep, cells)
        glance = Glance(tmp_path)
        assert glance.look()["waiting"] == 3
        running(tmp_path, "MDL4")
        put(tmp_path, "B2")
        seen = glance.look()
        assert (seen["finished"], seen["waiting"]) == (1, 1)
        assert "1 not begun" in progress.words(seen)

    def test_a_later_attempt_counts(self, tmp_path):
        runs.fail(running(tmp_path, "B2", 2), "disk full")
        running(tmp_path, "B2", 1)
        (one,) = Glance(tmp_path).look()["cells"]
        assert (one["word"], one["epoch"], one["note"]) == ("running", 1, "")

    def test_a_folder_that_is_not_there_and_half_written_files(self, tmp_path):
        assert Glance(tmp_path / "none").look() == {"finished": 0, "waiting": 0, "cells": []}
        attempt = running(tmp_path, "B2", 1)
        with open(attempt / "history.jsonl", "a") as file:
            file.write('{"epoch": 2, "ter')
        (attempt / "params.json").write_text("{")
        (tmp_path / "sweeps").mkdir()
        (tmp_path / "sweeps" / "table4.json").write_text("{")
        (one,) = Glance(tmp_path).look()["cells"]
        assert (one["epoch"], one["of"], one["row"]) == (1, 0, None)

    def test_a_second_look_reads_what_changed_and_never_results_or_weights(self, out, monkeypatch):
        attempt = running(out, "MDL1", 1)
        (attempt / "checkpoint-00000004.pt").write_bytes(b"x" * 1000)
        running(out, "MDL3", 1)
        glance, opened = Glance(out), []
        true = builtins.open

        def watched(path, *more, **options):
            opened.append(Path(os.fspath(path)).name)
            return true(path, *more, **options)

        monkeypatch.setattr("io.open", watched)
        glance.look()
        assert not {"result.json", "weights.pt", "checkpoint-00000004.pt"} & set(opened)
        assert "history.jsonl" in opened
        opened.clear()
        glance.look()
        assert set(opened) <= {"attempt.json", "kernel.json", "stat"}, "only who works on it"
        one_more(attempt, 2)
        opened.clear()
        assert glance.look()["cells"][0]["epoch"] == 2
        assert opened.count("history.jsonl") == 1


@pytest.mark.parametrize("seen", [{"cells": []}, {"cells": [{"word": "failed"}]}])
def test_nothing_goes_on(seen):
    assert not progress.goes_on(seen)
