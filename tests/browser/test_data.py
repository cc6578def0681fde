"""The sheet of pictures in a real browser: thumbnails choose, a click enlarges, dials turn and go
back to their mark, by mouse and by keyboard.
"""

import pytest

CODE = """from bdlab import datasets
from bdlab.workbench import explorers
board = explorers.data(datasets.open("synthetic-sysu", size="smoke"), people=3)
board"""
DIALS = """from bdlab.workbench import explorers
board = explorers.dials("synthetic-sysu", people=4, size="smoke")
board"""


def root(book):
    return book.page.locator(".bdlab-sheet")


def pressed(book):
    people = root(book).locator(".person[aria-pressed=true] img")
    return people.evaluate_all("all => all.map(e => e.alt)")


def dark(book):
    script = """() => { document.body.style.setProperty('--jp-layout-color1', '#102030');
        document.body.style.setProperty('--jp-layout-color2', '#203040');
        document.body.style.setProperty('--jp-ui-font-color1', '#f0f0f0');
        document.body.style.setProperty('--jp-ui-font-color2', '#c0c0c0');
        document.body.dataset.jpThemeLight = 'false'; }"""
    book.page.evaluate(script)
    ground = root(book).evaluate("e => getComputedStyle(e).backgroundColor")
    assert ground == "rgb(16, 32, 48)"


@pytest.mark.slow
def test_people_are_chosen_and_pictures_enlarged(scratch):
    book = scratch(CODE)
    page = book.page
    root(book).scroll_into_view_if_needed()
    assert len(pressed(book)) == 3
    book.screenshot("sheet", root(book))
    third = root(book).locator(".person").nth(2)
    third.focus()
    book.changes(lambda: pressed(book), lambda: page.keyboard.press("Enter"))
    who = third.locator("img").get_attribute("alt")
    book.page.wait_for_function(
        "who => document.querySelector('.spot').title.startsWith(who + ',')", arg=who
    )
    assert pressed(book)[0] == who
    first, second = (root(book).locator(".spot").nth(n) for n in (0, 1))
    first.click()
    lens = root(book).locator("dialog")
    lens.locator("img").wait_for()
    assert lens.locator("p").inner_text() == first.get_attribute("title")
    shown = lens.locator("img").evaluate("e => [e.naturalWidth, e.naturalHeight]")
    assert shown == [144, 288]
    page.keyboard.press("ArrowRight")
    lens.get_by_text(second.get_attribute("title"), exact=True).wait_for()
    book.screenshot("lens")
    page.keyboard.press("Escape")
    lens.wait_for(state="hidden")
    assert second.evaluate("e => e === document.activeElement"), "focus is where the picture is"
    dark(book)
    book.screenshot("sheet-dark", root(book))


@pytest.mark.slow
def test_dials_have_marks_and_a_sign_of_work(scratch):
    book = scratch(DIALS)
    root(book).scroll_into_view_if_needed()
    book.page.evaluate(
        """() => { window.signs = []; const busy = document.querySelector('.bdlab-sheet .busy');
        new MutationObserver(() => window.signs.push(busy.textContent)).observe(busy,
            { childList: true, characterData: true, subtree: true }); }"""
    )
    told = root(book).locator(".told")
    before = told.inner_text()
    dial = root(book).get_by_label("channel gap", exact=True)
    assert "0.40, the twin's own" in root(book).locator(".dial").first.inner_text()
    dial.focus()
    book.changes(told.inner_text, lambda: book.page.keyboard.press("End"))
    book.rest()
    assert book.page.evaluate("window.signs") == ["working", ""]
    late = (
        root(book)
        .locator(".busy")
        .evaluate(
            "e => { e.textContent = 'x'; const { animationDuration, visibility } = "
            "getComputedStyle(e); e.textContent = ''; return [animationDuration, visibility]; }"
        )
    )
    assert late == ["0.3s", "hidden"], "no sign for what takes less"
    book.screenshot("dials", root(book))
    mark = root(book).get_by_role("button", name="channel gap back to 0.40")
    mark.focus()
    book.changes(told.inner_text, lambda: book.page.keyboard.press("Enter"))
    book.rest()
    assert told.inner_text() == before
    # the mark lies under the thumb when the dial is there
    apart = (
        root(book)
        .locator(".dial")
        .first.evaluate(
            """e => { const [track, mark] = ['input', '.mark'].map((s) =>
            e.querySelector(s).getBoundingClientRect());
        return (mark.left + mark.width / 2 - track.left) / track.width; }"""
        )
    )
    assert abs(apart - 0.4) < 0.02
    dark(book)
    book.screenshot("dials-dark", root(book))
