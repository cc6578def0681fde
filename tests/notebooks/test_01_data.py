"""Notebook 01, headless, on both twins and on real pictures: it shows its figures and prints
numbers that are right.
"""

import pytest

from bdlab import batch, datasets
from bdlab.workbench.data import numbers
from tests.conftest import REAL, REPOSITORY

from . import reading

NOTEBOOK = REPOSITORY / "notebooks" / "01_data.ipynb"
#: grid, histograms, agreement, SYSU roles, gallery, trials, RegDB roles, gallery, trial,
#: counterfactuals, two dials, Fig. 5
FIGURES = 13


def executed(tmp_path, **parameters):
    """(path of the executed notebook, everything it printed, the numbers on its last printed
    line).
    """
    out = tmp_path / "executed.ipynb"
    batch.execute(NOTEBOOK, out, {"size": "smoke", "threads": 1, **parameters}, timeout=300)
    return out, *reading.said(out)


def looks_right(path, figures=FIGURES):
    reading.draws(path, figures + 1)  # the game's
    assert len(reading.explorers(path)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["synthetic-regdb", "synthetic-sysu"])
def test_it_runs_on_a_twin(tmp_path, kind):
    path, printed, found = executed(tmp_path, data=kind)
    looks_right(path)
    dataset, sysu = datasets.open(kind, size="smoke"), datasets.open("synthetic-sysu", size="smoke")
    assert found["data"] == kind
    assert "test:    8 people, 32 visible + 32 infrared pictures" in printed
    expected = {
        name: round(float(values.mean()), 3) for name, values in numbers.agreement(dataset).items()
    }
    assert found["agreement"] == expected
    assert found["valid"] == {
        mode: int(numbers.trial(sysu, f"{mode}-single").valid.sum()) for mode in ("all", "indoor")
    }
    assert found["valid"]["indoor"] < found["valid"]["all"] == 32
    own = {"synthetic-regdb": "stand-in for RegDB", "synthetic-sysu": "stand-in for SYSU-MM01"}[
        kind
    ]
    assert found["gaps"] == found["fig5"][own]
    assert (
        found["fig5"]["stand-in for RegDB"]["appearance"]
        < 0.5 * found["fig5"]["stand-in for SYSU-MM01"]["appearance"]
    )


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="no real pictures here")
def test_it_runs_on_real_pictures_and_says_what_it_leaves_out(tmp_path):
    path, printed, found = executed(tmp_path, data="folder", root=str(REAL))
    looks_right(path, FIGURES - 1)
    assert "Left out: folder is no twin" in printed
    assert "gaps" not in found
    assert found["agreement"]["R–G"] > 0.9
    assert abs(found["agreement"]["luma–IR, one person"]) < 0.2
    assert found["agreement"]["edges–IR, one person"] > found["agreement"]["edges–IR, strangers"]


def test_every_figure_has_words():
    cells = reading.cells(NOTEBOOK)
    for k, cell in enumerate(cells):
        if "data_figures." in reading.source(cell):
            near = reading.around(cells, k, before=2, after=2)
            assert "Expect" in near or "We see" in near, cell["source"]
