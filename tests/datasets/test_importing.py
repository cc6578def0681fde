"""Imports: any names, any table, copied whole or not at all."""

from __future__ import annotations

import csv
import os

import pytest

from bdlab.datasets import folder, importing
from bdlab.modality import Modality

from . import trees

NAMES = ["anna", "Bo Li", "\u5f20", "17"]


def named(root):
    for modality, top in enumerate(("RGB", "thermal")):
        for n, name in enumerate(NAMES):
            trees.write(root / top / name / "a.png", trees.png(trees.pixels(modality, n)))
    return root


def listing(root):
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def test_names_become_numbers(tmp_path):
    out = importing.import_folder(named(tmp_path / "in"), tmp_path / "out", "RGB", "thermal")
    with (out / "names.csv").open(encoding="utf-8", newline="") as f:
        names = {row["name"]: int(row["identity"]) for row in csv.DictReader(f)}
    assert names == {name: n for n, name in enumerate(sorted(NAMES), 1)}
    for n, name in enumerate(NAMES):
        assert (out / f"infrared/{names[name]:04d}/0001.png").read_bytes() == trees.png(
            trees.pixels(1, n)
        )
    assert len(folder.read(out).records) == 8
    assert "visible/0002/0001.png,RGB/Bo Li/a.png" in (out / "pictures.csv").read_text("utf-8")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def table(root, rows, header="path,identity,modality"):
    return trees.write(root / "list.csv", "\n".join([header, *rows]) + "\n")


ROWS = [
    f"{top}/{name}/a.png,{name},{word}"
    for top, word in (("RGB", "visible"), ("thermal", "IR"))
    for name in NAMES
]


def test_a_table_is_imported(tmp_path):
    root = named(tmp_path / "in")
    out = importing.import_csv(
        table(root, [*ROWS[:4], *(row.replace("/", "\\") for row in ROWS[4:])]),
        tmp_path / "deep/out",
    )
    d = folder.read(out)
    assert len(d.records) == 8
    assert len(d.select("train", Modality.I)) == 2
    other = table(root, [f"{row},x" for row in ROWS], "\ufeffpath,identity,modality,note")
    importing.import_csv(other, tmp_path / "again", skip=["note"])
    assert listing(tmp_path / "again") == listing(out)


BAD = {
    "no header": (ROWS, ROWS[0], "has no column", 1),
    "other header": (ROWS, "where,identity,modality", "has no column path (it has where", 1),
    "a column nobody knows": (
        [f"{row},x" for row in ROWS],
        "path,identity,modality,note",
        "not understood: note",
        1,
    ),
    "two columns for one thing": (
        [f"{row},x" for row in ROWS],
        "path,identity,modality,pid",
        "two columns for the identity: 'pid'",
        1,
    ),
    "empty": ([], "", "has no column", 1),
    "no rows": ([], "path,identity,modality", "no picture to import", None),
    "short line": ([*ROWS, "RGB/anna/a.png,anna"], None, "more or fewer columns", 10),
    "long line": ([*ROWS, "a,b,c,d"], None, "more or fewer columns", 10),
    "modality": ([*ROWS, "x.png,anna,near"], None, "unknown modality 'near'", 10),
    "no name": ([*ROWS, "x.png, ,IR"], None, "the identity '' is empty", 10),
    "up": ([*ROWS, "../x.png,anna,IR"], None, "leads out", 10),
    "absolute": ([*ROWS, "/x.png,anna,IR"], None, "absolute", 10),
    "drive": ([*ROWS, "C:\\x.png,anna,IR"], None, "absolute", 10),
    "twice": ([*ROWS, ROWS[0]], None, "listed twice", 10),
    "twice, another person": ([*ROWS, "RGB/anna/a.png,bob,V"], None, "listed twice", 10),
    "quote": ([*ROWS, '"x'], None, "is no CSV table", None),
    "nul": ([*ROWS, "\0"], None, "NUL", None),
    "no such picture": ([*ROWS, "x.png,anna,IR"], None, "cannot be read", None),
    "a folder": ([*ROWS, "RGB/x.png,anna,IR"], None, "cannot be read", None),
    "no picture's name": ([*ROWS, "list.csv,anna,IR"], None, "is not a picture bdlab reads", 10),
    "one modality": (ROWS[:7], None, "has no infrared picture", None),
}


@pytest.mark.parametrize(("rows", "header", "says", "line"), BAD.values(), ids=BAD)
def test_a_bad_table_copies_nothing(tmp_path, rows, header, says, line):
    root = named(tmp_path / "in")
    file = table(root, rows, "path,identity,modality" if header is None else header)
    trees.refused(lambda: importing.import_csv(file, tmp_path / "out"), None, says, line)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


def test_utf_16_tables_are_refused(tmp_path):
    file = trees.write(tmp_path / "list.csv", "path,identity,modality\n".encode("utf-16"))
    trees.refused(lambda: importing.import_csv(file, tmp_path / "out"), "list.csv", "UTF-16")
    trees.write(file, b"path,identity,modality\n\xe9.png,anna,IR\n")
    trees.refused(
        lambda: importing.import_csv(file, tmp_path / "out"), "list.csv", "is no CSV table"
    )


def test_nothing_is_overwritten(tmp_path):
    root = named(tmp_path / "in")
    (tmp_path / "out").mkdir()
    trees.refused(
        lambda: importing.import_folder(root, tmp_path / "out", "RGB", "thermal"),
        "out",
        "is there already",
    )
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda p: p.write_bytes(b""),
        lambda p: (p.unlink(), os.mkfifo(p)),
        lambda p: (p.unlink(), p.symlink_to("/etc/hostname")),
    ],
)
def test_a_bad_picture_copies_nothing(tmp_path, spoil):
    root = named(tmp_path / "in")
    spoil(root / "thermal/anna/a.png")
    trees.refused(
        lambda: importing.import_folder(root, tmp_path / "out", "RGB", "thermal"),
        "thermal/anna/a.png",
        "",
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


def test_sources_are_checked(tmp_path):
    root = named(tmp_path / "in")
    trees.refused(
        lambda: importing.import_folder(root, tmp_path / "out", "RGB", "nir"),
        None,
        "folders: RGB, thermal",
    )
    trees.write(root / "RGB/stray.png", "x")
    trees.refused(
        lambda: importing.import_folder(root, tmp_path / "out", "RGB", "thermal"),
        "stray.png",
        "outside a person's folder",
    )


def test_a_link_out_of_the_tables_folder_is_refused(tmp_path):
    root = named(tmp_path / "in")
    outside = trees.write(tmp_path / "secret.png", trees.png(trees.pixels(9)))
    (root / "x.png").symlink_to(outside)
    trees.refused(
        lambda: importing.import_csv(table(root, [*ROWS, "x.png,anna,IR"]), tmp_path / "out"),
        "list.csv",
        "link out",
        10,
    )
