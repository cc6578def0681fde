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
    corruption: rules.Corruption | None = None,
) -> dict[Modality, Embedded]:
    """Test features of one part: unit-length float32 rows with identities, cameras and paths.

    The base modalities are what is deployed; of a derivative one, every picture of its parent is
    derived and embedded. ``corruption``: visible pictures are corrupted first.
    """
    net = (net or setup.net).eval()
    embedded = {}
    for m in modalities:
        rows = setup.dataset.select(split, m.parent)
        wrong = corruption if m.parent is Modality.V else None
        features = []
        for start in _starts(rows):
            some = rows[start : start + EVALUATION_BATCH]
            features.append(_features(setup, net, m, some, wrong))
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
    corruption: rules.Corruption | None,
) -> torch.Tensor:
    """Test features [B, D] of some rows of the bank as pictures of modality ``m``."""
    stored = setup.bank.pictures[torch.tensor(rows, device=setup.device)]  # [B, 3, H, W] uint8
    if corruption is not None:
        stored = _corrupted(setup, stored, rows, corruption)
    x = pixels.normalise(stored)
    if m is not m.parent:
        x = net.derive({m.parent: x})[m]
    feature = net.embed(x, m)
    if not setup.config.test.flip:
        return feature
    return F.normalize(feature + net.embed(x.flip(-1), m), dim=1)


def _corrupted(
    setup: Setup,
    stored: torch.Tensor,
    rows: Sequence[int],
    corruption: rules.Corruption,
) -> torch.Tensor:
    """Stored pictures [B, 3, H, W] uint8 of these rows, each corrupted."""
    # what filters pictures is imported only where it is asked for
    from bdlab.datasets.corruption import corrupt

    pictures = stored.permute(0, 2, 3, 1).cpu().numpy()  # [B, H, W, 3]
    made = []
    for picture, row in zip(pictures, rows, strict=True):
        made.append(corrupt(picture, setup.dataset.records[row].path, corruption))
    return torch.from_numpy(np.stack(made)).to(stored.device).permute(0, 3, 1, 2)


def evaluate(
    setup: Setup,
    split: str = "test",
    embedded: dict[Modality, Embedded] | None = None,
) -> dict[str, protocols.Result]:
    """Scores of every setting of the set's protocol: ``v2t`` and ``t2v``, or SYSU-MM01's four; and
    where the configuration asks for it, on corrupted visible pictures, as ``v2t@mixed``.

    What differs from the plain test (re-ranking, mirrored pictures, pooled feature) is labelled in
    each provenance; ``published_counts`` and ``unlike_published`` say whether this is the published
    test, which the data set's records told before the first step. ``embedded`` is what ``embed``
    gave, if at hand: then it alone is scored. Raises TrainingError for unfit permutations.
    """
    clean = embedded or embed(setup, split)
    scores = _score(setup, split, clean, {})
    tests = setup.config.corruptions if split == "test" and embedded is None else ()
    for test in tests:
        visible = embed(setup, split, modalities=[Modality.V], corruption=test)
        found = _score(setup, split, clean | visible, {"corruption": test.label})
        for name, result in found.items():
            scores[f"{name}{rules.CORRUPTED}{test.name}"] = result
    return scores


def _score(
    setup: Setup,
    split: str,
    embedded: dict[Modality, Embedded],
    more: dict[str, str],
) -> dict[str, protocols.Result]:
    """Every setting by these features; ``more`` goes into each provenance."""
    config = setup.config
    notes = {"feature": config.model.feature, "flip": config.test.flip, **more}
    options: dict[str, Any] = {"rerank": config.test.rerank, "notes": notes}
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
