"""Asking a trained network: the lists are those of the scores, by the protocol's rules; cells are
found, opened and refused.
"""

import dataclasses
import json
import math
import shutil

import numpy as np
import pytest

from bdlab import pixels, protocols, rules
from bdlab.evaluation import Scores
from bdlab.experiments import runs, sweeps
from bdlab.modality import BASE, Modality
from bdlab.protocols import draws
from bdlab.training import extract
from bdlab.training import setup as setups
from bdlab.training.setup import TrainingError
from bdlab.workbench.retrieval import search as retrieval
from tests.reference import evaluation as reference

V, I = BASE


@pytest.fixture(params=["regdb", "sysu"])
def tested(request):
    return request.getfixturevalue(f"tested_{request.param}")


def records(tested, rows):
    return [tested.setup.dataset.records[row] for row in rows]


class TestSearch:
    def test_its_scores_are_those_of_the_protocol(self, tested):
        for name, result in tested.results.items():
            for number, trial in enumerate(result.trials):
                found = tested.search(name, number).scores
                np.testing.assert_array_equal(found.first, trial.first)
                np.testing.assert_array_equal(found.ap, trial.ap)

    def test_every_list_is_that_of_the_loops(self, tested):
        for setting in tested.settings:
            search = tested.search(setting)
            for q in range(len(search.query)):
                asked, held = records(tested, [search.query[q]])[0], records(tested, search.gallery)
                rule = [search.unique and {asked.camera, g.camera} == {2, 3} for g in held]
                listed = reference.ranked_list(search.squared[q], rule)
                answer = search.answer(q)
                assert answer.places.tolist() == listed
                assert answer.right.tolist() == [held[g].identity == asked.identity for g in listed]
                np.testing.assert_allclose(
                    answer.distances**2, search.squared[q][listed], atol=1e-6
                )
                one = reference.one_query(
                    search.squared[q],
                    asked.identity,
                    [g.identity for g in held],
                    rule,
                    search.unique,
                )
                assert search.scores.first[q] == (-1 if one is None else one[0])
                assert answer.first == (
                    answer.right.tolist().index(True) if answer.right.any() else -1
                )

    def test_distances_are_those_of_the_features(self, tested):
        search = tested.search()
        q, g = 3, 5
        a, b = tested.feature(int(search.query[q])), tested.feature(int(search.gallery[g]))
        assert search.squared[q, g] == pytest.approx(float(((a - b) ** 2).sum()), abs=1e-5)

    def test_who_asks_whom(self, tested_regdb, tested_sysu):
        asks = {
            "v2t": V,
            "t2v": I,
            **dict.fromkeys(protocols.SYSU_SETTINGS, I),
            retrieval.REVERSE: V,
        }
        for tested in (tested_regdb, tested_sysu):
            for setting in tested.settings:
                search = tested.search(setting)
                assert {r.modality for r in records(tested, search.query)} == {asks[setting]}
                assert {r.modality for r in records(tested, search.gallery)} == set(BASE) - {
                    asks[setting]
                }
        assert "not in the protocol" in tested_sysu.settings[retrieval.REVERSE]
        assert retrieval.REVERSE not in tested_regdb.settings
        assert tested_sysu.trials(retrieval.REVERSE) == 1

    def test_without_the_camera_rule_other_lists_come_out(self, tested_sysu):
        """The broken variant."""
        search = tested_sysu.search("all-single")
        assert search.removed.any()
        broken = dataclasses.replace(search, removed=np.zeros_like(search.removed))
        assert not np.array_equal(broken.scores.ap, search.scores.ap, equal_nan=True)
        q = int(np.flatnonzero(search.removed.any(axis=1))[0])
        assert len(broken.answer(q).places) > len(search.answer(q).places)

    def test_the_drawn_gallery_is_asked(self, tested_sysu):
        infrared, visible = (tested_sysu.embedded[m] for m in (I, V))
        for number in (0, 3):
            drawn = draws.seeded_draw(visible, rules.SYSU["all-single"], number)
            np.testing.assert_array_equal(
                tested_sysu.search("all-single", number).gallery, tested_sysu.rows(V)[drawn]
            )
        assert not np.array_equal(
            tested_sysu.search("all-single", 0).gallery, tested_sysu.search("all-single", 3).gallery
        )
        assert len(infrared) == len(tested_sysu.search("all-single").query)

    def test_re_ranked_lists_where_the_test_re_ranks(self, tested_regdb):
        config = tested_regdb.setup.config
        setup = dataclasses.replace(
            tested_regdb.setup,
            config=dataclasses.replace(config, test=dataclasses.replace(config.test, rerank=True)),
        )
        again = retrieval.test(setup)
        np.testing.assert_array_equal(
            again.search("v2t").scores.ap, again.results["v2t"].trials[0].ap
        )
        assert not np.array_equal(
            again.search("v2t").scores.ap, tested_regdb.search("v2t").scores.ap
        )

    def test_unknown_settings_and_trials_are_refused(self, tested_regdb, tested_sysu):
        with pytest.raises(ValueError, match="asked by v2t, t2v"):
            tested_regdb.search("all-single")
        with pytest.raises(ValueError, match="has 10, counted from 0"):
            tested_sysu.search("all-single", 10)
        with pytest.raises(ValueError, match="has 1, "):
            tested_sysu.search("reverse", 1)


