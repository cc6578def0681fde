"""The numbers of the data notebook against numpy, the protocols and cases known by hand."""

import numpy as np
import pytest

from bdlab import datasets, protocols
from bdlab.evaluation import Embedded
from bdlab.modality import Modality
from bdlab.workbench import pictures
from bdlab.workbench.data import numbers
from tests.datasets import trees

V, I = Modality.V, Modality.I


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def lonely(dataset):
    """The same set with one person to test on."""
    from dataclasses import replace

    keep = dataset.identities("test")[0]
    return replace(
        dataset,
        records=tuple(r for r in dataset.records if r.split != "test" or r.identity == keep),
    )


class TestPixels:
    def test_correlation_is_numpys(self):
        a, b = noise(5, 8, 4), noise(5, 8, 4, seed=1)
        expected = [np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a, b, strict=True)]
        np.testing.assert_allclose(numbers.correlation(a, b), expected, atol=1e-12)

    def test_correlation_of_a_flat_picture_is_nothing(self):
        np.testing.assert_array_equal(
            numbers.correlation(np.full((2, 4, 4), 7), noise(2, 4, 4)), [0, 0]
        )


class TestSightings:
    def test_every_cell_is_that_person_by_that_camera(self, sysu):
        table = numbers.sightings(sysu, people=8, shots=2)
        assert table.ids == sysu.identities("test")
        assert table.columns == tuple(
            (m, c) for m, c in ((V, 1), (V, 2), (V, 4), (V, 5), (I, 3), (I, 6)) for _ in range(2)
        )
        seen = [row for line in table.cells for row in line if row is not None]
        assert len(seen) == len(set(seen))
        for identity, line in zip(table.ids, table.cells, strict=True):
            for column, row in zip(table.columns, line, strict=True):
                if row is not None:
                    r = sysu.records[row]
                    assert (r.identity, r.split, (r.modality, r.camera)) == (
                        identity,
                        "test",
                        column,
                    )
        assert any(row is None for line in table.cells for row in line), (
            "everybody was seen by all six cameras"
        )

    def test_it_turns_pages(self, regdb):
        ids = regdb.identities("test")
        assert numbers.sightings(regdb, people=3, first=2).ids == ids[2:5]
        assert numbers.sightings(regdb, people=3, first=len(ids) - 1).ids == ids[-1:]


class TestChannels:
    def test_partners_are_one_person_and_strangers_are_two(self, regdb):
        pairs = pictures.partners(regdb)
        assert len(pairs) == 8 * 4
        for v, i in pairs:
            assert (regdb.records[v].modality, regdb.records[i].modality) == (V, I)
            # the same number: one moment
            assert regdb.records[v].path.split("_")[-2:] == regdb.records[i].path.split("_")[-2:]
        others = numbers.strangers(regdb, pairs)
        assert [v for v, _ in others] == [v for v, _ in pairs]
        assert all(regdb.records[v].identity != regdb.records[i].identity for v, i in others)

    def test_many_pairs_are_thinned_evenly(self, regdb):
        some = pictures.partners(regdb, most=5)
        assert len(some) == 5
        assert (some[0], some[-1]) == (pictures.partners(regdb)[0], pictures.partners(regdb)[-1])

    def test_one_person_has_no_strangers(self, regdb):
        alone = lonely(regdb)
        assert numbers.strangers(alone, pictures.partners(alone)) == []
        assert set(numbers.agreement(alone)) == {
            "R–G",
            "G–B",
            "R–B",
            "luma–IR, one person",
            "edges–IR, one person",
        }

    def test_colours_agree_and_infrared_knows_its_own_person(self, regdb):
        found = {name: values.mean() for name, values in numbers.agreement(regdb).items()}
        assert min(found["R–G"], found["G–B"], found["R–B"]) > 0.75
        assert found["luma–IR, one person"] > found["luma–IR, strangers"] + 0.2
        assert found["edges–IR, one person"] > found["edges–IR, strangers"] + 0.1
        assert abs(found["luma–IR, strangers"]) < 0.15

    def test_histograms_are_shares(self):
        dark, bright = np.zeros((2, 4, 4, 3), np.uint8), np.full((2, 4, 4, 3), 255, np.uint8)
        found = numbers.histograms(dark, bright, bins=4)
        assert {name: list(values) for name, values in found.items()} == {
            "red": [1, 0, 0, 0],
            "green": [1, 0, 0, 0],
            "blue": [1, 0, 0, 0],
            "infrared": [0, 0, 0, 1],
        }


def embedded(dataset, modality):
    """The test pictures of a modality with features that mean nothing."""
    part = [dataset.records[row] for row in dataset.select("test", modality)]
    features = np.random.default_rng(0).normal(size=(len(part), 3))
    return Embedded(
        features, [r.identity for r in part], [r.camera for r in part], [r.path for r in part]
    )


