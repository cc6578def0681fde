"""How far a class is, read from notebooks as learners leave them: edited, doubled, broken."""

import json
import shutil

import pytest

from bdlab.config import ConfigError
from bdlab.workbench import exercises
from bdlab.workbench.exercises import filled, progress, solutions
from tests.conftest import REPOSITORY

SHIPPED = REPOSITORY / "notebooks" / "exercises"
STUB = "def hinge(a, b, ids_a, ids_b, margin):\n    return ..."
WRITTEN = STUB.replace("...", "0")
CHECK = "mark = exercises.hinge(hinge)\nmark"


def cell(source, *marks):
    """A code cell that shows these marks."""
    outputs = [
        {
            "output_type": "execute_result",
            "data": {"text/plain": repr(mark)},
            "metadata": mark._repr_mimebundle_()[1],
            "execution_count": 1,
        }
        for mark in marks
    ]
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": outputs}


def written(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4}))


def hint(words="Think."):
    return exercises.Mark(False, words, "hinge")


PASSED = exercises.Mark(True, "Good.", "hinge")
EMPTY = exercises.Mark(False, "Nothing comes back yet.", "hinge", begun=False)


class TestOneNotebook:
    def state(self, *cells):
        return progress.of_notebook({"cells": list(cells)})["hinge"]

    def test_as_it_is_shipped(self):
        books = [json.loads(path.read_text()) for path in sorted(SHIPPED.glob("*.ipynb"))]
        states = [progress.of_notebook(book) for book in books]
        assert [list(one) for one in states] == [[name] for name in progress.EXERCISES]
        assert {state.word for one in states for state in one.values()} == {"not begun"}

    def test_the_words(self):
        assert self.state(cell(STUB), cell(CHECK)).word == "not begun"
        assert self.state(cell(STUB), cell(CHECK, EMPTY)).word == "not begun"
        assert self.state(cell(WRITTEN), cell(CHECK)).word == "not checked"
        assert self.state(cell(WRITTEN), cell(CHECK, EMPTY)).word == "not checked"
        assert self.state(cell(WRITTEN), cell(CHECK, hint())) == progress.State("hint", "Think.")
        assert self.state(cell(WRITTEN), cell(CHECK, PASSED)).word == "passed"

    def test_the_last_hint_is_kept_and_a_pass_is_never_lost(self):
        two = cell(CHECK, hint("One.")), cell(CHECK, hint("Two."))
        assert self.state(*two).hint == "Two."
        assert self.state(cell(CHECK, PASSED), *two).word == "passed"

    def test_a_check_in_a_cell_of_another_form(self):
        assert self.state(cell("from bdlab.workbench.exercises import *\nhinge(f)", PASSED)).word

    def test_code_that_does_not_parse_is_written(self):
        assert self.state(cell(WRITTEN + ")"), cell(CHECK)).word == "not checked"
        assert self.state(cell(STUB + ")"), cell(CHECK)).word == "not begun"

    def test_another_notebook_is_about_none(self):
        assert progress.of_notebook({"cells": [cell("print(1)")]}) == {}


def test_a_kernel_keeps_the_note():
    """The broken variant would be a mark whose note Jupyter drops."""
    from IPython.core.formatters import DisplayFormatter

    data, metadata = DisplayFormatter().format(exercises.hinge(solutions.hinge))
    assert data["text/plain"].startswith("Right.")
    assert "✔" in data["text/markdown"]
    assert metadata["bdlab"]["mark"] == "passed"


class TestAFolder:
    @pytest.fixture
    def folder(self, tmp_path):
        top = tmp_path / "class"
        written(top / "ada" / "exercises" / "02_hinge.ipynb", cell(WRITTEN), cell(CHECK, PASSED))
        written(top / "ada" / "02 again.ipynb", cell(WRITTEN), cell(CHECK, hint()))
        written(top / "ben_02_hinge.ipynb", cell(WRITTEN), cell(CHECK, hint("<b>&")))
        written(top / "cy" / "02_hinge.ipynb", cell(STUB), cell(CHECK, EMPTY))
        written(top / "solutions" / "02_hinge.ipynb", cell(WRITTEN), cell(CHECK, PASSED))
        written(top / "dot" / ".ipynb_checkpoints" / "02_hinge.ipynb", cell(CHECK, PASSED))
        written(top / "ada" / "03_losses.ipynb", cell("print(1)"))
        for k, broken in enumerate(("", "[]", '{"cells": [{}]}', '{"cells": 3}')):
            (top / f"broken{k}.ipynb").write_text(broken)
        return top

    def test_learners_and_states(self, folder):
        found = progress.read(folder)
        words = {who: {n: s.word for n, s in row.items()} for who, row in found.states.items()}
        assert words == {
            "ada": {"hinge": "passed"},
            "ben": {"hinge": "hint"},
            "cy": {"hinge": "not begun"},
        }
        assert [line.split(":")[0] for line in found.unread] == [
            f"broken{k}.ipynb" for k in range(4)
        ]
        assert found.count("hinge", "passed") == 1

    def test_the_text(self, folder):
        lines = progress.text(progress.read(folder)).splitlines()
        assert lines[1].split() == ["ada", "passed"]
        assert lines[4].startswith("passed")
        assert "1 of 3" in lines[4]
        assert sum(line.startswith("not read: broken") for line in lines) == 4

    def test_the_page_escapes_what_learners_wrote_and_fetches_nothing(self, folder):
        made = progress.page(progress.read(folder), "A <class>")
        assert "&lt;b&gt;&amp;" in made
        assert "<b>" not in made
        assert "A &lt;class&gt;" in made
        assert "1 x &lt;b&gt;" in made
        assert "http" not in made

    def test_one_learners_own_folder(self, tmp_path):
        shutil.copytree(SHIPPED, tmp_path / "my" / "exercises")
        assert list(progress.read(tmp_path / "my").states) == ["my"]
        assert list(progress.read(tmp_path / "my" / "exercises").states) == ["exercises"]


class TestFilled:
    @pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.ipynb")), ids=lambda p: p.stem)
    def test_the_solution_stands_in_the_learners_cell_and_nothing_else_changes(self, path):
        before, after = json.loads(path.read_text()), json.loads(filled.notebook(path))
        (name,) = progress.of_notebook(before)
        for old, new in zip(before["cells"], after["cells"], strict=True):
            if "yours" in old["metadata"].get("tags", []):
                assert new["source"].startswith(f"def {name}(")
                assert "..." not in new["source"]
            else:
                assert new["source"] == old["source"]
        assert "Not yet." not in json.dumps(after)
        assert progress.of_notebook(after)[name].word == "not checked"

    def test_the_last_of_several_versions_is_replaced(self, tmp_path):
        written(tmp_path / "a.ipynb", cell(STUB), cell(WRITTEN), cell(CHECK, hint()))
        cells = json.loads(filled.notebook(tmp_path / "a.ipynb"))["cells"]
        assert cells[0]["source"] == STUB
        assert "np.mean(costs)" in cells[1]["source"]
        assert cells[2]["outputs"] == []

    def test_a_learners_cell_that_is_gone_is_named(self, tmp_path):
        written(tmp_path / "a.ipynb", cell(CHECK))
        with pytest.raises(ConfigError, match="no cell defines one of derive, hinge"):
            filled.notebook(tmp_path / "a.ipynb")


def test_no_learners_notebook_and_no_check_knows_the_solutions():
    for path in (REPOSITORY / "notebooks").rglob("*.ipynb"):
        assert "solutions" not in path.read_text(), path
    assert not hasattr(exercises, "solutions") or "solutions" not in exercises.__all__
