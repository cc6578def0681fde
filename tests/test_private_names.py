"""Private names of other people's packages: one is used, in one place; this says when it goes."""

import re

import torch

from bdlab import machine

from .conftest import REPOSITORY

#: An underscored name of another package; a dunder is no secret.
PRIVATE = re.compile(r"\b(?:torch|nn|F|models|plt|mpl|np)(?:\.\w+)*\._(?!_)\w+")


def test_torch_still_answers_by_the_private_name():
    """If this fails, torch renamed it: ``auto`` then means float32 on every CPU. Find the new name
    and set ``machine.ONEDNN_ASKED``.
    """
    assert hasattr(torch.ops.mkldnn, machine.ONEDNN_ASKED)


def test_without_it_the_answer_is_the_safe_one(monkeypatch):
    monkeypatch.setattr(machine, "ONEDNN_ASKED", "_is_gone")
    assert machine.onednn_has_bfloat16() is False
    assert machine.best_precision(torch.device("cpu")) is torch.float32


def test_no_other_is_used():
    for path in (REPOSITORY / "bdlab").rglob("*.py"):
        assert PRIVATE.findall(path.read_text()) == [], path


def test_a_private_name_is_found():
    """The broken variants."""
    for text in ("torch._foreach_norm(g)", "torch._dynamo.exc", "models.resnet._ovewrite"):
        assert PRIVATE.search(text), text
    assert not PRIVATE.search("self._made(torch.__version__)")
