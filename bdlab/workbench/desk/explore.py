"""The desk as one linked board: what is selected on the map, in a list or in Python is one thing.

``numbers`` computes, desk.js draws; this module keeps the two in step. Everything the page shows is
a trait here, so a script can drive the board as a hand does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import traitlets

from bdlab.modality import Modality
from bdlab.workbench.retrieval.search import Tested
from bdlab.workbench.widgets import free, png

from . import figures, numbers
from . import film as films
from .legend import COLOURINGS, legend
from .numbers import DeskError

STATE = 1  # the version of a state's string
HERE = Path(__file__).parent


def desk(
    first: Tested | Path | str,
    second: Tested | Path | str | None = None,
    root: Path | str | None = None,
    folder: Path | str = "figures",
) -> Desk | widgets.HTML:
    """Two trained cells of one data set on one board (or one cell alone): their map, the ranked
    lists of any query above each other, where a likeness lies, and filters between the two.

    ``first``, ``second``: folders of finished cells, e.g. ``runs/table4-MDL4-...``, or what
    ``retrieval.reopen`` gave; ``root``: where their data lie, if not where they lay; ``folder``:
    where *save* writes. ``.selection`` and ``.view`` are what is selected and how it is looked at,
    readable and settable; ``.state`` is both as one string. What cannot be laid on the desk gives
    one sentence in its place that names the remedy.
    """
    cells = [first] if second is None else [first, second]
    try:
        return Desk(numbers.open_cells(cells, root), Path(folder))
    except DeskError as error:
        return widgets.HTML(figures.sentence(str(error)))


class Desk(anywidget.AnyWidget):
    """What ``desk`` returns; drawn by map.js, panels.js and desk.js.

    ``selection``: ``query`` and ``result`` (rows of the records; no result: None), ``side`` (the
    number of the cell in whose list the result was chosen), ``lasso`` (rows; queries come from
    among them if there are any). ``view``: ``setting``, ``draw``, ``side`` (whose map), ``map``,
    ``colour``, ``filter``, ``camera``, ``order``, ``hidden`` (streams), ``window`` (the map's
    middle x, y and its magnification), ``epoch`` (a frame of the film; None: the finished network).
    """

    _parts = ("map.js", "panels.js", "reel.js", "desk.js")
    _esm = "\n".join((HERE / name).read_text() for name in _parts)
    _css = (HERE.parent / "boards.css").read_text() + (HERE / "desk.css").read_text()
    about = traitlets.Dict().tag(sync=True)
    selection = traitlets.Dict().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    queries = traitlets.List().tag(sync=True)
    counts = traitlets.Dict().tag(sync=True)
    lists = traitlets.List().tag(sync=True)
    pair = traitlets.Dict().tag(sync=True)
    where = traitlets.Bytes().tag(sync=True)
    points = traitlets.Bytes().tag(sync=True)
    right = traitlets.Bytes().tag(sync=True)
    told = traitlets.Unicode().tag(sync=True)  # what the map keeps
    film = traitlets.Dict().tag(sync=True)  # of the map that is shown: epochs, or why there is none
    busy = traitlets.Unicode().tag(sync=True)
    message = traitlets.Unicode().tag(sync=True)
    state = traitlets.Unicode().tag(sync=True)

    def __init__(self, cells: list[Tested], folder: Path):
        super().__init__()
        self.cells, self.folder = cells, folder
        self._maps: dict[tuple[int, str], tuple[np.ndarray, str]] = {}
        self._films = [_film(tested) for tested in cells]
        self._lists: dict[tuple[int, str, int], numbers.Lists] = {}
        self._quiet = True
        self.about = legend(cells)
        setting = next(iter(cells[0].settings))
        self.view = {
            "setting": setting,
            "draw": 0,
            "side": 0,
            "map": "PCA",
            "colour": COLOURINGS[1],
            "filter": "all",
            "camera": 0,
            "order": numbers.ORDERS[0],
            "hidden": [],
            "window": [0.0, 0.0, 1.0],
            "epoch": None,
        }
        shown = numbers.queries(self.answers())
        if not len(shown):
            raise DeskError(
                f"{cells[0].setup.dataset.name}: no test picture has a match in the gallery. "
                "`bdlab data check` looks the set over."
            )
        self.selection = {"query": int(shown[0]), "result": None, "side": 0, "lasso": []}
        self._quiet = False
        self.on_msg(self._asked)
        self._refresh({"query", "queries", "map", "pair"})

    def answers(self) -> list[numbers.Lists]:
        """The lists of every cell in the setting and draw that are shown."""
        setting, draw = self.view["setting"], self.view["draw"]
        for side, tested in enumerate(self.cells):
            if (side, setting, draw) not in self._lists:
                self._lists[side, setting, draw] = numbers.Lists(tested, setting, draw)
        return [self._lists[side, setting, draw] for side in range(len(self.cells))]

    # -- what may be selected
    # ----------------------------------------------------------------------------------------------

    @traitlets.validate("selection")
    def _is_selection(self, proposal: Mapping[str, Any]) -> dict[str, Any]:
        """A test picture as query and perhaps another as result; anything else is refused by
        name.
        """
        value = {"result": None, "side": 0, "lasso": []} | dict(proposal["value"])
        if unknown := set(value) - {"query", "result", "side", "lasso"}:
            raise traitlets.TraitError(f"selection has no {', '.join(sorted(unknown))}")
        named = [value.get("query"), *value["lasso"]]
        named += [] if value["result"] is None else [value["result"]]
        rows = self._test_rows()
        for row in named:
            if isinstance(row, bool) or not isinstance(row, int) or row not in rows:
                raise traitlets.TraitError(f"selection: {row!r} is no row of a test picture")
        if value["side"] not in range(len(self.cells)):
            raise traitlets.TraitError(
                f"selection: side {value['side']!r}, there are {len(self.cells)}"
            )
        return value

    def _test_rows(self) -> frozenset[int]:
        if not hasattr(self, "_rows"):
            self._rows = frozenset(self.cells[0].setup.dataset.select("test"))
        return self._rows

    @traitlets.validate("view")
    def _is_view(self, proposal: Mapping[str, Any]) -> dict[str, Any]:
        value = dict(self.view) | dict(proposal["value"])
        cell = self.cells[0]
        if value["setting"] not in cell.settings:
            raise traitlets.TraitError(f"view: setting {value['setting']!r} is not asked here")
        choices = {
            "draw": range(cell.trials(value["setting"])),
            "side": range(len(self.cells)),
            "map": self.about["maps"],
            "colour": COLOURINGS,
            "order": numbers.ORDERS,
            "filter": self.about["filters"],
            "camera": [0, *self.about["cameras"]],
        }
        for name, allowed in choices.items():
            if value[name] not in allowed:
                said = ", ".join(map(str, allowed))
                raise traitlets.TraitError(f"view: {name} {value[name]!r}; one of {said} is meant")
        return value | {"epoch": self._epoch(value)}

    def _epoch(self, value: Mapping[str, Any]) -> int | None:
        """The film's epoch of a view: none where another map is chosen that has no such frame."""
        epoch, about = value["epoch"], self._about_film(value)
        if epoch is None or (type(epoch) is int and epoch in range(about.get("epochs", -1) + 1)):
            return epoch
        if epoch == self.view.get("epoch"):  # it is the map that was changed
            return None
        why = about.get("why") or f"there are 0 to {about['epochs']}"
        raise traitlets.TraitError(f"view: epoch {epoch!r}; {why}")

    def _about_film(self, view: Mapping[str, Any]) -> dict[str, Any]:
        """How many epochs the film of a map has, or why there is none and what to do."""
        film = self._films[view["side"]]
        if view["map"] != "PCA":
            return {"why": "The film runs on the map by PCA: choose it."}
        return {"why": film} if isinstance(film, str) else {"epochs": film.epochs}

    # -- what follows
    # ----------------------------------------------------------------------------------------------

    @traitlets.observe("selection")
    def _selected(self, change: Mapping[str, Any]) -> None:
        old, new = change["old"] or {}, change["new"]
        differs = {name for name in new if new[name] != old.get(name)}
        changed = {"query", "pair"} if "query" in differs else set()
        if differs & {"result", "side"}:
            changed.add("pair")
        if "lasso" in differs:
            changed.add("queries")
        self._refresh(changed)

    @traitlets.observe("view")
    def _viewed(self, change: Mapping[str, Any]) -> None:
        old, new = change["old"] or {}, change["new"]
        differs = {name for name in new if new[name] != old.get(name)}
        changed = {"map"} if differs & {"side", "map"} else set()
        if "epoch" in differs:
            changed.add("frame")
        if differs & {"filter", "camera", "order"}:
            changed.add("queries")
        if differs & {"setting", "draw"}:
            changed |= {"setting", "pair"}
        self._refresh(changed)

    def _refresh(self, changed: set[str]) -> None:
        """Bring what the page shows in step with selection and view; ``changed`` says what is
        not.
        """
        if self._quiet:
            return
        self._quiet = True
        try:
            if changed & {"map", "setting"}:
                self.busy = "working"
            self._settle(changed)
            if changed & {"queries", "setting"}:
                self._choose()
            if changed & {"query", "queries", "setting"}:
                self.lists = [one.ranked(self.selection["query"]) for one in self.answers()]
            if changed & {"map", "frame"}:
                self._draw()
            if changed & {"map", "setting"}:
                self._judge()
            if "pair" in changed:
                self._compare()
        finally:
            self.busy = ""
            self._quiet = False
        self.state = self._written()

    def _settle(self, changed: set[str]) -> None:
        """A query and the setting it asks in fit each other: whichever was chosen last decides."""
        cell, setting, row = self.cells[0], self.view["setting"], self.selection["query"]
        if "setting" in changed:
            asks = cell.asks(setting)
            if cell.setup.dataset.records[row].modality is not asks:
                shown = self._shown()
                first = shown[0] if len(shown) else self.answers()[0].query[0]
                self.selection = {**self.selection, "query": int(first), "result": None}
        elif "queries" in changed and "query" not in changed:
            shown = self._shown()
            if len(shown) and row not in shown:
                self.selection = {**self.selection, "query": int(shown[0]), "result": None}
                changed.add("pair")
        else:
            fits = numbers.setting_for(cell, row, setting)
            if fits != setting:
                self.view = {**self.view, "setting": fits, "draw": 0, "camera": 0}
                changed.add("setting")

    def _shown(self) -> np.ndarray:
        view = self.view
        among = self.selection["lasso"]
        return numbers.queries(self.answers(), view["filter"], view["camera"], view["order"], among)

    def _choose(self) -> None:
        shown = numbers.filters(self.answers())
        self.counts = {name: int(chosen.sum()) for name, chosen in shown.items()}
        self.queries = self._shown().tolist()

    def _draw(self) -> None:
        self.film = self._about_film(self.view)
        where, self.told = self._placed()
        self.points = numbers.points(self.cells[self.view["side"]]).packed()
        self.where = where.astype("<f4").tobytes()

    def _placed(self) -> tuple[np.ndarray, str]:
        """Where the points of the map that is shown lie, and a sentence about it."""
        side, way, epoch = (self.view[name] for name in ("side", "map", "epoch"))
        film = self._films[side]
        if epoch is not None and not isinstance(film, str):
            return film.where[epoch], film.words(epoch)
        if (side, way) not in self._maps:
            self._maps[side, way] = numbers.plane(self.cells[side], way)
        return self._maps[side, way]

    def _judge(self) -> None:
        side = self.view["side"]
        of = numbers.points(self.cells[side])
        self.right = numbers.right(self.answers()[side], of).tobytes()

    def _compare(self) -> None:
        query, result = self.selection["query"], self.selection["result"]
        if result is None:
            self.pair = {}
            return
        side = self.selection["side"]
        tested = self.cells[side]
        self.pair = {
            "side": side,
            "panels": numbers.compare(tested, query, result),
            "lacks": numbers.lacking(tested),
        }

    # -- pictures, states, files
    # ----------------------------------------------------------------------------------------------

    def _asked(self, _: object, content: Mapping[str, Any], __: object) -> None:
        """The page asks for pictures, for a file, or to be what a string says."""
        if content.get("do") == "pictures":
            keys = content["keys"]
            self.send({"do": "pictures", "keys": keys}, [self.picture(key) for key in keys])
        elif content.get("do") == "save":
            self.save()
        elif content.get("do") == "restore":
            self.restore(content.get("state", ""))

    def picture(self, key: str) -> bytes:
        """The PNG of one picture: ``key`` is side:row:stream, e.g. ``0:17:DV``."""
        side, row, stream = key.split(":")
        return png(numbers.picture(self.cells[int(side)], int(row), Modality(stream)))

    def _written(self) -> str:
        names = [numbers.title(tested) for tested in self.cells]
        parts = {"desk": STATE, "cells": names, "selection": self.selection, "view": self.view}
        return json.dumps(parts, separators=(",", ":"))

    def restore(self, state: str) -> bool:
        """Be what a state's string says; if it cannot, nothing changes and ``message`` says why."""
        names = [numbers.title(tested) for tested in self.cells]
        try:
            parts = json.loads(state)
            if parts["desk"] != STATE:
                raise ValueError(f"a state of version {parts['desk']}, {STATE} is read here")
            if parts["cells"] != names:
                said = " and ".join(parts["cells"])
                raise ValueError(f"a state of {said}; open a desk of those cells")
            selection, view = dict(parts["selection"]), {"epoch": None} | parts["view"]
            self._quiet = True  # both at once: neither is judged by the other's old value
            kept = self.view, self.selection
            try:
                self.view, self.selection = view, selection
            except traitlets.TraitError:
                self.view, self.selection = kept
                raise
            finally:
                self._quiet = False
        except (KeyError, TypeError, ValueError, traitlets.TraitError) as error:
            why = f"no {error.args[0]!r} in it" if isinstance(error, KeyError) else error
            self.message = f"Not restored: {why}. Copy the whole string of a desk's state."
            return False
        self._refresh({"query", "queries", "map", "pair"})
        self.message = "Restored."
        return True

    def save(self) -> Path:
        """What is seen, as a PNG, and beside it the state that restores it, as JSON; returns the
        path of the PNG, under the next free name.
        """
        path = self.folder / f"{free(self.folder, 'desk')}.png"
        figure = self.figure()
        figure.savefig(path, dpi=110)
        plt.close(figure)
        path.with_suffix(".json").write_text(self.state + "\n")
        self.message = f"Written: {path.resolve()} and the state beside it, {path.stem}.json."
        return path

    def figure(self) -> plt.Figure:
        """The static twin of what is seen."""
        view, placed = self.view, self._placed()
        return figures.desk(self.cells, self.answers(), self.selection, view, placed)


def _film(tested: Tested) -> films.Film | str:
    """A cell's film, or why there is none."""
    try:
        return films.read(tested)
    except films.FilmError as error:
        return str(error)
