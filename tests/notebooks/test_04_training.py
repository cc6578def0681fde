"""Notebook 04, headless: it runs, shows its figures, writes the contract; and nbval runs it as a
reader would.
"""

import json
import subprocess
import sys

import pytest

from bdlab import batch
from bdlab.experiments import runs

from . import reading


@pytest.mark.slow
def test_it_runs_and_shows_what_it_says(tmp_path, monkeypatch):
    out = tmp_path / "executed.ipynb"
    monkeypatch.chdir(tmp_path)  # by hand it writes to ./runs
    batch.execute(
        batch.NOTEBOOK, out, {"preset": "smoke", "row": "MDL4", "threads": 1}, timeout=300
    )
    # the batch, the derivatives, the live curves, the curves, the generator, the film, the CMC
    reading.draws(out, 7)
    (cell,) = [s for s in runs.status(tmp_path / "runs") if s.word == "done"]
    result = json.loads((tmp_path / "runs" / cell.name / "result.json").read_text())
    assert set(result["scores"]) == {"v2t", "t2v"}
    assert result["params"]["row"] == "MDL4"


@pytest.mark.slow
def test_nbval_runs_it(tmp_path):
    source = (
        batch.NOTEBOOK.read_text()
        .replace('preset = \\"demo\\"', 'preset = \\"smoke\\"')
        .replace('row = \\"MDL4\\"', 'row = \\"B1\\"')
    )
    assert source != batch.NOTEBOOK.read_text()
    (tmp_path / "copy.ipynb").write_text(source)
    words = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval-lax",
        "--nbval-cell-timeout=120",
        "-p",
        "no:cacheprovider",
        "-q",
        "copy.ipynb",
    ]
    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
