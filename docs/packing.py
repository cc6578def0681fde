"""Pictures made small together: of each the form that loses least for its bytes, so that all of
them fit into so many.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFile

ImageFile.MAXBLOCK = 2**23  # an optimised JPEG must fit into the encoder's buffer at once

#: Pixels across at most: what is wider than a cell is wasted. The next where not all fit: narrow
#: pictures are harder to read than coarse ones.
WIDTHS = (950, 850, 750, 650)
#: A drawing has few colours, a photograph bears an imprecise one: every picture may be either.
COLOURS = (192, 96, 48, 24, 12)
QUALITIES = (88, 78, 68, 58, 48, 38, 28)
#: The price at which pictures look as they were made; nobody sees what more bytes would buy.
FINEST = 500.0
#: The mean cubed error beyond which a photograph is blots; JPEG at the least quality stays below.
BLOTS = 12.0**3
PALETTES = (Image.Quantize.MEDIANCUT, Image.Quantize.MAXCOVERAGE)


@dataclass(frozen=True)
class Form:
    """A picture as a file: its type, its bytes and what it lost, the sum of its numbers' errors
    cubed: one wrong colour in a mark is worse than a breath of noise everywhere.
    """

    kind: str
    data: bytes
    loss: float


def fit(pictures: Sequence[bytes], most: int) -> list[Form]:
    """A form of every PNG, ``most`` bytes in all at most: the same price a byte for every picture.

    Raises ValueError where even the smallest forms are more.
    """
    for width in WIDTHS:
        found = [forms(png, width) for png in pictures]
        least = sum(min(len(form.data) for form in each) for each in found)
        if least <= most:
            break
    else:
        raise ValueError(f"{len(pictures)} pictures need {least:,} bytes, at most {most:,}")
    price = FINEST
    while _bytes(chosen := _chosen(found, price)) > most:
        price *= 1.1
    return chosen


def forms(png: bytes, width: int = WIDTHS[0]) -> list[Form]:
    """Every form of one picture, made so wide at most."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    if picture.width > width:
        size = (width, round(picture.height * width / picture.width))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    found = []
    for quality in QUALITIES:
        found.append(_form(picture, picture, "jpeg", quality=quality, subsampling=0))
    for palette in PALETTES:
        for colours in COLOURS:
            flat = picture.quantize(colours, palette, dither=Image.Dither.NONE)
            found.append(_form(picture, flat, "png"))
    numbers = 3 * picture.width * picture.height
    return [form for form in found if form.loss <= BLOTS * numbers] or found[:1]


def _form(picture: Image.Image, kept: Image.Image, kind: str, **options: int) -> Form:
    out = io.BytesIO()
    kept.save(out, kind, optimize=True, **options)
    again = Image.open(io.BytesIO(out.getvalue())).convert("RGB")
    error = np.abs(np.asarray(picture, np.float32) - np.asarray(again, np.float32))
    return Form(f"image/{kind}", out.getvalue(), float((error**3).sum(dtype=np.float64)))


def _chosen(found: Sequence[Sequence[Form]], price: float) -> list[Form]:
    """Of every picture the form that costs least, its loss and its bytes at a price each."""
    return [min(each, key=lambda form: form.loss + price * len(form.data)) for each in found]


def _bytes(chosen: Sequence[Form]) -> int:
    return sum(len(form.data) for form in chosen)
