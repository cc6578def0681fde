"""Makes docs/live/sketches.json: what the modality graph's "train" shows of 64 graphs.

Run it from the top of the repository (about three minutes a seed on one quiet core):

    .venv/bin/python docs/live/sketches.py --seeds 3

What the file has already stays; seeds that it lacks are added. Delete it to make all anew.

A training is one of `bdlab.workbench.losses.toy`: a tiny network on coloured
patches, measured on new people.
The words beside it are those of the notebook's widget.
"""

from __future__ import annotations

import argparse
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bdlab.modality import BASE, MDL_GRAPHS, Modality, Pair, format_pairs
from bdlab.workbench.losses import toy
from bdlab.workbench.losses.graph import Graph

FILE = Path(__file__).with_name("sketches.json")
EDGES = tuple(combinations(Modality, 2))
STEPS, EVERY = 300, 30
PEOPLE = 6  # of the new people, as many as the small picture shows


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--seeds", type=int, default=1, help="trainings a graph")
    seeds = options.parse_args().seeds
    torch.set_num_threads(1)
    graphs = json.loads(FILE.read_text())["graphs"] if FILE.exists() else {}
    for seed in range(seeds):
        for pairs in subsets():
            own = graphs.setdefault(format_pairs(pairs), words(pairs))
            if seed not in [done["seed"] for done in own["runs"]]:
                own["runs"].append(run(pairs, seed))
                print(f"seed {seed}: {format_pairs(pairs) or 'no edge'}", flush=True)
        write(graphs)


def write(graphs: dict[str, Any]) -> None:
    """The file: what the widget shows at first, and the graphs, smaller ones first."""
    widget = Graph(pairs=format_pairs(MDL_GRAPHS["mdl4"]).split())
    about = {
        "edges": widget.edges,
        "colours": widget.colours,
        "known": widget.graphs,
        "pairs": widget.pairs,
        "steps": STEPS,
        "shots": toy.SHOTS,
    }
    FILE.write_text(json.dumps(about | {"graphs": graphs}, separators=(",", ":")) + "\n")


def subsets() -> list[tuple[Pair, ...]]:
    """Every set of edges, the empty one first."""
    found: list[tuple[Pair, ...]] = []
    for count in range(len(EDGES) + 1):
        found.extend(combinations(EDGES, count))
    return found


def words(pairs: tuple[Pair, ...]) -> dict[str, Any]:
    """What graph.py says of a graph; no training yet."""
    widget = Graph(pairs=format_pairs(pairs).split())
    return {
        "title": widget.title,
        "equation": widget.equation,
        "terms": widget.terms,
        "named": bool(toy.named(pairs)),
        "runs": [],
    }


def run(pairs: tuple[Pair, ...], seed: int) -> dict[str, Any]:
    """One training: gap and Rank-1 at every look, and where the first people end in a plane."""
    frames = toy.train(pairs, seed, steps=STEPS, every=EVERY)
    last = frames[-1]
    (spots,) = toy.shadow([last])
    keep = last.ids < PEOPLE
    base = np.concatenate([spots[m][keep] for m in BASE])
    middle = base.mean(0)
    reach = np.abs(base - middle).max() * 1.12
    points = {}
    for m in BASE:  # hundredths of half the picture's side
        points[m.value] = np.rint(100 * (spots[m][keep] - middle) / reach).astype(int).tolist()
    return {
        "seed": seed,
        "steps": [frame.step for frame in frames],
        "gap": [round(frame.gap, 4) for frame in frames],
        "rank1": [round(frame.rank1, 4) for frame in frames],
        **points,
    }


if __name__ == "__main__":
    main()
