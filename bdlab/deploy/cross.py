"""Cells tested on sets they were not trained on, by each set's own protocol; labelled so. One test,
or the table of several cells and several sets.
"""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bdlab import datasets, protocols, rules
from bdlab.config import identity
from bdlab.datasets import Record, corruption, pictures
from bdlab.evaluation import Embedded, NoMatch
from bdlab.experiments import runs
from bdlab.modality import BASE, Modality
from bdlab.training.extract import EVALUATION_BATCH

from . import DeployError
from .embedding import Embedder
from .features import compute
from .pictures import Pictures

#: What a label begins with, and the mark it has in a table.
SAME, COPY, CROSS = "same set", "another split or copy", "cross-set"
MARKS = {SAME: "=", COPY: "~", CROSS: " "}
ASIDE = tuple(setting.name for setting in rules.every_setting() if setting.aside)
METRICS = ("R1", "mAP", "mINP")
COLUMNS = ("cells", "cell", "seed", "label", "tested", "setting", *METRICS, "queries")


@dataclass(frozen=True)
class CrossTest:
    """Scores by setting, the label every one of them carries, the cell and the set they are of."""

    label: str
    results: dict[str, protocols.Result]
    cell: str
    params: dict[str, Any]
    tested: str

    @property
    def kind(self) -> str:
        """How the set stands to the one that was trained on: SAME, COPY or CROSS."""
        return self.label.partition(":")[0]

    @property
    def cells(self) -> str:
        """What the cells that differ in their seed alone share, in words."""
        p = self.params
        return f"{p['row']} ({p['sweep']}, {p['preset']}) on {p['data']} (split {p['split']})"

    def to_json(self) -> dict[str, Any]:
        """The label and, for each setting, its scores with their provenance."""
        scores = {name: result.to_json() for name, result in self.results.items()}
        return {"label": self.label, "cell": self.cell, "tested": self.tested, "scores": scores}

    def text(self) -> str:
        """A table for a terminal."""
        said = [self.label, f"{'setting':<20} {'Rank-1':>7} {'mAP':>7} {'mINP':>7} {'queries':>8}"]
        for name, result in self.results.items():
            mean = result.mean
            numbers = " ".join(f"{100 * mean[key]:7.2f}" for key in METRICS)
            said.append(f"{name:<20} {numbers} {result.provenance['valid_queries']:>8}")
        return "\n".join(said)


def cells_of(place: str) -> list[str]:
    """A cell as it was given, or every finished cell of a folder of runs. Raises DeployError for a
    folder that holds none.
    """
    folder = Path(place)
    if not folder.is_dir() or (folder / "result.json").is_file():
        return [place]
    found = [str(cell) for cell, result, _ in runs.committed(folder) if result]
    if not found:
        raise DeployError(f"{place}: neither a finished cell nor a folder of runs with one")
    return found


def test(
    embedder: Embedder, dataset: datasets.Dataset, *corruptions: rules.Corruption
) -> CrossTest:
    """The scores of a cell on the test part of ``dataset``, and on its visible pictures corrupted
    each of these ways. NoMatch if nobody can be found.
    """
    label = _label(embedder, dataset)
    embedded = {m: _embedded(embedder, dataset, m) for m in BASE}
    notes = {"cross_set": label, "feature": embedder.params["feature"]}
    results = _score(dataset, embedded, notes)
    for one in corruptions:
        visible = {Modality.V: _embedded(embedder, dataset, Modality.V, one)}
        scored = _score(dataset, embedded | visible, notes | {"corruption": one.label})
        for name, result in scored.items():
            results[f"{name}{rules.CORRUPTED}{one.name}"] = result
    tested = f"{dataset.name} (split {dataset.provenance.get('split', '?')})"
    return CrossTest(label, results, embedder.name, dict(embedder.params), tested)


def _score(
    dataset: datasets.Dataset, embedded: dict[Modality, Embedded], notes: dict[str, Any]
) -> dict[str, protocols.Result]:
    """Every setting of the set's own protocol, by the camera rule it declares and with what its
    records have unlike the published set: as training tests it.
    """
    try:
        return protocols.evaluate(
            dataset.protocol,
            embedded[Modality.V],
            embedded[Modality.I],
            exclude=dataset.exclude,
            unlike=dataset.provenance.get("unlike_published", ()),
            notes=notes,
        )
    except ValueError as error:
        if isinstance(error, NoMatch):
            raise
        raise DeployError(
            f"{dataset.root}: the test part cannot be scored: {error}. `bdlab data check` looks it "
            "over."
        ) from error


def _embedded(
    embedder: Embedder,
    dataset: datasets.Dataset,
    m: Modality,
    wrong: rules.Corruption | None = None,
) -> Embedded:
    records = tuple(dataset.records[row] for row in dataset.select("test", m))
    if wrong is None:
        read = partial(pictures.load, height=embedder.height, width=embedder.width)
        array = compute(embedder, Pictures(dataset.root, records), read).array
    else:
        array = _corrupted(embedder, dataset.root, records, m, wrong)
    identities = np.array([record.identity for record in records], dtype=np.int64)
    cameras = np.array([record.camera for record in records])
    return Embedded(array, identities, cameras, [r.path for r in records])


