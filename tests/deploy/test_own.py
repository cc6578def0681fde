"""Imported sets, whole and in parts: their names, cameras and rules in features and lists."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bdlab
from bdlab import datasets, protocols
from bdlab.datasets import DatasetError, Record, importing
from bdlab.deploy import DeployError, cross, features, page, searching
from bdlab.deploy.features import Features
from bdlab.deploy.pictures import UNKNOWN, Pictures, collect, collect_all, together
from bdlab.evaluation import Embedded
from bdlab.modality import Modality
from tests.cli.test_commands import call, said

V, I = Modality.V, Modality.I
PEOPLE = ["anna", "Bo <b>Li</b>", "张伟", "Zoé", "Max", "Eva", "Tom", "Ida", "Jo", "Kim"]


def listed(own, place, columns=("path", "identity", "modality", "camera"), **more):
    """A table of the ten rendered people by name; the k-th picture is of camera 1 + k % 2."""
    rows = []
    for top in ("visible", "infrared"):
        for folder, name in zip(sorted((own / top).iterdir()), PEOPLE, strict=True):
            for k, file in enumerate(sorted(folder.iterdir())):
                row = {"path": file.relative_to(own).as_posix(), "identity": name}
                row |= {"modality": top, "camera": f"{1 + k % 2}"}
                rows.append([row[column] for column in columns])
    with (own / place).open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([columns, *rows])
    return importing.plan(own / place, **more)


@pytest.fixture(scope="module")
def named(own, tmp_path_factory):
    """Ten people by name, two cameras, the rule that a query's own camera does not count."""
    plan = listed(own, "list.csv", exclude="camera")
    (own / "list.csv").unlink()
    return importing.write(plan, tmp_path_factory.mktemp("named") / "set")


@pytest.fixture(scope="module")
def embed(cell):
    return bdlab.embedder(cell, device="cpu")


@pytest.fixture(scope="module")
def found(embed, named):
    return searching.search_files(embed, [str(named)], str(named), k=6)


def reader(named):
    """What the set's own reader says: path -> (identity, camera)."""
    return {r.path: (r.identity, r.camera) for r in datasets.open("folder", named).records}


def test_the_set_is_read_as_its_reader_reads_it(named):
    listed = collect(str(named))
    assert {r.path: (r.identity, r.camera) for r in listed.records} == reader(named)
    assert {r.camera for r in listed.records} == {1, 2}
    assert sorted(listed.names.values()) == sorted(PEOPLE)
    assert listed.exclude == "camera"
    by_name = collect("folder", root=named)
    assert by_name.names == listed.names
    assert by_name.exclude == "camera"


@pytest.mark.parametrize("place", ["visible", "infrared/0003", "visible/0002/0001"])
def test_a_part_of_a_set_knows_its_set(named, place, monkeypatch):
    source = named / place
    source = source if source.is_dir() else next(source.parent.glob(f"{source.name}.*"))
    whole = reader(named)
    start = source if source.is_dir() else source.parent
    monkeypatch.chdir(named.parent)
    detour = named / "infrared/.." / source.relative_to(named)
    for given in (source, source.relative_to(named.parent), detour):
        part = collect(str(given))
        seen = {}
        for r in part.records:
            full = (start / r.path).relative_to(named).as_posix()
            assert (part.root / r.path).is_file()
            seen[full] = (r.identity, r.camera)
        below = [path for path in whole if (named / path).is_relative_to(source)]
        assert seen == {path: whole[path] for path in below}
        assert part.names[2] in PEOPLE


