"""What an import would do: every picture with its person, modality, camera and part, checked and
shown before anything is written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bdlab.modality import Modality

from ..records import EXCLUDED, SPLITS, DatasetError, few, shortened
from ..thermal import PALETTES, Scale

FOLDERS = {Modality.V: "visible", Modality.I: "infrared"}
UNKNOWN = "unknown"  # the folder of crops without an identity


@dataclass(frozen=True, slots=True)
class Found:
    """A picture to take in: where it lies, whose it is ("" for nobody known), what took it."""

    source: Path
    name: str
    modality: Modality
    camera: str | None = None
    box: tuple[float, ...] | None = None  # x, y, width, height [pixels] of a person in a frame
    line: int | None = None  # of the table that lists it


@dataclass
class Plan:
    """An import before it is done. ``form`` says how the source was understood."""

    source: Path
    form: str
    pictures: list[Found]
    parts: dict[str, str] = field(default_factory=dict)  # name -> train, val or test
    people: dict[str, str] = field(default_factory=dict)  # name -> what the person is called
    passed: list[str] = field(default_factory=list)  # what is passed over, with the reason
    exclude: str = "none"
    distractors: bool = False
    scale: Scale | str | None = None  # or "auto"
    palette: str | None = None  # or "auto"

    @property
    def names(self) -> list[str]:
        """Everybody known, each once, in order."""
        return sorted({one.name for one in self.pictures if one.name})

    def numbers(self) -> dict[str, int]:
        """Name -> identity: the number it is, where all names are numbers, else from 1."""
        names = self.names
        if all(name.isdecimal() and len(name) < 10 for name in names):
            return {name: int(name) for name in names}
        return {name: number for number, name in enumerate(names, start=1)}

    def cameras(self) -> dict[str, int]:
        """Camera -> its number: what it is, where all are numbers, else from 1."""
        cameras = sorted({one.camera for one in self.pictures if one.camera})
        if all(camera.isdecimal() and len(camera) < 10 for camera in cameras):
            return {camera: int(camera) for camera in cameras}
        return {camera: number for number, camera in enumerate(cameras, start=1)}

    def lonely(self) -> list[str]:
        """The people with pictures of one modality only."""
        return sorted((self.seen(Modality.V) ^ self.seen(Modality.I)) - {""})

    def seen(self, modality: Modality) -> set[str]:
        """Everybody with a picture of a modality."""
        return {one.name for one in self.pictures if one.modality is modality}

    def text(self, out: Path | None = None) -> str:
        """The plan as lines for a terminal."""
        return "\n".join(_lines(self, out))


def check(plan: Plan) -> Plan:
    """The plan itself; raises DatasetError for what cannot become a data set."""
    _options(plan)
    if not plan.pictures:
        raise DatasetError(
            "holds no picture to import",
            file=plan.source,
            rule="an import has pictures",
            remedy="check the source",
        )
    _both(plan)
    _division(plan)
    unseen = sum(one.camera is None for one in plan.pictures)
    if plan.exclude != "none" and unseen:
        raise DatasetError(
            f"an exclusion by cameras ({plan.exclude}) is asked for, but {unseen} pictures have "
            "no camera",
            file=plan.source,
            rule="a camera rule needs cameras: a column camera, or folders cam1, cam2, ...",
            remedy="name the cameras, or leave --exclude out",
        )
    return plan


def _options(plan: Plan) -> None:
    allowed = {
        "exclude": (plan.exclude, EXCLUDED),
        "palette": (plan.palette or "auto", ("auto", *PALETTES)),
    }
    for option, (value, choices) in allowed.items():
        if value not in choices:
            raise DatasetError(
                f"{option} = {value!r} does not exist",
                rule=f"it is one of {', '.join(choices)}",
                remedy="name one of these",
            )


def _both(plan: Plan) -> None:
    """Raises DatasetError naming the people who have pictures of one modality only."""
    lonely = plan.lonely()
    if not lonely:
        return
    folded: dict[str, list[str]] = {}
    for name in plan.names:
        folded.setdefault(name.casefold(), []).append(name)
    alike = [name for name in lonely if len(folded[name.casefold()]) > 1]
    if plan.distractors and not alike:
        return
    first = (alike or lonely)[0]
    lacks = Modality.I if first in plan.seen(Modality.V) else Modality.V
    if alike:
        other = next(name for name in folded[first.casefold()] if name != first)
        remedy = f"did you mean {other!r}? Give each person one spelling"
    else:
        remedy = (
            "add the missing pictures, leave the identity out, or take such people in as "
            "distractors of the gallery with --distractors"
        )
    raise DatasetError(
        f"identity {first!r} has no {lacks.title} picture ({len(lonely)} such)",
        file=plan.source,
        rule="every identity has pictures of both modalities",
        remedy=remedy,
    )


def _division(plan: Plan) -> None:
    """Raises DatasetError for a division that leaves a part empty or trains on one modality."""
    if not plan.parts:
        return
    counts = Counter(plan.parts[name] for name in plan.names if name in plan.parts)
    for part in ("train", "test"):
        if not counts[part]:
            raise DatasetError(
                f"nobody is in the {part} part",
                file=plan.source,
                rule="a division has people to train on and others to test",
                remedy=f"put people into {part}, or leave the division out to have it drawn",
            )
    if trained := [name for name in plan.lonely() if plan.parts.get(name) in ("train", "val")]:
        raise DatasetError(
            f"{few(trained)}: one modality only, and not in the test part",
            file=plan.source,
            rule="distractors stand in the gallery of the test",
            remedy="put them into test",
        )


def _lines(plan: Plan, out: Path | None) -> list[str]:
    numbers, cameras = plan.numbers(), plan.cameras()
    counts = Counter(one.modality for one in plan.pictures)
    each = ", ".join(f"{counts[m]:,} {m.title}" for m in FOLDERS)
    lines = [
        f"{plan.source}: {plan.form}",
        f"  {len(numbers):,} people, {len(plan.pictures):,} pictures ({each})",
    ]
    called = [f"{name} -> {number:04d}" for name, number in numbers.items()]
    if called:
        lines.append(f"  people: {_some(called)}")
    if unknown := sum(not one.name for one in plan.pictures):
        lines.append(f"  {unknown:,} pictures of nobody known, into {UNKNOWN}/: to search in only")
    if cameras:
        shown = [f"{name} -> {number}" for name, number in cameras.items()]
        lines.append(f"  cameras: {_some(shown)}; excluded for a query: {plan.exclude}")
    if plan.parts:
        of = Counter(plan.parts.get(name, "no list") for name in plan.names)
        shown = [f"{of[part]} {part}" for part in (*SPLITS, "no list") if of[part]]
        lines.append(f"  division declared, people: {', '.join(shown)}")
    if lonely := plan.lonely():
        lines.append(f"  distractors of the gallery, one modality only: {_some(lonely)}")
    if plan.scale is not None:
        lines.append(f"  raw infrared values: one range for the set, {_said(plan.scale)}")
    lines += [f"  passed over: {what}" for what in plan.passed]
    return [*lines, *_examples(plan, numbers, out)]


def _examples(plan: Plan, numbers: dict[str, int], out: Path | None) -> list[str]:
    """One picture of each modality, from where to where."""
    lines = []
    for modality, top in FOLDERS.items():
        first = next((one for one in plan.pictures if one.modality is modality), None)
        if first is not None:
            person = f"{numbers[first.name]:04d}" if first.name else UNKNOWN
            target = f"{out or 'OUT'}/{top}/{person}/"
            lines.append(f"  {shown_path(first.source, plan.source)} -> {target}")
    return lines


def shown_path(path: Path, source: Path) -> str:
    """A picture's path below the source, or whole where it lies elsewhere."""
    base = source if source.is_dir() else source.parent
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()


def _said(scale: Scale | str) -> str:
    return scale if isinstance(scale, str) else f"{scale.low:g} to {scale.high:g}"


def _some(words: list[str]) -> str:
    text = shortened(", ".join(words[:8]), 160)
    return f"{text} and {len(words) - 8:,} more" if len(words) > 8 else text
