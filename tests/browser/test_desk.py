"""The desk in a real browser: select on the map, in the lists and by keyboard; what is shown is
what
evaluation counts, and nothing goes red.
"""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from bdlab.experiments import cell as cells
from bdlab.experiments import sweeps
from bdlab.workbench.desk import film, numbers

CODE = """from bdlab.workbench import explorers
board = explorers.desk(first, second or None, folder=folder)
board"""


@pytest.fixture(scope="module")
def pair(own_place, tmp_path_factory):
    """Two finished cells, MDL4 and B2, a few steps each on the smallest RegDB-like twin."""
    torch.set_num_threads(1)
    folders = []
    for row in ("MDL4", "B2"):
        folder = tmp_path_factory.mktemp("cells") / row
        folder.mkdir()
        config = sweeps.configure("table4", row, "smoke", "synthetic-regdb", {"epochs": 2})
        cells.run(config, folder, device="cpu")
        folders.append(folder)
    film.shoot(folders[0], device="cpu")
    return folders


@pytest.fixture
def desk(notebook, tmp_path, monkeypatch, pair):
    """A board of the two cells in a notebook of its own, and what the console said."""
    from . import conftest

    lines = 'first = ""  # str\nsecond = ""  # str\nfolder = ""  # str'
    about = {
        "name": "python3",
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
    }
    book = {
        "cells": [_code("a", lines, ["parameters"]), _code("b", CODE, [])],
        "metadata": {"kernelspec": about},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "desk.ipynb").write_text(json.dumps(book))
    monkeypatch.setattr(conftest, "REPOSITORY", tmp_path)

    def opened(first=pair[0], second=pair[1]):
        board = notebook(
            "desk", first=str(first), second=str(second), folder=str(tmp_path / "saved")
        )
        board.page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        board.page.on("pageerror", lambda error: errors.append(str(error)))
        board.run()
        return board

    errors = []
    yield opened
    assert errors == []


def _code(name, source, tags):
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"tags": tags},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def of(book, expression):
    """Something of the board's own object in the page."""
    root = book.page.locator(".bdlab-desk")
    return root.evaluate(
        f"(e) => {{ const desk = e.desk, state = desk.map.state; return {expression}; }}"
    )


def rows(book, side):
    """The rows of one cell's list, as the page shows it."""
    entries = book.page.locator(".bdlab-desk .cell").nth(side).locator(".entry")
    return entries.evaluate_all("all => all.map(e => Number(e.dataset.row))")


def both(book):
    return rows(book, 0), rows(book, 1)


def click_point(book, k):
    """A click on the map where point ``k`` lies."""
    x, y = of(book, f"desk.map.place({k})")
    scale = of(book, "e.querySelector('.points').width / e.querySelector('.points').clientWidth")
    over = book.page.locator(".bdlab-desk .over")
    over.click(position={"x": x / scale, "y": y / scale})


def agrees(book, pair):
    """The page's lists are evaluation's, for its own query."""
    query, setting = of(book, "desk.selection.query"), of(book, "desk.view.setting")
    for side, tested in enumerate(numbers.open_cells(pair)):
        lists = numbers.Lists(tested, setting)
        answer = lists.answer(query)
        shown = rows(book, side)
        head = len(shown) - (lists.gallery[answer.places[answer.first]] == shown[-1])
        assert shown[:head] == lists.gallery[answer.places[:head]].tolist()
        marks = book.page.locator(".bdlab-desk .cell").nth(side).locator(".mark").all_inner_texts()
        assert marks[:head] == ["✓" if right else "✗" for right in answer.right[:head]]
        assert head >= 5


