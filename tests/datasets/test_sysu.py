"""SYSU-MM01's reader: what it reads, and every way a list or a tree can be wrong."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from scipy.io import savemat

from bdlab import datasets
from bdlab.datasets import sysu
from bdlab.modality import Modality

from . import trees


def test_the_lists_and_cameras_are_read_as_they_are_written(tmp_path):
    d = datasets.open("sysu", trees.sysu(tmp_path))
    assert (d.name, d.protocol) == ("sysu", "sysu")
    assert d.identities("train") == (1, 2, 3, 4, 5)
    assert d.identities("val") == ()
    assert d.identities("test") == (6, 7)
    for r in d.records:
        camera, one, _ = r.path.split("/")
        assert (int(camera[3:]), int(one)) == (r.camera, r.identity)
        assert r.modality is (Modality.I if r.camera in (3, 6) else Modality.V)
    assert len(d.select("test", Modality.I)) == 6
    assert len(d.select("test", Modality.V)) == 10
    assert [r.path for r in d.records] == sorted(r.path for r in d.records)


def test_val_identities_can_be_held_out(tmp_path):
    d = datasets.open("sysu", trees.sysu(tmp_path), split=1, val_holdout=True)
    assert (d.identities("train"), d.identities("val"), d.identities("test")) == (
        (1, 2, 3),
        (4, 5),
        (6, 7),
    )
    assert d.provenance["val_holdout"] is True


@pytest.mark.parametrize(
    "data", [b"1,2,3", b"\xef\xbb\xbf1,2,3\r\n", b" 1 , 2,\t3 \n\n", b"0001,2,3\n"]
)
def test_harmless_differences_change_nothing(data):
    assert sysu.parse_ids(data, "f") == [1, 2, 3]


BAD_LISTS = {
    "empty": (b"", "lists nobody", 1),
    "blank": (b" \r\n", "lists nobody", 1),
    "two lines": (b"1,2\n3,4\n", "second line", 2),
    "one an line": (b"1\n2\n3\n", "second line", 2),
    "float": (b"1,2.0", "'2.0'", 1),
    "negative": (b"1,-2", "'-2'", 1),
    "zero": (b"0,1", "'0'", 1),
    "hole": (b"1,,2", "''", 1),
    "last comma": (b"1,2,", "''", 1),
    "semicolon": (b"1;2", "'1;2'", 1),
    "text": (b"1,two", "'two'", 1),
    "arabic": ("1,\u0662".encode(), "is no identity", 1),
    "twice": (b"1,2,1", "identity 1 is named twice", 1),
    "twice by padding": (b"1,01", "identity 1 is named twice", 1),
    "nul": (b"1,\x002", "NUL", 1),
    "utf-16": ("1,2".encode("utf-16"), "UTF-16", 1),
    "huge number": (b"1," + b"9" * 5000, "is no identity", 1),
    "page": (b"<html>", "is no identity", 1),
    "escape codes": (b"1,\x1b[31m2", "is no identity", 1),
}


@pytest.mark.parametrize(("data", "says", "line"), BAD_LISTS.values(), ids=BAD_LISTS)
def test_a_bad_list_is_refused_by_line(data, says, line):
    trees.refused(lambda: sysu.parse_ids(data, "exp/train_id.txt"), "exp/train_id.txt", says, line)


BAD_TREES = {
    **{
        f"camera {c} gone": (lambda r, c=c: shutil.rmtree(r / f"cam{c}"), f"cam{c}", "is not there")
        for c in range(1, 7)
    },
    "camera a file": (
        lambda r: (shutil.rmtree(r / "cam1"), trees.write(r / "cam1", "x")),
        "cam1",
        "is not there",
    ),
    "list gone": (lambda r: (r / "exp/val_id.txt").unlink(), "val_id.txt", "cannot be read"),
    "lists gone": (lambda r: shutil.rmtree(r / "exp"), "train_id.txt", "cannot be read"),
    "list a folder": (
        lambda r: ((r / "exp/val_id.txt").unlink(), (r / "exp/val_id.txt").mkdir()),
        "val_id.txt",
        "ordinary file",
    ),
    "in two lists": (
        lambda r: trees.write(r / "exp/test_id.txt", "6,7,1"),
        "test_id.txt",
        "is in train_id.txt too",
    ),
    "listed without pictures": (
        lambda r: trees.write(r / "exp/train_id.txt", "1,2,3,99"),
        "train_id.txt",
        "identity 99 is listed",
    ),
    "no infrared": (
        lambda r: [shutil.rmtree(r / f"cam{c}/0001") for c in (3, 6)],
        "",
        "identity 1 has no infrared picture",
    ),
    "no rgb": (
        lambda r: [shutil.rmtree(r / f"cam{c}/0002") for c in (1, 2, 4, 5)],
        "",
        "identity 2 has no visible picture",
    ),
    "no test infrared": (
        lambda r: [
            shutil.rmtree(r / f"cam{c}/{i}") for c, i in ((3, "0006"), (6, "0006"), (3, "0007"))
        ],
        "",
        "the test part has no infrared",
    ),
    "stray file": (
        lambda r: trees.write(r / "cam1/0001/notes.txt", "x"),
        "notes.txt",
        "is not a picture",
    ),
    "camera linked out": (
        lambda r: (
            shutil.move(r / "cam1", r.parent / "c"),
            (r / "cam1").symlink_to(r.parent / "c"),
        ),
        "cam1",
        "link out",
    ),
    "identity by name": (lambda r: (r / "cam1/anna").mkdir(), "cam1/anna", "is no number"),
}


@pytest.mark.parametrize(("spoil", "file", "says"), BAD_TREES.values(), ids=BAD_TREES)
def test_a_bad_tree_is_refused(tmp_path, spoil, file, says):
    root = trees.sysu(tmp_path / "set")
    spoil(root)
    trees.refused(lambda: sysu.read(root), file, says)


@pytest.mark.parametrize("split", [0, 2, True, "1"])
def test_there_is_one_split(tmp_path, split):
    trees.refused(lambda: sysu.read(trees.sysu(tmp_path), split), None, "one split: 1")


def test_val_holdout_is_a_truth_value(tmp_path):
    trees.refused(
        lambda: sysu.read(trees.sysu(tmp_path), val_holdout="no"), None, "neither True nor False"
    )


def mats(root, **lists):
    """The lists as the authors' code reads them; the .txt files are taken away."""
    for part, ids in {"train": [1, 2, 3], "val": [4, 5], "test": [6, 7]}.items():
        (root / f"exp/{part}_id.txt").unlink()
        savemat(root / f"exp/{part}_id.mat", {"id": np.array([lists.get(part, ids)])})
    return root


def test_lists_as_mat_are_read(tmp_path):
    want = sysu.read(trees.sysu(tmp_path / "txt")).records
    assert sysu.read(mats(trees.sysu(tmp_path / "mat"))).records == want


@pytest.mark.parametrize("ids", [[1, 1, 3], [0, 1, 2], [1.5, 2, 3], []])
def test_a_mat_that_is_no_list_is_refused(tmp_path, ids):
    root = mats(trees.sysu(tmp_path), train=ids)
    error = trees.refused(lambda: sysu.read(root), "train_id.mat", "lists nobody")
    assert "train_id.txt" in error.remedy
    trees.write(root / "exp/train_id.txt", "1,2,3")  # the remedy works
    assert sysu.read(root).identities("train") == (1, 2, 3, 4, 5)


def test_a_mat_that_is_none_is_refused(tmp_path):
    root = mats(trees.sysu(tmp_path))
    for garbage in (b"", b"MATLAB 7.3 MAT-file", b"\x00" * 600):
        (root / "exp/val_id.mat").write_bytes(garbage)
        trees.refused(lambda: sysu.read(root), "val_id.mat", "no list that can be read")