class TestHardest:
    def test_the_worst_first_and_only_those_that_count(self, tested_sysu):
        search = tested_sysu.search("indoor-single")
        assert sorted(search.hardest) == np.flatnonzero(search.scores.valid).tolist()
        assert len(search.hardest) < len(search.query)
        keys = [(-search.scores.first[q], search.scores.ap[q]) for q in search.hardest]
        assert keys == sorted(keys)

    def test_it_is_not_the_order_of_the_files(self, tested_regdb):
        search = tested_regdb.search()
        assert search.hardest.tolist() != list(range(len(search.query)))


class TestCurves:
    def test_a_row_a_trial(self, tested_sysu):
        result = tested_sysu.results["all-single"]
        curves = retrieval.curves(result, 7)
        assert curves.shape == (10, 7)
        np.testing.assert_allclose(curves.mean(axis=0), result.cmc(7))
        np.testing.assert_allclose(curves[:, 0], [trial.summary()["R1"] for trial in result.trials])

    def test_beyond_the_list_it_stays(self):
        result = protocols.Result(
            [Scores(np.array([0, 1]), np.ones(2), np.ones(2), 2)], [], {}, np.arange(2)
        )
        np.testing.assert_array_equal(retrieval.curves(result, 4), [[0.5, 1, 1, 1]])

    def test_the_interval_of_two_known_trials(self):
        mean, half = retrieval.interval(np.array([[0.4], [0.6]]))
        assert mean == pytest.approx([0.5])
        # t of one degree of freedom, at 97.5 %
        assert half == pytest.approx([12.7062 * 0.1], rel=1e-4)

    def test_one_trial_has_no_interval(self):
        assert retrieval.interval(np.array([[0.4, 0.5]]))[1] is None

    def test_a_guess_is_what_counting_gives(self, tested_regdb):
        search = tested_regdb.search("v2t")
        count, right = len(search.gallery), 4
        exact = [1 - math.comb(count - right, k) / math.comb(count, k) for k in range(1, 6)]
        # 640 draws: a standard deviation of 0.02 at most
        np.testing.assert_allclose(search.guess(5), exact, atol=0.06)

    def test_a_guess_counts_people_where_the_protocol_does(self, tested_sysu):
        search = tested_sysu.search("all-multi")
        pictures = dataclasses.replace(search, unique=False)
        assert (search.guess(4) >= pictures.guess(4)).all()
        assert search.guess(4)[3] > pictures.guess(4)[3] + 0.02


@pytest.fixture(scope="module")
def made(own_place, tmp_path_factory):
    """(runs folder, configuration, the cell trained there, what was said)."""
    out, said = tmp_path_factory.mktemp("runs"), []
    config = sweeps.configure(
        "table4", "MDL4", "smoke", "synthetic-regdb", {"epochs": 1, "steps": 2}
    )
    return out, config, retrieval.trained(out, config, said.append), said


