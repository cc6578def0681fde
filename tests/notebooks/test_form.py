"""The house rules of every notebook of the series."""

import ast
import json

import nbformat
import pytest

from bdlab import batch
from tests.conftest import REPOSITORY

BOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
each = pytest.mark.parametrize("path", BOOKS, ids=lambda p: p.stem)


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
