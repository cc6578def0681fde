"""What there is to embed: a set by name, a folder of any form, single files.

A set keeps its parts and cameras; one that `bdlab data import` wrote also its people's names and
the rule it declares. Of any other folder, the modality is read from a folder's name in the path
(visible, rgb, infrared, thermal, ...) or given; the identity from a folder whose name is a number,
else it is unknown. Nothing is guessed from what a picture looks like.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bdlab import datasets
from bdlab.config import DATASETS
from bdlab.datasets import Record, check
from bdlab.datasets.importing import words
from bdlab.datasets.layouts import SUFFIXES
from bdlab.datasets.strays import of_a_system
from bdlab.modality import BASE, Modality, parse_modality

from . import DeployError, own, raw
from .columns import CODES, MODALITIES, Columns
from .own import UNKNOWN

SEED = 8  # of the rendered example's people
#: Published sets are known by the folder of their lists; without it a folder is a folder.
LISTS = {"regdb": "idx", "sysu": "exp"}


@dataclass(frozen=True)
class Pictures:
    """Picture files under one root; ``records`` say whose and of which modality each is (given as
    records, kept as columns).

    ``left_out`` are loose files beside folders that say what they hold: an overview, a logo. Of a
    set: ``names`` of people by identity, ``exclude`` the camera rule it declares
    (``datasets.records.EXCLUDED``), ``scale`` the range of its raw infrared values.
    """

    root: Path
    records: Any
    left_out: tuple[str, ...] = ()
    names: dict[int, str] = field(default_factory=dict)
    exclude: str = "none"
    scale: raw.Known | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.records, Columns):
            object.__setattr__(self, "records", Columns.of(self.records))

    def __len__(self) -> int:
        return len(self.records)

    def rows(self, m: Modality) -> np.ndarray:
        """The rows [n] of one modality, ascending."""
        return np.flatnonzero(self.records.modalities == CODES[m])

    def of(self, m: Modality) -> Pictures:
        """Those of one modality."""
        return replace(self, records=self.records.take(self.rows(m)))

    @property
    def modalities(self) -> list[Modality]:
        """The modalities there are, V first."""
        return [MODALITIES[code] for code in np.unique(self.records.modalities)]

    @property
    def has_cameras(self) -> bool:
        """Whether anybody said which camera took a picture: without, all are of camera 0."""
        return bool(self.records.cameras.any())

    def called(self, identity: int) -> str:
        """A person's name; empty where it is none but the number, or nobody knows who it is."""
        name = self.names.get(identity, "")
        return "" if name.isdecimal() else name


def deployed(modality: str | Modality) -> Modality:
    """V or I. Raises ValueError for another: derivative modalities are for training only."""
    m = parse_modality(modality)
    if m not in BASE:
        raise ValueError(f"modality {m.value!r}: V or I is meant, D_V and D_I are for training")
    return m


def words_of(left_out: Sequence[str]) -> str:
    """One line on loose files that were left out."""
    more = ", ..." if len(left_out) > 3 else ""
    return f"Left out, in no folder that says visible or infrared: {', '.join(left_out[:3])}{more}"


def collect(
    source: str, modality: str | None = None, root: str | Path | None = None, part: str = "all"
) -> Pictures:
    """The pictures of a set (by name, at ``root``), of a folder or of one file.

    ``modality`` keeps V or I alone, and says what a folder is that does not say so itself;
    ``part`` of a set is train, val, test or all. Raises DeployError or DatasetError.
    """
    wanted = None if modality is None else deployed(modality)
    if source in DATASETS:
        found = _of_set(datasets.open(source, root), part)
    elif source and Path(source).exists() and (place := own.place(Path(source))):
        found = _of_own(Path(source), *place, part)
    elif source and Path(source).is_dir():
        found = _of_folder(Path(source), wanted, part)
    elif Path(source).is_file():
        found = _of_files(Path(source).parent, [Path(source).name], wanted)
    else:
        raise DeployError(
            f"{source}: neither a folder, nor a picture, nor a set; the sets are "
            f"{', '.join(DATASETS)}"
        )
    found = found if wanted is None else found.of(wanted)
    if not len(found):
        kind = "" if wanted is None else f" of {wanted.title}"
        raise DeployError(
            f"{source}: no picture{kind} in it ({', '.join(sorted(SUFFIXES))}, "
            f"part {part!r}); check the folder, the modality and the part"
        )
    return found


def collect_all(sources: Sequence[str], modality: str | None) -> Pictures:
    """The pictures of several files and folders, under the root they share."""
    if len(sources) == 1:
        return collect(sources[0], modality)
    found = together([collect(source, modality) for source in sources])
    root = Path(os.path.commonpath([pictures.root.resolve() for pictures in found]))
    records, left_out = [], []
    for pictures in found:
        below = pictures.root.resolve().relative_to(root)
        left_out += [(below / path).as_posix() for path in pictures.left_out]
        records += [replace(r, path=(below / r.path).as_posix()) for r in pictures.records]
    rule = {pictures.exclude for pictures in found} - {"none"} or {"none"}
    scale = {pictures.scale for pictures in found} - {None} or {None}
    if len(rule) > 1 or len(scale) > 1:
        raise DeployError(
            f"{' and '.join(sources)}: these sets declare different camera rules, or ranges of raw "
            "values; give one of them at a time"
        )
    names = found[0].names
    return Pictures(root, records, tuple(left_out), names, rule.pop(), scale.pop())


