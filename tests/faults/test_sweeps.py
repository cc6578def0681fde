"""Sweeps of cheap cells whose runners are killed, alone and two on one folder, while somebody reads
along.
"""

import contextlib
import json
import os
import shutil
import signal
import time
from pathlib import Path
from uuid import uuid4

import pytest

from bdlab import batch, files
from bdlab.config import from_flat
from bdlab.experiments import runs

from . import forks, random
from .forks import Shared, end, fork, kill

pytestmark = pytest.mark.slow

CELLS = [
    runs.Cell(
        from_flat({"data": "folder", "epochs": 2, "sweep": "cheap", "seed": seed}).flat(), "f" * 64
    )
    for seed in range(8)
]
RUNNERS = 2


def executes(log):
    """A stand-in for the notebook: notes that it began, then writes what a training writes, each
    file marked with one mark.
    """

    def execute(_notebook, output, parameters, _timeout):
        attempt, params = Path(parameters["folder"]), parameters["params"]
        with open(log, "a") as file:
            file.write(f"{os.getpid()} {params['seed']}\n")
        runs.note_process(attempt, "kernel")
        mark = uuid4().hex
        for epoch in range(params["epochs"]):
            runs.append_line(attempt / "history.jsonl", {"epoch": epoch + 1, "mark": mark})
            runs.write(attempt / f"checkpoint-{epoch:08d}.pt", bytes(2000))
        runs.write(attempt / "weights.pt", mark.encode() * 500)
        provenance = {
            "fingerprint": "f" * 64,
            "weights_bytes": 16000,
            "weights_sha256": runs.sha256(attempt / "weights.pt"),
            "mark": mark,
        }
        scores = {"v2t": {"mean": dict.fromkeys(runs.METRICS, 0.5)}}
        runs.write_json(
            attempt / "result.json",
            {"schema": 1, "params": params, "scores": scores, "provenance": provenance},
        )
        output.write_text("{}")

    return execute


def runner(out, log, faults):
    """What `bdlab run` does: every cell that is missing, then a table of those that are there."""
    batch.execute = executes(log)
    for fault in faults:
        fault()
    outcomes = batch.run_all(CELLS, out, jobs=2)
    table = "".join(
        f"{folder.name},{result['scores']['v2t']['mean']['R1']}\n"
        for folder, result, fault in runs.committed(out)
        if not fault
    )
    (out / "report").mkdir(exist_ok=True)
    runs.write(out / "report" / "cheap.csv", ("cell,R1\n" + 20 * table + "end,\n").encode())
    if bad := [outcome for outcome in outcomes if not outcome.ok]:
        raise AssertionError(bad)


def read_along(place, counts):
    """Read every JSON and CSV file under a folder again and again: counts[0] whole ones, counts[1]
    half-written ones.
    """
    while True:
        # passes over what goes meanwhile
        files = [Path(folder, name) for folder, _, names in os.walk(place) for name in names]
        for path in [path for path in files if path.suffix in (".json", ".csv")]:
            # it was renamed or cleared away
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                text = path.read_text()
                try:
                    whole = (
                        text.endswith("end,\n") if path.suffix == ".csv" else bool(json.loads(text))
                    )
                except ValueError:
                    whole = False
                counts[0 if whole else 1] += 1
        time.sleep(0.001)


def committed(out, counts):
    """{cell: mark} of what is visible; counts folders that are not one whole attempt."""
    marks = {}
    for cell in CELLS:
        folder = out / cell.name
        if not folder.is_dir():
            continue
        if (folder / "invalid.json").exists() or runs.check(folder):
            counts["half"] += 1
            continue
        provenance = json.loads((folder / "result.json").read_text())["provenance"]
        lines = runs.read_lines(folder / "history.jsonl")
        mixed = {line["mark"] for line in lines} != {provenance["mark"]} or len(lines) != 2
        counts["half"] += (
            mixed or runs.sha256(folder / "weights.pt") != provenance["weights_sha256"]
        )
        marks[cell.name] = provenance["mark"]
    return marks


def again(log, pids, before):
    """How many cells were executed by these runners though they were committed before they
    began.
    """
    lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
    return sum(int(pid) in pids and CELLS[int(seed)].name in before for pid, seed in lines)


