"""SYSU-MM01 and RegDB against loops: every setting, both draws, the camera rule, invalid queries,
counts, chance.
"""

import json
import random

import numpy as np
import pytest
import torch

from bdlab import protocols
from bdlab.evaluation import Embedded, NoMatch
from tests.reference import evaluation as loops

SETTINGS = [(mode, shots) for mode in ("all", "indoor") for shots in (1, 10)]


def tiny(seed=0, ids=7, absent=0.25, ties=True, indoor_gaps=True):
    """Query and gallery with integer features (ties, exact distances), gaps, shuffled rows, keys
    out of row order.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for cameras, most in (((3, 6), 4), ((1, 2, 4, 5), 14)):
        who = [
            (identity, camera, f"cam{camera}/{identity:04d}/{number:04d}.jpg")
            for identity in range(3, 3 + ids)
            for camera in cameras
            if rng.random() > absent and not (indoor_gaps and identity == 3 and camera in (1, 2))
            for number in range(1, rng.integers(2, most + 1))
        ]
        who = [who[n] for n in rng.permutation(len(who))]
        ids_, cams, keys = map(list, zip(*who, strict=True))
        features = (
            rng.integers(-2, 3, (len(who), 3)).astype(float)
            if ties
            else rng.standard_normal((len(who), 3))
        )
        parts.append(
            {"features": features, "ids": np.array(ids_), "cameras": np.array(cams), "keys": keys}
        )
    return parts


def permutations_of(gallery, trials=10, seed=0, first=1):
    rng, table = np.random.default_rng(seed), {}
    for identity, camera in zip(gallery["ids"].tolist(), gallery["cameras"].tolist(), strict=True):
        n = int(((gallery["ids"] == identity) & (gallery["cameras"] == camera)).sum())
        rows = np.array([rng.permutation(n) + first for _ in range(trials)])
        table.setdefault(camera, {}).setdefault(identity, rows)
    return table


def agree(trials, expected):
    for found, loop in zip(trials, expected, strict=True):
        np.testing.assert_array_equal(found.valid, loop["valid"])
        np.testing.assert_allclose(found.cmc, loop["cmc"], atol=1e-12, rtol=0)
        np.testing.assert_allclose(
            [found.mAP, found.mINP], [loop["mAP"], loop["mINP"]], atol=1e-12, rtol=0
        )


@pytest.mark.parametrize(("mode", "shots"), SETTINGS)
@pytest.mark.parametrize("seed", range(4))
def test_sysu_agrees_with_the_loops(mode, shots, seed):
    query, gallery = tiny(seed)
    if seed == 3:
        gallery["keys"] = None  # row order
    a, b = Embedded(**query), Embedded(**gallery)
    result = protocols.sysu(a, b, mode, shots, trials=4)
    for trial, rows in enumerate(result.draws):
        assert rows.tolist() == loops.sysu_draw(
            gallery["ids"], gallery["cameras"], gallery["keys"], trial, mode, shots
        )
    agree(result.trials, loops.sysu(query, gallery, mode, shots, trials=4))
    if seed != 3:
        table = permutations_of(gallery)
        official = protocols.sysu(a, b, mode, shots, "official", table, trials=3)
        agree(
            official.trials, loops.sysu(query, gallery, mode, shots, trials=3, permutations=table)
        )
        assert official.provenance["draw"] == "official"
        assert result.provenance["draw"] == "seeded"


def test_sysu_from_given_distances_and_tensors():
    query, gallery = tiny(1)
    tensors = [
        Embedded(
            torch.from_numpy(p["features"]), torch.from_numpy(p["ids"]), p["cameras"], p["keys"]
        )
        for p in (query, gallery)
    ]
    plain = protocols.sysu(Embedded(**query), Embedded(**gallery))
    d = loops.squared_distances(query["features"], gallery["features"])
    for other in (
        protocols.sysu(*tensors),
        protocols.sysu(Embedded(**query), Embedded(**gallery), distances=d),
    ):
        assert other.mean == plain.mean
        assert other.provenance == plain.provenance
    with pytest.raises(ValueError, match="distances have shape"):
        protocols.sysu(*tensors, distances=d.T)


def loop_trial(query, gallery, rows, rule=loops.sysu_excluded, unique_ids=True):
    d = loops.squared_distances(query["features"], gallery["features"][rows])
    mask = rule(query["cameras"], gallery["cameras"][rows])
    return [loops.scores(d, query["ids"], gallery["ids"][rows], mask, unique_ids)]


def no_camera_rule(query_cameras, gallery_cameras):
    return np.zeros((len(query_cameras), len(gallery_cameras)), dtype=bool)


def swapped_camera_rule(query_cameras, gallery_cameras):
    return np.array([[q == 6 and g == 2 for g in gallery_cameras] for q in query_cameras])


@pytest.mark.parametrize(
    "broken", ["no rule", "swapped rule", "all pictures in CMC", "another trial", "file order"]
)
def test_the_comparison_would_notice(broken):
    query, gallery = tiny(5, ids=9, ties=False)
    result = protocols.sysu(Embedded(**query), Embedded(**gallery), "all", 10, trials=1)
    rows = result.draws[0]
    agree(result.trials, loop_trial(query, gallery, rows))
    draw = (gallery["ids"], gallery["cameras"])
    wrong = {
        "no rule": lambda: loop_trial(query, gallery, rows, no_camera_rule),
        "swapped rule": lambda: loop_trial(query, gallery, rows, swapped_camera_rule),
        "all pictures in CMC": lambda: loop_trial(query, gallery, rows, unique_ids=False),
        "another trial": lambda: loop_trial(
            query, gallery, loops.sysu_draw(*draw, gallery["keys"], 1, "all", 10)
        ),
        "file order": lambda: loop_trial(
            query, gallery, loops.sysu_draw(*draw, None, 0, "all", 10)
        ),
    }[broken]()
    with pytest.raises(AssertionError):
        agree(result.trials, wrong)


def test_a_camera_3_query_skips_all_of_camera_2():
    # The nearest picture is camera 2's, of another identity; the only match of the second query is
    # camera 2's.
    gallery = Embedded([[0.0], [5.0], [1.0]], [2, 1, 2], [2, 2, 1])
    from_3 = protocols.sysu(Embedded([[0.1], [0.1]], [2, 1], [3, 3]), gallery, trials=1).trials[0]
    from_6 = protocols.sysu(Embedded([[0.1], [0.1]], [2, 1], [6, 6]), gallery, trials=1).trials[0]
    assert from_3.valid.tolist() == [True, False]
    assert from_6.valid.tolist() == [True, True]
    assert from_3.ap[0] == 1
    assert np.isnan(from_3.ap[1])
    assert from_3.mAP == 1
    assert from_6.first.tolist() == [0, 1]
    assert from_6.ap[1] == 1 / 3


def test_the_global_generators_stay_where_they_are():
    def states():
        return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002

    before = states()
    query, gallery = (Embedded(**part) for part in tiny(0))
    first = protocols.evaluate("sysu", gallery, query)
    assert before == states()
    random.seed(99)
    again = protocols.evaluate("sysu", gallery, query)
    assert {name: r.to_json() for name, r in first.items()} == {
        name: r.to_json() for name, r in again.items()
    }


def test_regdb_directions():
    rng = np.random.default_rng(0)
    visible, thermal = (
        Embedded(
            rng.integers(-2, 3, (n, 3)).astype(float),
            np.concatenate([np.arange(6), rng.integers(0, 9, n - 6)]),
        )
        for n in (30, 41)
    )
    for direction, (query, gallery) in {
        "v2t": (visible, thermal),
        "t2v": (thermal, visible),
    }.items():
        result = protocols.regdb(visible, thermal, direction)
        expected = loops.scores(
            loops.squared_distances(query.features, gallery.features), query.ids, gallery.ids
        )
        agree(result.trials, [expected])
        assert result.draws[0].tolist() == list(range(len(gallery)))
        assert set(result.std.values()) == {0.0}
        assert result.provenance["queries"] == len(query)
        assert result.provenance["direction"] == direction
        other = protocols.regdb(visible, thermal, {"v2t": "t2v", "t2v": "v2t"}[direction])
        with pytest.raises(AssertionError):
            agree(other.trials, [expected])
    with pytest.raises(ValueError, match="direction"):
        protocols.regdb(visible, thermal, "visible2thermal")


def test_evaluate_and_json():
    query, gallery = (Embedded(**part) for part in tiny(2))
    found = protocols.evaluate("sysu", gallery, query, notes={"feature": "bn"}, trials=3)
    assert list(found) == ["all-single", "all-multi", "indoor-single", "indoor-multi"]
    for name, result in found.items():
        alone = protocols.sysu(query, gallery, *protocols.SYSU_SETTINGS[name], trials=3)
        assert result.mean == alone.mean
        assert result.std == alone.std
        text = json.loads(json.dumps(result.to_json(), allow_nan=False))
        assert text["provenance"]["feature"] == "bn"
        assert text["provenance"]["reranking"] == "none"
        assert len(text["trials"]) == 3
        assert len(text["cmc"]) <= 50
        assert (
            text["cmc"][0]
            == text["mean"]["R1"]
            == pytest.approx(np.mean([t["R1"] for t in text["trials"]]))
        )
        assert set(text["mean"]) == set(text["std"]) == {"R1", "R5", "R10", "R20", "mAP", "mINP"}
        people = text["by_identity"]
        assert sum(people["queries"]) == text["provenance"]["valid_queries"]
        for metric in ("R1", "mAP"):
            assert np.average(people[metric], weights=people["queries"]) == pytest.approx(
                text["mean"][metric], abs=1e-5
            )
    assert list(protocols.evaluate("regdb", gallery, query)) == ["v2t", "t2v"]
    with pytest.raises(ValueError, match="unknown protocol"):
        protocols.evaluate("market", gallery, query)


def test_a_setting_that_cannot_be_evaluated_is_named():
    query, gallery = Embedded(np.eye(2), [1, 2], [3, 6]), Embedded(np.eye(2), [1, 2], [4, 5])
    found = protocols.evaluate("sysu", gallery, query, trials=2)
    assert list(found) == ["all-single", "all-multi"]
    assert set(found["all-single"].provenance["left_out"]) == {"indoor-single", "indoor-multi"}
    with pytest.raises(NoMatch, match="indoor-single"):
        protocols.evaluate("sysu", Embedded(np.eye(2), [8, 9], [4, 1]), query)


def test_reranking_is_per_trial_and_labelled():
    query, gallery = (Embedded(**part) for part in tiny(2, ties=False))
    result = protocols.sysu(query, gallery, trials=2, rerank=True)
    assert "k-reciprocal" in result.provenance["reranking"]
    assert result.provenance["valid_queries"] > 0
    d = loops.rerank(query.features, gallery.features[result.draws[1]])
    mask = loops.sysu_excluded(query.cameras, gallery.cameras[result.draws[1]])
    expected = loops.scores(d, query.ids, gallery.ids[result.draws[1]], mask, True)
    assert result.trials[1].mAP == pytest.approx(expected["mAP"], abs=1e-9)
    assert "k-reciprocal" in protocols.regdb(gallery, query, rerank=True).provenance["reranking"]
    assert len(protocols.evaluate("sysu", gallery, query, trials=1, rerank=True)) == 4
    with pytest.raises(ValueError, match="re-ranking"):
        protocols.sysu(query, gallery, rerank=True, distances=np.zeros((len(query), len(gallery))))


def sysu_shaped():
    """A layout with SYSU-MM01's counts: 56 identities in cameras 1 and 2, 189 pairs of the 96 and
    camera 4 or 5 (so 301 pairs, 12 pictures each), 3,803 queries of which 2,208 are of the 56.
    """
    gallery = [(i, c) for i in range(56) for c in (1, 2)] + [
        (i, c) for i in range(1, 96) for c in (4, 5)
    ][:189]
    query = [
        (i % 56 if n < 2208 else 56 + i % 40, 3 if n % 2 else 6) for n, i in enumerate(range(3803))
    ]
    ids, cameras = np.repeat(np.array(gallery), 12, axis=0).T
    return np.array(query).T, ids, cameras


def test_published_counts_and_chance():
    (query_ids, query_cameras), ids, cameras = sysu_shaped()
    rng = np.random.default_rng(0)
    query = Embedded(rng.standard_normal((3803, 8)).astype(np.float32), query_ids, query_cameras)
    gallery = Embedded(rng.standard_normal((len(ids), 8)).astype(np.float32), ids, cameras)
    d = rng.random((3803, len(ids)), dtype=np.float32)
    found = protocols.evaluate("sysu", gallery, query, expect=True, distances=d)
    assert [r.provenance["gallery"] for r in found.values()] == [301, 3010, 112, 1120]
    assert all(
        r.provenance["queries"] == 3803 and r.provenance["published_counts"] for r in found.values()
    )
    assert found["indoor-single"].provenance["valid_queries"] == 2208
    # The notes' simulation on the real layout: 1.1 / 3.0 and 1.8 / 6.8 per cent; this layout is
    # near it, not the same.
    all_, indoor = found["all-single"].mean, found["indoor-single"].mean
    assert all_["R1"] == pytest.approx(0.011, abs=0.002)
    assert all_["mAP"] == pytest.approx(0.030, abs=0.006)
    assert indoor["R1"] == pytest.approx(0.018, abs=0.003)
    assert indoor["mAP"] == pytest.approx(0.068, abs=0.006)
    fewer = Embedded(query.features[1:], query_ids[1:], query_cameras[1:])
    with pytest.raises(ValueError, match="queries 3,802, published 3,803"):
        protocols.sysu(fewer, gallery, expect=True, distances=d[1:])
    assert not protocols.sysu(fewer, gallery, distances=d[1:]).provenance["published_counts"]


def test_chance_on_regdb():
    ids, rng = np.repeat(np.arange(206), 10), np.random.default_rng(0)
    visible = Embedded(rng.standard_normal((2060, 2)), ids)
    mean = protocols.regdb(
        visible, visible, distances=rng.random((2060, 2060), dtype=np.float32)
    ).mean
    assert mean["R1"] == pytest.approx(0.005, abs=0.005)
    assert mean["mAP"] == pytest.approx(0.008, abs=0.002)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "outdoor"}, "mode = 'outdoor'"),
        ({"shots": 5}, "shots = 5"),
        ({"draw": "random"}, "draw = 'random'"),
        ({"trials": 0}, "trials = 0"),
        ({"draw": "official"}, "belong together"),
        ({"permutations": {}}, "belong together"),
    ],
)
def test_bad_settings(options, message):
    query, gallery = (Embedded(**part) for part in tiny(0))
    with pytest.raises(ValueError, match=message):
        protocols.sysu(query, gallery, **options)


def test_bad_cameras():
    good, other = Embedded(np.eye(2), [1, 2], [3, 6]), Embedded(np.eye(2), [1, 2], [1, 2])
    with pytest.raises(ValueError, match="query has no cameras"):
        protocols.sysu(Embedded(np.eye(2), [1, 2]), other)
    with pytest.raises(ValueError, match=r"gallery has pictures of cameras \[3, 6\]"):
        protocols.sysu(good, good)
    with pytest.raises(ValueError, match=r"query has pictures of cameras \[7\]"):
        protocols.sysu(Embedded(np.eye(2), [1, 2], [3, 7]), other)


#: Sets of one's own under SYSU-MM01's protocol: the cameras of the visible and infrared pictures.
UNFIT = {
    "no cameras": (None, None),
    "nobody numbered them": ([0, 0], [0, 0]),
    "one of each, by place": ([1, 1], [2, 2]),
    "one of each, and the rule leaves nothing": ([2, 2], [3, 3]),
}


@pytest.mark.parametrize(("visible", "infrared"), UNFIT.values(), ids=UNFIT)
@pytest.mark.parametrize("protocol", ["sysu", "llcm"])
def test_a_protocol_that_does_not_fit_names_the_one_that_does(protocol, visible, infrared):
    sides = [Embedded(np.eye(2), [1, 2], cameras) for cameras in (visible, infrared)]
    if protocol == "llcm" and visible not in (None, [0, 0]):
        sides = [Embedded(np.eye(2), [1, 2], [1, 1])] * 2
    with pytest.raises(ValueError, match=r"protocols\.evaluate\('regdb', visible, infrared\)"):
        protocols.evaluate(protocol, *sides, trials=1)
    assert list(protocols.evaluate("regdb", *sides)) == ["v2t", "t2v"], "the remedy works"


@pytest.mark.parametrize("direction", ["t2v", "v2t", "v2t-as-code"])
def test_llcm_agrees_with_the_loops(direction):
    """Cameras shared by both modalities, queries whose only match is their own camera's."""
    rng = np.random.default_rng(7)
    sides = {}
    for modality, cameras in (("V", range(1, 10)), ("I", (1, 2, 4, 5, 6, 7, 8, 9))):
        who = [
            (i, c, k) for i in range(1, 7) for c in cameras if rng.random() < 0.4 for k in (1, 2)
        ]
        ids, cams, number = np.array([who[n] for n in rng.permutation(len(who))]).T
        keys = [f"cam{c}/{i:04d}/{k:04d}.jpg" for i, c, k in zip(ids, cams, number, strict=True)]
        features = rng.integers(-2, 3, (len(ids), 3)).astype(float)
        sides[modality] = Embedded(features, ids, cams, keys)
    result = protocols.llcm(sides["V"], sides["I"], direction, trials=2)
    visible_asks = direction == "v2t"
    query, gallery = (sides["V"], sides["I"]) if visible_asks else (sides["I"], sides["V"])
    drawn = query if direction == "v2t-as-code" else gallery
    for trial in range(2):
        generator, rows = random.Random(trial), []
        for who in sorted(set(zip(drawn.ids.tolist(), drawn.cameras.tolist(), strict=True))):
            files = [r for r in range(len(drawn)) if (drawn.ids[r], drawn.cameras[r]) == who]
            rows.append(generator.choice(sorted(files, key=drawn.keys.__getitem__)))
        everyone = {"query": list(range(len(query))), "gallery": list(range(len(gallery)))}
        everyone["query" if drawn is query else "gallery"] = rows
        asked, listed = everyone["query"], everyone["gallery"]
        same = [
            [query.ids[q] == gallery.ids[g] and query.cameras[q] == gallery.cameras[g]
             for g in listed]
            for q in asked
        ]  # fmt: skip
        distances = loops.squared_distances(query.features[asked], gallery.features[listed])
        expected = loops.scores(
            distances, query.ids[asked], gallery.ids[listed], np.array(same), unique_ids=True
        )
        agree([result.trials[trial]], [expected])
        broken = loops.scores(
            distances, query.ids[asked], gallery.ids[listed], None, unique_ids=True
        )
        with pytest.raises(AssertionError):
            agree([result.trials[trial]], [broken])


def test_what_differs_is_named():
    query, gallery = (Embedded(**part) for part in tiny(2))
    result = protocols.sysu(query, gallery, trials=1, unlike=["a set of one's own"])
    assert result.provenance["published_counts"] is False
    assert result.provenance["unlike_published"][0] == "a set of one's own"
    assert any("published 3,803" in words for words in result.provenance["unlike_published"])
    ids = np.repeat(np.arange(206), 10)
    everybody = Embedded(np.random.default_rng(0).standard_normal((2060, 2)), ids)
    whole = protocols.regdb(everybody, everybody).provenance
    assert (whole["published_counts"], whole["unlike_published"]) == (True, [])
    named = protocols.regdb(everybody, everybody, unlike=["split drawn"]).provenance
    assert (named["published_counts"], named["unlike_published"]) == (False, ["split drawn"])
    part = protocols.regdb(everybody, Embedded(everybody.features[:600], ids[:600])).provenance
    assert part["unlike_published"] == [
        "gallery 600, published 2,060",
        "valid queries 600, published 2,060",
    ]
