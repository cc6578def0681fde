"""Everything that needs a GPU, in one command: the step against a bare ResNet-50, a ladder of
techniques, pictures a second, FLOP/s, evaluation on the device, cells side by side, a RegDB-size
run. Without a GPU one line says so.

``--device cpu --smoke`` runs the same code at toy size, to see that it works (torch.compile without
its compiler, no CUDA graph). The set is the rendered twin at the paper's size of picture; what is
on the pictures does not change the time.
"""

import os
import sys
import tempfile
import time

import numpy as np
import torch
from evaluation import loop, sysu_case
from ladder import build, rungs
from overhead import together
from side_by_side import asked, machine, report

from bdlab import evaluation, pixels, protocols
from bdlab.experiments import plan, sweeps
from bdlab.network.resnet import resnet
from bdlab.training import batches
from bdlab.training import loop as training
from bdlab.training import setup as setups

ROWS = ("B1", "B2", "MDL1", "MDL2", "MDL3", "MDL4")
REGDB_STEPS = 5160


class Bench:
    """The setting of all measurements: device, sizes, and how to time on that device."""

    def __init__(self, options):
        self.device, self.smoke, self.turns = (
            torch.device(options.device),
            options.smoke,
            options.turns,
        )
        self.preset = "smoke" if options.smoke else "paper"
        self.steps = 1 if options.smoke else 10  # of one sample

    def config(self, row="MDL4", **changes):
        size = {} if self.smoke else {"weights": None, "size": "demo"}
        return sweeps.configure("table4", row, self.preset, "synthetic-regdb", size | changes)

    def setup(self, row="MDL4", **changes):
        return setups.prepare(self.config(row, **changes), device=str(self.device), progress=False)

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def seconds(self, work, warm=3):
        """Seconds of one call, a sample a turn."""
        for _ in range(1 if self.smoke else warm):
            work()
        found = []
        for _ in range(self.turns):
            self.wait()
            began = time.perf_counter()
            for _ in range(self.steps):
                work()
            self.wait()
            found.append((time.perf_counter() - began) / self.steps)
        return found

    def say(self, what, values, unit, **target):
        return report(what, values, unit, where=machine(self.device.type), **target)


def bare(bench, setup, compiled):
    """Forward and backward of the backbone alone on as many pictures as our step has, already
    normalised and in place.
    """
    data = setup.config.data
    body = resnet(setup.config.model.backbone).to(bench.device, memory_format=torch.channels_last)
    body = (
        torch.compile(body, backend="inductor" if bench.device.type == "cuda" else "eager")
        if compiled
        else body
    )
    count = 4 * data.identities * data.shots
    x = torch.randn(count, 3, data.height, data.width, device=bench.device).contiguous(
        memory_format=torch.channels_last
    )

    def step():
        with torch.autocast(bench.device.type, torch.bfloat16, enabled=not bench.smoke):
            out = body(x)
        for p in body.parameters():
            p.grad = None
        out.float().sum().backward()

    return step


def ladder(bench):
    """Pictures a second of every rung; the step against the bare network; the naive epoch against
    ours.
    """
    times, workers, before = {}, 0 if bench.smoke else min(8, (os.cpu_count() or 2) - 1), None
    for rung in rungs():
        if rung.graph and bench.device.type != "cuda":
            print("+ CUDA graph: needs a GPU")
            continue
        setup = bench.setup()
        torch.compiler.reset()
        step = build(setup, rung, workers)
        before = same_as_before(rung, before, float(step()))
        times[rung.name] = bench.seconds(step)
        data = setup.config.data
        count = 4 * data.identities * data.shots
        bench.say(f"ladder, {rung.name}", [count / t for t in times[rung.name]], "pictures/s")
    setup = bench.setup()
    step = real_step(setup)
    ours = bench.seconds(step)
    for compiled, own in ((False, ours), (True, times["+ torch.compile"])):
        alone = bench.seconds(bare(bench, setup, compiled))
        word = "compiled" if compiled else "eager"
        bench.say(
            f"step over the bare backbone's forward and backward, both {word}",
            np.divide(own, alone),
            "x",
            at_most=1.25,
        )
    bench.say(
        "epoch of the naive loop over ours", np.divide(times["naive loop"], ours), "x", at_least=3
    )
    cutting(bench, setup, ours)
    print(f"speed of the step: {plan.speed(setup)}")


def same_as_before(rung, before, loss):
    """The first loss of a rung must be that of the rung before, wherever both see the same batch in
    the same way.
    """
    comparable = (
        before and before[0].bank and before[0].one_pass == rung.one_pass and not rung.graph
    )
    if comparable and not abs(loss - before[1]) < 0.02 * abs(before[1]):
        raise AssertionError(f"{rung.name}: the first loss is {loss}, before it was {before[1]}")
    return rung, loss


