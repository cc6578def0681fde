"""The explorers: thin shells whose picture and numbers follow their controls."""

import io

import numpy as np
import pytest
from PIL import Image

from bdlab import datasets
from bdlab.workbench import explorers, pictures
from bdlab.workbench import widgets as shell
from bdlab.workbench.data import explore as data_explore
from bdlab.workbench.data import numbers as gaps
from bdlab.workbench.data.explore import Sheet


@pytest.fixture(scope="module")
def sysu():
    return datasets.open("synthetic-sysu", size="smoke")


def sheet(box):
    """The sheet of an explorer."""
    if isinstance(box, Sheet):
        return box
    (found,) = [w for w in box.children if isinstance(w, Sheet)]
    return found


def decoded(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image)


def pixels(box):
    """The picture an explorer shows, [H, W, 3]."""
    return decoded(sheet(box).value)


def enlarged(box, spot, monkeypatch):
    """What the page is sent when a spot is clicked: its words and its picture."""
    sent = []
    monkeypatch.setattr(
        sheet(box), "send", lambda content, buffers: sent.append((content, buffers))
    )
    sheet(box)._asked(None, {"do": "enlarge", "spot": spot}, [])
    if not sent:
        return None
    ((content, (data,)),) = sent
    assert (content["do"], content["spot"]) == ("enlarge", spot)
    return content["words"], decoded(data)


def control(box, description):
    found = [
        w
        for w in (*box.children, *box.children[0].children)
        if getattr(w, "description", "") == description
    ]
    assert len(found) == 1, description
    return found[0]


def numbers(box):
    return dict(sheet(box).told)


def signs(box):
    """What the sheet says of its work, from now on."""
    said = []
    sheet(box).observe(lambda change: said.append(change["new"]), "busy")
    return said


