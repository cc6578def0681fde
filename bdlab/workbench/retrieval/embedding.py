"""What an embedding looks like: distances of pairs by modality, maps in two dimensions, and where
in two pictures their likeness lies.

The numbers behind the retrieval notebook, on top of ``retrieval``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import torch
from torch import Tensor, nn

from bdlab import evaluation, pixels
from bdlab.modality import BASE, Modality, Pair
from bdlab.network import BaseDerivativeNet, GeM
from bdlab.workbench.plane import pca

from .search import Tested

# -- pairs of modalities
# -----------------------------------------------------------------------------------------------


def some(tested: Tested, most: int) -> dict[Modality, np.ndarray]:
    """Rows of the embeddings by modality: whole people, evenly spread, as many as keep each
    modality near ``most`` pictures.
    """
    people = np.unique(np.concatenate([tested.embedded[m].ids for m in BASE]))
    largest = max(len(tested.embedded[m]) for m in BASE)
    keep = people[:: max(1, -(-largest // most))]
    return {m: np.flatnonzero(np.isin(e.ids, keep)) for m, e in tested.embedded.items()}


def pair_distances(tested: Tested, most: int = 1000) -> dict[Pair, tuple[np.ndarray, np.ndarray]]:
    """Distances of the (same person, two people) pairs of pictures, for every two of the net's
    modalities and each with itself.

    Left out: a picture with itself or with its own derivative, which is no retrieval, and what the
    camera rule removes.
    """
    rows, found = some(tested, most), {}
    for a, b in combinations_with_replacement(tested.embedded, 2):
        (x, i), (y, j) = ((tested.embedded[m], rows[m]) for m in (a, b))
        far = evaluation.distances(x.features[i], y.features[j])
        keep = tested.rows(a)[i][:, None] != tested.rows(b)[j]
        if a is b:
            keep = np.triu(keep)
        same = x.ids[i][:, None] == y.ids[j]
        keep &= ~tested.protocol.excluded_either(x.cameras[i][:, None], y.cameras[j], same)
        found[a, b] = far[same & keep], far[~same & keep]
    return found


def overlap(positive: np.ndarray, negative: np.ndarray) -> float:
    """How often a stranger is nearer than the right person: over all (positive, negative) couples
    of distances the share in which the negative is the smaller, equals by half. 0 is apart, 0.5 a
    coin; one minus the area under the ROC. NaN if one is empty.
    """
    if not len(positive) or not len(negative):
        return float("nan")
    ordered = np.sort(negative)
    nearer = np.searchsorted(ordered, positive, "left") + np.searchsorted(
        ordered, positive, "right"
    )
    return float(nearer.mean() / 2 / len(negative))


# -- maps
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sample:
    """Pictures to be drawn: ``features`` [N, D], ``ids`` [N], ``modalities`` [N]."""

    features: np.ndarray
    ids: np.ndarray
    modalities: list[Modality]


def sample(
    tested: Tested, people: int = 10, modalities: Iterable[Modality] | None = None, shots: int = 20
) -> Sample:
    """The first ``shots`` test pictures a modality of ``people`` people, evenly spread; of all the
    net's streams unless told.
    """
    ids = np.unique(np.concatenate([tested.embedded[m].ids for m in BASE]))
    ids = ids[np.unique(np.linspace(0, len(ids) - 1, min(people, len(ids))).astype(int))]
    named = tuple(tested.embedded if modalities is None else modalities)
    rows = [
        (m, row)
        for m in named
        for i in ids
        for row in np.flatnonzero(tested.embedded[m].ids == i)[:shots]
    ]
    features = np.stack([tested.embedded[m].features[row] for m, row in rows])
    return Sample(
        features, np.array([tested.embedded[m].ids[row] for m, row in rows]), [m for m, _ in rows]
    )


def has_tsne() -> bool:
    """Whether scikit-learn is here (it is part of ``bdlab[lab]``)."""
    return importlib.util.find_spec("sklearn") is not None


def tsne(features: np.ndarray, perplexity: float = 20.0) -> np.ndarray:
    """t-SNE (van der Maaten and Hinton, JMLR 2008) of [N, D] -> [N, 2] by scikit-learn, started
    from ``pca``: no luck in it.

    ``perplexity``, about how many neighbours a point tries to keep, is cut to a third of the
    points. Raises ImportError with the remedy where scikit-learn is not installed, ValueError for
    fewer than 5 points.
    """
    if len(features) < 5:
        raise ValueError(f"t-SNE of {len(features)} points: 5 or more are meant")
    try:
        from sklearn.manifold import TSNE  # a second of import that only this needs
    except ImportError as error:
        raise ImportError(
            "t-SNE needs scikit-learn: pip install 'bdlab[lab]'; PCA needs nothing"
        ) from error
    start = pca(features)[0]
    start = (1e-4 * start / start[:, 0].std()).astype(np.float32)
    return TSNE(
        perplexity=min(perplexity, (len(features) - 1) / 3), init=start, random_state=0
    ).fit_transform(features)


def kept(features: np.ndarray, points: np.ndarray, k: int = 10) -> float:
    """How much of the neighbourhoods a map keeps: the mean share of a picture's ``k`` nearest that
    are among its k nearest there.
    """
    near = []
    for where in (features, points):
        far = evaluation.distances(where, where, squared=True)
        np.fill_diagonal(far, np.inf)
        near.append(np.argpartition(far, k - 1, axis=1)[:, :k])
    return float(np.mean([len(set(a) & set(b)) / k for a, b in zip(*near, strict=True)]))


# -- where a likeness comes from
# ---------------------------------------------------------------------------------------


@torch.no_grad()
def evidence(net: BaseDerivativeNet, images: Tensor, modality: Modality, target: Tensor) -> Tensor:
    """A class-activation map with another picture as the class: where the likeness to ``target``
    comes from, [B, h, w].

    The cosine similarity of ``net.embed(images, modality)`` and ``target`` [D] or [B, D] (unit
    length) is a sum over the places of the trunk's last maps F: pooling is a sum over places, the
    neck an affine map in eval mode. So each place has a share,
      t . s (F_xy - mean) / (h w |z|),   s = weight / sqrt(var + eps) of the neck, no gradient is
    needed (CAM, Zhou et al., CVPR 2016, with s * t in place of a class's weights), and the shares
    add up to the similarity. 0 is the average picture's. With GeM a place has the part of the
    pooled value that its f^p has of their sum.
    """
    net.eval()
    maps = net.trunk(net.stems[modality](images)).float()
    places = maps.shape[-2] * maps.shape[-1]
    if isinstance(net.pool, GeM):
        powers = maps.clamp_min(1e-6).pow(net.pool.p)
        maps = net.pool(maps) * powers / powers.sum((-2, -1), keepdim=True)
    else:
        maps = maps / places
    scale, shift = _affine(net)
    moved = maps * scale.view(-1, 1, 1) + shift.view(-1, 1, 1) / places
    length = moved.sum((-2, -1)).norm(dim=1)
    return torch.einsum("bchw,bc->bhw", moved, target.expand(len(images), -1)) / length.view(
        -1, 1, 1
    )


def _affine(net: BaseDerivativeNet) -> tuple[Tensor, Tensor]:
    """What the neck does in eval mode, as factor and summand [D]; 1 and 0 where the feature is
    taken before it.
    """
    neck = net.neck
    if net.feature != "bn":
        return torch.ones_like(neck.running_mean), torch.zeros_like(neck.running_mean)
    scale = neck.weight / torch.sqrt(neck.running_var + neck.eps)
    return scale, neck.bias - neck.running_mean * scale


@torch.no_grad()
def likeness(tested: Tested, row: int, other: int) -> dict[Modality, tuple[np.ndarray, np.ndarray]]:
    """Record ``row`` as each stream of its family sees it, [H, W, 3] in 0..1, with its ``evidence``
    [h, w] for record ``other``, which stands as it is deployed: by its base modality's feature.
    Both are of the test part.
    """
    setup, target = tested.setup, torch.from_numpy(tested.feature(other)).to(tested.setup.device)
    images = {
        setup.dataset.records[row].modality: pixels.normalise(setup.bank.pictures[row : row + 1])
    }
    images |= setup.net.derive(images)
    return {
        m: (pixels.shown(x)[0], evidence(setup.net, x, m, target)[0].cpu().numpy())
        for m, x in images.items()
    }


def parts(net: nn.Module) -> dict[str, int]:
    """Parameters by part of the network: E_V, G_S, one stem a modality, trunk, neck, classifier."""
    modules = dict(net.named_children())
    named = {"E_V": modules.pop("encoder", None), "G_S": modules.pop("generator", None)}
    named |= {f"stem {name}": stem for name, stem in modules.pop("stems").items()} | modules
    sizes = {}
    for name, part in named.items():
        if part is not None:
            sizes[name] = sum(p.numel() for p in part.parameters())
    return {name: size for name, size in sizes.items() if size}
