"""Everything a run needs before its first step: configuration, data, network, objective, device;
and what one step sees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bdlab import datasets, machine, pixels, rules
from bdlab.config import Config
from bdlab.datasets.bank import Bank, bank
from bdlab.files import digest
from bdlab.methods import METHODS, Objective
from bdlab.methods.objective import Batch
from bdlab.modality import BASE, Modality
from bdlab.network import BaseDerivativeNet
from bdlab.network.backbones import downloaded, find_weights
from bdlab.network.reading import locate
from bdlab.protocols import draws as galleries

from . import augment, batches


class TrainingError(RuntimeError):
    """A run that cannot go on: what happened, at which step, and what was saved last."""


#: SYSU-MM01's official galleries, below the set's folder.
PERMUTATIONS = "exp/rand_perm_cam.mat"
OutOfMemory = torch.OutOfMemoryError


@dataclass
class Setup:
    """Everything a run needs before its first step; see ``prepare``."""

    config: Config
    dataset: datasets.Dataset
    bank: Bank
    pool: batches.Pool
    net: BaseDerivativeNet
    objective: Objective
    device: torch.device
    dtype: torch.dtype  # of the autocast regions
    # sha256 of every file that is read beside the data, by its part: weights, permutations
    files: dict[str, str] = field(default_factory=dict)
    # the same of a file that somebody publishes under a name that fixes it: no part of the cell's
    published: dict[str, str] = field(default_factory=dict)
    # which checkpoint a run went on from, for its provenance
    resumed: dict[str, Any] = field(default_factory=dict)
    # with validation: score, epoch and net state of the best epoch so far
    best: dict[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        data, optim = self.config.data, self.config.optim
        visible, infrared = self.pool.count(Modality.V), self.pool.count(Modality.I)
        rule = batches.steps_per_epoch(visible, infrared, data.identities * data.shots)
        return optim.steps or optim.passes * rule


def open_data(config: Config) -> datasets.Dataset:
    """The data set of a configuration; raises DatasetError, or BatchError if it has fewer people
    than a batch takes.
    """
    options = config.data.options()
    dataset = datasets.open(config.data.data, root=config.data.root, **options)
    batches.enough(config.data.identities, len(dataset.identities("train")))
    if config.test.draw != rules.draws_of(config.data.data)[0]:
        # a file that is not there is better missed now than after the training
        permutations(dataset)
    return dataset


def one_process() -> None:
    """Raise TrainingError where a launcher has started several copies: each would train it all."""
    if (copies := machine.world_size()) > 1:
        raise TrainingError(
            f"WORLD_SIZE = {copies}: training over several processes does not exist yet, and every "
            "copy would train the same network. Start one process, without torchrun; several cells "
            "at a time are `bdlab run --jobs N`, or the same `bdlab run` on several nodes"
        )


def files_read(config: Config, dataset: datasets.Dataset) -> dict[str, str]:
    """The sha256 of every file that a run reads beside its data, by its part.

    ``imagenet`` is none of them (see ``files_published``). Raises WeightsError if there is no such
    weights file.
    """
    found = {}
    weights = config.model.weights
    find_weights(weights)
    if weights not in (None, "imagenet"):
        found["weights"] = digest(locate(weights))
    if config.test.draw == "official":
        found["permutations"] = digest(dataset.root / PERMUTATIONS)
    return found


def files_published(config: Config) -> dict[str, str]:
    """The sha256 of torchvision's ImageNet weights, where they are what the network starts from.

    It makes no other cell: the file was held against its published name when it was read.
    """
    model = config.model
    path = downloaded(model.backbone) if model.weights == "imagenet" else None
    return {"weights": digest(path)} if path else {}


def permutations(dataset: datasets.Dataset) -> Any:
    try:
        return galleries.load_permutations(dataset.root / PERMUTATIONS)
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"draw = 'official': {error}. Set draw to 'seeded', or put the file there."
        ) from error


def prepare(
    config: Config,
    device: str | None = None,
    progress: bool = True,
) -> Setup:
    """Open the data, decode them into the bank (once, cached), build network and objective from the
    seed.

    ``device`` None: the first GPU if there is one, else the CPU. Raises DatasetError, BatchError or
    WeightsError.
    """
    one_process()
    dataset = open_data(config)
    files = files_read(config, dataset)
    where = _device(device)
    pictures = bank(dataset, config.data.height, config.data.width, progress=progress)
    pictures = pictures.to(where)
    pool = _pool(dataset)
    net, objective = _method(config, pool.num_ids)
    net.to(where).to(memory_format=torch.channels_last)
    if config.optim.compile != "no":
        # in place: names in checkpoints stay; testing runs uncompiled
        net.compile(mode=config.optim.compile, dynamic=False)
        objective = _compiled(objective, config.optim.compile)
    dtype = _precision(config, where)
    published = files_published(config)  # downloaded by now
    return Setup(config, dataset, pictures, pool, net, objective, where, dtype, files, published)


def _pool(dataset: datasets.Dataset) -> batches.Pool:
    """The training pictures by identity."""
    rows, identities = {}, {}
    for m in BASE:
        rows[m] = dataset.select("train", m)
        identities[m] = [dataset.records[row].identity for row in rows[m]]
    return batches.Pool.of(rows, identities)


def _method(config: Config, num_ids: int) -> tuple[BaseDerivativeNet, Objective]:
    """Network and objective from the seed; torch's own random state stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(batches.torch_seed(config.run.seed))
        return METHODS[config.run.method](config, num_ids)


