"""Benchmarks still run and still assert equal results; what they measure is no business of a test."""

import subprocess
import sys

import pytest

from .conftest import REPOSITORY

SCRIPTS = sorted(p for p in (REPOSITORY / "benchmarks").glob("*.py") if p.stem != "side_by_side")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_it_runs(script):
    done = subprocess.run([sys.executable, str(script), "--quick"], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert " x  (min / median / max of 1 turns)" in done.stdout


def test_make_bench_runs_them_all():
    line = next(line for line in (REPOSITORY / "Makefile").read_text().splitlines() if line.startswith("\t@for script in "))
    assert sorted(line.split(";")[0].split()[3:]) == [p.stem for p in SCRIPTS]
