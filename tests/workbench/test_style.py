"""Figures hold the data they were given; nothing is drawn that was not."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import seaborn
from matplotlib.colors import to_rgb

from bdlab.modality import MDL_GRAPHS, Modality
from bdlab.workbench import style

V, I, DV, DI = Modality


def people(n=3, **more):
    rng = np.random.default_rng(0)
    return {
        m: rng.integers(0, 256, (n, 16, 8, 3), dtype=np.uint8)
        for m in (V, I, *more.get("extra", ()))
    }


def test_people_are_laid_out_by_modality_and_person():
    pictures = people(extra=(DV, DI))
    ax = style.people(pictures, titles=["a", "b", "c"]).axes[0]
    sheet = ax.images[0].get_array()
    assert sheet.shape == (4 * 17 - 1, 3 * 9 - 1, 3)
    np.testing.assert_allclose(sheet[17 : 17 + 16, 9 : 9 + 8], pictures[I][1] / 255)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b", "c"]
    assert len(ax.get_yticklabels()) == 4


@pytest.mark.parametrize("name", MDL_GRAPHS)
def test_graph_has_an_arrow_a_pair_and_a_mark_a_modality(name):
    ax = style.graph(MDL_GRAPHS[name]).axes[0]
    assert len(ax.patches) == len(MDL_GRAPHS[name])
    assert len(ax.collections) == 4
    assert len(ax.lines) == 2  # who is made from whom


def test_overview_shows_both():
    assert len(style.overview(people(extra=(DV, DI)), MDL_GRAPHS["mdl4"]).axes) == 2


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
    axes = style.training_curves(
        {"MDL4": history(), "B1": [{"epoch": 1, "terms": {"id": 2.0}, "generator": {}}]}
    ).axes
    assert len(axes) == 3
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), [4, 3, 2])
    assert [len(ax.lines) for ax in axes] == [2, 1, 0]  # B1 has no MML, nobody has MDL
    assert axes[0].get_legend() is not None


def test_cmc_is_drawn_in_per_cent():
    ax = style.cmc({"v2t": np.linspace(0.1, 1, 30), "t2v": [0.5, 0.6]}).axes[0]
    assert ax.lines[0].get_ydata()[0] == pytest.approx(10)
    assert len(ax.lines[0].get_ydata()) == 20
    assert len(ax.lines[1].get_ydata()) == 2


def test_generator_curves_say_when_nothing_moved():
    moved, still = style.generator_curves(history()), style.generator_curves(history(0.0))
    assert moved._suptitle is None
    assert "did not move" in still._suptitle.get_text()
    assert [len(ax.lines) for ax in moved.axes] == [6, 4]


def test_figures_draw_where_they_are_told():
    figure, ax = plt.subplots()
    assert style.cmc({"a": [1.0]}, ax=ax) is figure
    assert len(ax.lines) == 1


def test_the_style_file_is_seaborns_theme():
    """Written down because loading seaborn costs every cell of a sweep; a new seaborn that looks
    otherwise is noticed here.
    """
    ours = {}
    with plt.rc_context():
        plt.rcdefaults()
        style.theme()
        ours.update(plt.rcParams)
        plt.rcdefaults()
        seaborn.set_theme(
            context="notebook",
            style="whitegrid",
            palette="colorblind",
            rc={"figure.dpi": 110, "axes.titlesize": "medium"},
        )
        theirs = dict(plt.rcParams)
    differs = {name for name in theirs if ours[name] != theirs[name]}
    assert differs <= {
        "axes.prop_cycle",
        "image.cmap",
        "backend",
    }  # the cycle's colours in hex there; a colour map is always named
    cycles = [
        [to_rgb(c) for c in params["axes.prop_cycle"].by_key()["color"]]
        for params in (ours, theirs)
    ]
    np.testing.assert_allclose(*cycles, atol=1e-6)
    assert style.COLOURS[V] == to_rgb(seaborn.color_palette("colorblind")[0])
