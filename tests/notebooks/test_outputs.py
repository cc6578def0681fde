"""The outputs that tracked notebooks carry: made from this source, small, readable anywhere."""

import base64
import copy
import io
import re
import sys

import nbformat
import numpy as np
import pytest
from PIL import Image

from tests.conftest import REPOSITORY

from . import reading

sys.path.insert(0, str(REPOSITORY / "docs"))
import execute

sys.path.remove(str(REPOSITORY / "docs"))

BOOKS = sorted((REPOSITORY / "notebooks").rglob("[0-9]*.ipynb"))
each = pytest.mark.parametrize("path", BOOKS, ids=lambda p: p.stem)


@each
def test_the_outputs_were_made_from_this_source(path):
    book = nbformat.read(path, as_version=4)
    assert execute.is_ours(book), "run `make notebooks`"


def test_a_changed_source_and_changed_outputs_are_noticed():
    """The broken variants."""
    book = nbformat.read(BOOKS[0], as_version=4)
    book.cells[-1].source += " "
    assert not execute.is_ours(book)
    book = nbformat.read(BOOKS[0], as_version=4)
    last = [cell for cell in book.cells if cell.get("outputs")][-1]
    last.outputs.pop()
    assert not execute.is_ours(book)


def test_a_readers_own_run_stays_out_of_git():
    text = BOOKS[0].read_text(encoding="utf-8")
    assert execute.clean(text, text) == text
    run = nbformat.reads(text, as_version=4)
    next(cell for cell in run.cells if cell.get("outputs")).outputs.clear()
    assert execute.clean(nbformat.writes(run), text) == text
    run.cells[0].source += " changed"
    kept = nbformat.reads(execute.clean(nbformat.writes(run), text), as_version=4)
    assert kept.cells[0].source.endswith(" changed")
    assert not any(cell.get("outputs") for cell in kept.cells)


@each
def test_a_visitor_sees_figures(path):
    reading.outputs(path)  # no error among them
    pictures = reading.shown(path)
    assert pictures
    assert all(map(reading.not_blank, pictures))
    assert not reading.widgets(path), "an explorer leaves a picture, not a reference to a kernel"


@each
def test_it_is_small_and_speaks_of_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) <= execute.MOST_BYTES
    assert not re.search(r"(?<![\w.])/(work|root|home|tmp|Users)/[a-z]", text)
    assert '"papermill"' not in text


