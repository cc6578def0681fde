"""The network: shapes, what is shared and what is not, eq. 1 by hand, parameter counts, export,
weights from files.
"""

import urllib.error
from hashlib import sha256

import numpy as np
import pytest
import torch

from bdlab import network
from bdlab.modality import Modality
from bdlab.network import backbones, resnet
from bdlab.pixels import LUMA, MEAN, STD
from tests.conftest import WEIGHTS

V, I, DV, DI = Modality
SMALL = {"backbone": "resnet10"}


def pictures(v=3, i=5, size=(64, 32)):
    return {V: torch.randn(v, 3, *size), I: torch.randn(i, 3, *size)}


@pytest.fixture
def net():
    return network.BaseDerivativeNet(10, **SMALL)


def test_one_pass_gives_every_intermediate_of_every_modality(net):
    out = net(pictures())
    for values, tail in (
        (out.images, (3, 64, 32)),
        (out.features, (128,)),
        (out.embeddings, (128,)),
        (out.logits, (10,)),
    ):
        assert {m: tuple(v.shape) for m, v in values.items()} == {
            V: (3, *tail),
            I: (5, *tail),
            DV: (3, *tail),
            DI: (5, *tail),
        }
    assert list(out.features) == [V, I, DV, DI]


@pytest.mark.parametrize("modalities", ["V I", "V I DI", "V I DV", "V I DV DI"])
def test_a_smaller_row_has_only_its_own_parts(modalities):
    names = modalities.split()
    net = network.BaseDerivativeNet(4, names, **SMALL)
    assert list(net(pictures()).features) == [Modality(m) for m in names]
    assert set(net.stems) == set(names)
    assert (net.encoder is not None) == ("DV" in names)
    assert (net.generator is not None) == bool({"DV", "DI"} & set(names))


def test_eq_1_by_hand(net):
    """E_V and G_S with odd numbers, one pixel at a time, in numpy."""
    with torch.no_grad():
        for p in net.generators():
            p.copy_(torch.randn_like(p))
    x = pictures(1, 1, (4, 2))
    made = net.derive(x)
    w_e, b_e = net.encoder.conv.weight.detach().numpy().ravel(), net.encoder.conv.bias.item()
    w_g, b_g = (
        net.generator.conv.weight.detach().numpy().ravel(),
        net.generator.conv.bias.detach().numpy(),
    )
    for r in range(4):
        for c in range(2):
            grey = max(0.0, float(w_e @ x[V][0, :, r, c].numpy() + b_e))
            np.testing.assert_allclose(
                made[DV][0, :, r, c].detach().numpy(), w_g * grey + b_g, atol=1e-6
            )
            np.testing.assert_allclose(
                made[DI][0, :, r, c].detach().numpy(),
                w_g * x[I][0, :, r, c].mean().item() + b_g,
                atol=1e-6,
            )


def test_one_generator_serves_both_and_the_encoder_clips(net):
    start = net.generator_numbers()
    assert start["E_V.weight"] == start["G_S.weight"] == pytest.approx([0.333] * 3)
    assert start["E_V.bias"] == [0.0]
    assert start["G_S.bias"] == [0.0] * 3
    assert sum(p.numel() for p in net.generators()) == 10
    dark = {V: torch.full((1, 3, 8, 8), -1.0), I: torch.full((1, 3, 8, 8), -1.0)}
    made = net.derive(dark)
    assert (made[DV] == 0).all()  # ReLU on normalised pixels clips what is darker than the mean
    assert (made[DI] < 0).all()  # infrared does not pass E_V


