"""The fault suite: one table of what was measured, printed at the end of the session, and a process
that forks.
"""

import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import torch

from tests.conftest import REPOSITORY

from . import SEED

#: Every promise by its key, in the order of the table.
PROMISES = {
    "kill": (
        "SIGKILL at any moment, inside a checkpoint's write too: resumed weights, history and "
        "scores have the bits of the whole run"
    ),
    "resume": (
        "exact resume from every step; another configuration, data, torch or thread count is "
        "refused with the reason"
    ),
    "same": (
        "same bits whatever the number of workers and whether or not evaluation runs in between; "
        "seeds share no draws"
    ),
    "sweep": (
        "a killed sweep, two runners on one folder too: no cell lost, duplicated, half-written or "
        "done again"
    ),
    "reader": "JSON and CSV results are never visible half-written",
    "write": (
        "a write fails: the error names file, bytes needed and free; the previous checkpoint still "
        "loads"
    ),
    "corrupt": (
        "a damaged newest checkpoint is detected; the one before it gives the same final bits"
    ),
    "kernel": (
        "a kernel that dies or ends early: its cell failed with its own reason, the rest go on, "
        "the exit code says so"
    ),
    "nan": "NaN or Inf: stops naming step, term and last good checkpoint; none is saved with NaN",
    "hostile checkpoints": (
        "pickled code, zip bombs and wrong shapes are refused before any of it runs or unpacks"
    ),
    "hostile parameters": (
        "names, strings, YAML and options never execute; types survive exactly or are refused"
    ),
    "lab": (
        "JupyterLab as `bdlab lab` starts it: this machine only, a random token, nothing outside "
        "its folder"
    ),
}
START, END = "<!-- figures: begin -->", "<!-- figures: end -->"


class Figures:
    """What the tests of this session measured, by promise: figures, and what each broken variant
    did.
    """

    def __init__(self):
        self.measured = {key: [] for key in PROMISES}
        self.broken = {key: [] for key in PROMISES}
        self.began = time.perf_counter()

    def note(self, key, text):
        self.measured[key].append(text)

    def breaks(self, key, text):
        self.broken[key].append(text)

    def rows(self):
        """(promise, measured, broken variant) of what ran."""
        return [
            (PROMISES[k], "; ".join(v), "; ".join(self.broken[k]))
            for k, v in self.measured.items()
            if v or self.broken[k]
        ]

    def page(self):
        head = (
            f"Seed {SEED}, {platform.system()} {platform.machine()}, Python "
            f"{platform.python_version()}, torch {torch.__version__}."
        )
        lines = ["| promise | measured | the broken variant, seen to fail |", "|---|---|---|"]
        lines += [
            "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
            for row in self.rows()
        ]
        return "\n".join([START, head, "", *lines, END])


FIGURES = Figures()


@pytest.fixture(scope="session")
def figures():
    return FIGURES


@pytest.fixture(scope="session")
def alone(regdb):
    """``alone(function, *arguments)``: its value, from a process of one thread that has torch
    loaded and may be forked.
    """
    before = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    os.environ |= dict.fromkeys(before, "1")  # a fork takes only the thread that calls it
    with ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        pool.submit(int).result()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        yield lambda function, *arguments: pool.submit(function, *arguments).result()


def pytest_terminal_summary(terminalreporter):
    rows = FIGURES.rows()
    if not rows:
        return
    terminalreporter.section(f"promises and figures (seed {SEED}; another by BDLAB_FAULTS_SEED)")
    for promise, measured, broken in rows:
        terminalreporter.write_line(promise)
        terminalreporter.write_line(f"    measured: {measured}")
        terminalreporter.write_line(f"    broken:   {broken}")
    if os.environ.get("BDLAB_FAULTS_DOCS") and all(
        [*FIGURES.measured.values(), *FIGURES.broken.values()]
    ):
        page = REPOSITORY / "docs" / "faults.md"
        before, _, rest = page.read_text(encoding="utf-8").partition(START)
        page.write_text(before + FIGURES.page() + rest.partition(END)[2], encoding="utf-8")
        terminalreporter.write_line(f"written to {page.relative_to(REPOSITORY)}")
