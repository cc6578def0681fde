"""Checkpoints that are whole or absent: serialise to memory, hash, replace in one step
(``files.write``); keep the previous.

A file is one header line (magic, sha256, length) and the bytes of ``torch.save``. Truncation and
flipped bits are detected before anything is unpacked, and only tensors and plain values are
unpickled, none larger than the file that holds it.
"""

from __future__ import annotations

import hashlib
import io
import pickletools
import re
import zipfile
from pathlib import Path
from typing import Any

import torch

from bdlab.files import WriteError, write

MAGIC = b"bdlab-checkpoint-1"
KEPT = 2  # the newest and the one before it
#: Every name that tensors and plain values need; torch's own list for ``weights_only`` also has
#: bytearrays of any size.
NAMES = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_tensor_v2|torch [A-Z][A-Za-z0-9]*Storage"
)
# ways to name something that torch.save does not use
OTHER_NAMES = ("STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4")


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be written, read or trusted; names the file and the reason."""


def save(
    folder: Path,
    step: int,
    state: dict[str, Any],
) -> Path:
    """Write ``state`` (tensors and plain values) as the checkpoint of ``step`` and drop all but the
    newest two.

    Raises ValueError for a state that could not be loaded again, CheckpointError naming the file,
    the bytes needed and those free; an earlier checkpoint is never touched before the new one is
    safely on disk.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    # what could not be loaded again (a stray numpy number, say) must not replace what can
    data(payload)
    path = folder / f"checkpoint-{step:08d}.pt"
    try:
        write(path, seal(payload))
    except WriteError as error:
        raise CheckpointError(str(error)) from error
    for old in found(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def load(path: Path) -> dict[str, Any]:
    """Read one checkpoint on the CPU. Raises CheckpointError if it is damaged or holds anything but
    data.
    """
    try:
        return data(unseal(path.read_bytes()))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: refused, {error}") from error


def data(payload: bytes) -> Any:
    """The tensors (on the CPU) and plain values that ``torch.save`` made these bytes of.

    Raises ValueError for anything else, before it is unpacked or any of its code could run: members
    that claim more bytes than there are (a zip bomb), names beyond ``NAMES``, tensors wider than
    their storage, lists that unfold without end.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            members = archive.infolist()
            claimed = sum(member.file_size for member in members)
            if claimed > len(payload):
                raise ValueError(f"its members claim {claimed:,} bytes, there are {len(payload):,}")
            pickles = [member for member in members if member.filename.casefold().endswith(".pkl")]
            if (
                len({member.filename.casefold() for member in members}) < len(members)
                or len(pickles) != 1
            ):
                raise ValueError(
                    "not what torch.save makes: two members of one name, or not one pickle"
                )
            for code, name, _ in pickletools.genops(archive.read(pickles[0])):
                if code.name in OTHER_NAMES or (
                    code.name == "GLOBAL" and not NAMES.fullmatch(str(name))
                ):
                    raise ValueError(
                        f"it holds more than tensors and plain values ({name or code.name})"
                    )
        value = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except ValueError:
        raise
    except Exception as error:  # the unpacker and the unpickler raise many kinds
        raise ValueError(
            f"it is no archive of tensors and plain values ({str(error).partition(chr(10))[0]})"
        ) from error
    _bounded(value, len(payload))
    return value


def _bounded(value: Any, budget: int) -> None:
    """Raise ValueError where a value unfolds to more parts than its bytes could name, or a tensor
    to more than its storage.
    """
    open_ = [value]
    while open_:
        part = open_.pop()
        budget -= len(part) if isinstance(part, dict | list | tuple | set) else 0
        wide = (
            isinstance(part, torch.Tensor)
            and part.storage_offset() * part.itemsize + part.nbytes
            > part.untyped_storage().nbytes()
        )
        if budget < 0 or wide:
            raise ValueError("it unfolds to more than the file holds")
        if isinstance(part, dict):
            open_ += part.values()
        elif isinstance(part, list | tuple | set):
            open_ += part


def found(folder: Path) -> list[Path]:
    """The checkpoints of a folder, newest step first; unfinished writes are not among them."""
    return sorted(folder.glob("checkpoint-*.pt"), reverse=True)


def newest(folders: list[Path]) -> tuple[Path, dict[str, Any]] | None:
    """The newest valid checkpoint over several attempt folders, and its state; damaged ones are
    passed over.
    """
    for path in sorted(
        (p for folder in folders for p in found(folder)), key=lambda p: p.name, reverse=True
    ):
        try:
            return path, load(path)
        except CheckpointError:
            continue
    return None


def seal(payload: bytes) -> bytes:
    """The payload behind a header line with its sha256 and length."""
    return (
        b"%s %s %d\n" % (MAGIC, hashlib.sha256(payload).hexdigest().encode(), len(payload))
        + payload
    )


def unseal(data: bytes) -> bytes:
    """The inverse of ``seal``; raises ValueError saying what does not agree."""
    header, line_end, payload = data.partition(b"\n")
    parts = header.split(b" ")
    if not line_end or len(parts) != 3 or parts[0] != MAGIC:
        raise ValueError("not a bdlab checkpoint, or its header is damaged")
    if parts[2] != b"%d" % len(payload):
        raise ValueError(
            f"cut short or grown: {len(payload)} bytes, "
            f"the header says {parts[2].decode(errors='replace')}"
        )
    if hashlib.sha256(payload).hexdigest().encode() != parts[1]:
        raise ValueError("damaged: the sha256 of its content is not the one in its header")
    return payload
