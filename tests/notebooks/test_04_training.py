"""Notebook 04, headless: it runs, shows its figures, writes the contract; and nbval runs it as a reader would."""

import ast
import json
import subprocess
import sys

import nbformat
import pytest

from bdlab import batch, runs

from ..conftest import REPOSITORY
from .pictures import not_blank, shown


@pytest.mark.slow
def test_it_runs_and_shows_what_it_says(tmp_path, monkeypatch):
    out = tmp_path / "executed.ipynb"
    monkeypatch.chdir(tmp_path)  # by hand it writes to ./runs
    batch.execute(batch.NOTEBOOK, out, {"preset": "smoke", "row": "MDL4", "threads": 1}, timeout=300)
    pictures = shown(out)
    assert len(pictures) == 6  # the batch, the derivatives, the live curves, the curves, the generator, the CMC
    assert all(map(not_blank, pictures))
    (cell,) = [s for s in runs.status(tmp_path / "runs") if s.word == "done"]
    result = json.loads((tmp_path / "runs" / cell.name / "result.json").read_text())
    assert set(result["scores"]) == {"v2t", "t2v"}
    assert result["params"]["row"] == "MDL4"


@pytest.mark.slow
def test_nbval_runs_it(tmp_path):
    source = batch.NOTEBOOK.read_text().replace('preset = \\"demo\\"', 'preset = \\"smoke\\"').replace('row = \\"MDL4\\"', 'row = \\"B1\\"')
    assert source != batch.NOTEBOOK.read_text()
    (tmp_path / "copy.ipynb").write_text(source)
    words = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-cell-timeout=120", "-p", "no:cacheprovider", "-q", "copy.ipynb"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


class TestForm:
    """The house rules of every notebook."""

    BOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))

    @pytest.mark.parametrize("path", BOOKS, ids=lambda p: p.stem)
    def test_parameters_are_annotated_literals(self, path):
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        (cell,) = [c for c in book.cells if "parameters" in c.metadata.get("tags", [])]
        for line in cell.source.splitlines():
            name, value = line.split("  # ")[0].split(" = ", 1)
            assert name.isidentifier()
            json.dumps(ast.literal_eval(value))
            assert "  # " in line, f"{line!r} says nothing about itself"

    @pytest.mark.parametrize("path", BOOKS, ids=lambda p: p.stem)
    def test_no_class_no_long_function_no_outputs_no_counts(self, path):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "code":
                continue
            assert cell.outputs == []
            assert cell.execution_count is None
            for node in ast.walk(ast.parse(cell.source)):
                assert not isinstance(node, ast.ClassDef)
                if isinstance(node, ast.FunctionDef):
                    assert node.end_lineno - node.lineno < 12

    @pytest.mark.parametrize("path", BOOKS, ids=lambda p: p.stem)
    def test_it_opens_with_a_title_and_a_question(self, path):
        first = nbformat.read(path, as_version=4).cells[0]
        assert first.cell_type == "markdown"
        assert first.source.startswith("# ")
        assert "**Question.**" in first.source
