"""Pictures as columns: the same as their records, in a fraction of the memory."""

import tracemalloc

import numpy as np
import pytest

from bdlab.datasets import Record
from bdlab.deploy.columns import Building, Columns
from bdlab.modality import Modality

V, I = Modality.V, Modality.I
NAMES = ("a.jpg", "zoé/張/b.png", "", "x" * 300, "bad\udcff.jpg", "last.bmp")


def records():
    rows = []
    for n, name in enumerate(NAMES):
        rows.append(Record(name, n - 1, (V, I)[n % 2], 7 * n, ("train", "", "test")[n % 3]))
    return rows


def test_they_say_what_the_records_said():
    wanted = records()
    found = Columns.of(wanted)
    assert list(found) == wanted
    assert [found[n] for n in range(len(wanted))] == wanted
    assert found[-1] == wanted[-1]
    assert list(found.paths()) == list(NAMES)
    assert found == wanted
    assert found == tuple(wanted)
    assert found != wanted[:-1]
    assert found != [*wanted[:-1], wanted[0]]
    with pytest.raises(IndexError):
        found[len(wanted)]


@pytest.mark.parametrize("rows", [[0, 1, 2], [2, 3, 4], [5], [], [4, 0, 2], [1, 3], [1, 1]])
def test_some_rows(rows):
    wanted = [records()[row] for row in rows]
    found = Columns.of(records()).take(np.array(rows, dtype=int))
    assert list(found) == wanted
    assert list(found.take(np.arange(len(rows))[::-1])) == wanted[::-1]


@pytest.mark.parametrize("key", [slice(None), slice(1, 4), slice(None, None, 2), slice(9, 12)])
def test_slices_are_columns(key):
    found = Columns.of(records())[key]
    assert isinstance(found, Columns)
    assert list(found) == records()[key]


def test_other_numbers_for_the_same_people():
    found = Columns.of(records()).known_as(np.arange(6) * 10)
    assert [r.identity for r in found] == [0, 10, 20, 30, 40, 50]
    assert [r.path for r in found] == list(NAMES)


def test_a_row_costs_little():
    """The broken variant is a tuple of records: five times as much."""
    count = 20_000

    def built():
        made = Building()
        for n in range(count):
            made.add(f"infrared/{n % 99:05d}/{n}.jpg", n, I, n % 6, "test")
        return made.done()

    def listed():
        return tuple(Record(f"infrared/{n % 99:05d}/{n}.jpg", n, I, n % 6) for n in range(count))

    cost = {}
    for make in (built, listed):
        tracemalloc.start()
        made = make()
        cost[make] = tracemalloc.get_traced_memory()[0] / count
        tracemalloc.stop()
        assert len(made) == count
    assert cost[built] < 64 < 150 < cost[listed]
