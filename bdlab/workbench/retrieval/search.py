"""A trained network asked: who is found for whom, in which gallery and by which rules, query by
query.

Everything is of the test part, and of features of unit length: a Euclidean distance runs from 0 to
2 and orders as cosine similarity does. How far apart pairs lie, maps and likenesses are in
``embedding``.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from bdlab import evaluation, protocols, rules
from bdlab.config import Config, from_flat
from bdlab.evaluation import Embedded, Scores
from bdlab.experiments import cell as cells
from bdlab.experiments import runs
from bdlab.modality import BASE, Modality
from bdlab.training import extract
from bdlab.training.setup import Setup, TrainingError, open_data, prepare

#: The way back, which SYSU-MM01's protocol does not have: all infrared test pictures as gallery,
#: the camera rule turned round.
REVERSE = "reverse"
_REVERSE_WORDS = "visible asks all infrared (not in the protocol)"


# -- a finished cell, opened again
# -------------------------------------------------------------------------------------


def find(out: Path | str, config: Config, fingerprint: str) -> Path | None:
    """The finished cell that ``cell.find`` gives for this data, preset, split, seed and method."""
    flat = config.flat()
    wanted = {name: flat[name] for name in ("preset", "split", "seed", "method")}

    def fits(_: Mapping[str, Any], origin: Mapping[str, Any]) -> bool:
        return origin["fingerprint"] == fingerprint

    return cells.find(out, config.data.data, config.run.row, fits, **wanted)


def trained(out: Path | str, config: Config, say: Callable[[str], None] = print) -> Path:
    """The cell that ``find`` gives, or else one trained now by this configuration and committed to
    ``out``, a line an epoch said.

    Raises TrainingError for the paper's sizes, which want a GPU and hours: `bdlab train` makes
    those.
    """
    dataset = open_data(config)
    if found := find(out, config, dataset.fingerprint):
        return found
    data, run = config.data, config.run
    if run.preset == "paper":
        where = f" --root {data.root}" if data.root else ""
        words = (
            f"bdlab train {run.row} --data {data.data}{where} --preset paper --splits {data.split} "
            f"--seeds {run.seed} --out {out}"
        )
        raise TrainingError(
            f"{out}: no finished cell of {data.data} at the paper's size. Train one first: {words}"
        )
    return cells.make(
        cells.of(config, dataset),
        config,
        Path(out),
        on_epoch=lambda line: say(cells.epoch_line(line, config.optim.epochs)),
    )


RENDERED = (
    "{}: its people were rendered by the same recipe, but not to the same bytes: on another kind "
    "of processor, where some pixels differ by one, or the pictures were changed since. Its scores "
    "may differ from those in its record."
)


def reopen(folder: Path | str, root: str | None = None, device: str | None = None) -> Tested:
    """The trained network of a finished cell, tested again and ready to be asked; ``root`` where
    the data lie now, if elsewhere.

    Raises TrainingError if the folder is no finished cell, its weights are damaged or the data are
    not those it was trained on. Rendered people of the same recipe are asked, with a warning: on
    another kind of processor some of their pixels differ by one.
    """
    folder = Path(folder)
    if fault := runs.check(folder):
        raise TrainingError(
            f"{folder}: no finished cell, {fault}. `bdlab status` lists those there are."
        )
    result = json.loads((folder / "result.json").read_text())
    setup = prepare(
        from_flat(result["params"] | {"weights": None} | ({"root": root} if root else {})),
        device,
        progress=False,
    )
    seen = result["provenance"]
    if setup.dataset.fingerprint != seen["fingerprint"]:
        recipe = setup.dataset.provenance.get("twin")
        if recipe and recipe == seen.get("data", {}).get("twin"):
            warnings.warn(RENDERED.format(folder.name), stacklevel=2)
        else:
            raise TrainingError(
                f"{setup.dataset.root}: not the data that {folder} was trained on (their "
                "fingerprints differ), so its test people may have been trained on. Give the root "
                "it was trained with, or train a cell on these."
            )
    tested = test(replace(setup, net=cells.load(folder).to(setup.device)))
    return replace(tested, folder=folder)


def test(setup: Setup) -> Tested:
    """Embed the test part once, every stream the net has, and score it by its protocol (see
    ``testing.evaluate``).
    """
    embedded = extract.embed(setup, modalities=getattr(setup.net, "modalities", BASE))
    return Tested(setup, embedded, extract.evaluate(setup, embedded=embedded))


@dataclass(frozen=True, eq=False)
class Tested:
    """A trained network and its test: ``embedded`` by modality (row n is ``rows(m)[n]`` of the
    records), ``results`` by setting; ``folder`` of a finished cell, None for a network that was
    trained here.
    """

    setup: Setup
    embedded: dict[Modality, Embedded]
    results: dict[str, protocols.Result]
    folder: Path | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The settings that can be asked, in words: those of the protocol, and the way back where
        it has none.
        """
        words = {name: self.protocol[name].words for name in self.results}
        return words if self.protocol.both_ways else words | {REVERSE: _REVERSE_WORDS}

    @property
    def protocol(self) -> rules.Protocol:
        """The record of the data set's protocol, with the camera rule it declares."""
        return self.setup.dataset.tested_by

    def rows(self, modality: Modality) -> np.ndarray:
        """Rows of ``setup.dataset.records`` of a modality's test pictures (a derivative's: its
        parent's).
        """
        return np.array(self.setup.dataset.select("test", modality.parent))

    def feature(self, row: int) -> np.ndarray:
        """The deployed feature [D] of one test record. ValueError for a record of another part."""
        m = self.setup.dataset.records[row].modality
        return self.embedded[m].features[self.rows(m).tolist().index(row)]

    def asks(self, setting: str) -> Modality:
        """The modality of a setting's queries."""
        return Modality.V if setting == REVERSE else Modality(self.protocol[setting].query)

    def asked(self, setting: str, number: int = 0) -> np.ndarray:
        """Numbers of the test pictures that ask in a trial: all of their modality, or those
        drawn.
        """
        if setting != REVERSE and self.results[setting].asked:
            return self.results[setting].asked[number]
        return np.arange(len(self.embedded[self.asks(setting)]))

    def trials(self, setting: str) -> int:
        return 1 if setting == REVERSE else len(self.results[setting].draws)

    def search(
        self, setting: str = "", number: int = 0, queries: Sequence[int] | None = None
    ) -> Search:
        """One trial of a setting (default: the first): the gallery as it was drawn for the scores.
        ``queries``: the numbers of some queries only, so that nothing large is computed; a distance
        may then differ from the scores' in its last bit. ValueError for a trial there is not.
        """
        setting = setting or next(iter(self.results))
        if setting not in self.settings:
            raise ValueError(
                f"setting {setting!r}: {self.setup.dataset.name} is asked by "
                f"{', '.join(self.settings)}"
            )
        if not 0 <= number < self.trials(setting):
            raise ValueError(
                f"trial {number}: {setting} has {self.trials(setting)}, counted from 0"
            )
        ways = BASE if self.asks(setting) is Modality.V else BASE[::-1]
        query, gallery = (self.embedded[m] for m in ways)
        asked = self.asked(setting, number)
        if queries is not None:
            asked = asked[np.asarray(queries, dtype=np.int64)]
        drawn = (
            np.arange(len(gallery)) if setting == REVERSE else self.results[setting].draws[number]
        )
        if self.setup.config.test.rerank:
            from bdlab.evaluation.rerank import rerank

            features = query.features[self.asked(setting, number)]
            far = np.asarray(rerank(features, gallery.features[drawn]))
            far = far if queries is None else far[np.asarray(queries, dtype=np.int64)]
        elif queries is None:
            # the whole product and then its rows and columns, as the scores had it: another shape
            # may round otherwise
            far = evaluation.distances(query.features, gallery.features, squared=True)[:, drawn]
            far = far[asked]
        else:
            few = query.features[asked]
            far = evaluation.distances(few, gallery.features, squared=True)[:, drawn]
        same = query.ids[asked, None] == gallery.ids[drawn]
        removed = self.protocol.excluded_either(
            query.cameras[asked, None], gallery.cameras[drawn], same
        )
        return Search(
            setting,
            self.rows(ways[0])[asked],
            self.rows(ways[1])[drawn],
            query.ids[asked],
            gallery.ids[drawn],
            far,
            removed,
            self.protocol.unique_ids,
        )


