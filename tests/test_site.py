"""The site builds offline, without a warning, from what is tracked."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from .conftest import REPOSITORY

pytestmark = pytest.mark.slow

DOCS = REPOSITORY / "docs"

pytest.importorskip("sphinx", reason="the docs extra is not installed")


def build(docs, out):
    words = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", docs, out]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path):
    """The documents, the notebooks and the package in a folder of their own."""
    skipped = shutil.ignore_patterns("_build", "notebooks", "__pycache__")
    shutil.copytree(DOCS, tmp_path / "docs", ignore=skipped)
    shutil.copytree(
        REPOSITORY / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*")
    )
    (tmp_path / "bdlab").symlink_to(REPOSITORY / "bdlab")
    return tmp_path


@pytest.mark.slow
def test_it_builds_without_a_warning_and_fetches_nothing(copy):
    done = build(copy / "docs", copy / "html")
    assert done.returncode == 0, done.stderr
    pages = list((copy / "html").rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        if page.is_relative_to(copy / "html" / "live"):
            continue
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)', text)
        assert fetched == [], page.name
    losses = (copy / "html" / "notebooks" / "03_losses.html").read_text(encoding="utf-8")
    assert losses.count("<math") > 20


@pytest.mark.slow
def test_a_link_that_leads_nowhere_is_an_error(copy):
    """The broken variant."""
    page = copy / "docs" / "index.md"
    page.write_text(page.read_text() + "\n[nowhere](how-to/nowhere.md)\n")
    done = build(copy / "docs", copy / "html")
    assert done.returncode != 0
    assert "nowhere" in done.stderr


def test_the_page_on_the_papers_claims_is_what_its_script_makes():
    sys.path.insert(0, str(DOCS))
    try:
        import paper_checked
    finally:
        sys.path.remove(str(DOCS))
    assert paper_checked.page() == paper_checked.PAGE.read_text(encoding="utf-8")


@pytest.fixture
def results(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import results

    return results


def test_the_page_of_results_and_the_readme_say_what_the_shipped_runs_say(results):
    assert results.page() == results.PAGE.read_text(encoding="utf-8")
    readme = results.README.read_text(encoding="utf-8")
    assert results.BLOCK.search(readme)[0] == results.sentence()
    for table in results.shown():
        assert (results.FIGURES / f"{table.slug}.png").is_file()


def test_another_score_is_another_page(results, tmp_path, monkeypatch):
    """The broken variant: one number of one shipped run changed by hand."""
    from bdlab.experiments import reference

    place = shutil.copytree(reference.FOLDER, tmp_path / "reference")
    monkeypatch.setattr(reference.load, "__defaults__", (place,))
    assert results.page() == results.PAGE.read_text(encoding="utf-8")
    file = sorted(place.glob("table4-*/result.json"))[0]
    result = json.loads(file.read_text())
    setting = next(iter(result["scores"]))
    result["scores"][setting]["mean"]["R1"] = 0.987
    file.write_text(json.dumps(result))
    assert results.page() != results.PAGE.read_text(encoding="utf-8")


def test_every_page_is_reached_from_the_start_page():
    start = (DOCS / "index.md").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        name = page.relative_to(DOCS).with_suffix("").as_posix()
        if name.split("/")[0] not in {"_build", "notebooks", "live"} and name != "index":
            assert f"\n{name}\n" in start, name
