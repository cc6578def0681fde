"""Sweeps: every cell a notebook run by papermill, over any ``concurrent.futures.Executor``.

A cell that is committed is not run again; one that fails leaves failure.json and does not stop the
others. The state of a cell is read from its folder alone, never from notebook metadata: papermill
marks cells completed after a dead kernel.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bdlab import machine
from bdlab.experiments import adopting, claims, runs

from . import plain
from .notebooks import CELL_SECONDS, NotebookError, absent, describe, execute, parameters_of

__all__ = [
    "CELL_SECONDS", "NOTEBOOK", "NotebookError", "Outcome", "absent", "default_jobs", "describe",
    "execute", "parameters_of", "run_all", "run_cell",
]  # fmt: skip

PACKAGE = Path(__file__).resolve().parent.parent
#: The notebooks: in the package where it was installed, beside it in a checkout.
NOTEBOOKS = next(
    (place for place in (PACKAGE / "notebooks", PACKAGE.parent / "notebooks") if place.is_dir()),
    PACKAGE / "notebooks",
)
NOTEBOOK = NOTEBOOKS / "04_training.ipynb"


@dataclass(frozen=True)
class Outcome:
    """What became of a cell, in a word, and why.

    ``done`` now, ``found`` committed before (or computed before, as another sweep's row),
    ``elsewhere`` in the hands of another runner (who, is the reason), or ``failed``.
    """

    name: str
    word: str
    folder: Path
    reason: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.word != "failed"


def run_all(
    cells: Iterable[runs.Cell],
    out: Path | str,
    executor: Executor | None = None,
    jobs: int | None = None,
    *,
    notebook: Path | str = NOTEBOOK,
    timeout: float = CELL_SECONDS,
    inexact: bool = False,
    threads: int | None = None,
    pictures: bool = True,
    on_outcome: Callable[[Outcome], None] | None = None,
    on_tick: Callable[[], None] | None = None,
) -> list[Outcome]:
    """Run every cell that is not committed in ``out`` yet; returns an Outcome a cell, in the order
    given.

    ``jobs`` cells at a time (default: the cores), each notebook a process of its own, so threads
    are enough to wait for them; an ``executor`` given (processes, Dask, ...) is used as it is and
    not shut down. ``threads`` a cell do not hang on ``jobs``: other threads give other bits. Ctrl-C
    ends the running kernels and keeps their checkpoints. Without ``pictures`` a cell may be given
    away (see ``plain``). ``on_tick`` is called twice a second.
    """
    # a worker elsewhere has a working folder of its own
    out, cells = Path(out).resolve(), list(cells)
    out.mkdir(parents=True, exist_ok=True)
    jobs, began = jobs or default_jobs(len(cells)), time.time()
    threads = threads or machine.cell_threads()
    options = {"notebook": Path(notebook), "timeout": timeout, "inexact": inexact}
    work = partial(run_cell, out=out, threads=threads, pictures=pictures, **options)
    own = ThreadPoolExecutor(jobs) if executor is None else None
    futures = [(own or executor).submit(work, cell) for cell in cells]
    waiting = set(futures)
    try:
        while waiting:
            finished, waiting = wait(waiting, timeout=0.5)
            for future in finished if on_outcome else ():
                on_outcome(_outcome(future, cells[futures.index(future)], out))
            if on_tick:
                on_tick()
    except BaseException:
        _stop(list(zip(cells, futures, strict=True)), out, began, own)
        raise
    finally:
        if own:
            own.shutdown(wait=True, cancel_futures=True)
    return [_outcome(future, cell, out) for future, cell in zip(futures, cells, strict=True)]


def _stop(
    futures: list[tuple[runs.Cell, Future]], out: Path, began: float, own: ThreadPoolExecutor | None
) -> None:
    """End what still runs: stopped, not failed, so that a rerun goes on."""
    open_ = [(cell, future) for cell, future in futures if not future.done()]
    cells = [cell for cell, _ in open_]
    for _, future in open_:
        future.cancel()
    # A kernel may be just starting: go on until our own threads have returned, elsewhere for a few
    # seconds.
    until = time.monotonic() + (60 if own else 5)
    while time.monotonic() < until and (not own or any(f.running() for _, f in open_)):
        _end_kernels(out, cells, began)
        time.sleep(0.2)
    if own:
        own.shutdown(wait=True)
    for attempt in _attempts_since(out, cells, began):
        (attempt / "failure.json").unlink(missing_ok=True)


def run_cell(
    cell: runs.Cell,
    out: Path,
    threads: int,
    notebook: Path = NOTEBOOK,
    timeout: float = CELL_SECONDS,
    inexact: bool = False,
    pictures: bool = True,
) -> Outcome:
    """One cell in this process and one kernel: claim, attempt, notebook, commit. Never raises for a
    cell's own fault.
    """
    if runs.done(out, cell):
        return Outcome(cell.name, "found", out / cell.name)
    place = out / ".attempts" / cell.name
    try:
        claim = claims.claim(place)
    except OSError as error:
        return Outcome(cell.name, "failed", place, f"{type(error).__name__}: {error}")
    if claim is None:
        return Outcome(cell.name, "elsewhere", place, claims.by_whom(place))
    with claim:
        if runs.done(out, cell):  # by another runner, just now
            return Outcome(cell.name, "found", out / cell.name)
        return _work(cell, out, threads, notebook, timeout, inexact, pictures)


def _work(
    cell: runs.Cell,
    out: Path,
    threads: int,
    notebook: Path,
    timeout: float,
    inexact: bool,
    pictures: bool,
) -> Outcome:
    """The cell of a claim that we hold."""
    began = time.perf_counter()
    earlier = runs.attempts(out, cell.name)
    # An interrupted cell goes on with the threads it was begun with: others would give other bits,
    # and be refused.
    before = runs.read_note(earlier[-1], "attempt").get("threads") if earlier else None
    attempt = out / ".attempts" / cell.name
    try:
        # what is given away is made for it: an adopted cell would bring its paths along
        if pictures and not earlier and adopting.adopt(out, cell, threads):
            return Outcome(cell.name, "found", out / cell.name)
        attempt = runs.begin(out, cell, before or threads)
        parameters = {
            "params": dict(cell.params), "folder": str(attempt),
            "threads": before or threads, "inexact": inexact,
        }  # fmt: skip
        execute(notebook, attempt / "notebook.ipynb", parameters, timeout)
        _is_the_cell(attempt, cell)
        if not pictures:
            plain.give_away(attempt)
        runs.commit(out, cell.name, attempt)
    # whatever a notebook or its kernel can die of is this cell's own failure
    except Exception as error:
        if runs.done(out, cell):  # another runner was first, and has cleared our attempt away
            return Outcome(cell.name, "found", out / cell.name)
        details = describe(error)
        _fail(attempt, **details)
        if not pictures:
            plain.give_away(attempt)
        return Outcome(cell.name, "failed", attempt, details["reason"], time.perf_counter() - began)
    return Outcome(cell.name, "done", out / cell.name, "", time.perf_counter() - began)


def _is_the_cell(attempt: Path, cell: runs.Cell) -> None:
    """Raise NotebookError unless the attempt holds a result of the cell that was asked for.

    The data may have been others by the time the kernel opened them.
    """
    if not (attempt / "result.json").is_file():
        raise NotebookError("the notebook ended without a result (result.json is missing)")
    got = runs.Cell.from_result(json.loads((attempt / "result.json").read_text())).name
    if got != cell.name:
        raise NotebookError(
            f"the notebook wrote {got}, not {cell.name}: the data, or a file that is read beside "
            "them, changed while it ran"
        )


def _fail(attempt: Path, **details: Any) -> None:
    """``runs.fail`` where the disk lets us; the outcome says it in any case."""
    with contextlib.suppress(runs.WriteError):
        runs.fail(attempt, **details)


def default_jobs(cells: int) -> int:
    """Cells at a time: one a core, or one where there is a GPU."""
    return 1 if machine.on_gpu() else max(1, min(machine.cores(), cells))


def _outcome(future: Future, cell: runs.Cell, out: Path) -> Outcome:
    """What a future holds; an executor that lost its worker is that cell's failure, not the
    sweep's.
    """
    error = future.exception()
    if error is None:
        return future.result()
    return Outcome(
        cell.name,
        "failed",
        out / ".attempts" / cell.name,
        f"the executor lost the cell ({type(error).__name__}: {error})",
    )


def _attempts_since(out: Path, cells: list[runs.Cell], began: float) -> list[Path]:
    """The attempts at these cells begun on this machine since a time."""
    found = []
    for cell in cells:
        for attempt in runs.attempts(out, cell.name)[-1:]:
            about = runs.read_note(attempt, "attempt")
            here = about.get("machine") == claims.machine()
            if here and about.get("started", 0) >= began:
                found.append(attempt)
    return found


def _end_kernels(out: Path, cells: list[runs.Cell], began: float) -> None:
    """Stop the kernels of attempts begun since ``began`` on this machine; a cancelled future would
    leave them running.
    """
    for attempt in _attempts_since(out, cells, began):
        about = runs.read_note(attempt, "kernel")
        if about and claims.runs_here(about):
            with contextlib.suppress(OSError):
                os.kill(about["pid"], signal.SIGKILL)
