"""The live page as a whole: one small file made of its sources, at three sizes, in two looks."""

import importlib.util
import re

import pytest

from bdlab.workbench import bundle

from ..conftest import REPOSITORY
from .conftest import PAGE, SIZES

LIMIT = 1_500_000


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("build", REPOSITORY / "docs/live/build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_small_file_that_needs_no_other(whole):
    assert PAGE.stat().st_size < LIMIT
    fetched = re.findall(
        r"""(?:src|href)=["'](?!#|data:)[^"']*["']|@import|url\((?!["']?data:|#)""", whole
    )
    assert fetched == []
    assert "import(" not in whole


def test_the_page_is_what_its_sources_make(build, whole):
    assert build.page(build.kept(whole)) == whole, "run docs/live/build.py"
    assert build.page(build.kept(whole)) != whole.replace("Math.max(before, 0)", "before")


def test_every_source_stands_in_it_line_by_line(build, whole):
    """All but import lines; of export lines all but the first words."""
    for path in bundle.order(*build.modules()):
        source = bundle.IMPORT.sub("@import@", path.read_text(encoding="utf-8"))
        for part in source.replace("export default", "const standard =").split("@import@"):
            assert re.sub(r"^export ", "", part, flags=re.MULTILINE) in whole, path


def test_a_text_cannot_end_the_data(build):
    assert "</script" not in build.packed({"name": "</script><b>"})


def test_what_it_says_of_its_people_and_runs(whole, embedded):
    assert "not from SYSU-MM01 or RegDB" in whole
    told = "\n".join(embedded["origin"])
    for row in embedded["graph"]["rows"]:
        assert re.search(
            rf"Row {row['name']} .* \d+ epochs, .* seed \d+, .* commit [0-9a-f]{{7}}", told
        )


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_fits_and_all_four_parts_are_there(live, screenshots, size, look):
    opened = live(size=size, look=look)
    wide = opened.value("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], "nothing sticks out at the side"
    for part in ("channels", "hinge", "graph", "rows", "game"):
        box = opened.page.locator(f"[data-part={part}]").bounding_box()
        assert box["width"] > 250, part
        assert box["height"] > 60, part
    assert opened.value("document.documentElement.dataset.theme") == look
    opened.page.screenshot(path=screenshots / f"live-{size}-{look}.png", full_page=True)


BRIGHT = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"


def test_the_look_can_be_switched_by_key(live):
    opened = live(look="light")
    assert min(opened.value(BRIGHT)) > 200
    button = opened.page.get_by_role("button", name="switch to dark colours")
    button.press("Enter")
    assert max(opened.value(BRIGHT)) < 60
    opened.page.emulate_media(color_scheme="dark")
    opened.page.get_by_role("button", name="switch to light colours").press("Enter")
    assert min(opened.value(BRIGHT)) > 200, "the reader's choice counts more than the system's"


#: Words and their ground, as the browser paints them: the contrast ratio of WCAG 2.
CONTRAST = """() => {
  const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = numbers(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const e of document.querySelectorAll("main *, header *, footer *")) {
    const words = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!words || !e.offsetParent || e.closest("svg, .chosen .pair")) continue;
    const both = [light(numbers(getComputedStyle(e).color)), light(ground(e))];
    const [a, b] = both.sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const start = e.textContent.trim().slice(0, 30);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${e.className} ${start}`);
  }
  return low;
}"""


@pytest.mark.parametrize("look", ["light", "dark"])
def test_words_stand_out_from_their_ground(live, look):
    assert live(look=look).value(CONTRAST) == []


USED = "button, input, [role=application], [role=button], a[href]"
NAMELESS = """(used) => [...document.querySelectorAll(used)]
  .filter((e) => e.offsetParent !== null || e.ownerSVGElement)
  .filter((e) => !e.getAttribute("aria-label") && !e.textContent.trim())
  .filter((e) => !e.closest("label")?.textContent.trim())
  .map((e) => e.outerHTML.slice(0, 120))"""


def test_everything_that_can_be_used_has_a_name(live):
    opened = live()
    assert opened.value(NAMELESS, USED) == []
    assert (
        opened.value("[...document.images].filter((i) => i.getAttribute('alt') === null).length")
        == 0
    )


def test_all_parts_are_reached_by_tab(live):
    """From the top, Tab alone comes to every part."""
    opened = live()
    seen = set()
    for _ in range(140):
        opened.page.keyboard.press("Tab")
        part = opened.value("document.activeElement.closest('[data-part]')?.dataset.part")
        seen.add(part)
    assert {"channels", "hinge", "graph", "game"} <= seen
