"""The live page in a real Chromium, opened from a file with the network cut off.

``live()`` opens docs/live/index.html, ``live(html)`` a changed one, at a size and in a look. At the
end of a test nothing may have been fetched and nothing may have gone wrong in the console.
"""

import json
from dataclasses import dataclass, field

import pytest

from ..browser.conftest import CHROMIUM, FLAGS, screenshots  # noqa: F401
from ..conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "live" / "index.html"
SIZES = {"laptop": (1366, 768), "desk": (1920, 1080), "phone": (390, 844)}
#: Software WebGL tells how slow it is when a picture of the window is taken.
HARMLESS = "GL Driver Message"


@dataclass
class Opened:
    """The page in a window of its own, and what went wrong in it."""

    page: object  # playwright.sync_api.Page
    wrong: list = field(default_factory=list)
    asked: list = field(default_factory=list)

    def value(self, script: str, *arguments):
        return self.page.evaluate(script, *arguments)

    def data(self) -> dict:
        """What the page embeds."""
        return json.loads(self.value("document.getElementById('data').textContent"))

    def state(self, selector: str, name: str) -> str:
        """A data attribute of an element, once all that was asked for stands there."""
        self.frame()
        self.page.locator(".channels[data-told=yes]").wait_for()
        return self.page.locator(selector).first.get_attribute(f"data-{name}")

    def frame(self) -> None:
        """Two frames on: what was asked for is drawn."""
        wait = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        self.page.evaluate(wait)

    def number(self, name: str) -> float:
        """A number of the pixel that is read."""
        text = self.page.locator(f"[data-number='{name}']").inner_text()
        return float(text.replace("−", "-"))

    def nothing_wrong(self) -> None:
        assert self.wrong == []
        assert self.asked == [], "nothing is fetched"


@pytest.fixture(scope="module")
def launch():
    """``launch("--flag")``: a Chromium of its own. Playwright's loop is this thread's meanwhile."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install 'bdlab[test]'")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    windows = []
    with playwright.sync_playwright() as running:

        def launched(*flags):
            own = [*FLAGS.split(), *flags]
            windows.append(running.chromium.launch(executable_path=CHROMIUM, args=own))
            return windows[-1]

        yield launched
        for window in windows:
            window.close()


@pytest.fixture(scope="module")
def chromium(launch):
    return launch()


@pytest.fixture
def opening(tmp_path):
    """``opening(chromium, html=None, ...)``: as ``live``, in a Chromium of the test's own."""
    made = []

    def opened(window, html=None, size="laptop", look="light", motion="no-preference") -> Opened:
        path = PAGE
        if html is not None:
            path = tmp_path / f"page{len(made)}.html"
            path.write_text(html, encoding="utf-8")
        width, height = SIZES[size]
        context = window.new_context(
            viewport={"width": width, "height": height},
            color_scheme=look,
            reduced_motion=motion,
            offline=True,
        )
        page = context.new_page()
        found = Opened(page)
        page.on("console", lambda message: _heard(found, message))
        page.on("pageerror", lambda error: found.wrong.append(str(error)))
        page.on("request", lambda request: _asked(found, request.url))
        page.goto(path.as_uri())
        page.locator(".channels[data-ready]").wait_for(timeout=30_000)
        made.append((context, found, html is None))
        return found

    yield opened
    for context, found, whole in made:
        context.close()
        if whole:
            found.nothing_wrong()


def _heard(found: Opened, message) -> None:
    if message.type in ("error", "warning") and HARMLESS not in message.text:
        found.wrong.append(message.text)


def _asked(found: Opened, url: str) -> None:
    if not url.startswith(("data:", "blob:")) and not (url.startswith("file:") and ".html" in url):
        found.asked.append(url)


@pytest.fixture
def live(chromium, opening):
    """``live(html=None, size="laptop", look="light")`` opens the page, or a changed one."""

    def opened(html=None, **options) -> Opened:
        return opening(chromium, html, **options)

    return opened


@pytest.fixture(scope="session")
def whole() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def embedded(whole) -> dict:
    """The page's data, read without a browser."""
    head = '<script type="application/json" id="data">'
    return json.loads(whole.split(head, 1)[1].split("</script>", 1)[0])
