"""Two ways to do the same work, timed in turns in one run: the ratio of each turn, so that a busy machine slows both."""

import argparse
import statistics
import time
from collections.abc import Callable


def turns(default: int = 7) -> int:
    """How many turns the command line asks for; ``--quick`` is one, to see that a benchmark still runs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=default)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    return 1 if asked.quick else asked.turns


def compare(what: str, naive: Callable[[], object], ours: Callable[[], object], count: int) -> float:
    """Warm both up, time ``count`` turns of each, print min / median / max of naive time over ours; returns the median."""
    naive(), ours()
    ratios = []
    for _ in range(count):
        times = []
        for work in (naive, ours):
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
        ratios.append(times[0] / times[1])
    print(f"{what}: {min(ratios):.1f} / {statistics.median(ratios):.1f} / {max(ratios):.1f} x  (min / median / max of {count} turns)")
    return statistics.median(ratios)
