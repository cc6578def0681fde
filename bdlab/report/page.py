"""A table as one self-contained HTML page: verdicts, curves, derivative pictures, provenance;
figures are inside it as PNG.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from bdlab import config, paper, pixels
from bdlab.datasets.bank import bank
from bdlab.experiments import cell, runs
from bdlab.experiments.verdicts import Verdict
from bdlab.modality import Modality
from bdlab.training import setup
from bdlab.workbench import method, training
from bdlab.workbench import tables as tables_figures

from . import forms
from .table import SETTINGS, Column, Table, Value


def to_html(table: Table) -> str:
    """One page that needs nothing else."""
    template = jinja2.Template(
        resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8"),
        autoescape=True,
    )
    groups = [
        (name, list(own)) for name, own in itertools.groupby(table.columns, key=lambda c: c.group)
    ]
    pictures = [{"title": t, "words": w, "png": _png(f)} for t, w, f in report_figures(table)]
    caption, verdicts, *notes = forms.notes(table)
    return template.render(
        title=forms.title(table), lead=forms.lead(table), notes=notes, caption=caption, warnings=table.warnings, groups=groups,
        rows=_rows(table), primary=table.primary.head, about_verdicts=verdicts, people=bool(table.people), left_out=table.left_out,
        unit=" or ".join(dict.fromkeys(v.unit for v in table.verdicts if v.n)) or "seeds", command=forms.command(table), figures=pictures,
        provenance=_provenance(table), citation=f"The paper: {paper.CITATION}",
    )  # fmt: skip


def _rows(table: Table) -> list[dict[str, Any]]:
    found = []
    for row, own in table.values.items():
        printed = row in table.printed
        title = "the paper's number" if printed else table.sweep.rows[row].title
        about = {"name": row, "title": title, "n": table.standing(row), "printed": printed}
        found.append(
            about
            | {
                "groups": _grouped(table.columns, own),
                "verdicts": [_verdict(table, v) for v in table.of(row)],
            }
        )
    return found


def _verdict(table: Table, verdict: Verdict) -> dict[str, str]:
    difference, interval, pairs, word = forms.judged(verdict)
    people = table.people.get((verdict.row, verdict.against))
    over = f"[{people[1]:+.2f}, {people[2]:+.2f}]" if people else "-"
    said = {
        "difference": difference,
        "interval": interval,
        "pairs": pairs,
        "verdict": word,
        "people": over,
    }
    return said | {
        "against": verdict.against,
        "mark": verdict.word if verdict.word in ("better", "worse") else "",
    }


def _grouped(
    columns: Sequence[Column], values: Sequence[Value]
) -> list[list[tuple[Column, Value]]]:
    """A row's values under the settings they belong to."""
    pairs = zip(columns, values, strict=True)
    return [list(own) for _, own in itertools.groupby(pairs, key=lambda pair: pair[0].group)]


def report_figures(table: Table) -> list[tuple[str, str, Figure]]:
    """The figures of a page: (title, a sentence on what it shows, figure)."""
    first = {row: own[0] for row, own in table.cells.items() if own}
    histories = {
        row: runs.read_lines(folder / "history.jsonl") for row, (folder, _) in first.items()
    }
    made = []
    if table.verdicts:
        words = (
            f"{table.primary.head}: each contrast's difference (triangle up better, down worse, circle not shown, cross too few), its "
            "95 % interval as a bar, its pairs as small dots; a true difference inside the grey band would mostly have gone unseen."
        )
        made.append(
            ("Differences", words, tables_figures.effect(table.verdicts, table.primary.head))
        )
    made += [
        (
            "Loss terms", "Each term of eq. 9 before its weight, mean over an epoch's steps, first seed of each row. "
            "More modalities and edges sum more terms, so rows are compared in shape, not in height.", training.training_curves(histories),
        )
    ]  # fmt: skip
    words = "How many queries have found their person by each rank, mean over the cells of a row."
    made.append(("Cumulative matching", words, _cmc_panels(table)))
    made += _derivative_figures(table, first)
    return made


