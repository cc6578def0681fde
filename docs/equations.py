"""Writes docs/equations.md: where each equation of the paper stands in the code, read from the
docstrings that open with its number.

    python docs/equations.py
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = REPOSITORY / "docs" / "equations.md"
EQUATIONS = range(1, 10)
OPENING = re.compile(r"Eq\. (\d)(?:-(\d))?, (.+?)(?:\.|:  )", re.DOTALL)
#: equation -> (the test that recomputes it, the notebook and its section that show it)
SHOWN = {
    1: ("tests/network/test_net.py::test_eq_1_by_hand", "02", "Four modalities, ten numbers"),
    2: ("tests/test_losses.py::test_mml_and_every_graph_equal_the_loops", "03", "The graph"),
    3: ("tests/test_losses.py::test_the_mask_by_hand", "03", "A whole batch: eq. 3 to 5"),
    4: ("tests/test_losses.py::test_table_holds_every_directed_loss", "03", "One hinge, by hand"),
    5: ("tests/test_losses.py::TestHandMade", "03", "Pull without push"),
    6: (
        "tests/test_losses.py::test_mml_and_every_graph_equal_the_loops",
        "03",
        "One table for all of them",
    ),
    7: ("tests/peers/test_losses.py::TestBatchHard", "03", "One table for all of them"),
    8: ("tests/test_losses.py::test_identity_equals_the_loops", "03", "What a loss sees"),
    9: ("tests/test_losses.py::TestTotal", "00", "What pulls the features together"),
}
HEAD = """# The paper's equations in the code

Each is the opening of exactly one docstring. Written by `python docs/equations.py`.

| eq. | what | in | recomputed by | shown in |
|---|---|---|---|---|
"""


def openings() -> list[tuple[int, str, str]]:
    """(equation, its name, file:function) for every docstring that opens with one; a range like 6-7
    gives one for each.
    """
    places = []
    for path in sorted((REPOSITORY / "bdlab").rglob("*.py")):
        file = path.relative_to(REPOSITORY).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            text = " ".join((ast.get_docstring(node) or "").split("\n"))
            if match := OPENING.match(text):
                first, last, name = match.groups()
                for number in range(int(first), int(last or first) + 1):
                    places.append((number, name, f"`{file}:{node.name}`"))
    return sorted(places)


def page() -> str:
    """The page as it should be now."""
    lines = []
    for number, name, place in openings():
        test, notebook, section = SHOWN[number]
        cells = (str(number), name, place, f"`{test}`", f"notebook {notebook}, *{section}*")
        lines.append(f"| {' | '.join(cells)} |\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page())
