"""Who works on a cell: a claim that one runner holds, and whether the process that wrote a note
still lives. Standard library only.

A claim is a file of the cell, ``<out>/.attempts/<cell>/claim-<n>``; the highest number counts.
To claim is to create the next number, which the file system grants to one. The holder touches
its file every 30 seconds; what has rested for five minutes is given up. Both times are of the
shared folder's own clock: no two machines' clocks are compared.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import socket
import subprocess
import threading
import time
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from bdlab.files import write_json

BEAT = 30.0  # seconds between two touches of a claim
STALE = 300.0  # seconds after which an untouched claim is given up


@cache
def machine() -> str:
    """What must agree for a process number to mean the same process: host, boot, pid space."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with contextlib.suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def process_start(pid: int) -> str | None:
    """When a process began, as the system says it; None if it is gone or only its number is left.

    A number that was given to another process has another start.
    """
    try:
        # the name in brackets may hold blanks and brackets itself
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except OSError:
        return None
    words = ["ps", "-o", "lstart=", "-p", str(pid)]  # a system without /proc
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)
        return said.stdout.strip() or None
    return None


def this_process() -> dict[str, Any]:
    """What a note says of the process that writes it."""
    pid = os.getpid()
    return {
        "pid": pid, "host": socket.gethostname(), "machine": machine(),
        "process": process_start(pid), "started": time.time(),
    }  # fmt: skip


def note_process(folder: Path, name: str, **more: Any) -> None:
    """Write ``<name>.json`` about this process: ``attempt`` is the runner, ``kernel`` the one that
    works for it.
    """
    write_json(folder / f"{name}.json", this_process() | more)


def read_note(folder: Path, name: str) -> dict[str, Any]:
    """What ``note_process`` wrote; empty where there is nothing whole."""
    return _read(folder / f"{name}.json")


def _read(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) and isinstance(about.get("pid"), int) else {}


def alive(attempt: Path) -> bool:
    """Whether an attempt's runner or its kernel still works.

    On this machine by number and start of the process; of another machine's runner by its claim.
    """
    notes = [read_note(attempt, name) for name in ("attempt", "kernel")]
    if any(runs_here(note) for note in notes):
        return True
    holder = held(attempt.parent)
    return holder is not None and any(_same(holder, note) for note in notes)


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two notes are of one process."""
    return all(one.get(key) == other.get(key) for key in ("machine", "pid", "process"))


def runs_here(about: dict[str, Any]) -> bool:
    """Whether a note is of a process of this machine that runs."""
    if about.get("machine") != machine():
        return False
    start = process_start(about["pid"])
    return start is not None and start == about.get("process")


def held(folder: Path) -> dict[str, Any] | None:
    """Who holds the claim on a cell's folder of attempts; None if nobody does, or no longer."""
    numbers = _numbers(folder)
    if not numbers:
        return None
    path = folder / f"claim-{numbers[-1]}"
    about = _read(path)
    if about.get("machine") == machine():
        return about if runs_here(about) else None
    # one that is just being written is empty for a moment
    return (about or {"host": "a machine unknown"}) if _age(path) < STALE else None


def _numbers(folder: Path) -> list[int]:
    """The numbers of a folder's claims, in order."""
    words = [path.name.removeprefix("claim-") for path in folder.glob("claim-*")]
    return sorted(int(word) for word in words if word.isdecimal())


def _age(path: Path) -> float:
    """Seconds since a file was touched, by the clock of the folder it lies in; without end if it is
    gone.
    """
    try:
        touched = path.stat().st_mtime
    except OSError:
        return float("inf")
    probe = path.with_name(f".clock.{secrets.token_hex(4)}.part")
    try:
        probe.touch()
        return probe.stat().st_mtime - touched
    except OSError:  # somebody who may only read asks
        return time.time() - touched
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


class Claim:
    """A cell that this process works on, until ``release`` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._over = threading.Event()
        threading.Thread(target=self._beat, name=f"claim on {path}", daemon=True).start()

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            with contextlib.suppress(OSError):  # a share that is away for a moment
                os.utime(self.path)

    def release(self) -> None:
        """Let others have the cell."""
        self._over.set()
        with contextlib.suppress(OSError):
            self.path.unlink()
            self.path.parent.rmdir()  # only if nothing else is in it

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def claim(folder: Path) -> Claim | None:
    """Claim a folder, a cell's attempts say; None if another process holds it (``held`` says
    who).
    """
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        numbers = _numbers(folder)
        if held(folder) is not None:
            return None
        path = folder / f"claim-{numbers[-1] + 1 if numbers else 1}"
        try:
            _create(path, json.dumps(this_process()))
        except FileNotFoundError:
            continue  # another's release has just cleared the folder away
        except FileExistsError:
            return None
        for number in numbers:  # given up, all of them
            with contextlib.suppress(OSError):
                (folder / f"claim-{number}").unlink()
        return Claim(path)


def _create(path: Path, text: str) -> None:
    """A new file that appears with its whole content: a claim without its holder would be nobody's
    for five minutes. Raises FileExistsError if another was first.
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        aside.write_text(text)
        os.link(aside, path)
    except OSError as error:
        # a file system without links: FAT, some network mounts
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        with open(path, "x") as file:
            file.write(text)
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()


def by_whom(folder: Path) -> str:
    """Who holds a folder, in words."""
    about = held(folder) or {}
    return f"{about.get('host', 'a machine unknown')}, process {about.get('pid', '?')}"
