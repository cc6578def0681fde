"""The bank: every picture of a data set decoded once into one uint8 array, kept on disk and mapped
into memory.

RegDB at 288 x 144 is 1.0 GB, SYSU-MM01 4.3 to 5.7 GB: a laptop maps it, a GPU holds it. The file
depends on the pictures (their paths and bytes) and the size, not on identities or parts: RegDB's
ten trials share one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from bdlab.files import atomic
from bdlab.machine import cores

from .pictures import in_set, read_bytes
from .records import Dataset, DatasetError, cache_folder
from .thermal import Depth

FORMAT = 1  # raise it when decoding changes: old banks are then built again
CHUNK = 256  # pictures decoded between two writes
STALE = 86_400  # seconds after which a half-written bank belongs to nobody


@dataclass(frozen=True)
class Bank:
    """``pictures``: uint8 [N, 3, H, W], RGB, stored as [N, H, W, 3] (channels last); row n is
    ``dataset.records[n]``.
    """

    pictures: torch.Tensor

    def to(self, device: torch.device | str) -> Bank:
        """The same bank on another device, still channels last."""
        return replace(self, pictures=self.pictures.to(device))

    def __len__(self) -> int:
        return len(self.pictures)


def bank(
    dataset: Dataset,
    height: int,
    width: int,
    cache: Path | str | None = None,
    progress: bool = True,
) -> Bank:
    """All pictures of ``dataset`` at height x width pixels, from the cache or decoded now into it.

    ``cache`` is a folder (default: ``records.cache_folder()``). The file appears whole or not at
    all; of two builders at once the later replaces the earlier's equal file. It is mapped
    copy-on-write: pages are read when a batch needs them, and nothing a caller does to the tensor
    reaches the file.

    Raises DatasetError: the first picture that cannot be decoded, 16-bit pictures that are raw
    counts over the whole set, a size that is none, a cache that cannot be written.
    """
    for side in (height, width):
        if isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= 4096:
            raise DatasetError(
                f"{height!r} x {width!r} is no picture size",
                rule="height and width are whole numbers of pixels from 1 to 4096",
                remedy="the paper's is 288 x 144",
            )
    folder = cache_folder() if cache is None else Path(cache)
    key = hashlib.sha256(
        f"{FORMAT} {dataset.pictures_digest} {height} {width}".encode()
    ).hexdigest()[:32]
    file, shape = folder / f"{key}.npy", (len(dataset.records), height, width, 3)
    if not _is_whole(file, shape):
        try:
            _build(dataset, file, shape, progress)
        except OSError as error:
            needed = int(np.prod(shape))
            raise DatasetError(
                f"the decoded pictures ({needed / 1e9:.2f} GB) cannot be written "
                f"({error.strerror})",
                file=folder,
                rule="the cache is a folder that can be written, with room for them",
                remedy="make room, or name another folder in BDLAB_CACHE",
            ) from error
    pixels = torch.from_numpy(
        np.load(file, mmap_mode="c")
    )  # "c": writable memory as torch wants it, the file stays as it is
    return Bank(pixels.permute(0, 3, 1, 2))


def _build(dataset: Dataset, file: Path, shape: tuple[int, int, int, int], progress: bool) -> None:
    """Decodes into a temporary file beside ``file``, renames it, then writes the sidecar that
    declares it whole.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    _sweep(file.parent)
    paths = [dataset.root / r.path for r in dataset.records]
    bar = tqdm(
        total=len(paths),
        desc="decoding",
        unit="picture",
        leave=False,
        disable=None if progress else True,
    )
    with atomic(file) as out, ThreadPoolExecutor(cores()) as pool, bar:
        np.lib.format.write_array_header_1_0(
            out, {"descr": "|u1", "fortran_order": False, "shape": shape}
        )
        depth = Depth()
        # by chunks: a slow disk must not let decoded pictures pile up
        for start in range(0, len(paths), CHUNK):
            chunk = paths[start : start + CHUNK]
            for pixels, raw in pool.map(lambda path: load(path, *shape[1:3]), chunk):
                if raw is not None:
                    depth.add(raw.min(), raw.max())
                out.write(np.ascontiguousarray(pixels))
                bar.update()
        if fault := depth.fault(dataset.root):
            raise fault
    with atomic(file.with_suffix(".json")) as out:
        out.write(json.dumps(_sidecar(file, shape)).encode())


def load(path: Path, height: int, width: int) -> tuple[np.ndarray, np.ndarray | None]:
    return in_set(read_bytes(path), height, width, path)


def _sidecar(file: Path, shape: tuple[int, ...]) -> dict[str, object]:
    """What a whole bank looks like: shape, length [bytes] and sha256 of header and 16 rows. Cheap
    at any size.
    """
    row, rows, length = int(np.prod(shape[1:])), shape[0], file.stat().st_size
    digest = hashlib.sha256()
    with file.open("rb") as f:
        start = length - row * rows
        digest.update(f.read(min(max(start, 0), 4096)))
        for n in np.linspace(0, max(rows - 1, 0), min(16, rows)).astype(int):
            f.seek(start + int(n) * row)
            digest.update(f.read(row))
    return {"shape": list(shape), "length": length, "digest": digest.hexdigest()}


def _is_whole(file: Path, shape: tuple[int, ...]) -> bool:
    """Whether the bank is there and is what its sidecar says; anything else is built again."""
    try:
        return json.loads(file.with_suffix(".json").read_bytes()) == _sidecar(file, shape)
    except (OSError, ValueError):
        return False


def _sweep(folder: Path) -> None:
    """Removes what a killed builder left: parts nobody has written to for a day."""
    for part in folder.glob("*.part"):
        with contextlib.suppress(OSError):
            if part.stat().st_mtime < time.time() - STALE:
                part.unlink()