def _cmc_panels(table: Table) -> Figure:
    settings = list(dict.fromkeys(c.setting for c in table.columns if not c.paper))
    rows = (len(settings) + 1) // 2
    figure, axes = plt.subplots(
        rows, min(len(settings), 2), figsize=(10.4, 3.6 * rows), squeeze=False, layout="constrained"
    )
    for ax in axes.flat[len(settings) :]:
        ax.remove()
    for ax, setting in zip(axes.flat, settings, strict=False):
        curves = {
            row: _mean_curve([r["scores"][setting]["cmc"] for _, r in own])
            for row, own in table.cells.items()
            if own
        }
        training.cmc(curves, ax=ax)
        ax.set_title(f"{setting}: {SETTINGS[setting][0]}")
    return figure


def _mean_curve(curves: Sequence[Sequence[float]]) -> np.ndarray:
    """The mean of CMC curves; one that ends with its smaller gallery has matched everybody there."""
    length = max(map(len, curves))
    return np.mean([[*curve, *[1.0] * (length - len(curve))] for curve in curves], axis=0)


def _derivative_figures(
    table: Table, first: dict[str, tuple[Path, dict]]
) -> list[tuple[str, str, Figure]]:
    """Four people in four modalities from a trained generator; left out, with the reason, where the
    pictures are not at hand.
    """
    learned = {
        "method": "base-derivative",
        "generator": "learned",
    }  # a GAN's translations and fixed grey have no ten numbers
    four = {
        row: result["params"]
        for row, (_, result) in first.items()
        if {"DV", "DI"} <= set(result["params"]["modalities"].split())
    }
    rows = [
        row
        for row, params in four.items()
        if all(params.get(key, value) == value for key, value in learned.items())
    ]
    if not rows:
        return []
    folder, result = first[rows[-1]]
    try:
        pictures = derivatives(folder, result)
    except (OSError, ValueError, RuntimeError) as error:
        table.warnings.append(f"No derivative pictures: {error}")
        return []
    words = f"Test people in the four modalities of {rows[-1]} after training, brought back to colours and clipped to [0, 1]."
    history = runs.read_lines(folder / "history.jsonl")
    return [
        ("Derivative modalities", words, method.people(pictures)),
        (
            "How the generator moved",
            f"The weights and biases of E_V and G_S over the epochs of {rows[-1]}.",
            training.generator_curves(history),
        ),
    ]


@torch.no_grad()
def derivatives(folder: Path, result: dict, count: int = 8) -> dict[Modality, np.ndarray]:
    """The first ``count`` test people of a committed cell in all its modalities: float [count, H,
    W, 3] in [0, 1].
    """
    settings = config.from_flat(result["params"])
    dataset = setup.open_data(settings)
    pictures = bank(dataset, settings.data.height, settings.data.width, progress=False).pictures
    net = cell.load(folder)
    images = {}
    for m in (Modality.V, Modality.I):
        rows = {dataset.records[row].identity: row for row in reversed(dataset.select("test", m))}
        images[m] = pixels.normalise(
            pictures[torch.tensor([rows[i] for i in sorted(rows)[:count]])]
        )
    images = {**images, **net.derive(images)}
    return {m: pixels.shown(x) for m, x in images.items()}


def _provenance(table: Table) -> list[tuple[str, str]]:
    cell = [result for own in table.cells.values() for _, result in own]
    shown = (
        "bdlab",
        "git_sha",
        "git_dirty",
        "torch",
        "device",
        "precision",
        "threads",
        "fingerprint",
        "data",
        "selection",
        "feature",
    )
    said = []
    for key in shown:
        different = dict.fromkeys(
            json.dumps(result["provenance"].get(key), ensure_ascii=False) for result in cell
        )
        said.append((key, "; ".join(value.strip('"') for value in different)))
    seconds = sum(result["provenance"]["seconds"] for result in cell)
    return [
        *said,
        ("training and evaluation", f"{seconds / 60:.1f} minutes over {len(cell)} cells"),
    ]


def _png(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    return base64.b64encode(buffer.getvalue()).decode()
