"""AGW, Ye et al. [22]: two streams, non-local blocks, generalised-mean pooling,
weighted-regularised triplet.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bdlab import losses
from bdlab.config import Config
from bdlab.network import BaseDerivativeNet, Output

from .objective import Batch, Labels, Objective, Terms, build_net, objective

# trunk stage -> non-local blocks, after the last residual blocks of layer2 and layer3
BLOCKS = {1: 2, 2: 3}


def weighted_triplet(distance: Tensor, labels: Tensor) -> Tensor:
    """mean_i softplus(sum_j w+_ij d_ij - sum_k w-_ik d_ik), w+ = softmax(d) over positives, w- =
    softmax(-d) over negatives.

    ``distance`` [N, N], ``labels`` [N]; a scalar over the anchors that have a positive and a
    negative, 0 without any. The weights are softmaxes in log space with -inf where masked: right
    from 1e-3 to 1e3 in float32, where exp(-d) in the open has underflowed. An anchor is not its own
    positive.
    """
    eye = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    same = labels[:, None] == labels
    anchors = (same & ~eye).any(1) & ~same.all(1)
    # A row without a pair is made harmless before its softmax: of -inf alone it would be NaN, and
    # poison the gradient.
    positive = distance.masked_fill((~same | eye) & anchors[:, None], -torch.inf).softmax(1)
    negative = (-distance).masked_fill(same & anchors[:, None], -torch.inf).softmax(1)
    each = F.softplus(((positive - negative) * distance).sum(1))
    return torch.where(anchors, each, 0.0).sum() / anchors.sum().clamp_min(1)


class NonLocal(nn.Module):
    """x + W(g(x) phi(x)^T theta(x) / n) over all n places of a map: [B, C, h, w] both. Starts as
    the identity (W's norm at 0).

    Inner channels C / 2: not one, as a fault of public code has it.
    """

    def __init__(self, channels: int):
        super().__init__()
        inner = channels // 2
        self.g, self.theta, self.phi = (nn.Conv2d(channels, inner, 1) for _ in range(3))
        self.out = nn.Sequential(
            nn.Conv2d(inner, channels, 1, bias=False), nn.BatchNorm2d(channels)
        )
        nn.init.zeros_(self.out[1].weight)

    def forward(self, x: Tensor) -> Tensor:
        # [B, inner, n]
        g, theta, phi = (part(x).flatten(2) for part in (self.g, self.theta, self.phi))
        # Without a softmax (g phi^T) theta is g (phi^T theta), and the matrix over all pairs of
        # places need not be made.
        seen = (g @ phi.transpose(1, 2) / g.shape[-1]) @ theta
        return x + self.out(seen.unflatten(2, x.shape[-2:]))


def build(config: Config, num_ids: int) -> tuple[BaseDerivativeNet, Objective]:
    """The row AGW of Table III; the row sets ``pool`` to gem, whose exponent is learned.

    Keeps: the two-stream network of this workbench with two non-local blocks in layer2 and three in
    layer3 (as many as there are residual blocks, if fewer), GeM, ID loss and the
    weighted-regularised triplet over all streams (``wrt``, weight ``rival``). Leaves out: its lr of
    0.1 and its batch of eight people.
    """
    net = build_net(config, num_ids)
    for stage, count in BLOCKS.items():
        blocks = list(net.trunk[stage])
        channels = _channels(blocks[-1])
        plain = len(blocks) - min(count, len(blocks))
        net.trunk[stage] = nn.Sequential(
            *blocks[:plain], *(nn.Sequential(b, NonLocal(channels)) for b in blocks[plain:])
        )

    def own(batch: Batch, out: Output, labels: Labels) -> Terms:
        features = torch.cat(list(out.features.values()))
        with torch.autocast(features.device.type, enabled=False):
            return {
                "wrt": weighted_triplet(
                    losses.pairwise(features.float()), torch.cat([labels[m] for m in out.features])
                )
            }

    return net, objective(net, config, own)


def _channels(block: nn.Module) -> int:
    return [module for module in block.modules() if isinstance(module, nn.BatchNorm2d)][
        -1
    ].num_features
