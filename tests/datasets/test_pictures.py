"""Decoding: every mode comes out right, everything else is refused; what a naive decoder does with
the same bytes.
"""

from __future__ import annotations

import io
import os
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from bdlab.datasets import DatasetError
from bdlab.datasets.pictures import decode, load

from . import trees

H, W = 24, 16
RGB = trees.pixels(1, height=H, width=W)
GREY = RGB[:, :, 0]
RAMP = np.linspace(0, 65535, H * W).astype(np.uint16).reshape(H, W)


def saved(array: np.ndarray, form: str, mode: str | None = None, **options) -> bytes:
    image = Image.fromarray(array)
    out = io.BytesIO()
    (image.convert(mode) if mode else image).save(out, form, **options)
    return out.getvalue()


def naive(data: bytes, height: int, width: int, file: str = "") -> np.ndarray:
    """What most code does: the broken variant that the tables below must catch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(
            Image.open(io.BytesIO(data))
            .convert("RGB")
            .resize((width, height), Image.Resampling.LANCZOS)
        )


def exif(number: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = number
    return tags


def three(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[:, :, None], 3, axis=2)


def over_black() -> tuple[np.ndarray, np.ndarray]:
    alpha = np.full((H, W, 1), 255, np.uint8)
    alpha[: H // 2] = 0
    return np.concatenate([RGB, alpha], axis=2), np.where(alpha > 0, RGB, 0)


def palette() -> tuple[bytes, np.ndarray]:
    colours = np.random.default_rng(5).integers(0, 256, (256, 3), dtype=np.uint8)
    image = Image.fromarray(GREY).convert("P")
    image.putpalette(colours.tobytes())
    image.putdata(GREY.ravel().tolist())
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue(), colours[GREY]


def transparent_palette() -> tuple[bytes, np.ndarray]:
    colours = np.random.default_rng(5).integers(1, 256, (256, 3), dtype=np.uint8)
    image = Image.fromarray(GREY).convert("P")
    image.putpalette(colours.tobytes())
    image.putdata(GREY.ravel().tolist())
    out = io.BytesIO()
    image.save(out, "PNG", transparency=bytes([0] * 128 + [255] * 128))
    return out.getvalue(), np.where(GREY[:, :, None] < 128, 0, colours[GREY]).astype(np.uint8)


TURNED = {
    1: RGB,
    2: RGB[:, ::-1],
    3: RGB[::-1, ::-1],
    4: RGB[::-1],
    5: RGB.transpose(1, 0, 2),
    6: np.rot90(RGB, -1),
    7: RGB[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(RGB),
}
RIGHT = {
    "bmp": (trees.bmp(RGB), RGB),
    "png": (trees.png(RGB), RGB),
    "tiff": (saved(RGB, "TIFF"), RGB),
    "tiff lzw": (saved(RGB, "TIFF", compression="tiff_lzw"), RGB),
    "webp": (saved(RGB, "WEBP", lossless=True), RGB),
    "grey png": (trees.png(GREY), three(GREY)),
    "grey and opaque alpha": (trees.png(np.stack([GREY, np.full_like(GREY, 255)], 2)), three(GREY)),
    "bilevel": (
        saved(np.where(GREY > 127, 255, 0).astype(np.uint8), "PNG", "1", bits=1),
        three(np.where(GREY > 127, 255, 0).astype(np.uint8)),
    ),
    "palette": palette(),
    "transparent palette": transparent_palette(),
    "transparency over black": (trees.png(over_black()[0]), over_black()[1]),
    "16-bit grey png": (trees.png(RAMP), three(np.rint(RAMP / 257).astype(np.uint8))),
    "16-bit grey tiff": (saved(RAMP, "TIFF"), three(np.rint(RAMP / 257).astype(np.uint8))),
    "32-bit tiff within 16": (
        saved(RAMP.astype(np.int32), "TIFF"),
        three(np.rint(RAMP / 257).astype(np.uint8)),
    ),
    "16-bit colour png": (
        trees.png(np.stack([RAMP, RAMP[::-1], RAMP], 2)),
        (np.stack([RAMP, RAMP[::-1], RAMP], 2) >> 8).astype(np.uint8),
    ),
    "cmyk tiff": (saved(RGB, "TIFF", "CMYK"), RGB),
    **{f"exif {n} png": (saved(RGB, "PNG", exif=exif(n)), want) for n, want in TURNED.items()},
    **{
        f"exif {n} tiff": (saved(RGB, "TIFF", exif=exif(n)), want)
        for n, want in TURNED.items()
        if n in (1, 3, 6)
    },
}


@pytest.mark.parametrize(("data", "want"), RIGHT.values(), ids=RIGHT)
def test_every_mode_comes_out_right(data, want):
    height, width = want.shape[:2]
    got = decode(data, height, width, "f")
    assert got.dtype == np.uint8
    assert got.shape == (height, width, 3)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    "name",
    [
        "transparency over black",
        "transparent palette",
        "16-bit grey tiff",
        "32-bit tiff within 16",
        "exif 3 png",
        "exif 6 png",
    ],
)
def test_a_naive_decoder_gets_these_wrong(name):
    data, want = RIGHT[name]
    assert not np.array_equal(naive(data, *want.shape[:2]), want)


def test_jpeg_keeps_colour_and_grey():
    smooth = np.asarray(
        Image.fromarray(trees.pixels(2, height=3, width=2)).resize(
            (W * 4, H * 4), Image.Resampling.BICUBIC
        )
    )
    for mode in ("RGB", "L", "CMYK"):
        got = decode(saved(smooth, "JPEG", mode, quality=95), H * 4, W * 4, "f").astype(int)
        want = np.asarray(Image.fromarray(smooth).convert(mode).convert("RGB")).astype(int)
        assert np.abs(got - want).mean() < 3, mode
    turned = decode(saved(smooth, "JPEG", quality=95, exif=exif(6)), W * 4, H * 4, "f").astype(int)
    assert np.abs(turned - np.rot90(smooth, -1).astype(int)).mean() < 3


def test_resizing_is_lanczos_in_both_directions():
    for height, width in ((288, 144), (12, 8)):
        want = np.asarray(Image.fromarray(RGB).resize((width, height), Image.Resampling.LANCZOS))
        np.testing.assert_array_equal(decode(trees.png(RGB), height, width, "f"), want)


def bomb(side: int = 12000) -> bytes:
    data = bytearray(trees.png(GREY))
    data[16:24] = struct.pack(">II", side, side)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def bmp_of_width(width: int) -> bytes:
    data = bytearray(trees.bmp(RGB))
    data[18:22] = struct.pack("<I", width)
    return bytes(data)


def animated(form: str) -> bytes:
    out = io.BytesIO()
    frames = [Image.fromarray(trees.pixels(n, height=H, width=W)) for n in range(3)]
    frames[0].save(out, form, save_all=True, append_images=frames[1:])
    return out.getvalue()


def flipped(data: bytes, where: int) -> bytes:
    return data[:where] + bytes([data[where] ^ 16]) + data[where + 1 :]


JPEG, TIFF, WEBP = saved(RGB, "JPEG"), saved(RGB, "TIFF"), saved(RGB, "WEBP")
MIN_IS_WHITE = saved(RAMP, "TIFF").replace(
    struct.pack("<HHIHH", 262, 3, 1, 1, 0), struct.pack("<HHIHH", 262, 3, 1, 0, 0)
)
WRONG = {
    "0 bytes": (b"", "is empty"),
    "one byte": (b"B", "no readable picture"),
    "html": (b"\r\n<!DOCTYPE html><title>Log in</title>", "web page"),
    "xml with mark": (b"\xef\xbb\xbf<?xml?>", "web page"),
    "git-lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "git lfs pull",
    ),
    "text": (b"a picture of a person", "no readable picture"),
    "json": (b'{"error": "not found"}', "no readable picture"),
    "gif": (saved(GREY, "GIF"), "no readable picture"),
    "pdf": (b"%PDF-1.4\n%", "no readable picture"),
    "numpy": (b"\x93NUMPY\x01\x00", "no readable picture"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no readable picture"),
    "1 x 1": (trees.png(RGB[:1, :1]), "1 x 1 pixels"),
    "7 x 24": (trees.png(RGB[:, :7]), "7 x 24 pixels"),
    "bomb": (bomb(), "claims more pixels"),
    "bmp bomb": (bmp_of_width(2_000_000_000), ""),
    "bmp cut": (trees.bmp(RGB)[:-1], "truncated"),
    "bmp cut in half": (trees.bmp(RGB)[:500], "truncated"),
    "bmp header only": (trees.bmp(RGB)[:54], "no readable picture"),
    "bmp narrower than its pixels": (bmp_of_width(8), "holds more pixels"),
    "bmp wider than its pixels": (bmp_of_width(17), "truncated"),
    "png cut": (trees.png(RGB)[:-20], "no readable picture"),
    "png without end": (trees.png(RGB)[:-12], "no readable picture"),
    "png bit flip": (flipped(trees.png(RGB), 300), "no readable picture"),
    "png header flip": (flipped(trees.png(RGB), 19), "no readable picture"),
    "jpeg cut": (JPEG[: len(JPEG) // 2], "no readable picture"),
    "jpeg cut near its end": (JPEG[:-12], "cut short"),
    "jpeg without its end mark": (
        saved((np.arange(4096).reshape(64, 64) >> 4).astype(np.uint8), "JPEG")[:-2],
        "cut short",
    ),
    "jpeg header only": (JPEG[:20], ""),
    "tiff cut": (TIFF[: len(TIFF) // 2], "no readable picture"),
    "webp cut": (WEBP[:-2], "cut short"),
    "webp cut in half": (WEBP[: len(WEBP) // 2], "cut short"),
    "animated webp": (animated("WEBP"), "3 frames"),
    "animated png": (animated("PNG"), "3 frames"),
    "tiff of three pages": (animated("TIFF"), "3 frames"),
    "float": (saved(RAMP.astype(np.float32) / 65535, "TIFF"), "mode F"),
    "12 bits in 16": (trees.png(RAMP // 16), "grey levels"),
    "raw counts": (trees.png((8000 + RAMP // 64).astype(np.uint16)), "grey levels"),
    "12 bits in 16, colour": (trees.png(np.stack([RAMP // 16] * 3, 2)), "grey levels"),
    "32 bits beyond 16": (saved(RAMP.astype(np.int32) * 9, "TIFF"), "values from 0"),
    "32 bits below 0": (saved(RAMP.astype(np.int32) - 9, "TIFF"), "values from -9"),
    "16 bits, white is 0": (MIN_IS_WHITE, "range or meaning"),
    "lab": (saved(RGB, "TIFF", "LAB"), "mode LAB"),
}


@pytest.mark.parametrize(("data", "says"), WRONG.values(), ids=WRONG)
def test_what_is_no_whole_picture_is_refused(data, says):
    trees.refused(lambda: decode(data, H, W, "visible/1/x.png"), "visible/1/x.png", says)


@pytest.mark.parametrize(
    "name",
    [
        "bmp narrower than its pixels",
        "jpeg without its end mark",
        "animated webp",
        "tiff of three pages",
        "1 x 1",
        "12 bits in 16, colour",
        "raw counts",
        "32 bits beyond 16",
        "16 bits, white is 0",
    ],
)
def test_a_naive_decoder_takes_these(name):
    assert naive(WRONG[name][0], H, W).shape == (H, W, 3)


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    trees.refused(lambda: decode(bomb(), H, W, "f"), "f", "claims more pixels")
    trees.refused(
        lambda: decode(bomb(8100), H, W, "f"), "f", "claims more pixels (8100 x 8100)"
    )  # Pillow's own limit lets it pass
    trees.refused(lambda: decode(trees.png(RGB[:1, :1]), H, W, "f"), "f", "1 x 1")


def test_the_lenient_switch_of_pillow_is_noticed(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    trees.refused(lambda: decode(trees.bmp(RGB)[:500], H, W, "f"), "f", "LOAD_TRUNCATED_IMAGES")


def fifo(path):
    os.mkfifo(path)


def locked_out(path):
    path.symlink_to(path)  # a link to itself: opening it fails


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "make",
    [lambda p: p.mkdir(), fifo, locked_out, lambda p: None],
    ids=["folder", "fifo", "loop", "nothing"],
)
def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path, make):
    make(tmp_path / "x.bmp")
    trees.refused(lambda: load(tmp_path / "x.bmp", H, W), "x.bmp", "")


def test_a_path_that_is_none():
    trees.refused(lambda: load("x\0.bmp", H, W), "x?.bmp", "cannot be read")


def test_threads_leave_the_warning_filters_as_they_were(tmp_path):
    path = trees.write(tmp_path / "x.png", trees.png(RGB))
    before = list(warnings.filters)
    done = []
    threads = [
        threading.Thread(target=lambda: done.extend(load(path, H, W).sum() for _ in range(50)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
    assert len(done) == 400
    assert len(set(map(int, done))) == 1


def test_only_dataset_errors_leave_a_broken_decoder(monkeypatch):
    def broken(*_args, **_options):
        raise RecursionError("from a codec")

    monkeypatch.setattr(Image, "open", broken)
    with pytest.raises(DatasetError, match="from a codec"):
        decode(trees.png(RGB), H, W, "f")
