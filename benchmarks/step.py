"""One training step on the CPU: what bfloat16 with channels last gains over plain float32, and what
it spends outside the network.

Both sides train the same network on the same batch; one step's losses are held against each other
first (bfloat16 has eight bits). A larger network than the demo's is timed too. Where the processor
does not multiply bfloat16 itself, ``auto`` is float32: no gain.
"""

import os
import tempfile

import torch
from side_by_side import CORES, QUIET, asked, compare, report, timed

from bdlab.experiments import plan, sweeps
from bdlab.training import loop
from bdlab.training import setup as setups

LARGER = {"backbone": "resnet18", "height": 144, "width": 72}


def stepper(setup, batch):
    """A function that trains one step on a batch, and the losses it found."""
    opt = loop.optimiser(setup)

    def step():
        return {
            name: float(value.detach()) for name, value in loop._step(setup, opt, batch).items()
        }

    return step


def plain(setup):
    """The same setup as public code has it: float32, pictures stored channel by channel."""
    setup.dtype = torch.float32
    setup.net.to(memory_format=torch.contiguous_format)
    batch = setups.first_batch(setup)
    for m, images in batch.images.items():
        batch.images[m] = images.contiguous()
    return stepper(setup, batch)


def main() -> None:
    options = asked(turns=9)
    torch.set_num_threads(max(1, CORES // 2))
    with tempfile.TemporaryDirectory() as cache:
        os.environ["BDLAB_CACHE"] = cache
        os.environ.setdefault("BDLAB_DATA", f"{cache}/data")
        preset = "smoke" if options.smoke else "demo"
        for name, changes in (
            ("demo preset", {}),
            ("ResNet-18 at 144 x 72", {"backbone": "resnet18"} if options.smoke else LARGER),
        ):
            config = sweeps.configure("table4", "MDL4", preset, "synthetic-regdb", changes)
            fast, slow = (setups.prepare(config, device="cpu", progress=False) for _ in range(2))
            for setup in (fast, slow):
                setup.net.train()
            ours, naive = stepper(fast, setups.first_batch(fast)), plain(slow)
            first, expected = ours(), naive()
            assert abs(first["total"] - expected["total"]) < 0.05 * abs(expected["total"]), (
                first,
                expected,
            )
            word = str(fast.dtype).removeprefix("torch.")
            compare(
                f"training step, {name}, {word} and channels last against plain float32",
                naive,
                ours,
                options.turns,
                1.5,
            )
            if not changes:
                speeds = [(plan.speed(fast), timed(ours)[1]) for _ in range(min(3, options.turns))]
                quiet = [others < QUIET for _, others in speeds]
                report(
                    "training step, demo preset, share outside the network",
                    [100 * s.outside for s, _ in speeds],
                    "%",
                    at_most=10,
                    quiet=quiet,
                )
                print(speeds[-1][0])


if __name__ == "__main__":
    main()
