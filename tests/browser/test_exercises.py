"""An exercise in a real browser: as it is, with a typical mistake, and right; each time the check
says so.
"""

import inspect

import pytest

from bdlab.workbench.exercises import solutions

RIGHT = inspect.getsource(solutions.hinge)


@pytest.mark.slow
def test_a_function_is_written_into_its_cell_and_checked(notebook):
    book = notebook("exercises/02_hinge", threads=1)
    book.run()
    check = (
        book.page.locator(".jp-CodeCell")
        .filter(has_text="mark = exercises.hinge(hinge)")
        .locator(".jp-OutputArea-output")
    )
    assert "Not yet. Nothing comes back yet" in check.inner_text()
    book.screenshot("stub")
    write(book, RIGHT.replace(".max()", ".min()"))
    assert (
        "Not yet. Your negative is right, but the nearest positive is the easiest one."
        in check.inner_text()
    )
    book.screenshot("mistake", check)
    write(book, RIGHT)
    assert check.inner_text().startswith("✔ Right.")
    assert (
        "margin 1.0: V to I"
        in book.page.locator(".jp-CodeCell").filter(has_text="if mark.right:").inner_text()
    )
    book.screenshot("right")


def write(book, source):
    """Into the learner's cell, by keyboard, and all cells again."""
    cell = book.page.locator(".jp-CodeCell").filter(has_text="def hinge(").locator(".cm-content")
    cell.scroll_into_view_if_needed()
    cell.click()
    book.page.keyboard.press("Control+a")
    book.page.keyboard.insert_text(source.rstrip())
    assert cell.inner_text().strip() == source.strip()
    book.run()
