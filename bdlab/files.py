"""Files that are whole or absent: written aside and renamed, what a failing disk says in words, and
words without this machine's paths. Standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO


class WriteError(RuntimeError):
    """A file that could not be written; names it, the bytes needed and those free."""


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """A new file to write: a reader, or a kill at any moment, sees the old file, the new or none.

    Writers do not meet: each writes beside ``path`` under a name of its own (``.*.part``) and
    renames at the end. Raises OSError, and leaves nothing behind then.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, path)
        sync(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def write(path: Path, data: bytes) -> None:
    """``path`` holds ``data``, whole (see ``atomic``); raises WriteError."""
    try:
        with atomic(path) as out:
            out.write(data)
    except OSError as error:
        raise _unwritten(path, len(data), error) from error


#: What helps, by what the system says.
REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your quota",
    errno.EFBIG: "raise the limit on a file's size (ulimit -f)",
    errno.EIO: "look the disk over",
    errno.EROFS: "choose a folder that is not mounted read-only (--out)",
    errno.EACCES: "get the right to write in that folder (its owner and mode), or choose another",
    errno.EPERM: "get the right to write in that folder (its owner and mode), or choose another",
    errno.EINVAL: "choose a folder on another file system (--out): this one refuses what was asked",
    errno.ENOENT: "make the folder again, it is gone",
    errno.ENOTDIR: "choose another folder (--out), a file stands where one is meant",
    errno.ENAMETOOLONG: "choose a shorter path (--out)",
    errno.EMFILE: "raise the number of open files (ulimit -n)",
    errno.ESTALE: "mount the shared folder anew",
}


def remedy(error: OSError) -> str:
    """What helps against an error of the file system, as an order without a full stop."""
    return REMEDIES.get(error.errno or 0, "see to that")


def _unwritten(path: Path, needed: int, error: OSError) -> WriteError:
    free = shutil.disk_usage(path.parent).free if path.parent.is_dir() else 0
    code = errno.errorcode.get(error.errno or 0, "?")
    return WriteError(
        f"{path}: could not be written ({code}, {error.strerror}): {needed:,} bytes needed, "
        f"{free:,} free. What was saved before is untouched; {remedy(error)} and run the same "
        "command again to go on from it."
    )


def write_json(path: Path, value: Any) -> None:
    """``write`` of indented JSON; NaN and infinity are refused, they are not JSON."""
    write(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def append_line(path: Path, value: Any) -> None:
    """One line more of a .jsonl file. A kill can leave a cut last line; ``read_lines`` passes it
    over.
    """
    line = json.dumps(value, allow_nan=False) + "\n"
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        raise _unwritten(path, len(line), error) from error


def read_lines(path: Path) -> list[Any]:
    """The whole lines of a .jsonl file; an absent file is empty, a last line without its end is not
    there yet.
    """
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            found.append(json.loads(line))
        except ValueError:
            break  # what follows a damaged line cannot be told apart from it
        if not line.endswith("\n"):
            found.pop()
    return found


def sync(path: Path) -> None:
    """fsync a file or folder. A file system that cannot do it for folders (EINVAL) does without."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # SMB, some FUSE and VirtualBox mounts; the rename itself is as atomic as elsewhere
        if error.errno != errno.EINVAL or not path.is_dir():
            raise
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """The sha256 of a file, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(path: Path) -> str:
    """``sha256`` of a file that many cells read: asked once as long as size and times stay."""
    about = os.stat(path)
    return _digest(path, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, *_about: int) -> str:
    return sha256(path)


#: An absolute path, POSIX or Windows; its last part is the group.
_SIGN = r"[^\s'\"<>|,;:()\[\]/\\]"
PATH = re.compile(rf"(?<![\w.<~])(?:~|[A-Za-z]:)?[/\\](?:{_SIGN}*[/\\])*({_SIGN}+)")


def without_paths(text: str, roots: Sequence[str] = ()) -> str:
    """A text whose absolute paths end as ``.../name``; ``roots``: paths known to be there, which
    may hold blanks.
    """
    for root in roots:
        text = text.replace(root, "...")
    return PATH.sub(r".../\1", text)