# -- lists
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Answer:
    """One query's list, nearest first and without what is removed: ``places`` in the gallery,
    ``right`` bool, ``distances``.
    """

    places: np.ndarray
    right: np.ndarray
    distances: np.ndarray

    @property
    def first(self) -> int:
        """0-based place of the first right picture, -1 if there is none."""
        return int(np.argmax(self.right)) if self.right.any() else -1


@dataclass(frozen=True, eq=False)
class Search:
    """Queries against one gallery.

    ``query`` [Q], ``gallery`` [G] rows of the records and whose they are; ``squared`` distances [Q,
    G] (re-ranked ones where the test re-ranks); ``removed`` [Q, G] bool by the camera rule;
    ``unique``: ranks count distinct people.
    """

    setting: str
    query: np.ndarray
    gallery: np.ndarray
    query_ids: np.ndarray
    gallery_ids: np.ndarray
    squared: np.ndarray
    removed: np.ndarray
    unique: bool

    @cached_property
    def scores(self) -> Scores:
        """Query by query, as the protocol counts."""
        return self._scored(self.squared)

    @cached_property
    def hardest(self) -> np.ndarray:
        """Numbers of the queries that count, the worst first: by the rank of the first right one,
        then by average precision.
        """
        order = np.lexsort((self.scores.ap, -self.scores.first))
        return order[self.scores.valid[order]]

    def answer(self, number: int) -> Answer:
        """The whole list of query ``number``; equals stand in gallery order, as in the scores."""
        top = evaluation.topk(
            self.squared[number : number + 1], len(self.gallery), self.removed[number : number + 1]
        )
        kept = np.isfinite(top.distances[0])
        places = top.columns[0][kept]
        return Answer(
            places,
            self.gallery_ids[places] == self.query_ids[number],
            np.sqrt(top.distances[0][kept]),
        )

    def guess(self, ranks: int = 20) -> np.ndarray:
        """The CMC [ranks] of random distances under the same rules, mean of up to 20 draws: what
        luck gives.
        """
        rng, times = np.random.default_rng(0), int(np.clip(10**7 // self.squared.size, 1, 20))
        found = [self._scored(rng.random(self.squared.shape, np.float32)) for _ in range(times)]
        return np.mean([_curve(scores, ranks) for scores in found], axis=0)

    def _scored(self, distances: np.ndarray) -> Scores:
        return evaluation.scores(
            distances, self.query_ids, self.gallery_ids, self.removed, self.unique
        )


def curves(result: protocols.Result, ranks: int = 20) -> np.ndarray:
    """The CMC of every trial, [trials, ranks] fractions; beyond the end of a list a curve stays
    where it is.
    """
    return np.array([_curve(trial, ranks) for trial in result.trials])


def _curve(scores: Scores, ranks: int) -> list[float]:
    return [scores.rank(k) for k in range(1, ranks + 1)]


def interval(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Mean over the trials [T, K] -> [K] and half the width of its 95 % t-interval, None for a
    single trial.

    Over SYSU-MM01's trials this is the luck of the gallery draw alone: one model, one set of
    people, one set of queries.
    """
    count = len(curves)
    half = (
        None
        if count < 2
        else stats.t.ppf(0.975, count - 1) * curves.std(axis=0, ddof=1) / np.sqrt(count)
    )
    return curves.mean(axis=0), half
