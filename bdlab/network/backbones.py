"""The backbone of every network here: a torchvision ResNet with layer4's stride as asked, and
weights from a file in it.
"""

from __future__ import annotations

import urllib.error
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models.resnet import BasicBlock, ResNet

from bdlab.files import digest

BACKBONES = ("resnet50", "resnet18", "resnet10")


class WeightsError(ValueError):
    """Backbone weights that cannot be had, read or fitted; says which file or name and what to do."""


def build_backbone(
    name: str = "resnet50", weights: str | None = None, strides: str = "auto", last_stride: int = 1
) -> ResNet:
    """A torchvision ResNet with layer4's stride as asked and, if given, weights in it.

    ``resnet10`` is one basic block a stage, 16 channels wide: for the demo. ``strides`` says where
    a file's down-sampling stride sits: ``v1.5`` the 3x3 convolution (torchvision), ``v1`` the first
    1x1 (He et al. 2015). A state dict does not tell; ``auto`` knows some files by their sha256 and
    asks for every other (see ``strides_of``).
    """
    one_of("backbone", name, BACKBONES)
    one_of("strides", strides, ("auto", "v1.5", "v1"))
    body = _narrow(16) if name == "resnet10" else getattr(models, name)(weights=None)
    if weights == "imagenet":
        _load(body, _download(name), f"torchvision's {name}")
    elif weights is not None:
        _load(body, _read(Path(weights)), weights)
    for stage in (
        (body.layer2, body.layer3, body.layer4)
        if strides_of(strides, weights, name) == "v1" and name == "resnet50"
        else ()
    ):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    if last_stride == 1:
        for module in body.layer4.modules():
            if isinstance(module, nn.Conv2d):
                module.stride = (1, 1)
    return body


def _narrow(width: int) -> ResNet:
    """torchvision's ResNet-10 has fixed widths; the same blocks at a fraction of them."""
    body = ResNet(BasicBlock, [1, 1, 1, 1])
    body.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
    body.bn1, body.inplanes = nn.BatchNorm2d(width), width
    for stage in range(4):
        setattr(
            body,
            f"layer{stage + 1}",
            body._make_layer(BasicBlock, width << stage, 1, stride=1 if stage == 0 else 2),
        )
    body.fc = nn.Linear(width << 3, 1)
    for module in body.modules():  # torchvision's own start, for the layers just replaced
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return body


def _download(name: str) -> dict[str, Tensor]:
    if name == "resnet10":
        raise WeightsError(
            "there are no ImageNet weights for resnet10: use weights=None, or resnet50 / resnet18"
        )
    entry = models.get_model_weights(name).IMAGENET1K_V1
    cached = downloaded(name)
    if cached and not digest(cached).startswith(_digits(entry.url)):
        raise WeightsError(
            f"{cached}: not the file that torchvision published under this name (its sha256 does "
            "not begin as its name says); delete it, and it is downloaded anew"
        )
    try:
        return entry.get_state_dict(progress=True, check_hash=True)
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        raise WeightsError(
            f"ImageNet weights for {name} could not be downloaded ({error}). Without a network, give a file: "
            f"weights='path/to/{name}.pth' (a torchvision state dict), or weights=None for a random start."
        ) from error


def downloaded(name: str) -> Path | None:
    """Where torch keeps torchvision's ImageNet weights of a backbone; None if they are not there."""
    url = models.get_model_weights(name).IMAGENET1K_V1.url
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
    return path if path.is_file() else None


def _digits(url: str) -> str:
    """The first digits of the sha256, as torchvision writes them into a file's name."""
    return Path(url).stem.rpartition("-")[2]


def find_weights(weights: str | None) -> None:
    """Raise WeightsError if ``weights`` names a file that is not there."""
    if weights not in (None, "imagenet") and not Path(weights).is_file():
        raise WeightsError(
            f"{weights}: there is no such weights file; give a state dict's path, 'imagenet' or None"
        )


def _read(path: Path) -> dict[str, Tensor]:
    find_weights(str(path))
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises many kinds; all mean the same to the reader
        raise WeightsError(
            f"{path}: not a plain state dict that can be loaded safely ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(
            f"{path}: a state dict (names to tensors) is meant, this holds {type(state).__name__}"
        )
    return state


def _load(body: ResNet, state: Mapping[str, Tensor], source: str) -> None:
    """Put a state dict into a backbone; the ImageNet classifier (fc) is neither needed nor kept."""
    state = {
        name: value.float() if value.is_floating_point() else value
        for name, value in state.items()
        if not name.startswith("fc.")
    }
    own = {name: value for name, value in body.state_dict().items() if not name.startswith("fc.")}
    wrong = [
        f"{n} is {tuple(state[n].shape)}, not {tuple(own[n].shape)}"
        for n in own
        if n in state and state[n].shape != own[n].shape
    ]
    missing = [n for n in own if n not in state and not n.endswith("num_batches_tracked")]
    if wrong or missing or state.keys() - own.keys():
        faults = (
            wrong[:1]
            + [f"{n} is missing" for n in missing[:1]]
            + [f"{n} is unknown" for n in sorted(state.keys() - own.keys())[:1]]
        )
        raise WeightsError(f"{source}: these weights do not fit the backbone: {'; '.join(faults)}")
    body.load_state_dict(state, strict=False)


#: Where the strides of known ResNet-50 files sit, by the first digits of their sha256:
#: torchvision's two and its older one, and the original v1 weights in half precision.
KNOWN_STRIDES = {
    "0676ba61": "v1.5",
    "11ad3fa6": "v1.5",
    "19c8e357": "v1.5",
    "b4d9c283": "v1",
}


def strides_of(strides: str, weights: str | None, backbone: str = "resnet50") -> str:
    """``v1`` or ``v1.5``: what ``auto`` means for these weights; only a ResNet-50 has a choice.

    Raises WeightsError for ``auto`` and a file that is not known by its content: never guessed.
    """
    if strides != "auto":
        return strides
    if backbone != "resnet50" or weights in (None, "imagenet"):
        return "v1.5"
    find_weights(weights)
    digits = digest(Path(weights))
    if digits[:8] in KNOWN_STRIDES:
        return KNOWN_STRIDES[digits[:8]]
    raise WeightsError(
        f"{weights}: strides = 'auto', but this file is not one that is known (sha256 "
        f"{digits[:8]}...), and a state dict does not say where its strides sit. Set strides to "
        "'v1.5' for weights trained with torchvision's ResNet-50 (stride in the 3x3 convolution) "
        "or to 'v1' for the original ones (stride in the first 1x1), e.g. --set strides=v1.5"
    )


def one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ValueError naming the choices if ``value`` is none of them."""
    if value not in choices:
        raise ValueError(f"{name} = {value!r}: choose one of {', '.join(choices)}")
