"""Notebook 05 in a real browser: run it all, go through the queries by keyboard, and the picture
follows.
"""

import pytest


@pytest.mark.slow
def test_the_query_slider_by_keyboard(notebook):
    book = notebook("05_retrieval", preset="smoke", threads=1)
    book.run()
    output = book.page.locator(".jp-OutputArea-output").filter(has_text="gallery draw").first
    output.scroll_into_view_if_needed()
    slider = output.locator(".widget-slider").filter(has_text="query").locator(".noUi-handle")
    image = output.locator("img")
    before = book.screenshot("ranked", output)
    slider.focus()
    first = book.changes(
        lambda: image.get_attribute("src"), lambda: book.page.keyboard.press("ArrowRight")
    )
    assert float(slider.get_attribute("aria-valuenow")) == 2
    book.screenshot("moved", output)
    assert before.read_bytes() != (book.screenshots / "05_retrieval-moved.png").read_bytes()
    buttons = output.get_by_role("button", name="by person")
    buttons.focus()
    second = book.changes(
        lambda: image.get_attribute("src"), lambda: book.page.keyboard.press("Enter")
    )
    assert second != first
    book.rest()
    book.nothing_red()
    book.screenshot("page")


@pytest.mark.slow
def test_the_map_has_its_toggles(notebook):
    book = notebook("05_retrieval", preset="smoke", threads=1)
    book.run()
    output = (
        book.page.locator(".jp-OutputArea-output")
        .filter(has_text="among its ten nearest on the map")
        .filter(has_text="streams")
        .first
    )
    output.scroll_into_view_if_needed()
    output.get_by_role("button", name="PCA").focus()
    book.changes(
        lambda: output.locator("img").get_attribute("src"),
        lambda: book.page.keyboard.press("Enter"),
    )
    book.rest()
    book.nothing_red()
    book.screenshot("map", output)
