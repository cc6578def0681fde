"""What every explorer is made of: a quick picture, its labels, a free name to save under, and
controls that are watched.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from itertools import count
from pathlib import Path

import ipywidgets as widgets
import numpy as np
from PIL import Image, ImageDraw, ImageFont

WHOLE = {"description_width": "initial"}  # a control's name is never cut short
TOP, LEFT = 34, 76  # pixels for the heads of columns and rows


def png(page: np.ndarray) -> bytes:
    """uint8 [H, W, 3] -> the bytes of a PNG, packed for speed rather than size."""
    out = BytesIO()
    Image.fromarray(page).save(out, "png", compress_level=1)
    return out.getvalue()


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


def watch(action: Callable[[object], None], *controls: widgets.Widget) -> None:
    for control in controls:
        control.observe(action, names="value")
