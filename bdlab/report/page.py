"""A table as one self-contained HTML page: the outcome, verdicts, curves, pictures, provenance;
figures are inside it as PNG.
"""

from __future__ import annotations

import base64
import io
import itertools
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from bdlab import paper
from bdlab.experiments.verdicts import Verdict

from . import forms, provenance, words
from .figures import report_figures
from .table import Column, Table, Value

#: Facts of the provenance that are listed; those compared stand first.
LISTED = {
    **provenance.FACTS,
    "git_note": "about the commit",
    "data": "data set",
    "selection": "selection",
    "feature": "feature",
}


def to_html(table: Table, place: Path | None = None) -> str:
    """One page that needs nothing else; ``place``: the folder it will lie in, for its links to the
    cells' notebooks.
    """
    source = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    template = jinja2.Template(source, autoescape=True)
    figures = []
    for title, about, figure in report_figures(table):
        figures.append({"title": title, "words": about, "png": _png(figure)})
    caption, verdicts, *notes = words.notes(table)
    units = dict.fromkeys(verdict.unit for verdict in table.verdicts if verdict.n)
    return template.render(
        title=words.title(table),
        lead=words.lead(table),
        outcome=words.outcome(table),
        notes=notes,
        caption=caption,
        warnings=table.warnings,
        groups=_groups(table.columns),
        rows=_rows(table),
        primary=table.primary.head,
        about_verdicts=verdicts,
        people=bool(table.people),
        left_out=table.left_out,
        unit=" or ".join(units) or "seeds",
        command=words.command(table),
        figures=figures,
        cells=_cells(table, place),
        provenance=_provenance(table),
        citation=f"The paper: {paper.CITATION}",
    )


def _groups(columns: Sequence[Column]) -> list[tuple[str, list[Column]]]:
    found = itertools.groupby(columns, key=lambda column: column.group)
    return [(name, list(group)) for name, group in found]


def _rows(table: Table) -> list[dict[str, Any]]:
    found = []
    for row, values in table.values.items():
        printed = row in table.printed
        about = {
            "name": row,
            "title": "the paper's number" if printed else table.sweep.rows[row].title,
            "n": table.standing(row),
            "alive": forms.alive(table, row),
            "printed": printed,
            "groups": _grouped(table.columns, values),
            "verdicts": [_verdict(table, verdict) for verdict in table.of(row)],
        }
        found.append(about)
    return found


def _verdict(table: Table, verdict: Verdict) -> dict[str, str]:
    difference, interval, pairs, word = words.judged(table, verdict)
    people = table.people.get((verdict.row, verdict.against))
    return {
        "against": verdict.against,
        "difference": difference,
        "interval": interval,
        "pairs": pairs,
        "verdict": word,
        "people": f"[{people[1]:+.2f}, {people[2]:+.2f}]" if people else "-",
        "mark": verdict.word if verdict.word in ("better", "worse") else "",
    }


def _grouped(
    columns: Sequence[Column], values: Sequence[Value]
) -> list[list[tuple[Column, Value]]]:
    """A row's values under the settings they belong to."""
    pairs = zip(columns, values, strict=True)
    return [list(group) for _, group in itertools.groupby(pairs, key=lambda pair: pair[0].group)]


def _cells(table: Table, place: Path | None) -> list[dict[str, Any]]:
    """Every cell with its score, its machine and, where there is one, a link to its notebook."""
    found = []
    for row, cells in table.cells.items():
        for folder, result in cells:
            score = result["scores"][table.primary.setting]["mean"][table.primary.metric]
            notebook = folder / "notebook.ipynb"
            about = {
                "name": folder.name,
                "row": row,
                "seed": result["params"]["seed"],
                "split": result["params"]["split"],
                "score": f"{100 * score:.2f}",
                "where": _where(result),
                "notebook": "",
            }
            if place is not None and notebook.is_file():
                about["notebook"] = quote(Path(os.path.relpath(notebook, place)).as_posix())
            found.append(about)
    return found


def _where(result: dict) -> str:
    """What a cell was computed on, and from which commit."""
    facts = provenance.facts(result)
    where = f"{facts['device']}, {facts['precision']}, {facts['threads']} threads"
    return f"{where}, commit {provenance.commit(result)}"


def _provenance(table: Table) -> list[tuple[str, str]]:
    """What the cells stand on, fact by fact; several values side by side."""
    results = table.results
    listed = []
    for key, name in LISTED.items():
        values = dict.fromkeys(_fact(result, key) for result in results)
        if set(values) != {""}:
            listed.append((name, "; ".join(values)))
    commits = dict.fromkeys(provenance.commit(result) for result in results)
    listed.insert(1, ("commit", "; ".join(commits)))
    seconds = sum(result["provenance"]["seconds"] for result in results)
    words_ = f"{seconds / 60:.1f} minutes over {len(results)} cells"
    return [*listed, ("training and evaluation", words_)]


def _fact(result: dict, key: str) -> str:
    if key in provenance.FACTS:
        return provenance.facts(result)[key]
    value = result["provenance"].get(key)
    return "" if value is None else _plain(value)


def _plain(value: Any) -> str:
    """A nested record as text: ``split 1, source trial 1 of the index files``."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    return str(value)


def _png(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    return base64.b64encode(buffer.getvalue()).decode()
