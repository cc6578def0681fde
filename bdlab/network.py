"""The base-derivative network: E_V, G_S, modality-independent stems F_I, a shared trunk F_S, neck and classifier.

Section II-A and II-B, Fig. 4. In the paper's F_I the I stands for *independent*, not for infrared. Pictures are
ImageNet-normalised float [B, 3, H, W]; every intermediate is reachable: ``net(images).images[Modality.DV]``.
"""

from __future__ import annotations

import copy
import re
import urllib.error
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import models
from torchvision.models.resnet import BasicBlock, ResNet

from .config import MEAN, STD
from .modality import Modality, parse_modality

LUMA = (0.299, 0.587, 0.114)
BACKBONES = ("resnet50", "resnet18", "resnet10")


class WeightsError(ValueError):
    """Backbone weights that cannot be had, read or fitted; says which file or name and what to do."""


class Encoder(nn.Module):
    """E_V (section II-A): a 1x1 convolution from three channels to one, then ReLU. [B, 3, H, W] -> [B, 1, H, W]."""

    def __init__(self, init: str = "uniform"):
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 1)
        _start(self.conv, {"uniform": (0.333, 0.333, 0.333), "luma": LUMA}.get(init))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(x))


class Generator(nn.Module):
    """G_S (section II-A): three 1x1 kernels over one channel, no activation, shared by both parents. [B, 1, H, W] -> [B, 3, H, W]."""

    def __init__(self, init: str = "uniform"):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 1)
        _start(self.conv, {"uniform": (0.333, 0.333, 0.333), "luma": (1.0, 1.0, 1.0)}.get(init))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


@dataclass(frozen=True)
class Output:
    """What one pass computes, each a dict over modalities in the order of the net.

    ``images`` [B, 3, H, W] as the stems see them; ``features`` [B, D] pooled, what the triplet losses read;
    ``embeddings`` [B, D] after the neck; ``logits`` [B, ids].
    """

    images: dict[Modality, Tensor]
    features: dict[Modality, Tensor]
    embeddings: dict[Modality, Tensor]
    logits: dict[Modality, Tensor]


