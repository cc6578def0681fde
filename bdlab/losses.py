"""The paper's losses, all read off one table of directed hinge losses.

Letters: f features [N_m, D] of modality m, y labels, S Euclidean distance, [z]_+ = max(z, 0). One distance matrix over
all streams gives, for every anchor i of stream a and every stream b, the hardest positive and the hardest negative
in b; the hinge of the two is averaged over i into ``table[a, b]``. The diagonal holds MML's terms (eq. 7), the rest
MDL's directed terms (eq. 4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .modality import Modality, Pair

#: Below this squared distance the square root is held constant, so that its gradient is 0 and not infinite.
EPSILON = 1e-12


def identity(logits: Mapping[Modality, Tensor], labels: Mapping[Modality, Tensor], over: str = "mean") -> Tensor:
    """Eq. 8, the ID loss:  L_id = -(1/N) sum_M sum_i log p(y_i | x_i).

    ``logits[m]`` [N_m, ids] float, ``labels[m]`` [N_m] int64. Cross-entropy, mean within a modality; over the
    modalities ``"mean"`` (1/N counts the whole batch, as the code lineage does) or ``"sum"`` (1/N counts one modality).
    Returns a float32 scalar. Raises ValueError for an unknown ``over`` or unequal keys.

    Differs from the paper: eq. 8's N is open between the two readings; the first is the default.
    """
    if over not in ("mean", "sum"):
        raise ValueError(f"over = {over!r}: choose 'mean' or 'sum'")
    _check_keys(logits, labels)
    with _full_precision(logits):
        each = [F.cross_entropy(logits[m].to(_wide(logits[m])), labels[m]) for m in logits]
        return torch.stack(each).mean() if over == "mean" else torch.stack(each).sum()


def table(
    features: Mapping[Modality, Tensor],
    labels: Mapping[Modality, Tensor],
    margin_intra: float = 0.3,
    margin_cross: float = 0.5,
    reduction: str = "mean",
    literal: bool = False,
) -> Tensor:
    """Every directed hinge loss at once:  table[a, b] = mean_i [margin + max_pos S(f_i^a, f_j^b) - min_neg S(f_i^a, f_k^b)]_+.

    ``features[m]`` [N_m, D] float, ``labels[m]`` [N_m] int; streams may differ in number. Returns [M, M], rows and columns
    in the order of ``features``: ``margin_intra`` on the diagonal, ``margin_cross`` off it. Mean (or ``"sum"``) over
    the anchors that have a positive and a negative in the other stream; an entry without such an anchor is 0.
    An anchor is not its own positive. Distances in float64, the result in float32 (float64 for float64 features).

    Differs from the paper: eq. 5 multiplies by the 0/1 mask, so that every minimum over negatives is 0 and nothing is
    pushed away; the mask is read as a selection. ``literal=True`` computes eq. 5 as printed, for teaching.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction = {reduction!r}: choose 'mean' or 'sum'")
    _check_keys(features, labels)
    with _full_precision(features):
        f, y, there = _stack(features, labels)
        streams, most = y.shape
        distance = pairwise(f.flatten(0, 1)).unflatten(0, (streams, most)).unflatten(2, (streams, most))  # [M, N, M, N]
        both = there[:, :, None, None] & there
        same = (y[:, :, None, None] == y) & both
        self_ = torch.eye(streams * most, dtype=torch.bool, device=y.device).view_as(same)
        positive, negative = same & ~self_, both & ~same
        if literal:
            anchors = there[:, :, None].expand(-1, -1, streams)
            hardest_positive = (distance * positive).amax(-1)
            hardest_negative = (distance * negative).masked_fill(~both, torch.inf).amin(-1)
        else:
            anchors = positive.any(-1) & negative.any(-1)  # [M, N, M]
            hardest_positive = distance.masked_fill(~positive, -torch.inf).amax(-1)
            hardest_negative = distance.masked_fill(~negative, torch.inf).amin(-1)
        eye = torch.eye(streams, dtype=f.dtype, device=f.device)
        margin = (margin_intra * eye + margin_cross * (1 - eye))[:, None, :]
        # Anchors without a pair are cut out before the subtraction: inf - inf would poison the gradient.
        gap = torch.where(anchors, hardest_positive, 0.0) - torch.where(anchors, hardest_negative, 0.0)
        total = torch.where(anchors, F.relu(margin + gap), 0.0).sum(1)
        if reduction == "mean":
            total = total / anchors.sum(1).clamp_min(1)
        return total.to(_wide(next(iter(features.values()))))


