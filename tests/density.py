"""Syntax nodes a code line, comprehensions and long lines of Python files.

    python tests/density.py PATH...      (files or folders)

A code line is neither blank nor a comment nor part of a docstring.
"""

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
HEAVY, WIDE = 60, 100


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
            total.add(file.read_text())
    return total


if __name__ == "__main__":
    for name in sys.argv[1:]:
        m = measure(Path(name))
        print(
            f"{name}: {m.lines} code lines, {m.density:.1f} nodes a line, {m.nested} nested "
            f"comprehensions, {m.heavy} statements of {HEAVY} nodes, {m.wide} lines over {WIDE}"
        )
