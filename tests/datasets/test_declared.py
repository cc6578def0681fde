"""What a set says of itself: cameras, rules, names, division; each wrong line by file and line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bdlab import pixels, protocols
from bdlab.datasets import check, folder
from bdlab.datasets.pictures import load
from bdlab.evaluation import Embedded

from . import trees


def test_a_rule_is_read_and_enters_the_fingerprint(tmp_path):
    root = trees.folder(tmp_path)
    paths = sorted(path.relative_to(root).as_posix() for path in root.glob("*/*/*"))
    rows = "".join(f"{path},{1 + k % 2}\n" for k, path in enumerate(paths))
    trees.write(root / "pictures.csv", f"path,camera\n{rows}")
    plain = folder.read(root).fingerprint
    trees.write(root / "set.json", json.dumps({"exclude": "camera"}))
    declared = folder.read(root)
    assert declared.exclude == declared.provenance["exclude"] == "camera"
    assert declared.fingerprint != plain
    trees.write(root / "set.json", json.dumps({"exclude": "none"}))
    assert folder.read(root).fingerprint == plain


def test_a_declared_division_cannot_be_drawn_again(tmp_path):
    root = trees.folder(tmp_path)
    trees.write(root / "train.txt", "1\n2\n3\n")
    trees.write(root / "test.txt", "4,5")
    d = folder.read(root)
    assert (d.identities("train"), d.identities("test")) == ((1, 2, 3), (4, 5))
    assert d.provenance["left_out"]["identities"] == 1
    for options in ({"split": 2}, {"test_fraction": 0.3}, {"val_fraction": 0.1}):
        trees.refused(lambda options=options: folder.read(root, **options), "train.txt", "its own")
    trees.write(root / "val.txt", "6")
    assert folder.read(root, val_fraction=0.1).identities("val") == (6,)


BAD = {
    "an unknown rule": ("set.json", '{"camera": 1}', "says camera", None),
    "an unknown exclusion": ("set.json", '{"exclude": "all"}', "is none of", None),
    "no JSON": ("set.json", "[", "is no JSON", None),
    "nobody in names": ("names.csv", "identity,name\nx,anna\n", "'x' is no identity", 2),
    "other columns": ("names.csv", "id,who\n1,anna\n", "no column identity, name", None),
    "an identity named twice": (
        "names.csv",
        "identity,name\n1,anna\n1,bo\n",
        "is 'bo' here and 'anna' before",
        3,
    ),
    "a picture with two cameras": (
        "pictures.csv",
        "path,camera\nvisible/001/0.png,1\nvisible/001/0.png,2\n",
        "is of camera 2 here",
        3,
    ),
    "a camera rule without cameras": (
        "set.json",
        '{"exclude": "camera"}',
        "24 pictures have no camera",
        None,
    ),
    "a word of JSON twice": (
        "set.json",
        '{"exclude": "camera", "exclude": "none"}',
        "stands there twice",
        None,
    ),
    "distractors by a word": ("set.json", '{"distractors": "yes"}', "neither true nor false", None),
    **{
        f"almost {meant}: {name}": (name, "1", f"is called almost as {meant}", None)
        for name, meant in {
            "Train.txt": "train.txt",
            "test.TXT": "test.txt",
            "train_id.txt": "train.txt",
            "test_ids.csv": "test.txt",
            "validation.txt": "val.txt",
            "Names.csv": "names.csv",
            "splits.json": "train.txt and test.txt",
            "Set.json": "set.json",
        }.items()
    },
    "a camera's name": ("pictures.csv", "path,camera\na,gate\n", "'gate' is no number", 2),
}


@pytest.mark.parametrize(("file", "text", "says", "line"), BAD.values(), ids=BAD)
def test_what_is_not_understood_is_refused(tmp_path, file, text, says, line):
    root = trees.folder(tmp_path)
    trees.write(root / file, text)
    trees.refused(lambda: folder.read(root), file, says, line)
    assert not check.check(root, progress=False).ok
    (root / file).unlink()
    assert folder.read(root).records


def test_a_rule_with_one_camera_misspelt_is_refused(tmp_path):
    """A row whose path is no picture leaves a picture without a camera: the rule sees it."""
    root = trees.folder(tmp_path)
    paths = sorted(path.relative_to(root).as_posix() for path in root.glob("*/*/*"))
    text = "path,camera\n" + "".join(f"{path},1\n" for path in paths)
    trees.write(root / "pictures.csv", text.replace("visible/002/1.bmp", "visible/002/1.png"))
    trees.write(root / "set.json", json.dumps({"exclude": "camera"}))
    says = "1 pictures have no camera: visible/002/1.bmp"
    trees.refused(lambda: folder.read(root), "set.json", says)
    trees.write(root / "pictures.csv", text)
    assert folder.read(root).exclude == "camera"


def test_a_name_of_two_people_stands_for_neither(tmp_path):
    root = trees.folder(tmp_path)
    trees.write(root / "names.csv", "identity,name\n1,anna\n2,anna\n3,bo\n")
    trees.write(root / "train.txt", "anna\nbo\n")
    trees.write(root / "test.txt", "4\n5\n6\n")
    trees.refused(lambda: folder.read(root), "train.txt", "'anna' is nobody of this set", 1)
    trees.write(root / "train.txt", "1\nbo\n")
    assert folder.read(root).identities("train") == (1, 3)


@pytest.mark.parametrize("name", ["readme.txt", "train.log", "test", "sets.txt", "all.csv"])
def test_other_files_beside_pictures_are_let_be(tmp_path, name):
    root = trees.folder(tmp_path)
    trees.write(root / name, "x")
    assert folder.read(root).records


@pytest.mark.parametrize(("exclude", "rank1"), [("none", 1.0), ("camera", 0.0)])
def test_a_declared_rule_is_what_is_scored(exclude, rank1):
    """By hand: nearest is the person by the query's own camera, then a stranger, then the person
    by another camera. Without the first, Rank-1 is lost.
    """
    query = Embedded(np.array([[1.0, 0.0]], np.float32), np.array([1]), np.array([1]))
    angle = np.deg2rad([5, 10, 20])
    features = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    gallery = Embedded(features, np.array([1, 2, 1]), np.array([1, 2, 2]))
    found = protocols.evaluate("regdb", query, gallery, exclude=exclude)["v2t"]
    assert found.mean["R1"] == rank1
    assert ("own camera" in found.provenance["camera_rule"]) is (exclude == "camera")


def test_load_and_normalise_fit_each_other(tmp_path):
    picture = load(trees.write(tmp_path / "a.png", trees.png(trees.pixels(1))), 12, 8)
    one = pixels.normalise(picture)
    assert tuple(one.shape) == (1, 3, 12, 8)
    want = (picture / 255.0 - np.array(pixels.MEAN)) / np.array(pixels.STD)  # [H W 3]
    np.testing.assert_allclose(one[0].permute(1, 2, 0).numpy(), want, atol=1e-5)
    assert tuple(pixels.normalise(np.stack([picture, picture])).shape) == (2, 3, 12, 8)
    for wrong in (picture.astype(np.float32), picture[:, :, 0], one):
        with pytest.raises(ValueError, match=r"pictures\.load"):
            pixels.normalise(wrong)
