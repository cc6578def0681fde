"""What every backbone here has to offer: a stem for each modality, one trunk for all."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Backbone:
    """The two parts of a feature learner (section II-B).

    ``stem``: pictures [B, 3, H, W] -> what the trunk takes; F_I, copied for each modality.
    ``trunk``: -> maps [B, dim, h, w], float; F_S, shared. ``stages`` says that the trunk is a
    ResNet's four stages of residual blocks and the stem begins with its convolution: some rivals
    are built into those.
    """

    stem: nn.Module
    trunk: nn.Module
    dim: int
    stages: bool = False
