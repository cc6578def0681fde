"""Person against machine in a notebook: game.js asks, trained networks have answered before."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path

import anywidget
import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from bdlab.datasets import Dataset
from bdlab.workbench import live
from bdlab.workbench.widgets import Pictured, instead

from . import figures
from .search import Tested, reopen

MOST_CHOICES = 9  # a key for each


def game(
    machines: Mapping[str, Tested | Path | str] | Dataset,
    rounds: int = 8,
    choices: int = 8,
    pool: int | None = None,
    seed: int = 0,
    height: int = 224,
) -> Game | widgets.HTML:
    """One infrared picture that asks and the visible pictures to choose from: who is it? You and
    trained networks answer the same questions.

    ``machines``: name -> ``retrieval.reopen(cell)`` or a cell's folder, all of one data set; or a
    data set alone, and you play against chance. People are drawn by ``seed`` before any machine is
    asked: ``pool`` test people (24, or as many as there are), ``rounds`` of whom ask, each among
    ``choices`` people. ``height`` of a picture in pixels. ``widget.picks`` are your answers. What
    cannot be played gives one sentence in its place.
    """
    try:
        _check(machines, rounds, choices, pool, height)
        if not isinstance(machines, Dataset):
            machines = {name: _opened(one) for name, one in machines.items()}
        traits = live.game_traits(machines, rounds, choices, pool, seed, height)
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        return instead("game", error)
    return live.widget("retrieval/game.js", traits, Game)


class Game(Pictured, anywidget.AnyWidget):
    """What ``game`` returns; its traits are those game.js names."""

    def figure(self) -> Figure:
        """The round that is on: who asks, and who may be meant."""
        one = self.rounds[min(len(self.picks), len(self.rounds) - 1)]
        offered = [_picture(self.visible[place]) for place in one["candidates"]]
        return figures.question(_picture(self.infrared[one["query"]]), offered)


def _check(machines: object, rounds: int, choices: int, pool: int | None, height: int) -> None:
    """ValueError, one sentence, for what is no game."""
    if not isinstance(machines, (Mapping, Dataset)) or (
        isinstance(machines, Mapping) and not machines
    ):
        raise ValueError('machines: {"MDL4": "runs/<cell>"} is meant, or a data set.')
    counts = {"rounds": rounds, "choices": choices, "height": height}
    counts |= {} if pool is None else {"pool": pool}
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} = {value!r}: a whole number from 1 on is meant.")
    most = MOST_CHOICES if pool is None else min(MOST_CHOICES, pool)
    if not 2 <= choices <= most:
        raise ValueError(f"choices = {choices}: 2 to {most} are meant.")


def _opened(one: Tested | Path | str) -> Tested:
    if isinstance(one, Tested):
        return one
    if not Path(one).is_dir():
        raise ValueError(f"{one}: no such folder; `bdlab status` lists the finished cells.")
    return reopen(one)


def _picture(uri: str) -> np.ndarray:
    """A data URI as uint8 [H, W, 3]."""
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB"))
