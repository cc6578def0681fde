"""Joins JavaScript modules into one: notebooks and the live page take a single source each.

The sources are plain ES modules with relative imports. A notebook's widget is one module in a
string, and a browser refuses imports from ``file://``, so the imports are resolved here. Every
module becomes a function of its own that returns what it exports; its lines stay as they are.
No Node is needed.
"""

from __future__ import annotations

import re
from pathlib import Path

IMPORT = re.compile(r'^import \{([\w\s,]+)\} from "(\.[^"]+)";\n', re.MULTILINE)
DEFAULT = re.compile(r"^export default ", re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)


class BundleError(ValueError):
    """A source that cannot be joined: which one, and why."""


def order(*entries: Path) -> list[Path]:
    """The modules that ``entries`` need, each after those it imports. BundleError for a circle."""
    done: list[Path] = []
    for entry in entries:
        _visit(entry.resolve(), done, ())
    return done


def _visit(path: Path, done: list[Path], above: tuple[Path, ...]) -> None:
    if path in above:
        circle = " -> ".join(each.name for each in (*above, path))
        raise BundleError(f"{path}: modules import each other in a circle ({circle})")
    if path in done:
        return
    for _, target in IMPORT.findall(_read(path)):
        _visit((path.parent / target).resolve(), done, (*above, path))
    done.append(path)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BundleError(f"{path}: no such module ({error.strerror})") from error


def script(*entries: Path) -> str:
    """``entries`` and what they import as one script that defines ``modules``.

    ``modules["hinge"]`` holds what hinge.js exports, ``default`` included. BundleError where two
    files have one name, an import has another form than ``import { a, b } from "./c.js";``, or a
    module is missing.
    """
    parts = ["const modules = {};\n"]
    paths = order(*entries)
    names = [path.stem for path in paths]
    if len(set(names)) < len(names):
        raise BundleError(f"two modules of one name among {', '.join(sorted(names))}")
    for path in paths:
        parts.append(_wrapped(path, _read(path)))
    return "".join(parts)


def _wrapped(path: Path, source: str) -> str:
    """One module as a function that is called at once and returns its exports."""
    exports = EXPORT.findall(source)
    body = IMPORT.sub(lambda match: _taken(path, match), source)
    if odd := re.search(r"^import\b.*$", body, re.MULTILINE):
        raise BundleError(
            f'{path}: {odd[0]!r}; only import {{ a, b }} from "./c.js"; is understood'
        )
    if DEFAULT.search(body):
        body = DEFAULT.sub("const standard = ", body)
        exports.append("default: standard")
    body = re.sub(r"^export ", "", body, flags=re.MULTILINE)
    returned = f"return {{ {', '.join(exports)} }};\n"
    return f'modules["{path.stem}"] = (() => {{\n{body}{returned}}})();\n'


def _taken(path: Path, match: re.Match[str]) -> str:
    """An import as a line that takes names out of a module that stands above."""
    return f'const {{{match[1]}}} = modules["{(path.parent / match[2]).stem}"];\n'


def module(entry: Path) -> str:
    """``entry`` with what it imports as one ES module, as anywidget takes it."""
    return f'{script(entry)}export default modules["{entry.stem}"].default;\n'
