"""Notebook 03, headless: its figures, its explorers, its numbers; its own checks hold what it says in words."""

import json

import pytest

from bdlab import batch, sketch
from bdlab.modality import MDL_GRAPHS

from ..conftest import REPOSITORY
from .pictures import not_blank, shown

NOTEBOOK = REPOSITORY / "notebooks" / "03_losses.ipynb"
#: hinge, matrices, literal hinge, collapse, table, graph, Fig. 3, curves, seeds
FIGURES = 9


def executed(tmp_path, **parameters):
    """(path of the executed notebook, the numbers on its last printed line)."""
    out = tmp_path / "executed.ipynb"
    batch.execute(NOTEBOOK, out, {"threads": 1, **parameters}, timeout=300)
    streams = [o for cell in json.loads(out.read_text())["cells"] for o in cell.get("outputs", []) if o["output_type"] == "stream"]
    assert not any("Warning" in "".join(o["text"]) for o in streams)
    printed = "".join("".join(o["text"]) for o in streams if o["name"] == "stdout")
    return out, json.loads(printed.strip().splitlines()[-1])


def looks_right(path):
    pictures = shown(path)
    assert len(pictures) == FIGURES
    assert all(map(not_blank, pictures))
    views = [o for cell in json.loads(path.read_text())["cells"] for o in cell.get("outputs", []) if "data" in o]
    assert sum("application/vnd.jupyter.widget-view+json" in o["data"] for o in views) == 2, "two explorers"


@pytest.mark.slow
def test_it_runs_at_its_defaults_where_its_checks_are_the_sentences(tmp_path):
    path, found = executed(tmp_path)
    looks_right(path)
    assert found["MDL4"]["gap"] < found["V–I"]["gap"]
    assert found["spread"]["literal"][1] < 0.1 * found["spread"]["literal"][0]


@pytest.mark.slow
def test_its_parameters_reach_what_is_trained(tmp_path):
    path, found = executed(tmp_path, seeds=2, steps=20, shared=0.5, margin_cross=0.7, margin_intra=0.2)
    looks_right(path)
    weights = sketch.Weights(margin_cross=0.7, margin_intra=0.2)
    last = [sketch.train(MDL_GRAPHS["base"], seed, steps=20, weights=weights, shared=0.5)[-1] for seed in range(2)]
    assert found["V–I"]["gap"] == pytest.approx(sum(f.gap for f in last) / 2, abs=2e-3)
    assert found["all one point"] == [1.4, 1.4]


def test_an_unknown_parameter_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no parameter 'margin'"):
        executed(tmp_path, margin=0.5)


def test_cells_keep_their_ids_and_every_figure_has_words():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert [c["id"] for c in cells] == [f"cell-{k:02d}" for k in range(len(cells))]
    for k, cell in enumerate(cells):
        if cell["cell_type"] == "code" and "loss_figures." in "".join(cell["source"]):
            before = "".join("".join(c["source"]) for c in cells[max(k - 3, 0) : k] if c["cell_type"] == "markdown")
            assert "Expect" in before or "**Expect" in before, cell["source"]
