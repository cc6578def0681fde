"""A sweep of one's own, read from a YAML file; every fault is named with its file, line and row."""

from __future__ import annotations

import hashlib
import re
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from bdlab.config import ConfigError, typed

from .rows import SWEEPS, Row, Sweep

ALL = "all"  # every sweep, by `bdlab run all`
#: What says which cell of which sweep this is, and on what: no change of a row or a sweep. Each has
#: an option of its own.
RESERVED = ("sweep", "row", "preset", "data", "root", "seed", "split")
ROWS = "a mapping of row names to changes, e.g. rows: {Mine: {gamma: 2.0}}"
ENTRIES = ("name", "title", "baseline", "contrasts", "rows")


def refuse_reserved(names: Iterable[str], where: str = "") -> None:
    """Raise ConfigError for a change whose name is reserved."""
    for name in names:
        if name in RESERVED:
            raise ConfigError(
                f"{where}{name} is set by its own option (or by the sweep), not as a change"
            )


class _Loader(yaml.SafeLoader):
    """YAML without keys that stand twice: of two rows of one name the first would vanish."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        first: dict[Any, int] = {}
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key in first:
                said = f"{key!r} stands twice, first in line {first[key]}"
                raise yaml.constructor.ConstructorError(None, None, said, key_node.start_mark)
            if key is not None:
                first[key] = line
        return super().construct_mapping(node, deep)


def _beside(path: Path) -> str:
    """What lies where a sweep's file was looked for."""
    held = sorted(one.name for one in path.parent.glob("*.y*ml"))
    if held:
        return f"{path.parent.absolute()} holds {', '.join(held[:5])}"
    known = ", ".join(SWEEPS)
    return f"no YAML file lies in {path.parent.absolute()}. Sweeps that need none: {known}"


class _File:
    """A sweep's file while it is read: where its entries stand, and how a fault is said."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[tuple[str, ...], int] = {}
        try:
            self.bytes = path.read_bytes()
            loader = _Loader(self.bytes.decode("utf-8"))
            node = loader.get_single_node()
            self.about = None if node is None else loader.construct_document(node)
            self._note(node, ())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line = f":{mark.line + 1}" if mark else ""
            said = error.problem or error.context
            raise ConfigError(f"{path}{line}: the sweep cannot be read: {said}") from error
        except FileNotFoundError as error:
            raise ConfigError(f"{path}: there is no such file; {_beside(path)}") from error
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            raise ConfigError(f"{path}: the sweep cannot be read ({error})") from error

    def _note(self, node: yaml.Node | None, at: tuple[str, ...]) -> None:
        """Keep the lines of the entries, the rows and the rows' parameters."""
        if not isinstance(node, yaml.MappingNode) or len(at) > 2:
            return
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                self.lines[(*at, key.value)] = key.start_mark.line + 1
                self._note(value, (*at, key.value))

    def fault(self, text: str, *at: Any) -> ConfigError:
        """An error that names the file and, where it is known, the line of an entry."""
        line = self.lines.get(tuple(str(part) for part in at))
        return ConfigError(f"{self.path}:{line}: {text}" if line else f"{self.path}: {text}")

    def name(self, value: Any, *at: Any) -> str:
        """A value that must be a name; YAML reads no, 1 and 1e-3 its own way."""
        if type(value) is str:
            return value
        raise self.fault(
            f"{reprlib.repr(value)} stands where a name is meant; put it in quotes "
            "(YAML reads no, 1 or 1e-3 its own way)",
            *at,
        )


def read(path: Path) -> Sweep:
    """The sweep that a YAML file declares; raises ConfigError naming file, line and row."""
    file = _File(path)
    about = file.about if isinstance(file.about, dict) else {}
    if not isinstance(about.get("rows"), dict) or not about["rows"]:
        raise file.fault(f"a sweep needs `rows`, {ROWS}", "rows")
    for key in about:
        if key not in ENTRIES:
            known = "name, title, baseline, contrasts and rows"
            raise file.fault(f"unknown entry {str(key)!r}; a sweep has {known}", key)
    rows = _rows(file, about["rows"])
    name = file.name(about.get("name", path.stem), "name")
    if name in (*SWEEPS, ALL) or not re.fullmatch(r"[A-Za-z0-9_+][A-Za-z0-9._+-]*", name):
        plain = "use letters, digits, '_', '+', '-' and '.'"
        raise file.fault(f"the name {name!r} is taken or not plain; {plain}", "name")
    baseline = file.name(about.get("baseline", next(iter(rows))), "baseline")
    if baseline not in rows:
        among = ", ".join(rows)
        raise file.fault(f"the baseline {baseline!r} is not one of the rows {among}", "baseline")
    title = file.name(about.get("title", path.stem), "title")
    contrasts = _contrasts(file, about.get("contrasts") or [], rows, baseline)
    digest = hashlib.sha256(file.bytes).hexdigest()
    return Sweep(name, title, rows, baseline, contrasts, yaml_sha256=digest)


def _rows(file: _File, rows: dict) -> dict[str, Row]:
    found = {}
    for name, changes in rows.items():
        file.name(name, "rows", name)
        if not isinstance(changes, dict):
            said = f"row {name}: {reprlib.repr(changes)} stands where its changes are meant"
            raise file.fault(f"{said}; a sweep needs `rows`, {ROWS}", "rows", name)
        for key, value in changes.items():
            try:
                refuse_reserved([key])
                typed(key, value)
            except ConfigError as error:
                raise file.fault(f"row {name}: {error}", "rows", name, key) from None
        found[name] = Row(name, changes)
    return found


def _contrasts(
    file: _File, contrasts: Any, rows: Mapping[str, Row], baseline: str
) -> tuple[tuple[str, str], ...]:
    found = []
    for pair in contrasts if isinstance(contrasts, list) else [None]:
        names = pair if isinstance(pair, list) else []
        if len(names) != 2 or not all(type(row) is str and row in rows for row in names):
            meant = f"[[{next(iter(rows))}, {baseline}]]"
            said = f"contrasts = {reprlib.repr(contrasts)}: pairs of rows are meant"
            raise file.fault(f"{said}, e.g. contrasts: {meant}", "contrasts")
        found.append((names[0], names[1]))
    return tuple(found)
