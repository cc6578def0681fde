"""Checkpoints that are whole or absent: serialise to memory, hash, replace in one step (``runs.write``); keep the previous.

A file is one header line (magic, sha256, length) and the bytes of ``torch.save``. Truncation and flipped bits are
detected before anything is unpickled, and only tensors and plain values are unpickled.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from .runs import WriteError, write

MAGIC = b"bdlab-checkpoint-1"
KEPT = 2  # the newest and the one before it


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be written, read or trusted; names the file and the reason."""


def save(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write ``state`` (tensors and plain values) as the checkpoint of ``step`` and drop all but the newest two.

    Raises UnpicklingError for a state that could not be loaded again, CheckpointError naming the file, the bytes needed
    and those free; an earlier checkpoint is never touched before the new one is safely on disk.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    # What could not be loaded again (a stray numpy number, say) must not replace what can.
    torch.load(buffer, map_location="cpu", weights_only=True)
    path = folder / f"checkpoint-{step:08d}.pt"
    try:
        write(path, seal(buffer.getvalue()))
    except WriteError as error:
        raise CheckpointError(str(error)) from error
    for old in found(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def load(path: Path) -> dict[str, Any]:
    """Read one checkpoint on the CPU. Raises CheckpointError if it is damaged or holds anything but data."""
    try:
        payload = unseal(path.read_bytes())
        return torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except Exception as error:  # the unpickler raises many kinds
        first = str(error).partition("\n")[0]
        raise CheckpointError(f"{path}: refused, it holds more than tensors and plain values ({first})") from error


def found(folder: Path) -> list[Path]:
    """The checkpoints of a folder, newest step first; unfinished writes are not among them."""
    return sorted(folder.glob("checkpoint-*.pt"), reverse=True)


def newest(folders: list[Path]) -> tuple[Path, dict[str, Any]] | None:
    """The newest valid checkpoint over several attempt folders, and its state; damaged ones are passed over."""
    for path in sorted((p for folder in folders for p in found(folder)), key=lambda p: p.name, reverse=True):
        try:
            return path, load(path)
        except CheckpointError:
            continue
    return None


def seal(payload: bytes) -> bytes:
    """The payload behind a header line with its sha256 and length."""
    return b"%s %s %d\n" % (MAGIC, hashlib.sha256(payload).hexdigest().encode(), len(payload)) + payload


def unseal(data: bytes) -> bytes:
    """The inverse of ``seal``; raises ValueError saying what does not agree."""
    header, line_end, payload = data.partition(b"\n")
    parts = header.split(b" ")
    if not line_end or len(parts) != 3 or parts[0] != MAGIC:
        raise ValueError("not a bdlab checkpoint, or its header is damaged")
    if parts[2] != b"%d" % len(payload):
        raise ValueError(f"cut short or grown: {len(payload)} bytes, the header says {parts[2].decode(errors='replace')}")
    if hashlib.sha256(payload).hexdigest().encode() != parts[1]:
        raise ValueError("damaged: the sha256 of its content is not the one in its header")
    return payload