def _corrupted(
    embedder: Embedder,
    root: Path,
    records: Sequence[Record],
    m: Modality,
    wrong: rules.Corruption,
) -> np.ndarray:
    """Features [N, D] of corrupted pictures, so many at a time as a test has in a batch."""
    parts = []
    for start in range(0, len(records), EVALUATION_BATCH):
        some = []
        for record in records[start : start + EVALUATION_BATCH]:
            picture = pictures.load(root / record.path, embedder.height, embedder.width)
            some.append(corruption.corrupt(picture, record.path, wrong))
        parts.append(embedder(some, m))
    return np.concatenate(parts)


def _label(embedder: Embedder, dataset: datasets.Dataset) -> str:
    """Which set trained, which one tests; a set the cell has seen is named as such."""
    trained = f"{embedder.params['data']} (split {embedder.params['split']})"
    tested = f"{dataset.name} (split {dataset.provenance.get('split', '?')})"
    path = Path(embedder.file).parent / "result.json"
    try:
        seen = json.loads(path.read_text())["provenance"]["fingerprint"]
    except (OSError, ValueError, KeyError):
        seen = None
    if seen == dataset.fingerprint:
        return f"{SAME}: trained and tested on {tested}"
    if embedder.params["data"] == dataset.name:
        return f"{COPY}: trained on {trained}, tested on {tested}; people may have been trained on"
    return f"{CROSS}: trained on {trained}, tested on {tested}"


# -- several cells on several sets


def table(tests: Sequence[CrossTest]) -> str:
    """Cells that differ in their seed alone as one row, each set and setting as a column: Rank-1
    and mAP, mean and standard deviation over the cells of a row. Multi-shot settings and the like
    are in the CSV alone.
    """
    rows = _rows(tests)
    columns = []
    for one in tests:
        shown = [name for name in one.results if name not in ASIDE]
        columns += [(one.tested, name) for name in shown if (one.tested, name) not in columns]
    lines = [["", "", *(tested.partition(" ")[0] for tested, _ in columns)]]
    lines.append(["", "", *(tested.partition(" ")[2] for tested, _ in columns)])
    lines.append(["cells", "n", *(setting for _, setting in columns)])
    for cells, mine in rows.items():
        names = dict.fromkeys(one.cell for one in mine)
        shown = [_entry(mine, tested, setting) for tested, setting in columns]
        lines.append([cells, str(len(names)), *shown])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    said = [_line(line, widths) for line in lines]
    said.insert(3, "-" * max(map(len, said)))
    marks = f"{MARKS[SAME]} {SAME}, {MARKS[COPY]} {COPY} (people may have been trained on)"
    about = (
        "Rank-1 / mAP in per cent, mean ± standard deviation over n cells; each set by its own "
        f"protocol, so columns are compared within themselves. {marks}, no mark {CROSS}."
    )
    return "\n".join([about, "", *said])


def _rows(tests: Iterable[CrossTest]) -> dict[str, list[CrossTest]]:
    """The tests by the cells they are of; two kinds of cell that read alike are told apart."""
    kinds: dict[str, dict[str, list[CrossTest]]] = {}
    for one in tests:
        kept = {name: value for name, value in identity(one.params).items() if name != "seed"}
        key = json.dumps(kept, sort_keys=True)
        kinds.setdefault(one.cells, {}).setdefault(key, []).append(one)
    rows = {}
    for cells, alike in kinds.items():
        for mine in alike.values():
            rows[cells if len(alike) == 1 else f"{cells} {mine[0].cell[-8:]}"] = mine
    return rows


def _entry(tests: Sequence[CrossTest], tested: str, setting: str) -> str:
    """One place of the table; cells that stand differently to the set are never averaged."""
    mine = [one for one in tests if one.tested == tested and setting in one.results]
    kinds = {one.kind for one in mine}
    if len(kinds) != 1:
        return "mixed labels" if kinds else "-"
    numbers = []
    for metric in ("R1", "mAP"):
        values = [100 * one.results[setting].mean[metric] for one in mine]
        spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        numbers.append(f"{statistics.fmean(values):.2f}{spread}")
    return f"{' / '.join(numbers)} {MARKS[kinds.pop()]}"


def _line(fields: Sequence[str], widths: Sequence[int]) -> str:
    padded = [field.rjust(width) for field, width in zip(fields, widths, strict=True)]
    padded[0] = fields[0].ljust(widths[0])
    return "  ".join(padded).rstrip()


def to_csv(tests: Iterable[CrossTest]) -> str:
    """One line a cell, set and setting, fractions, each with its label."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in tests:
        about = (one.cells, one.cell, one.params["seed"], one.label, one.tested)
        for name, result in one.results.items():
            numbers = [round(result.mean[metric], 6) for metric in METRICS]
            writer.writerow([*about, name, *numbers, result.provenance["valid_queries"]])
    return out.getvalue()
