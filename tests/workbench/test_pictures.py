"""Pictures as a reader looks at them: grey, edges, sheets, names."""

from dataclasses import replace

import numpy as np
import pytest

from bdlab.modality import Modality
from bdlab.workbench import pictures
from bdlab.workbench.data import numbers

V, I = Modality.V, Modality.I


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_luma_of_grey_is_the_grey():
    grey = np.repeat(noise(2, 6, 3)[..., None], 3, axis=-1)
    np.testing.assert_allclose(pictures.luma(grey), grey[..., 0], atol=1e-4)


def test_edges_see_a_step_whichever_side_is_bright():
    step = np.zeros((1, 4, 8, 3), np.uint8)
    step[:, :, 4:] = 200
    np.testing.assert_allclose(pictures.edges(step), pictures.edges(255 - step), atol=1e-3)
    assert set(np.flatnonzero(pictures.edges(step)[0, 0] > 1)) == {3, 4}


def test_looks():
    picture = noise(6, 3, 3)
    assert pictures.look(picture) is picture
    for k, name in enumerate(("red", "green", "blue")):
        np.testing.assert_array_equal(
            pictures.look(picture, name), np.repeat(picture[..., k, None], 3, axis=-1)
        )
    assert all(pictures.look(picture, way).shape == picture.shape for way in pictures.LOOKS)
    with pytest.raises(ValueError, match="'pink'"):
        pictures.look(picture, "pink")


def test_a_sheet_puts_pictures_where_they_belong():
    a, b = noise(4, 2, 3), noise(4, 2, 3, seed=1)
    page = pictures.sheet([[a, None], [None, b]], gap=1, blank=200)
    assert page.shape == (9, 5, 3)
    np.testing.assert_array_equal(page[:4, :2], a)
    np.testing.assert_array_equal(page[5:, 3:], b)
    assert (page[:4, 3:] == 200).all()
    assert (page[4] == 255).all()
    with pytest.raises(ValueError, match="at least one"):
        pictures.sheet([[None]])


def test_heads_name_cameras_where_there_are_several():
    assert pictures.camera_name(I, 3) == "infrared\ncamera 3"
    assert pictures.camera_name(V, 0) == "visible"


def test_a_twin_is_known_by_its_dials(sysu):
    card = pictures.twin_of(sysu)
    assert card == {
        "kind": "synthetic-sysu",
        "size": "smoke",
        "seed": 0,
        "channel_gap": 0.4,
        "appearance_gap": 0.5,
    }
    taken = numbers.shots(**card, people=1)
    assert taken["ir"].shape == (1, 32, 16, 3)
    assert pictures.twin_of(replace(sysu, provenance={"twin": None})) is None
    assert pictures.twin_of(replace(sysu, provenance={})) is None
