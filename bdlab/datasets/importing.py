"""Pictures from elsewhere into the ``folder`` layout, by copying: nothing is moved, nothing
overwritten.
"""

from __future__ import annotations

import csv
import io
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from bdlab.modality import Modality

from .folder import FOLDERS
from .layouts import SUFFIXES, entries, picture_names
from .pictures import decode, read_bytes
from .records import DatasetError

COLUMNS = ("path", "identity", "modality")
MAX_TABLE = 100_000_000  # bytes
_WORDS = {
    "v": Modality.V,
    "visible": Modality.V,
    "rgb": Modality.V,
    "i": Modality.I,
    "infrared": Modality.I,
    "ir": Modality.I,
    "thermal": Modality.I,
}


@dataclass(frozen=True, slots=True)
class Found:
    """A picture to copy: where it lies, the name of its identity, its modality."""

    source: Path
    name: str
    modality: Modality


def import_folder(
    source: Path | str, out: Path | str, visible: str = "visible", infrared: str = "infrared"
) -> Path:
    """``<source>/<visible>/<any name>/*`` and ``<source>/<infrared>/<any name>/*`` -> the folder
    layout at ``out``, returned.

    Identities are numbered from 1 in the order of their names; ``names.csv`` keeps the names,
    ``pictures.csv`` where each picture came from. Raises DatasetError before anything is copied:
    ``out`` exists, a picture that cannot be decoded, an identity without one modality, no picture
    at all.
    """
    source = Path(source)
    found = []
    for modality, top in ((Modality.V, visible), (Modality.I, infrared)):
        for person in entries(source / top, source):
            if not person.is_dir():
                raise DatasetError(
                    "is not a folder",
                    file=person.path,
                    rule="each identity has a folder of its own",
                    remedy="move it into its identity's folder, or out",
                )
            found += [
                Found(Path(person.path) / picture, person.name, modality)
                for picture in picture_names(Path(person.path), source)
            ]
    return _copy(found, source, Path(out))


def import_csv(table: Path | str, out: Path | str) -> Path:
    """A CSV table (UTF-8, columns ``path``, ``identity``, ``modality``) -> the folder layout at
    ``out``, returned.

    Paths are relative to the table's folder and stay under it; identities are any text; modality is
    visible, V or RGB, infrared, I, IR or thermal. Raises DatasetError naming file and line, before
    anything is copied; else as ``import_folder``.
    """
    table = Path(table)
    data = read_bytes(table, MAX_TABLE, "table")
    found: dict[str, Found] = {}
    try:
        if b"\0" in data:
            raise DatasetError(
                "holds NUL bytes or is UTF-16",
                file=table,
                rule="the table is plain text, UTF-8",
                remedy="save it as CSV UTF-8",
            )
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        if missing := [column for column in COLUMNS if column not in (reader.fieldnames or [])]:
            raise DatasetError(
                f"has no column {', '.join(missing)}",
                file=table,
                line=1,
                rule=f"the table has the columns {', '.join(COLUMNS)}",
                remedy="name the columns in the first line",
            )
        for row in reader:
            one = _row(row, table, reader.line_num)
            if found.setdefault(str(one.source), one) is not one:
                raise DatasetError(
                    f"{row['path']} is listed twice",
                    file=table,
                    line=reader.line_num,
                    rule="every picture is listed once",
                    remedy="take one of the lines out",
                )
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"is no CSV table ({error})",
            file=table,
            rule="the table is CSV, UTF-8",
            remedy="save it as CSV UTF-8",
        ) from error
    return _copy(list(found.values()), table.parent, Path(out))


