"""E_V and G_S, which make the derivative modalities (section II-A, eq. 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bdlab.pixels import LUMA

if TYPE_CHECKING:
    from jaxtyping import Float

    Pictures = Float[Tensor, "B 3 H W"]
    Grey = Float[Tensor, "B 1 H W"]

Start = tuple[float, ...]
THIRDS: Start = (0.333, 0.333, 0.333)  # where reference [16] starts
#: Where E_V and G_S start, by the name in a configuration; None keeps torch's random start.
ENCODER_STARTS: dict[str, Start | None] = {"uniform": THIRDS, "luma": LUMA, "random": None}
GENERATOR_STARTS: dict[str, Start | None] = {
    "uniform": THIRDS,
    "luma": (1.0, 1.0, 1.0),
    "random": None,
}


class Encoder(nn.Module):
    """E_V (section II-A): a 1x1 convolution from three channels to one, then ReLU. [B, 3, H, W] ->
    [B, 1, H, W].
    """

    def __init__(self, init: str = "uniform"):
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 1)
        _start(self.conv, ENCODER_STARTS[init])

    def forward(self, x: Pictures) -> Grey:
        return F.relu(self.conv(x))


class Generator(nn.Module):
    """G_S (section II-A): three 1x1 kernels over one channel, no activation, shared by both
    parents. [B, 1, H, W] -> [B, 3, H, W].
    """

    def __init__(self, init: str = "uniform"):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 1)
        _start(self.conv, GENERATOR_STARTS[init])

    def forward(self, x: Grey) -> Pictures:
        return self.conv(x)


def _start(conv: nn.Conv2d, weights: Start | None) -> None:
    """Set a 1x1 convolution's weights and zero its bias."""
    if weights is None or conv.bias is None:
        return
    with torch.no_grad():
        conv.weight.copy_(torch.tensor(weights).view_as(conv.weight))
        conv.bias.zero_()
