"""The board of runs in a real browser: filter, sort, choose, judge, open in the desk, by mouse and
by keyboard; what is shown is what the files hold, and nothing goes red.
"""

import shutil

import numpy as np
import pytest
import torch

from bdlab.experiments import cell as cells
from bdlab.experiments import runs, sweeps
from tests.report.test_report import put
from tests.workbench.comparison.test_progress import one_more, running

CODE = """from bdlab.workbench import explorers
board = explorers.runs(runs, folder=folder)
board"""
ALIVE = {"life": {"mml": {"word": "alive", "share": 0.3}, "mdl": {"word": "alive", "share": 0.4}}}
DEAD = {"life": {"mml": {"word": "alive", "share": 0.3}, "mdl": {"word": "dead", "share": 0.98}}}


@pytest.fixture(scope="module")
def out(own_place, tmp_path_factory):
    """Twenty cells with made-up scores on RegDB, and two real ones of the smallest twin."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("runs")
    for k, row in enumerate(("B1", "B2", "MDL2", "MDL4")):
        for seed in range(5):
            score = 0.4 + 0.04 * k + 0.013 * (seed * (k + 2) % 5)
            put(folder, row, seed, score, guard=DEAD if row == "MDL2" else ALIVE)
    for row in ("MDL4", "B2"):
        config = sweeps.configure("table4", row, "smoke", "synthetic-regdb", {"epochs": 1})
        cells.make(cells.of(config), config, folder, "cpu")
    return folder


@pytest.fixture
def board(scratch, tmp_path, out):
    """``board(folder)``: the board of a folder of runs in a notebook of its own."""

    def opened(folder=out):
        return scratch(CODE, runs=str(folder), folder=str(tmp_path / "saved"))

    return opened


def root(book):
    return book.page.locator(".bdlab-runs")


def names(book):
    """The cells of the table, as the page shows them."""
    return root(book).locator("tbody tr").evaluate_all("all => all.map(e => e.dataset.cell)")


def column(book, name):
    """A column of scores, as the page shows it."""
    texts = root(book).locator(f"tbody td.{name}").all_inner_texts()
    return np.array([float(text) for text in texts])


def chosen(book):
    return root(book).evaluate("e => e.board.selection.cells")


def chosen_filter(book):
    return root(book).evaluate("e => JSON.stringify(e.board.view.filter)")


def results(out):
    return {folder.name: result for folder, result, _ in runs.committed(out)}


def choose(book, label, option):
    root(book).get_by_label(label, exact=True).select_option(label=option)


def words(book):
    return root(book).locator(".verdict").inner_text()


@pytest.mark.slow
def test_filter_sort_choose_judge(board, out):
    book = board()
    root(book).scroll_into_view_if_needed()
    book.screenshot("first", root(book))
    kept = results(out)
    assert root(book).locator(".count").inner_text() == "20 of 22 cells", (
        "one data set to begin with"
    )
    for name in ("data regdb ×", "preset demo ×"):
        chip = root(book).get_by_role("button", name=name)
        book.changes(lambda: chosen_filter(book), chip.click)
        book.rest()
    assert sorted(names(book)) == sorted(kept)
    assert root(book).locator(".count").inner_text() == "22 of 22 cells"
    filters_count_as_numpy(book, kept)
    sorting_is_numpys(book)
    choosing_is_one_thing(book)
    a_verdict_is_paired_by_seed(book, kept)
    book.screenshot("judged", root(book))


def filters_count_as_numpy(book, kept):
    rows = np.array([result["params"]["row"] for result in kept.values()])
    data = np.array([result["params"]["data"] for result in kept.values()])
    choose(book, "filter by", "data")
    book.changes(lambda: names(book), lambda: choose(book, "value", "regdb"))
    book.rest()
    assert len(names(book)) == (data == "regdb").sum()
    choose(book, "filter by", "row")
    book.changes(lambda: names(book), lambda: choose(book, "value", "MDL4"))
    book.rest()
    assert len(names(book)) == ((data == "regdb") & (rows == "MDL4")).sum()
    book.changes(lambda: names(book), lambda: choose(book, "value", "B2"))
    book.rest()
    wanted = (data == "regdb") & ((rows == "MDL4") | (rows == "B2"))
    assert sorted(names(book)) == sorted(np.array(list(kept))[wanted])
    count = f"{wanted.sum()} of {len(rows)} cells"
    assert root(book).locator(".count").inner_text() == count
    assert root(book).locator(".points .point").count() == wanted.sum()


def sorting_is_numpys(book):
    head = root(book).get_by_role("button", name="R1")
    before = column(book, "R1")
    book.changes(lambda: names(book), head.click)
    book.rest()
    np.testing.assert_array_equal(column(book, "R1"), np.sort(before)[::-1])
    book.changes(lambda: names(book), head.click)
    book.rest()
    np.testing.assert_array_equal(column(book, "R1"), np.sort(before))


def choosing_is_one_thing(book):
    """By keyboard in the table, by mouse in the scatter: the same selection, the same curves."""
    root(book).get_by_role("button", name="none", exact=True).click()
    book.page.wait_for_function(
        "() => !document.querySelector('.bdlab-runs').board.selection.cells.length"
    )
    first, second = names(book)[:2]
    root(book).locator("tbody input").first.focus()
    book.page.keyboard.press("Space")
    book.rest()
    root(book).locator(".curve").first.wait_for(state="attached")
    book.page.keyboard.press("ArrowDown")
    book.changes(lambda: chosen(book), lambda: book.page.keyboard.press("Space"))
    book.rest()
    assert chosen(book) == [first, second]
    drawn = root(book).locator(".curve").evaluate_all("all => all.map(e => e.dataset.cell)")
    assert drawn == [first, second]
    assert root(book).locator(".ring").count() == 2
    third = names(book)[-1]
    point = root(book).locator(f".point[data-cell='{third}'] .dot")
    book.changes(lambda: chosen(book), lambda: point.click())
    book.rest()
    assert chosen(book) == [first, second, third]
    assert "seed" in root(book).locator(".help").inner_text()
    assert root(book).get_by_role("button", name="open in the desk").is_disabled()


def a_verdict_is_paired_by_seed(book, kept):
    scores = {row: np.zeros(5) for row in ("MDL4", "B2")}
    for result in kept.values():
        params = result["params"]
        if params["data"] == "regdb" and params["row"] in scores:
            scores[params["row"]][params["seed"]] = 100 * result["scores"]["v2t"]["mean"]["R1"]
    difference = scores["MDL4"] - scores["B2"]
    assert f"{difference.mean():+.2f} points" in words(book)
    assert "5 seeds" in words(book)
    assert root(book).locator(".strip .pair").count() == 5
    swap = root(book).get_by_role("button", name="⇄")
    book.changes(lambda: words(book), swap.click)
    assert words(book).startswith("B2 minus MDL4")
    assert f"{-difference.mean():+.2f} points" in words(book)
    book.changes(
        lambda: words(book),
        lambda: root(book).get_by_role("button", name="data regdb ×").click(),
    )
    assert "filter by data" in words(book), "two data sets are not compared"


@pytest.mark.slow
def test_a_running_sweep_is_followed(board, out, tmp_path):
    """A faked cell goes on, and then fails, while nobody touches the notebook."""
    folder = tmp_path / "runs"
    shutil.copytree(out, folder)
    attempt = running(folder, "MDL1", 1)
    book = board(folder)
    doing = root(book).locator(".doing")
    root(book).scroll_into_view_if_needed()
    doing.get_by_text("epoch 1 of", exact=False).wait_for()
    assert doing.locator("b").inner_text() == "22 finished, 1 running"
    before = names(book), chosen(book)
    for epoch in (2, 3):
        one_more(attempt, epoch)
        doing.get_by_text(f"epoch {epoch} of", exact=False).wait_for()
    assert "total 1.000" in doing.locator(".losses").inner_text()
    assert len(doing.locator(".spark polyline").get_attribute("points").split()) == 3
    assert (names(book), chosen(book)) == before
    book.screenshot("running", root(book))
    the_theme_is_jupyterlabs(book)
    book.screenshot("running-dark", root(book))
    follow = root(book).get_by_role("button", name="stop following")
    follow.focus()
    book.page.keyboard.press("Enter")
    again = root(book).get_by_role("button", name="follow", exact=True)
    again.wait_for()
    one_more(attempt, 4)
    book.page.wait_for_timeout(5000)
    assert "epoch 3 of" in doing.inner_text(), "stopped, it looks no more"
    again.click()
    doing.get_by_text("epoch 4 of", exact=False).wait_for()
    runs.fail(attempt, "out of memory")
    put(folder, "MDL3", 0, 0.6)
    doing.get_by_text("out of memory").wait_for()
    root(book).locator(".count").get_by_text("of 23 cells", exact=False).wait_for()
    again.wait_for()  # nothing runs any more


@pytest.mark.slow
def test_two_cells_open_in_the_desk(board, out):
    book = board()
    for name in ("data regdb ×", "preset demo ×"):
        chip = root(book).get_by_role("button", name=name)
        book.changes(lambda: chosen_filter(book), chip.click)
        book.rest()
    choose(book, "filter by", "data")
    book.changes(lambda: names(book), lambda: choose(book, "value", "synthetic-regdb"))
    book.rest()
    root(book).get_by_role("button", name="none", exact=True).click()
    book.rest()
    book.changes(
        lambda: chosen(book),
        lambda: root(book).get_by_role("button", name="all shown").click(),
    )
    book.rest()
    root(book).get_by_role("button", name="open in the desk").click()
    desk = book.page.locator(".bdlab-desk")
    desk.locator(".entry").first.wait_for()
    heads = desk.locator(".cell .head b").all_inner_texts()
    assert heads == ["A: B2, seed 0", "B: MDL4, seed 0"]
    book.rest()
    the_theme_is_jupyterlabs(book)
    book.screenshot("dark", root(book))
    assert root(book).locator("[title]").count() > 15, "everything has a tooltip"


def the_theme_is_jupyterlabs(book):
    script = """() => { document.body.style.setProperty('--jp-layout-color1', '#102030');
        document.body.style.setProperty('--jp-layout-color2', '#203040');
        document.body.style.setProperty('--jp-ui-font-color1', '#f0f0f0');
        document.body.style.setProperty('--jp-ui-font-color2', '#c0c0c0');
        document.body.dataset.jpThemeLight = 'false'; }"""
    book.page.evaluate(script)
    ground = root(book).evaluate("e => getComputedStyle(e).backgroundColor")
    assert ground == "rgb(16, 32, 48)"
    text = root(book).locator(".points text").first
    assert text.evaluate("e => getComputedStyle(e).fill") == "rgb(240, 240, 240)"


@pytest.mark.slow
def test_bad_input_is_said_in_the_boards_place(board, tmp_path):
    (tmp_path / "file").write_text("")
    book = board(tmp_path / "file")
    assert "is a file" in book.page.locator("[role=alert]").inner_text()
    assert root(book).count() == 0
