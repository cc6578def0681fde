"""Explorer of the channels of D_V and D_I: ten sliders, one picture whose pixels can be read, and
the epochs in which the ten numbers were learned, as a film.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import traitlets

from bdlab.config import from_flat
from bdlab.training import setup
from bdlab.workbench import bundle
from bdlab.workbench.widgets import WHOLE, button, choice, free, picture, png, watch

from . import beside, hints
from .moves import Moves, State
from .numbers import NAMES, PRESETS, SPACES, Numbers, checked, flat, preset, read, unflat
from .page import INKED, VIEWS, page, pixel_at, spots, thumbnail, words
from .render import INKS, Rendered, fit, people_of, render, stretched, trace

HERE = Path(__file__).parent
FRAME = 300  # milliseconds an epoch is shown in the film

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
) -> widgets.HBox:
    """What E_V and G_S make of a person: V, E_V(V), D_V, I and D_I with their channels, and the ten
    numbers on sliders beside them.

    ``visible``, ``infrared``: one picture each or a list of as many (one a person, chosen by a
    slider), uint8 [H, W, 3]; shown as the network is fed, ``height`` x height / 2 pixels.
    ``numbers``: ten to start with, as ``net.generator_numbers()`` gives them (default: the uniform
    start). ``history``: the lines of a run's history.jsonl, for the epoch slider. ``space``: where
    E_V and G_S work, normalised or unit. ``folder``: where *save* writes. ``name`` of the cell and
    a ``note`` about it are shown and stand in what is saved. Raises ValueError for
    pictures, numbers or a space that do not fit.

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
    board = _Board(people, start, lines, space, Path(folder), numbers is not None, (name, note))
    return board.box


def cell(
    folder: Path | str, root: Path | str | None = None, people: int = 24, height: int = 288
) -> widgets.HBox:
    """``channels`` of a committed cell: its learned numbers and their history, up to ``people``
    people of its own test part.

    ``folder`` is the cell's, e.g. ``runs/table4-MDL4-...``; ``root`` is where its data lie, if not
    where they lay. Raises ValueError for a folder that is no cell or has no E_V, DatasetError for
    data that are not there.
    """
    one = read(folder)
    params = json.loads((Path(folder) / "params.json").read_text()) | (
        {"root": str(root)} if root else {}
    )
    visible, infrared, _ = people_of(setup.open_data(from_flat(params)), people, height=height)
    about = {"name": one.name, "note": one.note}
    return channels(visible, infrared, one.numbers, one.history, one.space, height, **about)


class Pictures(anywidget.AnyWidget):
    """The pictures on show, ``value`` (a PNG); pointed.js draws them and says where a hand points.

    ``at``: [x, y] on the page; ``read`` and ``spots``: the numbers of the person's pixel there, and
    where else on the page it stands. ``people`` are small pictures, ``person`` the one chosen.
    """

    _esm = bundle.module(HERE / "pointed.js")
    _css = (HERE.parent / "live.css").read_text() + (HERE / "pointed.css").read_text()
    value = traitlets.Bytes().tag(sync=True)
    at = traitlets.List().tag(sync=True)
    read = traitlets.Dict().tag(sync=True)
    spots = traitlets.List().tag(sync=True)
    people = traitlets.List().tag(sync=True)
    person = traitlets.Int().tag(sync=True)


