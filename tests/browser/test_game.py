"""The game in a real JupyterLab, by click and by key; a digit is an answer, not a heading."""

import pytest

CODE = """from bdlab import datasets
from bdlab.workbench import explorers
game = explorers.game(datasets.open("synthetic-regdb", size="smoke"), choices=5)
game"""


@pytest.mark.slow
def test_it_is_played_and_the_kernel_knows(scratch):
    book = scratch(CODE)
    game = book.page.locator(".bdlab-live.game")
    game.scroll_into_view_if_needed()
    book.screenshot("game", game)
    assert game.locator(".candidate").count() == 5
    kinds = "() => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].map(c => c.className)"
    before = book.page.evaluate(kinds)
    game.locator("[data-place='0']").click()
    game.locator("[data-do=next]").press("Enter")
    for _ in range(7):
        game.locator("[data-place='0']").press("3")
        game.locator("[data-do=next]").press("Enter")
    assert book.page.evaluate(kinds) == before
    assert game.locator(".score tr").count() == 2, "you and chance"
    book.screenshot("game-over", game)
    assert "Guessing finds 20.0 %." in game.locator(".overall").inner_text()
    marks = game.locator("[data-player=you] svg.hit").count()
    assert game.locator("[data-player=you] .sum").inner_text() == f"{marks} of 8"
    book.rest()
