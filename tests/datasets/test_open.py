"""``datasets.open``: names, options, roots, twins."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import pytest

from bdlab import datasets
from bdlab.datasets import twin

from . import trees


def test_unknown_names_and_options_name_the_choices(tmp_path):
    error = trees.refused(
        lambda: datasets.open("regbd", tmp_path), None, "unknown data set: 'regbd'"
    )
    assert "did you mean 'regdb'" in str(error)
    assert "synthetic-sysu" in str(error)
    trees.refused(lambda: datasets.open("market1501", tmp_path), None, "pick one of them")
    error = trees.refused(
        lambda: datasets.open("regdb", tmp_path, spilt=1), None, "unknown option for regdb: 'spilt'"
    )
    assert "did you mean 'split'" in str(error)
    trees.refused(lambda: datasets.open("regdb", tmp_path, size="demo"), None, "unknown option")


def test_options_are_those_of_the_readers():
    """Held together: an option that a reader does not take would be an internal error."""
    for name, reader in datasets.READERS.items():
        taken = set(inspect.signature(reader.read).parameters) - {"root", "name", "fault"}
        given = set(datasets.OPTIONS[name])
        assert given <= taken
        if f"synthetic-{name}" in datasets.OPTIONS:
            given |= set(datasets.OPTIONS[f"synthetic-{name}"])
            assert given == taken | set(twin.DIALS)
        else:
            assert given == taken
    assert all("split" in options for options in datasets.OPTIONS.values())


@pytest.mark.parametrize("name", ["regdb", "sysu", "folder"])
def test_a_root_that_is_not_there(tmp_path, name):
    """Somebody who names a folder has the data: nobody is to be asked for them."""
    error = trees.refused(lambda: datasets.open(name, tmp_path / "nowhere"), "nowhere", "no such")
    assert f"that exists is {tmp_path}" in error.remedy
    assert "University" not in str(error)
    trees.refused(
        lambda: datasets.open(name, trees.write(tmp_path / "file", "x")), "file", "no such folder"
    )


@pytest.mark.parametrize(("name", "says"), [("regdb", "dm.dongguk.edu"), ("sysu", "Sun Yat-sen")])
def test_without_a_root_it_says_whom_to_ask(tmp_path, monkeypatch, name, says):
    monkeypatch.setenv("BDLAB_DATA", str(tmp_path))
    trees.refused(lambda: datasets.open(name), name, says)


def test_another_layout_is_named(tmp_path):
    error = trees.refused(
        lambda: datasets.open("sysu", trees.folder(tmp_path)), None, "the layout of folder, not"
    )
    assert "open it as folder" in error.remedy


def test_default_roots(tmp_path, monkeypatch):
    monkeypatch.setenv("BDLAB_DATA", str(tmp_path))
    trees.regdb(tmp_path / "regdb")
    assert datasets.open("regdb").root == tmp_path / "regdb"
    trees.refused(lambda: datasets.open("sysu"), "sysu", "no such folder")
    trees.refused(lambda: datasets.open("folder"), None, "needs a root")


def test_a_twin_stays_a_twin(tmp_path):
    root = trees.regdb(tmp_path)
    trees.write(root / "twin.json", json.dumps({"kind": "synthetic-regdb", "seed": 3}))
    d = datasets.open("regdb", root)
    assert d.name == "synthetic-regdb"
    assert d.provenance["twin"]["seed"] == 3
    for garbage in ("", "{", "[]", "\x00"):
        trees.write(root / "twin.json", garbage)
        trees.refused(lambda: datasets.open("regdb", root), "twin.json", "dials of a twin")


@pytest.mark.parametrize("name", ["synthetic-regdb", "synthetic-sysu", "synthetic-llcm"])
def test_twins_are_rendered_and_read(tmp_path, monkeypatch, name):
    monkeypatch.setenv("BDLAB_DATA", str(tmp_path))
    d = datasets.open(name, split=1, size="smoke")
    assert d.name == name
    assert d.protocol == name.removeprefix("synthetic-")
    assert d.provenance["twin"]["size"] == "smoke"
    assert d.provenance["unlike_published"][0].startswith("rendered people")
    assert d.label == ""
    held = datasets.open(name, split=1, size="smoke", val_holdout=True)
    assert held.identities("val")
    assert held.identities("test") == d.identities("test")
    assert d.identities("train")
    assert d.identities("test")
    assert json.dumps(d.provenance)


def test_readers_do_not_need_torch():
    code = (
        "import sys, bdlab.datasets, bdlab.datasets.check, bdlab.datasets.importing; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