def _row(row: dict[str | None, str | None], table: Path, line: int) -> Found:
    """One row of the table; raises DatasetError naming its line."""

    def wrong(problem: str, rule: str) -> DatasetError:
        return DatasetError(problem, file=table, line=line, rule=rule, remedy="correct the line")

    if None in row or None in row.values():
        raise wrong(
            "the line has more or fewer columns than the first", "every line has the same columns"
        )
    path, name, modality = (str(row[column]).strip() for column in COLUMNS)
    if not name or not name.isprintable():
        raise wrong(
            f"the identity {name!r} is empty or no printable text",
            "an identity is a name on one line",
        )
    if modality.lower() not in _WORDS:
        raise wrong(f"unknown modality {modality!r}", f"a modality is one of {', '.join(_WORDS)}")
    if Path(path).suffix.lower() not in SUFFIXES:
        raise wrong(
            f"{path!r} is not a picture bdlab reads",
            f"pictures end in {', '.join(sorted(SUFFIXES))}",
        )
    parts = path.replace("\\", "/").split("/")
    if (
        not path
        or not path.isprintable()
        or parts[0] == ""
        or ".." in parts
        or re.match("[A-Za-z]:", path)
    ):
        raise wrong(
            f"the path {path!r} is empty, absolute or leads out of the table's folder",
            "paths are relative to the table and stay under its folder",
        )
    source = table.parent.joinpath(*parts)
    if not source.resolve().is_relative_to(table.parent.resolve()):
        raise wrong(
            f"the path {path!r} is a link out of the table's folder",
            "paths are relative to the table and stay under its folder",
        )
    return Found(source, name, _WORDS[modality.lower()])


def _copy(found: list[Found], source: Path, out: Path) -> Path:
    """Checks everything, copies beside ``out`` and renames: ``out`` appears whole or not at all."""
    if out.exists() or out.is_symlink():
        raise DatasetError(
            "is there already",
            file=out,
            rule="an import never overwrites",
            remedy="name a new folder",
        )
    if not found:
        raise DatasetError(
            "holds no picture to import",
            file=source,
            rule="an import has pictures",
            remedy="check the source",
        )
    names = {
        name: number for number, name in enumerate(sorted({one.name for one in found}), start=1)
    }
    _both(found, source)
    part = out.with_name(f".{out.name}.{secrets.token_hex(8)}.part")
    try:
        part.mkdir(parents=True)
        rows = []
        count: dict[tuple[str, str], int] = {}
        for one in sorted(found, key=lambda one: (one.name, one.modality, str(one.source))):
            data = read_bytes(one.source)
            decode(data, 8, 8, one.source)
            here = (FOLDERS[one.modality], f"{names[one.name]:04d}")
            count[here] = count.get(here, 0) + 1
            target = Path(*here, f"{count[here]:04d}{one.source.suffix.lower()}")
            (part / target).parent.mkdir(parents=True, exist_ok=True)
            (part / target).write_bytes(data)
            rows.append((target.as_posix(), one.source.relative_to(source).as_posix()))
        _table(
            part / "names.csv",
            ("identity", "name"),
            [(number, name) for name, number in names.items()],
        )
        _table(part / "pictures.csv", ("path", "source"), rows)
        os.rename(part, out)
    except OSError as error:
        raise DatasetError(
            f"cannot be written ({error.strerror})",
            file=out,
            rule="an import has room beside its target",
            remedy="make room, or name another folder",
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return out


def _both(found: list[Found], source: Path) -> None:
    """Raises DatasetError naming the identities that have pictures of one modality only."""
    seen = {
        modality: {one.name for one in found if one.modality is modality} for modality in FOLDERS
    }
    for has, lacks in ((Modality.V, Modality.I), (Modality.I, Modality.V)):
        if lonely := sorted(seen[has] - seen[lacks]):
            raise DatasetError(
                f"identity {lonely[0]!r} has no {lacks.title} picture ({len(lonely)} such)",
                file=source,
                rule="every identity has pictures of both modalities",
                remedy="add the missing pictures, or leave the identity out",
            )


def _table(path: Path, header: tuple[str, ...], rows: list[tuple]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([header, *rows])
