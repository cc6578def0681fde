"""People over the epochs: what is drawn are the film's places, the history's shares and the
film's gaps.
"""

import io
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bdlab.modality import BASE, Modality
from bdlab.workbench import explorers
from bdlab.workbench.desk import epochs, film

EPOCHS, PEOPLE, SHOTS = 3, 12, 2
ORDER = list(Modality)


def made(folder, row="B2", seed=0, **other):
    """A cell's folder with a film of made-up places: 12 people, two pictures of V and of I each."""
    random = np.random.default_rng(seed)
    ids = np.tile(np.repeat(np.arange(100, 100 + PEOPLE), SHOTS), 2)
    streams = np.repeat([ORDER.index(m) for m in BASE], PEOPLE * SHOTS)
    arrays = {
        "where": random.uniform(-1, 1, (EPOCHS + 1, len(ids), 2)).astype(np.float16),
        "ids": ids,
        "streams": streams,
        "rank1": np.array([0.1, 0.2, 0.3, 0.4]),
        "gap": np.array([1.0, 0.9, 0.7, 0.5]),
        "apart": 0.0,
        "weights": "w",
    }
    packed = io.BytesIO()
    np.savez(packed, **(arrays | other))
    folder.mkdir()
    (folder / film.FILE).write_bytes(packed.getvalue())
    result = {"params": {"row": row}, "provenance": {"weights_sha256": "w", "seconds": 5.0}}
    (folder / "result.json").write_text(json.dumps(result))
    lines = [
        {"epoch": 1, "relative": {"mdl": 1.0}},
        {"epoch": 3, "relative": {"mdl": 0.25}},
    ]
    (folder / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture
def runs(tmp_path):
    return [epochs.Run(made(tmp_path / row, row, seed)) for seed, row in enumerate(("B2", "MDL4"))]


def drawn(ax):
    """The places of the marks of a panel, in the order they were drawn."""
    return np.concatenate([marks.get_offsets() for marks in ax.collections])


class TestFigures:
    def test_a_strip_shows_the_films_places(self, runs):
        figure = epochs.strips(runs, shown=(0, 2 / 3, 1))
        panels = [ax for ax in figure.axes if "Rank-1" in ax.get_title()]
        titles = ["at the start\nRank-1 10%", "epoch 2\nRank-1 30%", "epoch 3\nRank-1 40%"]
        assert [ax.get_title() for ax in panels] == titles * 2
        for ax, (run, epoch) in zip(panels, [(r, e) for r in runs for e in (0, 2, 3)], strict=True):
            people = run.film.ids < 100 + epochs.PEOPLE
            wanted = run.film.where[epoch][people]
            assert drawn(ax).shape == (epochs.PEOPLE * SHOTS * 2, 2)
            np.testing.assert_allclose(np.sort(drawn(ax), axis=0), np.sort(wanted, axis=0))
        plt.close(figure)

    def test_a_line_joins_the_means_of_v_and_i(self, runs):
        figure = epochs.frame(runs, 1)
        first = figure.axes[0]
        assert len(first.lines) == epochs.PEOPLE
        where, ids, streams = (getattr(runs[0].film, n) for n in ("where", "ids", "streams"))
        for k, line in enumerate(first.lines):
            ends = [
                where[1][(ids == 100 + k) & (streams == ORDER.index(m))].mean(axis=0) for m in BASE
            ]
            np.testing.assert_allclose(np.stack(line.get_data(), axis=1), ends, rtol=1e-6)
        plt.close(figure)

    def test_the_curves_are_the_history_and_the_gaps(self, runs):
        figure = epochs.frame(runs, 2)
        fallen, gap = figure.axes[-2:]
        np.testing.assert_allclose(fallen.lines[0].get_xydata(), [[1, 1.0], [3, 0.25]])
        np.testing.assert_allclose(gap.lines[1].get_ydata(), [1.0, 0.9, 0.7, 0.5])
        assert fallen.lines[-1].get_xdata() == [2, 2]
        plt.close(figure)


class TestFilm:
    def test_the_slider_shows_its_epoch_and_play_moves_it(self, tmp_path):
        board = explorers.epochs(made(tmp_path / "a"), made(tmp_path / "b", "MDL4", 1))
        assert board.epoch.value == EPOCHS
        last = board.shown.value
        board.epoch.value = 0
        assert board.shown.value != last
        board.epoch.value = EPOCHS
        assert board.shown.value == last
        assert (board.play.min, board.play.max) == (0, EPOCHS)

    def test_its_static_twin_is_the_strip(self, tmp_path):
        board = explorers.epochs(made(tmp_path / "a"))
        data, _ = board._repr_mimebundle_()
        assert data["image/png"]

    def test_a_cell_without_triplets_has_no_fallen_hinges(self, tmp_path):
        folder = made(tmp_path / "a", "B1")
        (folder / "history.jsonl").write_text('{"epoch": 1, "relative": {}}\n')
        run = epochs.Run(folder)
        assert run.fallen == []
        plt.close(epochs.strips([run]))

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda cell: (cell / film.FILE).unlink(), "has no film"),
            (lambda cell: (cell / film.FILE).write_bytes(b"no"), "damaged"),
            (lambda cell: (cell / "result.json").unlink(), "no finished cell"),
        ],
    )
    def test_a_sentence_stands_where_a_film_is_missing(self, tmp_path, spoil, said):
        folder = made(tmp_path / "a")
        spoil(folder)
        board = explorers.epochs(folder)
        assert said in board.value
        assert "No film" in board.value

    @pytest.mark.parametrize(
        "other",
        [
            {"weights": "others"},
            {"rank1": np.zeros(2)},
            {"gap": np.zeros(2)},
            {"ids": np.zeros(3, int)},
            {"where": np.full((4, 48, 2), np.nan)},
        ],
        ids=lambda other: next(iter(other)),
    )
    def test_a_film_of_another_training_is_refused(self, tmp_path, other):
        folder = made(tmp_path / "a", **other)
        with pytest.raises(film.FilmError, match="another training"):
            film.opened(folder)
