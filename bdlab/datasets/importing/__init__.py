"""Pictures from elsewhere into the ``folder`` layout: a plan is made and shown, then done by
copying. Nothing is moved, nothing overwritten.

>>> plan = importing.plan("recordings")                      # doctest: +SKIP
>>> print(plan.text()); importing.write(plan, "my-set")      # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..records import DatasetError
from ..thermal import Scale
from . import boxes as boxed
from . import tables, trees
from .plan import Found, Plan, check
from .write import write

__all__ = ["Found", "Plan", "import_csv", "import_folder", "plan", "write"]

TABLES = frozenset({".csv", ".tsv", ".txt"})


def plan(
    source: Path | str | None = None,
    *,
    visible: Collection[str] = (),
    infrared: Collection[str] = (),
    skip: Collection[str] = (),
    levels: str | None = None,
    boxes: Path | str | None = None,
    frames: Path | str | None = None,
    exclude: str = "none",
    distractors: bool = False,
    scale: Scale | str | None = None,
    palette: str | None = None,
) -> Plan:
    """What an import of ``source``, a folder or a table, would do; or of ``boxes`` in ``frames``.

    - ``visible``, ``infrared``: names of folders, where they are not the usual words; ``levels``:
      what each level of folders is; ``skip``: names of files, folders or columns to pass over;
    - ``exclude``: which gallery pictures do not count for a query, ``none``, ``camera`` or
      ``sysu``; ``distractors``: people of one modality stand in the gallery;
    - ``scale``: one range for raw infrared values, or ``auto``; ``palette``: false colours to turn
      back, by name or ``auto``.

    Raises DatasetError for what is not understood, with the option or the change that helps.
    """
    if (boxes is None) != (frames is None) or (boxes is None) == (source is None):
        raise DatasetError(
            "an import has a source, or boxes and their frames",
            rule="a source is a folder or a table; boxes are a table with a folder of frames",
            remedy="name a folder or a table, or give both --boxes TABLE and --frames DIR",
        )
    if boxes is not None and frames is not None:
        made = boxed.read(Path(boxes), Path(frames), skip)
    elif Path(source).is_dir() or Path(source).suffix.lower() not in TABLES:
        made = trees.read(Path(source), visible, infrared, skip, levels)
    else:
        made = tables.read(Path(source), skip)
    made.exclude, made.distractors, made.scale, made.palette = exclude, distractors, scale, palette
    return check(made)


def import_folder(
    source: Path | str,
    out: Path | str,
    visible: str = "visible",
    infrared: str = "infrared",
    **options: Any,
) -> Path:
    """A folder with the folders ``visible`` and ``infrared`` of people -> the folder layout at
    ``out``, returned; see ``plan``.
    """
    return write(plan(source, visible=(visible,), infrared=(infrared,), **options), out)


def import_csv(table: Path | str, out: Path | str, **options: Any) -> Path:
    """A table of pictures -> the folder layout at ``out``, returned; see ``tables.read``."""
    return write(plan(table, **options), out)
