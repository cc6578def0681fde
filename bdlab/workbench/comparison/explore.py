"""The board of runs: a table, curves, a scatter and a verdict over one selection, and the way from
two cells to the desk.

``numbers`` and ``pairs`` compute, board.js draws; this module keeps the two in step. Everything
the page shows is a trait here, so a script can drive the board as a hand does.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import matplotlib.pyplot as plt
import traitlets

from bdlab.workbench import bundle
from bdlab.workbench.desk import explore as desks
from bdlab.workbench.desk import figures as desk_figures
from bdlab.workbench.widgets import free

from . import figures, numbers, pairs
from .numbers import BoardError, Found
from .progress import Glance, goes_on, words

HERE = Path(__file__).parent
MOST = 2  # cells that lie on the desk
EVERY = 2.0  # seconds between two looks at a folder that is followed
#: What a column's head says, and its help line.
HEADS = {
    "row": ("row", "The variant of the method"),
    "data": ("data", "The data set"),
    "preset": ("preset", "How much was trained"),
    "split": ("split", "Which division into training and test people"),
    "seed": ("seed", "Which start and which order of the pictures"),
    "R1": ("R1", "Rank-1 of the primary setting, per cent"),
    "mAP": ("mAP", "mean average precision of the primary setting, per cent"),
    "mINP": ("mINP", "mean inverse negative penalty of the primary setting, per cent"),
    "word": ("triplets", "alive, satisfied, collapsing, dead or unordered, at the run's end"),
}


def runs(
    out: Path | str = "runs", root: Path | str | None = None, folder: Path | str = "figures"
) -> Comparison | widgets.HTML:
    """The finished cells of a folder of runs on one board: a table to sort and filter by any
    parameter, loss curves of the chosen cells, a scatter of any two scores or parameters, the
    verdict on a pair of rows, and two chosen cells on the desk.

    ``out``: what ``--out`` named; where it has no finished cell, the reference runs that came with
    bdlab stand in, and the board says so. ``root``: where the data of the cells lie, for the desk,
    if not where they lay; ``folder``: where *save* writes. ``.selection`` and ``.view`` are what is
    chosen and how it is looked at, readable and settable; ``.desk()`` lays the chosen cells on the
    desk. While cells train, their epochs and losses stand above the table, and what is finished
    comes into it; ``.live = False`` stops that. What cannot be shown gives one sentence in the
    board's place that names the remedy.
    """
    try:
        return Comparison(Path(out), root, Path(folder))
    except BoardError as error:
        return widgets.HTML(figures.sentence(str(error)))


class Comparison(widgets.VBox):
    """What ``runs`` returns: the board, and below it the desk once it is asked for."""

    def __init__(self, out: Path, root: Path | str | None, folder: Path):
        self.board = Board(out, folder)
        self.root = root
        super().__init__([self.board])
        self.board.on_msg(self._asked)

    @property
    def selection(self) -> dict[str, Any]:
        """``cells`` (names of the chosen ones, in order) and ``pair`` (row, against)."""
        return self.board.selection

    @selection.setter
    def selection(self, value: Mapping[str, Any]) -> None:
        self.board.selection = dict(value)

    @property
    def view(self) -> dict[str, Any]:
        """``filter``, ``sort``, ``down``, ``term``, ``x`` and ``y``; see ``Board``."""
        return self.board.view

    @view.setter
    def view(self, value: Mapping[str, Any]) -> None:
        self.board.view = dict(value)

    @property
    def live(self) -> bool:
        """Whether the folder is looked at every ``EVERY`` seconds; ends with the last cell."""
        return self.board.live

    @live.setter
    def live(self, value: bool) -> None:
        self.board.live = value

    def close(self) -> None:
        """Take the board and the desk from the page."""
        for child in self.children:
            child.close()
        super().close()

    def desk(self) -> widgets.Widget:
        """The one or two chosen cells on the desk; or one sentence that says why not."""
        try:
            folders = self.board.on_desk()
        except BoardError as error:
            return widgets.HTML(desk_figures.sentence(str(error)))
        return desks.desk(*folders, root=self.root, folder=self.board.folder)

    def figure(self) -> plt.Figure:
        """The static twin of what is seen."""
        return self.board.figure()

    def _asked(self, _: object, content: Mapping[str, Any], __: object) -> None:
        if content.get("do") != "desk":
            return
        self.board.busy = "opening the desk"
        try:
            self.children = (self.board, self.desk())
        finally:
            self.board.busy = ""


class Board(anywidget.AnyWidget):
    """The board itself; drawn by board.js and charts.js.

    ``selection``: ``cells`` (names, in the order they were chosen) and ``pair`` (two rows, or
    none). ``view``: ``filter`` ({parameter: values that stay}), ``sort`` (a quantity) and ``down``,
    ``term`` of the curves, ``x`` and ``y`` of the scatter. ``shown`` are the numbers of the cells
    that the filter leaves, in the table's order.
    """

    _esm = bundle.module(HERE / "board.js")
    _css = (HERE.parent / "boards.css").read_text() + (HERE / "board.css").read_text()
    about = traitlets.Dict().tag(sync=True)
    selection = traitlets.Dict().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    shown = traitlets.List().tag(sync=True)
    curves = traitlets.List().tag(sync=True)
    scatter = traitlets.Dict().tag(sync=True)
    verdict = traitlets.Dict().tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)
    live = traitlets.Bool(False).tag(sync=True)
    busy = traitlets.Unicode().tag(sync=True)
    message = traitlets.Unicode().tag(sync=True)

    def __init__(self, out: Path, folder: Path):
        self._over = threading.Event()  # also of a board that could not be made
        super().__init__()
        self.out, self.folder = out, folder
        self.found = numbers.read(out)
        self._glance, self._one = Glance(out), threading.RLock()
        self._quiet = True
        self.about = about(self.found, out)
        opening = numbers.opening(self.found)
        self.view, self.selection = opening.view, opening.selection
        self._quiet = False
        self.on_msg(self._asked)
        self._refresh()
        self._look()
        self.live = goes_on(self.progress)

    # -- what may be chosen
    # ----------------------------------------------------------------------------------------------

    @traitlets.validate("selection")
    def _is_selection(self, proposal: Mapping[str, Any]) -> dict[str, Any]:
        """Cells and rows of this folder; anything else is refused by name."""
        value = {"cells": [], "pair": []} | dict(proposal["value"])
        if unknown := set(value) - {"cells", "pair"}:
            raise traitlets.TraitError(f"selection has no {', '.join(sorted(unknown))}")
        names = {cell.name for cell in self.found.cells}
        for name in value["cells"]:
            if name not in names:
                raise traitlets.TraitError(f"selection: {name!r} is no finished cell of {self.out}")
        if len(value["pair"]) not in (0, 2):
            raise traitlets.TraitError(f"selection: pair {value['pair']!r}, two rows are meant")
        for row in value["pair"]:
            if row not in self.found.rows:
                rows = ", ".join(self.found.rows)
                raise traitlets.TraitError(f"selection: no row {row!r}; there are {rows}")
        return value | {"cells": list(dict.fromkeys(value["cells"]))}

    @traitlets.validate("view")
    def _is_view(self, proposal: Mapping[str, Any]) -> dict[str, Any]:
        value = dict(self.view) | dict(proposal["value"])
        quantities = self.about["quantities"]
        choices = {
            "sort": [*numbers.PLACE, *quantities, "word"],
            "down": (False, True),
            "term": self.about["terms"],
            "x": quantities,
            "y": quantities,
        }
        for name, allowed in choices.items():
            if value[name] not in allowed:
                said = ", ".join(map(str, allowed))
                raise traitlets.TraitError(f"view: {name} {value[name]!r}; one of {said} is meant")
        for name in value["filter"]:
            if name not in self.found.differing:
                said = ", ".join(self.found.differing)
                raise traitlets.TraitError(f"view: filter by {name!r}; what differs is {said}")
        return value

    # -- what follows
    # ----------------------------------------------------------------------------------------------

    @traitlets.observe("selection", "view")
    def _changed(self, _: object) -> None:
        with self._one:
            if not self._quiet:
                self._refresh()

    def _refresh(self) -> None:
        """Bring what the page shows in step with selection and view."""
        view, found = self.view, self.found
        self.shown = numbers.ordered(found, view["filter"], view["sort"], view["down"])
        cells = [found.cells[number] for number in self.shown]
        points = {}
        for side in ("x", "y"):
            places, words = numbers.axis(cells, view[side])
            points[side] = {"places": places, "words": words, "name": figures.named(view[side])}
        self.scatter = points | {"cells": list(self.shown)}
        curves = []
        for name in self.selection["cells"]:
            curves.append({"cell": name, "points": numbers.curve(found.named(name), view["term"])})
        self.curves = curves
        self._judge(cells)

    def _judge(self, cells: list[numbers.Finished]) -> None:
        try:
            judged = figures.of_pair(self.found, cells, self.selection["pair"])
        except BoardError as error:
            self.verdict = {"words": str(error), "differs": [], "notes": []}
            return
        v = judged.verdict
        interval = [] if v.low is None else [v.low, v.high]
        self.verdict = {
            "words": pairs.words(judged),
            "word": v.word,
            "pairs": list(v.pairs),
            "difference": v.difference,
            "interval": interval,
            "detectable": v.detectable,
            "differs": judged.differs,
            "notes": judged.notes,
        }

    # -- files, the desk, the folder read again
    # ----------------------------------------------------------------------------------------------

    def _asked(self, _: object, content: Mapping[str, Any], __: object) -> None:
        if content.get("do") == "save":
            self.save()
        elif content.get("do") == "read":
            self.read()

    def on_desk(self) -> list[Path]:
        """The folders of the chosen cells, for the desk. Raises BoardError for none, for more than
        two, and for a reference run that came without weights.
        """
        cells = [self.found.named(name) for name in self.selection["cells"]]
        if not 0 < len(cells) <= MOST:
            raise BoardError(f"{len(cells)} cells are chosen: choose one or two for the desk.")
        return [numbers.whole(self.found, cell) for cell in cells]

    def read(self) -> None:
        """The folder anew, for a sweep that still runs; what is chosen stays where it is left."""
        with self._one:
            self._look()
            try:
                found = numbers.read(self.out)
            except BoardError as error:
                self.message = str(error)
            else:
                self._take(found)

    def _take(self, found: Found) -> None:
        own_now = any(cell.shipped for cell in self.found.cells) and not found.cells[0].shipped
        names = {cell.name for cell in found.cells}
        kept = [name for name in self.selection["cells"] if name in names]
        self.found, self._quiet = found, True
        self.about = about(found, self.out)
        if own_now:  # the reference runs stood in until now
            opening = numbers.opening(found)
            self.view, self.selection = opening.view, opening.selection
        else:
            self.view = self._still(self.view)
            pair = self.selection["pair"]
            if not pair or not set(pair) <= set(found.rows):
                pair = numbers.first_pair(found, self.view["filter"])
            self.selection = {"cells": kept, "pair": pair}
        self._quiet = False
        self._refresh()
        self.message = f"Read again: {len(found.cells)} finished cells."

    # -- a sweep that runs
    # ----------------------------------------------------------------------------------------------

    def _look(self) -> None:
        seen = self._glance.look()
        self.progress = seen | {"words": words(seen)}

    def tick(self) -> None:
        """Look at the folder once; what has finished since the last look comes on the board."""
        with self._one:
            before = self._glance.finished
            self._look()
            if self._glance.finished != before:
                self.read()

    @traitlets.observe("live")
    def _follow(self, change: Mapping[str, Any]) -> None:
        """Another thread looks, so that the notebook stays free; it ends when ``live`` does."""
        self._over.set()
        if change["new"]:
            self._over = threading.Event()
            name = f"board of {self.out}"
            threading.Thread(target=self._ticks, args=(self._over,), name=name, daemon=True).start()

    def _ticks(self, over: threading.Event) -> None:
        ran = False
        while not over.wait(EVERY):
            ran = ran or goes_on(self.progress)
            try:
                self.tick()
            except Exception as error:  # said on the board: nobody reads a thread's traceback
                self.message = f"Follows no more: {type(error).__name__}: {error}"
                self.live = False
            if ran and not goes_on(self.progress) and not self.progress["waiting"]:
                self.live = False

    def close(self) -> None:
        """Take the board from the page; what follows the folder ends."""
        self._over.set()
        super().close()

    def _still(self, view: Mapping[str, Any]) -> dict[str, Any]:
        """A view without what the folder, read again, no longer has."""
        chosen = {k: v for k, v in view["filter"].items() if k in self.found.differing}
        kept = {**view, "filter": chosen}
        quantities = self.about["quantities"]
        plain = {"sort": ("row", [*HEADS, *quantities]), "term": ("total", self.about["terms"])}
        plain |= {"x": ("mAP", quantities), "y": ("R1", quantities)}
        for name, (default, known) in plain.items():
            kept[name] = view[name] if view[name] in known else default
        return kept

    def figure(self) -> plt.Figure:
        """The static twin of what is seen."""
        return figures.board(self.found, self.shown, self.selection, self.view)

    def save(self) -> Path:
        """What is seen as a PNG, under the next free name; returns its path."""
        path = self.folder / f"{free(self.folder, 'runs')}.png"
        figure = self.figure()
        figure.savefig(path, dpi=110)
        plt.close(figure)
        self.message = f"Written: {path.resolve()}"
        return path


def about(found: Found, out: Path) -> dict[str, Any]:
    """What does not change until the folder is read again."""
    cells = []
    for cell in found.cells:
        values = {name: cell.quantity(name) for name in (*numbers.PLACE, *numbers.SHOWN)}
        row, warnings = found.row(cell), cell.warnings
        own = {"name": cell.name, "word": cell.word, "setting": cell.setting}
        cells.append(values | own | {"row": row, "warnings": warnings})
    return {
        "folder": str(out),
        "note": found.note,
        "shipped": any(cell.shipped for cell in found.cells),
        "cells": cells,
        "columns": [[name, *HEADS[name]] for name in HEADS],
        "rows": figures.look(found),
        "parameters": found.differing,
        "quantities": numbers.quantities(found),
        "terms": numbers.terms(found.cells),
        "dead": list(numbers.DEAD),
    }
