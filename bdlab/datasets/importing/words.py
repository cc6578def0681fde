"""What names of folders and files mean, in any case: modalities, parts, cameras, people."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable

from bdlab.modality import Modality

_VISIBLE = ("v", "vis", "visible", "visual", "rgb", "color", "colour")
_INFRARED = ("i", "ir", "infrared", "thermal", "t", "tir", "nir", "swir", "mwir", "lwir")
MODALITIES = dict.fromkeys(_VISIBLE, Modality.V) | dict.fromkeys(_INFRARED, Modality.I)

PARTS = {
    "train": "train", "training": "train", "bounding_box_train": "train",
    "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test", "bounding_box_test": "test",
    "query": "test", "gallery": "test",
}  # fmt: skip

_CAMERA = re.compile(r"cam(?:era)?[ _-]?([0-9]{1,6})", re.IGNORECASE)
_PERSON = re.compile(
    r"(?:id|p|pid|person|people|subject|subj|identity|user)?[ _-]?[0-9]+", re.IGNORECASE
)
_FRAMES = re.compile(
    r"(?:seq|sequence|track|tracklet|video|vid|clip|frames?|shot|take|walk)[ _-]?[a-z]?[0-9]*"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}.*",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"(?:site|place|room|scene|location|building|campus|street|gate|door|hall|indoor|outdoor"
    r"|day|night|session|set|part|batch)[ _-]?[0-9a-z]{0,3}",
    re.IGNORECASE,
)
#: Folders that only hold others.
CONTAINERS = frozenset(
    {"images", "image", "imgs", "img", "pictures", "data", "crops", "jpg", "png"}
)
#: Market-1501's file names: identity, camera and sequence, then anything.
MARKET = re.compile(r"(-?[0-9]+)_c([0-9]+)(?:s[0-9]+)?(?=[_.])", re.IGNORECASE)


def modalities_in(
    stem: str, meaning: Callable[[str], Modality | None], own: Collection[str]
) -> set[str]:
    """The words of a file's name that mean a modality. One letter (``v``, ``t``) is a word only
    where it is the user's ``own``.
    """
    letters = {name.lower() for name in own}
    parts = re.split(r"[\W_]+", stem)
    return {part for part in parts if meaning(part) and (len(part) > 1 or part.lower() in letters)}


def plain(name: str) -> str:
    """A name as it is compared: one Unicode form, no blanks around it."""
    return unicodedata.normalize("NFC", name).strip()


def camera(name: str) -> str | None:
    """The number in a camera's folder name (``cam3``), or None for another name."""
    found = _CAMERA.fullmatch(name)
    return str(int(found[1])) if found else None


def are_people(names: Iterable[str]) -> bool:
    """Whether all are numbers, or numbers after a word for a person (``id_0003``)."""
    return all(_PERSON.fullmatch(name) for name in names)


def are_frames(names: Iterable[str]) -> bool:
    """Whether all name a stretch of frames (``seq0``, ``tracklet_2``) or a date."""
    return all(_FRAMES.fullmatch(name) for name in names)


def are_places(names: Iterable[str]) -> bool:
    """Whether all name a place or a time (``site2``, ``day1``): a folder of many people."""
    return all(_PLACE.fullmatch(name) for name in names)


def is_no_person(name: str) -> bool:
    """Whether a name that stands where a person's should means something else."""
    low = name.lower()
    return low in PARTS or low in MODALITIES or camera(name) is not None or are_frames([name])
