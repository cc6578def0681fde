"""The live parts as widgets, and what they are made of: pictures, films of runs, rounds of a game.

The same JavaScript draws a notebook's widget and the live page (docs/live). Here stand the values
both take: plain JSON, pictures as data URIs. A page needs no kernel afterwards.
"""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from PIL import Image

from bdlab import evaluation
from bdlab.datasets import Dataset, twin
from bdlab.modality import Modality
from bdlab.pixels import MEAN, STD
from bdlab.workbench import bundle
from bdlab.workbench import pictures as shots
from bdlab.workbench.channels import numbers as generators
from bdlab.workbench.channels import render
from bdlab.workbench.losses import toy
from bdlab.workbench.retrieval.search import Tested

HERE = Path(__file__).parent
MOST_PEOPLE = 24  # of a game, if not asked for otherwise
V, I = Modality.V, Modality.I

#: What E_V and G_S receive of a pixel p, a fraction of white: (p - mean) / std.
SPACES = {
    "normalised": {"mean": list(MEAN), "std": list(STD)},
    "unit": {"mean": [0.0] * 3, "std": [1.0] * 3},
}


def address(picture: np.ndarray, quality: int = 90) -> str:
    """A uint8 picture [H, W, 3] as a data URI: WebP at a quality of 0 to 100."""
    packed = io.BytesIO()
    Image.fromarray(picture).save(packed, "webp", quality=quality, method=6)
    return "data:image/webp;base64," + base64.b64encode(packed.getvalue()).decode()


# -- D_V and D_I under your hand -------------------------------------------------------------------


def channel_traits(
    visible: Sequence[np.ndarray],
    infrared: Sequence[np.ndarray],
    names: Sequence[str],
    films: Sequence[Mapping[str, Any]] = (),
    quality: int = 90,
) -> dict[str, Any]:
    """What channels.js shows: people, spaces, presets, films of runs (see ``film``).

    ``visible`` and ``infrared`` are uint8 pictures [H, W, 3] of one size, one a person, ``names``
    as many. It starts with the uniform numbers, or at the end of the first film. Raises ValueError
    for unequal counts or none at all.
    """
    if not len(visible) == len(infrared) == len(names) > 0:
        counts = f"{len(visible)} visible, {len(infrared)} infrared, {len(names)} names"
        raise ValueError(f"{counts}: as many of each are meant, and at least one")
    people = []
    for name, colour, warm in zip(names, visible, infrared, strict=True):
        uris = {"visible": address(colour, quality), "infrared": address(warm, quality)}
        people.append({"name": name, **uris})
    presets = {space: _presets(space) for space in SPACES}
    numbers, space, source = presets["normalised"]["uniform"], "normalised", "uniform"
    if films:
        epoch, numbers = films[0]["lines"][-1]
        space, source = films[0]["space"], f"{films[0]['name']}, epoch {epoch}"
    return {
        "people": people,
        "spaces": SPACES,
        "presets": presets,
        "films": list(films),
        "reach": _reach(presets, films),
        "numbers": numbers,
        "space": space,
        "source": source,
        "person": 0,
        "film": 0,
    }


def _presets(space: str) -> dict[str, list[float]]:
    return {name: generators.flat(generators.preset(name, space)) for name in generators.PRESETS}


def _reach(presets: Mapping[str, Mapping], films: Sequence[Mapping[str, Any]]) -> float:
    """How far the sliders go: a power of two, so that their steps are exact, and 2 at least."""
    rows = []
    for of_space in presets.values():
        rows.extend(of_space.values())
    for one in films:
        rows.extend(numbers for _, numbers in one["lines"])
    most = np.abs(np.array(rows)).max()
    return float(max(2.0, 2.0 ** np.ceil(np.log2(most + 1e-9))))


def film(cell: Path | str, name: str = "", about: str = "") -> dict[str, Any]:
    """The ten numbers of a committed cell, epoch by epoch, as channels.js plays them.

    ``name`` (default: the cell's row) stands on its button, ``about`` below it. Raises ValueError
    for a folder that is no cell with an E_V and one shared G_S.
    """
    learned = generators.read(cell)
    params = json.loads((Path(cell) / "params.json").read_text())
    lines = []
    for line in learned.history:
        numbers = [round(value, 6) for value in generators.flat(line["generator"])]
        lines.append([line["epoch"], numbers])
    return {"name": name or params["row"], "about": about, "space": learned.space, "lines": lines}


