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
    each = torch.stack([F.log_softmax(x.float(), dim=1) for x in logits])
    together = each.detach().exp().mean(0)
    return F.kl_div(each, together.expand_as(each), reduction="none").sum(-1).mean()


def build(config: Config, num_ids: int) -> tuple[BaseDerivativeNet, Objective]:
    """Fig. 1 (c): "shared embedding learning network and tries to bridge the two modalities in the
    classification subspace".

    Keeps of MAC [8]: two streams, the shared classifier (``id``), a classifier of each modality's
    own trained on that modality alone (``own``), and their agreement with their ensemble
    (``bridge``). Leaves out: MAC's middle-level sharing and its own triplet; the triplets are the
    paper's, as in every family.
    """
    net = build_net(config, num_ids)
    net.extras.update({m.value: nn.Linear(net.dim, num_ids, bias=False) for m in BASE})
    for classifier in net.extras.values():
        nn.init.normal_(classifier.weight, std=0.001)

    def own(batch: Batch, out: Output, labels: Labels) -> Terms:
        said = {m: net.extras[m.value](out.embeddings[m]) for m in BASE}
        both = torch.cat([out.embeddings[m] for m in BASE])
        specific = torch.stack([F.cross_entropy(said[m].float(), labels[m]) for m in BASE]).mean()
        return {"own": specific, "bridge": bridge([net.extras[m.value](both) for m in BASE])}

    return net, objective(net, config, own)
