"""CMC, mAP and mINP of a ranking, exact and without a loop over queries."""

from .arrays import Embedded, distances
from .large import rank_large, ranked_large
from .ranking import NoMatch, Scores, scores, scores_of_draws, topk

__all__ = [
    "Embedded",
    "NoMatch",
    "Scores",
    "distances",
    "rank_large",
    "ranked_large",
    "scores",
    "scores_of_draws",
    "topk",
]
