"""What a sweep would cost before it runs, from a few measured steps a row: cells, steps, hours,
disk; and how fast a step really is.

A step is held against two measures: the network alone (what is spent outside it is ours to save),
and the device's own matrix product (what is lost inside it is the network's shape, or torch's).
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from bdlab import machine
from bdlab.config import from_flat
from bdlab.training import loop
from bdlab.training import setup as setups

from . import runs

WARM_UP, MEASURED = 3, 10  # steps
# seconds after which two measured steps must do: a ResNet-50 on a CPU takes many seconds a step
PATIENCE = 60.0


@dataclass(frozen=True)
class Speed:
    """How fast a training step is, and what it could be.

    ``seconds`` a step and ``network`` of them in the network (forward, backward, SGD), medians;
    ``pictures`` a step in all modalities; ``flops`` of a step's forward and backward, counted;
    ``rate`` FLOP/s of the device's matrix product in the same precision, measured; ``memory`` bytes
    the run held at most on a GPU (0 on a CPU).
    """

    seconds: float
    network: float
    pictures: int
    flops: int
    rate: float
    memory: int

    @property
    def per_second(self) -> float:
        """Pictures a second."""
        return self.pictures / self.seconds

    @property
    def outside(self) -> float:
        """The share of a step that is not the network: drawing, cutting, normalising, losses,
        keeping the books.
        """
        return max(0.0, 1 - self.network / self.seconds)

    @property
    def of_rate(self) -> float:
        """The share of the device's matrix rate that a whole step reaches."""
        return self.flops / self.seconds / self.rate

    def __str__(self) -> str:
        held = f"; {self.memory / 2**30:.1f} GiB on the GPU" if self.memory else ""
        return (
            f"{1000 * self.seconds:.1f} ms a step, {self.per_second:,.0f} pictures/s; "
            f"{100 * self.outside:.0f} % of the step is outside the network; "
            f"{self.flops / self.seconds / 1e9:,.0f} GFLOP/s, {100 * self.of_rate:.0f} % of the "
            f"{self.rate / 1e9:,.0f} that a matrix product reaches here{held}"
        )


@dataclass(frozen=True)
class RowCost:
    """One row: how many cells are still to run, steps a cell, the speed as measured, bytes a
    committed cell keeps, seconds until a cell's kernel has started.
    """

    row: str
    cells: int
    done: int
    steps: int
    speed: Speed
    bytes_per_cell: int
    start: float = 0.0

    @property
    def seconds(self) -> float:
        return self.cells * (self.start + self.steps * self.speed.seconds)


@dataclass(frozen=True)
class Plan:
    """The rows of a sweep and how many cells run at a time."""

    rows: tuple[RowCost, ...]
    jobs: int
    device: str
    fitting: int = 0  # jobs that fit into a GPU's free memory; 0 on a CPU

    @property
    def seconds(self) -> float:
        """Time of all kernels and trainings, if the jobs share the work evenly."""
        return sum(row.seconds for row in self.rows) / self.jobs


def measure(cells: Sequence[runs.Cell], out: Path, jobs: int) -> Plan:
    """Time ten steps of one cell of every row, with the threads a cell will have, and the start of
    a kernel. Raises what ``setups.prepare`` raises.
    """
    torch.set_num_threads(machine.cell_threads())
    groups: dict[tuple, list[runs.Cell]] = {}
    for cell in cells:
        key = tuple(cell.params[name] for name in ("sweep", "data", "row"))
        groups.setdefault(key, []).append(cell)
    several = len({key[:2] for key in groups}) > 1
    rows, start = [], _start()
    for key, own in groups.items():
        done = sum(runs.done(out, cell) is not None for cell in own)
        setup = setups.prepare(from_flat(own[0].params), progress=False)
        buffer = io.BytesIO()
        torch.save(setup.net.state_dict(), buffer)
        steps = setup.steps * setup.config.optim.epochs
        name = " ".join(key) if several else key[-1]
        cost = (len(own) - done, done, steps, speed(setup), buffer.tell(), start)
        rows.append(RowCost(name, *cost))
    memory = max(row.speed.memory for row in rows)
    most = machine.cores()
    fitting = machine.jobs_that_fit(memory, setup.device, most) if memory else 0
    return Plan(tuple(rows), jobs, str(setup.device), fitting)


def _start() -> float:
    """Seconds until a fresh Python has imported what the training notebook imports."""
    began = time.perf_counter()
    code = "import IPython, bdlab.workbench.notebook"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    return time.perf_counter() - began


