"""The data doctor names every fault and knows what the real sets hold."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil

import numpy as np
import pytest

from bdlab import datasets, rules
from bdlab.datasets import DatasetError, bank, check, thermal

from . import trees


def look(root, **options):
    return check.check(root, progress=False, **options)


@pytest.mark.parametrize("layout", ["regdb", "sysu", "llcm", "folder"])
def test_a_good_tree_is_good(tmp_path, layout):
    report = look(getattr(trees, layout)(tmp_path))
    assert report.ok
    assert report.layout == layout
    assert report.text().endswith("ok: the set can be used")
    assert report.counts["identities"] == {"sysu": 7, "llcm": 5}.get(layout, 6)
    if layout != "folder":
        assert any("a part of the set" in note and "ask " in note for note in report.notes)
        assert any("not comparable with published ones" in note for note in report.notes)


def test_every_fault_is_named_once(tmp_path):
    root = trees.regdb(tmp_path)
    gone, broken, empty = (
        root / trees.regdb_path(m, i, s) for m, i, s in ((0, 1, 0), (1, 2, 1), (0, 3, 1))
    )
    gone.unlink()
    broken.write_bytes(broken.read_bytes()[:-40])
    empty.write_bytes(b"")
    (root / "idx/train_visible_4.txt").unlink()
    with (root / "idx/test_thermal_7.txt").open("a") as f:
        f.write("nonsense\n")
    report = look(root)
    assert not report.ok
    assert len(report.faults) == 5, report.text()
    for file, says in (
        (gone, "is not there"),
        (broken, "truncated"),
        (empty, "0 bytes"),
        ("train_visible_4.txt", "cannot be read"),
        ("test_thermal_7.txt, line", "1 column"),
    ):
        assert sum(str(file) in fault and says in fault for fault in report.faults) == 1, (
            file,
            report.text(),
        )
    assert all("Remedy: " in fault and fault in report.text() for fault in report.faults)


def test_every_camera_and_identity_is_named(tmp_path):
    root = trees.sysu(tmp_path)
    shutil.rmtree(root / "cam2")
    os.mkfifo(root / "cam1/0001/0009.jpg")
    trees.write(root / "exp/train_id.txt", "1,2,3,98,99")
    text = look(root).text()
    assert all(
        word in text
        for word in ("cam2", "0009.jpg", "identity 98", "identity 99", "Sun Yat-sen University")
    )


def test_an_empty_folder_says_whom_to_ask(tmp_path):
    report = look(tmp_path)
    assert not report.ok
    assert report.layout == "unknown"
    assert "Sun Yat-sen University" in report.text()
    assert "dm.dongguk.edu" in report.text()


ELSEWHERE = {
    "not there": (lambda r: r / "absent", "the last folder of it that exists"),
    "misspelt": (lambda r: trees.folder(r / "pictures") and r / "picturse", "did you mean"),
    "one folder too high": (lambda r: trees.folder(r / "MyData") and r, "MyData as root"),
    "two folders too high": (lambda r: trees.folder(r / "a/MyData") and r, "a/MyData as root"),
    "other names": (lambda r: trees.write(r / "RGB/1/a.png", "x") and r, "bdlab data import"),
}


@pytest.mark.parametrize(("make", "remedy"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_the_remedy_is_for_this_cause(tmp_path, make, remedy):
    """Nobody is sent to a university for data that lie one folder deeper."""
    text = look(make(tmp_path)).text()
    assert remedy in text
    assert "University" not in text


def test_the_remedy_for_one_folder_too_high_works(tmp_path):
    trees.folder(tmp_path / "MyData")
    error = trees.refused(lambda: datasets.open("folder", tmp_path), None, "MyData does")
    root = error.remedy.removeprefix("give ").removesuffix(" as root")
    assert len(datasets.open("folder", root).records) == 24


def test_equal_faults_are_told_once(tmp_path):
    root = trees.folder(tmp_path, identities=12)
    for one in range(1, 13):
        (root / f"visible/{one:03d}/0.png").write_bytes(b"")
    (root / "visible/001/1.bmp").write_bytes(b"BM")
    report = look(root)
    assert len(report.errors) == 13
    assert len(report.faults) == 2
    assert "There are 12 such faults" in report.text()
    assert "13 faults" in report.text()


def sixteen(root, identities=12):
    """A set whose infrared pictures have 16 bits: (identity, shot) -> values."""
    for one in range(1, identities + 1):
        trees.write(root / f"visible/{one}/0.png", trees.png(trees.pixels(0, one)))
    return root


def infrared(root, one, low, high):
    values = np.random.default_rng(one).integers(low, high, (12, 8)).astype(np.uint16)
    trees.write(root / f"infrared/{one}/0.png", trees.png(values))


def test_fourteen_bits_are_a_fault_of_the_set(tmp_path):
    root = sixteen(tmp_path)
    for one in range(1, 13):
        infrared(root, one, 0, 16384)
    report = look(root)
    assert not report.ok
    assert "12 pictures of 16 bits hold" in report.text()
    assert "of 256 grey levels" in report.text()
    assert "12 infrared pictures of 16 bits: range" in report.text()
    d = datasets.open("folder", root)
    trees.refused(lambda: bank.bank(d, 8, 8, cache=tmp_path / "c", progress=False), None, "levels")
    assert not list((tmp_path / "c").glob("*"))


def test_one_cold_picture_of_a_good_set_is_no_fault(tmp_path):
    """Judged one by one, it would be refused: the range is the set's."""
    root = sixteen(tmp_path)
    for one in range(1, 13):
        infrared(root, one, 20000, 20300 if one == 3 else 65536)
    assert look(root).ok
    d = datasets.open("folder", root)
    assert len(bank.bank(d, 8, 8, cache=tmp_path / "c", progress=False)) == 24


