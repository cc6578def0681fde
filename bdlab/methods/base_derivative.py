"""What can be trained: a method is a name for (network, objective), and an objective is ``objective(batch) -> terms``.

The terms are scalars with ``"total"`` among them; every other one is logged as it is. A network of a method has ``head()``,
``generators()`` and ``generator_numbers()`` for the optimiser and the history, and ``embed(x, modality)`` for the test.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from .config import Config
from .rivals import RIVALS
from .rivals.common import Objective, build_net, objective


def base_derivative(config: Config, num_ids: int) -> tuple[nn.Module, Objective]:
    """The paper's method and every row of Table IV: eq. 9 over the modalities and the graph of the configuration."""
    net = build_net(config, num_ids)
    return net, objective(net, config)


METHODS: dict[str, Callable[[Config, int], tuple[nn.Module, Objective]]] = {"base-derivative": base_derivative, **RIVALS}
