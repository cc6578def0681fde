"""What a configuration may not say: values out of range, parameters that contradict each other."""

from __future__ import annotations

import math

from bdlab import rules
from bdlab.modality import BASE, ModalityError, parse_modalities
from bdlab.rules import DATASETS, TWINS

from .sections import AS_PUBLISHED, Config, ConfigError

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


def validate(config: Config) -> None:
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
    augmented = ("channel_exchange", "random_grey", "random_erasing")
    for name in (*augmented, "label_smoothing"):
        if not 0 <= flat[name] <= 1:
            raise ConfigError(f"{name} = {flat[name]!r} is a share and must lie in [0, 1]")
    if flat["channel_exchange"] + flat["random_grey"] > 1:
        raise ConfigError(
            f"channel_exchange = {flat['channel_exchange']!r} and random_grey = "
            f"{flat['random_grey']!r} are shares of the same pictures; together at most 1"
        )
    if flat["label_smoothing"] == 1:
        raise ConfigError("label_smoothing = 1.0 leaves nothing of the label; below 1 is meant")
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
    try:
        rules.corruptions(config.test.corruption)
    except ValueError as error:
        raise ConfigError(f"corruption = {config.test.corruption!r}: {error}") from None
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
