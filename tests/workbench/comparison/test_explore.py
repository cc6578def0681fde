"""The board in Python: one selection, one view, and everything that follows from them."""

import json
import threading
import time

import ipywidgets as widgets
import pytest
import traitlets
from PIL import Image

from bdlab.experiments import cell as cells
from bdlab.experiments import reference, runs, sweeps
from bdlab.workbench import explorers
from bdlab.workbench.comparison import explore as boards
from bdlab.workbench.comparison import numbers, pairs
from bdlab.workbench.desk.explore import Desk
from tests.report.test_report import put

from .test_progress import one_more, running


@pytest.fixture
def board(out, tmp_path):
    return explorers.runs(out, folder=tmp_path / "figures")


def names(board, row):
    found = board.board.found
    return [cell.name for cell in found.cells if found.row(cell) == row]


def snapshot(board):
    """Everything the page would show."""
    traits = ("selection", "view", "shown", "curves", "scatter", "verdict")
    return {name: getattr(board.board, name) for name in traits}


class TestBoard:
    def test_it_begins_with_the_last_declared_contrast(self, board):
        assert board.selection["pair"] == ["MDL4", "B2"]
        assert board.selection["cells"] == [names(board, "MDL4")[0], names(board, "B2")[0]]
        assert len(board.board.shown) == 20
        assert board.board.verdict["word"] == "better"
        assert [curve["cell"] for curve in board.board.curves] == board.selection["cells"]
        assert board.board.about["note"] == ""

    def test_of_several_data_sets_it_opens_with_the_largest(self, board, out):
        put(out, "MDL4", 0, data="sysu", settings=("all-single",))
        put(out, "B2", 0, data="sysu", settings=("all-single",))
        wide = explorers.runs(out)
        assert wide.view["filter"] == {"data": ["regdb"]}
        assert len(wide.board.shown) == 20
        assert wide.board.verdict["words"] == board.board.verdict["words"]

    def test_a_filter_changes_table_scatter_and_verdict(self, board):
        before = snapshot(board)
        board.view = {"filter": {"row": ["MDL4", "B2"], "seed": [0, 1]}}
        found = board.board.found
        wanted = numbers.ordered(found, board.view["filter"])
        assert board.board.shown == wanted
        assert board.board.scatter["cells"] == wanted
        assert len(board.board.scatter["x"]["places"]) == 4
        assert board.board.verdict["words"] != before["verdict"]["words"]
        assert len(board.board.verdict["pairs"]) == 2
        board.view = {"filter": {}}
        assert snapshot(board) == before

    def test_term_and_axes(self, board):
        board.view = {"term": "id", "x": "MDL share", "y": "R1 t2v"}
        assert board.board.curves[0]["points"] == [(1, 2.0), (2, 1.0)]
        assert board.board.scatter["x"]["name"] == "MDL share (%)"
        cells = [board.board.found.cells[n] for n in board.board.shown]
        assert board.board.scatter["y"]["places"] == numbers.axis(cells, "R1 t2v")[0]

    def test_a_pair_gives_a_verdict_or_a_sentence(self, board, out):
        board.selection = {**board.selection, "pair": ["B1", "MDL2"]}
        assert board.board.verdict["words"].startswith("B1 minus MDL2")
        assert pairs.ALONE in board.board.verdict["notes"]
        board.view = {"filter": {"row": ["B1"]}}
        assert "No cell of MDL2 is shown" in board.board.verdict["words"]
        assert "pairs" not in board.board.verdict

    @pytest.mark.parametrize(
        ("part", "said"),
        [
            ({"cells": ["nobody"]}, "'nobody' is no finished cell"),
            ({"pair": ["B2"]}, "two rows are meant"),
            ({"pair": ["B2", "B9"]}, "no row 'B9'; there are B1, B2"),
            ({"colour": "red"}, "has no colour"),
        ],
    )
    def test_what_cannot_be_chosen_is_refused_and_nothing_changes(self, board, part, said):
        before = snapshot(board)
        with pytest.raises(traitlets.TraitError, match=said):
            board.selection = {**board.selection, **part}
        assert snapshot(board) == before

    @pytest.mark.parametrize(
        ("part", "said"),
        [
            ({"x": "mood"}, "x 'mood'; one of R1"),
            ({"sort": "mood"}, "sort 'mood'"),
            ({"term": "wrt"}, "one of total, id"),
            ({"filter": {"data": ["regdb"]}}, "filter by 'data'; what differs is row"),
        ],
    )
    def test_a_view_that_is_not_there(self, board, part, said):
        before = snapshot(board)
        with pytest.raises(traitlets.TraitError, match=said):
            board.view = part
        assert snapshot(board) == before

    def test_one_row_alone(self, tmp_path):
        put(tmp_path / "one", "B2")
        board = explorers.runs(tmp_path / "one")
        assert board.selection == {"cells": names(board, "B2"), "pair": []}
        assert "two rows" in board.board.verdict["words"]
        board.figure()


