"""One run, completely described: six frozen dataclasses, flat names, and the three presets.

Every field is set by its flat name from the command line, a sweep or papermill; what the paper
leaves open is a field here too.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, get_type_hints

from bdlab import rules
from bdlab.modality import Modality, parse_modalities, parse_pairs

#: What can be trained; ``rules`` says what each is made for.
Method = Literal[tuple(rules.METHODS)]  # type: ignore[valid-type]
#: Rivals that can be trained with the losses of their public code.
AS_PUBLISHED = ("bdtr", "x-modality", "agw")


class ConfigError(ValueError):
    """A parameter that does not exist, has the wrong type, or contradicts another one."""


@dataclass(frozen=True)
class Data:
    """Which pictures, and how a batch of them is drawn (section III-C)."""

    data: str = "synthetic-regdb"
    root: str | None = None  # None: where `bdlab data make` puts a twin
    split: int = 1  # RegDB's trial 1..10; elsewhere the seed of the identity split
    height: int = 288
    width: int = 144
    pad: int = 10  # pixels of black around a picture before the random crop
    identities: int = 6  # P, identities in a batch
    shots: int = 4  # K, pictures of an identity and base modality in a batch
    size: str | None = None  # twins only: smoke, demo, full
    channel_gap: float | None = None  # twins only: 0 infrared is grey .. 1 unrelated to colour
    appearance_gap: float | None = None  # twins only: 0 same pose and place .. 1 independent
    # shares of the visible training pictures: one drawn channel in place of all three; grey
    channel_exchange: float = 0.0
    random_grey: float = 0.0
    random_erasing: float = 0.0  # share of all training pictures with a rectangle erased
    # hold identities out of training and keep the epoch that is best on them; False: the last epoch
    validation: bool = False

    def options(self) -> dict[str, Any]:
        """The keyword arguments of ``datasets.open`` beside name and root: the split, what is set
        for a twin, the hold-out.
        """
        twin = {name: getattr(self, name) for name in ("size", "channel_gap", "appearance_gap")}
        held = (
            ({"val_fraction": 0.1} if self.data == rules.OWN else {"val_holdout": True})
            if self.validation
            else {}
        )
        return (
            {"split": self.split}
            | {name: value for name, value in twin.items() if value is not None}
            | held
        )


@dataclass(frozen=True)
class Model:
    """E_V, G_S, stems, trunk and neck (section II-A, II-B)."""

    modalities: str = "V I DV DI"
    backbone: Literal[
        "resnet50",
        "resnet18",
        "resnet10",
        "convnext_tiny",
        "convnext_micro",
        "vit_b_16",
        "vit_micro",
        "timm_micro",
        "timm_seresnet50",
        "timm_convnextv2_nano",
    ] = "resnet50"
    weights: str | None = None  # None, "imagenet" (torchvision's download) or a file
    strides: Literal["auto", "v1.5", "v1"] = (
        "auto"  # where a weights file's down-sampling stride sits
    )
    last_stride: Literal[1, 2] = 1
    pool: Literal["avg", "gem"] = "avg"
    feature: Literal["bn", "pool"] = "bn"  # the test feature: after or before the neck's batch norm
    generator_init: Literal["uniform", "luma", "random"] = "uniform"
    generator_space: Literal["normalised", "unit"] = "normalised"
    # controls: E_V and G_S at their start; no parameters at all
    generator: Literal["learned", "frozen", "grey"] = "learned"
    shared_generator: bool = True  # False: D_V and D_I each have a G of their own


@dataclass(frozen=True)
class Loss:
    """L = alpha ID + beta MML + gamma MDL (eq. 9) and how its terms are read."""

    alpha: float = 1.0
    beta: float = 1.0
    gamma: float = 1.0
    pairs: str = "V-I V-DI I-DV"
    margin_intra: float = 0.3
    margin_cross: float = 0.5
    id_over: Literal["mean", "sum"] = "mean"  # eq. 8's 1/N, over the modalities
    reduction: Literal["mean", "sum"] = "mean"  # over the anchors of eq. 4 and 7
    # share of the run over which beta, gamma and rival grow from 0 (random start only)
    triplet_ramp: float = 0.0
    # share of eq. 8's target that is spread evenly over all identities
    label_smoothing: float = 0.0
    rival: float = 1.0  # weight of what a rival's method adds to eq. 9; nothing in the paper's own


@dataclass(frozen=True)
class Optim:
    """SGD with a warm-up (section III-C); the schedule is a pure function of the step."""

    lr: float = 0.01
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    # agw: neck and classifier at lr, everything else at 0.1 lr
    groups: Literal["agw", "uniform"] = "agw"
    generator_lr: float | None = None  # E_V and G_S; None: as the groups say
    epochs: int = 60
    # steps an epoch; None: floor(max(nV, nI) / (P K)) + 1, times the passes
    steps: int | None = None
    passes: int = 1
    warmup: float = 10.0  # epochs of linear warm-up
    schedule: Literal["step", "cosine"] = "step"
    milestones: str = "20 50"  # epochs after which the step schedule divides by ten
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    # torch.compile of the network; reduce-overhead: CUDA graphs too
    compile: Literal["no", "default", "reduce-overhead"] = "no"


@dataclass(frozen=True)
class Test:
    """How the trained network is tested; whatever differs from these defaults is labelled in every
    result and report.
    """

    draw: Literal["seeded", "official"] = (
        "seeded"  # SYSU-MM01's galleries; official needs exp/rand_perm_cam.mat
    )
    rerank: bool = False  # k-reciprocal re-ranking
    flip: bool = False  # mean of the features of a picture and its mirror image
    # tests on corrupted visible pictures beside the clean one: words of rules.corruptions
    corruption: str = "none"


@dataclass(frozen=True)
class Run:
    """Which cell of which sweep this is, and what is written while it runs."""

    sweep: str = "single"
    row: str = "Ours"
    seed: int = 0
    preset: str = "paper"
    method: Method = "base-derivative"
    # a rival's losses as we write them, or as its authors' public code has them
    rival_form: Literal["clean", "as-published"] = "clean"
    checkpoint_every: int = 0  # steps between checkpoints; 0: at the end of every epoch


SECTIONS = {"data": Data, "model": Model, "loss": Loss, "optim": Optim, "test": Test, "run": Run}


@dataclass(frozen=True)
class Config:
    """The six sections together. Build it with from_flat; ``flat()`` is its inverse."""

    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    loss: Loss = field(default_factory=Loss)
    optim: Optim = field(default_factory=Optim)
    test: Test = field(default_factory=Test)
    run: Run = field(default_factory=Run)

    def flat(self) -> dict[str, Any]:
        """Every parameter by its flat name, JSON types only: ``from_flat(c.flat()) == c``."""
        return {
            name: value
            for section in SECTIONS
            for name, value in dataclasses.asdict(getattr(self, section)).items()
        }

    @property
    def modalities(self) -> tuple[Modality, ...]:
        return parse_modalities(self.model.modalities)

    @property
    def graph(self) -> tuple[tuple[Modality, Modality], ...]:
        return parse_pairs(self.loss.pairs)

    @property
    def corruptions(self) -> tuple[rules.Corruption, ...]:
        return rules.corruptions(self.test.corruption)

    @property
    def milestones(self) -> tuple[float, ...]:
        return tuple(float(word) for word in self.optim.milestones.split())


FIELDS: dict[str, tuple[str, Any]] = {
    name: (section, hint)
    for section, cls in SECTIONS.items()
    for name, hint in get_type_hints(cls).items()
}
