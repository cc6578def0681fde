"""The ten numbers: by name, in a row, and read from a finished cell."""

import json
import shutil

import numpy as np
import pytest
import torch

from bdlab.experiments import cell, sweeps
from bdlab.modality import Modality
from bdlab.network import BaseDerivativeNet, Generator
from bdlab.workbench.channels import numbers as generators

NUMBERS = {
    "E_V.weight": [0.1, -0.2, 0.3],
    "E_V.bias": [0.4],
    "G_S.weight": [0.5, 0.6, -0.7],
    "G_S.bias": [0.8, 0.9, 1.0],
}


@pytest.fixture(scope="module")
def runs_folder(own_place, tmp_path_factory):
    """Two finished cells of the smallest kind: MDL4, and MDL1, which has no E_V."""
    out = tmp_path_factory.mktemp("out")
    for row in ("MDL4", "MDL1"):
        config = sweeps.configure("table4", row, "smoke", "synthetic-regdb", {"steps": 1})
        (out / row).mkdir()
        cell.run(config, out / row)
    return out


def test_flat_and_back():
    row = generators.flat(NUMBERS)
    assert row == [0.1, -0.2, 0.3, 0.4, 0.5, 0.6, -0.7, 0.8, 0.9, 1.0]
    assert generators.unflat(row) == NUMBERS
    assert len(generators.NAMES) == len(row)
    assert dict(zip(generators.NAMES, row, strict=True))["G_S blue"] == -0.7


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"E_V.bias": [1, 2]}, "E_V.bias = .* 1 finite number are meant"),
        ({"G_S.weight": [1, 2]}, "3 finite numbers"),
        ({"G_S.bias": [0, float("nan"), 0]}, "finite"),
    ],
)
def test_what_is_no_generator_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        generators.checked(NUMBERS | change)


def test_a_missing_part_names_the_rows_that_have_it():
    with pytest.raises(ValueError, match="needs E_V.weight .* MDL2, MDL3 or MDL4"):
        generators.checked({k: v for k, v in NUMBERS.items() if k.startswith("G_S")})


@pytest.mark.parametrize("name", ["uniform", "luma"])
def test_a_preset_is_how_a_network_starts(name):
    net = BaseDerivativeNet(2, backbone="resnet10", generator_init=name)
    for part, values in net.generator_numbers().items():
        np.testing.assert_allclose(generators.preset(name)[part], values, atol=1e-7)


@pytest.mark.parametrize("space", generators.SPACES)
def test_identity_gives_infrared_back(space):
    """Through the network's own G_S and its own way in and out."""
    net = BaseDerivativeNet(2, backbone="resnet10", generator_space=space)
    numbers = generators.preset("D_I = I", space)
    with torch.no_grad():
        net.generator.conv.weight.copy_(torch.tensor(numbers["G_S.weight"]).view(3, 1, 1, 1))
        net.generator.conv.bias.copy_(torch.tensor(numbers["G_S.bias"]))
    assert isinstance(net.generator, Generator)
    grey = (torch.rand(1, 1, 8, 4).expand(-1, 3, -1, -1) - net.mean) / net.std
    torch.testing.assert_close(net.derive({Modality.I: grey})[Modality.DI], grey, atol=1e-5, rtol=0)
    other = next(s for s in generators.SPACES if s != space)
    assert generators.preset("D_I = I", other)["G_S.weight"] != numbers["G_S.weight"], (
        "the broken variant: the other space's numbers"
    )


@pytest.mark.parametrize(("name", "space"), [("red", "unit"), ("luma", "pixels")])
def test_an_unknown_name_is_refused(name, space):
    with pytest.raises(ValueError, match="one of .* is meant"):
        generators.preset(name, space)


