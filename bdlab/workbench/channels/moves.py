"""What the channel explorer can take back: the states that were left, moves of one hand as one."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

ONE_MOVE = 1.0  # seconds: a drag of one slider, a film of epochs
MOST = 200  # states that are kept


@dataclass(frozen=True)
class State:
    """What makes the pictures: the ten numbers, where they came from, their space, the epoch, and
    what stands beside them (whose, and of which epoch).
    """

    numbers: tuple[float, ...]
    asked: str
    space: str
    epoch: int | None
    beside: tuple[str, int | str] | None = None


@dataclass
class Moves:
    """The states before ``now`` and those that were taken back."""

    now: State
    before: list[State] = field(default_factory=list)
    after: list[State] = field(default_factory=list)
    _last: tuple[Any, float] = (None, 0.0)

    def to(self, state: State) -> None:
        """A new state. What one slider, or the epochs, do within a second of each other is one
        move.
        """
        if state == self.now:
            return
        kind, at = _kind(self.now, state), time.monotonic()
        again = kind is not None and kind == self._last[0] and at - self._last[1] < ONE_MOVE
        if not (again and self.before):
            self.before = [*self.before, self.now][-MOST:]
        self.now, self.after, self._last = state, [], (kind, at)

    def undo(self) -> State:
        """The state before; the same one where there is none."""
        if self.before:
            self.after.append(self.now)
            self.now = self.before.pop()
        self._last = (None, 0.0)
        return self.now

    def redo(self) -> State:
        """The state that was taken back last; the same one where there is none."""
        if self.after:
            self.before.append(self.now)
            self.now = self.after.pop()
        self._last = (None, 0.0)
        return self.now


def _kind(old: State, new: State) -> Any:
    """What moved: the number of one slider, ``epoch``, ``beside`` for the epoch of what stands
    beside, or None for all at once.
    """
    if old.beside != new.beside:
        return "beside" if old.beside and new.beside and old.beside[0] == new.beside[0] else None
    if old.epoch != new.epoch:
        return "epoch"
    pairs = enumerate(zip(old.numbers, new.numbers, strict=True))
    moved = [k for k, (one, other) in pairs if one != other]
    return moved[0] if len(moved) == 1 and old.space == new.space else None
