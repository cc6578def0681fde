"""The folder reader: seeded splits, faults by name, and real pictures where they are."""

from __future__ import annotations

import shutil

import pytest

from bdlab import datasets
from bdlab.datasets import bank, folder
from bdlab.datasets.check import check
from bdlab.deploy.pictures import example
from bdlab.modality import Modality
from tests.conftest import REAL

from . import trees


def test_identities_are_drawn_by_seed(tmp_path):
    root = trees.folder(tmp_path, identities=20)
    d = datasets.open("folder", root, split=5, test_fraction=0.25, val_fraction=0.1)
    assert [len(d.identities(part)) for part in ("train", "val", "test")] == [13, 2, 5]
    assert folder.read(root, 5, 0.25, 0.1).records == d.records
    assert folder.read(root, 6, 0.25, 0.1).records != d.records
    assert d.protocol == "regdb"
    assert "seed 5" in d.provenance["source"]
    assert all(int(r.path.split("/")[1]) == r.identity for r in d.records)
    assert all(
        r.path.startswith({Modality.V: "visible/", Modality.I: "infrared/"}[r.modality])
        for r in d.records
    )


def test_the_draw_is_the_same_for_ever(tmp_path):
    """Held by value (the four smallest of `printf "1 $i" | sha256sum`): another draw would change
    every number of a folder.
    """
    assert folder.read(trees.folder(tmp_path, identities=8), split=1).identities("test") == (
        1,
        3,
        5,
        6,
    )


BAD = {
    "infrared gone": (lambda r: shutil.rmtree(r / "infrared"), "infrared", "cannot be listed"),
    "capital letters": (
        lambda r: (r / "visible").rename(r / "Visible"),
        "visible",
        "cannot be listed",
    ),
    "no infrared picture": (
        lambda r: shutil.rmtree(r / "infrared/003"),
        "infrared/3",
        "identity 3 has no infrared picture",
    ),
    "empty identity folder": (
        lambda r: [p.unlink() for p in (r / "visible/004").iterdir()],
        "visible/4",
        "identity 4 has no visible picture",
    ),
    "a name": (
        lambda r: (r / "visible/001").rename(r / "visible/anna"),
        "anna",
        "bdlab data import",
    ),
    "a name of other digits": (
        lambda r: (r / "visible/001").rename(r / "visible/\u0661"),
        "visible",
        "is no number",
    ),
    "a gif": (
        lambda r: trees.write(r / "visible/001/x.gif", "GIF89a"),
        "x.gif",
        "is not a picture",
    ),
    "one identity": (
        lambda r: [
            shutil.rmtree(r / f"{t}/{i:03d}") for t in ("visible", "infrared") for i in range(2, 7)
        ],
        "",
        "part is empty",
    ),
    "nobody": (
        lambda r: [
            shutil.rmtree(r / f"{t}/{i:03d}") for t in ("visible", "infrared") for i in range(1, 7)
        ],
        "",
        "part is empty",
    ),
}


@pytest.mark.parametrize(("spoil", "file", "says"), BAD.values(), ids=BAD)
def test_a_bad_tree_is_refused(tmp_path, spoil, file, says):
    root = trees.folder(tmp_path / "set")
    spoil(root)
    trees.refused(lambda: folder.read(root), file, says)


@pytest.mark.parametrize(
    "options",
    [
        {"test_fraction": 1.0},
        {"test_fraction": -0.1},
        {"test_fraction": "half"},
        {"test_fraction": True},
        {"val_fraction": float("nan")},
    ],
)
def test_fractions_are_fractions(tmp_path, options):
    trees.refused(lambda: folder.read(trees.folder(tmp_path), **options), None, "is no fraction")


def test_fractions_leave_somebody_to_train_on(tmp_path):
    trees.refused(
        lambda: folder.read(trees.folder(tmp_path), test_fraction=0.5, val_fraction=0.5),
        None,
        "nobody to train on",
    )
    trees.refused(lambda: folder.read(tmp_path, test_fraction=0.0), None, "the test part is empty")


@pytest.mark.parametrize("split", [-1, True, 1.5, None])
def test_seeds_are_whole_numbers(tmp_path, split):
    trees.refused(lambda: folder.read(trees.folder(tmp_path), split), None, "seed")


def test_rendered_people_are_read(tmp_path, own_place):
    root = example(tmp_path / "people", 10, "smoke")
    d = datasets.open("folder", root)
    assert len(d.records) == len(list(root.rglob("*.bmp"))) > 0
    assert [len(d.identities(part)) for part in ("train", "test")] == [5, 5]
    assert check(root, progress=False).ok
    b = bank.bank(d, 48, 24, cache=tmp_path / "bank", progress=False)
    infrared = b.pictures[list(d.select("train", Modality.I))].float()
    assert float((infrared[:, 0] - infrared[:, 1]).abs().max()) == 0
    visible = b.pictures[list(d.select("train", Modality.V))].float()
    assert float((visible[:, 0] - visible[:, 1]).abs().max()) > 0


@pytest.mark.skipif(
    not REAL.is_dir(), reason="the real crops are not here (they are never part of the repository)"
)
def test_real_crops_are_read(tmp_path):
    d = datasets.open("folder", REAL)
    assert len(d.records) == 656
    assert len(d.identities("train")) + len(d.identities("test")) == 75
    assert check(REAL, progress=False).ok
    b = bank.bank(d, 48, 24, cache=tmp_path, progress=False)
    infrared = b.pictures[list(d.select("train", Modality.I))].float()
    # one grey channel, stored three times
    assert float((infrared[:, 0] - infrared[:, 1]).abs().max()) == 0
    assert 120 < float(infrared.mean()) < 200  # a long-wave picture of the street: measured 164