def together(several: Sequence[Pictures]) -> list[Pictures]:
    """The same pictures, one number for one person in all of them: whoever is called the same.

    Sets number their people each for itself; a number without a name is a name itself. A name that
    stands for two people of one set says nobody's. Sets with the same names are left as they are.
    """
    if all(one.names == several[0].names for one in several):
        return list(several)
    spelled = [_words(one) for one in several]
    every = sorted({word for of_one in spelled for word in of_one.values()})
    numbers = {word: int(word) for word in every if word.isdecimal() and len(word) < 10}
    free = max(numbers.values(), default=0) + 1
    for word in every:
        numbers.setdefault(word, free + len(numbers))
    names = {number: word for word, number in numbers.items()}
    found = []
    for one, of_one in zip(several, spelled, strict=True):
        renamed = {old: numbers[word] for old, word in of_one.items()}
        found.append(_numbered(one, renamed, names))
    return found


def _words(pictures: Pictures) -> dict[int, str]:
    """Identity -> what it is called, without the words that two people share."""
    people = np.unique(pictures.records.identities).tolist()
    called = {one: pictures.names.get(one, str(one)) for one in people if one != UNKNOWN}
    count = Counter(called.values())
    return {one: word for one, word in called.items() if count[word] == 1}


def _numbered(pictures: Pictures, numbers: dict[int, int], names: dict[int, str]) -> Pictures:
    old, code = np.unique(pictures.records.identities, return_inverse=True)
    new = np.array([numbers.get(one, UNKNOWN) for one in old.tolist()], dtype=np.int64)
    return replace(pictures, records=pictures.records.known_as(new[code]), names=names)


def _of_set(dataset: datasets.Dataset, part: str) -> Pictures:
    kept = [r for r in dataset.records if part in ("all", r.split)]
    scale = raw.of_provenance(dataset.provenance, "the set's own")
    rule = dataset.exclude
    if rule == "none":
        protocol = dataset.tested_by
        rule = "sysu" if protocol.blind else "camera" if protocol.same_camera else "none"
    return Pictures(dataset.root, kept, (), dataset.names, rule, scale)


def _of_own(source: Path, root: Path, below: Any, part: str) -> Pictures:
    """What lies at ``source`` in the imported set at ``root``; paths start at ``source``."""
    records, says = own.read(root, below, part)
    if source.is_file():
        below = below.parent
    start = f"{below.as_posix()}/" if below.parts else ""
    cut = [replace(r, path=r.path.removeprefix(start)) for r in records]
    scale = raw.of_provenance({"made": says.made}, "the set's own")
    place = source.parent if source.is_file() else source
    return Pictures(place, cut, (), says.names, says.exclude, scale)


def _of_folder(folder: Path, wanted: Modality | None, part: str) -> Pictures:
    for layout, lists in LISTS.items():
        if check.recognise(folder) == layout and (folder / lists).is_dir():
            return _of_set(datasets.open(layout, folder), part)
    if part != "all":
        raise DeployError(
            f"{folder}: a folder has no part {part!r}; give the set by name: folder --root {folder}"
        )
    paths = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not of_a_system(name))
        below = Path(place).relative_to(folder)
        for name in sorted(names):
            if not of_a_system(name) and Path(name).suffix.lower() in SUFFIXES:
                paths.append((below / name).as_posix())
    told = [path for path in paths if modality_of(Path(path).parts[:-1])]
    loose = [path for path in paths if "/" not in path] if told else []
    found = _of_files(folder, [path for path in paths if path not in loose], wanted)
    return replace(found, left_out=tuple(loose))


def _of_files(root: Path, paths: Iterable[str], wanted: Modality | None) -> Pictures:
    records = []
    for path in paths:
        folders = Path(path).parts[:-1]
        m = modality_of(folders) or modality_of((root.name, root.parent.name)) or wanted
        if m is None:
            raise DeployError(
                f"{root / path}: no folder in its path says what it is (visible, infrared, rgb, "
                "thermal, ...); give --modality V or --modality I"
            )
        records.append(Record(path, identity_of((root.name, *folders)), m, split=""))
    return Pictures(root, records)


def modality_of(folders: Sequence[str]) -> Modality | None:
    """What the first telling folder name says, or None."""
    told = [words.MODALITIES.get(words.plain(name).lower()) for name in folders]
    return next((m for m in told if m), None)


def identity_of(folders: Sequence[str]) -> int:
    """The last folder name that is a plain number, else UNKNOWN."""
    for name in reversed(folders):
        if name.isascii() and name.isdigit() and len(name) < 10:
            return int(name)
    return UNKNOWN


def example(out: Path, people: int = 10, size: str = "demo") -> Path:
    """A folder as a reader has one: visible/<id>/* and infrared/<id>/* of rendered people.

    They are drawn with a seed of their own, so that no cell of a twin was trained on them. Written
    once.
    """
    if out.is_dir():
        return out
    twin = datasets.open("synthetic-regdb", size=size, seed=SEED)
    chosen = sorted({record.identity for record in twin.records})[:people]
    aside = out.with_name(f".{out.name}.{os.getpid()}.part")
    for record in twin.records:
        if record.identity in chosen:
            folder = "visible" if record.modality is Modality.V else "infrared"
            place = aside / folder / f"{record.identity:04d}"
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(twin.root / record.path, place)
    os.rename(aside, out)
    return out
