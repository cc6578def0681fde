"""Where the picture in a JPEG ends: bytes behind it do not matter, a cut one is seen whatever
follows.
"""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from bdlab.datasets import jpeg
from bdlab.datasets.pictures import decode

from . import trees


def saved(seed: int, **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(trees.pixels(seed, height=64, width=32)).save(out, "JPEG", **options)
    return out.getvalue()


def thumbnail() -> bytes:
    """EXIF that holds a whole JPEG of its own, end mark included."""
    tags = Image.Exif()
    tags[0x927C] = saved(3, quality=20)[:60_000]
    return tags.tobytes()


WHOLE = {
    "plain": saved(1),
    "progressive": saved(1, progressive=True),
    "restarts": saved(1, restart_marker_blocks=2),
    "a thumbnail": saved(1, exif=thumbnail()),
    "grey": saved(1, quality=30, subsampling=2),
}


def tail(seed: int) -> bytes:
    """What a phone puts behind a motion photo."""
    noise = np.random.default_rng(seed).integers(0, 256, 50_000, dtype=np.uint8)
    return bytes(3) + b" ftypmp42" + noise.tobytes()


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_whole_picture_is_whole_whatever_follows(data):
    want = decode(data, 64, 32, "x.jpg")
    for seed in range(20):
        longer = data + tail(seed)
        assert jpeg.is_whole(longer) is True
        np.testing.assert_array_equal(decode(longer, 64, 32, "x.jpg"), want)


def test_a_look_for_the_last_marks_gets_it_wrong():
    """The broken variant: in a video's bytes start and end marks come in any order."""
    data = WHOLE["plain"]
    wrong = 0
    for seed in range(40):
        longer = data + tail(seed)
        wrong += longer.rfind(b"\xff\xd9") < longer.rfind(b"\xff\xda")
    assert wrong > 0


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_cut_picture_is_refused(data):
    scan = data.rfind(b"\xff\xda")
    for end in (len(data) - 2, len(data) - 1, (scan + len(data)) // 2):
        assert jpeg.is_whole(data[:end]) is False
        trees.refused(lambda end=end: decode(data[:end], 64, 32, "x.jpg"), "x.jpg", "cut short")


def test_what_is_no_jpeg_inside_is_left_to_the_decoder():
    for data in (b"\xff\xd8", b"\xff\xd8hello", b"\xff\xd8\xff\xe0\xff"):
        assert jpeg.is_whole(data) is None
        trees.refused(lambda data=data: decode(data, 64, 32, "x.jpg"), "x.jpg", "no readable")
