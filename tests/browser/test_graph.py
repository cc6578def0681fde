"""The modality graph in a real browser: an edge's two entries of the table under mouse and
keyboard, and JupyterLab's theme.
"""

import pytest

from bdlab import losses
from bdlab.workbench.losses import toy

CODE = """from bdlab import losses
from bdlab.workbench import explorers
from bdlab.workbench.losses import toy
points = toy.constellation()
explorers.graph("mdl4", table=losses.table(points.features, points.labels))"""


@pytest.mark.slow
def test_entries_of_the_table_and_theme(scratch):
    book = scratch(CODE)
    graph = book.page.locator(".bdlab-graph")
    graph.scroll_into_view_if_needed()
    points = toy.constellation()
    table = losses.table(points.features, points.labels)
    hint = graph.locator(".hint")
    graph.locator("[data-edge=DV-DI]").hover()
    words = hint.inner_text()
    assert words.startswith("D_V – D_I: left out: neither")
    assert f"In the table: D_V → D_I {table[2, 3]:.3f}, D_I → D_V {table[3, 2]:.3f}" in words
    graph.locator("[data-edge=V-I]").focus()
    assert f"V → I {table[0, 1]:.3f}, I → V {table[1, 0]:.3f}" in hint.inner_text()
    label = graph.locator("[data-edge=V-I]").get_attribute("aria-label")
    assert f"{table[1, 0]:.3f}" in label, "whoever listens hears them too"
    the_theme_is_jupyterlabs(book, graph)


def the_theme_is_jupyterlabs(book, graph):
    script = """() => { const style = document.body.style;
        style.setProperty('--jp-layout-color1', '#102030');
        style.setProperty('--jp-layout-color2', '#203040');
        style.setProperty('--jp-ui-font-color1', '#f0f0f0');
        style.setProperty('--jp-ui-font-color2', '#c0c0c0');
        style.setProperty('--jp-border-color1', '#607080');
        document.body.dataset.jpThemeLight = 'false'; }"""
    book.page.evaluate(script)
    assert graph.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(16, 32, 48)"
    line = graph.locator("[data-edge=V-I] .seen")
    assert line.evaluate("e => getComputedStyle(e).stroke") == "rgb(240, 240, 240)"
    book.screenshot("graph-dark", graph)
