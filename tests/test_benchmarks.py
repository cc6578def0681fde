"""Benchmarks still run at toy size and still assert equal results; what they measure is no business
of a test.
"""

import re
import subprocess
import sys

import pytest

from .conftest import REPOSITORY

FOLDER = REPOSITORY / "benchmarks"
NO_SCRIPTS = {"side_by_side", "ladder", "run"}
SCRIPTS = sorted(p.stem for p in FOLDER.glob("*.py") if p.stem not in NO_SCRIPTS)
LINE = re.compile(r"^.+ \| .+ / .+ / .+ \S+ \| .+ \| .+ \| \d{4}-\d\d-\d\d$", re.MULTILINE)


def call(script, *words):
    return subprocess.run(
        [sys.executable, str(FOLDER / f"{script}.py"), *words],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("script", sorted(set(SCRIPTS) - {"gpu"}))
def test_it_runs(script):
    done = call(script, "--smoke")
    assert done.returncode == 0, done.stderr[-2000:]
    if script != "growth":  # that one writes a figure
        assert LINE.search(done.stdout), done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("part", ["ladder", "ranking,whole", "side_by_side"])
def test_the_gpu_script_runs_on_a_cpu(part):
    done = call("gpu", "--device", "cpu", "--smoke", "--only", part)
    assert done.returncode == 0, done.stderr[-2000:]
    assert LINE.search(done.stdout), done.stdout


@pytest.mark.slow
def test_without_a_gpu_it_says_so():
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    done = call("gpu")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert "no GPU is here" in done.stdout


@pytest.mark.slow
def test_wrong_results_stop_a_benchmark(tmp_path):
    """The broken variant: a table of losses that is off by a thousandth."""
    code = (
        "import runpy, sys; from bdlab import losses; table = losses.table\n"
        "losses.table = lambda *a, **k: 1.001 * table(*a, **k)\n"
        f"sys.argv = ['losses.py', '--smoke']; sys.path.insert(0, {str(FOLDER)!r})\n"
        f"runpy.run_path({str(FOLDER / 'losses.py')!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode
    assert "AssertionError" in done.stderr
    assert "not close" in done.stderr


def test_make_bench_runs_them_all():
    sys.path.insert(0, str(FOLDER))
    try:
        import run
    finally:
        sys.path.remove(str(FOLDER))
    assert sorted(run.SCRIPTS) == SCRIPTS
    assert "benchmarks/run.py" in (REPOSITORY / "Makefile").read_text()


def test_the_page_claims_no_aim_that_no_script_has():
    """Of the losses: one aim, and a line only if the script as it is could have printed it."""
    text = (REPOSITORY / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| losses, forward")]
    for line in lines:
        aim = "at least 8 x" if "loops over anchors" in line else "no target"
        assert line.split(" | ")[2].startswith(aim)
        assert line.split(" | ")[4].removesuffix(" |") > "2026-11-26"  # plain torch since then
    assert bool(lines) != ("Losses are not in this table" in text)


class TestSideBySide:
    @pytest.fixture
    def timer(self, monkeypatch):
        monkeypatch.syspath_prepend(str(FOLDER))
        import side_by_side

        return side_by_side

    def test_a_line_says_median_and_verdict(self, timer, capsys):
        assert timer.report("a claim", [3.0, 1.0, 2.0], "x", at_least=2) == 2
        assert timer.report("another", [3.0, 1.0, 2.0], "s", at_most=1.5) == 2
        first, second = capsys.readouterr().out.splitlines()
        assert first.startswith("a claim | 1 / 2 / 3 x | at least 2 x: met | ")
        assert "at most 1.5 s: MISSED" in second
        assert LINE.fullmatch(first)

    def test_disturbed_turns_count_only_where_too_few_are_quiet(self, timer, capsys):
        assert timer.report("c", [1.0, 2.0, 3.0, 100.0], "x", quiet=[True, True, True, False]) == 2
        assert (
            timer.report("c", [1.0, 2.0, 3.0, 100.0], "x", quiet=[True, True, False, False]) == 2.5
        )
        assert "2 of 4 turns quiet, all counted" in capsys.readouterr().out

    def test_memory_held_is_seen(self, timer):
        import numpy as np

        assert 8e6 < timer.peak_memory(lambda: np.ones(1_000_000)) < 9e6

    def test_other_processes_are_seen_and_our_own_is_not_one(self, timer, monkeypatch):
        """In a second of the clock all processes used 1.5 seconds, ours 1: the rest is somebody
        else's.
        """
        counts = {"_busy": iter([100.0, 101.5]), "_own": iter([7.0, 8.0])}
        for name, values in counts.items():
            monkeypatch.setattr(timer, name, values.__next__)
        monkeypatch.setattr(timer.time, "perf_counter", iter([50.0, 51.0]).__next__)
        assert timer.timed(lambda: None) == (1.0, pytest.approx(0.5 / timer.CORES))

    def test_the_system_says_what_all_processes_used(self, timer):
        assert 0 <= timer._busy() <= timer._busy()
