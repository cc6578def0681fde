"""What every method is made of: a base-derivative network, and eq. 9 with its own terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from bdlab import losses
from bdlab.config import Config, ConfigError
from bdlab.modality import Modality
from bdlab.network import BaseDerivativeNet, Output


@dataclass(frozen=True)
class Batch:
    """One step's input. ``images[m]`` float [P K, 3, H, W] normalised, ``labels[m]`` int64 [P K],
    for V and I.

    ``progress`` is the share of all steps gone by, in [0, 1).
    """

    images: dict[Modality, Tensor]
    labels: dict[Modality, Tensor]
    progress: float


Terms = dict[str, Tensor]
Objective = Callable[[Batch], Terms]
Labels = Mapping[Modality, Tensor]
#: A rival's own terms from what it saw: (batch, output, labels of every modality) -> scalars.
ExtraTerms = Callable[[Batch, Output, Labels], Terms]


class Method(Protocol):
    """What can be trained: a configuration and a number of people -> (network, objective)."""

    def __call__(
        self,
        config: Config,
        num_ids: int,
    ) -> tuple[BaseDerivativeNet, Objective]: ...


def build_net(
    config: Config,
    num_ids: int,
    kind: type[BaseDerivativeNet] = BaseDerivativeNet,
    **other: Any,
) -> BaseDerivativeNet:
    """The network of a configuration, from torch's current random state; ``other`` overrides fields
    of the Model section.
    """
    model = vars(config.model) | other
    model.pop("modalities")
    return kind(num_ids, config.modalities, **model)


def ramp(
    config: Config,
    progress: float,
) -> float:
    """r of ``losses.total`` after a share ``progress`` of all steps: grows from 0 to 1."""
    length = config.loss.triplet_ramp
    return min(1.0, progress / length) if length else 1.0


def objective(
    net: BaseDerivativeNet,
    config: Config,
    extra_terms: ExtraTerms | None = None,
) -> Objective:
    """``losses.total`` over the modalities and the graph of the configuration, with what a rival
    adds, and the ``spread`` of the features (their mean standard deviation, not trained on).

    The fields of the configuration's Loss section are the arguments of ``losses.total`` by name, so
    that a new weight reaches it from there.
    """
    weights = dict(vars(config.loss))
    pairs = config.graph
    for name in ("pairs", "triplet_ramp"):
        weights.pop(name)

    def step(batch: Batch) -> Terms:
        out = net(batch.images)
        labels = {m: batch.labels[m.parent] for m in net.modalities}
        added = extra_terms(batch, out, labels) if extra_terms and config.loss.rival else {}
        terms = losses.total(
            out.logits,
            out.features,
            labels,
            pairs,
            ramp=ramp(config, batch.progress),
            extra_terms=added,
            **weights,
        )
        features = torch.cat(list(out.features.values()))  # [T, D]
        terms["spread"] = features.detach().float().std(0).mean()
        return terms

    return step


def need_stages(
    net: BaseDerivativeNet,
    config: Config,
) -> None:
    """Raise ConfigError if the backbone has no ResNet's stages, which a rival is built into."""
    if not net.stages:
        raise ConfigError(
            f"method = {config.run.method!r} is built into a ResNet, and "
            f"backbone = {config.model.backbone!r} is none: use resnet50, resnet18 or resnet10"
        )


def tie(
    net: BaseDerivativeNet,
    stems: Mapping[Modality, Modality],
) -> None:
    """Let modalities share a stem: ``{I: V}`` gives I the very stem of V."""
    for m, other in stems.items():
        net.stems[m.value] = net.stems[other.value]
