"""Reference runs: finished cells that came with bdlab, two of them with their weights.

``pack`` makes them small; ``load`` gives what ``runs.committed`` gives of a folder of own runs, so
that reports and notebooks show real results on a fresh clone, labelled as shipped. ``trained``
gives one whole, with its weights, to notebooks that ask a network.
``python -m bdlab.experiments.reference pack RUNS`` writes the folder. The standard
library alone reads them; weights want torch.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import math
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from bdlab.files import read_lines, write

from . import runs

FOLDER = Path(__file__).with_name("reference")
WEIGHTS = "weights.safetensors"
FILM = "film.npz"  # where a cell's test pictures lay after every epoch (workbench/desk/film.py)
MOST_BYTES = 4 * 2**20  # of all reference runs together, without weights
MOST_WEIGHTS = 2 * 2**20  # of one cell's
DIGITS = 5  # of a score or a loss term; a printed table has four
EPOCHS = 20  # of a history at most, the last among them
#: What of a setting's scores is not shipped; only the first setting keeps each person's.
DROPPED = ("trials", "provenance")

Record = tuple[Path, dict[str, Any] | None, str | None]


def pack(
    out: Path | str,
    to: Path | str = FOLDER,
    command: str = "",
    weights: Collection[str] = (),
) -> list[Path]:
    """Write every committed cell of a folder as ``<to>/<cell>/{result.json,history.jsonl}``;
    returns their folders.

    ``command`` made them and is kept with each, beside the machine's name. Paths of this machine
    are left out. Cells whose names are in ``weights`` also get ``weights.safetensors`` and their
    film, where one was shot. Raises RunError for a cell that is not whole, a cell made by code that
    is not committed, or where all would be more than 4 MB or one cell's weights more than 2; then
    nothing is written.
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
    if unknown := sorted(set(weights) - texts.keys()):
        raise runs.RunError(f"{out}: no finished cell {unknown[0]} whose weights could be shipped")
    tensors = {name: _safe(Path(out) / name) for name in weights}
    films = {name: film for name in weights if (film := _film(Path(out) / name))}
    size = sum(len(text) for files in texts.values() for text in files.values())
    size += sum(map(len, films.values()))
    there = [path for path in Path(to).glob("*/*") if path.parent.name not in texts]
    size += sum(path.stat().st_size for path in there if path.name != WEIGHTS)
    if size > MOST_BYTES:
        raise runs.RunError(
            f"{to}: {size:,} bytes with these {len(texts)} cells, at most {MOST_BYTES:,} are "
            "shipped; pack fewer sweeps or seeds"
        )
    for name, content in tensors.items():
        (Path(to) / name).mkdir(parents=True, exist_ok=True)
        write(Path(to) / name / WEIGHTS, content)
    for name, film in films.items():
        write(Path(to) / name / FILM, film)
    return [_write(Path(to) / name, files) for name, files in texts.items()]


def _safe(folder: Path) -> bytes:
    """The weights of a committed cell as a safetensors file, number of people in its metadata."""
    from safetensors.torch import save

    from bdlab.training import checkpoint

    saved = checkpoint.data((folder / "weights.pt").read_bytes())
    state = {name: value.contiguous().clone() for name, value in saved["state"].items()}
    # one entry alone: of two the order, and so the file, would differ from time to time
    content = save(state, {"num_ids": str(saved["num_ids"])})
    if len(content) > MOST_WEIGHTS:
        raise runs.RunError(
            f"{folder.name}: weights of {len(content):,} bytes, at most {MOST_WEIGHTS:,} are "
            "shipped; take a smaller backbone"
        )
    return content


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


def _plain(value: Any, digits: int | None = DIGITS) -> Any:
    """A record with fewer digits (parameters keep theirs: they name the cell), and with the last
    part of every absolute path alone.
    """
    if isinstance(value, dict):
        return {
            key: _plain(item, None if key == "params" else digits) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_plain(item, digits) for item in value]
    if isinstance(value, float) and digits is not None:
        return round(value, digits)
    if isinstance(value, str) and re.match(r"(/|~|[A-Za-z]:[/\\])", value):
        return re.split(r"[/\\]", value.rstrip("/\\"))[-1]
    return value


def trained(row: str, data: str, out: Path | str | None = None) -> Path:
    """The shipped trained cell of a row and a data set as a whole cell of its own, unpacked once
    below ``out`` (default: ``shipped`` in the cache of decoded pictures): whatever opens a finished
    cell opens it.

    Raises RunError where none came with bdlab, or its files are damaged.
    """
    from bdlab.datasets.records import cache_folder

    place = cache_folder() / "shipped" if out is None else Path(out)
    there = []
    for folder, result, fault in load(FOLDER):
        if (folder / WEIGHTS).is_file():
            if fault or result is None:
                raise runs.RunError(f"{folder}: damaged, {fault}; install bdlab again")
            there.append(f"{result['params']['row']} on {result['params']['data']}")
            if there[-1] == f"{row} on {data}":
                return _unpacked(folder, result, place)
    raise runs.RunError(
        f"no trained cell of {row} on {data} came with bdlab (there is {', '.join(there) or 'none'}"
        f"); `bdlab train {row} --data {data} --preset study` makes one, a notebook with "
        'preset = "demo" a small one'
    )


def _unpacked(folder: Path, result: dict[str, Any], place: Path) -> Path:
    """A shipped cell with its weights as the run contract wants them, made whole or not at all."""
    target = place / folder.name
    weights = _weights(folder, result["params"])
    digest = hashlib.sha256(weights).hexdigest()
    there = runs.check(target) is None and runs.sha256(target / "weights.pt") == digest
    if there and _film(folder) in (None, _film(target)):  # a film of the reader's own stays
        return target
    first = result["provenance"].get("weights_sha256")  # of the training's own file
    size = {"weights_bytes": len(weights), "weights_sha256": digest, "unpacked_from": first}
    whole = result | {"provenance": result["provenance"] | size}
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, prefix=".part-") as part:
        made = Path(part) / folder.name
        made.mkdir()
        write(made / "weights.pt", weights)
        write(made / "params.json", json.dumps(whole["params"]).encode())
        write(made / "result.json", _dumped(whole).encode())
        shutil.copy(folder / "history.jsonl", made / "history.jsonl")
        if film := _film(folder):
            write(made / FILM, film)
        shutil.rmtree(target, ignore_errors=True)
        with contextlib.suppress(OSError):  # another notebook was first: the same cell lies there
            made.rename(target)
    if fault := runs.check(target):
        raise runs.RunError(f"{target}: the shipped cell could not be unpacked, {fault}")
    return target


def _film(folder: Path) -> bytes | None:
    path = folder / FILM
    return path.read_bytes() if path.is_file() else None


def _weights(folder: Path, params: dict[str, Any]) -> bytes:
    """The bytes of a ``weights.pt`` that holds what the safetensors file holds."""
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / WEIGHTS, "pt") as file:
            num_ids = int(file.metadata()["num_ids"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise runs.RunError(
            f"{folder / WEIGHTS}: damaged ({type(error).__name__}); install bdlab again"
        ) from error
    buffer = io.BytesIO()
    torch.save({"params": params, "num_ids": num_ids, "state": state}, buffer)
    return buffer.getvalue()


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
    parser.add_argument("--weights", nargs="*", default=(), help="cells whose weights go along")
    asked = parser.parse_args(words)
    try:
        packed = pack(asked.runs, asked.to, asked.command, asked.weights)
    except runs.RunError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    size = sum(path.stat().st_size for folder in packed for path in folder.iterdir())
    print(f"{len(packed)} reference runs, {size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