class TestData:
    def test_it_shows_the_people_of_the_static_figure(self, sysu):
        page = pixels(explorers.data(sysu, people=3, shots=1, height=64))
        row = gaps.sightings(sysu, people=3, shots=1).cells[0]
        inner = page[shell.TOP :, shell.LEFT :]
        assert inner.shape == (3 * 67 - 3, 6 * 35 - 3, 3)
        c, shown = next((c, row) for c, row in enumerate(row) if row is not None)
        np.testing.assert_array_equal(
            inner[:64, 35 * c : 35 * c + 32], pictures.pixels(sysu, [shown], 64, 32)[0]
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
        r = gaps.correlation(stack[..., 0], stack[..., 1]).mean()
        assert numbers(box)["r R–G"] == f"{r:+.2f}"

    def test_a_spot_is_where_its_picture_is(self, sysu):
        box = explorers.data(sysu, people=3, shots=2, height=64)
        table = gaps.sightings(sysu, people=3, shots=2)
        rows = [row for line in table.cells for row in line if row is not None]
        assert any(row is None for line in table.cells for row in line), "empty cells are no spot"
        page, spots = pixels(box), sheet(box).spots
        assert len(spots) == len(rows)
        for (x, y, wide, tall, words), row in zip(spots, rows, strict=True):
            here = page[y : y + tall, x : x + wide]
            np.testing.assert_array_equal(here, pictures.pixels(sysu, [row], 64, 32)[0])
            assert sysu.records[row].path in words
            assert f"person {sysu.records[row].identity}," in words

    def test_a_click_enlarges_the_picture_as_it_is_looked_at(self, sysu, monkeypatch):
        box = explorers.data(sysu, people=3, shots=2, height=64)
        control(box, "from person").value = 2
        control(box, "seen as").value = "edges"
        table = gaps.sightings(sysu, people=3, shots=2, first=2)
        rows = [row for line in table.cells for row in line if row is not None]
        words, picture = enlarged(box, 4, monkeypatch)
        assert sysu.records[rows[4]].path in words
        wanted = pictures.look(pictures.pixels(sysu, [rows[4]], 288, 144)[0], "edges")
        np.testing.assert_array_equal(picture, wanted)

    @pytest.mark.parametrize("spot", [-1, 10**6, None, "0"])
    def test_a_spot_there_is_not(self, sysu, monkeypatch, spot):
        assert enlarged(explorers.data(sysu, people=1), spot, monkeypatch) is None

    def test_thumbnails_choose_the_people(self, sysu):
        box = explorers.data(sysu, people=3)
        board, ids = sheet(box), sysu.identities("test")
        assert [one["name"] for one in board.people] == [f"person {i}" for i in ids]
        assert (board.start, board.shown) == (0, [0, 1, 2])
        for picked, first in ((4, 4), (4, 4), (7, 5), (0, 0)):  # the last three end the sheet
            board.picked = picked
            assert control(box, "from person").value == first
            assert board.shown == [first, first + 1, first + 2]
            assert f"person {ids[first]}," in board.spots[0][4]

    def test_of_many_people_the_strip_turns_with_the_slider(self, sysu, monkeypatch):
        monkeypatch.setattr(data_explore, "STRIP", 3)
        box = explorers.data(sysu, people=2)
        assert len(sheet(box).people) == 3
        control(box, "from person").value = 4
        ids = sysu.identities("test")
        assert sheet(box).start == 3
        assert [one["name"] for one in sheet(box).people] == [f"person {i}" for i in ids[3:6]]
        control(box, "from person").value = 6
        assert len(sheet(box).people) == 2, "the last ones"
        control(box, "part").value = "train"
        assert sheet(box).people[0]["name"] == f"person {sysu.identities('train')[6]}"

    def test_it_says_that_it_works_until_it_has_ended(self, sysu, monkeypatch):
        box = explorers.data(sysu, people=2)
        said = signs(box)
        control(box, "a camera").value = 3
        assert said == ["working", ""]

        def broken(*_, **__):
            raise OSError("unreadable")

        monkeypatch.setattr(gaps, "sightings", broken)
        with pytest.raises(OSError, match="unreadable"):
            control(box, "from person").value = 3
        assert sheet(box).busy == "", "also where it fails"

    def test_a_part_without_people_is_refused(self):
        regdb = datasets.open("synthetic-regdb", size="smoke")
        with pytest.raises(ValueError, match="train, test"):
            explorers.data(regdb, part="val")


class TestDials:
    def test_a_dial_changes_the_picture_and_its_own_number(self):
        box = explorers.dials("synthetic-regdb", people=3, height=32, size="smoke")
        before, told = pixels(box), numbers(box)
        said = signs(box)
        box.values = {**box.values, "channel_gap": 1.0}
        assert said == ["working", ""]
        after = pixels(box)
        across = slice(shell.LEFT, None)
        third = shell.TOP + 2 * 35
        assert not np.array_equal(before[third:, across], after[third:, across])
        np.testing.assert_array_equal(before[: third - 3, across], after[: third - 3, across])
        assert numbers(box)["appearance gap"] == told["appearance gap"]
        assert numbers(box)["channel gap"] != told["channel gap"]

    def test_it_starts_at_the_twins_own_dials_and_marks_them(self):
        box = explorers.dials("synthetic-sysu", people=1, height=32, size="smoke")
        assert box.values == {"channel_gap": 0.4, "appearance_gap": 0.5}
        marks = {dial["name"]: dial["own"] for dial in box.dials}
        assert marks == box.values
        box.values = {"channel_gap": 1.0, "appearance_gap": 0.0}
        assert {dial["name"]: dial["own"] for dial in box.dials} == marks, "a mark stays"

    def test_a_click_enlarges_the_shot(self, monkeypatch):
        box = explorers.dials("synthetic-regdb", people=3, height=32, size="smoke")
        taken = gaps.shots("synthetic-regdb", 3, size="smoke", shape=(32, 16), **box.values)
        words, picture = enlarged(box, 4, monkeypatch)
        assert words == "person 2, RGB, moved"
        np.testing.assert_array_equal(picture, taken["rgb_at_ir"][1])

    def test_there_are_two_twins(self):
        with pytest.raises(datasets.DatasetError, match="synthetic-sysu"):
            explorers.dials("sysu")
