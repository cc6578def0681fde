"""The page of ranked lists: every picture in it, marked by mark and frame, nothing from outside."""

import re
import shutil

import pytest

import bdlab
from bdlab.deploy import page, searching


@pytest.fixture(scope="module")
def embed(cell):
    return bdlab.embedder(cell, device="cpu")


@pytest.fixture(scope="module")
def found(embed, own):
    return searching.search_files(embed, [str(own / "visible")], str(own), k=6)


def figures(text):
    return re.findall(r'<figure class="(\w+)"', text)


def test_every_picture_is_there_and_marked(found, tmp_path):
    page.write_page(tmp_path / "a.html", found, queries=8, ranks=6)
    text = (tmp_path / "a.html").read_text()
    hits = found.hits()[:8]
    kinds = figures(text)
    assert (kinds.count("hit"), kinds.count("miss")) == ((hits == 1).sum(), (hits == 0).sum())
    assert kinds.count("query") == text.count('<div class="list">') == 8
    assert text.count("data:image/jpeg;base64,") == len(kinds)
    assert all("alt=" in figure for figure in text.split("<figure")[1:])
    assert f"The other {len(found.columns) - 8} queries are in the CSV file." in text
    assert not re.search(r'(src|href)="(?!data:)', text), "nothing is fetched"
    assert searching.summary(found) in text
    assert "$" not in re.sub(r"<style>.*?</style>", "", text, flags=re.S)


def test_nothing_is_marked_where_nobody_is_known(embed, own, tmp_path):
    loose = tmp_path / "visible"
    loose.mkdir()
    for number, file in enumerate(sorted(own.glob("visible/*/*"))[:2]):
        shutil.copy(file, loose / f"{number}.bmp")
    found = searching.search_files(embed, [str(loose)], str(own), k=3)
    page.write_page(tmp_path / "a.html", found)
    text = (tmp_path / "a.html").read_text()
    assert set(figures(text)) == {"query", "open"}
    assert "nothing is marked" in text
    assert "lists, but no scores" in text


def test_names_are_text_not_markup(embed, own, tmp_path):
    place = tmp_path / "visible" / '<img src=x onerror="alert(1)">'
    place.mkdir(parents=True)
    shutil.copy(next(own.glob("visible/*/*")), place / "$summary'.bmp")
    found = searching.search_files(embed, [str(tmp_path / "visible")], str(own), k=2)
    page.write_page(tmp_path / "a.html", found)
    text = (tmp_path / "a.html").read_text()
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;" in text
