"""What a folder of runs says: tables with verdicts as text, CSV, Markdown, LaTeX and one
self-contained HTML page each.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bdlab.experiments import runs, sweeps
from bdlab.workbench import style

from .forms import printed, text, to_csv, to_markdown
from .gather import changed, find, tables
from .latex import to_latex
from .page import to_html
from .table import Column, LeftOut, Table, Value
from .words import command, notes, outcome, private

__all__ = [
    "Column", "LeftOut", "Table", "Value", "changed", "command", "find", "notes", "outcome",
    "printed", "private", "tables", "text", "to_csv", "to_html", "to_latex", "to_markdown", "write",
]  # fmt: skip


def write(
    out: Path | str, own: Iterable[sweeps.Sweep] = (), pictures: bool = True
) -> list[tuple[Table, Path]]:
    """``<out>/report/<table>.html``, ``.csv``, ``.md`` and ``.tex`` for every table of a folder;
    the tables with their pages.

    ``own``: sweeps of the user's, for their titles, baselines and contrasts where none were
    declared. Without ``pictures`` no person and no path of this machine stands in any of them.
    """
    style.theme()
    place = Path(out) / "report"
    made: list[tuple[Table, Path]] = []
    taken: set[str] = set()
    for number, table in enumerate(tables(out, own)):
        shown = table if pictures else private(table)
        slug = shown.slug if shown.slug not in taken else f"{shown.slug}-{number}"
        taken.add(shown.slug)
        place.mkdir(exist_ok=True)
        page = to_html(shown, place)  # first: it may add a warning that every form says
        runs.write(place / f"{slug}.html", page.encode())
        for ending, form in {".csv": to_csv, ".md": to_markdown, ".tex": to_latex}.items():
            runs.write(place / f"{slug}{ending}", form(shown).encode())
        made.append((shown, place / f"{slug}.html"))
    return made
