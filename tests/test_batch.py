"""Sweeps with real kernels: done once, resumed, failed with the reason, over threads, processes and
Dask. Worse faults: tests/faults.
"""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nbformat
import pytest

from bdlab import batch
from bdlab.batch import notebooks
from bdlab.experiments import cell as one_cell
from bdlab.experiments import runs, sweeps
from bdlab.training import setup

SMOKE = {"epochs": 2, "steps": 2}
#: A picture of one pixel.
TINY = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def cells(rows=("B1", "MDL4"), **changes):
    configs = [
        sweeps.configure("table4", row, "smoke", "synthetic-regdb", SMOKE | changes) for row in rows
    ]
    fingerprint = setup.open_data(configs[0]).fingerprint
    return [runs.Cell(config.flat(), fingerprint) for config in configs]


def write_notebook(path, *sources):
    """A notebook with the training notebook's parameters and cells of the test's own."""
    first = nbformat.v4.new_code_cell(
        "params = None\nfolder = None\nthreads = 0\ninexact = False",
        metadata={"tags": ["parameters"]},
    )
    book = nbformat.v4.new_notebook(
        cells=[first, *[nbformat.v4.new_code_cell(source) for source in sources]]
    )
    book.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(book, path)
    return path


@pytest.mark.slow
def test_a_sweep_runs_once_and_then_only_reports(tmp_path):
    seen = []
    todo = cells()
    first = batch.run_all(todo, tmp_path, jobs=2, on_outcome=seen.append)
    assert [o.word for o in first] == ["done", "done"]
    assert [o.name for o in first] == [c.name for c in todo]
    assert {o.name for o in seen} == {c.name for c in todo}
    for c in todo:
        result = runs.done(tmp_path, c)
        assert result["params"] == dict(c.params)
        executed = json.loads((tmp_path / c.name / "notebook.ipynb").read_text())
        assert not any(
            o.get("output_type") == "error"
            for cell in executed["cells"]
            for o in cell.get("outputs", [])
        )
        assert not (tmp_path / ".attempts" / c.name).exists() or not runs.attempts(tmp_path, c.name)
    stamps = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    began = time.perf_counter()
    assert [o.word for o in batch.run_all(todo, tmp_path)] == ["found", "found"]
    assert time.perf_counter() - began < 5
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()} == stamps


@pytest.mark.slow
def test_the_notebook_and_bdlab_train_make_the_same_cell(tmp_path):
    """Same code, same bits: history without its timings, scores and weights."""
    (c,) = cells(rows=("MDL4",))
    batch.run_cell(c, tmp_path / "notebook", threads=1)
    attempt = runs.begin(tmp_path / "train", c)
    one_cell.run(
        sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb", SMOKE), attempt, device="cpu"
    )
    runs.commit(tmp_path / "train", c.name, attempt)
    one, two = (runs.done(tmp_path / kind, c) for kind in ("notebook", "train"))
    assert one["scores"] == two["scores"]
    assert one["provenance"].keys() == two["provenance"].keys()
    histories = [
        [
            {k: v for k, v in line.items() if k != "time"}
            for line in runs.read_lines(tmp_path / kind / c.name / "history.jsonl")
        ]
        for kind in ("notebook", "train")
    ]
    assert histories[0] == histories[1]
    assert one["provenance"]["weights_sha256"] == two["provenance"]["weights_sha256"]


@pytest.mark.slow
def test_a_killed_kernel_fails_its_cell_and_the_next_run_goes_on_from_its_checkpoint(tmp_path):
    (c,) = cells(rows=("B2",), epochs=60)

    def kill():
        """SIGKILL to the kernel as soon as it has finished some epochs."""
        while True:
            tries = runs.attempts(tmp_path, c.name)
            if tries and len(runs.read_lines(tries[-1] / "history.jsonl")) >= 3:
                os.kill(runs.read_note(tries[-1], "kernel")["pid"], signal.SIGKILL)
                return
            time.sleep(0.05)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    (outcome,) = batch.run_all([c], tmp_path, jobs=1)
    killer.join(timeout=60)
    assert outcome.word == "failed"
    assert "the kernel died" in outcome.reason
    (state,) = runs.status(tmp_path)
    assert (state.word, state.epochs >= 3) == ("failed", True)
    assert "kernel died" in json.loads((outcome.folder / "failure.json").read_text())["reason"]
    (again,) = batch.run_all([c], tmp_path, jobs=1)
    assert again.word == "done"
    resumed = runs.done(tmp_path, c)["provenance"]["resumed"]
    assert resumed["exact"] is True
    assert len(runs.read_lines(tmp_path / c.name / "history.jsonl")) == 60


