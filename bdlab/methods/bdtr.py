"""Two streams with bi-directional top-ranking: BDTR, Ye et al. [6]."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bdlab import losses
from bdlab.config import Config
from bdlab.modality import Modality
from bdlab.network import BaseDerivativeNet, Output

from .objective import Batch, Labels, Objective, Terms, build_net, objective

V, I = Modality.V, Modality.I


def top_ranking(
    features: dict[Modality, Tensor],
    labels: Labels,
    margin_cross: float = 0.5,
    margin_intra: float = 0.3,
) -> tuple[Tensor, Tensor]:
    """The two constraints as we read [6], each in both directions; for a positive pair (x_i of one
    modality, z_j of the other):

    cross [margin_cross + D(x_i, z_j) - min_k D(x_i, z_k)]_+   and   intra [margin_intra + D(x_i,
    z_j) - min_k D(z_j, z_k)]_+,

    z_k of the other modality and another person, D Euclidean: the top-ranked negative from the
    anchor, and from the pair's other end within its own modality. Returns (cross, intra), means
    over the positive pairs, summed over the directions.
    """
    with torch.autocast(features[V].device.type, enabled=False):
        people, split = torch.cat([labels[V], labels[I]]), len(features[V])
        distance, same = (
            losses.pairwise(torch.cat([features[V], features[I]]).float()),
            people[:, None] == people,
        )
        sides = (slice(None, split), slice(split, None))
        cross, intra = zip(
            *(
                _directed(distance, same, *ends, margin_cross, margin_intra)
                for ends in (sides, sides[::-1])
            ),
            strict=True,
        )
        return sum(cross), sum(intra)


def _directed(
    distance: Tensor,
    same: Tensor,
    one: slice,
    other: slice,
    margin_cross: float,
    margin_intra: float,
) -> tuple[Tensor, Tensor]:
    across, positive = distance[one, other], same[one, other]
    # [one, 1] from the anchor
    nearest = across.masked_fill(positive, torch.inf).amin(1, keepdim=True)
    within = (
        distance[other, other].masked_fill(same[other, other], torch.inf).amin(1)
    )  # [other] from the pair's other end
    pairs = positive.sum().clamp_min(1)
    cross, intra = F.relu(margin_cross + across - nearest), F.relu(margin_intra + across - within)
    return (cross * positive).sum() / pairs, (intra * positive).sum() / pairs


def build(config: Config, num_ids: int) -> tuple[BaseDerivativeNet, Objective]:
    """The rows eBDTR of Tables I and II, as the dual-constrained BDTR that [6] starts from.

    Keeps: two streams with a shared embedding, the ID loss, the cross- and the intra-modality
    top-ranking, both directions. Leaves out: eBDTR's own step, centres in the place of single
    positives, and its unit-length features; the margins are this workbench's (``margin_cross``,
    ``margin_intra``), the weight of both constraints is ``rival``.
    """
    net = build_net(config, num_ids)

    def own(batch: Batch, out: Output, labels: Labels) -> Terms:
        cross, intra = top_ranking(
            out.features, labels, config.loss.margin_cross, config.loss.margin_intra
        )
        return {"cross": cross, "intra": intra}

    return net, objective(net, config, own)
