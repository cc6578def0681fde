"""The base-derivative network: E_V, G_S, modality-independent stems F_I, a shared trunk F_S, neck
and classifier.

Section II-A and II-B, Fig. 4. In the paper's F_I the I stands for *independent*, not for infrared.
Pictures are ImageNet-normalised float [B, 3, H, W]; every intermediate is reachable:
``net(images).images[Modality.DV]``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bdlab.modality import BASE, Modality, parse_modality
from bdlab.pixels import LUMA, MEAN, STD

from .backbones import build_backbone, one_of
from .generator import Encoder, Generator
from .start import continue_from

if TYPE_CHECKING:
    from jaxtyping import Float

    Pictures = Float[Tensor, "B 3 H W"]
    Features = Float[Tensor, "B D"]
    Maps = Float[Tensor, "B C h w"]
    Images = Mapping[Modality, Float[Tensor, "_ 3 H W"]]


@dataclass(frozen=True)
class Output:
    """What one pass computes, each a dict over modalities in the order of the net.

    ``images`` [B, 3, H, W] as the stems see them; ``features`` [B, D] pooled, what the triplet
    losses read; ``embeddings`` [B, D] after the neck; ``logits`` [B, ids].
    """

    images: dict[Modality, Tensor]
    features: dict[Modality, Tensor]
    embeddings: dict[Modality, Tensor]
    logits: dict[Modality, Tensor]


class BaseDerivativeNet(nn.Module):
    """The four-modality network; drop modalities and it becomes every smaller row of Table IV.

    ``num_ids`` training identities; ``modalities`` any subset of the four that holds V and I;
    ``weights`` None (random start, drawn from torch's generator), ``"imagenet"`` (torchvision's
    download), a state-dict file, or a finished cell (see ``start``). ``generator``: E_V and G_S
    ``"learned"``, ``"frozen"`` at their start, or ``"grey"``: none at all, D_V is fixed grey and
    D_I a copy of I; with ``shared_generator=False`` D_V and D_I each have a G of their own. With
    395 classes: 24.35 M parameters for four modalities, 24.33 M for two (counted, ResNet-50).
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
        generator: str = "learned",
        shared_generator: bool = True,
    ):
        super().__init__()
        one_of("pool", pool, ("avg", "gem"))
        one_of("feature", feature, ("bn", "pool"))
        one_of("generator_init", generator_init, ("uniform", "luma", "random"))
        one_of("generator_space", generator_space, ("normalised", "unit"))
        one_of("generator", generator, ("learned", "frozen", "grey"))
        self.modalities = _ordered(modalities)
        self.feature, self.generator_space = feature, generator_space
        self._make_generators(generator, generator_init, shared_generator)
        body = build_backbone(backbone, weights, strides, last_stride)
        # Every stem starts from the same numbers, as they do with pretrained weights, and goes its
        # own way from there.
        self.stems = nn.ModuleDict()
        for m in self.modalities:
            self.stems[m.value] = copy.deepcopy(body.stem)
        self.trunk = body.trunk
        #: whether the trunk is a ResNet's four stages, which some rivals are built into
        self.stages = body.stages
        self.pool = GeM() if pool == "gem" else nn.AdaptiveAvgPool2d(1)
        self.dim = body.dim
        self.neck = nn.BatchNorm1d(self.dim)
        self.neck.bias.requires_grad_(False)
        self.classifier = nn.Linear(self.dim, num_ids, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)
        # what a rival adds for training only: classifiers, discriminators, translators
        self.extras = nn.ModuleDict()
        self.mean: Tensor
        self.std: Tensor
        for name, value in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.tensor(value).view(3, 1, 1), persistent=False)
        continue_from(self, weights)

    def _make_generators(self, kind: str, init: str, shared: bool) -> None:
        """E_V and G_S as far as the modalities need them, and D_I's own G if it is not shared."""
        derivative = [m for m in self.modalities if m is not m.parent and kind != "grey"]
        unshared = len(derivative) == 2 and not shared
        self.encoder = Encoder(init) if Modality.DV in derivative else None
        self.generator = Generator(init) if derivative else None
        self.infrared_generator = Generator(init) if unshared else None
        if kind == "frozen":
            for parameter in self.generators():
                parameter.requires_grad_(False)

    def derive(self, images: Images) -> dict[Modality, Tensor]:
        """Eq. 1, the derivative modalities:  X_DV = G_S(E_V(X_V)),  X_DI = G_S(X_I).

        Only those of the two that this net has and whose parent is given.

        Infrared enters G_S as one channel, the mean of its three stored ones. In the ``"unit"``
        generator space the pictures are brought back to [0, 1] before and normalised again after.
        """
        derivatives = {}
        for m in self.modalities:
            if m is not m.parent and m.parent in images:
                derivatives[m] = self.make(m, images[m.parent])
        return derivatives

    def make(self, m: Modality, x: Pictures) -> Pictures:
        """One derivative modality from the pictures of its parent; [B, 3, H, W] both."""
        if self.generator is None:  # the control without a parameter
            return (self.grey(x) - self.mean) / self.std if m is Modality.DV else x
        if m is Modality.DV:
            assert self.encoder is not None  # where there is D_V
            grey = self.encoder(self._enter(x))  # [B, 1, H, W]
            return self._leave(self.generator(grey))
        grey = self._enter(x).mean(1, keepdim=True)  # [B, 1, H, W]
        return self._leave((self.infrared_generator or self.generator)(grey))

    def grey(self, x: Pictures) -> Float[Tensor, "B 1 H W"]:
        """Luma in [0, 1] of normalised colour pictures: [B, 3, H, W] -> [B, 1, H, W]."""
        pixels = x * self.std + self.mean
        weights = x.new_tensor(LUMA).view(3, 1, 1)
        return (pixels * weights).sum(1, keepdim=True)

    def forward(self, images: Images) -> Output:
        """Pictures of V and I (either may be left out; the numbers may differ) -> Output over all
        streams made from them.
        """
        every = {**images, **self.derive(images)}
        streams = {m: every[m] for m in self.modalities if m in every}
        # One pass of the trunk over all streams: its batch norms see one batch, and the device one
        # large kernel.
        maps = torch.cat([self.stems[m](x) for m, x in streams.items()])  # [T, C, h, w]
        pooled = self.pooled(maps)  # [T, D], T pictures of all streams
        after = self.neck(pooled)
        logits = self.classifier(after)  # [T, ids]
        sizes = [len(x) for x in streams.values()]

        def split(value: Tensor) -> dict[Modality, Tensor]:
            return dict(zip(streams, value.split(sizes), strict=True))

        return Output(streams, split(pooled), split(after), split(logits))

    def pooled(self, maps: Maps) -> Features:
        """Stem output [B, C, h, w] -> pooled feature [B, D] through the trunk."""
        return self.pool(self.trunk(maps)).flatten(1)

    def embed(self, x: Pictures, modality: str | Modality = Modality.V) -> Features:
        """The test feature of pictures of one modality: [B, 3, H, W] -> [B, D] float32 of unit
        length.

        ``x`` is what that modality's stem sees (for DV and DI: what ``derive`` returns). Call it in
        eval mode.
        """
        value = self.pooled(self.stems[parse_modality(modality)](x))
        if self.feature == "bn":
            value = self.neck(value)
        return F.normalize(value.float(), dim=1)

    def export(self) -> BaseDerivativeNet:
        """The two-stream net that is deployed: V and I only, its own copy, the same embeddings bit
        for bit (section II-C).
        """
        net = copy.deepcopy(self)
        net.modalities = BASE
        net.encoder = net.generator = net.infrared_generator = None
        net.extras = nn.ModuleDict()
        every = net.stems
        net.stems = nn.ModuleDict()
        for m in BASE:
            net.stems[m.value] = every[m.value]
        return net.eval()

    def head(self) -> list[nn.Parameter]:
        """Neck, classifier and a rival's extras (all from a random start): what the ``agw`` groups
        train at the full rate.
        """
        return _trained([self.neck, self.classifier, self.extras])

    def generators(self) -> list[nn.Parameter]:
        """What is trained of E_V and G_S: ten numbers, or sixteen with a G of its own for D_I;
        empty without derivatives or frozen.
        """
        return _trained(self._parts().values())

    def generator_numbers(self) -> dict[str, list[float]]:
        """The generator's numbers by the paper's letters: E_V weights and bias, G_S weights and
        biases; D_I's own G is ``G_I``.
        """
        numbers = {}
        for name, module in self._parts().items():
            for kind, value in module.conv.named_parameters():
                numbers[f"{name}.{kind}"] = value.detach().flatten().tolist()
        return numbers

    def _parts(self) -> dict[str, Encoder | Generator]:
        parts = {"E_V": self.encoder, "G_S": self.generator, "G_I": self.infrared_generator}
        return {name: module for name, module in parts.items() if module is not None}

    def _enter(self, x: Tensor) -> Tensor:
        return x * self.std + self.mean if self.generator_space == "unit" else x

    def _leave(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std if self.generator_space == "unit" else x


class GeM(nn.Module):
    """Generalised-mean pooling with a learned exponent p > 0 (from 3). [B, C, h, w] -> [B, C, 1,
    1].
    """

    def __init__(self, p: float = 3.0):
        super().__init__()
        self.p = nn.Parameter(torch.tensor(p))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float().clamp_min(1e-6)
        return x.pow(self.p).mean((-2, -1), keepdim=True).pow(1 / self.p)


def _ordered(modalities: Iterable[str]) -> tuple[Modality, ...]:
    """The modalities in the order of the enumeration; raises ValueError if V or I is missing."""
    named = {parse_modality(m) for m in modalities}
    if not set(BASE) <= named:
        raise ValueError(
            f"modalities = {' '.join(sorted(named))!r}: both base modalities V and I are needed"
        )
    return tuple(m for m in Modality if m in named)


def _trained(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    """Parameters of some modules that are trained."""
    parameters: list[nn.Parameter] = []
    for module in modules:
        parameters += [p for p in module.parameters() if p.requires_grad]
    return parameters
