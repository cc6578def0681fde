"""timm's models behind the contract: the same maps as timm's own pass, weights of a file, a run."""

import sys

import pytest
import torch

from bdlab import network
from bdlab.experiments import sweeps
from bdlab.modality import Modality
from bdlab.network import backbones, timms
from bdlab.training import loop
from bdlab.training import setup as setups


def test_without_timm_the_remedy_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ValueError, match=r"not installed: `pip install 'bdlab\[timm\]'`"):
        backbones.build_backbone("timm_micro")
    backbones.build_backbone("resnet10")  # nothing else needs it


def test_the_configuration_knows_each():
    for name in timms.MODELS:
        changes = {"backbone": name}
        assert sweeps.configure("table4", "B2", "smoke", "synthetic-regdb", changes).model.backbone


class TestModels:
    @pytest.fixture(autouse=True)
    def timm(self):
        return pytest.importorskip("timm", reason="pip install 'bdlab[timm]'")

    @pytest.mark.parametrize(("last_stride", "output_stride"), [(1, 16), (2, 32)])
    @pytest.mark.parametrize("name", ["timm_micro", "timm_convnextv2_nano"])
    def test_its_maps_are_timms_own(self, timm, name, last_stride, output_stride, tmp_path):
        """Weights of a file with timm's classifier in it; the parts one after the other."""
        model = timm.create_model(timms.MODELS[name], output_stride=output_stride).eval()
        torch.save(model.state_dict(), tmp_path / "w.pth")
        body = backbones.build_backbone(name, str(tmp_path / "w.pth"), last_stride=last_stride)
        x = torch.randn(2, 3, 64, 32)
        with torch.no_grad():
            maps = body.trunk.eval()(body.stem.eval()(x))
            assert torch.equal(maps, model.forward_features(x))
        side = 64 // output_stride
        assert maps.shape == (2, body.dim, side, side // 2)

    def test_weights_of_another_model_are_named(self, timm, tmp_path):
        torch.save(timm.create_model("test_convnext").state_dict(), tmp_path / "w.pth")
        with pytest.raises(network.WeightsError, match=r"do not fit .*missing"):
            backbones.build_backbone("timm_micro", str(tmp_path / "w.pth"))

    def test_nothing_is_downloaded(self, monkeypatch):
        from huggingface_hub import file_download

        def refuse(*_, **__):
            raise AssertionError("the net was asked")

        monkeypatch.setattr(file_download, "hf_hub_download", refuse)
        monkeypatch.setattr("torch.hub.load_state_dict_from_url", refuse)
        backbones.build_backbone("timm_micro")
        with pytest.raises(network.WeightsError, match=r"nothing is downloaded.*weights=w\.pth"):
            backbones.build_backbone("timm_micro", "imagenet")

    def test_nothing_in_it_draws(self):
        body = backbones.build_backbone("timm_micro")
        x = torch.randn(2, 3, 64, 32)
        before = torch.get_rng_state()
        body.trunk.train()(body.stem.train()(x))
        assert torch.equal(torch.get_rng_state(), before)

    def test_the_four_stream_network_trains_on_it(self, regdb):
        changes = {"epochs": 1, "steps": 3, "backbone": "timm_micro", "lr": 0.02}
        runs = []
        for _ in range(2):
            config = sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb", changes)
            setup = setups.prepare(config, device="cpu", progress=False)
            runs.append([line["terms"] for line in loop.train(setup)])
        assert runs[0] == runs[1]
        x = torch.randn(3, 3, 64, 32)
        net = setup.net.eval()
        assert torch.equal(net.embed(x, Modality.I), net.export().embed(x, Modality.I))
