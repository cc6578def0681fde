"""The board in Python: one selection, and everything that follows from it."""

import json

import ipywidgets as widgets
import numpy as np
import pytest
import traitlets
from PIL import Image

from bdlab.modality import BASE, Modality
from bdlab.workbench import explorers
from bdlab.workbench.desk import numbers
from bdlab.workbench.desk.explore import Desk

V, I = BASE


@pytest.fixture
def board(tested_regdb, rival_regdb, tmp_path):
    return explorers.desk(tested_regdb, rival_regdb, folder=tmp_path / "figures")


def select(board, **part):
    board.selection = {**board.selection, **part}


def look(board, **part):
    board.view = {**board.view, **part}


def snapshot(board):
    """Everything the page would show."""
    names = ("selection", "view", "queries", "counts", "lists", "pair", "where", "points", "right")
    return {name: getattr(board, name) for name in names} | {"state": board.state}


class TestSelection:
    def test_it_begins_with_the_hardest_query(self, board, tested_regdb):
        lists = numbers.Lists(tested_regdb, "v2t")
        assert board.selection["query"] == numbers.queries([lists])[0]
        assert board.queries == numbers.queries([lists]).tolist()
        assert (board.selection["result"], board.pair) == (None, {})

    def test_a_query_changes_both_lists(self, board, tested_regdb, rival_regdb):
        before = board.lists
        row = board.queries[5]
        select(board, query=row)
        for list_, old, tested in zip(
            board.lists, before, (tested_regdb, rival_regdb), strict=True
        ):
            assert list_ != old
            answer = numbers.Lists(tested, "v2t").answer(row)
            wanted = tested.search("v2t").gallery[answer.places[: len(list_["entries"])]]
            assert [e["row"] for e in list_["entries"][:20]] == wanted[:20].tolist()

    def test_a_result_gives_the_pair_and_can_ask(self, board):
        entry = board.lists[1]["entries"][2]
        select(board, result=entry["row"], side=1)
        assert [p["stream"] for p in board.pair["panels"]] == ["V", "I"], "B2 has no derivative"
        assert "bdlab train MDL4" in board.pair["lacks"]
        select(board, side=0)
        assert [p["stream"] for p in board.pair["panels"]] == ["V", "DV", "I", "DI"]
        assert board.pair["lacks"] == ""
        select(board, query=entry["row"], result=None)
        assert board.view["setting"] == "t2v", "an infrared picture asks in the other direction"
        assert board.pair == {}
        assert board.selection["query"] in board.queries

    def test_the_setting_chooses_a_query_of_its_own(self, board, tested_regdb):
        look(board, setting="t2v")
        records = tested_regdb.setup.dataset.records
        assert records[board.selection["query"]].modality is I
        assert {records[row].modality for row in board.queries} == {I}

    def test_a_filter_moves_to_its_first_query(self, board, tested_regdb, rival_regdb):
        look(board, filter="found by A, missed by B")
        lists = [numbers.Lists(t, "v2t") for t in (tested_regdb, rival_regdb)]
        wanted = numbers.queries(lists, "found by A, missed by B")
        assert len(wanted)
        assert board.queries == wanted.tolist()
        assert board.selection["query"] == wanted[0]
        assert board.counts == {n: int(q.sum()) for n, q in numbers.filters(lists).items()}
        assert board.lists[0]["first"] == 1 != board.lists[1]["first"]

    def test_a_lasso_holds_the_queries(self, board, tested_regdb):
        some = [board.queries[3], board.queries[7], int(tested_regdb.rows(I)[0])]
        select(board, lasso=some)
        assert sorted(board.queries) == sorted(some[:2]), "the infrared one does not ask"
        assert board.selection["query"] in some
        select(board, lasso=[])
        assert len(board.queries) == 32

    @pytest.mark.parametrize(
        ("part", "said"),
        [
            ({"query": -1}, "-1 is no row"),
            ({"query": None}, "None is no row"),
            ({"query": True}, "True is no row"),
            ({"result": "3"}, "'3' is no row"),
            ({"lasso": [10**6]}, "1000000 is no row"),
            ({"side": 2}, "there are 2"),
            ({"colour": "red"}, "has no colour"),
        ],
    )
    def test_what_cannot_be_selected_is_refused_and_nothing_changes(self, board, part, said):
        before = snapshot(board)
        with pytest.raises(traitlets.TraitError, match=said):
            select(board, **part)
        assert snapshot(board) == before

    @pytest.mark.parametrize(
        "part",
        [
            {"setting": "all-single"},
            {"draw": 1},
            {"map": "UMAP"},
            {"colour": "mood"},
            {"filter": "lucky"},
            {"order": "random"},
            {"camera": 9},
            {"side": -1},
        ],
    )
    def test_what_cannot_be_viewed_is_refused_and_nothing_changes(self, board, part):
        before = snapshot(board)
        with pytest.raises(traitlets.TraitError, match=next(iter(part))):
            look(board, **part)
        assert snapshot(board) == before


