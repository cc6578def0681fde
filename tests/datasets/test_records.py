"""Records: the rules every layout keeps, the fingerprint, and the stamp that makes its second
reading cheap.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from bdlab.datasets import DatasetError, Record, folder, records, regdb
from bdlab.modality import Modality

from . import trees


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BDLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(records, "SETTLED_NS", 0)  # the trees of a test are seconds old
    return tmp_path / "cache"


def test_an_error_is_one_paragraph():
    error = DatasetError("is wrong", file="a.txt", line=3, rule="be right", remedy="mend it")
    assert str(error) == "a.txt, line 3: is wrong. The rule: be right. Remedy: mend it."
    assert (error.file, error.line, error.rule, error.remedy) == ("a.txt", 3, "be right", "mend it")


def test_a_set_is_printed_in_one_line(tmp_path):
    d = folder.read(trees.folder(tmp_path))
    pictures, people = len(d.records), len({record.identity for record in d.records})
    said = repr(d)
    assert f"{d.name}: {pictures} pictures of {people} people" in said
    assert len(said) < 100 + len(str(d.root))
    assert "\n" not in said


def test_the_parts_share_nobody(tmp_path):
    d = folder.read(trees.folder(tmp_path))
    with pytest.raises(DatasetError, match="in the train part and in the test part"):
        records.validate(
            replace(
                d,
                records=(
                    *d.records,
                    Record("x", d.identities("train")[0], Modality.V, split="test"),
                ),
            )
        )


@pytest.mark.parametrize(
    "change", ["picture", "split", "identity", "camera", "order", "protocol", "name of a file"]
)
def test_the_fingerprint_sees_every_change(tmp_path, change):
    d = folder.read(trees.folder(tmp_path / "set"))
    before, first = d.fingerprint, d.records[0]
    if change == "picture":
        file = d.root / first.path
        data = bytearray(file.read_bytes())
        data[-20] ^= 1  # same length
        file.write_bytes(bytes(data))
        after = replace(d)
    elif change == "protocol":
        after = replace(d, protocol="sysu")
    elif change == "order":
        after = replace(d, records=d.records[::-1])
    elif change == "name of a file":
        (d.root / first.path).rename(d.root / "visible/other.png")
        after = replace(d, records=(replace(first, path="visible/other.png"), *d.records[1:]))
    else:
        value = {"split": "val", "identity": 99, "camera": 2}[change]
        after = replace(d, records=(replace(first, **{change: value}), *d.records[1:]))
    assert after.fingerprint != before


def test_a_change_that_keeps_length_and_time_is_seen(tmp_path):
    """The broken variant of a stamp looks at length and modification time only; ctime cannot be set
    back.
    """
    d = folder.read(trees.folder(tmp_path / "set"))
    before, file = d.pictures_digest, d.root / d.records[0].path
    was, data = file.stat(), bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(bytes(data))
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert file.stat().st_mtime_ns == was.st_mtime_ns
    assert file.stat().st_size == was.st_size
    assert replace(d).pictures_digest != before


def test_the_second_reading_opens_no_picture(tmp_path, monkeypatch):
    d = folder.read(trees.folder(tmp_path / "set"))
    first = d.fingerprint
    monkeypatch.setattr(records, "_file_digest", lambda path: pytest.fail("opened"))
    assert replace(d).fingerprint == first


def test_files_that_still_change_are_not_stamped(tmp_path, own_cache, monkeypatch):
    monkeypatch.setattr(records, "SETTLED_NS", 60_000_000_000)
    assert folder.read(trees.folder(tmp_path / "set")).fingerprint
    assert not list(own_cache.rglob("*"))


@pytest.mark.parametrize("garbage", [b"", b"x", b"0" * 64, b"0" * 81, b"\xff" * 81], ids=range(5))
def test_a_damaged_stamp_is_no_stamp(tmp_path, own_cache, garbage):
    d = folder.read(trees.folder(tmp_path / "set"))
    first = d.fingerprint
    (stamp,) = (own_cache / "stamps").iterdir()
    stamp.write_bytes(garbage)
    assert replace(d).fingerprint == first
    assert stamp.read_bytes() != garbage


def test_concurrent_readers_agree_and_leave_one_stamp(tmp_path, own_cache):
    d = folder.read(trees.folder(tmp_path / "set"))
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(replace(d).fingerprint)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(list((own_cache / "stamps").iterdir())) == 1


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path, monkeypatch):
    monkeypatch.setenv("BDLAB_CACHE", str(trees.write(tmp_path / "file", "x")))
    assert len(folder.read(trees.folder(tmp_path / "set")).fingerprint) == 64


def test_a_picture_that_goes_away_is_named(tmp_path):
    d = folder.read(trees.folder(tmp_path / "set"))
    (d.root / d.records[3].path).unlink()
    trees.refused(lambda: d.fingerprint, d.records[3].path, "cannot be read")


def test_trials_share_the_pictures_digest(tmp_path):
    root = trees.regdb(tmp_path / "set")
    one, two = regdb.read(root, 1), regdb.read(root, 2)
    assert one.pictures_digest == two.pictures_digest
    assert one.fingerprint != two.fingerprint


def test_folders_come_from_the_environment(monkeypatch):
    monkeypatch.delenv("BDLAB_CACHE")
    monkeypatch.delenv("BDLAB_DATA", raising=False)
    assert records.cache_folder() == Path("data/.bank")
    monkeypatch.setenv("BDLAB_DATA", "elsewhere")
    assert records.cache_folder() == Path("elsewhere/.bank")
