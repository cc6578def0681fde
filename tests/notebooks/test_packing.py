"""Pictures packed together: what each of them loses."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from tests.conftest import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "docs"))
import packing

sys.path.remove(str(REPOSITORY / "docs"))


def drawing():
    """Lines and two marks of like colours on white, and a scale of greys [256, 256, 3] uint8."""
    pixels = np.full((256, 256, 3), 255, np.uint8)
    pixels[200:240] = np.arange(256, dtype=np.uint8)[None, :, None]
    pixels[100:102] = pixels[:, 128] = 40
    for corner, colour in ((10, (213, 94, 0)), (30, (222, 143, 5))):
        pixels[corner : corner + 6, corner : corner + 6] = colour
    return pixels


def photograph():
    """Soft colours everywhere under a white margin as large [256, 256, 3] uint8."""
    y, x = np.mgrid[:128, :256]
    soft = np.stack([128 + 60 * np.sin(x / 31), 70 + y, 200 - x / 3], axis=2)
    rough = np.random.default_rng(0).normal(0, 6, soft.shape)
    return np.concatenate([np.full_like(soft, 255), soft + rough]).clip(0, 255).astype(np.uint8)


def png(pixels):
    raw = io.BytesIO()
    Image.fromarray(pixels).save(raw, "PNG")
    return raw.getvalue()


def off(pixels, form):
    """Errors of what is kept [H, W, 3]."""
    return np.abs(np.asarray(opened(form)).astype(int) - pixels)


def opened(form):
    return Image.open(io.BytesIO(form.data)).convert("RGB")


@pytest.fixture(scope="module")
def pictures():
    return [drawing(), photograph()]


@pytest.fixture(scope="module")
def found(pictures):
    return [packing.forms(png(pixels)) for pixels in pictures]


def test_all_fit_and_no_byte_buys_more_elsewhere(pictures, found):
    """At less and less room; beside it every choice that fits, the loops of this promise."""
    for most in (60_000, 20_000, 12_000, 9_000):
        chosen = packing.fit([png(pixels) for pixels in pictures], most)
        size, loss = (sum(x) for x in zip(*((len(f.data), f.loss) for f in chosen), strict=True))
        assert size <= most
        better = [
            (a, b)
            for a in found[0]
            for b in found[1]
            if len(a.data) + len(b.data) <= size and a.loss + b.loss < 0.999 * loss
        ]
        assert not better, most


def test_too_little_room_is_refused(pictures):
    with pytest.raises(ValueError, match=r"2 pictures need [\d,]+ bytes, at most 900"):
        packing.fit([png(pixels) for pixels in pictures], 900)


def test_a_drawing_keeps_its_marks_and_a_photograph_its_colours(pictures, found):
    """Where both must be small. The broken variant is one palette of twelve colours for both."""
    drawn, soft = pictures
    kept = packing.fit([png(drawn), png(soft)], 16_000)
    assert [form.kind for form in kept] == ["image/png", "image/jpeg"]
    marks = [off(drawn, kept[0])[k + 2, k + 2].max() for k in (10, 30)]
    assert max(marks) <= 20
    assert off(soft, kept[1])[128:].mean() < 8
    flat = Image.fromarray(soft).quantize(12, dither=Image.Dither.NONE).convert("RGB")
    assert np.abs(np.asarray(flat).astype(int) - soft)[128:].mean() > 8


def test_no_wider_than_a_cell(pictures):
    wide = np.tile(pictures[0], (1, 8, 1))
    (form,) = packing.fit([png(wide)], 100_000)
    widest = packing.WIDTHS[0]
    assert opened(form).size == (widest, round(256 * widest / 2048))
    rough = np.random.default_rng(0).integers(0, 256, (60, 1200, 3), dtype=np.uint8)
    least = [min(len(f.data) for f in packing.forms(png(rough), w)) for w in packing.WIDTHS]
    (narrow,) = packing.fit([png(rough)], least[1])
    assert opened(narrow).width == packing.WIDTHS[1]
    (same,) = packing.fit([png(pictures[0])], 100_000)
    assert opened(same).size == (256, 256)


def test_with_room_nobody_sees_a_difference(pictures):
    for pixels, form in zip(pictures, packing.fit(list(map(png, pictures)), 10**6), strict=True):
        assert off(pixels, form).mean() < 3
