"""States left, taken back and made again."""

from dataclasses import replace

import pytest

from bdlab.workbench.channels import moves
from bdlab.workbench.channels.moves import Moves, State

START = State((0.0,) * 10, "uniform", "normalised", 0)


def slid(k, value, state=START):
    numbers = [*state.numbers]
    numbers[k] = value
    return State(tuple(numbers), state.asked, state.space, state.epoch)


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets."""
    now = [0.0]
    monkeypatch.setattr(moves.time, "monotonic", lambda: now[0])
    return now


def test_there_and_back(clock):
    one = Moves(START)
    states = [START, slid(0, 0.1), slid(3, 0.2), slid(0, 0.5)]
    for state in states[1:]:
        clock[0] += 5
        one.to(state)
    for state in states[-2::-1]:
        assert one.undo() == state
    assert one.undo() == START, "nothing before the start"
    for state in states[1:]:
        assert one.redo() == state
    assert one.redo() == states[-1]


def test_a_slider_within_a_second_is_one_move_and_two_sliders_are_two(clock):
    one = Moves(START)
    for value in (0.1, 0.2, 0.3):
        clock[0] += 0.5
        one.to(slid(0, value))
    one.to(slid(1, 0.4, one.now))
    assert one.undo() == slid(0, 0.3)
    assert one.undo() == START


def test_a_pause_begins_a_new_move(clock):
    one = Moves(START)
    one.to(slid(0, 0.1))
    clock[0] += 1.5
    one.to(slid(0, 0.2))
    assert one.undo() == slid(0, 0.1)


def test_all_numbers_at_once_are_each_a_move(clock):
    one = Moves(START)
    for value in (1.0, 2.0):
        one.to(State((value,) * 10, "preset", "normalised", 0))
    assert one.undo().numbers == (1.0,) * 10
    assert one.undo() == START


def test_a_film_is_one_move(clock):
    one = Moves(START)
    for epoch in (1, 2, 3):
        clock[0] += 0.3
        one.to(State((float(epoch),) * 10, f"after epoch {epoch}", "normalised", epoch))
    assert one.undo() == START


def test_a_new_move_ends_what_was_taken_back(clock):
    one = Moves(START)
    one.to(slid(0, 0.1))
    one.undo()
    one.to(slid(2, 0.7))
    assert one.redo() == slid(2, 0.7)
    assert len(one.before) == 1


def test_memory_ends(clock):
    one = Moves(START)
    for k in range(moves.MOST + 50):
        clock[0] += 5
        one.to(slid(0, 1.0 + k))
    assert len(one.before) == moves.MOST


def test_what_stands_beside_is_a_move_and_its_epochs_are_one(clock):
    one = Moves(START)
    states = [replace(START, beside=("a run", epoch)) for epoch in (0, 1, 2)]
    for state in states:
        one.to(state)
    assert one.undo() == states[0]
    assert one.undo() == START
