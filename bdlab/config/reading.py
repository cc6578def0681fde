"""Flat names and plain values -> a validated Config."""

from __future__ import annotations

import difflib
import math
import reprlib
import sys
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from .checks import validate
from .sections import FIELDS, SECTIONS, Config, ConfigError


def from_flat(params: Mapping[str, Any]) -> Config:
    """Flat names -> a validated Config. JSON types only; an integer is accepted where a float is
    meant.

    Raises ConfigError naming the parameter, its value and what is accepted; nothing is converted
    silently.
    """
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for name, value in params.items():
        value = typed(name, value)
        sections[FIELDS[name][0]][name] = value
    config = Config(**{name: cls(**sections[name]) for name, cls in SECTIONS.items()})
    validate(config)
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
