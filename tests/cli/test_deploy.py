"""The commands that use a trained cell, from the training to the page."""

import csv
import json

import numpy as np
import pytest

from bdlab.deploy.pictures import example
from tests.cli.test_commands import call, said
from tests.deploy.conftest import committed


@pytest.fixture(scope="module")
def place(regdb, tmp_path_factory):
    """A folder with a cell in runs/ and ten people in own/."""
    root = tmp_path_factory.mktemp("place")
    return root, committed(root / "runs"), example(root / "own", 10, "smoke")


@pytest.mark.slow
def test_embed_then_search(place, tmp_path):
    _, cell, own = place
    made = call("embed", own, "--cell", cell, "--out", tmp_path / "f")
    assert made.exit_code == 0, said(made)
    assert len(np.load(tmp_path / "f" / "features.npy")) == len(list(own.rglob("*.*")))
    words = ("--gallery", tmp_path / "f", "--cell", cell, "--out", tmp_path / "s", "-k", 3)
    done = call("search", own / "visible", *words)
    assert done.exit_code == 0, said(done)
    assert "Rank-1" in done.output
    with (tmp_path / "s" / "ranks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * len(list((own / "visible").rglob("*.*")))
    assert {row["path"].split("/")[0] for row in rows} == {"infrared"}
    assert "<figure" in (tmp_path / "s" / "index.html").read_text()


@pytest.mark.slow
def test_export_test_and_track(place, tmp_path):
    root, cell, own = place
    done = call("export", cell, "--to", "torch", "--out", tmp_path / "net.pt")
    assert done.exit_code == 0, said(done)
    words = ("--data", "synthetic-sysu", "--size", "smoke", "--out", tmp_path / "scores.json")
    tested = call("test", "--cell", tmp_path / "net.pt", *words)
    assert tested.exit_code == 0, said(tested)
    label = json.loads((tmp_path / "scores.json").read_text())["label"]
    assert label.startswith("cross-set: trained on synthetic-regdb")
    several = ("--data", "synthetic-regdb", "--data", f"folder={own}", "--size", "smoke")
    words = (*several, "--corruption", "fog-5", "--out", tmp_path / "all.csv")
    tested = call("test", "--cell", root / "runs", "--cell", tmp_path / "net.pt", *words)
    assert tested.exit_code == 0, said(tested)
    assert "v2t@fog-5" in tested.output
    lines = list(csv.DictReader((tmp_path / "all.csv").read_text().splitlines()))
    assert {line["tested"] for line in lines} == {"synthetic-regdb (split 1)", "folder (split 1)"}
    assert all(line["label"] for line in lines)
    tracked = call("track", root / "runs", "--to", "csv", "--out", tmp_path / "t")
    assert tracked.exit_code == 0, said(tracked)
    assert (tmp_path / "t" / "history.csv").is_file()


@pytest.mark.slow
def test_from_a_cell_goes_on_and_notes_it(place, tmp_path):
    _, cell, own = place
    small = ("--set", "epochs=1", "--set", "steps=2", "--set", "identities=3")
    words = ("--data", "folder", "--root", own, "--preset", "smoke", "--out", tmp_path, *small)
    done = call("train", "B2", "--from", cell, *words)
    assert done.exit_code == 0, said(done)
    (result,) = tmp_path.glob("table4-*/result.json")
    params = json.loads(result.read_text())["params"]
    assert params["weights"] == str(cell.resolve())
    assert (params["height"], params["backbone"]) == (32, "resnet10")


BAD = {
    "no cell": (("search", "a.jpg", "--gallery", "b", "--cell", "absent"), "neither a cell's"),
    "no query": (("search", "a.jpg", "--gallery", "b", "--cell", "CELL"), "a.jpg: neither"),
    "no licence": (("export", "CELL", "--to", "safetensors"), "--licence"),
    "another kind": (("export", "CELL", "--to", "tflite"), "choose one of onnx"),
    "nothing run": (("track", "nowhere"), "nothing has been run there yet"),
    "no set": (("test", "--cell", "CELL", "--data", "regdb", "--root", "nowhere"), "no such"),
    "no such set": (("test", "--cell", "CELL", "--data", "market"), "'market' is no set"),
    "a fog too far": (
        ("test", "--cell", "CELL", "--data", "regdb", "--corruption", "fog-6"),
        "'fog-6'",
    ),
    "a root of two": (
        ("test", "--cell", "CELL", "--data", "regdb", "--data", "sysu", "--root", "x"),
        "--root is for one set",
    ),
    "no runs": (("test", "--cell", ".", "--data", "synthetic-regdb"), "neither a finished cell"),
    "from nowhere": (
        ("train", "B2", "--from", "nowhere"),
        "neither a cell's folder nor a weights file",
    ),
}


@pytest.mark.parametrize(("words", "expect"), BAD.values(), ids=BAD)
def test_bad_input_is_one_paragraph(place, tmp_path, monkeypatch, words, expect):
    monkeypatch.chdir(tmp_path)
    result = call(*(place[1] if word == "CELL" else word for word in words))
    assert result.exit_code == 2, said(result)
    assert expect in said(result)
    assert "Traceback" not in said(result)
    assert not list(tmp_path.iterdir())
