"""The hinge you can drag: cells, losses, gradient and descent against losses.py and torch."""

import numpy as np
import pytest
import torch

from bdlab import losses
from bdlab.modality import Modality

V, I = Modality.V, Modality.I
PAIR = ((V, I),)
ROOT = ".bdlab-live.hinge"


def points(opened):
    """The points as the page has them, all their digits."""
    marks = "[...document.querySelectorAll(`.hinge .point.${stream}`)]"
    script = f"stream => {marks}.map(e => e.dataset.at.split(',').map(Number))"
    opened.frame()
    return {m: torch.tensor(opened.value(script, m.value), dtype=torch.float64) for m in (V, I)}


def labels(opened):
    own = opened.data()["hinge"]["labels"]
    return {m: torch.tensor(own[m.value]) for m in (V, I)}


def check(opened, margin=0.5, literal=False):
    """The three numbers below the cells are those of losses.py."""
    f, y = points(opened), labels(opened)
    table = losses.table(f, y, margin_cross=margin, literal=literal)
    assert float(opened.state(ROOT, "there")) == pytest.approx(table[0, 1].item(), abs=1e-9)
    assert float(opened.state(ROOT, "back")) == pytest.approx(table[1, 0].item(), abs=1e-9)
    total = losses.mdl(f, y, PAIR, margin=margin, literal=literal).item()
    assert float(opened.state(ROOT, "total")) == pytest.approx(total, abs=1e-9)
    return total


def drag(opened, name, dx, dy):
    mark = opened.page.locator(f"[data-point={name}]")
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    opened.page.mouse.move(x, y)
    opened.page.mouse.down()
    opened.page.mouse.move(x + dx / 2, y + dy / 2)
    opened.page.mouse.move(x + dx, y + dy)
    opened.page.mouse.up()
    opened.frame()


def test_the_losses_follow_a_drag(live):
    opened = live()
    before = check(opened)
    old = points(opened)
    drag(opened, "V2", 90, 60)
    new = points(opened)
    assert (new[V][2] - old[V][2]).abs().min() > 0.2, "it moved"
    still = [n for n in range(len(new[V])) if n != 2]
    assert torch.equal(new[V][still], old[V][still])
    assert torch.equal(new[I], old[I])
    assert check(opened) != before


def test_the_arrow_keys_move_a_point(live):
    opened = live()
    old = points(opened)
    mark = opened.page.locator("[data-point=I4]")
    mark.press("ArrowUp")
    mark.press("Shift+ArrowLeft")
    moved = points(opened)[I][4] - old[I][4]
    assert moved.tolist() == pytest.approx([-0.2, 0.05])
    assert mark.get_attribute("aria-pressed") == "true", "it is the anchor now"
    assert "the anchor" in mark.get_attribute("aria-label")
    check(opened)


def test_the_cells_of_max_and_min(live):
    opened = live()
    f, y = points(opened), labels(opened)
    S = torch.cdist(f[V], f[I]).numpy()
    same = (y[V][:, None] == y[I]).numpy()
    rows = opened.page.locator(".hinge .matrix tbody tr")
    for i in range(len(S)):
        cells = rows.nth(i).locator("td")
        kinds = [cells.nth(j).get_attribute("class").split() for j in range(S.shape[1])]
        assert [float(cells.nth(j).inner_text()) for j in range(S.shape[1])] == pytest.approx(
            S[i].tolist(), abs=0.006
        )
        assert ["same" in kind for kind in kinds] == same[i].tolist()
        assert [k for k, kind in enumerate(kinds) if "max" in kind] == [
            np.where(same[i], S[i], -1).argmax()
        ]
        assert [k for k, kind in enumerate(kinds) if "min" in kind] == [
            np.where(same[i], 99, S[i]).argmin()
        ]


def test_an_anchor_of_the_other_stream_turns_the_cells(live):
    opened = live()
    opened.page.locator("[data-point=I3]").focus()
    opened.frame()
    f = points(opened)
    S = torch.cdist(f[I], f[V])
    cells = opened.page.locator(".hinge .matrix tbody tr.chosen td").all_inner_texts()[:-1]
    assert [float(text) for text in cells] == pytest.approx(S[3].tolist(), abs=0.006)


