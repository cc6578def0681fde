"""Reference runs: finished cells that came with bdlab, without their weights.

``pack`` makes them small; ``load`` gives what ``runs.committed`` gives of a folder of own runs, so
that reports and notebooks show real results on a fresh clone, labelled as shipped.
``python -m bdlab.experiments.reference pack RUNS`` writes the folder. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bdlab.files import read_lines, write

from . import runs

FOLDER = Path(__file__).with_name("reference")
MOST_BYTES = 4 * 2**20  # of all reference runs together
DIGITS = 5  # of a score or a loss term; a printed table has four
EPOCHS = 20  # of a history at most, the last among them
#: What of a setting's scores is not shipped; only the first setting keeps each person's.
DROPPED = ("trials", "provenance")

Record = tuple[Path, dict[str, Any] | None, str | None]


def pack(out: Path | str, to: Path | str = FOLDER, command: str = "") -> list[Path]:
    """Write every committed cell of a folder as ``<to>/<cell>/{result.json,history.jsonl}``;
    returns their folders.

    ``command`` made them and is kept with each, beside the machine's name. Paths of this machine
    are left out. Raises RunError for a cell that is not whole, a cell made by code that is not
    committed, or where all would be more than 4 MB; then nothing is written.
    """
    cells = list(runs.committed(Path(out)))
    if not cells:
        raise runs.RunError(f"{out}: no finished cell there to be shipped")
    texts: dict[str, dict[str, str]] = {}
    for folder, result, fault in cells:
        if result is None:
            raise runs.RunError(f"{folder}: not whole, {fault}; run it again before it is shipped")
        if result["provenance"].get("git_dirty") is not False:
            raise runs.RunError(
                f"{folder}: made by code that is in no commit (git_dirty is "
                f"{result['provenance'].get('git_dirty')}); nobody could make it again"
            )
        texts[folder.name] = _texts(folder, result, command)
    size = sum(len(text) for files in texts.values() for text in files.values())
    size += sum(path.stat().st_size for path in Path(to).glob("*/*"))
    if size > MOST_BYTES:
        raise runs.RunError(
            f"{to}: {size:,} bytes with these {len(texts)} cells, at most {MOST_BYTES:,} are "
            "shipped; pack fewer sweeps or seeds"
        )
    return [_write(Path(to) / name, files) for name, files in texts.items()]


def _write(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write(folder / name, text.encode())
    return folder


def _texts(folder: Path, result: dict[str, Any], command: str) -> dict[str, str]:
    """The two files of one cell."""
    machine = f"{platform.system()} {platform.machine()}"
    scores = {}
    for number, (setting, score) in enumerate(result["scores"].items()):
        dropped = DROPPED if number == 0 else (*DROPPED, "by_identity")
        scores[setting] = {key: value for key, value in score.items() if key not in dropped}
    kept = result | {"params": result["params"] | {"root": None}, "scores": scores}
    kept["shipped"] = {"command": command, "machine": machine}
    lines = read_lines(folder / "history.jsonl")[::-1]  # the last epoch stays
    step = -(-len(lines) // EPOCHS) or 1
    history = [_dumped(line) for line in lines[::step][::-1]]
    return {"result.json": _dumped(kept) + "\n", "history.jsonl": "\n".join(history) + "\n"}


def _dumped(value: Any) -> str:
    return json.dumps(_plain(value), separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    """A record with fewer digits, and with the last part of every absolute path alone."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, str) and re.match(r"(/|~|[A-Za-z]:[/\\])", value):
        return re.split(r"[/\\]", value.rstrip("/\\"))[-1]
    return value


def load(folder: Path | str = FOLDER) -> Iterator[Record]:
    """Every reference run: (folder, result, None), or (folder, None, what is wrong). A folder that
    is not there holds none.
    """
    place = Path(folder)
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        if path.is_dir() and not path.name.startswith((".", "__")):
            try:
                result = json.loads((path / "result.json").read_text(encoding="utf-8"))
                fault = _fault(path, result)
            except (OSError, ValueError) as error:
                result, fault = None, f"result.json cannot be read ({error.__class__.__name__})"
            yield path, None if fault else result, fault


def _fault(folder: Path, result: Any) -> str | None:
    """What is wrong with a shipped cell, in words; None if nothing is."""
    if not isinstance(result, dict) or not isinstance(result.get("shipped"), dict):
        return "result.json is not of a reference run"
    params, provenance = result.get("params"), result.get("provenance")
    if not isinstance(params, dict) or not {"sweep", "row", "data", "preset"} <= params.keys():
        return "result.json does not say which cell it is"
    if not isinstance(provenance, dict) or not provenance.get("git_sha"):
        return "result.json does not say which commit made it"
    if not read_lines(folder / "history.jsonl"):
        return "history.jsonl is missing or empty"
    scores = result.get("scores")
    if not isinstance(scores, dict) or not scores:
        return "result.json has no scores"
    for setting, score in scores.items():
        mean = score.get("mean") if isinstance(score, dict) else None
        if not isinstance(mean, dict) or not all(map(_fraction, mean.values())):
            return f"the scores of {setting} are no fractions in [0, 1]"
    return None


def _fraction(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and 0 <= value <= 1


def main(words: list[str] | None = None) -> int:
    """``pack RUNS``: the command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m bdlab.experiments.reference")
    parser.add_argument("what", choices=["pack"])
    parser.add_argument("runs", type=Path, help="a folder of finished runs")
    parser.add_argument("--to", type=Path, default=FOLDER, help="where they are put")
    parser.add_argument("--command", default="", help="the command that made them")
    asked = parser.parse_args(words)
    try:
        packed = pack(asked.runs, asked.to, asked.command)
    except runs.RunError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    size = sum(path.stat().st_size for folder in packed for path in folder.iterdir())
    print(f"{len(packed)} reference runs, {size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
