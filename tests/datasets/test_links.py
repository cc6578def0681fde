"""Sets made of links into a store (git-annex, datalad, DVC), fetched or not, and sets that nothing
may be written into.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from bdlab.datasets import check, folder, importing
from bdlab.deploy.pictures import collect

from . import trees

#: Store of a picture's content, from the folder above the set; what fetches it.
STORES = {
    "git-annex": (".git/annex/objects/Xk/0q/MD5E-s{n}/MD5E-s{n}.png", "git annex get"),
    "DVC": (".dvc/cache/files/md5/ab/{n:030d}", "dvc pull"),
    "DVC, a cache of its own": ("shared/files/md5/ab/{n:030d}", "dvc pull"),
    "DVC before version 3": (".dvc/cache/ab/{n:030d}", "dvc pull"),
}


def linked(root: Path, pattern: str) -> list[Path]:
    """Every picture below ``root`` becomes a link into a store above it; returns the links."""
    links = sorted(path for path in root.rglob("*") if path.suffix in (".png", ".bmp"))
    for n, path in enumerate(links):
        content = root.parent / pattern.format(n=n)
        content.parent.mkdir(parents=True, exist_ok=True)
        path.rename(content)
        path.symlink_to(os.path.relpath(content, path.parent))
    return links


@pytest.mark.parametrize("store", STORES)
def test_a_set_of_links_is_the_set(tmp_path, store):
    plain = trees.folder(tmp_path / "a/set")
    wanted = folder.read(plain)
    copy = shutil.copytree(plain, tmp_path / "b/set")
    linked(copy, STORES[store][0])
    found = folder.read(copy)
    assert found.records == wanted.records
    assert found.fingerprint == wanted.fingerprint
    assert check.check(copy, progress=False).ok
    out = importing.write(importing.plan(copy), tmp_path / "out")
    assert not any(path.is_symlink() for path in out.rglob("*")), "an import copies the content"
    listing = {path.read_bytes() for path in out.glob("*/*/*")}
    assert listing == {path.read_bytes() for path in plain.glob("*/*/*")}


@pytest.mark.parametrize("store", STORES)
def test_what_was_not_fetched_is_named_with_what_fetches_it(tmp_path, store):
    root = trees.folder(tmp_path / "set")
    pattern, fetch = STORES[store]
    links = linked(root, pattern)
    away = links[3].resolve()
    content = away.read_bytes()
    away.unlink()
    name = links[3].name
    for ask in (
        lambda: folder.read(root),
        lambda: importing.write(importing.plan(root), tmp_path / "out"),
    ):
        error = trees.refused(ask, name, "a link to a file that has not been fetched")
        assert fetch in error.remedy
    found = check.check(root, progress=False)
    assert not found.ok
    assert any("not been fetched" in fault and fetch in fault for fault in found.faults)
    assert not (tmp_path / "out").exists()
    away.write_bytes(content)  # the remedy, followed
    assert len(folder.read(root).records) == len(links)
    importing.write(importing.plan(root), tmp_path / "out")


def test_a_link_to_any_other_place_is_refused(tmp_path):
    """The broken variant: whoever follows every link reads what is nobody's set."""
    root = trees.folder(tmp_path / "set")
    links = linked(root, "elsewhere/{n}.png")
    error = trees.refused(lambda: folder.read(root), links[0].name, "a link out of the data set")
    assert "copy the files in" in error.remedy


# -- read-only mounts. Root may write where a mode forbids it: the mode of a folder tests nothing,
# so an audit hook refuses, as the file system of such a mount does, whatever would change it.

_SEALED: list[Path] = []
_CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.chmod",
            "os.truncate", "os.utime"}  # fmt: skip


def _sealed(event: str, args: tuple) -> None:
    if not _SEALED or not (event == "open" or event in _CHANGES):
        return
    if event == "open":
        path, mode, flags = args
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if isinstance(path, int) or not (writes or (mode and set(mode) & set("wax+"))):
            return
    for path in args[:2]:
        if isinstance(path, str | bytes | os.PathLike):
            place = Path(os.fsdecode(path)).absolute()
            if any(place.is_relative_to(root) for root in _SEALED):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(place))


@contextmanager
def read_only(root: Path):
    """Nothing below ``root`` can be written, made, renamed or removed."""
    if not hasattr(_sealed, "there"):
        sys.addaudithook(_sealed)  # stays; without a sealed folder it does nothing
        _sealed.there = True
    _SEALED.append(root.absolute())
    try:
        yield
    finally:
        _SEALED.pop()


def test_the_seal_holds(tmp_path):
    (tmp_path / "a").write_text("x")
    with read_only(tmp_path):
        assert (tmp_path / "a").read_text() == "x"
        for change in (
            lambda: (tmp_path / "b").write_text("x"),
            lambda: (tmp_path / "a").unlink(),
            lambda: (tmp_path / "c").mkdir(),
            lambda: (tmp_path / "a").rename(tmp_path / "d"),
            lambda: os.open(tmp_path / "a", os.O_RDWR),
        ):
            with pytest.raises(OSError, match="Read-only file system"):
                change()
    (tmp_path / "b").write_text("x")


def test_a_set_on_a_read_only_mount_is_used_as_any_other(tmp_path):
    root = trees.folder(tmp_path / "mount/set")
    trees.write(root / "names.csv", "identity,name\n1,anna\n")
    with read_only(tmp_path / "mount"):
        found = folder.read(root)
        assert len(found.fingerprint) == 64
        assert check.check(root, progress=False).ok
        assert len(collect(str(root))) == len(found.records)
        out = importing.write(importing.plan(root), tmp_path / "out")
    assert folder.read(out).select("train")


def test_an_import_into_a_read_only_mount_is_one_sentence(tmp_path):
    root = trees.folder(tmp_path / "set")
    (tmp_path / "mount").mkdir()
    with read_only(tmp_path / "mount"):
        error = trees.refused(
            lambda: importing.write(importing.plan(root), tmp_path / "mount/out"),
            "out",
            "cannot be written (Read-only file system)",
        )
    assert "name another folder" in error.remedy
    assert not list((tmp_path / "mount").iterdir())
