"""Curves hold the history they were given; nothing is drawn that was not."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bdlab.workbench import training


def history(moved=0.1):
    return [
        {
            "epoch": e,
            "terms": {"id": 5.0 - e, "mml": 1.0 / e},
            "generator": {
                "E_V.weight": [0.3, 0.3, 0.3 + moved * e],
                "E_V.bias": [0.0],
                "G_S.weight": [0.3] * 3,
                "G_S.bias": [0.0] * 3,
            },
        }
        for e in (1, 2, 3)
    ]


def test_training_curves_are_the_history():
    axes = training.training_curves(
        {"MDL4": history(), "B1": [{"epoch": 1, "terms": {"id": 2.0}, "generator": {}}]}
    ).axes
    assert len(axes) == 3
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), [4, 3, 2])
    assert [len(ax.lines) for ax in axes] == [2, 1, 0]  # B1 has no MML, nobody has MDL
    assert axes[0].get_legend() is not None


def test_cmc_is_drawn_in_per_cent():
    ax = training.cmc({"v2t": np.linspace(0.1, 1, 30), "t2v": [0.5, 0.6]}).axes[0]
    assert ax.lines[0].get_ydata()[0] == pytest.approx(10)
    assert len(ax.lines[0].get_ydata()) == 20
    assert len(ax.lines[1].get_ydata()) == 2


def test_generator_curves_say_when_nothing_moved():
    moved, still = training.generator_curves(history()), training.generator_curves(history(0.0))
    assert moved._suptitle is None
    assert "did not move" in still._suptitle.get_text()
    assert [len(ax.lines) for ax in moved.axes] == [6, 4]


def test_figures_draw_where_they_are_told():
    figure, ax = plt.subplots()
    assert training.cmc({"a": [1.0]}, ax=ax) is figure
    assert len(ax.lines) == 1
