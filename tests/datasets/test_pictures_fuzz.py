"""5,000 seeded mutations of picture files: only DatasetError escapes, and an accepted picture is
the right one.

Right is what an independent oracle says: a BMP reader written by hand, a PNG's checksums (any
accepted one is the original), for JPEG the decoder itself, where a cut must be seen. The loose
decoder at the end must fail under the same cases.
"""

from __future__ import annotations

import contextlib
import io
import warnings

import numpy as np
from PIL import Image

from bdlab.datasets import DatasetError
from bdlab.datasets.pictures import decode

from . import trees

CASES = 5_000

PICTURE = trees.pixels(0, height=16, width=12)
JUNK = [
    b"\0",
    b"\xff\xd9",
    b"\xff\xd8\xff",
    b"IEND",
    b"IDAT",
    b"\xff" * 4,
    b"\0" * 4,
    b"BM",
    b"<html>",
    b"\x01\0\0\0",
]


def bmp_oracle(data: bytes) -> np.ndarray | None:
    """A 24-bit BMP read by hand; None for any other."""
    u = lambda a, n: int.from_bytes(data[a : a + n], "little", signed=n == 4 and a in (18, 22))  # noqa: E731
    width, height, start = u(18, 4), u(22, 4), int.from_bytes(data[10:14], "little")
    if (
        data[:2] != b"BM"
        or u(28, 2) != 24
        or u(30, 4) != 0
        or u(14, 4) < 16
        or width < 1
        or height == 0
    ):
        return None
    row = (width * 3 + 3) // 4 * 4
    if not 0 <= len(data) - start - row * abs(height) < row:
        return None  # cut, or a header that tells of fewer pixels than there are
    rows = (
        np.frombuffer(data, np.uint8, row * abs(height), start)
        .reshape(abs(height), row)[:, : width * 3]
        .reshape(abs(height), width, 3)
    )
    return (rows[::-1] if height > 0 else rows)[:, :, ::-1]


def jpeg_oracle(data: bytes) -> np.ndarray | None:
    """Pillow itself, for a JPEG with an end mark after its scan: a flip inside the scan cannot be
    seen, a cut can.
    """
    image = Image.open(io.BytesIO(data), formats=["JPEG"])
    image.load()
    turned = image.getexif().get(0x112, 1) != 1
    return (
        None
        if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda") or turned
        else np.asarray(image.convert("RGB"))
    )


def picture_cases() -> list[tuple[bytes, object]]:
    """(bytes, what they must come out as if accepted): mutated BMP, PNG and JPEG."""
    rng = np.random.default_rng(21)
    out = io.BytesIO()
    Image.fromarray(PICTURE).save(out, "JPEG", quality=95)
    seeds = [
        (trees.bmp(PICTURE), bmp_oracle),
        (trees.png(PICTURE), lambda data: PICTURE),
        (out.getvalue(), jpeg_oracle),
    ]
    cases = []
    for case in range(CASES):
        data, oracle = seeds[case % 3]
        kind = rng.integers(4)
        if kind == 0:
            cases.append((data[: rng.integers(len(data))], oracle))
        elif kind == 1:
            place, bit = rng.integers(len(data)), 1 << rng.integers(8)
            cases.append((data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :], oracle))
        elif kind == 2:  # the header, where one byte changes everything
            place = rng.integers(64)
            cases.append((data[:place] + bytes([rng.integers(256)]) + data[place + 1 :], oracle))
        else:
            cases.append((trees.mutated(data, rng, JUNK), oracle))
    return cases


def picture_faults(read) -> tuple[list, int]:
    """Cases that ``read`` accepts with other pixels than the oracle's, and how many it accepts."""
    wrong, accepted = [], 0
    for data, oracle in picture_cases():
        try:
            got = read(data, *PICTURE.shape[:2], "f")
        except DatasetError as error:
            trees.assert_tells(error, "f", "")
            continue
        accepted += 1
        want = oracle(data)
        want = (
            None
            if want is None
            else np.asarray(
                Image.fromarray(want.copy()).resize(PICTURE.shape[1::-1], Image.Resampling.LANCZOS)
            )
        )
        if want is None or not np.array_equal(got, want):
            wrong.append(data)
    return wrong, accepted


def test_pictures():
    wrong, accepted = picture_faults(decode)
    assert not wrong, (len(wrong), wrong[:2])
    assert 0.05 < accepted / CASES < 0.8


def test_a_loose_decoder_fails():
    def loose(data, height, width, file):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return np.asarray(
                    Image.open(io.BytesIO(data))
                    .convert("RGB")
                    .resize((width, height), Image.Resampling.LANCZOS)
                )
        except Exception as error:
            raise DatasetError("no", file=file, rule="r", remedy="r") from error

    wrong, _ = picture_faults(loose)
    assert len(wrong) > 20


def test_png_flips_are_all_seen():
    """Every single-bit flip of a PNG is refused or changes nothing: its checksums are all looked
    at.
    """
    data = trees.png(PICTURE[:8, :8])
    for place in range(len(data)):
        for bit in range(8):
            changed = data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
            with contextlib.suppress(DatasetError):
                assert np.array_equal(decode(changed, 8, 8, "f"), PICTURE[:8, :8]), place
