"""The index of equations is what the code says: each once, with a test and a section that exist."""

import importlib.util
import json

from .conftest import REPOSITORY

SPEC = importlib.util.spec_from_file_location("equations", REPOSITORY / "docs" / "equations.py")
equations = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(equations)


def test_every_equation_opens_exactly_one_docstring():
    assert [number for number, _, _ in equations.openings()] == list(equations.EQUATIONS)


def test_the_page_is_the_one_the_docstrings_make():
    assert equations.PAGE.read_text() == equations.page(), "run: python docs/equations.py"


def test_its_tests_and_sections_exist():
    for test, notebook, section in equations.SHOWN.values():
        file, _, name = test.partition("::")
        text = (REPOSITORY / file).read_text()
        assert f"def {name}(" in text or f"class {name}" in text, test
        (path,) = (REPOSITORY / "notebooks").glob(f"{notebook}_*.ipynb")
        cells = json.loads(path.read_text())["cells"]
        lines = [line.strip() for cell in cells for line in cell["source"]]
        assert f"## {section}" in lines, (notebook, section)


def test_an_equation_claimed_twice_is_found(tmp_path, monkeypatch):
    """The broken variant."""
    (tmp_path / "bdlab").mkdir()
    text = 'def f():\n    """Eq. 3, the mask:  V."""\n'
    (tmp_path / "bdlab" / "a.py").write_text(text)
    (tmp_path / "bdlab" / "b.py").write_text(text)
    monkeypatch.setattr(equations, "REPOSITORY", tmp_path)
    assert [number for number, _, _ in equations.openings()] == [3, 3]
