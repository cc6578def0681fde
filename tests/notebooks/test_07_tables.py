"""Notebook 07, headless: the paper's tables and claims with or without runs; ours beside them with
verdicts.
"""

from collections import Counter

import pytest

from bdlab import batch, paper, report
from bdlab.experiments import reference, sweeps
from tests.conftest import REPOSITORY
from tests.report.test_report import put

from . import reading

NOTEBOOK = REPOSITORY / "notebooks" / "07_tables.ipynb"
TABLES = ("table1", "table2", "table3", "table4")


def executed(tmp_path, out, **parameters):
    """(path of the executed notebook, its tables, everything printed, the numbers on its last
    printed line).
    """
    path = tmp_path / "executed.ipynb"
    batch.execute(NOTEBOOK, path, {"runs": str(out), "threads": 1, **parameters}, timeout=120)
    assert not [o for o in reading.outputs(path) if o.get("name") == "stderr"]
    return path, reading.of_type(path, "text/markdown"), *reading.said(path)


@pytest.mark.slow
def test_without_runs_it_is_the_papers_tables_and_claims(tmp_path):
    path, tables, printed, found = executed(tmp_path, tmp_path / "nothing")
    reading.draws(path, 4)
    # the runs that come with bdlab stand in where there are none
    shipped = {name: Counter() for name in TABLES}
    for _, result, _ in reference.load():
        if result and result["params"]["sweep"] in TABLES:
            shipped[result["params"]["sweep"]][result["params"]["data"]] += 1
    assert found["cells"] == shipped
    assert len(tables) == 5
    for v in paper.values():
        if v.table in TABLES:
            assert any(
                f"{v.value:.2f}" in line
                for line in tables[int(v.table[-1]) - 1].splitlines()
                if line.startswith(f"| {v.row} |")
            )
    for claim in paper.claims():
        assert claim.claim in tables[-1]
        assert claim.found in tables[-1]
    assert found["checked"] == sum(len(claim.checks) for claim in paper.claims())
    for name in TABLES:
        for row in sweeps.sweep(name).rows:
            assert f"bdlab train {row} " in printed
    assert ("No runs here yet." in printed) == (not any(shipped.values()))


@pytest.mark.slow
def test_with_runs_ours_stand_beside_with_verdicts(tmp_path):
    out = tmp_path / "runs"
    for seed in range(5):
        for row, gain in (("B2", 0), ("MDL4", 0.1 + 0.002 * seed)):
            r1 = 0.3 + 0.01 * seed + gain
            put(out, row, seed, r1, people=[r1 - 0.2, r1 + 0.2, r1])
            put(out, row, seed, r1 / 2, ("all-single", "indoor-single"), data="synthetic-sysu")
    path, tables, printed, found = executed(tmp_path, out)
    assert all(map(reading.not_blank, reading.shown(path)))
    assert found["cells"]["table4"] == {"regdb": 10, "synthetic-sysu": 10}
    assert found["words"] == {
        f"table4 {t.params['data']} {v.row}": v.word
        for t in report.find(out, "table4")
        for v in t.verdicts
    }
    assert found["words"]["table4 regdb MDL4"] == "better"
    assert "MDL4 - B2: +10.4   over seeds [+10.0, +10.8]   over people [+10.4, +10.4]" in printed
    assert "no scores by identity in these runs" in printed  # the SYSU-like cells have none
    assert "| better |" in tables[3]
    assert "compare orders, not levels" in tables[3]


@pytest.mark.slow
def test_one_data_set_can_be_chosen(tmp_path):
    put(tmp_path / "runs", "B2")
    put(tmp_path / "runs", "B2", data="synthetic-regdb")
    *_, found = executed(tmp_path, tmp_path / "runs", data="synthetic-regdb")
    assert found["cells"]["table4"] == {"synthetic-regdb": 1}


def test_every_figure_has_words():
    cells = reading.cells(NOTEBOOK)
    for k, cell in enumerate(cells):
        if reading.source(cell).startswith(("picture(", "said(")):
            near = reading.around(cells, k, before=3, after=3)
            assert "Expect" in near or "We see" in near, cell["source"]


def test_no_number_of_the_paper_is_typed_into_its_code():
    source = reading.code(NOTEBOOK)
    typed = [str(v.value) for v in paper.values() if str(v.value) in source]
    assert set(typed) <= {"51.05", "80.67"}, (
        "but for the two that its checks hold against the tables"
    )
