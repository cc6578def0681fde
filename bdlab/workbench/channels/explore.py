"""Explorer of the channels of D_V and D_I: ten sliders, one picture whose pixels can be read, the
epochs in which the ten numbers were learned, as a film, and a second generator beside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np

from bdlab.workbench.widgets import free, instead, png, watch

from . import beside
from .beside import Side, difference, side, table
from .controls import NOTHING, THIS, Controls, Pictures
from .moves import Moves, State
from .numbers import (
    PRESETS,
    Learned,
    Numbers,
    checked,
    data_of,
    flat,
    preset,
    read,
    unflat,
)
from .page import INKED, compared, page, pixel_at, spots, thumbnail, words
from .render import Rendered, fit, people_of, render, stretched, trace

#: Several lines of words as close as print: a widget's own are spaced as controls are.
_CLOSE = '<div style="line-height: 1.35">{}</div>'


def channels(
    visible: np.ndarray | Sequence[np.ndarray],
    infrared: np.ndarray | Sequence[np.ndarray],
    numbers: Numbers | None = None,
    history: Sequence[Mapping[str, Any]] | None = None,
    space: str = "normalised",
    height: int = 288,
    folder: Path | str = "figures",
    name: str = "",
    note: str = "",
    beside: Learned | None = None,
) -> widgets.HBox:
    """What E_V and G_S make of a person: V, E_V(V), D_V, I and D_I with their channels, and the ten
    numbers on sliders beside them.

    ``visible``, ``infrared``: one picture each or a list of as many (one a person, chosen by
    small pictures), uint8 [H, W, 3]; shown as the network is fed, ``height`` x height / 2 pixels.
    ``numbers``: ten to start with, as ``net.generator_numbers()`` gives them (default: the uniform
    start). ``history``: the lines of a run's history.jsonl, for the epoch slider. ``space``: where
    E_V and G_S work, normalised or unit. ``folder``: where *save* writes. ``name`` of the cell and
    a ``note`` about it are shown and stand in what is saved. ``beside``: a second run, as
    ``numbers.read`` gives it, shown side by side with the first; epochs of one run can stand beside
    each other without it. Raises ValueError for pictures, numbers or a space that do not fit.

    For a trained cell and the people of its test part there is ``cell``.
    """
    people = [fit(pictures, height) for pictures in (visible, infrared)]
    if len(people[0]) != len(people[1]):
        raise ValueError(
            f"{len(people[0])} visible and {len(people[1])} infrared pictures: as many of each are "
            "meant, one a person"
        )
    start = checked(numbers) if numbers else preset("uniform", space)
    # whatever does not fit is better said before anything is drawn
    render(people[0][0], people[1][0], start, space)
    lines = [
        {"epoch": line.get("epoch", n), "generator": checked(line.get("generator") or {})}
        for n, line in enumerate(history or ())
    ]
    runs = {THIS: Learned(start, lines, space, name or "this run")} if lines else {}
    if beside:
        runs[beside.name] = beside
        note = " ".join(dict.fromkeys(word for word in (note, beside.note) if word))
    about = numbers is not None, Path(folder), name, note
    return _Board(people, start, lines, space, about, runs).box


def cell(
    first: Path | str,
    second: Path | str | None = None,
    root: Path | str | None = None,
    people: int = 24,
    height: int = 288,
) -> widgets.HBox | widgets.HTML:
    """``channels`` of a committed cell: its learned numbers and their history, up to ``people``
    people of its own test part; of two cells of one data set, side by side.

    ``first``, ``second``: folders of cells, e.g. ``runs/table4-MDL4-...``; ``root`` is where their
    data lie, if not where they lay. What cannot be opened gives one sentence in the explorer's
    place that names the remedy: a folder that is no cell, is damaged or has no derivative, data
    that are not there or not those of the cell.
    """
    try:
        one, *others = [read(folder) for folder in (first, second) if folder]
        dataset = data_of(Path(first), Path(second) if second else None, root)
        visible, infrared, _ = people_of(dataset, people, height=height)
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        return instead("channel explorer", error)
    about = {"name": one.name, "note": one.note, "beside": others[0] if others else None}
    return channels(visible, infrared, one.numbers, one.history, one.space, height, **about)


class _Board(Controls):
    """What the controls do and what they show; ``box`` is the whole."""

    def __init__(self, people, start, lines, space, about, runs):
        self.people, self.start, self.lines, self.runs = people, start, lines, runs
        self.trained, self.folder, self.name, self.note = about
        self.known = {line["epoch"]: flat(line["generator"]) for line in lines}
        self.quiet = False
        self.marked: tuple[int | None, ...] = ()  # the epoch marked in the curves, once drawn
        self.numbers = flat(start)  # all their digits; a slider has two
        self.asked = "learned" if self.trained else "uniform"  # where the numbers came from last
        self.words, self.saved, self.source = widgets.HTML(), widgets.HTML(), widgets.HTML()
        small = [thumbnail(pair) for pair in zip(*people, strict=True)]
        named = [{"name": f"person {k + 1}", "picture": one} for k, one in enumerate(small)]
        self.shown = Pictures(people=named)
        height, width = people[0][0].shape[:2]
        self.pixel = height // 3, width // 2  # the chest: row, column
        self._controls(space)
        self._buttons(self.trained)
        self._epochs()
        self._second()
        self.moves = Moves(self._state())
        watch(self.show, self.view, self.ink, self.stretch, self.space, self.other_epoch)
        watch(self.turn, *self.sliders)
        self.beside.observe(self._chosen, "value")
        self.shown.observe(self.show, "person")
        self.shown.observe(self._pointed, "at")
        self.box = self._layout()
        self.show()

    def _preset(self, name: str) -> None:
        self.set(preset(name, self.space.value), name)

    def _their_epochs(self, epoch: int | str | None = None) -> None:
        """The epoch slider of what stands beside: on ``epoch``, else on its last one; of the same
        run on its first.
        """
        name, quiet = self.beside.value, self.quiet
        self.quiet = True
        self.other_epoch.disabled = name == NOTHING
        if name != NOTHING:
            options = beside.epochs(self.runs[name])
            self.other_epoch.options = options
            end = options[0 if name == THIS else -1]
            self.other_epoch.value = end if epoch is None else epoch
        self.quiet = quiet

    @property
    def sides(self) -> list[Side]:
        """A, what the sliders say, and B, what stands beside, if anything does."""
        a = Side(tuple(self.numbers), self.space.value, self.name, self.said(), self.at)
        name = self.beside.value
        return [a] if name == NOTHING else [a, side(self.runs[name], self.other_epoch.value)]

    def rendered(self) -> list[Rendered]:
        """The person by each side."""
        pair = [pictures[self.shown.person] for pictures in self.people]
        return [render(*pair, unflat(one.numbers), one.space) for one in self.sides]

    def show(self, _: object = None) -> None:
        """Everything that is seen follows from the ten numbers and the controls, each time anew."""
        if self.quiet:
            return
        self.moves.to(self._state())
        self.back.disabled, self.again.disabled = not self.moves.before, not self.moves.after
        made, sides = self.rendered(), self.sides
        self.ink.disabled = self.view.value not in INKED[len(sides)]
        self.shown.value = png(self._page(made))
        told = words(made[0], self.view.value)
        if len(sides) > 1:
            told = f"{difference(*sides, made)}<br>{table(*sides)}"
        note = f"<br>{escape(self.note)}" if self.note else ""
        self.words.value = _CLOSE.format(told + note)
        self.source.value = f"now: <b>{escape(self.said())}</b>"
        self.last = made
        self._read(made)
        if self.lines and self.marked != self._marks():
            self._mark()

    def _page(self, made: Sequence[Rendered]) -> np.ndarray:
        looked = [self._looked(one) for one in made]
        draw = page if len(looked) == 1 else compared
        return draw(*looked, self.view.value, self.ink.value)

    def _looked(self, rendered: Rendered) -> Rendered:
        """The pictures as they are looked at: their contrast stretched, if that is asked for."""
        return stretched(rendered) if self.stretch.value else rendered

    def _read(self, made: Sequence[Rendered]) -> None:
        """The numbers of the pixel that was pointed at, by each side, and where it stands on the
        page.
        """
        height, width = made[0].visible.shape[:2]
        self.shown.read = trace(made[0], *self.pixel)
        self.shown.other = trace(made[1], *self.pixel) if len(made) > 1 else {}
        self.shown.spots = spots(self.view.value, height, width, *self.pixel, len(made))

    def _pointed(self, change: Mapping[str, Any]) -> None:
        height, width = self.people[0][0].shape[:2]
        pixel = pixel_at(self.view.value, height, width, *change["new"], len(self.last))
        if pixel is not None and pixel != self.pixel:
            self.pixel = pixel
            self._read(self.last)

    def _chosen(self, _: object) -> None:
        """Something else stands beside."""
        if not self.quiet:
            self._their_epochs()
            self.show()

    def said(self) -> str:
        """Where the ten numbers come from: what was asked for last if that is still true."""
        names = {name: flat(preset(name, self.space.value)) for name in PRESETS}
        if self.trained:
            names["learned"] = flat(self.start)
        names |= {beside.epoch_name(epoch): numbers for epoch, numbers in self.known.items()}
        true = [name for name, numbers in names.items() if numbers == self.numbers]
        if self.asked in true:
            return self.asked
        return true[0] if true else "set by hand"

    def set(self, numbers: Numbers, name: str) -> None:
        """All ten numbers at once, and one new picture."""
        self.numbers, self.asked = flat(numbers), name
        self._place()
        self.show()

    def _place(self) -> None:
        """Every slider to its number, rounded to its steps (else the browser does, and sends that
        back as if a hand had moved it).
        """
        self.quiet = True
        for slider, value in zip(self.sliders, self.numbers, strict=True):
            slider.value = self._step(value)
        self.quiet = False

    def _step(self, value: float) -> float:
        return float(
            np.clip(round((value + self.most) * 100) / 100 - self.most, -self.most, self.most)
        )

    def turn(self, change: Mapping[str, Any]) -> None:
        """One slider, by hand."""
        k = self.sliders.index(change["owner"])
        if not self.quiet and abs(change["new"] - self._step(self.numbers[k])) > 1e-6:
            self.numbers[k] = change["new"]
            self.show()

    def _state(self) -> State:
        epoch = self.epoch.value if self.lines else None
        name = self.beside.value
        second = None if name == NOTHING else (name, self.other_epoch.value)
        return State(tuple(self.numbers), self.asked, self.space.value, epoch, second)

    def restore(self, state: State) -> None:
        """Be as it was: numbers, space, epoch and what stands beside at once."""
        self.numbers, self.asked = list(state.numbers), state.asked
        self.quiet = True
        self.space.value = state.space
        if self.lines:
            self.epoch.value = state.epoch
            self.play.value = self.epoch.index
        self.beside.value, epoch = state.beside or (NOTHING, None)
        self._their_epochs(epoch)
        self._place()
        self.show()

    def _frame(self, change: Mapping[str, Any]) -> None:
        """The film goes on by an epoch."""
        self.epoch.index = change["new"]

    def replay(self, _: object = None) -> None:
        if self.quiet:
            return
        self.play.value = self.epoch.index
        line = next(line for line in self.lines if line["epoch"] == self.epoch.value)
        self.set(line["generator"], beside.epoch_name(line["epoch"]))

    @property
    def at(self) -> int | None:
        """The epoch whose numbers are shown: the slider's, else the last that has them, else
        None.
        """
        here = [epoch for epoch, numbers in self.known.items() if numbers == self.numbers]
        if self.lines and self.epoch.value in here:
            return self.epoch.value
        return here[-1] if here else None

    def _marks(self) -> tuple[int | None, ...]:
        """The epochs that are marked in the curves: the one that is shown, and of the same run the
        one beside it; None for numbers of no epoch.
        """
        return (self.at, *([self.other_epoch.value] if self.beside.value == THIS else []))

    def _mark(self) -> None:
        """The lines of those epochs in the curves that were drawn once."""
        self.marked = self._marks()
        names = "AB" if len(self.marked) > 1 else " "
        drawn = self.drawn
        for name, epoch in zip(names, self.marked, strict=True):
            drawn = beside.marked(drawn, self.marks.get(epoch, ()), name)
        self.curves.value = png(drawn)

    def save(self, kind: str) -> None:
        """The static twin of what is on show, under the next free name."""
        path = self.folder / f"{free(self.folder, f'channels-{self.view.value}')}.{kind}"
        about, made, sides = self.about(), self.rendered(), self.sides
        if len(sides) > 1:
            figure = beside.of_two(self._page(made), *sides, difference(*sides, made))
        else:
            figure = beside.of_view(self.view.value, self._looked(made[0]))
        said = [about["cell"], about["numbers are"], f"{about['space']} space"]
        said.append(f"contrast {about['contrast']}")
        figure.text(0.01, 0.005, "; ".join(word for word in said if word), fontsize=7)
        written = {"Description": json.dumps(about)}
        figure.savefig(path, bbox_inches="tight", dpi=150, metadata=written)
        plt.close(figure)
        self.saved.value = f"written: <code>{path.resolve()}</code>"

    def about(self) -> dict[str, Any]:
        """What a saved file says of itself: cell, epoch, space, person and the ten numbers; of two
        sides both.
        """
        a, *others = [_of_side(one) for one in self.sides]
        looks = {
            "person": self.shown.person + 1,
            "view": self.view.value,
            "one channel as": None if self.ink.disabled else self.ink.value,
            "contrast": "stretched" if self.stretch.value else "as it is",
        }
        return {**a, **looks, **({"beside": others[0]} if others else {})}


def _of_side(one: Side) -> dict[str, Any]:
    """A side as a saved file names it."""
    return {
        "cell": one.cell,
        "numbers are": one.where,
        "epoch": one.epoch,
        "space": one.space,
        "numbers": unflat(one.numbers),
    }
