"""Corrupted pictures: a fixed picture for a path, kind and severity; harder the higher; the input
untouched.
"""

import numpy as np
import pytest

from bdlab import rules
from bdlab.datasets import corruption, pictures
from bdlab.datasets.corruption import KINDS, apply, corrupt
from bdlab.modality import Modality

SEVERITIES = rules.SEVERITIES
(MIXED,) = rules.corruptions("mixed")


@pytest.fixture(scope="module")
def people(regdb):
    """{path: picture of 64 x 32 pixels} of twelve visible test pictures."""
    found = {}
    for row in regdb.select("test", Modality.V)[:12]:
        path = regdb.records[row].path
        found[path] = pictures.load(regdb.root / path, 64, 32)
    return found


def test_every_kind_that_is_named_exists():
    named = [kind for kinds in rules.CORRUPTIONS.values() for kind in kinds]
    assert sorted(named) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
class TestKinds:
    def test_a_pure_function_that_leaves_its_input(self, people, kind):
        path, picture = next(iter(people.items()))
        before = picture.copy()
        made = [apply(picture, path, kind, 3) for _ in range(2)]
        np.testing.assert_array_equal(made[0], made[1])
        np.testing.assert_array_equal(picture, before)
        assert made[0].dtype == np.uint8
        assert made[0].shape == picture.shape

    def test_each_severity_is_further_from_the_clean_picture(self, people, kind):
        far = []
        for severity in SEVERITIES:
            gaps = []
            for path, picture in people.items():
                made = apply(picture, path, kind, severity)
                gaps.append(np.abs(made.astype(float) - picture).mean())
            far.append(np.mean(gaps))
        assert far[0] > 0
        assert (np.diff(far) > 0).all(), far

    @pytest.mark.parametrize("size", [(8, 8), (288, 144)])
    def test_pictures_of_any_size(self, kind, size):
        grey = np.full((*size, 3), 128, dtype=np.uint8)
        assert apply(grey, "a.bmp", kind, 5).shape == (*size, 3)


def test_people_differ_in_their_draw(people):
    """What is drawn belongs to the path: one picture under two paths is two corruptions."""
    picture = next(iter(people.values()))
    for kind in ("gaussian_noise", "snow", "elastic", "motion_blur"):
        assert (apply(picture, "a.bmp", kind, 3) != apply(picture, "b.bmp", kind, 3)).any()


def test_a_mixed_test_has_every_kind_and_severity():
    made = set()
    for n in range(1500):
        path = f"visible/{n}.bmp"
        kind = corruption._drawn(path, "kind", MIXED.kinds)
        made.add((kind, corruption._drawn(path, "severity", MIXED.severities)))
    assert made == {(kind, severity) for kind in KINDS for severity in SEVERITIES}


def test_a_picture_keeps_its_kind_from_one_severity_to_the_next(people):
    """So mixed-1 to mixed-5 differ in severity alone."""
    tests = rules.corruptions("mixed-1 mixed-5")
    for path, picture in people.items():
        kind = corruption._drawn(path, "kind", MIXED.kinds)
        for test in tests:
            want = apply(picture, path, kind, test.severities[0])
            np.testing.assert_array_equal(corrupt(picture, path, test), want)


def test_a_draw_by_place_in_the_list_would_move(people):
    """The broken variant: a generator for the whole test gives a picture another corruption as soon
    as one before it is gone; by the path it stays.
    """

    def by_place(paths):
        draw = np.random.default_rng(0)
        return {path: draw.integers(len(KINDS)) for path in paths}

    paths = list(people)
    whole, fewer = by_place(paths), by_place(paths[1:])
    assert any(whole[path] != fewer[path] for path in fewer)
    last = paths[-1]
    alone = corrupt(people[last], last, MIXED)
    made = {path: corrupt(people[path], path, MIXED) for path in paths}
    np.testing.assert_array_equal(made[last], alone)


@pytest.mark.parametrize(
    "bad", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((8, 8, 4), np.uint8)]
)
def test_what_is_no_picture_is_named(bad):
    with pytest.raises(ValueError, match=r"uint8 \[H, W, 3\] is meant"):
        corrupt(bad, "a.bmp", MIXED)
