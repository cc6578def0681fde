"""A sweep as the command line runs it: its cells, where they run, what is shown meanwhile, the
report at the end.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from bdlab import machine
from bdlab.config import Config, ConfigError
from bdlab.experiments import runs

from .watch import Watch


def cells(sweep, data, root, preset_name, seeds, splits, changes, rows=None) -> list[runs.Cell]:
    """The cells of a sweep, with its data opened, checked and decoded."""
    from bdlab.experiments import sweeps
    from bdlab.training import setup

    setup.one_process()
    place = str(root.resolve()) if root else None
    return opened(sweeps.configs(sweep, data, preset_name, seeds, splits, rows, changes, place))


def opened(configs: list[Config]) -> list[runs.Cell]:
    """Each configuration's cell. Each data set is opened once: what it has unlike the published one
    is said before anything is trained.
    """
    from bdlab.datasets.bank import bank
    from bdlab.experiments import cell as one_cell
    from bdlab.training import setup

    sets: dict[tuple, Any] = {}
    found = []
    for config in configs:
        key = _data_key(config)
        if key not in sets:
            sets[key] = setup.open_data(config)
            if label := sets[key].label:
                click.echo(f"note: {label}", err=True)
            # Decoded here once, with a bar, rather than by every cell at the same time.
            bank(sets[key], config.data.height, config.data.width)
        found.append(one_cell.of(config, sets[key]))
    return found


def declare(
    sweep: str,
    cells: list[runs.Cell],
    out: Path,
    changes: dict[str, Any],
    pictures: bool = True,
) -> None:
    """Write down what is asked, sweep by sweep, before the first cell runs; without ``pictures``
    also without the folders of this machine.
    """
    from bdlab.experiments import sweeps

    words = ["bdlab", *sys.argv[1:]]
    if not pictures:
        words = [_last_part(word) for word in words]
        changes = {
            name: _last_part(value) if isinstance(value, str) else value
            for name, value in changes.items()
        }
    command = shlex.join(words)
    for name in dict.fromkeys(cell.params["sweep"] for cell in cells):
        chosen = sweeps.sweep(name if name in sweeps.SWEEPS else sweep)
        asked = [cell for cell in cells if cell.params["sweep"] == name]
        sweeps.declare(out, chosen, asked, changes, command)


def _last_part(word: str) -> str:
    """A word of a command, of whose absolute path (blanks and all) only the last part is left."""
    name, equals, value = word.rpartition("=")
    path = Path(value)
    return f"{name}{equals}.../{path.name}" if path.is_absolute() else word


def _data_key(config: Config) -> tuple:
    data = config.data
    return (data.data, data.root, data.height, data.width, *sorted(data.options().items()))


def run(
    sweep: str,
    cells: list[runs.Cell],
    out: Path,
    jobs: int | str | None,
    dask: str | None = None,
    timeout: float | None = None,
    inexact: bool = False,
    threads: int | None = None,
    pictures: bool = True,
) -> int:
    """Run what is missing, report. ``jobs``: a number, ``fit`` or None (see ``_jobs``). Exit code 1
    if a cell failed.
    """
    from bdlab import batch

    began = time.perf_counter()
    jobs = _jobs(jobs, cells, out)
    where = "on Dask" if dask else f"{jobs} at a time"
    click.echo(f"{len(cells)} cells, {where}, into {out}/")
    options: dict[str, Any] = {
        "inexact": inexact,
        "threads": threads,
        "pictures": pictures,
    }
    options |= {} if timeout is None else {"timeout": timeout}
    with _executor(dask) as executor, Watch(out, cells) as watch:
        calls = {"on_outcome": watch.outcome, "on_tick": watch.tick}
        outcomes = batch.run_all(cells, out, executor, jobs, **options, **calls)
    failed = [o for o in outcomes if not o.ok]
    minutes = (time.perf_counter() - began) / 60
    click.echo(f"{_counts(outcomes)}; {minutes:.1f} minutes.\n")
    if any(o.word in ("done", "found") for o in outcomes):
        report(out, None if sweep == "all" else sweep, pictures)
    for o in failed:
        words = f"failed: {o.name}: {o.reason}\n        see {o.folder}"
        click.secho(words, err=True, fg="red")
    return 1 if failed else 0


def _counts(outcomes: list[Any]) -> str:
    """How many cells ended in which way."""
    count = Counter(o.word for o in outcomes)
    said = f"{count['done']} trained now, {count['found']} found done, {count['failed']} failed"
    if others := count["elsewhere"]:
        said += f", {others} being trained by another runner (the same command shows them later)"
    return said


def needs_notebooks() -> None:
    """Raise ConfigError if notebooks cannot be run here, before anything is rendered or trained."""
    from bdlab import batch

    if absent := batch.absent():
        raise ConfigError(
            f"a sweep runs notebooks, and {', '.join(absent)} cannot be imported here: "
            "pip install 'bdlab[lab]'.\nWithout them, row by row: bdlab train ROW"
        )
    if not batch.NOTEBOOK.is_file():
        raise ConfigError(f"{batch.NOTEBOOK}: the training notebook is missing; install bdlab anew")


def _jobs(asked: int | str | None, cells: list[runs.Cell], out: Path) -> int:
    """Cells at a time: the number asked for, or batch's default; ``fit``: what a GPU's free memory
    holds, by a few steps of each row.
    """
    from bdlab import batch
    from bdlab.experiments import plan

    if isinstance(asked, int):
        return asked
    open_ = [cell for cell in cells if not runs.done(out, cell)] if asked == "fit" else []
    if open_ and machine.on_gpu():
        return min(len(open_), plan.measure(open_, out, 1).fitting)
    return batch.default_jobs(len(cells))


def train(cell: runs.Cell, config: Config, out: Path, device: str | None, inexact: bool) -> Path:
    """One cell here, without papermill or Jupyter, a line an epoch; returns its committed folder.

    Raises RunError if another runner works on it.
    """
    from bdlab.experiments import cell as cells

    def say(line: dict[str, Any]) -> None:
        click.echo(cells.epoch_line(line, config.optim.epochs))

    return cells.make(cell, config, out, device, inexact, on_epoch=say)


@contextmanager
def _executor(dask: str | None) -> Iterator[Any]:
    """None (local threads), or the executor of a Dask client for ``local:N`` or an address."""
    if dask is None:
        yield None
        return
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise ConfigError(
            "--dask needs the package distributed: pip install 'bdlab[cluster]'"
        ) from None
    kind, _, count = dask.partition(":")
    if kind == "local" and (not count.isdecimal() or int(count) < 1):
        raise ConfigError(
            f"--dask {dask!r}: local:N with the number of worker processes, or a scheduler's "
            "address"
        )
    cluster = (
        LocalCluster(n_workers=int(count), threads_per_worker=1, dashboard_address=None)
        if kind == "local"
        else None
    )
    try:
        client = Client(cluster or dask, timeout=30)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--dask {dask!r}: no scheduler answers there ({error})") from error
    with cluster or nullcontext(), client:
        yield client.get_executor()


def report(out: Path, sweep: str | None = None, pictures: bool = True) -> None:
    """Print every table of a folder of runs, or one sweep's; write each in every form."""
    from bdlab import report as reports
    from bdlab.experiments import sweeps

    own = [sweeps.sweep(sweep)] if sweep else []
    made = reports.write(out, own, pictures)
    there = list(dict.fromkeys(table.sweep.name for table, _ in made))
    if own and own[0].name not in there:
        held = f"it holds {', '.join(there)}" if there else "no cell is finished there"
        raise ConfigError(f"{out}: no cell of the sweep {own[0].name} to report; {held}")
    for table, page in made:
        if not own or table.sweep.name == own[0].name:
            click.echo(reports.text(table))
            click.echo(
                f"\nHTML report: {page}\nbeside it:   "
                f"{', '.join(page.with_suffix(s).name for s in ('.csv', '.md', '.tex'))}\n"
            )
