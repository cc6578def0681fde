"""A modality discriminator behind gradient reversal: cmGAN, Dai et al. [24]."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bdlab.config import Config
from bdlab.modality import Modality
from bdlab.network import BaseDerivativeNet, Output

from .objective import Batch, Labels, Objective, Terms, build_net, objective, tie

V, I = Modality.V, Modality.I


class Reverse(torch.autograd.Function):
    """The identity forwards, minus the gradient backwards: what follows minimises, what went before
    maximises.
    """

    @staticmethod
    def forward(
        ctx: object,
        x: Tensor,
    ) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(
        ctx: object,
        gradient: Tensor,
    ) -> Tensor:
        return -gradient


def discriminator(dim: int) -> nn.Sequential:
    """Which modality an embedding is of: [N, dim] -> [N, 1], above 0 for visible."""
    return nn.Sequential(
        nn.Linear(dim, dim // 4),
        nn.ReLU(),
        nn.Linear(dim // 4, dim // 8),
        nn.ReLU(),
        nn.Linear(dim // 8, 1),
    )


def build(
    config: Config,
    num_ids: int,
) -> tuple[BaseDerivativeNet, Objective]:
    """The row cmGAN of Table I.

    Keeps: one network for both modalities as the "generator" of embeddings, ID loss and
    cross-modality triplets (MDL on V-I), and the game against a modality classifier of three
    layers. Leaves out: the alternation of their steps; gradient reversal plays both sides in one
    (``adversary`` is the discriminator's cross-entropy: ln 2 once it can only guess). Widths are
    ours. Made from what later papers say of [24]: a row to compare with, no reproduction of its
    numbers.

    Differs from public code (re-implementations: pineb1ue/cmGAN, sshkhr/cmGAN): there the
    discriminator weighs 0.05 (here ``rival``, 1 in the clean row; the row as published sets 0.05),
    four of five epochs are the generator's, the triplet's margin is 1.4, and all of it is taken
    before a neck that they do not have.
    """
    net = build_net(config, num_ids)
    tie(net, {I: V})
    net.extras["discriminator"] = discriminator(net.dim)

    def extra_terms(
        batch: Batch,
        out: Output,
        labels: Labels,
    ) -> Terms:
        both = torch.cat([out.embeddings[V], out.embeddings[I]])  # [N_V + N_I, D]
        logits = net.extras["discriminator"](Reverse.apply(both))
        logits = logits.squeeze(1).float()  # [N_V + N_I]
        rows = torch.arange(len(logits), device=logits.device)
        visible = (rows < len(out.embeddings[V])).to(logits)
        return {"adversary": F.binary_cross_entropy_with_logits(logits, visible)}

    return net, objective(net, config, extra_terms)