class TestTrials:
    @pytest.mark.parametrize("setting", list(protocols.SYSU_SETTINGS))
    def test_sysu_is_the_protocols_own(self, sysu, setting):
        mode, shots = protocols.SYSU_SETTINGS[setting]
        result = protocols.sysu(embedded(sysu, I), embedded(sysu, V), mode, shots)
        for number in (0, 3):
            trial = numbers.trial(sysu, setting, number)
            paths = {sysu.records[row].path for row in trial.gallery}
            assert paths == {embedded(sysu, V).keys[k] for k in result.draws[number]}
            assert len(trial.query) == result.provenance["queries"]
            assert (
                trial.valid.sum()
                == result.provenance["valid_queries"]
                == result.trials[number].valid.sum()
            )

    def test_the_rule_takes_camera_2_from_camera_3_and_nothing_else(self, sysu):
        trial = numbers.trial(sysu)
        for q, row in enumerate(trial.query):
            for g, other in enumerate(trial.gallery):
                assert trial.removed[q, g] == (
                    (sysu.records[row].camera, sysu.records[other].camera) == (3, 2)
                )
                assert trial.same[q, g] == (
                    sysu.records[row].identity == sysu.records[other].identity
                )
        assert 0 < trial.removed.sum() < trial.removed.size

    def test_without_the_rule_more_would_be_found(self, sysu):
        """The broken variant: a trial that forgets the camera rule is told apart by its right
        answers.
        """
        trial = numbers.trial(sysu, "indoor-single")
        broken = numbers.Trial(trial.query, trial.gallery, trial.same, np.zeros_like(trial.removed))
        assert (broken.same & ~broken.removed).sum() > (trial.same & ~trial.removed).sum()

    def test_the_example_keeps_a_match_and_loses_one(self, sysu):
        trial = numbers.trial(sysu)
        q = trial.example
        assert trial.valid[q]
        assert (trial.same & trial.removed)[q].any()

    def test_another_number_is_another_draw(self, sysu):
        assert numbers.trial(sysu).gallery != numbers.trial(sysu, number=1).gallery

    def test_regdb_is_all_against_all_both_ways(self, regdb):
        there, back = numbers.trial(regdb), numbers.trial(regdb, "t2v")
        assert (there.query, there.gallery) == (back.gallery, back.query)
        assert there.same.shape == (32, 32)
        assert there.same.sum(axis=1).tolist() == [4] * 32
        assert there.valid.all()
        assert not there.removed.any()

    def test_settings_belong_to_a_protocol(self, regdb, sysu):
        with pytest.raises(ValueError, match="v2t, t2v"):
            numbers.trial(regdb, "all-single")
        with pytest.raises(ValueError, match="indoor-multi"):
            numbers.trial(sysu, "v2t")

    def test_shelves_put_the_wanted_person_first(self, sysu, regdb):
        trial = numbers.trial(sysu)
        wanted = sysu.identities("test")[2]
        rows, owner = numbers.shelves(sysu, trial, wanted, 5)
        assert list(rows) == [f"visible\ncamera {c}" for c in (1, 2, 4, 5)]
        assert owner[0] == wanted
        assert len(owner) == len(set(owner)) == 5
        for name, line in rows.items():
            for who, g in zip(owner, line, strict=True):
                if g is not None:
                    r = sysu.records[trial.gallery[g]]
                    assert (r.identity, f"visible\ncamera {r.camera}") == (who, name)
        assert list(numbers.shelves(regdb, numbers.trial(regdb), wanted, 5)[0]) == [
            f"infrared\nshot {k}" for k in (1, 2, 3)
        ]


class TestGaps:
    def test_the_same_is_0_and_a_negative_is_2(self):
        rgb = noise(3, 8, 4, 3)
        found = numbers.gaps({"rgb": rgb, "rgb_at_ir": rgb, "ir": 255 - rgb})
        np.testing.assert_allclose(found["appearance"], 0, atol=1e-6)
        np.testing.assert_allclose(found["channel"], 2, atol=1e-6)
        np.testing.assert_allclose(found["both"], 2, atol=1e-6)

    @pytest.mark.parametrize("kind", ["synthetic-regdb", "synthetic-sysu"])
    def test_each_dial_moves_its_own_gap(self, kind):
        values = (0.0, 0.5, 1.0)
        channel, appearance = (
            numbers.sweep(kind, dial, values, people=8, size="smoke") for dial in pictures.DIALS
        )
        assert (np.diff(channel["channel"].mean(axis=1)) > 0.2).all()
        np.testing.assert_array_equal(channel["appearance"][0], channel["appearance"][-1])
        assert (np.diff(appearance["appearance"].mean(axis=1)) > 0).all()
        assert np.ptp(appearance["appearance"].mean(axis=1)) > 0.4
        assert np.ptp(appearance["channel"].mean(axis=1)) < 0.5 * np.ptp(
            channel["channel"].mean(axis=1)
        )

    def test_at_its_default_dials_a_twin_stands_for_its_set(self):
        near, far = (
            numbers.gaps(numbers.shots(kind, size="smoke"))["appearance"].mean()
            for kind in ("synthetic-regdb", "synthetic-sysu")
        )
        assert near < 0.5 * far

    def test_interval(self):
        mean, half = numbers.interval(np.array([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]]))
        np.testing.assert_allclose(mean, [2, 5])
        np.testing.assert_allclose(half, [1.96 / np.sqrt(3), 0])
        assert numbers.interval(np.array([4.0])) == (4.0, 0.0)


def test_a_trial_follows_the_rule_that_a_set_declares(tmp_path):
    root = trees.folder(tmp_path / "set")
    paths = [record.path for record in datasets.open("folder", root).records]
    cameras = [f"{path},{1 + k % 2}\n" for k, path in enumerate(paths)]
    trees.write(root / "pictures.csv", "path,camera\n" + "".join(cameras))
    trees.write(root / "set.json", '{"exclude": "camera"}')
    dataset = datasets.open("folder", root)
    trial = numbers.trial(dataset)
    for q, query in enumerate(trial.query):
        for g, gallery in enumerate(trial.gallery):
            a, b = dataset.records[query], dataset.records[gallery]
            own = a.identity == b.identity and a.camera == b.camera
            assert trial.removed[q, g] == own
    assert trial.removed.any()
    assert not trial.removed.all()