def _compiled(objective: Objective, mode: str) -> Objective:
    """The objective of a network that is compiled when it is first asked: what the compiler lacks
    is then said in one line.
    """

    def step(batch: Batch) -> dict[str, Tensor]:
        try:
            return objective(batch)
        except RuntimeError as error:
            cause = getattr(error, "inner_exception", None)  # what only a compiler's error has
            if cause is None:
                raise
            why = str(cause).partition("\n")[0]
            raise TrainingError(
                f"compile = {mode!r}: torch.compile cannot compile the network here ({why}). "
                "It needs a C++ compiler: install one (Debian: apt-get install g++), "
                "or set compile to 'no'."
            ) from error

    return step


def _device(name: str | None) -> torch.device:
    try:
        usual = "cuda" if torch.cuda.is_available() else "cpu"
        device = torch.device(name or usual)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = str(error).partition("\n")[0]
        raise TrainingError(
            f"device {name!r} cannot be used here ({first}); `bdlab doctor` says what there is"
        ) from error
    return device


def _precision(config: Config, device: torch.device) -> torch.dtype:
    """``auto``: bfloat16 where the device multiplies it natively, else float32."""
    if config.optim.precision != "auto":
        return getattr(torch, config.optim.precision)
    side = min(config.data.height, config.data.width)
    return machine.best_precision(device, side)


def draw_epoch(
    setup: Setup,
    epoch: int,
    steps: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows [steps, 2 P K] (V's slots, then I's), augmentation [steps, 2 P K, 3, or more where
    ``augment`` is wanted] and labels [steps, P K], on the device at once.
    """
    data, seed = setup.config.data, setup.config.run.seed
    plan = batches.plan(
        seed,
        epoch,
        setup.pool,
        data.identities,
        data.shots,
        steps,
    )
    rows = np.concatenate([plan.rows[m] for m in BASE], axis=1)  # [steps, 2 P K]
    batch = data.identities * data.shots
    draws = batches.draw(
        seed,
        epoch,
        steps,
        batch,
        data.pad,
    )
    if augment.wanted(data):
        more = augment.draw(
            seed,
            epoch,
            steps,
            batch,
            data,
        )
        draws = np.concatenate([draws, more], axis=2)
    return (
        torch.from_numpy(rows).to(setup.device),
        torch.from_numpy(draws).to(setup.device),
        torch.from_numpy(plan.labels).to(setup.device),
    )


def cut(
    setup: Setup,
    rows: Tensor,
    draws: Tensor,
    labels: Tensor,
    progress: float,
) -> Batch:
    """One step's batch from its rows, draws and labels, normalised."""
    places, more = draws[:, : augment.PLACES], draws[:, augment.PLACES :]
    pictures = batches.cut(setup.bank.pictures, rows, places, setup.config.data.pad)
    if more.shape[1]:
        pictures = augment.recolour(pictures, more[:, 0])
    normalised = pixels.normalise(pictures)
    if more.shape[1]:
        normalised = augment.erase(normalised, more[:, 1:])
    visible, infrared = normalised.chunk(2)  # [P K, 3, H, W] each
    images = {Modality.V: visible, Modality.I: infrared}
    return Batch(images, dict.fromkeys(BASE, labels), progress)


def first_batch(setup: Setup) -> Batch:
    """What the first step of a run sees."""
    rows, draws, labels = draw_epoch(setup, 0, 1)
    return cut(
        setup,
        rows[0],
        draws[0],
        labels[0],
        0.0,
    )
