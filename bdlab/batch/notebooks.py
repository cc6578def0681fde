"""A notebook run by papermill in a kernel of this very Python, and how it ended, in words."""

from __future__ import annotations

import ast
import importlib.util
import json
import logging
import math
import os
import re
import signal
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: How a sweep's kernel is started: no log, no history of what was typed, and a garbage collector
#: that does not go over torch's many objects again and again while they are being imported, which
#: takes half a second.
KERNEL = [
    "--IPKernelApp.log_level=50",
    "--HistoryManager.enabled=False",
    "--IPKernelApp.exec_lines=import gc; gc.set_threshold(100_000)",
]
START_SECONDS = 600  # a kernel whose Python lies on a slow network share takes minutes
# papermill has no time-out of its own; a week is longer than any cell of the paper
CELL_SECONDS = 7 * 24 * 3600
NEEDED = ("papermill", "ipykernel", "jupyter_client")


class NotebookError(RuntimeError):
    """A notebook that did not come to its end, or not to the cell that was asked for."""


def absent() -> list[str]:
    """What is not installed of that which running a notebook needs."""
    return [name for name in NEEDED if not _is_there(name)]


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False


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
    for name in sorted(parameters.keys() - known):
        there = ", ".join(sorted(known))
        raise ValueError(f"{notebook_path.name} has no parameter {name!r}; it has {there}")
    if not _is_plain(parameters):
        raise ValueError(
            "parameters must be plain JSON values (no tuples, paths or numbers of other libraries)"
        )
    codes: list[int] = []
    # how a kernel dies is ours to say
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        # of papermill's and zmq's own insides; the notebook's warnings are in its output
        warnings.simplefilter("ignore")
        import papermill

        try:
            book = papermill.execute_notebook(
                _braced(notebook_path), _braced(output), parameters,
                kernel_name="python3", progress_bar=False, log_output=False,
                start_timeout=START_SECONDS, execution_timeout=int(timeout),
                extra_arguments=KERNEL, kernel_manager_class=_manager(codes),
            )  # fmt: skip
        except Exception as error:
            kind = type(error).__name__
            if kind == "DeadKernelError" or (isinstance(error, RuntimeError) and codes):
                died = f"the kernel died: {_death(codes[0] if codes else 0)}"
                raise NotebookError(died) from error
            if kind == "CellTimeoutError":
                late = f"a cell ran past its time-out of {timeout:g} seconds"
                raise NotebookError(late) from error
            raise
    for cell in book.cells:
        for output_ in cell.get("outputs", ()):
            if output_.get("ename") == "SystemExit":
                raise NotebookError(
                    "the notebook ended itself with sys.exit() before its last cell"
                )


def _braced(path: Path) -> str:
    """A path as papermill must be given it: it fills in what stands in braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _is_plain(value: Any) -> bool:
    """Whether a value is of JSON's own types all the way down: anything else would arrive as
    another type, or not at all.
    """
    if type(value) is dict:
        names = all(type(key) is str and _is_plain(key) for key in value)
        return names and all(_is_plain(part) for part in value.values())
    if type(value) is list:
        return all(_is_plain(part) for part in value)
    if type(value) is str:
        # half a character cannot be written to a file
        return not re.search("[\ud800-\udfff]", value)
    if type(value) is float:
        return math.isfinite(value)
    return value is None or type(value) in (bool, int)


def _manager(codes: list[int]) -> type:
    """A kernel manager that starts this very Python, and notes how a kernel ended (nbclient only
    says that it has).

    What is called python3 on JUPYTER_PATH may be another Python. It does not wait for a kernel's
    farewell: by then everything a cell keeps is on the disk, and torch and matplotlib would take a
    second to tidy up.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    words = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]

    class Manager(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(argv=words, display_name="Python 3", language="python")

        async def start_kernel(self, **options: Any) -> None:
            options["env"] = _environment(options.get("env") or os.environ)
            await super().start_kernel(**options)

        async def is_alive(self) -> bool:
            if self.provisioner and (code := await self.provisioner.poll()) is not None:
                codes.append(code)
            return await super().is_alive()

        async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
            await super().shutdown_kernel(now=True, restart=restart)

    return Manager


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """A kernel's environment: an IDE's own backend of matplotlib draws nowhere there."""
    return {name: value for name, value in given.items() if name != "MPLBACKEND"}


def _death(code: int) -> str:
    """An exit code in words; a negative one is the signal that ended the process."""
    if code == -signal.SIGKILL:
        return (
            "killed by SIGKILL, as the system does where memory runs out (fewer --jobs need less)"
        )
    if code < 0:
        return f"a crash in compiled code ({signal.Signals(-code).name})"
    return f"it ended itself with exit code {code}"


def describe(error: BaseException) -> dict[str, Any]:
    """An exception of a notebook run as failure.json's fields: reason, notebook cell, source line,
    last traceback line.
    """
    if not hasattr(error, "ename"):  # else papermill's PapermillExecutionError
        ours = isinstance(error, NotebookError)
        reason = str(error) if ours else f"{type(error).__name__}: {error}"
        return {"reason": reason, "last": (str(error).strip().splitlines() or [""])[-1]}
    trace = []
    for entry in error.traceback:
        trace += [line for line in _plain(entry).splitlines() if line.strip()]
    marked = [line.strip() for line in trace if line.lstrip().startswith("---->")]
    return {
        "reason": f"{error.ename}: {error.evalue}",
        "cell": error.cell_index,
        "line": marked[0] if marked else "",
        "last": trace[-1] if trace else "",
    }


def _plain(text: str) -> str:
    """A line of a traceback without its colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def parameters_of(path: Path) -> set[str]:
    """The names a notebook's ``parameters`` cell assigns: the only ones that may be set from
    outside.

    Raises ValueError if the notebook has no such cell.
    """
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            return _assigned("".join(cell["source"]))
    raise ValueError(f"{path}: no cell is tagged 'parameters'")


def _assigned(source: str) -> set[str]:
    """The names that a cell's statements assign."""
    names = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names
