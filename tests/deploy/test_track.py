"""Runs for other programs: every number of every history, of finished and of running cells."""

import csv
import json
import shutil
import sys

import pytest

from bdlab.deploy import DeployError, track
from bdlab.experiments import runs
from bdlab.files import read_lines

pytestmark = pytest.mark.slow


@pytest.fixture
def out(cell, tmp_path):
    """A folder with one finished cell and one that runs."""
    out = tmp_path / "runs"
    shutil.copytree(cell, out / cell.name)
    params = json.loads((cell / "params.json").read_text()) | {"seed": 9}
    attempt = runs.begin(out, runs.Cell(params, "f" * 64))
    shutil.copy(cell / "history.jsonl", attempt)
    return out


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_the_tables_hold_every_number(cell, out):
    place, count = track.export(out, "csv")
    assert (place, count) == (out / "track" / "csv", 2)
    told = {
        (row["epoch"], row["name"]): float(row["value"])
        for row in rows(place / "history.csv")
        if row["cell"] == cell.name
    }
    (line,) = read_lines(cell / "history.jsonl")
    wanted = {("1", name): value for name, value in (line["terms"] | {"lr": line["lr"]}).items()}
    assert told == wanted
    cells = {row["cell"]: row for row in rows(place / "cells.csv")}
    assert sorted(row["state"] for row in cells.values()) == ["done", "running"]
    result = json.loads((cell / "result.json").read_text())
    said = float(cells[cell.name]["v2t/mAP"])
    assert said == result["scores"]["v2t"]["mean"]["mAP"]
    assert cells[cell.name]["modalities"] == "V I DV DI"


def test_a_running_cell_has_its_history_and_no_score(out):
    place, _ = track.export(out, "csv")
    running = next(row for row in rows(place / "cells.csv") if row["state"] == "running")
    assert running["v2t/mAP"] == ""
    assert any(row["cell"] == running["cell"] for row in rows(place / "history.csv"))


def test_again_replaces_and_is_no_run(out):
    first = (track.export(out, "csv")[0] / "history.csv").read_text()
    place, count = track.export(out, "csv")
    assert count == 2
    assert (place / "history.csv").read_text() == first


def test_events_of_tensorboard(cell, out):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    track.export(out, "tensorboard")
    place, _ = track.export(out, "tensorboard")  # twice: nothing doubles
    events = EventAccumulator(str(place / cell.name))
    events.Reload()
    (line,) = read_lines(cell / "history.jsonl")
    (event,) = events.Scalars("id")
    assert event.step == 1
    assert event.value == pytest.approx(line["terms"]["id"])


def test_runs_of_mlflow(cell, out):
    mlflow = pytest.importorskip("mlflow")
    track.export(out, "mlflow")
    place, _ = track.export(out, "mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("bdlab")
    found = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert len(found) == 2
    assert found[cell.name].data.params["modalities"] == "V I DV DI"


@pytest.mark.parametrize(("to", "module"), [("tensorboard", "tensorboard"), ("mlflow", "mlflow")])
def test_a_missing_package_is_one_line_with_the_remedy(out, monkeypatch, to, module):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    with pytest.raises(DeployError, match=f"needs the package {module}: pip install {module}"):
        track.export(out, to)


def test_bad_input(tmp_path):
    with pytest.raises(DeployError, match="nothing has been run there yet"):
        track.export(tmp_path, "csv")
    with pytest.raises(DeployError, match="choose one of csv, tensorboard, mlflow"):
        track.export(tmp_path, "wandb")
    assert not list(tmp_path.iterdir())