class TestFolder:
    def test_read_again(self, board, out):
        chosen = names(board, "B1")[:2]
        board.selection = {**board.selection, "cells": chosen}
        board.view = {"filter": {"row": ["B1"]}, "x": "MDL share"}
        put(out, "MDL1", 0, 0.9)
        for name in names(board, "MDL2") + names(board, "MDL4"):
            (out / name / "weights.pt").unlink()
        board.board.read()
        assert board.selection == {"cells": chosen, "pair": ["B1", "B2"]}
        assert board.view["filter"] == {"row": ["B1"]}
        assert "11 finished cells" in board.board.message
        for folder in out.iterdir():
            (folder / "weights.pt").unlink(missing_ok=True)
        board.board.read()
        assert "none of its" in board.board.message
        assert len(board.board.found.cells) == 11, "what was there stays on the board"

    def test_save_writes_the_twin(self, board, tmp_path):
        first, second = board.board.save(), board.board.save()
        assert first != second
        assert str(first.resolve()) in str(tmp_path / "figures" / "runs-01.png")
        with Image.open(second) as image:
            assert image.size[0] > 1000

    def test_bad_input_is_one_sentence(self, tmp_path, monkeypatch):
        monkeypatch.setattr(reference.load, "__defaults__", (tmp_path / "none",))
        said = explorers.runs(tmp_path / "<gone>")
        assert isinstance(said, widgets.HTML)
        assert "No board." in said.value
        assert "&lt;gone&gt;" in said.value
        assert "bdlab run table4" in said.value


