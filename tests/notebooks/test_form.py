"""The house rules of every notebook of the series."""

import ast
import json
import re

import nbformat
import pytest

from bdlab import batch
from tests.conftest import REPOSITORY

BOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
EXERCISES = sorted((REPOSITORY / "notebooks" / "exercises").glob("*.ipynb"))
MOST_WORDS = 120  # of a paragraph, a line of a list or of a table
each = pytest.mark.parametrize("path", BOOKS, ids=lambda p: p.stem)
every = pytest.mark.parametrize("path", BOOKS + EXERCISES, ids=lambda p: p.stem)


@each
def test_parameters_are_annotated_literals(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    (cell,) = [c for c in book.cells if "parameters" in c.metadata.get("tags", [])]
    for line in cell.source.splitlines():
        name, value = line.split("  # ")[0].split(" = ", 1)
        assert name.isidentifier()
        json.dumps(ast.literal_eval(value))
        assert "  # " in line, f"{line!r} says nothing about itself"


@each
def test_no_class_and_no_long_function(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.ClassDef)
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 12


@each
def test_it_opens_with_a_title_and_a_question(path):
    first = nbformat.read(path, as_version=4).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert "**Question.**" in first.source


@each
def test_an_unknown_parameter_is_refused(path, tmp_path):
    with pytest.raises(ValueError, match=f"{path.name} has no parameter 'no_such'; it has "):
        batch.execute(path, tmp_path / "executed.ipynb", {"no_such": 1})
    assert not list(tmp_path.iterdir())


@each
def test_cells_keep_their_ids(path):
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.id for cell in cells] == [f"cell-{k:02d}" for k in range(len(cells))]


def paragraphs(book):
    """(cell's id, paragraph) of all Markdown; a line of a list or a table is one of its own."""
    for cell in book.cells:
        if cell.cell_type == "markdown":
            for one in re.split(r"\n\n|\n(?=[*|] |\d\. )", cell.source):
                yield cell.id, one


@every
def test_no_paragraph_is_long(path):
    for where, one in paragraphs(nbformat.read(path, as_version=4)):
        assert len(one.split()) <= MOST_WORDS, f"{where}: {one[:60]}"


def test_a_long_paragraph_is_noticed():
    """The broken variant."""
    source = "# Title\n\n" + "word " * (MOST_WORDS + 1)
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source)])
    assert max(len(one.split()) for _, one in paragraphs(book)) == MOST_WORDS + 1


@each
def test_numbers_for_machines_are_called_so(path):
    """Where a notebook ends in a line of JSON, the heading before it says whom that is for."""
    cells = nbformat.read(path, as_version=4).cells
    last = [k for k, c in enumerate(cells) if c.cell_type == "code"][-1]
    text = "\n".join(c.source for c in cells[:last] if c.cell_type == "markdown")
    headings = re.findall(r"^## .*$", text, re.MULTILINE)
    if "json.dumps(" in cells[last].source:
        assert "numbers for machines" in headings[-1].lower()


@every
def test_numbers_for_machines_are_folded(path):
    """A line of JSON is for programs: its cell shows it when it is asked for."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and "print(json.dumps(" in cell.source:
            assert cell.metadata.get("jupyter") == {"outputs_hidden": True}, cell.id
            assert "hide-output" in cell.metadata.get("tags", []), cell.id
