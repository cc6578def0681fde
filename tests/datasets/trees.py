"""Tiny data sets in each layout, rendered by numpy, and the one assertion every fault must pass."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from bdlab.datasets import DatasetError

HEIGHT, WIDTH = 12, 8


def pixels(*key: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """uint8 [height, width, 3], different for every key."""
    return np.random.default_rng(key).integers(0, 256, (height, width, 3), dtype=np.uint8)


def bmp(array: np.ndarray) -> bytes:
    """A 24-bit BMP, written without Pillow: rows bottom up, BGR, padded to four bytes."""
    h, w = array.shape[:2]
    rows = b"".join(
        row[:, ::-1].tobytes().ljust((w * 3 + 3) // 4 * 4, b"\0") for row in array[::-1]
    )
    return (
        b"BM"
        + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, w, h, 1, 24, 0, len(rows), 0, 0, 0, 0)
        + rows
    )


def png(array: np.ndarray) -> bytes:
    """A PNG of 8 or 16 bits, 1 (grey), 3 or 4 channels, written without Pillow."""
    array = array if array.ndim == 3 else array[:, :, None]
    h, w, channels = array.shape
    bits = array.dtype.itemsize * 8
    raw = b"".join(b"\0" + row.astype(array.dtype.newbyteorder(">")).tobytes() for row in array)
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def tiff(array: np.ndarray, order: str = "<", **tags: int) -> bytes:
    """An uncompressed TIFF of one channel of any kind of number, written without a library;
    ``tags`` are changed or added, as t274=6.
    """
    data = array.astype(array.dtype.newbyteorder(order)).tobytes()
    kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    height, width = array.shape
    said = {256: width, 257: height, 258: 8 * array.itemsize, 259: 1, 262: 1, 273: 8, 277: 1}
    said |= {278: height, 279: len(data), 339: kind}
    said |= {int(name[1:]): value for name, value in tags.items()}
    directory = struct.pack(f"{order}H", len(said))
    for tag, value in sorted(said.items()):
        directory += struct.pack(f"{order}HHII", tag, 4, 1, value)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(data))
    return head + data + directory + bytes(4)


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def regdb_path(modality: int, identity: int, shot: int) -> str:
    top, letter = (("Visible", "v"), ("Thermal", "t"))[modality]
    return f"{top}/{identity}/p_{letter}_{shot:05d}_{identity}.bmp"


def regdb(root: Path, identities: int = 6, shots: int = 2, trials: range = range(1, 11)) -> Path:
    """RegDB's layout: even identities are trained on in odd trials, odd ones in even trials."""
    for modality in (0, 1):
        for one in range(1, identities + 1):
            for shot in range(shots):
                write(root / regdb_path(modality, one, shot), bmp(pixels(modality, one, shot)))
    for trial in trials:
        for part, rest in (("train", trial % 2), ("test", 1 - trial % 2)):
            ids = [one for one in range(1, identities + 1) if (one + 1) % 2 == rest]
            for modality, word in enumerate(("visible", "thermal")):
                lines = [
                    f"{regdb_path(modality, one, s)} {label}\n"
                    for label, one in enumerate(ids)
                    for s in range(shots)
                ]
                write(root / f"idx/{part}_{word}_{trial}.txt", "".join(lines))
    return root


def sysu(root: Path, shots: int = 2) -> Path:
    """SYSU-MM01's layout: train 1, 2, 3; val 4, 5; test 6, 7; identity 7 is in cameras 1 and 3
    only.
    """
    for camera in range(1, 7):
        for one in range(1, 8):
            if one != 7 or camera in (1, 3):
                for shot in range(1, shots + 1):
                    write(
                        root / f"cam{camera}/{one:04d}/{shot:04d}.jpg",
                        png(pixels(camera, one, shot)),
                    )
    for part, ids in (
        ("train", "1,2,3"),
        ("val", "4,5"),
        ("test", "6,7"),
        ("available", "1,2,3,4,5,6,7"),
    ):
        write(root / f"exp/{part}_id.txt", ids + "\n")
    return root


def llcm(root: Path, shots: int = 2) -> Path:
    """LLCM's layout: train 1, 2, 3; test 6, 7; identity 7 is in cameras 1 and 2 only."""
    for modality, word in enumerate(("vis", "nir")):
        lines = []
        for label, one in enumerate((1, 2, 3)):
            for shot in range(shots):
                path = f"{word}/{one:04d}/{one:04d}_c01_{shot:04d}.jpg"
                write(root / path, png(pixels(modality, one, shot)))
                lines.append(f"{path} {label}\n")
        write(root / f"idx/train_{word}.txt", "".join(lines))
        for camera in range(1, 10):
            if (word, camera) == ("nir", 3):
                continue
            (root / f"test_{word}/cam{camera}").mkdir(parents=True)
            for one in (6, 7) if camera < 3 else (6,):
                for shot in range(shots):
                    file = root / f"test_{word}/cam{camera}/{one:04d}/{shot:04d}.jpg"
                    write(file, png(pixels(modality, camera, one, shot)))
    write(root / "idx/test_id.txt", "6,7\n")
    return root


def folder(root: Path, identities: int = 6, shots: int = 2) -> Path:
    """The folder layout, a mixture of PNG and BMP."""
    for modality, top in enumerate(("visible", "infrared")):
        for one in range(1, identities + 1):
            for shot in range(shots):
                array = pixels(modality, one, shot)
                write(
                    root / f"{top}/{one:03d}/{shot}.{('png', 'bmp')[shot % 2]}",
                    (png, bmp)[shot % 2](array),
                )
    return root


def mutated(data: bytes, rng: np.random.Generator, words: list[bytes]) -> bytes:
    """One or two edits: a byte changed, a stretch cut, repeated, moved or replaced by a word."""
    for _ in range(rng.choice([1, 1, 1, 2])):
        a, b = sorted(rng.integers(0, len(data) + 1, 2))
        b = min(b, a + int(rng.choice([1, 2, 8, 40])))
        kind, word = rng.integers(6), words[rng.integers(len(words))]
        if kind == 0 and a < len(data):
            data = data[:a] + bytes([rng.integers(256)]) + data[a + 1 :]
        elif kind == 1:
            data = data[:a] + data[b:]
        elif kind == 2:
            data = data[:b] + data[a:b] + data[b:]
        elif kind == 3:
            data = data[:a] + word + data[a:]
        elif kind == 4:
            data = data[:a] + word + data[b:]
        else:
            data = data[:a] + data[b:] + data[a:b]
    return data


def assert_tells(error: DatasetError, file: str | None, says: str, line: int | None = None) -> None:
    """A fault names the file (and line), says what is wrong, which rule it breaks and what to do,
    in one paragraph.
    """
    text = str(error)
    assert file is None or file in text, text
    assert line is None or (error.line == line and f"line {line}" in text), text
    assert says in text, text
    assert "The rule: " in text, text
    assert "Remedy: " in text, text
    assert "\n" not in text, text
    assert "\0" not in text


def refused(call, file: str | None, says: str, line: int | None = None) -> DatasetError:
    """``call()`` must raise DatasetError that tells all of it."""
    with pytest.raises(DatasetError) as caught:
        call()
    assert_tells(caught.value, file, says, line)
    return caught.value