class TestMap:
    def test_the_other_cell_has_its_own_map(self, board, rival_regdb):
        before = board.where
        look(board, side=1)
        of = numbers.points(rival_regdb)
        assert board.points == of.packed()
        assert board.where != before
        where = np.frombuffer(board.where, "<f4").reshape(-1, 2)
        np.testing.assert_array_equal(where, numbers.plane(rival_regdb)[0])
        lists = numbers.Lists(rival_regdb, "v2t")
        assert board.right == numbers.right(lists, of).tobytes()

    def test_colour_window_and_hidden_streams_compute_nothing(self, board, monkeypatch):
        for name in ("plane", "queries", "compare"):
            monkeypatch.setattr(numbers, name, None)
        look(board, colour="camera", hidden=["DV"], window=[0.1, 0.2, 3.0])
        assert json.loads(board.state)["view"]["hidden"] == ["DV"]

    def test_pictures_are_sent_by_key(self, board, tested_regdb, monkeypatch):
        row, sent = board.selection["query"], []
        monkeypatch.setattr(board, "send", lambda content, buffers: sent.append((content, buffers)))
        keys = [f"0:{row}:V", f"0:{row}:DV"]
        board._asked(board, {"do": "pictures", "keys": keys}, [])
        ((content, buffers),) = sent
        assert content == {"do": "pictures", "keys": keys}
        assert [b[:4] for b in buffers] == [b"\x89PNG"] * 2


class TestState:
    def changed(self, board):
        look(board, filter="found by A, missed by B", colour="person", window=[0.1, -0.2, 2.5])
        select(board, result=board.lists[1]["entries"][3]["row"], side=1)
        look(board, side=1, map="t-SNE", hidden=["I"], order="by person")

    def test_saved_and_restored_it_is_the_same(self, board, tested_regdb, rival_regdb, tmp_path):
        self.changed(board)
        path = board.save()
        assert path == tmp_path / "figures" / "desk-01.png"
        with Image.open(path) as image:
            assert image.size[0] > 1000
        other = explorers.desk(tested_regdb, rival_regdb)
        assert other.state != board.state
        assert other.restore(path.with_suffix(".json").read_text())
        assert snapshot(other) == snapshot(board)
        assert board.save().name == "desk-02.png", "nothing is overwritten"

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda parts: "", "Not restored"),
            (lambda parts: json.dumps([parts]), "Not restored"),
            (lambda parts: json.dumps(parts | {"desk": 99}), "version 99"),
            (
                lambda parts: json.dumps(parts | {"cells": ["B4, seed 1", "B2, seed 0"]}),
                "B4, seed 1",
            ),
            (lambda parts: json.dumps({k: v for k, v in parts.items() if k != "view"}), "'view'"),
            (lambda parts: json.dumps(parts | {"selection": {"query": 10**7}}), "no row"),
            (lambda parts: json.dumps(parts | {"view": {"map": "UMAP"}}), "UMAP"),
        ],
    )
    def test_a_spoilt_state_changes_nothing_and_says_why(self, board, spoil, said):
        self.changed(board)
        before, parts = snapshot(board), json.loads(board.state)
        look(board, filter="all")
        select(board, query=board.queries[0], result=None)
        now = snapshot(board)
        assert now != before
        assert not board.restore(spoil(parts))
        assert snapshot(board) == now
        assert said in board.message
        assert "Copy the whole string" in board.message

    def test_a_query_and_setting_that_do_not_fit_are_settled(self, board, tested_regdb):
        parts = json.loads(board.state)
        parts["selection"]["query"] = int(tested_regdb.rows(I)[0])
        assert board.restore(json.dumps(parts))
        assert board.view["setting"] == "t2v"


