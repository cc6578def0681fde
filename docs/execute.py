"""Runs the notebooks and keeps their outputs in them: what `make notebooks` does.

    python docs/execute.py [NOTEBOOK ...]        # all of them without an argument
    python docs/execute.py --clean NOTEBOOK      # git's filter, see .gitattributes

Nothing else may write outputs into a tracked notebook: pictures are made small, explorers leave the
picture they show at first, and two hashes say which source the outputs were made from and that they
are these very outputs.
"""

from __future__ import annotations

import ast
import base64
import copy
import hashlib
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import packing

from bdlab import batch

ROOT = Path(__file__).resolve().parent.parent
BOOKS = ROOT / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
PICTURE = "image/png"  # as it is drawn
PICTURES = {PICTURE, "image/jpeg"}  # as it is kept
EXPLORERS = "bdlab.workbench.explorers"
#: What shows a figure of another function while it works.
DRAWN = {"bdlab.workbench.notebook.train": "curves"}
MOST_BYTES = 400_000  # of a notebook with its outputs
RESERVE = 200  # bytes for what stands round a picture, and in the notebook's own metadata
#: Full metadata, so that opening and saving a notebook changes nothing. Versions are left out.
KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


def source_hash(book: nbformat.NotebookNode) -> str:
    """The sha256 of all cells' sources: which text the outputs belong to."""
    sources = [[cell.cell_type, cell.source] for cell in book.cells]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def output_hash(book: nbformat.NotebookNode) -> str:
    """The sha256 of all cells' outputs."""
    outputs = [cell.get("outputs", []) for cell in book.cells]
    return hashlib.sha256(json.dumps(outputs, sort_keys=True).encode()).hexdigest()


def is_ours(book: nbformat.NotebookNode) -> bool:
    """Whether the outputs are those that `make notebooks` left, made from this very source."""
    made = {"outputs_of": source_hash(book), "outputs": output_hash(book)}
    return dict(book.metadata.get("bdlab", {})) == made


def clean(text: str, tracked: str | None) -> str:
    """What git shall see of a notebook: a reader's own outputs give way to the tracked ones.

    ``text`` is the notebook as it lies there, ``tracked`` the one of the last commit, if any. A
    changed source keeps no outputs until `make notebooks` makes them.
    """
    book = nbformat.reads(text, as_version=4)
    if is_ours(book):
        return text
    if tracked is not None and source_hash(nbformat.reads(tracked, 4)) == source_hash(book):
        return tracked
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    book.metadata = nbformat.from_dict(KERNEL)
    return nbformat.writes(book) + "\n"


def run(path: Path) -> nbformat.NotebookNode:
    """The notebook, executed with its own parameters in a folder without runs: what it shows must
    not hang on what was trained here before. Rendered people are taken from the repository's data.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / path.name
        os.environ.setdefault("BDLAB_DATA", str(ROOT / "data"))
        os.environ["BDLAB_WORK"] = folder
        batch.execute(path, out, {}, timeout=1800)
        return nbformat.read(out, as_version=4)


def keep(path: Path, executed: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The tracked notebook with the outputs of an execution, its pictures as small as they must be
    for ``MOST_BYTES``. Raises ValueError where they cannot be.
    """
    book = nbformat.read(path, as_version=4)
    state = executed.metadata.get("widgets", {}).get(
        "application/vnd.jupyter.widget-state+json", {}
    )
    alts = alt_texts(book)
    number = 0
    for cell, done in zip(book.cells, executed.cells, strict=True):
        if cell.cell_type != "code":
            continue
        number += 1
        cell.execution_count = number
        shown = [output for output in done.outputs if not is_bar(output)]
        cell.outputs = [tidy(output, state.get("state", {})) for output in shown]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
        if cell.id in alts and any(PICTURE in o.get("data", {}) for o in cell.outputs):
            cell.metadata["mystnb"] = {"image": {"alt": alts[cell.id]}}
    shrink(book)
    made = {"outputs_of": source_hash(book), "outputs": output_hash(book)}
    book.metadata = nbformat.from_dict({**KERNEL, "bdlab": made})
    return book


