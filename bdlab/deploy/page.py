"""The ranked lists as one HTML page that needs nothing else: its pictures are inside it."""

from __future__ import annotations

import base64
import html
import io
from importlib import resources
from pathlib import Path
from string import Template

from PIL import Image

from bdlab.datasets import Record
from bdlab.files import write

from .pictures import UNKNOWN, Pictures
from .raw import Reader
from .searching import Found, summary

SIDE = (144, 72)  # height and width [pixels] of a picture on the page
LEGEND = {
    True: "✓ and a whole frame: the same person. ✗ and a dashed frame: another one.",
    False: "Nobody said who these people are, so nothing is marked.",
}


def write_page(path: Path, found: Found, queries: int = 100, ranks: int = 10) -> None:
    """Write the page with the lists of the first ``queries`` queries, ``ranks`` pictures each."""
    template = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    left = len(found.columns) - queries
    words = {
        "summary": html.escape(summary(found)),
        "notes": "".join(f"<p>{html.escape(note)}</p>" for note in found.notes),
        "legend": LEGEND[bool((found.hits() >= 0).any())],
        "cell": html.escape(str(found.query.about["cell"])),
        "left": f"The other {left} queries are in the CSV file." if left > 0 else "",
        "lists": "\n".join(_lists(found, queries, ranks)),
    }
    write(path, Template(template).substitute(words).encode())


def _lists(found: Found, queries: int, ranks: int) -> list[str]:
    hits = found.hits()
    names = {1: "hit", 0: "miss", -1: "open"}
    lists = []
    for q, asked in enumerate(found.query.pictures.records[:queries]):
        figures = [_figure(found.query.pictures, asked, "query", "query")]
        for rank, column in enumerate(found.columns[q, :ranks]):
            if column < 0:
                continue
            answer = found.gallery.pictures.records[column]
            said = f"{rank + 1}"
            distance = f"{found.distances[q, rank]:.3f}"
            kind = names[int(hits[q, rank])]
            figures.append(_figure(found.gallery.pictures, answer, kind, said, distance))
        lists.append(f'<div class="list">{"".join(figures)}</div>')
    return lists


def _figure(pictures: Pictures, record: Record, kind: str, title: str, more: str = "") -> str:
    who = pictures.called(record.identity)
    if not who and record.identity != UNKNOWN:
        who = f"id {record.identity}"
    words = "<br>".join(html.escape(word) for word in (more, who) if word)
    path = html.escape(record.path, quote=True)
    alt = html.escape(f"{title}: {record.path} {more} {who}", quote=True)
    return (
        f'<figure class="{kind}" title="{path}"><img alt="{alt}" loading="lazy" '
        f'src="{_thumbnail(pictures, record)}"><figcaption><b>{title}</b> '
        f"{words}</figcaption></figure>"
    )


def _thumbnail(pictures: Pictures, record: Record) -> str:
    """A picture as the net saw it, as a data URL."""
    out = io.BytesIO()
    read = Reader(*SIDE, record.modality, pictures.scale)
    Image.fromarray(read(pictures.root / record.path)).save(out, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
