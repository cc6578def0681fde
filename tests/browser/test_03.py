"""Notebook 03 in a real browser: the hinge dragged and moved by keys, light and dark; the graph by
keyboard and by mouse, trainings and five seeds beside it.
"""

import pytest


@pytest.mark.slow
def test_graph_training_and_margin(notebook):
    book = notebook("03_losses", seeds=1, steps=150, threads=1)
    book.run()
    the_graph_by_keyboard_and_by_click(book)
    graphs_are_trained_beside_each_other(book)
    five_seeds_as_dots(book)
    points_are_dragged_and_moved_by_keys(book)
    the_hinge_follows_jupyterlabs_theme(book)
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


def five_seeds_as_dots(book):
    graph = book.page.locator(".bdlab-graph")
    graph.get_by_role("button", name="baseline", exact=True).click()
    book.changes(graph.locator(".card").count, graph.locator("button.train").click)
    book.page.wait_for_function(
        "() => !document.querySelector('.bdlab-graph button.train').disabled"
    )
    five, dots = graph.locator("button.five"), graph.locator(".dots circle.seed")
    assert five.inner_text() == "5 seeds"
    five.focus()
    book.page.keyboard.press("Enter")
    book.page.wait_for_function(
        "() => /seed [1-5] of 5/.test(document.querySelector('.bdlab-graph .five').innerText)"
    )
    edge = graph.locator("[data-edge=V-DV]")
    before = edge.get_attribute("aria-pressed")
    book.changes(lambda: edge.get_attribute("aria-pressed"), edge.click)
    assert edge.get_attribute("aria-pressed") != before, "nothing waits for it"
    dots.nth(2 * 5 - 1).wait_for()  # five of each measure
    book.page.wait_for_function(
        "() => !document.querySelector('.bdlab-graph button.five').disabled"
    )
    assert graph.locator(".dots circle.single").count() == 2
    said = graph.locator(".dots").get_attribute("aria-label")
    gap = graph.locator(".card").inner_text().split("V–I gap ")[1].split()[0]
    assert f"V–I gap {gap}" in said, "the single training is the first seed"
    graph.scroll_into_view_if_needed()
    book.screenshot("five-seeds", graph)


def points_are_dragged_and_moved_by_keys(book):
    board = book.page.locator(".bdlab-live.hinge")
    board.scroll_into_view_if_needed()
    book.screenshot("hinge", board)
    fits = board.locator(".scroll").evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    assert fits, "all distances are seen"
    assert (
        board.locator(".sum").inner_text().startswith("anchor V 3a: [0.50 + 0.53 − 0.84]₊ = 0.19")
    )
    mark = board.locator("[data-point=I3]")
    box, before = mark.bounding_box(), mark.get_attribute("data-at")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    book.page.mouse.move(x, y)
    book.page.mouse.down()
    book.page.mouse.move(x - 40, y + 30)
    book.page.mouse.up()
    book.page.wait_for_function(
        "old => document.querySelector('[data-point=I3]').dataset.at !== old", arg=before
    )
    assert mark.get_attribute("aria-pressed") == "true", "what is taken is the anchor"
    assert "anchor I 2b" in board.locator(".sum").inner_text()
    book.screenshot("hinge-dragged", board)
    kinds = book.page.locator(".jp-Notebook .jp-Cell").evaluate_all(
        "all => all.map(c => c.className)"
    )
    at = mark.get_attribute("data-at")
    book.changes(lambda: mark.get_attribute("data-at"), lambda: mark.press("Shift+ArrowUp"))
    assert float(mark.get_attribute("data-at").split(",")[1]) > float(at.split(",")[1])
    after = book.page.locator(".jp-Notebook .jp-Cell").evaluate_all(
        "all => all.map(c => c.className)"
    )
    assert after == kinds, "the key moves the point, not the notebook"
    board.locator("[data-do=descend]").click()
    board.locator("[data-done='50']").wait_for()
    first, last = board.locator(".words").inner_text().split(": ")[1].split(" → ")
    assert float(last) < float(first)


def the_hinge_follows_jupyterlabs_theme(book):
    board = book.page.locator(".bdlab-live.hinge")
    colour = "e => getComputedStyle(e).color"
    ground = board.locator(".ground")
    light = board.evaluate(colour)
    script = """() => { const style = document.body.style;
        style.setProperty('--jp-layout-color1', '#102030');
        style.setProperty('--jp-layout-color2', '#203040');
        style.setProperty('--jp-ui-font-color1', '#f0f0f0');
        style.setProperty('--jp-ui-font-color2', '#c0c0c0');
        document.body.dataset.jpThemeLight = 'false'; }"""
    book.page.evaluate(script)
    assert board.evaluate(colour) == "rgb(240, 240, 240)" != light
    assert ground.evaluate("e => getComputedStyle(e).fill") == "rgb(16, 32, 48)"
    book.screenshot("hinge-dark", board)
