"""From the name of a sweep, or a few lines of YAML, to the configuration of every cell."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bdlab.config import PRESETS, TWINS, Config, ConfigError, from_flat, preset
from bdlab.config.presets import SMALL
from bdlab.rules import protocol_of

from . import sweepfile
from .declarations import Declared, declare, declared, never_begun
from .rows import SWEEPS, Row, Sweep
from .sweepfile import ALL, RESERVED, refuse_reserved

__all__ = [
    "ALL", "RESERVED", "SWEEPS", "TABLE4", "Declared", "Row", "Sweep", "configs", "configure",
    "declare", "declared", "never_begun", "sweep",
]  # fmt: skip

TABLE4 = SWEEPS["table4"]
#: Where a cell stands and lies: what ``configure`` takes beside the changes of a row.
PLACE = ("seed", "split", "root")


def sweep(name: str) -> Sweep:
    """A sweep by name, or from a YAML file; raises ConfigError naming what exists.

    The file: ``rows``, a mapping of row names to changes, ``rows: {Mine: {modalities: V I DV,
    pairs: V-I I-DV, gamma: 2.0}}``, and optionally ``name``, ``title``, ``baseline`` (default: the
    first row) and ``contrasts``: ``[[Mine, Other], ...]``.
    """
    if name in SWEEPS:
        return SWEEPS[name]
    if name.endswith((".yaml", ".yml")):
        return sweepfile.read(Path(name))
    close = difflib.get_close_matches(name, SWEEPS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(SWEEPS)}."
    raise ConfigError(
        f"unknown sweep {name!r}: {hint} A sweep of your own is a YAML file: bdlab run my.yaml"
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
    own, changes = _changes_of(chosen.rows[row], preset_name), dict(changes or {})
    refuse_reserved(key for key in changes if key not in PLACE)
    for key, value in own.items():
        if value != 0 and changes.get(key, value) != value:
            raise ConfigError(
                f"{key} is what makes the row {row} ({reprlib.repr(value)}); take another row, or "
                "a sweep of your own in YAML"
            )
    place = {"sweep": chosen.name, "row": row}
    try:
        config = from_flat(preset(preset_name, data) | place | changes | own)
        flat = config.flat()
        for key, factor in chosen.rows[row].times.items():
            if flat[key] is not None:
                flat[key] = factor * flat[key]
        return from_flat(flat) if chosen.rows[row].times else config
    except ConfigError as error:
        if chosen.yaml_sha256 is None:
            raise
        raise ConfigError(f"{sweep_name}: row {row}: {error}") from None


def _changes_of(row: Row, preset_name: str) -> dict[str, Any]:
    """What makes a row at this preset."""
    small = PRESETS.get(preset_name, {}).get("backbone") == SMALL["backbone"]
    return {**row.changes, **row.small} if small else dict(row.changes)


def configs(
    sweep_name: str,
    data: str | None = None,
    preset_name: str = "demo",
    seeds: Iterable[int] = (0,),
    splits: Iterable[int] = (1,),
    rows: Iterable[str] | None = None,
    changes: Mapping[str, Any] | None = None,
    root: str | None = None,
) -> list[Config]:
    """Every cell of a sweep: rows x splits x seeds, the slowest rows first so that parallel jobs
    end together.

    ``data`` None: the twin of the first protocol the sweep belongs to. ``"all"`` is every sweep,
    each on the twins of all the protocols it belongs to, or on ``data`` if that is of such a
    protocol (the dials of rendered people only on twins). A configuration that stands in several
    sweeps is one cell of each, computed once (``adopting``).
    """
    changes = dict(changes or {})
    refuse_reserved(changes)
    place = {"root": root} if root else {}
    seeds, splits, rows = list(seeds), list(splits), list(rows or ())
    found = []
    for chosen, where in _places(sweep_name, data):
        for row in rows or chosen.rows:
            for split in splits:
                for seed in seeds:
                    more = changes | place | {"split": split, "seed": seed}
                    name = sweep_name if sweep_name != ALL else chosen.name
                    found.append(configure(name, row, preset_name, where, more))
    return sorted(found, key=_pictures, reverse=True)


def _places(sweep_name: str, data: str | None) -> list[tuple[Sweep, str]]:
    """Which sweeps on which data a name means."""
    if sweep_name != ALL:
        chosen = sweep(sweep_name)
        return [(chosen, data or f"synthetic-{chosen.data[0]}")]
    found = []
    for chosen in SWEEPS.values():
        for name in [data] if data else TWINS:
            if protocol_of(name).name in chosen.data and (name in TWINS or not chosen.rendered):
                found.append((chosen, name))
    return found


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
