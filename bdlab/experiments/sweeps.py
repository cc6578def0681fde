"""From the name of a sweep, or a few lines of YAML, to the configuration of every cell."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from bdlab.config import TWINS, Config, ConfigError, from_flat, preset
from bdlab.rules import protocol_of

from .rows import SWEEPS, Row, Sweep

ALL = "all"  # every sweep, by `bdlab run all`
TABLE4 = SWEEPS["table4"]


def sweep(name: str) -> Sweep:
    """A sweep by name, or from a YAML file; raises ConfigError naming what exists.

    The file: ``rows``, a mapping of row names to changes, ``rows: {Mine: {modalities: V I DV,
    pairs: V-I I-DV, gamma: 2.0}}``, and optionally ``name``, ``title``, ``baseline`` (default: the
    first row) and ``contrasts``: ``[[Mine, Other], ...]``.
    """
    if name in SWEEPS:
        return SWEEPS[name]
    if name.endswith((".yaml", ".yml")):
        return _from_yaml(Path(name))
    close = difflib.get_close_matches(name, SWEEPS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(SWEEPS)}."
    raise ConfigError(
        f"unknown sweep {name!r}: {hint} A sweep of your own is a YAML file: bdlab run my.yaml"
    )


def _from_yaml(path: Path) -> Sweep:
    try:
        text = path.read_text(encoding="utf-8")
        about = yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: the sweep cannot be read ({error})") from error
    rows = about.get("rows") if isinstance(about, dict) else None
    if (
        not isinstance(rows, dict)
        or not rows
        or not all(isinstance(changes, dict) for changes in rows.values())
    ):
        raise ConfigError(
            f"{path}: a sweep needs `rows`, a mapping of row names to changes, e.g. rows: {{Mine: {{gamma: 2.0}}}}"
        )
    if unknown := sorted(
        map(str, about.keys() - {"name", "title", "baseline", "contrasts", "rows"})
    ):
        raise ConfigError(
            f"{path}: unknown entry {unknown[0]!r}; a sweep has name, title, baseline, contrasts and rows"
        )
    if odd := [
        word
        for word in [*(about[key] for key in ("name", "title", "baseline") if key in about), *rows]
        if type(word) is not str
    ]:
        raise ConfigError(
            f"{path}: {reprlib.repr(odd[0])} stands where a name is meant; put it in quotes (YAML reads no, 1 or 1e-3 its own way)"
        )
    name = about.get("name", path.stem)
    if name in (*SWEEPS, ALL) or not re.fullmatch(r"[A-Za-z0-9_+][A-Za-z0-9._+-]*", name):
        raise ConfigError(
            f"{path}: the name {name!r} is taken or not plain; use letters, digits, '_', '+', '-' and '.'"
        )
    found = {row: Row(row, changes) for row, changes in rows.items()}
    baseline = about.get("baseline", next(iter(found)))
    if baseline not in found:
        raise ConfigError(
            f"{path}: the baseline {baseline!r} is not one of the rows {', '.join(found)}"
        )
    contrasts = about.get("contrasts") or []
    fit = isinstance(contrasts, list) and all(
        isinstance(c, list) and len(c) == 2 and all(row in [*found] for row in c) for c in contrasts
    )
    if not fit:
        meant = f"[[{next(iter(found))}, {baseline}]]"
        raise ConfigError(
            f"{path}: contrasts = {reprlib.repr(contrasts)}: pairs of rows are meant, e.g. contrasts: {meant}"
        )
    return Sweep(
        name, about.get("title", path.stem), found, baseline, tuple((a, b) for a, b in contrasts)
    )


def configure(
    sweep_name: str, row: str, preset_name: str, data: str, changes: Mapping[str, Any] | None = None
) -> Config:
    """One row as a validated Config: paper < preset < changes < row. Raises ConfigError for
    anything unknown.

    A term that a row leaves out stays out (B1's gamma is 0 whatever gamma is); what makes a row
    cannot be changed.
    """
    chosen = sweep(sweep_name)
    if row not in chosen.rows:
        raise ConfigError(
            f"unknown row {row!r} of {chosen.name}: choose one of {', '.join(chosen.rows)}"
        )
    own, changes = dict(chosen.rows[row].changes), dict(changes or {})
    if both := [
        key for key in own if key in changes and changes[key] != own[key] and own[key] != 0
    ]:
        made = reprlib.repr(own[both[0]])
        raise ConfigError(
            f"{both[0]} is what makes the row {row} ({made}); take another row, or a sweep of your own in YAML"
        )
    config = from_flat(
        preset(preset_name, data) | {"sweep": chosen.name, "row": row} | changes | own
    )
    flat = config.flat()
    more = {
        key: factor * flat[key]
        for key, factor in chosen.rows[row].times.items()
        if flat[key] is not None
    }
    return from_flat(flat | more) if more else config


def configs(
    sweep_name: str,
    data: str | None = None,
    preset_name: str = "demo",
    seeds: Iterable[int] = (0,),
    splits: Iterable[int] = (1,),
    rows: Iterable[str] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> list[Config]:
    """Every cell of a sweep: rows x splits x seeds, the slowest rows first so that parallel jobs
    end together.

    ``data`` None: the twin of the first protocol the sweep belongs to. ``"all"`` is every sweep,
    each on the twins of all the protocols it belongs to, or on ``data`` if that is of such a
    protocol. A configuration that stands in several sweeps is trained in each: with one seed it
    gives one score, a check of its own.
    """
    changes = dict(changes or {})
    if sweep_name == ALL:
        places = [
            (s.name, name)
            for s in SWEEPS.values()
            for name in ([data] if data else TWINS)
            if protocol_of(name).name in s.data
        ]
        every = [
            c
            for name, place in places
            for c in configs(name, place, preset_name, seeds, splits, rows, changes)
        ]
        return sorted(every, key=_pictures, reverse=True)
    chosen = sweep(sweep_name)
    data = data or f"synthetic-{chosen.data[0]}"
    if taken := changes.keys() & {"sweep", "row", "preset", "data", "seed", "split"}:
        raise ConfigError(f"{sorted(taken)[0]} is set by its own option, not as a change")
    found = [
        configure(sweep_name, row, preset_name, data, changes | {"split": split, "seed": seed})
        for row in (rows or chosen.rows)
        for split in splits
        for seed in seeds
    ]
    return sorted(found, key=_pictures, reverse=True)


def _pictures(config: Config) -> int:
    """Pictures through the trunk, up to a factor that the rows of one data set share."""
    optim, data = config.optim, config.data
    return (
        len(config.modalities)
        * data.identities
        * data.shots
        * optim.epochs
        * (optim.steps or optim.passes)
    )
