"""What a protocol returns: the trials of one setting, their means, and what was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bdlab.evaluation import Scores


@dataclass(frozen=True, eq=False)
class Result:
    """The trials of one setting: ``trials`` (Scores), ``draws`` (gallery rows of each trial, in
    gallery order), and ``provenance`` (JSON types: what was done, and the counts); ``ids`` [Q] are
    the queries' identities.

    ``asked``: the query rows of each trial where the queries are drawn; None: all of them ask.
    """

    trials: list[Scores]
    draws: list[np.ndarray]
    provenance: dict[str, Any]
    ids: np.ndarray
    asked: list[np.ndarray] | None = None

    @property
    def mean(self) -> dict[str, float]:
        """R1, R5, R10, R20, mAP, mINP over the trials, as fractions."""
        return self._over_trials(np.mean)

    @property
    def std(self) -> dict[str, float]:
        """The spread of the trials themselves (divisor n): 0 for a single trial."""
        return self._over_trials(np.std)

    def _over_trials(self, average: Callable[[Any], Any]) -> dict[str, float]:
        summaries = [trial.summary() for trial in self.trials]
        averages = {}
        for metric in summaries[0]:
            values = [summary[metric] for summary in summaries]
            averages[metric] = float(average(values))
        return averages

    def cmc(self, ranks: int = 50) -> list[float]:
        """The mean CMC curve up to ``ranks`` or the longest gallery, as fractions."""
        longest = max(trial.length for trial in self.trials)
        curve = []
        for k in range(1, min(ranks, longest) + 1):
            values = [trial.rank(k) for trial in self.trials]
            curve.append(float(np.mean(values)))
        return curve

    def by_identity(self) -> dict[str, list]:
        """For each identity with valid queries: ``ids``, ``queries`` (how many), mean ``R1`` and
        ``mAP`` over them and the trials.
        """
        # the draws differ in pictures, never in identities and cameras
        valid = self.trials[0].valid
        ids, place, queries = np.unique(self.ids[valid], return_inverse=True, return_counts=True)
        hits = [trial.first[valid] == 0 for trial in self.trials]
        precisions = [trial.ap[valid] for trial in self.trials]

        def mean(values: list[np.ndarray]) -> list[float]:
            # [T, valid queries] -> [valid queries] -> [identities]
            sums = np.bincount(place, np.mean(values, axis=0))
            return (sums / queries).round(5).tolist()

        return {
            "ids": ids.tolist(),
            "queries": queries.tolist(),
            "R1": mean(hits),
            "mAP": mean(precisions),
        }

    def to_json(self) -> dict[str, Any]:
        """``mean``, ``std``, ``cmc`` (to rank 50), ``trials``, ``by_identity`` and ``provenance``
        in JSON types.
        """
        return {
            "mean": self.mean,
            "std": self.std,
            "cmc": self.cmc(),
            "trials": [trial.summary() for trial in self.trials],
            "by_identity": self.by_identity(),
            "provenance": self.provenance,
        }
