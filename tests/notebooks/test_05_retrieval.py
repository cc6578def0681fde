"""Notebook 05, headless, on both twins and on real thermal crops: it finds or trains a cell, shows
its figures, and its numbers hold.
"""

import pytest

from bdlab import batch
from bdlab.experiments import runs
from bdlab.workbench.retrieval import embedding, search
from tests.conftest import REAL, REPOSITORY

from . import reading

NOTEBOOK = REPOSITORY / "notebooks" / "05_retrieval.ipynb"
#: roles, one answer, lists, failures, the way back, CMC, distances, maps, evidence, evidence of a
#: failure, parts
FIGURES = 11


def executed(tmp_path, **parameters):
    """(path of the executed notebook, everything it printed, the numbers on its last printed
    line).
    """
    out = tmp_path / "executed.ipynb"
    given = {"preset": "smoke", "threads": 1, "runs": str(tmp_path / "runs"), **parameters}
    batch.execute(NOTEBOOK, out, given, timeout=300)
    return out, *reading.said(out)


def looks_right(path):
    reading.draws(path, FIGURES)
    assert len(reading.explorers(path)) == 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["synthetic-regdb", "synthetic-sysu"])
def test_it_runs_on_a_twin_and_says_what_holds(tmp_path, kind):
    path, printed, found = executed(tmp_path, data=kind)
    looks_right(path)
    assert [s.word for s in runs.status(tmp_path / "runs")] == ["done"], (
        "the cell it trained is committed"
    )
    tested = search.reopen(tmp_path / "runs" / found["cell"])
    assert found["R1"] == {
        name: round(result.mean["R1"], 4) for name, result in tested.results.items()
    }
    overlaps = {
        f"{a}-{b}": round(embedding.overlap(*both), 4)
        for (a, b), both in embedding.pair_distances(tested).items()
    }
    assert found["overlap"] == overlaps
    assert found["worst"] == tested.search().scores.first.max() + 1
    assert (
        found["parameters"]["trained"] - found["parameters"]["deployed"]
        == 2 * embedding.parts(tested.setup.net)["stem V"] + 10
    )
    assert ("one trial, so no interval" in printed) == (kind == "synthetic-regdb")
    assert ("over 10 gallery draws" in printed) == (kind == "synthetic-sysu")
    assert "bit for bit: {'V': True, 'I': True}" in printed


@pytest.mark.slow
def test_it_takes_the_cell_that_is_named(tmp_path):
    from bdlab.experiments import sweeps

    config = sweeps.configure("table4", "B2", "smoke", "synthetic-regdb", {"epochs": 1})
    place = search.trained(tmp_path / "runs", config, lambda _: None)
    path, printed, found = executed(tmp_path, cell=place.name)
    looks_right(path)
    assert found["cell"] == place.name
    assert set(found["overlap"]) == {"V-V", "V-I", "I-I"}
    assert found["parameters"]["trained"] == found["parameters"]["deployed"]
    assert "epoch" not in printed.split("table4")[0], "nothing was trained"


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="no real pictures here")
def test_it_runs_on_real_pictures(tmp_path):
    path, printed, found = executed(tmp_path, data="folder", root=str(REAL))
    looks_right(path)
    assert ": folder, modalities V I DV DI" in printed
    assert found["R1"].keys() == {"v2t", "t2v"}


def test_every_figure_has_words():
    cells = reading.cells(NOTEBOOK)
    for k, cell in enumerate(cells):
        if cell["cell_type"] == "code" and "_figures." in reading.source(cell):
            before = reading.around(cells, k, before=2, after=0)
            assert "Expect" in before, cell["source"]
