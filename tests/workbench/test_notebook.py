"""What every notebook starts and ends with: training by hand draws itself, resumes, commits; a
sweep's is a line an epoch.
"""

import sys
import types

import pytest
import torch

from bdlab.experiments import runs, sweeps
from bdlab.training import extract
from bdlab.training import setup as setups
from bdlab.workbench import notebook


@pytest.fixture
def shown(monkeypatch):
    """What a notebook would display: every figure put into the one live place."""
    figures = []
    place = types.SimpleNamespace(update=figures.append)
    monkeypatch.setitem(
        sys.modules, "IPython.display", types.SimpleNamespace(display=lambda display_id: place)
    )
    return figures


def prepared(**changes):
    config = sweeps.configure(
        "table4", "MDL4", "smoke", "synthetic-regdb", {"epochs": 3, "steps": 2} | changes
    )
    return setups.prepare(config, device="cpu", progress=False)


def test_by_hand_the_curves_are_drawn_after_every_epoch(tmp_path, shown):
    _, history = notebook.train(notebook.Session(None, tmp_path), prepared())
    assert len(shown) == len(history) == 3
    assert [ax.get_title().partition(" ")[0] for ax in shown[-1].axes] == [
        "ID",
        "multi-mode",
        "multi-directional",
        "spread",
    ]
    assert [len(figure.axes[0].lines[0].get_xdata()) for figure in shown] == [1, 2, 3]


def test_an_interrupted_run_goes_on_and_draws_what_came_before(tmp_path, shown, monkeypatch):
    session, first = notebook.Session(None, tmp_path), prepared()

    def stop(figure):
        shown.append(figure)
        raise KeyboardInterrupt

    sys.modules["IPython.display"].display = lambda display_id: types.SimpleNamespace(update=stop)
    with pytest.raises(KeyboardInterrupt):
        notebook.train(session, first)
    sys.modules["IPython.display"].display = lambda display_id: types.SimpleNamespace(
        update=shown.append
    )
    again = prepared()
    _, history = notebook.train(session, again)
    assert again.resumed["exact"] is True
    assert len(history) == 3
    assert [len(figure.axes[0].lines[0].get_xdata()) for figure in shown] == [1, 2, 3]


def test_a_finished_cell_is_taken_not_trained_again(tmp_path, shown, capsys):
    session, first = notebook.Session(None, tmp_path), prepared()
    folder, history = notebook.train(session, first)
    result = notebook.write_result(session, first, folder, extract.evaluate(first), 1.0)
    committed = tmp_path / runs.Cell.of(first).name
    before = {path.name: path.read_bytes() for path in committed.iterdir()}
    shown.clear()
    again = prepared()
    place, lines = notebook.train(session, again)
    assert "is finished already: its weights are taken" in capsys.readouterr().out
    assert (place, lines, shown) == (committed, history, [])
    taken, trained = again.net.state_dict(), first.net.state_dict()
    assert all(torch.equal(value, trained[name]) for name, value in taken.items())
    scores = extract.evaluate(again)
    assert notebook.write_result(session, again, place, scores, 2.0) == result
    assert {path.name: path.read_bytes() for path in committed.iterdir()} == before


def test_another_seed_is_trained(tmp_path, shown):
    session, first = notebook.Session(None, tmp_path), prepared()
    folder, _ = notebook.train(session, first)
    notebook.write_result(session, first, folder, extract.evaluate(first), 1.0)
    _, history = notebook.train(session, prepared(seed=1))
    assert len(history) == 3
    assert len(shown) == 6


def test_a_cell_is_named_by_folder_or_by_name(tmp_path):
    session = notebook.Session(None, tmp_path / "runs")
    (tmp_path / "runs" / "one").mkdir(parents=True)
    assert session.cell("one") == session.cell(str(tmp_path / "runs" / "one"))
    assert session.cell("absent") == tmp_path / "runs" / "absent"


def test_in_a_sweep_it_says_a_line_an_epoch(tmp_path, capsys, shown):
    setup = prepared()
    folder = runs.begin(tmp_path, runs.Cell.of(setup), 1)
    notebook.train(notebook.Session(folder, tmp_path), setup)
    assert shown == []
    assert capsys.readouterr().out.count("epoch ") == 3


def test_the_level_of_a_guess_is_drawn(tmp_path, shown):
    setup = prepared()
    _, history = notebook.train(notebook.Session(None, tmp_path), setup)
    figure = notebook.curves(setup, history)
    dotted = [
        line.get_ydata()[0]
        for ax in figure.axes
        for line in ax.lines
        if line.get_linestyle() == ":"
    ]
    assert dotted == pytest.approx([2.7726, 1.2, 3.0], abs=1e-3)  # ln 16, 4 x 0.3, 6 x 0.5
