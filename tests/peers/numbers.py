"""The peers' numbers, read; and the one comparison with ours."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest

from . import recipes

HERE = Path(__file__).resolve().parent
RANKS = (1, 5, 10, 20)
FLOAT32, MATLAB, FLOAT64 = 1e-7, 1e-9, 1e-12


@functools.cache
def drifted() -> tuple[str, ...]:
    return tuple(recipes.drift())


def same_streams() -> None:
    """Skips the test where numpy draws other numbers than on the day the answers were made."""
    if drifted():
        pytest.skip(f"numpy {np.__version__} draws other inputs: {', '.join(drifted())}")


def read(name: str) -> dict:
    return json.loads((HERE / name).read_text())


def differences(ours, theirs: dict, cmc: float, rest: float) -> list[str]:
    """Where our ``Scores`` and their numbers differ by more than ``cmc`` (ranks) or ``rest`` (mAP,
    mINP).
    """
    found = {f"R{k}": (ours.rank(k), cmc) for k in RANKS}
    found |= {"mAP": (ours.mAP, rest), "mINP": (ours.mINP, rest)}
    return [
        f"{name}: {value} is not {theirs[name]}"
        for name, (value, tolerance) in found.items()
        if name in theirs and not abs(value - theirs[name]) <= tolerance
    ]
