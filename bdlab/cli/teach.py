"""`bdlab teach`: slides of a notebook, model solutions, how far a class is."""

from __future__ import annotations

from pathlib import Path

import click

from bdlab.config import ConfigError

from .commands import faults, main


@main.group()
def teach() -> None:
    """For who gives a class: slides of a notebook, model solutions, how far the learners are."""


@teach.command()
@click.argument("notebook")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False), required=False)
@faults
def slides(notebook: str, out: Path | None) -> None:
    """Make slides of a NOTEBOOK with the outputs it holds: one HTML file that needs no network.

    NOTEBOOK is a file, or the beginning of a name of bdlab's own: 03, exercises/02. A slide begins
    at each heading and at each cell of the slide type Slide; the types Skip, Fragment and Notes
    count, too. Arrow keys turn the slides; n shows the notes.
    """
    from bdlab.workbench import slides as pages

    path = shipped(notebook)
    out = out or Path(f"{path.stem}.slides.html")
    count = pages.write(path, out)
    click.echo(f"{out}: {count} slides, {out.stat().st_size / 1000:,.0f} kB")


@teach.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("my"),
    show_default=True,
    help="Where the copies of the notebooks lie; those that are missing are taken from bdlab.",
)
@faults
def solutions(folder: Path) -> None:
    """Write the exercises with model solutions into FOLDER/solutions.

    They are the notebooks of FOLDER/exercises with another function in the learner's cell. Those
    stay as they are.
    """
    from bdlab.batch import NOTEBOOKS
    from bdlab.workbench.exercises import filled

    out = folder / "solutions"
    out.mkdir(parents=True, exist_ok=True)
    for source in sorted((NOTEBOOKS / "exercises").glob("*.ipynb")):
        own = folder / "exercises" / source.name
        text = filled.notebook(own if own.is_file() else source)
        (out / source.name).write_text(text, encoding="utf-8")
        click.echo(f"{out / source.name}")


@teach.command()
@click.argument(
    "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path("my")
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("progress.html"),
    show_default=True,
    help="The same as a page, with the hints.",
)
@faults
def progress(folder: Path, out: Path) -> None:
    """How far learners are: a table from the notebooks in FOLDER, as they were saved.

    \b
    FOLDER/ada/exercises/02_hinge.ipynb    a folder for each learner
    FOLDER/ada_02_hinge.ipynb              or all side by side
    """
    from bdlab.workbench.exercises import progress as reading

    found = reading.read(folder)
    if not found.states and not found.unread:
        raise ConfigError(
            f"{folder}: no notebook in it calls a check of the exercises; give the folder that "
            "holds one folder for each learner"
        )
    click.echo(reading.text(found))
    out.write_text(reading.page(found, f"Progress in {folder.resolve().name}"), encoding="utf-8")
    click.echo(f"{out}: the same with hints")


def shipped(name: str) -> Path:
    """A notebook by its path, or one of bdlab's own by the beginning of its name. Raises
    ConfigError where there is none or more than one.
    """
    from bdlab.batch import NOTEBOOKS

    if (path := Path(name)).is_file():
        return path
    own = {p.relative_to(NOTEBOOKS).as_posix(): p for p in sorted(NOTEBOOKS.rglob("*.ipynb"))}
    found = [path for known, path in own.items() if known.startswith(name)]
    if len(found) != 1:
        names = ", ".join(known.removesuffix(".ipynb") for known in own)
        raise ConfigError(f"{name}: neither a file nor the beginning of one of {names}")
    return found[0]
