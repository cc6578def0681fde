"""The figures of a report page: the rows' graphs, differences, losses, matching curves, and people
where the pictures are at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from bdlab import config, pixels
from bdlab.datasets.bank import bank
from bdlab.experiments import cell, runs
from bdlab.modality import Modality
from bdlab.rules import CORRUPTED
from bdlab.training import setup
from bdlab.workbench import method, tables, training
from bdlab.workbench.retrieval import figures as retrieval_figures
from bdlab.workbench.retrieval import search

from . import dials
from .table import PRIMARY, SETTINGS, Table
from .words import judged

#: A title, a sentence on what is shown, the figure.
Shown = tuple[str, str, Figure]
QUERIES = 4  # of the ranked list
#: Pixels of test pictures that are embedded again for it, at most: seconds on two cores.
MOST_PIXELS = 20_000_000
GRAPHS = 6  # in a line


def report_figures(table: Table) -> list[Shown]:
    """The figures of a page, in its order."""
    made = graphs(table)
    if table.verdicts:
        made.append(differences(table))
    made.append(losses(table))
    made.append(matching(table))
    made += stressed(table)
    made += gained(table)
    if table.pictures and not table.shipped:
        made += people(table)
    return made


def first_cells(table: Table) -> dict[str, tuple[Path, dict]]:
    """The first cell of every row that has one."""
    return {row: cells[0] for row, cells in table.cells.items() if cells}


def graphs(table: Table) -> list[Shown]:
    """The modalities and edges of every row; nothing where all rows have the same."""
    drawn = {}
    for row, (_, result) in first_cells(table).items():
        settings = config.from_flat(result["params"])
        drawn[row] = settings.modalities, settings.graph
    if len(set(drawn.values())) < 2:
        return []
    columns = min(len(drawn), GRAPHS)
    lines = -(-len(drawn) // columns)
    size = (1.9 * columns, 2.25 * lines)
    figure, axes = plt.subplots(lines, columns, figsize=size, squeeze=False, layout="constrained")
    for ax in axes.flat:
        ax.axis("off")
    for ax, (row, (modalities, edges)) in zip(axes.flat, drawn.items(), strict=False):
        method.graph(edges, modalities, ax=ax)
        for mark in ax.collections:
            mark.set_sizes([620])
        for arrow in ax.patches:
            arrow.shrinkA = arrow.shrinkB = 17
            arrow.set_mutation_scale(11)
        for label in ax.texts:
            label.set_fontsize(11)
        ax.set_title(row, fontsize=12)
    words = (
        "The streams of each row and the edges of its multi-directional loss: base modalities are "
        "discs, derivative ones squares; a two-headed edge is a triplet loss in both directions, a "
        "dotted line shows who is made from whom."
    )
    return [("What the rows are", words, figure)]


def differences(table: Table) -> Shown:
    words = (
        f"{table.primary.head}: each contrast's difference (triangle up better, down worse, circle "
        "not shown, cross too few), its 95 % interval as a bar, its pairs as small dots; a true "
        "difference inside the grey band would mostly have gone unseen."
    )
    said = [f"{v.row} against {v.against}: {judged(table, v)[3]}" for v in table.verdicts]
    figure = tables.effect(table.verdicts, table.primary.head)
    return "Differences", f"{words} {'; '.join(said)}.", figure


def losses(table: Table) -> Shown:
    histories = {}
    for row, (folder, _) in first_cells(table).items():
        histories[row] = runs.read_lines(folder / "history.jsonl")
    words = (
        "Each term of eq. 9 before its weight, mean over an epoch's steps, first seed of each row. "
        "More modalities and edges sum more terms, so rows are compared in shape, not in height."
    )
    return "Loss terms", words, training.training_curves(histories)


def matching(table: Table) -> Shown:
    shown = [c.setting for c in table.columns if c.setting in SETTINGS and not c.paper]
    settings = list(dict.fromkeys(shown))
    lines = (len(settings) + 1) // 2
    size = (10.4, 3.6 * lines)
    columns = min(len(settings), 2)
    figure, axes = plt.subplots(lines, columns, figsize=size, squeeze=False, layout="constrained")
    for ax in axes.flat[len(settings) :]:
        ax.remove()
    for ax, setting in zip(axes.flat, settings, strict=False):
        curves = {}
        for row, cells in table.cells.items():
            if cells:
                each = [result["scores"][setting]["cmc"] for _, result in cells]
                curves[row] = mean_curve(each)
        training.cmc(curves, ax=ax)
        ax.set_title(f"{setting}: {SETTINGS[setting][0]}")
    words = "How many queries have found their person by each rank, mean over the cells of a row."
    return "Cumulative matching", words, figure


def stressed(table: Table) -> list[Shown]:
    """Rank-1 of the first setting on corrupted visible pictures; nothing where none was tested."""
    first = table.columns[0].setting
    found = [c.setting for c in table.columns if c.setting.startswith(first + CORRUPTED)]
    tests = list(dict.fromkeys(found))
    if not tests:
        return []
    names = [test.partition(CORRUPTED)[2] for test in tests]
    means = {}
    for row in first_cells(table):
        means[row] = [table.value(row, test, PRIMARY).mean for test in (first, *tests)]
    figure, ax = plt.subplots(figsize=(10.4, 3.6), layout="constrained")
    tables.bars(["clean", *names], means, ax=ax)
    words = (
        f"Rank-1 ({first}) with only the visible test pictures corrupted, mean over the cells of a "
        "row. A number behind a name is the severity of every picture, 1 to 5; without one each "
        "picture has its own. In the manner of SYSU-MM01-C and RegDB-C, not their pictures."
    )
    return [("Under corruption", words, figure)]


def gained(table: Table) -> list[Shown]:
    """The gain over the dials of rendered people; nothing where no contrast sets them."""
    if table.sweep.name != "dials" or not (found := dials.gains(table)):
        return []
    words = (
        "MDL4's gain over B2 at each setting of the two dials: mean of its seeds with a 95 % "
        f"interval, uncorrected; the dotted line is no gain. {dials.sentences(found)}"
    )
    return [("Where the gain lies", words, dials.figure(found, table.primary.head))]


def mean_curve(curves: Sequence[Sequence[float]]) -> np.ndarray:
    """The mean of CMC curves; one that ends with a smaller gallery has matched everybody there."""
    length = max(map(len, curves))
    whole = [[*curve, *[1.0] * (length - len(curve))] for curve in curves]
    return np.mean(whole, axis=0)


# -- people


def people(table: Table) -> list[Shown]:
    """A ranked list and derivative pictures of the last row's first cell; left out, with the
    reason, where data or weights are not at hand.
    """
    first = first_cells(table)
    made = []
    try:
        row = list(first)[-1]
        if small(first[row][1]):
            made.append(ranked(row, first[row][0]))
        learned = [row for row in first if _learns_derivatives(first[row][1])]
        if learned:
            made += derivatives(learned[-1], *first[learned[-1]])
    except (OSError, ValueError, RuntimeError) as error:
        table.warnings.append(f"No pictures of people: {error}")
    return made


def small(result: dict) -> bool:
    """Whether a cell's test can be made again while a report is written."""
    test = result["provenance"].get("pictures", {}).get("test", {})
    size = result["params"]["height"] * result["params"]["width"]
    return size * sum(test.values()) <= MOST_PIXELS


