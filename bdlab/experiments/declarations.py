"""What a sweep was declared to be before its first cell ran: ``<out>/sweeps/<sweep>.json``.

A verdict is worth something because its contrast was named beforehand. The file holds the rows,
the baseline and the contrasts, which do not change, and every asking: which seeds and splits,
with which changes, by which command. A sweep of the same name that says something else is
refused.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bdlab import __version__
from bdlab.config import INTRODUCED, ConfigError, identity

from . import claims, runs
from .rows import Row, Sweep

SCHEMA = 1


@dataclass(frozen=True)
class Declared:
    """A sweep as it was declared, and what has been asked of it since.

    ``asked``: one entry a command, with ``data, preset, rows, seeds, splits, set, command, bdlab``
    and ``cells``: {name: the parameters that differ from their introduction}.
    """

    sweep: Sweep
    asked: tuple[Mapping[str, Any], ...]

    @property
    def cells(self) -> dict[str, dict[str, Any]]:
        """Every cell that was ever asked for: its name, and its parameters by their flat names."""
        found = {}
        for asking in self.asked:
            for name, kept in asking["cells"].items():
                found[name] = INTRODUCED | kept
        return found


def declared(out: Path | str, name: str) -> Declared | None:
    """What ``<out>/sweeps/<name>.json`` declares; None where there is no such file.

    Raises RunError naming the file if it cannot be read.
    """
    path = Path(out) / "sweeps" / f"{name}.json"
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        rows = {name: Row(**row) for name, row in about["rows"].items()}
        pairs = tuple((row, against) for row, against in about["contrasts"])
        sweep = Sweep(
            about["name"], about["title"], rows, about["baseline"], pairs,
            tuple(about["data"]), about["yaml_sha256"], about.get("judged", ""),
        )  # fmt: skip
        return Declared(sweep, tuple(about["asked"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise runs.RunError(
            f"{path}: the declaration of a sweep cannot be read ({type(error).__name__}: {error}); "
            "move it away, and the next `bdlab run` of this sweep declares it anew"
        ) from error


def every(out: Path | str) -> dict[str, Declared]:
    """All declarations of a folder of runs, by the sweep's name."""
    found = {}
    for path in sorted((Path(out) / "sweeps").glob("*.json")):
        if (one := declared(out, path.stem)) is not None:
            found[one.sweep.name] = one
    return found


def never_begun(out: Path | str, one: Declared) -> dict[str, dict[str, Any]]:
    """The asked cells of which there is no result, no attempt and no invalid folder."""
    out = Path(out)
    aside = {path.name.rpartition("-")[0] for path in (out / ".invalid").glob("*")}
    found = {}
    for name, params in one.cells.items():
        if not (out / name).is_dir() and not runs.attempts(out, name) and name not in aside:
            found[name] = params
    return found


def declare(
    out: Path | str,
    sweep: Sweep,
    cells: Sequence[runs.Cell],
    changes: Mapping[str, Any] | None = None,
    command: str | None = None,
) -> Declared:
    """Write down what a sweep is and which cells are asked for, before the first of them runs.

    A repeated command adds nothing. Raises ConfigError if the sweep was declared otherwise.
    """
    folder = Path(out) / "sweeps"
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / f".{sweep.name}.lock"):
        before = declared(out, sweep.name)
        if before is not None:
            _compare(folder / f"{sweep.name}.json", before.sweep, sweep)
        asked = list(before.asked) if before else []
        asking = _asking(cells, changes or {}, command)
        if before is None or not any(_repeats(asking, old) for old in asked):
            about = {"schema": SCHEMA, **asdict(sweep), "asked": [*asked, asking]}
            runs.write_json(folder / f"{sweep.name}.json", about)
    now = declared(out, sweep.name)
    assert now is not None
    return now


def _asking(
    cells: Sequence[runs.Cell], changes: Mapping[str, Any], command: str | None
) -> dict[str, Any]:
    def each(key: str) -> list[Any]:
        return list(dict.fromkeys(cell.params[key] for cell in cells))

    return {
        "data": each("data"), "preset": each("preset"), "rows": each("row"),
        "seeds": sorted(each("seed")), "splits": sorted(each("split")), "set": dict(changes),
        "command": command, "bdlab": __version__, "when": time.time(),
        "cells": {cell.name: identity(cell.params) for cell in cells},
    }  # fmt: skip


def _repeats(asking: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    return asking["cells"].keys() <= old["cells"].keys()


def _compare(path: Path, before: Sweep, now: Sweep) -> None:
    """Raise ConfigError unless both declare the same rows, baseline and contrasts."""
    differs = []
    for name in dict.fromkeys([*before.rows, *now.rows]):
        old, new = before.rows.get(name), now.rows.get(name)
        if old is None or new is None:
            differs.append(f"the row {name} is {'new' if old is None else 'gone'}")
        elif asdict(old) | {"title": new.title} != asdict(new):
            differs.append(f"the row {name} was {dict(old.changes)}, is {dict(new.changes)}")
    if before.baseline != now.baseline:
        differs.append(f"the baseline was {before.baseline}, is {now.baseline}")
    if before.judged != now.judged:
        differs.append(f"verdicts were about {before.judged!r}, are about {now.judged!r}")
    if set(before.contrasts) != set(now.contrasts):
        differs.append("other contrasts are declared")
    if differs:
        raise ConfigError(
            f"{path}: a sweep named {now.name} was declared before, and otherwise: "
            f"{'; '.join(differs)}. Results of the two must not stand in one table: give yours "
            "another name (`name:` in the YAML file) or another folder (--out)"
        )


@contextlib.contextmanager
def _alone(folder: Path, patience: float = 60.0) -> Iterator[None]:
    """Hold a folder as the only process; two commands at once take turns."""
    until = time.monotonic() + patience
    while (claim := claims.claim(folder)) is None:
        if time.monotonic() > until:
            raise runs.RunError(f"{folder}: held by {claims.by_whom(folder)}; try again")
        time.sleep(0.05)
    with claim:
        yield
