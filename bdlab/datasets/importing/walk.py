"""Every picture below a folder, and what is passed over on the way, with the reason."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from ..layouts import SUFFIXES
from ..pictures import not_a_file
from ..records import DatasetError, few
from ..strays import link_fault, of_a_system

#: Files that say something about pictures or pack them, but are none.
_TEXT = frozenset({
    "", ".txt", ".md", ".rst", ".tex", ".pdf", ".html", ".htm", ".log", ".nfo", ".url",
    ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".mat", ".md5",
    ".doc", ".docx", ".xls", ".xlsx", ".ods", ".m", ".py", ".sh", ".ipynb", ".bib", ".dvc",
    ".zip", ".tar", ".gz", ".7z", ".rar",
})  # fmt: skip


@dataclass
class Walked:
    """The pictures below ``source``, each by the folders it lies in, and what was passed over."""

    source: Path
    pictures: list[tuple[tuple[str, ...], Path]] = field(default_factory=list)
    of_systems: Counter = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    def passed(self) -> list[str]:
        """What was passed over, as lines."""
        lines = [f"{name!r} ({count} such)" for name, count in sorted(self.of_systems.items())]
        if self.texts:
            lines.append(f"{len(self.texts)} files that are no pictures: {few(self.texts)}")
        if self.skipped:
            lines.append(f"{len(self.skipped)} by --skip: {few(self.skipped)}")
        return lines


def walk(source: Path, skip: Collection[str] = ()) -> Walked:
    """Every picture below ``source``; ``skip`` holds names or patterns of files and folders to pass
    over.

    Raises DatasetError: a folder that cannot be listed, an unsafe link, a device, a file that is
    neither a picture nor a text.
    """
    found = Walked(source)
    _into(source, (), found, skip, {source.resolve()})
    if found.strange:
        kinds = sorted({Path(name).suffix for name in found.strange})
        options = " ".join(f"--skip '*{kind}'" for kind in kinds)
        raise DatasetError(
            f"{found.strange[0]} is not a picture bdlab reads ({len(found.strange)} such: "
            f"{', '.join(kinds)})",
            file=source,
            rule=f"pictures end in {', '.join(sorted(SUFFIXES))}",
            remedy=f"convert them, or pass them over with {options}",
        )
    return found


def _into(
    folder: Path, dirs: tuple[str, ...], found: Walked, skip: Collection[str], above: set[Path]
) -> None:
    for entry in _listed(folder):
        path = Path(entry.path)
        below = "/".join((*dirs, entry.name))
        if of_a_system(entry.name):
            found.of_systems[entry.name] += 1
        elif any(fnmatch(entry.name, pattern) for pattern in skip):
            found.skipped.append(below)
        elif entry.is_symlink() and (error := link_fault(path, found.source)):
            raise error
        elif entry.is_dir():
            real = path.resolve()
            if real in above:
                raise _loop(path)
            _into(path, (*dirs, entry.name), found, skip, above | {real})
        else:
            _file(path, dirs, below, found)


def _file(path: Path, dirs: tuple[str, ...], below: str, found: Walked) -> None:
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        if not path.is_file():
            raise not_a_file(path)
        found.pictures.append((dirs, path))
    elif suffix in _TEXT:
        found.texts.append(below)
    else:
        found.strange.append(below)


def _listed(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DatasetError(
            f"the folder cannot be listed ({error.strerror})",
            file=folder,
            rule="an import reads every folder below its source",
            remedy="check the path and who may read it",
        ) from error
    for entry in listed:
        if not entry.name.isprintable() and not of_a_system(entry.name):
            raise DatasetError(
                f"the name {entry.name!r} is not printable text",
                file=folder,
                rule="names are text on one line",
                remedy="rename it",
            )
    yield from listed


def _loop(path: Path) -> DatasetError:
    return DatasetError(
        "is a link to a folder it lies in",
        file=path,
        rule="folders lie in one another, not in themselves",
        remedy="take the link away",
    )
