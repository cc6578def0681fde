"""Where a set may lie: which layout a folder has, and what to say of one that has none."""

from __future__ import annotations

import difflib
from pathlib import Path

from .layouts import SOURCES
from .readers import READERS
from .records import DatasetError, shortened
from .strays import of_a_system


def recognise(root: Path | str) -> str | None:
    """The layout with at least one of its folders under ``root``, spelt exactly; None for none."""
    root = Path(root)
    names = {path.name for path in root.iterdir() if path.is_dir()} if root.is_dir() else set()
    return next((name for name, reader in READERS.items() if names & reader.TOPS.keys()), None)


def deeper(root: Path) -> Path | None:
    """A folder with a layout one or two folders below ``root``, as archives are often unpacked."""
    for pattern in ("*", "*/*"):
        for place in sorted(root.glob(pattern)):
            if not of_a_system(place.name) and recognise(place):
                return place
    return None


def unrecognised(root: Path) -> DatasetError:
    """Why nothing is read at ``root``, with the remedy for this cause: it is not there, the set
    lies deeper, its folders have other names, or there is none.
    """
    rule = (
        "RegDB has Visible and Thermal, SYSU-MM01 cam1 to cam6, LLCM test_vis and test_nir, "
        "your own pictures visible and infrared"
    )
    if not root.is_dir():
        return DatasetError("there is no such folder", file=root, rule=rule, remedy=nearest(root))
    below = deeper(root)
    if below:
        return DatasetError(
            f"holds no data set itself, but {below.relative_to(root)} does",
            file=root,
            rule=rule,
            remedy=f"give {below} as root",
        )
    held = sorted(path.name for path in root.iterdir() if not of_a_system(path.name))
    if held:
        return DatasetError(
            f"no layout is recognised here (it holds {shortened(', '.join(held), 100)})",
            file=root,
            rule=rule,
            remedy=f"`bdlab data import {root}` shows how it understands pictures in other folders",
        )
    ask = ", ".join(SOURCES.values())
    return DatasetError(
        "the folder is empty, no layout is recognised here",
        file=root,
        rule=rule,
        remedy=f"put the pictures there; if you do not have any: {ask}, or render a twin with "
        "`bdlab data make`",
    )


def nearest(place: Path) -> str:
    """The remedy for a folder that is not there: how far the path leads, and what lies there."""
    there = next((up for up in place.absolute().parents if up.is_dir()), Path("/"))
    held = sorted(path.name for path in there.iterdir() if path.is_dir())
    close = difflib.get_close_matches(place.name, held, 1, 0.6)
    if close:
        return f"did you mean {there / close[0]}?"
    return f"check the path: the last folder of it that exists is {there}"


def has_layout(kind: str, place: Path) -> None:
    """Raises DatasetError where another layout lies at ``place``, or the set one folder deeper."""
    names = {path.name for path in place.iterdir() if path.is_dir()}
    if names & READERS[kind].TOPS.keys():
        return
    other = recognise(place)
    if other:
        raise DatasetError(
            f"has the layout of {other}, not of {kind}",
            file=place,
            rule=f"{kind} has the folders {', '.join(READERS[kind].TOPS)}",
            remedy=f"open it as {other}, or check the root",
        )
    if deeper(place):
        raise unrecognised(place)
