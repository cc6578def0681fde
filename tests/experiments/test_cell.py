"""A cell before and after its run: what names it, what its record says, what goes on from it."""

import json
import os
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torchvision import models

from bdlab.experiments import cell, claims, provenance, runs, sweeps
from bdlab.network import backbones, resnet
from bdlab.training import loop
from bdlab.training import setup as setups
from bdlab.workbench.channels import numbers
from bdlab.workbench.retrieval import search
from tests.experiments.test_runs import PRINT, fill

SMOKE = {"epochs": 1, "steps": 1}


def configured(data="synthetic-regdb", **changes):
    return sweeps.configure("table4", "B2", "smoke", data, SMOKE | changes)


def weights(path, seed):
    torch.manual_seed(seed)
    torch.save(resnet._narrow().state_dict(), path)
    return str(path)


class TestFilesThatAreRead:
    def test_weights_replaced_at_the_same_path_are_another_cell(self, regdb, tmp_path):
        config = configured(weights=weights(tmp_path / "w.pth", 1))
        first = cell.of(config, regdb)
        assert cell.of(config, regdb).name == first.name
        weights(tmp_path / "w.pth", 2)
        assert cell.of(config, regdb).name != first.name
        assert cell.of(config, regdb).params == first.params  # what a hash of parameters sees

    def test_permutations_exchanged_are_another_cell(self, sysu, tmp_path):
        (tmp_path / "exp").mkdir()
        sysu = replace(sysu, root=tmp_path)
        config = configured("synthetic-sysu", draw="official")
        names = []
        for held in (b"one", b"two"):
            (tmp_path / setups.PERMUTATIONS).write_bytes(held)
            files = setups.files_read(config, sysu)
            names.append(runs.Cell(config.flat(), "f" * 64, files).name)
        assert names[0] != names[1]

    def test_an_interrupted_run_does_not_go_on_from_other_weights(self, tmp_path):
        config = configured(weights=weights(tmp_path / "w.pth", 1))
        (tmp_path / "1").mkdir()
        loop.train(setups.prepare(config, "cpu", progress=False), tmp_path / "1")
        weights(tmp_path / "w.pth", 2)
        other = setups.prepare(config, "cpu", progress=False)
        with pytest.raises(loop.ResumeError, match="files read was"):
            loop.train(other, resume=[tmp_path / "1"], inexact=True)

    def test_imagenet_weights_are_known_by_content_and_make_no_other_cell(
        self, regdb, tmp_path, monkeypatch
    ):
        """In place of torchvision's download a file of ours, under the name it publishes."""
        made = tmp_path / "made.pth"
        torch.save(models.resnet18().state_dict(), made)
        digits = runs.sha256(made)
        there = tmp_path / "hub" / "checkpoints" / f"resnet18-{digits[:8]}.pth"
        there.parent.mkdir(parents=True)
        made.rename(there)
        entry = SimpleNamespace(
            url=f"https://example.org/{there.name}",
            get_state_dict=lambda **_: torch.load(there, weights_only=True),
        )
        published = SimpleNamespace(IMAGENET1K_V1=entry)
        monkeypatch.setattr(models, "get_model_weights", lambda _: published)
        monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
        config = configured(backbone="resnet18", weights="imagenet")
        setup = setups.prepare(config, "cpu", progress=False)
        assert cell.provenance(setup)["published"] == {"weights": digits}
        assert cell.provenance(setup)["files"] == {}
        assert runs.Cell.of(setup).name == cell.of(config, regdb).name
        plain = setups.prepare(configured(), "cpu", progress=False)
        assert cell.provenance(plain)["published"] == {}
        there.write_bytes(b"another")  # the broken variant: under the same name other weights
        with pytest.raises(backbones.WeightsError, match="not the file that torchvision"):
            setups.prepare(config, "cpu", progress=False)

    def test_strides_that_nobody_said_stop_before_anything_is_paid_for(self, regdb, tmp_path):
        (tmp_path / "resnet50_v1.pth").write_bytes(b"?")
        config = configured(backbone="resnet50", weights=str(tmp_path / "resnet50_v1.pth"))
        with pytest.raises(backbones.WeightsError, match="strides"):
            cell.of(config, regdb)


