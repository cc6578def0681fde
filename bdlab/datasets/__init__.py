"""Data sets: ``open`` turns a folder in one of five layouts into a table of records; ``bank`` holds
the decoded pictures.

>>> d = datasets.open("synthetic-regdb", size="smoke")       # doctest: +SKIP
>>> pictures = bank.bank(d, 288, 144).pictures               # doctest: +SKIP
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bdlab import rules

from . import twin
from .layouts import SOURCES
from .places import has_layout, nearest
from .readers import READERS
from .records import Dataset, DatasetError, Record, cache_folder, data_folder, validate
from .twin import read_twin

__all__ = [
    "OPTIONS",
    "READERS",
    "Dataset",
    "DatasetError",
    "Record",
    "cache_folder",
    "data_folder",
    "open",
    "read_twin",
    "validate",
]

#: Every data set by name, and the options ``open`` takes for it.
OPTIONS: dict[str, tuple[str, ...]] = {name: reader.OPTIONS for name, reader in READERS.items()}
OPTIONS |= dict.fromkeys(rules.TWINS, ("split", "val_holdout", *twin.DIALS))


def open(name: str, root: Path | str | None = None, **options: Any) -> Dataset:
    """The data set ``name`` under ``root`` (default: ``$BDLAB_DATA/<name>`` or ``./data/<name>``).

    - ``regdb``: ``split`` 1..10, the trial;  ``sysu``: ``val_holdout`` (False: all 395 identities
      are trained on); ``split`` is 1;
    - ``llcm``: ``split`` is 1;
    - ``folder``: ``split`` seeds the draw of identities, ``test_fraction`` 0.5, ``val_fraction``
      0.0; needs a root;
    - ``synthetic-regdb``, ``synthetic-sysu``, ``synthetic-llcm``: as the set they stand for, plus
      ``val_holdout``, ``size``, ``seed``, ``channel_gap``, ``appearance_gap``; rendered on first
      use.

    ``provenance["unlike_published"]`` says in words how the set differs from the published one
    (empty: it has its counts), before anything is trained on it.

    A twin stays a twin: opened as ``regdb`` or ``sysu`` it is still named ``synthetic-...``, so no
    table takes it for the real set. Raises DatasetError: an unknown name or option (with the
    closest that exists), another layout or the set one folder deeper, every fault of the layout.
    """
    _known("data set", name, OPTIONS)
    for option in options:
        _known(f"option for {name}", option, OPTIONS[name])
    kind = name.removeprefix(rules.TWIN)
    if name != kind:
        dials = {key: options.pop(key) for key in twin.DIALS if key in options}
        root = twin.ensure(name, None if root is None else Path(root), **dials)
    place = _checked_root(name, root)
    has_layout(kind, place)
    card = read_twin(place)
    dataset: Dataset = READERS[kind].read(place, **options)
    if not card:
        return dataset
    unlike = [f"rendered people, not {rules.protocol_of(kind).title}"]
    provenance = dataset.provenance | {"twin": card, "unlike_published": unlike}
    return replace(dataset, name=rules.TWIN + kind, provenance=provenance)


def _known(what: str, given: str, choices: Iterable[str]) -> None:
    """Raises DatasetError unless ``given`` is one of the choices, naming the closest and all of
    them.
    """
    if given not in choices:
        close = difflib.get_close_matches(str(given), list(choices), 1, 0.5)
        hint = f"did you mean {close[0]!r}?" if close else "pick one of them"
        raise DatasetError(
            f"unknown {what}: {given!r}", rule=f"there are {', '.join(choices)}", remedy=hint
        )


def _checked_root(name: str, root: Path | str | None) -> Path:
    """The folder to read; raises DatasetError when there is none."""
    if root is None and name == rules.OWN:
        raise DatasetError(
            "the data set 'folder' needs a root",
            rule="root is the folder that holds visible/ and infrared/",
            remedy="give root=..., or --root on the command line",
        )
    place = data_folder() / name if root is None else Path(root)
    if "\0" in str(place) or not place.is_dir():
        # somebody who names a folder has the data; the default place may just be empty
        known = root is None and name in SOURCES
        ask = f"check the root; {SOURCES.get(name)}, or try {rules.TWIN}{name}"
        raise DatasetError(
            "there is no such folder",
            file=str(place).replace("\0", "?"),
            rule=f"{name} is read from a folder",
            remedy=ask if known else nearest(place),
        )
    return place
