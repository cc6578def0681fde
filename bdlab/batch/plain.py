"""A finished attempt that may be given away: no picture of a person, no path of this machine."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bdlab.files import without_paths, write

RECORDS = ("params.json", "result.json", "failure.json")


def give_away(attempt: Path) -> None:
    """Take every picture out of an attempt's notebook, and all but the last part of every absolute
    path out of it, of the records and of what lies beside the weights. Called before the commit, or
    after a failure; weights and scores stay as they are.

    A cell without the root of its data opens again where ``root`` is given.
    """
    if not (attempt / "params.json").is_file():
        return  # nothing was begun
    params = json.loads((attempt / "params.json").read_text())
    # folders that are known, blanks and all; the longest first
    known = [str(attempt), str(attempt.parents[2]), str(Path.home()), str(Path.cwd())]
    for value in params.values():
        if isinstance(value, str) and Path(value).is_absolute():
            known.append(str(Path(value).parent))
    roots = sorted((root for root in known if root != Path(root).anchor), key=len, reverse=True)
    weights = _weights(attempt / "weights.pt", roots)
    for name in RECORDS:
        if (attempt / name).is_file():
            record = json.loads((attempt / name).read_text())
            if "provenance" in record:
                record["provenance"] |= weights
            write(attempt / name, json.dumps(_plain(record, roots), indent=1).encode())
    file = attempt / "notebook.ipynb"
    if not file.is_file():
        return
    book = json.loads(file.read_text(encoding="utf-8"))
    book["metadata"] = _plain(book["metadata"], roots)
    for cell in book["cells"]:
        cell["metadata"] = _plain(cell["metadata"], roots)
        if "injected-parameters" in cell["metadata"].get("tags", ()):
            cell["source"] = _plain(cell["source"], roots)  # no other source names a path
        for output in cell.get("outputs", ()):
            if "data" in output:
                output["data"] = _words(output["data"])
        if cell["cell_type"] == "code":
            cell["outputs"] = _plain(cell["outputs"], roots)
    write(file, json.dumps(book, indent=1, ensure_ascii=False).encode())


def _weights(file: Path, roots: Sequence[str]) -> dict[str, Any]:
    """Take the paths out of the parameters that lie beside the weights; what a result says of the
    file from then on.
    """
    if not file.is_file():
        return {}
    import torch

    from bdlab.training import checkpoint

    saved = checkpoint.data(file.read_bytes())
    buffer = io.BytesIO()
    torch.save(saved | {"params": _plain(saved["params"], roots)}, buffer)
    content = buffer.getvalue()
    write(file, content)
    return {
        "weights_bytes": len(content),
        "weights_sha256": hashlib.sha256(content).hexdigest(),
    }


def _words(data: dict[str, Any]) -> dict[str, Any]:
    """The parts of an output that are plain text."""
    kept = {kind: value for kind, value in data.items() if kind in ("text/plain", "text/markdown")}
    return kept or {"text/plain": "left out: the run was made without pictures"}


def _plain(value: Any, roots: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item, roots) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, roots) for item in value]
    return without_paths(value, roots) if isinstance(value, str) else value
