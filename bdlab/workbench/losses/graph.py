"""The modality graph: click its edges, read eq. 2 as it then is, train a sketch of the method under
it and compare.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from bdlab.modality import MDL_GRAPHS, Modality, ModalityError, Pair, format_pairs, parse_pairs
from bdlab.workbench.style import COLOURS, MARKS
from bdlab.workbench.widgets import Pictured

from . import toy
from .figures import TITLES, card

V, I, DV, DI = Modality
HTML = {V: "V", I: "I", DV: "D<sub>V</sub>", DI: "D<sub>I</sub>"}
#: Why the paper leaves three of the six edges out (section II-C, below eq. 2).
ABOUT = {
    frozenset({V, I}): "the edge that every earlier method has",
    frozenset({V, DI}): "visible to what infrared became",
    frozenset({I, DV}): "infrared to what visible became",
    frozenset({DV, DI}): "left out: neither is there when people are looked for; MDL3 tries it",
    frozenset({V, DV}): "left out: homologous, one is made from the other",
    frozenset({I, DI}): "left out: homologous, one is made from the other",
}
EVERY = 10  # steps between two looks at the page
MANY = 5  # seeds of the second button


def graph(
    pairs: str | Sequence[Pair] = "mdl4", steps: int = 300, seed: int = 0, table: Any = None
) -> Graph:
    """The four modalities as a graph whose edges are switched by a click or a key, eq. 2 as it then
    reads, and a small network trained under it.

    ``pairs``: ``"V-I V-DI I-DV"``, a graph's name or a tuple of pairs, where it starts;
    ``widget.pairs`` is what it shows, as ``["V-I", ...]``, readable and settable. ``steps`` a
    training, ``seed`` its world, start and batches. ``table`` [4, 4] float, what ``losses.table``
    gives for the four modalities: an edge under the hand then shows its two entries.
    *Train this graph* and *5 seeds* try the graph on ``bdlab.workbench.losses.toy``;
    ``widget.results`` and ``widget.fives`` are what was trained. Raises ModalityError for pairs
    that there are not, ValueError for another table.
    """
    given = (
        parse_pairs(pairs) if isinstance(pairs, str) else parse_pairs(format_pairs(tuple(pairs)))
    )
    made = Graph(pairs=format_pairs(given).split(), steps=steps, seed=seed)
    if table is not None:
        made.edges = [edge | {"entries": _entries(edge["ends"], table)} for edge in made.edges]
    return made


def _entries(ends: Sequence[Modality], table: Any) -> str:
    """The two directed losses of an edge in words: ``V → D_I 0.412, D_I → V 0.387``."""
    values = np.asarray(table, float)
    if values.shape != (len(Modality), len(Modality)):
        raise ValueError(
            f"table is {list(values.shape)}: [4, 4] is meant, losses.table of all four modalities"
        )
    order = list(Modality)
    a, b = (order.index(end) for end in ends)
    names = [order[k].value.replace("D", "D_") for k in (a, b)]
    there, back = f"{names[0]} → {names[1]}", f"{names[1]} → {names[0]}"
    return f"{there} {values[a, b]:.3f}, {back} {values[b, a]:.3f}"


class Graph(Pictured, anywidget.AnyWidget):
    """What ``graph`` returns; drawn by graph.js, every word and number made here."""

    _esm = Path(__file__).with_name("graph.js")
    _css = Path(__file__).with_name("graph.css")
    pairs = traitlets.List(traitlets.Unicode()).tag(sync=True)
    edges = traitlets.List().tag(sync=True)
    colours = traitlets.Dict().tag(sync=True)
    equation = traitlets.Unicode().tag(sync=True)
    terms = traitlets.Int().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    graphs = traitlets.Dict().tag(sync=True)
    steps = traitlets.Int(300, min=1).tag(sync=True)
    seed = traitlets.Int(0, min=0).tag(sync=True)
    # share of a training that is done; -1: none runs
    progress = traitlets.Float(-1.0).tag(sync=True)
    results = traitlets.List().tag(sync=True)
    # several seeds of one graph each, as many dots; how many, and which one runs (-1: none)
    fives = traitlets.List().tag(sync=True)
    many = traitlets.Int(MANY).tag(sync=True)
    running = traitlets.Int(-1).tag(sync=True)

    def __init__(self, **given: Any):
        super().__init__(**given)
        self.edges = [
            {"ends": [a, b], "about": ABOUT[frozenset({a, b})]}
            for a, b in combinations(Modality, 2)
        ]
        self.colours = {m.value: to_hex(COLOURS[m]) for m in Modality}
        self.graphs = {
            TITLES[name]: format_pairs(graph).split() for name, graph in MDL_GRAPHS.items()
        }
        self._task: asyncio.Task | None = None
        self.on_msg(self._asked)
        self._say()

    @property
    def graph(self) -> tuple[Pair, ...]:
        """The pairs as the losses take them."""
        return parse_pairs(" ".join(self.pairs))

    @traitlets.validate("pairs")
    def _are_pairs(self, proposal: Mapping[str, Any]) -> list[str]:
        try:
            return format_pairs(parse_pairs(" ".join(proposal["value"]))).split()
        except ModalityError as error:
            raise traitlets.TraitError(str(error)) from None

    @traitlets.observe("pairs")
    def _say(self, _: object = None) -> None:
        ways = toy.directed(self.graph)
        each = " + ".join(f"<span>L<sub>{HTML[a]}→{HTML[b]}</sub></span>" for a, b in ways) or "0"
        name = toy.named(self.graph)
        own = {"mdl4": ", the paper's own", "none": ": MML and the ID loss alone"}.get(name, "")
        self.equation = f"<span>L<sub>MDL</sub></span> = {each}"
        self.terms = len(ways)
        self.title = TITLES[name] + own if name else "a graph the paper does not have"

    def figure(self) -> Figure:
        """The static twin of what is seen: the graph, eq. 2, the entries of the table if given."""
        shown = {frozenset(pair) for pair in self.graph}
        edges = [edge for edge in self.edges if frozenset(edge["ends"]) in shown]
        return card(self.graph, [edge["entries"] for edge in edges if "entries" in edge])

    # -- training
    # ----------------------------------------------------------------------------------------------

    def train(self) -> dict[str, Any]:
        """Train the graph that is shown, now, and add it to the comparison; returns the entry."""
        for _ in self._one():
            pass
        return self.results[-1]

    def train_seeds(self) -> dict[str, Any]:
        """The same for ``many`` seeds from ``seed`` on; returns their entry among ``fives``."""
        for _ in self._several():
            pass
        return self.fives[-1]

    def _asked(self, _: object, content: Mapping[str, Any], __: object) -> None:
        """The page's buttons. In a notebook's kernel a training runs between its other messages, in
        short steps.
        """
        if content.get("do") == "clear":
            self.results, self.fives = [], []
        ways = {"train": self._one, "train seeds": self._several}
        if content.get("do") not in ways or self.progress >= 0:
            return
        work = ways[content["do"]]()
        try:
            self._task = asyncio.get_running_loop().create_task(_beside(work))
        except RuntimeError:  # no loop: a script
            for _ in work:
                pass

    def _one(self) -> Iterator[None]:
        """Trains step by step; a graph that is changed meanwhile does not change the run."""
        pairs, seed, name = self.graph, self.seed, self._name()
        self.progress = 0.0
        try:
            for frame in toy.training(pairs, seed, self.steps, EVERY):
                self.progress = frame.step / self.steps
                yield
            self.results = [*self.results, _entry(frame, pairs, seed, name)]
        finally:
            self.progress = -1.0

    def _several(self) -> Iterator[None]:
        """The same for one seed after the other; what is finished shows at once."""
        pairs, first, name, many = self.graph, self.seed, self._name(), self.many
        self.progress, ends = 0.0, []
        others = [
            one for one in self.fives if (one["pairs"], one["first"]) != (_said(pairs), first)
        ]
        try:
            for number in range(many):
                self.running = number
                for frame in toy.training(pairs, first + number, self.steps, EVERY):
                    self.progress = (number + frame.step / self.steps) / many
                    yield
                ends.append(frame)
                self.fives = [*others, _dots(ends, pairs, first, name)]
        finally:
            self.progress, self.running = -1.0, -1

    def _name(self) -> str:
        """What the cards call the graph that is shown."""
        if not toy.named(self.graph):
            return format_pairs(self.graph)
        return self.title.partition(",")[0].partition(":")[0]


async def _beside(work: Iterator[None]) -> None:
    for _ in work:
        await asyncio.sleep(0.005)


def _said(pairs: tuple[Pair, ...]) -> list[str]:
    return format_pairs(pairs).split()


def _dots(
    ends: Sequence[toy.Frame], pairs: tuple[Pair, ...], first: int, name: str
) -> dict[str, Any]:
    """The dots of one graph: gap and Rank-1 of the seeds from ``first`` on."""
    return {
        "name": name,
        "pairs": _said(pairs),
        "first": first,
        "gap": [round(frame.gap, 4) for frame in ends],
        "rank1": [round(frame.rank1, 4) for frame in ends],
    }


def _entry(
    frame: toy.Frame, pairs: tuple[Pair, ...], seed: int, name: str, people: int = 6
) -> dict[str, Any]:
    """One card of the comparison: the graph, its numbers on all new people, and a small picture of
    the first few.
    """
    return {
        "name": name,
        "pairs": _said(pairs),
        "seed": seed,
        "step": frame.step,
        "terms": 2 * len(pairs),
        "gap": round(frame.gap, 4),
        "rank1": round(frame.rank1, 4),
        "svg": _thumbnail(frame, people),
    }


def _thumbnail(frame: toy.Frame, people: int, side: int = 150) -> str:
    """New people in V and I, each person's two means joined, as a small SVG."""
    (spots,) = toy.shadow([frame])
    keep = frame.ids < people
    middle = (spots[V][keep].mean(0) + spots[I][keep].mean(0)) / 2
    reach = max(abs(spots[m][keep] - middle).max() for m in (V, I)) * 1.12 or 1.0
    at = {m: ((spots[m] - middle) * [1, -1] / reach + 1) * side / 2 for m in (V, I)}
    drawn = [_small(mark(m), *at[m][k]) for m in at for k, i in enumerate(frame.ids) if i < people]
    means = []
    for person in range(people):
        own = frame.ids == person
        means.append([at[V][own].mean(0), at[I][own].mean(0)])
    lines = [_line(*a, *b) for a, b in means]
    return (
        f'<svg viewBox="0 0 {side} {side}" width="{side}" height="{side}" '
        f'aria-hidden="true">{"".join(drawn + lines)}</svg>'
    )


def mark(m: Modality) -> str:
    """A point in its modality's mark and colour, as SVG around 0, 0."""
    shape = {
        "o": '<circle r="11"/>',
        "s": '<rect x="-10" y="-10" width="20" height="20"/>',
        "^": '<polygon points="0,-14 13,9 -13,9"/>',
        "D": '<polygon points="0,-13 13,0 0,13 -13,0"/>',
    }[MARKS[m]]
    return f'<g fill="{to_hex(COLOURS[m])}" stroke="#fff">{shape}</g>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="currentColor" stroke-width="1.5"/>'


def _small(drawn: str, x: float, y: float) -> str:
    return f'<g transform="translate({x:.1f} {y:.1f}) scale(.45)">{drawn}</g>'
