"""Modality-specific classifiers on a shared embedding: Fig. 1 (c), after MAC [8]."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bdlab.config import Config
from bdlab.modality import BASE
from bdlab.network import BaseDerivativeNet, Output

from .objective import Batch, Labels, Objective, Terms, build_net, objective


def bridge(logits: list[Tensor]) -> Tensor:
    """mean_c KL(p || p_c), p = mean_c p_c: every classifier is held to what all of them together
    say of a picture.

    ``logits`` of each classifier [N, ids]; a scalar, the mean over pictures. No gradient passes
    through p, the teacher.
    """
    each = torch.stack([F.log_softmax(x.float(), dim=1) for x in logits])  # [C, N, ids]
    teacher = each.detach().exp().mean(0)
    divergence = F.kl_div(each, teacher.expand_as(each), reduction="none")
    return divergence.sum(-1).mean()


def build(
    config: Config,
    num_ids: int,
) -> tuple[BaseDerivativeNet, Objective]:
    """Fig. 1 (c): "shared embedding learning network and tries to bridge the two modalities in the
    classification subspace".

    Keeps of MAC [8]: two streams, the shared classifier (``id``), a classifier for each modality
    trained on that modality alone (``own``), and their agreement with their ensemble (``bridge``).
    Leaves out: MAC's middle-level sharing and its own triplet; the triplets are the paper's, as in
    every family.

    Differs from public code: none of MAC's was found. The nearest, of another paper
    (DoubtedSteam/MPANet), holds each modality's classifier to a moving average (rate 0.2) of the
    other one's, with weight 2.5, and weighs the classifiers' own loss 1.0 for each modality; here
    both terms weigh ``rival``, the teacher is their mean.
    """
    net = build_net(config, num_ids)
    classifiers = [nn.Linear(net.dim, num_ids, bias=False) for _ in BASE]
    for m, classifier in zip(BASE, classifiers, strict=True):
        nn.init.normal_(classifier.weight, std=0.001)
        net.extras[m.value] = classifier

    def extra_terms(
        batch: Batch,
        out: Output,
        labels: Labels,
    ) -> Terms:
        specific = []
        for m in BASE:
            logits = net.extras[m.value](out.embeddings[m])
            specific.append(F.cross_entropy(logits.float(), labels[m].long()))
        both = torch.cat([out.embeddings[m] for m in BASE])  # [N_V + N_I, D]
        said = [net.extras[m.value](both) for m in BASE]
        return {"own": torch.stack(specific).mean(), "bridge": bridge(said)}

    return net, objective(net, config, extra_terms)
