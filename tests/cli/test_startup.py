"""Commands that must answer at once import neither torch nor matplotlib; others say what is
missing.
"""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from bdlab import batch, cli
from bdlab.cli import sweep
from bdlab.experiments import sweeps
from tests.conftest import REPOSITORY
from tests.experiments.test_declarations import MINE
from tests.report.test_report import put

CODE = """
import sys
from bdlab import cli
try:
    cli.main(sys.argv[1:])
except SystemExit as end:
    code = end.code
heavy = {"torch", "matplotlib", "torchvision", "ipywidgets"} & set(sys.modules)
sys.exit(f"loaded {sorted(heavy)}" if heavy else code)
"""


def call(*words):
    return CliRunner().invoke(cli.main, [str(word) for word in words])


def loaded(*words):
    """Exit code and errors of a command in a process of its own, or what heavy it has loaded."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, *map(str, words)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_light_commands_stay_light(tmp_path, regdb):
    for words in (("--help",), ("run", "--help"), ("status", tmp_path)):
        assert loaded(*words) == (0, ""), words
    assert loaded("data", "check", regdb.root) == (0, "")


def test_a_fault_of_a_light_command_is_light_too(tmp_path):
    (tmp_path / "file").write_text("")
    code, said = loaded("data", "import", tmp_path / "none.csv", tmp_path / "out")
    assert code == 2
    assert "loaded" not in said


@pytest.mark.slow
def test_a_command_that_loads_torch_is_seen():
    """The broken variant."""
    assert "'torch'" in loaded("doctor")[1]


def test_without_the_notebook_parts_a_sweep_says_what_helps(monkeypatch):
    monkeypatch.setattr(batch, "absent", lambda: ["papermill"])
    monkeypatch.setattr(sweep, "cells", lambda *_: pytest.fail("data were opened first"))
    for words in (("run", "table4"), ("demo",)):
        result = call(*words)
        assert result.exit_code == 2
        assert "papermill" in result.stderr
        assert "pip install 'bdlab[lab]'" in result.stderr
        assert "bdlab train ROW" in result.stderr


@pytest.mark.parametrize("words", [("run", "table4"), ("train", "B1")])
def test_a_stop_says_that_nothing_is_lost_and_how_to_go_on(monkeypatch, words):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "declare", stop)
    monkeypatch.setattr(sys, "argv", ["bdlab", *words, "--preset", "smoke"])
    result = call(*words, "--preset", "smoke")
    assert result.exit_code == 130
    assert "Nothing is lost" in result.stderr
    assert f"bdlab {' '.join(words)} --preset smoke" in result.stderr


def test_an_error_of_nobodys_keeps_its_traceback(monkeypatch, tmp_path):
    def surprise(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("bdlab.experiments.runs.status", surprise)
    assert isinstance(call("status", tmp_path).exception, ZeroDivisionError)


def test_what_is_declared_before_the_first_cell(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text(MINE)
    seen = []

    def ran(*_, **__):
        seen.append(sweeps.declared(tmp_path / "out", "mine"))
        return 0

    monkeypatch.setattr(sweep, "run", ran)
    words = ("run", tmp_path / "mine.yaml", "--preset", "smoke", "--seeds", "0,1")
    result = call(*words, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    (declared,) = seen
    assert declared.sweep.baseline == "Zeta"
    assert {params["seed"] for params in declared.cells.values()} == {0, 1}
    (tmp_path / "mine.yaml").write_text(MINE.replace("baseline: Zeta", "baseline: Alpha"))
    again = call(*words, "--out", tmp_path / "out")
    assert again.exit_code == 2
    assert "the baseline was Zeta, is Alpha" in again.stderr


@pytest.mark.slow
def test_a_backend_that_an_ide_has_set_does_no_harm(tmp_path):
    """Without the command line's own choice, importing matplotlib would end in a traceback."""
    put(tmp_path, "B2")
    environment = os.environ | {"MPLBACKEND": "nosuch"}
    options = {"cwd": REPOSITORY, "capture_output": True, "text": True, "env": environment}
    words = [sys.executable, "-m", "bdlab.cli", "report", str(tmp_path)]
    done = subprocess.run(words, check=False, **options)
    assert done.returncode == 0, done.stderr
    broken = [sys.executable, "-c", "import matplotlib"]
    assert "nosuch" in subprocess.run(broken, check=False, **options).stderr
