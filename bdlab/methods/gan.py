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

    def __init__(
        self,
        width: int = 16,
    ):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(
                3,
                width,
                3,
                padding=1,
            ),
            nn.ReLU(),
            nn.Conv2d(
                width,
                width,
                3,
                padding=1,
            ),
            nn.ReLU(),
            nn.Conv2d(
                width,
                3,
                3,
                padding=1,
            ),
        )

    def forward(
        self,
        x: Tensor,
    ) -> Tensor:
        return x + REACH * torch.tanh(self.layers(x))


def patches(width: int = 16) -> nn.Sequential:
    """A patch discriminator: [B, 3, H, W] -> [B, 1, H/4, W/4], above 0 where a patch looks real.
    Its norm keeps plain SGD stable.
    """
    return nn.Sequential(
        nn.Conv2d(
            3,
            width,
            4,
            stride=2,
            padding=1,
        ),
        nn.LeakyReLU(0.2),
        nn.Conv2d(
            width,
            2 * width,
            4,
            stride=2,
            padding=1,
        ),
        nn.InstanceNorm2d(2 * width),
        nn.LeakyReLU(0.2),
        nn.Conv2d(
            2 * width,
            1,
            3,
            padding=1,
        ),
    )


class TranslationNet(BaseDerivativeNet):
    """The four-stream network with translations in the derivatives' place: each is made by a
    Translator of ``extras``.
    """

    def make(
        self,
        m: Modality,
        x: Tensor,
    ) -> Tensor:
        return self.extras[f"from_{m.parent}"](x)

    def head(self) -> list[nn.Parameter]:
        """Neck, classifier and discriminators."""
        translators = set(map(id, self.generators()))
        return [p for p in super().head() if id(p) not in translators]

    def generators(self) -> list[nn.Parameter]:
        """The translators: ``generator_lr`` is theirs."""
        parameters: list[nn.Parameter] = []
        for m in BASE:
            if f"from_{m}" in self.extras:
                parameters += self.extras[f"from_{m}"].parameters()
        return parameters


def games(
    net: TranslationNet,
    real: dict[Modality, Tensor],
    images: dict[Modality, Tensor],
) -> Terms:
    """The four-player game, played at once in one step: each term reaches the players it is for,
    and no other.

    ``real`` pictures of V and I, ``images`` those the net saw, with the translations. ``judge``:
    each discriminator tells real from translated (the latter detached). ``fool``: the translators
    against discriminators held fixed (non-saturating). ``cycle``: there and back again, the mean
    absolute difference. Each with its weight.
    """
    judge, fool, back = [], [], []
    for m, look in LOOKS.items():
        critic = net.extras[f"judge_{look}"]
        judge.append(_looks_real(critic(real[look])))
        judge.append(_looks_made(critic(images[m].detach())))
        fixed = {name: value.detach() for name, value in critic.named_parameters()}
        seen = torch.func.functional_call(critic, fixed, (images[m],))
        fool.append(_looks_real(seen))
        returned = net.extras[f"from_{look}"](images[m])
        back.append(F.l1_loss(returned.float(), real[m.parent].float()))
    return {
        "judge": GAME * _total(judge),
        "fool": GAME * _total(fool),
        "cycle": CYCLE * _total(back),
    }


def _looks_real(patches: Tensor) -> Tensor:
    """What a critic's patches cost that should say real."""
    return F.softplus(-patches.float()).mean()


def _looks_made(patches: Tensor) -> Tensor:
    """What a critic's patches cost that should say translated."""
    return F.softplus(patches.float()).mean()


def _total(terms: list[Tensor]) -> Tensor:
    return torch.stack(terms).sum()


def build(
    config: Config,
    num_ids: int,
) -> tuple[BaseDerivativeNet, Objective]:
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
    net = build_net(
        config,
        num_ids,
        TranslationNet,
        generator="grey",
    )
    assert isinstance(net, TranslationNet)
    tie(net, LOOKS)  # a translation enters by the stem of the modality it imitates
    for m in BASE:
        net.extras[f"from_{m}"] = Translator()
    for m in BASE:
        net.extras[f"judge_{m}"] = patches()

    def extra_terms(
        batch: Batch,
        out: Output,
        labels: Labels,
    ) -> Terms:
        return games(net, batch.images, out.images)

    return net, objective(net, config, extra_terms)