@each
def test_opening_and_saving_changes_nothing(path):
    """Full kernel metadata, cells counted from 1, the form that Jupyter writes."""
    book = nbformat.read(path, as_version=4)
    assert dict(book.metadata)["kernelspec"] == execute.KERNEL["kernelspec"]
    assert dict(book.metadata)["language_info"] == execute.KERNEL["language_info"]
    counts = [cell.execution_count for cell in book.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert path.read_text(encoding="utf-8") == nbformat.writes(book) + "\n"


def nameless(book):
    """Cells that show a picture without words for those who do not see it."""
    found = []
    for cell in book.cells:
        shows = any(execute.PICTURES & o.get("data", {}).keys() for o in cell.get("outputs", []))
        words = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if shows and len(words) < 20:
            found.append(cell.id)
    return found


@each
def test_every_picture_has_words(path):
    """Alt text of each, figures and explorers alike, and it is what the docstrings say today."""
    book = nbformat.read(path, as_version=4)
    assert nameless(book) == []
    alts = execute.alt_texts(book)
    for cell in book.cells:
        if "mystnb" in cell.metadata:
            assert cell.metadata["mystnb"]["image"]["alt"] == alts[cell.id], cell.id


def test_a_picture_without_words_is_noticed():
    """The broken variant."""
    book = nbformat.read(BOOKS[0], as_version=4)
    named = next(cell for cell in book.cells if "mystnb" in cell.metadata)
    del named.metadata["mystnb"]
    assert nameless(book) == [named.id]


@each
def test_every_explorer_leaves_a_picture(path):
    book = nbformat.read(path, as_version=4)
    for cell in book.cells:
        said = [o.get("data", {}) for o in cell.get("outputs", [])]
        if any("An explorer" in data.get("text/plain", "") for data in said):
            assert any(execute.PICTURES & data.keys() for data in said), cell.id


def test_an_explorers_own_picture_goes_before_those_of_its_children():
    png = io.BytesIO()
    Image.radial_gradient("L").save(png, "PNG")
    own = base64.b64encode(png.getvalue()).decode()
    data = {execute.WIDGET: {"model_id": "a"}, "image/png": own, "text/plain": "Board()"}
    output = nbformat.v4.new_output("execute_result", data)
    kept = execute.tidy(output, {}).data
    assert execute.PICTURES & kept.keys()
    assert execute.WIDGET not in kept
    bare = nbformat.v4.new_output("execute_result", {execute.WIDGET: {"model_id": "a"}})
    assert not execute.PICTURES & execute.tidy(bare, {}).data.keys()


def test_a_progress_bar_is_no_explorer():
    bar = {execute.WIDGET: {"model_id": "a"}, "text/plain": "decoding:   0%|          | 0/90"}
    board = {execute.WIDGET: {"model_id": "a"}, "text/plain": "HBox(children=(Image(),))"}
    for data, is_bar in ((bar, True), (board, False), ({"text/plain": "50%| of |"}, False)):
        output = nbformat.v4.new_output("display_data", data)
        assert execute.is_bar(output) is is_bar, data


def test_words_of_a_function_of_the_notebooks_own():
    """A picture drawn by a function that a cell defined, and one of a bar's live curves."""
    cells = [
        "from bdlab.workbench import explorers, notebook, tables",
        "def picture(name):\n    tables.beside(name)",
        "picture('table1')",
        "notebook.train(session, setup)",
        "explorers.graph('mdl4')",
        "other('table1')",
    ]
    made = [nbformat.v4.new_code_cell(source) for source in cells]
    texts = execute.alt_texts(nbformat.v4.new_notebook(cells=made))
    assert texts.keys() == {made[k].id for k in (2, 3, 4)}
    assert texts[made[2].id].startswith("Dumbbell")
    assert "loss terms of a run" in texts[made[3].id]
    assert "four modalities as a graph" in texts[made[4].id]


def test_all_pictures_are_packed_into_what_the_texts_leave(monkeypatch):
    """Two noisy pictures beside one that is small whatever is done; and too many are refused."""
    noise = np.random.default_rng(0).normal(128, 12, (2, 200, 200, 3)).astype(np.uint8)
    pictures = [noise[0], noise[1], np.zeros((200, 200, 3), np.uint8)]
    outputs = [{execute.PICTURE: base64.b64encode(as_png(p)).decode()} for p in pictures]
    made = [nbformat.v4.new_output("display_data", data) for data in outputs]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=made)])
    whole = len(nbformat.writes(book))
    monkeypatch.setattr(execute, "MOST_BYTES", whole // 4)
    tight = copy.deepcopy(book)
    execute.shrink(tight)
    assert whole // 8 < len(nbformat.writes(tight)) <= whole // 4
    assert all(execute.PICTURES & output.data.keys() for output in tight.cells[0].outputs)
    monkeypatch.setattr(execute, "MOST_BYTES", 5000)
    with pytest.raises(ValueError, match="3 pictures need"):
        execute.shrink(copy.deepcopy(book))


def as_png(pixels):
    raw = io.BytesIO()
    Image.fromarray(pixels).save(raw, "PNG")
    return raw.getvalue()


def test_figures_are_named_by_their_functions():
    """Alt text is the first sentence of the figure function's docstring."""
    book = nbformat.read(REPOSITORY / "notebooks" / "03_losses.ipynb", as_version=4)
    texts = execute.alt_texts(book)
    assert len(texts) >= 5
    assert all(text.endswith(".") and len(text) > 20 for text in texts.values())
