"""A sweep as the command line runs it: its cells, where they run, what is shown meanwhile, the
report at the end.
"""

from __future__ import annotations

import json
import shlex
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from bdlab import machine
from bdlab.config import Config, ConfigError
from bdlab.experiments import runs


def cells(sweep, data, root, preset_name, seeds, splits, changes, rows=None) -> list[runs.Cell]:
    """The cells of a sweep, with its data opened, checked and decoded."""
    from bdlab.datasets.bank import bank
    from bdlab.experiments import cell as one_cell
    from bdlab.experiments import sweeps
    from bdlab.training import setup

    place = str(root.resolve()) if root else None
    configs = sweeps.configs(sweep, data, preset_name, seeds, splits, rows, changes, place)
    opened: dict[tuple, Any] = {}
    found = []
    for config in configs:
        key = _data_key(config)
        if key not in opened:
            opened[key] = setup.open_data(config)
            # Decoded here once, with a bar, rather than by every cell at the same time.
            bank(opened[key], config.data.height, config.data.width)
        found.append(one_cell.of(config, opened[key]))
    return found


def declare(sweep: str, cells: list[runs.Cell], out: Path, changes: dict[str, Any]) -> None:
    """Write down what is asked, sweep by sweep, before the first cell runs."""
    from bdlab.experiments import sweeps

    command = shlex.join(["bdlab", *sys.argv[1:]])
    for name in dict.fromkeys(cell.params["sweep"] for cell in cells):
        chosen = sweeps.sweep(name if name in sweeps.SWEEPS else sweep)
        asked = [cell for cell in cells if cell.params["sweep"] == name]
        sweeps.declare(out, chosen, asked, changes, command)


def _data_key(config: Config) -> tuple:
    data = config.data
    return (data.data, data.root, data.height, data.width, *sorted(data.options().items()))


def run(
    sweep: str,
    own: list[runs.Cell],
    out: Path,
    jobs: int | str | None,
    dask=None,
    timeout=None,
    inexact=False,
) -> int:
    """Run what is missing, report. ``jobs``: a number, ``fit`` or None (see ``_jobs``). Exit code 1
    if a cell failed.
    """
    from bdlab import batch

    began = time.perf_counter()
    jobs = _jobs(jobs, own, out)
    click.echo(f"{len(own)} cells, {'on Dask' if dask else f'{jobs} at a time'}, into {out}/")
    with _executor(dask) as executor, _Watch(out, own) as watch:
        more = {} if timeout is None else {"timeout": timeout}
        outcomes = batch.run_all(
            own,
            out,
            executor,
            jobs,
            inexact=inexact,
            on_outcome=watch.outcome,
            on_tick=watch.tick,
            **more,
        )
    failed = [o for o in outcomes if not o.ok]
    fresh = sum(o.word == "done" for o in outcomes)
    minutes = (time.perf_counter() - began) / 60
    click.echo(
        f"{fresh} trained now, {len(outcomes) - fresh - len(failed)} found done, {len(failed)} failed; {minutes:.1f} minutes.\n"
    )
    if len(failed) < len(outcomes):
        report(out, None if sweep == "all" else sweep)
    for o in failed:
        click.secho(f"failed: {o.name}: {o.reason}\n        see {o.folder}", err=True, fg="red")
    return 1 if failed else 0


def _jobs(asked: int | str | None, own: list[runs.Cell], out: Path) -> int:
    """Cells at a time: the number asked for, or batch's default; ``fit``: what a GPU's free memory
    holds, by a few steps of each row.
    """
    from bdlab import batch
    from bdlab.experiments import plan

    if asked == "fit":
        open_ = [cell for cell in own if not runs.done(out, cell)]
        return (
            min(len(open_), plan.measure(open_, out, 1).fitting)
            if open_ and machine.on_gpu()
            else batch.default_jobs(len(own))
        )
    return asked or batch.default_jobs(len(own))


def train(cell: runs.Cell, config: Config, out: Path, device: str | None, inexact: bool) -> Path:
    """One cell here, without papermill or Jupyter, a line an epoch; returns its committed folder."""
    import torch

    from bdlab.experiments import cell as cells

    earlier = runs.attempts(out, cell.name)
    attempt = runs.begin(out, cell, torch.get_num_threads())
    try:
        cells.run(
            config,
            attempt,
            device,
            earlier,
            inexact,
            on_epoch=lambda line: click.echo(cells.epoch_line(line, config.optim.epochs)),
        )
        runs.commit(out, cell.name, attempt)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        runs.fail(
            attempt,
            f"{type(error).__name__}: {error}",
            cell=None,
            line=last.line,
            last=f"{last.filename}:{last.lineno}",
        )
        raise
    return out / cell.name


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
            f"--dask {dask!r}: local:N with the number of worker processes, or a scheduler's address"
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


class _Watch:
    """Shows a sweep: a bar over all epochs on a terminal, one line a finished cell everywhere."""

    def __init__(self, out: Path, cells: list[runs.Cell]):
        from tqdm.auto import tqdm

        self.out, self.cells, self.began = out, cells, time.perf_counter()
        total = sum(cell.params["epochs"] for cell in cells)
        self.bar = tqdm(
            total=total, unit="epoch", disable=not sys.stderr.isatty(), dynamic_ncols=True
        )
        self.finished: dict[str, int] = {}

    def __enter__(self) -> _Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def tick(self) -> None:
        if not self.bar.disable:
            gone = sum(self.finished.get(cell.name, self._epochs(cell)) for cell in self.cells)
            self.bar.update(gone - self.bar.n)

    def _epochs(self, cell: runs.Cell) -> int:
        tries = runs.attempts(self.out, cell.name)
        return len(runs.read_lines(tries[-1] / "history.jsonl")) if tries else 0

    def outcome(self, outcome: Any) -> None:
        cell = next(cell for cell in self.cells if cell.name == outcome.name)
        self.finished[outcome.name] = cell.params["epochs"]
        word = {
            "done": f"done in {outcome.seconds:.0f} s",
            "found": "done before",
            "failed": "FAILED",
        }[outcome.word]
        self.bar.write(
            f"[{len(self.finished)}/{len(self.cells)}] {outcome.name}: {word}{_headline(outcome)}",
            file=sys.stdout,
        )


def _headline(outcome: Any) -> str:
    """One score of a finished cell, for the line that says so."""
    if not outcome.ok:
        return f" ({outcome.reason[:160]})"
    result = json.loads((outcome.folder / "result.json").read_text())
    setting, scores = next(iter(result["scores"].items()))
    wrong = [
        words for kind, words in result.get("guard", {}).items() if kind in ("collapse", "chance")
    ]
    return "\n        ".join([f", Rank-1 {100 * scores['mean']['R1']:.1f} % ({setting})", *wrong])


def report(out: Path, sweep: str | None = None) -> None:
    """Print every table of a folder of runs, or one sweep's; write each in every form."""
    from bdlab import report as reports
    from bdlab.experiments import sweeps

    own = [sweeps.sweep(sweep)] if sweep else []
    for table, page in reports.write(out, own):
        if not own or table.sweep.name == own[0].name:
            click.echo(reports.text(table))
            click.echo(
                f"\nHTML report: {page}\nbeside it:   {', '.join(page.with_suffix(s).name for s in ('.csv', '.md', '.tex'))}\n"
            )
