"""Files that are whole or absent: written aside and renamed, and what a failing disk says in words.
Standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any


class WriteError(RuntimeError):
    """A file that could not be written; names it, the bytes needed and those free."""


def write(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` so that a reader, or a kill at any moment, sees the old file or
    the new one whole.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(aside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
        sync(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise _unwritten(path, len(data), error) from error


def _unwritten(path: Path, needed: int, error: OSError) -> WriteError:
    free = shutil.disk_usage(path.parent).free if path.parent.is_dir() else 0
    remedy = {
        errno.EFBIG: "raise the limit on a file's size (ulimit -f)",
        errno.EDQUOT: "free some of your quota",
        errno.EIO: "look the disk over",
    }.get(error.errno or 0, "free some space")
    return WriteError(
        f"{path}: could not be written ({errno.errorcode.get(error.errno or 0, '?')}, {error.strerror}): {needed:,} bytes needed, "
        f"{free:,} free. What was saved before is untouched; {remedy} and run the same command again to go on from it."
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
    """fsync a file or folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """The sha256 of a file, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
