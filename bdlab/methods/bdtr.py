"""Two streams with bi-directional top-ranking: BDTR, Ye et al. [6]."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from bdlab import losses
from bdlab.config import Config
from bdlab.modality import Modality
from bdlab.network import BaseDerivativeNet, Output

from .objective import Batch, Labels, Objective, Terms, build_net, objective

V, I = Modality.V, Modality.I
Features = Mapping[Modality, Tensor]
#: The public code's margins and the weight of its intra term.
CROSS, INTRA, INTRA_WEIGHT = 0.5, 0.1, 0.1


def top_ranking(
    features: Features,
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
    cross, intra = [], []
    for across, within, same_across, same_within in _directions(features, labels):
        # [A, 1] from the anchor
        nearest = across.masked_fill(same_across, torch.inf).amin(1, keepdim=True)
        # [B] from the pair's other end
        nearest_within = within.masked_fill(same_within, torch.inf).amin(1)
        pairs = same_across.sum().clamp_min(1)
        ranked = F.relu(margin_cross + across - nearest)
        ranked_within = F.relu(margin_intra + across - nearest_within)
        ranked = ranked * same_across
        ranked_within = ranked_within * same_across
        cross.append(ranked.sum() / pairs)
        intra.append(ranked_within.sum() / pairs)
    return torch.stack(cross).sum(), torch.stack(intra).sum()


def published_ranking(
    features: Features,
    labels: Labels,
) -> tuple[Tensor, Tensor]:
    """The two constraints as the authors' public code computes them, on features of unit length:

    cross [0.5 + D(x_i, z_p) - D(x_i, z_n)]_+   and   intra [0.1 - D(z_p, z_n)]_+,

    z_p the furthest positive and z_n the nearest negative of x_i, both of the other modality.
    Returns (cross, intra), means over the anchors, summed over the directions. On ordinary batches
    intra is 0: two people are hardly ever within 0.1 of each other.
    """
    unit = {m: F.normalize(features[m], dim=1) for m in (V, I)}
    cross, intra = [], []
    for across, within, same_across, _ in _directions(unit, labels):
        furthest, p = across.masked_fill(~same_across, -torch.inf).max(1)
        nearest, n = across.masked_fill(same_across, torch.inf).min(1)
        ranked = F.relu(CROSS + furthest - nearest)
        ranked_within = F.relu(INTRA - within[p, n])
        cross.append(ranked.mean())
        intra.append(ranked_within.mean())
    return torch.stack(cross).sum(), torch.stack(intra).sum()


def _directions(
    features: Features,
    labels: Labels,
) -> list[tuple[Tensor, ...]]:
    """For V and for I as anchors: distances [A, B] to the other modality and [B, B] within it, and
    where they are of one person.
    """
    people = torch.cat([labels[V], labels[I]])
    rows = torch.cat([features[V], features[I]])  # [T, D]
    if rows.dtype != torch.float64:
        rows = rows.float()
    with torch.autocast(rows.device.type, enabled=False):
        distance = losses.pairwise(rows)
    same = losses.mask(people, people)
    split = len(features[V])
    visible = slice(None, split)
    infrared = slice(split, None)
    directions: list[tuple[Tensor, ...]] = []
    for anchor, other in ((visible, infrared), (infrared, visible)):
        across, within = (anchor, other), (other, other)
        directions.append(
            (
                distance[across],
                distance[within],
                same[across],
                same[within],
            )
        )
    return directions


def build(
    config: Config,
    num_ids: int,
) -> tuple[BaseDerivativeNet, Objective]:
    """The rows eBDTR of Tables I and II, as the dual-constrained BDTR that [6] starts from.

    Keeps: two streams with a shared embedding, the ID loss, the cross- and the intra-modality
    top-ranking, both directions. Leaves out: eBDTR's own step, centres in the place of single
    positives; the margins are this workbench's (``margin_cross``, ``margin_intra``), the weight of
    both constraints is ``rival``.

    Differs from the public code (mangye16/Visible-Thermal-Person-Re-Identification, the authors'):
    that one is an AlexNet with features of unit length, 64 people a batch with one picture of each
    modality, and the terms of ``published_ranking``, whose intra term weighs 0.1.
    ``rival_form = as-published`` takes these terms.
    """
    net = build_net(config, num_ids)
    margins = config.loss.margin_cross, config.loss.margin_intra

    def extra_terms(
        batch: Batch,
        out: Output,
        labels: Labels,
    ) -> Terms:
        if config.run.rival_form == "as-published":
            cross, intra = published_ranking(out.features, labels)
            return {"cross": cross, "intra": INTRA_WEIGHT * intra}
        cross, intra = top_ranking(out.features, labels, *margins)
        return {"cross": cross, "intra": intra}

    return net, objective(net, config, extra_terms)
