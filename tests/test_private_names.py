"""Private names of other people's packages: the package uses one, the tests those of ``seen``; this
says when they go.
"""

import re

import pytest
import torch

from bdlab import machine

from .conftest import REPOSITORY
from .seen import Seen

#: An underscored name of another package; a dunder is no secret.
PRIVATE = re.compile(r"\b(?:torch|nn|F|models|plt|mpl|np)(?:\.\w+)*\._(?!_)\w+")
FENCED = {"tests/seen.py", "tests/test_private_names.py"}


def test_torch_still_answers_by_the_private_name():
    """If this fails, torch renamed it: ``auto`` then means float32 on every CPU. Find the new name
    and set ``machine.ONEDNN_ASKED``.
    """
    assert hasattr(torch.ops.mkldnn, machine.ONEDNN_ASKED)


def test_without_it_the_answer_is_the_safe_one(monkeypatch):
    monkeypatch.setattr(machine, "ONEDNN_ASKED", "_is_gone")
    assert machine.onednn_has_bfloat16() is False
    assert machine.best_precision(torch.device("cpu")) is torch.float32


@pytest.mark.parametrize("folder", ["bdlab", "bdtwins", "benchmarks", "docs", "tests"])
def test_no_other_is_used(folder):
    for path in (REPOSITORY / folder).rglob("*.py"):
        if path.relative_to(REPOSITORY).as_posix() not in FENCED:
            assert PRIVATE.findall(path.read_text(encoding="utf-8")) == [], path


def test_operations_are_still_seen():
    """If this fails, torch moved what ``tests/seen.py`` imports; tests that need it say less."""
    with Seen() as seen:
        torch.ones(2) + 1
    assert "aten::add.Tensor" in seen.operations


def test_a_private_name_is_found():
    """The broken variants."""
    for text in ("torch._foreach_norm(g)", "torch._dynamo.exc", "models.resnet._ovewrite"):
        assert PRIVATE.search(text), text
    assert not PRIVATE.search("self._made(torch.__version__)")
