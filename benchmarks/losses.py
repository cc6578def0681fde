"""MML and MDL forward and backward, 4 modalities x 24 x 2048: one table against a loop over anchors. Equal values asserted first."""

import torch
from side_by_side import compare, turns

from bdlab import losses
from bdlab.modality import MDL_GRAPHS, Modality


def loop(features, labels, pairs):
    """The public style: per stream pair a distance matrix, per anchor a masked max and min."""
    total = 0.0
    directed = [(a, a, 0.3) for a in features] + [(a, b, 0.5) for a, b in pairs] + [(b, a, 0.5) for a, b in pairs]
    for a, b, margin in directed:
        distance = torch.cdist(features[a], features[b], compute_mode="donot_use_mm_for_euclid_dist")
        hinges = []
        for i, label in enumerate(labels[a]):
            same = labels[b] == label
            positive = same.clone()
            if a is b:
                positive[i] = False
            hinges.append((margin + distance[i][positive].max() - distance[i][~same].min()).clamp_min(0))
        total = total + torch.stack(hinges).mean()
    return total


def table(features, labels, pairs):
    found = losses.table(features, labels)
    return found.diagonal().sum() + losses.directed_sum(found, list(features), pairs)


def main() -> None:
    torch.manual_seed(0)
    features = {m: torch.randn(24, 2048, requires_grad=True) for m in Modality}
    labels = dict.fromkeys(Modality, torch.arange(6).repeat_interleave(4))
    pairs = MDL_GRAPHS["mdl4"]
    torch.testing.assert_close(loop(features, labels, pairs), table(features, labels, pairs), rtol=1e-5, atol=1e-5)
    ours, naive = (lambda f=f: f(features, labels, pairs).backward() for f in (table, loop))
    compare("losses, forward and backward, against a loop over anchors", naive, ours, turns())


if __name__ == "__main__":
    main()
