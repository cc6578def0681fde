"""Whole files: what a reader sees, what a failing disk says, folders that cannot be synced."""

import errno
import os

import pytest

from bdlab import files


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")

    def fail():
        with files.atomic(path) as out:
            out.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


class TestFoldersThatCannotBeSynced:
    """SMB, some FUSE and VirtualBox mounts answer EINVAL to a folder's fsync."""

    def refuse(self, monkeypatch, code, folders_only=True):
        real = os.fsync

        def fsync(handle):
            if not folders_only or os.path.isdir(f"/proc/self/fd/{handle}"):
                raise OSError(code, os.strerror(code))
            return real(handle)

        monkeypatch.setattr(files.os, "fsync", fsync)

    def test_einval_is_tolerated(self, tmp_path, monkeypatch):
        self.refuse(monkeypatch, errno.EINVAL)
        files.write(tmp_path / "a", b"whole")
        assert (tmp_path / "a").read_bytes() == b"whole"

    def test_any_other_answer_is_not(self, tmp_path, monkeypatch):
        self.refuse(monkeypatch, errno.EIO)
        with pytest.raises(files.WriteError, match="EIO"):
            files.write(tmp_path / "a", b"whole")

    def test_nor_einval_of_a_file(self, tmp_path, monkeypatch):
        self.refuse(monkeypatch, errno.EINVAL, folders_only=False)
        with pytest.raises(files.WriteError, match="EINVAL"):
            files.write(tmp_path / "a", b"whole")


@pytest.mark.parametrize(
    ("code", "helps"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "the right to write"),
        (errno.EPERM, "the right to write"),
        (errno.EINVAL, "another file system"),
        (errno.ENAMETOOLONG, "shorter path"),
        (errno.EIO, "disk"),
    ],
)
def test_each_cause_has_its_remedy(tmp_path, monkeypatch, code, helps):
    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files.os, "replace", refuse)
    with pytest.raises(files.WriteError, match=helps) as caught:
        files.write(tmp_path / "a", b"x")
    assert ("free some space" in str(caught.value)) == (code == errno.ENOSPC)


def test_a_digest_is_asked_anew_when_the_file_is_another(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"one")
    first = files.digest(path)
    files.write(path, b"two")  # of the same length, under the same name
    assert files.digest(path) == files.sha256(path) != first
