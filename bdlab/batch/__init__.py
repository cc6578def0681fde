"""Sweeps: every cell a notebook run by papermill, over any ``concurrent.futures.Executor``.

A cell that is committed is not run again; one that fails leaves failure.json and does not stop the
others. The state of a cell is read from its folder alone, never from notebook metadata: papermill
marks cells completed after a dead kernel.
"""

from __future__ import annotations

import ast
import contextlib
import json
import math
import os
import re
import signal
import socket
import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bdlab import machine

from .experiments import runs

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "04_training.ipynb"
#: How a sweep's kernel is started: no log, no history of what was typed, and a garbage collector
#: that does not go over torch's many objects again and again while they are being imported, which
#: takes half a second.
KERNEL = [
    "--IPKernelApp.log_level=50",
    "--HistoryManager.enabled=False",
    "--IPKernelApp.exec_lines=import gc; gc.set_threshold(100_000)",
]
# papermill has no time-out of its own; a week is longer than any cell of the paper
CELL_SECONDS = 7 * 24 * 3600


class NotebookError(RuntimeError):
    """A notebook that did not come to its end, or not to the cell that was asked for."""


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: ``done`` now, ``found`` committed before, or ``failed`` with its
    reason.
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
    on_outcome: Callable[[Outcome], None] | None = None,
    on_tick: Callable[[], None] | None = None,
) -> list[Outcome]:
    """Run every cell that is not committed in ``out`` yet; returns an Outcome a cell, in the order
    given.

    ``jobs`` cells at a time (default: the cores, one thread each), each notebook a process of its
    own, so threads are enough to wait for them; an ``executor`` given (processes, Dask, ...) is
    used as it is and not shut down. Ctrl-C ends the running kernels and keeps their checkpoints.
    ``on_tick`` is called twice a second.
    """
    # a worker elsewhere has a working folder of its own
    out, cells = Path(out).resolve(), list(cells)
    out.mkdir(parents=True, exist_ok=True)
    jobs, began = jobs or default_jobs(len(cells)), time.time()
    work = partial(
        run_cell,
        out=out,
        threads=max(1, machine.cores() // jobs),
        notebook=Path(notebook),
        timeout=timeout,
        inexact=inexact,
    )
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
        open_ = [
            (cell, future) for cell, future in zip(cells, futures, strict=True) if not future.done()
        ]
        for _, future in open_:
            future.cancel()
        # A kernel may be just starting: go on until our own threads have returned, elsewhere for a
        # few seconds.
        until = time.monotonic() + (60 if own else 5)
        while time.monotonic() < until and (
            not own or any(future.running() for _, future in open_)
        ):
            _end_kernels(out, [cell for cell, _ in open_], began)
            time.sleep(0.2)
        if own:
            own.shutdown(wait=True)
        # stopped, not failed: a rerun goes on
        for attempt in _attempts_since(out, [cell for cell, _ in open_], began):
            (attempt / "failure.json").unlink(missing_ok=True)
        raise
    finally:
        if own:
            own.shutdown(wait=True, cancel_futures=True)
    return [_outcome(future, cell, out) for future, cell in zip(futures, cells, strict=True)]


def run_cell(
    cell: runs.Cell,
    out: Path,
    threads: int,
    notebook: Path = NOTEBOOK,
    timeout: float = CELL_SECONDS,
    inexact: bool = False,
) -> Outcome:
    """One cell in this process and one kernel: attempt, notebook, commit. Never raises for a cell's
    own fault.
    """
    began = time.perf_counter()
    if runs.done(out, cell):
        return Outcome(cell.name, "found", out / cell.name)
    earlier = runs.attempts(out, cell.name)
    # An interrupted cell goes on with the threads it was begun with: others would give other bits,
    # and be refused.
    threads = (
        runs.read_note(earlier[-1], "attempt").get("threads") if earlier else None
    ) or threads
    attempt = out / ".attempts" / cell.name
    try:
        attempt = runs.begin(out, cell, threads)
        parameters = {
            "params": dict(cell.params),
            "folder": str(attempt),
            "threads": threads,
            "inexact": inexact,
        }
        execute(notebook, attempt / "notebook.ipynb", parameters, timeout)
        # The kernel may have been another data set's by the time it opened it: the folder must be
        # the cell that was asked for.
        if not (attempt / "result.json").is_file():
            raise NotebookError("the notebook ended without a result (result.json is missing)")
        result = json.loads((attempt / "result.json").read_text())
        got = runs.Cell.from_result(result).name
        if got != cell.name:
            raise NotebookError(
                f"the notebook wrote {got}, not {cell.name}: the data, or a file that is read "
                "beside them, changed while it ran"
            )
        runs.commit(out, cell.name, attempt)
    except (
        Exception
    ) as error:  # whatever a notebook or its kernel can die of is this cell's own failure
        if runs.done(out, cell):  # another runner was first, and has cleared our attempt away
            return Outcome(cell.name, "found", out / cell.name)
        details = describe(error)
        _fail(attempt, **details)
        return Outcome(cell.name, "failed", attempt, details["reason"], time.perf_counter() - began)
    return Outcome(cell.name, "done", out / cell.name, "", time.perf_counter() - began)


def execute(
    notebook_path: Path, output: Path, parameters: dict[str, Any], timeout: float = CELL_SECONDS
) -> None:
    """Run a notebook with papermill; parameters are checked first: names the notebook has, values
    that are plain JSON.

    (papermill only warns of an unknown name, pastes names into code as they are, fills in braces in
    paths, and takes ``sys.exit(0)`` for the end.) Raises ValueError, papermill's error for a
    failing cell, and NotebookError for a dead kernel, an early end and a time-out (seconds a cell).
    """
    known = parameters_of(notebook_path)
    if unknown := parameters.keys() - known:
        raise ValueError(
            f"{notebook_path.name} has no parameter {sorted(unknown)[0]!r}; it has {', '.join(sorted(known))}"
        )
    if not _is_plain(parameters):
        raise ValueError(
            "parameters must be plain JSON values (no tuples, paths or numbers of other libraries)"
        )
    source, target = (
        str(path).replace("{", "{{").replace("}", "}}") for path in (notebook_path, output)
    )
    codes: list[int] = []
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # of papermill's and zmq's own insides; the notebook's warnings are in its output
        import papermill

        try:
            book = papermill.execute_notebook(
                source, target, parameters, kernel_name="python3", progress_bar=False, log_output=False, execution_timeout=int(timeout),
                extra_arguments=KERNEL, kernel_manager_class=_manager(codes),
            )  # fmt: skip
        except Exception as error:
            if type(error).__name__ == "DeadKernelError":
                raise NotebookError(
                    f"the kernel died: {_death(codes[0] if codes else 0)}"
                ) from error
            if type(error).__name__ == "CellTimeoutError":
                raise NotebookError(
                    f"a cell ran past its time-out of {timeout:g} seconds"
                ) from error
            raise
    if any(
        output.get("ename") == "SystemExit"
        for cell in book.cells
        for output in cell.get("outputs", ())
    ):
        raise NotebookError("the notebook ended itself with sys.exit() before its last cell")


def _is_plain(value: Any) -> bool:
    """Whether a value is of JSON's own types all the way down: anything else would arrive as
    another type, or not at all.
    """
    if type(value) is dict:
        return all(_is_plain(part) for pair in value.items() for part in pair) and all(
            type(key) is str for key in value
        )
    if type(value) is list:
        return all(map(_is_plain, value))
    if type(value) is str:
        # half a character cannot be written to a file
        return not re.search("[\ud800-\udfff]", value)
    return (
        value is None
        or type(value) in (bool, int)
        or (type(value) is float and math.isfinite(value))
    )


def _manager(codes: list[int]) -> type:
    """A kernel manager that notes how a kernel ended (nbclient only says that it has), and does not
    wait for its farewell.

    By then everything a cell keeps is on the disk; torch and matplotlib would take a second to tidy
    up.
    """
    from jupyter_client.manager import AsyncKernelManager

    class Manager(AsyncKernelManager):
        async def _async_is_alive(self) -> bool:
            if self.provisioner and (code := await self.provisioner.poll()) is not None:
                codes.append(code)
            return await super()._async_is_alive()

        async def _async_shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
            await super()._async_shutdown_kernel(now=True, restart=restart)

        is_alive = _async_is_alive
        shutdown_kernel = _async_shutdown_kernel

    return Manager


def _death(code: int) -> str:
    """An exit code in words; a negative one is the signal that ended the process."""
    if code == -signal.SIGKILL:
        return (
            "killed by SIGKILL, as the system does where memory runs out (fewer --jobs need less)"
        )
    return (
        f"a crash in compiled code ({signal.Signals(-code).name})"
        if code < 0
        else f"it ended itself with exit code {code}"
    )


def describe(error: BaseException) -> dict[str, Any]:
    """An exception of a notebook run as failure.json's fields: reason, notebook cell, source line,
    last traceback line.
    """
    if hasattr(error, "ename"):  # papermill's PapermillExecutionError
        trace = [
            line for entry in error.traceback for line in _plain(entry).splitlines() if line.strip()
        ]
        line = next((entry.strip() for entry in trace if entry.lstrip().startswith("---->")), "")
        return {
            "reason": f"{error.ename}: {error.evalue}",
            "cell": error.cell_index,
            "line": line,
            "last": trace[-1] if trace else "",
        }
    reason = str(error) if isinstance(error, NotebookError) else f"{type(error).__name__}: {error}"
    return {"reason": reason, "last": (str(error).strip().splitlines() or [""])[-1]}


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
    """The attempts at these cells begun on this host since a time."""
    found = [
        (attempt, runs.read_note(attempt, "attempt"))
        for cell in cells
        for attempt in runs.attempts(out, cell.name)[-1:]
    ]
    return [
        attempt
        for attempt, about in found
        if about.get("host") == socket.gethostname() and about.get("started", 0) >= began
    ]


def _end_kernels(out: Path, cells: list[runs.Cell], began: float) -> None:
    """Stop the kernels of attempts begun since ``began`` on this host; a cancelled future would
    leave them running.
    """
    for attempt in _attempts_since(out, cells, began):
        if pid := runs.read_note(attempt, "kernel").get("pid"):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def parameters_of(path: Path) -> set[str]:
    """The names a notebook's ``parameters`` cell assigns: the only ones that may be set from
    outside.

    Raises ValueError if the notebook has no such cell.
    """
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            tree = ast.parse("".join(cell["source"]))
            return {
                target.id
                for node in tree.body
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
    raise ValueError(f"{path}: no cell is tagged 'parameters'")
