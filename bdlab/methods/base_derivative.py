"""The paper's own method and every row of Table IV: eq. 9 over the modalities and the graph of the
configuration.
"""

from __future__ import annotations

from bdlab.config import Config
from bdlab.network import BaseDerivativeNet

from .objective import Objective, build_net, objective


def build(
    config: Config,
    num_ids: int,
) -> tuple[BaseDerivativeNet, Objective]:
    """The network and the objective of the configuration, for ``num_ids`` people."""
    net = build_net(config, num_ids)
    return net, objective(net, config)
