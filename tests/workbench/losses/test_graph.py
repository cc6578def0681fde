"""The graph widget: pairs in, equation, count and name out; trainings that can be compared and that
leave the kernel alive.
"""

import asyncio
import re

import numpy as np
import pytest
import traitlets

from bdlab import losses
from bdlab.modality import MDL_GRAPHS, Modality, ModalityError, parse_pairs
from bdlab.workbench import explorers
from bdlab.workbench.losses import toy


def plain(html):
    return re.sub("<[^>]+>", "", html)


def test_it_starts_where_it_is_told():
    for given in ("V-I V-DI I-DV", "mdl4", MDL_GRAPHS["mdl4"]):
        widget = explorers.graph(given)
        assert widget.pairs == ["V-I", "V-DI", "I-DV"]
        assert widget.graph == MDL_GRAPHS["mdl4"]
        assert widget.title == "MDL4, the paper's own"
        assert widget.terms == 6
    with pytest.raises(ModalityError, match="X"):
        explorers.graph("V-X")


def test_eq_2_rewrites_itself():
    widget = explorers.graph("base")
    assert plain(widget.equation) == "LMDL = LV→I + LI→V"
    widget.pairs = ["DI-DV", "V-I"]
    assert plain(widget.equation) == "LMDL = LDI→DV + LDV→DI + LV→I + LI→V"
    assert (widget.terms, widget.title) == (4, "a graph the paper does not have")
    widget.pairs = []
    assert plain(widget.equation) == "LMDL = 0"
    assert widget.terms == 0
    assert widget.title.startswith("no edge")


@pytest.mark.parametrize("name", MDL_GRAPHS)
def test_the_paper_s_graphs_are_named(name):
    widget = explorers.graph(name)
    assert widget.terms == 2 * len(MDL_GRAPHS[name])
    assert widget.graphs[widget.title.partition(",")[0].partition(":")[0]] == widget.pairs


@pytest.mark.parametrize("wrong", [["V-V"], ["V-I", "I-V"], ["V"], ["V-Q"]])
def test_pairs_that_there_are_not_are_refused_and_nothing_is_lost(wrong):
    widget = explorers.graph("mdl2")
    with pytest.raises(traitlets.TraitError):
        widget.pairs = wrong
    assert widget.graph == MDL_GRAPHS["mdl2"]


def test_all_six_edges_can_be_clicked():
    edges = explorers.graph().edges
    assert len(edges) == 6
    assert sum("left out" in edge["about"] for edge in edges) == 3
    explorers.graph().pairs = ["-".join(edge["ends"]) for edge in edges]


class TestTable:
    """Under the hand an edge shows its two entries of the 4 x 4 table."""

    def test_both_directions_of_every_edge(self):
        points = toy.constellation()
        table = losses.table(points.features, points.labels).tolist()
        edges = explorers.graph("mdl4", table=table).edges
        order = list(Modality)
        for edge in edges:
            a, b = (order.index(Modality(end)) for end in edge["ends"])
            numbers = [float(n) for n in re.findall(r"\d\.\d{3}", edge["entries"])]
            assert numbers == pytest.approx([table[a][b], table[b][a]], abs=5e-4)
        assert edges[1]["entries"].startswith("V → D_V ")
        assert any(n != m for n, m in [re.findall(r"\d\.\d{3}", e["entries"]) for e in edges]), (
            "a table that is not symmetric tells the directions apart"
        )

    def test_without_a_table_there_are_none(self):
        assert not any("entries" in edge for edge in explorers.graph("mdl4").edges)

    def test_another_table_is_refused(self):
        with pytest.raises(ValueError, match=r"table is \[2, 2\]"):
            explorers.graph("mdl4", table=[[0, 1], [1, 0]])


def test_a_training_is_that_of_the_sketch():
    widget = explorers.graph("V-DI", steps=5, seed=3)
    entry = widget.train()
    frame = toy.train(parse_pairs("V-DI"), 3, steps=5)[-1]
    assert (entry["gap"], entry["rank1"]) == (round(frame.gap, 4), round(frame.rank1, 4))
    assert (entry["name"], entry["seed"], entry["step"], entry["terms"]) == ("V-DI", 3, 5, 2)
    assert entry["svg"].count("<g transform") == 2 * 6 * 4
    assert widget.results == [entry]
    assert widget.progress == -1


