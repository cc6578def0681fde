"""Every backbone behind one contract: shapes, training at smoke size, weights from a file, and who
refuses which.
"""

import pytest
import torch

from bdlab import network
from bdlab.config import ConfigError
from bdlab.experiments import sweeps
from bdlab.methods import METHODS
from bdlab.modality import Modality
from bdlab.network import backbones, convnext, timms, vit
from bdlab.training import loop
from bdlab.training import setup as setups
from tests.methods.made import batch, made
from tests.methods.made import config as made_config

V, I, DV, DI = Modality
SMALL = ("resnet10", "convnext_micro", "vit_micro")


def config(backbone, **changes):
    changes = {"epochs": 2, "steps": 6, "backbone": backbone} | changes
    return sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb", changes)


@pytest.mark.parametrize("name", backbones.BACKBONES)
def test_a_stem_and_a_trunk_make_maps_of_the_dimension_it_says(name):
    if name in timms.MODELS:
        pytest.importorskip("timm", reason="pip install 'bdlab[timm]'")
    body = backbones.build_backbone(name)
    height, width = (64, 32) if name in SMALL else (96, 64)
    with torch.no_grad():
        maps = body.trunk(body.stem(torch.randn(2, 3, height, width)))
    assert maps.ndim == 4
    assert maps.shape[:2] == (2, body.dim)
    # upright pictures keep their form: rows are rows
    assert maps.shape[2] > maps.shape[3]


@pytest.mark.parametrize("name", SMALL)
def test_the_four_stream_network_runs_on_it(name, regdb):
    """A whole smoke run, and the same bits again: nothing in it draws of its own."""
    runs = []
    for _ in range(2):
        setup = setups.prepare(config(name, lr=0.02), device="cpu", progress=False)
        history = loop.train(setup)
        runs.append([line["terms"] for line in history])
    assert runs[0] == runs[1]
    assert setup.net.dim == backbones.build_backbone(name).dim
    x = torch.randn(3, 3, 32, 16)
    assert torch.equal(setup.net.eval().embed(x, I), setup.net.export().embed(x, I))


@pytest.mark.parametrize("name", SMALL)
def test_it_learns(name):
    """Twenty steps on one batch of people, each a colour."""
    net, objective = made("base-derivative", backbone=name, beta=0.0, gamma=0.0)
    opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    seen, ids = batch(), []
    for _ in range(20):
        terms = objective(seen)
        opt.zero_grad(set_to_none=True)
        terms["total"].backward()
        opt.step()
        ids.append(terms["id"].item())
    assert ids[-1] < 0.7 * ids[0]


@pytest.mark.parametrize("name", SMALL)
def test_a_gradient_reaches_every_parameter(name):
    net = network.BaseDerivativeNet(5, backbone=name)
    out = net({V: torch.randn(4, 3, 64, 32), I: torch.randn(4, 3, 64, 32)})
    terms = [v.square().sum() for values in (out.logits, out.features) for v in values.values()]
    torch.stack(terms).sum().backward()
    for parameter_name, p in net.named_parameters():
        reached = p.grad is not None and p.grad.abs().sum() > 0
        assert reached == p.requires_grad, parameter_name


@pytest.mark.parametrize(("name", "head"), [("convnext_micro", "classifier.2.weight"),
                                            ("vit_micro", "heads.head.weight")])  # fmt: skip
def test_a_state_dict_of_torchvision_fills_stem_and_trunk(name, head, tmp_path):
    module = {"convnext_micro": convnext, "vit_micro": vit}[name]
    whole = module._micro()
    state = whole.state_dict()
    assert head in state  # its classifier is neither needed nor used
    torch.save(state, tmp_path / "w.pth")
    body = backbones.build_backbone(name, str(tmp_path / "w.pth"))
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        maps = body.trunk(body.stem(x))
        if name == "vit_micro":
            # torchvision's own pass: its class token and patches, before the head
            tokens = torch.cat([whole.class_token.expand(2, -1, -1), whole._process_input(x)], 1)
            want = whole.encoder(tokens)[:, 1:].transpose(1, 2).unflatten(2, (4, 4))
        else:
            body = backbones.build_backbone(name, str(tmp_path / "w.pth"), last_stride=2)
            maps = body.trunk(body.stem(x))
            want = whole.features(x)
    torch.testing.assert_close(maps, want)


def test_position_embeddings_are_interpolated_to_the_map():
    """A ramp of position embeddings stays one on an upright map; on the square it is as given."""
    encoder = vit.build("vit_micro", None, "auto", 1).trunk
    ramp = torch.arange(4.0).repeat_interleave(4)[:, None].expand(16, 64)  # by row
    with torch.no_grad():
        encoder.positions[0, 1:] = ramp
    assert torch.equal(encoder._placed(4, 4), encoder.positions)
    upright = encoder._placed(8, 4)[0, 1:, 0].unflatten(0, (8, 4))
    assert torch.allclose(upright, upright[:, :1].expand(8, 4))
    assert (upright.diff(dim=0) >= 0).all()


def test_nothing_in_a_convnext_is_left_to_chance():
    """Stochastic depth would draw from torch's own numbers."""
    body = backbones.build_backbone("convnext_tiny").trunk.train()
    depths = [m.p for m in body.modules() if type(m).__name__ == "StochasticDepth"]
    assert depths
    assert set(depths) == {0.0}


class TestRefusals:
    @pytest.mark.parametrize("method", ["agw", "zero-padding"])
    @pytest.mark.parametrize("backbone", ["vit_micro", "convnext_micro"])
    def test_rivals_built_into_a_resnet_refuse_others_by_name(self, method, backbone):
        c = made_config(method, backbone=backbone)
        with pytest.raises(ConfigError, match=f"'{method}' is built into a ResNet, .*'{backbone}'"):
            METHODS[method](c, 5)

    @pytest.mark.parametrize("backbone", ["vit_micro", "convnext_micro"])
    def test_the_others_take_any(self, backbone):
        for method in ("one-stream", "asymmetric", "bdtr", "cmgan"):
            assert made(method, backbone=backbone)[0].stages is False

    def test_a_transformer_has_no_last_stride(self):
        with pytest.raises(ValueError, match="last_stride = 2: vit_micro has one stride"):
            backbones.build_backbone("vit_micro", last_stride=2)

    def test_weights_of_another_backbone_are_named(self, tmp_path):
        torch.save(vit._micro().state_dict(), tmp_path / "w.pth")
        with pytest.raises(network.WeightsError, match=r"features.*is missing; class_token is"):
            backbones.build_backbone("convnext_micro", str(tmp_path / "w.pth"))
