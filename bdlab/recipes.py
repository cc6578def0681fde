"""Every row of every table and sweep: a name and what it changes. A user's own sweep is a few lines of YAML."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .config import Config, ConfigError, from_flat, preset


@dataclass(frozen=True)
class Row:
    """One trained row: what it is in words, and its changes to the preset by flat names."""

    title: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Sweep:
    """Rows that are compared; ``baseline`` is the row that the others are held against."""

    name: str
    title: str
    rows: Mapping[str, Row]
    baseline: str


def _graph(name: str, modalities: str, pairs: str) -> Row:
    return Row(name, {"modalities": modalities, "pairs": pairs})


TABLE4 = Sweep(
    "table4",
    "Table IV: which derivative modalities, which edges",
    {
        "B1": Row("two streams, ID loss only", {"modalities": "V I", "pairs": "", "beta": 0.0, "gamma": 0.0}),
        "B2": _graph("B1 with triplets within and across", "V I", "V-I"),
        "MDL1": _graph("B2 with D_I", "V I DI", "V-I V-DI"),
        "MDL2": _graph("B2 with D_V", "V I DV", "V-I I-DV"),
        "MDL3": _graph("all four, and D_I-D_V", "V I DV DI", "V-I V-DI I-DV DI-DV"),
        "MDL4": _graph("all four: the paper's own", "V I DV DI", "V-I V-DI I-DV"),
    },
    baseline="B2",
)

SWEEPS: dict[str, Sweep] = {sweep.name: sweep for sweep in (TABLE4,)}


def sweep(name: str) -> Sweep:
    """A sweep by name, or from a YAML file; raises ConfigError naming what exists.

    The file: ``name``, optionally ``title`` and ``baseline`` (default: the first row), and ``rows``, a mapping of row
    names to changes: ``rows: {Mine: {modalities: V I DV, pairs: V-I I-DV, gamma: 2.0}}``.
    """
    if name in SWEEPS:
        return SWEEPS[name]
    if name.endswith((".yaml", ".yml")):
        return _from_yaml(Path(name))
    close = difflib.get_close_matches(name, SWEEPS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(SWEEPS)}."
    raise ConfigError(f"unknown sweep {name!r}: {hint} A sweep of your own is a YAML file: bdlab run my.yaml")


def _from_yaml(path: Path) -> Sweep:
    try:
        text = path.read_text(encoding="utf-8")
        about = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: the sweep cannot be read ({error})") from error
    rows = about.get("rows") if isinstance(about, dict) else None
    if not isinstance(rows, dict) or not rows or not all(isinstance(changes, dict) for changes in rows.values()):
        raise ConfigError(f"{path}: a sweep needs `rows`, a mapping of row names to changes, e.g. rows: {{Mine: {{gamma: 2.0}}}}")
    if unknown := sorted(map(str, about.keys() - {"name", "title", "baseline", "rows"})):
        raise ConfigError(f"{path}: unknown entry {unknown[0]!r}; a sweep has name, title, baseline and rows")
    name = str(about.get("name", path.stem))
    if name in SWEEPS or not re.fullmatch(r"[A-Za-z0-9_+][A-Za-z0-9._+-]*", name):
        raise ConfigError(f"{path}: the name {name!r} is taken or not plain; use letters, digits, '_', '+', '-' and '.'")
    found = {str(row): Row(str(row), changes) for row, changes in rows.items()}
    baseline = str(about.get("baseline", next(iter(found))))
    if baseline not in found:
        raise ConfigError(f"{path}: the baseline {baseline!r} is not one of the rows {', '.join(found)}")
    return Sweep(name, str(about.get("title", path.stem)), found, baseline)


def configure(sweep_name: str, row: str, preset_name: str, data: str, changes: Mapping[str, Any] | None = None) -> Config:
    """One row as a validated Config: paper < preset < changes < row. Raises ConfigError for anything unknown.

    A term that a row leaves out stays out (B1's gamma is 0 whatever gamma is); what makes a row cannot be changed.
    """
    chosen = sweep(sweep_name)
    if row not in chosen.rows:
        raise ConfigError(f"unknown row {row!r} of {chosen.name}: choose one of {', '.join(chosen.rows)}")
    own, changes = dict(chosen.rows[row].changes), dict(changes or {})
    if both := [key for key in own if key in changes and changes[key] != own[key] and own[key] != 0]:
        raise ConfigError(f"{both[0]} is what makes the row {row} ({own[both[0]]!r}); take another row, or a sweep of your own in YAML")
    return from_flat(preset(preset_name, data) | {"sweep": chosen.name, "row": row} | changes | own)


def configs(
    sweep_name: str,
    data: str,
    preset_name: str = "demo",
    seeds: Iterable[int] = (0,),
    splits: Iterable[int] = (1,),
    rows: Iterable[str] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> list[Config]:
    """Every cell of a sweep: rows x splits x seeds, the slowest rows first so that parallel jobs end together."""
    chosen = sweep(sweep_name)
    if taken := set(changes or {}) & {"sweep", "row", "preset", "data", "seed", "split"}:
        raise ConfigError(f"{sorted(taken)[0]} is set by its own option, not as a change")
    found = [
        configure(sweep_name, row, preset_name, data, dict(changes or {}) | {"split": split, "seed": seed})
        for row in (rows or chosen.rows)
        for split in splits
        for seed in seeds
    ]
    return sorted(found, key=lambda c: -len(c.modalities))
