"""One setting of a protocol carried out by its record: the checks, the draws, the scores of every
trial, and what is said of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bdlab import evaluation, rules
from bdlab.evaluation import Embedded, NoMatch, Scores
from bdlab.rules import Protocol, Setting

from .draws import official_draw, seeded_draw
from .result import Result

RERANKING = "k-reciprocal, k1 20, k2 6, lambda 0.3"
#: What fits a set without the cameras of a protocol, or with one camera for each modality.
FITS = (
    "a set without camera numbers, or with one camera for each modality, is tested by RegDB's "
    "protocol: protocols.evaluate('regdb', visible, infrared)"
)


def ask(
    protocol: Protocol,
    setting: Setting,
    visible: Embedded,
    infrared: Embedded,
    draw: str | None = None,
    permutations: Any = None,
    trials: int | None = None,
    *,
    expect: bool | None = None,
    rerank: bool = False,
    notes: Mapping[str, Any] | None = None,
    distances: Any = None,
    unlike: Sequence[str] = (),
) -> Result:
    """One setting of a protocol, all its trials.

    ``draw`` and ``trials`` default to the record's. ``notes`` go into the provenance (``{"feature":
    "bn"}``). ``rerank`` re-ranks every trial's own gallery and says so. ``distances`` [queries,
    gallery pictures before the draw], if at hand already, is used instead of the features.
    ``unlike`` names what is already known to differ from the published set; with the counts of this
    test it makes ``unlike_published`` and ``published_counts`` of the provenance; ``expect=True``
    raises instead. Raises ValueError for what does not fit; NoMatch (a ValueError) if no query has
    a match.
    """
    draw = draw or protocol.draws[0]
    trials = protocol.trials if trials is None else trials
    query, gallery = (visible, infrared) if setting.query == "V" else (infrared, visible)
    _check(protocol, setting, query, gallery, draw, permutations, trials)
    side = query if setting.drawn == "query" else gallery
    drawn = [_draw(side, setting, draw, permutations, trial) for trial in range(trials)]
    if not len(drawn[0]):
        where = f"{setting.title}: no {setting.drawn} picture is from cameras {setting.cameras}"
        raise NoMatch(where)
    if rerank and distances is not None:
        raise ValueError("re-ranking needs the features of each trial's own gallery, not distances")
    excluded = _excluded(protocol, query, gallery)
    asked, draws = None, drawn
    if setting.drawn == "query":
        asked, draws = drawn, [np.arange(len(gallery))] * trials
    how = (excluded, rerank, distances)
    try:
        if asked is None:
            scored = _score_draws(protocol, query, gallery, draws, *how)
        else:
            scored = _score_queries(protocol, query, gallery, asked, *how)
    except NoMatch as error:
        if excluded is None:
            raise
        raise NoMatch(f"{error} ({protocol.camera_rule}); {FITS}") from None
    made = _done(protocol, setting, draw, trials) | _counts(scored, draws) | _labels(rerank, notes)
    wrong = [*unlike, *rules.unlike_counts(setting, made)]
    if expect and wrong:
        raise ValueError(f"these are not the counts of {protocol.title}: " + "; ".join(wrong))
    made |= {"published_counts": not wrong, "unlike_published": wrong}
    ids = query.ids if asked is None else query.ids[asked[0]]
    return Result(scored, draws, made, ids, asked)


def choose(
    name: str,
    value: Any,
    choices: Sequence[Any],
) -> None:
    """ValueError naming the choices unless ``value`` is one of them."""
    if value not in choices:
        raise ValueError(f"{name} = {value!r}: choose one of {', '.join(map(repr, choices))}")


def _check(
    protocol: Protocol,
    setting: Setting,
    query: Embedded,
    gallery: Embedded,
    draw: str,
    permutations: Any,
    trials: int,
) -> None:
    choose("draw", draw, protocol.draws)
    if trials < 1:
        raise ValueError(f"trials = {trials}: at least one is meant")
    if (draw == "official") != (permutations is not None):
        raise ValueError(
            "permutations and draw='official' belong together "
            "(draws.load_permutations reads the authors')"
        )
    if not protocol.has_cameras:
        return
    other = "I" if setting.query == "V" else "V"
    for name, part, modality in (("query", query, setting.query), ("gallery", gallery, other)):
        if part.cameras is None:
            raise ValueError(
                f"the {name} has no cameras: {protocol.title}'s protocol needs them; {FITS}"
            )
        known = protocol.cameras(modality)
        if strange := sorted(set(part.cameras.tolist()) - set(known)):
            raise ValueError(
                f"the {name} has pictures of cameras {strange}: only {known} are of its modality "
                f"in {protocol.title}'s protocol; {FITS}"
            )


def _draw(
    side: Embedded,
    setting: Setting,
    draw: str,
    permutations: Any,
    trial: int,
) -> np.ndarray:
    """Rows of one trial's draw."""
    if not setting.shots:
        return np.arange(len(side))
    if draw == "official":
        return official_draw(side, setting, permutations, trial)
    return seeded_draw(side, setting, trial)


