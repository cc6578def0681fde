"""The published protocols carried out: who is query, who is gallery, what does not count; all
trials from one distance matrix.

What a protocol is stands in its record (``bdlab.rules``). SYSU-MM01 (Wu et al., ICCV 2017): every
infrared test picture (cameras 3, 6) is a query. The gallery is drawn from the visible cameras 1, 2,
4, 5 (all-search) or 1, 2 (indoor-search), one or ten pictures an identity and camera. Cameras 2 and
3 stand in one place, so a camera-3 query skips all of camera 2. CMC counts distinct identities. Ten
trials draw ten galleries for one model, by the authors' permutations ("official") or by the public
re-implementation's draw ("seeded"). RegDB (Nguyen et al., Sensors 2017): all pictures of one
modality against all of the other, no camera rule; its ten trials are ten splits, so ten trained
models, and one call here is one of them. LLCM (Zhang and Wang, CVPR 2023): nine cameras shared by
both modalities; all test pictures of one modality ask, one picture of every identity and camera of
the other is drawn, a query skips its own identity's pictures of its own camera, CMC counts distinct
identities, ten trials.
"""

from __future__ import annotations

from typing import Any

from bdlab import evaluation, rules
from bdlab.evaluation import Embedded, NoMatch
from bdlab.rules import Protocol, Setting

from .asking import ask, choose
from .result import Result

#: Name -> (mode, shots) of SYSU-MM01's settings.
SYSU_SETTINGS = {setting.name: (setting.mode, setting.shots) for setting in rules.SYSU.settings}


def sysu(
    query: Embedded,
    gallery: Embedded,
    mode: str = "all",
    shots: int = 1,
    draw: str = "seeded",
    permutations: Any = None,
    trials: int = 10,
    **options: Any,
) -> Result:
    """SYSU-MM01: infrared ``query`` (cameras 3, 6) against galleries drawn from visible ``gallery``
    (cameras 1, 2, 4, 5).

    ``mode`` "all" | "indoor"; ``shots`` 1 | 10; ``draw`` "seeded" | "official" (then
    ``permutations``, see ``draws.official_draw``); ``options``: see ``ask``. Raises ValueError for
    unknown settings, cameras missing or not of the protocol, permutations that do not fit, and what
    ``ask`` raises.
    """
    choose("mode", mode, tuple(dict.fromkeys(s.mode for s in rules.SYSU.settings)))
    choose("shots", shots, tuple(dict.fromkeys(s.shots for s in rules.SYSU.settings)))
    fitting = [s for s in rules.SYSU.settings if (s.mode, s.shots) == (mode, shots)]
    return ask(rules.SYSU, fitting[0], gallery, query, draw, permutations, trials, **options)


def regdb(
    visible: Embedded,
    thermal: Embedded,
    direction: str = "v2t",
    **options: Any,
) -> Result:
    """RegDB, one split: "v2t" has the visible pictures as queries and the thermal ones as gallery,
    "t2v" the reverse.

    Rank-k counts pictures, as most public code does (AGW, torchreid, fast-reid). Another convention
    counts distinct identities (MPANet): its Rank-20 is two to three points higher on the same
    features, Rank-1 and mAP are the same. ``options``: see ``ask``. Raises ValueError for another
    direction, NoMatch if no query has a match.
    """
    return ask(rules.REGDB, _direction(rules.REGDB, direction), visible, thermal, **options)


def llcm(
    visible: Embedded,
    infrared: Embedded,
    direction: str = "v2t",
    trials: int = 10,
    **options: Any,
) -> Result:
    """LLCM: "t2v" has the infrared pictures as queries against a drawn visible gallery, "v2t" the
    reverse.

    "v2t-as-code" is the other published reading of VIS to IR: the public test script turns the
    matrix of "t2v" round, so the drawn infrared pictures are the queries (``Result.asked``) and all
    visible pictures the gallery. Its Rank-1 is higher and its mAP lower; the printed numbers of the
    two cannot be compared. ``options``: see ``ask``. Raises ValueError for another direction or
    cameras that are missing, NoMatch if no query has a match.
    """
    setting = _direction(rules.LLCM, direction)
    return ask(rules.LLCM, setting, visible, infrared, trials=trials, **options)


def _direction(
    protocol: Protocol,
    direction: str,
) -> Setting:
    choose("direction", direction, protocol.names)
    return protocol[direction]


def evaluate(
    protocol: str,
    visible: Embedded,
    infrared: Embedded,
    *,
    exclude: str = "none",
    **options: Any,
) -> dict[str, Result]:
    """Every setting of a protocol by name: "regdb" -> v2t, t2v; "sysu" -> all-single, all-multi,
    indoor-single, indoor-multi; whatever its record has.

    ``exclude`` is the camera rule a set of one's own declares (``rules.declaring``). ``options`` go
    to ``ask``. A setting without a valid query is left out;
    ``provenance["left_out"]`` of every other one names it and says why. Raises NoMatch if none is
    left, ValueError for an unknown protocol.
    """
    if protocol not in rules.PROTOCOLS:
        known = " or ".join(rules.PROTOCOLS)
        raise ValueError(f"unknown protocol {protocol!r}: {known} is meant")
    record = rules.declaring(rules.PROTOCOLS[protocol], exclude)
    given = options.pop("distances", None)
    matrices: dict[str, Any] = {}
    results, left_out = {}, {}
    for setting in record.settings:
        side = setting.query
        if given is None and not options.get("rerank") and side not in matrices:
            a, b = (visible, infrared) if side == "V" else (infrared, visible)
            matrices = {side: evaluation.distances(a.features, b.features, squared=True)}
        matrix = matrices.get(side, given)
        try:
            found = ask(record, setting, visible, infrared, distances=matrix, **options)
        except NoMatch as error:
            left_out[setting.name] = str(error)
        else:
            results[setting.name] = found
    if not results:
        raise NoMatch("; ".join(f"{name}: {why}" for name, why in left_out.items()))
    for result in results.values():
        result.provenance["left_out"] = left_out
    return results