class TestCells:
    def test_it_is_trained_once_then_found(self, made):
        out, config, place, said = made
        assert runs.check(place) is None
        assert [line.split()[:2] for line in said] == [["epoch", "1/1"]]
        again = []
        assert retrieval.trained(out, config, again.append) == place
        assert again == []
        assert list((out / ".attempts").glob("*/*")) == []

    def test_another_seed_split_or_data_is_not_it(self, made):
        out, config, place, _ = made
        fingerprint = next(runs.committed(out))[1]["provenance"]["fingerprint"]
        assert retrieval.find(out, config, fingerprint) == place
        other = sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb", {"seed": 1})
        assert retrieval.find(out, other, fingerprint) is None
        assert retrieval.find(out, config, "0" * 64) is None
        assert retrieval.find(out / "nowhere", config, fingerprint) is None

    def test_its_own_row_comes_first_then_the_most_modalities(self, made, tmp_path):
        _, config, place, _ = made
        fingerprint = json.loads((place / "result.json").read_text())["provenance"]["fingerprint"]
        for name, row, modalities in (
            ("a", "B2", "V I"),
            ("b", "MDL3", "V I DV DI"),
            ("c", "MDL4", "V I DV DI"),
        ):
            shutil.copytree(place, tmp_path / name)
            result = json.loads((place / "result.json").read_text())
            result["params"] |= {"row": row, "modalities": modalities}
            (tmp_path / name / "params.json").write_text(json.dumps(result["params"]))
            (tmp_path / name / "result.json").write_text(json.dumps(result))
        assert retrieval.find(tmp_path, config, fingerprint).name == "c"
        shutil.rmtree(tmp_path / "c")
        assert retrieval.find(tmp_path, config, fingerprint).name == "b"

    def test_opened_again_it_scores_the_same(self, made):
        _, _, place, _ = made
        kept = json.loads((place / "result.json").read_text())["scores"]
        tested = retrieval.reopen(place)
        assert {name: result.mean for name, result in tested.results.items()} == {
            name: s["mean"] for name, s in kept.items()
        }
        assert set(tested.embedded) == set(Modality)
        assert not tested.setup.net.training

    def test_other_data_are_refused(self, made, tmp_path):
        shutil.copytree(made[2], tmp_path / "cell")
        result = json.loads((made[2] / "result.json").read_text())
        result["provenance"]["fingerprint"] = "0" * 64
        result["provenance"]["data"]["twin"]["seed"] = 7
        (tmp_path / "cell" / "result.json").write_text(json.dumps(result))
        with pytest.raises(TrainingError, match="fingerprints differ"):
            retrieval.reopen(tmp_path / "cell")

    def test_people_of_the_same_recipe_are_asked_with_a_warning(self, made, tmp_path):
        """As where another kind of processor rendered them."""
        shutil.copytree(made[2], tmp_path / "cell")
        result = json.loads((made[2] / "result.json").read_text())
        result["provenance"]["fingerprint"] = "0" * 64
        (tmp_path / "cell" / "result.json").write_text(json.dumps(result))
        with pytest.warns(UserWarning, match="another kind of processor"):
            tested = retrieval.reopen(tmp_path / "cell")
        assert tested.results["v2t"].mean == result["scores"]["v2t"]["mean"]

    def test_a_damaged_or_absent_cell_is_refused(self, made, tmp_path):
        with pytest.raises(
            TrainingError, match=r"nowhere: no finished cell, params.json is missing"
        ):
            retrieval.reopen(tmp_path / "nowhere")
        shutil.copytree(made[2], tmp_path / "cell")
        weights = bytearray((tmp_path / "cell" / "weights.pt").read_bytes())
        weights[len(weights) // 2] ^= 1
        (tmp_path / "cell" / "weights.pt").write_bytes(weights)
        with pytest.raises(TrainingError, match="damaged"):
            retrieval.reopen(tmp_path / "cell")

    def test_the_papers_sizes_are_not_trained_here(self, tmp_path):
        config = sweeps.configure("table4", "MDL4", "paper", "synthetic-regdb", {"size": "smoke"})
        with pytest.raises(
            TrainingError,
            match="bdlab train MDL4 --data synthetic-regdb --preset paper --splits 1 --seeds 0",
        ):
            retrieval.trained(tmp_path, config)
        assert list(tmp_path.iterdir()) == []


def test_derivative_streams_are_embedded_as_the_net_does(tested_sysu):
    """By hand for one picture each; a base modality's stem would give something else (the broken
    variant).
    """
    setup = tested_sysu.setup
    for m in (Modality.DV, Modality.DI):
        row = int(tested_sysu.rows(m)[2])
        x = pixels.normalise(setup.bank.pictures[row : row + 1])
        made = setup.net.derive({m.parent: x})[m]
        np.testing.assert_allclose(
            tested_sysu.embedded[m].features[2], setup.net.embed(made, m)[0].detach(), atol=1e-5
        )
        assert not np.allclose(
            tested_sysu.embedded[m].features[2],
            setup.net.embed(made, m.parent)[0].detach(),
            atol=1e-3,
        )
        assert tested_sysu.embedded[m].keys == tested_sysu.embedded[m.parent].keys


def test_a_network_without_derivatives_is_asked_too(own_place):
    config = sweeps.configure("table4", "B2", "smoke", "synthetic-regdb")
    tested = retrieval.test(setups.prepare(config, device="cpu", progress=False))
    assert set(tested.embedded) == set(BASE)
    np.testing.assert_array_equal(
        tested.embedded[V].features, extract.embed(tested.setup)[V].features
    )
