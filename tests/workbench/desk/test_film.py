"""A film is of the cell's own training: its frames are held against features that are embedded
epoch by epoch, and a film that is damaged or of another training is refused.
"""

import json
import shutil

import numpy as np
import pytest
import torch
import traitlets

from bdlab.experiments import cell as cells
from bdlab.experiments import runs, sweeps
from bdlab.modality import Modality
from bdlab.training import extract, loop
from bdlab.training.setup import prepare
from bdlab.workbench import explorers
from bdlab.workbench.desk import film, numbers
from bdlab.workbench.plane import pca
from bdlab.workbench.retrieval import search

EPOCHS = 2


def configured(**more):
    return sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb", {"epochs": EPOCHS} | more)


@pytest.fixture(scope="module")
def filmed(own_place, tmp_path_factory):
    """A cell of two epochs with its film, and what was said while it was shot."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("filmed") / "cell"
    folder.mkdir()
    cells.run(configured(), folder, device="cpu")
    said = []
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    path = film.shoot(folder, device="cpu", say=said.append)
    assert path == folder / film.FILE
    for name, data in before.items():
        assert (folder / name).read_bytes() == data, "nothing else changes"
    return folder, said


@pytest.fixture
def copy(filmed, tmp_path):
    """The same cell in a folder of the test's own, and a word to open it."""
    folder = tmp_path / "cell"
    shutil.copytree(filmed[0], folder)
    return folder, lambda: search.reopen(folder, device="cpu")


class TestShooting:
    def test_the_frames_are_the_features_of_every_epoch(self, filmed):
        folder, said = filmed
        tested = search.reopen(folder, device="cpu")
        kept = film.read(tested)
        assert kept.epochs == EPOCHS
        assert [line.split()[:2] for line in said] == [["epoch", "1/2"], ["epoch", "2/2"]]
        setup = prepare(configured(), "cpu", progress=False)
        seen = []

        def embed(_=None):
            embedded = extract.embed(setup, modalities=list(Modality))
            first = extract.evaluate(setup, embedded=embedded)["v2t"].mean["R1"]
            seen.append((np.concatenate([embedded[m].features for m in Modality]), first))

        embed()
        loop.train(setup, on_epoch=embed)
        # the plane of the end, by the points that pca itself gives
        points, _ = pca(seen[-1][0])
        middle = seen[-1][0].astype(np.float64).mean(axis=0)
        own = seen[-1][0].astype(np.float64) - middle
        directions = np.linalg.lstsq(own, points, rcond=None)[0]
        centre = (points.max(axis=0) + points.min(axis=0)) / 2
        reach = np.abs(points - centre).max()
        for epoch, (features, rank1) in enumerate(seen):
            wanted = ((features - middle) @ directions - centre) / reach
            np.testing.assert_allclose(kept.where[epoch], wanted, atol=1e-3)
            assert kept.rank1[epoch] == rank1
        assert np.abs(kept.where[0] - kept.where[-1]).max() > 0.05, "something moves"

    def test_the_last_frame_is_the_map(self, filmed):
        tested = search.reopen(filmed[0], device="cpu")
        kept = film.read(tested)
        np.testing.assert_allclose(kept.where[-1], numbers.plane(tested)[0], atol=5e-4)
        assert kept.apart < 1e-5
        assert kept.words(0).startswith("before the first step: Rank-1 was")
        assert kept.words(2).startswith("epoch 2 of 2: Rank-1 was")
        assert "elsewhere" not in kept.words(2)
        assert kept.rank1[-1] == tested.results["v2t"].mean["R1"]

    def test_a_training_that_ends_elsewhere_says_so(self, copy):
        """The broken variant: another seed is trained than the cell's."""
        folder, opened = copy
        for name in ("result.json", "params.json"):
            kept = json.loads((folder / name).read_text())
            params = kept.get("params", kept)
            params["seed"] = 1
            runs.write_json(folder / name, kept)
        film.shoot(folder, device="cpu", say=lambda line: None)
        kept = film.read(opened())
        assert kept.apart > 10 * film.ALIKE
        assert "ended elsewhere" in kept.words(1)

    def test_threads_are_as_they_were(self, copy, monkeypatch):
        folder, _ = copy
        result = json.loads((folder / "result.json").read_text())
        result["provenance"]["threads"] = 2
        runs.write_json(folder / "result.json", result)
        tested, seen = search.reopen(folder, device="cpu"), []
        frame = film._frame(tested, numbers.Plane(numbers.features(tested)))
        monkeypatch.setattr(film, "_frame", lambda *_: frame)
        monkeypatch.setattr(film, "train", lambda *_, **__: seen.append(torch.get_num_threads()))
        film.shoot(folder, device="cpu")
        assert (seen, torch.get_num_threads()) == ([2], 1)


