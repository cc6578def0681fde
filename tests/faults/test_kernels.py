"""Real kernels that die, hang or end early in the middle of a sweep, through the command line."""

import json
from functools import partial

import pytest
from click.testing import CliRunner

from bdlab import batch, cli
from bdlab.cli import sweep as sweeping
from bdlab.experiments import runs
from tests.test_batch import write_notebook

pytestmark = pytest.mark.slow

#: What the notebook of a seed does instead of its work, and the words that tell its reason from the
#: others'.
DEATHS = {
    0: ("os.kill(os.getpid(), signal.SIGKILL)", "the kernel died: killed by SIGKILL"),
    1: ("ctypes.string_at(0)", "the kernel died: a crash in compiled code (SIGSEGV)"),
    2: (
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 32, 1 << 32)); bytearray(1 << 36)",
        "MemoryError",
    ),
    3: ("time.sleep(600)", "a cell ran past its time-out of 6 seconds"),
    4: ("sys.exit(0)", "the notebook ended itself with sys.exit()"),
    5: ("done = False", "the notebook ended without a result (result.json is missing)"),
}
GOOD = (6, 7)
SETUP = """
import ctypes, hashlib, json, os, pathlib, resource, signal, sys, time
done, folder = True, pathlib.Path(folder)
deaths = {deaths}
exec(deaths.get(params["seed"], ""))
"""
RESULT = """
if done:
    (folder / "weights.pt").write_bytes(b"weights")
    (folder / "history.jsonl").write_text('{"epoch": 1}\\n')
    mean = dict.fromkeys(("R1", "R5", "R10", "R20", "mAP", "mINP"), 0.5)
    digest = hashlib.sha256(b"weights").hexdigest()
    about = {"fingerprint": fingerprint, "weights_bytes": 7, "weights_sha256": digest}
    scores = {"v2t": {"mean": mean}}
    result = {"schema": 1, "params": params, "scores": scores, "provenance": about}
    (folder / "result.json").write_text(json.dumps(result))
"""


@pytest.fixture
def sweep(tmp_path, monkeypatch, regdb):
    """Runs `bdlab run` on a sweep of one row over eight seeds with a notebook of this file's
    own.
    """
    setup = SETUP.replace("{deaths}", repr({seed: code for seed, (code, _) in DEATHS.items()}))
    book = write_notebook(
        tmp_path / "book.ipynb", setup, f"fingerprint = {regdb.fingerprint!r}", RESULT
    )
    (tmp_path / "mine.yaml").write_text("rows: {only: {modalities: V I, pairs: V-I}}")
    monkeypatch.setattr(batch, "run_all", partial(batch.run_all, notebook=book))
    monkeypatch.setattr(sweeping, "report", lambda *_: None)
    words = [
        "run",
        str(tmp_path / "mine.yaml"),
        "--preset",
        "smoke",
        "--jobs",
        "2",
        "--timeout",
        "6",
        "--out",
        str(tmp_path / "runs"),
    ]
    return lambda seeds: CliRunner().invoke(cli.main, [*words, "--seeds", seeds])


def test_every_death_has_its_own_reason_and_the_rest_go_on(sweep, tmp_path, figures):
    result = sweep("0-7")
    assert result.exit_code == 1, result.output
    states = {int(state.name.split("-")[-2]): state for state in runs.status(tmp_path / "runs")}
    assert {seed for seed, state in states.items() if state.word == "done"} == set(GOOD)
    for seed, (_, reason) in DEATHS.items():
        assert states[seed].word == "failed"
        assert reason in states[seed].note, states[seed]
        assert json.loads(
            (tmp_path / "runs" / ".attempts" / states[seed].name / "1" / "failure.json").read_text()
        )["reason"]
        assert reason in result.output + result.stderr
    assert "2 trained now, 0 found done, 6 failed" in result.output
    assert sweep("6,7").exit_code == 0
    figures.note(
        "kernel",
        f"{len(DEATHS)} kernels: {len(DEATHS)} reasons of their own, {len(GOOD)} of {len(GOOD)} "
        "others done, exit code 1",
    )


def test_papermill_alone_takes_an_early_end_for_success(tmp_path, figures):
    """The broken variant: what papermill says of a notebook that called sys.exit(0) before its last
    cell.
    """
    import papermill

    source = write_notebook(tmp_path / "book.ipynb", "import sys; sys.exit(0)", "1 / 0")
    book = papermill.execute_notebook(
        str(source), str(tmp_path / "out.ipynb"), kernel_name="python3", progress_bar=False
    )
    assert book.cells[-1].execution_count is None  # never run, and no error
    figures.breaks("kernel", "papermill alone: sys.exit(0) before the last cell raises nothing")
