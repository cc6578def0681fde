"""LLCM's reader: what it reads, and every way its lists and folders can be wrong."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from bdlab import datasets
from bdlab.datasets import DatasetError, check, llcm
from bdlab.modality import Modality
from tests.peers import recipes

from . import trees


def test_the_lists_and_cameras_are_read_as_they_are_written(tmp_path):
    d = datasets.open("llcm", trees.llcm(tmp_path))
    assert (d.name, d.protocol) == ("llcm", "llcm")
    assert d.identities("train") == (1, 2, 3)
    assert d.identities("val") == ()
    assert d.identities("test") == (6, 7)
    for record in d.records:
        words = record.path.split("/")
        assert record.modality is (Modality.I if "nir" in words[0] else Modality.V)
        if record.split == "test":
            assert words[:3] == [
                f"test_{'nir' if record.modality is Modality.I else 'vis'}",
                f"cam{record.camera}",
                f"{record.identity:04d}",
            ]
    assert len(d.select("test", Modality.V)) == 2 * (9 + 2)
    assert len(d.select("test", Modality.I)) == 2 * (8 + 2)
    assert len(d.select("train", Modality.I)) == 6
    assert [r.path for r in d.records] == sorted(r.path for r in d.records)
    assert any("3 train identities, published 713" in w for w in d.provenance["unlike_published"])


def test_the_recipes_tree_is_read(tmp_path):
    recipes.llcm_tree(tmp_path / "set")
    d = datasets.open("llcm", tmp_path / "set")
    assert d.identities("train") == recipes.LLCM_TRAIN
    assert d.identities("test") == recipes.LLCM_TEST
    for modality, word in ((Modality.V, "vis"), (Modality.I, "nir")):
        assert len(d.select("test", modality)) == len(recipes.llcm_rows(word))
    assert check.check(tmp_path / "set", progress=False).ok


def test_labels_name_people_whose_folder_is_no_number(tmp_path):
    root = trees.llcm(tmp_path)
    for word in ("vis", "nir"):
        (root / f"{word}/0001").rename(root / f"{word}/anna")
        list_ = root / f"idx/train_{word}.txt"
        list_.write_text(list_.read_text().replace(f"{word}/0001/", f"{word}/anna/"))
    d = llcm.read(root)
    assert d.identities("train") == (2, 3, llcm.BY_LABEL)


def append(name: str, text: str):
    def change(root):
        with (root / "idx" / name).open("a") as file:
            file.write(text)

    return change


def relabelled(root):
    file = root / "idx/train_nir.txt"
    file.write_text(file.read_text().replace(".jpg 2", ".jpg 5"))


def exchanged(root):
    visible, infrared = (root / f"idx/train_{word}.txt" for word in ("vis", "nir"))
    texts = visible.read_text(), infrared.read_text()
    infrared.write_text(texts[0])
    visible.write_text(texts[1])


def copied(root):
    shutil.copy(root / "idx/train_nir.txt", root / "idx/train_vis.txt")


def one_folder_for_both(root):
    """Where folders say nothing, the same pictures in both lists are still seen."""
    (root / "vis").rename(root / "train")
    for word in ("vis", "nir"):
        text = (root / "idx/train_vis.txt").read_text().replace("vis/", "train/")
        (root / f"idx/train_{word}.txt").write_text(text)


def of_another_folder(root):
    file = root / "idx/train_vis.txt"
    file.write_text(file.read_text().replace("vis/", "VCM/vis/"))


def less_a_line(root):
    file = root / "idx/train_nir.txt"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if "/0003/" not in line))


BAD_TREES = {
    "lists exchanged": (exchanged, "train_vis.txt", "is of the other modality"),
    "one list for both": (copied, "train_vis.txt", "is of the other modality"),
    "one list for both, of another folder": (
        one_folder_for_both,
        "train_nir.txt",
        "is in the visible list too (6 such)",
    ),
    "a list of another folder": (of_another_folder, "VCM/vis/0001", "train_vis.txt, line 1"),
    "a person's lines gone": (less_a_line, "train_nir.txt", "identities 3 have no nir picture"),
    "a line doubled": (
        append("train_nir.txt", "nir/0003/0003_c01_0001.jpg 2\n"),
        "train_nir.txt",
        "(first in line 6)",
    ),
    "a dot in a path": (append("train_vis.txt", "vis/./0001.jpg 0\n"), "train_vis.txt", "is not <"),
    "a folder without a name": (
        append("train_vis.txt", "vis//0001.jpg 0\n"),
        "train_vis.txt",
        "is not <folder>",
    ),
    "a label below zero": (append("train_vis.txt", "vis/0003/a.jpg -1\n"), "train_vis.txt", "'-1'"),
    "a label with a point": (
        append("train_vis.txt", "vis/3/a.jpg 2.0\n"),
        "train_vis.txt",
        "'2.0'",
    ),
    "a list in UTF-16": (
        lambda r: (r / "idx/train_vis.txt").write_bytes("vis/1/a.jpg 0".encode("utf-16")),
        "train_vis.txt",
        "UTF-16",
    ),
    "an empty list": (
        lambda r: (r / "idx/train_vis.txt").write_bytes(b""),
        "train_vis.txt",
        "lists no picture",
    ),
    "camera gone": (lambda r: shutil.rmtree(r / "test_vis/cam4"), "cam4", "is not there"),
    "modality gone": (lambda r: shutil.rmtree(r / "test_nir"), "test_nir/cam1", "is not there"),
    "infrared camera 3": (lambda r: (r / "test_nir/cam3").mkdir(), "cam3", "is no camera"),
    "list gone": (lambda r: (r / "idx/train_nir.txt").unlink(), "train_nir.txt", "cannot be read"),
    "test list gone": (lambda r: (r / "idx/test_id.txt").unlink(), "test_id.txt", "cannot be read"),
    "test list in lines": (append("test_id.txt", "8\n"), "test_id.txt", "second line"),
    "tested without pictures": (
        lambda r: trees.write(r / "idx/test_id.txt", "6,7,99"),
        "test_id.txt",
        "identities 99 are listed",
    ),
    "tested in one modality": (
        lambda r: [shutil.rmtree(r / f"test_nir/cam{c}/0007") for c in (1, 2)],
        "test_id.txt",
        "an infrared picture",
    ),
    "listed picture gone": (
        lambda r: (r / "vis/0001/0001_c01_0000.jpg").unlink(),
        "0001_c01_0000.jpg",
        "train_vis.txt, line 1",
    ),
    "modality linked out": (
        lambda r: (
            shutil.move(r / "test_vis", r.parent / "t"),
            (r / "test_vis").symlink_to(r.parent / "t"),
        ),
        "test_vis",
        "link out",
    ),
    "trained and tested": (
        append("train_vis.txt", "test_vis/cam1/0006/0000.jpg 3\n"),
        "train_vis.txt",
        "is a test picture",
    ),
    "trained and tested by number": (
        lambda r: trees.write(r / "idx/test_id.txt", "6,7,1"),
        "test_id.txt",
        "identities 1 are listed",
    ),
    "other labels": (relabelled, "train_nir.txt", "in the visible list"),
    "climbing": (append("train_vis.txt", "../x/0001/a.jpg 0\n"), "train_vis.txt", "leads out"),
    "no label": (append("train_vis.txt", "vis/0001/a.jpg\n"), "train_vis.txt", "1 column"),
    "no picture": (
        append("train_vis.txt", "vis/0001/a.txt 0\n"),
        "train_vis.txt",
        "is not <folder>",
    ),
    "twice": (append("train_vis.txt", "vis/0001/0001_c01_0000.jpg 0\n"), "train_vis.txt", "twice"),
    "two labels": (
        append("train_vis.txt", "vis/0001/new.jpg 7\n"),
        "train_vis.txt",
        "contradicts line 1",
    ),
    "stray file": (lambda r: trees.write(r / "test_vis/cam1/0006/n.txt", "x"), "n.txt", "is not a"),
    "camera linked out": (
        lambda r: (
            shutil.move(r / "test_vis/cam1", r.parent / "c"),
            (r / "test_vis/cam1").symlink_to(r.parent / "c"),
        ),
        "cam1",
        "link out",
    ),
    "picture linked out": (
        lambda r: (
            shutil.move(r / "vis/0001/0001_c01_0000.jpg", r.parent / "p.jpg"),
            (r / "vis/0001/0001_c01_0000.jpg").symlink_to(r.parent / "p.jpg"),
        ),
        "0001_c01_0000.jpg",
        "is not there",
    ),
    "fifo": (
        lambda r: (
            (r / "vis/0001/0001_c01_0000.jpg").unlink(),
            os.mkfifo(r / "vis/0001/0001_c01_0000.jpg"),
        ),
        "0001_c01_0000.jpg",
        "is not there",
    ),
}


@pytest.mark.parametrize(("spoil", "file", "says"), BAD_TREES.values(), ids=BAD_TREES)
def test_a_bad_tree_is_refused(tmp_path, spoil, file, says):
    root = trees.llcm(tmp_path / "set")
    spoil(root)
    trees.refused(lambda: llcm.read(root), file, says)
    report = check.check(root, layout="llcm", progress=False)
    assert not report.ok
    assert any(says in fault for fault in report.faults), report.text()


def test_a_list_cut_at_any_byte_is_refused_or_is_its_lines(tmp_path):
    root = trees.llcm(tmp_path / "set")
    file = root / "idx/train_vis.txt"
    whole = file.read_bytes()
    truth = {(r.path, r.identity, r.modality, r.split) for r in llcm.read(root).records}
    accepted = 0
    for end in range(len(whole)):
        file.write_bytes(whole[:end])
        try:
            found = llcm.read(root).records
        except DatasetError as error:
            trees.assert_tells(error, "set", "")
        else:
            accepted += 1
            lines = {line.split()[0].decode() for line in whole[:end].splitlines()}
            seen = {(r.path, r.identity, r.modality, r.split) for r in found}
            assert seen == {
                one for one in truth if one[0] in lines or not one[0].startswith("vis/")
            }
    assert accepted == 3, "one byte, one line, or one line and its byte less"


@pytest.mark.parametrize("written", ["CRLF", "BOM", "backslashes", "blank lines"])
def test_lists_as_programs_write_them(tmp_path, written):
    root = trees.llcm(tmp_path / "set")
    whole = llcm.read(root).records
    for file in (root / "idx").iterdir():
        data = file.read_bytes()
        file.write_bytes({
            "CRLF": data.replace(b"\n", b"\r\n"),
            "BOM": b"\xef\xbb\xbf" + data,
            "backslashes": data.replace(b"/", b"\\"),
            "blank lines": data + b"\n \n",
        }[written])  # fmt: skip
    assert llcm.read(root).records == whole


def test_exchanged_lists_are_read_once_they_are_renamed(tmp_path):
    """The remedy, followed."""
    root = trees.llcm(tmp_path / "set")
    whole = llcm.read(root).records
    exchanged(root)
    assert "rename the two lists" in trees.refused(lambda: llcm.read(root), None, "other").remedy
    exchanged(root)
    assert llcm.read(root).records == whole


@pytest.mark.parametrize("split", [0, 2, True, "1"])
def test_there_is_one_split(tmp_path, split):
    trees.refused(lambda: llcm.read(trees.llcm(tmp_path), split), None, "does not exist")


def test_holding_out_wants_the_lists_of_a_twin(tmp_path):
    root = trees.llcm(tmp_path)
    trees.refused(lambda: llcm.read(root, val_holdout=True), "val_vis.txt", "cannot be read")
    trees.refused(lambda: llcm.read(root, val_holdout="no"), None, "neither True nor False")
    trees.refused(lambda: datasets.open("llcm", root, val_holdout=True), None, "unknown option")


NEAR_MISSES = {
    "test_vis": "Test_vis",
    "test_vis/cam4": "test_vis/Cam4",
    "test_nir/cam2": "test_nir/cam_2",
    "idx/train_vis.txt": "idx/train_VIS.txt",
    "idx/test_id.txt": "idx/test_ids.txt",
}


@pytest.mark.parametrize("wanted", NEAR_MISSES)
def test_a_near_miss_is_named_and_renaming_it_helps(tmp_path, wanted):
    root = trees.llcm(tmp_path / "set")
    found = NEAR_MISSES[wanted]
    whole = llcm.read(root).records
    (root / wanted).rename(root / found)
    remedy = f"rename {root / found} to {Path(wanted).name}, if it is meant"
    with pytest.raises(DatasetError) as refused:
        llcm.read(root)
    assert refused.value.remedy == remedy
    (root / found).rename(root / wanted)
    assert llcm.read(root).records == whole


def test_another_camera_is_no_near_miss(tmp_path):
    root = trees.llcm(tmp_path / "set")
    shutil.rmtree(root / "test_vis/cam4")
    with pytest.raises(DatasetError) as refused:
        llcm.read(root)
    assert "rename" not in refused.value.remedy


# -- many small changes
# ----------------------------------------------------------------------------------------------


def spoil(root, rng):
    """One random change of a tree."""
    files = sorted(p for p in root.rglob("*") if p.is_file())
    one, other = (files[rng.integers(len(files))] for _ in range(2))
    folders = sorted(p for p in root.rglob("*") if p.is_dir())
    place = folders[rng.integers(len(folders))]
    lists = sorted((root / "idx").glob("*.txt"))
    match rng.integers(8):
        case 0:
            one.unlink()
        case 1:
            shutil.copy(one, place / other.name)
        case 2:
            shutil.rmtree(place)
        case 3:
            place.rename(place.with_name(("7", "cam3", "0006", "Cam1", "9")[rng.integers(5)]))
        case 4 if lists:
            index = lists[rng.integers(len(lists))]
            words = [b"\n", b" ", b"/", b"..", b"\0", b"-1", b",", b"vis/0001/", b".jpg", b"nir"]
            index.write_bytes(trees.mutated(index.read_bytes(), rng, words))
        case 5 if lists:
            shutil.copy(lists[rng.integers(len(lists))], lists[rng.integers(len(lists))])
        case 6 if lists:
            index = lists[rng.integers(len(lists))]
            index.write_bytes(index.read_bytes().replace(b"\n", b"\r\n"))
        case _:
            one.write_bytes(other.read_bytes())


def oracle(root):
    """The lists and folders taken at their word: (path, identity, modality, camera, part)."""
    said = set()
    for word, letter in (("vis", "V"), ("nir", "I")):
        for line in (root / f"idx/train_{word}.txt").read_text("utf-8-sig").split("\n"):
            if line.strip():
                path = line.split()[0].replace("\\", "/")
                assert (root / path).is_file()
                folder = path.split("/")[-2]
                identity = int(folder) if folder.isdigit() else 1_000_000 + int(line.split()[1])
                said.add((path, identity, letter, 0, "train"))
        tested = (root / "idx/test_id.txt").read_text("utf-8-sig").split(",")
        for place in (root / f"test_{word}").glob("cam*/*"):
            if place.is_dir() and int(place.name) in map(int, tested):
                camera = int(place.parent.name.removeprefix("cam"))
                for picture in place.iterdir():
                    path = picture.relative_to(root).as_posix()
                    said.add((path, int(place.name), letter, camera, "test"))
    return said


def test_trees(tmp_path):
    rng = np.random.default_rng(23)
    good = trees.llcm(tmp_path / "good", shots=1)
    accepted = 0
    for case in range(100):
        root = tmp_path / "set"
        shutil.copytree(good, root)
        try:
            for _ in range(rng.integers(1, 3)):
                spoil(root, rng)
        except OSError:
            pass  # the second change met what the first one left
        try:
            d = llcm.read(root)
        except DatasetError as error:
            trees.assert_tells(error, "set", "")
        else:
            accepted += 1
            found = {(r.path, r.identity, r.modality.value, r.camera, r.split) for r in d.records}
            assert all(
                ("nir" in r.path.split("/")[0]) == (r.modality is Modality.I) for r in d.records
            )
            assert found == oracle(root), case
            assert not set(d.identities("train")) & set(d.identities("test"))
        shutil.rmtree(root)
    assert accepted > 10
