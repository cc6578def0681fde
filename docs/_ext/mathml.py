"""Formulas as MathML, which browsers draw themselves: no script, nothing fetched."""

from html import escape

from latex2mathml.converter import convert
from sphinx.application import Sphinx


def inline(translator, node):
    """A formula in a sentence."""
    translator.body.append(convert(node.astext()))
    raise nodes_are_done()


def block(translator, node):
    """A formula on a line of its own; ``\\\\`` starts another line."""
    lines = [line for line in node.astext().split(r"\\") if line.strip()]
    drawn = "".join(convert(line.replace("&", ""), display="block") for line in lines)
    title = escape(node.astext(), quote=True)
    translator.body.append(f'<div class="math" role="math" aria-label="{title}">{drawn}</div>')
    raise nodes_are_done()


def nodes_are_done():
    from docutils import nodes

    return nodes.SkipNode()


def setup(app: Sphinx) -> dict:
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
