"""One frame of the live page while a slider is dragged, in headless Chromium without a GPU.

Milliseconds against the 16 that a screen of 60 frames a second allows, by what the page chooses
there, and by WebGL in software. By the clock: from the frame's first line of JavaScript to its last
pixel in the buffer. By the processor: all that the page's thread does for a frame, layout and paint
included; what others do on this machine counts in the first only.
"""

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
#: Times the work of every frame that the page asks for. WebGL draws later than it is told to:
#: reading one pixel waits for it.
TIMED = """() => {
  window.times = [];
  window.frame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (action) => window.frame((now) => {
    const began = performance.now();
    action(now);
    const gl = document.querySelector(".stage > canvas").getContext("webgl");
    if (gl) gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    const spent = performance.now() - began;
    if (window.times.at(-1)?.now === now) window.times.at(-1).spent += spent;
    else window.times.push({ now, spent });
  });
}"""


def drag(page, processor, moves: int) -> tuple[float, float]:
    """The median frame by the clock and the mean one by the processor, milliseconds, while the
    pointer pulls a slider to and fro.
    """
    slider = page.locator("[data-slider='E_V green'] input")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.evaluate("window.times = []")
    before = busy(processor)
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for n in range(moves):
        share = abs((n / 20) % 2 - 1)
        page.mouse.move(box["x"] + box["width"] * (0.1 + 0.8 * share), middle)
        page.evaluate("() => new Promise(done => window.frame(done))")
    page.mouse.up()
    times = [time["spent"] for time in page.evaluate("window.times")]
    return statistics.median(times), 1000 * (busy(processor) - before) / len(times)


def busy(processor) -> float:
    """Seconds of processor time that the page's thread has used so far."""
    metrics = processor.send("Performance.getMetrics")["metrics"]
    return next(one["value"] for one in metrics if one["name"] == "TaskDuration")


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
            used, waited, worked = measured(window, Path(folder), forced, moves, options.turns)
            if forced and used != "WebGL":
                print("live page: this Chromium imitates no WebGL; not measured")
                continue
            what = f"live page, a frame of a dragged slider by {used}"
            what += " in software, which the page avoids" * forced
            where = f"{machine()}, headless Chromium, no GPU"
            report(what, waited, "ms", at_most=None if forced else ALLOWED, where=where)
            report(f"{what}, processor time of the page", worked, "ms", where=where)
        window.close()


def measured(window, folder: Path, forced: bool, moves: int, turns: int) -> tuple:
    """What draws, and every turn's median frame by the clock and mean one by the processor.

    ``forced`` takes WebGL even where it is slow.
    """
    text = PAGE.read_text(encoding="utf-8")
    if forced:
        text = text.replace("!imitated(gl) && program(gl)", "program(gl)")
    copy = folder / "page.html"
    copy.write_text(text, encoding="utf-8")
    page = window.new_page(viewport={"width": 1366, "height": 768})
    page.goto(copy.as_uri())
    page.locator(".channels[data-ready]").wait_for()
    used = page.evaluate("() => document.querySelector('.stage').dataset.painter")
    processor = page.context.new_cdp_session(page)
    processor.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
    processor.send("Performance.enable")
    page.evaluate(TIMED)
    drag(page, processor, moves)  # a first time, to warm up
    pairs = [drag(page, processor, moves) for _ in range(turns)]
    page.close()
    return used, [clock for clock, _ in pairs], [own for _, own in pairs]


if __name__ == "__main__":
    main()
