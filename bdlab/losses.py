"""The paper's losses in the order of its equations: distances, eq. 3, 4, 5, 2, 6-7, 8 and 9.

Letters: f features [N_m, D] of modality m, y labels, S Euclidean distance, [z]_+ = max(z, 0). An
anchor is a row of one modality that looks for pictures in another one (or in its own). Values are
float32, or float64 for float64 features, inside autocast too. The host never waits for the device.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .modality import Modality, Pair, check_pairs

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Integer

    Features = Mapping[Modality, Float[Tensor, "_ D"]]
    Logits = Mapping[Modality, Float[Tensor, "_ K"]]
    Labels = Mapping[Modality, Integer[Tensor, " _"]]
    Scalar = Float[Tensor, ""]
    Square = Float[Tensor, "M M"]
    Distances = Float[Tensor, "A B"]
    Choice = Bool[Tensor, "A B"]
    Anchors = Float[Tensor, " A"]
    Violation = Float[Tensor, "N *M"]
    Reduced = Float[Tensor, "*M"]


class Term(NamedTuple):
    """A term of eq. 9: the argument of ``total`` that weighs it, and what a figure calls it."""

    weight: str
    label: str


#: The terms by the names they have in a history.
TERMS = {
    "id": Term("alpha", "ID loss (eq. 8)"),
    "mml": Term("beta", "multi-mode loss (eq. 6)"),
    "mdl": Term("gamma", "multi-directional loss (eq. 2)"),
}
ACTIVE = "active "  # with two modalities: the name of a share of anchors at work in ``total``
#: Squared distances up to this many epsilons of the squared sizes are rounding: such rows are one
#: point, and no direction leads apart.
ROUNDING = 8


def pairwise(x: Float[Tensor, "T D"]) -> Float[Tensor, "T T"]:
    """S, the Euclidean distances of the rows of ``x`` [T, D] from each other: [T, T], in its dtype.

    One matrix product, and one more for the gradient. Measured from the mean of the rows: features
    share most of their size, and without it those of a demo training, of norm 3.4 and as little as
    0.013 apart, would have distances wrong by almost a hundredth. A squared distance is right to
    about ``ROUNDING`` epsilons of its two rows' squared distances from that mean. Rows no further
    apart than this (in float32, a thousandth of the way to the mean) are one point: 0, no gradient.

    >>> pairwise(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
    tensor([[0., 5.],
            [5., 0.]])
    """
    return _Distances.apply(x)


class _Distances(torch.autograd.Function):
    """Distances with their own gradient: finite where rows coincide, half of autograd's work."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x - x.mean(0)
        # out=: autocast leaves such a product alone
        product = torch.mm(x, x.T, out=x.new_empty(len(x), len(x)))
        square = product.diagonal()
        sizes = square[:, None] + square  # [T, T]
        squared = sizes.sub(product, alpha=2)
        # one point: not further apart than the product's rounding; nan is none and goes on
        same = squared <= sizes.mul_(ROUNDING * torch.finfo(x.dtype).eps)
        distance = squared.masked_fill_(same, 0.0).sqrt_()
        ctx.save_for_backward(x, distance, same)
        return distance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """S_ij = |x_i - x_j|, so dx_i = sum_j w_ij (x_i - x_j) with w_ij = (g_ij + g_ji) / S_ij."""
        x, distance, same = ctx.saved_tensors
        weight = ((gradient + gradient.T) / distance).masked_fill_(same, 0.0)
        return torch.mm(weight.sum(1).diag() - weight, x, out=torch.empty_like(x))


def mask(anchors: Integer[Tensor, " A"], others: Integer[Tensor, " B"]) -> Choice:
    """Eq. 3, the mask:  V_ij = 1 if y_i = y_j, else 0, for row i of m1 and row j of m2.

    ``anchors`` [A] and ``others`` [B] are labels; the numbers may differ. Returns [A, B] bool.

    >>> mask(torch.tensor([0, 1]), torch.tensor([0, 0, 1]))
    tensor([[ True,  True, False],
            [False, False,  True]])
    """
    return anchors[:, None] == others


def directed(violation: Violation, reduction: str = "mean") -> Reduced:
    """Eq. 4, a directed loss:  L_{m1->m2} = sum_i [alpha_2 + max D_i - min D~_i]_+.

    ``violation`` [N, ...] is what stands in the brackets, one row for each anchor i of m1, -inf
    where an anchor lacks a positive or a negative in m2. ``"mean"`` over the anchors that have
    both, or ``"sum"``; 0 if none has.

    Differs from the paper: eq. 4 prints a sum; over 24 anchors in six directions it would drown the
    ID loss, so the mean is the default.

    >>> directed(torch.tensor([1.5, -2.0, -torch.inf]))
    tensor(0.7500)
    """
    total = violation.relu().sum(0)
    if reduction == "sum":
        return total
    anchors = (violation > -torch.inf).sum(0)
    return total / anchors.clamp_min(1)


def active(violation: Violation) -> Reduced:
    """The share of anchors at work (hinge above 0) among those that have a pair; 0 without any.

    Argument as in ``directed``. No gradient.
    """
    violation = violation.detach()
    anchors = (violation > -torch.inf).sum(0)
    at_work = (violation > 0).sum(0)
    return at_work / anchors.clamp_min(1)


def hardest(
    distance: Distances,
    same: Choice,
    itself: Choice,
    literal: bool = False,
) -> tuple[Anchors, Anchors]:
    """Eq. 5, the hardest pictures of an anchor:  D = S * V, its furthest positive max_j D_ij;  D~ =
    S * (1 - V), its nearest negative min_k D~_ik.

    ``distance`` S [A, B], ``same`` V [A, B], ``itself`` [A, B] true where row and column are one
    picture: an anchor is not its own positive. Returns the distances of the furthest positive and
    of the nearest negative, [A] each; minus and plus infinity where there is none.

    Differs from the paper: eq. 5 multiplies by the 0/1 mask, so that every minimum over negatives
    is 0 and nothing is pushed away. Here the mask selects. ``literal=True`` computes eq. 5 as
    printed, for teaching.

    >>> same = torch.tensor([[True, True, False, False]])
    >>> hardest(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), same, itself=same & False)
    (tensor([2.]), tensor([3.]))
    """
    outside = 0.0 if literal else torch.inf
    no_positive = ~same | itself
    positive = distance.masked_fill(no_positive, -outside)
    negative = distance.masked_fill(same, outside)
    return positive.max(1).values, negative.min(1).values


def violations(
    features: Features,
    labels: Labels,
    margin_intra: float = 0.3,
    margin_cross: float = 0.5,
    literal: bool = False,
) -> list[Float[Tensor, "_ M"]]:
    """What stands in the brackets of eq. 4 and 7, for every anchor and modality it looks into.

    Arguments as in ``table``. A list over the modalities: [N_m, M], columns in the same order.
    """
    _check(features, labels)
    sizes = [len(f) for f in features.values()]
    rows = torch.cat([_wide(f) for f in features.values()])  # [T, D], T = sum of N_m
    people = torch.cat([labels[m].long() for m in features])  # [T]
    squares = pairwise(rows), mask(people, people), _eye(rows)  # [T, T] each
    columns = [square.split(sizes, dim=1) for square in squares]
    gaps = []
    # the columns of one modality after another: [T, N_m]
    for distance, same, itself in zip(*columns, strict=True):
        furthest, nearest = hardest(distance, same, itself, literal)
        gaps.append(furthest - nearest)
    anchors = torch.stack(gaps, dim=1).split(sizes)  # [N_m, M] for every modality
    margins = rows.new_full((len(sizes), len(sizes)), margin_cross)
    margins.fill_diagonal_(margin_intra)
    return [gap + margin for gap, margin in zip(anchors, margins, strict=True)]


def _eye(rows: Tensor) -> Tensor:
    """[T, T], true where row and column are one picture."""
    return torch.eye(
        len(rows),
        dtype=torch.bool,
        device=rows.device,
    )


def table(
    features: Features,
    labels: Labels,
    margin_intra: float = 0.3,
    margin_cross: float = 0.5,
    reduction: str = "mean",
    literal: bool = False,
) -> Square:
    """Every directed loss at once:  table[a, b] = mean_i [margin + max_pos S(f_i^a, f_j^b) -
    min_neg S(f_i^a, f_k^b)]_+.

    ``features[m]`` [N_m, D] float, ``labels[m]`` [N_m] int; modalities may differ in number.
    Returns [M, M], rows (anchors) and columns in the order of ``features``: the diagonal holds
    MML's terms with ``margin_intra``, the rest MDL's with ``margin_cross``. Reductions as in
    ``directed``, ``literal`` as in ``hardest``. Raises ValueError for what does not fit.

    >>> f = {m: torch.tensor([[0.0], [x]]) for m, x in zip(Modality, (1.0, 3.0))}
    >>> table(f, dict.fromkeys(f, torch.tensor([0, 1])), margin_cross=0.75)
    tensor([[0.0000, 0.8750],
            [0.0000, 0.0000]])
    """
    _check_choice("reduction", reduction, ("mean", "sum"))
    rows = violations(features, labels, margin_intra, margin_cross, literal)
    return torch.stack([directed(row, reduction) for row in rows])


def directed_sum(
    table: Square,
    order: Sequence[Modality],
    pairs: Sequence[Pair],
) -> Scalar:
    """A graph's entries in a table: sum over pairs of table[a, b] + table[b, a]; ``order`` names
    the rows.
    """
    check_pairs(order, pairs)
    total = table.new_zeros(())
    for a, b in pairs:
        i = order.index(a)
        j = order.index(b)
        total = total + table[i, j] + table[j, i]
    return total


def mdl(
    features: Features,
    labels: Labels,
    pairs: Sequence[Pair],
    margin: float = 0.5,
    reduction: str = "mean",
    literal: bool = False,
) -> Scalar:
    """Eq. 2, the multi-directional loss:  L_MDL = sum over pairs of L_{m1->m2} + L_{m1<-m2}.

    Arguments as in ``table``; ``pairs`` is a graph of ``modality.MDL_GRAPHS`` or any tuple of
    pairs. Returns a scalar, 0 for an empty graph. Raises ValueError for a pair without features.

    Differs from the paper: eq. 2's sum over ordered pairs of a sum of both directions counts each
    pair twice; we count it once.

    >>> f = {m: torch.tensor([[0.0], [x]]) for m, x in zip(Modality, (1.0, 3.0))}
    >>> mdl(f, dict.fromkeys(f, torch.tensor([0, 1])), [(Modality.V, Modality.I)], margin=0.75)
    tensor(0.8750)
    """
    directions = table(features, labels, 0.0, margin, reduction, literal)
    return directed_sum(directions, list(features), pairs)


def mml(
    features: Features,
    labels: Labels,
    margin: float = 0.3,
    reduction: str = "mean",
) -> Scalar:
    """Eq. 6-7, the multi-mode loss:  L_MML = sum_M L_M,  L_M = sum_B [alpha_1 + max S - min S]_+.

    Batch-hard triplets within each modality. Arguments as in ``table``; returns a scalar. B of eq.
    7 is that modality's pictures in the batch; no pair: 0.

    Differs from the paper: eq. 7 prints a sum over B; the mean is the default, as in ``directed``.

    >>> f = {Modality.V: torch.tensor([[0.0], [2.0], [1.0], [9.0]])}
    >>> mml(f, {Modality.V: torch.tensor([0, 0, 1, 1])}, margin=0.5)
    tensor(3.)
    """
    return table(features, labels, margin, reduction=reduction).diagonal().sum()


def identity(
    logits: Logits,
    labels: Labels,
    over: str = "mean",
    smoothing: float = 0.0,
) -> Scalar:
    """Eq. 8, the ID loss:  L_id = -(1/N) sum_M sum_i log p(y_i | x_i).

    ``logits[m]`` [N_m, ids] float, ``labels[m]`` [N_m] integers. Cross-entropy, mean within a
    modality; over the modalities ``"mean"`` or ``"sum"``. Returns a scalar. Raises ValueError for
    an unknown ``over`` or unequal keys.

    Differs from the paper: eq. 8's N is open. ``"mean"`` counts the whole batch, as AGW's public
    code does, on which the paper builds; ``"sum"`` counts one modality, as the public code of [16]
    does, from which E_V and G_S are taken, and as "alpha and beta are both set to 1 for each
    modality" may be read. ``smoothing`` e is ours (label smoothing; at 0, the default, this is eq.
    8): log p(y_i) becomes (1 - e) log p(y_i) + e times the mean of log p over all identities.

    >>> logits = {m: torch.zeros(3, 100) for m in Modality}
    >>> identity(logits, dict.fromkeys(logits, torch.tensor([0, 1, 2])))  # a guess: ln 100
    tensor(4.6052)
    """
    _check_choice("over", over, ("mean", "sum"))
    _check(logits, labels)
    each = []
    for m, value in logits.items():
        people = labels[m].long()
        each.append(F.cross_entropy(_wide(value), people, label_smoothing=smoothing))
    values = torch.stack(each)
    return values.mean() if over == "mean" else values.sum()


def total(
    logits: Logits,
    features: Features,
    labels: Labels,
    pairs: Sequence[Pair],
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    gamma: float = 1.0,
    margin_intra: float = 0.3,
    margin_cross: float = 0.5,
    id_over: str = "mean",
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    ramp: float = 1.0,
    rival: float = 1.0,
    extra_terms: Mapping[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Eq. 9, the objective:  L_total = alpha L_id + r (beta L_MML + gamma L_MDL + rival sum_t L_t).

    ``logits``, ``features``, ``labels`` as in ``identity`` and ``table``, ``pairs`` as in ``mdl``.
    ``ramp`` r in [0, 1] lets all but the ID loss grow in, ``extra_terms`` L_t are a rival's own.
    Returns scalars by name: ``total``, every term unweighted (MML and MDL if one of them weighs
    anything), and the share of anchors at work in each direction that counts (``active V-I``).

    Differs from the paper: r, L_t and ``label_smoothing`` are ours; without them (the defaults) it
    is eq. 9.

    >>> f = {m: torch.zeros(4, 2) for m in (Modality.V, Modality.I)}
    >>> terms = total(f, f, dict.fromkeys(f, torch.tensor([0, 0, 1, 1])), [tuple(f)])
    >>> {name: round(terms[name].item(), 3) for name in TERMS}
    {'id': 0.693, 'mml': 0.6, 'mdl': 1.0}
    """
    _check_choice("reduction", reduction, ("mean", "sum"))
    terms = {"id": identity(logits, labels, id_over, label_smoothing)}
    pull = terms["id"].new_zeros(())
    shares = {}
    if beta or gamma:
        order = list(features)
        rows = violations(features, labels, margin_intra, margin_cross)
        directions = torch.stack([directed(row, reduction) for row in rows])  # [M, M]
        share = torch.stack([active(row) for row in rows])
        shares = _shares(share, order, pairs)
        terms["mml"] = directions.diagonal().sum()
        terms["mdl"] = directed_sum(directions, order, pairs)
        pull = beta * terms["mml"] + gamma * terms["mdl"]
    if extra_terms:
        terms |= extra_terms
        pull = pull + rival * sum(extra_terms.values())
    objective = alpha * terms["id"] + ramp * pull
    return {"total": objective, **terms, **shares}


def idle(
    modalities: int, pairs: int, num_ids: int, margin_intra: float, margin_cross: float
) -> dict[str, float]:
    """What each term of ``total`` costs when the network has learned nothing, as means: ``id`` of a
    guess, ln(people); ``mml`` and ``mdl`` of features that are all one point, the sum of their
    margins over ``modalities`` and over both directions of ``pairs``.
    """
    return {
        "id": math.log(num_ids),
        "mml": modalities * margin_intra,
        "mdl": 2 * pairs * margin_cross,
    }


def _shares(
    share: Square,
    order: Sequence[Modality],
    pairs: Sequence[Pair],
) -> dict[str, Tensor]:
    """The entries of [M, M] that count in eq. 9 by name: ``active V-I`` looks from V into I."""
    shares = {}
    for i, a in enumerate(order):
        for j, b in enumerate(order):
            if a == b or (a, b) in pairs or (b, a) in pairs:
                shares[f"{ACTIVE}{a}-{b}"] = share[i, j]
    return shares


def _check(values: Features, labels: Labels) -> None:
    """Raise ValueError unless every modality has rows and one label, an integer, for each."""
    if not values:
        raise ValueError("no modality given")
    missing = sorted(values.keys() - labels.keys())
    if missing:
        raise ValueError(f"labels are missing for {', '.join(missing)}")
    for m, value in values.items():
        shape, given = tuple(value.shape), tuple(labels[m].shape)
        if len(shape) != 2 or given != shape[:1]:
            raise ValueError(
                f"{m}: {shape} values need labels of shape ({len(value)},), got {given}"
            )
        kind = labels[m].dtype
        if kind.is_floating_point or kind.is_complex or kind == torch.bool:
            raise ValueError(f"{m}: labels are {kind}: integers are meant, use labels.long()")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        named = " or ".join(map(repr, choices))
        raise ValueError(f"{name} = {value!r}: choose {named}")


def _wide(value: Tensor) -> Tensor:
    """The value in float32, or as it is in float64."""
    return value if value.dtype == torch.float64 else value.float()