@pytest.mark.slow
@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "sigkill"])
def test_a_stopped_sweep_leaves_no_kernel_and_a_rerun_goes_on(tmp_path, kill):
    """The runner is stopped half-way: its kernels end, the cells count as interrupted, and only
    what is missing is done again.
    """
    words = [
        sys.executable,
        "-m",
        "bdlab.cli",
        "run",
        "table4",
        "--preset",
        "smoke",
        "--jobs",
        "2",
        "--out",
        str(tmp_path),
    ]
    words += ["--set", "epochs=40", "--set", "steps=2"]

    def heed():  # what runs in a shell's background is told to ignore it
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    runner = subprocess.Popen(words, start_new_session=True, preexec_fn=heed, **quiet)
    until = time.monotonic() + 120
    while time.monotonic() < until and not any(
        s.word == "running" and s.epochs > 2 for s in runs.status(tmp_path)
    ):
        time.sleep(0.05)
    kernels = [
        runs.read_note(path.parent, "kernel")["pid"]
        for path in tmp_path.glob(".attempts/*/*/kernel.json")
    ]
    assert kernels
    os.kill(runner.pid, kill)
    runner.wait(timeout=60)
    until = time.monotonic() + 20
    while time.monotonic() < until and any(map(is_running, kernels)):
        time.sleep(0.1)
    assert not any(map(is_running, kernels))
    stopped = runs.status(tmp_path)
    assert {s.word for s in stopped} <= {"interrupted", "done"}
    done = {
        s.name: (tmp_path / s.name / "result.json").stat().st_mtime_ns
        for s in stopped
        if s.word == "done"
    }
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    assert [s.word for s in runs.status(tmp_path)] == ["done"] * 6
    assert all(
        (tmp_path / name).joinpath("result.json").stat().st_mtime_ns == stamp
        for name, stamp in done.items()
    )
    resumed = [
        json.loads((tmp_path / s.name / "result.json").read_text())["provenance"]["resumed"]
        for s in stopped
        if s.word == "interrupted"
    ]
    assert any(resumed)