class TestLearned:
    def test_a_cell_is_read_with_its_start(self, runs_folder):
        found = generators.read(runs_folder / "MDL4")
        lines = [
            json.loads(line)
            for line in (runs_folder / "MDL4" / "history.jsonl").read_text().splitlines()
        ]
        assert [line["epoch"] for line in found.history] == [0, 1, 2]
        assert found.history[0]["generator"] == generators.preset("uniform")
        assert found.history[-1]["generator"] == lines[-1]["generator"]
        np.testing.assert_allclose(
            generators.flat(found.numbers), generators.flat(lines[-1]["generator"]), atol=1e-6
        )
        assert (found.space, found.name) == ("normalised", "MDL4")
        assert found.moved == generators.moved(found.history) > 0

    def test_a_random_start_is_not_made_up(self):
        params = {
            "generator_init": "random",
            "generator_space": "unit",
            "row": "MDL4",
            "data": "folder",
        }
        found = generators.learned(NUMBERS, [{"epoch": 1, "generator": NUMBERS}], params)
        assert [line["epoch"] for line in found.history] == [1]
        assert found.moved == 0
        assert found.name == "MDL4 on folder"

    def test_a_run_that_came_with_bdlab_is_read_without_weights(self):
        folder = sorted(generators.reference.FOLDER.glob("table4-MDL4-*"))[-1]
        assert not list(folder.glob("weights*"))
        found = generators.read(folder)
        last = json.loads((folder / "history.jsonl").read_text().splitlines()[-1])
        assert found.numbers == last["generator"]
        assert found.history[0] == {"epoch": 0, "generator": generators.preset("uniform")}
        with pytest.raises(ValueError, match="no such folder; a committed cell is meant"):
            generators.read(generators.reference.FOLDER / "none")

    def test_the_change_is_the_largest_of_any_number(self):
        other = NUMBERS | {"G_S.bias": [0.8, 0.4, 1.0]}
        assert generators.moved(
            [{"generator": n} for n in (NUMBERS, other, NUMBERS)]
        ) == pytest.approx(0.5)

    def test_find_takes_a_cell_that_has_both(self, runs_folder):
        assert generators.find(runs_folder, "synthetic-regdb") == runs_folder / "MDL4"
        assert generators.find(runs_folder, "synthetic-sysu") is None
        assert generators.find(runs_folder / "nowhere", "synthetic-regdb") is None

    def test_a_row_without_e_v_is_refused(self, runs_folder):
        one = generators.read(runs_folder / "MDL1")
        assert "no D_V" in one.note
        start = generators.preset("uniform")
        assert one.numbers["E_V.weight"] == start["E_V.weight"]
        trained = generators.cell.load(runs_folder / "MDL1").generator_numbers()
        assert one.numbers["G_S.weight"] == trained["G_S.weight"]
        assert generators.read(runs_folder / "MDL4").note == ""

    @pytest.mark.parametrize("change", [{"shared_generator": False}, {"method": "x-modality"}])
    def test_a_cell_without_one_shared_g_s_is_refused(self, runs_folder, tmp_path, change):
        shutil.copytree(runs_folder / "MDL4", tmp_path / "other")
        for name in ("params.json", "result.json"):
            about = json.loads((tmp_path / "other" / name).read_text())
            (about if name == "params.json" else about["params"]).update(change)
            (tmp_path / "other" / name).write_text(json.dumps(about))
        assert generators.find(tmp_path, "synthetic-regdb") is None
        with pytest.raises(ValueError, match=r"does not share one G_S; take MDL4"):
            generators.read(tmp_path / "other")

    def test_what_is_no_cell_is_refused(self, runs_folder, tmp_path):
        with pytest.raises(ValueError, match="there is no such folder; a committed cell is meant"):
            generators.read(tmp_path / "none")
        shutil.copytree(runs_folder / "MDL4", tmp_path / "half")
        (tmp_path / "half" / "weights.pt").unlink()
        with pytest.raises(ValueError, match=r"weights.pt is missing"):
            generators.read(tmp_path / "half")
        weights = (runs_folder / "MDL4" / "weights.pt").read_bytes()
        (tmp_path / "half" / "weights.pt").write_bytes(
            weights[:-9] + bytes([weights[-9] ^ 1]) + weights[-8:]
        )
        with pytest.raises(ValueError, match=r"damaged.*run the cell again"):
            generators.read(tmp_path / "half")