@pytest.mark.slow
def test_map_query_lists_result_map(desk, pair):
    book = desk()
    root = book.page.locator(".bdlab-desk")
    root.scroll_into_view_if_needed()
    book.screenshot("first", root)
    agrees(book, pair)
    # alone where it lies, so that the click cannot mean another
    far = of(
        book,
        """(() => { const spots = [...state.points.rows.keys()].map((k) => desk.map.place(k));
        const apart = (p, q) => Math.hypot(p[0] - q[0], p[1] - q[1]);
        const room = (k) => Math.min(...spots.map((p, n) => n === k ? 1e9 : apart(p, spots[k])));
        const asking = [...spots.keys()].filter((k) => state.points.streams[k] === 0);
        return asking.filter((k) => k !== state.query).sort((a, b) => room(b) - room(a))[0];
        })()""",
    )
    before = of(book, "desk.selection.query")
    book.changes(lambda: both(book), lambda: click_point(book, far))
    book.rest()
    assert of(book, "desk.selection.query") == of(book, f"state.points.rows[{far}]") != before
    assert of(book, "state.query") == far, "the ring is where the click was"
    agrees(book, pair)

    result = root.locator(".cell").nth(1).locator(".entry").nth(1)
    chosen = int(result.get_attribute("data-row"))
    result.click()
    root.locator(".likeness").first.wait_for()
    book.rest()
    assert of(book, "state.points.rows[state.result]") == chosen, "the map follows"
    assert root.locator(".likeness").count() == 2, "B2 shows V and I"
    assert "has no D_V and D_I" in root.locator(".pair").inner_text()
    book.screenshot("pair", root)
    root.get_by_role("button", name="ask with this result").click()
    # query and setting come one after the other
    book.page.wait_for_function(
        "row => { const desk = document.querySelector('.bdlab-desk').desk;"
        " return desk.selection.query === row && desk.view.setting === 't2v'; }",
        arg=chosen,
    )
    book.rest()
    agrees(book, pair)
    assert of(book, "desk.view.setting") == "t2v"


@pytest.mark.slow
def test_filters_keyboard_and_state(desk, pair, tmp_path):
    book = desk()
    root, page = book.page.locator(".bdlab-desk"), book.page
    filters_count_as_numpy(book, pair)
    by_keyboard_alone(book)
    agrees(book, pair)
    the_state_is_a_string(book, tmp_path)
    the_theme_is_jupyterlabs(book)
    page.mouse.move(5, 5)
    assert root.locator("[title]").count() > 15, "everything has a tooltip"


def filters_count_as_numpy(book, pair):
    root = book.page.locator(".bdlab-desk")
    a, b = numbers.open_cells(pair)
    hit = []
    for tested in (a, b):
        v, i = (tested.embedded[m] for m in list(tested.embedded)[:2])
        far = ((v.features[:, None].astype(float) - i.features[None]) ** 2).sum(axis=2)
        hit.append(i.ids[far.argmin(axis=1)] == v.ids)
    wanted = {
        "found by B, missed by A": int((hit[1] & ~hit[0]).sum()),
        "found by A, missed by B": int((hit[0] & ~hit[1]).sum()),
        "missed by both": int((~hit[0] & ~hit[1]).sum()),
    }
    assert max(wanted.values()) > 0
    for name, count in wanted.items():
        root.get_by_label("queries", exact=True).select_option(name)
        book.page.wait_for_function(
            "([name]) => document.querySelector('.bdlab-desk').desk.view.filter === name",
            arg=[name],
        )
        book.rest()
        said = f"1 of {count}" if count else "no query"
        root.locator(".counter").get_by_text(said, exact=True).wait_for()
        options = root.get_by_label("queries", exact=True).locator("option").all_inner_texts()
        assert f"{name} ({count})" in options
    root.get_by_label("queries", exact=True).select_option("all")
    root.locator(".counter").get_by_text("1 of 32", exact=True).wait_for()


def by_keyboard_alone(book):
    root, press = book.page.locator(".bdlab-desk"), book.page.keyboard.press
    root.locator(".over").focus()
    assert "arrow keys" in root.locator(".help").inner_text()
    press("ArrowRight")
    assert of(book, "state.hover") >= 0
    root.locator(".card img[src]").wait_for()
    hovered = of(book, "state.points.rows[state.hover]")
    assert "person" in root.locator(".help").inner_text()
    book.changes(lambda: of(book, "desk.selection.query"), lambda: press("Enter"))
    assert of(book, "desk.selection.query") == hovered
    book.rest()
    book.changes(lambda: of(book, "desk.selection.query"), lambda: press("n"))
    book.rest()
    window = of(book, "state.window")
    press("+")
    press("Shift+ArrowLeft")
    assert of(book, "state.window")[2] > window[2]
    first = root.locator(".entry").first
    first.focus()
    press("Enter")
    root.locator(".likeness").first.wait_for()
    row = int(first.get_attribute("data-row"))
    first.focus()
    book.changes(lambda: of(book, "desk.selection.query"), lambda: press("q"))
    assert of(book, "desk.selection.query") == row
    book.rest()


