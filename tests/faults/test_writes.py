"""Disks that fail: limits on a file's size, injected ENOSPC and EIO, and files damaged after they
were written.
"""

import errno
import os
import resource
from contextlib import suppress

import pytest
import torch

from bdlab import files
from bdlab.experiments import runs
from bdlab.training import checkpoint, loop

from . import random
from .forks import Shared, end, fork, half
from .test_kills import life, outcome, prepared, whole

pytestmark = pytest.mark.slow

ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO}
PLACES = ("open", "write", "fsync", "replace", "folder")


def told(path, error, name):
    """Whether an error says what a user needs: which file, why, the bytes needed and free, what to
    do.
    """
    text = str(error)
    words = (
        path.name,
        name,
        "bytes needed",
        " free",
        "What was saved before is untouched",
        "run the same command again",
    )
    return all(word in text for word in words) and any(
        c.isdigit() for c in text.partition("bytes needed")[0][-12:]
    )


def limited(out, limit):
    """The rest of a run under a limit on the size of every file; dies of it with an error that says
    so, or it is a fault.
    """
    signalled = Shared()
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        life(out, signalled)
    except (checkpoint.CheckpointError, runs.WriteError) as error:
        path = max((p for p in out.glob(".attempts/*/*")), key=lambda p: int(p.name))
        files = [path / f"checkpoint-{step:08d}.pt" for step in range(1, 7)] + [
            path / "params.json",
            path / "attempt.json",
        ]
        os._exit(
            3 if any(told(file, error, "EFBIG") for file in [*files, path / "history.jsonl"]) else 4
        )


def under_limits(folder, count):
    """A run that is at its third step, gone on with under so many limits, from none to just below a
    checkpoint's size.
    """
    want, _ = whole(folder)
    out, saved = folder / "limited", Shared()

    def stops():
        step = loop._step
        calls = iter(range(99))
        loop._step = lambda *words: os._exit(5) if next(calls) == 3 else step(*words)

    assert end(fork(life, out, saved, stops)) == 5
    (first,) = runs.attempts(out, runs.Cell.of(prepared()[1]).name)
    size = checkpoint.found(first)[0].stat().st_size
    counts = {"limits": 0, "told": 0, "loads": 0, "leftovers": 0}
    for limit in [
        0,
        1,
        *sorted(random("limits").integers(2, size - 1, count - 3).tolist()),
        size - 1,
    ]:
        counts["limits"] += 1
        counts["told"] += end(fork(limited, out, limit)) == 3
        found = checkpoint.newest(runs.attempts(out, runs.Cell.of(prepared()[1]).name))
        counts["loads"] += (
            found is not None and found[1]["history"] is not None and len(found[1]["history"]) == 1
        )
        counts["leftovers"] += len(list(out.rglob(".*.part")))
    assert end(fork(life, out, saved)) == 0
    return counts, outcome(out) == want


def test_every_limit_on_a_files_size(alone, tmp_path, figures):
    counts, same = alone(under_limits, tmp_path, 40)
    assert counts == {"limits": 40, "told": 40, "loads": 40, "leftovers": 0}
    assert same
    figures.note(
        "write",
        f"RLIMIT_FSIZE at {counts['limits']} sizes: {counts['told']} errors say it all, "
        f"{counts['loads']} previous load",
    )


def state(step):
    return {
        "net": {"w": torch.arange(4096.0) + step},
        "history": [{"epoch": step}],
        "step": step,
        "log": None,
    }


def inject(monkeypatch, place, code):
    """The next write meets an error at one place."""

    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    if place in ("open", "write"):
        monkeypatch.setattr(
            files, "open", refuse if place == "open" else half(refuse), raising=False
        )
    elif place == "folder":
        monkeypatch.setattr(files, "sync", refuse)
    else:
        monkeypatch.setattr(files.os, place, refuse)


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("place", PLACES)
def test_a_disk_that_fails(tmp_path, monkeypatch, figures, name, place):
    checkpoint.save(tmp_path, 1, state(1))
    with monkeypatch.context() as patch:
        inject(patch, place, ERRORS[name])
        with pytest.raises(checkpoint.CheckpointError) as caught:
            checkpoint.save(tmp_path, 2, state(2))
    assert told(tmp_path / "checkpoint-00000002.pt", caught.value, name), caught.value
    assert checkpoint.load(tmp_path / "checkpoint-00000001.pt")["step"] == 1
    assert not list(tmp_path.glob(".*"))
    if (name, place) == ("EIO", PLACES[-1]):
        figures.note(
            "write",
            f"{len(ERRORS) * len(PLACES)} injected ENOSPC and EIO: each named, each previous loads",
        )


