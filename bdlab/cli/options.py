"""The options that several commands share, and how their values are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bdlab.config import DATASETS, PRESETS


def _numbers(_context: click.Context, parameter: click.Parameter, value: str) -> list[int]:
    """``0,1,2`` or ``0-4`` -> integers, no repetition."""
    found: list[int] = []
    for part in value.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise click.BadParameter(
                f"{part!r} is not a number or a range like 0-4", param=parameter
            )
        if dash and int(last) < int(first):
            raise click.BadParameter(f"{part!r} ends before it begins", param=parameter)
        found += range(int(first), int(last if dash else first) + 1)
    return list(dict.fromkeys(found))


def _changes(
    _context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """``gamma=5.0`` -> {"gamma": 5.0}: the value is JSON where it reads as JSON, else text.

    What ``--from`` takes over from a cell stands before it, so that it can be set otherwise.
    """
    found: dict[str, Any] = {}
    for value in values:
        name, equals, written = value.partition("=")
        name = name.strip()
        if not equals:
            raise click.BadParameter(f"{value!r} is not of the form name=value", param=parameter)
        if name in found:
            raise click.BadParameter(f"{name} is set twice; leave one of them out", param=parameter)
        try:
            found[name] = json.loads(written, parse_constant=lambda word: word)
        except (ValueError, RecursionError):
            found[name] = written
    return _context.meta.get(START, {}) | found


START = "bdlab.from"  # where the parameters of the cell that is started from wait for ``--set``


def _start(context: click.Context, parameter: click.Parameter, cell: Path | None) -> None:
    """``--from CELL``: its weights, and the parameters that they only fit with."""
    if cell is None:
        return
    from bdlab.network.reading import WeightsError
    from bdlab.network.start import inherited

    try:
        taken = inherited(cell)
    except WeightsError as error:
        raise click.BadParameter(str(error), param=parameter) from None
    context.meta[START] = taken | {"weights": str(cell.resolve())}


class Jobs(click.IntRange):
    """A number of cells at a time, or the word fit."""

    name = "N|fit"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        return value if value == "fit" else super().convert(value, param, ctx)


def cell_options(command: Callable) -> Callable:
    """The options every command that makes cells shares."""
    for option in reversed(
        [
            click.option(
                "--data",
                type=click.Choice(DATASETS),
                help="Which data set (default: the twin of the paper's set for this sweep).",
            ),
            click.option(
                "--root",
                type=click.Path(path_type=Path),
                help="Where it lies (twins are made under data/ by themselves).",
            ),
            click.option(
                "--preset",
                "preset_name",
                type=click.Choice(list(PRESETS)),
                default="demo",
                show_default=True,
                help="How large.",
            ),
            click.option(
                "--seeds",
                callback=_numbers,
                default="0",
                show_default=True,
                help="Training seeds, e.g. 0,1,2 or 0-4.",
            ),
            click.option(
                "--splits",
                callback=_numbers,
                default="1",
                show_default=True,
                help="RegDB trials 1-10, or split seeds.",
            ),
            click.option(
                "--from",
                callback=_start,
                is_eager=True,
                expose_value=False,
                type=click.Path(path_type=Path),
                metavar="CELL",
                help="Start from a trained cell: its weights, backbone and picture size.",
            ),
            click.option(
                "--set",
                "changes",
                multiple=True,
                callback=_changes,
                metavar="NAME=VALUE",
                help="Any parameter by name; repeatable.",
            ),
            click.option(
                "--out",
                type=click.Path(path_type=Path),
                default=Path("runs"),
                show_default=True,
                help="Folder of the runs.",
            ),
        ]
    ):
        command = option(command)
    return command


threads_option = click.option(
    "--threads",
    type=click.IntRange(1),
    help="CPU threads a cell (default: 1; 4 on a GPU). Other threads give other bits.",
)


inexact_option = click.option(
    "--inexact",
    is_flag=True,
    help="Go on from checkpoints of another torch, device or number of threads; labelled so.",
)


no_pictures_option = click.option(
    "--no-pictures",
    is_flag=True,
    help="To be given away: no person's picture, no path of this machine in anything written.",
)


rows_option = click.option(
    "--rows",
    help="Only these rows, e.g. B2,MDL4.",
    callback=lambda _c, _p, value: value and value.split(","),
)