def the_state_is_a_string(book, tmp_path):
    root = book.page.locator(".bdlab-desk")
    root.get_by_label("colour", exact=True).select_option("person")
    root.locator(".entry").nth(2).click()
    root.locator(".likeness").first.wait_for()
    book.rest()
    root.get_by_role("button", name="save", exact=True).click()
    root.locator(".message").get_by_text("Written").wait_for()
    with Image.open(tmp_path / "saved" / "desk-01.png") as image:
        assert image.size[0] > 1000
    saved = (tmp_path / "saved" / "desk-01.json").read_text().strip()
    field = root.get_by_label("state", exact=True)
    assert field.input_value() == saved
    shown, points = both(book), of(book, "[state.query, state.result, state.window]")
    book.changes(
        field.input_value, lambda: book.page.locator(".bdlab-desk .steps button").last.click()
    )
    book.rest()
    assert both(book) != shown
    field.fill("nonsense")
    field.press("Enter")
    root.locator(".message").get_by_text("Not restored").wait_for()
    field.fill(saved)
    field.press("Enter")
    root.locator(".message").get_by_text("Restored.").wait_for()
    book.rest()
    assert field.input_value() == saved
    assert both(book) == shown
    np.testing.assert_allclose(
        np.hstack(of(book, "[state.query, state.result, state.window]")), np.hstack(points)
    )


def the_theme_is_jupyterlabs(book):
    """The board and its canvas take JupyterLab's colours, whatever they are."""
    script = """() => { document.documentElement.style.setProperty('--jp-layout-color1', '#102030');
        document.body.style.setProperty('--jp-layout-color1', '#102030');
        document.body.dataset.jpThemeLight = 'false'; }"""
    book.page.evaluate(script)
    pixel = "[...e.querySelector('.points').getContext('2d').getImageData(1, 1, 1, 1).data]"
    book.page.wait_for_timeout(300)
    assert of(book, pixel) == [0x10, 0x20, 0x30, 255]


def lie_as(book, where):
    """Wait until the points lie where they are meant to, on the canvas' own scale."""
    book.page.wait_for_function(
        "(want) => { const { where } = document.querySelector('.bdlab-desk').desk.map.state.points;"
        " return want.every((w, n) => Math.abs(w - where[n]) < 1e-5); }",
        arg=where.ravel().tolist(),
    )


@pytest.mark.slow
def test_the_film_by_mouse_and_keyboard(desk, pair):
    book = desk()
    root = book.page.locator(".bdlab-desk")
    root.scroll_into_view_if_needed()
    tested = numbers.open_cells(pair)
    kept = film.read(tested[0])
    slider, play = root.get_by_label("epoch", exact=True), root.locator(".film .play")
    assert root.locator(".film output").inner_text() == "end"
    shown = both(book)
    slider.focus()
    book.page.keyboard.press("ArrowLeft")
    lie_as(book, kept.where[1])
    book.page.keyboard.press("Home")
    lie_as(book, kept.where[0])
    assert "before the first step" in root.locator(".told").inner_text()
    book.screenshot("film", root)
    play.focus()
    book.page.keyboard.press("Space")
    root.locator(".film output").get_by_text("epoch 2 of 2", exact=True).wait_for()
    lie_as(book, kept.where[2])
    root.get_by_label("play the film", exact=True).wait_for()
    assert of(book, "desk.view.epoch") == 2, "it stops at its end"
    root.get_by_role("button", name="end", exact=True).click()
    lie_as(book, numbers.plane(tested[0])[0])
    assert both(book) == shown, "lists are of the end, whatever the film shows"
    root.get_by_label("map of", exact=True).select_option("1")
    root.locator(".film").get_by_text("has no film").wait_for()
    assert "film.shoot(" in root.locator(".film").inner_text()
    assert not slider.is_visible()
    lie_as(book, numbers.plane(tested[1])[0])
    book.screenshot("no-film", root)


@pytest.mark.slow
def test_bad_input_is_said_in_the_boards_place(desk, tmp_path):
    book = desk(first=tmp_path / "gone")
    words = book.page.locator("[role=alert]").inner_text()
    assert "no such folder" in words
    assert "bdlab status" in words
    assert book.page.locator(".bdlab-desk").count() == 0
