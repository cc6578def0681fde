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
from collections.abc import Callable, Container
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from . import plausible, tiff
from .plausible import AGAIN, DEEP
from .records import DatasetError, shortened
from .thermal import RAW

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
MAX_BYTES = 512_000_000
MIN_LEVELS = 32  # of 256, for pictures with 16 bits a channel

_MODES = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "YCbCr"})
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
            remedy=AGAIN,
        )
    return data


def decode(data: bytes, height: int, width: int, file: Path | str) -> np.ndarray:
    """The bytes of a picture file -> uint8 [height, width, 3], RGB; ``file`` is what errors name.

    Raises DatasetError for bytes that are no picture, a damaged or cut one, one below 8 x 8 or
    above 64 million pixels (before it is decoded), several frames, floats, and 16-bit pictures that
    leave fewer than 32 grey levels.
    """
    return shrunk(full(data, file), height, width)


def shrunk(picture: Image.Image, height: int, width: int) -> np.ndarray:
    """An RGB picture -> uint8 [height, width, 3], by Lanczos."""
    return np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS))


def full(data: bytes, file: Path | str) -> Image.Image:
    """The bytes of a picture file -> 8-bit RGB at its own size, turned as EXIF says; raises
    DatasetError as ``decode``.
    """

    def read(image: Image.Image) -> Image.Image:
        deep = image.mode in DEEP or ";16" in str(image.tile)
        return _turned(image, _rgb(_loaded(image), deep, file))

    return _open(data, file, _MODES | DEEP, read)


def in_set(
    data: bytes, height: int, width: int, file: Path | str
) -> tuple[np.ndarray, np.ndarray | None]:
    """As ``decode``, but 16-bit grey pictures are not judged one by one: their raw values come
    along, so that the set can be.

    One cold picture of a good set uses few levels; a set of raw counts uses few in all.
    """
    values = raw(data, file)
    if values is None or values.dtype.kind == "f":
        return decode(data, height, width, file), None
    grey = Image.fromarray(_levels(values, file)).convert("RGB")
    return shrunk(grey, height, width), values


def raw(data: bytes, file: Path | str) -> np.ndarray | None:
    """The values of a picture with one channel of 16 bits or more, [H, W] int64 or float32, turned
    as EXIF says; None for any other picture.

    Raises DatasetError for a damaged picture, and for values that are no numbers.
    """

    def read(image: Image.Image) -> np.ndarray | None:
        if image.mode not in DEEP | {"F"}:
            return None
        kind = np.float32 if image.mode == "F" else np.int64
        return np.asarray(_turned(image, _loaded(image))).astype(kind)

    values = _open(data, file, _MODES | DEEP | {"F"}, read)
    if values is not None and not np.isfinite(values).all():
        raise DatasetError(
            f"has {int((~np.isfinite(values)).sum())} values that are no numbers",
            file=file,
            rule="every pixel holds a value",
            remedy="fill the dead pixels when you export it",
        )
    return values


def _open(data: bytes, file: Path | str, modes: Container[str], read: Callable[..., Any]) -> Any:
    """What ``read`` makes of an opened picture; raises DatasetError for whatever goes wrong."""
    plausible.check_bytes(data, file)
    try:
        with _HEADERS, warnings.catch_warnings():
            warnings.filterwarnings("error", module=r"PIL\.")
            image = _opened(data, file)
        with image:
            plausible.check_header(image, data, file, modes)
            return read(image)
    except DatasetError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise plausible.bomb(file) from error
    # a decoder that meets hostile bytes may raise anything; the file is at fault
    except Exception as error:
        told = str(error).partition("\n")[0]
        why = shortened(told, 120) if told and "BytesIO" not in told else "no format fits"
        raise DatasetError(
            f"is no readable picture ({why})",
            file=file,
            rule=f"pictures are whole {', '.join(FORMATS)} files",
            remedy=AGAIN,
        ) from error


def _opened(data: bytes, file: Path | str) -> Image.Image:
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        if not tiff.is_tiff(data):
            raise
        return tiff.opened(data, file)


def _loaded(image: Image.Image) -> Image.Image:
    image.load()
    return image


def _turned(image: Image.Image, pixels: Image.Image) -> Image.Image:
    """``pixels`` turned as the EXIF of ``image`` says."""
    with _HEADERS, warnings.catch_warnings():
        warnings.filterwarnings("error", module=r"PIL\.")
        turn = image.getexif().get(0x0112, 1)
    return pixels.transpose(_TURNS[turn]) if turn in _TURNS else pixels


def _rgb(image: Image.Image, deep: bool, file: Path | str) -> Image.Image:
    """A loaded picture of any accepted mode -> 8-bit RGB; raises DatasetError for 16 bits used as
    raw counts.
    """
    if image.mode in DEEP:
        rgb = Image.fromarray(_levels(np.asarray(image), file)).convert("RGB")
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
                rule="16-bit pictures use the range 0..65535 (value / 257) and leave "
                f"{MIN_LEVELS} grey levels at least",
                remedy=RAW,
            )
    return rgb


def _levels(values: np.ndarray, file: Path | str) -> np.ndarray:
    """16-bit values [H, W] -> grey levels, uint8; raises DatasetError for values outside."""
    if values.min() < 0 or values.max() > 65535:
        raise DatasetError(
            f"has values from {values.min()} to {values.max()}",
            file=file,
            rule="16-bit pictures hold 0..65535",
            remedy="save it with 16 or 8 bits a channel, or " + RAW,
        )
    return np.rint(values / 257).astype(np.uint8)


def not_a_file(path: Path | str, what: str = "picture") -> DatasetError:
    return DatasetError(
        "is not an ordinary file",
        file=path,
        rule=f"a {what} is an ordinary file",
        remedy=f"move it out and put the {what} there",
    )
