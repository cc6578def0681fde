"""Rendered sets, opened through ``bdtwins``: where they lie, their dials, and its errors in bdlab's
words.

The renderer knows nothing of bdlab, and this module alone imports it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import bdtwins

from .records import DatasetError, data_folder

DIALS = ("size", "seed", "channel_gap", "appearance_gap")


@contextmanager
def _in_our_words() -> Iterator[None]:
    """A TwinError becomes a DatasetError with the same file, rule and remedy."""
    try:
        yield
    except bdtwins.TwinError as error:
        raise DatasetError(
            error.problem, file=error.file, rule=error.rule, remedy=error.remedy
        ) from error


def dials(kind: str, **options: Any) -> dict[str, Any]:
    """All dials of a twin, ``size``, ``seed``, ``channel_gap``, ``appearance_gap``, the defaults
    filled in.
    """
    with _in_our_words():
        twin = bdtwins.settle(kind, **options)
    return {name: getattr(twin, name) for name in DIALS}


def default_root(kind: str, **options: Any) -> Path:
    """Where a twin lies unless a root is given: a folder of its own in ``$BDLAB_DATA`` or
    ``./data``.
    """
    with _in_our_words():
        return data_folder() / bdtwins.folder_name(bdtwins.settle(kind, **options))


def ensure(kind: str, root: Path | str | None = None, **options: Any) -> Path:
    """The twin at ``root`` (or its default place), rendered if it is not there yet.

    ``options``: the dials, ``jobs`` (processes) and ``progress``. Raises DatasetError for bad
    choices, or where ``root`` holds anything else.
    """
    if root is None:
        root = default_root(kind, **{name: options[name] for name in DIALS if name in options})
    with _in_our_words():
        return bdtwins.make(kind, Path(root), **options)


def counterfactual(kind: str, identity: int, shot: int, **options: Any) -> dict[str, np.ndarray]:
    """A pair of partners and what each camera would have seen from the other's place: see
    ``bdtwins.counterfactual``.
    """
    with _in_our_words():
        return bdtwins.counterfactual(kind, identity, shot, **options)


def number_of(path: str, kind: str, identity: int, **options: Any) -> int:
    """Which of an identity's shots of its modality a picture of a twin is, counted from 0.

    ``path`` as in the set's records. DatasetError where the twin has no such picture.
    """
    with _in_our_words():
        for shot in bdtwins.shots(bdtwins.settle(kind, **options), identity):
            if shot.path == path:
                return shot.number
    raise DatasetError(f"{path} is no picture of person {identity} of {kind}")


def read_twin(root: Path) -> dict[str, Any] | None:
    """The dials of a rendered twin, from its ``twin.json``; None for a folder that is no twin.
    Raises DatasetError if damaged.
    """
    file = root / "twin.json"
    try:
        dials = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        dials = error
    if not isinstance(dials, dict) or not dials:
        raise DatasetError(
            "does not hold the dials of a twin",
            file=file,
            rule="twin.json is a JSON object",
            remedy="delete the folder and render the twin again",
        )
    return dials
