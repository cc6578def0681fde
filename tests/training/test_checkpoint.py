"""Checkpoints: round trip, the kept pair, the newest of several attempts. Damage, full disks and
hostile files: tests/faults.
"""

import numpy as np
import pytest
import torch

from bdlab.training import checkpoint


def state(step=1):
    return {
        "net": {"w": torch.arange(12.0).view(3, 4) + step},
        "history": [{"epoch": step, "terms": {"id": 1.5}}],
        "step": step,
        "log": None,
    }


def test_round_trip_and_the_previous_is_kept(tmp_path):
    for step in (1, 2, 10):
        checkpoint.save(tmp_path, step, state(step))
    assert [p.name for p in checkpoint.found(tmp_path)] == [
        "checkpoint-00000010.pt",
        "checkpoint-00000002.pt",
    ]
    path, got = checkpoint.newest([tmp_path])
    assert path.name == "checkpoint-00000010.pt"
    assert torch.equal(got["net"]["w"], state(10)["net"]["w"])
    assert got["history"] == state(10)["history"]
    assert not list(tmp_path.glob(".*"))


def test_newest_over_several_attempts(tmp_path):
    for attempt, step in (("1", 7), ("2", 3)):
        (tmp_path / attempt).mkdir()
        checkpoint.save(tmp_path / attempt, step, state(step))
    assert checkpoint.newest([tmp_path / "1", tmp_path / "2"])[1]["step"] == 7
    assert checkpoint.newest([]) is None
    assert checkpoint.newest([tmp_path / "3"]) is None


def test_a_state_that_could_not_be_loaded_again_is_not_saved(tmp_path):
    checkpoint.save(tmp_path, 1, state(1))
    with pytest.raises(ValueError, match=r"more than tensors and plain values \(numpy"):
        checkpoint.save(tmp_path, 2, {"lr": np.float64(0.1)})
    assert checkpoint.newest([tmp_path])[1]["step"] == 1
