"""Checkpoints are whole or absent: round trip, kept pair, damage, hostile content, full disk."""

import errno
import io
import os
import pickle

import numpy as np
import pytest
import torch

from bdlab import checkpoint, runs


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
    assert [p.name for p in checkpoint.found(tmp_path)] == ["checkpoint-00000010.pt", "checkpoint-00000002.pt"]
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


@pytest.mark.parametrize("where", [0.0, 0.001, 0.3, 0.7, 0.999])
@pytest.mark.parametrize("how", ["flip", "cut"])
def test_damage_is_detected_and_the_previous_one_serves(tmp_path, where, how):
    checkpoint.save(tmp_path, 1, state(1))
    path = checkpoint.save(tmp_path, 2, state(2))
    data = bytearray(path.read_bytes())
    at = int(where * len(data))
    if how == "flip":
        data[at] ^= 0x10
    path.write_bytes(data if how == "flip" else data[:at])
    with pytest.raises(checkpoint.CheckpointError, match=path.name):
        checkpoint.load(path)
    assert checkpoint.newest([tmp_path])[1]["step"] == 1


def test_without_the_hash_a_flipped_bit_would_pass(tmp_path):
    """The broken variant: torch.load alone accepts a flipped bit in a tensor and returns another number."""
    payload = checkpoint.unseal(checkpoint.save(tmp_path, 1, state()).read_bytes())
    torch.save(state(), tmp_path / "plain.pt")
    raw = bytearray((tmp_path / "plain.pt").read_bytes())
    at = raw.find(torch.arange(12.0).add(1).numpy().tobytes())
    assert at > 0
    raw[at + 2] ^= 0x10
    (tmp_path / "plain.pt").write_bytes(raw)
    assert not torch.equal(torch.load(tmp_path / "plain.pt", weights_only=True)["net"]["w"], state()["net"]["w"])
    assert len(payload) > 0


def test_code_is_refused_even_under_a_valid_hash(tmp_path):
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(canary),))

    buffer = io.BytesIO()
    torch.save({"net": Evil()}, buffer)
    path = tmp_path / "checkpoint-00000001.pt"
    path.write_bytes(checkpoint.seal(buffer.getvalue()))
    with pytest.raises(checkpoint.CheckpointError, match="holds more than tensors"):
        checkpoint.load(path)
    assert not canary.exists()


def test_a_state_that_could_not_be_loaded_again_is_not_saved(tmp_path):
    checkpoint.save(tmp_path, 1, state(1))
    with pytest.raises(pickle.UnpicklingError):
        checkpoint.save(tmp_path, 2, {"lr": np.float64(0.1)})
    assert checkpoint.newest([tmp_path])[1]["step"] == 1


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failed_write_names_the_bytes_and_leaves_the_previous(tmp_path, monkeypatch, code):
    checkpoint.save(tmp_path, 1, state(1))

    def refuse(_handle):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(runs.os, "fsync", refuse)
    with pytest.raises(
        checkpoint.CheckpointError, match=rf"checkpoint-00000002.pt.*{errno.errorcode[code]}.*bytes needed, [\d,]+ free"
    ) as caught:
        checkpoint.save(tmp_path, 2, state(2))
    assert "untouched" in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-00000001.pt"]
    assert checkpoint.newest([tmp_path])[1]["step"] == 1
