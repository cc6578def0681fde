"""What the readers of the layouts share: looking into folders, pairing modalities, drawing a
split.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from bdlab import rules
from bdlab.modality import Modality

from .pictures import not_a_file
from .records import DatasetError, Fault, refuse
from .strays import link_fault, of_a_system

#: Who gives out the real sets.
SOURCES = {name: protocol.source for name, protocol in rules.PROTOCOLS.items()}

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})


def entries(folder: Path, root: Path, fault: Fault = refuse) -> list[os.DirEntry[str]]:
    """What a folder holds, sorted by name, without what systems strew (``.DS_Store``,
    ``Thumbs.db``, ``@eaDir``).

    Faults: a folder that cannot be listed, a link out of ``root``, a name that is no printable
    text.
    """
    try:
        with os.scandir(folder) as found:
            listed = sorted(
                (e for e in found if not of_a_system(e.name)), key=lambda entry: entry.name
            )
    except OSError as error:
        fault(
            DatasetError(
                f"the folder cannot be listed ({error.strerror})",
                file=folder,
                rule="the layout has a folder here",
                remedy="add it, or check the root",
            )
        )
        return []
    kept = []
    for entry in listed:
        if not entry.name.isprintable():
            fault(
                DatasetError(
                    f"the name {entry.name!r} is not printable text",
                    file=folder,
                    rule="names are text on one line",
                    remedy="rename it",
                )
            )
        elif entry.is_symlink() and (error := link_fault(Path(entry.path), root)):
            fault(error)
        else:
            kept.append(entry)
    return kept


def naming(fault: Fault) -> Fault:
    """``fault``, told of what is called almost as what is missing: ``Cam1`` where ``cam1`` is
    meant, ``test_ids.txt`` for ``test_id.txt``.
    """

    def named(error: DatasetError) -> None:
        fault(_called_otherwise(error))

    return named


def _called_otherwise(error: DatasetError) -> DatasetError:
    """The fault, with the remedy to rename what lies beside the missing place; itself if nothing
    does.
    """
    if error.file is None:
        return error
    missing = Path(error.file)
    while not missing.parent.exists():
        missing = missing.parent
    if missing.exists() or not missing.parent.is_dir():
        return error
    beside = [path.name for path in missing.parent.iterdir()]
    like = [name for name in sorted(beside) if _looks_like(name, missing.name)]
    if not like:
        return error
    return DatasetError(
        f"{error.problem}; {like[0]} lies beside it",
        file=error.file,
        line=error.line,
        rule=error.rule,
        remedy=f"rename {missing.parent / like[0]} to {missing.name}, if it is meant",
    )


def _looks_like(name: str, wanted: str) -> bool:
    """Whether one name is another but for case, signs, or a letter or two; never with other
    digits: cam1 is not cam2.
    """
    digits = [re.sub(r"\D", "", text) for text in (name, wanted)]
    letters = [re.sub(r"[\W\d_]", "", text.casefold()) for text in (name, wanted)]
    return digits[0] == digits[1] and SequenceMatcher(None, *letters).ratio() > 0.85


def identity_folders(folder: Path, root: Path, fault: Fault = refuse) -> dict[int, str]:
    """The folders named by a number -> their names. Faults: another name, one number twice (``1``
    and ``01``), a picture outside.
    """
    found: dict[int, str] = {}
    for entry in entries(folder, root, fault):
        rule = "each identity has a folder named by its number"
        if not entry.is_dir():
            if Path(entry.name).suffix.lower() in SUFFIXES:
                fault(
                    DatasetError(
                        "is a picture outside an identity's folder",
                        file=entry.path,
                        rule=rule,
                        remedy="move it into its identity's folder",
                    )
                )
        elif not re.fullmatch(r"[0-9]{1,9}", entry.name):
            fault(
                DatasetError(
                    f"the folder name {entry.name!r} is no number",
                    file=entry.path,
                    rule=rule,
                    remedy="rename it, or use `bdlab data import`, which numbers any names",
                )
            )
        elif int(entry.name) in found:
            fault(
                DatasetError(
                    f"identity {int(entry.name)} has a second folder beside "
                    f"{found[int(entry.name)]!r}",
                    file=entry.path,
                    rule=rule,
                    remedy="merge the two folders",
                )
            )
        else:
            found[int(entry.name)] = entry.name
    return found


def pictures_below(
    root: Path, tops: Mapping[str, Modality], fault: Fault = refuse
) -> dict[str, tuple[int, Modality]]:
    """Every ``<top>/<identity>/<picture>`` on disk -> its identity and modality."""
    found: dict[str, tuple[int, Modality]] = {}
    for top, modality in tops.items():
        if not (root / top).is_dir():
            continue
        for identity, name in identity_folders(root / top, root, fault).items():
            for picture in picture_names(root / top / name, root, fault):
                found[f"{top}/{name}/{picture}"] = (identity, modality)
    return found


def picture_names(folder: Path, root: Path, fault: Fault = refuse) -> list[str]:
    """The picture files of a folder, sorted. Faults: a file of another kind, a folder or a device
    in a picture's place.
    """
    return [entry.name for entry in entries(folder, root, fault) if is_picture(entry, fault)]


def is_picture(entry: os.DirEntry[str], fault: Fault) -> bool:
    """Whether an entry is a file with a picture's name; what is neither is a fault."""
    if not entry.is_file():
        fault(not_a_file(entry.path))
        return False
    if Path(entry.name).suffix.lower() not in SUFFIXES:
        fault(
            DatasetError(
                "is not a picture bdlab reads",
                file=entry.path,
                rule=f"pictures end in {', '.join(sorted(SUFFIXES))}",
                remedy="convert it or move it out of the identity's folder",
            )
        )
        return False
    return True


def paired(
    root: Path,
    seen: Iterable[tuple[Modality, int]],
    folders: dict[Modality, str],
    fault: Fault = refuse,
) -> set[int]:
    """The identities with pictures of both modalities, from the (modality, identity) pairs seen.
    Faults: each of the others, by name.
    """
    ids = {
        modality: {one for m, one in seen if m is modality} for modality in (Modality.V, Modality.I)
    }
    for has, lacks in ((Modality.V, Modality.I), (Modality.I, Modality.V)):
        for one in sorted(ids[has] - ids[lacks]):
            error = DatasetError(
                f"identity {one} has no {lacks.title} picture",
                file=root / folders[lacks] / str(one),
                rule="every identity has pictures of both modalities",
                remedy=f"add its {lacks.title} pictures there, or move its folder out of "
                f"{folders[has]}",
            )
            fault(error)
    return ids[Modality.V] & ids[Modality.I]


def seeded_parts(
    identities: Iterable[int], seed: int, test: float, val: float = 0.0
) -> dict[int, str]:
    """Identity -> part, by a seeded draw of identities; ``test`` and ``val`` are fractions of them,
    rounded.

    The order is by sha256 of seed and identity: no library version changes it.
    """
    order = sorted(identities, key=lambda one: hashlib.sha256(f"{seed} {one}".encode()).digest())
    tests, vals = int(test * len(order) + 0.5), int(val * len(order) + 0.5)
    return {
        one: "test" if i < tests else "val" if i < tests + vals else "train"
        for i, one in enumerate(order)
    }


def checked_split(split: Any, allowed: range, rule: str) -> int:
    """The split as a plain int; raises DatasetError naming the rule when it is no whole number in
    ``allowed``.
    """
    if isinstance(split, bool) or not isinstance(split, int) or split not in allowed:
        raise DatasetError(
            f"split {split!r} does not exist",
            rule=rule,
            remedy="give one of these numbers as split",
        )
    return split
