"""A SYSU-MM01 with as many pictures of every identity and camera as the real one: the data doctor
and the reader know it in both forms in which it is whole.
"""

from __future__ import annotations

import shutil

import pytest

from bdlab import datasets, rules
from bdlab.datasets import check

from . import numbers, recipes

pytestmark = pytest.mark.slow

TOTALS = numbers.read("sysu_totals.json")


@pytest.fixture(scope="module", params=[513, 491])
def tree(request, tmp_path_factory):
    root = tmp_path_factory.mktemp(f"sysu{request.param}") / "set"
    recipes.sysu_tree(root, request.param)
    yield request.param, root
    shutil.rmtree(root)


@pytest.mark.slow
def test_both_whole_forms_are_the_published_set(tree):
    folders, root = tree
    report = check.check(root, progress=False)
    assert report.ok, report.text()
    assert any("all counts are the published ones" in note for note in report.notes)
    whole = TOTALS[f"whole_{folders}"]
    assert report.counts["identities"] == whole["identities"]
    assert report.counts["visible pictures"] == whole["visible"]
    assert report.counts["infrared pictures"] == whole["infrared"]
    dataset = datasets.open("sysu", root)
    assert dataset.provenance["unlike_published"] == []
    for part, theirs in (("train", "train_and_val"), ("test", "test")):
        assert rules.counted(dataset.records, part) == {
            "identities": TOTALS[theirs]["identities"],
            "visible pictures": TOTALS[theirs]["visible"],
            "infrared pictures": TOTALS[theirs]["infrared"],
            "pictures": TOTALS[theirs]["visible"] + TOTALS[theirs]["infrared"],
        }
    # the broken variant: one picture of the test part less
    fewer = [r for r in dataset.records if r.path != "cam1/0006/0001.jpg"]
    assert len(fewer) == len(dataset.records) - 1
    wrong = rules.unlike_published(rules.SYSU, fewer)
    assert wrong == ["6,774 test visible pictures, published 6,775"]


class Row:
    """A record as ``rules`` reads it."""

    def __init__(self, identity, camera, split):
        from bdlab.modality import Modality

        self.identity, self.camera, self.split = identity, camera, split
        self.modality = Modality.I if camera in recipes.INFRARED else Modality.V


def rows(drop=lambda identity, camera: False):
    made = []
    for (identity, camera), (count, part) in recipes.sysu_counts().items():
        if part != "none" and not drop(identity, camera):
            made += [Row(identity, camera, part)] * count
    return made


def test_the_authors_counts_are_the_records():
    assert rules.unlike_published(rules.SYSU, rows()) == []
    forms = [TOTALS["whole_513"], TOTALS["whole_491"]]
    assert [dict(form) for form in rules.SYSU.wholes] == [
        {
            "identities": form["identities"],
            "visible pictures": form["visible"],
            "infrared pictures": form["infrared"],
        }
        for form in forms
    ]


def test_what_a_test_will_have_is_known_from_the_records():
    test = [row for row in rows() if row.split == "test"]
    for setting in rules.SYSU.settings:
        found = rules.expected_counts(rules.SYSU, setting, test)
        assert found == {
            "queries": TOTALS["queries"],
            "gallery": TOTALS["gallery"][f"{setting.mode}-{setting.shots}"],
            "valid_queries": TOTALS["valid_queries"][setting.mode],
        }


@pytest.mark.parametrize(
    ("drop", "says"),
    [
        (lambda i, c: i == 6 and c == 1, "all-single: gallery 300, published 301"),
        (lambda i, c: c == 6, "all-single: queries 1,883, published 3,803"),
        (lambda i, c: i % 2 == 1, "test identities, published 96"),
    ],
)
def test_a_part_of_the_set_is_known_before_training(drop, says):
    assert any(says in words for words in rules.unlike_published(rules.SYSU, rows(drop)))