def test_unit_space_works_on_pixels_between_0_and_1():
    net = network.BaseDerivativeNet(4, generator_space="unit", generator_init="luma", **SMALL)
    pixels = torch.rand(2, 3, 8, 8)
    x = (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    back = net.derive({V: x, I: x})[DV] * net.std + net.mean
    luma = (pixels * torch.tensor(LUMA).view(3, 1, 1)).sum(1, keepdim=True)
    torch.testing.assert_close(back, luma.expand(-1, 3, -1, -1))


def test_random_start_differs_and_luma_is_luma():
    assert network.BaseDerivativeNet(4, generator_init="luma", **SMALL).generator_numbers()[
        "E_V.weight"
    ] == pytest.approx(LUMA)
    assert (
        len(
            set(
                network.BaseDerivativeNet(4, generator_init="random", **SMALL).generator_numbers()[
                    "G_S.weight"
                ]
            )
        )
        == 3
    )


def test_stems_are_independent_and_the_trunk_is_shared(net):
    before = net(pictures()).features[V]
    stems = [p.data_ptr() for m in net.modalities for p in net.stems[m].parameters()]
    assert len(set(stems)) == len(stems) == 4 * 3
    x = pictures()
    net.eval()
    same = {m: net(x).features[m] for m in Modality}
    with torch.no_grad():
        net.stems[DV][0].weight.add_(1.0)
    moved = net(x).features
    assert torch.equal(moved[V], same[V])
    assert torch.equal(moved[I], same[I])
    assert not torch.equal(moved[DV], same[DV])
    assert before.shape == moved[V].shape


@pytest.mark.parametrize(("modalities", "millions"), [("V I", 24.33), ("V I DV DI", 24.35)])
def test_parameters_as_counted_in_the_notes(modalities, millions):
    net = network.BaseDerivativeNet(395, modalities.split())
    assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(millions, abs=0.005)


def test_neck_and_classifier_are_as_decided(net):
    assert net.classifier.bias is None
    assert not net.neck.bias.requires_grad
    assert net.neck.weight.requires_grad
    assert {id(p) for p in net.head()} == {id(net.neck.weight), id(net.classifier.weight)}


@pytest.mark.parametrize(("stride", "map_"), [(1, (18, 9)), (2, (9, 5))])
def test_last_stride_doubles_the_last_map(stride, map_):
    net = network.BaseDerivativeNet(4, ("V", "I"), backbone="resnet18", last_stride=stride).eval()
    assert tuple(net.trunk(net.stems["V"](torch.zeros(1, 3, 288, 144))).shape[-2:]) == map_


def test_embeddings_have_unit_length_and_follow_the_feature(net):
    net.eval()
    x = pictures()[V]
    out = net({V: x})
    torch.testing.assert_close(
        net.embed(x, V), torch.nn.functional.normalize(out.embeddings[V], dim=1)
    )
    net.feature = "pool"
    torch.testing.assert_close(
        net.embed(x, "V"), torch.nn.functional.normalize(out.features[V], dim=1)
    )
    assert net.embed(x).norm(dim=1).tolist() == pytest.approx([1.0] * 3, abs=1e-5)


def test_export_keeps_two_streams_and_the_same_bits(net):
    x = pictures()
    net(x)  # moves the batch norms off their start
    net.eval()
    small = net.export()
    for m in (V, I):
        assert torch.equal(small.embed(x[m], m), net.embed(x[m], m))
    assert small.modalities == (V, I)
    assert small.encoder is None
    assert set(small.stems) == {"V", "I"}
    with torch.no_grad():
        small.classifier.weight.zero_()
    assert net.classifier.weight.abs().sum() > 0  # a copy


def test_one_base_modality_alone_is_enough_to_embed(net):
    assert set(net({I: pictures()[I]}).features) == {I, DI}


def test_same_torch_seed_same_network():
    torch.manual_seed(5)
    a = network.BaseDerivativeNet(4, **SMALL)
    torch.manual_seed(5)
    b = network.BaseDerivativeNet(4, **SMALL)
    assert all(
        torch.equal(x, y)
        for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_gem_between_mean_and_maximum():
    x = torch.rand(2, 4, 6, 3)
    pool = network.GeM(1.0)
    torch.testing.assert_close(pool(x), x.mean((-2, -1), keepdim=True))
    with torch.no_grad():
        pool.p.fill_(60.0)
    assert (pool(x) / x.amax((-2, -1), keepdim=True) > 0.9).all()
    pool(x).sum().backward()
    assert pool.p.grad is not None


class TestWeights:
    def save(self, tmp_path, change=lambda state: None, name="resnet18.pth"):
        state = resnet.resnet("resnet18").state_dict()
        change(state)
        torch.save(state, tmp_path / name)
        return str(tmp_path / name)

    def test_a_file_fills_every_stem_and_the_trunk(self, tmp_path):
        file = self.save(tmp_path)
        state = torch.load(file, weights_only=True)
        net = network.BaseDerivativeNet(4, backbone="resnet18", weights=file)
        for m in Modality:
            assert torch.equal(net.stems[m][0].weight, state["conv1.weight"])
        assert torch.equal(net.trunk[3][0].conv1.weight, state["layer4.0.conv1.weight"])

    def test_half_precision_without_classifier_is_fine(self, tmp_path):
        def halve(state):
            for name in list(state):
                if state[name].is_floating_point():
                    state[name] = state[name].half()
            del state["fc.weight"], state["fc.bias"]

        net = network.BaseDerivativeNet(4, backbone="resnet18", weights=self.save(tmp_path, halve))
        assert net.trunk[0][0].conv1.weight.dtype == torch.float32

    def test_strides_are_never_guessed_from_a_name(self, tmp_path):
        """torchvision's own file kept as resnet50_v1.pth must not get the original's strides."""
        for name in ("resnet50_v1.pth", "resnet50.pth"):
            (tmp_path / name).write_bytes(b"unknown")
            with pytest.raises(backbones.WeightsError, match=r"strides=v1\.5") as caught:
                backbones.strides_of("auto", str(tmp_path / name))
            assert name in str(caught.value)
        assert backbones.strides_of("v1", str(tmp_path / "resnet50.pth")) == "v1"
        assert backbones.strides_of("v1.5", str(tmp_path / "resnet50_v1.pth")) == "v1.5"

    def test_known_files_are_known_by_what_they_hold(self, tmp_path, monkeypatch):
        path = tmp_path / "any.pth"
        path.write_bytes(b"known")
        monkeypatch.setitem(backbones.KNOWN_STRIDES, sha256(b"known").hexdigest()[:8], "v1")
        assert backbones.strides_of("auto", str(path)) == "v1"

    @pytest.mark.skipif(not WEIGHTS.is_file(), reason="needs ImageNet weights")
    def test_the_original_weights_are_known(self):
        assert backbones.strides_of("auto", str(WEIGHTS)) == "v1"

    def test_only_a_resnet50_has_a_choice(self, tmp_path):
        assert backbones.strides_of("auto", str(tmp_path / "any.pth"), "resnet18") == "v1.5"
        assert backbones.strides_of("auto", "imagenet") == "v1.5"
        assert backbones.strides_of("auto", None) == "v1.5"

    def test_a_download_that_is_not_what_its_name_says_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "resnet18-f37072fd.pth").write_bytes(b"another")
        with pytest.raises(backbones.WeightsError, match="delete it"):
            backbones.build_backbone("resnet18", "imagenet")

    def test_strides_are_placed(self, tmp_path):
        torch.save(resnet.resnet("resnet50").state_dict(), tmp_path / "resnet50_v1.pth")
        v1 = resnet.resnet("resnet50", str(tmp_path / "resnet50_v1.pth"), strides="v1")
        v15 = resnet.resnet("resnet50", str(tmp_path / "resnet50_v1.pth"), strides="v1.5")
        assert [
            (s[0].conv1.stride[0], s[0].conv2.stride[0]) for s in (v1.layer2, v1.layer3, v1.layer4)
        ] == [(2, 1), (2, 1), (1, 1)]
        assert [
            (s[0].conv1.stride[0], s[0].conv2.stride[0])
            for s in (v15.layer2, v15.layer3, v15.layer4)
        ] == [(1, 2), (1, 2), (1, 1)]

    @pytest.mark.skipif(not WEIGHTS.exists(), reason="the development weights are not here")
    def test_real_imagenet_weights_see_the_same_thing_in_shifted_pictures(self):
        net = network.BaseDerivativeNet(4, ("V", "I"), weights=str(WEIGHTS)).eval()
        assert net.trunk[1][0].conv1.stride == (2, 2)
        ramp = torch.linspace(-2, 2, 144).expand(1, 3, 288, 144)
        noise = torch.randn(1, 3, 288, 144, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            a, b, c = (net.embed(x, V) for x in (ramp, ramp.roll(4, -1), noise))
        assert (a @ b.T).item() > 0.9 > (a @ c.T).item()

    def test_what_is_no_weights_file(self, tmp_path):
        with pytest.raises(
            backbones.WeightsError, match="neither a cell's folder nor a weights file"
        ):
            network.BaseDerivativeNet(4, weights=str(tmp_path / "no.pth"))
        (tmp_path / "text.pth").write_text("hello")
        with pytest.raises(backbones.WeightsError, match=r"text\.pth: not a plain state dict"):
            network.BaseDerivativeNet(4, weights=str(tmp_path / "text.pth"))
        torch.save([1, 2], tmp_path / "list.pth")
        with pytest.raises(backbones.WeightsError, match="a state dict"):
            network.BaseDerivativeNet(4, weights=str(tmp_path / "list.pth"))

    def test_code_in_a_weights_file_is_not_run(self, tmp_path):
        canary = tmp_path / "canary"

        class Evil:
            def __reduce__(self):
                return (open, (str(canary), "w"))

        torch.save({"conv1.weight": Evil()}, tmp_path / "evil.pth")
        with pytest.raises(backbones.WeightsError, match="loaded safely"):
            network.BaseDerivativeNet(4, weights=str(tmp_path / "evil.pth"))
        assert not canary.exists()

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda s: s.pop("layer1.0.conv1.weight"), "layer1.0.conv1.weight is missing"),
            (
                lambda s: s.update({"conv1.weight": torch.zeros(64, 1, 7, 7)}),
                r"conv1.weight is \(64, 1, 7, 7\), not",
            ),
            (lambda s: s.update(extra=torch.zeros(1)), "extra is unknown"),
        ],
    )
    def test_weights_that_do_not_fit_are_named(self, tmp_path, change, said):
        with pytest.raises(backbones.WeightsError, match=said):
            network.BaseDerivativeNet(4, backbone="resnet18", weights=self.save(tmp_path, change))

    def test_no_network_says_what_to_do(self, monkeypatch):
        def refuse(*_args, **_kwargs):
            raise urllib.error.URLError("no route to host")

        monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
        monkeypatch.setenv("TORCH_HOME", "absent-cache")
        monkeypatch.setattr(torch.hub.os, "makedirs", lambda *a, **k: None)
        with pytest.raises(backbones.WeightsError, match="Without a network, give a file"):
            network.BaseDerivativeNet(4, weights="imagenet")
        with pytest.raises(backbones.WeightsError, match="no ImageNet weights for resnet10"):
            network.BaseDerivativeNet(4, backbone="resnet10", weights="imagenet")


