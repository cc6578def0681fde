"""The desk's latencies: a hover and a new query kernel-side at 8,000 gallery pictures, each against
its budget, and a frame of a scripted pan over 10,000 points in Chromium under software rendering.

Features and pictures are noise: nothing is trained or rendered. The frames are left out where
Chromium or Playwright is missing.
"""

import importlib.util
import shutil
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from side_by_side import QUIET, asked, report, timed

import bdlab.workbench.desk
from bdlab import protocols
from bdlab.datasets.bank import Bank
from bdlab.datasets.records import Dataset, Record
from bdlab.evaluation import Embedded
from bdlab.experiments import sweeps
from bdlab.modality import BASE, Modality
from bdlab.network import BaseDerivativeNet
from bdlab.training.setup import Setup
from bdlab.workbench.desk.explore import Desk
from bdlab.workbench.retrieval.search import Tested

SHOTS = {Modality.V: 5, Modality.I: 20}  # pictures of a person
HOVER, QUERY, FRAME = 30, 100, 16  # milliseconds
WIDTH = 2048  # of a feature, as a ResNet-50 has it
POINTS, FRAMES = 10_000, 120
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PAGE = """<div style="width:560px;height:370px;position:relative"><canvas id="points"
style="width:100%;height:100%"></canvas><canvas id="over"></canvas></div><script>SCRIPT
const nothing = () => {}, actions = { hover: nothing, choose: nothing, lasso: nothing,
  gather: nothing, moved: nothing, lassoing: () => false };
const map = createMap(document.getElementById("points"), document.getElementById("over"), actions);
const n = COUNT, streams = Array.from({ length: n }, (_, k) => k % 4);
const where = Float32Array.from({ length: 2 * n }, () => 2 * Math.random() - 1);
const inks = Uint8Array.from({ length: 3 * n }, () => 255 * Math.random());
map.state.theme = { ground: "#ffffff", ink: "#000", accent: "#00f", hit: "#0a0" };
map.setPoints({ where, streams, inks, rows: streams, marks: ["o", "^", "s", "D"],
  hollow: [false, false, true, true], hidden: [false, false, false, false], dim: null });
map.state.query = 0;
map.state.lines = [1, 2, 3, 4];
map.resize();
window.pan = async (frames) => {
  const took = [];
  for (let k = 0; k < frames; k++) {
    await new Promise(requestAnimationFrame);
    map.pan(3 * Math.cos(k / 9), 3 * Math.sin(k / 9));
    took.push(map.state.took);
  }
  return took;
};
</script>"""


def noise(net: BaseDerivativeNet, people: int, seed: int) -> Tested:
    """A cell of 5 queries and 20 gallery pictures a person with random features [N, WIDTH]."""
    rng = np.random.default_rng(seed)
    records, embedded = [], {}
    for m in BASE:
        ids = np.repeat(np.arange(people), SHOTS[m])
        features = rng.normal(size=(len(ids), WIDTH)).astype(np.float32)
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        start = len(records)
        records += [Record(f"{m}/{start + k}", int(i), m, 0, "test") for k, i in enumerate(ids)]
        names = [r.path for r in records[start:]]
        embedded[m] = Embedded(features, ids, np.zeros(len(ids), int), names)
    for derivative, parent in ((Modality.DV, Modality.V), (Modality.DI, Modality.I)):
        embedded[derivative] = embedded[parent]
    dataset = Dataset("noise", Path("nowhere"), tuple(records))
    picture = torch.from_numpy(rng.integers(0, 256, (1, 288, 144, 3), dtype=np.uint8))
    bank = Bank(picture.permute(0, 3, 1, 2).expand(len(records), -1, -1, -1))
    config = sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb")
    setup = Setup(config, dataset, bank, None, net, None, torch.device("cpu"), torch.float32)
    v, i = (embedded[m] for m in BASE)
    results = {way: protocols.regdb(v, i, direction=way) for way in ("v2t", "t2v")}
    return Tested(setup, embedded, results)


def frames(count: int) -> list[float]:
    """Milliseconds of each frame of a pan, as the page counts them."""
    from playwright.sync_api import sync_playwright

    script = (Path(bdlab.workbench.desk.__file__).parent / "map.js").read_text()
    page_text = PAGE.replace("SCRIPT", script).replace("COUNT", str(POINTS))
    with sync_playwright() as running:
        flags = ["--no-sandbox", "--disable-gpu"]
        window = running.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = window.new_page(viewport={"width": 800, "height": 600})
        page.set_content(page_text)
        page.evaluate("pan(20)")  # until the page is warm
        took = page.evaluate(f"pan({count})")
        window.close()
    return took


def main() -> None:
    options = asked(20)
    mpl.use("Agg")
    torch.set_num_threads(1)  # two threads on a shared machine wait for each other
    people = 20 if options.smoke else 400
    if CHROMIUM and importlib.util.find_spec("playwright"):
        took = frames(5 if options.smoke else FRAMES)
        report(f"desk: a frame of a pan over {POINTS:,} points", took, "ms", at_most=FRAME)
    net = BaseDerivativeNet(people, backbone="resnet10").eval()
    board = Desk([noise(net, people, seed) for seed in (0, 1)], Path("figures"))
    asks = iter(board.queries * options.turns)

    def hover(stream: str) -> None:
        board.picture(f"0:{next(asks)}:{stream}")

    def ask() -> None:
        board.selection = {**board.selection, "query": next(asks), "result": None}

    works = {
        "a picture under the mouse": (lambda: hover("V"), HOVER),
        "a derivative one": (lambda: hover("DV"), HOVER),
        f"a query in two galleries of {20 * people:,}": (ask, QUERY),
    }
    for what, (work, allowed) in works.items():
        work()
        took, quiet, worked = [], [], []
        for _ in range(options.turns):
            began = time.process_time()
            seconds, others = timed(work)
            # by the clock, and by the processor: what others do here counts in the first only
            worked.append(1000 * (time.process_time() - began))
            took.append(1000 * seconds)
            quiet.append(others < QUIET)
        report(f"desk: {what}", took, "ms", at_most=allowed, quiet=quiet)
        report(f"desk: {what}, by the processor", worked, "ms", at_most=allowed)


if __name__ == "__main__":
    main()
