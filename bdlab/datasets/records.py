"""What every data set becomes: a table of records, one a picture, and a fingerprint of what they
hold.
"""

from __future__ import annotations

import hashlib
import os
import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bdlab import machine, rules
from bdlab.files import atomic
from bdlab.modality import Modality

SPLITS = ("train", "val", "test")
#: Which gallery pictures do not count for a query: none, a person's by the query's own camera, or
#: SYSU-MM01's rule (a camera-3 query skips all of camera 2).
EXCLUDED = ("none", "camera", "sysu")

#: A stamp is trusted only for files that had rested this long: a write in the same clock tick would
#: go unseen.
SETTLED_NS = 2_000_000_000


class DatasetError(ValueError):
    """A fault in a data set: what is wrong, where, which rule it breaks and what to do about it."""

    def __init__(
        self,
        problem: str,
        *,
        file: Path | str | None = None,
        line: int | None = None,
        rule: str = "",
        remedy: str = "",
    ):
        self.problem, self.file, self.line, self.rule, self.remedy = (
            problem,
            file,
            line,
            rule,
            remedy,
        )
        where = (
            ""
            if file is None
            else f"{file}" + (f", line {line}" if line is not None else "") + ": "
        )
        parts = [f"{where}{problem}", rule and f"The rule: {rule}", remedy and f"Remedy: {remedy}"]
        super().__init__(" ".join(part.rstrip(".") + "." for part in parts if part))


#: What a reader does with a fault: ``refuse`` raises it; the data doctor collects them all and
#: reads on.
Fault = Callable[[DatasetError], None]


def refuse(error: DatasetError) -> None:
    """The readers' default: the first fault ends the reading."""
    raise error


@dataclass(frozen=True, slots=True)
class Record:
    """One picture: where it lies under the root (posix), whose it is, how it was taken, which part
    it belongs to.
    """

    path: str
    identity: int
    modality: Modality
    camera: int = 0
    split: str = "train"


