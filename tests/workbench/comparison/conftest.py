"""A folder of finished cells with made-up scores."""

import pytest

from tests.report.test_report import put

ROWS = ("B1", "B2", "MDL2", "MDL4")


def life(mml, mdl):
    """What the guard keeps of a cell, with these words."""
    return {"life": {"mml": {"word": mml, "share": 0.3}, "mdl": {"word": mdl, "share": 0.97}}}


@pytest.fixture
def out(tmp_path):
    """Four rows of Table IV with five seeds each; MDL2's triplets are dead, B1 has none."""
    guards = {"B1": {}, "MDL2": life("alive", "dead")}
    for k, row in enumerate(ROWS):
        for seed in range(5):
            score = 0.4 + 0.04 * k + 0.013 * (seed * (k + 2) % 5)
            put(tmp_path / "runs", row, seed, score, guard=guards.get(row, life("alive", "alive")))
    return tmp_path / "runs"
