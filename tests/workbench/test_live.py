"""What the live parts are made of, against the parts of bdlab that it comes from."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from bdlab import evaluation
from bdlab.experiments import runs
from bdlab.files import read_lines
from bdlab.modality import Modality
from bdlab.workbench import live
from bdlab.workbench.channels import numbers as generators
from bdlab.workbench.losses import toy

V, I = Modality.V, Modality.I


def decoded(uri):
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB"))


def pictures(count):
    y, x = np.mgrid[:64, :32]
    ramp = np.stack([4 * y, 8 * x, 128 + 0 * x], axis=-1).astype(np.uint8)
    return [np.roll(ramp, 5 * k, axis=0) for k in range(count)]


class TestChannels:
    def test_pictures_names_presets(self):
        traits = live.channel_traits(pictures(3), pictures(3), ["a", "b", "c"])
        assert [one["name"] for one in traits["people"]] == ["a", "b", "c"]
        for one, picture in zip(traits["people"], pictures(3), strict=True):
            seen = decoded(one["visible"])
            assert seen.shape == picture.shape
            assert np.abs(seen.astype(float) - picture).mean() < 8
        for space, presets in traits["presets"].items():
            for name, numbers in presets.items():
                assert numbers == generators.flat(generators.preset(name, space))
        assert json.loads(json.dumps(traits)) == traits, "plain JSON"

    def test_the_sliders_reach_every_number(self):
        lines = [[0, [0.0] * 10], [1, [0.0] * 9 + [-5.3]]]
        film = {"name": "x", "about": "", "space": "unit", "lines": lines}
        traits = live.channel_traits(pictures(1), pictures(1), ["a"], [film])
        assert traits["reach"] == 8.0
        assert traits["numbers"] == lines[1][1]
        assert traits["space"] == "unit"

    def test_unequal_counts(self):
        with pytest.raises(ValueError, match="2 visible, 1 infrared, 2 names"):
            live.channel_traits(pictures(2), pictures(1), ["a", "b"])

    def test_a_film_is_the_cells_history(self, cell):
        film = live.film(cell, about="told")
        own = read_lines(cell / "history.jsonl")
        assert [epoch for epoch, _ in film["lines"]] == [0, *(line["epoch"] for line in own)]
        for (_, numbers), line in zip(film["lines"][1:], own, strict=True):
            assert numbers == pytest.approx(generators.flat(line["generator"]), abs=1e-6)
        assert film["name"] == "MDL4"


@pytest.fixture(scope="module")
def cell(own_place, tmp_path_factory):
    """A committed cell of the smallest size."""
    from bdlab.experiments import cell as cells
    from bdlab.experiments import sweeps
    from bdlab.training import setup as setups

    out = tmp_path_factory.mktemp("runs")
    config = sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb", {"epochs": 2})
    one = runs.Cell(config.flat(), setups.open_data(config).fingerprint)
    attempt = runs.begin(out, one, 1)
    cells.run(config, attempt)
    runs.commit(out, one.name, attempt)
    return out / one.name


def test_the_hinge_starts_where_the_toy_does():
    given = toy.constellation(4, 2, 1)
    for points, traits in (
        (toy.constellation(3, 2, 3), live.hinge_traits()),
        (given, live.hinge_traits(given)),
    ):
        for m in (V, I):
            assert traits[m.value] == points.features[m].tolist()
            assert traits["labels"][m.value] == points.labels[m].tolist()


class TestGame:
    @pytest.fixture
    def traits(self, tested_regdb):
        return live.game_traits({"MDL4": tested_regdb}, rounds=4, choices=5, pool=8, height=64)

    def test_distances_are_the_tests_own(self, tested_regdb, traits):
        """Against the matrix of the whole test, infrared asking visible."""
        query, gallery = (tested_regdb.embedded[m] for m in (I, V))
        far = evaluation.distances(query.features, gallery.features)
        rows = {m: tested_regdb.rows(m).tolist() for m in (V, I)}
        for one in traits["rounds"]:
            asked = rows[I].index(traits["rows"]["infrared"][one["query"]])
            offered = [
                rows[V].index(traits["rows"]["visible"][place]) for place in one["candidates"]
            ]
            assert one["distances"]["MDL4"] == pytest.approx(far[asked, offered].tolist(), abs=2e-3)

    def test_one_right_answer_at_another_moment(self, tested_regdb, traits):
        records = tested_regdb.setup.dataset.records
        for one in traits["rounds"]:
            asked = records[traits["rows"]["infrared"][one["query"]]]
            offered = [records[traits["rows"]["visible"][place]] for place in one["candidates"]]
            right = [k for k, record in enumerate(offered) if record.identity == asked.identity]
            assert right == [one["answer"]]
            number = asked.path.split("_")[-2]
            assert offered[one["answer"]].path.split("_")[-2] != number, "not its partner"
            assert asked.modality is I
            assert all(record.modality is V for record in offered)

    def test_the_draw_knows_nothing_of_the_machines(self, tested_regdb, traits):
        both = {"A": tested_regdb, "B": tested_regdb}
        other = live.game_traits(both, rounds=4, choices=5, pool=8, height=64)
        assert other["rows"] == traits["rows"]
        assert [one["candidates"] for one in other["rounds"]] == [
            one["candidates"] for one in traits["rounds"]
        ]
        changed = live.game_traits(both, rounds=4, choices=5, pool=8, height=64, seed=1)
        assert changed["rows"] != traits["rows"]

    def test_pictures_are_the_sets_own_shots(self, tested_regdb, traits):
        """Rendered anew, sharper: of all test pictures the record's own is the most alike."""
        from bdlab.workbench import pictures as shots

        dataset = tested_regdb.setup.dataset
        for name, m in (("infrared", I), ("visible", V)):
            rows = dataset.select("test", m)
            stored = shots.pixels(dataset, rows, 64, 32).reshape(len(rows), -1)
            for uri, row in zip(traits[name], traits["rows"][name], strict=True):
                ours = decoded(uri)
                assert ours.shape == (64, 32, 3)
                alike = [np.corrcoef(ours.ravel(), other)[0, 1] for other in stored]
                assert rows[int(np.argmax(alike))] == row

    def test_overall_is_won_by_who_sees_everything_and_by_luck_else(self, tested_regdb):
        """Who knows everybody wins every round, who sees nothing a few."""
        from dataclasses import replace

        names = {m: one.ids for m, one in tested_regdb.embedded.items()}
        seeing = {}
        for m, one in tested_regdb.embedded.items():
            features = np.eye(400, dtype=np.float32)[names[m]]
            seeing[m] = replace(one, features=features)
        knows = replace(tested_regdb, embedded=seeing)
        rng = np.random.default_rng(0)
        noise = {}
        for m, one in tested_regdb.embedded.items():
            noise[m] = replace(one, features=rng.normal(size=one.features.shape).astype(np.float32))
        guesses = replace(tested_regdb, embedded=noise)
        game = live.game_traits({"knows": knows, "guesses": guesses}, 4, 4, 8, height=32)
        shares = {machine["name"]: machine["overall"] for machine in game["machines"]}
        assert shares["knows"] == 1
        assert 0.05 < shares["guesses"] < 0.55, "near a quarter: 32 pictures ask"
        assert game["asked"] == 32

    def test_too_few_people(self, tested_regdb):
        with pytest.raises(ValueError, match="pool = 99"):
            live.game_traits({"MDL4": tested_regdb}, pool=99)

    def test_machines_of_different_data(self, tested_regdb, tested_sysu):
        with pytest.raises(ValueError, match="one data set"):
            live.game_traits({"A": tested_regdb, "B": tested_sysu})