@pytest.mark.parametrize("palette", ["inferno", "jet", "iron"])
def test_false_colours_are_known_again(tmp_path, palette):
    root = trees.folder(tmp_path)
    ramp = np.linspace(0, 255, 96).reshape(12, 8)
    colours = thermal._colours(palette)[ramp.astype(int)].astype(np.uint8)
    trees.write(root / "infrared/002/0.png", trees.png(colours))
    trees.write(root / "visible/002/0.png", trees.png(colours))  # a red coat is nobody's fault
    (fault,) = look(root).faults
    assert "infrared/002/0.png" in fault
    assert palette in fault


def test_a_twin_is_called_a_twin(tmp_path):
    root = trees.regdb(tmp_path)
    trees.write(root / "twin.json", json.dumps({"kind": "synthetic-regdb", "seed": 0}))
    report = look(root)
    assert report.ok
    assert "twin" in report.layout
    assert "not the real set" in report.text()
    trees.write(root / "twin.json", "{")
    assert not look(root).ok


def test_one_picture_under_two_identities_is_noted(tmp_path):
    root = trees.folder(tmp_path)
    shutil.copy(root / "visible/001/0.png", root / "visible/002/0.png")
    assert any("visible/002/0.png = visible/001/0.png" in note for note in look(root).notes)


def test_a_set_with_the_published_counts_is_called_so(tmp_path, monkeypatch):
    """And one that lacks a picture is not; it can be used, and its scores are labelled."""
    root = trees.regdb(tmp_path)
    part = {"identities": 3, "visible pictures": 6, "infrared pictures": 6}
    whole = {"identities": 6, "visible pictures": 12, "infrared pictures": 12}
    counts = {"queries": 6, "gallery": 6, "valid_queries": 6}
    record = dataclasses.replace(
        rules.REGDB,
        wholes=(whole,),
        parts={"train": part, "test": part},
        settings=tuple(dataclasses.replace(s, counts=counts) for s in rules.REGDB.settings),
    )
    monkeypatch.setattr(rules, "REGDB", record)
    monkeypatch.setitem(rules.PROTOCOLS, "regdb", record)
    report = look(root)
    assert report.ok
    assert "all counts are the published ones (6 identities on disk)" in report.notes
    more = dataclasses.replace(record, wholes=(whole | {"visible pictures": 13},))
    monkeypatch.setitem(rules.PROTOCOLS, "regdb", more)
    report = look(root)
    assert report.ok
    assert "not the published set: 12 visible pictures of 13" in report.text()
    assert "labelled as not comparable" in report.text()
    assert "dm.dongguk.edu" in report.text()


def test_without_index_files_it_says_so(tmp_path):
    assert any(
        "not comparable" in note for note in look(trees.regdb(tmp_path, trials=range(0))).notes
    )


def test_layouts_are_known(tmp_path):
    with pytest.raises(DatasetError, match="regdb, sysu, llcm, folder"):
        look(tmp_path, layout="market")
    assert not look(trees.folder(tmp_path), layout="sysu").ok
