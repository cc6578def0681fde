"""Notebook 06, headless: on nothing it shows the paper and the commands, on runs their verdicts; it never trains."""

import json
import time

import pytest

from bdlab import batch, recipes, report

from ..conftest import REPOSITORY
from ..test_report import put
from .pictures import not_blank, shown

NOTEBOOK = REPOSITORY / "notebooks" / "06_ablations.ipynb"
SWEEPS = ("table4", "fig6", "fig7", "controls", "families")


def executed(tmp_path, out, **parameters):
    """(path of the executed notebook, all its words, the numbers on its last printed line)."""
    path = tmp_path / "executed.ipynb"
    batch.execute(NOTEBOOK, path, {"runs": str(out), "threads": 1, **parameters}, timeout=120)
    outputs = [o for cell in json.loads(path.read_text())["cells"] for o in cell.get("outputs", [])]
    assert not any(o.get("name") == "stderr" for o in outputs), [o for o in outputs if o.get("name") == "stderr"]
    printed = "".join("".join(o["text"]) for o in outputs if o["output_type"] == "stream")
    tables = ["".join(o["data"]["text/markdown"]) for o in outputs if "text/markdown" in o.get("data", {})]
    return path, "\n".join([*tables, printed]), json.loads(printed.strip().splitlines()[-1])


@pytest.mark.slow
def test_without_runs_it_shows_the_paper_and_the_commands(tmp_path):
    began = time.perf_counter()
    path, words, found = executed(tmp_path, tmp_path / "nothing")
    assert time.perf_counter() - began < 60
    pictures = shown(path)
    assert len(pictures) == 3  # the paper's differences, Fig. 6, Fig. 7
    assert all(map(not_blank, pictures))
    assert found["runs"] == dict.fromkeys(SWEEPS, 0)
    for name in SWEEPS:
        assert f"**Not run yet.** `bdlab run {name} --data " in words
    assert "| MDL4 | 80.67 |" in words
    assert "1:1:5 | 80.67 (assumed)" in words
    assert not (tmp_path / "nothing").exists(), "it only reads"


@pytest.mark.slow
def test_with_runs_it_shows_them_with_verdicts(tmp_path):
    out = tmp_path / "runs"
    for seed in range(5):
        for row, gain in (("B2", 0), ("MDL4", 0.1), ("MDL1", 0.05 * (-1) ** seed)):
            put(out, row, seed, 0.3 + 0.01 * seed + gain + 0.001 * (seed == 2))
    for sweep, data, settings in (("fig6", "synthetic-regdb", ("v2t", "t2v")), ("fig7", "synthetic-sysu", ("all-single", "indoor-single"))):
        for number, row in enumerate(recipes.sweep(sweep).rows):
            put(out, row, 0, 0.3 + 0.02 * number, settings, sweep, data)
    before = sorted(p.name for p in out.iterdir())
    path, words, found = executed(tmp_path, out)
    pictures = shown(path)
    assert len(pictures) == 5  # and ours of Table IV, of Fig. 7; Fig. 6 shares its figure
    assert all(map(not_blank, pictures))
    assert found["runs"] == {"table4": 1, "fig6": 1, "fig7": 1, "controls": 0, "families": 0}
    (table,) = report.find(out, "table4")
    assert found["words"]["table4"] == {f"regdb {v.row}": v.word for v in table.verdicts}
    assert found["words"]["table4"]["regdb MDL4"] == "better"
    assert found["words"]["table4"]["regdb MDL1"] == "not shown"
    assert "[+9.94, +10.03]" in words or "| better |" in words
    assert sorted(p.name for p in out.iterdir()) == before, "it only reads"


def test_false_words_are_as_the_tests_of_verdicts_have_them():
    """The shares that its simulation prints are asserted in its own checks; here that the check is there and can fail."""
    source = "".join("".join(c["source"]) for c in json.loads(NOTEBOOK.read_text())["cells"] if c["cell_type"] == "code")
    assert 'assert false["paired by seed, Holm"] <= 0.065 < false["paired by seed, no Holm"]' in source


def test_cells_keep_their_ids_and_every_figure_has_words():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert [c["id"] for c in cells] == [f"cell-{k:02d}" for k in range(len(cells))]
    for k, cell in enumerate(cells):
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and ("tables_figures." in source or source.startswith("said(")) and "import" not in source:
            near = "".join("".join(c["source"]) for c in cells[max(k - 3, 0) : k + 3] if c["cell_type"] == "markdown")
            assert "Expect" in near or "We see" in near, source


def test_it_never_trains():
    source = "".join("".join(c["source"]) for c in json.loads(NOTEBOOK.read_text())["cells"] if c["cell_type"] == "code")
    for word in ("setups", "training", "run_all", "prepare(", "subprocess"):
        assert word not in source
