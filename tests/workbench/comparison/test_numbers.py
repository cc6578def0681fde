"""What the board knows of a folder, against the files themselves and numpy."""

import json

import numpy as np
import pytest

from bdlab.experiments import reference, runs
from bdlab.report import watched
from bdlab.workbench.comparison import numbers
from tests.report.test_report import put, put_failed

from .conftest import life


@pytest.fixture
def found(out):
    return numbers.read(out)


@pytest.fixture
def shipped(out, tmp_path, monkeypatch):
    """The folder's cells as the reference runs of this bdlab."""
    place = tmp_path / "reference"
    reference.pack(out, place, "bdlab run table4 --seeds 0-4")
    monkeypatch.setattr(reference.load, "__defaults__", (place,))
    return place


@pytest.fixture
def without_reference(tmp_path, monkeypatch):
    monkeypatch.setattr(reference.load, "__defaults__", (tmp_path / "none",))


class TestFolder:
    def test_every_finished_cell_with_its_scores(self, found, out):
        results = {folder.name: result for folder, result, _ in runs.committed(out)}
        assert {cell.name for cell in found.cells} == set(results)
        assert found.note == ""
        for cell in found.cells:
            mean = results[cell.name]["scores"]["v2t"]["mean"]
            for metric in numbers.METRICS:
                assert cell.quantity(metric) == pytest.approx(100 * mean[metric])
                assert cell.quantity(f"{metric} t2v") == pytest.approx(100 * mean[metric])

    def test_a_damaged_cell_is_left_out_and_named(self, out):
        name = numbers.read(out).cells[0].name
        (out / name / "weights.pt").unlink()
        found = numbers.read(out)
        assert len(found.cells) == 19
        assert f"1 damaged and left out, the first {name}: weights.pt is missing" in found.note

    def test_what_is_not_finished_is_no_cell(self, out):
        put_failed(out, "MDL1")
        assert len(numbers.read(out).cells) == 20

    def test_a_folder_of_damaged_cells_is_refused(self, tmp_path, shipped):
        folder = put(tmp_path / "other", "B2")
        (folder / "result.json").write_text("{")
        with pytest.raises(numbers.BoardError, match="none of its 1 cells is whole.*bdlab run"):
            numbers.read(tmp_path / "other")

    @pytest.mark.parametrize("made", [False, True])
    def test_an_empty_or_missing_folder_shows_the_reference_runs_and_says_so(
        self, tmp_path, shipped, made
    ):
        if made:
            (tmp_path / "mine").mkdir()
        found = numbers.read(tmp_path / "mine")
        assert len(found.cells) == 20
        assert all(cell.shipped for cell in found.cells)
        assert "reference runs that came with bdlab" in found.note
        assert ("holds no finished cell" if made else "is no folder") in found.note

    def test_without_reference_runs_one_sentence(self, tmp_path, without_reference):
        with pytest.raises(numbers.BoardError, match="is no folder.*`bdlab run table4 --out"):
            numbers.read(tmp_path / "mine")

    def test_a_file_is_no_folder(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(numbers.BoardError, match="is a file: give the folder"):
            numbers.read(tmp_path / "file")

    def test_rows_stand_in_the_order_of_their_sweep(self, found, out):
        assert found.rows == ["B1", "B2", "MDL2", "MDL4"]
        put(out, "Ours", sweep="controls")
        assert numbers.read(out).rows == ["controls Ours", *(f"table4 {r}" for r in found.rows)]


class TestWords:
    @pytest.mark.parametrize("mml", ["alive", "dead", "unordered", "satisfied", "collapsing"])
    @pytest.mark.parametrize("mdl", ["alive", "dead", "satisfied"])
    def test_the_word_is_the_reports(self, found, mml, mdl):
        result = dict(found.cells[0].result) | {"guard": life(mml, mdl)}
        assert numbers.Finished(found.cells[0].folder, result).word == watched.liveness(result)

    def test_a_cell_without_triplets_has_none(self, found):
        words = {cell.params["row"]: cell.word for cell in found.cells}
        assert words == {"B1": "–", "B2": "alive", "MDL2": "dead", "MDL4": "alive"}
        assert numbers.WORDS == watched.WORDS
        assert numbers.DEAD == watched.DEAD


class TestFilter:
    def test_it_counts_as_numpy_does(self, found):
        rows = np.array([cell.params["row"] for cell in found.cells])
        seeds = np.array([cell.params["seed"] for cell in found.cells])
        chosen = {"row": ["B2", "MDL4"], "seed": [0, 3]}
        wanted = np.isin(rows, chosen["row"]) & np.isin(seeds, chosen["seed"])
        np.testing.assert_array_equal(numbers.kept(found, chosen), wanted)
        assert wanted.sum() == 4
        assert numbers.kept(found, {}).all()

    def test_a_filter_that_is_an_or_is_told_apart(self, found):
        """The broken variant: either parameter would do."""
        either = [c.params["row"] == "B2" or c.params["seed"] == 0 for c in found.cells]
        assert numbers.kept(found, {"row": ["B2"], "seed": [0]}).sum() != sum(either)

    def test_values_are_equal_as_numbers_and_not_as_truth(self):
        assert numbers.key(5) == numbers.key(5.0)
        assert numbers.key(1) != numbers.key(True) != numbers.key("true")
        assert numbers.key(None) != numbers.key("None")

    def test_only_what_differs_is_offered(self, found, out):
        assert list(found.differing)[:2] == ["row", "seed"]
        assert "root" not in found.differing
        assert "data" not in found.differing
        assert found.differing["seed"] == [0, 1, 2, 3, 4]
        with pytest.raises(KeyError, match="data"):
            numbers.kept(found, {"data": ["regdb"]})

    def test_a_record_older_than_a_parameter_has_its_first_value(self, found, out):
        folder = out / found.cells[0].name
        for name in ("params.json", "result.json"):
            record = json.loads((folder / name).read_text())
            (record if name == "params.json" else record["params"]).pop("gamma")
            (folder / name).write_text(json.dumps(record))
        assert numbers.read(out).cells[0].param("gamma") == numbers.INTRODUCED["gamma"]


class TestOrder:
    @pytest.mark.parametrize("down", [False, True])
    def test_by_a_score_as_numpy_sorts(self, found, down):
        values = np.array([cell.quantity("R1") for cell in found.cells])
        order = numbers.ordered(found, {}, "R1", down)
        wanted = np.sort(values)
        np.testing.assert_array_equal(values[order], wanted[::-1] if down else wanted)

    def test_what_a_cell_has_not_comes_last(self, found):
        for down in (False, True):
            last = numbers.ordered(found, {}, "MDL share", down)[-5:]
            assert {found.cells[number].params["row"] for number in last} == {"B1"}

    def test_rows_keep_their_seeds_together(self, found):
        order = numbers.ordered(found, {"row": ["MDL4", "B1"]})
        assert [(found.cells[n].params["row"], found.cells[n].params["seed"]) for n in order] == [
            *(("B1", seed) for seed in range(5)),
            *(("MDL4", seed) for seed in range(5)),
        ]


class TestCurvesAndAxes:
    def test_a_curve_is_the_history(self, found):
        assert numbers.terms(found.cells) == ["total", "id", "mml", "mdl"]
        assert numbers.curve(found.cells[0], "total") == [(1, 3.0), (2, 1.5)]
        assert numbers.curve(found.cells[0], "wrt") == []

    def test_an_axis_of_numbers_and_one_of_words(self, found):
        places, words = numbers.axis(found.cells, "mAP")
        assert places == [cell.quantity("mAP") for cell in found.cells]
        assert words == []
        places, words = numbers.axis(found.cells, "row")
        assert [words[int(p)] for p in places] == [cell.params["row"] for cell in found.cells]
        places, words = numbers.axis(found.cells, "MDL share")
        assert [p is None for p in places] == [c.params["row"] == "B1" for c in found.cells]

    def test_quantities(self, found):
        names = numbers.quantities(found)
        assert names[:6] == list(numbers.METRICS)
        assert {"R1 t2v", "minutes", "MDL share", "row", "seed", "modalities"} <= set(names)
        assert "data" not in names
        for name in names:
            numbers.axis(found.cells, name)
