"""A run killed at random moments and at every point inside its checkpoint writes, resumed until it
is done.
"""

import json
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
import torch

from bdlab import files
from bdlab.experiments import cell, runs, sweeps
from bdlab.training import checkpoint, loop
from bdlab.training import setup as setups

from . import random
from .forks import Shared, die, end, fork, half, kill

pytestmark = pytest.mark.slow

STEPS = 6
POINTS = (
    "with half its bytes written",
    "before its fsync",
    "before its rename",
    "before the folder's fsync",
    "before the old one goes",
)


@cache
def prepared():
    """Config and what it needs before its first step; a child of a fork trains its copy of it."""
    config = sweeps.configure(
        "table4",
        "MDL4",
        "smoke",
        "synthetic-regdb",
        {"epochs": 2, "steps": STEPS // 2, "checkpoint_every": 1},
    )
    return config, setups.prepare(config, "cpu", progress=False)


def life(out, saved, *faults):
    """One life of a run, as `bdlab train` has it; ``saved`` hears the step of every checkpoint that
    is safe.
    """
    config, setup = prepared()
    cell.prepare = lambda *_: setup
    for fault in faults:
        fault()
    save = checkpoint.save

    def counted(folder, step, state):
        path = save(folder, step, state)
        saved[0] = max(saved[0], step)
        return path

    checkpoint.save = counted
    earlier = runs.attempts(out, runs.Cell.of(setup).name)
    attempt = runs.begin(out, runs.Cell.of(setup), 1)
    cell.run(config, attempt, "cpu", earlier)
    runs.commit(out, runs.Cell.of(setup).name, attempt)


def dies_inside(write, point):
    """A fault: SIGKILL inside the n-th checkpoint write (from 1) of a life, at one of POINTS."""

    def install():
        save, count = checkpoint.save, iter(range(1, 99))

        def fatal(folder, step, state):
            if next(count) == write:
                arm(point)
            return save(folder, step, state)

        checkpoint.save = fatal

    return install


def arm(point):
    """Let the next write die at a point."""
    if point == POINTS[0]:
        files.open = checkpoint.open = half(die)
    elif point == POINTS[1]:
        files.os.fsync = lambda _: die()
    elif point == POINTS[2]:
        files.os.replace = lambda *_: die()
    elif point == POINTS[3]:
        files.sync = lambda _: die()
    else:
        Path.unlink = lambda *_, **__: die()


def outcome(out):
    """What must be the same to the bit: history without its timings, scores, and the sha256 of the
    weights.
    """
    result = runs.done(out, runs.Cell.of(prepared()[1]))
    if result is None:
        return None
    lines = runs.read_lines(out / runs.Cell.of(prepared()[1]).name / "history.jsonl")
    history = [{k: v for k, v in line.items() if k != "time"} for line in lines]
    return json.dumps([history, result["scores"], result["provenance"]["weights_sha256"]])


def until_done(out, saved, counts, want, *faults):
    """A last life that nobody kills (if one is needed); counts it as different if its outcome is
    not that of the whole run.
    """
    crashed = outcome(out) is None and end(fork(life, out, saved, *faults)) != 0
    counts["cells"] += 1
    counts["differ"] += crashed or outcome(out) != want


def lost(out, saved):
    """Whether a checkpoint that was safe is gone though the cell is not done."""
    if (out / runs.Cell.of(prepared()[1]).name).is_dir():
        return False
    found = checkpoint.newest(runs.attempts(out, runs.Cell.of(prepared()[1]).name))
    return (found[1]["history"][-1]["steps"] if found and found[1]["history"] else 0) + (
        found[1]["step"] if found else 0
    ) < saved[0]


def whole(folder):
    """The outcome of the uninterrupted run, and the seconds it took."""
    with suppress(OSError):
        folder.mkdir()
    assert end(fork(life, folder, Shared())) == 0
    began = time.perf_counter()
    assert end(fork(life, folder / "again", Shared())) == 0
    return outcome(folder), time.perf_counter() - began


def at_random_moments(folder, kills, *faults):
    """Run after run, each killed up to five times in what is left of it and then let to its end,
    until there were so many kills.
    """
    want, seconds = whole(folder)
    counts, rng = {"kills": 0, "cells": 0, "differ": 0, "lost": 0}, random("kills")
    while counts["kills"] < kills:
        out, saved = folder / str(counts["cells"]), Shared()
        for _ in range(5):
            share, began = 1.1 - saved[0] / STEPS, time.perf_counter()
            if kill(fork(life, out, saved, *faults), rng.uniform(0, share * seconds)) != -9:
                # the machine has become faster
                seconds = min(seconds, (time.perf_counter() - began) / share)
                break
            counts["kills"] += 1
            counts["lost"] += lost(out, saved)
        until_done(out, saved, counts, want, *faults)
    return counts


def inside_writes(folder, writes=range(1, STEPS + 1), faults=()):
    """One run for every write and point: killed there, then let to its end."""
    want, _ = whole(folder)
    counts = {"kills": 0, "cells": 0, "differ": 0, "lost": 0}
    for write in writes:
        for point in POINTS:
            out, saved = folder / f"{write}-{POINTS.index(point)}", Shared()
            counts["kills"] += end(fork(life, out, saved, *faults, dies_inside(write, point))) == -9
            counts["lost"] += lost(out, saved)
            until_done(out, saved, counts, want, *faults)
    return counts


def forgets_momentum():
    """A broken variant: what the optimiser has gathered is not part of the checkpoint."""
    torch.optim.SGD.load_state_dict = lambda self, state: None


def writes_in_place():
    """A broken variant: one checkpoint file, overwritten where it lies."""

    def save(folder, step, state):
        path = folder / "checkpoint-00000001.pt"
        loop.torch.save(state, path)
        payload = checkpoint.seal(path.read_bytes())
        with getattr(checkpoint, "open", open)(path, "wb") as file:
            file.write(payload)
        return path

    checkpoint.save = save


def test_killed_at_random_moments(alone, tmp_path, figures):
    got = alone(at_random_moments, tmp_path, 100)
    assert got["kills"] >= 100
    assert (got["differ"], got["lost"]) == (0, 0), got
    figures.note(
        "kill",
        f"{got['kills']} kills at random moments of {got['cells']} runs: {got['differ']} differ, "
        f"{got['lost']} checkpoints lost",
    )


def test_killed_inside_a_write(alone, tmp_path, figures):
    got = alone(inside_writes, tmp_path)
    assert got["kills"] >= 25
    assert (got["differ"], got["lost"]) == (0, 0), got
    figures.note(
        "kill",
        f"{got['kills']} kills inside a write: {got['differ']} of {got['cells']} runs differ, "
        f"{got['lost']} checkpoints lost",
    )


def test_a_resume_without_momentum_is_told_apart(alone, tmp_path, figures):
    got = alone(inside_writes, tmp_path, (3,), (forgets_momentum,))
    assert got["differ"] > 0
    figures.breaks("kill", f"momentum forgotten: {got['differ']} of {got['cells']} differ")


def test_a_file_overwritten_in_place_is_told_apart(alone, tmp_path, figures):
    got = alone(inside_writes, tmp_path, (3,), (writes_in_place,))
    assert got["lost"] > 0
    figures.breaks(
        "kill",
        f"one file written in place: {got['lost']} of {got['kills']} kills lost the checkpoint",
    )
