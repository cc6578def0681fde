"""The hinge explorer: its drawing and sentence follow its controls and are the numbers of
bdlab.losses.
"""

import re

import ipywidgets as widgets
import pytest

from bdlab.modality import Modality
from bdlab.workbench import explorers
from bdlab.workbench.losses import toy

V, I, DV, DI = Modality
POINTS = toy.constellation()


def control(box, description):
    (found,) = (
        w
        for row in box.children
        for w in getattr(row, "children", ())
        if getattr(w, "description", "") == description
    )
    return found


def shown(box):
    return next(w for w in box.children if isinstance(w, widgets.HTML)).value


def radii(box):
    return [float(r) for r in re.findall(r'r="([\d.]+)" fill="none" stroke="#444"', shown(box))]


def test_it_begins_with_the_notebooks_anchor():
    box, one = explorers.hinge(), toy.hinge(POINTS, V, 4, I)
    assert f"hinge {one.value:.2f}</text>" in shown(box)
    assert (
        f"[0.50 + {one.farthest:.2f} − {one.nearest:.2f}]₊ = {one.value:.2f}, pulled in, pushed "
        "away" in shown(box)
    )
    assert radii(box) == pytest.approx([140 * one.farthest, 140 * (one.farthest + 0.5)], abs=0.05)


@pytest.mark.parametrize(
    ("name", "value", "given"),
    [
        ("anchor in", DI, {"own": DI}),
        ("towards", DV, {"to": DV}),
        ("which one", 2, {"anchor": 1}),
        ("margin_cross", 1.2, {"cross": 1.2}),
        ("eq. 5 as printed", True, {"literal": True}),
    ],
)
def test_every_control_changes_the_hinge(name, value, given):
    box = explorers.hinge()
    before = shown(box)
    control(box, name).value = value
    one = toy.hinge(POINTS, **{"own": V, "anchor": 4, "to": I, **given})
    assert shown(box) != before
    assert f"hinge {one.value:.2f}</text>" in shown(box)
    assert radii(box)[1] == pytest.approx(140 * (one.farthest + one.margin), abs=0.05)


def test_one_modality_on_both_sides_is_eq_7():
    box = explorers.hinge()
    cross, intra, literal = (
        control(box, n) for n in ("margin_cross", "margin_intra", "eq. 5 as printed")
    )
    assert (cross.disabled, intra.disabled, literal.disabled) == (False, True, False)
    control(box, "towards").value = V
    assert (cross.disabled, intra.disabled, literal.disabled) == (True, False, True)
    intra.value = 1.0
    assert f"= {toy.hinge(POINTS, V, 4, V, intra=1.0).value:.2f}," in shown(box)


def test_pull_without_push_is_said():
    box = explorers.hinge()
    control(box, "eq. 5 as printed").value = True
    assert "the zero that eq. 5 wrote" in shown(box)
    assert "pulled in, nobody pushed away" in shown(box)
    assert 'stroke-dasharray="7 4"' not in shown(box), "no line to a negative"


def test_an_anchor_without_a_partner_is_said_not_raised():
    lonely = toy.Constellation(
        {m: POINTS.features[m][::2] for m in Modality}, {m: POINTS.labels[m][::2] for m in Modality}
    )
    box = explorers.hinge(lonely)
    control(box, "towards").value = V
    assert "has no positive in V" in shown(box)
