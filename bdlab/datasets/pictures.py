"""Decoding picture files, with a DatasetError wherever a picture would come out wrong.

How a file becomes uint8 RGB (decided once, for every layout):

- the bytes decide the format (JPEG, PNG, BMP, TIFF, WebP), whatever the suffix; EXIF orientation is
  applied; colour profiles are not;
- grey, bilevel, palette and CMYK pictures are converted; transparency is laid over black;
- 16 bits a channel: value / 257, rounded (0..65535 -> 0..255; of colour, Pillow keeps the high
  byte: at most one level less), never clipped and never stretched picture by picture, which would
  destroy temperature. Raw sensor counts use a small part of that range: below 32 grey levels out of
  256 the picture is refused;
- floats have no range to scale from: refused. Several frames or pages: refused, since which one is
  meant is unknown (the JPEG of a stereo camera, MPO, has one picture and its companions: the first
  is read).
"""

from __future__ import annotations

import os
import stat
import threading
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

from .records import DatasetError

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
MAX_PIXELS = 64_000_000
MAX_BYTES = 512_000_000
MIN_SIDE = 8  # pixels
MIN_LEVELS = 32  # of 256, for pictures with 16 bits a channel

_MODES = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "YCbCr"})
_DEEP = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# warning filters belong to the process: one thread at a time may turn them into errors
_HEADERS = threading.Lock()
_AGAIN = "fetch or export the file again"


def load(path: Path | str, height: int, width: int) -> np.ndarray:
    """A picture file -> uint8 [height, width, 3], RGB, resized with Lanczos (section III-C: 288 x
    144).

    Raises DatasetError naming the file, the rule and the remedy: see ``decode``; also for a folder,
    a FIFO or a device in a picture's place (never waits for one).
    """
    return decode(read_bytes(path), height, width, path)


def read_bytes(path: Path | str, most: int = MAX_BYTES, what: str = "picture") -> bytes:
    """All bytes of an ordinary file of at most ``most`` bytes; raises DatasetError. A FIFO or a
    device is never waited for.
    """
    try:
        handle = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise not_a_file(path, what)
            with os.fdopen(handle, "rb", closefd=False) as file:
                data = file.read(most + 1)
        finally:
            os.close(handle)
    except DatasetError:
        raise
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        why = getattr(error, "strerror", None) or error
        rule, remedy = (
            f"every {what} a data set names is there and readable",
            "fetch the file again or take it out of the data set",
        )
        raise DatasetError(
            f"the {what} cannot be read ({why})",
            file=str(path).replace("\0", "?"),
            rule=rule,
            remedy=remedy,
        ) from error
    if len(data) > most:
        raise DatasetError(
            f"is larger than {most:,} bytes",
            file=path,
            rule=f"no {what} is that large",
            remedy=_AGAIN,
        )
    return data


def decode(data: bytes, height: int, width: int, file: Path | str) -> np.ndarray:
    """The bytes of a picture file -> uint8 [height, width, 3], RGB; ``file`` is what errors name.

    Raises DatasetError for bytes that are no picture, a damaged or cut one, one below 8 x 8 or
    above 64 million pixels (before it is decoded), several frames, floats, and 16-bit pictures that
    leave fewer than 32 grey levels.
    """
    _plausible_bytes(data, file)
    try:
        with _HEADERS, warnings.catch_warnings():
            warnings.filterwarnings("error", module=r"PIL\.")
            image = Image.open(BytesIO(data), formats=FORMATS)
        with image:
            _plausible_header(image, data, file)
            deep = image.mode in _DEEP or ";16" in str(image.tile)
            image.load()
            with _HEADERS, warnings.catch_warnings():
                warnings.filterwarnings("error", module=r"PIL\.")
                turn = image.getexif().get(0x0112, 1)
            rgb = _rgb(image, deep, file)
        if turn in _TURNS:
            rgb = rgb.transpose(_TURNS[turn])
        return np.asarray(rgb.resize((width, height), Image.Resampling.LANCZOS))
    except DatasetError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _bomb(file) from error
    except (
        Exception
    ) as error:  # a decoder that meets hostile bytes may raise anything; the file is at fault
        why = (
            str(error).partition("\n")[0][:120]
            if str(error) and "BytesIO" not in str(error)
            else "no format fits"
        )
        raise DatasetError(
            f"is no readable picture ({why})",
            file=file,
            rule=f"pictures are whole {', '.join(FORMATS)} files",
            remedy=_AGAIN,
        ) from error