class TestReading:
    def test_a_cell_without_a_film_is_told_how_to_make_one(self, copy):
        folder, opened = copy
        (folder / film.FILE).unlink()
        with pytest.raises(film.FilmError, match=r'has no film.*film\.shoot\(".*cell"\)') as told:
            film.read(opened())
        assert "the first training took" in str(told.value)

    def test_a_network_without_a_folder(self, tested_regdb):
        with pytest.raises(film.FilmError, match="has no folder"):
            film.read(tested_regdb)

    @pytest.mark.parametrize("spoil", ["cut", "flipped", "empty", "text"])
    def test_a_damaged_film(self, copy, spoil):
        folder, opened = copy
        data = bytearray((folder / film.FILE).read_bytes())
        if spoil == "flipped":
            data[len(data) // 4] ^= 255
        kept = {"cut": data[:-300], "flipped": data, "empty": b"", "text": b"a film"}[spoil]
        (folder / film.FILE).write_bytes(kept)
        with pytest.raises(film.FilmError, match=r"film\.npz: damaged.*makes it anew"):
            film.read(opened())

    @pytest.mark.parametrize("part", ["weights", "where"])
    def test_the_film_of_another_training(self, copy, part):
        folder, opened = copy
        with np.load(folder / film.FILE) as kept:
            parts = dict(kept)
        parts |= {"weights": np.array("0" * 64)} if part == "weights" else {}
        parts |= {"where": parts["where"][:, 1:]} if part == "where" else {}
        np.savez(folder / film.FILE, **parts)
        with pytest.raises(film.FilmError, match="of another training"):
            film.read(opened())


class TestBoard:
    @pytest.fixture
    def board(self, filmed, tmp_path):
        return explorers.desk(filmed[0], folder=tmp_path / "figures")

    def test_an_epoch_moves_the_points(self, board, filmed):
        kept = film.read(board.cells[0])
        assert board.film == {"epochs": EPOCHS}
        end, words = board.where, board.told
        for epoch in (0, 1):
            board.view = {"epoch": epoch}
            assert board.where == kept.where[epoch].tobytes() != end
            assert board.told == kept.words(epoch)
        board.view = {"epoch": None}
        assert (board.where, board.told) == (end, words)

    def test_an_epoch_there_is_not(self, board):
        for epoch in (3, -1, True, "1"):
            with pytest.raises(traitlets.TraitError, match="epoch.*there are 0 to 2"):
                board.view = {"epoch": epoch}
        board.view = {"map": "t-SNE"}
        assert "map by PCA" in board.film["why"]
        with pytest.raises(traitlets.TraitError, match="map by PCA"):
            board.view = {"epoch": 1}

    def test_another_map_has_no_frame(self, board):
        board.view = {"epoch": 1}
        board.view = {"map": "t-SNE"}
        assert board.view["epoch"] is None
        board.view = {"map": "PCA"}
        assert board.film == {"epochs": EPOCHS}

    def test_saved_and_restored(self, board, filmed):
        board.view = {"epoch": 1, "window": [0.1, 0.0, 2.0]}
        state = board.state
        other = explorers.desk(filmed[0])
        assert other.restore(state)
        assert (other.state, other.where, other.told) == (state, board.where, board.told)
        parts = json.loads(state)
        del parts["view"]["epoch"]
        assert other.restore(json.dumps(parts)), "a state from before there were films"
        assert other.view["epoch"] is None

    def test_the_figure_shows_the_frame(self, board):
        board.view = {"epoch": 0}
        kept = film.read(board.cells[0])
        chart = board.figure().axes[0]
        drawn = np.concatenate([c.get_offsets() for c in chart.collections[:-1]])
        want = np.sort(kept.where[0].astype(float), axis=0)
        np.testing.assert_allclose(np.sort(drawn, axis=0), want, atol=1e-6)
        assert "before the first step" in " ".join(chart.get_title().split())

    def test_without_a_film_one_sentence(self, tested_regdb):
        board = explorers.desk(tested_regdb)
        assert set(board.film) == {"why"}
        assert "has no folder, so no film" in board.film["why"]
