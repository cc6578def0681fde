"""SYSU-MM01 and RegDB: who is query, who is gallery, what does not count; ten trials from one
distance matrix.

SYSU-MM01 (Wu et al., ICCV 2017): every infrared test picture (cameras 3, 6) is a query. The gallery
is drawn from the visible cameras 1, 2, 4, 5 (all-search) or 1, 2 (indoor-search), one or ten
pictures an identity and camera. Cameras 2 and 3 stand in one place, so a camera-3 query skips all
of camera 2. CMC counts distinct identities. Ten trials draw ten galleries for one model, by the
authors' permutations ("official") or by the public re-implementation's draw ("seeded"). RegDB
(Nguyen et al., Sensors 2017): all pictures of one modality against all of the other, no camera
rule; its ten trials are ten splits, so ten trained models, and one call here is one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bdlab import evaluation
from bdlab.evaluation import Embedded, NoMatch, Scores

from .draws import GALLERY_CAMERAS, official_draw, seeded_draw

QUERY_CAMERAS = (3, 6)
CAMERA_RULE = "a camera-3 query skips all of camera 2"
SYSU_SETTINGS = {
    f"{mode}-{name}": (mode, shots)
    for mode in GALLERY_CAMERAS
    for name, shots in (("single", 1), ("multi", 10))
}

#: SYSU-MM01 as published: queries; gallery pictures by mode and shots; queries with a match by
#: mode, where published.
PUBLISHED_QUERIES = 3803
PUBLISHED_GALLERY = {("all", 1): 301, ("all", 10): 3010, ("indoor", 1): 112, ("indoor", 10): 1120}
PUBLISHED_VALID = {"indoor": 2208}


@dataclass(frozen=True, eq=False)
class Result:
    """The trials of one setting: ``trials`` (Scores), ``draws`` (gallery rows of each trial, in
    gallery order), and ``provenance`` (JSON types: what was done, and the counts); ``ids`` [Q] are
    the queries' identities.
    """

    trials: list[Scores]
    draws: list[np.ndarray]
    provenance: dict[str, Any]
    ids: np.ndarray

    @property
    def mean(self) -> dict[str, float]:
        """R1, R5, R10, R20, mAP, mINP over the trials, as fractions."""
        return self._over_trials(np.mean)

    @property
    def std(self) -> dict[str, float]:
        """The spread of the trials themselves (divisor n): 0 for a single trial."""
        return self._over_trials(np.std)

    def _over_trials(self, what: Any) -> dict[str, float]:
        rows = [trial.summary() for trial in self.trials]
        return {name: float(what([row[name] for row in rows])) for name in rows[0]}

    def cmc(self, ranks: int = 50) -> list[float]:
        """The mean CMC curve up to ``ranks`` or the longest gallery, as fractions."""
        last = min(ranks, max(trial.length for trial in self.trials))
        return [
            float(np.mean([trial.rank(k) for trial in self.trials])) for k in range(1, last + 1)
        ]

    def by_identity(self) -> dict[str, list]:
        """For each identity with valid queries: ``ids``, ``queries`` (how many), mean ``R1`` and
        ``mAP`` over them and the trials.
        """
        # the draws differ in pictures, never in identities and cameras
        valid = self.trials[0].valid
        ids, of, counts = np.unique(self.ids[valid], return_inverse=True, return_counts=True)
        hits = np.mean([trial.first[valid] == 0 for trial in self.trials], axis=0)
        precision = np.mean([trial.ap[valid] for trial in self.trials], axis=0)
        means = {
            name: np.bincount(of, values) / counts
            for name, values in (("R1", hits), ("mAP", precision))
        }
        return {"ids": ids.tolist(), "queries": counts.tolist()} | {
            name: values.round(5).tolist() for name, values in means.items()
        }

    def to_json(self) -> dict[str, Any]:
        """``mean``, ``std``, ``cmc`` (to rank 50), ``trials``, ``by_identity`` and ``provenance``
        in JSON types.
        """
        said = {
            "mean": self.mean,
            "std": self.std,
            "cmc": self.cmc(),
            "trials": [trial.summary() for trial in self.trials],
        }
        return said | {"by_identity": self.by_identity(), "provenance": self.provenance}


def sysu(
    query: Embedded,
    gallery: Embedded,
    mode: str = "all",
    shots: int = 1,
    draw: str = "seeded",
    permutations: Any = None,
    trials: int = 10,
    *,
    expect: bool | None = None,
    rerank: bool = False,
    notes: Mapping[str, Any] | None = None,
    distances: Any = None,
) -> Result:
    """SYSU-MM01: infrared ``query`` (cameras 3, 6) against galleries drawn from visible ``gallery``
    (cameras 1, 2, 4, 5).

    ``mode`` "all" | "indoor"; ``shots`` 1 | 10; ``draw`` "seeded" | "official" (then
    ``permutations``, see ``galleries.official_draw``). ``expect=True`` holds the counts against the
    published ones; otherwise provenance says whether they are the same. ``notes`` go into the
    provenance (``{"feature": "bn"}``). ``rerank`` re-ranks every trial's own gallery and says so.
    ``distances`` [Q, len(gallery)], if at hand already, is used instead of the features. Raises
    ValueError for unknown settings, cameras missing or not of the protocol, permutations that do
    not fit, counts other than expected, distances given to be re-ranked; NoMatch (a ValueError) if
    no query has a match.
    """
    _check_sysu(query, gallery, mode, shots, draw, permutations, trials)
    if draw == "official":
        draws = [
            official_draw(gallery, mode, shots, permutations, trial) for trial in range(trials)
        ]
    else:
        draws = [seeded_draw(gallery, mode, shots, trial) for trial in range(trials)]
    if not len(draws[0]):
        raise NoMatch(f"{mode}-search: no gallery picture is from cameras {GALLERY_CAMERAS[mode]}")
    excluded = (query.cameras == 3)[:, None] & (gallery.cameras == 2)[None, :]
    scored = _score(query, gallery, draws, excluded, True, rerank, distances)
    provenance = {
        "protocol": "sysu", "mode": mode, "shots": shots, "draw": draw, "trials": trials,
        "gallery_cameras": list(GALLERY_CAMERAS[mode]), "camera_rule": CAMERA_RULE,
        "cmc": "distinct identities", **_counts(scored, draws), **_labels(rerank, notes),
    }  # fmt: skip
    wrong = _unlike_published(provenance)
    if expect and wrong:
        raise ValueError("these are not the counts of SYSU-MM01: " + "; ".join(wrong))
    return Result(scored, draws, provenance | {"published_counts": not wrong}, query.ids)


def regdb(
    visible: Embedded,
    thermal: Embedded,
    direction: str = "v2t",
    *,
    rerank: bool = False,
    notes: Mapping[str, Any] | None = None,
    distances: Any = None,
) -> Result:
    """RegDB, one split: "v2t" has the visible pictures as queries and the thermal ones as gallery,
    "t2v" the reverse.

    ``rerank``, ``notes``, ``distances`` [Q, G] as in ``sysu``. Raises ValueError for another
    direction, NoMatch if no query has a match.
    """
    if direction not in ("v2t", "t2v"):
        raise ValueError(
            f"direction {direction!r}: v2t (visible queries) or t2v (thermal queries) is meant"
        )
    query, gallery = (visible, thermal) if direction == "v2t" else (thermal, visible)
    draws = [np.arange(len(gallery))]
    scored = _score(query, gallery, draws, None, False, rerank, distances)
    provenance = {
        "protocol": "regdb", "direction": direction, "shots": "all", "draw": "all pictures of the split", "trials": 1,
        "camera_rule": "none", "cmc": "pictures", **_counts(scored, draws), **_labels(rerank, notes),
    }  # fmt: skip
    return Result(scored, draws, provenance, query.ids)


def evaluate(
    protocol: str, visible: Embedded, infrared: Embedded, **options: Any
) -> dict[str, Result]:
    """Every setting of a protocol: "regdb" -> v2t, t2v; "sysu" -> all-single, all-multi,
    indoor-single, indoor-multi.

    ``options`` go to ``sysu`` or ``regdb``. A setting without a valid query is left out;
    ``provenance["left_out"]`` of every other one names it and says why. Raises NoMatch if none is
    left, ValueError for an unknown protocol.
    """
    if protocol == "regdb":
        settings = {
            way: lambda way=way: regdb(visible, infrared, way, **options) for way in ("v2t", "t2v")
        }
    elif protocol == "sysu":
        if not options.get("rerank") and options.get("distances") is None:
            options["distances"] = evaluation.distances(
                infrared.features, visible.features, squared=True
            )
        settings = {
            name: lambda mode=mode, shots=shots: sysu(infrared, visible, mode, shots, **options)
            for name, (mode, shots) in SYSU_SETTINGS.items()
        }
    else:
        raise ValueError(f"unknown protocol {protocol!r}: regdb or sysu is meant")
    results, left_out = {}, {}
    for name, run in settings.items():
        try:
            results[name] = run()
        except NoMatch as error:
            left_out[name] = str(error)
    if not results:
        raise NoMatch("; ".join(f"{name}: {why}" for name, why in left_out.items()))
    for result in results.values():
        result.provenance["left_out"] = left_out
    return results


def _check_sysu(
    query: Embedded,
    gallery: Embedded,
    mode: str,
    shots: int,
    draw: str,
    permutations: Any,
    trials: int,
) -> None:
    for name, value, choices in (
        ("mode", mode, tuple(GALLERY_CAMERAS)),
        ("shots", shots, (1, 10)),
        ("draw", draw, ("seeded", "official")),
    ):
        if value not in choices:
            raise ValueError(f"{name} = {value!r}: choose one of {', '.join(map(repr, choices))}")
    if trials < 1:
        raise ValueError(f"trials = {trials}: at least one is meant")
    if (draw == "official") != (permutations is not None):
        raise ValueError(
            "permutations and draw='official' belong together (galleries.load_permutations reads the authors')"
        )
    for name, part, cameras in (
        ("query", query, QUERY_CAMERAS),
        ("gallery", gallery, GALLERY_CAMERAS["all"]),
    ):
        if part.cameras is None:
            raise ValueError(f"the {name} has no cameras: SYSU-MM01's protocol needs them")
        if strange := sorted(set(part.cameras.tolist()) - set(cameras)):
            raise ValueError(
                f"the {name} has pictures of cameras {strange}: only {cameras} are of its modality"
            )


def _score(
    query: Embedded,
    gallery: Embedded,
    draws: list[np.ndarray],
    excluded: Any,
    unique_ids: bool,
    rerank: bool,
    distances: Any,
) -> list[Scores]:
    if rerank:
        if distances is not None:
            raise ValueError(
                "re-ranking needs the features of each trial's own gallery, not distances"
            )
        return [_reranked(query, gallery, rows, excluded, unique_ids) for rows in draws]
    if distances is not None and tuple(distances.shape) != (len(query), len(gallery)):
        raise ValueError(
            f"distances have shape {tuple(distances.shape)}: {(len(query), len(gallery))} is meant"
        )
    used = np.unique(np.concatenate(draws))  # the columns some trial has
    if distances is None:
        distances = evaluation.distances(query.features, gallery.features[used], squared=True)
        excluded = None if excluded is None else excluded[:, used]
        draws = [np.searchsorted(used, rows) for rows in draws]
        ids = gallery.ids[used]
    else:
        ids = gallery.ids
    return evaluation.scores_of_draws(distances, query.ids, ids, draws, excluded, unique_ids)


def _reranked(
    query: Embedded, gallery: Embedded, rows: np.ndarray, excluded: Any, unique_ids: bool
) -> Scores:
    from bdlab.evaluation.rerank import rerank

    d = rerank(query.features, gallery.features[rows])
    return evaluation.scores(
        d, query.ids, gallery.ids[rows], None if excluded is None else excluded[:, rows], unique_ids
    )


def _counts(scored: list[Scores], draws: list[np.ndarray]) -> dict[str, int]:
    """Of the first trial: the draws differ in pictures, never in identities and cameras, so not in
    numbers.
    """
    return {
        "queries": len(scored[0].valid),
        "valid_queries": int(scored[0].valid.sum()),
        "gallery": len(draws[0]),
    }


def _labels(rerank: bool, notes: Mapping[str, Any] | None) -> dict[str, Any]:
    ours = {"reranking": "k-reciprocal, k1 20, k2 6, lambda 0.3"} if rerank else {}
    # whoever passes re-ranked distances labels them in notes
    return {"reranking": "none", **(notes or {}), **ours}


def _unlike_published(made: dict[str, Any]) -> list[str]:
    expected = {
        "queries": PUBLISHED_QUERIES,
        "gallery": PUBLISHED_GALLERY[made["mode"], made["shots"]],
    }
    if made["mode"] in PUBLISHED_VALID:
        expected["valid_queries"] = PUBLISHED_VALID[made["mode"]]
    return [
        f"{name} {made[name]}, published {count}"
        for name, count in expected.items()
        if made[name] != count
    ]
