"""Weights somebody trained before, in every form they come in, and everything that is none."""

import hashlib
import io
import json
import pickle
import struct
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from bdlab import network
from bdlab.network import resnet as resnets
from bdlab.network import start
from bdlab.network.reading import WeightsError

PARAMS = {"backbone": "resnet10", "strides": "auto", "method": "base-derivative", "height": 64}


def resnet(name="resnet10"):
    torch.manual_seed(7)
    return resnets.resnet(name).state_dict()


def net(weights=None, modalities=("V", "I", "DV", "DI"), people=5, **more):
    return network.BaseDerivativeNet(people, modalities, "resnet10", weights, **more)


def cell(place, trained=None, params=PARAMS, people=5):
    """A finished cell's folder, as far as a start from it needs one."""
    place.mkdir()
    state = (trained or trained_net(people)).state_dict()
    torch.save({"params": params, "num_ids": people, "state": state}, place / "weights.pt")
    digest = hashlib.sha256((place / "weights.pt").read_bytes()).hexdigest()
    (place / "result.json").write_text(json.dumps({"provenance": {"weights_sha256": digest}}))
    return place


def trained_net(people=5, modalities=("V", "I", "DV", "DI")):
    """A net in which no two numbers are the same by accident."""
    torch.manual_seed(3)
    made = net(modalities=modalities, people=people)
    with torch.no_grad():
        for value in made.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.rand_like(value))
    return made


def prefixed(prefix, more=()):
    return {prefix + name: value for name, value in resnet().items()} | dict(more)


#: What programs write, each around the same ResNet.
FORMS = {
    "a plain state dict": lambda: resnet(),
    "a checkpoint": lambda: {"state_dict": resnet(), "epoch": 3},
    "a checkpoint with its optimiser": lambda: {"epoch": 3, "model": resnet(), "optimizer": {}},
    "DataParallel": lambda: prefixed("module."),
    "DataParallel in a checkpoint": lambda: {"state_dict": prefixed("module.")},
    "a backbone beside a head": lambda: prefixed("backbone.", {"head.weight": torch.zeros(2, 2)}),
    "two prefixes": lambda: prefixed("module.encoder."),
    "another classifier": lambda: resnet() | {"fc.weight": torch.zeros(9, 128)},
    "halves": lambda: {n: v.half() if v.is_floating_point() else v for n, v in resnet().items()},
}


class TestForms:
    @pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
    @pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
    def test_each_fills_the_trunk(self, tmp_path, make, suffix):
        value, file = make(), tmp_path / f"some{suffix}"
        if suffix == ".pth":
            torch.save(value, file)
        else:
            inner = next((v for v in value.values() if isinstance(v, dict) and v), value)
            save_file(inner, file)
        made, wanted = net(str(file)), resnet()["layer4.0.conv2.weight"]
        close = 1e-3 if make is FORMS["halves"] else 0
        torch.testing.assert_close(made.trunk[3][0].conv2.weight, wanted, rtol=close, atol=close)

    def test_the_older_format_of_torch(self, tmp_path):
        file = tmp_path / "old.pth"
        torch.save(resnet(), file, _use_new_zipfile_serialization=False)
        assert torch.equal(net(str(file)).stems["I"][0].weight, resnet()["conv1.weight"])

    def test_no_prefix_taken_off_is_missed(self, tmp_path, monkeypatch):
        """The broken variant."""
        torch.save(prefixed("module."), tmp_path / "a.pth")
        monkeypatch.setattr(start, "_prefixes", lambda state, wanted: [""])
        with pytest.raises(WeightsError, match=r"conv1\.weight is missing"):
            net(str(tmp_path / "a.pth"))


BLOCKS = {"resnet18": 2, "resnet10": 1}


def timm_names(name, classes=True):
    """The names of timm's ResNet of basic blocks, written down from its modules and not from ours:
    ``create_model(name)``, without ``classes`` ``create_model(name, num_classes=0)``.
    """
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = ["conv1.weight", *(f"bn1.{part}" for part in norm)]
    for stage in (1, 2, 3, 4):
        for block in range(BLOCKS[name]):
            here = f"layer{stage}.{block}"
            for k in (1, 2):
                names += [f"{here}.conv{k}.weight", *(f"{here}.bn{k}.{part}" for part in norm)]
            if stage > 1 and block == 0:
                names += [f"{here}.downsample.0.weight"]
                names += [f"{here}.downsample.1.{part}" for part in norm]
    return [*names, "fc.weight", "fc.bias"] if classes else names


