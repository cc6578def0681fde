"""One move of a slider of the channel explorer at 288 x 144, kernel side, in every view, of one
side and of two: milliseconds against the 50 allowed, and against drawing the same view with
matplotlib. From the new value to the PNG's bytes in the widget; no browser, no network.
"""

import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from side_by_side import QUIET, compare, report, timed, turns

from bdlab.workbench import explorers, style
from bdlab.workbench.channels import figures as static
from bdlab.workbench.channels import render
from bdlab.workbench.channels.numbers import Learned, preset

ALLOWED = 50  # milliseconds
MOVES = 20  # of a turn


def named(widget, name):
    """The control with that description, wherever in a box it is."""
    found = [
        w
        for w in (widget, *(named(child, name) for child in getattr(widget, "children", ())))
        if w is not None
    ]
    return next((w for w in found if getattr(w, "description", "") == name), None)


def spent(what, action, count):
    """One line: milliseconds of a move, a turn's mean, and their median against ``ALLOWED``."""
    action()  # warm
    turns_ = [timed(action, MOVES if count > 1 else 1) for _ in range(count)]
    quiet = [others < QUIET for _, others in turns_]
    report(what, [1000 * wall for wall, _ in turns_], "ms", at_most=ALLOWED, quiet=quiet)


def main() -> None:
    mpl.use("Agg")
    torch.set_num_threads(1)
    style.theme()
    count = turns()
    rng = np.random.default_rng(0)
    # noise: the worst case for a PNG
    visible, infrared = (rng.integers(0, 256, (288, 144, 3), dtype=np.uint8) for _ in range(2))
    history = [
        {"epoch": epoch, "generator": preset(name)}
        for epoch, name in enumerate(("uniform", "luma", "D_I = I"))
    ]
    other = Learned(preset("luma"), history, "normalised", "another run")
    box = explorers.channels(visible, infrared, history=history, beside=other)
    slider, epoch, view, beside = (
        named(box, name) for name in ("E_V red", "epoch", "view", "beside")
    )

    def move():
        slider.value = -slider.value

    def replay():
        epoch.value = (epoch.value + 1) % 3

    for sides, chosen in (("two sides", other.name), ("one side", "nothing")):
        beside.value = chosen
        for what in view.options:
            view.value = what
            spent(f"a slider's move, {what}, {sides}", move, count)
    view.value = view.options[0]
    spent("an epoch of the film, one side", replay, count)

    def drawn():
        figure = static.five([render.render(visible, infrared, preset("uniform"))], True)
        figure.savefig(io.BytesIO(), format="png")
        plt.close(figure)

    compare("a slider's move against drawing its view with matplotlib", drawn, move, count)


if __name__ == "__main__":
    main()
