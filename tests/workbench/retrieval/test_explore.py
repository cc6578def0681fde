"""The explorers of a trained network: their picture and words follow their controls."""

import dataclasses
import importlib
import io
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from bdlab.workbench import explorers, pictures
from bdlab.workbench import widgets as shell

# The function of the same name stands before the module in the package.
from bdlab.workbench.retrieval.explore import GAP, HIT, MISS

explore = importlib.import_module("bdlab.workbench.retrieval.explore")


def pixels(box):
    (image,) = (w for w in box.children if isinstance(w, widgets.Image))
    return np.array(Image.open(io.BytesIO(image.value)))


def control(box, description):
    inner = [w for row in box.children for w in getattr(row, "children", ())]
    (found,) = (w for w in inner if getattr(w, "description", "") == description)
    return found


def words(box):
    return next(w for w in box.children if isinstance(w, widgets.HTML)).value


def cell(box, column, height=64):
    """The picture in one column of the sheet."""
    x = shell.LEFT + column * (height // 2 + GAP)
    return pixels(box)[shell.TOP :, x : x + height // 2]


class TestRetrieval:
    def test_it_begins_with_the_worst_failure(self, tested_regdb):
        box, search = explorers.retrieval(tested_regdb, height=64), tested_regdb.search()
        q = int(search.hardest[0])
        assert (
            f"person <b>{search.query_ids[q]}</b>, visible: first right picture at place "
            f"<b>{search.answer(q).first + 1}</b> of 32" in words(box)
        )
        shown = pictures.pixels(tested_regdb.setup.dataset, [search.query[q]], 64, 32)[0]
        np.testing.assert_array_equal(cell(box, 0)[4:-4, 4:-4], shown[4:-4, 4:-4])
        assert control(box, "query").max == len(search.hardest)

    def test_a_name_is_text(self, tested_regdb):
        setup, search = tested_regdb.setup, tested_regdb.search()
        dataset = dataclasses.replace(
            setup.dataset, names=dict.fromkeys(map(int, search.query_ids), "<b>Zoé")
        )
        named = SimpleNamespace(setup=SimpleNamespace(dataset=dataset))
        said = explore._sentence(named, search, 0, search.answer(0))
        assert said.startswith("person <b>&lt;b&gt;Zoé</b>, visible")

    def test_frames_are_ticked_or_crossed(self, tested_regdb):
        box, search = explorers.retrieval(tested_regdb, height=64, shown=8), tested_regdb.search()
        slider = control(box, "query")
        marks = set()
        for k in (0, 10, 31):
            slider.value = k + 1
            answer = search.answer(int(search.hardest[k]))
            for c, right in enumerate(answer.right[:8], start=1):
                assert tuple(cell(box, c)[40, 1]) == (HIT if right else MISS)
                marks.add((bool(right), (cell(box, c)[4:18, 4:18] == 255).all(axis=2).tobytes()))
            np.testing.assert_array_equal(cell(box, 0)[40, 1], 0)
        assert len(marks) == 2, "one mark for right, another for wrong: not by colour alone"

    def test_the_first_right_one_stands_at_the_end(self, tested_regdb):
        search = tested_regdb.search()
        answer = search.answer(int(search.hardest[0]))
        box = explorers.retrieval(tested_regdb, height=64, shown=3)
        assert answer.first >= 3
        assert tuple(cell(box, 5)[40, 1]) == HIT
        right = pictures.pixels(
            tested_regdb.setup.dataset, [search.gallery[answer.places[answer.first]]], 64, 32
        )[0]
        np.testing.assert_array_equal(cell(box, 5)[19:-4, 4:-4], right[19:-4, 4:-4])
        control(box, "shown").value = answer.first + 1
        assert pixels(box).shape[1] == shell.LEFT + (answer.first + 2) * (32 + GAP) - GAP

    def test_the_slider_the_order_and_the_direction_change_it(self, tested_regdb):
        box = explorers.retrieval(tested_regdb, height=64)
        pictures = [pixels(box)]
        for name, value in (("query", 9), ("queries", "by person"), ("direction", "t2v")):
            control(box, name).value = value
            assert not any(
                p.shape == pixels(box).shape and np.array_equal(p, pixels(box)) for p in pictures
            ), name
            pictures.append(pixels(box))
        assert control(box, "query").value == 1, "another list begins at its first"
        assert "infrared: first right" in words(box)

    def test_by_person_goes_through_everybody_once(self, tested_regdb):
        box, seen = explorers.retrieval(tested_regdb, height=32), []
        control(box, "queries").value = "by person"
        slider = control(box, "query")
        for k in range(1, slider.max + 1):
            slider.value = k
            seen.append(int(words(box).split("<b>")[1].split("<")[0]))
        assert seen == sorted(tested_regdb.search().query_ids.tolist())

    def test_galleries_are_drawn_where_the_protocol_draws(self, tested_regdb, tested_sysu):
        assert control(explorers.retrieval(tested_regdb, height=32), "gallery draw").disabled
        box = explorers.retrieval(tested_sysu, "all-single", height=32)
        draw = control(box, "gallery draw")
        assert (draw.disabled, draw.max) == (False, 10)
        lists = []
        for number in (1, 2, 3):
            draw.value = number
            lists.append(pixels(box).tobytes())
        assert len(set(lists)) == 3
        control(box, "direction").value = "reverse"
        assert draw.disabled
        assert draw.value == 1

    def test_the_camera_rule_is_said(self, tested_sysu):
        box, search = (
            explorers.retrieval(tested_sysu, "all-single", height=32),
            tested_sysu.search("all-single"),
        )
        place = next(k for k, q in enumerate(search.hardest, 1) if search.removed[q].any())
        control(box, "query").value = place
        q = search.hardest[place - 1]
        assert f"{search.removed[q].sum()} pictures removed by the camera rule" in words(box)
        assert f"(rank {search.scores.first[q] + 1} among distinct people)" in words(box)

    def test_a_setting_there_is_not_is_refused(self, tested_regdb):
        with pytest.raises(ValueError, match="v2t, t2v"):
            explorers.retrieval(tested_regdb, "all-single")


class TestMap:
    def test_every_control_draws_another_map(self, tested_regdb):
        box = explorers.embedding_map(tested_regdb, people=4)
        pictures = {pixels(box).tobytes()}
        for name, value in (("map", "PCA"), ("colour", "modality"), ("streams", "all")):
            control(box, name).value = value
            pictures.add(pixels(box).tobytes())
        assert len(pictures) == 4
        assert "by luck" in words(box)

    def test_without_scikit_learn_it_offers_pca(self, tested_regdb, monkeypatch):
        monkeypatch.setattr("bdlab.workbench.retrieval.embedding.has_tsne", lambda: False)
        assert list(control(explorers.embedding_map(tested_regdb), "map").options) == ["PCA"]
