"""Notebook 02 under the hand: its explorer follows weights, epochs, presets and views, by keyboard,
and nothing goes red.
"""

import hashlib
import io
import json
import re

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def book(notebook):
    opened = notebook("02_derivative_modalities", size="smoke", preset="smoke", threads=1)
    opened.run()
    return opened


def board(book):
    """The notebook's first explorer; a second one stands further down."""
    return book.page.locator(".jp-OutputArea-output", has=book.page.locator(".pointed")).first


def handle(book, name):
    """The knob of the slider with that label."""
    row = board(book).locator(".widget-slider", has=book.page.get_by_text(name, exact=True))
    knob = row.locator(".noUi-handle")
    return knob if knob.count() else row.locator("[role=slider]")


def picture(book, number=0):
    """sha256 of an image of the explorer, as the browser has it."""
    return hashlib.sha256(pixels(book, number).tobytes()).hexdigest()


def pixels(book, number=0):
    """One of the explorer's images [H, W, 3]: 0 is the board of pictures, 1 the curves."""
    script = "async (e) => [...new Uint8Array(await (await fetch(e.src)).arrayBuffer())]"
    images = board(book).locator("img.widget-image")
    with Image.open(io.BytesIO(bytes(images.nth(number).evaluate(script)))) as image:
        return np.asarray(image)


def said(book):
    """Where the ten numbers come from, in the explorer's words."""
    return board(book).get_by_text("now:").inner_text().strip()


@pytest.mark.slow
def test_the_explorer_follows_the_keyboard(book):
    board(book).locator("img.widget-image").first.scroll_into_view_if_needed()
    assert said(book) == "now: learned"
    book.screenshot("before")

    weight = handle(book, "E_V red")
    spoken, moved = weight.get_attribute("aria-valuetext"), pixels(book)
    weight.focus()
    book.changes(lambda: picture(book), lambda: [weight.press("ArrowRight") for _ in range(40)])
    book.rest()
    assert float(weight.get_attribute("aria-valuetext")) > float(spoken)
    assert (pixels(book) != moved).any(axis=2).mean() > 0.1, "more than a label has changed"
    assert said(book) == "now: set by hand"
    book.screenshot("weight-moved")

    epoch = handle(book, "epoch")
    spoken, curves = epoch.get_attribute("aria-valuetext"), picture(book, 1)
    epoch.focus()
    book.changes(lambda: picture(book), lambda: epoch.press("ArrowLeft"))
    book.rest()
    assert epoch.get_attribute("aria-valuetext") != spoken
    assert picture(book, 1) != curves, "the mark in the curves has moved"
    assert said(book) == "now: after epoch 1", "the browser's own rounding is no hand"
    book.screenshot("epoch-moved")
    book.nothing_red()


def number(book, name):
    """A number of the pixel that is read."""
    text = board(book).locator(f".pointed [data-number='{name}']").first.inner_text()
    return float(text.replace("−", "-"))


def where(book):
    return board(book).locator(".pointed .reading").first.get_attribute("data-pixel")


