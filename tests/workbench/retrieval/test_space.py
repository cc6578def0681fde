"""The figures of the embedding space: what they mark is what the distances and maps say."""

import numpy as np
import pytest

from bdlab.modality import BASE, MDL_GRAPHS, Modality
from bdlab.workbench.retrieval import embedding, space
from tests.workbench.looking import drawn, words

V, I, DV, DI = Modality


class TestDistances:
    def test_a_panel_a_pair_with_its_number(self, tested_regdb):
        pairs = embedding.pair_distances(tested_regdb)
        figure = space.distances(pairs, MDL_GRAPHS["mdl4"])
        panels = [ax for ax in figure.axes if ax.axison]
        assert len(panels) == 10
        edges = [ax for ax in panels if ax.get_title().endswith("(edge)")]
        assert sorted(ax.get_title() for ax in edges) == [
            "$I$ – $D_V$  (edge)",
            "$V$ – $D_I$  (edge)",
            "$V$ – $I$  (edge)",
        ]
        assert all((ax.spines["left"].get_linewidth() > 2) == (ax in edges) for ax in panels)
        (cross,) = (ax for ax in panels if ax.get_title().startswith("$V$ – $I$"))
        assert words(cross) == [f"{100 * embedding.overlap(*pairs[V, I]):.1f} %"]
        drawn(figure)

    def test_two_streams_have_three_panels(self):
        rng = np.random.default_rng(0)
        pairs = {pair: (rng.random(9), rng.random(9) + 0.5) for pair in ((V, V), (V, I), (I, I))}
        assert sum(ax.axison for ax in space.distances(pairs).axes) == 3


class TestPoints:
    def sample(self):
        rng = np.random.default_rng(0)
        return rng.normal(size=(8, 2)), np.repeat([4, 9], 4), [V, I, DV, DI] * 2

    def test_marks_tell_the_modality_and_numbers_the_person(self):
        where, ids, modalities = self.sample()
        ax = space.points(where, ids, modalities).axes[0]
        # on its visible and on its infrared pictures
        assert sorted(words(ax)) == ["4", "4", "9", "9"]
        clouds = [c for c in ax.collections if len(c.get_offsets())]
        assert [len(c.get_offsets()) for c in clouds] == [2] * 4
        np.testing.assert_allclose(clouds[1].get_offsets(), where[[1, 5]])
        shapes = {c.get_paths()[0].vertices.tobytes() for c in clouds}
        assert len(shapes) == 4
        assert [len(c.get_facecolor()) > 0 for c in clouds] == [True, True, False, False]
        colours = clouds[0].get_facecolor()
        assert not np.array_equal(colours[0], colours[1])
        drawn(ax.figure)

    def test_by_modality_there_are_no_people(self):
        ax = space.points(*self.sample(), by="modality").axes[0]
        assert words(ax) == []
        assert [t.get_text() for t in ax.get_legend().get_texts()] == [
            "$V$",
            "$I$",
            "$D_V$",
            "$D_I$",
        ]
        with pytest.raises(ValueError, match="identity or modality"):
            space.points(*self.sample(), by="camera")

    def test_maps_side_by_side(self, tested_regdb):
        sample = embedding.sample(tested_regdb, 4, BASE)
        where = embedding.pca(sample.features)[0]
        figure = space.maps(sample, {"PCA": where, "other": where[::-1]})
        assert [ax.get_title() for ax in figure.axes] == [
            f"{m}, coloured by {by}" for by in ("identity", "modality") for m in ("PCA", "other")
        ]
