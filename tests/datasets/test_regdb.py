"""RegDB's reader: what it reads, and every way an index file or a tree can be wrong."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bdlab import datasets
from bdlab.datasets import check, regdb
from bdlab.modality import Modality

from . import trees

GOOD = b"Visible/1/a.bmp 0\nVisible/1/b.bmp 0\nVisible/2/c.bmp 1\n"


def parse(data: bytes, modality: Modality = Modality.V) -> list[tuple[str, int, int]]:
    return [
        (e.path, e.identity, e.label)
        for e in regdb.parse_index(data, modality, "idx/train_visible_1.txt")
    ]


def test_a_trial_is_read_as_it_is_written(tmp_path):
    d = datasets.open("regdb", trees.regdb(tmp_path), split=1)
    assert (d.name, d.protocol) == ("regdb", "regdb")
    assert d.identities("train") == (2, 4, 6)
    assert set(d.identities("train")) | set(d.identities("test")) == set(range(1, 7))
    assert [r.path for r in d.records] == sorted(r.path for r in d.records)
    assert len(d.records) == 24
    for r in d.records:
        top, one, _ = r.path.split("/")
        assert int(one) == r.identity
        assert r.modality is {"Visible": Modality.V, "Thermal": Modality.I}[top]
        assert r.camera == 0
    other = datasets.open("regdb", tmp_path, split=2)
    assert other.identities("train") == d.identities("test")
    assert "trial 1" in d.provenance["source"]
    assert d.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    "data",
    [
        GOOD.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"/", b"\\"),
        GOOD.rstrip(b"\n"),
        b"\n" + GOOD + b"\n \n",
        GOOD.replace(b" ", b" \t "),
    ],
    ids=["crlf", "bom", "backslash", "no last newline", "blank lines", "tabs"],
)
def test_harmless_differences_change_nothing(data):
    assert parse(data) == [
        ("Visible/1/a.bmp", 1, 0),
        ("Visible/1/b.bmp", 1, 0),
        ("Visible/2/c.bmp", 2, 1),
    ]


BAD_LINES = {
    "utf-16": (GOOD.decode().encode("utf-16"), "UTF-16", None),
    "utf-16 big": (b"\xfe\xff" + GOOD.decode().encode("utf-16-be"), "UTF-16", 1),
    "utf-16 without mark": (GOOD.decode().encode("utf-16-le"), "NUL", 1),
    "nul": (GOOD + b"Visible/3/\0.bmp 2\n", "NUL", 4),
    "latin-1": (GOOD + b"Visible/3/\xe9.bmp 2\n", "not UTF-8", 4),
    "up": (GOOD + b"../Visible/3/d.bmp 2\n", "leads out", 4),
    "up inside": (GOOD + b"Visible/../d.bmp 2\n", "leads out", 4),
    "up backslash": (GOOD + b"Visible\\..\\d.bmp 2\n", "leads out", 4),
    "absolute": (GOOD + b"/Visible/3/d.bmp 2\n", "leads out", 4),
    "drive": (GOOD + b"C:\\Visible\\3\\d.bmp 2\n", "leads out", 4),
    "share": (GOOD + b"\\\\host\\3\\d.bmp 2\n", "leads out", 4),
    "dot": (GOOD + b"./Visible/3/d.bmp 2\n", "is not Visible/<identity>/<picture>", 4),
    "double slash": (GOOD + b"Visible//3/d.bmp 2\n", "is not Visible/<identity>/<picture>", 4),
    "no folder": (GOOD + b"d.bmp 2\n", "is not Visible/<identity>/<picture>", 4),
    "too deep": (GOOD + b"Visible/3/x/d.bmp 2\n", "is not Visible/<identity>/<picture>", 4),
    "other modality": (GOOD + b"Thermal/3/d.bmp 2\n", "is not Visible/<identity>/<picture>", 4),
    "small letters": (GOOD + b"visible/3/d.bmp 2\n", "is not Visible/<identity>/<picture>", 4),
    "no picture": (GOOD + b"Visible/3/d.txt 2\n", "is not Visible/<identity>/<picture>", 4),
    "hidden": (GOOD + b"Visible/3/._d.bmp 2\n", "is not Visible/<identity>/<picture>", 4),
    "label 1.0": (GOOD + b"Visible/3/d.bmp 2.0\n", "label '2.0'", 4),
    "label -1": (GOOD + b"Visible/3/d.bmp -1\n", "label '-1'", 4),
    "label +1": (GOOD + b"Visible/3/d.bmp +2\n", "label '+2'", 4),
    "label 1e3": (GOOD + b"Visible/3/d.bmp 1e3\n", "label '1e3'", 4),
    "label 1_0": (GOOD + b"Visible/3/d.bmp 1_0\n", "label '1_0'", 4),
    "label arabic": (GOOD + "Visible/3/d.bmp \u0662\n".encode(), "plain digits", 4),
    "label full width": (GOOD + "Visible/3/d.bmp \uff12\n".encode(), "plain digits", 4),
    "label huge": (GOOD + b"Visible/3/d.bmp " + b"9" * 30 + b"\n", "plain digits", 4),
    "identity 1.0": (GOOD + b"Visible/1.0/d.bmp 2\n", "identity '1.0'", 4),
    "identity -1": (GOOD + b"Visible/-1/d.bmp 2\n", "identity '-1'", 4),
    "identity superscript": (GOOD + "Visible/\u00b3/d.bmp 2\n".encode(), "identity", 4),
    "identity text": (GOOD + b"Visible/anna/d.bmp 2\n", "identity 'anna'", 4),
    "missing column": (GOOD + b"Visible/3/d.bmp\n", "1 column:", 4),
    "third column": (GOOD + b"Visible/3/d.bmp 2 2\n", "3 columns", 4),
    "comma": (GOOD + b"Visible/3/d.bmp,2\n", "1 column:", 4),
    "listed twice": (GOOD + b"Visible/1/a.bmp 0\n", "listed twice (first in line 1)", 4),
    "listed twice by slash": (GOOD + b"Visible\\1\\a.bmp 0\n", "listed twice (first in line 1)", 4),
    "one picture, two labels": (GOOD + b"Visible/1/a.bmp 1\n", "listed twice", 4),
    "one identity, two labels": (
        GOOD + b"Visible/1/d.bmp 2\n",
        "label 2 with identity 1 contradicts line 1",
        4,
    ),
    "one label, two identities": (
        GOOD + b"Visible/3/d.bmp 1\n",
        "label 1 with identity 3 contradicts line 3",
        4,
    ),
    "10 MB line": (GOOD + b"x" * 10_000_000, "10,000,000 bytes", 4),
    "old mac ends": (GOOD.replace(b"\n", b"\r"), "no printable text", 1),
    "form feed": (GOOD + b"Visible/3/d.bmp\x0c2\n", "no printable text", 4),
    "line separator": (
        GOOD + "Visible/3/d.bmp 2\u2028Visible/3/e.bmp 2\n".encode(),
        "no printable text",
        4,
    ),
    "no-break space": (GOOD + "Visible/3/d.bmp\u00a02\n".encode(), "no printable text", 4),
    "escape codes": (GOOD + b"\x1b[31mVisible/3/d.bmp 2\n", "no printable text", 4),
    "empty": (b"", "lists no picture", None),
    "only blanks": (b"\n \r\n", "lists no picture", None),
    "html": (b"<!DOCTYPE html>\n", "is not Visible/", 1),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "label", 1),
}


@pytest.mark.parametrize(("data", "says", "line"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_index_is_refused_by_line(data, says, line):
    trees.refused(lambda: parse(data), "idx/train_visible_1.txt", says, line)


def test_all_faults_of_a_file_are_collected():
    faults = []
    found = regdb.parse_index(
        b"Visible/1/a.bmp 0\nx\nVisible/2/b.bmp 1\ny z w\n", Modality.V, "f", faults.append
    )
    assert [e.line for e in found] == [1, 3]
    assert [f.line for f in faults] == [2, 4]


def edit(root: Path, name: str, change) -> None:
    file = root / "idx" / name
    file.write_bytes(change(file.read_bytes()))


def link_out(root: Path) -> None:
    outside = root.parent / "outside"
    shutil.move(root / "Visible/1", outside)
    (root / "Visible/1").symlink_to(outside)


def link_picture_out(root: Path) -> None:
    outside = trees.write(root.parent / "secret.bmp", trees.bmp(trees.pixels(9)))
    place = root / trees.regdb_path(0, 1, 0)
    place.unlink()
    place.symlink_to(outside)


def link_top_out(root: Path) -> None:
    shutil.move(root / "Visible", root.parent / "V")
    (root / "Visible").symlink_to(root.parent / "V")


def fifo(root: Path) -> None:
    place = root / trees.regdb_path(0, 1, 0)
    place.unlink()
    os.mkfifo(place)


def index_fifo(root: Path) -> None:
    (root / "idx/train_visible_1.txt").unlink()
    os.mkfifo(root / "idx/train_visible_1.txt")


def replaced_by_folder(root: Path) -> None:
    place = root / trees.regdb_path(0, 1, 0)
    place.unlink()
    place.mkdir()


def overlap(root: Path) -> None:
    for word in ("visible", "thermal"):
        (root / f"idx/test_{word}_1.txt").write_bytes(
            (root / f"idx/train_{word}_1.txt").read_bytes()
        )


def relabel(data: bytes) -> bytes:
    return data.replace(b" 0\n", b" 7\n")


BAD_TREES = {
    "picture gone": (
        lambda r: (r / trees.regdb_path(0, 1, 0)).unlink(),
        "p_v_00000_1.bmp",
        "is not there",
    ),
    "identity folder gone": (
        lambda r: shutil.rmtree(r / "Thermal/2"),
        "Thermal/2/",
        "is not there",
    ),
    "Visible gone": (lambda r: shutil.rmtree(r / "Visible"), "", "Visible"),
    "Thermal in small letters": (lambda r: (r / "Thermal").rename(r / "thermal"), "", "Thermal"),
    "index file gone": (
        lambda r: (r / "idx/test_thermal_1.txt").unlink(),
        "test_thermal_1.txt",
        "cannot be read",
    ),
    "index file a folder": (
        lambda r: (
            (r / "idx/train_visible_1.txt").unlink(),
            (r / "idx/train_visible_1.txt").mkdir(),
        ),
        "train_visible_1.txt",
        "is not an ordinary file",
    ),
    "index file a fifo": (index_fifo, "train_visible_1.txt", "is not an ordinary file"),
    "index file huge": (
        lambda r: edit(r, "train_visible_1.txt", lambda d: b"x" * 10_000_000),
        "train_visible_1.txt",
        "larger",
    ),
    "index file empty": (
        lambda r: edit(r, "test_visible_1.txt", lambda d: b""),
        "test_visible_1.txt",
        "lists no picture",
    ),
    "an identity missing in thermal": (
        lambda r: edit(r, "train_thermal_1.txt", lambda d: b"".join(d.splitlines(True)[:-2])),
        "train_thermal_1.txt",
        "have no thermal picture here",
    ),
    "an identity missing in visible": (
        lambda r: edit(r, "test_visible_1.txt", lambda d: b"".join(d.splitlines(True)[:-2])),
        "test_visible_1.txt",
        "have no visible picture here",
    ),
    "labels differ between files": (
        lambda r: edit(r, "train_thermal_1.txt", relabel),
        "train_thermal_1.txt",
        "in the visible file",
    ),
    "train and test overlap": (overlap, "", "in the train part and in the test part"),
    "link out, identity": (link_out, "Visible/1", "link out"),
    "link out, picture": (link_picture_out, "p_v_00000_1.bmp", "link out"),
    "link out, Visible": (link_top_out, "Visible", "link out"),
    "a fifo in a picture's place": (fifo, "p_v_00000_1.bmp", "is not an ordinary file"),
    "a folder in a picture's place": (
        replaced_by_folder,
        "p_v_00000_1.bmp",
        "is not an ordinary file",
    ),
    "a dead link": (
        lambda r: (
            (r / trees.regdb_path(0, 1, 0)).unlink(),
            (r / trees.regdb_path(0, 1, 0)).symlink_to("nowhere"),
        ),
        "p_v_00000_1.bmp",
        "is not an ordinary file",
    ),
    "one identity, two folders": (
        lambda r: shutil.copytree(r / "Visible/1", r / "Visible/01"),
        "Visible",
        "second folder",
    ),
    "a folder without number": (
        lambda r: (r / "Visible/new").mkdir(),
        "Visible/new",
        "is no number",
    ),
    "a stray picture": (
        lambda r: shutil.copy(r / trees.regdb_path(0, 1, 0), r / "Visible/x.bmp"),
        "Visible/x.bmp",
        "outside an identity",
    ),
    "a stray file": (
        lambda r: trees.write(r / "Visible/1/notes.txt", "x"),
        "notes.txt",
        "is not a picture",
    ),
    "a file name with a line end": (
        lambda r: trees.write(r / "Visible/1/a\nb.bmp", "x"),
        "Visible/1",
        "printable",
    ),
    "a file name that is no text": (
        lambda r: trees.write(Path(os.fsdecode(os.fsencode(r / "Visible/1") + b"/\xff.bmp")), "x"),
        "Visible/1",
        "printable",
    ),
    "without index, one modality": (
        lambda r: (shutil.rmtree(r / "idx"), shutil.rmtree(r / "Thermal/2")),
        "Thermal/2",
        "identity 2 has no infrared picture",
    ),
    "without index, nobody": (
        lambda r: [
            shutil.rmtree(r / p)
            for p in ("idx", *(f"{t}/{i}" for t in ("Visible", "Thermal") for i in range(1, 7)))
        ],
        "",
        "is empty",
    ),
}


@pytest.mark.parametrize(("spoil", "file", "says"), BAD_TREES.values(), ids=BAD_TREES)
def test_a_bad_tree_is_refused(tmp_path, spoil, file, says):
    root = trees.regdb(tmp_path / "set", trials=range(1, 2))
    spoil(root)
    trees.refused(lambda: regdb.read(root), file, says)


def test_a_link_inside_the_set_and_a_linked_root_are_read(tmp_path):
    root = trees.regdb(tmp_path / "set", trials=range(1, 2))
    (root / "Visible/1").rename(root / "moved")
    (root / "Visible/1").symlink_to(root / "moved")
    (tmp_path / "link").symlink_to(root)
    assert len(regdb.read(tmp_path / "link").records) == 24


def test_clutter_of_operating_systems_is_passed_over(tmp_path):
    root = trees.regdb(tmp_path, trials=range(1, 2))
    for clutter in (
        ".DS_Store",
        "Visible/.DS_Store",
        "Visible/1/Thumbs.db",
        "Visible/1/._p_v_00000_1.bmp",
    ):
        trees.write(root / clutter, "x")
    assert len(regdb.read(root).records) == 24


def renamed(old: str, new: str):
    def change(root: Path) -> None:
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        (root / old).rename(root / new)

    return change


def suffix(root: Path) -> None:
    for file in (root / "idx").iterdir():
        file.rename(file.with_suffix(".TXT"))


def too_deep(root: Path) -> None:
    (root / "idx").rename(root / "inner")
    (root / "idx").mkdir()
    (root / "inner").rename(root / "idx/idx")


def too_high(root: Path) -> None:
    for file in (root / "idx").iterdir():
        file.rename(root / file.name)
    (root / "idx").rmdir()


def emptied(root: Path) -> None:
    shutil.rmtree(root / "idx")
    (root / "idx").mkdir()


MISSPELT = {
    "Idx": (renamed("idx", "Idx"), "Idx"),
    "IDX": (renamed("idx", "IDX"), "IDX"),
    "index": (renamed("idx", "index"), "index"),
    "below another": (renamed("idx", "RegDB/idx"), "RegDB/idx"),
    "idx/idx": (too_deep, "idx/idx"),
    ".TXT": (suffix, "idx"),
    "beside the pictures": (too_high, ""),
    "an empty folder": (emptied, "idx"),
}


@pytest.mark.parametrize(("spoil", "place"), MISSPELT.values(), ids=MISSPELT)
def test_misspelt_index_files_never_pass_for_a_split(tmp_path, spoil, place):
    root = trees.regdb(tmp_path / "set")
    spoil(root)
    error = trees.refused(lambda: datasets.open("regdb", root), place, "index files")
    assert "idx" in error.remedy or "fetch" in error.remedy
    report = check.check(root, progress=False)
    assert not report.ok
    assert any("index files" in fault for fault in report.faults)


def test_an_invented_split_is_labelled(tmp_path):
    with_index = datasets.open("regdb", trees.regdb(tmp_path / "a"))
    without = datasets.open("regdb", trees.regdb(tmp_path / "b", trials=range(0)))
    for dataset in (with_index, without):
        unlike = dataset.provenance["unlike_published"]
        assert any("3 test identities, published 206" in words for words in unlike)
        assert "3 test identities, published 206" in dataset.label
    assert regdb.NO_INDEX in without.provenance["unlike_published"]
    assert regdb.NO_INDEX not in with_index.provenance["unlike_published"]


def test_without_index_files_the_halves_are_seeded_and_say_so(tmp_path):
    root = trees.regdb(tmp_path, identities=9, trials=range(0))
    drawn = [regdb.read(root, split) for split in regdb.TRIALS]
    assert all("not comparable" in d.provenance["source"] for d in drawn)
    assert all(len(d.identities("train")) == 4 and len(d.identities("test")) == 5 for d in drawn)
    assert len({d.identities("test") for d in drawn}) > 5
    assert regdb.read(root, 3).records == drawn[2].records


@pytest.mark.parametrize("split", [0, 11, -1, True, 1.0, "1", None])
def test_splits_that_do_not_exist(tmp_path, split):
    trees.refused(
        lambda: datasets.open("regdb", trees.regdb(tmp_path), split=split), None, "1 to 10"
    )
