"""Explorers of data sets: leaf through any of them, turn the dials of a twin."""

from __future__ import annotations

from functools import lru_cache
from html import escape

import ipywidgets as widgets
import numpy as np

from bdlab.datasets import Dataset, twin
from bdlab.datasets.records import SPLITS
from bdlab.modality import Modality
from bdlab.workbench import pictures
from bdlab.workbench.widgets import WHOLE, label, picture, png, watch

from . import numbers as gaps


def data(
    dataset: Dataset, part: str = "test", people: int = 4, shots: int = 2, height: int = 128
) -> widgets.VBox:
    """People of a data set by cameras, in colour or one channel at a time, with how well the
    channels agree.

    ``part`` (train, val, test), ``people`` a page, ``shots`` a camera and ``height`` of a picture
    [pixels, width half of it] are where it starts; ``.children`` are the controls, the numbers and
    the picture. Raises ValueError for a part without people.
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
    shown, numbers = picture(), widgets.HTML()

    @lru_cache(maxsize=4096)
    def load(row: int) -> np.ndarray:
        return pictures.pixels(dataset, [row], height, height // 2)[0]

    def show(_: object = None) -> None:
        table = gaps.sightings(dataset, which.value, people, many.value, first.value)
        cells, looked = [], []
        for line in table.cells:
            cells.append([None if row is None else load(row) for row in line])
            shown_ = [None if p is None else pictures.look(p, look.value) for p in cells[-1]]
            looked.append(shown_)
        shown.value = png(
            label(
                pictures.sheet(looked),
                [pictures.camera_name(*c) for c in table.columns],
                [f"person {i}" for i in table.ids],
            )
        )
        numbers.value = _agreement(
            [
                p
                for line in cells
                for p, c in zip(line, table.columns, strict=True)
                if p is not None and c[0] is Modality.V
            ]
        )

    def turn(_: object = None) -> None:
        first.max = max(sizes[which.value] - people, 0)
        show()

    watch(show, first, many, look)
    watch(turn, which)
    show()
    return widgets.VBox([widgets.HBox([which, first, many]), look, numbers, shown])


def dials(
    kind: str = "synthetic-sysu",
    people: int = 6,
    height: int = 144,
    size: str = "demo",
    seed: int = 0,
) -> widgets.VBox:
    """Three shots of each person of a twin, one step apart, and the gaps measured on them, as its
    two dials are turned.

    Rows: the RGB picture; the RGB sensor at the infrared camera's place; the infrared picture.
    ``kind`` is a twin's name, ``size`` and ``seed`` as for ``datasets.open``, ``height`` a
    picture's [pixels]. Raises DatasetError for a twin that there is not.
    """
    start = twin.dials(kind, size=size, seed=seed)
    bounds = {"min": 0, "max": 1, "step": 0.05, "continuous_update": False, "style": WHOLE}
    sliders = [
        widgets.FloatSlider(start[name], description=name.replace("_", " "), **bounds)
        for name in pictures.DIALS
    ]
    shown, numbers = picture(), widgets.HTML()

    def show(_: object = None) -> None:
        turned = {name: slider.value for name, slider in zip(pictures.DIALS, sliders, strict=True)}
        taken = gaps.shots(
            kind, people, size=size, seed=seed, shape=(height, height // 2), **turned
        )
        rows = {"rgb": "RGB", "rgb_at_ir": "RGB, moved", "ir": "infrared"}
        page = pictures.sheet([list(taken[name]) for name in rows])
        shown.value = png(label(page, [str(n + 1) for n in range(people)], list(rows.values())))
        found = gaps.gaps(taken)
        numbers.value = _table(
            {
                f"{name} gap" if name in ("appearance", "channel") else name: v.mean()
                for name, v in found.items()
            }
        )

    watch(show, *sliders)
    show()
    return widgets.VBox([widgets.HBox(sliders), numbers, shown])


def _agreement(visible: list[np.ndarray]) -> str:
    """How well the colours of the visible pictures on show agree, as HTML."""
    if not visible:
        return "no visible picture on this page"
    stack = np.stack(visible)
    pairs = {"R–G": (0, 1), "G–B": (1, 2), "R–B": (0, 2)}
    return _table(
        {
            f"r {name}": gaps.correlation(stack[..., a], stack[..., b]).mean()
            for name, (a, b) in pairs.items()
        }
    )


def _table(values: dict[str, float]) -> str:
    return " &emsp; ".join(f"{escape(name)} <b>{value:+.2f}</b>" for name, value in values.items())