def shrink(book: nbformat.NotebookNode) -> None:
    """Packs all pictures of a notebook into what its texts leave."""
    shown = [
        output.data
        for cell in book.cells
        for output in cell.get("outputs", [])
        if PICTURE in output.get("data", {})
    ]
    raw = [base64.b64decode(data.pop(PICTURE)) for data in shown]
    text = len(nbformat.writes(book).encode()) + RESERVE * (len(raw) + 1)
    # base64 makes four letters of three bytes
    for data, form in zip(shown, packing.fit(raw, (MOST_BYTES - text) * 3 // 4), strict=True):
        data[form.kind] = base64.b64encode(form.data).decode()


def is_bar(output: nbformat.NotebookNode) -> bool:
    """Whether an output is a progress bar: work of this machine, nothing to be shown."""
    data = output.get("data", {})
    return WIDGET in data and bool(re.search(r"%\|.*\|", data.get("text/plain", "")))


def tidy(output: nbformat.NotebookNode, widgets: dict) -> nbformat.NotebookNode:
    """One output as it is kept: explorers as pictures."""
    output = copy.deepcopy(output)
    data = output.get("data", {})
    if WIDGET in data:
        # the explorer's own static twin goes before what its children show
        own = data.get(PICTURE)
        picture = base64.b64decode(own) if own else picture_of(data[WIDGET]["model_id"], widgets)
        text = "An explorer: run this notebook to use it."
        output.data = nbformat.from_dict({"text/plain": text})
        if picture:
            output.data[PICTURE] = base64.b64encode(picture).decode()
        output.metadata = nbformat.from_dict({})
    return output


def picture_of(model_id: str, widgets: dict) -> bytes | None:
    """The largest picture that a widget or one of its children shows; None without any."""
    pictures: list[bytes] = []
    waiting = [model_id]
    while waiting:
        model = widgets.get(waiting.pop(), {})
        for buffer in model.get("buffers", []):
            raw = base64.b64decode(buffer["data"])
            if raw.startswith(b"\x89PNG"):
                pictures.append(raw)
        for child in model.get("state", {}).get("children", []):
            waiting.append(child.removeprefix("IPY_MODEL_"))
    return max(pictures, key=len, default=None)


def alt_texts(book: nbformat.NotebookNode) -> dict[str, str]:
    """Cell id -> what its picture shows: the first sentence of the docstring of the figure function
    or explorer that is called last in it, be it by a function of the notebook's own.
    """
    modules: dict[str, str] = {}
    own: dict[str, str] = {}  # functions of the notebook -> what they draw
    texts = {}
    for cell in book.cells:
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        for node in tree.body:
            if text := drawn_by(node, modules, own):
                if isinstance(node, ast.FunctionDef):
                    own[node.name] = text
                else:
                    texts[cell.id] = text
    return texts


def drawn_by(tree: ast.AST, modules: dict[str, str], own: dict[str, str]) -> str | None:
    """What the last call of a figure function below a node shows."""
    found = None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                found = own.get(node.func.id, found)
            else:
                found = first_sentence(node.func, modules) or found
    return found


def first_sentence(function: ast.expr, modules: dict[str, str]) -> str | None:
    """What ``module.function`` shows, if it is a figure function or an explorer of the
    workbench.
    """
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return None
    name = modules.get(function.value.id, "")
    if not name.startswith("bdlab.workbench"):
        return None
    try:
        module = importlib.import_module(name)
    except ImportError:
        return None
    called = f"{name}.{function.attr}"
    found = getattr(module, DRAWN.get(called, function.attr), None)
    returns = inspect.signature(found).return_annotation if inspect.isfunction(found) else None
    draws = returns in ("Figure", "Figure | None", "matplotlib.figure.Figure")
    if not (draws or (name == EXPLORERS and returns)) or not found.__doc__:
        return None
    text = " ".join(found.__doc__.split("\n\n")[0].split()).replace("``", "")
    return re.split(r"(?<![Ee]q)(?<!Fig)\. ", text)[0].rstrip(".") + "."


def main(paths: list[Path]) -> None:
    os.chdir(ROOT)
    for path in paths:
        try:
            text = nbformat.writes(keep(path, run(path))) + "\n"
        except ValueError as error:
            sys.exit(f"{path}: {error}")
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {len(text) / 1000:,.0f} kB", flush=True)


def tracked(path: str) -> str | None:
    """The notebook as the last commit has it; None where it has none."""
    words = ["git", "show", f"HEAD:{path}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    return done.stdout if done.returncode == 0 else None


if __name__ == "__main__":
    if sys.argv[1:2] == ["--clean"]:
        sys.stdout.write(clean(sys.stdin.read(), tracked(sys.argv[2])))
        sys.exit()
    main([Path(a).resolve() for a in sys.argv[1:]] or sorted(BOOKS.rglob("*.ipynb")))