@pytest.mark.slow
def test_pixels_film_people_and_undo(book):
    page, root = board(book), board(book).locator(".pointed")
    errors = []
    book.page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    book.page.on("pageerror", lambda error: errors.append(str(error)))
    frame = root.locator(".frame")
    frame.scroll_into_view_if_needed()

    image = root.locator("img.widget-image")
    scale = image.evaluate("e => e.clientWidth / e.naturalWidth")
    book.changes(
        lambda: where(book), lambda: image.hover(position={"x": 20 * scale, "y": 60 * scale})
    )
    column, row = map(int, where(book).split(","))
    shown = pixels(book)
    assert [number(book, f"V.{k}") for k in range(3)] == shown[row + 22, column].tolist()
    sum_ = number(book, "before")
    assert number(book, "after") == pytest.approx(max(sum_, 0), abs=2e-3)
    frame.focus()
    book.changes(lambda: where(book), lambda: frame.press("ArrowRight"))
    assert where(book) == f"{column + 1},{row}"
    book.changes(lambda: where(book), lambda: frame.press("Shift+ArrowDown"))
    assert where(book) == f"{column + 1},{row + 10}"
    assert f"pixel {where(book)}" in root.locator(".heard").first.inner_text()
    book.screenshot("pixel")

    second = root.locator(".thumb").nth(1)
    book.changes(lambda: picture(book), second.click)
    assert second.get_attribute("aria-pressed") == "true"
    book.rest()

    before = picture(book)
    page.get_by_role("button", name="luma", exact=True).click()
    page.get_by_text("now: luma").wait_for()
    book.rest()
    undo = page.get_by_role("button", name="undo", exact=True)
    undo.focus()
    book.changes(lambda: picture(book), lambda: undo.press("Enter"))
    book.rest()
    assert (picture(book), said(book)) == (before, "now: learned")
    redo = page.get_by_role("button", name="redo", exact=True)
    book.changes(lambda: said(book), lambda: redo.press("Enter"))
    assert said(book) == "now: luma"
    book.rest()

    film = page.locator(".jupyter-widgets-play, .widget-play")
    film.locator("button").nth(1).click()  # back to the first epoch
    page.get_by_text("now: the start of the run").wait_for()
    book.rest()
    film.locator("button").first.click()
    page.get_by_text("now: learned").or_(page.get_by_text("now: after epoch 2")).wait_for()
    assert errors == []
    book.nothing_red()


@pytest.mark.slow
def test_presets_views_and_export(book):
    page = board(book)
    page.locator("img.widget-image").first.scroll_into_view_if_needed()
    for name in ("D_I = I", "divergence"):
        button = page.get_by_role("button", name=name, exact=True)
        button.focus()
        book.changes(lambda: picture(book), lambda button=button: button.press("Enter"))
    book.rest()
    maps = pixels(book)[30:, 320:]
    assert page.get_by_role("button", name="grey", exact=True).is_disabled(), "no ink in this view"
    assert maps.max() == 255, "white between the maps"
    assert (maps == 0).mean() > 0.9, "D_I is I: no difference anywhere"
    book.screenshot("divergence")
    view = page.get_by_role("button", name="overview", exact=True)
    book.changes(lambda: picture(book), lambda: view.press("Enter"))
    assert page.get_by_role("button", name="grey", exact=True).is_enabled()
    stretch = page.get_by_role("button", name="stretch contrast")
    book.changes(lambda: picture(book), lambda: stretch.press("Enter"))
    book.rest()
    book.screenshot("stretched")
    stretch.press("Enter")
    view = page.get_by_role("button", name="divergence", exact=True)
    book.changes(lambda: picture(book), lambda: view.press("Enter"))
    book.rest()

    page.get_by_role("button", name="save PNG", exact=True).press("Enter")
    link = page.locator("code", has_text=re.compile(r"channels-divergence-01\.png$"))
    link.wait_for(timeout=20_000)
    with Image.open(link.inner_text()) as written:
        assert written.size[0] > 500
    book.nothing_red()


@pytest.mark.slow
def test_no_label_is_cut(book):
    """Every word of the explorer fits where it stands."""
    words = board(book).locator(
        ".widget-slider label, .widget-toggle-buttons label, .widget-readout, .jupyter-button"
    )
    cut = words.evaluate_all(
        "all => all.filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1).map(e => "
        "e.innerText)"
    )
    assert cut == []
    assert words.count() > 30


TWO = """import json
from bdlab import datasets
from bdlab.experiments import reference
from bdlab.workbench import explorers
from bdlab.workbench.channels import numbers, render
dataset = datasets.open("synthetic-regdb", size="smoke")
visible, infrared, _ = render.people_of(dataset, 8)
first, *_, last = sorted(reference.FOLDER.glob("table4-MDL4-*"))
one, two = numbers.read(first), numbers.read(last)
explorers.channels(visible, infrared, one.numbers, one.history, one.space, folder=folder,
    name=one.name, beside=two)"""
