"""The command line. Every command says what it did, where it lies and what to type next; faults
exit non-zero in one paragraph.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from bdlab import __version__
from bdlab.config import PRESETS
from bdlab.experiments import runs

from . import sweep as sweeping
from .options import (
    Jobs,
    cell_options,
    inexact_option,
    no_pictures_option,
    rows_option,
    threads_option,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="bdlab")
def main() -> None:
    """A research workbench for visible-infrared person re-identification with base and derivative
    modalities.

    \b
    First steps:   bdlab demo    (Table IV on a synthetic set, some minutes on two cores)
    Your own data: bdlab data check DIR
                   bdlab run table4 --data folder --root DIR --preset demo
    """
    # whatever an IDE or a desktop has set: commands draw files, and kernels choose for themselves
    os.environ["MPLBACKEND"] = "agg"


def faults(command: Callable) -> Callable:
    """Turn the errors a user can cause into one paragraph and exit code 2; everything else keeps
    its traceback.
    """

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            click.echo(f"\nStopped.{_go_on(command.__name__)}", err=True)
            sys.exit(130)
        except Exception as error:
            if not _foreseen(error):
                raise
            click.secho(f"bdlab: {error}", err=True, fg="red")
            sys.exit(2)

    return wrapped


def _foreseen(error: Exception) -> bool:
    """Whether an error is one that bdlab itself words, the system's, or a full GPU's.

    By the names of its classes: to import them all would load torch for `bdlab status`.
    """
    if isinstance(error, OSError):
        return True
    for kind in type(error).__mro__:
        top = kind.__module__.partition(".")[0]
        if top == "bdlab" or (top == "torch" and kind.__name__ == "OutOfMemoryError"):
            return True
    return False


def _go_on(command: str) -> str:
    """What somebody who has stopped a training wants to know."""
    if command not in ("demo", "run_", "train"):
        return ""
    again = shlex.join(["bdlab", *sys.argv[1:]])
    return (
        " Nothing is lost: finished cells stay, and every epoch of the others is kept as a "
        f"checkpoint. To go on from there, the same command again:\n    {again}"
    )


@main.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option(
    "--preset",
    "preset_name",
    type=click.Choice(["demo", "smoke"]),
    default="demo",
    show_default=True,
    help="smoke: seconds, to see whether all is in place.",
)
@click.option("--jobs", type=click.IntRange(1), help="Cells at a time (default: one a core).")
@faults
def demo(out: Path, preset_name: str, jobs: int | None) -> None:
    """Table IV on the synthetic RegDB-like twin: render, train six rows, print the table, write the
    HTML report.
    """
    click.echo(
        "bdlab demo: Table IV of the paper at toy size, on people rendered by bdlab itself (not "
        "the paper's data)."
    )
    sweeping.needs_notebooks()
    cells = sweeping.cells("table4", "synthetic-regdb", None, preset_name, [0], [1], {})
    sweeping.declare("table4", cells, out, {})
    code = sweeping.run("table4", cells, out, jobs)
    short, long = (
        PRESETS[name]["epochs"] * PRESETS[name]["steps"] for name in (preset_name, "study")
    )
    click.echo(
        f"This was {short:,} steps a row, too few for most triplets. `bdlab run table4 --preset "
        f"study` takes {long:,}; notebook 06 shows what came of them."
    )
    sys.exit(code)


@main.command("run")
@click.argument("sweep")
@cell_options
@rows_option
@click.option(
    "--jobs",
    type=Jobs(1),
    help=(
        "Cells at a time (default: one a core; 1 on a GPU), or fit: as many as the GPU's memory "
        "holds."
    ),
)
@click.option(
    "--dask",
    metavar="ADDRESS|local:N",
    help="Run the cells on a Dask cluster, or on N local worker processes.",
)
@click.option(
    "--timeout",
    type=float,
    help="Seconds after which a notebook cell is given up (default: a week).",
)
@threads_option
@inexact_option
@no_pictures_option
@faults
def run_(
    sweep,
    data,
    root,
    preset_name,
    seeds,
    splits,
    changes,
    out,
    rows,
    jobs,
    dask,
    timeout,
    threads,
    inexact,
    no_pictures,
) -> None:
    """Train and test every row of SWEEP through the training notebook.

    \b
    SWEEP: table1 table2 table3 table4 fig6 fig7   the paper's tables and figures
           families   the five networks of Fig. 1       controls   is it the derivatives?
           readings   what the paper leaves open        corruption on corrupted visible pictures
           modern     beside augmentation, a ViT        dials      where do derivatives help?
           all        every one of these, on its twins  FILE.yaml  one of your own
    Cells that are done are not run again: the same command goes on where it was stopped.
    """
    sweeping.needs_notebooks()
    cells = sweeping.cells(sweep, data, root, preset_name, seeds, splits, changes, rows)
    sweeping.declare(sweep, cells, out, changes, pictures=not no_pictures)
    sys.exit(
        sweeping.run(
            sweep, cells, out, jobs, dask, timeout, inexact, threads, pictures=not no_pictures
        )
    )


@main.command()
@click.argument("row", default="MDL4")
@click.option("--sweep", default="table4", show_default=True, help="Whose row it is.")
@cell_options
@click.option("--device", help="cpu, cuda, cuda:1 (default: the first GPU, else the CPU).")
@threads_option
@inexact_option
@faults
def train(
    row, sweep, data, root, preset_name, seeds, splits, changes, out, device, threads, inexact
) -> None:
    """Train and test one ROW of a sweep here, without papermill or Jupyter; the same files as
    `bdlab run` makes.
    """
    import torch

    from bdlab import machine
    from bdlab.experiments import adopting, sweeps

    place = str(root.resolve()) if root else None
    configs = sweeps.configs(sweep, data, preset_name, seeds, splits, [row], changes, place)
    cells = sweeping.opened(configs)
    sweeping.declare(sweep, cells, out, changes)
    for config, cell in zip(configs, cells, strict=True):
        if runs.done(out, cell):
            click.echo(f"{cell.name}: done before, in {out / cell.name}")
            continue
        earlier = runs.attempts(out, cell.name)
        begun = runs.read_note(earlier[-1], "attempt").get("threads") if earlier else None
        # goes on with the threads it was begun with
        torch.set_num_threads(threads or begun or machine.cell_threads())
        if not earlier and (same := adopting.adopt(out, cell, torch.get_num_threads(), device)):
            click.echo(f"{cell.name}: computed before, as {same.name}")
            continue
        folder = sweeping.train(cell, config, out, device, inexact)
        click.echo(f"{cell.name}: done, in {folder}")


@main.command()
@click.argument("sweep")
@cell_options
@rows_option
@click.option("--jobs", type=click.IntRange(1), help="Cells at a time.")
@faults
def plan(sweep, data, root, preset_name, seeds, splits, changes, out, rows, jobs) -> None:
    """Say what a sweep would cost here before it runs: cells, steps, hours and disk, from a few
    measured steps a row.

    \b
    What a row of the paper's own size would take on this machine, without the real pictures or
    a network (it renders the full-size twin, 206 + 206 people at 288 x 144, and takes ResNet-50
    from a file or a random start):
      bdlab plan table4 --rows MDL4 --data synthetic-regdb --preset paper --set weights=null
      bdlab plan table4 --rows MDL4 --data synthetic-regdb --preset paper --set weights=FILE.pth
    """
    from bdlab import batch
    from bdlab.experiments import plan as planning

    cells = sweeping.cells(sweep, data, root, preset_name, seeds, splits, changes, rows)
    click.echo(planning.text(planning.measure(cells, out, jobs or batch.default_jobs(len(cells)))))


@main.command()
@click.argument("out", type=click.Path(path_type=Path), default=Path("runs"))
@faults
def status(out: Path) -> None:
    """Every cell ever begun in a folder: done, running, failed, interrupted or invalid."""
    from bdlab.datasets.records import shortened

    states = runs.status(out)
    if not states:
        click.echo(f"{out}: nothing has been run there yet.")
    colours = {"done": "green", "failed": "red", "invalid": "red", "running": "cyan"}
    width = max((len(s.name) for s in states), default=0)
    for s in states:
        word = click.style(f"{s.word:<11}", fg=colours.get(s.word, "yellow"))
        note = shortened(s.note, 200)
        epochs = f"{s.epochs:>3}/{s.of or '?'} epochs"
        click.echo(f"{s.name:<{width}}  {word} {epochs}  {note}".rstrip())
    for word in dict.fromkeys(s.word for s in states):
        click.echo(f"{sum(s.word == word for s in states)} {word}")


@main.command()
@click.argument("out", type=click.Path(path_type=Path), default=Path("runs"))
@click.option(
    "--sweep",
    help="Only this sweep; of a YAML file of your own also its titles, baseline and contrasts.",
)
@no_pictures_option
@faults
def report(out: Path, sweep: str | None, no_pictures: bool) -> None:
    """Print every table of a folder of runs; write each as HTML page, CSV, Markdown and LaTeX."""
    sweeping.report(out, sweep, pictures=not no_pictures)


@main.command()
@faults
def doctor() -> None:
    """What this installation is made of and whether its parts are in order."""
    from . import doctor as doctors

    lines, sound = doctors.examine()
    click.echo("\n".join(lines))
    sys.exit(0 if sound else 1)


@main.command()
@click.option("--port", type=int, default=0, help="Port on 127.0.0.1 (default: a free one).")
@click.option("--no-browser", is_flag=True, help="Print the address instead of opening it.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("my"),
    show_default=True,
    help="Where your copies of the notebooks lie.",
)
@faults
def lab(port: int, no_browser: bool, folder: Path) -> None:
    """Open JupyterLab at the notebooks, on this machine only and behind a random token.

    You work on copies, in FOLDER: bdlab's own notebooks stay as they are, and what you changed is
    never written over. `data/` and `runs/` are those of the folder you are in.
    """
    import subprocess

    from . import lab as labs

    words, environment = labs.command(labs.working_copy(folder), port, no_browser)
    if os.name == "posix":  # in our place, so that Ctrl-C and a kill reach the server itself
        os.execve(words[0], words, environment)
    sys.exit(subprocess.call(words, env=environment))


if __name__ == "__main__":
    main()