def speed(setup: setups.Setup) -> Speed:
    """Time a few real steps of this setup, each followed by one of the network alone. The setup is
    left as it was.
    """
    kept = {name: value.clone() for name, value in setup.net.state_dict().items()}
    books, training_ = (dict(setup.best), dict(setup.resumed)), setup.net.training
    network = _network_alone(setup)
    with torch.compiler.set_stance("force_eager"), FlopCounterMode(display=False) as counted:
        network()
    if setup.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(setup.device)
    whole, alone = _in_turns(setup, network)
    memory = torch.cuda.max_memory_reserved(setup.device) if setup.device.type == "cuda" else 0
    setup.net.load_state_dict(kept)
    setup.net.train(training_)
    setup.best, setup.resumed = books
    pictures = len(setup.config.modalities) * setup.config.data.identities * setup.config.data.shots
    rate = machine.matrix_rate(setup.device, setup.dtype)
    return Speed(whole + _drawing(setup), alone, pictures, counted.get_total_flops(), rate, memory)


def _in_turns(setup: setups.Setup, network: Callable[[], None]) -> tuple[float, float]:
    """Median seconds of a step as ``train`` makes it, and of the network alone: one after the
    other, so that a busy machine slows both.
    """
    whole: list[float] = []
    alone: list[float] = []
    last = machine.clock(setup.device)

    def mark(step: int, _: int) -> None:
        nonlocal last
        ended = machine.clock(setup.device)
        network()
        began = machine.clock(setup.device)
        whole.append(ended - last)
        alone.append(began - ended)
        if step == WARM_UP + MEASURED or (len(whole) > 1 and sum(whole) + sum(alone) > PATIENCE):
            raise _Enough
        last = machine.clock(setup.device)

    with contextlib.suppress(_Enough):
        loop.train(setup, on_step=mark)
    return _middle(whole), _middle(alone)


def _network_alone(setup: setups.Setup) -> Callable[[], None]:
    """A function: forward, backward from given gradients, SGD, on one batch that is there already;
    no loss, no bookkeeping.
    """
    batch, opt = setups.first_batch(setup), loop.optimiser(setup)
    setup.net.train()

    def network() -> None:
        with torch.autocast(setup.device.type, setup.dtype, enabled=setup.dtype != torch.float32):
            out = setup.net(batch.images)
        ends = [*out.features.values(), *out.logits.values()]
        opt.zero_grad(set_to_none=True)
        torch.autograd.backward(ends, [torch.full_like(end, 1e-6) for end in ends])
        opt.step()

    return network


def _drawing(setup: setups.Setup) -> float:
    """Seconds a step that go into planning an epoch, which ``train`` does before its first step."""
    began = time.perf_counter()
    setups.draw_epoch(setup, 0, setup.steps)
    return (time.perf_counter() - began) / setup.steps


def _middle(waits: list[float]) -> float:
    """The median after the warm-up, or of what there is."""
    kept = sorted(waits[WARM_UP:] or waits)
    return kept[len(kept) // 2]


class _Enough(Exception):
    """Ends the measurement."""


def text(plan: Plan) -> str:
    """A plan for a terminal."""
    w = max(8, *(len(row.row) for row in plan.rows))
    heads = ("to run", "done", "steps", "ms/step", "pictures/s", "outside", "of rate", "time")
    widths = (6, 5, 8, 8, 10, 7, 7, 8)
    lines = [_line("row", heads, w, widths)]
    for row in plan.rows:
        speed = row.speed
        values = (
            row.cells, row.done, f"{row.steps:,}", f"{1000 * speed.seconds:.1f}",
            f"{speed.per_second:,.0f}", f"{speed.outside:.0%}", f"{speed.of_rate:.0%}",
            machine.span(row.seconds) if row.cells else "-",
        )  # fmt: skip
        lines.append(_line(row.row, values, w, widths))
    disk = sum(row.cells * row.bytes_per_cell for row in plan.rows)
    whole = machine.span(plan.seconds) if plan.seconds else "nothing"
    start = max(row.start for row in plan.rows)
    lines.append(
        f"\nAbout {whole} on {plan.device}, {plan.jobs} at a time, the start of a kernel "
        f"({machine.span(start)} a cell) counted in, and {disk / 1e9:.2f} GB of weights; "
        "evaluation comes on "
        "top. Each job was timed alone: jobs side by side slow each other down."
    )
    lines.append(
        "outside: the share of a step outside the network. of rate: FLOP/s against a plain matrix "
        "product on this device."
    )
    if plan.fitting:
        fits = "such jobs fit into the GPU's free memory at a time (--jobs fit)."
        lines.append(f"{plan.fitting} {fits}")
    return "\n".join(lines)


def _line(name: str, values: Sequence[object], width: int, widths: Sequence[int]) -> str:
    """One line of the table: the row's name to the left, everything else to the right."""
    cells = [f"{value!s:>{wide}}" for value, wide in zip(values, widths, strict=True)]
    return " ".join([f"{name:<{width}}", *cells])
