"""A cell tested on a set it was not trained on, by that set's own protocol; labelled so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bdlab import datasets, protocols
from bdlab.evaluation import Embedded
from bdlab.modality import BASE, Modality

from .embedding import Embedder
from .features import compute
from .pictures import Pictures


@dataclass(frozen=True)
class CrossTest:
    """Scores by setting, and the label every one of them carries."""

    label: str
    results: dict[str, protocols.Result]

    def to_json(self) -> dict[str, Any]:
        """The label and, for each setting, its scores with their provenance."""
        scores = {name: result.to_json() for name, result in self.results.items()}
        return {"label": self.label, "scores": scores}

    def text(self) -> str:
        """A table for a terminal."""
        said = [self.label, f"{'setting':<16} {'Rank-1':>7} {'mAP':>7} {'mINP':>7} {'queries':>8}"]
        for name, result in self.results.items():
            mean = result.mean
            numbers = " ".join(f"{100 * mean[key]:7.2f}" for key in ("R1", "mAP", "mINP"))
            said.append(f"{name:<16} {numbers} {result.provenance['valid_queries']:>8}")
        return "\n".join(said)


def test(embedder: Embedder, dataset: datasets.Dataset) -> CrossTest:
    """The scores of a cell on the test part of ``dataset``; NoMatch if nobody can be found."""
    label = _label(embedder, dataset)
    notes = {"cross_set": label, "feature": embedder.params["feature"]}
    options: dict[str, Any] = {"notes": notes}
    if dataset.protocol == "sysu":
        options["expect"] = dataset.name == "sysu"
    embedded = {m: _embedded(embedder, dataset, m) for m in BASE}
    results = protocols.evaluate(
        dataset.protocol, embedded[Modality.V], embedded[Modality.I], **options
    )
    return CrossTest(label, results)


def _embedded(embedder: Embedder, dataset: datasets.Dataset, m: Modality) -> Embedded:
    records = tuple(dataset.records[row] for row in dataset.select("test", m))
    found = compute(embedder, Pictures(dataset.root, records))
    cameras = np.array([record.camera for record in records])
    return Embedded(found.array, found.identities, cameras, [r.path for r in records])


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
        return f"same set: trained and tested on {tested}"
    if embedder.params["data"] == dataset.name:
        return (
            f"another split or copy: trained on {trained}, tested on {tested}; "
            "people may have been trained on"
        )
    return f"cross-set: trained on {trained}, tested on {tested}"
