"""The controls of the channel explorer and where they stand; what they do is in ``explore``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets

from bdlab.workbench import bundle
from bdlab.workbench.widgets import WHOLE, button, choice, picture, watch

from . import beside, hints
from .numbers import NAMES, PRESETS, SPACES, flat
from .page import VIEWS
from .render import INKS

HERE = Path(__file__).parent
FRAME = 300  # milliseconds an epoch is shown in the film
NOTHING, THIS = "nothing", "this run"  # what can stand beside, before a second run's name


class Pictures(anywidget.AnyWidget):
    """The pictures on show, ``value`` (a PNG); pointed.js draws them and says where a hand points.

    ``at``: [x, y] on the page; ``read`` and ``spots``: the numbers of the person's pixel there, and
    where else on the page it stands; ``other``: its numbers by what stands beside, empty if nothing
    does. ``people`` are small pictures, ``person`` the one chosen.
    """

    _esm = bundle.module(HERE / "pointed.js")
    _css = (HERE.parent / "live.css").read_text() + (HERE / "pointed.css").read_text()
    value = traitlets.Bytes().tag(sync=True)
    at = traitlets.List().tag(sync=True)
    read = traitlets.Dict().tag(sync=True)
    other = traitlets.Dict().tag(sync=True)
    spots = traitlets.List().tag(sync=True)
    people = traitlets.List().tag(sync=True)
    person = traitlets.Int().tag(sync=True)


class Controls:
    """Everything a hand can move. The board that takes them over says what each does."""

    def _controls(self, space: str) -> None:
        self.view = choice("view", VIEWS, hints.VIEWS)
        self.ink = choice("one channel as", INKS, hints.INKS)
        self.stretch = widgets.ToggleButton(
            False, description="stretch contrast", icon="adjust", tooltip=hints.STRETCH
        )
        self.space = choice("E_V and G_S work in", SPACES, hints.SPACES)
        for one in (self.view, self.ink, self.space):
            # the name beside its buttons, not above
            one.layout = widgets.Layout(
                display="flex", width="auto", align_items="center", grid_gap="6px"
            )
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
            layout=widgets.Layout(width="190px"),
        )
        self.play = widgets.Play(
            value=len(numbers) - 1,
            max=len(numbers) - 1,
            interval=FRAME,
            show_repeat=False,
            tooltip=hints.FILM,
            layout=widgets.Layout(width="90px"),
        )
        self.play.observe(self._frame, "value")
        self.story = widgets.HTML(beside.story(self.lines))
        self.curves = picture()
        self.drawn, self.marks = beside.curves(self.lines)
        watch(self.replay, self.epoch)

    def _second(self) -> None:
        """What can stand beside: the run itself at another epoch, a second run."""
        self.beside = widgets.Dropdown(
            options=[NOTHING, *self.runs],
            description="beside",
            tooltip=hints.BESIDE,
            style=WHOLE,
            layout=widgets.Layout(width="310px"),
        )
        self.other_epoch = widgets.SelectionSlider(
            options=[beside.LAST],
            description="its epoch",
            tooltip=hints.BESIDE_EPOCH,
            style=WHOLE,
            layout=widgets.Layout(width="310px"),
        )
        if others := [name for name in self.runs if name != THIS]:
            self.beside.value = others[0]
        self._their_epochs()

    def _layout(self) -> widgets.HBox:
        """Pictures left, what turns them right: both are seen at once on a small screen."""
        groups = [
            ("E_V: three channels to one", 0, 4),
            ("G_S: one channel to three, times and plus", 4, 10),
        ]
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center")
        looks = widgets.HBox([self.view, self.stretch, self.ink], layout=wrap)
        film = [self.play, self.epoch, self.story] if self.lines else []
        second = [self.beside, self.other_epoch] if self.runs else []
        left = [looks, self.shown, *([widgets.HBox(film, layout=wrap)] if film else [])]
        left += [self.words, *([self.curves] if film else [])]
        now = widgets.HBox([self.source, self.back, self.again], layout=wrap)
        right = [widgets.HBox(self.presets, layout=wrap), now, self.space]
        for title, start, end in groups:
            right += [widgets.HTML(f"<b>{title}</b>"), *self.sliders[start:end]]
        right += [*second, widgets.HBox(self.saves, layout=wrap), self.saved]
        # min_width 0: a wide picture shrinks instead of pushing the sliders out of sight
        pictures = widgets.VBox(left, layout=widgets.Layout(flex="1 1 0", min_width="0"))
        controls = widgets.VBox(right, layout=widgets.Layout(flex="0 0 320px"))
        return widgets.HBox([pictures, controls], layout=widgets.Layout(align_items="flex-start"))
