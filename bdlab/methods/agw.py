"""AGW, Ye et al. [22]: two streams, non-local blocks, generalised-mean pooling,
weighted-regularised triplet.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bdlab import losses
from bdlab.config import Config
from bdlab.network import BaseDerivativeNet, Output

from .objective import Batch, Labels, Objective, Terms, build_net, need_stages, objective

# trunk stage -> non-local blocks, after the last residual blocks of layer2 and layer3
BLOCKS = {1: 2, 2: 3}


def weighted_triplet(
    distance: Tensor,
    labels: Tensor,
) -> Tensor:
    """mean_i softplus(sum_j w+_ij d_ij - sum_k w-_ik d_ik), w+ = softmax(d) over positives, w- =
    softmax(-d) over negatives.

    ``distance`` [N, N], ``labels`` [N]; a scalar over the anchors that have a positive and a
    negative, 0 without any. The weights are softmaxes in log space with -inf where masked: right
    from 1e-3 to 1e3 in float32, where exp(-d) in the open has underflowed. An anchor is not its own
    positive.
    """
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    same = losses.mask(labels, labels)
    others = same & ~itself
    anchors = others.any(1) & ~same.all(1)  # [N]
    # A row without a pair is made harmless before its softmax: of -inf alone it would be NaN, and
    # poison the gradient.
    row = anchors[:, None]
    positive = distance.masked_fill(~others & row, -torch.inf).softmax(1)
    negative = (-distance).masked_fill(same & row, -torch.inf).softmax(1)
    gap = (positive - negative) * distance
    each = F.softplus(gap.sum(1))
    total = torch.where(anchors, each, 0.0).sum()
    return total / anchors.sum().clamp_min(1)


def published_triplet(
    distance: Tensor,
    labels: Tensor,
) -> Tensor:
    """The same as AGW's public code computes it, whose numbers are printed; [N, N], [N] -> scalar.

    An anchor is among its own positives; each softmax has its maximum taken over the masked
    distances, zeros included, and 1e-6 in its denominator. So beyond a distance of about 16 the
    negatives have no weight left, and an anchor pulls without pushing.
    """
    same = losses.mask(labels, labels).to(distance)
    far = distance * same
    near = distance * (1 - same)
    furthest = far * _published_weights(far, same)
    nearest = near * _published_weights(-near, 1 - same)
    return F.softplus(furthest.sum(1) - nearest.sum(1)).mean()


def _published_weights(
    values: Tensor,
    chosen: Tensor,
) -> Tensor:
    top = values.max(1, keepdim=True).values
    powers = (values - top).exp() * chosen
    sums = powers.sum(1, keepdim=True)
    return powers / (sums + 1e-6)


class NonLocal(nn.Module):
    """x + W(g(x) phi(x)^T theta(x) / n) over all n places of a map: [B, C, h, w] both. Starts as
    the identity (W's norm at 0).

    ``inner`` channels: C / 2, as the method means it; the public code has one.
    """

    def __init__(
        self,
        channels: int,
        inner: int | None = None,
    ):
        super().__init__()
        inner = inner or channels // 2
        self.g = nn.Conv2d(channels, inner, 1)
        self.theta = nn.Conv2d(channels, inner, 1)
        self.phi = nn.Conv2d(channels, inner, 1)
        norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(norm.weight)
        self.out = nn.Sequential(
            nn.Conv2d(
                inner,
                channels,
                1,
                bias=False,
            ),
            norm,
        )

    def forward(
        self,
        x: Tensor,
    ) -> Tensor:
        # [B, inner, n]
        g = self.g(x).flatten(2)
        theta = self.theta(x).flatten(2)
        phi = self.phi(x).flatten(2)
        # Without a softmax (g phi^T) theta is g (phi^T theta), and the matrix over all pairs of
        # places need not be made.
        mixed = g @ phi.transpose(1, 2) / g.shape[-1]  # [B, inner, inner]
        places = mixed @ theta
        return x + self.out(places.unflatten(2, x.shape[-2:]))  # [B, C, h, w]


def build(
    config: Config,
    num_ids: int,
) -> tuple[BaseDerivativeNet, Objective]:
    """The row AGW of Table III; the row sets ``pool`` to gem, whose exponent is learned.

    Keeps: the two-stream network of this workbench with two non-local blocks in layer2 and three in
    layer3 (as many as there are residual blocks, if fewer), GeM, ID loss and the
    weighted-regularised triplet over all streams (``wrt``, weight ``rival``). Leaves out: its lr of
    0.1 for neck and classifier, and its batch of eight people drawn with repeated pictures.

    Differs from the public code (mangye16/Cross-Modal-Re-ID-baseline, the authors'): there the
    triplet is ``published_triplet``, the non-local blocks have one inner channel, and GeM's p stays
    3. ``rival_form = as-published`` takes these three. Raises ConfigError for a backbone without a
    ResNet's stages.
    """
    net = build_net(config, num_ids)
    need_stages(net, config)
    published = config.run.rival_form == "as-published"
    inner = 1 if published else None
    trunk: Any = net.trunk  # four stages in a row
    for stage, count in BLOCKS.items():
        blocks = list(trunk[stage])
        trunk[stage] = _with_blocks(blocks, count, inner)
    if published:
        for parameter in net.pool.parameters():
            parameter.requires_grad_(False)
    triplet = published_triplet if published else weighted_triplet

    def extra_terms(
        batch: Batch,
        out: Output,
        labels: Labels,
    ) -> Terms:
        features = torch.cat(list(out.features.values()))  # [T, D]
        people = torch.cat([labels[m] for m in out.features])
        with torch.autocast(features.device.type, enabled=False):
            distance = losses.pairwise(features.float())
            return {"wrt": triplet(distance, people)}

    return net, objective(net, config, extra_terms)


def _with_blocks(
    blocks: list[nn.Module],
    count: int,
    inner: int | None,
) -> nn.Sequential:
    """A stage with a non-local block after each of its last ``count`` residual blocks."""
    channels = 0
    for module in blocks[-1].modules():
        if isinstance(module, nn.BatchNorm2d):
            channels = module.num_features  # the last one's are what the stage gives
    plain = max(len(blocks) - count, 0)
    stage = blocks[:plain]
    for block in blocks[plain:]:
        stage.append(nn.Sequential(block, NonLocal(channels, inner)))
    return nn.Sequential(*stage)