def is_running(pid):
    """A process that is there and no zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_kernel_has_ten_minutes_to_start(tmp_path, monkeypatch):
    """papermill alone gives it one, and a Python on a slow share takes longer."""
    from papermill.clientwrap import PapermillNotebookClient

    given = []
    monkeypatch.setattr(
        PapermillNotebookClient,
        "execute",
        lambda client, **_: given.append((client.startup_timeout, client.timeout)),
    )
    book = write_notebook(tmp_path / "book.ipynb", "1")
    batch.execute(book, tmp_path / "out.ipynb", {"threads": 1}, 50)
    assert given == [(notebooks.START_SECONDS, 50)]
    monkeypatch.setattr(notebooks, "START_SECONDS", 7)  # the broken variant would not follow
    batch.execute(book, tmp_path / "out.ipynb", {"threads": 1}, 50)
    assert given[1] == (7, 50)
    assert PapermillNotebookClient.startup_timeout.default_value < 600


class TestFailures:
    def fail(self, tmp_path, *sources, timeout=60.0):
        c = runs.Cell(cells()[0].params, "f" * 64)
        book = write_notebook(tmp_path / "book.ipynb", *sources)
        outcome = batch.run_cell(c, tmp_path / "out", 1, book, timeout)
        assert outcome.word == "failed"
        assert not (tmp_path / "out" / c.name).exists()
        return json.loads((outcome.folder / "failure.json").read_text())

    def test_an_error_names_cell_line_and_reason(self, tmp_path):
        failure = self.fail(tmp_path, "a = 1", "b = 0\na / b")
        assert failure["reason"] == "ZeroDivisionError: division by zero"
        assert failure["cell"] == 3
        assert "a / b" in failure["line"]
        assert "ZeroDivisionError" in failure["last"]

    def test_a_result_of_another_cell(self, tmp_path):
        result = "{'params': params | {'seed': 99}, 'provenance': {'fingerprint': 'x'}}"
        source = (
            "import json, pathlib\npathlib.Path(folder, "
            f"'result.json').write_text(json.dumps({result}))"
        )
        assert "not table4-B1" in self.fail(tmp_path, source)["reason"]


class TestParameters:
    def test_names_come_from_the_parameters_cell(self):
        names = batch.parameters_of(batch.NOTEBOOK)
        assert {
            "data",
            "root",
            "preset",
            "row",
            "seed",
            "changes",
            "params",
            "folder",
            "threads",
            "inexact",
        } == names

    def test_a_notebook_without_parameters_is_named(self, tmp_path):
        nbformat.write(
            nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]),
            tmp_path / "plain.ipynb",
        )
        with pytest.raises(ValueError, match=r"plain\.ipynb: no cell is tagged 'parameters'"):
            batch.parameters_of(tmp_path / "plain.ipynb")


@pytest.mark.slow
def test_any_executor_will_do(tmp_path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        outcomes = batch.run_all(cells(rows=("B1",)), tmp_path, executor=executor)
        assert [o.word for o in outcomes] == ["done"]
        assert executor.submit(int, "3").result() == 3  # not shut down: it is not ours


@pytest.mark.slow
def test_dask_on_a_local_cluster_of_processes(tmp_path):
    """In a process of its own: distributed's threads outlive their cluster for a moment, and here
    warnings are errors.
    """
    pytest.importorskip("distributed")
    words = [
        sys.executable,
        "-m",
        "bdlab.cli",
        "run",
        "table4",
        "--preset",
        "smoke",
        "--dask",
        "local:2",
        "--out",
        str(tmp_path / "runs"),
    ]
    done = subprocess.run(
        [*words, "--set", "epochs=1", "--set", "steps=2"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "6 trained now, 0 found done, 0 failed" in done.stdout
    assert sum(s.word == "done" for s in runs.status(tmp_path / "runs")) == 6


def test_a_lost_worker_is_one_cells_failure(tmp_path):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        executor.submit(os._exit, 1)
        (outcome,) = batch.run_all(cells(rows=("B1",)), tmp_path, executor=executor)
    assert outcome.word == "failed"
    assert "the executor lost the cell" in outcome.reason


def hidden(place, *options):
    """The texts of everything that `bdlab run` left in ``<place>/runs``, by file."""
    words = ["run", "table4", "--rows", "B2", "--preset", "smoke", "--data", "synthetic-regdb"]
    words += ["--root", str(place / "faces"), "--out", str(place / "runs"), *options]
    code = "import sys; from bdlab.cli import main; main(sys.argv[1:])"
    subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True)
    files = [path for path in (place / "runs").rglob("*") if path.is_file()]
    return {path.relative_to(place / "runs"): path.read_bytes() for path in files}


@pytest.mark.slow
@pytest.mark.parametrize("pictures", [False, True], ids=["given away", "the broken variant"])
def test_a_run_without_pictures_shows_nobody_and_no_place(tmp_path, pictures):
    place = tmp_path / "anna smith"
    texts = hidden(place, *([] if pictures else ["--no-pictures"]))
    naming = {path.name for path, text in texts.items() if b"anna" in text}
    (notebook,) = [text for path, text in texts.items() if path.name == "notebook.ipynb"]
    report = [text for path, text in texts.items() if path.suffix == ".html"]
    assert len(report) == 1
    drawn = b'"image/png"' in notebook
    if pictures:
        assert {"params.json", "result.json", "notebook.ipynb", "table4.json"} <= naming
        assert drawn
        return
    assert naming == set()
    assert not drawn
    nbformat.validate(nbformat.reads(notebook.decode(), as_version=4))
    (folder,) = (path.parent for path in texts if path.name == "weights.pt")
    assert one_cell.load(place / "runs" / folder) is not None
    again = hidden(place, "--no-pictures")
    assert again.keys() == texts.keys(), "still the cell that was asked for: nothing ran again"


def test_what_fails_is_given_away_too(tmp_path):
    place = tmp_path / "anna smith"
    show = f"from IPython.display import Image, display\ndisplay(Image({TINY!r}))"
    book = write_notebook(tmp_path / "book.ipynb", show, "raise OSError(params['root'])")
    (todo,) = cells(["B2"], root=str(place / "faces"))
    (outcome,) = batch.run_all([todo], place / "runs", notebook=book, pictures=False)
    assert outcome.word == "failed"
    (attempt,) = runs.attempts(place / "runs", todo.name)
    for path in attempt.glob("*.[ji]*"):
        if path.name != "attempt.json":  # gone with the commit; it names the process, not a place
            assert "anna" not in path.read_text(), path.name
    assert '"image/png"' not in (attempt / "notebook.ipynb").read_text()
