"""Slides from `file://`, in a Chromium that has no network: turned by keys, nothing asked for."""

import pytest

from bdlab.workbench import slides
from tests.conftest import REPOSITORY

SIZES = ((1366, 768), (1920, 1080), (390, 844))
FITS = "() => all[now].scrollWidth <= all[now].clientWidth + 1"


@pytest.fixture
def deck(chromium, tmp_path):
    """A page with a notebook's slides, and what it asked for."""
    context = chromium.new_context(offline=True, viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.asked, page.wrong = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: said.type == "error" and page.wrong.append(said.text))

    def opened(name):
        slides.write(REPOSITORY / "notebooks" / f"{name}.ipynb", tmp_path / "a.html")
        page.goto((tmp_path / "a.html").as_uri())
        return page

    yield opened
    assert page.wrong == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
    context.close()


def place(page):
    return page.locator("#place").inner_text()


def test_keys_turn_the_slides_and_what_is_seen_comes_late(deck):
    page = deck("exercises/02_hinge")
    count = page.locator("section").count()
    assert place(page) == f"1 / {count}"
    assert page.locator("section:visible").count() == 1
    page.keyboard.press("ArrowRight")
    assert place(page) == f"2 / {count}"
    seen = page.locator("section.now .waits").first
    assert not seen.is_visible()
    page.keyboard.press("Space")
    assert seen.is_visible()
    assert place(page) == f"2 / {count}"
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    assert seen.is_visible(), "on the way back nothing waits"
    page.keyboard.press("End")
    assert place(page) == f"{count} / {count}"
    page.locator("#back").click()
    assert page.url.endswith(f"#{count - 1}")


@pytest.mark.parametrize("name", ["00_start_here", "03_losses", "06_ablations"])
def test_no_slide_is_wider_than_the_screen(deck, name):
    page = deck(name)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for k in range(page.locator("section").count()):
            page.evaluate(f"show({k}, true)")
            assert page.evaluate(FITS), (k, width)
