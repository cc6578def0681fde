"""What a sweep would cost before it runs: cells, steps, hours and disk on this machine, from a few measured steps a row."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from . import runs, setups, training
from .config import from_flat

WARM_UP, MEASURED = 3, 10  # steps


@dataclass(frozen=True)
class RowCost:
    """One row: how many cells are still to run, steps a cell, seconds a step as measured, bytes a committed cell keeps."""

    row: str
    cells: int
    done: int
    steps: int
    seconds_per_step: float
    bytes_per_cell: int

    @property
    def seconds(self) -> float:
        return self.cells * self.steps * self.seconds_per_step


@dataclass(frozen=True)
class Plan:
    """The rows of a sweep and how many cells run at a time."""

    rows: tuple[RowCost, ...]
    jobs: int
    device: str

    @property
    def seconds(self) -> float:
        """Training time in all, if the jobs share the work evenly."""
        return sum(row.seconds for row in self.rows) / self.jobs


def measure(cells: Sequence[runs.Cell], out: Path, jobs: int) -> Plan:
    """Time ten steps of one cell of every row, with the threads a job will have. Raises what ``setups.prepare`` raises."""
    from .batch import cores

    torch.set_num_threads(max(1, cores() // jobs))
    rows, device = [], "cpu"
    for row in dict.fromkeys(cell.params["row"] for cell in cells):
        own = [cell for cell in cells if cell.params["row"] == row]
        done = sum(runs.done(out, cell) is not None for cell in own)
        setup = setups.prepare(from_flat(own[0].params), progress=False)
        device = str(setup.device)
        buffer = io.BytesIO()
        torch.save(setup.net.state_dict(), buffer)
        steps = setup.steps * setup.config.optim.epochs
        rows.append(RowCost(row, len(own) - done, done, steps, seconds_per_step(setup), buffer.tell()))
    return Plan(tuple(rows), jobs, device)


def seconds_per_step(setup: setups.Setup) -> float:
    """The median of a few steps of this setup, after a warm-up; its network is trained by them."""
    marks: list[float] = []

    def mark(step: int, _: int) -> None:
        if setup.device.type == "cuda":
            torch.cuda.synchronize()
        marks.append(time.perf_counter())
        if step == WARM_UP + MEASURED:
            raise _Enough

    with contextlib.suppress(_Enough):
        training.train(setup, on_step=mark)
    waits = sorted(b - a for a, b in zip(marks[min(WARM_UP, len(marks) - 2) :], marks[min(WARM_UP, len(marks) - 2) + 1 :], strict=False))
    return waits[len(waits) // 2]


class _Enough(Exception):
    """Ends the measurement."""


def text(plan: Plan) -> str:
    """A plan for a terminal."""
    lines = [f"{'row':<8} {'to run':>6} {'done':>5} {'steps':>8} {'ms/step':>8} {'hours':>7}"]
    for r in plan.rows:
        lines.append(f"{r.row:<8} {r.cells:>6} {r.done:>5} {r.steps:>8,} {1000 * r.seconds_per_step:>8.1f} {r.seconds / 3600:>7.2f}")
    disk = sum(r.cells * r.bytes_per_cell for r in plan.rows)
    time_ = f"{plan.seconds / 3600:.1f} hours" if plan.seconds > 5400 else f"{plan.seconds / 60:.1f} minutes"
    lines.append(
        f"\nAbout {time_} of training on {plan.device}, {plan.jobs} at a time, and {disk / 1e9:.2f} GB of weights; "
        "evaluation and start-up come on top. Each job was timed alone: jobs side by side slow each other down."
    )
    return "\n".join(lines)