def mml(features: Mapping[Modality, Tensor], labels: Mapping[Modality, Tensor], margin: float = 0.3, reduction: str = "mean") -> Tensor:
    """Eq. 6-7, the multi-mode loss:  L_MML = sum_M L_M, batch-hard triplets within each modality.

    Arguments as in ``table``; returns a scalar. B of eq. 7 is that modality's images in the batch; no pair: 0.
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

    Arguments as in ``table``; ``pairs`` is a graph of ``modality.MDL_GRAPHS`` or any tuple of pairs. Returns a scalar,
    0 for an empty graph. Raises ValueError if a pair names a modality that has no features.

    Differs from the paper: eq. 2's sum over ordered pairs of a sum of both directions counts each pair twice; we count it once.
    """
    return directed_sum(table(features, labels, margin_cross=margin, reduction=reduction, literal=literal), list(features), pairs)


def directed_sum(table: Tensor, order: Sequence[Modality], pairs: Sequence[Pair]) -> Tensor:
    """The entries of a graph in a table: sum over pairs of table[a, b] + table[b, a]. ``order`` names the rows."""
    return (table * graph_weights(order, pairs).to(table)).sum()


def graph_weights(order: Sequence[Modality], pairs: Sequence[Pair]) -> Tensor:
    """A graph as a 0/1 matrix [M, M] over the streams in ``order``; raises ValueError for a pair outside them."""
    weights = torch.zeros(len(order), len(order))
    for a, b in pairs:
        if a not in order or b not in order:
            raise ValueError(f"the pair {a}-{b} needs features of both; there are only {', '.join(order)}")
        weights[order.index(a), order.index(b)] = weights[order.index(b), order.index(a)] = 1.0
    return weights


def pairwise(x: Tensor) -> Tensor:
    """Euclidean distances [T, T] of the rows of ``x`` [T, D] from one matrix product.

    Centred first and in float64: with features of norm 1e3 the float32 product would be wrong in the first decimal.
    Where two rows coincide the distance is sqrt(EPSILON) and its gradient 0.
    """
    x = x - x.detach().mean(0)
    square = x.square().sum(1)
    return (square[:, None] + square - 2 * (x @ x.T)).clamp_min(EPSILON).sqrt()


def _stack(features: Mapping[Modality, Tensor], labels: Mapping[Modality, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Streams side by side: features [M, N, D] float64, labels [M, N], which rows are real [M, N] (short streams are padded)."""
    sizes = [len(f) for f in features.values()]
    order = list(features)
    if len(set(sizes)) == 1:
        f, y = torch.stack([features[m] for m in order]), torch.stack([labels[m] for m in order])
        there = torch.ones_like(y, dtype=torch.bool)
    else:
        f = torch.nn.utils.rnn.pad_sequence([features[m] for m in order], batch_first=True)
        y = torch.nn.utils.rnn.pad_sequence([labels[m] for m in order], batch_first=True)
        there = torch.arange(max(sizes), device=y.device) < torch.tensor(sizes, device=y.device)[:, None]
    return f.to(torch.float32 if f.device.type == "mps" else torch.float64), y, there  # Apple's GPUs have no float64


def _check_keys(values: Mapping[Modality, Tensor], labels: Mapping[Modality, Tensor]) -> None:
    if not values:
        raise ValueError("no modality given")
    if values.keys() - labels.keys():
        raise ValueError(f"labels are missing for {', '.join(sorted(values.keys() - labels.keys()))}")
    for m, value in values.items():
        if value.ndim != 2 or labels[m].shape != value.shape[:1]:
            raise ValueError(f"{m}: {tuple(value.shape)} values need labels of shape ({len(value)},), got {tuple(labels[m].shape)}")


def _wide(value: Tensor) -> torch.dtype:
    return torch.float64 if value.dtype == torch.float64 else torch.float32


def _full_precision(values: Mapping[Modality, Tensor]) -> torch.autocast:
    return torch.autocast(next(iter(values.values())).device.type, enabled=False)
