"""Explorers of data sets: leaf through any of them, turn the dials of a twin."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets

from bdlab.datasets import Dataset, twin
from bdlab.datasets.records import SPLITS
from bdlab.modality import Modality
from bdlab.workbench import bundle, pictures
from bdlab.workbench.widgets import LEFT, TOP, WHOLE, label, png, watch

from . import numbers as gaps

HERE = Path(__file__).parent
STRIP = 24  # people whose thumbnails are shown at a time
THUMBNAIL = (48, 24)  # pixels
LARGE = (288, 144)  # of an enlarged picture, as a network of full size is fed
GAP = 3  # pixels between the pictures of a sheet
WORKING = "working"


class Sheet(anywidget.AnyWidget):
    """A sheet of pictures with what chooses them; drawn by sheet.js, which says what its traits
    are. ``enlarge`` gives the picture of a spot, uint8 [H, W, 3].
    """

    _esm = bundle.module(HERE / "sheet.js")
    _css = (HERE.parent / "boards.css").read_text() + (HERE / "sheet.css").read_text()
    value = traitlets.Bytes().tag(sync=True)
    spots = traitlets.List().tag(sync=True)
    people = traitlets.List().tag(sync=True)
    start = traitlets.Int().tag(sync=True)
    shown = traitlets.List().tag(sync=True)
    picked = traitlets.Int(-1).tag(sync=True)
    dials = traitlets.List().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    told = traitlets.List().tag(sync=True)
    busy = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: Any):
        super().__init__(**traits)
        self.enlarge: Callable[[int], np.ndarray] = lambda spot: np.zeros((1, 1, 3), np.uint8)
        self.on_msg(self._asked)

    def _asked(self, _: object, content: Mapping[str, Any], __: object) -> None:
        spot = content.get("spot")
        if content.get("do") == "enlarge" and spot in range(len(self.spots)):
            answer = {"do": "enlarge", "spot": spot, "words": self.spots[spot][4]}
            self.send(answer, [png(self.enlarge(spot))])

    @contextmanager
    def working(self) -> Iterator[None]:
        """Say that something is being computed; the page shows it after 300 ms."""
        self.busy = WORKING
        try:
            yield
        finally:
            self.busy = ""

    def lay(
        self,
        cells: Sequence[Sequence[np.ndarray | None]],
        names: Sequence[Sequence[str]],
        columns: list[str],
        rows: list[str],
    ) -> None:
        """Put pictures on the sheet, each [H, W, 3] of one size or None, with their names."""
        page = pictures.sheet(cells, GAP)
        down = (page.shape[0] + GAP) // len(cells)
        across = (page.shape[1] + GAP) // max(map(len, cells))
        spots = []
        for r, line in enumerate(cells):
            for c, one in enumerate(line):
                if one is not None:
                    place = [LEFT + c * across, TOP + r * down, across - GAP, down - GAP]
                    spots.append([*place, names[r][c]])
        self.spots = spots
        self.value = png(label(page, columns, rows))


def data(
    dataset: Dataset, part: str = "test", people: int = 4, shots: int = 2, height: int = 128
) -> widgets.VBox:
    """People of a data set by cameras, in colour or one channel at a time, with how well the
    channels agree. Thumbnails choose who comes first; a click on a picture enlarges it.

    ``part`` (train, val, test), ``people`` a page, ``shots`` a camera and ``height`` of a picture
    [pixels, width half of it] are where it starts; ``.children`` are the controls and the sheet.
    Raises ValueError for a part without people.
    """
    sizes = {name: len(dataset.identities(name)) for name in SPLITS if dataset.identities(name)}
    if part not in sizes:
        raise ValueError(f"part {part!r}: {dataset.name} has {', '.join(sizes)}")
    which = widgets.Dropdown(options=list(sizes), value=part, description="part")
    first = widgets.IntSlider(
        0, 0, max(sizes[part] - people, 0), description="from person", style=WHOLE
    )
    many = widgets.BoundedIntText(
        shots,
        min=1,
        max=10,
        description="a camera",
        style=WHOLE,
        layout=widgets.Layout(width="150px"),
    )
    look = widgets.ToggleButtons(
        options=pictures.LOOKS, description="seen as", style={"button_width": "64px"}
    )
    sheet = Sheet()

    @lru_cache(maxsize=4096)
    def load(row: int) -> np.ndarray:
        return pictures.pixels(dataset, [row], height, height // 2)[0]

    def show(_: object = None) -> None:
        with sheet.working():
            table = gaps.sightings(dataset, which.value, people, many.value, first.value)
            cells, looked, names, rows = [], [], [], []
            for line in table.cells:
                rows += [row for row in line if row is not None]
                cells.append([None if row is None else load(row) for row in line])
                seen = [None if p is None else pictures.look(p, look.value) for p in cells[-1]]
                looked.append(seen)
                names.append(["" if row is None else _named(dataset, row) for row in line])
            heads = [pictures.camera_name(*c) for c in table.columns]
            sheet.lay(looked, names, heads, [f"person {i}" for i in table.ids])
            sheet.enlarge = lambda spot: _large(dataset, rows[spot], look.value)
            visible = _visible(cells, table.columns)
            sheet.told = _agreement(visible)
            strip()

    def strip() -> None:
        """Thumbnails of the people round those on the sheet."""
        everyone = dataset.identities(which.value)
        start = STRIP * (first.value // STRIP)
        some = everyone[start : start + STRIP]
        if [one["name"] for one in sheet.people] != [f"person {i}" for i in some]:
            table = gaps.sightings(dataset, which.value, len(some), 1, start)
            made = []
            for who, line in zip(some, table.cells, strict=True):
                face = next(row for row in line if row is not None)
                small = pictures.pixels(dataset, [face], *THUMBNAIL)[0]
                made.append({"name": f"person {who}", "picture": _uri(small)})
            sheet.start, sheet.people = start, made
        sheet.shown = list(range(first.value, min(first.value + people, len(everyone))))

    def turn(_: object = None) -> None:
        first.max = max(sizes[which.value] - people, 0)
        show()

    def pick(change: Mapping[str, Any]) -> None:
        if change["new"] >= 0:
            first.value = min(change["new"], first.max)
            sheet.picked = -1  # so that the same one can be picked again

    watch(show, first, many, look)
    watch(turn, which)
    sheet.observe(pick, "picked")
    show()
    return widgets.VBox([widgets.HBox([which, first, many]), look, sheet])


def dials(
    kind: str = "synthetic-sysu",
    people: int = 6,
    height: int = 144,
    size: str = "demo",
    seed: int = 0,
) -> Sheet:
    """Three shots of each person of a twin, one step apart, and the gaps measured on them, as its
    two dials are turned; a mark stands at the twin's own value of each. A click on a picture
    enlarges it.

    Rows: the RGB picture; the RGB sensor at the infrared camera's place; the infrared picture.
    ``kind`` is a twin's name, ``size`` and ``seed`` as for ``datasets.open``, ``height`` a
    picture's [pixels]. ``.values`` are the dials', readable and settable. Raises DatasetError for a
    twin that there is not.
    """
    own = twin.dials(kind, size=size, seed=seed)
    turned = []
    for name in pictures.DIALS:
        turned.append({"name": name, "words": name.replace("_", " "), "own": own[name]})
    sheet = Sheet(dials=turned, values={name: own[name] for name in pictures.DIALS})
    rows = {"rgb": "RGB", "rgb_at_ir": "RGB, moved", "ir": "infrared"}
    columns = [str(n + 1) for n in range(people)]
    names = []
    for row in rows.values():
        names.append([f"person {column}, {row}" for column in columns])

    def show(_: object = None) -> None:
        with sheet.working():
            shape = (height, height // 2)
            taken = gaps.shots(kind, people, size=size, seed=seed, shape=shape, **sheet.values)
            cells = [list(taken[name]) for name in rows]
            sheet.lay(cells, names, columns, list(rows.values()))
            sheet.enlarge = lambda spot: cells[spot // people][spot % people]
            told = []
            for name, found in gaps.gaps(taken).items():
                words = f"{name} gap" if name in ("appearance", "channel") else name
                told.append([words, f"{found.mean():+.2f}"])
            sheet.told = told

    sheet.observe(show, "values")
    show()
    return sheet


def _named(dataset: Dataset, row: int) -> str:
    """A picture in words: who, by which camera, and its file."""
    record = dataset.records[row]
    camera = pictures.camera_name(record.modality, record.camera).replace("\n", ", ")
    return f"person {record.identity}, {camera}: {record.path}"


def _large(dataset: Dataset, row: int, way: str) -> np.ndarray:
    return pictures.look(pictures.pixels(dataset, [row], *LARGE)[0], way)


def _uri(picture: np.ndarray) -> str:
    return f"data:image/png;base64,{base64.b64encode(png(picture)).decode()}"


def _visible(
    cells: Sequence[Sequence[np.ndarray | None]], columns: Sequence[tuple[Modality, int]]
) -> list[np.ndarray]:
    """The visible pictures among those on show."""
    found = []
    for line in cells:
        for one, (modality, _) in zip(line, columns, strict=True):
            if one is not None and modality is Modality.V:
                found.append(one)
    return found


def _agreement(visible: list[np.ndarray]) -> list[list[str]]:
    """How well the colours of the visible pictures on show agree."""
    if not visible:
        return [["no visible picture on this page", ""]]
    stack = np.stack(visible)
    told = []
    for name, a, b in (("R–G", 0, 1), ("G–B", 1, 2), ("R–B", 0, 2)):
        r = gaps.correlation(stack[..., a], stack[..., b]).mean()
        told.append([f"r {name}", f"{r:+.2f}"])
    return told
