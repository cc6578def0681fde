"""Vision transformers as backbones: torchvision's ViT-B/16, and one for a smoke run."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import models
from torchvision.models import VisionTransformer

from .contract import Backbone
from .weights import fill


def build(name: str, weights: str | None, strides: str, last_stride: int) -> Backbone:
    """The patch embedding as the stem, the encoder as the trunk. Raises ValueError for a
    ``last_stride`` other than 1: there is none to change.
    """
    if last_stride != 1:
        raise ValueError(f"last_stride = {last_stride}: {name} has one stride, its patches; use 1")
    body = _micro() if name == "vit_micro" else models.vit_b_16()
    fill(body, name, weights, head="heads.")
    return Backbone(body.conv_proj, PatchEncoder(body), body.hidden_dim)


def _micro() -> VisionTransformer:
    return VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=4, hidden_dim=64, mlp_dim=128
    )


class PatchEncoder(nn.Module):
    """A transformer's encoder over a map of patches of any size: [B, C, h, w] both.

    Position embeddings are made for a square picture; they are interpolated to this map. The class
    token takes part and is then left out: the network pools the map itself.
    """

    def __init__(self, body: VisionTransformer):
        super().__init__()
        self.class_token = body.class_token
        self.positions = body.encoder.pos_embedding  # [1, 1 + g g, C]
        self.layers = body.encoder.layers
        self.norm = body.encoder.ln

    def forward(self, maps: Tensor) -> Tensor:
        height, width = maps.shape[-2:]
        patches = maps.flatten(2).transpose(1, 2)  # [B, h w, C]
        token = self.class_token.expand(len(maps), -1, -1)  # [B, 1, C]
        sequence = torch.cat([token, patches], dim=1) + self._placed(height, width)
        sequence = self.norm(self.layers(sequence))  # [B, 1 + h w, C]
        return sequence[:, 1:].transpose(1, 2).unflatten(2, (height, width))

    def _placed(self, height: int, width: int) -> Tensor:
        """Position embeddings of the class token and of a map: [1, 1 + h w, C]."""
        token, grid = self.positions[:, :1], self.positions[:, 1:]
        side = math.isqrt(grid.shape[1])
        square = grid.transpose(1, 2).unflatten(2, (side, side))  # [1, C, g, g]
        if (height, width) != (side, side):
            square = F.interpolate(square, (height, width), mode="bicubic", align_corners=False)
        return torch.cat([token, square.flatten(2).transpose(1, 2)], dim=1)
