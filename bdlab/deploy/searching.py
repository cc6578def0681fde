"""Who is found for whom: queries against a gallery of any size, exact, as the protocols rank.

The ranking is ``evaluation.rank_large``: blocks of queries against chunks of a mapped gallery.
Features have unit length, so distances run from 0 to 2.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bdlab import evaluation
from bdlab.evaluation import Embedded, Scores
from bdlab.evaluation.counting import Top
from bdlab.files import write
from bdlab.modality import Modality

from . import DeployError, features
from . import approximate as approximates
from .embedding import Embedder
from .features import Features
from .pictures import UNKNOWN, collect_all, words_of

CHUNK_BYTES = 1 << 26  # of gallery features that are looked at in one go
LEAST_CHUNK = 256  # rows, however long they are
HEADER = ("query", "query_identity", "rank", "path", "identity", "distance", "hit")


@dataclass(frozen=True, eq=False)
class Found:
    """The head of each query's list: ``columns`` [Q, k] gallery rows (-1: the list is shorter) and
    ``distances`` [Q, k], best first.

    ``scores`` are over the queries whose person is known and in the gallery; None where there is no
    such query, or where a query is itself in the gallery. ``notes`` say what a reader must know.
    """

    query: Features
    gallery: Features
    columns: np.ndarray
    distances: np.ndarray
    scores: Scores | None
    notes: list[str]

    def hits(self) -> np.ndarray:
        """[Q, k] int8: 1 the same person, 0 another, -1 one of the two is not known."""
        asked = self.query.identities[:, None]
        # a list that is shorter than k ends in -1: no picture, nobody known
        there = np.where(self.columns < 0, UNKNOWN, self.gallery.identities[self.columns])
        same = (asked == there).astype(np.int8)
        return np.where((asked == UNKNOWN) | (there == UNKNOWN), -1, same).astype(np.int8)


def search_files(
    embedder: Embedder,
    queries: Sequence[str],
    gallery: str,
    query_modality: str | None = None,
    gallery_modality: str | None = None,
    k: int = 20,
    approximate: bool = False,
) -> Found:
    """``search`` for pictures and folders of them; ``gallery`` may be a folder of features.

    A modality that is left out is read from the folders' names; where both are found, visible
    pictures ask and infrared ones are asked. Raises DeployError or DatasetError.
    """
    asked = collect_all(queries, query_modality)
    asked = asked.of(asked.modalities[0])
    other = Modality.I if asked.modalities[0] is Modality.V else Modality.V
    wanted = gallery_modality or other.value
    if features.is_features(Path(gallery)):
        there = features.read(Path(gallery)).of(Modality(wanted))
    else:
        there = features.compute(embedder, collect_all([gallery], wanted))
    found = search(features.compute(embedder, asked), there, k, approximate)
    if left_out := asked.left_out + there.pictures.left_out:
        found.notes.append(words_of(left_out))
    return found


def search(query: Features, gallery: Features, k: int = 20, approximate: bool = False) -> Found:
    """The k nearest of the gallery for each query, and the scores where identities are known.

    A picture never finds itself. Raises DeployError if the features are of different cells,
    ValueError for k below 1.
    """
    _same_cell(query, gallery)
    itself = _itself(query, gallery)
    if approximate:
        top, note = approximates.lists(query.array, gallery.array, k + 1)
        scores, notes = None, [note]
    else:
        top, scores, notes = _ranked(query, gallery, k + 1)
    if (itself >= 0).any() and scores is not None:
        scores = None
        notes.append("Queries are in the gallery themselves: left out of the lists, no scores.")
    columns, distances = _without(top, itself, k)
    return Found(query, gallery, columns, np.sqrt(distances), scores, notes)


def _ranked(query: Features, gallery: Features, k: int) -> tuple[Top, Scores | None, list[str]]:
    """The exact lists, the scores if there is a query to score, and what to know about them."""
    chunk = max(LEAST_CHUNK, CHUNK_BYTES // (4 * gallery.array.shape[1]))
    asked, there = query.identities, gallery.identities
    known = np.isin(asked, there[there != UNKNOWN]).any()
    if known:
        codes = (_apart(asked, 0), _apart(there, len(asked)))
    else:  # nobody to score: each query "matches" row 0, and the lists do not depend on it
        codes = (np.zeros(len(asked), np.int64), np.arange(len(there)))
    scores, top = evaluation.rank_large(
        Embedded(query.array, codes[0]), Embedded(gallery.array, codes[1]), k, chunk
    )
    if not known:
        note = "No query's person is known to be in the gallery: lists, but no scores."
        return top, None, [note]
    note = "People of the gallery nobody has named count as other people."
    return top, scores, [note] if (there == UNKNOWN).any() else []


def _same_cell(query: Features, gallery: Features) -> None:
    ours, theirs = query.about["weights_sha256"], gallery.about["weights_sha256"]
    if ours != theirs:
        raise DeployError(
            f"the gallery's features are of the cell {gallery.about['cell']} ({theirs[:8]}), the "
            f"query's of {query.about['cell']} ({ours[:8]}): distances between two nets say "
            "nothing. Embed the gallery again with this cell"
        )


def _apart(identities: np.ndarray, start: int) -> np.ndarray:
    """Identities with a number of its own below UNKNOWN for each unknown one: nobody's match."""
    unknown = np.flatnonzero(identities == UNKNOWN)
    codes = identities.copy()
    codes[unknown] = UNKNOWN - 1 - start - unknown
    return codes