def _excluded(
    protocol: Protocol,
    query: Embedded,
    gallery: Embedded,
) -> np.ndarray | None:
    """[Q, G] bool: what does not exist for a query; None where everything does."""
    if not protocol.excludes:
        return None
    same: Any = False
    if protocol.same_camera:
        same = query.ids[:, None] == gallery.ids[None, :]  # [Q, 1], [1, G] -> [Q, G]
    return protocol.excluded(query.cameras[:, None], gallery.cameras[None, :], same)


def _score_draws(
    protocol: Protocol,
    query: Embedded,
    gallery: Embedded,
    draws: list[np.ndarray],
    excluded: np.ndarray | None,
    rerank: bool,
    distances: Any,
) -> list[Scores]:
    """Scores of every gallery drawn; all queries ask."""
    if rerank:
        everyone = np.arange(len(query))
        return [_reranked(protocol, query, gallery, everyone, rows, excluded) for rows in draws]
    ids = gallery.ids
    if distances is None:
        used = np.unique(np.concatenate(draws))  # the columns some trial has
        distances = evaluation.distances(query.features, gallery.features[used], squared=True)
        excluded = None if excluded is None else excluded[:, used]
        draws = [np.searchsorted(used, rows) for rows in draws]
        ids = ids[used]
    else:
        _fits(distances, query, gallery)
    return evaluation.scores_of_draws(
        distances, query.ids, ids, draws, excluded, protocol.unique_ids
    )


def _score_queries(
    protocol: Protocol,
    query: Embedded,
    gallery: Embedded,
    asked: list[np.ndarray],
    excluded: np.ndarray | None,
    rerank: bool,
    distances: Any,
) -> list[Scores]:
    """Scores of every draw of queries, each against the whole gallery."""
    if rerank:
        everything = np.arange(len(gallery))
        return [_reranked(protocol, query, gallery, rows, everything, excluded) for rows in asked]
    if distances is None:
        distances = evaluation.distances(query.features, gallery.features, squared=True)
    _fits(distances, query, gallery)
    scored = []
    for rows in asked:
        mask = None if excluded is None else excluded[rows]
        ids = query.ids[rows]
        unique = protocol.unique_ids
        scored.append(evaluation.scores(distances[rows], ids, gallery.ids, mask, unique))
    return scored


def _fits(
    distances: Any,
    query: Embedded,
    gallery: Embedded,
) -> None:
    shape = (len(query), len(gallery))
    if tuple(distances.shape) != shape:
        raise ValueError(f"distances have shape {tuple(distances.shape)}: {shape} is meant")


def _reranked(
    protocol: Protocol,
    query: Embedded,
    gallery: Embedded,
    asking: np.ndarray,
    rows: np.ndarray,
    excluded: np.ndarray | None,
) -> Scores:
    from bdlab.evaluation.rerank import rerank

    distances = rerank(query.features[asking], gallery.features[rows])
    mask = None if excluded is None else excluded[np.ix_(asking, rows)]
    ids, unique = gallery.ids[rows], protocol.unique_ids
    return evaluation.scores(distances, query.ids[asking], ids, mask, unique)


def _done(
    protocol: Protocol,
    setting: Setting,
    draw: str,
    trials: int,
) -> dict[str, Any]:
    """What was done, for the provenance."""
    how = {"mode": setting.mode} if setting.cameras else {"direction": setting.name}
    cameras = {"gallery_cameras": list(setting.cameras)} if setting.cameras else {}
    return {
        "protocol": protocol.name,
        **how,
        "shots": setting.shots or "all",
        "draw": draw,
        "trials": trials,
        **cameras,
        "camera_rule": protocol.camera_rule,
        "cmc": "distinct identities" if protocol.unique_ids else "pictures",
    }


def _counts(
    scored: list[Scores],
    draws: list[np.ndarray],
) -> dict[str, int]:
    """Of the first trial: the draws differ in pictures, never in identities and cameras, so not in
    numbers.
    """
    valid = scored[0].valid
    return {
        "queries": len(valid),
        "valid_queries": int(valid.sum()),
        "gallery": len(draws[0]),
    }


def _labels(
    rerank: bool,
    notes: Mapping[str, Any] | None,
) -> dict[str, Any]:
    ours = {"reranking": RERANKING} if rerank else {}
    # whoever passes re-ranked distances labels them in notes
    return {"reranking": "none", **(notes or {}), **ours}
