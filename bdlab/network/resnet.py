"""ResNets as backbones: the paper's ResNet-50, ResNet-18, and a ResNet-10 for the demo."""

from __future__ import annotations

from torch import nn
from torchvision import models
from torchvision.models.resnet import BasicBlock, ResNet

from bdlab.files import digest

from .contract import Backbone
from .reading import WeightsError, locate, read
from .weights import fill

WIDTH = 16  # channels of the ResNet-10's first stage


def build(name: str, weights: str | None, strides: str, last_stride: int) -> Backbone:
    """A ResNet's convolution, norm, ReLU and max pool as the stem, its four stages as the trunk."""
    body = resnet(name, weights, strides, last_stride)
    stem = nn.Sequential(body.conv1, body.bn1, body.relu, body.maxpool)
    trunk = nn.Sequential(body.layer1, body.layer2, body.layer3, body.layer4)
    return Backbone(stem, trunk, body.fc.in_features, stages=True)


def resnet(
    name: str = "resnet50", weights: str | None = None, strides: str = "auto", last_stride: int = 1
) -> ResNet:
    """A torchvision ResNet with layer4's stride as asked and, if given, weights in it.

    ``resnet10`` is one basic block a stage, 16 channels wide. ``strides`` says where a file's
    down-sampling stride sits: ``v1.5`` the 3x3 convolution (torchvision), ``v1`` the first 1x1 (He
    et al. 2015). A state dict does not tell; ``auto`` knows some files by their sha256 and asks for
    every other (see ``strides_of``).
    """
    body = _narrow() if name == "resnet10" else getattr(models, name)(weights=None)
    fill(body, name, weights, head="fc.")
    if strides_of(strides, weights, name) == "v1" and name == "resnet50":
        for stage in (body.layer2, body.layer3, body.layer4):
            stage[0].conv1.stride = (2, 2)
            stage[0].conv2.stride = (1, 1)
    if last_stride == 1:
        for module in body.layer4.modules():
            if isinstance(module, nn.Conv2d):
                module.stride = (1, 1)
    return body


#: Where the strides of known ResNet-50 files sit, by the first digits of their sha256:
#: torchvision's two and its older one, and the original v1 weights in half precision.
KNOWN_STRIDES = {"0676ba61": "v1.5", "11ad3fa6": "v1.5", "19c8e357": "v1.5", "b4d9c283": "v1"}


def strides_of(strides: str, weights: str | None, backbone: str = "resnet50") -> str:
    """``v1`` or ``v1.5``: what ``auto`` means for these weights; only a ResNet-50 has a choice.

    Raises WeightsError for ``auto`` and a file that is not known by its content: never guessed.
    """
    if strides != "auto":
        return strides
    if backbone != "resnet50" or weights in (None, "imagenet"):
        return "v1.5"
    digits = digest(locate(weights))
    if digits[:8] in KNOWN_STRIDES:
        return KNOWN_STRIDES[digits[:8]]
    if noted := _noted(weights):
        return noted
    raise WeightsError(
        f"{weights}: strides = 'auto', but this file is not one that is known (sha256 "
        f"{digits[:8]}...), and a state dict does not say where its strides sit. Set strides to "
        "'v1.5' for weights trained with torchvision's ResNet-50 (stride in the 3x3 convolution) "
        "or to 'v1' for the original ones (stride in the first 1x1), e.g. --set strides=v1.5"
    )


def _noted(weights: str) -> str | None:
    """The strides a finished cell was trained with; None for any other file."""
    try:
        params = read(weights).params or {}
    except WeightsError:  # whoever loads the file will say it
        return None
    strides = params.get("strides", "auto")
    return None if strides == "auto" else strides


def _narrow() -> ResNet:
    """torchvision's ResNet-10 has fixed widths; the same blocks at a fraction of them."""
    body = ResNet(BasicBlock, [1, 1, 1, 1])
    body.conv1 = nn.Conv2d(3, WIDTH, 7, stride=2, padding=3, bias=False)
    body.bn1 = nn.BatchNorm2d(WIDTH)
    body.layer1 = nn.Sequential(BasicBlock(WIDTH, WIDTH))
    body.layer2 = _halving(WIDTH)
    body.layer3 = _halving(2 * WIDTH)
    body.layer4 = _halving(4 * WIDTH)
    body.fc = nn.Linear(8 * WIDTH, 1)
    for module in body.modules():  # torchvision's own start, for the layers just replaced
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return body


def _halving(width: int) -> nn.Sequential:
    """A stage of one block that doubles the channels and halves the map."""
    shortcut = nn.Sequential(
        nn.Conv2d(width, 2 * width, 1, stride=2, bias=False), nn.BatchNorm2d(2 * width)
    )
    return nn.Sequential(BasicBlock(width, 2 * width, stride=2, downsample=shortcut))
