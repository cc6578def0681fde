"""MML and MDL forward and backward, 4 modalities x 24 x 2048: one table against loops over anchors
and against a matrix for each pair.

Equal values and gradients asserted first. One thread: what a job of a sweep has. The second line
has no target any more: three times as fast took a backward pass written by hand. The losses are a
thousandth of a step of the paper's size, so they are plain torch now, for the reader.
"""

import torch
from side_by_side import asked, compare

from bdlab import losses
from bdlab.modality import MDL_GRAPHS, Modality

PAIRS = MDL_GRAPHS["mdl4"]
DIRECTED = [(m, m, 0.3) for m in Modality] + [
    (a, b, 0.5) for pair in PAIRS for a, b in (pair, pair[::-1])
]


def distances(a, b):
    """The public style: squares and one product, a matrix a pair."""
    squares = a.pow(2).sum(1, keepdim=True) + b.pow(2).sum(1, keepdim=True).t()
    return (squares - 2 * torch.mm(a, b.t())).clamp(min=1e-12).sqrt()


def hinge(margin, positive, negative):
    return torch.nn.functional.margin_ranking_loss(
        negative, positive, torch.ones_like(positive), margin=margin
    )


def loop(features, labels, beta=1.0, gamma=1.0):
    """The public style: anchor by anchor, a masked maximum and minimum each, put together again."""
    total = 0.0
    for a, b, margin in DIRECTED:
        distance = distances(features[a], features[b])
        same = labels[a][:, None].eq(labels[b][None])
        positive, negative = [], []
        for i in range(len(distance)):
            positive.append(distance[i][same[i]].max().unsqueeze(0))
            negative.append(distance[i][same[i] == 0].min().unsqueeze(0))
        total = total + (beta if a is b else gamma) * hinge(
            margin, torch.cat(positive), torch.cat(negative)
        )
    return total


def pairwise(features, labels):
    """All anchors of a directed pair at once, still a distance matrix for each pair."""
    total = 0.0
    for a, b, margin in DIRECTED:
        distance = distances(features[a], features[b])
        same = labels[a][:, None].eq(labels[b][None])
        positive = distance.masked_fill(~same, -torch.inf).max(1)[0]
        total = total + hinge(margin, positive, distance.masked_fill(same, torch.inf).min(1)[0])
    return total


def main() -> None:
    options = asked(turns=15)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    width = 64 if options.smoke else 2048
    leaves = {m: torch.randn(24, width, requires_grad=True) for m in Modality}
    labels = dict.fromkeys(Modality, torch.arange(6).repeat_interleave(4))

    def table(features, labels):
        directed = losses.table(features, labels)
        mdl = losses.directed_sum(directed, list(features), PAIRS)
        return directed.diagonal().sum() + mdl

    def step(loss):
        for leaf in leaves.values():
            leaf.grad = None
        value = loss(leaves, labels)
        value.backward()
        return [value.detach(), *(leaf.grad for leaf in leaves.values())]

    ours = step(table)
    for naive, name, target in (
        (loop, "loops over anchors", 8),
        (pairwise, "a vectorised matrix for each pair", None),
    ):
        torch.testing.assert_close(ours, step(naive), rtol=1e-4, atol=1e-5)
        compare(
            f"losses, forward and backward, against {name}",
            lambda naive=naive: step(naive),
            lambda: step(table),
            options.turns,
            target,
        )


if __name__ == "__main__":
    main()