#: How wide what was found is, where it ends, from the top of the explorer, and the room for both.
EDGES = """names => {
  const out = document.querySelector(".pointed").closest(".jp-OutputArea-output");
  out.scrollIntoView({ block: "start" });
  const { top } = out.getBoundingClientRect();
  const room = document.querySelector(".jp-Notebook").getBoundingClientRect();
  const found = { room: [room.width, room.bottom - top] };
  for (const name of names) {
    const all = [...out.querySelectorAll(name)].filter(e => e.offsetParent);
    const boxes = all.map(e => e.getBoundingClientRect());
    const [wide, low] = ["width", "bottom"].map(edge => Math.max(...boxes.map(b => b[edge])));
    found[name] = [wide, low - top];
  }
  return found;
}"""
SEEN = (".frame", ".reading", ".thumbs", ".widget-slider", ".widget-play", ".widget-dropdown")


def edges(book, width, height, *names):
    """What ``EDGES`` finds in a window of that size."""
    book.page.set_viewport_size({"width": width, "height": height})
    book.page.wait_for_timeout(800)
    return book.page.evaluate(EDGES, list(names))


def stands_beside(book, name):
    """Choose what stands beside, by its name."""
    choice = book.page.locator(".widget-dropdown select")
    book.changes(lambda: picture(book), lambda: choice.select_option(name))
    book.rest()


def read_by(book, side, name):
    """Three numbers of the pixel that is read, by side 0 or 1."""
    found = book.page.locator(".pointed .reading").nth(side)
    texts = [found.locator(f"[data-number='{name}.{k}']").inner_text() for k in range(3)]
    return [float(text.replace("−", "-")) for text in texts]


@pytest.mark.slow
def test_two_sides_on_a_laptop_and_on_a_desk(scratch, tmp_path):
    """Pictures, numbers, people, film and sliders are seen without scrolling, of two sides and of
    one, and a wide window is used; both sides are read, taken back, and saved.
    """
    book = scratch(TWO, folder=str(tmp_path / "saved"))
    page, other = book.page, book.page.locator(".pointed .other")
    other.wait_for()
    low = {}
    for sides in (2, 1):
        for width, height in ((1366, 768), (1280, 720), (1920, 1080)):
            # of two sides the table may lie below in the smallest window
            more = ["table.two"] if sides == 2 and width > 1300 else []
            found = edges(book, width, height, *SEEN, *more)
            book.screenshot(f"sides-{sides}-{width}")
            room = found.pop("room")
            below = {name: end for name, (_, end) in found.items() if end > room[1]}
            if below:
                low[sides, width] = below | {"room": room[1]}
            assert found[".frame"][0] > (0.7 if width > 1500 else 0.54) * room[0]
        if sides == 2:
            stands_beside(book, "nothing")
            assert other.is_hidden()
    assert low == {}

    page.set_viewport_size({"width": 1400, "height": 1000})
    stands_beside(book, "this run")
    assert (
        "the start of the run" in page.locator(".widget-html", has_text="differs most").inner_text()
    )
    image = book.page.locator(".pointed img.widget-image")
    scale = image.evaluate("e => e.clientWidth / e.naturalWidth")
    column, row = 100, 40
    spot = {"x": (4 * 153 + column + 0.5) * scale, "y": (30 + row + 0.5) * scale}  # D_V of B
    book.changes(lambda: where(book), lambda: image.hover(position=spot))
    column, row = map(int, where(book).split(","))
    shown = pixels(book)[30 + row]
    for side, (name, place) in ((0, ("V", 0)), (0, ("DV", 3)), (1, ("DV", 4)), (1, ("DI", 7))):
        seen = np.rint(np.clip(read_by(book, side, name), 0, 255))
        assert np.abs(seen - shown[place * 153 + column]).max() <= 1, (side, name)
    epoch, before = handle(book, "its epoch"), picture(book)
    epoch.focus()
    book.changes(lambda: picture(book), lambda: epoch.press("ArrowRight"))
    book.rest()
    page.get_by_role("button", name="undo", exact=True).click()
    page.wait_for_timeout(1000)
    book.rest()
    assert picture(book) == before
    page.get_by_role("button", name="save PNG", exact=True).press("Enter")
    link = page.locator("code", has_text=re.compile(r"channels-overview-01\.png$"))
    link.wait_for(timeout=60_000)
    with Image.open(link.inner_text()) as written:
        assert json.loads(written.text["Description"])["beside"]["epoch"] == 0
    book.nothing_red()
