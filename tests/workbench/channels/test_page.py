"""Where a point of the page lies in the person's pictures."""

import numpy as np
import pytest

from bdlab.workbench.channels import page, render
from bdlab.workbench.channels.numbers import preset

HEIGHT, WIDTH = 48, 24


def spotted(row, column):
    """The page with one bright pixel in V and I, and without: where they differ is where it is."""
    made = []
    for value in (0, 255):
        pair = np.full((2, HEIGHT, WIDTH, 3), 90, np.uint8)
        pair[:, row, column] = value
        made.append(render.render(*pair, preset("uniform")))
    return made


@pytest.mark.parametrize("view", page.VIEWS)
@pytest.mark.parametrize(("row", "column"), [(0, 0), (20, 7), (47, 23)])
def test_a_spot_is_where_the_page_shows_the_pixel(view, row, column):
    dark, bright = spotted(row, column)
    moved = page.page(dark, view).astype(int) - page.page(bright, view)
    moved[: page.HEAD] = 0  # a head may hold a number
    places = page.spots(view, HEIGHT, WIDTH, row, column)
    assert len(places) == {"overview": 5, "channels": 16, "divergence": 5}[view]
    found = 0
    for x, y in places:
        around = moved[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2]
        found += bool(np.abs(around).any())
        assert page.pixel_at(view, HEIGHT, WIDTH, x, y) == (row, column)
    assert found >= len(places) - 3, "a divergence may be as large in both"


@pytest.mark.parametrize("view", page.VIEWS)
def test_of_two_sides_a_spot_is_where_the_page_shows_the_pixel(view):
    dark, bright = spotted(20, 7)
    moved = page.compared(dark, dark, view).astype(int) - page.compared(bright, bright, view)
    places = page.spots(view, HEIGHT, WIDTH, 20, 7, 2)
    assert len(places) == {"overview": 8, "channels": 16, "divergence": 9}[view]
    found = 0
    for x, y in places:
        found += bool(np.abs(moved[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2]).any())
        assert page.pixel_at(view, HEIGHT, WIDTH, x, y, 2) == (20, 7)
    assert found >= len(places) - 6, "a divergence may be as large in both"


def test_each_side_stands_where_its_letter_does():
    """Another B changes B's pictures alone."""
    pair = np.random.default_rng(0).integers(0, 256, (2, HEIGHT, WIDTH, 3), dtype=np.uint8)
    one, other = (render.render(*pair, preset(name)) for name in ("uniform", "luma"))
    moved = (page.compared(one, one) != page.compared(one, other)).any(axis=2)
    columns = {int(x) // (WIDTH + 3 * page.GAP) for x in np.flatnonzero(moved.any(axis=0))}
    assert columns == {2, 4, 7}
    rows = page.compared(one, one, "channels") != page.compared(one, other, "channels")
    assert rows.any(axis=(1, 2))[: page.HEAD + 32].sum() == 0, "A stands above"


@pytest.mark.parametrize("view", page.VIEWS)
def test_what_is_not_a_picture_has_no_pixel(view):
    high, wide = page.page(spotted(0, 0)[0], view).shape[:2]
    assert page.pixel_at(view, HEIGHT, WIDTH, 3, page.HEAD - 1) is None
    assert page.pixel_at(view, HEIGHT, WIDTH, 3, high + 1) is None
    assert page.pixel_at(view, HEIGHT, WIDTH, wide + 1, page.HEAD + 3) is None
    boxes = page.boxes(view, HEIGHT, WIDTH)
    assert max(left + across for left, _, across, _ in boxes) == wide


def test_every_pixel_of_a_change_lies_in_a_box():
    """All that moves on the page lies in the boxes: none is forgotten."""
    dark, bright = spotted(20, 7)
    for view in page.VIEWS:
        moved = np.abs(page.page(dark, view).astype(int) - page.page(bright, view)).any(axis=2)
        for y, x in np.argwhere(moved[page.HEAD :]):
            at = page.pixel_at(view, HEIGHT, WIDTH, x + 0.5, y + page.HEAD + 0.5)
            assert at is not None
            assert abs(at[0] - 20) <= 4
            assert abs(at[1] - 7) <= 4