#: How timm and those who train with it write a model down.
TIMM = {
    "a model": lambda state: state,
    "its training script": lambda state: {"epoch": 9, "arch": "resnet18", "state_dict": state,
                                          "state_dict_ema": state, "version": 2},
    "compiled": lambda state: {f"_orig_mod.{name}": value for name, value in state.items()},
    "in a wrapper": lambda state: {f"model.{name}": value for name, value in state.items()},
}  # fmt: skip


class TestTimm:
    @pytest.mark.parametrize("make", TIMM.values(), ids=TIMM)
    @pytest.mark.parametrize("classes", [True, False])
    @pytest.mark.parametrize("name", BLOCKS)
    def test_its_resnets_fill_ours(self, tmp_path, name, make, classes):
        ours = resnet(name) | {"fc.weight": torch.zeros(7, 512), "fc.bias": torch.zeros(7)}
        state = {key: ours[key] for key in timm_names(name, classes)}
        torch.save(make(state), tmp_path / "a.pth")
        made = network.BaseDerivativeNet(5, ("V", "I"), name, str(tmp_path / "a.pth"))
        stages = [made.trunk[stage] for stage in range(4)]
        for number, stage in enumerate(stages, start=1):
            for key, value in stage.state_dict().items():
                assert torch.equal(value, state[f"layer{number}.{key}"]), key
        for stem in ("V", "I"):
            assert torch.equal(made.stems[stem][0].weight, state["conv1.weight"])

    def test_no_name_is_left_to_chance(self, tmp_path):
        """The broken variant: one block of the list forgotten."""
        ours = resnet()
        state = {key: ours[key] for key in timm_names("resnet10", False) if "layer3.0" not in key}
        torch.save(state, tmp_path / "a.pth")
        with pytest.raises(WeightsError, match=r"layer3\.0\.\S+ is missing"):
            net(str(tmp_path / "a.pth"))

    @pytest.mark.parametrize(
        ("backbone", "names"),
        [
            ("vit_micro", ("cls_token", "pos_embed", "patch_embed.proj.weight",
                           "blocks.0.attn.qkv.weight", "head.weight")),
            ("convnext_micro", ("stem.0.weight", "stages.0.blocks.0.conv_dw.weight",
                                "head.fc.weight")),
            ("resnet10", ("conv1.0.weight", "conv1.1.weight", "bn1.weight")),  # resnet10d's stem
        ],
    )  # fmt: skip
    def test_what_timm_builds_otherwise_is_refused_by_name(self, tmp_path, backbone, names):
        torch.save({name: torch.zeros(4, 4) for name in names}, tmp_path / "a.pth")
        with pytest.raises(WeightsError, match="do not fit the backbone: .* is missing") as caught:
            network.BaseDerivativeNet(5, ("V", "I"), backbone, str(tmp_path / "a.pth"))
        assert any(f"{name} is unknown" in str(caught.value) for name in names)


class TestCells:
    def test_everything_but_the_classifier_goes_on(self, tmp_path):
        old = trained_net()
        new = net(str(cell(tmp_path / "cell", old)), people=9)
        for name, value in new.state_dict().items():
            if not name.startswith("classifier"):
                assert torch.equal(value, old.state_dict()[name]), name
        assert len(new.classifier.weight) == 9
        assert new.classifier.weight.abs().max() < 0.01, "it begins anew"

    def test_a_stem_the_cell_has_not_begins_as_its_parents(self, tmp_path):
        old = trained_net(modalities=("V", "I"))
        new = net(str(cell(tmp_path / "cell", old)))
        for child, parent in (("DV", "V"), ("DI", "I")):
            assert torch.equal(new.stems[child][0].weight, old.stems[parent][0].weight)
        assert not torch.equal(new.stems["DV"][0].weight, new.stems["DI"][0].weight)
        assert torch.equal(new.encoder.conv.weight, net().encoder.conv.weight), "E_V begins anew"

    def test_its_file_alone_is_enough(self, tmp_path):
        folder = cell(tmp_path / "cell")
        (folder / "weights.pt").rename(tmp_path / "mine.pt")
        assert torch.equal(net(str(tmp_path / "mine.pt")).neck.weight, trained_net().neck.weight)

    def test_what_is_inherited(self, tmp_path):
        params = PARAMS | {"lr": 0.5, "width": 32, "row": "MDL4"}
        taken = start.inherited(cell(tmp_path / "cell", params=params))
        assert taken == {"backbone": "resnet10", "strides": "auto", "height": 64, "width": 32}
        torch.save(resnet(), tmp_path / "a.pth")
        with pytest.raises(WeightsError, match="no cell, so nothing says how it was trained"):
            start.inherited(tmp_path / "a.pth")

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda f: (f / "weights.pt").unlink(), "no finished cell"),
            (lambda f: flip(f / "weights.pt"), "damaged, its sha256"),
        ],
    )
    def test_a_damaged_cell(self, tmp_path, change, said):
        folder = cell(tmp_path / "cell")
        change(folder)
        with pytest.raises(WeightsError, match=said) as caught:
            net(str(folder))
        assert str(folder) in str(caught.value)

    def test_strides_are_those_the_run_has_noted(self, tmp_path):
        folder = cell(tmp_path / "cell")
        result = json.loads((folder / "result.json").read_text())
        result["provenance"]["strides"] = "v1"
        (folder / "result.json").write_text(json.dumps(result))
        assert start.inherited(folder)["strides"] == "v1"
        assert resnets.strides_of("auto", str(folder), "resnet50") == "v1"

    def test_another_backbone_is_named(self, tmp_path):
        with pytest.raises(WeightsError, match="set backbone=resnet10"):
            network.BaseDerivativeNet(5, backbone="resnet18", weights=str(cell(tmp_path / "cell")))