def until(true, seconds=60):
    """Wait for what another thread does; the test's own thread is free meanwhile."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def threads(out):
    return [t for t in threading.enumerate() if t.name == f"board of {out}" and t.is_alive()]


class TestLive:
    """A cell that is faked: this process seems to train it, and adds its epochs by hand."""

    @pytest.fixture
    def attempt(self, out, monkeypatch):
        monkeypatch.setattr(boards, "EVERY", 0.02)
        return running(out, "MDL1", 1)

    @pytest.fixture
    def followed(self, attempt, out):
        board = explorers.runs(out)
        yield board
        board.live = False
        until(lambda: not threads(out))

    def test_nothing_runs_nothing_is_followed(self, board, out):
        assert not board.live
        assert not threads(out)
        assert board.board.progress["words"] == "20 finished"

    def test_epochs_and_losses_come_by_themselves(self, followed, attempt, out):
        assert followed.live
        assert len(threads(out)) == 1
        assert followed.board.progress["cells"][0]["epoch"] == 1
        before = snapshot(followed)
        one_more(attempt, 2)
        until(lambda: followed.board.progress["cells"][0]["epoch"] == 2)
        assert followed.board.progress["cells"][0]["losses"]["total"] == 1.5
        assert snapshot(followed) == before, "what is chosen stays"
        runs.fail(attempt, "the power went")
        until(lambda: not followed.live)
        assert followed.board.progress["words"] == "20 finished, 1 failed"
        until(lambda: not threads(out))

    def test_a_finished_cell_comes_into_the_table(self, followed, attempt, out):
        chosen = names(followed, "B1")[:2]
        followed.selection = {**followed.selection, "cells": chosen}
        put(out, "MDL1", 1, 0.9)
        until(lambda: len(followed.board.shown) == 21)
        assert followed.selection["cells"] == chosen
        assert followed.live, "another one still runs"

    def test_it_is_stopped_and_started(self, followed, attempt, out):
        followed.live = False
        until(lambda: not threads(out))
        one_more(attempt, 2)
        time.sleep(0.2)
        assert followed.board.progress["cells"][0]["epoch"] == 1
        followed.live = True
        until(lambda: followed.board.progress["cells"][0]["epoch"] == 2)

    def test_closed_it_looks_no_more(self, followed, out):
        followed.close()
        until(lambda: not threads(out))

    def test_what_goes_wrong_is_said(self, followed, out, monkeypatch):
        def broken():
            raise OSError("the share is away")

        monkeypatch.setattr(followed.board._glance, "look", broken)
        until(lambda: not followed.live)
        assert "Follows no more: OSError: the share is away" in followed.board.message

    def test_the_first_own_cell_takes_the_reference_runs_place(self, out, tmp_path, monkeypatch):
        reference.pack(out, tmp_path / "reference", "bdlab run table4 --seeds 0-4")
        monkeypatch.setattr(reference.load, "__defaults__", (tmp_path / "reference",))
        monkeypatch.setattr(boards, "EVERY", 0.02)
        mine = tmp_path / "mine"
        running(mine, "MDL4")
        board = explorers.runs(mine)
        assert board.live
        assert board.board.about["shipped"]
        put(mine, "B2", 3)
        until(lambda: not board.board.about["shipped"] and board.board.curves)
        assert board.selection == {"cells": names(board, "B2"), "pair": []}
        board.close()


@pytest.fixture
def real(own_place, tmp_path):
    """Two finished cells of a few steps."""
    for row in ("MDL4", "B2"):
        config = sweeps.configure("table4", row, "smoke", "synthetic-regdb", {"epochs": 1})
        cells.make(cells.of(config), config, tmp_path / "runs", "cpu")
    return tmp_path / "runs"


class TestDesk:
    def test_one_or_two_cells(self, board):
        board.selection = {**board.selection, "cells": []}
        assert "choose one or two" in board.desk().value
        board.selection = {**board.selection, "cells": names(board, "B2")}
        assert "5 cells are chosen" in board.desk().value

    def test_a_reference_run_has_no_weights(self, out, tmp_path, monkeypatch):
        reference.pack(out, tmp_path / "reference", "bdlab run table4 --seeds 0-4")
        monkeypatch.setattr(reference.load, "__defaults__", (tmp_path / "reference",))
        board = explorers.runs(tmp_path / "mine")
        assert "reference runs" in board.board.about["note"]
        said = board.desk().value
        assert "came without weights" in said
        assert "bdlab run table4 --seeds 0-4" in said

    def test_a_shipped_cell_with_weights_opens(self, real, tmp_path, monkeypatch):
        for folder in real.glob("table4-*"):
            result = json.loads((folder / "result.json").read_text())
            result["provenance"] |= {"git_dirty": False, "git_sha": "a" * 40}
            (folder / "result.json").write_text(json.dumps(result))
        (mdl4,) = real.glob("table4-MDL4-*")
        reference.pack(real, tmp_path / "reference", "bdlab run", [mdl4.name])
        monkeypatch.setattr(reference.load, "__defaults__", (tmp_path / "reference",))
        monkeypatch.setattr(reference, "FOLDER", tmp_path / "reference")
        monkeypatch.setenv("BDLAB_CACHE", str(tmp_path / "cache"))
        board = explorers.runs(tmp_path / "mine")
        said = board.desk().value
        assert "No desk." in said
        assert "B2 seed 0 is a reference run" in said
        assert "with weights: MDL4 seed 0" in said
        board.selection = {**board.selection, "cells": [mdl4.name]}
        assert board.desk().about["cells"] == ["MDL4, seed 0"]

    def test_the_chosen_cells_lie_on_the_desk(self, real):
        board = explorers.runs(real)
        desk = board.desk()
        assert isinstance(desk, Desk)
        assert desk.about["cells"] == ["MDL4, seed 0", "B2, seed 0"]
        board._asked(None, {"do": "desk"}, None)
        assert isinstance(board.children[1], Desk)
        assert board.board.busy == ""
