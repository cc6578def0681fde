"""The paper's losses written with loops, one anchor at a time. Imports nothing from bdlab."""

import math


def distance(a, b):
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def directed(f1, y1, f2, y2, margin, same_stream=False, reduction="mean"):
    """Eq. 4 (or 7 with same_stream): hinge of every anchor of stream 1 against stream 2; lists of
    lists in, a float out.
    """
    hinges = []
    for i, (anchor, label) in enumerate(zip(f1, y1, strict=True)):
        positives = [
            distance(anchor, f)
            for j, (f, y) in enumerate(zip(f2, y2, strict=True))
            if y == label and not (same_stream and i == j)
        ]
        negatives = [distance(anchor, f) for f, y in zip(f2, y2, strict=True) if y != label]
        if positives and negatives:
            hinges.append(max(0.0, margin + max(positives) - min(negatives)))
    if not hinges:
        return 0.0
    return sum(hinges) / (len(hinges) if reduction == "mean" else 1)


def active(f1, y1, f2, y2, margin, same_stream):
    """Share of the anchors with a pair whose hinge is above 0."""
    at_work = []
    for i in range(len(f1)):
        rows = [j for j in range(len(f2)) if not (same_stream and i == j)]
        positives = [distance(f1[i], f2[j]) for j in rows if y2[j] == y1[i]]
        negatives = [distance(f1[i], f2[j]) for j in rows if y2[j] != y1[i]]
        if positives and negatives:
            at_work.append(margin + max(positives) > min(negatives))
    return sum(at_work) / len(at_work)


def literal(f1, y1, f2, y2, margin):
    """Eq. 5 as printed: the mask multiplies, so the other kind of pair counts as distance 0."""
    hinges = []
    for anchor, label in zip(f1, y1, strict=True):
        d = [distance(anchor, f) for f in f2]
        pulled = max(value * (y == label) for value, y in zip(d, y2, strict=True))
        pushed = min(value * (y != label) for value, y in zip(d, y2, strict=True))
        hinges.append(max(0.0, margin + pulled - pushed))
    return sum(hinges) / len(hinges)


def mml(features, labels, margin=0.3, reduction="mean"):
    return sum(
        directed(f, labels[m], f, labels[m], margin, True, reduction) for m, f in features.items()
    )


def mdl(features, labels, pairs, margin=0.5, reduction="mean"):
    total = 0.0
    for a, b in pairs:
        total += directed(
            features[a], labels[a], features[b], labels[b], margin, reduction=reduction
        )
        total += directed(
            features[b], labels[b], features[a], labels[a], margin, reduction=reduction
        )
    return total


def identity(logits, labels, over="mean", smoothing=0.0):
    each = []
    for m, rows in logits.items():
        nats = []
        for row, label in zip(rows, labels[m], strict=True):
            top = max(row)
            whole = top + math.log(sum(math.exp(value - top) for value in row))
            everybody = sum(whole - value for value in row) / len(row)
            nats.append((1 - smoothing) * (whole - row[label]) + smoothing * everybody)
        each.append(sum(nats) / len(nats))
    return sum(each) / (len(each) if over == "mean" else 1)
