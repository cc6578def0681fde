"""The losses small enough to see: points in a plane for one hinge at a time, and a network that
trains while you wait.

Two things behind the loss notebook. A *constellation* is people as points in the plane, for eq. 3-7
by hand. A *sketch* of the method has every part of it - E_V and G_S as they are, stems, shared
trunk, classifier, eq. 9 - on pictures of six patches, and is measured on people it has never seen.
Neither is a data set, nor evidence about one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from bdlab import losses
from bdlab.modality import BASE, MDL_GRAPHS, Modality, Pair
from bdlab.network import Encoder, Generator
from bdlab.training import batches
from bdlab.workbench.plane import widest

V, I, DV, DI = Modality
Directed = tuple[Modality, Modality]

# -- a graph in words
# --------------------------------------------------------------------------------------------------


def directed(pairs: Sequence[Pair]) -> list[Directed]:
    """The directed triplet losses of eq. 2: both ways of every pair."""
    return [way for a, b in pairs for way in ((a, b), (b, a))]


def streams(pairs: Sequence[Pair]) -> tuple[Modality, ...]:
    """The modalities a graph is trained with, as in Table IV: the base ones and those on its
    edges.
    """
    on_edges = {m for pair in pairs for m in pair}
    return tuple(m for m in Modality if m in BASE or m in on_edges)


def named(pairs: Sequence[Pair]) -> str:
    """The key of ``MDL_GRAPHS`` that has these pairs, in any order and direction; "" if the paper
    has no such graph.
    """
    wanted = {frozenset(pair) for pair in pairs}
    for name, graph in MDL_GRAPHS.items():
        if {frozenset(pair) for pair in graph} == wanted:
            return name
    return ""


# -- eq. 3 to 7 in the plane
# -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Constellation:
    """``features[m]`` [N, 2] float64 and ``labels[m]`` [N] int64, people numbered from 0, a
    person's points in one block.
    """

    features: Mapping[Modality, Tensor]
    labels: Mapping[Modality, Tensor]


@dataclass(frozen=True, eq=False)
class Hinge:
    """One summand of eq. 4 (or 7): [margin + farthest - nearest]_+, and the rows of ``to`` that it
    reads.

    ``negative`` is None in the literal reading of eq. 5, where ``nearest`` is the zero that the
    mask wrote.
    """

    anchor: int
    own: Modality
    to: Modality
    positive: int
    negative: int | None
    margin: float
    farthest: float
    nearest: float
    value: float


def constellation(people: int = 4, shots: int = 2, seed: int = 0) -> Constellation:
    """People in the plane as a half-trained network may place them: near their centre, each
    modality off to a side of its own.
    """
    draw = batches.generator(seed, "start", 1)
    angle = 2 * np.pi * (np.arange(people) + 0.3 * draw.uniform(-1, 1, people)) / people
    centre = 0.75 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    aside = {V: (-0.3, 0.1), I: (0.3, -0.1), DV: (-0.1, 0.25), DI: (0.1, -0.25)}
    ids = torch.arange(people).repeat_interleave(shots)
    spots = {
        m: centre.repeat(shots, 0) + aside[m] + draw.normal(0, 0.2, (people * shots, 2))
        for m in Modality
    }
    return Constellation(
        {m: torch.from_numpy(spots[m].round(2)) for m in Modality}, dict.fromkeys(Modality, ids)
    )


def hinge(
    points: Constellation,
    own: Modality,
    anchor: int,
    to: Modality,
    cross: float = 0.5,
    intra: float = 0.3,
    literal: bool = False,
) -> Hinge:
    """The hinge of one anchor, row ``anchor`` of ``own``, towards ``to`` (its own modality: eq. 7),
    by ``losses.table``.

    Margins ``cross`` (eq. 4) and ``intra`` (eq. 7); ``literal`` reads eq. 5 as printed (eq. 7 has
    no mask to misread). Raises ValueError where the anchor is not there or has no positive or no
    negative.
    """
    f, y = points.features[to], points.labels[to]
    if not 0 <= anchor < len(points.labels[own]):
        raise ValueError(f"anchor {anchor}: {own} has the rows 0 to {len(points.labels[own]) - 1}")
    rows = torch.tensor(
        [k for k in range(len(y)) if not (own is to and k == anchor)], dtype=torch.long
    )
    spot, label = points.features[own][anchor], points.labels[own][anchor]
    far, same = (f[rows] - spot).norm(dim=1), y[rows] == label
    if not same.any() or same.all():
        raise ValueError(
            f"anchor {anchor} of {own} has no {'negative' if same.any() else 'positive'} in {to}: "
            "eq. 4 leaves it out"
        )
    margin, literal = (intra, False) if own is to else (cross, literal)
    # A stream of one anchor: the mean over anchors is then its own hinge, as the training computes
    # it.
    alone = {V: spot[None], I: f[rows]}, {V: label[None], I: y[rows]}
    value = losses.table(*alone, margin_cross=margin, literal=literal)[0, 1].item()
    positive, negative = far.where(same, -torch.inf).argmax(), far.where(~same, torch.inf).argmin()
    seen = (None, 0.0) if literal else (int(rows[negative]), far[negative].item())
    return Hinge(
        anchor, own, to, int(rows[positive]), seen[0], margin, far[positive].item(), seen[1], value
    )


def matrices(points: Constellation, own: Modality, to: Modality) -> dict[str, np.ndarray]:
    """Eq. 3 and 5 for one direction, each [N, N']: distances ``S``, the 0/1 mask ``V``, and the
    products ``S V`` and ``S (1-V)``.
    """
    far = torch.cdist(points.features[own], points.features[to]).numpy()
    mask = (points.labels[own][:, None] == points.labels[to]).numpy().astype(float)
    return {"S": far, "V": mask, "S V": far * mask, "S (1-V)": far * (1 - mask)}


# -- the sketch: pictures, network, training
# ---------------------------------------------------------------------------

PATCHES, WIDTH, DIM = 6, 32, 8
TRAINED, NEW, SHOTS = 64, 24, 4  # people trained on, new people, pictures of each by either camera
BATCH = 6  # people a step, with all their pictures: the paper's 6 x (4 V + 4 I)
INFRARED = (0.5, 0.35, 0.15)  # what the infrared camera makes of red, green and blue


def pictures(seed: int = 0, shared: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """(visible, infrared, ids): everybody's pictures [N, 3, PATCHES, 1] float32, standardised; ids
    [N], the last NEW are new people.

    A person is six patches of random colours. The infrared camera sees a fixed mixture of the
    three, as a negative; of its contrast the share ``shared`` comes from the colours and the rest
    from the person alone. Each picture has an exposure and noise of its own.
    """
    draw, people = batches.generator(seed, "augment"), TRAINED + NEW
    colours = draw.uniform(0, 1, (people, 3, PATCHES))
    heat = shared * np.einsum("k,nkp->np", INFRARED, colours) + (1 - shared) * draw.uniform(
        0, 1, (people, PATCHES)
    )
    heat = 0.5 - 0.29 * (heat - heat.mean()) / heat.std()

    def shots(scene: np.ndarray) -> np.ndarray:
        taken = scene.repeat(SHOTS, 0) * draw.normal(1, 0.15, (people * SHOTS, 1, 1))
        return (taken + draw.normal(0, 0.04, taken.shape) - 0.5) / 0.29

    visible, infrared = shots(colours), shots(heat[:, None]).repeat(3, 1)
    as_batch = [torch.from_numpy(x).float()[..., None] for x in (visible, infrared)]
    return *as_batch, torch.arange(people).repeat_interleave(SHOTS)


class Net(nn.Module):
    """E_V and G_S as the full network has them; stems, trunk and classifier of one layer or two.
    All four stems start equal.
    """

    def __init__(self, seed: int = 0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(batches.torch_seed(seed))
            self.encoder, self.generator = Encoder(), Generator()
            stem = nn.Sequential(nn.Flatten(), nn.Linear(3 * PATCHES, WIDTH), nn.ReLU())
            self.stems = nn.ModuleDict({m.value: copy.deepcopy(stem) for m in Modality})
            self.trunk = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, DIM))
            self.classifier = nn.Linear(DIM, TRAINED, bias=False)

    def forward(
        self, visible: Tensor, infrared: Tensor, modalities: Sequence[Modality]
    ) -> dict[Modality, Tensor]:
        """Features [B, DIM] of each of ``modalities``."""
        make = {
            V: lambda: visible,
            DV: lambda: self.generator(self.encoder(visible)),
            I: lambda: infrared,
            DI: lambda: self.generator(infrared.mean(1, keepdim=True)),
        }
        return {m: self.trunk(self.stems[m](make[m]())) for m in modalities}


@dataclass(frozen=True)
class Weights:
    """Eq. 9 and its margins; ``lr`` falls to 0 as a cosine, the weights of the triplets grow in
    over the share ``ramp`` of the steps.
    """

    alpha: float = 1.0
    beta: float = 1.0
    gamma: float = 1.0
    margin_intra: float = 0.3
    margin_cross: float = 0.5
    literal: bool = False
    lr: float = 0.01
    ramp: float = 0.5


#: MDL by itself, nothing else holding the features apart: what shows whether it pushes.
ALONE = Weights(alpha=0.0, beta=0.0, lr=0.003, ramp=0.0)


@dataclass(frozen=True, eq=False)
class Frame:
    """The new people at one step: ``features[m]`` [N, DIM] float64, and the ``loss`` of the step
    that led there (NaN at the start).
    """

    step: int
    features: Mapping[Modality, np.ndarray]
    ids: np.ndarray
    loss: float

    @property
    def spread(self) -> float:
        """Root of the summed variance of all V and I features: 0 when everybody is one point."""
        return float(np.sqrt(np.concatenate([self.features[m] for m in BASE]).var(axis=0).sum()))

    @property
    def gap(self) -> float:
        """Mean V-I distance of one person over that of two people: 0 matched, 1 (or a single point)
        nobody told apart.
        """
        far, same = self._across()
        return float(far[same].mean() / far[~same].mean()) if far[~same].mean() > 0 else 1.0

    @property
    def rank1(self) -> float:
        """Share of pictures whose nearest one of the other camera shows the same person; mean over
        both directions. Ties count as wrong.
        """
        return float(self._found().mean())

    def matched(self, person: int) -> bool:
        """Whether at least half of a person's pictures find one of the same person first."""
        return bool(self._found()[:, self.ids == person].mean() >= 0.5)

    def _found(self) -> np.ndarray:
        """Which pictures of I (row 0) and of V (row 1) have the same person nearest [2, N]."""
        far, same = self._across()
        right, wrong = far.copy(), far.copy()
        right[~same], wrong[same] = np.inf, np.inf
        return np.stack([right.min(axis) < wrong.min(axis) for axis in (0, 1)])

    def _across(self) -> tuple[np.ndarray, np.ndarray]:
        v, i = (self.features[m] for m in BASE)
        return np.linalg.norm(v[:, None] - i[None], axis=-1), self.ids[:, None] == self.ids


def training(
    pairs: Sequence[Pair],
    seed: int = 0,
    steps: int = 300,
    every: int = 30,
    weights: Weights | None = None,
    shared: float = 1.0,
) -> Iterator[Frame]:
    """Train the sketch under a graph and hand out a Frame at the start, after every ``every`` steps
    and at the end.

    One ``seed`` is one world, one start and one order of batches, whatever the graph: runs of a
    seed differ by their graph alone. Only the streams that the graph has take part, in MML and the
    ID loss too. It works in short steps: stop it when you like.
    """
    w = weights or Weights()
    visible, infrared, ids = pictures(seed, shared)
    net, present = Net(seed), streams(pairs)
    optimiser = torch.optim.Adam(net.parameters(), lr=w.lr)
    known, loss = TRAINED * SHOTS, float("nan")
    yield _frame(net, present, [x[known:] for x in (visible, infrared, ids)], 0, loss)
    for step in range(steps):
        people = batches.generator(seed, "plan", step).choice(TRAINED, BATCH, replace=False)
        rows = torch.from_numpy((people[:, None] * SHOTS + np.arange(SHOTS)).ravel())
        features = net(visible[rows], infrared[rows], present)
        total = _objective(
            net, features, ids[rows], pairs, w, min(1.0, step / (w.ramp * steps)) if w.ramp else 1.0
        )
        for group in optimiser.param_groups:
            group["lr"] = w.lr * (1 + np.cos(np.pi * step / steps)) / 2
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        loss = total.item()
        if (step + 1) % every == 0 or step + 1 == steps:
            yield _frame(
                net, present, [x[known:] for x in (visible, infrared, ids)], step + 1, loss
            )


def train(pairs: Sequence[Pair], seed: int = 0, **options) -> list[Frame]:
    """All frames of ``training``, whose options it takes."""
    return list(training(pairs, seed, **options))


def _objective(
    net: Net,
    features: Mapping[Modality, Tensor],
    ids: Tensor,
    pairs: Sequence[Pair],
    w: Weights,
    ramp: float,
) -> Tensor:
    """The sketch's objective, eq. 9 with MML and MDL read off one table."""
    labels = dict.fromkeys(features, ids)
    table = losses.table(features, labels, w.margin_intra, w.margin_cross)
    across = (
        losses.table(features, labels, margin_cross=w.margin_cross, literal=True)
        if w.literal
        else table
    )
    directed = losses.directed_sum(across, list(features), pairs)
    total = ramp * (w.beta * table.diagonal().sum() + w.gamma * directed)
    if w.alpha:
        total = total + w.alpha * losses.identity(
            {m: net.classifier(f) for m, f in features.items()}, labels
        )
    return total


@torch.no_grad()
def _frame(
    net: Net, present: Sequence[Modality], new: Sequence[Tensor], step: int, loss: float
) -> Frame:
    visible, infrared, ids = new
    return Frame(
        step,
        {m: f.double().numpy() for m, f in net(visible, infrared, present).items()},
        ids.numpy() - TRAINED,
        loss,
    )


def shadow(frames: Sequence[Frame], onto: Frame | None = None) -> list[dict[Modality, np.ndarray]]:
    """Frames in one plane [N, 2]: the two widest directions (PCA) of the V and I of ``onto``
    (default: the last frame); each centred.
    """
    base = np.concatenate([(onto or frames[-1]).features[m] for m in BASE])
    _, axes, _ = widest(base)
    planes = []
    for frame in frames:
        middle = np.concatenate([frame.features[m] for m in BASE]).mean(0)
        planes.append({m: (f - middle) @ axes.T for m, f in frame.features.items()})
    return planes