def flip(path):
    """One bit of the largest tensor."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def bomb():
    """A member that claims a quarter of a gigabyte of zeros."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
        archive.writestr("archive/data/0", bytes(1 << 28))
    return out.getvalue()


def saved(value):
    out = io.BytesIO()
    torch.save(value, out)
    return out.getvalue()


def lying_safetensors():
    about = {"conv1.weight": {"dtype": "F32", "shape": [1 << 30], "data_offsets": [0, 1 << 32]}}
    header = json.dumps(about).encode()
    return struct.pack("<Q", len(header)) + header


#: What lies in the place of weights: its bytes, the suffix, what is said.
NONE = {
    "nothing": (lambda: b"", ".pth", "loaded safely"),
    "text": (lambda: b"hello", ".pth", "loaded safely"),
    "a web page": (lambda: b"\n<!DOCTYPE html>", ".pth", "a web page"),
    "a git-LFS pointer": (
        lambda: b"version https://git-lfs.github.com/spec/v1",
        ".pth",
        "git lfs pull",
    ),
    "an unfinished training": (lambda: b"bdlab-checkpoint-1 ab 3\nabc", ".pt", "unfinished"),
    "a bomb": (bomb, ".pth", "claim 268"),
    "a list": (lambda: saved([1]), ".pth", "this holds list"),
    "a dict of other things": (lambda: saved({"epoch": 3}), ".pth", "'epoch' holds int"),
    "a wide tensor": (
        lambda: saved({"conv1.weight": torch.zeros(1).expand(64, 3, 7, 7)}),
        ".pth",
        "not loaded|no ResNet|do not fit",
    ),
    "another network": (
        lambda: saved({"stem.0.weight": torch.zeros(2)}),
        ".pth",
        "conv1.weight is missing; stem.0.weight is unknown",
    ),
    "two networks": (
        lambda: saved(prefixed("encoder_q.") | prefixed("encoder_k.")),
        ".pth",
        "2 networks in one file, under 'encoder_k.', 'encoder_q.'",
    ),
    "safetensors cut short": (lambda: b"\x10\0\0\0\0\0\0\0{", ".safetensors", "no whole safe"),
    "safetensors that lie": (lying_safetensors, ".safetensors", "no whole safe"),
    "a pickle": (lambda: pickle.dumps({"a": 1}), ".pth", "loaded safely"),
}


@pytest.mark.parametrize(("make", "suffix", "said"), NONE.values(), ids=NONE)
def test_what_is_no_weights_is_named_with_a_remedy(tmp_path, make, suffix, said):
    file = tmp_path / f"some{suffix}"
    file.write_bytes(make())
    with pytest.raises(WeightsError, match=said) as caught:
        net(str(file))
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning", "ignore::DeprecationWarning")
def test_a_torchscript_program_is_named(tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "a.pt")
    with pytest.raises(WeightsError, match="a TorchScript program, not a state dict"):
        net(str(tmp_path / "a.pt"))


def test_code_in_any_form_is_not_run(tmp_path):
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self):
            return (open, (str(canary), "w"))

    evil = {"state_dict": {"conv1.weight": Evil()}}
    for number, old in enumerate((False, True)):
        file = tmp_path / f"{number}.pth"
        torch.save(evil, file, _use_new_zipfile_serialization=not old)
        with pytest.raises(WeightsError, match="loaded safely"):
            net(str(file))
    assert not canary.exists()
    pickle.loads(pickle.dumps(Evil())).close()
    assert canary.exists(), "the attack is real"
