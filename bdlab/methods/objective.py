"""What every method is made of: a base-derivative network, and eq. 9 with a rival's own terms
beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bdlab import losses
from bdlab.config import Config
from bdlab.modality import Modality
from bdlab.network import BaseDerivativeNet, Output


@dataclass(frozen=True)
class Batch:
    """One step's input. ``images[m]`` float [P K, 3, H, W] normalised, ``labels[m]`` int64 [P K],
    for V and I.

    ``progress`` is the share of all steps gone by, in [0, 1).
    """

    images: dict[Modality, Tensor]
    labels: dict[Modality, Tensor]
    progress: float


Terms = dict[str, Tensor]
Objective = Callable[[Batch], Terms]
Labels = Mapping[Modality, Tensor]
#: A rival's own terms from what it saw: (batch, output, labels of every stream) -> scalars by name.
Own = Callable[[Batch, Output, Labels], Terms]


def build_net(
    config: Config, num_ids: int, kind: type[BaseDerivativeNet] = BaseDerivativeNet, **other: Any
) -> BaseDerivativeNet:
    """The network of a configuration, from torch's current random state; ``other`` overrides fields
    of the Model section.
    """
    model = {name: value for name, value in vars(config.model).items() if name != "modalities"}
    return kind(num_ids, config.modalities, **model | other)


def objective(net: BaseDerivativeNet, config: Config, own: Own | None = None) -> Objective:
    """Eq. 9 over the modalities and the graph of the configuration, and what a rival adds to it:

    L = alpha ID + r (beta MML + gamma MDL + rival (t_1 + t_2 + ...)), r the ramp from a random
    start. The t are logged unweighted.
    """
    order, loss = list(net.modalities), config.loss
    terms_of = torch.stack(
        (torch.eye(len(order)), losses.graph_weights(order, config.graph))
    )  # MML's entries of the table, MDL's
    # a buffer: on the device before any step
    net.register_buffer("terms_of", terms_of, persistent=False)

    def step(batch: Batch) -> Terms:
        out = net(batch.images)
        labels = {m: batch.labels[m.parent] for m in order}
        terms, pull = {"id": losses.identity(out.logits, labels, over=loss.id_over)}, []
        if loss.beta or loss.gamma:
            table = losses.table(
                out.features, labels, loss.margin_intra, loss.margin_cross, loss.reduction
            )
            terms["mml"], terms["mdl"] = (table * net.terms_of).sum((1, 2))
            pull += [loss.beta * terms["mml"] + loss.gamma * terms["mdl"]]
        if own and loss.rival:
            added = own(batch, out, labels)
            pull += [loss.rival * sum(added.values())]
            terms |= added
        ramp = min(1.0, batch.progress / loss.triplet_ramp) if loss.triplet_ramp else 1.0
        spread = torch.cat(list(out.features.values())).detach().float().std(0).mean()
        return {"total": loss.alpha * terms["id"] + ramp * sum(pull), **terms, "spread": spread}

    return step


def tie(net: BaseDerivativeNet, stems: Mapping[Modality, Modality]) -> None:
    """Let modalities share a stem: ``{I: V}`` gives I the very stem of V."""
    for m, with_ in stems.items():
        net.stems[m.value] = net.stems[with_.value]
