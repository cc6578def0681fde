"""What a folder of runs is doing now: how many cells are finished, and how far the others are.

A ``Glance`` can be repeated every few seconds beside a sweep that trains: it lists folders and
reads what has changed of params.json, history.jsonl, failure.json and the sweeps' declarations,
never a result or weights.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bdlab.experiments import declarations, runs

#: What a cell that is not finished is called, in the order of the board.
WORDS = ("running", "failed", "interrupted")
#: Of a history's line, what is no loss.
NO_LOSS = ("spread", "gradient")
DIGITS = 4  # of a loss


class Glance:
    """The cells of a folder as they are at one look after another.

    ``finished``: {name: when its result was written}, after the last look.
    """

    def __init__(self, out: Path):
        self.out = out
        self.finished: dict[str, int] = {}
        self._kept: dict[Path, tuple[tuple[int, int], Any]] = {}

    def look(self) -> dict[str, Any]:
        """``finished`` and ``waiting`` (how many), and ``cells``: those that were begun and are not
        finished, the running ones first, each with its ``name, row, data, seed, split``, its
        ``word``, ``note``, ``epoch`` of ``of``, the ``losses`` of its last epoch and the ``curve``
        of its total.
        """
        self.finished = self._finished()
        cells = []
        place = self.out / ".attempts"
        for folder in sorted(place.iterdir()) if place.is_dir() else ():
            tries = runs.attempts(self.out, folder.name)
            if tries and folder.name not in self.finished:
                cells.append(self._cell(tries[-1]))
        cells.sort(key=lambda cell: WORDS.index(cell["word"]))
        begun = {cell["name"] for cell in cells} | set(self.finished)
        waiting = len(self._asked() - begun)
        return {"finished": len(self.finished), "waiting": waiting, "cells": cells}

    def _finished(self) -> dict[str, int]:
        found = {}
        for folder in sorted(self.out.iterdir()) if self.out.is_dir() else ():
            stamp = _stamp(folder / "result.json")
            if stamp and not folder.name.startswith("."):
                found[folder.name] = stamp[0]
        return found

    def _cell(self, attempt: Path) -> dict[str, Any]:
        params = self._file(attempt / "params.json", _object) or {}
        lines = self._file(attempt / "history.jsonl", runs.read_lines) or []
        failure = self._file(attempt / "failure.json", _object)
        word = "failed" if failure is not None else "interrupted"
        if failure is None and runs.alive(attempt):
            word = "running"
        last = lines[-1].get("terms", {}) if lines else {}
        losses = {name: value for name, value in last.items() if name not in NO_LOSS}
        totals = [line.get("terms", {}).get("total") for line in lines]
        return {
            "name": attempt.parent.name,
            **{name: params.get(name) for name in ("row", "data", "seed", "split")},
            "word": word,
            "note": str((failure or {}).get("reason", "")),
            "epoch": len(lines),
            "of": params.get("epochs", 0),
            "losses": {name: round(value, DIGITS) for name, value in losses.items()},
            "curve": [round(value, DIGITS) for value in totals if value is not None],
        }

    def _asked(self) -> set[str]:
        """The names of all cells that the folder's sweeps were asked for."""
        names: set[str] = set()
        for path in sorted((self.out / "sweeps").glob("*.json")):
            names |= self._file(path, _cells_of) or set()
        return names

    def _file(self, path: Path, read: Callable[[Path], Any]) -> Any:
        """What a file holds, read again only where it has changed; None where there is none."""
        stamp = _stamp(path)
        if stamp is None:
            return None
        if path not in self._kept or self._kept[path][0] != stamp:
            self._kept[path] = stamp, read(path)
        return self._kept[path][1]


def goes_on(progress: dict[str, Any]) -> bool:
    """Whether some cell is being trained."""
    return any(cell["word"] == "running" for cell in progress["cells"])


def words(progress: dict[str, Any]) -> str:
    """``12 finished, 2 running, 1 failed, 3 not begun``."""
    counts = Counter(cell["word"] for cell in progress["cells"])
    said = [f"{progress['finished']} finished"]
    said += [f"{counts[word]} {word}" for word in WORDS if counts[word]]
    return ", ".join(said + [f"{progress['waiting']} not begun"] * bool(progress["waiting"]))


def _stamp(path: Path) -> tuple[int, int] | None:
    """When a file was changed and how long it is; None where there is none."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size


def _object(path: Path) -> dict[str, Any]:
    """A JSON object, empty where it cannot be read (or is only half written)."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _cells_of(path: Path) -> set[str]:
    """The cells that a declaration asks for; none where it cannot be read: `bdlab run` says so."""
    try:
        one = declarations.declared(path.parent.parent, path.stem)
    except runs.RunError:
        return set()
    return set(one.cells) if one else set()
