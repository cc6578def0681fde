"""The exercise notebooks: headless with the empty stub they say what is missing; with the model
solution they say it is right.
"""

import ast
import inspect
import re

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest

from bdlab import batch
from bdlab.workbench import exercises, style
from bdlab.workbench.exercises import figures as pictures
from bdlab.workbench.exercises import solutions
from tests.conftest import REPOSITORY

from . import reading

FOLDER = REPOSITORY / "notebooks" / "exercises"
BOOKS = {
    "01_derivatives": "derive",
    "02_hinge": "hinge",
    "03_graph": "mdl",
    "04_score": "score",
    "05_seeds": "interval",
    "06_rescued": "rescued",
}


def test_there_are_six():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(BOOKS)
    assert set(BOOKS.values()) | {"Mark", "directed"} == set(exercises.__all__)


@pytest.mark.slow
@pytest.mark.parametrize("stem", BOOKS)
def test_it_runs_headless_with_the_stub_and_says_what_is_missing(tmp_path, stem):
    out = tmp_path / "executed.ipynb"
    batch.execute(FOLDER / f"{stem}.ipynb", out, {"threads": 1}, timeout=300)
    reading.draws(out, 1)  # the question's picture
    text = "".join(reading.of_type(out, "text/plain"))
    assert text.count("Not yet. Nothing comes back yet: replace the dots") == 1
    assert "Right." not in text


@pytest.mark.parametrize("stem", BOOKS)
def test_the_model_solution_in_its_place_is_right(stem, capsys, monkeypatch):
    monkeypatch.setattr(style, "theme", lambda: None)
    plt.close("all")  # of other tests
    book = nbformat.read(FOLDER / f"{stem}.ipynb", as_version=4)
    (stub,) = [c for c in book.cells if "yours" in c.metadata.get("tags", [])]
    solution = getattr(solutions, BOOKS[stem])
    assert stub.source.splitlines()[0] == f"def {BOOKS[stem]}{inspect.signature(solution)}:"
    stub.source = inspect.getsource(solution)
    space = {}
    for cell in book.cells:
        if cell.cell_type == "code":
            exec(cell.source, space)
    assert space["mark"].right, space["mark"].hint
    assert len(plt.get_fignums()) == 1 + {"01_derivatives": 1, "06_rescued": 2}.get(stem, 0)
    assert capsys.readouterr().out or stem == "01_derivatives", (
        "once right, the function is put to use"
    )
    plt.close("all")


@pytest.mark.parametrize("stem", BOOKS)
def test_it_keeps_the_form_of_every_notebook_and_holds_no_solution(stem):
    book = nbformat.read(FOLDER / f"{stem}.ipynb", as_version=4)
    assert [c.id for c in book.cells] == [f"cell-{k:02d}" for k in range(len(book.cells))]
    assert "**Question.**" in book.cells[0].source
    assert sum("parameters" in c.metadata.get("tags", []) for c in book.cells) == 1
    said = [c.source for c in book.cells if c.cell_type == "markdown"]
    assert any(text.startswith("## Go further") for text in said)
    assert any("**Expect" in text for text in said)
    assert any("**We see**" in text for text in said)
    for cell in book.cells:
        if cell.cell_type == "code":
            functions = [
                node
                for node in ast.walk(ast.parse(cell.source))
                if isinstance(node, ast.FunctionDef)
            ]
            assert all(
                "yours" in cell.metadata.get("tags", []) and node.end_lineno - node.lineno < 12
                for node in functions
            )
    for link in re.findall(r"\]\(([^)#]+\.ipynb)\)", "".join(said)):
        assert (FOLDER / link).resolve().parent == REPOSITORY / "notebooks"
        assert (FOLDER / link).is_file(), link


class TestPictures:
    """The questions' pictures show what they were given."""

    @pytest.fixture(autouse=True)
    def closed(self):
        yield
        plt.close("all")

    def test_a_cloud_joins_the_anchor_with_every_other_and_tells_positives_by_their_line(self):
        a, b = np.arange(6.0).reshape(3, 2), np.arange(8.0).reshape(4, 2) + 1
        ax = pictures.cloud(a, b, [1, 2, 2], [2, 1, 2, 3], anchor=1).axes[0]
        assert [line.get_linestyle() for line in ax.lines] == ["-", ":", "-", ":"]
        for line, end in zip(ax.lines, b, strict=True):
            np.testing.assert_allclose(line.get_xydata(), [a[1], end])
        assert [t.get_text() for t in ax.texts] == list("1222123")

    def test_a_ranking_ticks_the_right_person_only(self):
        ax = pictures.ranking((7, 3), [7, 1, 7], [2, 4, 5]).axes[0]
        boxes = [t.get_text() for t in ax.texts if "camera" in t.get_text()]
        assert boxes == [
            "person 7\ncamera 3",
            "person 7 ✓\ncamera 2",
            "person 1\ncamera 4",
            "person 7 ✓\ncamera 5",
        ]

    def test_seeds_are_joined_by_their_means(self):
        ours, baseline = np.array([[0.3, 0.5], [0.2, 0.4]]), np.array([[0.1, 0.3], [0.2, 0.2]])
        ax = pictures.seeds(ours, baseline).axes[0]
        np.testing.assert_allclose([line.get_ydata() for line in ax.lines], [[20, 40], [20, 30]])
        dots = np.concatenate([c.get_offsets()[:, 1] for c in ax.collections])
        np.testing.assert_allclose(
            sorted(dots), sorted(100 * np.concatenate([ours, baseline]).ravel())
        )
