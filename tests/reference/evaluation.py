"""Loop-written references of the retrieval measures and protocols, plainly, one query at a time.

They import nothing from bdlab: what they share with it is only the description of the protocols.
"""

import random

import numpy as np


def ranked_list(distances, excluded=None):
    """Gallery rows of one query, nearest first, equals in gallery order, excluded ones gone."""
    order = np.argsort(np.asarray(distances), kind="stable")
    return [int(g) for g in order if excluded is None or not excluded[g]]


def one_query(distances, query_id, gallery_ids, excluded=None, unique_ids=False):
    """(0-based rank of the first match, average precision, inverse negative penalty), or None
    without a match.
    """
    listed = [gallery_ids[g] for g in ranked_list(distances, excluded)]
    if query_id not in listed:
        return None
    hits, precisions, last = 0, [], 0
    for place, identity in enumerate(listed, start=1):
        if identity == query_id:
            hits += 1
            precisions.append(hits / place)
            last = place
    if unique_ids:
        once = []
        for identity in listed:
            if identity not in once:
                once.append(identity)
        listed = once
    return listed.index(query_id), sum(precisions) / len(precisions), hits / last


def scores(distances, query_ids, gallery_ids, excluded=None, unique_ids=False):
    """dict(cmc [G], mAP, mINP, valid [Q]); the averages are over the queries with a match."""
    query_ids, gallery_ids = list(map(int, query_ids)), list(map(int, gallery_ids))
    cmc, aps, inps, valid = np.zeros(len(gallery_ids)), [], [], []
    for q, query_id in enumerate(query_ids):
        mask = None if excluded is None else excluded[q]
        found = one_query(distances[q], query_id, gallery_ids, mask, unique_ids)
        valid.append(found is not None)
        if found is not None:
            cmc[found[0] :] += 1
            aps.append(found[1])
            inps.append(found[2])
    return {
        "cmc": cmc / len(aps),
        "mAP": sum(aps) / len(aps),
        "mINP": sum(inps) / len(inps),
        "valid": np.array(valid),
    }


def squared_distances(a, b):
    return np.array([[float(((x - y) ** 2).sum()) for y in b] for x in a])


def sysu_draw(ids, cameras, keys, trial, mode, shots, permutations=None):
    """Gallery rows of one trial, in the order drawn."""
    generator, rows = random.Random(trial), []
    for identity in sorted(set(map(int, ids))):
        for camera in (1, 2, 4, 5) if mode == "all" else (1, 2):
            files = [
                row for row in range(len(ids)) if ids[row] == identity and cameras[row] == camera
            ]
            if keys is not None:
                files.sort(key=lambda row: keys[row])
            if not files:
                continue
            if permutations is not None:
                rows += [
                    files[number - 1] for number in permutations[camera][identity][trial][:shots]
                ]
            elif shots == 1:
                rows.append(generator.choice(files))
            else:
                rows += generator.sample(files, min(shots, len(files)))
    if permutations is not None:  # the authors' code goes camera by camera
        rows.sort(key=lambda row: (cameras[row], ids[row]))
    return rows


def sysu_excluded(query_cameras, gallery_cameras):
    return np.array([[int(q) == 3 and int(g) == 2 for g in gallery_cameras] for q in query_cameras])


def sysu(query, gallery, mode, shots, trials=10, permutations=None):
    """Scores of every trial; query and gallery are dicts of features, ids, cameras, keys."""
    results = []
    for trial in range(trials):
        rows = sysu_draw(
            gallery["ids"], gallery["cameras"], gallery["keys"], trial, mode, shots, permutations
        )
        results.append(
            scores(
                squared_distances(query["features"], gallery["features"][rows]),
                query["ids"],
                gallery["ids"][rows],
                sysu_excluded(query["cameras"], gallery["cameras"][rows]),
                unique_ids=True,
            )
        )
    return results


def rerank(query, gallery, k1=20, k2=6, weight=0.3):
    """k-reciprocal re-ranking, one picture at a time (Zhong et al., CVPR 2017, sections
    3.2-3.5).
    """
    both, count = np.concatenate([query, gallery]), len(query)
    d = squared_distances(both, both)
    d = d / d.max(axis=1, keepdims=True)
    order = [ranked_list(row) for row in d]

    def reciprocal(i, k):
        return {j for j in order[i][: k + 1] if i in order[j][: k + 1]}

    vectors = np.zeros_like(d)
    for i in range(len(both)):
        near = reciprocal(i, k1)
        wider = set(near)
        for j in near:
            half = reciprocal(j, round(k1 / 2))
            if len(half & near) > 2 / 3 * len(half):
                wider |= half
        for j in wider:
            vectors[i, j] = np.exp(-d[i, j])
        vectors[i] /= vectors[i].sum()
    vectors = np.array([vectors[order[i][:k2]].mean(axis=0) for i in range(len(both))])
    final = np.zeros((count, len(gallery)))
    for i in range(count):
        for j in range(len(gallery)):
            shared = np.minimum(vectors[i], vectors[count + j]).sum()
            final[i, j] = (1 - weight) * (1 - shared / (2 - shared)) + weight * d[i, count + j]
    return final
