"""One network for both modalities: Fig. 1 (a), and zero-padding [20]."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bdlab.config import Config
from bdlab.modality import Modality
from bdlab.network import BaseDerivativeNet
from bdlab.pixels import LUMA, MEAN, STD

from .objective import Objective, build_net, need_stages, objective, tie

V, I = Modality.V, Modality.I


def one_stream(
    config: Config,
    num_ids: int,
) -> tuple[BaseDerivativeNet, Objective]:
    """Fig. 1 (a): "the inputs ... modality-mixed images ... sent into a common feature learning
    network" (section I, [5]).

    Keeps: no parameter of a modality's own, the stem is one; infrared enters as its three stored
    channels. 24.32 M parameters with 395 classes. Leaves out: nothing but the original's own
    backbone and losses, which are here the paper's.
    """
    net = build_net(config, num_ids)
    tie(net, dict.fromkeys(net.modalities, V))
    return net, objective(net, config)


class Pad(nn.Module):
    """A modality's grey picture in its own channel of two, zeros in the other: normalised [B, 3, H,
    W] -> [B, 2, H, W].

    Visible enters as its luma, infrared as the mean of its stored channels, both in [0, 1] and
    normalised by the mean of ImageNet's statistics over the channels; a zero adds nothing in the
    convolution that follows.
    """

    def __init__(
        self,
        m: Modality,
    ):
        super().__init__()
        self.m = m
        self.mean: Tensor
        self.std: Tensor
        self.mix: Tensor
        mix = LUMA if m is V else (1 / 3, 1 / 3, 1 / 3)
        for name, value in (("mean", MEAN), ("std", STD), ("mix", mix)):
            numbers = torch.tensor(value).view(3, 1, 1)
            self.register_buffer(name, numbers, persistent=False)

    def forward(
        self,
        x: Tensor,
    ) -> Tensor:
        pixels = x * self.std + self.mean
        grey = (pixels * self.mix).sum(1, keepdim=True)  # [B, 1, H, W]
        grey = (grey - self.mean.mean()) / self.std.mean()
        empty = torch.zeros_like(grey)
        channels = [grey, empty] if self.m is V else [empty, grey]
        return torch.cat(channels, dim=1)  # [B, 2, H, W]


def zero_padding(
    config: Config,
    num_ids: int,
) -> tuple[BaseDerivativeNet, Objective]:
    """Deep zero-padding, Wu et al. [20] (Tables I and II): two input channels, the first visible's,
    the second infrared's.

    Keeps: the grey visible picture in channel 1 and infrared in channel 2, the other channel zero,
    so that one network may grow nodes for either modality; the ID loss alone (the row's weights).
    Leaves out: its own small ResNet; here the stem's first convolution takes two channels, each
    starting as the sum of the given one's three (what that one computes of a grey picture).

    Differs from public code: there is none of the training (wuancong/SYSU-MM01, the authors', holds
    the evaluation and the splits). Raises ConfigError for a backbone without a ResNet's stages.
    """
    net = build_net(config, num_ids)
    need_stages(net, config)
    stem: Any = net.stems[V]  # convolution, norm, ReLU, max pool
    first, *rest = stem
    conv = nn.Conv2d(
        2,
        first.out_channels,
        first.kernel_size,
        first.stride,
        first.padding,
        bias=False,
    )
    with torch.no_grad():
        grey = first.weight.sum(1, keepdim=True)  # [C, 1, k, k]
        conv.weight.copy_(grey.expand_as(conv.weight))
    for m in (V, I):
        net.stems[m.value] = nn.Sequential(Pad(m), conv, *rest)
    return net, objective(net, config)
