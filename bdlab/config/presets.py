"""The presets: what each changes from the paper's own values."""

from __future__ import annotations

from typing import Any

from bdlab import rules
from bdlab.rules import DATASETS, TWINS

from .sections import ConfigError

#: A ResNet-10 of width 16 at 64 x 32 that learns from a random start on two cores. Batch-hard
#: hinges over four modalities collapse from a random start unless their weight grows in: the ramp.
SMALL = {
    "backbone": "resnet10",
    "height": 64,
    "width": 32,
    "pad": 4,
    "size": "demo",
    "steps": 84,
    "warmup": 1.0,
    "schedule": "cosine",
    "lr": 0.05,
    "groups": "uniform",
    "triplet_ramp": 0.5,
}
#: What a preset changes from the paper's own values; what depends on the data set is in ``rules``.
PRESETS: dict[str, dict[str, Any]] = {
    "paper": {"weights": "imagenet", "size": "full"},
    # An ImageNet ResNet-50 on the full-size twin in 500 steps: two cores do it in minutes.
    "middle": {
        "weights": "imagenet",
        "height": 128,
        "width": 64,
        "size": "full",
        "epochs": 10,
        "steps": 50,
        "warmup": 1.0,
        "schedule": "cosine",
        "triplet_ramp": 0.6,
    },
    # The paper's number of steps (5,160 on RegDB) on the small network: the tables' own regime.
    "study": SMALL | {"epochs": 60},
    # A fifth of that: too short for most rows' triplets, see the guard's word beside each.
    "demo": SMALL | {"epochs": 12},
    # Seconds: for tests and a first look whether everything is in place; learns next to nothing.
    "smoke": SMALL
    | {
        "height": 32,
        "width": 16,
        "pad": 2,
        "size": "smoke",
        "identities": 4,
        "shots": 2,
        "epochs": 2,
        "steps": 4,
        "lr": 0.01,
        "triplet_ramp": 1.0,
    },
}


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