def _plausible_bytes(data: bytes, file: Path | str) -> None:
    """Raises DatasetError for what is found in a picture's place most often, and for a cut JPEG
    that decoders let pass.
    """
    rule = "a picture file holds a whole picture"
    if not data:
        raise DatasetError("is empty (0 bytes)", file=file, rule=rule, remedy=_AGAIN)
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
    if data.startswith(b"\xff\xd8") and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        raise DatasetError(
            "is cut short: the JPEG has no end mark", file=file, rule=rule, remedy=_AGAIN
        )
    if data.startswith(b"RIFF") and len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise DatasetError(
            "is cut short: the WebP is shorter than it says", file=file, rule=rule, remedy=_AGAIN
        )
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise DatasetError(
            "cannot be trusted while PIL.ImageFile.LOAD_TRUNCATED_IMAGES is on",
            file=file,
            rule="a cut picture is an error, not a half grey one",
            remedy="do not set it",
        )


def _plausible_header(image: Image.Image, data: bytes, file: Path | str) -> None:
    """Raises DatasetError for a header that promises no usable picture; nothing is decoded before
    this has passed.
    """
    w, h = image.size
    if w * h > MAX_PIXELS:
        raise _bomb(file, f" ({w} x {h})")
    if min(w, h) < MIN_SIDE:
        raise DatasetError(
            f"has {w} x {h} pixels",
            file=file,
            rule=f"a person's picture has at least {MIN_SIDE} pixels a side",
            remedy=_AGAIN,
        )
    if image.format != "MPO" and getattr(image, "n_frames", 1) != 1:
        raise DatasetError(
            f"has {image.n_frames} frames",
            file=file,
            rule="one file is one picture",
            remedy="save the frame that is meant as a file of its own",
        )
    if image.mode not in _MODES | _DEEP or (
        image.mode in _DEEP and getattr(image, "tag_v2", {}).get(262) == 0
    ):
        raise DatasetError(
            f"has pixels of mode {image.mode} whose range or meaning is not known",
            file=file,
            rule="pictures have 8 or 16 bits a channel, black as 0",
            remedy="save it with 8 bits a channel, every picture of the set scaled alike",
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
                remedy=_AGAIN,
            )


def _rgb(image: Image.Image, deep: bool, file: Path | str) -> Image.Image:
    """A loaded picture of any accepted mode -> 8-bit RGB; raises DatasetError for 16 bits used as
    raw counts.
    """
    if image.mode in _DEEP:
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise DatasetError(
                f"has values from {values.min()} to {values.max()}",
                file=file,
                rule="16-bit pictures hold 0..65535",
                remedy="save it with 16 or 8 bits a channel",
            )
        levels = np.rint(values / 257).astype(np.uint8)
        rgb = Image.fromarray(levels).convert("RGB")
    elif image.has_transparency_data:
        rgba = image.convert("RGBA")
        rgb = Image.new("RGB", image.size)
        rgb.paste(rgba, mask=rgba.getchannel("A"))
    else:
        rgb = image.convert("RGB")
    if deep:
        low, high = min(lo for lo, _ in rgb.getextrema()), max(hi for _, hi in rgb.getextrema())
        if high - low + 1 < MIN_LEVELS:
            raise DatasetError(
                f"uses {high - low + 1} of 256 grey levels once its 16 bits are scaled",
                file=file,
                rule=f"16-bit pictures use the range 0..65535 (value / 257) and leave {MIN_LEVELS} grey levels at least",
                remedy="raw sensor counts: scale every picture of the set by one fixed range and save again",
            )
    return rgb


def _bomb(file: Path | str, size: str = "") -> DatasetError:
    return DatasetError(
        f"claims more pixels{size} than a picture of a person has",
        file=file,
        rule=f"a picture has at most {MAX_PIXELS:,} pixels",
        remedy="crop or shrink it first, if it is what it should be",
    )


def not_a_file(path: Path | str, what: str = "picture") -> DatasetError:
    return DatasetError(
        "is not an ordinary file",
        file=path,
        rule=f"a {what} is an ordinary file",
        remedy=f"move it out and put the {what} there",
    )
