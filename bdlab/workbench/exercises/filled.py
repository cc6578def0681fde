"""An exercise's notebook with the model solution in the learner's cell."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

from bdlab.config import ConfigError

from . import solutions
from .progress import EXERCISES


def notebook(path: Path) -> str:
    """The text of the notebook with the solution; outputs from there on are taken out, since they
    are those of another function. Raises ConfigError where the learner's cell is gone.
    """
    book = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    found = [
        (k, name)
        for k, cell in enumerate(code)
        for name in EXERCISES
        if f"def {name}(" in "".join(cell["source"])
    ]
    if not found:
        raise ConfigError(
            f"{path}: no cell defines one of {', '.join(EXERCISES)}; rename this notebook, and "
            "bdlab's own is taken"
        )
    # of several versions the last is the one that is checked
    last, name = found[-1]
    code[last]["source"] = inspect.getsource(getattr(solutions, name)).rstrip()
    for cell in code[found[0][0] :]:
        cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"