def test_five_seeds_are_the_sketchs_own():
    widget = explorers.graph("base", steps=4, seed=2)
    entry = widget.train_seeds()
    ends = [toy.train(MDL_GRAPHS["base"], seed, steps=4)[-1] for seed in range(2, 7)]
    assert entry["gap"] == [round(frame.gap, 4) for frame in ends]
    assert entry["rank1"] == [round(frame.rank1, 4) for frame in ends]
    assert (entry["name"], entry["pairs"], entry["first"]) == ("baseline (B2)", ["V-I"], 2)
    single = widget.train()
    assert single["gap"] == entry["gap"][0], "a single training is the first seed's"
    widget.train_seeds()
    assert len(widget.fives) == 1, "once more is no second row"
    widget.pairs = ["V-DI"]
    widget.train_seeds()
    assert [one["name"] for one in widget.fives] == ["baseline (B2)", "V-DI"]
    assert (widget.progress, widget.running) == (-1, -1)


def test_its_output_holds_the_graph_with_the_entries_of_the_table():
    table = np.arange(16).reshape(4, 4) / 10
    widget = explorers.graph("V-DI DI-DV", table=table)
    data, _ = widget._repr_mimebundle_()
    assert data["image/png"]
    words = [text.get_text() for ax in widget.figure().axes for text in ax.texts]
    assert [w for w in words if " → " in w] == [
        "V → D_I 0.300, D_I → V 1.200",
        "D_V → D_I 1.100, D_I → D_V 1.400",
    ]
    plain = explorers.graph("V-DI").figure()
    assert not [text for ax in plain.axes for text in ax.texts if " → " in text.get_text()]


class TestButtons:
    def test_without_a_loop_it_trains_at_once(self):
        widget = explorers.graph("base", steps=3)
        widget._asked(widget, {"do": "train"}, [])
        widget._asked(widget, {"do": "train"}, [])
        assert [entry["name"] for entry in widget.results] == ["baseline (B2)"] * 2
        widget._asked(widget, {"do": "clear"}, [])
        assert widget.results == []

    def test_in_a_kernel_others_get_their_turn(self):
        widget, turns, seen = explorers.graph("base", steps=40), [], []
        widget.observe(lambda change: seen.append(change.new), "progress")

        async def kernel():
            widget._asked(widget, {"do": "train"}, [])
            await asyncio.sleep(0)
            widget._asked(widget, {"do": "train"}, [])  # a second press while one runs
            widget.pairs = ["V-DI"]  # a click meanwhile
            while widget.progress >= 0:
                turns.append(widget.progress)
                await asyncio.sleep(0)

        asyncio.run(kernel())
        assert len(turns) > 4
        assert seen == [0.0, 0.25, 0.5, 0.75, 1.0, -1.0]
        assert [entry["pairs"] for entry in widget.results] == [["V-I"]], (
            "one training, of the graph that was shown when it began"
        )

    def test_five_seeds_leave_others_their_turn_and_show_as_they_come(self):
        widget, turns, seen = explorers.graph("base", steps=20), [], []
        widget.observe(lambda change: seen.append([len(one["gap"]) for one in change.new]), "fives")

        async def kernel():
            widget._asked(widget, {"do": "train seeds"}, [])
            await asyncio.sleep(0)
            widget._asked(widget, {"do": "train"}, [])  # a second press while they run
            widget.pairs = ["V-DI"]  # a click meanwhile
            while widget.progress >= 0:
                turns.append((widget.running, widget.progress))
                await asyncio.sleep(0)

        asyncio.run(kernel())
        assert seen == [[1], [2], [3], [4], [5]]
        assert widget.results == []
        assert widget.fives[0]["pairs"] == ["V-I"]
        assert [running for running, _ in turns] == sorted(running for running, _ in turns)
        assert {running for running, _ in turns} == {0, 1, 2, 3, 4}
        assert [share for _, share in turns] == sorted(share for _, share in turns)
        widget._asked(widget, {"do": "clear"}, [])
        assert widget.fives == []

    def test_after_an_error_it_can_be_pressed_again(self, monkeypatch):
        widget = explorers.graph("base", steps=3)
        monkeypatch.setattr(toy, "training", lambda *_: iter(()).__next__())
        with pytest.raises((RuntimeError, StopIteration)):
            widget.train()
        assert widget.progress == -1
