"""Dead cells are counted in the table and its first sentence; none is hidden, none invented."""

import pytest

from bdlab import report
from bdlab.report import watched
from tests.report.test_report import put

pytestmark = pytest.mark.usefixtures("without_figures")


def life(word, share, mml="alive"):
    """What the guard keeps of a cell."""
    terms = {"mml": {"word": mml, "share": 0.2}, "mdl": {"word": word, "share": share}}
    return {"life": {**terms, "active": {"V-I": 0.4}, "spread": 1.0, "gradient": 2.0}}


@pytest.fixture
def table(tmp_path):
    put(tmp_path, "B1", 0)
    put(tmp_path, "B2", 0, guard=life("alive", 0.3))
    put(tmp_path, "B2", 1, guard=life("alive", 0.5))
    put(tmp_path, "MDL4", 0, guard=life("dead", 1.0))
    put(tmp_path, "MDL4", 1, guard=life("alive", 0.4))
    (table,) = report.tables(tmp_path)
    return table


def test_the_share_of_dead_cells_stands_in_every_form(table):
    for form in ("text", "to_html", "to_markdown", "to_csv"):
        words = getattr(report, form)(table)
        assert "1 of 2 dead, 1 of 2 alive, MDL 70 %" in words, form
        assert "alive, MDL 40 %" in words, form
    assert r"1 of 2 dead, 1 of 2 alive, MDL 70 \%" in report.to_latex(table)


def test_the_first_sentence_says_how_many_are_dead(table):
    assert "; the triplets are dead in 1 of 4 cells." in report.outcome(table)


def test_the_worst_term_counts():
    assert watched.liveness({"guard": life("alive", 0.3, mml="dead")}) == "dead"
    assert watched.liveness({"guard": life("collapsing", 0.8)}) == "collapsing"


@pytest.mark.parametrize("guard", [{}, {"life": None}, {"life": {}}, {"life": {"mdl": "odd"}}])
def test_a_result_that_does_not_say_is_not_called_alive(guard):
    assert watched.liveness({"guard": guard}) is None


def test_a_row_without_hinges_has_a_dash(table):
    assert watched.share(table.cells["B1"]) == "-"


def test_numbers_of_the_guard_are_no_warning(table):
    assert not any("life" in words for words in table.warnings)
