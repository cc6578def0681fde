"""Two ways to do the same work, timed in turns in one run: the ratio of each turn, so that a busy
machine slows both.

Every script ends in lines ``claim | min / median / max | target | machine | date``; ``run.py``
collects them. A turn is quiet if other processes used less than a tenth of the machine meanwhile;
where three turns were quiet, only those count.
"""

import argparse
import math
import os
import platform
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

QUIET = 0.1  # of the machine's cores
LEAST = 0.2  # seconds a sample lasts: the kernel counts in hundredths
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def asked(turns: int = 7, **more: dict) -> argparse.Namespace:
    """``turns`` and ``smoke`` (tiny sizes and one turn: to see that everything still runs and
    agrees) from the command line.
    """
    parser = argparse.ArgumentParser(
        description=(sys.modules["__main__"].__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--turns", type=int, default=turns)
    parser.add_argument("--smoke", "--quick", action="store_true")
    for name, options in more.items():
        parser.add_argument(f"--{name}", **options)
    found = parser.parse_args()
    found.turns = 1 if found.smoke else found.turns
    return found


def turns(default: int = 7) -> int:
    return asked(default).turns


def compare(
    what: str,
    naive: Callable[[], object],
    ours: Callable[[], object],
    count: int,
    target: float | None = None,
    scale: float = 1.0,
) -> float:
    """Warm both up, time ``count`` turns of each, report the ratios (naive over ours); returns the
    median.

    ``scale``: how many times the naive work would have to be done for ours (a loop over ten trials
    is timed on one).
    """
    repeats = [_repeats(work, count) for work in (naive, ours)]
    ratios, quiet = [], []
    for _ in range(count):
        seconds, others = zip(
            *(timed(work, times) for work, times in zip((naive, ours), repeats, strict=True)),
            strict=True,
        )
        ratios.append(scale * seconds[0] / seconds[1])
        quiet.append(max(others) < QUIET)
    return report(what, ratios, "x", at_least=target, quiet=quiet)


def _repeats(work: Callable[[], object], count: int) -> int:
    """How often to do a piece of work in one sample; this is its warm-up too."""
    if count == 1:
        return 1
    began = time.perf_counter()
    work()
    first = time.perf_counter() - began
    if first > LEAST:
        return 1
    return math.ceil(LEAST / timed(work, 3)[0])


def timed(work: Callable[[], object], times: int = 1) -> tuple[float, float]:
    """(seconds a time, the share of the machine other processes used meanwhile; 0 where the system
    does not say).
    """
    busy, own, began = _busy(), _own(), time.perf_counter()
    for _ in range(times):
        work()
    wall = time.perf_counter() - began
    return wall / times, max(0.0, _busy() - busy - (_own() - own)) / (wall * CORES)


def _own() -> float:
    """CPU seconds of this process and of its children that have ended."""
    return time.process_time() + sum(os.times()[2:4])


def _busy() -> float:
    """CPU seconds all processes have used since the machine was started (Linux)."""
    try:
        user, nice, system, _, _, irq, soft, steal = map(
            int, Path("/proc/stat").read_text().split(maxsplit=9)[1:9]
        )
    except (OSError, ValueError):
        return 0.0
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def report(
    what: str,
    values: Sequence[float],
    unit: str,
    at_least: float | None = None,
    at_most: float | None = None,
    quiet: Sequence[bool] | None = None,
    where: str | None = None,
) -> float:
    """Print a claim's line and return the median; the target is held against it, the quiet turns
    alone if there are three.
    """
    kept, turns_ = list(values), f"{len(values)} turns"
    if quiet is not None:
        still = [value for value, flag in zip(values, quiet, strict=True) if flag]
        turns_ = f"{len(still)} of {len(values)} turns quiet"
        if len(still) >= min(3, len(values)):
            kept = still
        else:
            turns_ += ", all counted"
    middle = statistics.median(kept)
    spread = " / ".join(_short(value) for value in (min(kept), middle, max(kept)))
    verdict, today = _verdict(middle, unit, at_least, at_most), time.strftime("%Y-%m-%d")
    print(
        f"{what} | {spread} {unit} | {verdict} | {where or machine()}, {turns_} | {today}",
        flush=True,
    )
    return middle


def _verdict(value: float, unit: str, at_least: float | None, at_most: float | None) -> str:
    if "--smoke" in sys.argv or "--quick" in sys.argv:
        return "smoke run, not a measurement"
    if at_least is None and at_most is None:
        return "no target"
    met = value >= at_least if at_least is not None else value <= at_most
    bound = f"at least {at_least:g}" if at_least is not None else f"at most {at_most:g}"
    return f"{bound} {unit}: {'met' if met else 'MISSED'}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine(device: str = "cpu") -> str:
    """The machine in a few words; threads are torch's if it is in use."""
    torch = sys.modules.get("torch")
    if torch and device != "cpu":
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    try:
        name = next(
            line.partition(": ")[2]
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        )
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    threads = f", {torch.get_num_threads()} torch threads" if torch else ""
    return f"{CORES} cores of {name}{threads}"


def peak_memory(work: Callable[[], object]) -> int:
    """The most bytes ``work`` holds at a time in Python and numpy (not in torch, and not pages of
    mapped files).
    """
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
