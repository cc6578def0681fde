"""What every explorer is made of: a quick picture, its labels, a free name to save under, controls
that are watched, and what stands in its place: a picture without a kernel, a sentence for bad
input.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

WHOLE = {"description_width": "initial"}  # a control's name is never cut short
TOP, LEFT = 34, 76  # pixels for the heads of columns and rows


def png(page: np.ndarray) -> bytes:
    """uint8 [H, W, 3] -> the bytes of a PNG, packed for speed rather than size."""
    out = BytesIO()
    Image.fromarray(page).save(out, "png", compress_level=1)
    return out.getvalue()


def raw(figure: Figure) -> bytes:
    """A figure as a PNG; it is closed."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=90)
    plt.close(figure)
    return drawn.getvalue()


def label(page: np.ndarray, columns: list[str], rows: list[str]) -> np.ndarray:
    """A sheet of pictures with a head over every column and before every row."""
    canvas = Image.new("RGB", (page.shape[1] + LEFT, page.shape[0] + TOP), "white")
    canvas.paste(Image.fromarray(page), (LEFT, TOP))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(12)
    for c, text in enumerate(columns):
        draw.multiline_text(
            (LEFT + (c + 0.5) * page.shape[1] / len(columns), TOP - 3),
            text,
            "black",
            font,
            anchor="md",
            align="center",
        )
    for r, text in enumerate(rows):
        draw.text(
            (LEFT - 6, TOP + (r + 0.5) * page.shape[0] / len(rows)),
            text,
            "black",
            font,
            anchor="rm",
        )
    return np.asarray(canvas)


def picture() -> widgets.Image:
    """An empty picture that is shown at its own size, not stretched to the page."""
    return widgets.Image(format="png", layout=widgets.Layout(align_self="flex-start"))


def free(folder: Path, stem: str) -> str:
    """The next name ``stem-01``, ``stem-02``, ... that no file of a folder has, whatever its
    ending; the folder is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = {path.stem for path in folder.iterdir()}
    return next(name for k in count(1) if (name := f"{stem}-{k:02d}") not in taken)


def button(name: str, action: Callable[[], None], hint: str) -> widgets.Button:
    """A button as wide as its name, with a tooltip."""
    layout = widgets.Layout(width="auto")
    made = widgets.Button(description=name, tooltip=hint, layout=layout)
    made.on_click(lambda _: action())
    return made


def choice(name: str, options: Sequence[str], hint: Mapping[str, str]) -> widgets.ToggleButtons:
    """One of a few, each with a tooltip of its own."""
    return widgets.ToggleButtons(
        options=options,
        description=name,
        tooltips=[hint[option] for option in options],
        style={"button_width": "auto", "description_width": "initial"},
    )


def watch(action: Callable[[object], None], *controls: widgets.Widget) -> None:
    for control in controls:
        control.observe(action, names="value")


class Pictured:
    """A widget whose output also holds a picture of it, for pages without a kernel."""

    def figure(self) -> Figure:
        """The static twin of what is seen."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        found = super()._repr_mimebundle_(**options)  # type: ignore[misc]
        data, about = found if isinstance(found, tuple) else (found, {})  # anywidget gives both
        return {**data, "image/png": base64.b64encode(raw(self.figure())).decode()}, about


def instead(what: str, words: object) -> widgets.HTML:
    """One sentence in a board's place: why it is not there, and what to do."""
    said = escape(" ".join(str(words).split()))
    return widgets.HTML(f'<p role="alert" style="max-width:60em"><b>No {what}.</b> {said}</p>')
