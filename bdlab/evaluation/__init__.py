"""CMC, mAP and mINP of a ranking, exact and without a loop over queries."""

from .ranking import (
    Embedded,
    NoMatch,
    Scores,
    distances,
    rank_large,
    scores,
    scores_of_draws,
    topk,
)

__all__ = [
    "Embedded",
    "NoMatch",
    "Scores",
    "distances",
    "rank_large",
    "scores",
    "scores_of_draws",
    "topk",
]
