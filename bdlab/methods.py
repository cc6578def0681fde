"""What can be trained: a method is a name for (network, objective), and an objective is ``objective(batch) -> terms``.

The terms are scalars with ``"total"`` among them; every other one is logged as it is. A network of a method has ``head()``,
``generators()`` and ``generator_numbers()`` for the optimiser and the history, and ``embed(x, modality)`` for the test.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from . import losses
from .batches import Batch
from .config import Config
from .network import BaseDerivativeNet

Objective = Callable[[Batch], dict[str, Tensor]]


def base_derivative(config: Config, num_ids: int) -> tuple[BaseDerivativeNet, Objective]:
    """The paper's method and every row of Table IV: eq. 9 over the modalities and the graph of the configuration."""
    net = build_net(config, num_ids)
    order, loss = list(net.modalities), config.loss
    net.register_buffer("graph", losses.graph_weights(order, config.graph), persistent=False)  # a buffer: on the device before any step

    def objective(batch: Batch) -> dict[str, Tensor]:
        out = net(batch.images)
        labels = {m: batch.labels[m.parent] for m in order}
        terms = {"id": losses.identity(out.logits, labels, over=loss.id_over)}
        total = loss.alpha * terms["id"]
        if loss.beta or loss.gamma:
            table = losses.table(out.features, labels, loss.margin_intra, loss.margin_cross, loss.reduction)
            terms["mml"], terms["mdl"] = table.diagonal().sum(), (table * net.graph).sum()
            ramp = min(1.0, batch.progress / loss.triplet_ramp) if loss.triplet_ramp else 1.0
            total = total + ramp * (loss.beta * terms["mml"] + loss.gamma * terms["mdl"])
        spread = torch.cat(list(out.features.values())).detach().float().std(0).mean()
        return {"total": total, **terms, "spread": spread}

    return net, objective


def build_net(config: Config, num_ids: int) -> BaseDerivativeNet:
    """The base-derivative network of a configuration, from torch's current random state."""
    model = {name: value for name, value in vars(config.model).items() if name != "modalities"}
    return BaseDerivativeNet(num_ids, config.modalities, **model)


METHODS: dict[str, Callable[[Config, int], tuple[nn.Module, Objective]]] = {"base-derivative": base_derivative}
