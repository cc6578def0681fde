"""docs/how-to/own-pictures.md: its Python lines run, its commands and options exist."""

import re
import shlex

import click
import numpy as np
import pytest
from PIL import Image

from bdlab import cli
from tests.conftest import REPOSITORY

TEXT = (REPOSITORY / "docs/how-to/own-pictures.md").read_text(encoding="utf-8")


def commands():
    """Every line in a fence that begins with bdlab, as words; what follows a # is a remark."""
    found = []
    plain = re.sub(r"(?ms)^```\w.*?^```", "", TEXT)
    for block in re.findall(r"(?ms)^```\n(.*?)^```", plain):
        for line in block.splitlines():
            if line.startswith("bdlab "):
                found.append(shlex.split(line, comments=True)[1:])
    return found


def unknown(words):
    """The options of a command line that the command does not have."""
    command = cli.main
    words = list(words)
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts}
    return [word for word in words if re.match(r"--?[a-z]", word) and word not in known]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_exists_with_its_options(words):
    assert unknown(words) == []


def test_a_command_that_is_not_there_is_noticed():
    """The broken variant."""
    assert len(commands()) > 10
    assert unknown(["search", "a.jpg", "--galery", "x"]) == ["--galery"]


def test_the_python_lines_run(cell, own, tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/CELL").symlink_to(cell)
    visible, infrared = (sorted(own.glob(f"{top}/*/*")) for top in ("visible", "infrared"))
    for name, source in zip("ab", visible, strict=False):
        Image.open(source).save(tmp_path / f"{name}.jpg")
    for name, source in zip("cde", infrared, strict=False):
        Image.open(source).save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.S)
    lines = [line for line in code.splitlines() if line]
    assert len(lines) == 5
    names = {}
    exec(code, names)
    assert names["visible"].shape == (2, names["embed"].dim)
    far = np.linalg.norm(names["visible"][:, None] - names["infrared"][None], axis=2)
    np.testing.assert_allclose(names["distances"], far, atol=1e-3)
