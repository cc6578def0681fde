"""A cell that stands in several sweeps is computed once: MDL4 of Table IV is Ours of the controls.

A finished cell is adopted by another one if nothing but the names of row and sweep differs: every
parameter, the data, the files, the computing code, the machine's threads, torch and device. Its
scores would come out the same to the last bit; its provenance says whose they are.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from . import runs, sweeps
from .provenance import code

NAMES = ("sweep", "row")  # what a cell is called; nothing is computed from them


def adopt(out: Path, cell: runs.Cell, threads: int, device: str | None = None) -> Path | None:
    """Commit a finished cell of ``out`` as ``cell`` too, if one computes the same; returns what it
    was adopted from, None if there is none.

    ``threads`` and ``device`` (default: the first GPU, else the CPU) are what ``cell`` would be
    computed with. A notebook is not adopted: it tells of another row.
    """
    here = {"code": code(), "threads": threads, **_machine(device)}
    for folder, result, _ in runs.committed(out):
        if result is not None and _computes_the_same(result, cell, here):
            return folder if _commit(out, cell, folder, result) else None
    return None


def _machine(device: str | None) -> dict[str, Any]:
    import torch

    on_gpu = torch.cuda.is_available() and device != "cpu"
    name = torch.cuda.get_device_name(device or "cuda") if on_gpu else "cpu"
    return {"torch": str(torch.__version__), "device": name}


def _computes_the_same(result: Mapping[str, Any], cell: runs.Cell, here: Mapping[str, Any]) -> bool:
    provenance = result["provenance"]
    if any(provenance.get(name) != value for name, value in here.items()):
        return False
    if not (provenance.get("resumed") or {}).get("exact", True):
        return False
    other = runs.Cell.from_result(result)
    return other.name != cell.name and _nameless(other) == _nameless(cell)


def standing_in(cells: Iterable[tuple[Path, dict[str, Any]]]) -> Iterator[tuple[Path, dict]]:
    """Finished cells once more, as the cells of other sweeps that compute the same: (folder, result
    with the other names), said in their provenance. Only of sweeps with a cell of their own there,
    on the same data at the same preset, and only where theirs is missing.

    For the runs that come with bdlab, which are stored once: B2 of Table IV is B2 of the controls.
    """
    cells = list(cells)
    there = {runs.Cell.from_result(result).name for _, result in cells}
    tables = {tuple(_table(result["params"])) for _, result in cells}
    for folder, result in cells:
        of = result["params"]
        first = runs.Cell.from_result(result)
        for name, *where in sorted(tables - {tuple(_table(of))}):
            if where != _table(of)[1:] or name not in sweeps.SWEEPS:
                continue
            for row in sweeps.SWEEPS[name].rows:
                place = {"seed": of["seed"], "split": of["split"]}
                flat = sweeps.configure(name, row, of["preset"], of["data"], place).flat()
                other = runs.Cell(flat, first.fingerprint, first.files)
                if other.name not in there and _nameless(other) == _nameless(first):
                    origin = result["provenance"] | {"adopted_from": folder.name}
                    yield folder, result | {"params": flat, "provenance": origin}


def _table(params: Mapping[str, Any]) -> list[Any]:
    return [params[name] for name in ("sweep", "data", "preset")]


def _nameless(cell: runs.Cell) -> list[Any]:
    params, *read = cell.kept
    return [{name: value for name, value in params.items() if name not in NAMES}, *read]


def _commit(out: Path, cell: runs.Cell, folder: Path, result: Mapping[str, Any]) -> bool:
    """The whole cell in an attempt folder of its own, then committed by rename."""
    if runs.sha256(folder / "weights.pt") != result["provenance"]["weights_sha256"]:
        return False  # damaged since: nothing to hand on
    first = result["provenance"].get("adopted_from", folder.name)
    adopted = {"params": dict(cell.params)}
    adopted["provenance"] = result["provenance"] | {"adopted_from": first}
    attempt = runs.begin(out, cell)
    for name in ("weights.pt", "history.jsonl"):
        shutil.copy(folder / name, attempt / name)
    runs.write_json(attempt / "params.json", dict(cell.params))
    runs.write_json(attempt / "result.json", dict(result) | adopted)
    return runs.commit(out, cell.name, attempt)
