"""Syntax nodes a code line, comprehensions and long lines of Python files.

    python tests/density.py PATH...      (files or folders)
    python tests/density.py --table      (renews the table in CONTRIBUTING.md)

A code line is neither blank nor a comment nor part of a docstring.
"""

import ast
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
HEAVY, WIDE = 60, 100
REPOSITORY = Path(__file__).resolve().parent.parent
#: What the README calls the heart of the package.
HEART = ("modality", "losses", "network", "evaluation", "protocols")
HEADER = "| room | code lines before |"


@dataclass
class Measure:
    """Counts over some files."""

    nodes: int = 0
    lines: int = 0
    nested: int = 0
    heavy: int = 0
    wide: int = 0

    def add(self, text: str) -> None:
        """Count one file's text in."""
        tree = ast.parse(text)
        docs = docstrings(tree)
        hidden = set()
        for node in docs:
            hidden |= set(range(node.lineno, node.end_lineno + 1))
        for number, line in enumerate(text.splitlines(), 1):
            code = line.strip() and not line.lstrip().startswith("#")
            self.lines += bool(code) and number not in hidden
            self.wide += len(line) > WIDE
        for node in ast.walk(tree):
            self.nodes += node not in docs
            self.nested += isinstance(node, COMPREHENSIONS) and holds_another(node)
            self.heavy += is_heavy(node)

    @property
    def density(self) -> float:
        """Nodes a code line."""
        return self.nodes / max(self.lines, 1)


def docstrings(tree: ast.AST) -> set[ast.AST]:
    found = set()
    for node in ast.walk(tree):
        first = node.body[0] if isinstance(node, DOCUMENTED) and node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            found.add(first.value)
    return found


def holds_another(node: ast.AST) -> bool:
    inside = [part for part in ast.walk(node) if isinstance(part, COMPREHENSIONS)]
    return len(inside) > 1


def is_heavy(node: ast.AST) -> bool:
    """A statement of one or two lines with 60 nodes or more."""
    if not isinstance(node, ast.stmt) or hasattr(node, "body"):
        return False
    short = node.end_lineno - node.lineno < 2
    return short and sum(1 for _ in ast.walk(node)) >= HEAVY


def measure(*paths: Path) -> Measure:
    """All Python files of some files and folders together."""
    total = Measure()
    for path in paths:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            for name, count in vars(_of_file(file)).items():
                setattr(total, name, getattr(total, name) + count)
    return total


@cache
def _of_file(path: Path) -> Measure:
    found = Measure()
    found.add(path.read_text())
    return found


def place(room: str) -> Path:
    """The folder or module of a room's name."""
    known = ("bdlab", "bdtwins", f"bdlab/{room}", f"bdlab/{room}.py")
    found = [REPOSITORY / name for name in known if Path(name).stem == room]
    return next(path for path in found if path.exists())


def rooms(row: str) -> list[str]:
    """The rooms that a row of the table is about: the names in its first cell."""
    return re.findall(r"`([a-z]+)`", row.split("|")[1])


def renewed(text: str) -> str:
    """CONTRIBUTING's text with today's columns measured anew; what was before and why stays."""
    before, header, rest = text.partition(HEADER)
    table, gap, after = rest.partition("\n\n")
    first, ruler, *rows = table.split("\n")
    for number, row in enumerate(rows):
        m = measure(*map(place, rooms(row)))
        cells = row.split("|")
        cells[3], cells[5] = f" {m.lines:,} ", f" {m.density:.1f} "
        rows[number] = "|".join(cells)
    return before + header + "\n".join([first, ruler, *rows]) + gap + after


if __name__ == "__main__":
    if sys.argv[1:] == ["--table"]:
        page = REPOSITORY / "CONTRIBUTING.md"
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
        sys.exit()
    for name in sys.argv[1:]:
        m = measure(Path(name))
        print(
            f"{name}: {m.lines} code lines, {m.density:.1f} nodes a line, {m.nested} nested "
            f"comprehensions, {m.heavy} statements of {HEAVY} nodes, {m.wide} lines over {WIDE}"
        )
