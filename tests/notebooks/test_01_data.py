"""Notebook 01, headless, on both twins and on real pictures: it shows its figures and prints numbers that are right."""

import json
import time

import pytest

from bdlab import batch, datasets, gaps

from ..conftest import REAL, REPOSITORY
from .pictures import not_blank, shown

NOTEBOOK = REPOSITORY / "notebooks" / "01_data.ipynb"
#: grid, histograms, agreement, SYSU roles, gallery, trials, RegDB roles, gallery, trial, counterfactuals, two dials, Fig. 5
FIGURES = 13


def executed(tmp_path, **parameters):
    """(path of the executed notebook, everything it printed, the numbers on its last printed line)."""
    out = tmp_path / "executed.ipynb"
    batch.execute(NOTEBOOK, out, {"size": "smoke", "threads": 1, **parameters}, timeout=300)
    streams = [o for cell in json.loads(out.read_text())["cells"] for o in cell.get("outputs", []) if o["output_type"] == "stream"]
    assert {o["name"] for o in streams} <= {"stdout", "stderr"}
    assert not any("Warning" in "".join(o["text"]) for o in streams)
    printed = "".join("".join(o["text"]) for o in streams if o["name"] == "stdout")
    return out, printed, json.loads(printed.strip().splitlines()[-1])


def looks_right(path, figures=FIGURES):
    pictures = shown(path)
    assert len(pictures) == figures
    assert all(map(not_blank, pictures))
    views = [o for cell in json.loads(path.read_text())["cells"] for o in cell.get("outputs", []) if "data" in o]
    assert sum("application/vnd.jupyter.widget-view+json" in o["data"] for o in views) == 2, "two explorers"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["synthetic-regdb", "synthetic-sysu"])
def test_it_runs_on_a_twin(tmp_path, kind):
    began = time.perf_counter()
    path, printed, found = executed(tmp_path, data=kind)
    assert time.perf_counter() - began < 60
    looks_right(path)
    dataset, sysu = datasets.open(kind, size="smoke"), datasets.open("synthetic-sysu", size="smoke")
    assert found["data"] == kind
    assert "test:    8 people, 32 visible + 32 infrared pictures" in printed
    expected = {name: round(float(values.mean()), 3) for name, values in gaps.agreement(dataset).items()}
    assert found["agreement"] == expected
    assert found["valid"] == {mode: int(gaps.trial(sysu, f"{mode}-single").valid.sum()) for mode in ("all", "indoor")}
    assert found["valid"]["indoor"] < found["valid"]["all"] == 32
    own = {"synthetic-regdb": "stand-in for RegDB", "synthetic-sysu": "stand-in for SYSU-MM01"}[kind]
    assert found["gaps"] == found["fig5"][own]
    assert found["fig5"]["stand-in for RegDB"]["appearance"] < 0.5 * found["fig5"]["stand-in for SYSU-MM01"]["appearance"]


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


def test_an_unknown_parameter_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no parameter 'dataset'"):
        executed(tmp_path, dataset="synthetic-regdb")


def test_cells_keep_their_ids_and_every_figure_has_words():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert [c["id"] for c in cells] == [f"cell-{k:02d}" for k in range(len(cells))]
    for k, cell in enumerate(cells):
        if "data_figures." in "".join(cell["source"]):
            near = "".join("".join(c["source"]) for c in cells[max(k - 2, 0) : k + 3] if c["cell_type"] == "markdown")
            assert "Expect" in near or "We see" in near, cell["source"]