@dataclass(frozen=True)
class Dataset:
    """A data set as bdlab sees it.

    ``records`` are sorted by path; identities are the data set's own numbers. ``protocol`` names
    how it is tested: ``"regdb"`` (every test picture of one modality against every one of the
    other, no camera rule; also the folder layout's) or ``"sysu"`` (four settings, ten gallery
    draws). ``provenance`` (JSON values) says what a reader must know to compare numbers: which
    split, where it came from, which dials. ``exclude``, one of ``EXCLUDED``, is the camera rule a
    set of one's own declares; ``names`` are people's names by identity.
    """

    name: str
    root: Path
    records: tuple[Record, ...]
    protocol: str = "regdb"
    provenance: dict[str, Any] = field(default_factory=dict)
    exclude: str = "none"
    names: dict[int, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """One line: a set has thousands of records."""
        people = len({record.identity for record in self.records})
        held = f"{len(self.records):,} pictures of {people} people"
        return f"<Dataset {self.name}: {held}, {self.root}>"

    def called(self, identity: int) -> str:
        """A person's name, or the identity's number where no name is known: what lists show."""
        return self.names.get(identity, str(identity))

    @property
    def tested_by(self) -> rules.Protocol:
        """The record of how it is tested, with the camera rule it declares."""
        return rules.declaring(rules.PROTOCOLS[self.protocol], self.exclude)

    @property
    def label(self) -> str:
        """One sentence for a set that could be taken for a published one and has not its counts;
        empty for all others. It is known before anything is trained.
        """
        unlike = self.provenance.get("unlike_published", [])
        if not unlike or self.name not in rules.PROTOCOLS:
            return ""
        title = rules.PROTOCOLS[self.name].title
        return (
            f"not the published {title}: {'; '.join(unlike)}. The scores are labelled as not "
            "comparable with published ones."
        )

    def select(self, split: str, modality: Modality | None = None) -> tuple[int, ...]:
        """Row numbers of one part (and one modality) in ``records``; the bank uses the same
        numbers.
        """
        return tuple(
            row
            for row, r in enumerate(self.records)
            if r.split == split and (modality is None or r.modality is modality)
        )

    def identities(self, split: str) -> tuple[int, ...]:
        """The identities of one part, ascending."""
        return tuple(sorted({r.identity for r in self.records if r.split == split}))

    @cached_property
    def pictures_digest(self) -> str:
        """sha256 over every picture's path and bytes, in the order of the records: what a bank of
        pictures depends on.

        Identities and parts do not enter, so that RegDB's ten trials share one bank. Read once: a
        stamp (path, size, times, inode of every file) in the cache folder answers the next call, in
        this process or another.
        """
        return pictures_digest(self.root, [r.path for r in self.records])

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over the record table and every picture's bytes: another picture, split or order
        is another set.

        Raises DatasetError naming a picture that cannot be read.
        """
        # a rule that is declared changes what is scored; sets without one keep their fingerprint
        rule = "" if self.exclude == "none" else f" {self.exclude}"
        digest = hashlib.sha256(f"{self.protocol}{rule}\n{self.pictures_digest}\n".encode())
        for r in self.records:
            digest.update(f"{r.path}\t{r.identity}\t{r.modality}\t{r.camera}\t{r.split}\n".encode())
        return digest.hexdigest()


def validate(dataset: Dataset) -> Dataset:
    """Rules that hold for every layout: parts without shared identities, both modalities for every
    identity that is trained on.

    Raises DatasetError naming the identity and the part.
    """
    by_split = {split: dataset.identities(split) for split in SPLITS}
    for split in ("train", "test"):
        if not by_split[split]:
            raise DatasetError(
                f"the {split} part is empty",
                file=dataset.root,
                rule="a data set has identities to train on and others to test on",
                remedy=(
                    "look the folder over with `bdlab data check`, or change the fractions of the "
                    "split"
                ),
            )
    for a, b in (("train", "val"), ("train", "test"), ("val", "test")):
        if both := set(by_split[a]) & set(by_split[b]):
            raise DatasetError(
                f"identities {few(both)} are in the {a} part and in the {b} part",
                file=dataset.root,
                rule="nobody is trained on and tested",
                remedy="fetch the index files again, or take these identities out of one part",
            )
    for split in SPLITS:
        if by_split[split]:
            _both_modalities(dataset, split)
    return dataset


def _both_modalities(dataset: Dataset, split: str) -> None:
    """Raises DatasetError for a part without one modality, or an identity trained on in one
    modality only.
    """
    seen: dict[Modality, set[int]] = {Modality.V: set(), Modality.I: set()}
    for record in dataset.records:
        if record.split == split:
            seen[record.modality].add(record.identity)
    for modality, ids in seen.items():
        if not ids:
            raise DatasetError(
                f"the {split} part has no {modality.title} picture",
                file=dataset.root,
                rule="every part has pictures of both modalities",
                remedy=f"add the {modality.title} pictures",
            )
    if split == "train" and (lonely := seen[Modality.V] ^ seen[Modality.I]):
        one = min(lonely)
        lacks = Modality.I if one in seen[Modality.V] else Modality.V
        raise DatasetError(
            f"identity {one} has no {lacks.title} picture (all such: {few(lonely)})",
            file=dataset.root,
            rule="every identity that is trained on has pictures of both modalities",
            remedy="add the missing pictures or take the identity out",
        )


def shortened(text: str, most: int) -> str:
    """``text`` in at most ``most`` characters, cut between two words."""
    return textwrap.shorten(text, most, placeholder=" ...") if len(text) > most else text


def few(values: Iterable[Any], most: int = 5) -> str:
    """``"1, 2, 3, 4, 5 and 7 more"``: the first of many, ascending."""
    ordered = sorted(values)
    return ", ".join(map(str, ordered[:most])) + (
        f" and {len(ordered) - most} more" if len(ordered) > most else ""
    )


def data_folder() -> Path:
    """Where data sets live unless a root is given: ``$BDLAB_DATA`` or ``./data``."""
    return Path(os.environ.get("BDLAB_DATA") or "data")


def cache_folder() -> Path:
    """Where decoded pictures and stamps are kept: ``$BDLAB_CACHE`` or ``.bank`` in the data folder.
    Deleting it is safe.
    """
    return Path(os.environ.get("BDLAB_CACHE") or data_folder() / ".bank")


def pictures_digest(root: Path, paths: Sequence[str]) -> str:
    """See ``Dataset.pictures_digest``. The stamp file is named by the stamp and written once:
    writers cannot disagree.
    """
    stamp, newest = _stamp(root, paths)
    file = cache_folder() / "stamps" / stamp
    try:
        kept = file.read_bytes()
        if _sealed(stamp, digest := kept[:64].decode("ascii", "replace")) == kept:
            return digest
    except OSError:
        pass  # no stamp yet, or a cache that cannot be read: the pictures themselves can
    total = hashlib.sha256()
    with ThreadPoolExecutor(min(8, machine.cores())) as pool:
        for path, digest in zip(
            paths, pool.map(lambda path: _file_digest(root / path), paths), strict=True
        ):
            total.update(path.encode() + b"\0" + digest)
    if newest < time.time_ns() - SETTLED_NS and _stamp(root, paths)[0] == stamp:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic(file) as out:
                out.write(_sealed(stamp, total.hexdigest()))
        except OSError:
            pass  # a read-only cache costs time, not correctness
    return total.hexdigest()


def _sealed(stamp: str, digest: str) -> bytes:
    """What a stamp file holds: the digest, and a check that it belongs to this stamp and is
    whole.
    """
    return f"{digest} {hashlib.sha256((stamp + digest).encode()).hexdigest()[:16]}".encode()


def _stamp(root: Path, paths: Sequence[str]) -> tuple[str, int]:
    """What the file system says about the pictures, and the newest change time [ns]; no picture is
    opened.
    """
    digest, newest = hashlib.sha256(f"{root.resolve()}\n".encode("utf-8", "surrogateescape")), 0
    for path in paths:
        try:
            s = os.stat(root / path)
        except OSError as error:
            raise _unreadable(root / path, error) from error
        newest = max(newest, s.st_ctime_ns, s.st_mtime_ns)
        digest.update(
            f"{path}\0{s.st_size}\0{s.st_mtime_ns}\0{s.st_ctime_ns}\0{s.st_ino}\n".encode()
        )
    return digest.hexdigest(), newest


def _file_digest(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> DatasetError:
    return DatasetError(
        f"the picture cannot be read ({error.strerror})",
        file=path,
        rule="every picture a data set names is there",
        remedy="fetch the file again or take its identity out of the index",
    )
