"""Notebook 06, headless: on nothing it shows the paper and the commands, on runs their verdicts; it
never trains.
"""

from collections import Counter

import pytest

from bdlab import batch, report
from bdlab.experiments import reference, sweeps
from tests.conftest import REPOSITORY
from tests.report.test_report import put

from . import reading

NOTEBOOK = REPOSITORY / "notebooks" / "06_ablations.ipynb"
SWEEPS = ("table4", "fig6", "fig7", "controls", "families")


def executed(tmp_path, out, **parameters):
    """(path of the executed notebook, all its words, the numbers on its last printed line)."""
    path = tmp_path / "executed.ipynb"
    batch.execute(NOTEBOOK, path, {"runs": str(out), "threads": 1, **parameters}, timeout=120)
    assert not [o for o in reading.outputs(path) if o.get("name") == "stderr"]
    printed, found = reading.said(path)
    return path, "\n".join([*reading.of_type(path, "text/markdown"), printed]), found


@pytest.mark.slow
def test_without_runs_it_shows_the_paper_and_the_commands(tmp_path):
    shipped = report.find(tmp_path / "nothing", *SWEEPS)  # reference runs stand in where there are
    path, words, found = executed(tmp_path, tmp_path / "nothing")
    own = [table for table in shipped if table.sweep.name != "fig6"]  # that shares a figure
    board = any(result for _, result, _ in reference.load())
    # the paper's differences, Fig. 6, Fig. 7
    reading.draws(path, 3 + len(own) + board)
    counts = Counter(table.sweep.name for table in shipped)
    assert found["runs"] == {name: counts[name] for name in SWEEPS}
    for name in SWEEPS:
        command = f"**Not run yet.** `bdlab run {name} --data "
        assert (command in words) == (name not in counts)
    assert "80.67" in words
    assert "1:1:5 | 80.67 (assumed)" in words
    assert not (tmp_path / "nothing").exists(), "it only reads"


@pytest.mark.slow
def test_with_runs_it_shows_them_with_verdicts(tmp_path):
    out = tmp_path / "runs"
    for seed in range(5):
        for row, gain in (("B2", 0), ("MDL4", 0.1), ("MDL1", 0.05 * (-1) ** seed)):
            put(out, row, seed, 0.3 + 0.01 * seed + gain + 0.001 * (seed == 2))
    for sweep, data, settings in (
        ("fig6", "synthetic-regdb", ("v2t", "t2v")),
        ("fig7", "synthetic-sysu", ("all-single", "indoor-single")),
    ):
        for number, row in enumerate(sweeps.sweep(sweep).rows):
            put(out, row, 0, 0.3 + 0.02 * number, settings, sweep, data)
    before = sorted(p.name for p in out.iterdir())
    path, words, found = executed(tmp_path, out)
    shipped = Counter(t.sweep.name for t in report.find(tmp_path / "no", "controls", "families"))
    # and ours of Table IV, of Fig. 7, the board, what was shipped; Fig. 6 shares its figure
    reading.draws(path, 6 + sum(shipped.values()))
    counts = {name: shipped[name] for name in ("controls", "families")}
    assert found["runs"] == {"table4": 1, "fig6": 1, "fig7": 1, **counts}
    (table,) = report.find(out, "table4")
    assert found["words"]["table4"] == {f"regdb {v.row}": v.word for v in table.verdicts}
    assert found["words"]["table4"]["regdb MDL4"] == "better"
    assert found["words"]["table4"]["regdb MDL1"] == "not shown"
    assert "[+9.94, +10.03]" in words or "| better |" in words
    assert sorted(p.name for p in out.iterdir()) == before, "it only reads"


def test_false_words_are_as_the_tests_of_verdicts_have_them():
    """The shares that its simulation prints are asserted in its own checks; here that the check is
    there and can fail.
    """
    source = reading.code(NOTEBOOK)
    assert (
        'assert false["paired by seed, Holm"] <= 0.065 < false["paired by seed, no Holm"]' in source
    )


def test_every_figure_has_words():
    cells = reading.cells(NOTEBOOK)
    for k, cell in enumerate(cells):
        source = reading.source(cell)
        if (
            cell["cell_type"] == "code"
            and ("tables_figures." in source or source.startswith("said("))
            and "import" not in source
        ):
            near = reading.around(cells, k, before=3, after=2)
            assert "Expect" in near or "We see" in near, source


def test_it_never_trains():
    source = reading.code(NOTEBOOK)
    for word in ("setups", "training", "run_all", "prepare(", "subprocess"):
        assert word not in source