def real_step(setup):
    """The step as ``training.train`` makes it."""
    opt = training.optimiser(setup)
    setup.net.train()
    rows, draws, labels = setups.draw_epoch(setup, 0, 8)
    turn = iter(range(10**9))

    def step():
        n = next(turn) % 8
        return training._step(setup, opt, setups.cut(setup, rows[n], draws[n], labels[n], 0.5))

    return step


def cutting(bench, setup, step):
    """Pictures a second that crop, flip and normalise on the device, and their share of a step."""
    rows, draws, _ = setups.draw_epoch(setup, 0, 1)
    times = bench.seconds(
        lambda: pixels.normalise(
            batches.cut(setup.bank.pictures, rows[0], draws[0], setup.config.data.pad)
        )
    )
    bench.say(
        "augmentation on the device",
        [rows.shape[1] / t for t in times],
        "pictures/s",
        at_least=8000,
    )
    bench.say(
        "augmentation's share of a step",
        [100 * a / b for a, b in zip(times, step, strict=True)],
        "%",
        at_most=5,
    )


def ranking(bench):
    """SYSU-MM01's ten trials on the device that holds the features, against the loop over queries;
    equal scores first.
    """
    query, gallery = sysu_case(bench.smoke)
    found = protocols.sysu(query, gallery)
    there = [
        evaluation.Embedded(
            torch.from_numpy(part.features).to(bench.device), part.ids, part.cameras
        )
        for part in (query, gallery)
    ]
    on_device = protocols.sysu(*there)
    # Products of another device round differently: a place or two among all, never the measure.
    assert abs(found.mean["mAP"] - on_device.mean["mAP"]) < 1e-4, (found.mean, on_device.mean)
    rows = found.draws[0]
    far = evaluation.distances(query.features, gallery.features[rows], squared=True)
    began = time.perf_counter()
    loop(far, query.ids, gallery.ids[rows], query.cameras, gallery.cameras[rows])
    naive = 10 * (time.perf_counter() - began)
    ratios = [naive / seconds for seconds in bench.seconds(lambda: protocols.sysu(*there), 1)]
    bench.say("evaluation on the device from features, ten SYSU trials, over the loop", ratios, "x")


def side_by_side(bench):
    """Several cells on one GPU: pictures a second in all, and Table IV's RegDB column one after the
    other or all six at once.
    """
    timing = {"device": str(bench.device)} | (
        {"seconds": 0.2, "start": 0.0} if bench.smoke else {"seconds": 15.0, "start": 60.0}
    )
    long = {"epochs": 1000}
    counts = (2,) if bench.smoke else (1, 2, 4, 8)
    alone = 0.0
    for count in counts:
        rates = together([bench.config(**long).flat()] * count, 1, **timing)
        alone = alone or rates[0]
        bench.say(f"{count} cells side by side, all together", [sum(rates)], "pictures/s")
        bench.say(f"{count} cells side by side over one alone", [sum(rates) / alone], "x")
    rows = ROWS[-1:] if bench.smoke else ROWS
    flat = [bench.config(row, **long).flat() for row in rows]
    pictures = [REGDB_STEPS * 24 * len(bench.config(row).modalities) for row in rows]
    one_by_one = sum(
        n / together([own], 1, **timing)[0] for n, own in zip(pictures, flat, strict=True)
    )
    at_once = max(n / rate for n, rate in zip(pictures, together(flat, 1, **timing), strict=True))
    cells = f"{len(rows)} cells of {REGDB_STEPS} steps"
    what = f"Table IV's RegDB column, {cells} one by one, from their rates"
    bench.say(what, [one_by_one / 60], "minutes")
    bench.say("the same, all at once", [at_once / 60], "minutes")


def whole(bench):
    """One RegDB-size training for real: 60 epochs of 86 steps."""
    size = {"epochs": 1, "steps": 2} if bench.smoke else {"epochs": 60, "steps": 86}
    setup = bench.setup(**size)
    bench.wait()
    began = time.perf_counter()
    training.train(setup)
    bench.wait()
    bench.say(
        f"a training of {setup.steps * setup.config.optim.epochs:,} steps",
        [time.perf_counter() - began],
        "s",
    )


def main() -> None:
    options = asked(
        turns=5, device={"default": "cuda"}, only={"default": "ladder,ranking,whole,side_by_side"}
    )
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print(
            "gpu: no GPU is here, nothing was measured (python benchmarks/gpu.py on a machine with "
            "one runs all of it)"
        )
        return
    if options.device == "cpu" and not options.smoke:
        sys.exit("on a CPU only --smoke makes sense")
    if options.smoke:
        torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("BDLAB_CACHE", f"{folder}/bank")
        os.environ.setdefault("BDLAB_DATA", f"{folder}/data")
        bench = Bench(options)
        for name in options.only.split(","):
            {"ladder": ladder, "ranking": ranking, "whole": whole, "side_by_side": side_by_side}[
                name
            ](bench)


if __name__ == "__main__":
    main()
