"""What a sweep adds to its trainings: seconds a notebook cell costs beside the same cell without
papermill; and how many threads a job should have: two one-thread jobs against one two-thread job,
pictures a second in all.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from side_by_side import CORES, QUIET, asked, report, timed

from bdlab import batch
from bdlab.config import from_flat
from bdlab.experiments import cell as cells
from bdlab.experiments import runs, sweeps
from bdlab.training import loop
from bdlab.training import setup as setups

SECONDS = 4.0  # a job is timed for
START = 12.0  # seconds all jobs of a measurement have to get ready


def work(spec):
    """One job of several: get ready, wait for the common start, train until the time is up;
    pictures a second.
    """
    torch.set_num_threads(spec["threads"])
    config = from_flat(spec["params"])
    setup = setups.prepare(config, device=spec["device"], progress=False)
    pictures = len(config.modalities) * config.data.identities * config.data.shots
    marks = []

    def mark(step, total):
        if setup.device.type == "cuda":
            torch.cuda.synchronize()
        if step == 3:
            time.sleep(max(0.0, spec["at"] - time.time()))
        marks.append(time.time())
        if len(marks) > 3 and marks[-1] > max(spec["at"], marks[2]) + spec["seconds"]:
            raise StopIteration

    with contextlib.suppress(StopIteration):
        loop.train(setup, on_step=mark)
    late = marks[2] - spec["at"] > 0.5
    print(json.dumps({"rate": pictures * (len(marks) - 3) / (marks[-1] - marks[2]), "late": late}))


def together(params, threads, device="cpu", seconds=SECONDS, start=START):
    """Run one job for each of ``params`` at the same time; their pictures a second."""
    at, jobs = time.time() + start, []
    for own in params:
        spec = {"params": own, "threads": threads, "device": device, "at": at, "seconds": seconds}
        command = [sys.executable, __file__, "--worker", json.dumps(spec)]
        jobs.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    said = [json.loads(job.communicate()[0].splitlines()[-1]) for job in jobs]
    if any(one["late"] for one in said) and seconds > 1:
        print(
            f"a job was not ready in {start:g} seconds: this measurement overlaps less than it "
            "should"
        )
    return [one["rate"] for one in said]


def threads(options):
    changes = {"epochs": 1000, "steps": 84}
    preset = "smoke" if options.smoke else "demo"
    params = sweeps.configure("table4", "MDL4", preset, "synthetic-regdb", changes).flat()
    timing = {"seconds": 0.2, "start": 0.0} if options.smoke else {}
    setups.prepare(from_flat(params), device="cpu", progress=False)  # the bank is decoded once
    ratios, quiet = [], []
    for _ in range(options.turns):
        rates = []
        for count, each in ((1, 2), (2, 1)):
            _, others = timed(
                lambda count=count, each=each, rates=rates: rates.append(
                    sum(together([params] * count, each, **timing))
                )
            )
            quiet.append(others < QUIET)
        ratios.append(rates[1] / rates[0])
    quiet = [all(quiet[turn : turn + 2]) for turn in range(0, len(quiet), 2)]
    report(
        "two one-thread jobs against one two-thread job, demo step, pictures/s",
        ratios,
        "x",
        at_least=1.25,
        quiet=quiet,
    )


def cell(options, folder):
    """Seconds a cell takes as a notebook less those it takes in this process, which has imported
    everything.
    """
    spent = []
    for seed in range(options.turns):
        config = sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb", {"seed": seed})
        setup = setups.prepare(config, device="cpu", progress=False)
        bare, notebook = Path(folder) / f"bare{seed}", Path(folder) / "out"
        bare.mkdir()
        plain = timed(lambda config=config, bare=bare: cells.run(config, bare, "cpu"))[0]
        outcome = batch.run_cell(runs.Cell.of(setup), notebook, threads=1)
        assert outcome.ok, outcome
        same = [
            runs.read_lines(where / "history.jsonl")[-1]["terms"]
            for where in (bare, outcome.folder)
        ]
        assert same[0] == same[1], "the notebook trained something else"
        spent.append(outcome.seconds - plain)
    report(
        "overhead of a notebook cell (kernel, imports, papermill, figures) over the same run in "
        "this process",
        spent,
        "s",
        at_most=5,
    )


def main() -> None:
    options = asked(turns=3, worker={"default": None, "help": "for this script's own use"})
    if options.worker:
        work(json.loads(options.worker))
        return
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("BDLAB_CACHE", f"{folder}/bank")
        os.environ.setdefault("BDLAB_DATA", f"{folder}/data")
        cell(options, folder)
        if CORES < 2:
            print("one core only: nothing to say about two jobs")
            return
        threads(options)


if __name__ == "__main__":
    main()
