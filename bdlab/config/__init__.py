"""One run, completely described: parameters, presets, what is checked, what identifies it."""

from bdlab.rules import DATASETS, TWINS

from .identity import INTRODUCED, NOT_IDENTITY, identity
from .presets import PRESETS, by_protocol, preset
from .reading import from_flat, typed
from .sections import AS_PUBLISHED, FIELDS, Config, ConfigError, Method

__all__ = [
    "AS_PUBLISHED",
    "DATASETS",
    "FIELDS",
    "INTRODUCED",
    "NOT_IDENTITY",
    "PRESETS",
    "TWINS",
    "Config",
    "ConfigError",
    "Method",
    "by_protocol",
    "from_flat",
    "identity",
    "preset",
    "typed",
]
