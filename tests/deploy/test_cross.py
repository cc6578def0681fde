"""A cell on another set: that set's protocol, and a label that says so."""

import csv
import dataclasses
import io
import json
from pathlib import Path

import pytest

import bdlab
from bdlab import datasets, rules
from bdlab.deploy import DeployError, cross
from bdlab.training import extract
from bdlab.workbench.retrieval import search
from tests.datasets import trees
from tests.deploy.conftest import committed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def embed(cell):
    return bdlab.embedder(cell, device="cpu")


def test_on_its_own_set_it_is_the_runs_own_test(cell, embed, regdb):
    found = cross.test(embed, regdb)
    assert found.label.startswith("same set")
    wanted = extract.evaluate(search.reopen(cell, device="cpu").setup)
    for name, result in wanted.items():
        assert found.results[name].mean == result.mean
    said = json.loads((cell / "result.json").read_text())["scores"]
    assert found.results["v2t"].mean["R1"] == pytest.approx(said["v2t"]["mean"]["R1"])


def test_another_set_is_tested_by_its_own_protocol_and_labelled(embed, sysu):
    found = cross.test(embed, sysu)
    label = "cross-set: trained on synthetic-regdb (split 1), tested on synthetic-sysu (split 1)"
    assert found.label == label
    assert set(found.results) <= {"all-single", "all-multi", "indoor-single", "indoor-multi"}
    for result in found.results.values():
        assert result.provenance["cross_set"] == label
    assert found.text().splitlines()[0] == label
    assert json.loads(json.dumps(found.to_json()))["label"] == label


def test_another_split_of_the_same_set_warns(embed, regdb):
    other = datasets.open("synthetic-regdb", size="smoke", split=2)
    assert "people may have been trained on" in cross.test(embed, other).label


class TestByTheRulesOfTraining:
    """What a set declares or lacks holds here as it does where a cell is trained."""

    def test_a_declared_camera_rule(self, embed, tmp_path):
        root = trees.folder(tmp_path / "set", identities=10, shots=4)
        paths = [record.path for record in datasets.open("folder", root).records]
        cameras = [f"{path},{1 + k % 2}\n" for k, path in enumerate(paths)]
        trees.write(root / "pictures.csv", "path,camera\n" + "".join(cameras))
        plain = cross.test(embed, datasets.open("folder", root))
        trees.write(root / "set.json", json.dumps({"exclude": "camera"}))
        ruled = cross.test(embed, datasets.open("folder", root))
        said = [found.results["v2t"].provenance["camera_rule"] for found in (plain, ruled)]
        assert said == ["none", "a person's pictures by the query's own camera do not count"]
        assert plain.results["v2t"].mean["mAP"] != ruled.results["v2t"].mean["mAP"]

    def test_a_part_of_sysu_is_labelled_and_tested(self, embed, tmp_path):
        dataset = datasets.open("sysu", trees.sysu(tmp_path / "set"))
        unlike = dataset.provenance["unlike_published"]
        assert unlike
        for result in cross.test(embed, dataset).results.values():
            assert result.provenance["published_counts"] is False
            assert result.provenance["unlike_published"][: len(unlike)] == unlike

    def test_regdb_without_its_index_is_not_the_published_one(self, embed, tmp_path):
        root = trees.regdb(tmp_path / "set", identities=8, trials=range(0))
        found = cross.test(embed, datasets.open("regdb", root))
        for result in found.results.values():
            assert any("no index" in why for why in result.provenance["unlike_published"])

    def test_what_cannot_be_scored_says_where(self, embed, regdb, monkeypatch):
        def wrong(*_, **__):
            raise ValueError("cameras 7 are none of the protocol's")

        monkeypatch.setattr(cross.protocols, "evaluate", wrong)
        with pytest.raises(DeployError, match="cameras 7 .*`bdlab data check` looks it over"):
            cross.test(embed, regdb)


