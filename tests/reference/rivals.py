"""What the rivals' losses are, written with loops in float64. Imports nothing from bdlab."""

import math


def weighted_triplet(distance, labels):
    """AGW: softplus of (softmax-weighted positives - softmax-weighted negatives), mean over
    anchors; lists in, a float out.
    """
    each = []
    for i, label in enumerate(labels):
        positives = [distance[i][j] for j, y in enumerate(labels) if y == label and j != i]
        negatives = [distance[i][j] for j, y in enumerate(labels) if y != label]
        if positives and negatives:
            far = _weighted(positives, positives)
            near = _weighted(negatives, [-d for d in negatives])
            x = far - near
            each.append(max(x, 0.0) + math.log1p(math.exp(-abs(x))))
    return sum(each) / len(each) if each else 0.0


def _weighted(values, powers):
    top = max(powers)
    weights = [math.exp(p - top) for p in powers]
    return sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)


def top_ranking(visible, infrared, visible_labels, infrared_labels, margin_cross, margin_intra):
    """BDTR's (cross, intra): means over the positive pairs of a direction, summed over both
    directions.
    """
    cross = intra = 0.0
    ends = (visible, visible_labels), (infrared, infrared_labels)
    for (one, y1), (other, y2) in (ends, ends[::-1]):
        pairs = [(i, j) for i in range(len(one)) for j in range(len(other)) if y1[i] == y2[j]]
        for i, j in pairs:
            across = math.dist(one[i], other[j])
            nearest = min(math.dist(one[i], other[k]) for k in range(len(other)) if y2[k] != y1[i])
            within = min(math.dist(other[j], other[k]) for k in range(len(other)) if y2[k] != y2[j])
            cross += max(0.0, margin_cross + across - nearest) / len(pairs)
            intra += max(0.0, margin_intra + across - within) / len(pairs)
    return cross, intra