def test_a_history_that_does_not_fit(tmp_path, monkeypatch):
    """A line of history is written to the end of its file; a full disk is told there too, and what
    was whole stays.
    """
    path = tmp_path / "history.jsonl"
    runs.append_line(path, {"epoch": 1})
    with monkeypatch.context() as patch:
        patch.setattr(
            files,
            "open",
            lambda *_, **__: (_ for _ in ()).throw(
                OSError(errno.ENOSPC, "No space left on device")
            ),
            raising=False,
        )
        with pytest.raises(runs.WriteError) as caught:
            runs.append_line(path, {"epoch": 2})
    assert told(path, caught.value, "ENOSPC")
    assert runs.read_lines(path) == [{"epoch": 1}]


def test_torchs_own_writer_is_told_apart(tmp_path, figures):
    """The broken variant: torch.save to the file itself names no bytes, and leaves half a file
    under the name.
    """
    path, soft = tmp_path / "checkpoint-00000002.pt", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, soft[1]))
    try:
        with pytest.raises((OSError, RuntimeError)) as caught:
            torch.save(state(2), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, soft)
    assert not told(path, caught.value, "EFBIG")
    assert path.stat().st_size == 8192
    figures.breaks(
        "write",
        f"torch.save to the file: {str(caught.value).partition(' (')[0][:70]!r}, and 8,192 bytes "
        "of half a file",
    )


class TestDamage:
    def folder(self, tmp_path):
        checkpoint.save(tmp_path, 1, state(1))
        return checkpoint.save(tmp_path, 2, state(2))

    def falls_back(self, path):
        """Whether the damage is named and the checkpoint before serves."""
        with pytest.raises(checkpoint.CheckpointError, match=path.name):
            checkpoint.load(path)
        return checkpoint.newest([path.parent])[1]["step"] == 1

    def test_truncations(self, tmp_path, figures):
        path = self.folder(tmp_path)
        data = path.read_bytes()
        sizes = [
            0,
            1,
            len(data) - 1,
            *(2 + random("truncations").choice(len(data) - 3, 497, replace=False)).tolist(),
        ]
        for size in sizes:
            path.write_bytes(data[:size])
            assert self.falls_back(path), size
        figures.note("corrupt", f"{len(sizes)} truncations: all detected, all fall back")

    def test_bit_flips(self, tmp_path, figures):
        path = self.folder(tmp_path)
        header = 8 * (path.read_bytes().index(b"\n") + 1)
        rest = random("flips").choice(
            8 * path.stat().st_size - header, 2000 - header // 4, replace=False
        )
        # the header is small and matters most
        flips = [*range(0, header, 4), *(header + rest).tolist()]
        for bit in flips:
            flip(path, bit)
            assert self.falls_back(path), bit
            flip(path, bit)
        assert checkpoint.load(path)["step"] == 2
        figures.note("corrupt", f"{len(set(flips)):,} bit flips: all detected, all fall back")

    def test_without_the_sha256_flips_pass(self, tmp_path, figures):
        """The broken variant: torch.load alone, weights_only and all."""
        path = self.folder(tmp_path)
        payload = checkpoint.unseal(path.read_bytes())
        path.write_bytes(payload)
        passed = 0
        for bit in random("flips").choice(8 * len(payload), 300, replace=False).tolist():
            flip(path, bit)
            with suppress(Exception):
                torch.load(path, weights_only=True)
                passed += 1
            flip(path, bit)
        assert passed > 0
        figures.breaks("corrupt", f"no sha256: {passed} of 300 flips loaded without a word")


def flip(path, bit):
    with open(path, "r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def damaged_run(folder, count):
    """A run stopped at its fifth step, its newest checkpoint damaged in one of so many ways, gone
    on with: how many end in other bits.
    """
    want, _ = whole(folder)
    rng, differ = random("damage"), 0

    def stops():
        step, calls = loop._step, iter(range(99))
        loop._step = lambda *words: os._exit(5) if next(calls) == 4 else step(*words)

    for number in range(count):
        out, saved = folder / str(number), Shared()
        assert end(fork(life, out, saved, stops)) == 5
        path = checkpoint.found(runs.attempts(out, runs.Cell.of(prepared()[1]).name)[0])[0]
        if number % 2:
            flip(path, int(rng.integers(8 * path.stat().st_size)))
        else:
            os.truncate(path, int(rng.integers(path.stat().st_size)))
        assert end(fork(life, out, saved)) == 0
        resumed = runs.done(out, runs.Cell.of(prepared()[1]))["provenance"]["resumed"]["from"]
        differ += outcome(out) != want or not resumed.endswith("checkpoint-00000003.pt")
    return differ


def test_a_run_gone_on_with_from_the_checkpoint_before(alone, tmp_path, figures):
    assert alone(damaged_run, tmp_path, 8) == 0
    figures.note(
        "corrupt", "8 damaged runs went on from the one before: 0 differ in their final bits"
    )
