"""The outputs that tracked notebooks carry: made from this source, small, readable anywhere."""

import base64
import io
import re
import sys

import nbformat
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


def test_pictures_are_made_small_and_stay_pictures():
    big = Image.radial_gradient("L").convert("RGB")
    raw = io.BytesIO()
    big.save(raw, "PNG", compress_level=0)
    (data,) = execute.small(raw.getvalue()).values()
    kept = base64.b64decode(data)
    assert len(kept) < len(raw.getvalue())
    assert Image.open(io.BytesIO(kept)).size == big.size


def test_figures_are_named_by_their_functions():
    """Alt text is the first sentence of the figure function's docstring."""
    book = nbformat.read(REPOSITORY / "notebooks" / "03_losses.ipynb", as_version=4)
    texts = execute.alt_texts(book)
    assert len(texts) >= 5
    assert all(text.endswith(".") and len(text) > 20 for text in texts.values())
