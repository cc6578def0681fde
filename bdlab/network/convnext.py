"""ConvNeXts as backbones: torchvision's tiny one, and one small enough for a smoke run."""

from __future__ import annotations

from torch import nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig, ConvNeXt

from .contract import Backbone
from .weights import fill

MICRO = (16, 32, 64, 128)  # channels of the four stages of one block each


def build(name: str, weights: str | None, strides: str, last_stride: int) -> Backbone:
    """The 4x4 convolution and its norm as the stem, all that follows as the trunk.

    ``last_stride`` 1 keeps the map of the third stage in the fourth; ``strides`` is a ResNet's.
    Stochastic depth is off: it would draw from torch's own random numbers, and a run could not be
    gone on from bit for bit.
    """
    body = _micro() if name == "convnext_micro" else models.convnext_tiny(stochastic_depth_prob=0.0)
    fill(body, name, weights, head="classifier.")
    stem, *stages = body.features
    norm, down = stages[-2]  # between the third stage and the fourth
    if last_stride == 1:
        down.stride = (1, 1)
        stages[-2] = nn.Sequential(norm, nn.ZeroPad2d((0, 1, 0, 1)), down)
    return Backbone(stem, nn.Sequential(*stages), down.out_channels)


def _micro() -> ConvNeXt:
    settings = []
    for width, wider in zip(MICRO, (*MICRO[1:], None), strict=True):
        settings.append(CNBlockConfig(width, wider, 1))
    return ConvNeXt(settings)
