"""What today's recipes do to training pictures beside crop and flip: channel augmentation of the
visible ones, random erasing of both.

Draws are pure functions of their key, as in ``batches``; a share of 0 draws nothing, so that a run
without them is the same bit for bit.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bdlab.config import sections
from bdlab.pixels import LUMA

from .batches import generator

#: What a visible picture becomes: itself, red, green or blue in all three channels, or grey.
KEPT, RED, GREEN, BLUE, GREY = range(5)
#: Of an erased rectangle: its share of the picture, and its height over its width.
AREA, ASPECT = (0.02, 0.4), (0.3, 1 / 0.3)
TRIES = 20  # rectangles that are drawn for a picture; the first that fits is taken
PLACES = 3  # columns of ``batches.draw``; what is drawn here stands behind them


def wanted(data: sections.Data) -> bool:
    """Whether a configuration asks for any of this."""
    return bool(data.channel_exchange or data.random_grey or data.random_erasing)


def draw(
    seed: int,
    epoch: int,
    steps: int,
    batch: int,
    data: sections.Data,
) -> np.ndarray:
    """An epoch's draws: [steps, 2 P K, 5] int64 of (channels, top, left, height, width); V's slots
    first, then I's, whose channels stay.
    """
    out = np.zeros((steps, 2 * batch, 5), dtype=np.int64)
    for step in range(steps):
        key = (seed, epoch, step)
        exchange, grey = data.channel_exchange, data.random_grey
        out[step, :batch, 0] = _channels(key, batch, exchange, grey)
        if data.random_erasing:
            size = (data.height, data.width)
            out[step, :, 1:] = _rectangles(key, 2 * batch, size, data.random_erasing)
    return out


def _channels(
    key: tuple[int, int, int],
    slots: int,
    exchange: float,
    grey: float,
) -> np.ndarray:
    """What each of the visible slots becomes: [slots] int64."""
    seed, epoch, step = key
    draw = generator(seed, "channels", epoch, step)
    chance, channel = draw.random((slots, 2)).T
    one = RED + np.floor(3 * channel).astype(np.int64)
    greyed = np.where(chance < exchange + grey, GREY, KEPT)
    return np.where(chance < exchange, one, greyed)


def _rectangles(
    key: tuple[int, int, int],
    slots: int,
    size: tuple[int, int],
    share: float,
) -> np.ndarray:
    """What is erased of each slot: [slots, 4] int64 (top, left, height, width), 0 for nothing."""
    seed, epoch, step = key
    draw = generator(seed, "erasing", epoch, step)
    numbers = draw.random((slots, 1 + 4 * TRIES))
    area, aspect, down, right = numbers[:, 1:].reshape(slots, 4, TRIES).swapaxes(0, 1)
    pixels = (AREA[0] + (AREA[1] - AREA[0]) * area) * size[0] * size[1]
    ratio = ASPECT[0] + (ASPECT[1] - ASPECT[0]) * aspect
    height = np.rint(np.sqrt(pixels * ratio))
    width = np.rint(np.sqrt(pixels / ratio))
    fits = (height < size[0]) & (width < size[1])  # [slots, TRIES]
    top = np.floor(down * (size[0] - height + 1))
    left = np.floor(right * (size[1] - width + 1))
    every = np.stack([top, left, height, width], axis=2)  # [slots, TRIES, 4]
    first = every[np.arange(slots), fits.argmax(1)]
    erased = (numbers[:, 0] < share) & fits.any(1)
    return np.where(erased[:, None], first, 0).astype(np.int64)


def recolour(
    pictures: Tensor,
    channels: Tensor,
) -> Tensor:
    """Channel augmentation: uint8 [B, 3, H, W] and what each becomes [B] -> the same shape.

    Random channel exchange (Ye et al., "Channel Augmented Joint Learning for Visible-Infrared
    Recognition", ICCV 2021): one channel, drawn, takes the place of all three; random grey: luma
    does.

    Differs from their public code: on stored bytes, before the channels are normalised, so that a
    recoloured picture has equal channels as an infrared one has (theirs are equal afterwards);
    visible pictures only; one view of a picture in a batch, not two, and none of their other terms.
    Its draw for one view is ``channel_exchange`` 0.75 and ``random_grey`` 0.125, for the second 1.0
    and 0.0.
    """
    stored = pictures.permute(0, 2, 3, 1)  # [B, H, W, 3]
    red, green, blue = stored.float().split(1, dim=3)
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    grey = luma.round().to(torch.uint8)  # [B, H, W, 1]
    choice = channels[:, None, None, None]  # [B, 1, 1, 1]
    channel = (choice - RED).clamp(0, 2).expand(*stored.shape[:3], 1)
    one = torch.where(choice == GREY, grey, stored.gather(3, channel))  # [B, H, W, 1]
    return torch.where(choice == KEPT, stored, one).permute(0, 3, 1, 2)


def erase(
    images: Tensor,
    rectangles: Tensor,
) -> Tensor:
    """Random erasing: normalised [B, 3, H, W] and rectangles [B, 4] -> the same with 0 inside.

    Zhong et al., "Random Erasing Data Augmentation" (AAAI 2020): a rectangle of 2 to 40 per cent of
    the picture, height over width from 0.3 to 3.3, drawn until one fits.

    Differs from the paper: filled with ImageNet's mean colour (0 after normalising) instead of
    noise; at most ``TRIES`` rectangles are drawn.
    """
    top, left, height, width = rectangles.unbind(1)  # [B] each
    y = torch.arange(images.shape[2], device=images.device)
    x = torch.arange(images.shape[3], device=images.device)
    rows = (y >= top[:, None]) & (y < (top + height)[:, None])  # [B, H]
    columns = (x >= left[:, None]) & (x < (left + width)[:, None])  # [B, W]
    inside = rows[:, None, :, None] & columns[:, None, None, :]  # [B, 1, H, W]
    return images.masked_fill(inside, 0.0)
