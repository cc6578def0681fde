"""Interactive shells around what ``gaps`` measures: ipywidgets, and PIL -> PNG bytes -> widgets.Image for quick sliders.

A widget lives in a running notebook only; beside every explorer stands a static figure of ``data_figures``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from html import escape
from io import BytesIO

import ipywidgets as widgets
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from . import gaps
from .datasets import Dataset
from .datasets.records import SPLITS
from .modality import Modality

_TOP, _LEFT = 34, 76  # pixels for the heads of columns and rows
_WHOLE = {"description_width": "initial"}  # a control's name is never cut short


def data(dataset: Dataset, part: str = "test", people: int = 4, shots: int = 2, height: int = 128) -> widgets.VBox:
    """Leaf through any data set: people by cameras, in colour or one channel at a time, with how well the channels agree.

    ``part`` (train, val, test), ``people`` a page, ``shots`` a camera and ``height`` of a picture [pixels, width half of it] are
    where it starts; ``.children`` are the controls, the numbers and the picture. Raises ValueError for a part without people.
    """
    sizes = {name: len(dataset.identities(name)) for name in SPLITS if dataset.identities(name)}
    if part not in sizes:
        raise ValueError(f"part {part!r}: {dataset.name} has {', '.join(sizes)}")
    which = widgets.Dropdown(options=list(sizes), value=part, description="part")
    first = widgets.IntSlider(0, 0, max(sizes[part] - people, 0), description="from person", style=_WHOLE)
    many = widgets.BoundedIntText(shots, min=1, max=10, description="a camera", style=_WHOLE, layout=widgets.Layout(width="150px"))
    look = widgets.ToggleButtons(options=gaps.LOOKS, description="seen as", style={"button_width": "64px"})
    picture, numbers = _picture(), widgets.HTML()

    @lru_cache(maxsize=4096)
    def load(row: int) -> np.ndarray:
        return gaps.pixels(dataset, [row], height, height // 2)[0]

    def show(_: object = None) -> None:
        table = gaps.sightings(dataset, which.value, people, many.value, first.value)
        cells = [[None if row is None else load(row) for row in line] for line in table.cells]
        looked = [[None if p is None else gaps.look(p, look.value) for p in line] for line in cells]
        picture.value = png(label(gaps.sheet(looked), [gaps.camera_name(*c) for c in table.columns], [f"person {i}" for i in table.ids]))
        numbers.value = _agreement(
            [p for line in cells for p, c in zip(line, table.columns, strict=True) if p is not None and c[0] is Modality.V]
        )

    def turn(_: object = None) -> None:
        first.max = max(sizes[which.value] - people, 0)
        show()

    _watch(show, first, many, look)
    _watch(turn, which)
    show()
    return widgets.VBox([widgets.HBox([which, first, many]), look, numbers, picture])


def dials(kind: str = "synthetic-sysu", people: int = 6, height: int = 144, size: str = "demo", seed: int = 0) -> widgets.VBox:
    """Turn a twin's two dials and watch three shots of each person change, and the gaps that are measured on them.

    Rows: the RGB picture; the RGB sensor at the infrared camera's place; the infrared picture. ``kind`` is a twin's name, ``size``
    and ``seed`` as for ``datasets.open``, ``height`` a picture's [pixels]. Raises DatasetError for a twin that there is not.
    """
    from .datasets.twins import settle

    start = settle(kind, size, seed)
    bounds = {"min": 0, "max": 1, "step": 0.05, "continuous_update": False, "style": _WHOLE}
    sliders = [widgets.FloatSlider(getattr(start, name), description=name.replace("_", " "), **bounds) for name in gaps.DIALS]
    picture, numbers = _picture(), widgets.HTML()

    def show(_: object = None) -> None:
        turned = {name: slider.value for name, slider in zip(gaps.DIALS, sliders, strict=True)}
        taken = gaps.shots(kind, people, size=size, seed=seed, shape=(height, height // 2), **turned)
        rows = {"rgb": "RGB", "rgb_at_ir": "RGB, moved", "ir": "infrared"}
        page = gaps.sheet([list(taken[name]) for name in rows])
        picture.value = png(label(page, [str(n + 1) for n in range(people)], list(rows.values())))
        found = gaps.gaps(taken)
        numbers.value = _table({f"{name} gap" if name in ("appearance", "channel") else name: v.mean() for name, v in found.items()})

    _watch(show, *sliders)
    show()
    return widgets.VBox([widgets.HBox(sliders), numbers, picture])


def png(page: np.ndarray) -> bytes:
    """uint8 [H, W, 3] -> the bytes of a PNG, packed for speed rather than size."""
    out = BytesIO()
    Image.fromarray(page).save(out, "png", compress_level=1)
    return out.getvalue()


def label(page: np.ndarray, columns: list[str], rows: list[str]) -> np.ndarray:
    """A sheet of pictures with a head over every column and before every row."""
    canvas = Image.new("RGB", (page.shape[1] + _LEFT, page.shape[0] + _TOP), "white")
    canvas.paste(Image.fromarray(page), (_LEFT, _TOP))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(12)
    for c, text in enumerate(columns):
        draw.multiline_text((_LEFT + (c + 0.5) * page.shape[1] / len(columns), _TOP - 3), text, "black", font, anchor="md", align="center")
    for r, text in enumerate(rows):
        draw.text((_LEFT - 6, _TOP + (r + 0.5) * page.shape[0] / len(rows)), text, "black", font, anchor="rm")
    return np.asarray(canvas)


def _picture() -> widgets.Image:
    """An empty picture that is shown at its own size, not stretched to the page."""
    return widgets.Image(format="png", layout=widgets.Layout(align_self="flex-start"))


def _watch(action: Callable[[object], None], *controls: widgets.Widget) -> None:
    for control in controls:
        control.observe(action, names="value")


def _agreement(visible: list[np.ndarray]) -> str:
    """How well the colours of the visible pictures on show agree, as HTML."""
    if not visible:
        return "no visible picture on this page"
    stack = np.stack(visible)
    pairs = {"R–G": (0, 1), "G–B": (1, 2), "R–B": (0, 2)}
    return _table({f"r {name}": gaps.correlation(stack[..., a], stack[..., b]).mean() for name, (a, b) in pairs.items()})


def _table(values: dict[str, float]) -> str:
    return " &emsp; ".join(f"{escape(name)} <b>{value:+.2f}</b>" for name, value in values.items())
