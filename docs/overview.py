"""Makes docs/overview.png: people of the synthetic RegDB-like twin at 288 x 144, through the E_V
and G_S of a demo run.

Run it from the top of the repository after `make demo`:  .venv/bin/python docs/overview.py
runs/table4-MDL4-* (The generator works pixel by pixel, so one trained at 64 x 32 serves any size.)
"""

import sys
from pathlib import Path

import numpy as np
import torch

import bdtwins
from bdlab import pixels
from bdlab.experiments import cell
from bdlab.modality import BASE, MDL_GRAPHS, Modality
from bdlab.workbench import method, style

PEOPLE = (3, 8, 14, 21, 27, 34, 41, 52, 66)


def main(run: str) -> None:
    net = cell.load(run)
    shots = [
        bdtwins.counterfactual("synthetic-regdb", person, 0, size="full", channel_gap=1.0)
        for person in PEOPLE
    ]
    stored = {Modality.V: [s["rgb"] for s in shots], Modality.I: [s["ir"] for s in shots]}
    images = {
        m: pixels.normalise(torch.from_numpy(np.stack(stored[m])).permute(0, 3, 1, 2)) for m in BASE
    }
    with torch.no_grad():
        images |= net.derive(images)
    style.theme()
    figure = method.overview({m: pixels.shown(x) for m, x in images.items()}, MDL_GRAPHS["mdl4"])
    figure.savefig(Path(__file__).with_name("overview.png"), dpi=100)


if __name__ == "__main__":
    main(sys.argv[1])