def test_the_margin_and_eq_5_as_printed(live):
    opened = live()
    margin = opened.page.locator("[data-slider=margin] input")
    margin.press("ArrowRight")
    check(opened, margin=0.55)
    opened.page.get_by_label("eq. 5 as printed").check()
    check(opened, margin=0.55, literal=True)
    assert opened.page.locator(".hinge line.push").is_hidden(), "nobody is pushed away"


def descended(f, y, steps, rate, literal=False):
    """Gradient descent by torch."""
    f = {m: f[m].clone().requires_grad_() for m in f}
    for _ in range(steps):
        grown = torch.autograd.grad(losses.mdl(f, y, PAIR, literal=literal), list(f.values()))
        f = {m: (f[m] - rate * g).detach().requires_grad_() for m, g in zip(f, grown, strict=True)}
    return f


def let_go(opened):
    opened.page.locator("[data-do=descend]").click()
    opened.page.locator("[data-do=descend][data-done='50']").wait_for(timeout=30_000)


@pytest.mark.parametrize("literal", [False, True])
def test_let_go_descends_fifty_steps(live, literal):
    """Point by point where torch's gradient descent ends."""
    opened = live()
    if literal:
        opened.page.get_by_label("eq. 5 as printed").check()
    start, y = points(opened), labels(opened)
    rate = opened.data()["hinge"]["rate"]
    before = float(opened.state(ROOT, "total"))
    let_go(opened)
    ours = descended(start, y, 50, rate, literal)
    for m, found in points(opened).items():
        assert (found - ours[m]).abs().max() < 1e-6, m
    assert check(opened, literal=literal) < before


def test_read_as_printed_people_fall_together_else_they_stay_apart(live):
    """The middles of two people: nearer after a descent with the printed equation, not without."""
    apart = {}
    for literal in (False, True):
        opened = live(motion="reduce")
        opened.page.get_by_label("eq. 5 as printed").set_checked(literal)
        y = labels(opened)
        start = points(opened)
        let_go(opened)
        for name, f in (("start", start), (literal, points(opened))):
            middles = torch.stack(
                [torch.cat([f[m][y[m] == who] for m in f]).mean(0) for who in (0, 1, 2)]
            )
            apart[name] = torch.pdist(middles).mean().item()
    assert apart[False] >= apart["start"] * 0.98
    assert apart[True] < apart[False]


def test_all_on_one_point_has_a_loss_and_no_gradient(live):
    """Nothing leads apart from one point: 50 steps do nothing, and nothing is not a number."""
    opened = live(motion="reduce")
    opened.page.locator("[data-do=heap]").click()
    assert check(opened) == pytest.approx(1.0), "the margin, both ways"
    let_go(opened)
    assert all((f == 0).all() for f in points(opened).values())
    opened.page.locator("[data-do=reset]").click()
    start = opened.data()["hinge"]["start"]
    assert points(opened)[V].tolist() == start["V"]


@pytest.mark.parametrize(
    ("source", "broken"),
    [
        ("if (!same[k] && (negative", "if ((negative"),
        ("row[k] > row[positive]", "row[k] < row[positive]"),
        ("total: there.loss + back.loss", "total: there.loss"),
    ],
)
def test_a_wrong_choice_of_cells_is_noticed(live, whole, source, broken):
    """Deliberately broken variants."""
    assert source in whole
    with pytest.raises(AssertionError):
        check(live(whole.replace(source, broken)))


def test_a_gradient_the_other_way_is_noticed(live, whole):
    """A deliberately broken variant."""
    broken = whole.replace("point[0] - rate * own[n][0]", "point[0] + rate * own[n][0]")
    assert broken != whole
    opened = live(broken, motion="reduce")
    start, y = points(opened), labels(opened)
    let_go(opened)
    ours = descended(start, y, 50, opened.data()["hinge"]["rate"])
    assert (points(opened)[V] - ours[V]).abs().max() > 0.01
