"""The paper's losses, all read off one table of directed hinge losses.

Letters: f features [N_m, D] of modality m, y labels, S Euclidean distance, [z]_+ = max(z, 0). One
distance matrix over all streams gives, for every anchor i of stream a and every stream b, the
hardest positive and the hardest negative in b; the hinge of the two is averaged over i into
``table[a, b]``. The diagonal holds MML's terms (eq. 7), the rest MDL's directed terms (eq. 4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .modality import Modality, Pair

#: Squared distances up to this many epsilons of the squared sizes are rounding: such rows are one
#: point, and no direction leads apart.
ROUNDING = 8


def identity(
    logits: Mapping[Modality, Tensor], labels: Mapping[Modality, Tensor], over: str = "mean"
) -> Tensor:
    """Eq. 8, the ID loss:  L_id = -(1/N) sum_M sum_i log p(y_i | x_i).

    ``logits[m]`` [N_m, ids] float, ``labels[m]`` [N_m] int64. Cross-entropy, mean within a
    modality; over the modalities ``"mean"`` (1/N counts the whole batch, as the code lineage does)
    or ``"sum"`` (1/N counts one modality). Returns a float32 scalar. Raises ValueError for an
    unknown ``over`` or unequal keys.

    Differs from the paper: eq. 8's N is open between the two readings; the first is the default.
    """
    if over not in ("mean", "sum"):
        raise ValueError(f"over = {over!r}: choose 'mean' or 'sum'")
    _check_keys(logits, labels)
    each = torch.stack([F.cross_entropy(logits[m].to(_wide(logits[m])), labels[m]) for m in logits])
    return each.mean() if over == "mean" else each.sum()


def table(
    features: Mapping[Modality, Tensor],
    labels: Mapping[Modality, Tensor],
    margin_intra: float = 0.3,
    margin_cross: float = 0.5,
    reduction: str = "mean",
    literal: bool = False,
) -> Tensor:
    """Every directed hinge loss at once:  table[a, b] = mean_i [margin + max_pos S(f_i^a, f_j^b) -
    min_neg S(f_i^a, f_k^b)]_+.

    ``features[m]`` [N_m, D] float, ``labels[m]`` [N_m] int; streams may differ in number. Returns
    [M, M], rows and columns in the order of ``features``: ``margin_intra`` on the diagonal,
    ``margin_cross`` off it. Mean (or ``"sum"``) over the anchors that have a positive and a
    negative in the other stream; an entry without such an anchor is 0. An anchor is not its own
    positive. Distances as in ``pairwise``; the result in float32 (float64 for float64 features).

    Differs from the paper: eq. 5 multiplies by the 0/1 mask, so that every minimum over negatives
    is 0 and nothing is pushed away; the mask is read as a selection. ``literal=True`` computes eq.
    5 as printed, for teaching.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction = {reduction!r}: choose 'mean' or 'sum'")
    _check_keys(features, labels)
    streams, y = list(features.values()), [labels[m] for m in features]
    alike = len({len(own) for own in y}) == 1  # or the short ones are padded to the longest
    there = None if alike else _stack([torch.ones_like(own, dtype=torch.bool) for own in y])
    return _Table.apply(
        _stack(y), there, margin_intra, margin_cross, reduction == "mean", literal, *streams
    )


