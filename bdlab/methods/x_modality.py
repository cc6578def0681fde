"""One auxiliary modality between the two: X-modality (XIV), Li et al. [16], which the paper builds
on.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bdlab.config import Config
from bdlab.modality import Modality
from bdlab.network import BaseDerivativeNet, Output

from .objective import Batch, Labels, Objective, Terms, build_net, objective, tie

V, I, X = Modality.V, Modality.I, Modality.DV
#: The public code's margin and weight of a cross term.
MARGIN, WEIGHT = 0.5, 0.1


def centre_gap(
    x: Tensor,
    y: Tensor,
    euclidean: bool = False,
) -> Tensor:
    """The public code's cross term between two modalities, unweighted: both directions of
    mean_i [0.5 + d_ii - min_j d_ij, d_ji]_+ over the centres of people.

    ``x``, ``y`` [P, D]: row i of both is one person's mean feature. The negative is the smaller of
    a row's and a column's minimum, so both directions are one number, twice. That code takes the
    norms of a distance from the wrong rows beside the diagonal: d_ij^2 = |x_j|^2 + |y_i|^2 - 2 x_i
    y_j; ``euclidean=True`` is what it means.
    """
    x_sizes = x.square().sum(1)  # [P]
    y_sizes = y.square().sum(1)
    if euclidean:
        sizes = x_sizes[:, None] + y_sizes  # [P, P]
    else:
        sizes = x_sizes + y_sizes[:, None]
    distance = (sizes - 2 * x @ y.T).clamp_min(1e-12).sqrt()
    positive = distance.diagonal()
    itself = torch.eye(len(x), dtype=torch.bool, device=x.device)
    others = distance.masked_fill(itself, torch.inf)
    negative = torch.minimum(others.amin(0), others.amin(1))
    return 2 * F.relu(MARGIN + positive - negative).mean()


def build(
    config: Config,
    num_ids: int,
) -> tuple[BaseDerivativeNet, Objective]:
    """The row X-Modality of Table II; in bdlab's letters X stands where D_V does, and is made from
    visible pictures alone.

    Keeps: the light generator 3 -> 1 -> 3 of two 1x1 convolutions with a ReLU between (E_V and a G
    that infrared never passes), X labelled as its parent; one weight-sharing network for V, X and
    I; the ID loss over all three; the cross-modality gap (triplets V-I and X-I: the row's pairs,
    margin 0.5) and the modality-respective gap (triplets within V, X and I: MML). Leaves out: what
    [16] adds to both gaps on classification outputs; its own schedule. The row MDL2 of Table IV is
    the same but for the stems, which are one for each modality there.

    Differs from the public code (Alexadlu/XIVReID, the authors'): there the ID losses of the three
    modalities are summed (with label smoothing 0.1), and each cross term weighs 0.1 and is taken
    between the means of a person's pictures, with distances that are 1 to 40 % too large beside the
    diagonal (``centre_gap``). ``rival_form = as-published`` takes these cross terms (``gap``); the
    row sums the ID losses and leaves MDL out. It is trained with Adam and tested before the neck.
    """
    net = build_net(config, num_ids)
    tie(net, dict.fromkeys(net.modalities, V))
    if config.run.rival_form == "clean":
        return net, objective(net, config)

    def extra_terms(
        batch: Batch,
        out: Output,
        labels: Labels,
    ) -> Terms:
        centres = {}
        for m, feature in out.features.items():
            people = feature.float().unflatten(0, (-1, config.data.shots))  # [P, K, D]
            centres[m] = people.mean(1)
        with torch.autocast(centres[V].device.type, enabled=False):
            gap = centre_gap(centres[V], centres[I]) + centre_gap(centres[X], centres[I])
        return {"gap": WEIGHT * gap}

    return net, objective(net, config, extra_terms)