def test_names_stand_in_the_csv_the_table_and_the_page(found, named, tmp_path):
    searching.write_csv(tmp_path / "ranks.csv", found)
    with (tmp_path / "ranks.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = datasets.open("folder", named).names
    for row in rows:
        assert row["query_name"] == names[int(row["query_identity"])]
        assert row["name"] == names[int(row["identity"])]
        assert row["hit"] == str(int(row["query_name"] == row["name"]))
    assert {row["hit"] for row in rows} == {"0", "1"}
    assert f"({rows[0]['name']})" in searching.text(found, 1, 1)
    page.write_page(tmp_path / "a.html", found, queries=20)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "张伟" in text
    assert "Bo &lt;b&gt;Li&lt;/b&gt;" in text
    assert "<b>Li" not in text
    assert "id 3" not in text


def sides(found):
    sides = (found.query, found.gallery)
    return [Embedded(s.array, s.identities, s.pictures.records.cameras) for s in sides]


def test_the_declared_rule_gives_the_protocols_ranks(found, embed, named):
    result = protocols.evaluate("regdb", *sides(found), exclude="camera")["v2t"]
    (trial,) = result.trials
    assert np.array_equal(found.scores.first, trial.first)
    np.testing.assert_allclose(found.scores.ap, trial.ap, rtol=1e-12)
    first = np.where((found.hits() == 1).any(1), (found.hits() == 1).argmax(1), -1)
    assert np.array_equal(first, np.where(trial.first < 6, trial.first, -1))
    assert "Left out of the ranks: a person's pictures by the query's own camera" in found.notes[0]
    free = searching.search_files(embed, [str(named)], str(named), k=6, exclude="none")
    assert not np.array_equal(free.scores.ap, found.scores.ap), "the broken variant"
    (trial,) = protocols.evaluate("regdb", *sides(free))["v2t"].trials
    np.testing.assert_allclose(free.scores.ap, trial.ap, rtol=1e-12)


def test_what_is_left_out_is_in_no_list(embed, named):
    found = searching.search_files(embed, [str(named)], str(named), k=10_000)
    query, gallery = (side.pictures.records for side in (found.query, found.gallery))
    for q, columns in enumerate(found.columns):
        there = columns[columns >= 0]
        own = (gallery.identities == query.identities[q]) & (gallery.cameras == query.cameras[q])
        assert own.any()
        assert sorted(there.tolist()) == np.flatnonzero(~own).tolist()
        assert (columns[len(there) :] == -1).all()


def test_sysus_rule_leaves_out_a_camera(embed, named):
    (one, two) = made([[1, 0], [0, 1]], [1, 2], V), made([[1, 0], [0.6, 0.8]], [1, 2], I)
    one.pictures.records.cameras[:] = 3
    two.pictures.records.cameras[:] = [2, 1]
    found = searching.search(one, two, k=2, exclude="sysu")
    assert found.columns.tolist() == [[1, -1], [1, -1]]
    assert found.scores.valid.tolist() == [False, True]
    two.pictures.records.cameras[:] = 2
    nobody = searching.search(one, two, k=2, exclude="sysu")
    assert nobody.scores is None
    assert (nobody.columns == -1).all()


def test_features_on_disk_keep_it_all(embed, named, found, tmp_path):
    features.write(tmp_path / "f", embed, collect(str(named)))
    there = features.read(tmp_path / "f")
    assert there.pictures.names == collect(str(named)).names
    assert there.pictures.exclude == "camera"
    again = searching.search_files(embed, [str(named)], str(tmp_path / "f"), k=6)
    assert searching.lines(again) == searching.lines(found)
    assert again.notes == found.notes
    about = json.loads((tmp_path / "f/about.json").read_text())
    for change, file, what in (
        ({"exclude": "cameras"}, "about.json", json.dumps),
        ({"scale": 3}, "about.json", json.dumps),
    ):
        (tmp_path / "f" / file).write_text(what(about | change))
        with pytest.raises(DeployError, match=r"about\.json.*embed the pictures again"):
            features.read(tmp_path / "f")
    (tmp_path / "f/about.json").write_text(json.dumps(about))
    (tmp_path / "f/names.csv").write_text("who,name\n1,a\n")
    with pytest.raises(DeployError, match=r"names\.csv: no table of the columns identity, name"):
        features.read(tmp_path / "f")


def test_the_reader_finds_the_sets_faults(named, tmp_path):
    copy = shutil.copytree(named, tmp_path / "set")
    (copy / "visible/0001/notes.doc").write_text("x")
    with pytest.raises(DatasetError, match="is not a picture bdlab reads"):
        collect(str(copy))


def test_a_division_that_is_declared_has_parts(named, tmp_path):
    with pytest.raises(DeployError, match="declares no division, so it has no part 'test'"):
        collect(str(named), part="test")
    copy = shutil.copytree(named, tmp_path / "set")
    (copy / "train.txt").write_text("1,2,3,4,5\n6\n")
    (copy / "test.txt").write_text("7\n8\n9\n10\n")
    part = collect(str(copy), part="test")
    assert set(part.records.identities.tolist()) == {7, 8, 9, 10}
    assert {r.split for r in collect(str(copy)).records} == {"train", "test"}


def test_crops_of_nobody_are_searched_too(named, tmp_path):
    copy = shutil.copytree(named, tmp_path / "set")
    place = copy / "unknown/infrared"
    place.mkdir(parents=True)
    shutil.copy(next((copy / "infrared/0001").iterdir()), place / "0001.bmp")
    nobody = [r for r in collect(str(copy)).records if r.identity == UNKNOWN]
    assert [(r.path, r.modality) for r in nobody] == [("unknown/infrared/0001.bmp", I)]
    assert [r.path for r in collect(str(copy / "unknown")).records] == ["infrared/0001.bmp"]


def made(array, ids, m=V, names=None, **more):
    records = [Record(f"{m}/{n}.jpg", int(i), m, split="") for n, i in enumerate(ids)]
    pictures = Pictures(Path("nowhere"), records, names=names or {}, **more)
    return Features(pictures, np.asarray(array, np.float32), {"weights_sha256": "c", "cell": "c"})


class TestTwoSets:
    """Each numbers its people for itself: whoever is called the same is the same."""

    def test_people_are_known_by_name(self):
        query = made(np.eye(3), [1, 2, 3], V, {1: "anna", 2: "bo", 3: "carl"})
        gallery = made(np.eye(3), [1, 2, 3], I, {1: "bo", 2: "carl", 3: "dora"})
        found = searching.search(query, gallery, k=3)
        assert (found.hits() == 1).sum() == 2
        for row in searching.lines(found):
            assert row[6] == int(row[7] == row[8])

    def test_a_number_is_a_name(self):
        plain, named = made(np.eye(2), [3, 4], V), made(np.eye(2), [1, 3], I, {1: "3", 3: "anna"})
        found = searching.search(plain, named, k=2)
        assert found.hits().tolist() == [[1, 0], [0, 0]]

    def test_a_name_of_two_people_is_nobodys(self):
        query = made(np.eye(2), [1, 2], V, {1: "kim", 2: "bo"})
        gallery = made(np.eye(3)[:, :2], [1, 2, 3], I, {1: "kim", 2: "kim", 3: "bo"})
        found = searching.search(query, gallery, k=3)
        assert found.gallery.identities.tolist().count(UNKNOWN) == 2
        assert found.scores.valid.tolist() == [False, True]

    def test_equal_names_change_nothing(self):
        one, two = made(np.eye(2), [1, 2]).pictures, made(np.eye(2), [1, 2]).pictures
        assert together([one, two])[1] is two

    def test_several_sources_are_put_together(self, named, tmp_path):
        other = shutil.copytree(named, tmp_path / "other")
        (other / "names.csv").write_text("identity,name\n2,anna\n", encoding="utf-8")
        found = collect_all([str(named / "visible"), str(other / "visible")], None)
        whose = {}
        for r in found.records:
            whose.setdefault(found.names[r.identity], set()).add((found.root / r.path).parent)
        assert whose["anna"] == {
            named / "visible" / f"{PEOPLE_SORTED.index('anna') + 1:04d}",
            other / "visible/0002",
        }


PEOPLE_SORTED = sorted(PEOPLE)


class TestRules:
    def test_without_cameras_a_rule_cannot_be_kept(self, embed, own, named):
        query = str(next((own / "visible").glob("*/*")))
        found = searching.search_files(embed, [query], str(named), k=3)
        assert any("is not kept: no camera of the query is known" in note for note in found.notes)
        with pytest.raises(DeployError, match="--exclude camera: no camera of the query is known"):
            searching.search_files(embed, [query], str(named), exclude="camera")

    def test_bad_rules(self):
        a, b = made(np.eye(2), [1, 2], V, exclude="camera"), made(np.eye(2), [1, 2], I)
        with pytest.raises(DeployError, match="choose one of none, camera, sysu"):
            searching.search(a, b, exclude="cameras")
        other = replace(b, pictures=replace(b.pictures, exclude="sysu"))
        with pytest.raises(DeployError, match="say which holds with --exclude"):
            searching.search(a, other)
        for side in (a, b):
            side.pictures.records.cameras[:] = 1
        with pytest.raises(DeployError, match="--approximate knows no camera rule"):
            searching.search(a, b, approximate=True)

    def test_published_sets_bring_their_own(self, sysu, regdb):
        assert collect("sysu", root=sysu.root).exclude == "sysu"
        assert collect("regdb", root=regdb.root).exclude == "none"

    def test_a_test_keeps_the_declared_rule(self, embed, named):
        dataset = datasets.open("folder", named)
        ruled = cross.test(embed, dataset).results["v2t"]
        assert "own camera" in ruled.provenance["camera_rule"]
        free = cross.test(embed, replace(dataset, exclude="none")).results["v2t"]
        assert free.mean != ruled.mean


def test_from_the_command_line(cell, named, tmp_path):
    done = call("embed", named, "--cell", cell, "--out", tmp_path / "f")
    assert done.exit_code == 0, said(done)
    words = ("--gallery", tmp_path / "f", "--cell", cell, "--out", tmp_path / "s", "-k", 3)
    done = call("search", named / "visible", *words)
    assert done.exit_code == 0, said(done)
    assert "Left out of the ranks" in done.output
    assert "anna" in (tmp_path / "s/ranks.csv").read_text(encoding="utf-8")
    free = call("search", named / "visible", *words, "--exclude", "none")
    assert free.exit_code == 0, said(free)
    assert "Left out of the ranks" not in free.output
    wrong = call("search", named / "visible", *words, "--exclude", "all")
    assert wrong.exit_code == 2
