"""The hinge one can drag: what it starts with, its static twin, and one sentence for bad input."""

import base64
import io

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from PIL import Image

from bdlab import losses
from bdlab.modality import BASE, Modality
from bdlab.workbench import explorers
from bdlab.workbench.losses import hinges, toy

V, I, DV, DI = Modality
POINTS = toy.constellation()


def test_it_shows_the_points_given_and_the_notebooks_anchor():
    board = explorers.drag(POINTS, 0.7, ("V", 4))
    assert board.V == board.start["V"] == POINTS.features[V].tolist()
    assert board.labels == {m.value: POINTS.labels[m].tolist() for m in BASE}
    assert board.hinge == toy.hinge(POINTS, V, 4, I, cross=0.7) or (
        board.hinge.value == toy.hinge(POINTS, V, 4, I, cross=0.7).value
    )


def test_what_is_moved_in_the_page_moves_here():
    board = explorers.drag(POINTS, anchor=("I", 0))
    before = board.hinge.farthest
    spots = np.array(board.I)
    spots[0] = board.V[0]  # onto a picture of its own
    board.I, board.literal = spots.tolist(), True
    assert board.points.features[I][0].tolist() == board.V[0]
    assert board.hinge.farthest != before
    assert board.hinge.negative is None


def test_its_output_holds_a_picture_beside_the_widget():
    data, _ = explorers.drag(POINTS)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as picture:
        assert picture.width > 600
        assert len(np.unique(np.asarray(picture))) > 16


def test_the_arrows_are_minus_the_gradient_by_differences():
    one = toy.hinge(POINTS, V, 4, I)
    ways = hinges.downhill(POINTS, one)
    f = {m: POINTS.features[m].clone() for m in BASE}

    def cost():
        return losses.mdl(f, POINTS.labels, ((V, I),), margin=0.5).item()

    for m, row, axis in ((V, 0, 0), (I, 3, 1), (I, 5, 0)):
        slope = 0.0
        for side in (1, -1):
            f[m][row, axis] += side * 1e-6
            slope += side * cost() / 2e-6
            f[m][row, axis] -= side * 1e-6
        assert ways[m][row, axis] == pytest.approx(-slope, abs=1e-5)


def test_the_figure_frames_what_max_and_min_read():
    one = toy.hinge(POINTS, V, 4, I)
    _, right = hinges.dragged(POINTS, one).axes
    far = toy.matrices(POINTS, V, I)
    largest = np.where(far["V"] == 1, far["S"], -np.inf).argmax(axis=1)
    smallest = np.where(far["V"] == 0, far["S"], np.inf).argmin(axis=1)
    framed = {}
    for patch in right.patches:
        x, y = np.array(patch.get_xy()) + 0.45
        framed[round(y), patch.get_linestyle()] = round(x)
    rows = range(len(largest))
    assert [framed[r, "-"] for r in rows] == largest.tolist()
    assert [framed[r, "--"] for r in rows] == smallest.tolist()
    literal = hinges.dragged(POINTS, toy.hinge(POINTS, V, 4, I, literal=True)).axes[1]
    assert {patch.get_linestyle() for patch in literal.patches} == {"-"}, "no minimum is read"


def changed(**parts):
    features = {m: parts.get("features", {}).get(m, POINTS.features[m]) for m in BASE}
    labels = {m: parts.get("labels", {}).get(m, POINTS.labels[m]) for m in BASE}
    return toy.Constellation(features, labels)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"points": [[0, 1]]}, "points is a list"),
        ({"points": toy.Constellation({V: POINTS.features[V]}, POINTS.labels)}, "have no I"),
        ({"points": changed(features={V: torch.zeros(8, 3)})}, "[8, 3] with 8 labels"),
        ({"points": changed(features={I: POINTS.features[I] + 9})}, "outside the plane"),
        ({"points": changed(features={I: POINTS.features[I] * torch.nan})}, "outside the plane"),
        ({"points": changed(labels={I: torch.zeros(8, dtype=torch.int64)})}, "each of them in V"),
        ({"points": changed(labels=dict.fromkeys(BASE, POINTS.labels[V] + 7))}, "numbered 0 to 8"),
        ({"margin": "0.5"}, "margin = '0.5'"),
        ({"margin": 2}, "0 to 1.5 are meant"),
        ({"margin": float("nan")}, "0 to 1.5 are meant"),
        ({"anchor": ("DV", 0)}, "a stream and a row"),
        ({"anchor": "V"}, "a stream and a row"),
        ({"anchor": ("V", 99)}, "V has the rows 0 to 5"),
        ({"anchor": ("<b>", 0)}, "&lt;b&gt;"),
    ],
)
def test_bad_input_gets_one_sentence_in_the_boards_place(given, words):
    said = explorers.drag(**given)
    assert isinstance(said, widgets.HTML)
    assert said.value.startswith('<p role="alert"')
    assert words.replace("'", "&#x27;") in said.value
    assert said.value.count(". ") <= 1, "after No hinge., one sentence"


def test_good_input_gets_none():
    """The other side: nothing of the above is refused by itself."""
    for given in ({}, {"points": POINTS}, {"margin": 0}, {"anchor": ["I", 5]}, {"literal": True}):
        assert not isinstance(explorers.drag(**given), widgets.HTML), given
