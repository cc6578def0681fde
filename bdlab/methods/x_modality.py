"""One auxiliary modality between the two: X-modality (XIV), Li et al. [16], which the paper builds
on.
"""

from __future__ import annotations

from bdlab.config import Config
from bdlab.modality import Modality
from bdlab.network import BaseDerivativeNet

from .objective import Objective, build_net, objective, tie


def build(config: Config, num_ids: int) -> tuple[BaseDerivativeNet, Objective]:
    """The row X-Modality of Table II; in bdlab's letters X stands where D_V does, and is made from
    visible pictures alone.

    Keeps: the light generator 3 -> 1 -> 3 of two 1x1 convolutions with a ReLU between (E_V and a G
    that infrared never passes), X labelled as its parent; one weight-sharing network for V, X and
    I; the ID loss over all three; the cross-modality gap (triplets V-I and X-I: the row's pairs,
    margin 0.5) and the modality-respective gap (triplets within V, X and I: MML). Leaves out: what
    [16] adds to both gaps on classification outputs; its own schedule. The row MDL2 of Table IV is
    the same but for the stems, which are one for each modality there.
    """
    net = build_net(config, num_ids)
    tie(net, dict.fromkeys(net.modalities, Modality.V))
    return net, objective(net, config)
