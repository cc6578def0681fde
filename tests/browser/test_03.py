"""Notebook 03 in a real browser: the graph by keyboard and by mouse, a training beside it, a margin
by keyboard.
"""

import pytest


@pytest.mark.slow
def test_graph_training_and_margin(notebook):
    book = notebook("03_losses", seeds=1, steps=150, threads=1)
    book.run()
    the_graph_by_keyboard_and_by_click(book)
    graphs_are_trained_beside_each_other(book)
    a_margin_by_keyboard(book)
    book.rest()
    book.nothing_red()


def the_graph_by_keyboard_and_by_click(book):
    graph = book.page.locator(".bdlab-graph")
    graph.scroll_into_view_if_needed()
    book.screenshot("graph", graph)
    equation, count = graph.locator(".equation"), graph.locator(".count")
    assert equation.inner_text() == "LMDL = LV→I + LI→V + LV→DI + LDI→V + LI→DV + LDV→I"
    assert graph.locator(".title").inner_text() == "MDL4, the paper's own"
    graph.locator("[data-edge=V-I]").focus()
    assert book.page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    after = book.changes(equation.inner_text, lambda: book.page.keyboard.press("Space"))
    assert after == "LMDL = LV→DI + LDI→V + LI→DV + LDV→I"
    assert count.inner_text() == "2 edges, 4 directed triplet losses"
    assert graph.locator("[data-edge=V-I]").get_attribute("aria-pressed") == "false"
    book.page.keyboard.press("Tab")
    assert book.page.evaluate("document.activeElement.dataset.edge") == "V-DV", (
        "Tab goes from edge to edge"
    )
    book.screenshot("focus", graph)
    after = book.changes(count.inner_text, lambda: book.page.keyboard.press("Enter"))
    assert after == "3 edges, 6 directed triplet losses"
    assert graph.locator(".title").inner_text() == "a graph the paper does not have"
    book.changes(count.inner_text, lambda: graph.locator("[data-edge=DV-DI]").click())
    assert count.inner_text() == "4 edges, 8 directed triplet losses"
    assert "LDV→DI + LDI→DV" in equation.inner_text()


def graphs_are_trained_beside_each_other(book):
    graph = book.page.locator(".bdlab-graph")
    graph.scroll_into_view_if_needed()
    cards, train = graph.locator(".card"), graph.locator("button.train")
    for name in ("MDL4", "baseline"):
        graph.get_by_role("button", name=name, exact=True).click()
        train.focus()
        book.changes(cards.count, lambda: book.page.keyboard.press("Enter"), seconds=60)
        book.page.wait_for_function(
            "() => !document.querySelector('.bdlab-graph button.train').disabled"
        )
    names = [card.locator("b").inner_text() for card in cards.all()]
    assert names == ["MDL4", "baseline (B2)"]
    assert all(
        "V–I gap 0." in card.inner_text() or "V–I gap 1." in card.inner_text()
        for card in cards.all()
    )
    assert "(smallest)" in graph.locator(".strip").inner_text()
    book.screenshot("trained", graph)
    book.changes(cards.count, lambda: graph.get_by_role("button", name="clear").click())
    assert cards.count() == 0


def a_margin_by_keyboard(book):
    output = book.page.locator(".jp-OutputArea-output").filter(has_text="which one").first
    output.scroll_into_view_if_needed()
    book.screenshot("hinge", output)
    drawn = output.locator("svg[role=img]")
    slider = (
        output.locator(".widget-slider").filter(has_text="margin_cross").locator(".noUi-handle")
    )
    assert "= 0.19, pulled in, pushed away" in drawn.get_attribute("aria-label")
    slider.focus()
    after = book.changes(drawn.inner_html, lambda: book.page.keyboard.press("ArrowRight"))
    assert "margin 0.55" in after
    assert "= 0.24" in drawn.get_attribute("aria-label")
    towards = (
        output.locator(".widget-toggle-buttons")
        .filter(has_text="towards")
        .get_by_role("button", name="V", exact=True)
    )
    towards.focus()
    after = book.changes(drawn.inner_html, lambda: book.page.keyboard.press("Enter"))
    assert "margin 0.30" in after, "one modality on both sides is eq. 7"
    book.screenshot("intra", output)
