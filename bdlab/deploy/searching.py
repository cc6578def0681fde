"""Who is found for whom: queries against a gallery of any size, exact, as the protocols rank.

The ranking is ``evaluation.rank_large``: blocks of queries against chunks of a mapped gallery.
Features have unit length, so distances run from 0 to 2. People of two sets are the same where they
are called the same. The camera rule that a set declares holds here as in its test.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bdlab import evaluation, rules
from bdlab.datasets.records import EXCLUDED
from bdlab.evaluation import Embedded, Scores
from bdlab.evaluation.counting import Top
from bdlab.files import write
from bdlab.modality import Modality

from . import DeployError, features, raw
from . import approximate as approximates
from .features import Features
from .pictures import UNKNOWN, Pictures, collect_all, together, words_of

if TYPE_CHECKING:
    from .embedding import Embedder

CHUNK_BYTES = 1 << 25  # of gallery features that are looked at in one go
LEAST_CHUNK = 256  # rows, however long they are
HEADER = ("query", "query_identity", "rank", "path", "identity", "distance", "hit")
HEADER += ("query_name", "name")
NOBODY = (
    "No query's person is known to be in the gallery: lists, but no scores. Folders named by a "
    "number say who it is; `bdlab data import` keeps names."
)


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
    exclude: str | None = None,
    scale: Sequence[float] | None = None,
) -> Found:
    """``search`` for pictures and folders of them; ``gallery`` may be a folder of features.

    A modality that is left out is read from the folders' names; where both are found, visible
    pictures ask and infrared ones are asked. ``scale`` (low, high) is the range of raw infrared
    values; without it that of the gallery's or the query's set is taken, or that of the set the
    cell was trained on. Raises DeployError or DatasetError.
    """
    asked = collect_all(queries, query_modality)
    asked = asked.of(asked.modalities[0])
    other = Modality.I if asked.modalities[0] is Modality.V else Modality.V
    wanted = gallery_modality or other.value
    known = raw.given(scale)
    if features.is_features(Path(gallery)):
        there = features.read(Path(gallery)).of(Modality(wanted))
        known = known or there.pictures.scale or asked.scale
    else:
        listed = collect_all([gallery], wanted)
        known = known or listed.scale or asked.scale
        there = features.compute(embedder, replace(listed, scale=known))
    found = search(
        features.compute(embedder, replace(asked, scale=known)), there, k, approximate, exclude
    )
    found.notes.extend(_scales(found))
    if left_out := asked.left_out + there.pictures.left_out:
        found.notes.append(words_of(left_out))
    return found


def _scales(found: Found) -> list[str]:
    """What raw values were read with; a warning where the two sides were read differently."""
    sides = []
    for side in (found.query, found.gallery):
        if side.about.get(features.RAW):
            sides.append(side.pictures.scale)
    said = list(dict.fromkeys(known.words for known in sides))
    if len({(known.low, known.high) for known in sides}) > 1:
        said.append("Two ranges: equal temperatures look different to the net. Embed one again.")
    return said


def search(
    query: Features,
    gallery: Features,
    k: int = 20,
    approximate: bool = False,
    exclude: str | None = None,
) -> Found:
    """The k nearest of the gallery for each query, and the scores where identities are known.

    A picture never finds itself. ``exclude`` is the camera rule ("none", "camera", "sysu": see
    ``rules.declaring``), without it the one that the sets declare. Raises DeployError
    if the features are of different cells or a rule cannot be kept, ValueError for k below 1.
    """
    _same_cell(query, gallery)
    itself = _itself(query, gallery)
    query, gallery = _named_alike(query, gallery)
    rule, notes = _rule(query.pictures, gallery.pictures, exclude)
    if approximate:
        if rule.excludes:
            raise DeployError(
                f"--approximate knows no camera rule ({rule.camera_rule}): leave it out, or say "
                "--exclude none"
            )
        top, note = approximates.lists(query.array, gallery.array, k + 1)
        scores, notes = None, [*notes, note]
    else:
        top, scores, more = _ranked(query, gallery, k + 1, rule)
        notes += more
    if (itself >= 0).any() and scores is not None:
        scores = None
        notes.append("Queries are in the gallery themselves: left out of the lists, no scores.")
    columns, distances = _without(top, itself, k)
    return Found(query, gallery, columns, np.sqrt(distances), scores, notes)


def _named_alike(query: Features, gallery: Features) -> tuple[Features, Features]:
    """Both with one number for one person."""
    a, b = together([query.pictures, gallery.pictures])
    if a is query.pictures and b is gallery.pictures:
        return query, gallery
    return replace(query, pictures=a), replace(gallery, pictures=b)


def _rule(
    query: Pictures, gallery: Pictures, asked: str | None
) -> tuple[rules.Protocol, list[str]]:
    """The camera rule that holds, as a protocol, and what to say of it."""
    if asked not in (None, *EXCLUDED):
        raise DeployError(f"--exclude {asked!r}: choose one of {', '.join(EXCLUDED)}")
    declared = {query.exclude, gallery.exclude} - {"none"}
    if asked is None and len(declared) > 1:
        raise DeployError(
            f"the query's set declares the camera rule {query.exclude!r}, the gallery's "
            f"{gallery.exclude!r}: say which holds with --exclude"
        )
    word = asked or next(iter(declared), "none")
    rule = rules.declaring(rules.REGDB, word)
    if word == "none":
        return rule, []
    without = [
        name for name, side in (("query", query), ("gallery", gallery)) if not side.has_cameras
    ]
    if not without:
        return rule, [f"Left out of the ranks: {rule.camera_rule}."]
    blind = f"no camera of the {' and the '.join(without)} is known"
    if asked:
        raise DeployError(
            f"--exclude {asked}: {blind}; `bdlab data import` keeps cameras (a column camera, or "
            "folders cam1, cam2, ...)"
        )
    note = f"The set's camera rule ({word}) is not kept: {blind}."
    return rules.declaring(rules.REGDB, "none"), [note]


def _ranked(
    query: Features, gallery: Features, k: int, rule: rules.Protocol
) -> tuple[Top, Scores | None, list[str]]:
    """The exact lists, the scores if there is a query to score, and what to know about them."""
    chunk = max(LEAST_CHUNK, CHUNK_BYTES // (4 * gallery.array.shape[1]))
    codes = _apart(query.identities, 0), _apart(gallery.identities, len(query))
    cameras = query.pictures.records.cameras, gallery.pictures.records.cameras

    def excluded(q: np.ndarray, g: np.ndarray) -> np.ndarray:
        return rule.excluded(cameras[0][q], cameras[1][g], codes[0][q] == codes[1][g])

    asked, there = Embedded(query.array, codes[0]), Embedded(gallery.array, codes[1])
    each, top = evaluation.ranked_large(
        asked, there, k, chunk, excluded=excluded if rule.excludes else None
    )
    if (each.first < 0).all():
        return top, None, [NOBODY]
    note = "People of the gallery nobody has named count as other people."
    unknown = (gallery.identities == UNKNOWN).any()
    return top, Scores(*each, length=len(gallery)), [note] if unknown else []


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
    for q, name in enumerate(query.pictures.records.paths()):
        path = ours / name
        if path.is_relative_to(theirs):
            asked[path.relative_to(theirs).as_posix()] = q
    itself = np.full(len(query), -1)
    if asked:
        for row, name in enumerate(gallery.pictures.records.paths()):
            if name in asked:
                itself[asked[name]] = row
    return itself


def _without(top: Top, itself: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The first k columns and distances of lists of k + 1, each query's own picture left out, and
    what does not exist for it.
    """
    # what a camera rule leaves out is infinitely far
    kept = (top.columns != itself[:, None]) & np.isfinite(top.distances)
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
            names = called(found, asked.identity), called(found, answer.identity)
            row = (asked.path, who[0], rank + 1, answer.path, who[1], distance, hit)
            rows.append((*row, *names))
    return rows


def called(found: Found, identity: int) -> str:
    """A person's name; empty for a number alone, or nobody known."""
    return found.query.pictures.called(identity)


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
                name = row[8] and f"  ({row[8]})"
                said.append(f"  {row[2]:>3} {mark} {row[5]}  {row[3]}{name}")
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
