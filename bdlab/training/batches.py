"""What a training step sees: which rows (plan), how each is cropped and flipped (draw), and the
batch itself (cut).

Pure functions of a key. Every random number is drawn from a generator keyed by (seed, purpose,
epoch, step), so there is no generator state to save, nothing depends on the number of workers, and
no other draw can shift these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bdlab.modality import BASE, Modality

PURPOSES = {"plan": 0, "augment": 1, "start": 2, "channels": 3, "erasing": 4}


class BatchError(ValueError):
    """A batch that cannot be drawn from this data."""


def generator(seed: int, purpose: str, *key: int) -> np.random.Generator:
    """An independent generator for one purpose; neighbouring seeds and keys share no stream (numpy
    SeedSequence).
    """
    spawn_key = (PURPOSES[purpose], *key)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=spawn_key))


def torch_seed(seed: int) -> int:
    """The seed of torch's generator while a network's random start is drawn."""
    return int(generator(seed, "start").integers(2**63))


def steps_per_epoch(
    visible: int,
    infrared: int,
    batch: int,
) -> int:
    """Batches an epoch: floor(max(n_V, n_I) / (P K)) + 1 (SYSU-MM01 928, RegDB 86)."""
    return max(visible, infrared) // batch + 1


@dataclass(frozen=True)
class Pool:
    """The training pictures of both base modalities by identity: ``rows[m][label]`` are rows of the
    bank.
    """

    rows: Mapping[Modality, Sequence[np.ndarray]]

    @classmethod
    def of(
        cls,
        rows: Mapping[Modality, Sequence[int]],
        identities: Mapping[Modality, Sequence[int]],
    ) -> Pool:
        """From rows and their identities, label = rank of the identity. Raises BatchError where one
        lacks a modality.
        """
        visible, infrared = (set(identities[m]) for m in BASE)
        names = sorted(visible | infrared)
        table = {}
        for m in BASE:
            row = np.asarray(rows[m], dtype=np.int64)
            ids = np.asarray(identities[m])
            table[m] = [row[ids == name] for name in names]
            for name, pictures in zip(names, table[m], strict=True):
                if not len(pictures):
                    raise BatchError(
                        f"identity {name} has no {m.title} picture to train on; "
                        "add one or take the identity out"
                    )
        return cls(table)

    @property
    def num_ids(self) -> int:
        return len(self.rows[Modality.V])

    def count(self, m: Modality) -> int:
        """Pictures of one modality."""
        return sum(map(len, self.rows[m]))


@dataclass(frozen=True)
class Plan:
    """One epoch: ``labels`` [steps, P K] int64, ``rows[m]`` [steps, P K] int64; slot b of V and of
    I have one label.
    """

    labels: np.ndarray
    rows: Mapping[Modality, np.ndarray]


def plan(
    seed: int,
    epoch: int,
    pool: Pool,
    identities: int,
    shots: int,
    steps: int,
) -> Plan:
    """The identity-balanced sampling of section III-C: each step P identities, K pictures of each
    in each modality.

    Identities without repetition within a step; pictures without repetition where an identity has
    K, else with. (The public code of this lineage draws them with repetition: on RegDB, ten
    pictures and K = 4, half of all groups repeat one.) Raises BatchError when there are fewer than
    P identities.
    """
    enough(identities, pool.num_ids)
    labels = np.empty((steps, identities * shots), dtype=np.int64)
    rows = {m: np.empty_like(labels) for m in BASE}
    for step in range(steps):
        draw = generator(seed, "plan", epoch, step)
        chosen = draw.choice(pool.num_ids, identities, replace=False)
        labels[step] = np.repeat(chosen, shots)
        for m in BASE:
            picked = []
            for label in chosen:
                pictures = pool.rows[m][label]
                picked.append(draw.choice(pictures, shots, replace=len(pictures) < shots))
            rows[m][step] = np.concatenate(picked)
    return Plan(labels, rows)


def enough(identities: int, people: int) -> None:
    """Raise BatchError if a batch takes more identities than there are to train on."""
    if people < identities:
        raise BatchError(
            f"a batch takes {identities} identities, the training part has {people}; "
            f"set identities to at most {people} or add people"
        )


def draw(
    seed: int,
    epoch: int,
    steps: int,
    batch: int,
    pad: int,
) -> np.ndarray:
    """The augmentation of an epoch: [steps, 2 P K, 3] int64 of (down, right, flip); V's slots
    first, then I's.

    ``down`` and ``right`` in 0..2 pad are the crop's corner in the padded picture (pad = no shift),
    ``flip`` is 0 or 1.
    """
    out = np.empty((steps, 2 * batch, 3), dtype=np.int64)
    places = 2 * pad + 1
    for step in range(steps):
        draw = generator(seed, "augment", epoch, step)
        out[step] = draw.integers(0, [places, places, 2], out.shape[1:])
    return out


def cut(
    pictures: Tensor,
    rows: Tensor,
    how: Tensor,
    pad: int,
) -> Tensor:
    """Pad with black, crop, flip: bank [N, 3, H, W] uint8 (channels last), rows [B], how [B, 3] ->
    [B, 3, H, W] uint8.

    On a GPU one gather; on a CPU slice copies, which are five times faster there. Both give the
    same pixels.
    """
    if pictures.device.type == "cpu":
        return _cut_by_slices(pictures, rows, how, pad)
    return cut_by_gather(pictures, rows, how, pad)


def cut_by_gather(
    pictures: Tensor,
    rows: Tensor,
    how: Tensor,
    pad: int,
) -> Tensor:
    """``cut`` without a loop and without a word from the host."""
    height, width = pictures.shape[-2:]
    down, right, flip = how.unbind(1)
    y = torch.arange(height, device=how.device)
    x = torch.arange(width, device=how.device)
    y = y + (down - pad)[:, None]  # [B, H]
    # the crop is flipped, not the picture
    flipped = flip[:, None] == 1  # [B, 1]
    x = torch.where(flipped, width - 1 - x, x)  # [B, W]
    x = x + (right - pad)[:, None]
    inside_y = (y >= 0) & (y < height)
    inside_x = (x >= 0) & (x < width)
    inside = inside_y[:, :, None] & inside_x[:, None, :]  # [B, H, W]
    y = y.clamp(0, height - 1)
    x = x.clamp(0, width - 1)
    places = y[:, :, None] * width + x[:, None, :]  # [B, H, W], numbers of pixels
    source = pictures.permute(0, 2, 3, 1).flatten(1, 2)  # [N, H W, 3], a view
    taken = source[rows[:, None, None], places]  # [B, H, W, 3]
    taken = taken * inside[..., None]
    return taken.permute(0, 3, 1, 2)  # [B, 3, H, W], stored channels last


def _cut_by_slices(
    pictures: Tensor,
    rows: Tensor,
    how: Tensor,
    pad: int,
) -> Tensor:
    source = pictures.permute(0, 2, 3, 1).numpy()  # [N, H, W, 3]
    height, width = source.shape[1:3]
    out = np.zeros((len(rows), height, width, 3), dtype=np.uint8)
    for b, row in enumerate(rows.tolist()):
        down, right, flip = how[b].tolist()
        from_y, to_y = _overlap(down - pad, height)
        from_x, to_x = _overlap(right - pad, width)
        target = out[b]
        if flip:
            target = target[:, ::-1]
        target[to_y, to_x] = source[row, from_y, from_x]
    return torch.from_numpy(out).permute(0, 3, 1, 2)  # [B, 3, H, W]


def _overlap(shift: int, length: int) -> tuple[slice, slice]:
    """Which pixels of a picture a crop shifted by ``shift`` sees, and where they come to lie."""
    shown = max(length - abs(shift), 0)
    first = max(shift, 0)
    place = max(-shift, 0)
    return slice(first, first + shown), slice(place, place + shown)
