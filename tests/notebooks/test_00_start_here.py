"""Notebook 00, headless: it shows its eleven figures and the game, prints numbers that are right,
and leads on to what is there.
"""

import re

import pytest

from bdlab import batch
from bdlab.experiments import sweeps
from bdlab.training import extract, loop
from bdlab.training import setup as setups
from tests.conftest import REPOSITORY

from . import reading

NOTEBOOK = REPOSITORY / "notebooks" / "00_start_here.ipynb"
#: people, two lists, families, four modalities, framework, journey, graphs, curves, the four again,
#: lists
FIGURES = 11
MOST_WORDS = 1200


@pytest.mark.slow
@pytest.mark.parametrize("data", ["synthetic-regdb", "synthetic-sysu"])
def test_it_runs_and_its_numbers_are_those_of_the_same_run_by_hand(tmp_path, data):
    out = tmp_path / "executed.ipynb"
    batch.execute(NOTEBOOK, out, {"data": data, "preset": "smoke", "threads": 1}, timeout=300)
    reading.draws(out, FIGURES + 1)  # the game's
    (game,) = reading.explorers(out)
    assert game == "explorers.game(ready)"
    printed, found = reading.said(out)
    setup = setups.prepare(
        sweeps.configure("table4", "MDL4", "smoke", data, {"seed": 0}), progress=False
    )
    loop.train(setup)
    assert found["Rank-1"] == {
        name: round(result.mean["R1"], 4) for name, result in extract.evaluate(setup).items()
    }
    assert found["numbers"] == {
        "trained": sum(p.numel() for p in setup.net.parameters()),
        "deployed": sum(p.numel() for p in setup.net.export().parameters()),
    }
    assert "epoch   2/2" in printed
    assert not (tmp_path / "runs").exists(), "a first look leaves nothing behind"


def test_it_leads_to_every_notebook_of_the_series_and_every_exercise():
    links = set(re.findall(r"\]\(([^)#]+\.ipynb)\)", reading.words(NOTEBOOK)))
    there = {
        str(p.relative_to(NOTEBOOK.parent))
        for p in NOTEBOOK.parent.rglob("*.ipynb")
        if ".ipynb_checkpoints" not in p.parts
    }
    assert links <= there, f"links to nowhere: {links - there}"
    assert there - {NOTEBOOK.name} <= links, f"not on the map: {there - links}"


def test_its_commands_exist():
    from bdlab.cli import main

    said = re.findall(r"`bdlab (\w+)", reading.words(NOTEBOOK))
    assert set(said) >= {"demo", "run", "plan", "doctor"}
    assert set(said) <= set(main.commands)


def test_every_figure_has_words_on_both_sides():
    cells = reading.cells(NOTEBOOK)
    drawing = [
        k
        for k, c in enumerate(cells)
        if re.search(
            r"^(method|retrieval_figures|notebook\.curves)[.(]", reading.source(c), re.MULTILINE
        )
    ]
    assert len(drawing) == FIGURES
    for k in drawing:
        assert "Expect" in reading.source(cells[k - 1]), k
        assert "We see" in reading.source(cells[k + 1]), k


def test_every_letter_is_explained_before_it_is_used():
    """The paper's letters: where each first stands in the text, its meaning has been said or is
    said there.
    """
    text = reading.words(NOTEBOOK)
    for letter, meaning in {
        "$V$": "visible pictures $V$",
        "$D_V$": "a *relative* is made, $D_V$ from $V$",
        "$F_I$": "four stems $F_I$",
        "$F_S$": "one trunk $F_S$",
        "$L_{MML}$": "$L_{MML}$, the *multi-mode* loss",
        "$L_{MDL}$": "$L_{MDL}$, the *multi-directional* loss",
    }.items():
        assert text.index(meaning) <= text.index(letter), letter


def test_it_is_read_in_ten_minutes():
    text = [word for word in reading.words(NOTEBOOK).split() if any(map(str.isalnum, word))]
    assert len(text) <= MOST_WORDS


def test_it_learns_unless_asked_not_to():
    assert 'preset = "demo"' in reading.code(NOTEBOOK)


def test_it_tells_of_the_live_page_and_the_desk():
    from bdlab.workbench import explorers

    text = reading.words(NOTEBOOK)
    (page,) = re.findall(r"`(docs/live/[^`]+)`", text)
    assert (REPOSITORY / page).is_file()
    assert "explorers.desk(" in text
    assert callable(explorers.desk)