def test_a_record_says_what_it_stands_on(tmp_path):
    config = configured(weights=weights(tmp_path / "w.pth", 1))
    attempt = runs.begin(tmp_path, cell.of(config))
    result = cell.run(config, attempt, "cpu")
    origin = result["provenance"]
    assert origin["files"] == {"weights": runs.sha256(tmp_path / "w.pth")}
    assert origin["strides"] == "v1.5"
    assert origin["code"] == provenance.code()
    assert (origin["threads"], origin["device"]) == (1, "cpu")
    assert runs.Cell.from_result(result).name == cell.of(config).name
    assert runs.commit(tmp_path, cell.of(config).name, attempt)
    kept = json.loads((tmp_path / cell.of(config).name / "result.json").read_text())
    assert kept == result
    (tmp_path / "w.pth").unlink()
    assert cell.load(_folder(tmp_path))  # all is in the folder; the first weights may be gone


def _folder(out):
    return next(folder for folder, result, _ in runs.committed(out) if result)


class TestFind:
    """Which finished cell is shown: the same in every notebook."""

    def place(self, out, row="MDL4", preset="smoke", seed=0, **changes):
        config = sweeps.configure("table4", row, preset, "regdb", {"seed": seed, **changes})
        made = runs.Cell(config.flat(), PRINT)
        attempt = runs.begin(out, made)
        fill(attempt, made)
        runs.commit(out, made.name, attempt)
        return out / made.name

    def test_ours_then_most_streams_then_size_then_seed(self, tmp_path):
        b2 = self.place(tmp_path, "B2", "demo")
        assert cell.find(tmp_path, "regdb") == b2
        mdl1 = self.place(tmp_path, "MDL1")
        assert cell.find(tmp_path, "regdb") == mdl1
        late = self.place(tmp_path, seed=3)
        assert cell.find(tmp_path, "regdb") == late
        first = self.place(tmp_path, seed=1)
        assert cell.find(tmp_path, "regdb") == first
        large = self.place(tmp_path, preset="demo", seed=9)
        assert cell.find(tmp_path, "regdb") == large
        assert cell.find(tmp_path, "regdb", row="B2") == b2

    def test_what_is_wanted_must_be_so(self, tmp_path):
        place = self.place(tmp_path, seed=3)
        self.place(tmp_path, preset="demo")
        assert cell.find(tmp_path, "regdb", preset="smoke") == place
        assert cell.find(tmp_path, "regdb", preset="paper") is None
        assert cell.find(tmp_path, "sysu") is None
        assert cell.find(tmp_path / "nowhere", "regdb") is None

    def test_the_generators_and_the_retrieval_open_the_same(self, tmp_path):
        self.place(tmp_path, "MDL4", "demo")
        self.place(tmp_path, "B2")
        ours = self.place(tmp_path)
        config = sweeps.configure("table4", "MDL4", "smoke", "regdb")
        assert numbers.find(tmp_path, "regdb", preset="smoke", seed=0) == ours
        assert search.find(tmp_path, config, PRINT) == ours
        assert search.find(tmp_path, config, "0" * 64) is None


def test_a_cell_that_another_runner_works_on_is_left_to_it(tmp_path):
    config = configured()
    named = cell.of(config)
    with (
        claims.claim(tmp_path / ".attempts" / named.name),
        pytest.raises(runs.RunError, match=f"being trained by .*process {os.getpid()}"),
    ):
        cell.make(named, config, tmp_path, "cpu")
    made = cell.make(named, config, tmp_path, "cpu")
    assert made == tmp_path / named.name
    assert cell.make(named, config, tmp_path, "cpu") == made


@pytest.mark.parametrize("copies", ["2", "8"])
def test_several_copies_by_a_launcher_are_refused(monkeypatch, copies):
    monkeypatch.setenv("WORLD_SIZE", copies)
    with pytest.raises(setups.TrainingError, match=f"WORLD_SIZE = {copies}"):
        setups.prepare(configured(), "cpu", progress=False)
    monkeypatch.setenv("WORLD_SIZE", "1")
    setups.one_process()


class TestCorruptedPictures:
    def test_they_are_a_cell_of_their_own_with_the_same_network(self, regdb, tmp_path):
        states = []
        for words in ("none", "mixed"):
            config = configured(corruption=words)
            folder = cell.make(cell.of(config, regdb), config, tmp_path, device="cpu")
            states.append(cell.load(folder).state_dict())
        assert len([path for path in tmp_path.iterdir() if path.name.startswith("table4")]) == 2
        assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())

    def test_chance_is_judged_by_the_clean_tests(self, regdb, tmp_path, monkeypatch):
        """Of twenty tests at chance one would be above it by luck."""
        judged = []
        monkeypatch.setattr(cell.collapse, "chance", lambda scores, _: judged.extend(scores) or {})
        config = configured(corruption="mixed noise")
        cell.make(cell.of(config, regdb), config, tmp_path, device="cpu")
        assert judged == ["v2t", "t2v"]
