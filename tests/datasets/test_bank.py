"""The bank: rows are records, one decoding, and a damaged file is built again."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from bdlab.datasets import bank, folder, records, regdb

from . import trees


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BDLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def banked(dataset, height=trees.HEIGHT, width=trees.WIDTH, **options):
    return bank.bank(dataset, height, width, progress=False, **options)


def test_rows_are_records(tmp_path):
    d = folder.read(trees.folder(tmp_path / "set", identities=4, shots=3))
    b = banked(d)
    assert b.pictures.shape == (24, 3, trees.HEIGHT, trees.WIDTH)
    assert b.pictures.dtype == torch.uint8
    assert len(b) == 24
    for row, r in enumerate(d.records):
        top, one, shot = r.path.split("/")
        want = trees.pixels(("visible", "infrared").index(top), int(one), int(shot.split(".")[0]))
        np.testing.assert_array_equal(b.pictures[row].permute(1, 2, 0).numpy(), want)
    assert b.pictures.is_contiguous(memory_format=torch.channels_last)
    assert b.to("cpu").pictures.is_contiguous(memory_format=torch.channels_last)


def test_pictures_are_decoded_once(tmp_path, monkeypatch):
    root = trees.regdb(tmp_path / "set")
    first = banked(regdb.read(root, 1)).pictures.clone()
    monkeypatch.setattr(bank, "load", lambda *a: pytest.fail("decoded again"))
    assert torch.equal(banked(regdb.read(root, 1)).pictures, first)
    # another trial, the same pictures
    assert torch.equal(banked(regdb.read(root, 2)).pictures, first)


def test_another_size_or_picture_is_another_bank(tmp_path, own_cache):
    d = folder.read(trees.folder(tmp_path / "set"))
    banked(d), banked(d, 16, 8), banked(d, 8, 16)
    trees.write(d.root / d.records[0].path, trees.png(trees.pixels(7, 7)))
    changed = banked(replace(d))
    assert len(list(own_cache.glob("*.npy"))) == 4
    np.testing.assert_array_equal(changed.pictures[0].permute(1, 2, 0).numpy(), trees.pixels(7, 7))


def test_writing_to_the_tensor_leaves_the_file(tmp_path):
    d = folder.read(trees.folder(tmp_path / "set"))
    b = banked(d)
    before = b.pictures.clone()
    b.pictures.zero_()
    assert torch.equal(banked(d).pictures, before)


@pytest.mark.parametrize(
    "damage",
    [
        "cut",
        "longer",
        "header",
        "row",
        "no sidecar",
        "sidecar cut",
        "sidecar of another",
        "gone",
        "npy a page",
    ],
)
def test_a_damaged_bank_is_built_again(tmp_path, own_cache, damage):
    d = folder.read(trees.folder(tmp_path / "set"))
    want = banked(d).pictures.clone()
    (npy,), (sidecar,) = own_cache.glob("*.npy"), own_cache.glob("*.json")
    data = npy.read_bytes()
    if damage in ("cut", "longer", "header", "row", "npy a page"):
        changed = {
            "cut": data[:-5],
            "longer": data + b"\0" * 9,
            "header": data[:20] + b"#" + data[21:],
            "row": data[:-5] + b"#####",
            "npy a page": b"<html>",
        }
        npy.write_bytes(changed[damage])
    elif damage == "gone":
        npy.unlink()
    elif damage == "no sidecar":
        sidecar.unlink()
    else:
        sidecar.write_text(
            "{"
            if damage == "sidecar cut"
            else json.dumps({"shape": [1, 1, 1, 3], "length": 1, "digest": ""})
        )
    assert torch.equal(banked(d).pictures, want)


def test_a_picture_that_cannot_be_decoded_leaves_no_bank(tmp_path, own_cache):
    d = folder.read(trees.folder(tmp_path / "set"))
    trees.write(d.root / d.records[5].path, b"<html>")
    trees.refused(lambda: banked(d), d.records[5].path, "web page")
    assert not list(own_cache.glob("*.npy"))
    assert not list(own_cache.glob("*.part"))


def test_concurrent_builders_agree(tmp_path, own_cache):
    d = folder.read(trees.folder(tmp_path / "set"))
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(banked(replace(d)).pictures.clone()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(torch.equal(found[0], other) for other in found)
    assert len(list(own_cache.glob("*.npy"))) == 1
    assert not list(own_cache.glob("*.part"))


def test_old_litter_is_swept(tmp_path, own_cache):
    import os

    old, new = (trees.write(own_cache / name, "x") for name in ("old.part", "new.part"))
    os.utime(old, (0, 0))
    banked(folder.read(trees.folder(tmp_path / "set")))
    assert not old.exists()
    assert new.exists()


@pytest.mark.parametrize(("height", "width"), [(0, 8), (8, -1), (8.0, 8), (True, 8), (8, 5000)])
def test_sizes_are_sizes(tmp_path, height, width):
    d = folder.read(trees.folder(tmp_path / "set"))
    trees.refused(lambda: banked(d, height, width), None, "is no picture size")


def test_a_cache_that_cannot_be_written_says_what_to_do(tmp_path):
    d = folder.read(trees.folder(tmp_path / "set"))
    file = trees.write(tmp_path / "file", "x")
    trees.refused(lambda: banked(d, cache=file), "file", "BDLAB_CACHE")


def test_a_full_disk_says_what_to_do(tmp_path, monkeypatch):
    d = folder.read(trees.folder(tmp_path / "set"))

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(records.os, "fsync", full)
    trees.refused(lambda: banked(d), "cache", "No space left")
