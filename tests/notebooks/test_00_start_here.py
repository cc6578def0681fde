"""Notebook 00, headless: it shows its seven figures, prints numbers that are right, and leads on to what is there."""

import json
import re

import pytest

from bdlab import batch, recipes, setups, testing, training

from ..conftest import REPOSITORY
from .pictures import not_blank, shown

NOTEBOOK = REPOSITORY / "notebooks" / "00_start_here.ipynb"
#: people, families, four modalities, framework, journey, graphs, curves
FIGURES = 7


@pytest.mark.slow
@pytest.mark.parametrize("data", ["synthetic-regdb", "synthetic-sysu"])
def test_it_runs_and_its_numbers_are_those_of_the_same_run_by_hand(tmp_path, data):
    out = tmp_path / "executed.ipynb"
    batch.execute(NOTEBOOK, out, {"data": data, "preset": "smoke", "threads": 1}, timeout=300)
    pictures = shown(out)
    assert len(pictures) == FIGURES
    assert all(map(not_blank, pictures))
    streams = [o for cell in json.loads(out.read_text())["cells"] for o in cell.get("outputs", []) if o["output_type"] == "stream"]
    assert not any("Warning" in "".join(o["text"]) for o in streams)
    printed = "".join("".join(o["text"]) for o in streams if o["name"] == "stdout")
    found = json.loads(printed.strip().splitlines()[-1])
    setup = setups.prepare(recipes.configure("table4", "MDL4", "smoke", data, {"seed": 0}), progress=False)
    training.train(setup)
    assert found["Rank-1"] == {name: round(result.mean["R1"], 4) for name, result in testing.evaluate(setup).items()}
    assert found["numbers"] == {
        "trained": sum(p.numel() for p in setup.net.parameters()),
        "deployed": sum(p.numel() for p in setup.net.export().parameters()),
    }
    assert "epoch   2/2" in printed
    assert not (tmp_path / "runs").exists(), "a first look leaves nothing behind"


def markdown():
    return [c for c in json.loads(NOTEBOOK.read_text())["cells"] if c["cell_type"] == "markdown"]


def test_it_leads_to_every_notebook_of_the_series_and_every_exercise():
    links = set(re.findall(r"\]\(([^)#]+\.ipynb)\)", "".join("".join(c["source"]) for c in markdown())))
    there = {str(p.relative_to(NOTEBOOK.parent)) for p in NOTEBOOK.parent.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts}
    assert links <= there, f"links to nowhere: {links - there}"
    assert there - {NOTEBOOK.name} <= links, f"not on the map: {there - links}"


def test_its_commands_exist():
    from bdlab.cli import main

    said = re.findall(r"`bdlab (\w+)", "".join("".join(c["source"]) for c in markdown()))
    assert set(said) >= {"demo", "run", "plan", "doctor"}
    assert set(said) <= set(main.commands)


def test_cells_keep_their_ids_and_every_figure_has_words_on_both_sides():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert [c["id"] for c in cells] == [f"cell-{k:02d}" for k in range(len(cells))]
    drawing = [k for k, c in enumerate(cells) if re.search(r"^(method|figures|notebook\.curves)[.(]", "".join(c["source"]), re.MULTILINE)]
    assert len(drawing) == FIGURES
    for k in drawing:
        assert "Expect" in "".join(cells[k - 1]["source"]), k
        assert "We see" in "".join(cells[k + 1]["source"]), k


def test_every_letter_is_explained_before_it_is_used():
    """The paper's letters: where each first stands in the text, its meaning has been said or is said there."""
    text = "".join("".join(c["source"]) for c in markdown())
    for letter, meaning in {
        "$V$": "visible pictures $V$", "$D_V$": "a *relative* is made, $D_V$ from $V$", "$F_I$": "four stems $F_I$",
        "$F_S$": "one trunk $F_S$", "$L_{MML}$": "$L_{MML}$, the *multi-mode* loss", "$L_{MDL}$": "$L_{MDL}$, the *multi-directional* loss",
    }.items():  # fmt: skip
        assert text.index(meaning) <= text.index(letter), letter
