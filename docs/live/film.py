"""Makes docs/live.webp from the live page: a run's epochs, then sliders moved by hand.

Run it from the top of the repository; it needs playwright and chromium:

    .venv/bin/python docs/live/film.py
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
FILE = HERE.parent / "live.webp"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WINDOW = {"width": 1366, "height": 900}
WIDTH = 1000  # of the film, in pixels
QUALITY = 82
LIMIT = 1_000_000  # bytes
#: What is filmed: the line of presets, the six pictures and the sliders.
BOX = """() => {
  const top = document.querySelector(".channels .bar").getBoundingClientRect();
  const ends = document.querySelectorAll(".channels .panels, .channels fieldset");
  const low = Math.max(...[...ends].map((one) => one.getBoundingClientRect().bottom));
  const all = document.querySelector(".channels").getBoundingClientRect();
  return { x: all.x - 14, y: top.y - 10, width: all.width + 28, height: low - top.y + 20 };
}"""
STYLE = """
.aim { display: none }
.channels .reading { visibility: hidden }
.channels .columns { grid-template-columns: minmax(0, 1fr) 290px !important }
"""
FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
#: By hand: a slider, where it goes, in how many frames.
MOVES = (
    ("E_V bias", 0.6, 4),
    ("G_S bias green", -0.4, 4),
    ("G_S red", 0.3, 3),
    ("G_S bias blue", 0.1, 3),
)


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("docs/live/film.py needs chromium")
    with sync_playwright() as running:
        window = running.chromium.launch(executable_path=chromium, args=FLAGS)
        page = window.new_page(viewport=WINDOW, color_scheme="light")
        page.goto((HERE / "index.html").as_uri())
        page.locator(".channels[data-ready]").wait_for()
        page.add_style_tag(content=STYLE)
        shots = [*epochs(page), *hand(page)]
        window.close()
    write(shots)
    print(f"{FILE}: {len(shots)} pictures, {FILE.stat().st_size / 1000:.0f} kB")


def epochs(page: Page) -> list[tuple[Image.Image, int]]:
    """The first run on film, every fifth epoch: pictures and the milliseconds each stands."""
    epoch = page.locator("[data-slider=epoch] input")
    last = int(epoch.get_attribute("max"))
    shots = []
    for number in range(0, last + 1, 5):
        epoch.fill(str(number))
        shots.append((shot(page), 900 if number in (0, last) else 160))
    return shots


def hand(page: Page) -> list[tuple[Image.Image, int]]:
    """Some sliders moved, each in small steps from where it stands."""
    shots = []
    for name, goal, steps in MOVES:
        slider = page.locator(f"[data-slider='{name}'] input")
        start = float(slider.input_value())
        for step in range(1, steps + 1):
            slider.fill(str(round(start + (goal - start) * step / steps, 2)))
            shots.append((shot(page), 500 if step == steps else 130))
    return shots


def shot(page: Page) -> Image.Image:
    page.evaluate(FRAME)
    page.evaluate("() => scrollTo(0, 0)")
    box = page.evaluate(BOX)
    taken = Image.open(io.BytesIO(page.screenshot(clip=box, full_page=True))).convert("RGB")
    height = round(taken.height * WIDTH / taken.width)
    return taken.resize((WIDTH, height), Image.Resampling.LANCZOS)


def write(shots: list[tuple[Image.Image, int]]) -> None:
    """An animated WebP: a GIF's 256 colours are too few for pictures that change theirs."""
    images = [image for image, _ in shots]
    times = [time for _, time in shots]
    how = {"duration": times, "loop": 0, "quality": QUALITY, "method": 6, "minimize_size": True}
    images[0].save(FILE, "webp", save_all=True, append_images=images[1:], **how)
    if FILE.stat().st_size >= LIMIT:
        sys.exit(f"{FILE}: {FILE.stat().st_size} bytes; lower QUALITY or WIDTH")


if __name__ == "__main__":
    main()
