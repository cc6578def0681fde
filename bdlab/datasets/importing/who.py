"""Who is on a picture, by its folders and its file's name, and what took it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bdlab.modality import Modality

from ..records import DatasetError
from . import words
from .plan import Found

#: What a level of folders may be.
LEVELS = ("modality", "identity", "camera", "split", "-")

SAY_LEVELS = (
    "name the folders from the source down, as in --levels identity/modality/- "
    f"({', '.join(LEVELS)})"
)


@dataclass
class Shot:
    """A picture on its way to being understood: its folders that have no meaning yet, and what the
    others said.
    """

    path: Path
    dirs: list[str]
    said: dict[str, str] = field(default_factory=dict)


def meaning_of(own: dict[str, Modality]) -> Callable[[str], Modality | None]:
    """What a folder's name means: of the user's own names, or of those every tree uses."""
    low = {name.lower(): modality for name, modality in own.items()}
    for word, modality in words.MODALITIES.items():
        if modality not in own.values():
            low.setdefault(word, modality)
    return lambda name: low.get(name.lower())


class Said:
    """What every picture's folders and file name say together: people, cameras, parts."""

    def __init__(self, own: dict[str, Modality], sure: bool):
        self.meaning, self.sure = meaning_of(own), sure  # sure: the user said what is what
        self.parts: dict[str, str] = {}
        self.spelled: dict[tuple[Modality, str], str] = {}
        self.junk = 0

    def found(self, shot: Shot) -> Found | None:
        modality = self.meaning(shot.said["modality"])
        if modality is None:
            raise fault(
                shot.path, f"{shot.said['modality']!r} names no modality",
                f"a modality is one of {', '.join(words.MODALITIES)}",
                "say which is which with --rgb NAME --ir NAME",
            )  # fmt: skip
        name, camera = self._who(shot)
        if name == "-1":
            self.junk += 1  # Market-1501's -1: nobody
            return None
        key = self._key(name, modality, shot)
        part = words.PARTS.get(shot.said.get("split", "").lower())
        if part and self.parts.setdefault(key, part) != part:
            raise fault(
                shot.path, f"{name!r} is in {part} here and in {self.parts[key]} elsewhere",
                "nobody is trained on and tested", "keep each person in one part",
            )  # fmt: skip
        return Found(shot.path, key, modality, camera)

    def _who(self, shot: Shot) -> tuple[str, str | None]:
        """Person and camera, from folders and from a name as Market-1501's."""
        camera = shot.said.get("camera")
        camera = words.camera(camera) or camera if camera else None
        name = shot.said.get("identity")
        written = words.MARKET.match(shot.path.name)
        if name is None:
            if written is None:
                raise fault(
                    shot.path, "lies in no person's folder, and its name does not say who it is",
                    "a person has a folder, or files are named as 0001_c1s1_....jpg",
                    "list the pictures in a table (path, identity, modality) and import that",
                )  # fmt: skip
            return written[1], camera or str(int(written[2]))
        if words.is_no_person(name) and not self.sure:
            raise fault(
                shot.path, f"the folder {name!r} stands where a person's name should",
                "one level of folders names the person", SAY_LEVELS,
            )  # fmt: skip
        if written and name.isdecimal():
            if int(written[1]) != int(name):
                raise fault(
                    shot.path, f"its name says person {written[1]}, its folder {name}",
                    "folder and name agree", "move it to its person, or rename it",
                )  # fmt: skip
            camera = camera or str(int(written[2]))
        return name, camera

    def _key(self, name: str, modality: Modality, shot: Shot) -> str:
        """The name as it is compared; raises DatasetError where one modality spells it twice."""
        key = words.plain(name)
        key = str(int(key)) if key.isdecimal() else key
        if self.spelled.setdefault((modality, key), name) != name:
            raise fault(
                shot.path, f"{name!r} and {self.spelled[modality, key]!r} are one name",
                "a person has one folder in a modality", "merge the two, or rename one",
            )  # fmt: skip
        return key

    def passed(self) -> list[str]:
        return [f"{self.junk} pictures of nobody (-1 in their names)"] if self.junk else []


def fault(file: Path, problem: str, rule: str, remedy: str) -> DatasetError:
    return DatasetError(problem, file=file, rule=rule, remedy=remedy)
