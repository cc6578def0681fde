"""What a pixel's number means: stored bytes, the normalised space the stems see, and what a figure
shows.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

#: ImageNet's channel means and deviations, RGB in [0, 1]: the space in which every stem sees its
#: pictures.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: Weights of red, green and blue in a grey picture (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)


@cache
def _space(device: torch.device) -> tuple[Tensor, Tensor]:
    """Means and deviations [3, 1, 1], put on a device once: a copy in every step would stop it."""
    mean = torch.tensor(MEAN, device=device).view(3, 1, 1)
    std = torch.tensor(STD, device=device).view(3, 1, 1)
    return mean, std


@cache
def _row(device: torch.device, width: int) -> tuple[Tensor, Tensor]:
    """What a stored row of pixels [W 3] is multiplied by and what is then taken off."""
    mean, std = _space(device)
    means = mean.flatten().repeat(width)  # [W 3], as the channels stand in memory
    stds = std.flatten().repeat(width)
    return 1 / (255 * stds), means / stds


def normalise(pictures: Tensor | np.ndarray) -> Tensor:
    """uint8 [B, 3, H, W] stored channels last -> float32, ImageNet-normalised, stored the same way.

    Also one picture [H, W, 3] or several [B, H, W, 3] as numpy arrays, as ``pictures.load`` gives
    them. Raises ValueError for anything else: another dtype may be normalised already.

    By whole rows of pixels: three numbers at a time, as the channels stand, a CPU would take five
    times as long.
    """
    if isinstance(pictures, np.ndarray):
        pictures = _batch(pictures)
    if pictures.dtype != torch.uint8 or pictures.ndim != 4 or pictures.shape[1] != 3:
        raise ValueError(
            f"pictures are {pictures.dtype} {tuple(pictures.shape)}: uint8 [B, 3, H, W] is meant, "
            "or a numpy array [H, W, 3] from bdlab.datasets.pictures.load"
        )
    scale, shift = _row(pictures.device, pictures.shape[-1])
    return (
        pictures.permute(0, 2, 3, 1)
        .flatten(2)
        .float()
        .mul_(scale)
        .sub_(shift)
        .unflatten(2, (-1, 3))
        .permute(0, 3, 1, 2)
    )


def _batch(pictures: np.ndarray) -> Tensor:
    """Numpy pictures [H, W, 3] or [B, H, W, 3] -> a tensor [B, 3, H, W], stored alike."""
    some = pictures
    if pictures.ndim == 3:
        some = pictures[None]  # [1, H, W, 3]
    if some.ndim != 4 or some.shape[-1] != 3 or some.dtype != np.uint8:
        raise ValueError(
            f"pictures are {pictures.dtype} {pictures.shape}: numpy pictures are uint8 [H, W, 3] "
            "or [B, H, W, 3], as bdlab.datasets.pictures.load gives them"
        )
    return torch.from_numpy(some.copy()).permute(0, 3, 1, 2)


def denormalise(pictures: Tensor) -> Tensor:
    """The inverse of ``normalise`` up to clipping: float [B, 3, H, W] -> float in [0, 1]; values
    outside are clipped.
    """
    mean, std = _space(pictures.device)
    return (pictures.float() * std + mean).clamp(0, 1)


def shown(images: Tensor) -> np.ndarray:
    """Normalised pictures [B, 3, H, W] -> [B, H, W, 3] float in [0, 1] for a figure; what lies
    outside is clipped.
    """
    return denormalise(images).permute(0, 2, 3, 1).cpu().numpy()
