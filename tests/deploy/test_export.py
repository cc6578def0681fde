"""A cell as a file: other programs compute what we compute, or nothing is written."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open

import bdlab
from bdlab.datasets.pictures import load
from bdlab.deploy import DeployError
from bdlab.deploy import export as exporting
from bdlab.modality import Modality

from .conftest import committed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def embed(cell):
    return bdlab.embedder(cell, device="cpu")


def onnx(path):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda x, i: session.run(None, {"pictures": x, "infrared": i})[0]


def torchscript(path):
    net = torch.jit.load(path)

    def ask(x, i):
        with torch.no_grad():
            return net(torch.from_numpy(x), torch.from_numpy(i)).numpy()

    return ask


def needs_packages(to):
    """ONNX alone is left out where its packages are missing; TorchScript needs none."""
    if to == "onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")


def test_torchscript_is_never_left_out(monkeypatch):
    import sys

    for name in ("onnx", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
    needs_packages("torchscript")
    with pytest.raises(pytest.skip.Exception):
        needs_packages("onnx")


deprecated = pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning")
OPENED = {"onnx": onnx, "torchscript": torchscript}


@deprecated
@pytest.mark.parametrize("to", OPENED)
def test_a_file_gives_our_features_of_real_pictures(cell, embed, own, tmp_path, to):
    needs_packages(to)
    path = exporting.export(cell, to, tmp_path / "net")
    paths = [*sorted(own.glob("visible/*/*"))[:4], *sorted(own.glob("infrared/*/*"))[:3]]
    pictures = np.stack([load(p, embed.height, embed.width) for p in paths])
    theirs = OPENED[to](str(path))(pictures, np.arange(7) >= 4)
    ours = np.concatenate([embed(paths[:4], "V"), embed(paths[4:], "I")])
    assert theirs.dtype == np.float32
    assert np.abs(theirs - ours).max() <= 1e-5
    swapped = OPENED[to](str(path))(pictures, np.arange(7) < 4)
    assert np.abs(swapped - ours).max() > 1e-3, "the broken variant: the streams swapped"


@deprecated
@pytest.mark.parametrize("changes", [{"pool": "gem"}, {"feature": "pool"}])
def test_other_heads_too(tmp_path, changes):
    cell = committed(tmp_path / "runs", **changes)
    path = exporting.export(cell, "torchscript", tmp_path / "net.pt")
    assert path.stat().st_size > 0


@deprecated
@pytest.mark.parametrize("to", OPENED)
def test_a_net_that_computes_something_else_is_not_written(cell, tmp_path, monkeypatch, to):
    """The broken variant: the preprocessing forgets ImageNet's means."""
    needs_packages(to)
    monkeypatch.setattr(exporting, "MEAN", (0.0, 0.0, 0.0))
    with pytest.raises(DeployError, match="differ from ours by"):
        exporting.export(cell, to, tmp_path / "net")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("to", ["torch", "safetensors"])
def test_a_file_is_taken_where_a_cell_is(cell, embed, own, tmp_path, to):
    path = exporting.export(cell, to, tmp_path / f"net{exporting.SUFFIXES[to]}", licence="MIT")
    again = bdlab.embedder(path, device="cpu")
    picture = next(own.glob("visible/*/*"))
    assert np.array_equal(again(picture, "V"), embed(picture, "V"))
    from bdlab.network import BaseDerivativeNet

    net = BaseDerivativeNet(3, backbone="resnet10", weights=str(path))
    assert torch.equal(net.stems[Modality.DI][0].weight, embed.net.stems[Modality.DI][0].weight)


def test_published_weights_say_how_they_were_made(cell, tmp_path):
    path = exporting.export(cell, "safetensors", tmp_path / "net.safetensors", licence="CC-BY-4.0")
    result = json.loads((cell / "result.json").read_text())
    with safe_open(path, "pt") as opened:
        about = opened.metadata()
    strides = {"strides": result["provenance"]["strides"]}
    assert json.loads(about["bdlab.params"]) == result["params"] | strides
    assert json.loads(about["bdlab.scores"])["v2t"] == result["scores"]["v2t"]["mean"]
    assert about["bdlab.weights_sha256"] == result["provenance"]["weights_sha256"]
    assert about["licence"] == "CC-BY-4.0"
    card = path.with_suffix(".md").read_text()
    rank1 = f"{result['scores']['v2t']['mean']['R1']:.4f}"
    for word in ("CC-BY-4.0", rank1, "synthetic-regdb", about["bdlab.weights_sha256"]):
        assert word in card


def test_weights_without_a_licence_are_not_published(cell, tmp_path):
    with pytest.raises(DeployError, match="say under which licence with --licence"):
        exporting.export(cell, "safetensors", tmp_path / "net.safetensors")
    assert not list(tmp_path.iterdir())


def test_an_unknown_kind_and_a_missing_package(cell, tmp_path, monkeypatch):
    import sys

    with pytest.raises(DeployError, match="choose one of onnx, torchscript, torch, safetensors"):
        exporting.export(cell, "tensorrt", tmp_path / "net")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DeployError, match=r"needs the package onnx.*bdlab\[export\]"):
        exporting.export(cell, "onnx", tmp_path / "net")


def test_a_cell_tested_with_mirrored_pictures_is_refused(tmp_path):
    cell = committed(tmp_path / "runs", flip=True)
    with pytest.raises(DeployError, match="mirrored pictures"):
        exporting.export(cell, "torchscript", tmp_path / "net.pt")