class BaseDerivativeNet(nn.Module):
    """The four-modality network; drop modalities and it becomes every smaller row of Table IV.

    ``num_ids`` training identities; ``modalities`` any subset of the four that holds V and I; ``weights`` None (random
    start, drawn from torch's generator), ``"imagenet"`` (torchvision's download) or a state-dict file.
    With 395 classes: 24.35 M parameters for four modalities, 24.33 M for two (counted, ResNet-50).
    Raises WeightsError for weights that do not fit, ValueError for unknown options.
    """

    def __init__(
        self,
        num_ids: int,
        modalities: Iterable[str] = ("V", "I", "DV", "DI"),
        backbone: str = "resnet50",
        weights: str | None = None,
        *,
        strides: str = "auto",
        last_stride: int = 1,
        pool: str = "avg",
        feature: str = "bn",
        generator_init: str = "uniform",
        generator_space: str = "normalised",
    ):
        super().__init__()
        _one_of("pool", pool, ("avg", "gem"))
        _one_of("feature", feature, ("bn", "pool"))
        _one_of("generator_init", generator_init, ("uniform", "luma", "random"))
        _one_of("generator_space", generator_space, ("normalised", "unit"))
        named = {parse_modality(m) for m in modalities}
        if not {Modality.V, Modality.I} <= named:
            raise ValueError(f"modalities = {' '.join(sorted(named))!r}: both base modalities V and I are needed")
        self.modalities = tuple(m for m in Modality if m in named)
        self.feature, self.generator_space = feature, generator_space
        self.encoder = Encoder(generator_init) if Modality.DV in named else None
        self.generator = Generator(generator_init) if named & {Modality.DV, Modality.DI} else None
        body = build_backbone(backbone, weights, strides, last_stride)
        stem = nn.Sequential(body.conv1, body.bn1, body.relu, body.maxpool)
        # Every stem starts from the same numbers, as they do with pretrained weights, and goes its own way from there.
        self.stems = nn.ModuleDict({m.value: copy.deepcopy(stem) for m in self.modalities})
        self.trunk = nn.Sequential(body.layer1, body.layer2, body.layer3, body.layer4)
        self.pool = GeM() if pool == "gem" else nn.AdaptiveAvgPool2d(1)
        self.dim = body.fc.in_features
        self.neck = nn.BatchNorm1d(self.dim)
        self.neck.bias.requires_grad_(False)
        self.classifier = nn.Linear(self.dim, num_ids, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)
        for name, value in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.tensor(value).view(3, 1, 1), persistent=False)

    def derive(self, images: Mapping[Modality, Tensor]) -> dict[Modality, Tensor]:
        """Eq. 1:  X_DV = G_S(E_V(X_V)),  X_DI = G_S(X_I), for those of the two this net has and whose parent is given.

        Infrared enters G_S as one channel, the mean of its three stored ones. In the ``"unit"`` generator space the
        pictures are brought back to [0, 1] before and normalised again after.
        """
        made = {}
        if Modality.DV in self.modalities and Modality.V in images:
            made[Modality.DV] = self._leave(self.generator(self.encoder(self._enter(images[Modality.V]))))
        if Modality.DI in self.modalities and Modality.I in images:
            made[Modality.DI] = self._leave(self.generator(self._enter(images[Modality.I]).mean(1, keepdim=True)))
        return made

    def forward(self, images: Mapping[Modality, Tensor]) -> Output:
        """Pictures of V and I (either may be left out; the numbers may differ) -> Output over all streams made from them."""
        streams = {m: x for m, x in {**images, **self.derive(images)}.items() if m in self.modalities}
        streams = {m: streams[m] for m in self.modalities if m in streams}
        # One pass of the trunk over all streams: its batch norms see one batch, and the device one large kernel.
        pooled = self.pooled(torch.cat([self.stems[m](x) for m, x in streams.items()]))
        after = self.neck(pooled)
        sizes = [len(x) for x in streams.values()]

        def split(value: Tensor) -> dict[Modality, Tensor]:
            return dict(zip(streams, value.split(sizes), strict=True))

        return Output(streams, split(pooled), split(after), split(self.classifier(after)))

    def pooled(self, maps: Tensor) -> Tensor:
        """Stem output [B, C, h, w] -> pooled feature [B, D] through the trunk."""
        return self.pool(self.trunk(maps)).flatten(1)

    def embed(self, x: Tensor, modality: str | Modality = Modality.V) -> Tensor:
        """The test feature of pictures of one modality: [B, 3, H, W] -> [B, D] float32 of unit length.

        ``x`` is what that modality's stem sees (for DV and DI: what ``derive`` returns). Call it in eval mode.
        """
        value = self.pooled(self.stems[parse_modality(modality)](x))
        return F.normalize((self.neck(value) if self.feature == "bn" else value).float(), dim=1)

    def export(self) -> BaseDerivativeNet:
        """The two-stream net that is deployed: V and I only, its own copy, the same embeddings bit for bit (section II-C)."""
        net = copy.deepcopy(self)
        net.modalities = tuple(m for m in self.modalities if m.parent is m)
        net.encoder = net.generator = None
        net.stems = nn.ModuleDict({m.value: net.stems[m] for m in net.modalities})
        return net.eval()

    def head(self) -> list[nn.Parameter]:
        """Neck and classifier: what the ``agw`` parameter groups train at the full rate."""
        return [p for module in (self.neck, self.classifier) for p in module.parameters() if p.requires_grad]

    def generators(self) -> list[nn.Parameter]:
        """The parameters of E_V and G_S, at most ten numbers; empty without derivatives."""
        return [p for module in (self.encoder, self.generator) if module is not None for p in module.parameters()]

    def generator_numbers(self) -> dict[str, list[float]]:
        """The generator's ten numbers by the paper's letters: E_V weights and bias, G_S weights and biases."""
        parts = {"E_V": self.encoder, "G_S": self.generator}
        return {
            f"{name}.{kind}": getattr(module.conv, kind).detach().flatten().tolist()
            for name, module in parts.items()
            if module is not None
            for kind in ("weight", "bias")
        }

    def _enter(self, x: Tensor) -> Tensor:
        return x * self.std + self.mean if self.generator_space == "unit" else x

    def _leave(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std if self.generator_space == "unit" else x


class GeM(nn.Module):
    """Generalised-mean pooling with a learned exponent p > 0 (from 3). [B, C, h, w] -> [B, C, 1, 1]."""

    def __init__(self, p: float = 3.0):
        super().__init__()
        self.p = nn.Parameter(torch.tensor(p))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float().clamp_min(1e-6)
        return x.pow(self.p).mean((-2, -1), keepdim=True).pow(1 / self.p)


def build_backbone(name: str = "resnet50", weights: str | None = None, strides: str = "auto", last_stride: int = 1) -> ResNet:
    """A torchvision ResNet with layer4's stride as asked and, if given, weights in it.

    ``resnet10`` is one basic block a stage, 16 channels wide: for the demo. ``strides`` says where a file's
    down-sampling stride sits: ``v1.5`` the 3x3 convolution (torchvision), ``v1`` the first 1x1 (He et al. 2015).
    A state dict does not tell; ``auto`` takes ``v1`` for a file named like ``resnet50_v1...`` and v1.5 for every other.
    """
    _one_of("backbone", name, BACKBONES)
    _one_of("strides", strides, ("auto", "v1.5", "v1"))
    body = _narrow(16) if name == "resnet10" else getattr(models, name)(weights=None)
    if weights == "imagenet":
        _load(body, _download(name), f"torchvision's {name}")
    elif weights is not None:
        _load(body, _read(Path(weights)), weights)
    for stage in (body.layer2, body.layer3, body.layer4) if strides_of(strides, weights) == "v1" and name == "resnet50" else ():
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
        setattr(body, f"layer{stage + 1}", body._make_layer(BasicBlock, width << stage, 1, stride=1 if stage == 0 else 2))
    body.fc = nn.Linear(width << 3, 1)
    for module in body.modules():  # torchvision's own start, for the layers just replaced
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return body


def _download(name: str) -> dict[str, Tensor]:
    if name == "resnet10":
        raise WeightsError("there are no ImageNet weights for resnet10: use weights=None, or resnet50 / resnet18")
    try:
        return models.get_model_weights(name).IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        raise WeightsError(
            f"ImageNet weights for {name} could not be downloaded ({error}). Without a network, give a file: "
            f"weights='path/to/{name}.pth' (a torchvision state dict), or weights=None for a random start."
        ) from error


def find_weights(weights: str | None) -> None:
    """Raise WeightsError if ``weights`` names a file that is not there."""
    if weights not in (None, "imagenet") and not Path(weights).is_file():
        raise WeightsError(f"{weights}: there is no such weights file; give a state dict's path, 'imagenet' or None")


def _read(path: Path) -> dict[str, Tensor]:
    find_weights(str(path))
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises many kinds; all mean the same to the reader
        raise WeightsError(f"{path}: not a plain state dict that can be loaded safely ({type(error).__name__}: {error})") from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"{path}: a state dict (names to tensors) is meant, this holds {type(state).__name__}")
    return state