WORDS = "mixed fog-5"


@pytest.fixture(scope="module")
def seeds(regdb, tmp_path_factory):
    """A folder of runs: MDL4 with two seeds, tested on corrupted pictures too, and B2."""
    out = tmp_path_factory.mktemp("several")
    for seed in (0, 1):
        committed(out, seed=seed, corruption=WORDS)
    committed(out, row="B2")
    return out


@pytest.fixture(scope="module")
def tests(seeds, regdb, sysu):
    found = []
    for cell in cross.cells_of(str(seeds)):
        embedder = bdlab.embedder(cell, device="cpu")
        found += [cross.test(embedder, one) for one in (regdb, sysu)]
    return found


def test_corrupted_it_is_the_runs_own_test(seeds, regdb):
    cell = next(path for path in cross.cells_of(str(seeds)) if "MDL4" in path)
    said = json.loads((Path(cell) / "result.json").read_text())["scores"]
    embedder = bdlab.embedder(cell, device="cpu")
    found = cross.test(embedder, regdb, *rules.corruptions(WORDS))
    assert list(found.results) == list(said)
    for name, result in found.results.items():
        assert result.mean == said[name]["mean"]
        label = result.provenance.get("corruption", "")
        assert ("in the manner of" in label) == ("@" in name)


class TestTable:
    def test_seeds_are_a_row_and_sets_are_columns(self, tests):
        text = cross.table(tests)
        rows = [line for line in text.splitlines() if " (table4, smoke) on " in line]
        assert [row.split()[0] for row in rows] == ["B2", "MDL4"]
        assert [row.split("(split 1)")[1].split()[0] for row in rows] == ["1", "2"]
        assert text.count("synthetic-regdb") == 2 + 2  # two settings, two rows' training set
        assert "all-single" in text
        assert "all-multi" not in text
        mine = [one for one in tests if one.params["row"] == "MDL4" and "regdb" in one.tested]
        mean = 100 * sum(one.results["v2t"].mean["R1"] for one in mine) / 2
        assert f"{mean:.2f} ± " in rows[1]

    def test_every_number_has_its_mark(self, tests):
        rows = [line for line in cross.table(tests).splitlines() if " (table4, smoke) on " in line]
        for row in rows:
            assert row.count("=") == 2, "v2t and t2v of the set it was trained on"
            assert row.count(" / ") == 4

    def test_unlike_labels_are_never_averaged(self, tests, seeds):
        """The broken variant would mean over cells of which one has seen the people tested."""
        same = [one for one in tests if one.params["row"] == "MDL4" and one.kind == cross.SAME]
        other = dataclasses.replace(same[1], label=f"{cross.COPY}: made up")
        assert "mixed labels" in cross.table([same[0], other])
        assert "mixed labels" not in cross.table(same)

    def test_other_parameters_are_another_row(self, tests):
        one = next(one for one in tests if one.params["row"] == "MDL4")
        other = dataclasses.replace(one, params=one.params | {"gamma": 9.0}, cell="x-0badcafe")
        rows = [line for line in cross.table([one, other]).splitlines() if "on synthetic" in line]
        assert len(rows) == 2
        assert "0badcafe" in rows[1]

    def test_csv_holds_every_number_with_its_label(self, tests):
        lines = list(csv.DictReader(io.StringIO(cross.to_csv(tests))))
        assert len(lines) == sum(len(one.results) for one in tests)
        assert {line["label"].partition(":")[0] for line in lines} == {cross.SAME, cross.CROSS}
        assert {line["seed"] for line in lines} == {"0", "1"}
        first = tests[0].results["v2t"].mean["R1"]
        assert float(lines[0]["R1"]) == pytest.approx(first, abs=1e-6)


def test_a_folder_without_a_cell_is_named(tmp_path):
    with pytest.raises(DeployError, match="neither a finished cell nor a folder of runs"):
        cross.cells_of(str(tmp_path))
