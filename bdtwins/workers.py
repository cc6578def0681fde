"""Pictures written by several processes: each a fresh Python that is told which identities are its.

Not multiprocessing: its children import the script that started them, so a script without a main
guard, or one read from standard input, would start anew in each.

The children's numpy leaves out the widest instructions of x86 processors: with them functions like
``exp`` differ in their last bit, some pixels by one, and a data set would hang on the machine that
rendered it.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from .twin import Twin, TwinError

#: What a child runs: this module of this very copy of the package, and nothing of the folder it is
#: started in (-P).
CODE = "import sys; sys.path.insert(0, sys.argv[1]); from bdtwins import workers; workers.work()"


#: What numpy leaves out, by its names of today and of before; it passes over unknown ones.
NARROW = "X86_V4 AVX512_ICL AVX512_SPR AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL"


def write(twin: Twin, identities: Sequence[int], root: Path, jobs: int) -> Iterator[int]:
    """Write the pictures of these identities with so many processes; yields how many are done, as
    they are. Raises TwinError with a child's last words.
    """
    counts: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    children = [_start(twin, identities[first::jobs], root) for first in range(jobs)]
    for child in children:
        threading.Thread(target=_listen, args=(child, counts), daemon=True).start()
    try:
        running = len(children)
        while running:
            count = counts.get()
            if count is None:
                running -= 1
            else:
                yield count
        for child in children:
            if child.wait() and child.stderr:
                said = child.stderr.read().strip() or f"exit code {child.returncode}"
                error = TwinError(f"a rendering process ended early: {said.splitlines()[-1]}")
                error.add_note(said)
                raise error
    finally:
        for child in children:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout, child.stderr):
                if pipe:
                    pipe.close()


def environment() -> dict[str, str]:
    """A child's environment: this one's, with a numpy that is the same on every x86 machine."""
    return {**os.environ, "NPY_DISABLE_CPU_FEATURES": NARROW, "PYTHONWARNINGS": "ignore"}


def _start(twin: Twin, identities: Sequence[int], root: Path) -> subprocess.Popen[str]:
    here = str(Path(__file__).resolve().parent.parent)
    words = [sys.executable, "-P", "-c", CODE, here]
    pipe = subprocess.PIPE
    child = subprocess.Popen(
        words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment()
    )
    task = {"twin": twin.card(), "identities": list(identities), "root": str(root.resolve())}
    try:
        assert child.stdin is not None
        child.stdin.write(json.dumps(task))
        child.stdin.close()
    except OSError:
        pass  # it has died already: its exit code and its last words say of what
    return child


def _listen(child: subprocess.Popen[str], counts: queue.SimpleQueue[int | None]) -> None:
    """Pass on the counts that a child prints, and None at its end."""
    assert child.stdout is not None
    for line in child.stdout:
        counts.put(int(line))
    counts.put(None)


def work() -> None:
    """In a child: the task from standard input, a count on standard output for each identity."""
    from .twin import settle
    from .write import write_identity

    task = json.loads(sys.stdin.read())
    card = task["twin"]
    names = ("kind", "size", "seed", "channel_gap", "appearance_gap")
    twin = settle(*(card[name] for name in names))
    for identity in task["identities"]:
        print(write_identity(twin, identity, Path(task["root"])), flush=True)
