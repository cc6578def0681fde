"""The figures of embeddings while they train hold the frames they were given."""

import numpy as np
import pytest

from bdlab.modality import MDL_GRAPHS
from bdlab.workbench.losses import films, toy


@pytest.fixture(scope="module")
def runs():
    return {name: toy.train(MDL_GRAPHS[name], steps=6, every=1) for name in ("base", "mdl4")}


class TestEmbeddings:
    def test_films_stand_in_one_plane_and_scale(self, runs):
        figure = films.collapse(runs, shown=(0, 2, -1), people=3)
        strips = [ax for ax in figure.axes if ax.get_title().startswith("step")]
        assert [ax.get_title() for ax in strips] == ["step 0", "step 2", "step 6"] * 2
        assert len({ax.get_xlim() for ax in strips}) == 1
        points = [ax.collections[0].get_offsets() for ax in strips]
        assert points[0].shape == (12, 2)
        np.testing.assert_allclose(points[0], points[3], err_msg="both start alike")
        (spread,) = (ax for ax in figure.axes if ax.get_title() == "spread of the features")
        for line, frames in zip(spread.lines, runs.values(), strict=True):
            np.testing.assert_allclose(line.get_ydata(), [frame.spread for frame in frames])

    def test_fig3_says_what_was_measured(self, runs):
        axes = films.fig3({name: frames[-1] for name, frames in runs.items()}, people=4).axes
        for ax, frames, streams in zip(axes, runs.values(), (2, 4), strict=True):
            assert (
                f"V–I gap {frames[-1].gap:.2f}, Rank-1 {frames[-1].rank1:.0%} (all 24 new people)"
                in ax.get_title()
            )
            assert len(ax.collections) == streams
            assert len(ax.lines) == 4
            assert [t.get_text() for t in ax.texts] == ["1", "2", "3", "4"]

    def test_fig3_circles_whom_their_pictures_find(self):
        """Persons 0 and 1 lie apart with V on I; person 2's V lies on person 3's I and back."""
        spots = np.array([[0.0, 0], [9, 0], [0, 9], [9, 9]]).repeat(2, axis=0)
        swapped = spots[[0, 1, 2, 3, 6, 7, 4, 5]]
        ids = np.arange(4).repeat(2)
        frame = toy.Frame(0, {toy.V: spots, toy.I: swapped + 0.1}, ids, 0.0)
        assert [frame.matched(person) for person in range(4)] == [True, True, False, False]
        assert frame.rank1 == 0.5
        (ax,) = films.fig3({"one": frame}, people=4).axes
        assert len(ax.patches) == 2

    def test_seeds_and_curves_are_the_numbers(self, runs):
        found = {name: [frames[-1], frames[2]] for name, frames in runs.items()}
        gap, rank1 = films.seeds(found).axes
        np.testing.assert_allclose(
            [line.get_ydata() for line in gap.lines[:2]],
            [[f[k].gap for f in found.values()] for k in (0, 1)],
        )
        assert [t.get_text() for t in rank1.texts] == [
            f"{np.mean([f.rank1 for f in each]):.2f}" for each in found.values()
        ]
        ax = films.curves({"a": [[1, 2], [3, 4]], "b": [[5, 6], [7, 8]]}, [0, 10], "gap").axes[0]
        thick = [line.get_ydata().tolist() for line in ax.lines if line.get_linewidth() > 2]
        assert thick == [[2, 3], [6, 7]]