class _Board:
    """The controls and what they show; ``box`` is the whole."""

    def __init__(self, people, start, lines, space, folder, trained, about=("", "")):
        self.people, self.start, self.lines, self.folder = people, start, lines, folder
        self.trained, self.name, self.note = trained, *about
        self.quiet = False
        self.marked: tuple[int | None, ...] = ()  # the epoch marked in the curves, once drawn
        self.numbers = flat(start)  # all their digits; a slider has two
        self.asked = "learned" if trained else "uniform"  # where the numbers came from last
        self.words, self.saved, self.source = widgets.HTML(), widgets.HTML(), widgets.HTML()
        small = [thumbnail(pair) for pair in zip(*people, strict=True)]
        named = [{"name": f"person {k + 1}", "picture": one} for k, one in enumerate(small)]
        self.shown = Pictures(people=named)
        height, width = people[0][0].shape[:2]
        self.pixel = height // 3, width // 2  # the chest: row, column
        self._controls(space)
        self._buttons(trained)
        self._epochs()
        self.moves = Moves(self._state())
        watch(self.show, self.person, self.view, self.ink, self.stretch, self.space)
        watch(self.turn, *self.sliders)
        self.shown.observe(self._picked, "person")
        self.shown.observe(self._pointed, "at")
        self.box = self._layout()
        self.show()

    # -- controls
    # ----------------------------------------------------------------------------------------------

    def _controls(self, space: str) -> None:
        self.person = widgets.IntSlider(
            1,
            1,
            len(self.people[0]),
            description="person",
            tooltip=hints.PERSON,
            style=WHOLE,
            layout=widgets.Layout(width="200px"),
        )
        self.view = choice("view", VIEWS, hints.VIEWS)
        self.ink = choice("one channel as", INKS, hints.INKS)
        self.stretch = widgets.ToggleButton(
            False, description="stretch contrast", icon="adjust", tooltip=hints.STRETCH
        )
        self.space = choice("E_V and G_S work in", SPACES, hints.SPACES)
        self.space.value = space
        sets = [self.start] + [line["generator"] for line in self.lines]
        most = max(np.abs(flat(numbers)).max() for numbers in sets)
        self.most = 2.0 ** max(
            1, int(np.ceil(np.log2(most + 1e-9)))
        )  # a power of two: the browser's steps are then ours, to the last bit
        look = {
            "style": {"description_width": "108px"},
            "layout": widgets.Layout(width="310px"),
            "readout_format": "+.2f",
            "step": 0.01,
        }
        self.sliders = []
        for name in NAMES:
            reach = {"min": -self.most, "max": self.most, "tooltip": hints.number(name)}
            self.sliders.append(widgets.FloatSlider(0, description=name, **reach, **look))
        self._place()

    def _buttons(self, trained: bool) -> None:
        self.presets = []
        for name in PRESETS:
            put = partial(self._preset, name)
            self.presets.append(button(name, put, hints.PRESETS[name]))
        if trained:
            put = partial(self.set, self.start, "learned")
            self.presets.append(button("learned", put, hints.LEARNED))
        self.back = button("undo", lambda: self.restore(self.moves.undo()), hints.UNDO)
        self.again = button("redo", lambda: self.restore(self.moves.redo()), hints.REDO)
        self.saves = []
        for kind in ("png", "svg"):
            name = f"save {kind.upper()}"
            self.saves.append(button(name, partial(self.save, kind), hints.SAVE))

    def _preset(self, name: str) -> None:
        self.set(preset(name, self.space.value), name)

    def _epochs(self) -> None:
        if not self.lines:
            return
        numbers = [line["epoch"] for line in self.lines]
        self.epoch = widgets.SelectionSlider(
            options=numbers,
            value=numbers[-1],
            description="epoch",
            tooltip=hints.EPOCH,
            style=WHOLE,
            layout=widgets.Layout(width="200px"),
        )
        self.play = widgets.Play(
            value=len(numbers) - 1,
            max=len(numbers) - 1,
            interval=FRAME,
            show_repeat=False,
            tooltip=hints.FILM,
        )
        self.play.observe(self._frame, "value")
        self.story = widgets.HTML(beside.story(self.lines))
        self.curves = picture()
        self.drawn, self.marks = beside.curves(self.lines)
        watch(self.replay, self.epoch)

    def _layout(self) -> widgets.HBox:
        """Pictures left, what turns them right: both are seen at once on a small screen."""
        groups = [
            ("E_V: three channels to one", 0, 4),
            ("G_S: one channel to three", 4, 7),
            ("G_S: added to each", 7, 10),
        ]
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center")
        several = [self.person] if len(self.people[0]) > 1 else []
        looks = [*several, self.view, self.ink, self.stretch]
        left = [widgets.HBox(looks, layout=wrap), self.shown, self.words]
        if self.lines:
            left += [widgets.HBox([self.play, self.epoch, self.story], layout=wrap), self.curves]
        now = widgets.HBox([self.source, self.back, self.again], layout=wrap)
        right = [widgets.HBox(self.presets, layout=wrap), now, self.space]
        for title, start, end in groups:
            right += [widgets.HTML(f"<b>{title}</b>"), *self.sliders[start:end]]
        right += [widgets.HBox(self.saves, layout=wrap), self.saved]
        # min_width 0: a wide picture shrinks instead of pushing the sliders out of sight
        pictures = widgets.VBox(left, layout=widgets.Layout(flex="1 1 0", min_width="0"))
        controls = widgets.VBox(right, layout=widgets.Layout(flex="0 0 320px"))
        return widgets.HBox([pictures, controls], layout=widgets.Layout(align_items="flex-start"))

    # -- what they do
    # ----------------------------------------------------------------------------------------------

    @property
    def rendered(self) -> Rendered:
        pair = [pictures[self.person.value - 1] for pictures in self.people]
        return render(*pair, unflat(self.numbers), self.space.value)

    def show(self, _: object = None) -> None:
        """Everything that is seen follows from the ten numbers and the controls, each time anew."""
        if self.quiet:
            return
        self.moves.to(self._state())
        self.back.disabled, self.again.disabled = not self.moves.before, not self.moves.after
        self.shown.person = self.person.value - 1
        self.ink.disabled = self.view.value not in INKED
        rendered = self.rendered
        self.shown.value = png(page(self._looked(rendered), self.view.value, self.ink.value))
        note = f"<br>{escape(self.note)}" if self.note else ""
        self.words.value = _CLOSE.format(words(rendered) + note)
        self.source.value = f"now: <b>{escape(self.said())}</b>"
        self.last = rendered
        self._read(rendered)
        if self.lines and self.marked != (self.at,):
            self._mark()

    def _looked(self, rendered: Rendered) -> Rendered:
        """The pictures as they are looked at: their contrast stretched, if that is asked for."""
        return stretched(rendered) if self.stretch.value else rendered

    def _read(self, rendered: Rendered) -> None:
        """The numbers of the pixel that was pointed at, and where it stands on the page."""
        height, width = rendered.visible.shape[:2]
        self.shown.read = trace(rendered, *self.pixel)
        self.shown.spots = spots(self.view.value, height, width, *self.pixel)

    def _pointed(self, change: Mapping[str, Any]) -> None:
        height, width = self.people[0][0].shape[:2]
        pixel = pixel_at(self.view.value, height, width, *change["new"])
        if pixel is not None and pixel != self.pixel:
            self.pixel = pixel
            self._read(self.last)

    def _picked(self, change: Mapping[str, Any]) -> None:
        self.person.value = change["new"] + 1

    def said(self) -> str:
        """Where the ten numbers come from: what was asked for last if that is still true."""
        names = {name: flat(preset(name, self.space.value)) for name in PRESETS}
        if self.trained:
            names["learned"] = flat(self.start)
        for line in self.lines:
            names[beside.epoch_name(line["epoch"])] = flat(line["generator"])
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
        return State(tuple(self.numbers), self.asked, self.space.value, epoch)

    def restore(self, state: State) -> None:
        """Be as it was: numbers, space and epoch at once."""
        self.numbers, self.asked = list(state.numbers), state.asked
        self.quiet = True
        self.space.value = state.space
        if self.lines:
            self.epoch.value = state.epoch
            self.play.value = self.epoch.index
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
        here = [line["epoch"] for line in self.lines if flat(line["generator"]) == self.numbers]
        if self.lines and self.epoch.value in here:
            return self.epoch.value
        return here[-1] if here else None

    def _mark(self) -> None:
        """The line of the epoch that is shown in the curves that were drawn once; none if the
        numbers are of no epoch.
        """
        self.marked = (self.at,)
        self.curves.value = png(beside.marked(self.drawn, self.marks.get(self.at, ())))

    def save(self, kind: str) -> None:
        """The static twin of what is on show, under the next free name."""
        path = self.folder / f"{free(self.folder, f'channels-{self.view.value}')}.{kind}"
        figure = beside.of_view(self.view.value, self._looked(self.rendered))
        about = self.about()
        said = [about["cell"], about["numbers are"], f"{about['space']} space"]
        said.append(f"contrast {about['contrast']}")
        figure.text(0.01, 0.005, "; ".join(word for word in said if word), fontsize=7)
        written = {"Description": json.dumps(about)}
        figure.savefig(path, bbox_inches="tight", dpi=150, metadata=written)
        plt.close(figure)
        self.saved.value = f"written: <code>{path.resolve()}</code>"

    def about(self) -> dict[str, Any]:
        """What a saved file says of itself: cell, epoch, space, person and the ten numbers."""
        return {
            "cell": self.name,
            "numbers are": self.said(),
            "epoch": self.at,
            "space": self.space.value,
            "person": self.person.value,
            "contrast": "stretched" if self.stretch.value else "as it is",
            "numbers": unflat(self.numbers),
        }