class _Table(torch.autograd.Function):
    """The table and its gradient. A hinge is linear between its kinks: an anchor at work pulls its
    furthest positive with weight 1 and pushes its nearest negative, and no gradient goes through
    the choosing; so one sparse matrix of weights is all of it.
    """

    @staticmethod
    def forward(
        ctx,
        y: Tensor,
        there: Tensor | None,
        intra: float,
        cross: float,
        mean: bool,
        literal: bool,
        *streams: Tensor,
    ) -> Tensor:
        f = _stack([own.to(_wide(own)) for own in streams])  # [M, N, D]
        # from their mean: see pairwise; rows that are not there are 0
        f -= f.sum((0, 1)) / sum(map(len, streams))
        distance, same = _distances(f.flatten(0, 1))
        # [M, N, M, N]: stream and row of the anchor, of the other
        positive, negative = (
            each.view(*y.shape, *y.shape) for each in _chosen(distance, y.flatten(), there, literal)
        )
        # [M, N, M, 1]
        (furthest, p), (nearest, n) = positive.max(-1, keepdim=True), negative.min(-1, keepdim=True)
        hinge = furthest - nearest + cross  # -inf where one of the two is missing
        hinge.diagonal(dim1=0, dim2=2).add_(intra - cross)
        active = (hinge > 0).to(distance.dtype)
        if mean:
            active /= (hinge > -torch.inf).sum(1, keepdim=True).clamp_min_(1)
        table = (active * hinge.clamp_min(0)).sum((1, 3))
        # Eq. 5 as printed multiplies by the mask: what it takes from outside the mask is a constant
        # 0.
        pull, push = (
            (active * (value != 0) for value in (furthest, nearest))
            if literal
            else (active, active)
        )
        weight = torch.zeros_like(positive).scatter_(-1, p, pull).scatter_add_(-1, n, push.neg())
        ctx.save_for_backward(f, weight, distance, same)
        ctx.rows = [len(own) for own in streams]
        return table

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        f, weight, distance, same = ctx.saved_tensors
        weight = weight * gradient[:, None, :, None]
        moved = _along(f.flatten(0, 1), weight.view_as(same), distance, same).view_as(f)
        return *[None] * 6, *(own[:rows] for own, rows in zip(moved, ctx.rows, strict=True))


def _chosen(
    distance: Tensor, y: Tensor, there: Tensor | None, literal: bool
) -> tuple[Tensor, Tensor]:
    """Distances among which the furthest positive and the nearest negative are sought: elsewhere
    minus and plus infinity, or 0 where eq. 5 is read literally (rows that are not there stay out of
    its minimum).
    """
    same = y[:, None] == y
    outside = 0.0 if literal else torch.inf
    negative = distance.masked_fill(same, outside)
    same.fill_diagonal_(False)  # an anchor is not its own positive
    if there is not None:
        both = there.flatten()[:, None] & there.flatten()
        same &= both
        negative.masked_fill_(~both, torch.inf)
    return torch.where(same, distance, -outside), negative


def mml(
    features: Mapping[Modality, Tensor],
    labels: Mapping[Modality, Tensor],
    margin: float = 0.3,
    reduction: str = "mean",
) -> Tensor:
    """Eq. 6-7, the multi-mode loss:  L_MML = sum_M L_M, batch-hard triplets within each modality.

    Arguments as in ``table``; returns a scalar. B of eq. 7 is that modality's images in the batch;
    no pair: 0.
    """
    return table(features, labels, margin_intra=margin, reduction=reduction).diagonal().sum()


def mdl(
    features: Mapping[Modality, Tensor],
    labels: Mapping[Modality, Tensor],
    pairs: Sequence[Pair],
    margin: float = 0.5,
    reduction: str = "mean",
    literal: bool = False,
) -> Tensor:
    """Eq. 2-5, the multi-directional loss:  L_MDL = sum over pairs of L_{a->b} + L_{b->a}.

    Arguments as in ``table``; ``pairs`` is a graph of ``modality.MDL_GRAPHS`` or any tuple of
    pairs. Returns a scalar, 0 for an empty graph. Raises ValueError if a pair names a modality that
    has no features.

    Differs from the paper: eq. 2's sum over ordered pairs of a sum of both directions counts each
    pair twice; we count it once.
    """
    return directed_sum(
        table(features, labels, margin_cross=margin, reduction=reduction, literal=literal),
        list(features),
        pairs,
    )


