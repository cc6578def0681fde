"""Slides of a notebook: one HTML file that works from a double click and fetches nothing.

A slide begins at each heading and at each cell whose slide type is ``slide`` or ``subslide`` (the
field ``slideshow`` of a cell's metadata, which JupyterLab edits). A slide that holds a picture
already is ended by the next ``**Expect``: one picture, one slide. Cells of the type ``skip`` and
code without an output are left out, parameters and what is hidden in the notebook
(``hide-output``) with the text that leads to them; a ``fragment`` and what begins with
``**We see**`` wait for a key; ``notes`` are for who speaks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import mistune
from latex2mathml.converter import convert

from bdlab import files
from bdlab.config import ConfigError

HERE = Path(__file__).resolve().parent
PICTURES = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpeg"}
#: Nothing may be loaded from anywhere, whatever a notebook's outputs ask for.
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "media-src data:; font-src data:"
)
WAITING = "**We see**"


@dataclass
class Slide:
    """``said``: HTML of the texts; ``shown``: HTML of outputs and code; ``notes`` for the speaker.

    ``pictures`` counts the cells that show one.
    """

    title: str = ""
    said: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    pictures: int = 0

    @property
    def empty(self) -> bool:
        return not (self.said or self.shown)


def write(path: Path, out: Path) -> int:
    """The slides of a notebook into ``out``; returns their number. Raises ConfigError for what is
    no notebook.
    """
    try:
        book = json.loads(path.read_text(encoding="utf-8"))
        made = slides(book)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: this is not a notebook ({type(error).__name__})") from None
    if not made:
        raise ConfigError(f"{path}: no cell of it is shown on a slide")
    files.write(out, page(made).encode())
    return len(made)


def slides(book: dict[str, Any]) -> list[Slide]:
    """The slides of a notebook's JSON, empty ones left out."""
    made = [Slide()]
    for cell in book["cells"]:
        kind = cell.get("metadata", {}).get("slideshow", {}).get("slide_type", "")
        tags = cell.get("metadata", {}).get("tags", [])
        source = "".join(cell["source"])
        if kind == "skip":
            continue
        if {"hide-output", "parameters"} & set(tags):
            if not made[-1].shown:
                made[-1] = Slide()
            continue
        if kind in ("slide", "subslide") and not made[-1].empty:
            made.append(Slide(made[-1].title))
        if kind == "notes":
            made[-1].notes.append(html(source))
        elif cell["cell_type"] == "markdown":
            _say(made, source, kind == "fragment")
        elif cell["cell_type"] == "code":
            _show(made, cell, source, "yours" in tags, kind == "fragment")
    return [slide for slide in made if not slide.empty]


def _say(made: list[Slide], source: str, waits: bool) -> None:
    """Text onto the last slide; a heading or a new picture's text begins another."""
    for title, text in _parts(source):
        if title:
            made.append(Slide(title))
        for block in _blocks(text):
            if made[-1].pictures and block.startswith("**Expect"):
                made.append(Slide(made[-1].title))
            late = waits or block.startswith(WAITING)
            made[-1].said.append(_block(html(block), late))


def _parts(source: str) -> Iterator[tuple[str, str]]:
    """(heading or "", what stands below it); a ``#`` in a fence is none."""
    title, lines, fenced = "", [], False
    for line in source.splitlines():
        fenced ^= line.startswith("```")
        if not fenced and re.match(r"#{1,3} ", line):
            if title or "".join(lines).strip():
                yield title, "\n".join(lines)
            title, lines = line.lstrip("# "), []
        else:
            lines.append(line)
    yield title, "\n".join(lines)


def _blocks(text: str) -> list[str]:
    """A text cut before each paragraph that says what is expected or seen."""
    cut = re.split(r"\n\n(?=\*\*(?:Expect|We see))", text.strip())
    return [block for block in cut if block.strip()]


def _show(made: list[Slide], cell: dict[str, Any], source: str, yours: bool, waits: bool) -> None:
    """A cell's outputs, its code folded below them; the learner's cell is its code. A second
    picture begins another slide.
    """
    outputs = [part for output in cell.get("outputs", []) if (part := _output(output))]
    code = f"<pre class=code>{escape(source)}</pre>"
    if yours:
        made[-1].shown.append(_block(code, waits))
    elif outputs:
        drawn = any("<img" in part or "<svg" in part for part in outputs)
        if drawn and made[-1].pictures:
            made.append(Slide(made[-1].title))
        folded = f"<details><summary>code</summary>{code}</details>"
        made[-1].shown.append(_block("".join([*outputs, folded]), waits))
        made[-1].pictures += drawn


def _output(output: dict[str, Any]) -> str:
    """One output as HTML: its picture, else its table, else its text."""
    if output["output_type"] == "stream":
        text = "".join(output["text"])
        return f"<pre>{escape(text)}</pre>" if output.get("name") == "stdout" else ""
    data = {kind: "".join(value) for kind, value in output.get("data", {}).items() if _text(value)}
    for kind in PICTURES.keys() & data.keys():
        if kind == "image/svg+xml":
            return f'<div class="picture">{data[kind]}</div>'
        return f'<img alt="" src="data:{kind};base64,{data[kind].replace(chr(10), "")}">'
    if "text/html" in data:
        return f'<div class="table">{data["text/html"]}</div>'
    if "text/markdown" in data:
        return f'<div class="table">{html(data["text/markdown"])}</div>'
    return f"<pre>{escape(data['text/plain'])}</pre>" if "text/plain" in data else ""


def _text(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(line, str) for line in value)
    )


def _block(content: str, waits: bool) -> str:
    return f'<div class="{"block waits" if waits else "block"}">{content}</div>'


class _Renderer(mistune.HTMLRenderer):
    """Formulas as MathML, which browsers draw themselves; links only to the outside."""

    def inline_math(self, text: str) -> str:
        return convert(text)

    def block_math(self, text: str) -> str:
        lines = [line.replace("&", "") for line in text.split(r"\\") if line.strip()]
        drawn = "".join(convert(line, display="block") for line in lines)
        return f'<div class="formula">{drawn}</div>'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        # notebooks do not lie beside the slides
        return super().link(text, url, title) if url.startswith("http") else f"<em>{text}</em>"


html = mistune.create_markdown(renderer=_Renderer(escape=False), plugins=["table", "math"])


def page(made: list[Slide]) -> str:
    """All slides as one page."""
    style = (HERE / "slides.css").read_text(encoding="utf-8")
    script = (HERE / "slides.js").read_text(encoding="utf-8")
    sections = "\n".join(map(_section, made))
    title = escape(made[0].title or "bdlab")
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>
<main>
{sections}
</main>
<nav><button id="back" aria-label="Slide before">‹</button><output id="place"></output>
<button id="on" aria-label="Next">›</button></nav>
<script>{script}</script></body></html>
"""


def _section(slide: Slide) -> str:
    title = html(slide.title).strip().removeprefix("<p>").removesuffix("</p>")
    columns = [
        f'<div class="{name}">{"".join(parts)}</div>'
        for name, parts in (("said", slide.said), ("shown", slide.shown))
        if parts
    ]
    notes = f"<aside>{''.join(slide.notes)}</aside>" if slide.notes else ""
    kind = "both" if len(columns) == 2 else "one"
    body = f'<div class="body">{"".join(columns)}</div>'
    return f'<section class="{kind}"><h2>{title}</h2>{body}{notes}</section>'
