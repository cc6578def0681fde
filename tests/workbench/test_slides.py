"""Slides of a notebook: where they begin, what they leave out, and that they fetch nothing."""

import json
import re

import pytest

from bdlab.config import ConfigError
from bdlab.workbench import slides
from tests.conftest import REPOSITORY

BOOKS = sorted((REPOSITORY / "notebooks").rglob("*.ipynb"))
PICTURE = {"output_type": "display_data", "data": {"image/png": "iVBORw0K\nGgo="}, "metadata": {}}


def said(source, kind=None):
    metadata = {"slideshow": {"slide_type": kind}} if kind else {}
    return {"cell_type": "markdown", "source": source, "metadata": metadata}


def code(source="f()", *outputs, tags=()):
    metadata = {"tags": list(tags)}
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": list(outputs)}


def printed(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def made(*cells):
    return slides.slides({"cells": list(cells)})


class TestWhereASlideBegins:
    def test_at_a_heading_also_within_a_cell(self):
        found = made(said("# A\n\none"), said("two\n\n## B\n\nthree"))
        assert [slide.title for slide in found] == ["A", "B"]
        assert "two" in "".join(found[0].said)
        assert "three" in "".join(found[1].said)

    def test_not_at_a_comment_in_a_fence(self):
        assert [slide.title for slide in made(said("# A\n\n```\n# no\n```"))] == ["A"]

    def test_at_a_cell_of_that_type(self):
        for kind in ("slide", "subslide"):
            found = made(said("# A\n\none"), said("two", kind))
            assert [slide.title for slide in found] == ["A", "A"]

    def test_at_a_second_picture_or_at_what_is_expected_of_it(self):
        two = made(said("# A"), code("f()", PICTURE), code("g()", PICTURE))
        assert [slide.pictures for slide in two] == [1, 1]
        text = made(said("# A"), code("f()", PICTURE), said("**Expect** b."), code("g()", PICTURE))
        assert [slide.pictures for slide in text] == [1, 1]
        assert "Expect" in text[1].said[0]


class TestWhatIsShown:
    def test_skipped_hidden_and_silent_cells_are_left_out(self):
        hidden = code("x", printed("{}"), tags=["hide-output"])
        found = made(said("no", "skip"), said("## Numbers\n\nOn one line."), hidden, code("y"))
        assert found == []

    def test_parameters_go_with_their_text(self):
        found = made(said("# A\n\none"), said("## Parameters\n\ntwo"), code(tags=["parameters"]))
        assert [slide.title for slide in found] == ["A"]

    def test_what_is_seen_waits_for_a_key(self):
        (slide,) = made(
            said("# A\n\nWhy.\n\n**Expect** b.\n\n**We see** c."), said("d", "fragment")
        )
        assert ["waits" in block for block in slide.said] == [False, False, True, True]

    def test_notes_are_for_who_speaks(self):
        (slide,) = made(said("# A\n\none"), said("breathe", "notes"))
        assert slide.notes == ["<p>breathe</p>\n"]
        assert "<aside>" in slides.page([slide])

    def test_code_is_folded_but_the_learners_is_not(self):
        (slide,) = made(said("# A"), code("f(1 < 2)", printed("out")), code("stub", tags=["yours"]))
        assert "<details>" in slide.shown[0]
        assert "f(1 &lt; 2)" in slide.shown[0]
        assert "<details>" not in slide.shown[1]

    def test_outputs_by_kind(self):
        both = {"image/png": "AA", "text/html": "<b>", "application/vnd.x+json": {}}
        assert slides._output({"output_type": "display_data", "data": both}).startswith("<img")
        table = {"text/html": ["<table>", "</table>"], "text/plain": "a"}
        assert "<table></table>" in slides._output({"output_type": "x", "data": table})
        assert "<em>" in slides._output({"output_type": "x", "data": {"text/markdown": "*a*"}})
        assert slides._output(printed("a<b")) == "<pre>a&lt;b</pre>"
        assert slides._output(printed("warned", "stderr")) == ""
        assert slides._output({"output_type": "error", "ename": "E"}) == ""

    def test_formulas_are_mathml_and_links_lead_outside_only(self):
        text = slides.html(
            "$D_V$ and\n\n$$a = b \\qquad (1)$$\n\n[n](../03.ipynb) [w](https://x.y)"
        )
        assert text.count("<math") == 2
        assert "$" not in text
        assert "<em>n</em>" in text
        assert 'href="https://x.y"' in text


@pytest.mark.parametrize("path", BOOKS, ids=lambda p: p.stem)
def test_every_notebook_has_slides_that_fetch_nothing(path, tmp_path):
    count = slides.write(path, tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text()
    assert page.count("<section") == count > 4
    assert "default-src 'none'" in page
    assert not re.findall(r"""(?:src|srcset|poster)=["']?(?!data:)[^"' >]+""", page)
    assert not re.findall(r"<link|@import|url\((?!data:)", page)
    titles = [re.sub("<[^>]+>", "", one) for one in re.findall("<h2>(.*?)</h2>", page)]
    assert "Parameters" not in titles


def test_what_is_no_notebook_is_named(tmp_path):
    for text in ("", "[]", '{"cells": 3}'):
        (tmp_path / "a.ipynb").write_text(text)
        with pytest.raises(ConfigError, match="not a notebook"):
            slides.write(tmp_path / "a.ipynb", tmp_path / "a.html")
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": []}))
    with pytest.raises(ConfigError, match="no cell of it"):
        slides.write(tmp_path / "a.ipynb", tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()
