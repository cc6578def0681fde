"""The few lines every notebook starts and ends with: threads and theme, the attempt folder,
progress, the commit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from bdlab import losses
from bdlab.experiments import cell as cells
from bdlab.experiments import claims, runs
from bdlab.training import collapse, loop
from bdlab.training import setup as setups

from . import style, training


@dataclass(frozen=True)
class Session:
    """Where a notebook works. ``folder`` is the attempt a sweep has opened for it, or None when a
    person runs it.
    """

    folder: Path | None
    out: Path

    @property
    def headless(self) -> bool:
        return self.folder is not None

    def cell(self, named: str | Path) -> Path:
        """A finished cell, given by its folder or by its name among the runs."""
        return Path(named) if Path(named).exists() else self.out / named


def setup(folder: str | None = None, threads: int = 0, out: str = "runs") -> Session:
    """Theme and threads, first of all cells. ``folder`` and ``threads`` are given by a sweep; by
    hand leave them out.

    In an attempt folder it notes this kernel's process, so that ``bdlab status`` knows whether it
    lives.
    """
    style.theme()
    if folder is None and (work := os.environ.get("BDLAB_WORK")):
        os.chdir(work)  # opened by `bdlab lab`: data/ and runs/ are those of the command line
    elif folder is None and Path.cwd().name == "notebooks":
        os.chdir("..")
    if threads:
        torch.set_num_threads(threads)
    if folder is None:
        return Session(None, Path(out))
    runs.note_process(Path(folder), "kernel")
    return Session(Path(folder), Path(folder).parents[2])


def train(
    session: Session, setup: setups.Setup, inexact: bool = False
) -> tuple[Path, list[dict[str, Any]]]:
    """Train with a bar and live curves (by hand) or a line an epoch (headless). Returns the attempt
    folder and the history.

    By hand the attempt is opened here, under ``out``, and goes on from an earlier one that was
    interrupted. A cell that is finished is not trained again: the network takes its weights.
    """
    if session.folder:
        return session.folder, _train(session, setup, session.folder, inexact)
    if runs.done(session.out, runs.Cell.of(setup)):
        return _take(session.out / runs.Cell.of(setup).name, setup)
    place = session.out / ".attempts" / runs.Cell.of(setup).name
    claim = claims.claim(place)
    if claim is None:
        raise runs.RunError(f"{place.name}: being trained by {claims.by_whom(place)}")
    with claim:
        folder = runs.begin(session.out, runs.Cell.of(setup), torch.get_num_threads())
        return folder, _train(session, setup, folder, inexact)


def _take(folder: Path, setup: setups.Setup) -> tuple[Path, list[dict[str, Any]]]:
    """The weights and history of a finished cell, instead of a training."""
    print(
        f"{folder.name} is finished already: its weights are taken, nothing is trained. Another "
        "seed is another run; to train this one again, move its folder away."
    )
    setup.net.load_state_dict(cells.load(folder).state_dict())
    return folder, runs.read_lines(folder / "history.jsonl")


def _train(
    session: Session, setup: setups.Setup, folder: Path, inexact: bool
) -> list[dict[str, Any]]:
    """The training of an attempt that is open, from where earlier ones stopped."""
    tries = runs.attempts(session.out, runs.Cell.of(setup).name)
    earlier = [path for path in tries if path != folder]
    total = setup.steps * setup.config.optim.epochs
    with tqdm(total=total, unit="step", desc=setup.config.run.row, disable=session.headless) as bar:
        return loop.train(
            setup, folder, earlier, inexact,
            on_step=lambda step, _: bar.update(step - bar.n),
            on_epoch=_say(setup) if session.headless else _draw(setup, folder),
        )  # fmt: skip


def curves(setup: setups.Setup, history: list[dict[str, Any]]) -> Figure:
    """The loss terms of a run, its features' spread and its validation score if it has one, with
    what a guess would cost dotted in.
    """
    shown = [
        term
        for term in (*losses.TERMS, "spread", "validation")
        if term in history[-1]["terms"] or term in history[-1]
    ]
    return training.training_curves(
        {setup.config.run.row: history}, shown, collapse.levels(setup.config, setup.pool.num_ids)
    )


def _say(setup: setups.Setup) -> Callable[[dict[str, Any]], None]:
    return lambda line: print(cells.epoch_line(line, setup.config.optim.epochs), flush=True)


def _draw(setup: setups.Setup, folder: Path) -> Callable[[dict[str, Any]], None]:
    """Draws the curves anew after every epoch, in one place of the notebook; those before an
    interruption too.
    """
    from IPython.display import display  # only where a notebook is

    place = display(display_id=True)

    def draw(_: dict[str, Any]) -> None:
        figure = curves(setup, runs.read_lines(folder / "history.jsonl"))
        if place is not None:
            place.update(figure)
        plt.close(figure)

    return draw


def write_result(
    session: Session, setup: setups.Setup, folder: Path, scores: dict, seconds: float
) -> dict[str, Any]:
    """Write weights and result.json; by hand also commit the cell (a sweep commits after the
    notebook has been saved).
    """
    if folder == session.out / runs.Cell.of(setup).name:  # taken as it was
        return json.loads((folder / "result.json").read_text(encoding="utf-8"))
    result = cells.write(setup, folder, scores, seconds)
    if not session.headless and not runs.commit(session.out, runs.Cell.of(setup).name, folder):
        print(f"{runs.Cell.of(setup).name} was there already; the earlier result stays.")
    return result
