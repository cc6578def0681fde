"""What the channel explorer shows of one person: pictures side by side with words over them, of one
generator or of two (the sides A and B).
"""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bdlab.modality import Modality
from bdlab.workbench.pictures import sheet

from .numbers import CHANNELS, one_of
from .render import WHITE, Rendered, affine, grey, mark, shares, single

V, I, DV, DI = Modality
VIEWS = ("overview", "channels", "divergence")
#: Where one channel stands alone, and an ink is chosen for it: of one side, of two.
INKED = {1: VIEWS[:2], 2: VIEWS[1:2]}
#: Pictures in a row, where all of a page stand in one row of one size.
ROWS = {("divergence", 1): 5, ("overview", 2): 8, ("divergence", 2): 9}
GAP, HEAD = 3, 22  # pixels between pictures, and for the words over them
#: The same where many pictures stand in a row, which a laptop shows at less than half their size.
HIGH = 30


def page(rendered: Rendered, view: str = "overview", ink: str = "colour") -> np.ndarray:
    """What the explorer shows, uint8 [H, W, 3] with a word over every picture. Raises ValueError
    for an unknown view or ink.
    """
    one_of("view", view, VIEWS)
    shown = rendered.shown
    if view == "divergence":
        maps = {
            f"|D_I - I| {c} {rendered.divergence[..., k].mean():.2f}": grey(
                rendered.divergence[..., k]
            )
            for k, c in enumerate(CHANNELS)
        }
        return _headed({"I": shown[I], "D_I": shown[DI], **maps})
    if view == "channels":
        above, below = ([shown[m] for m in row] for row in ((V, I), (DV, DI)))
        return _channels(above, below, ("V over D_V", "I over D_I"), ink)
    thirds = {m: _thirds(p, ink) for m, p in shown.items()}
    named = {"V": V, "E_V(V)": None, "D_V": DV, "I": I, "D_I": DI}
    gray = mark(rendered.encoded, rendered.clipped)
    return _headed(
        {n: gray if m is None else _beside(shown[m], thirds[m]) for n, m in named.items()}
    )


def compared(a: Rendered, b: Rendered, view: str = "overview", ink: str = "colour") -> np.ndarray:
    """``page`` of two sides of one person: what they make alike stands once, what may differ stands
    beside its partner, A left of B; in the view ``channels`` A above B.
    """
    one_of("view", view, VIEWS)
    if view == "channels":
        above, below = ([side.shown[m] for m in (DV, DI)] for side in (a, b))
        return _channels(above, below, ("D_V: A over B", "D_I: A over B"), ink)
    sides = {"A": a, "B": b}
    if view == "overview":
        pictures = {"V": a.shown[V]}
        for name, side in sides.items():
            pictures[f"E_V(V) {name}"] = mark(side.encoded, side.clipped)
        pictures |= _made(sides, DV, "D_V") | {"I": a.shown[I]} | _made(sides, DI, "D_I")
        return _headed(pictures, head=HIGH)
    pictures = {"I": a.shown[I]} | _made(sides, DI, "D_I")
    for k, channel in enumerate(CHANNELS):
        for name, side in sides.items():
            apart = side.divergence[..., k]
            pictures[f"{channel} {name} {apart.mean():.2f}"] = grey(apart)
    return _headed(pictures, head=HIGH)


def _made(sides: Mapping[str, Rendered], modality: Modality, word: str) -> dict[str, np.ndarray]:
    """What each side makes of one modality."""
    return {f"{word} {name}": side.shown[modality] for name, side in sides.items()}


def _channels(
    above: Sequence[np.ndarray], below: Sequence[np.ndarray], names: Sequence[str], ink: str
) -> np.ndarray:
    """Two rows of pictures, each with its three channels right of it."""
    parts = []
    for left, right in (above, below):
        whole = [left, *_thirds(left, ink), right, *_thirds(right, ink)]
        parts.append([_smaller(one, 2 / 3) for one in whole])
    heads = [names[0], *CHANNELS, names[1], *CHANNELS]
    return _headed(dict(enumerate(_columns(parts))), heads)


Box = tuple[int, int, int, int]  # left, top, width, height