def _itself(query: Features, gallery: Features) -> np.ndarray:
    """[Q] the gallery row that is the query's own file, else -1."""
    ours, theirs = (f.pictures.root.resolve() for f in (query, gallery))
    asked = {}
    for q, record in enumerate(query.pictures.records):
        path = ours / record.path
        if path.is_relative_to(theirs):
            asked[path.relative_to(theirs).as_posix()] = q
    itself = np.full(len(query), -1)
    for row, record in enumerate(gallery.pictures.records):
        if record.path in asked:
            itself[asked[record.path]] = row
    return itself


def _without(top: Top, itself: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The first k columns and distances of lists of k + 1, each query's own picture left out."""
    kept = top.columns != itself[:, None]
    order = np.argsort(~kept, axis=1, kind="stable")[:, :k]
    columns = np.take_along_axis(np.where(kept, top.columns, -1), order, 1)
    distances = np.take_along_axis(np.where(kept, top.distances, np.inf), order, 1)
    return columns, distances


def lines(found: Found) -> list[tuple[Any, ...]]:
    """One row for each query and rank, as HEADER says; hit is 1, 0 or empty (not known)."""
    hits = found.hits()
    rows = []
    for q, asked in enumerate(found.query.pictures.records):
        for rank, column in enumerate(found.columns[q]):
            if column < 0:
                continue
            answer = found.gallery.pictures.records[column]
            who = ["" if r.identity == UNKNOWN else r.identity for r in (asked, answer)]
            distance = f"{found.distances[q, rank]:.6f}"
            hit = "" if hits[q, rank] < 0 else int(hits[q, rank])
            rows.append((asked.path, who[0], rank + 1, answer.path, who[1], distance, hit))
    return rows


def write_csv(path: Path, found: Found) -> None:
    """All lists as one CSV file."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADER)
    table.writerows(lines(found))
    write(path, text.getvalue().encode())


def text(found: Found, queries: int = 10, ranks: int = 5) -> str:
    """The first lists as a table for a terminal, then the scores, then the notes."""
    rows = [row for row in lines(found) if row[2] <= ranks]
    shown = list(dict.fromkeys(row[0] for row in rows))[:queries]
    said = []
    for name in shown:
        said.append(f"{name}")
        for row in rows:
            if row[0] == name:
                mark = {1: "+", 0: "-", "": " "}[row[6]]
                said.append(f"  {row[2]:>3} {mark} {row[5]}  {row[3]}")
    left = len(found.columns) - len(shown)
    if left > 0:
        said.append(f"... and {left} queries more")
    return "\n".join([*said, summary(found), *found.notes])


def summary(found: Found) -> str:
    """Scores in one sentence; what was searched where there are none."""
    what = f"{len(found.query)} queries in a gallery of {len(found.gallery)}"
    if found.scores is None:
        return f"{what}."
    value = found.scores.summary()
    return (
        f"{what}: Rank-1 {100 * value['R1']:.1f} %, Rank-5 {100 * value['R5']:.1f} %, mAP "
        f"{100 * value['mAP']:.1f} %, over {found.scores.valid.sum()} queries whose person is in "
        "the gallery."
    )
