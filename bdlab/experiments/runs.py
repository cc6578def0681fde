"""The run contract: a cell works in an attempt folder and appears by one rename, whole or not at
all.

``<out>/<cell>/`` holds params.json, result.json, notebook.ipynb (not from ``bdlab train``),
history.jsonl and weights.pt. Work happens in ``<out>/.attempts/<cell>/<n>/``; ``commit`` renames
that folder. Standard library only.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from bdlab.config import NOT_IDENTITY, identity
from bdlab.files import WriteError, append_line, read_lines, sha256, sync, write, write_json

from .claims import alive, note_process, read_note
from .provenance import git_state

__all__ = [
    "NOT_IDENTITY", "Cell", "RunError", "State", "WriteError", "alive", "append_line", "attempts",
    "begin", "check", "commit", "committed", "done", "fail", "git_state", "note_process",
    "read_lines", "read_note", "set_aside", "sha256", "status", "sync", "write", "write_json",
]  # fmt: skip

#: The schema that is written now, and the metrics that a result of each schema must hold. A record
#: is judged by its own: a metric that comes later is a new schema, and old results stay valid.
SCHEMA = 1
SCHEMAS = {1: ("R1", "R5", "R10", "R20", "mAP", "mINP")}
METRICS = SCHEMAS[SCHEMA]
FILES = ("params.json", "result.json", "history.jsonl", "weights.pt")
TAKEN = (errno.ENOTEMPTY, errno.EEXIST)  # what renaming a folder onto another says


class RunError(RuntimeError):
    """A run folder that breaks the contract; names the folder and the rule."""


@dataclass(frozen=True)
class Cell:
    """One row x split x seed of a sweep: every parameter by its flat name, and what it reads.

    ``fingerprint`` says what the data hold, ``files`` the sha256 of every other file that is read,
    by its part: ``weights``, ``permutations``.
    """

    params: Mapping[str, Any]
    fingerprint: str
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, setup: Any) -> Cell:
        """The cell of a prepared run."""
        return cls(setup.config.flat(), setup.dataset.fingerprint, setup.files)

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> Cell:
        """The cell that a result.json is of. Raises KeyError for one that does not say."""
        provenance = result["provenance"]
        return cls(result["params"], provenance["fingerprint"], provenance.get("files", {}))

    @property
    def name(self) -> str:
        """``sweep-row-data-split-seed-hash8``; the hash is over what is computed (see ``kept``)."""
        text = json.dumps(self.kept, sort_keys=True, allow_nan=False)
        parts = [str(self.params[key]) for key in ("sweep", "row", "data", "split", "seed")]
        # a file name has 255 bytes
        plain = [re.sub(r"[^A-Za-z0-9.+_]+", "_", part).strip(".")[:48] or "_" for part in parts]
        return "-".join([*plain, hashlib.sha256(text.encode()).hexdigest()[:8]])

    @property
    def kept(self) -> list[Any]:
        """What makes the cell: parameters that differ from their introduction, data, files.

        A file that is read counts by its content; where it lies is no part of it.
        """
        params = identity(self.params)
        kept = {name: value for name, value in params.items() if name not in self.files}
        return [kept, self.fingerprint, dict(self.files)]


def attempts(out: Path, name: str) -> list[Path]:
    """The attempt folders of a cell, oldest first."""
    folder = out / ".attempts" / name
    found = [path for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []
    return sorted(found, key=lambda path: int(path.name))


def begin(out: Path, cell: Cell, threads: int | None = None) -> Path:
    """A new attempt folder with params.json and attempt.json (who runs it, with how many threads);
    no two runners get the same one.
    """
    number = int(attempts(out, cell.name)[-1].name) + 1 if attempts(out, cell.name) else 1
    while True:
        folder = out / ".attempts" / cell.name / str(number)
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            number += 1
    write_json(folder / "params.json", dict(cell.params))
    note_process(folder, "attempt", threads=threads)
    return folder


def commit(out: Path, name: str, attempt: Path) -> bool:
    """Make an attempt the cell's result by one rename. False if another runner was first (then this
    one is dropped).

    Raises RunError if the attempt does not hold a whole result.
    """
    if fault := check(attempt):
        raise RunError(f"{attempt}: cannot be committed, {fault}")
    for path in attempt.iterdir():
        sync(path)
    sync(attempt)
    try:
        os.rename(attempt, out / name)
    except OSError as error:
        if error.errno not in TAKEN:
            raise
        shutil.rmtree(attempt)
        return False
    sync(out)
    # after the rename: until then a kill must leave what a new attempt goes on from
    _tidy(out, name)
    return True


def _tidy(out: Path, name: str) -> None:
    """Drop what only an unfinished cell needs: its checkpoints and notes, and attempts that nobody
    works on.
    """
    for path in (out / name).iterdir():
        notes = path.name in ("attempt.json", "kernel.json")
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif notes or path.name.startswith((".", "checkpoint-")):
            path.unlink(missing_ok=True)
    for old in attempts(out, name):
        if not alive(old):
            shutil.rmtree(old, ignore_errors=True)
    for part in (out / ".attempts" / name).glob(".*.part"):  # of a claim that was killed
        part.unlink(missing_ok=True)


def fail(attempt: Path, reason: str, **details: Any) -> None:
    """Write failure.json: the reason in one line, and where known notebook cell, source line, last
    traceback line.
    """
    write_json(attempt / "failure.json", {"reason": reason, **details})


def check(folder: Path) -> str | None:
    """What is wrong with a finished cell's folder, in words; None if nothing is."""
    for file in FILES:
        if not (folder / file).is_file():
            return f"{file} is missing"
    try:
        result = json.loads((folder / "result.json").read_text())
        params = json.loads((folder / "params.json").read_text())
        size = (folder / "weights.pt").stat().st_size
    except (OSError, ValueError) as error:
        return f"a file cannot be read ({error})"
    if not isinstance(result, dict) or result.get("schema") not in SCHEMAS:
        known = ", ".join(map(str, SCHEMAS))
        return f"result.json is not of a schema that this bdlab knows ({known})"
    if result.get("params") != params:
        return "result.json and params.json do not describe the same run"
    provenance = result.get("provenance")
    if not isinstance(provenance, dict) or "fingerprint" not in provenance:
        return "result.json has no provenance"
    if provenance.get("weights_bytes") != size:
        return f"weights.pt has {size} bytes, result.json says {provenance.get('weights_bytes')}"
    return _check_scores(result.get("scores"), SCHEMAS[result["schema"]])


