"""Notebook 02, headless: on a run of its own, on one that is there, and on real pictures; its
figures and numbers are right.
"""

import numpy as np
import pytest

from bdlab import batch, datasets
from bdlab.experiments import runs
from bdlab.workbench.channels import numbers, render
from tests.conftest import REAL, REPOSITORY

from . import reading

NOTEBOOK = REPOSITORY / "notebooks" / "02_derivative_modalities.ipynb"
#: five at the start, weights, generator curves, five, spaces, Fig. 8, shares, Fig. 9, copies,
#: histograms
FIGURES = 10


def executed(tmp_path, **parameters):
    """(path of the executed notebook, everything it printed, the numbers on its last printed
    line).
    """
    out = tmp_path / f"executed-{len(list(tmp_path.glob('*.ipynb')))}.ipynb"
    given = {
        "size": "smoke",
        "preset": "smoke",
        "threads": 1,
        "runs": str(tmp_path / "runs"),
        **parameters,
    }
    batch.execute(NOTEBOOK, out, given, timeout=300)
    return out, *reading.said(out)


def looks_right(path, figures=FIGURES):
    reading.draws(path, figures)
    assert sum("explorers.channels(visible" in cell for cell in reading.explorers(path)) == 1


def agrees(found, folder, dataset):
    """The printed numbers, made again from the cell and the pictures."""
    learned = numbers.read(folder)
    visible, infrared, who = render.people_of(dataset, 8)
    both = [
        render.render(visible[0], infrared[0], n)
        for n in (numbers.preset("uniform"), learned.numbers)
    ]
    assert found["cell"] == folder.name
    assert found["people"] == len(who)
    assert found["moved"] == pytest.approx(learned.moved, abs=1e-4)
    assert found["clipped"] == pytest.approx([r.clipped.mean() for r in both], abs=1e-4)
    np.testing.assert_allclose(found["divergence"], both[1].divergence.mean(axis=(0, 1)), atol=1e-4)


@pytest.mark.slow
def test_it_trains_a_cell_and_takes_it_up_again(tmp_path):
    path, printed, found = executed(tmp_path)
    looks_right(path, FIGURES + 1)  # the live curves of the training
    (cell,) = runs.status(tmp_path / "runs")
    assert (cell.word, cell.name) == ("done", found["cell"])
    agrees(found, tmp_path / "runs" / cell.name, datasets.open("synthetic-regdb", size="smoke"))
    assert "2 epochs" in printed
    assert "Too short to learn anything" in printed
    path, _, again = executed(tmp_path)
    looks_right(path)
    assert again == found
    path, _, named = executed(
        tmp_path, cell=str(tmp_path / "runs" / cell.name), runs=str(tmp_path / "elsewhere")
    )
    assert named == found
    assert not (tmp_path / "elsewhere").exists(), "nothing trained"


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="no real pictures here")
def test_it_runs_on_real_thermal_crops(tmp_path):
    path, printed, found = executed(tmp_path, data="folder", root=str(REAL))
    looks_right(path, FIGURES + 1)
    assert "8 people of folder" in printed
    agrees(found, tmp_path / "runs" / found["cell"], datasets.open("folder", REAL))


def test_every_figure_has_words():
    cells = reading.cells(NOTEBOOK)
    figures = [
        k
        for k, cell in enumerate(cells)
        if "channel_figures." in reading.source(cell) and cell["cell_type"] == "code"
    ]
    for k in figures:
        near = reading.around(cells, k, before=1, after=1)
        assert "Expect" in near, cells[k]["source"]
    assert len(figures) >= FIGURES - 1
