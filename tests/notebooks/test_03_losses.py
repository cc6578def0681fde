"""Notebook 03, headless: its figures, its explorers, its numbers; what its trainings found stands
in words that are computed, and is asserted here alone.
"""

import pytest

from bdlab import batch
from bdlab.modality import MDL_GRAPHS
from bdlab.workbench.losses import toy
from tests.conftest import REPOSITORY

from . import reading

NOTEBOOK = REPOSITORY / "notebooks" / "03_losses.ipynb"
#: hinge, matrices, literal hinge, collapse, table, graph, Fig. 3, curves, seeds, people; the
#: pictures of the two explorers
FIGURES = 10 + 2


def executed(tmp_path, **parameters):
    """(path of the executed notebook, the numbers on its last printed line)."""
    out = tmp_path / "executed.ipynb"
    batch.execute(NOTEBOOK, out, {"threads": 1, **parameters}, timeout=300)
    return out, reading.said(out)[1]


def looks_right(path):
    reading.draws(path, FIGURES)
    assert len(reading.explorers(path)) == 2


@pytest.mark.slow
def test_at_its_defaults_its_findings_are_what_the_text_says(tmp_path):
    path, found = executed(tmp_path)
    looks_right(path)
    assert found["findings"] == [True] * 5
    assert found["MDL4"]["gap"] < found["V–I"]["gap"]
    assert found["spread"]["literal"][1] < 0.1 * found["spread"]["literal"][0]


@pytest.mark.slow
def test_its_parameters_reach_what_is_trained(tmp_path):
    path, found = executed(
        tmp_path, seeds=2, steps=20, shared=0.5, margin_cross=0.7, margin_intra=0.2
    )
    looks_right(path)
    weights = toy.Weights(margin_cross=0.7, margin_intra=0.2)
    last = [
        toy.train(MDL_GRAPHS["base"], seed, steps=20, weights=weights, shared=0.5)[-1]
        for seed in range(2)
    ]
    assert found["V–I"]["gap"] == pytest.approx(sum(f.gap for f in last) / 2, abs=2e-3)
    assert found["all one point"] == [1.4, 1.4]
    assert not all(found["findings"]), "twenty steps find less, and fail nothing"
    assert ": no" in reading.said(path)[0]


def test_every_figure_has_words():
    cells = reading.cells(NOTEBOOK)
    for k, cell in enumerate(cells):
        if cell["cell_type"] == "code" and "loss_figures." in reading.source(cell):
            before = reading.around(cells, k, before=3, after=0)
            assert "Expect" in before, cell["source"]