def sweep(out, seconds, rng, counts, faults):
    """One folder: its runners killed until every cell is there, then run once more by two that are
    not killed.
    """
    log, before = out.with_suffix(".log"), {}
    for tries in range(12):
        share, began = 1.1 - len(before) / len(CELLS), time.perf_counter()
        pids = [fork(runner, out, log, faults) for _ in range(1 + tries % RUNNERS)]
        codes = list(
            forks.kills({pid: rng.uniform(0, share * seconds[0]) for pid in pids}).values()
        )
        if len(pids) == 1 and codes == [0]:
            seconds[0] = min(seconds[0], (time.perf_counter() - began) / share)
        counts["kills"] += codes.count(-signal.SIGKILL)
        counts["crashed"] += len([code for code in codes if code not in (0, -signal.SIGKILL)])
        now = committed(out, counts)
        counts["lost"] += len(before.keys() - now.keys())
        counts["duplicated"] += sum(
            now[name] != before[name] for name in before.keys() & now.keys()
        )
        counts["again"] += again(log, pids, before)
        before = now
        if len(now) == len(CELLS):
            break
    pids = [fork(runner, out, log, faults) for _ in range(2)]
    counts["crashed"] += sum(end(pid) != 0 for pid in pids)
    now = committed(out, counts)
    counts["lost"] += len(CELLS) - len(now)
    counts["duplicated"] += sum(now.get(name) != mark for name, mark in before.items())
    counts["again"] += again(log, pids, before)
    counts["left"] += len(list(out.glob(".attempts/*/*/checkpoint-*"))) + len(
        list(out.glob("cheap-*/checkpoint-*"))
    )
    counts["folders"] += 1
    shutil.rmtree(out)


def kills(place, wanted, *faults):
    """Folder after folder until so many runners were killed; what went wrong, by kind."""
    reads, rng = Shared(2), random("sweeps")
    counts = dict.fromkeys(
        ("kills", "folders", "lost", "duplicated", "half", "again", "crashed", "left"), 0
    )
    seconds = [1.0]  # of a runner that is not killed; taken from those that end by themselves
    reader = fork(read_along, place, reads)
    while counts["kills"] < wanted:
        sweep(place / str(counts["folders"]), seconds, rng, counts, faults)
    counts["crashed"] += kill(reader, 0) != -signal.SIGKILL
    return counts | {"reads": reads[0], "torn": reads[1]}


def copies():
    """A broken variant: a cell is copied to its place, file by file as a slow disk would, instead
    of renamed.
    """

    def slowly(source, target):
        shutil.copy(source, target)
        time.sleep(0.002)

    runs.os.rename = lambda source, target: shutil.copytree(
        source, target, dirs_exist_ok=True, copy_function=slowly
    )


def writes_in_place():
    """A broken variant: a file is written where it lies."""

    def write(path, data):
        with open(path, "wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            time.sleep(0.001)
            file.write(data[len(data) // 2 :])

    runs.write = files.write = write


def test_killed_sweeps(alone, tmp_path, figures):
    got = alone(kills, tmp_path, 200)
    wrong = {kind: got[kind] for kind in ("lost", "duplicated", "half", "again", "crashed", "left")}
    assert wrong == dict.fromkeys(wrong, 0), got
    assert got["kills"] >= 200
    assert got["torn"] == 0
    assert got["reads"] > 1000
    figures.note(
        "sweep",
        f"{got['kills']} runners killed in {got['folders']} folders of {len(CELLS)} cells: "
        f"{sum(wrong.values())} violations",
    )
    figures.note(
        "reader", f"{got['reads']:,} files read during those kills: {got['torn']} half-written"
    )


def test_a_commit_by_copy_is_told_apart(alone, tmp_path, figures):
    got = alone(kills, tmp_path, 15, copies)
    assert got["half"] + got["duplicated"] + got["crashed"] > 0
    figures.breaks(
        "sweep",
        f"copy instead of rename: {got['half']} half-written, {got['duplicated']} duplicated after "
        f"{got['kills']} kills",
    )


def test_files_written_in_place_are_told_apart(alone, tmp_path, figures):
    got = alone(kills, tmp_path, 10, writes_in_place)
    assert got["torn"] > 0
    figures.breaks(
        "reader",
        f"written in place: {got['torn']} of {got['reads'] + got['torn']:,} reads saw half a file",
    )


def test_a_runner_that_comes_second_finds_the_cell(tmp_path, monkeypatch):
    """Another runner commits while ours works, and clears our attempt away: found, not failed."""
    cell = CELLS[0]

    def overtaken(notebook, output, parameters, timeout):
        other = runs.begin(tmp_path, cell)
        executes(tmp_path / "log")(
            notebook, other / "notebook.ipynb", parameters | {"folder": str(other)}, timeout
        )
        assert runs.commit(tmp_path, cell.name, other)
        shutil.rmtree(parameters["folder"])
        raise FileNotFoundError(parameters["folder"])

    monkeypatch.setattr(batch, "execute", overtaken)
    assert batch.run_cell(cell, tmp_path, 1).word == "found"


def test_of_two_who_find_an_invalid_cell_one_moves_it(tmp_path):
    for number in (1, 2):
        (tmp_path / "cell" / "result").mkdir(parents=True)
        runs.set_aside(tmp_path, "cell", f"reason {number}")
        runs.set_aside(tmp_path, "cell", "the other runner comes late")
    assert sorted(p.name for p in (tmp_path / ".invalid").iterdir()) == ["cell-1", "cell-2"]
    assert json.loads((tmp_path / ".invalid" / "cell-2" / "invalid.json").read_text()) == {
        "reason": "reason 2"
    }
