"""How a drawn gallery is laid out, so that whole rows of distances can be worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int


class Gallery:
    """Galleries drawn from the columns of a distance matrix, laid out so that whole rows can be
    worked on.

    ``draws`` [T, g] columns: T draws that differ in pictures but not in the sequence of identities
    (SYSU-MM01's trials), so that everything but the distances is the same for all and their rows
    are ranked as one matrix. With ``unique`` the columns are regrouped: the first picture of every
    identity, then the second of those that have one, ..., identities by falling number. The minimum
    over an identity is then a minimum of a few contiguous runs.
    """

    def __init__(
        self,
        gallery_ids: Int[np.ndarray, " G"],
        draws: Int[np.ndarray, "T g"],
        unique: bool,
    ) -> None:
        self.drawn = np.asarray(draws)
        self.trials, self.length = self.drawn.shape
        everything = np.arange(len(gallery_ids))
        alone = self.trials == 1 and not unique
        self.whole = alone and np.array_equal(self.drawn[0], everything)
        self.ids, code, self.counts = np.unique(
            gallery_ids[self.drawn[0]],
            return_inverse=True,
            return_counts=True,
        )
        self.starts = np.cumsum(self.counts) - self.counts
        by_identity = np.argsort(code, kind="stable")
        self.layout = np.arange(self.length)  # column of a part -> place in the draw
        self.runs: list[int] = []  # lengths of the runs: identities with a k-th picture
        if unique:
            self._regroup(code, by_identity)
        self.columns = self.drawn[:, self.layout].ravel()  # [T, g] -> [T g]
        # The k-th picture of identity c stands in column where[starts[c] + k].
        place = np.argsort(self.layout)
        self.where = place[by_identity]

    def _regroup(
        self,
        code: np.ndarray,
        by_identity: np.ndarray,
    ) -> None:
        """First pictures first: by number of the picture within its identity, then by identity."""
        slot = np.empty(self.length, dtype=np.intp)
        first = np.repeat(self.starts, self.counts)
        slot[by_identity] = np.arange(self.length) - first
        falling = -self.counts[code]
        self.layout = np.lexsort((code, falling, slot))
        self.runs = np.bincount(slot).tolist()

    def matches(self, query_ids: Int[np.ndarray, " Q"]) -> tuple[np.ndarray, np.ndarray]:
        """Columns [Q, P] of each query's own identity, P the largest number, and which of them are
        there [Q, P] bool.
        """
        code = np.searchsorted(self.ids, query_ids)
        code = code.clip(max=len(self.ids) - 1)
        known = self.ids[code] == query_ids
        number = np.where(known, self.counts[code], 0)
        k = np.arange(max(1, number.max()))
        real = k < number[:, None]  # [P] against [Q, 1] -> [Q, P]
        nth = self.starts[code][:, None] + k
        return self.where[np.where(real, nth, 0)], real
