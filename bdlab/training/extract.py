"""The test of a trained network: features of a part, and the scores of its protocol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from bdlab import pixels, protocols, rules
from bdlab.evaluation import Embedded
from bdlab.modality import BASE, Modality
from bdlab.network import BaseDerivativeNet

from .setup import Setup, TrainingError, permutations

EVALUATION_BATCH = 256  # fixed: another batch size gives other bits


@torch.no_grad()
def embed(
    setup: Setup,
    split: str = "test",
    net: BaseDerivativeNet | None = None,
    modalities: Iterable[Modality] = BASE,
) -> dict[Modality, Embedded]:
    """Test features of one part: unit-length float32 rows with identities, cameras and paths.

    The base modalities are what is deployed; of a derivative one, every picture of its parent is
    derived and embedded.
    """
    net = (net or setup.net).eval()
    embedded = {}
    for m in modalities:
        rows = setup.dataset.select(split, m.parent)
        features = [_features(setup, net, m, rows[i : i + EVALUATION_BATCH]) for i in _starts(rows)]
        records = [setup.dataset.records[row] for row in rows]
        embedded[m] = Embedded(
            torch.cat(features).cpu().numpy(),  # [N, D]
            np.array([record.identity for record in records]),
            np.array([record.camera for record in records]),
            [record.path for record in records],
        )
    return embedded


def _starts(rows: Sequence[int]) -> range:
    """Where each batch of rows begins."""
    return range(0, len(rows), EVALUATION_BATCH)


def _features(
    setup: Setup,
    net: BaseDerivativeNet,
    m: Modality,
    rows: Sequence[int],
) -> torch.Tensor:
    """Test features [B, D] of some rows of the bank as pictures of modality ``m``."""
    stored = setup.bank.pictures[torch.tensor(rows, device=setup.device)]  # [B, 3, H, W] uint8
    x = pixels.normalise(stored)
    if m is not m.parent:
        x = net.derive({m.parent: x})[m]
    feature = net.embed(x, m)
    if not setup.config.test.flip:
        return feature
    return F.normalize(feature + net.embed(x.flip(-1), m), dim=1)


def evaluate(
    setup: Setup,
    split: str = "test",
    embedded: dict[Modality, Embedded] | None = None,
) -> dict[str, protocols.Result]:
    """Scores of every setting of the set's protocol: ``v2t`` and ``t2v``, or SYSU-MM01's four.

    What differs from the plain test (re-ranking, mirrored pictures, pooled feature) is labelled in
    each provenance; ``published_counts`` and ``unlike_published`` say whether this is the published
    test, which the data set's records told before the first step. ``embedded`` is what ``embed``
    gave, if at hand. Raises TrainingError for unfit permutations.
    """
    embedded, config = embedded or embed(setup, split), setup.config
    notes = {"feature": config.model.feature, "flip": config.test.flip}
    options: dict[str, Any] = {"rerank": config.test.rerank, "notes": notes}
    if setup.dataset.exclude != "none":
        options["exclude"] = setup.dataset.exclude
    if split != "test":
        options["unlike"] = [f"people of the {split} part"]
    else:
        options["unlike"] = setup.dataset.provenance.get("unlike_published", ())
        if config.test.draw != rules.draws_of(config.data.data)[0]:
            options["draw"] = config.test.draw
            options["permutations"] = permutations(setup.dataset)
    try:
        return protocols.evaluate(
            setup.dataset.protocol, embedded[Modality.V], embedded[Modality.I], **options
        )
    except ValueError as error:
        raise TrainingError(
            f"{setup.dataset.root}: the test part cannot be scored: {error}. "
            "`bdlab data check` looks it over."
        ) from error
