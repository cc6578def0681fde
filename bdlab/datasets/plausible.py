"""What must hold of a file's bytes and header before a picture is decoded from it."""

from __future__ import annotations

from collections.abc import Container
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageFile

from . import jpeg
from .records import DatasetError

MAX_PIXELS = 64_000_000
MIN_SIDE = 8  # pixels
AGAIN = "fetch or export the file again"
DEEP = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})  # one channel of 16 bits or more


def check_bytes(data: bytes, file: Path | str) -> None:
    """Raises DatasetError for what is found in a picture's place most often, and for a cut JPEG
    that decoders let pass.
    """
    rule = "a picture file holds a whole picture"
    if not data:
        raise DatasetError("is empty (0 bytes)", file=file, rule=rule, remedy=AGAIN)
    if data.startswith(b"version https://git-lfs"):
        raise DatasetError(
            "is a git-LFS pointer, not the picture",
            file=file,
            rule=rule,
            remedy="run `git lfs pull` where it came from",
        )
    if data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise DatasetError(
            "is a web page, not a picture",
            file=file,
            rule=rule,
            remedy="the download met a login or an error page: log in and fetch it again",
        )
    if data.startswith(b"\xff\xd8") and jpeg.is_whole(data) is False:
        raise DatasetError(
            "is cut short: the JPEG has no end mark", file=file, rule=rule, remedy=AGAIN
        )
    if data.startswith(b"RIFF") and len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise DatasetError(
            "is cut short: the WebP is shorter than it says", file=file, rule=rule, remedy=AGAIN
        )
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise DatasetError(
            "cannot be trusted while PIL.ImageFile.LOAD_TRUNCATED_IMAGES is on",
            file=file,
            rule="a cut picture is an error, not a half grey one",
            remedy="do not set it",
        )


def check_header(image: Image.Image, data: bytes, file: Path | str, modes: Container[str]) -> None:
    """Raises DatasetError for a header that promises no usable picture; nothing is decoded before
    this has passed.
    """
    w, h = image.size
    if w * h > MAX_PIXELS:
        raise bomb(file, f" ({w} x {h})")
    if min(w, h) < MIN_SIDE:
        raise DatasetError(
            f"has {w} x {h} pixels",
            file=file,
            rule=f"a person's picture has at least {MIN_SIDE} pixels a side",
            remedy=AGAIN,
        )
    if image.format != "MPO" and getattr(image, "n_frames", 1) != 1:
        raise DatasetError(
            f"has {image.n_frames} frames",
            file=file,
            rule="one file is one picture",
            remedy="save the frame that is meant as a file of its own",
        )
    inverted = image.mode in DEEP and getattr(image, "tag_v2", {}).get(262) == 0
    if image.mode not in modes or inverted:
        raise DatasetError(
            f"has pixels of mode {image.mode} whose range or meaning is not known",
            file=file,
            rule="pictures have 8 or 16 bits a channel, black as 0",
            remedy="`bdlab data import --scale auto` gives floats one range for the whole set",
        )
    if image.format == "PNG":
        with Image.open(BytesIO(data), formats=("PNG",)) as twin:
            twin.verify()  # the checksum of every chunk, which decoding alone lets pass
    if image.format == "BMP" and image.info.get("compression") == 0:
        bits = int.from_bytes(data[28:30], "little")
        row = (w * bits + 31) // 32 * 4
        if len(data) - int.from_bytes(data[10:14], "little") - row * h >= row:
            raise DatasetError(
                f"holds more pixels than the {w} x {h} its header says",
                file=file,
                rule="header and pixels of a BMP agree",
                remedy=AGAIN,
            )


def bomb(file: Path | str, size: str = "") -> DatasetError:
    return DatasetError(
        f"claims more pixels{size} than a picture of a person has",
        file=file,
        rule=f"a picture has at most {MAX_PIXELS:,} pixels",
        remedy="crop or shrink it first, if it is what it should be",
    )
