"""The game in a notebook: machines or none, its static twin, one sentence for bad input."""

import base64
import io

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from bdlab.workbench import explorers, live
from bdlab.workbench.retrieval import game as games

SMALL = {"rounds": 4, "choices": 5, "pool": 8, "height": 64}


def test_its_values_are_the_live_pages(tested_regdb):
    game = explorers.game({"MDL4": tested_regdb}, **SMALL)
    assert {name: getattr(game, name) for name in game.own} == live.game_traits(
        {"MDL4": tested_regdb}, **SMALL
    )


def test_a_data_set_alone_asks_the_same_questions(tested_regdb):
    """Without machines: nobody's distances, but the rounds that machines would be asked."""
    dataset = tested_regdb.setup.dataset
    alone = explorers.game(dataset, **SMALL)
    both = explorers.game({"MDL4": tested_regdb}, **SMALL)
    assert alone.machines == []
    assert alone.rows == both.rows
    assert [one["candidates"] for one in alone.rounds] == [one["candidates"] for one in both.rounds]
    assert all(one["distances"] == {} for one in alone.rounds)
    assert alone.asked == both.asked


def test_as_many_people_as_there_are_unless_asked(tested_regdb):
    dataset = tested_regdb.setup.dataset
    everybody = len(dataset.identities("test"))
    game = explorers.game(dataset, height=32)
    assert len(game.visible) == min(live.MOST_PEOPLE, everybody)
    few = explorers.game(dataset, rounds=99, choices=9, height=32)
    assert len(few.rounds) == everybody == 8
    assert {len(one["candidates"]) for one in few.rounds} == {8}


def test_its_picture_is_the_round_that_is_on(tested_regdb):
    game = explorers.game(tested_regdb.setup.dataset, **SMALL)
    data, _ = game._repr_mimebundle_()
    first = data["image/png"]
    with Image.open(io.BytesIO(base64.b64decode(first))) as picture:
        assert picture.width > 400
    game.picks = [0]
    assert game._repr_mimebundle_()[0]["image/png"] != first
    one = game.rounds[1]
    page = game.figure().axes[0].images[0].get_array()
    query = games._picture(game.infrared[one["query"]])
    np.testing.assert_array_equal(page[:64, :32], query)
    game.picks = [0] * 4  # over: the last one stays
    assert game._repr_mimebundle_()[0]["image/png"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"machines": {}}, "or a data set"),
        ({"machines": "runs"}, "or a data set"),
        ({"machines": {"A": "/no/<such>"}}, "/no/&lt;such&gt;: no such folder"),
        ({"rounds": 0}, "rounds = 0"),
        ({"choices": 2.5}, "choices = 2.5"),
        ({"choices": 12}, "2 to 9 are meant"),
        ({"choices": 1}, "2 to 9 are meant"),
        ({"pool": 4, "choices": 5}, "2 to 4 are meant"),
        ({"pool": 999}, "pool = 999"),
        ({"height": True}, "height = True"),
    ],
)
def test_bad_input_gets_one_sentence_in_the_boards_place(tested_regdb, given, words):
    said = explorers.game(**{"machines": tested_regdb.setup.dataset, **given})
    assert isinstance(said, widgets.HTML)
    assert said.value.startswith('<p role="alert"')
    assert words in said.value


def test_a_folder_that_is_no_cell(tmp_path):
    (tmp_path / "empty").mkdir()
    said = explorers.game({"A": tmp_path / "empty"})
    assert "no finished cell" in said.value


def test_machines_of_two_data_sets(tested_regdb, tested_sysu):
    said = explorers.game({"A": tested_regdb, "B": tested_sysu})
    assert "one data set" in said.value