@pytest.mark.parametrize(
    "wrong",
    [
        {"pool": "max"},
        {"feature": "x"},
        {"generator_init": "x"},
        {"generator_space": "x"},
        {"backbone": "vgg"},
        {"strides": "v2"},
        {"generator": "x"},
    ],
)
def test_unknown_options_name_the_choices(wrong):
    with pytest.raises(ValueError, match="choose one of"):
        network.BaseDerivativeNet(4, **SMALL | wrong)


def test_gradient_reaches_every_parameter(net):
    out = net(pictures(4, 4))
    sum(
        v.square().sum() for values in (out.logits, out.features) for v in values.values()
    ).backward()
    for name, p in net.named_parameters():
        assert (p.grad is not None and p.grad.abs().sum() > 0) == p.requires_grad, name


class TestControls:
    """E_V and G_S frozen, absent, or one for each modality; the names that others use stay."""

    def test_frozen_numbers_are_there_and_not_trained(self):
        net = network.BaseDerivativeNet(4, generator="frozen", **SMALL)
        assert net.generators() == []
        assert net.generator_numbers() == network.BaseDerivativeNet(4, **SMALL).generator_numbers()
        sum(v.sum() for v in net(pictures(4, 4)).logits.values()).backward()
        assert all(
            p.grad is None for module in (net.encoder, net.generator) for p in module.parameters()
        )

    def test_grey_is_luma_and_a_copy(self):
        net = network.BaseDerivativeNet(4, generator="grey", **SMALL)
        assert net.encoder is net.generator is None
        assert (net.generators(), net.generator_numbers()) == ([], {})
        x = pictures(2, 3)
        made = net.derive(x)
        assert torch.equal(made[DI], x[I])
        pixels, back = x[V] * net.std + net.mean, made[DV] * net.std + net.mean
        luma = (pixels * torch.tensor(LUMA).view(3, 1, 1)).sum(1, keepdim=True)
        torch.testing.assert_close(back, luma.expand(-1, 3, -1, -1))
        assert list(net(x).features) == [V, I, DV, DI]

    def test_unshared_each_learns_from_its_own_modality(self):
        net = network.BaseDerivativeNet(4, shared_generator=False, **SMALL)
        assert sum(p.numel() for p in net.generators()) == 16
        assert set(net.generator_numbers()) == {
            f"{part}.{kind}" for part in ("E_V", "G_S", "G_I") for kind in ("weight", "bias")
        }
        made = net.derive(pictures())
        made[DI].sum().backward()
        assert net.generator.conv.weight.grad is None
        assert net.infrared_generator.conv.weight.grad.abs().sum() > 0
        made[DV].sum().backward()
        assert net.generator.conv.weight.grad.abs().sum() > 0
        assert net.export().infrared_generator is None

    def test_shared_learns_from_both(self, net):
        assert net.infrared_generator is None
        for m in (DV, DI):
            net.zero_grad(set_to_none=True)
            net.derive(pictures())[m].sum().backward()
            assert net.generator.conv.weight.grad.abs().sum() > 0

    def test_one_derivative_alone_has_nothing_to_share(self):
        assert (
            network.BaseDerivativeNet(
                4, ("V", "I", "DI"), shared_generator=False, **SMALL
            ).infrared_generator
            is None
        )
