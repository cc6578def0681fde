"""One run, completely described: six frozen dataclasses, flat names, and the three presets.

Every field is set by its flat name from the command line, a sweep or papermill; what the paper
leaves open is a field here too.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import reprlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from . import rules
from .modality import BASE, Modality, ModalityError, parse_modalities, parse_pairs

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


_SECTIONS = {"data": Data, "model": Model, "loss": Loss, "optim": Optim, "test": Test, "run": Run}


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
            for section in _SECTIONS
            for name, value in dataclasses.asdict(getattr(self, section)).items()
        }

    @property
    def modalities(self) -> tuple[Modality, ...]:
        return parse_modalities(self.model.modalities)

    @property
    def graph(self) -> tuple[tuple[Modality, Modality], ...]:
        return parse_pairs(self.loss.pairs)

    @property
    def milestones(self) -> tuple[float, ...]:
        return tuple(float(word) for word in self.optim.milestones.split())


FIELDS: dict[str, tuple[str, Any]] = {
    name: (section, hint)
    for section, cls in _SECTIONS.items()
    for name, hint in get_type_hints(cls).items()
}

#: What a preset changes from the paper's own values; what depends on the data set stands in its
#: protocol's record (section III-C: epochs 60 / 80 and gamma 5 / 1 on RegDB / SYSU-MM01).
PRESETS: dict[str, dict[str, Any]] = {
    "paper": {"weights": "imagenet", "size": "full"},
    # A ResNet-10 of width 16 at 64 x 32 that learns from a random start in minutes on two cores.
    # Batch-hard hinges over four modalities collapse from a random start unless their weight grows
    # in, hence the ramp.
    "demo": {
        "backbone": "resnet10",
        "height": 64,
        "width": 32,
        "pad": 4,
        "size": "demo",
        "epochs": 12,
        "steps": 84,
        "warmup": 1.0,
        "schedule": "cosine",
        "lr": 0.05,
        "groups": "uniform",
        "triplet_ramp": 0.5,
    },
    # seconds: for tests and for a first look whether everything is in place; learns next to nothing
    "smoke": {
        "backbone": "resnet10",
        "height": 32,
        "width": 16,
        "pad": 2,
        "size": "smoke",
        "identities": 4,
        "shots": 2,
        "epochs": 2,
        "steps": 4,
        "warmup": 1.0,
        "schedule": "cosine",
        "lr": 0.01,
        "groups": "uniform",
        "triplet_ramp": 1.0,
    },
}

#: Parameters that say where things lie or how often they are saved, not what is computed: no part
#: of a cell's identity.
NOT_IDENTITY = ("root", "checkpoint_every")

TWINS, DATASETS = rules.TWINS, rules.DATASETS
#: Every parameter's value when it was introduced. Entries are added, never changed or removed: a
#: cell of an older release keeps its name, and so its result.
INTRODUCED: dict[str, Any] = json.loads(Path(__file__).with_name("introduced.json").read_text())


def identity(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that make a run what it is: those that differ from ``INTRODUCED``.

    A record that lacks a parameter is older than it, and so had the value of its introduction.
    """
    unknown = object()
    kept = {}
    for name, value in params.items():
        if name not in NOT_IDENTITY and INTRODUCED.get(name, unknown) != value:
            kept[name] = value
    return kept


def preset(name: str, data: str) -> dict[str, Any]:
    """The flat changes of a preset for one data set; a twin's size is dropped where the set is not
    a twin.

    Raises ConfigError for an unknown preset or data set, naming those that exist.
    """
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {name!r}: choose one of {', '.join(PRESETS)}")
    if data not in DATASETS:
        raise ConfigError(f"unknown data set {data!r}: choose one of {', '.join(DATASETS)}")
    changes = PRESETS[name] | by_protocol(name, data) | {"data": data, "preset": name}
    return {name: value for name, value in changes.items() if name != "size" or data in TWINS}


def by_protocol(name: str, data: str) -> dict[str, Any]:
    """What a preset takes from the record of the data set's protocol: gamma, and under "paper" the
    epochs.
    """
    protocol = rules.protocol_of(data)
    epochs = {"epochs": protocol.paper_epochs} if name == "paper" else {}
    return epochs | dict(protocol.tuned)


def from_flat(params: Mapping[str, Any]) -> Config:
    """Flat names -> a validated Config. JSON types only; an integer is accepted where a float is
    meant.

    Raises ConfigError naming the parameter, its value and what is accepted; nothing is converted
    silently.
    """
    sections: dict[str, dict[str, Any]] = {name: {} for name in _SECTIONS}
    for name, value in params.items():
        value = typed(name, value)
        sections[FIELDS[name][0]][name] = value
    config = Config(**{name: cls(**sections[name]) for name, cls in _SECTIONS.items()})
    _validate(config)
    return config


def typed(name: str, value: Any) -> Any:
    """The value of one parameter as its field takes it; ConfigError for an unknown name or another
    type.
    """
    if name in FIELDS:
        return _typed(name, value, FIELDS[name][1])
    close = difflib.get_close_matches(str(name), FIELDS, n=1)
    known = f"the parameters are {', '.join(sorted(FIELDS))}"
    raise ConfigError(
        f"unknown parameter {name!r}; " + (f"did you mean {close[0]!r}?" if close else known)
    )


