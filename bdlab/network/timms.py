"""Convolutional networks of timm as backbones: an optional dependency, three models by name.

Another model is a line in ``MODELS`` and a name in the configuration.
"""

from __future__ import annotations

from torch import nn

from .contract import Backbone
from .weights import WeightsError, fill

#: Our name -> timm's. The first is small enough for a smoke run.
MODELS = {
    "timm_micro": "test_resnet",
    "timm_seresnet50": "seresnet50",
    "timm_convnextv2_nano": "convnextv2_nano",
}
#: timm's names of a model's parts: where the trunk begins, and what stands behind the last map.
_TRUNK = frozenset({"layer1", "stages", "blocks", "s1"})
_HEAD = frozenset({"global_pool", "head", "fc", "classifier"})


def build(name: str, weights: str | None, strides: str, last_stride: int) -> Backbone:
    """A model's parts before its first stage as the stem, the rest up to the last map as the trunk.

    ``last_stride`` 1 is timm's output stride of 16: the last stage's convolutions are dilated
    instead of strided. ``strides`` is a ResNet's. Stochastic depth and dropout are off, so that
    nothing draws. Raises WeightsError for ``"imagenet"``: nothing of timm's is downloaded.
    """
    timm = _timm(name)
    model = MODELS[name]
    if weights == "imagenet":
        raise WeightsError(
            f"{name}: weights = 'imagenet' is torchvision's; of timm nothing is downloaded. Save "
            f"them once, torch.save(timm.create_model({model!r}, pretrained=True).state_dict(), "
            "'w.pth'), and give the file: weights=w.pth"
        )
    body = timm.create_model(
        model,
        pretrained=False,
        num_classes=0,
        drop_rate=0.0,
        drop_path_rate=0.0,
        output_stride=16 if last_stride == 1 else 32,
    )
    fill(body, name, weights, head=f"{body.pretrained_cfg['classifier']}.")
    parts = [(part, module) for part, module in body.named_children() if part not in _HEAD]
    first = next(k for k, (part, _) in enumerate(parts) if part in _TRUNK)
    stem = nn.Sequential(*[module for _, module in parts[:first]])
    trunk = nn.Sequential(*[module for _, module in parts[first:]])
    return Backbone(stem, trunk, body.num_features)


def _timm(name: str):  # type: ignore[no-untyped-def]
    """The package. Raises ValueError with the remedy where it is not installed."""
    try:
        import timm
    except ImportError as error:
        raise ValueError(
            f"backbone = {name!r} is a model of timm, which is not installed: "
            "`pip install 'bdlab[timm]'`, or choose another backbone"
        ) from error
    return timm
