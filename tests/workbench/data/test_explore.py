"""The explorers: thin shells whose picture and numbers follow their controls."""

import io

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from bdlab import datasets
from bdlab.workbench import explorers, pictures
from bdlab.workbench import widgets as shell
from bdlab.workbench.data import numbers as gaps


@pytest.fixture(scope="module")
def sysu():
    return datasets.open("synthetic-sysu", size="smoke")


def pixels(box):
    """The picture an explorer shows, [H, W, 3]."""
    (image,) = [w for w in box.children if isinstance(w, widgets.Image)]
    return np.array(Image.open(io.BytesIO(image.value)))


def control(box, description):
    found = [
        w
        for w in (*box.children, *box.children[0].children)
        if getattr(w, "description", "") == description
    ]
    assert len(found) == 1, description
    return found[0]


def numbers(box):
    return next(
        w for w in box.children if isinstance(w, widgets.HTML) and not isinstance(w, widgets.Label)
    ).value


class TestData:
    def test_it_shows_the_people_of_the_static_figure(self, sysu):
        page = pixels(explorers.data(sysu, people=3, shots=1, height=64))
        row = gaps.sightings(sysu, people=3, shots=1).cells[0]
        sheet = page[shell.TOP :, shell.LEFT :]
        assert sheet.shape == (3 * 67 - 3, 6 * 35 - 3, 3)
        c, shown = next((c, row) for c, row in enumerate(row) if row is not None)
        np.testing.assert_array_equal(
            sheet[:64, 35 * c : 35 * c + 32], pictures.pixels(sysu, [shown], 64, 32)[0]
        )
        assert (page[: shell.TOP, shell.LEFT :] < 128).any(), "the columns have heads"

    def test_the_slider_turns_pages(self, sysu):
        box = explorers.data(sysu, people=3)
        slider, before = control(box, "from person"), pixels(box)
        assert slider.max == 8 - 3
        slider.value = 2
        assert not np.array_equal(pixels(box), before)
        slider.value = 0
        np.testing.assert_array_equal(pixels(box), before)

    def test_another_part_has_its_own_range(self):
        box = explorers.data(
            datasets.open("synthetic-sysu", size="smoke", val_holdout=True), people=3
        )
        control(box, "from person").value = 5
        control(box, "part").value = "val"
        assert control(box, "from person").max == 0
        assert control(box, "from person").value == 0
        control(box, "part").value = "train"
        assert control(box, "from person").max == 13 - 3

    @pytest.mark.parametrize("way", [w for w in pictures.LOOKS if w != "colour"])
    def test_one_channel_is_grey(self, sysu, way):
        box = explorers.data(sysu, people=2, shots=1)
        assert np.ptp(pixels(box).astype(int), axis=2).max() > 20
        control(box, "seen as").value = way
        assert np.ptp(pixels(box).astype(int), axis=2).max() == 0

    def test_more_pictures_a_camera(self, sysu):
        box = explorers.data(sysu, people=2, shots=1)
        width = pixels(box).shape[1]
        control(box, "a camera").value = 2
        assert pixels(box).shape[1] > 1.8 * (width - shell.LEFT)

    def test_the_numbers_are_of_the_pictures_shown(self, sysu):
        box = explorers.data(sysu, people=1, shots=1, height=64)
        table = gaps.sightings(sysu, people=1, shots=1)
        rows = [
            row
            for row, (m, _) in zip(table.cells[0], table.columns, strict=True)
            if row is not None and m == "V"
        ]
        stack = pictures.pixels(sysu, rows, 64, 32)
        assert (
            f"r R–G <b>{gaps.correlation(stack[..., 0], stack[..., 1]).mean():+.2f}</b>"
            in numbers(box)
        )

    def test_a_part_without_people_is_refused(self):
        regdb = datasets.open("synthetic-regdb", size="smoke")
        with pytest.raises(ValueError, match="train, test"):
            explorers.data(regdb, part="val")


class TestDials:
    def test_a_dial_changes_the_picture_and_its_own_number(self):
        box = explorers.dials("synthetic-regdb", people=3, height=32, size="smoke")
        before, text = pixels(box), numbers(box)
        control(box, "channel gap").value = 1.0
        after = pixels(box)
        sheet = slice(shell.LEFT, None)
        third = shell.TOP + 2 * 35
        assert not np.array_equal(before[third:, sheet], after[third:, sheet])
        np.testing.assert_array_equal(before[: third - 3, sheet], after[: third - 3, sheet])
        assert numbers(box).split("&emsp;")[0] == text.split("&emsp;")[0]
        assert numbers(box) != text

    def test_it_starts_at_the_twins_own_dials(self):
        box = explorers.dials("synthetic-sysu", people=1, height=32, size="smoke")
        assert (control(box, "channel gap").value, control(box, "appearance gap").value) == (
            0.4,
            0.5,
        )

    def test_there_are_two_twins(self):
        with pytest.raises(datasets.DatasetError, match="synthetic-sysu"):
            explorers.dials("sysu")
