"""The verdict on two rows is ``verdicts``', over pairs of one split and seed; what may not be
compared is refused by name.
"""

import dataclasses

import numpy as np
import pytest

from bdlab.experiments import verdicts
from bdlab.workbench.comparison import numbers, pairs
from tests.report.test_report import put


@pytest.fixture
def rows(out):
    return by_row(out)


def by_row(out):
    found = numbers.read(out)
    return {row: [c for c in found.cells if found.row(c) == row] for row in found.rows}


def judge(rows, row="MDL4", against="B2"):
    return pairs.judge(row, rows[row], against, rows[against])


def differences(rows, row="MDL4", against="B2"):
    """By loops: every cell with its partner of the same seed."""
    found = []
    for cell in rows[row]:
        for other in rows[against]:
            if cell.params["seed"] == other.params["seed"]:
                found.append(cell.quantity("R1") - other.quantity("R1"))
    return found


def test_pairs_by_seed_and_the_interval_of_verdicts(rows):
    judged = judge(rows)
    np.testing.assert_allclose(judged.verdict.pairs, differences(rows))
    interval = verdicts.paired(differences(rows))
    assert judged.verdict.low == pytest.approx(float(interval.low))
    assert judged.verdict.word == "better"
    assert pairs.words(judged).startswith("MDL4 minus B2, Rank-1 (v2t): +")
    assert "5 seeds: better." in pairs.words(judged)


def test_pairs_in_another_order_are_told_apart(rows):
    """The broken variant: cells paired as they come, not by their seeds."""
    rows["B2"].reverse()
    straight = [a.quantity("R1") - b.quantity("R1") for a, b in zip(*_two(rows), strict=True)]
    assert not np.allclose(judge(rows).verdict.pairs, straight)
    np.testing.assert_allclose(judge(rows).verdict.pairs, differences(rows))


def _two(rows):
    return rows["MDL4"], rows["B2"]


def test_what_the_rows_differ_in(rows):
    judged = judge(rows)
    assert any(words.startswith("modalities V I DV DI against V I") for words in judged.differs)
    assert not any(words.startswith(("seed", "row", "root")) for words in judged.differs)
    assert judged.notes == [pairs.ALONE]
    notes = judge(rows, "MDL2").notes
    assert "In 5 of 10 cells the triplets are dead." in notes


def test_few_seeds_have_no_word(rows):
    rows["B2"] = rows["B2"][:1]
    assert "1 seed: too few seeds (from 5)." in pairs.words(judge(rows))
    rows["MDL4"] = rows["MDL4"][1:]
    assert pairs.words(judge(rows)) == "MDL4 and B2 have no seed in common: nothing to pair."


def test_unlike_pairs_are_said(rows):
    cell = rows["B2"][0]
    provenance = cell.result["provenance"] | {"threads": 7, "selection": "last epoch (epoch 3)"}
    rows["B2"][0] = dataclasses.replace(cell, result={**cell.result, "provenance": provenance})
    assert judge(rows).notes[0] == "Unlike pairs: they differ in threads."


class TestRefused:
    def test_a_row_of_several_values(self, out):
        put(out, "MDL4", 0, gamma=2.0)
        with pytest.raises(numbers.BoardError, match=r"several values of gamma.*filter by gamma"):
            judge(by_row(out))

    def test_two_data_sets(self, out):
        put(out, "MDL4", 0, data="sysu", settings=("all-single",))
        with pytest.raises(numbers.BoardError, match="several values of data"):
            judge(by_row(out))
        rows = by_row(out)
        rows["MDL4"] = [cell for cell in rows["MDL4"] if cell.param("data") == "sysu"]
        with pytest.raises(numbers.BoardError, match="two data sets are not compared"):
            judge(rows)

    def test_other_pictures(self, rows):
        cell = rows["B2"][2]
        provenance = cell.result["provenance"] | {"fingerprint": "0" * 64}
        rows["B2"][2] = dataclasses.replace(cell, result={**cell.result, "provenance": provenance})
        with pytest.raises(numbers.BoardError, match="different pictures of regdb"):
            judge(rows)

    def test_a_seed_twice(self, rows):
        rows["B2"].append(rows["B2"][0])
        with pytest.raises(numbers.BoardError, match="several cells of split 1, seed 0"):
            judge(rows)

    def test_no_cell_and_itself(self, rows):
        with pytest.raises(numbers.BoardError, match="No cell of B9 is shown"):
            pairs.judge("B9", [], "B2", rows["B2"])
        with pytest.raises(numbers.BoardError, match="choose two rows"):
            judge(rows, "B2", "B2")
