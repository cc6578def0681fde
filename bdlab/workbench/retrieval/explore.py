"""Explorers of a trained network: ask any query and see its ranked list; turn a map of the
embedding.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

from bdlab.modality import BASE
from bdlab.workbench import pictures, style
from bdlab.workbench.widgets import WHOLE, label, picture, png, watch

from . import embedding, figures
from . import search as numbers

ORDERS = ("hardest first", "by person")
GAP = 6  # pixels between two pictures
HIT = tuple(int(255 * c) for c in style.HIT)
MISS = tuple(int(255 * c) for c in style.MISS)


def retrieval(
    tested: numbers.Tested | Path | str, setting: str = "", shown: int = 8, height: int = 128
) -> widgets.VBox:
    """A trained network's ranked list for any query, in either direction, ticked where right and
    crossed where wrong.

    ``tested`` is ``retrieval.test(setup)`` or the folder of a finished cell, ``setting`` one of its
    ``settings`` (default: the first), ``shown`` pictures of a list and the first right one if it
    comes later, ``height`` of a picture in pixels, width half of it. The slider goes through the
    queries, by keyboard too. Raises what ``retrieval.reopen`` and ``Tested.search`` do.
    """
    tested = tested if isinstance(tested, numbers.Tested) else numbers.reopen(tested)
    dataset, search = tested.setup.dataset, lru_cache(maxsize=16)(tested.search)
    search(setting := setting or next(iter(tested.settings)), 0)
    asked = widgets.Dropdown(
        options=[(w, s) for s, w in tested.settings.items()],
        value=setting,
        description="direction",
        style=WHOLE,
    )
    trial = widgets.IntSlider(1, 1, 10, description="gallery draw", style=WHOLE)
    order = _toggle("queries", ORDERS, 110)
    query = widgets.IntSlider(
        1, 1, 1, description="query", style=WHOLE, layout=widgets.Layout(width="420px")
    )
    many = widgets.BoundedIntText(
        shown, min=1, max=30, description="shown", style=WHOLE, layout=widgets.Layout(width="120px")
    )
    image, words = picture(), widgets.HTML()

    @lru_cache(maxsize=4096)
    def load(row: int) -> np.ndarray:
        return pictures.pixels(dataset, [row], height, height // 2)[0]

    def show(_: object = None) -> None:
        found = search(asked.value, trial.value - 1)
        number = int(_queries(found, order.value)[query.value - 1])
        answer = found.answer(number)
        image.value = _page(load, found, number, answer, many.value)
        words.value = _sentence(tested, found, number, answer)

    def turn(_: object = None) -> None:
        """Another list of queries: as many as it has, from its first."""
        trial.max = tested.trials(asked.value)
        trial.disabled = trial.max == 1
        query.max = len(_queries(search(asked.value, trial.value - 1), order.value))
        query.value = 1
        show()

    watch(show, query, many)
    watch(turn, asked, trial, order)
    turn()
    return widgets.VBox(
        [widgets.HBox([asked, trial]), widgets.HBox([order, query, many]), words, image]
    )


def embedding_map(tested: numbers.Tested | Path | str, people: int = 10) -> widgets.VBox:
    """A map of the test pictures of about ``people`` people: PCA or t-SNE, coloured by identity or
    modality, the base or all streams.

    ``tested`` as for ``retrieval``. Where scikit-learn is missing t-SNE is not offered.
    """
    tested = tested if isinstance(tested, numbers.Tested) else numbers.reopen(tested)
    ways = {"t-SNE": embedding.tsne, "PCA": lambda features: embedding.pca(features)[0]}
    if not embedding.has_tsne():
        del ways["t-SNE"]
    way, by, streams = (
        _toggle("map", ways, 80),
        _toggle("colour", ("identity", "modality"), 80),
        _toggle("streams", ("base", "all"), 80),
    )
    image, words = picture(), widgets.HTML()

    @lru_cache
    def chart(way: str, streams: str) -> tuple[embedding.Sample, np.ndarray, float]:
        sample = embedding.sample(tested, people, BASE if streams == "base" else None)
        where = ways[way](sample.features)
        return sample, where, embedding.kept(sample.features, where)

    def show(_: object = None) -> None:
        sample, where, share = chart(way.value, streams.value)
        figure = figures.points(where, sample.ids, sample.modalities, by.value)
        out = BytesIO()
        figure.savefig(out, format="png", dpi=100)
        plt.close(figure)
        image.value = out.getvalue()
        luck = 10 / (len(where) - 1)
        words.value = (
            f"of each picture's ten nearest <b>{share:.0%}</b> are among its ten nearest on the "
            f"map ({luck:.0%} by luck)"
        )

    watch(show, way, by, streams)
    show()
    return widgets.VBox([widgets.HBox([way, by, streams]), words, image])


def _toggle(name: str, options: Iterable[str], width: int) -> widgets.ToggleButtons:
    return widgets.ToggleButtons(
        options=list(options), description=name, style={"button_width": f"{width}px"}
    )


def _queries(search: numbers.Search, order: str) -> np.ndarray:
    """Numbers of the queries that count, in the order asked for."""
    if order == ORDERS[0]:
        return search.hardest
    valid = np.flatnonzero(search.scores.valid)
    return valid[np.argsort(search.query_ids[valid], kind="stable")]


def _page(
    load: Callable[[int], np.ndarray],
    search: numbers.Search,
    number: int,
    answer: numbers.Answer,
    shown: int,
) -> bytes:
    """A query, the head of its list and, after a gap, the first right picture if it comes later: a
    PNG.
    """
    places = answer.places[:shown]
    cells = [
        _framed(load(int(row)), hit)
        for row, hit in zip(search.gallery[places], answer.right, strict=False)
    ]
    heads = ["query", *(f"{k}\nperson {i}" for k, i in enumerate(search.gallery_ids[places], 1))]
    if answer.first >= shown:
        cells += [None, _framed(load(int(search.gallery[answer.places[answer.first]])), True)]
        heads += ["…", f"{answer.first + 1}\nfirst right"]
    page = pictures.sheet([[_framed(load(int(search.query[number])), None), *cells]], GAP)
    return png(label(page, heads, [f"person {search.query_ids[number]}"]))


def _framed(pixels: np.ndarray, right: bool | None) -> np.ndarray:
    """A picture in a frame with a tick or a cross in its corner; black and bare for a query
    (None).
    """
    colour = (0, 0, 0) if right is None else HIT if right else MISS
    image = Image.fromarray(pixels)
    draw, (width, height) = ImageDraw.Draw(image), image.size
    draw.rectangle((0, 0, width - 1, height - 1), outline=colour, width=4)
    if right is not None:
        draw.rectangle((0, 0, 18, 18), fill=colour)
        strokes = (
            [[(4, 10), (8, 14), (14, 4)]] if right else [[(4, 4), (14, 14)], [(4, 14), (14, 4)]]
        )
        for stroke in strokes:
            draw.line(stroke, fill="white", width=3)
    return np.asarray(image)


def _sentence(
    tested: numbers.Tested, search: numbers.Search, number: int, answer: numbers.Answer
) -> str:
    """The query and its list in words, as HTML."""
    dataset, scores = tested.setup.dataset, search.scores
    record = dataset.records[search.query[number]]
    name = html.escape(dataset.called(record.identity))
    camera = f", camera {record.camera}" if record.camera else ""
    rank = f" (rank {scores.first[number] + 1} among distinct people)" if search.unique else ""
    lost = int(search.removed[number].sum())
    rule = f"; {lost} pictures removed by the camera rule" if lost else ""
    return (
        f"person <b>{name}</b>, {record.modality.title}{camera}: first right picture at "
        f"place <b>{answer.first + 1}</b> of "
        f"{len(answer.places)}{rank}, average precision {scores.ap[number]:.0%}{rule}"
    )
