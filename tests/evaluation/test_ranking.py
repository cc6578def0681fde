"""Ranks, CMC, mAP and mINP against loops; ties; bad input; the streamed path; re-ranking."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdlab import evaluation
from bdlab.evaluation import Embedded, NoMatch, counting, device, ranking
from bdlab.evaluation.gallery import Gallery
from bdlab.evaluation.rerank import rerank
from tests.reference import evaluation as loops


def case(seed, ties=False, excluded=True, ids=9, most=60, dtype=np.float64):
    rng = np.random.default_rng(seed)
    queries, gallery = rng.integers(1, 30), rng.integers(1, most)
    d = (
        rng.integers(0, 4, (queries, gallery)).astype(dtype)
        if ties
        else rng.random((queries, gallery)).astype(dtype)
    )
    query_ids, gallery_ids = rng.integers(0, ids, queries), rng.integers(0, ids, gallery)
    query_ids[0] = gallery_ids[0]  # one match at least ...
    mask = rng.random(d.shape) < 0.3 if excluded else None
    if excluded:
        mask[0, 0] = False  # ... that stays
    return d, query_ids, gallery_ids, mask


def agree(found, expected, tolerance=1e-12):
    np.testing.assert_array_equal(found.valid, expected["valid"])
    np.testing.assert_allclose(found.cmc, expected["cmc"], atol=tolerance, rtol=0)
    np.testing.assert_allclose(
        [found.mAP, found.mINP], [expected["mAP"], expected["mINP"]], atol=tolerance, rtol=0
    )


@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize("excluded", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_agrees_with_the_loops(ties, excluded, unique):
    for seed in range(60):
        d, q, g, mask = case(
            seed, ties, excluded, ids=2 + seed % 12, dtype=[np.float64, np.float32][seed % 2]
        )
        expected = loops.scores(d, q, g, mask, unique)
        agree(evaluation.scores(d, q, g, mask, unique), expected)
        agree(
            evaluation.scores(torch.from_numpy(d), torch.from_numpy(q), list(g), mask, unique),
            expected,
        )


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(1, 6), st.integers(1, 12), st.booleans())
def test_any_small_matrix(data, queries, gallery, unique):
    def draw(low, high, *shape):
        size = int(np.prod(shape))
        return np.array(
            data.draw(st.lists(st.integers(low, high), min_size=size, max_size=size))
        ).reshape(shape)

    d, q, g = draw(-2, 2, queries, gallery), draw(0, 3, queries), draw(0, 3, gallery)
    mask = draw(0, 1, queries, gallery).astype(bool)
    if not ((q[:, None] == g) & ~mask).any():
        with pytest.raises(NoMatch):
            evaluation.scores(d, q, g, mask, unique)
    else:
        agree(evaluation.scores(d, q, g, mask, unique), loops.scores(d, q, g, mask, unique))


@pytest.mark.parametrize("unique", [False, True])
def test_the_device_path_on_the_cpu(unique):
    for seed in range(30):
        d, q, g, mask = case(seed, ties=seed % 2 == 0)
        gallery = Gallery(g, np.arange(len(g))[None], unique)
        first, ap, inp = (
            value[:, 0] for value in device.rank_on_device(torch.from_numpy(d), q, gallery, mask)
        )
        agree(evaluation.Scores(first, ap, inp, len(g)), loops.scores(d, q, g, mask, unique))
        with pytest.raises(ValueError, match="NaN"):
            device.rank_on_device(
                torch.full((1, 2), torch.nan),
                q[:1],
                Gallery(g[:1].repeat(2), np.array([[0, 1]]), unique),
                None,
            )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
def test_the_device_path_on_a_device():
    d, q, g, mask = case(3, ties=True)
    agree(
        evaluation.scores(torch.from_numpy(d).cuda(), q, g, mask, True),
        loops.scores(d, q, g, mask, True),
    )


def test_blocks_of_queries_change_nothing(monkeypatch):
    d, q, g, mask = case(5, ties=True)
    whole = evaluation.scores(d, q, g, mask, True)
    monkeypatch.setattr(ranking, "_BLOCK_BYTES", 1)
    single = evaluation.scores(d, q, g, mask, True)
    for name in ("first", "ap", "inp"):
        np.testing.assert_allclose(getattr(whole, name), getattr(single, name), rtol=1e-14)


def test_draws_are_the_columns_scored_alone():
    rng = np.random.default_rng(0)
    d, q, g = rng.integers(0, 9, (20, 50)).astype(float), rng.integers(0, 5, 20), np.arange(50) % 5
    draws = [rng.permutation(50)[:n] for n in (50, 20, 30)]
    for unique in (False, True):
        for draw, found in zip(
            draws, evaluation.scores_of_draws(d, q, g, draws, unique_ids=unique), strict=True
        ):
            agree(found, loops.scores(d[:, draw], q, g[draw], None, unique))


@pytest.mark.parametrize("kind", ["numpy", "torch on the device path"])
@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_draws_ranked_together_are_the_draws_ranked_alone(ties, unique, kind):
    """SYSU-MM01's trials: the same sequence of identities, other pictures; and one draw among them
    that is like no other.
    """
    for seed in range(12):
        rng = np.random.default_rng(seed)
        g, q = np.repeat(rng.permutation(7), 6), rng.integers(0, 8, 25)
        q[0] = g[0]
        d = (rng.integers(0, 6, (25, 42)) if ties else rng.random((25, 42))).astype(np.float32)
        mask = np.logical_and(rng.random((25, 1)) < 0.5, rng.random(42) < 0.2)
        mask[0] = False
        draws = [
            np.concatenate([rng.permutation(6)[:2] + 6 * n for n in range(7)]) for _ in range(4)
        ]
        draws.insert(2, rng.permutation(42)[:30])
        if kind == "numpy":
            found = evaluation.scores_of_draws(d, q, g, draws, mask, unique)
        else:
            alone = [
                Gallery(g, np.stack([draws[n] for n in group]), unique)
                for group in ([0, 1, 3, 4], [2])
            ]
            parts = [
                device.rank_on_device(torch.from_numpy(d), q, gallery, mask) for gallery in alone
            ]
            columns = [[value[:, n] for value in parts[0]] for n in range(4)]
            columns.insert(2, [value[:, 0] for value in parts[1]])
            found = [
                evaluation.Scores(*column, len(draw))
                for column, draw in zip(columns, draws, strict=True)
            ]
        for one, draw in zip(found, draws, strict=True):
            agree(one, loops.scores(d[:, draw], q, g[draw], mask[:, draw], unique))


def test_draws_of_other_identities_are_not_ranked_together():
    """The broken variant: the second draw's pictures under the first draw's identities give other
    scores.
    """
    d, q, g = np.arange(12.0).reshape(2, 6), np.array([0, 1]), np.array([0, 0, 1, 1, 2, 2])
    draws = [np.array([0, 2, 4]), np.array([4, 2, 0])]
    right = evaluation.scores_of_draws(d, q, g, draws)
    mixed = counting.rank_block(d, q, Gallery(g, np.stack(draws), False), None)
    assert [s.first.tolist() for s in right] == [[0, 1], [0, 1]]
    assert mixed[0].T.tolist() != [[0, 1], [0, 1]]


def test_by_hand():
    # Ranked: id 2, 1, 2, 1 -> AP = (1/2 + 2/4) / 2, INP = 2/4, first match second; identities
    # listed once: 2, 1.
    s = evaluation.scores([[0.2, 0.1, 0.4, 0.3]], [1], [1, 2, 1, 2])
    assert s.mAP == 0.5
    assert s.mINP == 0.5
    assert s.rank(1) == 0
    assert s.rank(2) == 1 == s.rank(99)
    assert s.cmc.tolist() == [0, 1, 1, 1]
    s = evaluation.scores([[0.5, 0.1, 0.2, 0.3]], [1], [1, 2, 2, 3], unique_ids=True)
    assert s.first.tolist() == [2]
    assert s.mAP == 0.25
    assert s.summary() == {"R1": 0, "R5": 1, "R10": 1, "R20": 1, "mAP": 0.25, "mINP": 0.25}


def test_an_earlier_row_wins_a_tie():
    assert evaluation.scores([[1.0, 1.0]], [7], [7, 8]).rank(1) == 1
    assert evaluation.scores([[1.0, 1.0]], [7], [8, 7]).rank(1) == 0


def test_float32_is_not_rounded_away():
    close = np.float32(1) + np.finfo(np.float32).eps * np.arange(2, dtype=np.float32)[::-1]
    assert evaluation.scores(close[None], [7], [8, 7]).rank(1) == 1
    assert evaluation.scores(torch.from_numpy(close[None]), [7], [8, 7]).rank(1) == 1


def broken_unstable(d, q, g, mask):
    return loops.scores(d[:, ::-1], q, g[::-1], mask[:, ::-1])  # equals in reverse order


def broken_counts_invalid(d, q, g, mask):
    s = loops.scores(d, q, g, mask)
    return s | {"mAP": s["mAP"] * s["valid"].mean()}


def broken_keeps_excluded(d, q, g, mask):
    return loops.scores(d, q, g)


def broken_deduplicates_for_map(d, q, g, mask):
    return loops.scores(d, q, g, mask, unique_ids=True)


@pytest.mark.parametrize(
    "broken",
    [broken_unstable, broken_counts_invalid, broken_keeps_excluded, broken_deduplicates_for_map],
)
def test_the_comparison_would_notice(broken):
    d, q, g, mask = case(2, ties=True, ids=12)
    agree(evaluation.scores(d, q, g, mask), loops.scores(d, q, g, mask))
    with pytest.raises(AssertionError):
        agree(evaluation.scores(d, q, g, mask), broken(d, q, g, mask))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distances": np.array([[0.0, np.nan]])}, "NaN"),
        ({"distances": np.array([[0.0, -np.inf]])}, "NaN or inf"),
        ({"distances": np.zeros(2)}, "shape"),
        ({"distances": np.zeros((0, 2))}, "shape"),
        ({"distances": np.zeros((1, 2), dtype=complex)}, "complex"),
        ({"distances": np.array([["a", "b"]])}, "real numbers"),
        ({"query_ids": [1, 2]}, "query_ids"),
        ({"gallery_ids": [[1, 2]]}, "gallery_ids"),
        ({"gallery_ids": [1.0, 2.0]}, "integers"),
        ({"gallery_ids": [True, False]}, "integers"),
        ({"excluded": np.zeros((2, 1), dtype=bool)}, "excluded"),
        ({"excluded": np.zeros((1, 2), dtype=int)}, "excluded"),
        ({"excluded": np.ones((1, 2), dtype=bool)}, "no query has a match"),
        ({"query_ids": [5]}, "no query has a match"),
    ],
)
def test_bad_input(change, message):
    good = {"distances": np.array([[0.0, 1.0]]), "query_ids": [1], "gallery_ids": [1, 2]}
    with pytest.raises(ValueError, match=message):
        evaluation.scores(**good | change)


KINDS = [np.uint8, np.int8, np.int32, np.uint32, torch.uint8, torch.int32]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_ids_of_any_integers_are_the_same(kind):
    d = np.random.default_rng(0).random((4, 9))
    q, g = np.arange(4) % 3, np.arange(9) % 3
    as_kind = (lambda x: torch.tensor(x, dtype=kind)) if "torch" in str(kind) else kind
    found, same = evaluation.scores(d, as_kind(q), as_kind(g)), evaluation.scores(d, q, g)
    np.testing.assert_array_equal(found.ap, same.ap)


@pytest.mark.parametrize("names", [["anna", "bo"], np.array(["anna", "bo"], dtype=object)])
def test_text_is_refused_with_a_remedy_that_works(names):
    d = np.array([[0.2, 0.1, 0.9], [0.5, 0.7, 0.3]])
    remedy = r"np\.unique\(ids, return_inverse=True\)\[1\]"
    with pytest.raises(ValueError, match=remedy):
        Embedded(np.eye(2), names)
    with pytest.raises(ValueError, match=remedy):
        evaluation.scores(d, names, [1, 2, 1])
    gallery = ["bo", "bo", "anna"]
    codes = np.unique(np.concatenate([names, gallery]), return_inverse=True)[1]
    found = evaluation.scores(d, codes[:2], codes[2:])
    assert found.first.tolist() == [2, 1]
    apart = [np.unique(ids, return_inverse=True)[1] for ids in (names, ["bo", "carl", "carl"])]
    wrong = evaluation.scores(d, *apart)
    assert wrong.valid.all(), "the broken variant: each side numbered for itself finds wrong people"


@pytest.mark.parametrize(("ids", "remedy"), [([1.0, 2.0], True), ([1.5, 2.0], False)])
def test_whole_numbers_in_floats(ids, remedy):
    with pytest.raises(ValueError, match="integers are meant") as caught:
        Embedded(np.eye(2), ids)
    assert (".astype(int)" in str(caught.value)) == remedy


def test_an_excluded_distance_may_be_anything():
    mask = np.array([[False, True, True]])
    assert evaluation.scores([[0.0, np.nan, np.inf]], [1], [1, 2, 1], mask).mAP == 1


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"features": np.zeros(3)}, "shape"),
        ({"features": np.zeros((3, 0))}, "shape"),
        ({"features": np.full((3, 2), np.nan)}, "NaN"),
        ({"features": torch.full((3, 2), torch.inf)}, "NaN or inf"),
        ({"features": np.full((3, 2), "x")}, "real numbers"),
        ({"ids": [1, 2]}, "ids have shape"),
        ({"ids": ["1", "2", "3"]}, "integers"),
        ({"cameras": [1.0, 2.0, 3.0]}, "cameras are float64"),
        ({"keys": ["a", "b"]}, "2 keys"),
        ({"keys": ["a", "a", "c"]}, "given twice"),
    ],
)
def test_bad_embedded(bad, message):
    with pytest.raises(ValueError, match=message):
        Embedded(**{"features": np.ones((3, 2)), "ids": [1, 1, 2]} | bad)


def test_rank_starts_at_one():
    with pytest.raises(ValueError, match="start at 1"):
        evaluation.scores([[0.0]], [1], [1]).rank(0)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, "torch", "bfloat16"])
def test_distances(kind):
    rng = np.random.default_rng(0)
    a, b = rng.integers(-3, 4, (5, 4)), rng.integers(-3, 4, (7, 4))
    expected = loops.squared_distances(a, b)
    if isinstance(kind, str):
        turn = {"torch": torch.float32, "bfloat16": torch.bfloat16}[kind]
        a, b = torch.from_numpy(a).to(turn), torch.from_numpy(b).to(turn)
    else:
        a, b = a.astype(kind), b.astype(kind)
    np.testing.assert_array_equal(evaluation.distances(a, b, squared=True), expected)
    np.testing.assert_allclose(evaluation.distances(a, b, chunk=3), np.sqrt(expected), rtol=1e-6)
    assert evaluation.distances(a, b).dtype == (
        np.float32 if kind in (np.float32, "torch", "bfloat16") else np.float64
    )
    with pytest.raises(ValueError, match="width"):
        evaluation.distances(a, b[:, :2])


def test_topk():
    rng = np.random.default_rng(1)
    d, mask = rng.integers(0, 5, (8, 30)).astype(float), rng.random((8, 30)) < 0.2
    top = evaluation.topk(d, 6, mask)
    assert top.columns.tolist() == [
        loops.ranked_list(row, m)[:6] for row, m in zip(d, mask, strict=True)
    ]
    assert evaluation.topk(d, 99).columns.tolist() == [loops.ranked_list(row) for row in d]
    np.testing.assert_array_equal(np.take_along_axis(d, top.columns, 1), top.distances)
    with pytest.raises(ValueError, match="topk"):
        evaluation.topk(d, 0)


@pytest.mark.parametrize("unique", [False, True])
def test_streamed_ranking_is_the_dense_one(unique):
    for seed in range(25):
        rng = np.random.default_rng(seed)
        a, b = (
            rng.integers(-2, 3, (11, 3)).astype(np.float32),
            rng.integers(-2, 3, (60, 3)).astype(np.float32),
        )
        query, gallery = Embedded(a, rng.integers(0, 9, 11)), Embedded(b, rng.integers(1, 8, 60))
        d = evaluation.distances(a, b, squared=True)
        expected = loops.scores(d, query.ids, gallery.ids, unique_ids=unique)
        for chunk in (1, 7, 1000):
            found, top = evaluation.rank_large(
                query, gallery, k=9, chunk=chunk, unique_ids=unique, rows=4
            )
            agree(found, expected)
            assert top.columns.tolist() == [loops.ranked_list(row)[:9] for row in d]
            np.testing.assert_array_equal(top.distances, np.take_along_axis(d, top.columns, 1))


@pytest.mark.parametrize("unique", [False, True])
def test_a_rule_in_the_streamed_ranking_is_the_dense_ones_matrix(unique):
    for seed in range(25):
        rng = np.random.default_rng(seed)
        a = rng.integers(-2, 3, (11, 3)).astype(np.float32)
        b = rng.integers(-2, 3, (60, 3)).astype(np.float32)
        query, gallery = Embedded(a, rng.integers(0, 9, 11)), Embedded(b, rng.integers(1, 8, 60))
        d, mask = evaluation.distances(a, b, squared=True), rng.random((11, 60)) < 0.4
        expected = loops.scores(d, query.ids, gallery.ids, mask, unique)
        for chunk in (1, 7, 1000):
            found, top = evaluation.rank_large(
                query, gallery, 9, chunk, unique, 4, lambda q, g, mask=mask: mask[q, g]
            )
            agree(found, expected)
            for q, row in enumerate(top.columns):
                there = row[np.isfinite(top.distances[q])].tolist()
                assert there == loops.ranked_list(d[q], mask[q])[:9]
        free, _ = evaluation.rank_large(query, gallery, 9, 7, unique)
        assert not np.array_equal(free.ap, found.ap), "the broken variant: no rule"


def test_nobody_needs_a_match_query_by_query():
    query, gallery = Embedded(np.eye(2), [1, 2]), Embedded(np.eye(2), [3, 4])
    each, top = evaluation.ranked_large(query, gallery, 1, 10)
    assert each.first.tolist() == [-1, -1]
    assert top.columns.tolist() == [[0], [1]]
    with pytest.raises(NoMatch):
        evaluation.rank_large(query, gallery)


def test_streamed_ranking_of_a_memory_map(tmp_path):
    rng = np.random.default_rng(0)
    store = np.memmap(tmp_path / "gallery", np.float32, "w+", shape=(3000, 32))
    store[:] = rng.standard_normal(store.shape)
    query = Embedded(
        torch.from_numpy(rng.standard_normal((40, 32)).astype(np.float32)), rng.integers(0, 300, 40)
    )
    gallery = Embedded(store, rng.integers(0, 300, 3000))
    dense = evaluation.scores(
        evaluation.distances(query.features, store, squared=True), query.ids, gallery.ids
    )
    found, top = evaluation.rank_large(query, gallery, chunk=700)
    # Products of another shape may round differently: a place or two of 3,000, not the measure.
    assert abs(found.mAP - dense.mAP) < 1e-4
    assert top.columns.shape == (40, 20)
    store[5] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        evaluation.rank_large(query, gallery, chunk=700)
    with pytest.raises(ValueError, match="above 0"):
        evaluation.rank_large(query, gallery, k=0)


@pytest.mark.parametrize(("k1", "k2"), [(20, 6), (5, 3), (4, 1), (60, 6)])
def test_reranking_agrees_with_the_loops(k1, k2):
    rng = np.random.default_rng(k1)
    centres = rng.standard_normal((6, 5))
    a, b = (centres[rng.integers(0, 6, n)] + 0.5 * rng.standard_normal((n, 5)) for n in (14, 30))
    np.testing.assert_allclose(rerank(a, b, k1, k2), loops.rerank(a, b, k1, k2), atol=1e-9)
    np.testing.assert_allclose(
        rerank(torch.from_numpy(a), torch.from_numpy(b), k1, k2), rerank(a, b, k1, k2)
    )


def test_reranking_refuses():
    with pytest.raises(ValueError, match="lambda_"):
        rerank(np.eye(3), np.eye(3), lambda_=2.0)
    with pytest.raises(ValueError, match="k1"):
        rerank(np.eye(3), np.eye(3), k1=0)


def test_numpy_users_do_not_wait_for_torch():
    code = (
        "import sys; from bdlab import evaluation; evaluation.scores([[0.]], [1], [1]); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_quick_stable_order_is_the_stable_one(dtype):
    rng = np.random.default_rng(0)
    for values in (
        rng.integers(0, 5, (40, 33)),
        rng.random((40, 700)).round(2),
        np.zeros((3, 50)),
        np.ones((4, 1)),
    ):
        values = np.where(rng.random(values.shape) < 0.1, np.inf, values).astype(dtype)
        np.testing.assert_array_equal(
            counting._stable_order(values), np.argsort(values, axis=1, kind="stable")
        )
