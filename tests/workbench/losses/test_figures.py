"""The figures of the loss notebook hold the numbers they were given."""

import numpy as np
import pytest
from matplotlib.patches import Circle, Rectangle

from bdlab import losses
from bdlab.modality import MDL_GRAPHS, Modality, parse_pairs
from bdlab.workbench.losses import figures, toy

V, I, DV, DI = Modality
POINTS = toy.constellation()


class TestHinge:
    def test_circles_are_the_positive_and_the_margin(self):
        one = toy.hinge(POINTS, V, 4, I, cross=0.4)
        left, right = figures.hinge(POINTS, one).axes
        circles = [p for p in left.patches if isinstance(p, Circle)]
        assert [c.radius for c in circles] == [one.farthest, one.farthest + 0.4]
        assert {tuple(c.center) for c in circles} == {tuple(POINTS.features[V][4].tolist())}
        assert len([t for t in left.texts if t.get_text() in "1234"]) == 32, (
            "every point says who it is"
        )
        assert [bar.get_width() for bar in right.patches] == pytest.approx(
            [one.farthest, 0.4, one.nearest, one.value]
        )
        assert f"hinge {one.value:.2f}" in [t.get_text() for t in right.texts]

    def test_content_and_literal_say_so(self):
        content = next(one for k in range(8) if (one := toy.hinge(POINTS, DV, k, DV)).value == 0)
        assert any(
            "beyond the margin" in t.get_text() for t in figures.lengths(content).axes[0].texts
        )
        printed = toy.hinge(POINTS, V, 4, I, literal=True)
        left, right = figures.hinge(POINTS, printed).axes
        assert "nearest negative" not in [t.get_text() for t in left.get_legend().get_texts()]
        assert "eq. 5's zero 0.00" in [t.get_text() for t in right.texts]


def test_matrices_show_both_minima():
    found = toy.matrices(POINTS, V, I)
    axes = figures.matrices(found, (POINTS.labels[V], POINTS.labels[I]), V, I).axes
    assert [t.get_text() for t in axes[0].texts] == [f"{v:.2f}" for v in found["S"].ravel()]
    assert sum(t.get_text() == "1" for t in axes[1].texts) == 16
    assert len(axes[3].lines) == 16, "a cross a zero"
    for ax, best in (
        (axes[2], found["S V"].argmax(1)),
        (axes[3], np.where(found["V"] == 1, np.inf, found["S"]).argmin(1)),
    ):
        frames = [
            (round(p.get_x() + 0.46), round(p.get_y() + 0.46))
            for p in ax.patches
            if isinstance(p, Rectangle)
        ]
        assert frames == [(int(c), r) for r, c in enumerate(best)]


def test_the_table_frames_what_a_loss_sums():
    table = losses.table(POINTS.features, POINTS.labels)
    chosen = figures.choices()
    figure = figures.table(table.numpy(), chosen)
    sums = [losses.mml(POINTS.features, POINTS.labels)]
    sums += [
        losses.mdl(POINTS.features, POINTS.labels, pairs) for pairs in MDL_GRAPHS.values() if pairs
    ]
    assert len(figure.axes) == len(sums) == 6
    for ax, total, (title, entries) in zip(figure.axes, sums, chosen.items(), strict=True):
        assert ax.get_title() == f"{title}\n{len(entries)} of 16, sum {total:.2f}"
        assert len(ax.patches) == len(entries)
        assert [t.get_text() for t in ax.texts] == [f"{v:.2f}" for v in table.flatten()]


@pytest.mark.parametrize(
    ("text", "title", "lines"),
    [
        ("mdl4", "MDL4, the paper's own: 6 directed triplet losses", 3),
        ("base", "baseline (B2): 2 directed triplet losses", 1),
        ("none", "no edge: 0 directed triplet losses", 1),
        ("V-DV", "no graph of the paper: 2 directed triplet losses", 1),
    ],
)
def test_the_card_names_the_graph_and_writes_its_equation(text, title, lines):
    left, right = figures.card(parse_pairs(text)).axes
    assert right.get_title() == title
    assert len(right.texts) == lines
    assert len(left.patches) == len(parse_pairs(text))


def test_an_equation_has_both_ways_of_every_pair():
    first, second = figures.equation(parse_pairs("V-I V-DI"))
    assert first == r"L_{MDL} = L_{V \to I} + L_{I \to V}"
    assert second == r"+ L_{V \to D_I} + L_{D_I \to V}"
