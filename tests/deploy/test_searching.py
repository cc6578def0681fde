"""Ranked lists: the protocol's own ranks, at any size of chunk; who is marked, who is left out."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bdlab
from bdlab import protocols
from bdlab.datasets import Record
from bdlab.deploy import DeployError, features, searching
from bdlab.deploy.features import Features
from bdlab.deploy.pictures import UNKNOWN, Pictures, collect
from bdlab.evaluation import Embedded
from bdlab.modality import Modality

V, I = Modality.V, Modality.I


@pytest.fixture(scope="module")
def embed(cell):
    return bdlab.embedder(cell, device="cpu")


@pytest.fixture(scope="module")
def both(embed, regdb):
    """Query and gallery of the test part of a rendered set."""
    parts = [collect("regdb", m, regdb.root, "test") for m in ("V", "I")]
    return tuple(features.compute(embed, part) for part in parts)


def made(array, ids, m=V, root="nowhere", cell="c"):
    """Features that nobody computed."""
    records = [Record(f"{m}/{n}.jpg", int(i), m, split="") for n, i in enumerate(ids)]
    about = {"weights_sha256": cell, "cell": cell}
    array = np.asarray(array, np.float32)
    return Features(Pictures(Path(root), tuple(records)), array, about)


def embedded(found):
    return Embedded(found.array, found.identities)


def test_the_ranks_are_the_protocols(both):
    found = searching.search(*both)
    (trial,) = protocols.regdb(embedded(both[0]), embedded(both[1]), "v2t").trials
    assert np.array_equal(found.scores.first, trial.first)
    np.testing.assert_allclose(found.scores.ap, trial.ap, rtol=1e-12)
    first = np.where(found.hits().any(1), found.hits().argmax(1), -1)
    assert np.array_equal(first, np.where(trial.first < 20, trial.first, -1))


def test_the_other_way_round_is_missed(both):
    """The broken variant: another direction gives other ranks."""
    (trial,) = protocols.regdb(embedded(both[0]), embedded(both[1]), "t2v").trials
    assert not np.array_equal(searching.search(*both).scores.first, trial.first)


def test_the_lists_are_those_of_loops(both):
    found = searching.search(*both, k=7)
    asked, there = (f.array.astype(np.float64) for f in both)
    for q in range(len(asked)):
        far = [float(np.linalg.norm(asked[q] - there[g])) for g in range(len(there))]
        wanted = sorted(range(len(there)), key=far.__getitem__)[:7]
        np.testing.assert_allclose(found.distances[q], [far[g] for g in wanted], atol=1e-3)
        apart = np.diff([far[g] for g in wanted]) > 1e-4
        if apart.all():
            assert found.columns[q].tolist() == wanted


def test_chunks_change_nothing(both, monkeypatch):
    whole = searching.search(*both)
    monkeypatch.setattr(searching, "CHUNK_BYTES", 0)
    monkeypatch.setattr(searching, "LEAST_CHUNK", 5)
    parts = searching.search(*both)
    np.testing.assert_allclose(parts.distances, whole.distances, atol=1e-4)
    assert np.mean(parts.columns == whole.columns) > 0.99


def test_hits_are_known_or_not():
    query = made([[1, 0], [0, 1]], [1, UNKNOWN])
    gallery = made([[1, 0], [0.8, 0.6], [0, 1]], [UNKNOWN, 1, 2], I)
    found = searching.search(query, gallery, k=3)
    assert found.hits().tolist() == [[-1, 1, 0], [-1, -1, -1]]
    assert found.scores.valid.tolist() == [True, False]
    assert found.scores.first.tolist() == [1, -1]
    assert "nobody has named" in found.notes[0]


def test_unknown_people_are_nobodys_match():
    query, gallery = made([[1, 0]], [UNKNOWN]), made([[1, 0], [0, 1]], [UNKNOWN, UNKNOWN], I)
    found = searching.search(query, gallery)
    assert found.scores is None
    assert found.columns.tolist() == [[0, 1]]
    assert "lists, but no scores" in found.notes[0]


def test_a_picture_never_finds_itself():
    query = made([[1, 0], [0, 1]], [1, 2])
    found = searching.search(query, made([[1, 0], [0, 1], [0.6, 0.8]], [1, 2, 3]), k=3)
    assert found.columns.tolist() == [[2, 1, -1], [2, 0, -1]]
    assert found.hits()[0].tolist() == [0, 0, -1]
    assert found.scores is None
    assert len(searching.lines(found)) == 4, "a shorter list has no row for what is not there"
    elsewhere = searching.search(query, made([[1, 0], [0, 1]], [1, 2], root="elsewhere"))
    assert elsewhere.columns[0].tolist() == [0, 1]


def test_features_of_two_cells_are_never_compared(both):
    other = replace(both[1], about=both[1].about | {"weights_sha256": "0" * 64})
    with pytest.raises(DeployError, match="distances between two nets say nothing"):
        searching.search(both[0], other)


def test_a_gallery_on_disk_is_the_gallery(embed, own, tmp_path):
    features.write(tmp_path / "f", embed, collect(str(own)))
    query = [str(own / "visible")]
    on_disk = searching.search_files(embed, query, str(tmp_path / "f"))
    fresh = searching.search_files(embed, query, str(own))
    assert searching.lines(on_disk) == searching.lines(fresh)
    assert {r.modality for r in on_disk.gallery.pictures.records} == {I}
    back = searching.search_files(embed, [str(own)], str(own), "I")
    assert {r.modality for r in back.gallery.pictures.records} == {V}


def test_the_csv_says_what_was_found(embed, own, tmp_path):
    one = next((own / "visible").glob("*/*"))
    found = searching.search_files(embed, [str(one)], str(own), k=4)
    searching.write_csv(tmp_path / "ranks.csv", found)
    with (tmp_path / "ranks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    for row in rows:
        same = int(row["path"].split("/")[1]) == int(one.parent.name)
        assert row["hit"] == str(int(same))
        assert int(row["query_identity"]) == int(one.parent.name)
    distances = [float(row["distance"]) for row in rows]
    assert distances == sorted(distances)
    text = searching.text(found)
    assert rows[0]["path"] in text
    assert "1 queries in a gallery" in text


class TestApproximate:
    def test_without_faiss_the_remedy_is_named(self, both, monkeypatch):
        import sys

        monkeypatch.setitem(sys.modules, "faiss", None)
        with pytest.raises(DeployError, match=r"bdlab\[search\]"):
            searching.search(*both, approximate=True)

    def test_recall_is_counted(self):
        from bdlab.deploy.approximate import recall

        assert recall(np.array([[1, 2], [3, 4]]), np.array([[2, 1], [5, 4]])) == 0.75

    def test_lists_by_faiss_come_with_their_recall(self, both):
        pytest.importorskip("faiss")
        found = searching.search(*both, k=5, approximate=True)
        exact = searching.search(*both, k=5)
        assert found.scores is None
        assert "of the 6 nearest were found" in found.notes[0]
        assert np.mean(found.columns == exact.columns) > 0.9