def _typed(name: str, value: Any, hint: Any) -> Any:
    """The value itself if it fits the annotation (int -> float allowed, bool never a number), else
    ConfigError.
    """
    if get_origin(hint) is Literal:
        if value in get_args(hint) and type(value) in {type(choice) for choice in get_args(hint)}:
            return value
        raise ConfigError(
            f"{name} = {_said(value)}: choose one of {', '.join(map(repr, get_args(hint)))}"
        )
    kinds = get_args(hint) or (hint,)
    if isinstance(value, bool) and bool not in kinds:
        raise ConfigError(f"{name} = {value!r} is a truth value; a number or text is meant")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{name} = {value!r} is not finite")
    if float in kinds and type(value) is int and abs(value) <= sys.float_info.max:
        return float(value)
    if type(value) not in kinds:
        wanted = " or ".join("null" if k is type(None) else k.__name__ for k in kinds)
        quoted = (
            " (YAML reads 1e-3 as text: write 1.0e-3)"
            if float in kinds and isinstance(value, str)
            else ""
        )
        raise ConfigError(
            f"{name} = {_said(value)} is a {type(value).__name__}; {wanted} is meant{quoted}"
        )
    return value


def _said(value: Any) -> str:
    """A value as an error shows it: a few lines of YAML can name a list of a thousand million
    parts.
    """
    short = reprlib.Repr()
    short.maxstring = short.maxother = 120
    return short.repr(value)


_POSITIVE = ("height", "width", "identities", "shots", "epochs", "lr", "split", "passes", "steps")
_NOT_NEGATIVE = (
    "pad",
    "alpha",
    "beta",
    "gamma",
    "rival",
    "margin_intra",
    "margin_cross",
    "momentum",
    "weight_decay",
    "generator_lr",
    "warmup",
    "seed",
    "checkpoint_every",
)


def _validate(config: Config) -> None:
    flat = config.flat()
    for name in _POSITIVE:
        if flat[name] is not None and flat[name] <= 0:
            raise ConfigError(
                f"{name} = {flat[name]!r} must be above 0"
                + (", or null for the paper's rule" if name == "steps" else "")
            )
    if flat["momentum"] >= 1:
        raise ConfigError(
            f"momentum = {flat['momentum']!r} must be below 1, or the steps grow without end"
        )
    if flat["shots"] < 2 and flat["beta"] > 0:
        raise ConfigError(
            "shots = 1: one picture a person and modality leaves MML no positive pair; use 2, or "
            "beta = 0.0"
        )
    for name in _NOT_NEGATIVE:
        if flat[name] is not None and flat[name] < 0:
            raise ConfigError(f"{name} = {flat[name]!r} must not be negative")
    for name in ("channel_gap", "appearance_gap", "triplet_ramp"):
        if flat[name] is not None and not 0 <= flat[name] <= 1:
            raise ConfigError(f"{name} = {flat[name]!r} must lie in [0, 1]")
    if config.data.data not in DATASETS:
        raise ConfigError(
            f"unknown data set {config.data.data!r}: choose one of {', '.join(DATASETS)}"
        )
    dials = [name for name in ("size", "channel_gap", "appearance_gap") if flat[name] is not None]
    if dials and config.data.data not in TWINS:
        raise ConfigError(
            f"{', '.join(dials)} belong to the synthetic twins; {config.data.data!r} is not one"
        )
    if config.data.validation and not rules.can_hold_out(config.data.data):
        able = [name for name in DATASETS if rules.can_hold_out(name)]
        raise ConfigError(
            f"validation = True: the splits of {config.data.data!r} hold nobody out; "
            f"it is for {', '.join(able)}"
        )
    if config.test.draw not in (known := rules.draws_of(config.data.data)):
        raise ConfigError(
            f"draw = {config.test.draw!r}: {config.data.data!r} has {' and '.join(known)}; "
            "'official' is SYSU-MM01's"
        )
    if config.data.identities < 2:
        raise ConfigError(
            "identities = 1: a batch of one identity has no negative pair; at least 2 are needed"
        )
    _validate_method(config)


def _validate_method(config: Config) -> None:
    try:
        modalities, graph, milestones = config.modalities, config.graph, config.milestones
    except ModalityError as error:
        raise ConfigError(str(error)) from None
    except ValueError:
        raise ConfigError(
            f"milestones = {config.optim.milestones!r}: epochs separated by blanks are meant"
        ) from None
    if list(milestones) != sorted(milestones) or not all(math.isfinite(m) for m in milestones):
        raise ConfigError(f"milestones = {config.optim.milestones!r} must be finite and ascend")
    for pair in graph:
        if absent := [m.value for m in pair if m not in modalities]:
            raise ConfigError(
                f"the pair {'-'.join(pair)} needs {' and '.join(absent)}, not in modalities = "
                f"{config.model.modalities!r}"
            )
    if config.loss.alpha == config.loss.beta == config.loss.gamma == 0:
        raise ConfigError("alpha, beta and gamma are all 0: there is nothing to train on")
    if config.optim.generator_lr is not None and (
        config.model.generator != "learned" or modalities == BASE
    ):
        raise ConfigError(
            "generator_lr is set but no derivative modality is in use whose E_V or G_S is learned"
        )
    if config.run.rival_form == "as-published" and config.run.method not in AS_PUBLISHED:
        raise ConfigError(
            f"rival_form = 'as-published' is for {', '.join(AS_PUBLISHED)}; "
            f"method = {config.run.method!r} has no such form"
        )
    if (made_for := rules.METHODS[config.run.method]) and modalities != parse_modalities(made_for):
        raise ConfigError(
            f"method = {config.run.method!r} is made for modalities = {made_for!r}, not "
            f"{config.model.modalities!r}"
        )