class TestBoards:
    def test_one_cell_alone(self, tested_regdb):
        board = explorers.desk(tested_regdb)
        assert len(board.lists) == 1
        assert board.about["filters"] == ["all", "missed", "found"]
        look(board, filter="missed")
        assert board.lists[0]["first"] > 1

    def test_draws_and_cameras_where_the_protocol_has_them(self, tested_sysu):
        board = explorers.desk(tested_sysu)
        assert board.about["draws"]["all-single"] == 10
        assert board.about["cameras"] == [1, 2, 3, 4, 5, 6]
        before = board.lists
        look(board, draw=4)
        lists = numbers.Lists(tested_sysu, "all-single", 4)
        assert board.lists == [lists.ranked(board.selection["query"])] != before
        look(board, camera=6)
        records = tested_sysu.setup.dataset.records
        assert {records[r].camera for r in board.queries} == {6}
        select(board, query=int(tested_sysu.rows(V)[0]))
        assert board.view["setting"] == "reverse"
        assert (board.view["draw"], board.view["camera"]) == (0, 0)

    def test_the_board_opens_a_folder(self, cell):
        assert isinstance(explorers.desk(cell), Desk)

    def test_bad_input_is_one_sentence_in_its_place(self, tmp_path, tested_regdb, tested_sysu):
        for cells, said in (
            ([tmp_path / "gone"], "no such folder"),
            ([tested_regdb, tested_sysu], "Lay two cells of one data set"),
            ([tmp_path], "no finished cell"),
        ):
            board = explorers.desk(*cells)
            assert isinstance(board, widgets.HTML)
            assert said in board.value
            assert 'role="alert"' in board.value

    def test_a_name_is_no_markup(self, tmp_path):
        board = explorers.desk(tmp_path / "<b>x")
        assert "<b>x" not in board.value
        assert "&lt;b&gt;x" in board.value


class TestFigure:
    def test_it_shows_what_is_seen(self, board, tested_regdb):
        select(board, result=board.lists[0]["entries"][1]["row"])
        look(board, hidden=["DI"], window=[0.0, 0.5, 2.0])
        figure = board.figure()
        figure.canvas.draw()
        chart, first, second = figure.axes[:3]
        assert len(chart.lines) == len(board.lists[0]["matches"])
        assert chart.get_ylim() == (0.5 - 1.05 / 2, 0.5 + 1.05 / 2)
        drawn = sum(len(c.get_offsets()) for c in chart.collections)
        assert drawn == len(numbers.points(tested_regdb).rows) * 3 // 4 + 1, "and the query's ring"
        for ax, list_ in zip((first, second), board.lists, strict=True):
            marks = [t.get_text() for t in ax.texts]
            head = [e for e in list_["entries"] if e["place"] <= 8 or e["place"] == list_["first"]]
            assert marks == ["✓" if e["right"] else "✗" for e in head]
        sums = [ax.get_title().split()[-1] for ax in figure.axes[3:]]
        assert sums == [f"{p['sum']:+.2f}" for p in board.pair["panels"]]

    @pytest.mark.parametrize("colour", ["person", "modality", "camera", "right or wrong"])
    def test_every_colouring_is_drawn(self, board, colour):
        look(board, colour=colour)
        assert board.about["colourings"].count(colour) == 1
        board.figure().canvas.draw()
        assert board.about["streams"] == [[m.value for m in Modality], ["V", "I"]]
