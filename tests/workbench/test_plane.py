"""The one PCA against numpy's SVD, whichever side of the matrix is the shorter."""

import numpy as np
import pytest

from bdlab.workbench import plane


@pytest.mark.parametrize(("count", "dim"), [(50, 7), (7, 50), (2500, 5), (12, 12)])
def test_it_is_the_svds(count, dim):
    rng = np.random.default_rng(count)
    features = (rng.normal(size=(count, dim)) * np.linspace(1, 3, dim)).astype(np.float32)
    centred = features.astype(float) - features.mean(axis=0, dtype=float)
    u, s, v = np.linalg.svd(centred, full_matrices=False)
    middle, directions, shares = plane.widest(features)
    np.testing.assert_allclose(middle, features.mean(axis=0, dtype=float))
    np.testing.assert_allclose(np.abs(directions @ v[:2].T), np.eye(2), atol=1e-6)
    np.testing.assert_allclose(shares, s[:2] ** 2 / (s**2).sum(), rtol=1e-6)
    points, again = plane.pca(features)
    np.testing.assert_allclose(np.abs(points), np.abs(u[:, :2] * s[:2]), atol=1e-5)
    np.testing.assert_array_equal(again, shares)


def test_a_direction_points_where_its_largest_coordinate_is_positive():
    features = np.random.default_rng(0).normal(size=(30, 6))
    for given in (features, -features):
        _, directions, _ = plane.widest(given)
        largest = np.abs(directions).argmax(axis=1)
        assert (directions[[0, 1], largest] > 0).all()


def test_what_has_no_second_direction():
    one = plane.pca(np.array([[1.0], [2.0], [4.0]]))
    np.testing.assert_allclose(np.abs(one[0][:, 0]), [4 / 3, 1 / 3, 5 / 3])
    assert (one[0][:, 1] == 0).all()
    np.testing.assert_allclose(one[1], [1, 0])
    still = plane.pca(np.ones((4, 3)))
    assert np.isfinite(still[0]).all()
    assert (still[0] == 0).all()
    assert (still[1] == 0).all()


def test_a_large_set_is_never_widened_whole():
    """10,000 features of 512 numbers: what is held beside them stays below their own size."""
    import tracemalloc

    features = np.random.default_rng(0).normal(size=(10_000, 512)).astype(np.float32)
    tracemalloc.start()
    plane.pca(features)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < features.nbytes