def directed_sum(table: Tensor, order: Sequence[Modality], pairs: Sequence[Pair]) -> Tensor:
    """The entries of a graph in a table: sum over pairs of table[a, b] + table[b, a]. ``order``
    names the rows.
    """
    # without waiting for the device
    return (table * graph_weights(order, pairs).to(table, non_blocking=True)).sum()


def graph_weights(order: Sequence[Modality], pairs: Sequence[Pair]) -> Tensor:
    """A graph as a 0/1 matrix [M, M] over the streams in ``order``; raises ValueError for a pair
    outside them.
    """
    weights = torch.zeros(len(order), len(order))
    for a, b in pairs:
        if a not in order or b not in order:
            raise ValueError(
                f"the pair {a}-{b} needs features of both; there are only {', '.join(order)}"
            )
        weights[order.index(a), order.index(b)] = weights[order.index(b), order.index(a)] = 1.0
    return weights


def pairwise(x: Tensor) -> Tensor:
    """Euclidean distances [T, T] of the rows of ``x`` [T, D], in its dtype, from one matrix
    product, and one more for the gradient.

    Measured from the mean of the rows: features share most of their size, and without it those of a
    demo training, of norm 3.4 and as little as 0.013 apart, would have distances wrong by almost a
    hundredth. A squared distance is right to about ``ROUNDING`` epsilons of its two rows' squared
    distances from that mean. Rows no further apart than this (in float32, a thousandth of the way
    to the mean) count as one point: 0, and no gradient.
    """
    return _Distances.apply(x)


class _Distances(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        centred = x - x.mean(0)
        distance, same = _distances(centred)
        ctx.save_for_backward(centred, distance, same)
        return distance

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> Tensor:
        return _along(ctx.saved_tensors[0], gradient, *ctx.saved_tensors[1:])


def _distances(x: Tensor) -> tuple[Tensor, Tensor]:
    """Distances [T, T], and which pairs are one point: no further apart than the rounding of the
    product.
    """
    # out=: autocast leaves such a product alone
    product = torch.mm(x, x.T, out=x.new_empty(len(x), len(x)))
    square = product.diagonal()
    sizes = square[:, None] + square
    squared = sizes.sub(product, alpha=2)
    # not so for nan, which goes on
    same = squared <= sizes.mul_(ROUNDING * torch.finfo(x.dtype).eps)
    return squared.masked_fill_(same, 0.0).sqrt_(), same


def _along(x: Tensor, gradient: Tensor, distance: Tensor, same: Tensor) -> Tensor:
    """S_ij = |x_i - x_j|, so dx_i = sum_j w_ij (x_i - x_j) with w_ij = (g_ij + g_ji) / S_ij: half
    of what autograd's chain would do.
    """
    weight = ((gradient + gradient.T) / distance).masked_fill_(same, 0.0)
    return torch.mm(weight.sum(1).diag() - weight, x, out=torch.empty_like(x))


def _stack(streams: list[Tensor]) -> Tensor:
    """Streams side by side [M, N, ...], short ones padded to the longest."""
    alike = len({len(own) for own in streams}) == 1
    return (
        torch.stack(streams)
        if alike
        else torch.nn.utils.rnn.pad_sequence(streams, batch_first=True)
    )


def _check_keys(values: Mapping[Modality, Tensor], labels: Mapping[Modality, Tensor]) -> None:
    if not values:
        raise ValueError("no modality given")
    if values.keys() - labels.keys():
        raise ValueError(
            f"labels are missing for {', '.join(sorted(values.keys() - labels.keys()))}"
        )
    for m, value in values.items():
        if value.ndim != 2 or labels[m].shape != value.shape[:1]:
            raise ValueError(
                f"{m}: {tuple(value.shape)} values need labels of shape ({len(value)},), got {tuple(labels[m].shape)}"
            )


def _wide(value: Tensor) -> torch.dtype:
    return torch.float64 if value.dtype == torch.float64 else torch.float32
