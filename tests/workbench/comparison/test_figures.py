"""The board on paper holds what the board holds."""

import numpy as np
import pytest

from bdlab.experiments import reference
from bdlab.workbench.comparison import figures, numbers
from tests.workbench.looking import drawn, words


@pytest.fixture
def found(out):
    return numbers.read(out)


def view(**part):
    return {"filter": {}, "term": "total", "x": "row", "y": "R1", **part}


def test_every_row_looks_like_itself(found):
    looks = [tuple(look.values()) for look in figures.look(found).values()]
    assert len(set(looks)) == len(looks) == 4


def test_table_curves_scatter_verdict(found):
    chosen = [cell.name for cell in found.cells[:2]]
    selection = {"cells": chosen, "pair": ["MDL4", "B2"]}
    figure = figures.board(found, range(20), selection, view())
    drawn(figure)
    table, curves, verdict, scatter = figure.axes
    cells = {cell.get_text().get_text() for cell in table.tables[0].get_celld().values()}
    assert {"R1", "triplets", "B1", "–"} <= cells
    assert len(curves.lines) == 2
    np.testing.assert_array_equal(curves.lines[0].get_ydata(), [3.0, 1.5])
    assert "MDL4 minus B2" in verdict.get_title()
    points = np.concatenate([c.get_offsets() for c in scatter.collections[:-1]])
    scores = sorted(cell.quantity("R1") for cell in found.cells)
    np.testing.assert_allclose(sorted(points[:, 1]), scores)
    assert len(scatter.collections[-1].get_offsets()) == 2, "a ring round each chosen cell"


def test_nothing_left_and_nothing_to_compare(found):
    figure = figures.board(found, [], {"cells": [], "pair": ["MDL4", "B2"]}, view())
    drawn(figure)
    assert words(figure.axes[0]) == ["the filter leaves no cell"]
    assert "No cell of MDL4 is shown" in words(figure.axes[2])[0]


def test_a_cell_without_the_quantity_is_not_drawn(found):
    selection = {"cells": [], "pair": []}
    figure = figures.board(found, range(20), selection, view(x="MDL share"))
    drawn(figure)
    points = np.concatenate([c.get_offsets() for c in figure.axes[3].collections])
    assert np.isfinite(np.ma.filled(points[:, 0].astype(float), np.nan)).sum() == 15


def test_the_overview_is_the_board_as_it_opens(out, tmp_path, monkeypatch):
    figure = figures.overview(out)
    drawn(figure)
    assert "MDL4 minus B2" in figure.axes[2].get_title()
    assert figure.get_suptitle() == "20 of 20 cells"
    reference.pack(out, tmp_path / "reference")
    monkeypatch.setattr(reference.load, "__defaults__", (tmp_path / "reference",))
    figure = figures.overview(tmp_path / "none")
    assert figure.get_suptitle() == "reference runs: 20 of 20 cells"
    monkeypatch.setattr(reference.load, "__defaults__", (tmp_path / "none",))
    assert figures.overview(tmp_path / "none") is None
