"""Histories and scores of runs for other programs: CSV, TensorBoard, MLflow; finished or running.

Read from the run folders afterwards, so that no training waits for a tracker. Exporting again
replaces what was exported before.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bdlab.experiments import runs
from bdlab.files import read_lines, write

from . import DeployError

FORMS = ("csv", "tensorboard", "mlflow")
EXPERIMENT = "bdlab"


@dataclass(frozen=True)
class Tracked:
    """One cell as a tracker sees it: parameters, numbers by epoch, final scores, its state."""

    name: str
    state: str
    params: dict[str, Any]
    epochs: list[dict[str, Any]]
    scores: dict[str, float]

    def numbers(self) -> Iterator[tuple[int, str, float]]:
        """(epoch, name, value) of everything an epoch has written down."""
        for line in self.epochs:
            yield line["epoch"], "lr", line["lr"]
            for name, value in line["terms"].items():
                yield line["epoch"], name, value


def tracked(out: Path) -> list[Tracked]:
    """Every cell ever begun in a folder, by name. Raises DeployError if there is none."""
    cells = []
    for state in runs.status(out):
        folder = out / state.name
        if not folder.is_dir():
            folder = runs.attempts(out, state.name)[-1]
        epochs = read_lines(folder / "history.jsonl")
        params = _json(folder / "params.json")
        scores = _scores(_json(folder / "result.json"))
        cells.append(Tracked(state.name, state.word, params, epochs, scores))
    if not cells:
        raise DeployError(f"{out}: nothing has been run there yet; give the --out of the runs")
    return cells


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def _scores(result: dict[str, Any]) -> dict[str, float]:
    scores = {}
    for setting, value in result.get("scores", {}).items():
        for metric, number in value["mean"].items():
            scores[f"{setting}/{metric}"] = number
    return scores


def export(out: Path, to: str, place: Path | None = None) -> tuple[Path, int]:
    """Hand every cell of ``out`` to a tracker; returns where it lies and the number of cells.

    Raises DeployError for an unknown tracker, a package that is missing, a folder without runs.
    """
    writers: dict[str, Callable[[list[Tracked], Path], None]] = {
        "csv": _csv,
        "tensorboard": _tensorboard,
        "mlflow": _mlflow,
    }
    if to not in writers:
        raise DeployError(f"--to {to!r}: choose one of {', '.join(FORMS)}")
    cells = tracked(out)
    place = place or out / "track" / to
    place.mkdir(parents=True, exist_ok=True)
    writers[to](cells, place)
    return place, len(cells)


def _csv(cells: list[Tracked], place: Path) -> None:
    """history.csv (cell, epoch, name, value) and cells.csv (a row a cell)."""
    history, rows = [("cell", "epoch", "name", "value")], []
    for cell in cells:
        for number in cell.numbers():
            history.append((cell.name, *number))
        rows.append({"cell": cell.name, "state": cell.state} | cell.params | cell.scores)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = [columns]
    for row in rows:
        table.append([row.get(name, "") for name in columns])
    for name, lines in (("history.csv", history), ("cells.csv", table)):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        write(place / name, text.getvalue().encode())


def _tensorboard(cells: list[Tracked], place: Path) -> None:
    """A folder of events a cell."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise _missing("tensorboard") from None
    for cell in cells:
        shutil.rmtree(place / cell.name, ignore_errors=True)
        with SummaryWriter(str(place / cell.name)) as board:
            for epoch, name, value in cell.numbers():
                board.add_scalar(name, value, epoch)
            for name, value in cell.scores.items():
                board.add_scalar(f"test/{name}", value, len(cell.epochs))
            board.add_text("params", f"```\n{json.dumps(cell.params, indent=1)}\n```")


def _mlflow(cells: list[Tracked], place: Path) -> None:
    """A run a cell, in a database in the folder."""
    try:
        import mlflow
    except ImportError:
        raise _missing("mlflow") from None
    mlflow.set_tracking_uri(f"sqlite:///{(place / 'mlflow.db').resolve()}")
    experiment = mlflow.set_experiment(EXPERIMENT)
    client = mlflow.MlflowClient()
    for run in client.search_runs([experiment.experiment_id]):
        client.delete_run(run.info.run_id)
    for cell in cells:
        with mlflow.start_run(run_name=cell.name):
            mlflow.set_tag("state", cell.state)
            mlflow.log_params(cell.params)
            for epoch, name, value in cell.numbers():
                mlflow.log_metric(name, value, step=epoch)
            # a name may hold no at-sign there
            scores = {f"test/{name.replace('@', ':')}": v for name, v in cell.scores.items()}
            mlflow.log_metrics(scores)


def _missing(package: str) -> DeployError:
    return DeployError(
        f"--to {package} needs the package {package}: pip install {package}; --to csv needs none"
    )
