"""TIFF files that Pillow does not open: floats of 64 or 16 bits, as numpy and MATLAB write degrees,
and big-endian counts of 32. They are read by tifffile, an optional dependency.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from . import plausible
from .records import DatasetError

_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two: BigTIFF
_ORIENTATION = 0x0112
_RULE = "such TIFF files hold one page, one channel, uncompressed"


def is_tiff(data: bytes) -> bool:
    """Whether bytes begin as a TIFF whose first directory lies in them: it was not cut off."""
    order = "little" if data.startswith(b"II") else "big"
    at = data[8:16] if b"+" in data[2:4] else data[4:8]
    return data.startswith(_STARTS) and 8 <= int.from_bytes(at, order) < len(data)


def opened(data: bytes, file: Path | str) -> Image.Image:
    """A TIFF of one channel as a picture: of whole numbers (mode I) or of floats (mode F).

    Raises DatasetError where tifffile is not installed, or the file is another kind of TIFF; what
    tifffile raises at a damaged file is for the caller.
    """
    try:
        import tifffile
    except ImportError as error:
        raise DatasetError(
            "is a TIFF that Pillow does not read",
            file=file,
            rule="TIFF files hold 8 or 16 bits, or floats of 32",
            remedy="`pip install 'bdlab[tiff]'` reads more kinds, or export it as one of these",
        ) from error
    with tifffile.TiffFile(BytesIO(data)) as tiff:
        page = tiff.pages.first
        _check(page, len(tiff.pages), len(data), file)
        values = page.asarray()
        turn = page.tags.valueof(_ORIENTATION, 1)
    picture = Image.fromarray(_plain(values, file))
    picture.getexif()[_ORIENTATION] = int(turn)
    return picture


def _check(page, pages: int, size: int, file: Path | str) -> None:
    """Raises DatasetError before anything is unpacked: another kind, too large, cut short."""
    shape = " x ".join(map(str, page.shape))
    if pages != 1 or len(page.shape) != 2 or page.compression != 1:
        raise DatasetError(
            f"is a TIFF that Pillow does not read, with {pages} pages of {shape}, compression "
            f"{page.compression.name}",
            file=file,
            rule=_RULE,
            remedy="save the page that is meant as a file of its own, uncompressed or as 32-bit "
            "floats",
        )
    height, width = page.shape
    if height * width > plausible.MAX_PIXELS:
        raise plausible.bomb(file, f" ({width} x {height})")
    ends = [at + n for at, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if max(ends, default=size + 1) > size:
        raise DatasetError(
            "is cut short: its pixels end behind the end of the file",
            file=file,
            rule="a picture file holds a whole picture",
            remedy=plausible.AGAIN,
        )


def _plain(values: np.ndarray, file: Path | str) -> np.ndarray:
    """Values as Pillow holds them: int32 or float32. Raises DatasetError for those beyond."""
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    if values.dtype.kind not in "iu" or abs(values.astype(np.float64)).max() >= 2**31:
        raise DatasetError(
            f"holds values of the kind {values.dtype} that are no counts of a camera",
            file=file,
            rule=_RULE,
            remedy="export it with 16 bits a pixel",
        )
    return values.astype(np.int32)