def boxes(view: str, height: int, width: int, sides: int = 1) -> list[Box]:
    """Where ``page`` (of two ``sides``: ``compared``) puts whole and small copies of the person's
    pictures of ``height`` x ``width`` pixels.
    """
    if number := ROWS.get((view, sides)):
        head = HIGH if sides > 1 else HEAD
        return [(k * (width + 3 * GAP), head, width, height) for k in range(number)]
    if view == "channels":
        across, down = round(width * 2 / 3), round(height * 2 / 3)
        spots = itertools.product(range(8), range(2))
        return [(c * (across + 3 * GAP), HEAD + r * (down + GAP), across, down) for c, r in spots]
    across, down = round(width / 3), round(height / 3)
    found: list[Box] = []
    left = 0
    for alone in (False, True, False, False, False):  # E_V(V) has no channels beside it
        found.append((left, HEAD, width, height))
        left += width
        if not alone:
            left += GAP
            thirds = [HEAD + k * height // 3 for k in range(3)]
            found += [(left, top, across, min(down, HEAD + height - top)) for top in thirds]
            left += across
        left += 3 * GAP
    return found


def pixel_at(
    view: str, height: int, width: int, x: float, y: float, sides: int = 1
) -> tuple[int, int] | None:
    """(row, column) of the person's pixel under a point of the page; None between the pictures."""
    for left, top, across, down in boxes(view, height, width, sides):
        if left <= x < left + across and top <= y < top + down:
            row, column = (y - top) * height / down, (x - left) * width / across
            return min(int(row), height - 1), min(int(column), width - 1)
    return None


def spots(
    view: str, height: int, width: int, row: int, column: int, sides: int = 1
) -> list[list[float]]:
    """[x, y] of a person's pixel on the page, in every picture that is large enough to see it."""
    found = []
    for left, top, across, down in boxes(view, height, width, sides):
        if down > height / 2:
            x, y = (column + 0.5) * across / width, (row + 0.5) * down / height
            found.append([left + x, top + y])
    return found


def words(rendered: Rendered, view: str = "overview") -> str:
    """What the picture cannot say by itself, as HTML."""
    found = shares(rendered)["pixels"]
    slope, level = affine(rendered.numbers, rendered.space)
    lines = [f"{c} {slope[k]:.2f} I {level[k]:+.2f}" for k, c in enumerate(CHANNELS)]
    key = f" A divergence is black at 0, white from {WHITE} on; the number is its mean."
    return (
        f"E_V's ReLU clips <b>{100 * rendered.clipped.mean():.0f} %</b> of V's pixels (striped). "
        f"D_V's brightness: red {100 * found[0]:.0f}, green {100 * found[1]:.0f}, blue "
        f"{100 * found[2]:.0f} %. "
        f"D_I in pixels: {'; '.join(lines)}.<br>Outside what a screen shows: "
        f"{100 * rendered.outside(DV):.0f} % of D_V, "
        f"{100 * rendered.outside(DI):.0f} % of D_I.{key if view == 'divergence' else ''}"
    )


def _headed(
    pictures: Mapping[Any, np.ndarray], heads: Sequence[str] = (), head: int = HEAD
) -> np.ndarray:
    """Pictures of one height side by side with words over them."""
    tall, width = (
        next(iter(pictures.values())).shape[0],
        sum(p.shape[1] + 3 * GAP for p in pictures.values()) - 3 * GAP,
    )
    canvas = Image.new("RGB", (width, tall + head), "white")
    draw, font, x = ImageDraw.Draw(canvas), ImageFont.load_default(0.7 * head), 0
    for word, p in zip(heads or pictures, pictures.values(), strict=True):
        canvas.paste(Image.fromarray(p), (x, head))
        draw.text((x + p.shape[1] / 2, head - 6), str(word), "black", font, anchor="ms")
        x += p.shape[1] + 3 * GAP
    return np.asarray(canvas)


def _beside(picture: np.ndarray, parts: Sequence[np.ndarray]) -> np.ndarray:
    """A picture and, right of it, its three channels at a third of its size, one under the
    other.
    """
    small = [_smaller(p, 1 / 3) for p in parts]
    column = np.full((picture.shape[0], small[0].shape[1], 3), 255, np.uint8)
    for k, p in enumerate(small):
        column[k * picture.shape[0] // 3 :][: p.shape[0]] = p
    return np.concatenate(
        [picture, np.full((picture.shape[0], GAP, 3), 255, np.uint8), column], axis=1
    )


def _columns(rows: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Rows of pictures as one picture a column."""
    made = []
    for column in zip(*rows, strict=True):
        made.append(sheet([[p] for p in column], GAP))
    return made


def _thirds(picture: np.ndarray, ink: str) -> list[np.ndarray]:
    """The three channels of a picture, each alone."""
    return [single(picture, channel, ink) for channel in range(3)]


def _smaller(picture: np.ndarray, by: float) -> np.ndarray:
    """A picture at a share of its size."""
    size = (round(picture.shape[1] * by), round(picture.shape[0] * by))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))


def thumbnail(pair: Sequence[np.ndarray], height: int = 66) -> str:
    """A person's visible and infrared picture side by side, small, as a data URI."""
    by = height / pair[0].shape[0]
    small = np.concatenate([_smaller(p, by) for p in pair], axis=1)
    packed = io.BytesIO()
    Image.fromarray(small).save(packed, "webp", quality=80)
    return "data:image/webp;base64," + base64.b64encode(packed.getvalue()).decode()
