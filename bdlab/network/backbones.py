"""Every backbone by name. A new one is a file with a ``build`` that returns a Backbone, a line here
and a name in the configuration.
"""

from __future__ import annotations

from . import convnext, resnet, timms, vit
from .contract import Backbone
from .resnet import KNOWN_STRIDES, strides_of
from .weights import WeightsError, downloaded, find_weights

__all__ = [
    "BACKBONES",
    "KNOWN_STRIDES",
    "Backbone",
    "WeightsError",
    "build_backbone",
    "downloaded",
    "find_weights",
    "strides_of",
]

BACKBONES = {
    "resnet50": resnet.build,
    "resnet18": resnet.build,
    "resnet10": resnet.build,
    "convnext_tiny": convnext.build,
    "convnext_micro": convnext.build,
    "vit_b_16": vit.build,
    "vit_micro": vit.build,
    **dict.fromkeys(timms.MODELS, timms.build),
}


def build_backbone(
    name: str = "resnet50", weights: str | None = None, strides: str = "auto", last_stride: int = 1
) -> Backbone:
    """The backbone called ``name``, from torch's current random state; ``weights`` None,
    ``"imagenet"`` (torchvision's download) or a state-dict file.

    ``last_stride`` 1 keeps the last map twice as large; ``strides`` is for ResNets (see
    ``resnet.resnet``). Raises ValueError for unknown options, WeightsError for weights that do not
    fit.
    """
    one_of("backbone", name, tuple(BACKBONES))
    one_of("strides", strides, ("auto", "v1.5", "v1"))
    return BACKBONES[name](name, weights, strides, last_stride)


def one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ValueError naming the choices if ``value`` is none of them."""
    if value not in choices:
        raise ValueError(f"{name} = {value!r}: choose one of {', '.join(choices)}")
