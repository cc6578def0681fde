"""What a folder of runs says: tables with verdicts as text, CSV, Markdown, LaTeX and one
self-contained HTML page each.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bdlab.experiments import runs, sweeps
from bdlab.workbench import style

from .forms import command, notes, printed, text, to_csv, to_latex, to_markdown
from .gather import changed, find, tables
from .page import to_html
from .table import Column, LeftOut, Table, Value

__all__ = [
    "Column", "LeftOut", "Table", "Value", "changed", "command", "find", "notes", "printed", "tables", "text", "to_csv", "to_html",
    "to_latex", "to_markdown", "write",
]  # fmt: skip


def write(out: Path | str, own: Iterable[sweeps.Sweep] = ()) -> list[tuple[Table, Path]]:
    """``<out>/report/<table>.html``, ``.csv``, ``.md`` and ``.tex`` for every table of a folder;
    the tables with their pages.

    ``own``: sweeps of the user's, for their titles, baselines and contrasts.
    """
    style.theme()
    found = tables(out, own)
    place = Path(out) / "report"
    place.mkdir(exist_ok=True)
    made: list[tuple[Table, Path]] = []
    for number, table in enumerate(found):
        slug = (
            table.slug
            if all(table.slug != other.slug for other, _ in made)
            else f"{table.slug}-{number}"
        )
        forms = {".csv": to_csv, ".md": to_markdown, ".tex": to_latex, ".html": to_html}
        for ending, form in forms.items():
            runs.write(place / f"{slug}{ending}", form(table).encode())
        made.append((table, place / f"{slug}.html"))
    return made