def _load(body: ResNet, state: Mapping[str, Tensor], source: str) -> None:
    """Put a state dict into a backbone; the ImageNet classifier (fc) is neither needed nor kept."""
    state = {name: value.float() if value.is_floating_point() else value for name, value in state.items() if not name.startswith("fc.")}
    own = {name: value for name, value in body.state_dict().items() if not name.startswith("fc.")}
    wrong = [f"{n} is {tuple(state[n].shape)}, not {tuple(own[n].shape)}" for n in own if n in state and state[n].shape != own[n].shape]
    missing = [n for n in own if n not in state and not n.endswith("num_batches_tracked")]
    if wrong or missing or state.keys() - own.keys():
        faults = wrong[:1] + [f"{n} is missing" for n in missing[:1]] + [f"{n} is unknown" for n in sorted(state.keys() - own.keys())[:1]]
        raise WeightsError(f"{source}: these weights do not fit the backbone: {'; '.join(faults)}")
    body.load_state_dict(state, strict=False)


def strides_of(strides: str, weights: str | None) -> str:
    """``v1`` or ``v1.5``: what ``auto`` means for these weights."""
    if strides != "auto":
        return strides
    return "v1" if weights and re.search(r"resnet\d+[_-]?v1(?!\.?\d|[a-z])", Path(weights).name.lower()) else "v1.5"


def _start(conv: nn.Conv2d, weights: tuple[float, ...] | None) -> None:
    """Set a 1x1 convolution's weights and zero its bias; None keeps torch's random start."""
    if weights is not None:
        with torch.no_grad():
            conv.weight.copy_(torch.tensor(weights).view_as(conv.weight))
            conv.bias.zero_()


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} = {value!r}: choose one of {', '.join(choices)}")
