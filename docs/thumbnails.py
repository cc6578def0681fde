"""Makes docs/thumbnails/*.png, one picture for each notebook, from the outputs it carries.

python docs/thumbnails.py
"""

from __future__ import annotations

import base64
import io
from pathlib import Path

import nbformat
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent
BOOKS = HERE.parent / "notebooks"
SIZE = (360, 225)  # pixels, width and height
#: Which of a notebook's pictures stands for it; the first where none is named.
CHOSEN = {"01_data": 2, "03_losses": 0, "05_retrieval": 1}


def pictures(path: Path) -> list[Image.Image]:
    """What a notebook shows, in order."""
    found = []
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if raw := data.get("image/png") or data.get("image/jpeg"):
                found.append(Image.open(io.BytesIO(base64.b64decode(raw))).convert("RGB"))
    return found


def thumbnail(picture: Image.Image) -> Image.Image:
    """The picture's left upper part, or all of it with a white border, in one size."""
    wide = SIZE[0] / SIZE[1]
    if picture.width > 2 * wide * picture.height:
        picture = picture.crop((0, 0, round(2 * wide * picture.height), picture.height))
    return ImageOps.pad(picture, SIZE, Image.Resampling.LANCZOS, color="white")


def main() -> None:
    target = HERE / "thumbnails"
    target.mkdir(exist_ok=True)
    for path in sorted(BOOKS.glob("[0-9]*.ipynb")):
        shown = pictures(path)
        picture = shown[min(CHOSEN.get(path.stem, 0), len(shown) - 1)]
        small = thumbnail(picture).quantize(64, dither=Image.Dither.NONE)
        small.save(target / f"{path.stem}.png", optimize=True)


if __name__ == "__main__":
    main()
