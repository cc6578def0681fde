"""Reading notebooks: cells and the words around them; of an executed one what it printed, its
tables and its pictures.
"""

import base64
import io
import json

import numpy as np
from PIL import Image

WIDGET = "application/vnd.jupyter.widget-view+json"


def cells(path):
    return json.loads(path.read_text())["cells"]


def source(cell):
    return "".join(cell["source"])


def code(path):
    return "".join(source(cell) for cell in cells(path) if cell["cell_type"] == "code")


def words(path):
    return "".join(source(cell) for cell in cells(path) if cell["cell_type"] == "markdown")


def around(all_cells, k, before, after):
    """The markdown among ``before`` cells before cell ``k`` and ``after`` behind it."""
    return "".join(
        source(cell)
        for cell in all_cells[max(k - before, 0) : k + after + 1]
        if cell["cell_type"] == "markdown"
    )


def outputs(path):
    found = [output for cell in cells(path) for output in cell.get("outputs", [])]
    assert not [output for output in found if output["output_type"] == "error"]
    return found


def said(path):
    """(everything printed, the numbers on its last line); no warning was among it."""
    streams = [output for output in outputs(path) if output["output_type"] == "stream"]
    assert not any("Warning" in "".join(stream["text"]) for stream in streams)
    printed = "".join("".join(stream["text"]) for stream in streams if stream["name"] == "stdout")
    return printed, json.loads(printed.strip().splitlines()[-1])


def of_type(path, mime):
    """What was displayed as ``mime``, text in one piece."""
    return [
        "".join(output["data"][mime]) for output in outputs(path) if mime in output.get("data", {})
    ]


def widgets(path):
    """The sources of the cells that show a widget, once for each."""
    return [
        source(cell)
        for cell in cells(path)
        for output in cell.get("outputs", [])
        if WIDGET in output.get("data", {})
    ]


def explorers(path):
    """The sources of the cells that show an explorer, once for each: a bar of slow reading, which
    busy machines show, is none.
    """
    return [cell for cell in widgets(path) if "explorers." in cell]


def shown(path):
    """The pictures among the outputs as arrays [H, W, 3] uint8."""
    raw = [*of_type(path, "image/png"), *of_type(path, "image/jpeg")]
    drawn = [Image.open(io.BytesIO(base64.b64decode(data))) for data in raw]
    return [np.array(picture.convert("RGB")) for picture in drawn]


def not_blank(picture):
    """More than one shade on a share of the picture that a frame and labels alone do not reach."""
    return (picture != picture[0, 0]).any(axis=2).mean() > 0.02 and len(np.unique(picture)) > 8


def draws(path, figures):
    """So many pictures, and none of them empty."""
    pictures = shown(path)
    assert len(pictures) == figures
    assert all(map(not_blank, pictures))
