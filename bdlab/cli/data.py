"""`bdlab data`: make the synthetic twins, look a data set over, bring your own pictures in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

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
@click.option("--every", is_flag=True, help="Every single fault, not one of each kind.")
@faults
def data_check(folder: Path, every: bool) -> None:
    """Look a data set over: layout, counts against the published ones, every missing or broken
    file.
    """
    from bdlab.datasets import check

    found = check.check(folder)
    click.echo(found.text())
    if every:
        click.echo("\n".join(f"fault: {error}" for error in found.errors))
    sys.exit(0 if found.ok else 1)


class _Import(click.Command):
    """``--scale LOW HIGH`` and ``--scale auto``: one option of one or two words."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--scale") + 1 if "--scale" in args else len(args)
        if at + 1 < len(args) and _is_number(args[at]):
            args = [*args[: at - 1], f"--scale={args[at]},{args[at + 1]}", *args[at + 2 :]]
        return super().parse_args(ctx, args)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _scale(_context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """``auto``, or two numbers as a Scale."""
    from bdlab.datasets import DatasetError
    from bdlab.datasets.thermal import Scale

    if value is None or value == "auto":
        return value
    ends = value.split(",")
    if len(ends) != 2 or not all(map(_is_number, ends)):
        raise click.BadParameter(f"{value!r} is not auto or LOW HIGH", param=parameter)
    try:
        return Scale(float(ends[0]), float(ends[1]))
    except DatasetError as error:
        raise click.BadParameter(str(error), param=parameter) from None


@data.command("import", cls=_Import)
@click.argument("places", nargs=-1, type=click.Path(path_type=Path), metavar="SOURCE [OUT]")
@click.option("--yes", is_flag=True, help="Write on a terminal too, where a plan is only shown.")
@click.option("--dry-run", is_flag=True, help="Show the plan only.")
@click.option("--rgb", "visible", multiple=True, metavar="NAME", help="Folder of RGB pictures.")
@click.option("--ir", "infrared", multiple=True, metavar="NAME", help="Folder of infrared ones.")
@click.option("--levels", metavar="A/B/C", help="What each level of folders names.")
@click.option("--skip", multiple=True, metavar="NAME", help="File, folder, column to pass over.")
@click.option("--exclude", default="none", help="Not counted: none, camera (a query's own), sysu.")
@click.option("--distractors", is_flag=True, help="People of one modality stand in the gallery.")
@click.option("--scale", callback=_scale, metavar="LOW HIGH|auto", help="Range of raw infrared.")
@click.option("--palette", metavar="NAME|auto", help="Turn this false colour back into grey.")
@click.option("--boxes", type=click.Path(path_type=Path), help="Table of boxes to cut out.")
@click.option("--frames", type=click.Path(path_type=Path), help="Folder the boxes' paths start at.")
@faults
def data_import(places: tuple[Path, ...], yes: bool, dry_run: bool, **options: Any) -> None:
    """Copy pictures into the folder layout at OUT: from a folder in any common form, or a table.

    \b
    A folder:  visible/ rgb/ color/ VIS/ ... and infrared/ ir/ thermal/ nir/ T/ ..., above or below
               the people; frames below a person; Market-1501's file names.
    A table:   columns path, identity, modality; camera, split, name; with , ; or tabs.
    Frames:    bdlab data import OUT --boxes boxes.csv --frames DIR  (path, x, y, w, h, identity).
    train.txt and test.txt in the folder, or a column split, say who is trained on.
    """
    from bdlab.datasets import importing

    wanted = [None, *places] if options["boxes"] else [*places]
    if not 1 <= len(wanted) <= 2:
        raise click.UsageError("give SOURCE and OUT (with --boxes only OUT)")
    source, out = wanted[0], wanted[1] if len(wanted) == 2 else None
    plan = importing.plan(source, **options)
    click.echo(plan.text(out))
    if out is None or dry_run or (sys.stdout.isatty() and not yes):
        click.echo("Nothing was written: this is the plan. With OUT and --yes it is done.")
        return
    importing.write(plan, out, progress=True)
    click.echo(
        f"The pictures lie in {out}. Next: bdlab data check {out}, then "
        f"bdlab run table4 --data folder --root {out} --preset demo"
    )
