"""`bdlab data`: make the synthetic twins, look a data set over, bring your own pictures in."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bdlab.config import DATASETS

from .commands import faults, main


@main.group()
def data() -> None:
    """Make the synthetic twins, look a data set over, bring your own pictures in."""


@data.command("make")
@click.argument(
    "kind", type=click.Choice([name for name in DATASETS if name.startswith("synthetic")])
)
@click.option(
    "--size", type=click.Choice(["smoke", "demo", "full"]), default="demo", show_default=True
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--channel-gap",
    type=click.FloatRange(0, 1),
    help="0: infrared is grey .. 1: unrelated to colour.",
)
@click.option(
    "--appearance-gap",
    type=click.FloatRange(0, 1),
    help="0: same pose and place .. 1: independent.",
)
@click.option(
    "--root", type=click.Path(path_type=Path), help="Where to write it (default: under data/)."
)
@click.option("--jobs", type=click.IntRange(1))
@faults
def data_make(kind, size, seed, channel_gap, appearance_gap, root, jobs) -> None:
    """Render a synthetic twin in the layout of the real set."""
    from bdlab.datasets import twin

    where = twin.ensure(
        kind,
        root,
        size=size,
        seed=seed,
        channel_gap=channel_gap,
        appearance_gap=appearance_gap,
        jobs=jobs,
    )
    click.echo(f"{kind} ({size}) lies in {where}")


@data.command("check")
@click.argument("folder", type=click.Path(path_type=Path))
@faults
def data_check(folder: Path) -> None:
    """Look a data set over: layout, counts against the published ones, every missing or broken
    file.
    """
    from bdlab.datasets import check

    found = check.check(folder)
    click.echo(found.text())
    sys.exit(0 if found.ok else 1)


@data.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@faults
def data_import(source: Path, out: Path) -> None:
    """Copy pictures into the folder layout at OUT: from a CSV (path,identity,modality) or a folder
    visible/, infrared/.
    """
    from bdlab.datasets import importing

    (importing.import_csv if source.suffix.lower() == ".csv" else importing.import_folder)(
        source, out
    )
    click.echo(
        f"The pictures lie in {out}. Next: bdlab data check {out}, then bdlab run table4 --data folder --root {out} --preset demo"
    )
