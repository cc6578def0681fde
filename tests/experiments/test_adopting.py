"""What is computed once under two names: adopted where only the names differ, never else."""

import json
import shutil

import pytest
import torch
from click.testing import CliRunner

from bdlab.cli import main
from bdlab.experiments import adopting, cell, runs, sweeps

pytestmark = pytest.mark.slow

HERE = (1, "cpu")  # threads, device


def configured(sweep, row, **changes):
    return sweeps.configure(sweep, row, "smoke", "synthetic-regdb", changes)


@pytest.fixture(scope="module")
def trained(own_place, tmp_path_factory):
    """A folder with MDL4 of Table IV, finished."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("runs")
    config = configured("table4", "MDL4")
    return cell.make(cell.of(config), config, out, "cpu")


def wanted(**changes):
    """The cell of the controls' Ours, and the configuration that would make it."""
    config = configured("controls", "Ours", **changes)
    return cell.of(config), config


def test_the_adopted_cell_is_the_one_that_training_would_have_made(trained, tmp_path):
    ours, config = wanted()
    assert adopting.adopt(trained.parent, ours, *HERE) == trained
    adopted = runs.done(trained.parent, ours)
    made = cell.make(ours, config, tmp_path, "cpu")
    again = json.loads((made / "result.json").read_text())
    assert adopted["scores"] == again["scores"]
    assert adopted["params"] == again["params"]
    theirs, mine = cell.load(made), cell.load(trained.parent / ours.name)
    assert all(
        torch.equal(value, theirs.state_dict()[name]) for name, value in mine.state_dict().items()
    )
    assert adopted["provenance"]["adopted_from"] == trained.name
    assert (trained / "result.json").is_file(), "the first one stays"


def changed(folder, **origin):
    result = json.loads((folder / "result.json").read_text())
    result["provenance"] |= origin
    (folder / "result.json").write_text(json.dumps(result))


@pytest.mark.parametrize(
    "origin",
    [
        {"code": "other"},
        {"threads": 2},
        {"torch": "1.0"},
        {"device": "NVIDIA H100"},
        {"resumed": {"exact": False}},
    ],
    ids=lambda origin: next(iter(origin)),
)
def test_what_was_computed_otherwise_is_not_adopted(trained, tmp_path, origin):
    copied = shutil.copytree(trained, tmp_path / "runs" / trained.name)
    changed(copied, **origin)
    assert adopting.adopt(tmp_path / "runs", wanted()[0], *HERE) is None
    assert [folder.name for folder, *_ in runs.committed(tmp_path / "runs")] == [trained.name]


@pytest.mark.parametrize("changes", [{"seed": 1}, {"gamma": 2.0}, {"epochs": 1}])
def test_another_parameter_is_another_cell(trained, changes):
    assert adopting.adopt(trained.parent, wanted(**changes)[0], *HERE) is None


def test_a_damaged_cell_is_not_adopted(trained, tmp_path):
    copied = shutil.copytree(trained, tmp_path / "runs" / trained.name)
    (copied / "weights.pt").write_bytes(b"")
    assert adopting.adopt(tmp_path / "runs", wanted()[0], *HERE) is None


def test_one_flipped_bit_is_not_handed_on(trained, tmp_path):
    copied = shutil.copytree(trained, tmp_path / "runs" / trained.name)
    weights = bytearray((copied / "weights.pt").read_bytes())
    weights[len(weights) // 2] ^= 1
    (copied / "weights.pt").write_bytes(weights)
    ours, _ = wanted()
    assert adopting.adopt(tmp_path / "runs", ours, *HERE) is None
    assert not (tmp_path / "runs" / ours.name).exists()


class TestStandingIn:
    @pytest.fixture
    def shipped(self, trained):
        """MDL4 of Table IV, finished, and a control that has no other name."""
        result = json.loads((trained / "result.json").read_text())
        control = configured("controls", "B2-batch").flat()
        return [(trained, result), (trained.parent / "control", result | {"params": control})]

    def test_mdl4_of_table_4_stands_in_for_ours(self, shipped, trained):
        ((folder, other),) = adopting.standing_in(shipped)
        assert folder == trained
        assert runs.Cell.from_result(other).name == wanted()[0].name
        assert other["scores"] == shipped[0][1]["scores"]
        assert other["provenance"]["adopted_from"] == trained.name
        assert shipped[0][1]["params"]["sweep"] == "table4", "the first is as it was"

    def test_only_in_a_sweep_that_is_there(self, shipped):
        assert not list(adopting.standing_in(shipped[:1]))

    @pytest.mark.parametrize("elsewhere", [{"preset": "demo"}, {"data": "synthetic-sysu"}])
    def test_only_on_the_same_data_at_the_same_preset(self, shipped, elsewhere):
        shipped[1][1]["params"] = shipped[1][1]["params"] | elsewhere
        assert not list(adopting.standing_in(shipped))

    def test_not_beside_one_that_was_made(self, shipped):
        made = shipped[0][1] | {"params": wanted()[1].flat()}
        assert not list(adopting.standing_in([*shipped, (shipped[0][0], made)]))

    def test_another_parameter_is_another_cell(self, shipped):
        shipped[0][1]["params"] = shipped[0][1]["params"] | {"gamma": 2.0}
        assert not list(adopting.standing_in(shipped))


def test_the_command_line_says_so(trained):
    words = ["train", "Ours", "--sweep", "table3", "--preset", "smoke", "--data"]
    words += ["synthetic-regdb", "--device", "cpu", "--threads", "1", "--out", str(trained.parent)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "computed before, as table4-MDL4" in done.output or "as controls-Ours" in done.output
    assert "epoch" not in done.output