def _check_scores(scores: Any, metrics: tuple[str, ...]) -> str | None:
    if not isinstance(scores, dict) or not scores:
        return "result.json has no scores"
    for setting, value in scores.items():
        mean = value.get("mean", {}) if isinstance(value, dict) else {}
        for metric in metrics:
            number = mean.get(metric)
            if not _is_fraction(number):
                return f"the score {setting} {metric} is {number!r}, a fraction in [0, 1] is meant"
    return None


def _is_fraction(number: Any) -> bool:
    return isinstance(number, float | int) and math.isfinite(number) and 0 <= number <= 1


def done(out: Path, cell: Cell) -> dict[str, Any] | None:
    """The result of a committed cell, or None. An invalid folder is moved aside to ``.invalid/``
    first (see ``set_aside``).

    What a kill in the middle of its commit left behind goes now.
    """
    folder = out / cell.name
    if not folder.is_dir():
        return None
    fault = check(folder)
    result = None if fault else json.loads((folder / "result.json").read_text())
    if result and Cell.from_result(result).name != cell.name:
        fault = "its name does not belong to its parameters and data"
    elif result and sha256(folder / "weights.pt") != result["provenance"].get("weights_sha256"):
        fault = "weights.pt is damaged: its sha256 is not the one in result.json"
    if fault:
        set_aside(out, cell.name, fault)
        return None
    _tidy(out, cell.name)
    return result


def set_aside(out: Path, name: str, fault: str) -> None:
    """Move an invalid cell to ``<out>/.invalid/<cell>-<n>`` with the reason in it; nothing is
    deleted. Of two runners one does it.
    """
    place = out / ".invalid"
    place.mkdir(exist_ok=True)
    for number in count(1):
        try:
            os.rename(out / name, place / f"{name}-{number}")
            return write_json(place / f"{name}-{number}" / "invalid.json", {"reason": fault})
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in TAKEN:
                raise


def committed(out: Path) -> Iterator[tuple[Path, dict[str, Any] | None, str | None]]:
    """Every committed cell of a folder: (folder, result, None), or (folder, None, what is
    wrong).
    """
    for folder in sorted(out.iterdir()) if out.is_dir() else ():
        if folder.name.startswith(".") or not folder.is_dir():
            continue
        if not (folder / "params.json").exists() and not (folder / "result.json").exists():
            continue
        fault = check(folder)
        yield folder, None if fault else json.loads((folder / "result.json").read_text()), fault


@dataclass(frozen=True)
class State:
    """Where a cell stands: ``done``, ``running``, ``failed``, ``interrupted`` or ``invalid``; a
    word on it; epochs gone.
    """

    name: str
    word: str
    note: str = ""
    epochs: int = 0
    of: int = 0


def status(out: Path) -> list[State]:
    """The state of every cell that was ever begun in a folder, by name."""
    states = {}
    for folder, _, fault in committed(out):
        epochs = len(read_lines(folder / "history.jsonl"))
        word = "invalid" if fault else "done"
        states[folder.name] = State(folder.name, word, fault or "", epochs, epochs)
    place = out / ".attempts"
    for folder in sorted(place.iterdir()) if place.is_dir() else ():
        if folder.name not in states and (tries := attempts(out, folder.name)):
            states[folder.name] = _unfinished(tries[-1])
    return [states[name] for name in sorted(states)]


def _unfinished(attempt: Path) -> State:
    of = _read_object(attempt / "params.json").get("epochs", 0)
    epochs = len(read_lines(attempt / "history.jsonl"))
    if (attempt / "failure.json").is_file():
        reason = _read_object(attempt / "failure.json").get("reason", "failure.json cannot be read")
        return State(attempt.parent.name, "failed", reason, epochs, of)
    word = "running" if alive(attempt) else "interrupted"
    return State(attempt.parent.name, word, "", epochs, of)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