def _learns_derivatives(result: dict) -> bool:
    """Whether a cell has the paper's generator; a GAN's translations and a fixed grey have no ten
    numbers.
    """
    params = result["params"]
    if not {"DV", "DI"} <= set(params["modalities"].split()):
        return False
    learned = {"method": "base-derivative", "generator": "learned"}
    return all(params.get(key, value) == value for key, value in learned.items())


def ranked(row: str, folder: Path) -> Shown:
    """The gallery as a trained cell orders it, for queries from the hardest to the easiest."""
    tested = search.reopen(folder, device="cpu")
    asked = tested.search()
    order = asked.hardest
    places = np.linspace(0, len(order) - 1, min(QUERIES, len(order))).round().astype(int)
    figure = retrieval_figures.ranked(tested.setup.dataset, asked, order[places])
    words = (
        f"What {row} (first seed) finds in {asked.setting}: a query at the left, then the gallery, "
        "nearest first. A tick is the same person, a cross somebody else; the queries go from the "
        "one answered worst to the one answered best."
    )
    return "A ranked list", words, figure


def derivatives(row: str, folder: Path, result: dict) -> list[Shown]:
    words = (
        f"Test people in the four modalities of {row} after training, brought back to colours and "
        "clipped to [0, 1]."
    )
    moved = f"The weights and biases of E_V and G_S over the epochs of {row}."
    history = runs.read_lines(folder / "history.jsonl")
    return [
        ("Derivative modalities", words, method.people(pictures(folder, result))),
        ("How the generator moved", moved, training.generator_curves(history)),
    ]


@torch.no_grad()
def pictures(folder: Path, result: dict, count: int = 8) -> dict[Modality, np.ndarray]:
    """The first ``count`` test people of a committed cell in all its modalities: float [count, H,
    W, 3] in [0, 1].
    """
    settings = config.from_flat(result["params"])
    dataset = setup.open_data(settings)
    data = settings.data
    decoded = bank(dataset, data.height, data.width, progress=False).pictures
    images = {}
    for m in (Modality.V, Modality.I):
        rows = {}
        for row in dataset.select("test", m):
            rows.setdefault(dataset.records[row].identity, row)
        chosen = [rows[identity] for identity in sorted(rows)[:count]]
        images[m] = pixels.normalise(decoded[torch.tensor(chosen)])  # [count, 3, H, W]
    images = {**images, **cell.load(folder).derive(images)}
    return {m: pixels.shown(image) for m, image in images.items()}
