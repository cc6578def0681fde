"""One frame of the live page while a slider is dragged, in headless Chromium without a GPU: milliseconds against the 16 of a
screen's 60 frames a second, by what the page chooses there, and by WebGL in software. From the frame's first line of
JavaScript to its last pixel in the buffer; painting on a screen is not in it."""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from side_by_side import asked, machine, report

PAGE = Path(__file__).resolve().parent.parent / "docs" / "live" / "index.html"
ALLOWED = 16  # milliseconds
QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
FLAG = "--enable-unsafe-swiftshader"
#: Times every frame's work. WebGL draws later than it is told to: reading one pixel waits for it.
TIMED = """() => {
  window.times = [];
  const next = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (action) => next((now) => {
    const began = performance.now();
    action(now);
    const gl = document.querySelector(".stage > canvas").getContext("webgl");
    if (gl) gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    const spent = performance.now() - began;
    if (window.times.at(-1)?.now === now) window.times.at(-1).spent += spent;
    else window.times.push({ now, spent });
  });
}"""


def drag(page, moves: int) -> list[float]:
    """Milliseconds of every frame while the pointer pulls a slider to and fro."""
    slider = page.locator("[data-slider='E_V green'] input")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.evaluate(TIMED)
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for n in range(moves):
        share = abs((n / 20) % 2 - 1)
        page.mouse.move(box["x"] + box["width"] * (0.1 + 0.8 * share), middle)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    page.mouse.up()
    return [time["spent"] for time in page.evaluate("window.times")]


def main() -> None:
    options = asked(turns=3)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        sys.exit("benchmarks/live.py needs playwright and chromium")
    moves = 10 if options.smoke else 120
    with sync_playwright() as running, tempfile.TemporaryDirectory() as folder:
        window = running.chromium.launch(executable_path=chromium, args=[*QUIET.split(), FLAG])
        for forced in (False, True):
            used, medians = measured(window, Path(folder), forced, moves, options.turns)
            if forced and used != "WebGL":
                print("live page: this Chromium imitates no WebGL; not measured")
                continue
            what = (
                f"live page, a frame of a dragged slider, {used}"
                + forced * " in software, which the page avoids"
            )
            allowed = None if forced else ALLOWED
            report(
                what,
                medians,
                "ms",
                at_most=allowed,
                where=f"{machine()}, headless Chromium, no GPU",
            )
        window.close()


def measured(window, folder: Path, forced: bool, moves: int, turns: int) -> tuple[str, list[float]]:
    """What draws, and the median frame of every turn; ``forced`` takes WebGL even where it is slow."""
    text = PAGE.read_text(encoding="utf-8")
    if forced:
        text = text.replace("!imitated(gl) && program(gl)", "program(gl)")
    copy = folder / "page.html"
    copy.write_text(text, encoding="utf-8")
    page = window.new_page(viewport={"width": 1366, "height": 768})
    page.goto(copy.as_uri())
    page.locator(".channels[data-ready]").wait_for()
    used = page.evaluate("() => document.querySelector('.stage').dataset.painter")
    medians = [statistics.median(drag(page, moves)) for _ in range(turns)]
    page.close()
    return used, medians


if __name__ == "__main__":
    main()
