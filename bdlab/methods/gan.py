"""A small GAN that really trains: Fig. 1 (d), after AlignGAN [13] and D2RL [12]. Illustrative: no
claim on any published number.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bdlab.config import Config
from bdlab.modality import BASE, Modality
from bdlab.network import BaseDerivativeNet, Output

from .objective import Batch, Labels, Objective, Terms, build_net, objective, tie

V, I, DV, DI = Modality
GAME, CYCLE = 1.0, 10.0  # weights of the adversaries and of the cycle: the customary ratio
REACH = 2.0  # how far a translation may move a normalised pixel: nearly from black to white
#: The translation of a modality: V as an infrared picture stands in D_V's place, I as a visible one
#: in D_I's.
LOOKS = {DV: I, DI: V}


class Translator(nn.Module):
    """A light generator between the modalities: x plus three 3x3 convolutions of it, bounded; [B,
    3, H, W] both, normalised.
    """

    def __init__(self, width: int = 16):
        super().__init__()
        layers = [
            nn.Conv2d(3, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
        ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x + REACH * torch.tanh(self.layers(x))


def patches(width: int = 16) -> nn.Sequential:
    """A patch discriminator: [B, 3, H, W] -> [B, 1, H/4, W/4], above 0 where a patch looks real.
    Its norm keeps plain SGD stable.
    """
    return nn.Sequential(
        nn.Conv2d(3, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.InstanceNorm2d(2 * width), nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 1, 3, padding=1),
    )  # fmt: skip


class TranslationNet(BaseDerivativeNet):
    """The four-stream network with translations in the derivatives' place: each is made by a
    Translator of ``extras``.
    """

    def make(self, m: Modality, x: Tensor) -> Tensor:
        return self.extras[f"from_{m.parent}"](x)

    def head(self) -> list[nn.Parameter]:
        """Neck, classifier and discriminators."""
        translators = {id(p) for p in self.generators()}
        return [p for p in super().head() if id(p) not in translators]

    def generators(self) -> list[nn.Parameter]:
        """The translators: ``generator_lr`` is theirs."""
        return [
            p
            for m in BASE
            if f"from_{m}" in self.extras
            for p in self.extras[f"from_{m}"].parameters()
        ]


def games(
    net: TranslationNet, real: dict[Modality, Tensor], images: dict[Modality, Tensor]
) -> Terms:
    """The four-player game, played at once in one step: each term reaches the players it is for,
    and no other.

    ``real`` pictures of V and I, ``images`` those the net saw, with the translations. ``judge``:
    each discriminator tells real from translated (the latter detached). ``fool``: the translators
    against discriminators held fixed (non-saturating). ``cycle``: there and back again, the mean
    absolute difference. Each with its weight.
    """
    judge, fool = [], []
    for m, look in LOOKS.items():
        critic = net.extras[f"judge_{look}"]
        judge += [
            F.softplus(-critic(real[look]).float()).mean(),
            F.softplus(critic(images[m].detach()).float()).mean(),
        ]
        fixed = {name: value.detach() for name, value in critic.named_parameters()}
        fool += [
            F.softplus(-torch.func.functional_call(critic, fixed, (images[m],)).float()).mean()
        ]
    back = [
        F.l1_loss(net.extras[f"from_{look}"](images[m]).float(), real[m.parent].float())
        for m, look in LOOKS.items()
    ]
    return {"judge": GAME * sum(judge), "fool": GAME * sum(fool), "cycle": CYCLE * sum(back)}


def build(config: Config, num_ids: int) -> tuple[BaseDerivativeNet, Objective]:
    """Fig. 1 (d): "generate heterogeneous images and combine the discriminators with the Re-ID
    network".

    Keeps: a translator each way, a patch discriminator a modality, cycle consistency, and
    translations that are learned from as pictures of the modality they imitate, with their parent's
    identity (eq. 9's ID, MML and MDL read them as streams, and the identity loss reaches the
    translators). Leaves out: everything that makes such networks large, feature-level
    discriminators and disentangling, and the Adam steps in turns: all players take one SGD step
    together, the translators at ``generator_lr`` (at the demo's full rate the triplets drive them
    into saturation, measured). Like every family it has eq. 9 with its weights; only what stands in
    the derivatives' place differs from Ours.
    """
    net = build_net(config, num_ids, TranslationNet, generator="grey")
    tie(net, LOOKS)  # a translation enters by the stem of the modality it imitates
    net.extras.update(
        {f"from_{m}": Translator() for m in BASE} | {f"judge_{m}": patches() for m in BASE}
    )

    def own(batch: Batch, out: Output, labels: Labels) -> Terms:
        return games(net, batch.images, out.images)

    return net, objective(net, config, own)
