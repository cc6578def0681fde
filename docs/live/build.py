"""Makes docs/live/index.html, the live page: one file that works from a double click, offline.

Run it from the top of the repository, with the folder of finished cells, or without one to put
changed sources around the data that the page has already:

    .venv/bin/python docs/live/build.py runs
    .venv/bin/python docs/live/build.py

The cells: B2 and MDL4 of Table IV on the RegDB-like twin, and as many other rows as there are:

    bdlab run table4 --data synthetic-regdb --preset demo --set epochs=60 --out runs
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import bdlab
from bdlab.workbench import bundle

HERE = Path(__file__).parent
PAGE = HERE / "index.html"
LIMIT = 1_000_000  # bytes
WORKBENCH = Path(bdlab.__file__).parent / "workbench"
DATA = re.compile(r'(?<=<script type="application/json" id="data">).*?(?=</script>)', re.DOTALL)


def modules() -> list[Path]:
    """The JavaScript modules of the page, each also a widget's."""
    rooms = {
        "channels": ["channels"],
        "losses": ["hinge", "recorded", "graph"],
        "retrieval": ["game"],
    }
    found = []
    for room, names in rooms.items():
        found.extend(WORKBENCH / room / f"{name}.js" for name in names)
    return found


def page(data: str) -> str:
    """The whole file around its data, a JSON text. Raises ValueError for a mark nothing fills."""
    texts = {
        "live.css": (WORKBENCH / "live.css").read_text(encoding="utf-8"),
        "graph.css": (WORKBENCH / "losses" / "graph.css").read_text(encoding="utf-8"),
        "page.css": (HERE / "page.css").read_text(encoding="utf-8"),
        "page.js": (HERE / "page.js").read_text(encoding="utf-8"),
        "modules": bundle.script(*modules()),
        "data": data,
    }
    template = (HERE / "page.html").read_text(encoding="utf-8")
    marks = re.findall(r"%([\w.]+)%", template)
    if sorted(marks) != sorted(texts):
        raise ValueError(f"page.html has the marks {sorted(marks)}; meant are {sorted(texts)}")
    return re.sub(r"%([\w.]+)%", lambda match: texts[match[1]], template)


def packed(values: Any) -> str:
    """JSON for a script element: no text in it can end the element."""
    text = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c")


def kept(html: str) -> str:
    """The data of a page that was made before."""
    found = DATA.search(html)
    if not found:
        raise ValueError(f"{PAGE}: no data in it; give the folder of runs: build.py runs")
    return found[0]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("runs", nargs="?", type=Path, help="the folder of finished cells")
    options.add_argument("--out", type=Path, default=PAGE)
    chosen = options.parse_args()
    if chosen.runs is None:
        data = kept(PAGE.read_text(encoding="utf-8"))
    else:
        import gather

        data = packed(gather.data(chosen.runs))
    text = page(data)
    size = len(text.encode())
    if size >= LIMIT:
        sys.exit(f"{chosen.out}: {size} bytes; {LIMIT} is the limit. Lower a picture's quality.")
    chosen.out.write_text(text, encoding="utf-8")
    print(f"{chosen.out}: {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
