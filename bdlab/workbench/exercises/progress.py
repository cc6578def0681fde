"""How far the learners of a class are: read from the notes that checks leave in their notebooks.

Nothing is run. A mark that was shown lies in the metadata of its output (``Mark``), so a cell may
be moved, doubled or renamed. Where there is none, the function's own cell says whether something
has been written.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

#: In the order of the notebooks; also what stands above a column.
EXERCISES = {
    "derive": "1 derivatives",
    "hinge": "2 hinge",
    "mdl": "3 graph",
    "score": "4 score",
    "interval": "5 seeds",
    "rescued": "6 rescued",
}
#: The further, the later. ``not checked``: something is written, but no check has been run.
WORDS = ("not begun", "not checked", "hint", "passed")
SIGNS = dict(zip(WORDS, ("·", "○", "✘", "✔"), strict=True))
_CALL = re.compile(rf"exercises\.({'|'.join(EXERCISES)})\(")


@dataclass(frozen=True)
class State:
    """How far one learner is with one exercise, and the hint that was given last."""

    word: str
    hint: str = ""


@dataclass
class Progress:
    """``states`` [learner][exercise]; ``unread``: notebooks that could not be read, and why."""

    states: dict[str, dict[str, State]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def count(self, exercise: str, word: str) -> int:
        return sum(exercise in row and row[exercise].word == word for row in self.states.values())

    def hints(self, exercise: str) -> list[tuple[str, int]]:
        """The hints that learners are at now, most frequent first."""
        now = [row[exercise] for row in self.states.values() if exercise in row]
        return Counter(state.hint for state in now if state.word == "hint").most_common()


def read(folder: Path) -> Progress:
    """All notebooks below a folder. A learner is a folder in it, or, of notebooks that lie in it
    side by side, what stands before the exercise's name: ``ada_02_hinge.ipynb``.

    Of several notebooks of one exercise the one that came farthest counts. Model solutions
    (``solutions`` folders) and checkpoints are left out.
    """
    found = Progress()
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        if {"solutions", ".ipynb_checkpoints"} & set(parts):
            continue
        try:
            states = of_notebook(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, OSError, KeyError, TypeError, AttributeError, RecursionError) as error:
            found.unread.append(f"{'/'.join(parts)}: {type(error).__name__}")
            continue
        if not states:
            continue
        row = found.states.setdefault(learner(parts, folder), {})
        for name, state in states.items():
            if name not in row or WORDS.index(state.word) > WORDS.index(row[name].word):
                row[name] = state
    return found


def learner(parts: tuple[str, ...], folder: Path) -> str:
    """Whose notebook it is, by where it lies."""
    if len(parts) > 1 and parts[0] != "exercises":
        return parts[0]
    before = re.split(r"0[1-6]_[a-z]+", parts[-1])[0].strip(" _-.")
    return before if before and not before.endswith("ipynb") else folder.resolve().name


def of_notebook(book: dict[str, Any]) -> dict[str, State]:
    """Exercise -> state, for the exercises that a notebook is about."""
    cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]) for cell in cells]
    notes = [
        note
        for cell in cells
        for output in cell.get("outputs", [])
        if isinstance(note := output.get("metadata", {}).get("bdlab"), dict)
        and note.get("exercise") in EXERCISES
        and note.get("mark") in WORDS
    ]
    called = set(_CALL.findall("\n".join(sources)))
    names = called | {note["exercise"] for note in notes}
    return {name: _state(name, notes, sources) for name in EXERCISES if name in names}


def _state(name: str, notes: list[dict[str, Any]], sources: list[str]) -> State:
    own = [note for note in notes if note["exercise"] == name]
    if any(note["mark"] == "passed" for note in own):
        return State("passed")
    hints = [str(note.get("hint", "")) for note in own if note["mark"] == "hint"]
    if hints:
        return State("hint", hints[-1])
    return State("not checked" if any(_written(name, source) for source in sources) else WORDS[0])


def _written(name: str, source: str) -> bool:
    """Whether a cell defines the function, and not with dots."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return f"def {name}(" in source and "..." not in source
    return any(
        isinstance(node, ast.FunctionDef)
        and node.name == name
        and not any(isinstance(n, ast.Constant) and n.value is ... for n in ast.walk(node))
        for node in tree.body
    )


def text(progress: Progress) -> str:
    """The table for a terminal."""
    width = max([len("learner"), *map(len, progress.states)])
    columns = {name: title.rjust(13) for name, title in EXERCISES.items()}
    lines = [f"{'learner':<{width}}  " + "  ".join(columns.values())]
    for who, row in progress.states.items():
        words = [row[name].word if name in row else "" for name in EXERCISES]
        lines.append(f"{who:<{width}}  " + "  ".join(f"{word:>13}" for word in words).rstrip())
    total = len(progress.states)
    passed = [f"{progress.count(name, 'passed')} of {total}" for name in EXERCISES]
    lines.append(f"{'passed':<{width}}  " + "  ".join(f"{word:>13}" for word in passed))
    lines += [f"not read: {line}" for line in progress.unread]
    return "\n".join(lines)


STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: .4rem .6rem; text-align: left;
         vertical-align: top; }
td { white-space: nowrap; }
td small { display: block; min-width: 12rem; white-space: normal; }
.passed { color: light-dark(#00614a, #5fd0a8); } .hint { color: light-dark(#a03a00, #ff9d5c); }
.wide { overflow-x: auto; }
"""


def page(progress: Progress, title: str) -> str:
    """The table as one HTML page that needs nothing else; then the hints learners are at."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in EXERCISES.values())
    rows = "".join(
        f'<tr><th scope="row">{escape(who)}</th>{"".join(map(_cell, map(row.get, EXERCISES)))}</tr>'
        for who, row in progress.states.items()
    )
    total = len(progress.states)
    foot = "".join(f"<td>{progress.count(name, 'passed')} of {total}</td>" for name in EXERCISES)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>
<h1>{escape(title)}</h1>
<p>What the checks said when the learners ran them; nothing was run for this page. {_legend()}</p>
<div class="wide"><table>
<thead><tr><th scope="col">learner</th>{head}</tr></thead><tbody>{rows}</tbody>
<tfoot><tr><th scope="row">passed</th>{foot}</tr></tfoot></table></div>
{_hints(progress)}{_unread(progress)}</body></html>
"""


def _legend() -> str:
    signs = ", ".join(f"{sign} {word}" for word, sign in SIGNS.items())
    return f"{signs}; empty: no notebook."


def _cell(state: State | None) -> str:
    if state is None:
        return "<td></td>"
    kind = state.word.replace(" ", "-")
    hint = f"<small>{escape(state.hint)}</small>" if state.hint else ""
    return f'<td class="{kind}">{SIGNS[state.word]} {state.word}{hint}</td>'


def _hints(progress: Progress) -> str:
    """What to speak about in class."""
    parts = []
    for name, title in EXERCISES.items():
        if hints := progress.hints(name):
            lines = "".join(f"<li>{count} x {escape(hint)}</li>" for hint, count in hints)
            parts.append(f"<h3>{escape(title)}</h3><ul>{lines}</ul>")
    return "<h2>Hints that learners are at</h2>" + "".join(parts) if parts else ""


def _unread(progress: Progress) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in progress.unread)
    return f"<h2>Not read</h2><ul>{lines}</ul>" if lines else ""
