"""Where a gain lies over the two gaps of rendered people: the figure and sentence of ``dials``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from bdlab.experiments import verdicts
from bdlab.workbench import tables

from .table import PRIMARY, Table, place

Gaps = tuple[float, float]  # channel, appearance
NAMES = ("channel gap", "appearance gap")


def gains(table: Table) -> dict[Gaps, dict[tuple[int, int], float]]:
    """Each contrast's differences by (split, seed), in per cent, at its setting of the dials."""
    found = {}
    for row, against in table.sweep.contrasts:
        scores = [_scores(table, name) for name in (row, against)]
        shared = scores[0].keys() & scores[1].keys()
        if shared:
            params = table.cells[row][0][1]["params"]
            gaps = params["channel_gap"], params["appearance_gap"]
            found[gaps] = {pair: scores[0][pair] - scores[1][pair] for pair in sorted(shared)}
    return found


def _scores(table: Table, row: str) -> dict[tuple[int, int], float]:
    setting = table.primary.setting
    cells = table.cells.get(row, [])
    return {place(result): 100 * result["scores"][setting]["mean"][PRIMARY] for _, result in cells}


def effect(gained: Mapping[Gaps, Mapping[tuple[int, int], float]], dial: int) -> np.ndarray:
    """How much larger the gain is at a dial's highest setting than at its lowest, the other dial's
    settings averaged; one number a seed [n] that all those settings have.
    """
    settings = sorted({gaps[dial] for gaps in gained})
    ends = []
    for end in (settings[-1], settings[0]):
        ends.append([by_seed for gaps, by_seed in gained.items() if gaps[dial] == end])
    high, low = ends
    seeds = sorted(set.intersection(*map(set, high + low)))
    return _mean(high, seeds) - _mean(low, seeds)  # [n]


def _mean(settings: Sequence[Mapping[tuple[int, int], float]], seeds: list) -> np.ndarray:
    """Each seed's gain [n] over some settings."""
    return np.mean([[by_seed[seed] for seed in seeds] for by_seed in settings], axis=0)


def sentences(gained: Mapping[Gaps, Mapping[tuple[int, int], float]]) -> str:
    """Whether the gain follows either dial, each with its 95 % interval."""
    said = []
    for dial, name in enumerate(NAMES):
        if len({gaps[dial] for gaps in gained}) > 1:
            differences = effect(gained, dial)
            said.append(f"From the smallest to the largest {name} the gain changes by ")
            said[-1] += _interval(differences)
    return " ".join(said)


def _interval(differences: np.ndarray) -> str:
    n = len(differences)
    if n < verdicts.FEWEST:
        return f"an amount that {n} complete seeds are too few to state."
    found = verdicts.paired(differences)
    where = f"{found.mean:+.1f} [{found.low:+.1f}, {found.high:+.1f}] points ({n} seeds)"
    return f"{where}{'.' if found.low * found.high > 0 else ': not shown.'}"


def figure(gained: Mapping[Gaps, Mapping[tuple[int, int], float]], metric: str) -> Figure:
    """The mean gain over the appearance gap, a line for each channel gap; bars: 95 % intervals."""
    lines: dict[str, dict[float, tuple[float, float]]] = {}
    for (channel, appearance), by_seed in sorted(gained.items()):
        differences = np.array(list(by_seed.values()))
        half = np.nan
        if len(differences) > 1:
            found = verdicts.paired(differences)
            half = float(found.high - found.mean)
        of_channel = lines.setdefault(f"channel gap {channel:g}", {})
        of_channel[appearance] = float(differences.mean()), half
    return tables.gains(lines, NAMES[1], metric)
