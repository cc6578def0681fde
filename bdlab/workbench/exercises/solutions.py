"""Model solutions of the exercises, each as a learner could write it. No notebook and no check
imports them; ``bdlab teach solutions`` writes them into copies for a teacher.
"""

import numpy as np
from scipy import stats


def derive(visible, infrared, e, b, g, c):
    grey = e[0] * visible[0] + e[1] * visible[1] + e[2] * visible[2] + b
    grey = np.maximum(grey, 0)
    D_V = np.stack([g[k] * grey + c[k] for k in range(3)])
    D_I = np.stack([g[k] * infrared[0] + c[k] for k in range(3)])
    return D_V, D_I


def hinge(a, b, ids_a, ids_b, margin):
    S = np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(-1))
    costs = []
    for i in range(len(a)):
        same = ids_b == ids_a[i]
        if same.any() and not same.all():
            costs.append(max(margin + S[i, same].max() - S[i, ~same].min(), 0))
    return np.mean(costs)


def mdl(features, ids, pairs, directed):
    parent = {"V": "V", "DV": "V", "I": "I", "DI": "I"}
    total = 0.0
    for m, n in pairs:
        y_m, y_n = ids[parent[m]], ids[parent[n]]
        total += directed(features[m], features[n], y_m, y_n)
        total += directed(features[n], features[m], y_n, y_m)
    return total


def score(query_id, query_camera, gallery_ids, gallery_cameras, distances):
    stays = np.ones(len(gallery_ids), dtype=bool)
    if query_camera == 3:
        stays = gallery_cameras != 2
    ids = gallery_ids[stays][np.argsort(distances[stays])]
    hits = np.flatnonzero(ids == query_id)
    rank = len(set(ids[: hits[0]])) + 1
    precision = [(k + 1) / (place + 1) for k, place in enumerate(hits)]
    return rank, np.mean(precision)


def interval(ours, baseline):
    d = ours.mean(axis=1) - baseline.mean(axis=1)
    half = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
    return d.mean(), d.mean() - half, d.mean() + half


def rescued(a, b, query_ids, gallery_ids):
    found_a = gallery_ids[a.argmin(axis=1)] == query_ids
    found_b = gallery_ids[b.argmin(axis=1)] == query_ids
    return found_b & ~found_a
