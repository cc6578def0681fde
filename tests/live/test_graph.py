"""The modality graph on the page: every word and number is the notebook's own, made beforehand."""

import random

import pytest

from bdlab.modality import parse_pairs
from bdlab.workbench.losses import toy
from bdlab.workbench.losses.graph import Graph

EDGES = ("V-I", "V-DV", "V-DI", "I-DV", "I-DI", "DV-DI")
CHARTS = ".bdlab-graph"


def edges(opened):
    pressed = "document.querySelectorAll('.bdlab-graph .edge[aria-pressed=true]')"
    return opened.value(f"[...{pressed}].map(e => e.dataset.edge)")


def check(opened):
    """Title, equation and count are those that graph.py writes for the edges on show."""
    pairs = [edge for edge in EDGES if edge in edges(opened)]
    ours = Graph(pairs=pairs)
    assert opened.page.locator(f"{CHARTS} .title").inner_text() == ours.title
    assert opened.page.locator(f"{CHARTS} .equation").inner_html() == ours.equation
    plural = "" if len(pairs) == 1 else "s"
    words = f"{len(pairs)} edge{plural}, {ours.terms} directed triplet losses"
    assert opened.page.locator(f"{CHARTS} .count").inner_text() == words


def test_it_starts_with_the_papers_own(live):
    opened = live()
    assert set(edges(opened)) == {"V-I", "V-DI", "I-DV"}
    check(opened)


def test_the_equation_follows_click_and_key(live):
    opened = live()
    draw = random.Random(0)
    for n in range(12):
        edge = opened.page.locator(f"{CHARTS} [data-edge='{draw.choice(EDGES)}']")
        before = set(edges(opened))
        edge.press("Enter" if n % 2 else " ")
        assert len(before ^ set(edges(opened))) == 1
        check(opened)
    for name in ("no edge", "MDL1", "MDL2", "MDL3", "MDL4"):
        opened.page.locator(CHARTS).get_by_role("button", name=name, exact=True).click()
        check(opened)


def test_all_sixty_four_graphs_are_there(embedded):
    graphs = embedded["graph"]["graphs"]
    assert len(graphs) == 64
    for key, graph in graphs.items():
        ours = Graph(pairs=key.split())
        found = (graph["title"], graph["equation"], graph["terms"])
        assert found == (ours.title, ours.equation, ours.terms), key
        assert graph["named"] == bool(toy.named(parse_pairs(key)))
        assert graph["runs"]


def test_a_training_is_the_notebooks_own(live):
    """The card shows what the notebook's toy gives today for this graph and seed."""
    opened = live(motion="reduce")
    opened.page.locator(CHARTS).get_by_role("button", name="baseline", exact=True).click()
    opened.page.locator(f"{CHARTS} .train").click()
    words = opened.page.locator(f"{CHARTS} .card").inner_text()
    last = toy.train(parse_pairs("V-I"), seed=0, steps=300, every=300)[-1]
    assert "baseline (B2)" in words
    assert "seed 0 · 300 steps · 2 terms" in words
    gap = float(words.split("V–I gap ")[1].split()[0])
    rank1 = float(words.split("Rank-1 ")[1].split()[0]) / 100
    assert gap == pytest.approx(last.gap, abs=0.05)  # another machine's last digits grow
    assert rank1 == pytest.approx(last.rank1, abs=0.08)


def test_trainings_are_compared_and_cleared(live):
    opened = live()
    train = opened.page.locator(f"{CHARTS} .train")
    for count in (1, 2):
        train.click()
        opened.page.wait_for_function(
            f"document.querySelectorAll('.bdlab-graph .card').length === {count}", timeout=20_000
        )
    opened.page.locator(CHARTS).get_by_role("button", name="clear", exact=True).click()
    assert opened.page.locator(f"{CHARTS} .card").count() == 0


def test_the_row_of_the_graph_on_show_is_marked(live):
    opened = live()
    rows = {row["name"]: row for row in opened.data()["graph"]["rows"]}
    for name, row in rows.items():
        texts = opened.page.locator(f"[data-row={name}] .number").all_inner_texts()
        assert texts == [f"{100 * row['rank1']:.1f} %", f"{100 * row['mAP']:.1f} %"]
    opened.page.locator(CHARTS).get_by_role("button", name="baseline", exact=True).click()
    marked = opened.page.locator(".rows tr.chosen")
    assert [marked.nth(n).get_attribute("data-row") for n in range(marked.count())] == ["B2"]


def test_an_equation_of_another_graph_is_noticed(live, whole):
    """A deliberately broken variant: an edge less in the look-up."""
    broken = whole.replace(
        'return kept.map(({ ends }) => ends.join("-"))',
        'return kept.slice(1).map(({ ends }) => ends.join("-"))',
    )
    assert broken != whole
    with pytest.raises(AssertionError):
        check(live(broken))
