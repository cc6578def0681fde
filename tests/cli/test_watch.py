"""What a sweep shows: the time left by work and not by epochs, a line a minute where it is
piped.
"""

import time

import pytest

from bdlab.batch import Outcome
from bdlab.cli import watch
from bdlab.experiments import runs, sweeps
from tests.experiments.test_runs import PRINT, fill


def cell(row, seed=0):
    config = sweeps.configure("table4", row, "smoke", "folder", {"epochs": 10, "seed": seed})
    return runs.Cell(config.flat(), PRINT)


def epochs(out, c, count):
    attempt = runs.begin(out, c)
    for number in range(count):
        runs.append_line(attempt / "history.jsonl", {"epoch": number + 1})


def test_an_epoch_of_four_modalities_is_twice_one_of_two(tmp_path):
    four, two = cell("MDL4"), cell("B2")
    shown = watch.Watch(tmp_path, [four, two])
    epochs(tmp_path, two, 10)
    done, left = shown.progress(shown.began + 60)
    assert done == pytest.approx(1 / 3)  # by epochs it would be a half
    assert left == "about 2 min left"  # 60 s for a third; by epochs it would be one minute


def test_what_was_there_before_is_no_measure_of_the_speed(tmp_path):
    one, two, found = cell("B2"), cell("B2", 1), cell("B2", 2)
    epochs(tmp_path, one, 9)
    shown = watch.Watch(tmp_path, [one, two, found])
    shown.outcome(Outcome(found.name, "elsewhere", tmp_path, "node-17, process 5"))
    assert shown.progress(shown.began + 600)[1] == "the time left is not known yet"
    runs.append_line(runs.attempts(tmp_path, one.name)[-1] / "history.jsonl", {"epoch": 10})
    # one epoch took a minute, ten are left
    assert shown.progress(shown.began + 60)[1] == "about 10 min left"


def test_a_piped_run_speaks_every_minute(tmp_path, capsys, monkeypatch):
    shown = watch.Watch(tmp_path, [cell("B2")])
    assert shown.bar.disable
    shown.tick()
    assert capsys.readouterr().out == ""
    now = time.monotonic()
    monkeypatch.setattr(watch.time, "monotonic", lambda: now + watch.SILENCE + 1)
    shown.tick()
    shown.tick()
    assert capsys.readouterr().out.splitlines() == [
        "0/1 cells, 0% of the work; the time left is not known yet"
    ]


def test_each_end_has_its_line_and_no_reason_is_cut(tmp_path, capsys):
    done, lost, other = cell("B1"), cell("B2"), cell("MDL4")
    attempt = runs.begin(tmp_path, done)
    fill(attempt, done)
    runs.commit(tmp_path, done.name, attempt)
    shown = watch.Watch(tmp_path, [done, lost, other])
    reason = "ValueError: " + "word " * 60 + "end"
    shown.outcome(Outcome(done.name, "done", tmp_path / done.name, "", 5.0))
    shown.outcome(Outcome(lost.name, "failed", tmp_path, reason))
    shown.outcome(Outcome(other.name, "elsewhere", tmp_path, "node-17, process 5"))
    one, two, three = capsys.readouterr().out.splitlines()
    assert one == f"[1/3] {done.name}: done in 5 s, Rank-1 50.0 % (v2t)"
    assert two.endswith(f"FAILED ({reason})")
    assert "another runner works on it (node-17, process 5)" in three
