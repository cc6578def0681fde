"""The live page's data, out of trained cells: pictures, films, game, scores, origin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bdlab.datasets import twin
from bdlab.experiments import runs
from bdlab.experiments.rows import TABLE4
from bdlab.workbench import live
from bdlab.workbench.retrieval import search

DATA = "synthetic-regdb"
PEOPLE = (
    112,
    9,
    138,
    147,
    189,
    36,
)  # of the test part: many colours, bags, both skirts and trousers
HEIGHT = 288
FILMS = ("MDL4", "MDL3", "MDL2")  # rows that learn both E_V and G_S
MACHINES = {"B2": "V and I alone", "MDL4": "with D_V and D_I, the paper's own"}
SKETCHES = Path(__file__).with_name("sketches.json")


class MissingCell(ValueError):
    """A folder of runs that lacks what the page needs."""


def cells(out: Path) -> dict[str, tuple[Path, dict[str, Any]]]:
    """The committed cell of each row of Table IV on the RegDB-like twin: folder and result.

    Of several the longest training, then the lowest split and seed. All must have one length and
    one data set. Raises MissingCell where B2 or MDL4 is not there, or they do not match.
    """
    found: dict[str, list] = {}
    for folder, result, _ in runs.committed(out):
        params = result["params"] if result else {}
        if params.get("data") == DATA and params.get("sweep") == "table4":
            order = (-params["epochs"], params["split"], params["seed"], folder.name)
            found.setdefault(params["row"], []).append((order, folder, result))
    best = {row: min(found[row])[1:] for row in TABLE4.rows if row in found}
    if missing := [row for row in MACHINES if row not in best]:
        train = f"bdlab train {missing[0]} --data {DATA} --preset demo --set epochs=60 --out {out}"
        raise MissingCell(f"{out}: no finished cell of {', '.join(missing)}; make one: {train}")
    shapes = {_shape(result) for _, result in best.values()}
    if len(shapes) > 1:
        raise MissingCell(f"{out}: cells of unequal data, length, split or seed: {sorted(shapes)}")
    return best


def _shape(result: Mapping[str, Any]) -> tuple:
    params = result["params"]
    where = result["provenance"]["fingerprint"]
    return where, params["preset"], params["epochs"], params["split"], params["seed"]


def data(out: Path) -> dict[str, Any]:
    """Everything the page embeds, as JSON values."""
    rows = cells(out)
    machines = {name: search.reopen(rows[name][0]) for name in MACHINES}
    game = live.game_traits(machines)
    for machine in game["machines"]:
        machine["title"] = MACHINES[machine["name"]]
    told = {row: words(row, result) for row, (_, result) in rows.items()}
    films = [live.film(rows[row][0], row, told[row]) for row in FILMS if row in rows]
    graph = json.loads(SKETCHES.read_text()) | scores(rows)
    return {
        "channels": live.channel_traits(*people(), films, quality=94),
        "hinge": live.hinge_traits(),
        "graph": graph,
        "game": game,
        "origin": origin(rows),
    }


def people() -> tuple[list[np.ndarray], list[np.ndarray], list[str]]:
    """Six test people of the twin with its default dials, rendered at the paper's size."""
    shape = (HEIGHT, HEIGHT // 2)
    taken = [twin.counterfactual(DATA, person, 0, shape=shape) for person in PEOPLE]
    names = [f"no. {person}" for person in PEOPLE]
    return [shot["rgb"] for shot in taken], [shot["ir"] for shot in taken], names


def scores(rows: Mapping[str, tuple[Path, dict]]) -> dict[str, Any]:
    """Rank-1 and mAP of every row's cell, visible asking infrared, and a sentence on them."""
    lines = []
    for row, (_, result) in rows.items():
        params, mean = result["params"], result["scores"]["v2t"]["mean"]
        alone = (
            params["beta"] == 0 and params["gamma"] == 0
        )  # no triplets: not the graph without edges
        lines.append(
            {
                "name": row,
                "title": TABLE4.rows[row].title,
                "pairs": params["pairs"].split(),
                "alone": alone,
                "rank1": round(mean["R1"], 4),
                "mAP": round(mean["mAP"], 4),
            }
        )
    _, result = next(iter(rows.values()))
    params, pictures = result["params"], result["provenance"]["pictures"]["test"]
    told = (
        f"Real trainings of the rows of Table IV on rendered people: {params['epochs']} epochs, "
        f"pictures of {params['width']} × {params['height']} pixels, seed {params['seed']}; "
        f"{pictures['V']} visible test pictures ask {pictures['I']} infrared ones. One training "
        "each: a few points more or less are luck."
    )
    return {"rows": lines, "told": told}


def words(row: str, result: Mapping[str, Any]) -> str:
    """One cell in a sentence: row, data, size, length, seed, commit."""
    params, provenance = result["params"], result["provenance"]
    sha = (provenance.get("git_sha") or "unknown")[:7]
    changed = ", with local changes" if provenance.get("git_dirty") else ""
    return (
        f"Row {row} of Table IV ({TABLE4.rows[row].title}): {params['data']}, preset "
        f"{params['preset']}, {params['epochs']} epochs, {params['width']} × {params['height']} "
        f"pixels, split {params['split']}, seed {params['seed']}, trained on "
        f"{provenance['device']} in {provenance['precision']}, bdlab commit {sha}{changed}."
    )


def origin(rows: Mapping[str, tuple[Path, dict]]) -> list[str]:
    """Where everything comes from, line by line, for the end of the page."""
    dials = twin.dials(DATA)
    lines = [
        f"People: rendered by bdlab ({DATA}, seed {dials['seed']}, "
        f"channel gap {dials['channel_gap']}, "
        f"appearance gap {dials['appearance_gap']}), test identities {', '.join(map(str, PEOPLE))} "
        f"above, others in the game; no photograph, no person.",
    ]
    for row, (_, result) in rows.items():
        lines.append(words(row, result))
    lines.append(
        "Game: people, moments and candidates are drawn by a seed, before any machine is asked; "
        "you see the pictures sharper than the machines did, unless you tick the box."
    )
    graphs = json.loads(SKETCHES.read_text())["graphs"]
    seeds = min(len(graph["runs"]) for graph in graphs.values())
    lines.append(
        f"Modality graph: trainings of bdlab.workbench.losses.toy "
        f"for each of the {len(graphs)} graphs, "
        f"{seeds} seed{'s' * (seeds > 1)} each."
    )
    return lines