# -- the hinge you can drag ------------------------------------------------------------------------


def hinge_traits(points: toy.Constellation | None = None) -> dict[str, Any]:
    """What hinge.js shows: the V and I of some points (default: three people of
    ``toy.constellation``), and how it descends.
    """
    points = points or toy.constellation(3, 2, 3)
    start = {m.value: points.features[m].tolist() for m in (V, I)}
    labels = {m.value: points.labels[m].tolist() for m in (V, I)}
    look = {"margin": 0.5, "literal": False, "anchor": ["V", 0], "rate": 0.1, "steps": 50}
    return {**start, "start": start, "labels": labels, **look}


# -- person against machine ------------------------------------------------------------------------


def game_traits(
    machines: Mapping[str, Tested] | Dataset,
    rounds: int = 8,
    choices: int = 8,
    pool: int | None = None,
    seed: int = 0,
    height: int = 224,
) -> dict[str, Any]:
    """What game.js shows: infrared pictures that ask, visible ones to choose from, who took whom.

    ``machines`` are trained networks, tested on the same data (``retrieval.reopen``), or a data set
    alone: then nobody answers but you. ``pool`` test people are drawn (24, or as many as there
    are, and then no more rounds and choices than people); ``rounds`` of them ask, each among
    ``choices`` of the pool. Of everybody one visible
    picture and, for those who ask, an infrared one of another moment. The draw knows nothing of
    what a machine answers. Pictures of a rendered twin are rendered anew ``height`` x height / 2
    pixels; a machine has seen them at its own size. Raises ValueError for machines of different
    data, or fewer test people than ``pool``.
    """
    alone = isinstance(machines, Dataset)
    dataset, machines = (machines, {}) if alone else (_common(machines), machines)
    asks, offers = _drawn(dataset, pool, rounds, seed)
    people = list(offers)
    choices = min(choices, len(people)) if pool is None else choices
    if not 2 <= choices <= len(people):
        raise ValueError(f"choices = {choices}: {len(people)} people are in the game")
    rng = np.random.default_rng([seed, 1])
    played = []
    for person, row in asks.items():
        others = [other for other in people if other != person]
        shown = [person, *rng.choice(others, choices - 1, replace=False).tolist()]
        shown = [shown[k] for k in rng.permutation(choices)]
        far = {}
        for name, machine in machines.items():
            far[name] = _distances(machine, row, [offers[other] for other in shown])
        places = [people.index(other) for other in shown]
        answer = shown.index(person)
        played.append(
            {"query": len(played), "candidates": places, "answer": answer, "distances": far}
        )
    sizes = [one.setup.config.data for one in machines.values()]
    return {
        "rounds": played,
        "infrared": [address(_sharp(dataset, row, height), 86) for row in asks.values()],
        "visible": [address(_sharp(dataset, row, height), 86) for row in offers.values()],
        "rows": {"infrared": list(asks.values()), "visible": list(offers.values())},
        "machines": [
            {"name": name, "title": name, "overall": _overall(machine, choices, seed)}
            for name, machine in machines.items()
        ],
        "asked": len(dataset.select("test", I)),
        "small": [sizes[0].width, sizes[0].height] if sizes else [height // 2, height],
        "picks": [],
        "coarse": False,
    }


def _common(machines: Mapping[str, Tested]) -> Dataset:
    """The one data set that all machines were tested on."""
    sets = [one.setup.dataset for one in machines.values()]
    if len({dataset.fingerprint for dataset in sets}) != 1:
        raise ValueError(f"{', '.join(machines)}: machines tested on one data set are meant")
    return sets[0]


def _drawn(dataset: Dataset, pool: int | None, rounds: int, seed: int) -> tuple[dict, dict]:
    """Rows of the records by person: who asks in infrared, and everybody's visible picture."""
    rows = {m: dataset.select("test", m) for m in (V, I)}
    counts = {m: Counter(dataset.records[row].identity for row in rows[m]) for m in rows}
    ids = sorted(who for who in counts[V] if counts[I][who] > 1)  # asked at another moment
    if pool is None:
        pool = min(MOST_PEOPLE, len(ids))
        rounds = min(rounds, pool)
    if len(ids) < pool or pool < rounds:
        raise ValueError(f"pool = {pool}: {rounds} rounds to {len(ids)} test people are possible")
    rng = np.random.default_rng(seed)
    people = rng.choice(ids, pool, replace=False).tolist()
    asks, offers = {}, {}
    for number, person in enumerate(people):
        own = {m: [r for r in rows[m] if dataset.records[r].identity == person] for m in rows}
        moment = int(rng.integers(len(own[V])))
        offers[person] = own[V][moment]
        if number < rounds:
            later = (moment + 1 + int(rng.integers(len(own[I]) - 1))) % len(own[I])
            asks[person] = own[I][later]
    return asks, offers


def _overall(machine: Tested, choices: int, seed: int) -> float:
    """Share of rounds that a machine wins if every infrared test picture asks once.

    Each among ``choices`` people drawn for it, one visible picture each; the right one is of
    another moment.
    """
    query, gallery = machine.embedded[I], machine.embedded[V]
    far = evaluation.distances(query.features, gallery.features)
    own = {int(i): np.flatnonzero(gallery.ids == i) for i in np.unique(gallery.ids)}
    rng = np.random.default_rng([seed, 2])
    asked: dict[int, int] = {}  # how many of a person's pictures have asked before
    won = counted = 0
    for row, person in enumerate(query.ids.tolist()):
        moment = asked.get(person, 0)
        asked[person] = moment + 1
        of_others = [k for n, k in enumerate(own.get(person, ())) if n != moment]
        if not of_others:  # real sets: nobody saw this person at another moment
            continue
        counted += 1
        right = rng.choice(of_others)
        others = rng.choice([i for i in own if i != person], choices - 1, replace=False)
        wrong = [rng.choice(own[int(other)]) for other in others]
        won += far[row, right] < far[row, wrong].min()
    return round(won / max(counted, 1), 4)


def _distances(machine: Tested, query: int, offers: Sequence[int]) -> list[float]:
    """Distances of one infrared test picture to some visible ones, by the deployed feature."""
    asked = machine.feature(query)
    return [round(float(np.linalg.norm(asked - machine.feature(row))), 4) for row in offers]


def _sharp(dataset: Dataset, row: int, height: int) -> np.ndarray:
    """One record's picture [height, height / 2, 3]; of a twin the same shot, rendered anew."""
    record = dataset.records[row]
    dials = shots.twin_of(dataset)
    if dials is None:
        return shots.pixels(dataset, [row], height, height // 2)[0]
    number = twin.number_of(record.path, **dials, identity=record.identity)
    shape = (height, height // 2)
    taken = twin.counterfactual(**dials, identity=record.identity, shot=number, shape=shape)
    return taken["ir" if record.modality is I else "rgb"]


# -- widgets ---------------------------------------------------------------------------------------


def widget(
    source: str, traits: Mapping[str, Any], base: type[anywidget.AnyWidget] = anywidget.AnyWidget
) -> Any:
    """A live part in a notebook, a ``base``; its traits are those its JavaScript, ``source`` below
    this folder, names in the first lines.
    """
    members: dict[str, Any] = {name: traitlets.Any().tag(sync=True) for name in traits}
    members["own"] = tuple(traits)
    members["_esm"] = bundle.module(HERE / source)
    members["_css"] = (HERE / "live.css").read_text(encoding="utf-8")
    members["__module__"] = base.__module__
    return type(base.__name__, (base,), members)(**traits)


def channels(
    visible: Sequence[np.ndarray],
    infrared: Sequence[np.ndarray],
    names: Sequence[str] = (),
    films: Sequence[Mapping[str, Any]] = (),
    height: int = 288,
) -> anywidget.AnyWidget:
    """Ten sliders over some people, drawn in the browser: see ``channel_traits``.

    ``widget.numbers`` are the ten numbers on show. Pictures of any size; names default to counts.
    """
    people = [render.fit(list(pictures), height) for pictures in (visible, infrared)]
    names = list(names) or [f"person {k + 1}" for k in range(len(people[0]))]
    return widget("channels/channels.js", channel_traits(*people, names, films))
