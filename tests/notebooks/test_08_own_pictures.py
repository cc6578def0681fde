"""Notebook 08, headless, on ten rendered people, on a folder nobody has named and on a cell
given.
"""

import csv
import shutil

import numpy as np
import pytest

from bdlab import batch
from bdlab.deploy.pictures import example
from bdlab.experiments import runs
from tests.conftest import REAL, REPOSITORY

from . import reading

NOTEBOOK = REPOSITORY / "notebooks" / "08_own_pictures.ipynb"


def executed(tmp_path, **parameters):
    """(path of the executed notebook, everything it printed, the numbers on its last line)."""
    out = tmp_path / "executed.ipynb"
    given = {"preset": "smoke", "threads": 1, "runs": str(tmp_path / "runs"), **parameters}
    batch.execute(NOTEBOOK, out, given, timeout=600)
    return out, *reading.said(out)


@pytest.mark.slow
def test_ten_rendered_people_are_searched(tmp_path):
    path, printed, found = executed(tmp_path)
    reading.draws(path, 1)
    assert found["people"] == 10
    assert [s.word for s in runs.status(tmp_path / "runs")] == ["done"]
    own = tmp_path / "runs" / "own"
    with (own / "ranks.csv").open() as file:
        rows = list(csv.DictReader(file))
    first = [row["hit"] == "1" for row in rows if row["rank"] == "1"]
    assert found["scores"]["R1"] == pytest.approx(np.mean(first), abs=1e-4)
    assert found["chance"] == pytest.approx(1 / 10)
    assert found["apart"] <= 1e-5
    assert "data:image/jpeg" in (own / "index.html").read_text()
    assert "Rank-1" in printed
    assert "(Ada)" in printed, "people are shown by name"
    assert ", 102 by one for all" in printed
    assert ", 143 by one for all" in printed


@pytest.mark.slow
def test_a_folder_of_nobody_known_and_a_cell_given(tmp_path, regdb):
    people = example(tmp_path / "people", 4, "smoke")
    for folder in ("visible", "infrared"):
        place = tmp_path / "mine" / folder
        place.mkdir(parents=True)
        for number, file in enumerate(sorted((people / folder).glob("*/*"))):
            shutil.copy(file, place / f"{number}.bmp")
    from tests.deploy.conftest import committed

    cell = committed(tmp_path / "runs")
    _, printed, found = executed(tmp_path, pictures=str(tmp_path / "mine"), cell=cell.name)
    assert (found["people"], found["scores"]) == (0, None)
    assert found["cell"] == cell.name
    assert "lists, but no scores" in printed
    assert "nobody to name" in printed


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="no real pictures here")
def test_real_thermal_crops(tmp_path):
    _, _, found = executed(tmp_path, pictures=str(REAL))
    assert found["pictures"] == 656


def test_every_step_says_what_to_expect():
    cells = reading.cells(NOTEBOOK)
    for k, cell in enumerate(cells[4:-5], start=4):
        if cell["cell_type"] == "code":
            assert "**Expect:**" in reading.around(cells, k, before=1, after=0), cell["source"]
            assert "**We see**" in reading.around(cells, k, before=0, after=1), cell["source"]
