"""A table of pictures as columns: what a tuple of records says, a million rows in some 60 MB."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from bdlab.datasets import Record
from bdlab.modality import Modality

MODALITIES = tuple(Modality)
CODES = {m: code for code, m in enumerate(MODALITIES)}
ERRORS = "surrogateescape"  # of file names that are no UTF-8


class Columns(Sequence[Record]):
    """Records by row, made when they are asked for.

    ``identities`` and ``cameras`` are [N] int64, ``modalities`` [N] uint8 (``CODES``). Paths lie
    one behind the other in ``text``, row n ends at ``ends[n]``; ``parts[splits[n]]`` is its part.
    """

    def __init__(
        self,
        text: bytes | bytearray,
        ends: np.ndarray,
        identities: np.ndarray,
        modalities: np.ndarray,
        cameras: np.ndarray,
        splits: np.ndarray,
        parts: tuple[str, ...],
    ):
        self.text, self.ends = text, ends
        self.identities, self.cameras = identities, cameras
        self.modalities, self.splits, self.parts = modalities, splits, parts

    @classmethod
    def of(cls, records: Iterable[Record]) -> Columns:
        """The columns of records."""
        made = Building()
        for r in records:
            made.add(r.path, r.identity, r.modality, r.camera, r.split)
        return made.done()

    def __len__(self) -> int:
        return len(self.identities)

    def path(self, row: int) -> str:
        """The path of a row."""
        start = int(self.ends[row - 1]) if row else 0
        return self.text[start : int(self.ends[row])].decode(errors=ERRORS)

    def paths(self) -> Iterator[str]:
        """Every path, in order."""
        for row in range(len(self)):
            yield self.path(row)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return self.take(np.arange(len(self))[key])
        row = range(len(self))[key]  # IndexError beyond the end; -1 is the last
        m = MODALITIES[self.modalities[row]]
        split = self.parts[self.splits[row]]
        return Record(self.path(row), int(self.identities[row]), m, int(self.cameras[row]), split)

    def take(self, rows: np.ndarray) -> Columns:
        """The rows [n] alone, in their order."""
        lengths = np.diff(self.ends, prepend=0)[rows]
        if len(rows) and np.array_equal(rows, np.arange(rows[0], rows[-1] + 1)):
            first = int(self.ends[rows[0] - 1]) if rows[0] else 0
            text = self.text[first : int(self.ends[rows[-1]])]
        else:
            text = b"".join(self.path(row).encode(errors=ERRORS) for row in rows)
        return Columns(
            text, np.cumsum(lengths), self.identities[rows], self.modalities[rows],
            self.cameras[rows], self.splits[rows], self.parts,
        )  # fmt: skip

    def known_as(self, identities: np.ndarray) -> Columns:
        """The same pictures with other numbers [N] for their people."""
        return Columns(
            self.text, self.ends, identities, self.modalities, self.cameras, self.splits, self.parts
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str) or len(self) != len(other):
            return NotImplemented if not isinstance(other, Sequence) else False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as of any table


class Building:
    """Columns that grow row by row."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.ends, self.identities, self.cameras = array("q"), array("q"), array("q")
        self.modalities, self.splits = array("B"), array("H")
        self.parts: dict[str, int] = {}

    def add(self, path: str, identity: int, m: Modality, camera: int, split: str) -> None:
        """One picture more."""
        self.text += path.encode(errors=ERRORS)
        self.ends.append(len(self.text))
        self.identities.append(identity)
        self.modalities.append(CODES[m])
        self.cameras.append(camera)
        self.splits.append(self.parts.setdefault(split, len(self.parts)))

    def done(self) -> Columns:
        """The columns, without a copy of the numbers."""
        numbers = [np.frombuffer(column, column.typecode) for column in self._columns()]
        return Columns(self.text, *numbers, tuple(self.parts))

    def _columns(self) -> list[array]:
        return [self.ends, self.identities, self.modalities, self.cameras, self.splits]
