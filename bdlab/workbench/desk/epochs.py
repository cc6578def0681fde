"""Some people over the epochs of real trainings: where their V and I lie on the map, how far the
hinges have fallen. As a strip of epochs, and as a film to move through.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bdlab.files import read_lines
from bdlab.modality import BASE, Modality
from bdlab.training.setup import TrainingError
from bdlab.workbench.style import COLOURS, MARKS, MATH, PALETTE, STYLES
from bdlab.workbench.widgets import Pictured, instead, picture, raw

from .film import Film, FilmError, opened

ORDER = list(Modality)
PEOPLE = 10
SHOWN = (0, 0.15, 0.4, 1)  # what a strip shows: shares of a training


class Run:
    """A filmed cell as it is shown here: its ``film``, the first ``people`` of the test, and the
    share of its collapse level at which MDL stood after each kept epoch (``fallen``: epochs,
    shares; empty without triplets). Raises FilmError where there is no film.
    """

    def __init__(self, folder: Path | str, people: int = PEOPLE):
        self.film: Film = opened(folder)
        self.ids = np.unique(self.film.ids)[:people]
        lines = read_lines(Path(folder) / "history.jsonl")
        kept = [(line["epoch"], (line.get("relative") or {}).get("mdl")) for line in lines]
        self.fallen = [(epoch, share) for epoch, share in kept if share is not None]
        self.row = json.loads((Path(folder) / "result.json").read_text())["params"]["row"]

    def spots(self, epoch: int, m: Modality, person: int) -> np.ndarray:
        """Where a person's pictures of one modality lie after an epoch [S, 2]."""
        film = self.film
        return film.where[epoch][(film.streams == ORDER.index(m)) & (film.ids == person)]

    @property
    def reach(self) -> float:
        """Half the width of a square that holds these people's V and I after every epoch."""
        base = np.isin(self.film.streams, [ORDER.index(m) for m in BASE])
        return 1.06 * float(
            np.abs(self.film.where[:, base & np.isin(self.film.ids, self.ids)]).max()
        )


def strips(runs: Sequence[Run], shown: Sequence[float] = SHOWN) -> Figure:
    """Test people over the epochs of trainings, a row a training: each line joins a person's mean V
    and mean I. Right, over the epochs, how far MDL has fallen and the V-I gap.
    """
    figure, axes = plt.subplots(
        len(runs),
        len(shown) + 1,
        figsize=(2.3 * len(shown) + 3.4, 2.55 * len(runs) + 0.4),
        width_ratios=[1] * len(shown) + [1.4],
        squeeze=False,
        layout="constrained",
    )
    for row, run in zip(axes, runs, strict=True):
        for ax, share in zip(row, shown, strict=False):
            _people(ax, run, round(share * run.film.epochs))
        row[0].set_ylabel(run.row, fontsize=13)
        row[-1].remove()
    _legend(axes[0][0])
    grid = axes[0, -1].get_gridspec()[:, -1].subgridspec(2, 1)
    _curves([figure.add_subplot(grid[k]) for k in (0, 1)], runs)
    return figure


def frame(runs: Sequence[Run], epoch: int) -> Figure:
    """One epoch of the film: a panel a training, and how far MDL and the gap have come."""
    figure, axes = plt.subplots(
        1,
        len(runs) + 1,
        figsize=(3.7 * len(runs) + 3.2, 3.9),
        width_ratios=[1] * len(runs) + [0.85],
        squeeze=False,
        layout="constrained",
    )
    for ax, run in zip(axes[0], runs, strict=False):
        _people(ax, run, min(epoch, run.film.epochs))
        ax.set_title(f"{run.row}, {ax.get_title()}", fontsize=12)
    _legend(axes[0][0])
    grid = axes[0, -1].get_subplotspec().subgridspec(2, 1)
    axes[0, -1].remove()
    both = [figure.add_subplot(grid[k]) for k in (0, 1)]
    _curves(both, runs)
    for ax in both:
        ax.axvline(epoch, color="black", lw=1)
    return figure


def epochs(*folders: Path | str, people: int = PEOPLE) -> widgets.Widget:
    """The film of one or several trained cells: test people moving over the epochs, V to I. Play,
    or move through it by the slider or the arrow keys. A sentence where a cell has no film.
    """
    try:
        return _Film([Run(folder, people) for folder in folders])
    except (FilmError, TrainingError, OSError, ValueError) as error:
        return instead("film", error)


class _Film(Pictured, widgets.VBox):
    """Play button, slider and the picture of one epoch; frames are drawn once."""

    def __init__(self, runs: Sequence[Run]):
        self._runs, self._drawn = runs, dict[int, bytes]()
        last = max(run.film.epochs for run in runs)
        self.shown = picture()
        self.play = widgets.Play(min=0, max=last, interval=350, tooltip="Run through the epochs")
        self.epoch = widgets.IntSlider(
            value=last, max=last, description="epoch", tooltip="Which epoch is shown"
        )
        widgets.jslink((self.play, "value"), (self.epoch, "value"))
        self.play.value = last
        self.epoch.observe(lambda _: self._show(), names="value")
        self._show()
        super().__init__([widgets.HBox([self.play, self.epoch]), self.shown])

    def figure(self) -> Figure:
        """The static twin: a strip of epochs."""
        return strips(self._runs)

    def _show(self) -> None:
        epoch = self.epoch.value
        if epoch not in self._drawn:
            self._drawn[epoch] = raw(frame(self._runs, epoch))
        self.shown.value = self._drawn[epoch]


def _people(ax: Axes, run: Run, epoch: int) -> None:
    """V and I of the people after one epoch, lines between a person's two means."""
    for person in run.ids:
        ends = []
        for m in BASE:
            spots = run.spots(epoch, m, person)
            style = {"marker": MARKS[m], "color": COLOURS[m], "alpha": 0.6, "lw": 0, "s": 13}
            ax.scatter(*spots.T, label=MATH[m] if person == run.ids[0] else None, **style)
            ends.append(spots.mean(axis=0))
        ax.plot(*np.stack(ends).T, color="black", lw=1.6, zorder=3)
    when = f"epoch {epoch}" if epoch else "at the start"
    ax.set_title(f"{when}\nRank-1 {run.film.rank1[epoch]:.0%}", fontsize=11)
    reach = run.reach
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])


def _legend(ax: Axes) -> None:
    ax.legend(loc="lower left", fontsize=10, handletextpad=0.1, borderpad=0.2)


def _curves(axes: Sequence[Axes], runs: Sequence[Run]) -> None:
    """How far MDL has fallen, above, and the gap, below, of every training over its epochs."""
    fallen, gap = axes
    for k, run in enumerate(runs):
        style = {"color": PALETTE[(4, 7)[k % 2]], "ls": STYLES[k % 6], "lw": 1.8, "label": run.row}
        if run.fallen:
            fallen.plot(*zip(*run.fallen, strict=True), **style)
        gap.plot(range(len(run.film.gap)), run.film.gap, **style)
    fallen.axhline(1, color="0.45", lw=1, ls=":")
    fallen.set_title("MDL / level of one point", fontsize=11)
    gap.set_title("V–I gap, all test people", fontsize=11)
    gap.set_xlabel("epoch")
    fallen.tick_params(labelbottom=False)
    for ax in axes:
        ax.set_ylim(0, None)
    gap.legend(fontsize=10)
