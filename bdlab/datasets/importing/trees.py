"""A tree of folders, understood level by level: which one names the modality, which the person.

A level is understood only where every picture agrees. What can be meant in two ways is refused, and
``--levels`` says it: nobody's picture may end under another person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path

from bdlab.modality import Modality

from .. import declared
from ..layouts import SUFFIXES
from ..records import DatasetError, few
from . import words
from .plan import Plan
from .walk import walk
from .who import LEVELS, SAY_LEVELS, Said, Shot, fault, meaning_of

#: Files beside the pictures that are read, not passed over.
USED = ("train.txt", "val.txt", "test.txt", "names.csv")


def read(
    source: Path,
    visible: Collection[str] = (),
    infrared: Collection[str] = (),
    skip: Collection[str] = (),
    levels: str | None = None,
) -> Plan:
    """The plan of a folder of pictures.

    ``visible`` and ``infrared`` are names of folders, where they are not words every tree uses;
    ``levels`` names the folders from ``source`` down, as in ``camera/identity/modality/-``. Raises
    DatasetError naming what is not understood, with the option that says it.
    """
    walked = walk(source, skip)
    shots = [Shot(path, list(dirs)) for dirs, path in walked.pictures]
    base, passed = source, []
    own = dict.fromkeys(visible, Modality.V) | dict.fromkeys(infrared, Modality.I)
    if not shots:
        raise _nothing(source, walked.texts)
    if levels is not None:
        _by_levels(shots, source, levels)
        form = levels
    else:
        base = _lower(shots, source, own)
        shots = _modality(shots, base, own, passed)
        _meaning(shots, base)
        form = _levels(shots[0], source)
    said = Said(own, levels is not None)
    pictures = [found for shot in shots if (found := said.found(shot))]
    used = {(base / name).relative_to(source).as_posix() for name in USED}
    walked.texts = [name for name in walked.texts if name not in used]
    passed += walked.passed() + said.passed()
    plan = Plan(source, f"folders are {form}", pictures, passed=passed)
    here = [source / name for name in walked.texts]
    declared.almost(base, [file.name for file in here if file.parent == base])
    _declared(plan, base, said)
    return plan


def _lower(shots: list[Shot], source: Path, own: dict[str, Modality]) -> Path:
    """Goes down while one folder holds everything, and it is not a name with a meaning."""
    base, named = source, {name.lower() for name in own}
    while True:
        tops = {shot.dirs[0] if shot.dirs else "" for shot in shots}
        top = tops.pop()
        meant = top.lower() in named or words.is_no_person(top) or words.are_people([top])
        if tops or not top or meant:
            return base
        base = base / top
        for shot in shots:
            del shot.dirs[0]


def _by_levels(shots: list[Shot], source: Path, levels: str) -> None:
    """What each level means, as the user says."""
    names = [name.strip().lower() for name in levels.strip("/").split("/")]
    wrong = [name for name in names if name not in LEVELS]
    if wrong or "identity" not in names or "modality" not in names:
        raise fault(
            source, f"--levels {levels!r} is not understood",
            f"a level is one of {', '.join(LEVELS)}; modality and identity are named",
            "write it as camera/identity/modality/-, from the source down",
        )  # fmt: skip
    for shot in shots:
        if len(shot.dirs) < len(names) - names[::-1].index(_last(names)):
            raise fault(
                shot.path, f"lies in {len(shot.dirs)} folders, not in {levels}",
                "--levels names the folders of every picture",
                f"move it out, or pass it over with --skip {shot.path.name!r}",
            )  # fmt: skip
        for name, folder in zip(names, shot.dirs, strict=False):
            if name == "identity" and name in shot.said:
                shot.said[name] += f"-{folder}"  # one number at two places is two people
            elif name != "-":
                shot.said[name] = folder
        shot.dirs = []


def _levels(shot: Shot, source: Path) -> str:
    """How a picture's folders were understood, in the words of ``--levels``."""
    meanings = {folder: name for name, folder in shot.said.items()}
    folders = shot.path.parent.relative_to(source).parts
    form = "/".join(meanings.get(folder, "-") for folder in folders) or "-"
    named = {"identity": "people", "modality": "modalities"}
    in_names = [what for name, what in named.items() if shot.said.get(name) not in folders]
    return f"{form}, {' and '.join(in_names)} in the names of files" if in_names else form


def _last(names: list[str]) -> str:
    """The last level with a meaning."""
    return next(name for name in reversed(names) if name != "-")


def _modality(
    shots: list[Shot], base: Path, own: dict[str, Modality], passed: list[str]
) -> list[Shot]:
    """The pictures whose modality is known, each told which; of a level of folders, or where no
    level names both modalities, of the names of files.
    """
    meaning = meaning_of(own)
    levels = _levels_naming(shots, meaning)
    covered = [] if levels else _by_names(shots, meaning, own)
    if not levels and not covered:
        raise _no_modality(shots, base)
    if levels:
        level, covered = _best(levels, base)
        for shot in covered:
            shot.said["modality"] = shot.dirs[level]
    inside = {id(shot) for shot in covered}
    outside = [shot for shot in shots if id(shot) not in inside]
    if outside and not own:
        folders = {shot.said["modality"] for shot in covered}
        raise _outside(outside, base, folders) if levels else _unsaid(outside, folders)
    if outside:
        where = few(_below(outside, base))
        passed.append(f"{len(outside)} pictures outside the folders named: {where}")
    if not own:
        _one_word(covered, base, meaning)
    if levels:
        for shot in covered:
            del shot.dirs[level]
    return covered


def _one_word(shots: list[Shot], base: Path, meaning: Callable[[str], Modality | None]) -> None:
    """Raises DatasetError where a modality goes by two names: two cameras, or one?"""
    spelled: dict[Modality, set[str]] = {Modality.V: set(), Modality.I: set()}
    for shot in shots:
        word = shot.said["modality"]
        spelled[meaning(word)].add(word.lower())
    for modality, found in spelled.items():
        if len(found) > 1:
            option = "--rgb" if modality is Modality.V else "--ir"
            raise fault(
                base, f"{few(found)} are all {modality.title}",
                "one modality has one name",
                f"say which is meant, --rgb NAME --ir NAME; {option} may be given for each",
            )  # fmt: skip


def _by_names(
    shots: list[Shot], meaning: Callable[[str], Modality | None], own: Collection[str]
) -> list[Shot]:
    """The pictures whose files' names hold one word for a modality (``0001_rgb.jpg``), each told
    which; none if the names do not say both modalities, or not of most pictures.
    """
    covered = []
    for shot in shots:
        said = words.modalities_in(shot.path.stem, meaning, own)
        if len(said) == 1:
            shot.said["modality"] = said.pop()
            covered.append(shot)
    both = {meaning(shot.said["modality"]) for shot in covered} == {Modality.V, Modality.I}
    return covered if both and (own or 2 * len(covered) > len(shots)) else []


def _levels_naming(
    shots: list[Shot], meaning: Callable[[str], Modality | None]
) -> list[tuple[int, list[Shot]]]:
    """Every level at which folders name both modalities, with the pictures in these."""
    depth = max(len(shot.dirs) for shot in shots)
    levels = []
    for level in range(depth):
        named = [s for s in shots if len(s.dirs) > level and meaning(s.dirs[level])]
        if len({meaning(shot.dirs[level]) for shot in named}) == 2:
            levels.append((level, named))
    return levels


def _best(levels: list[tuple[int, list[Shot]]], base: Path) -> tuple[int, list[Shot]]:
    """The level at which most pictures name a modality, and those pictures."""
    most = max(len(named) for _, named in levels)
    best = [(level, named) for level, named in levels if len(named) == most]
    if len(best) > 1:
        raise fault(
            base, f"two levels of folders name the modality: {best[0][0] + 1} and {best[1][0] + 1}",
            "one level of folders names the modality", SAY_LEVELS,
        )  # fmt: skip
    return best[0]


def _meaning(shots: list[Shot], base: Path) -> None:
    """What the levels other than the modality's mean, into every shot."""
    for name, meaning in (("split", words.PARTS.get), ("camera", words.camera)):
        for level in range(min(len(shot.dirs) for shot in shots)):
            values = {shot.dirs[level] for shot in shots}
            if all(meaning(value.lower()) for value in values):
                _take(shots, level, name)
                break
    _containers(shots)
    outside = [shot for shot in shots if not shot.dirs]
    if len(outside) == len(shots):
        return  # people are in the names of the files
    if outside:
        raise fault(
            outside[0].path, f"lies outside a person's folder ({len(outside)} such)",
            "each person has a folder",
            "move it into its person's folder, or pass it over with --skip "
            f"{outside[0].path.name!r}",
        )  # fmt: skip
    if any(len(shot.dirs) > 1 for shot in shots):
        _frames_below(shots, base)
    _take(shots, 0, "identity")


def _containers(shots: list[Shot]) -> None:
    """Leaves out folders that only hold others (``images``), the same for every picture."""
    while all(len(shot.dirs) > 1 for shot in shots):
        tops = {shot.dirs[0].lower() for shot in shots}
        if not tops <= words.CONTAINERS:
            return
        for shot in shots:
            del shot.dirs[0]


def _take(shots: list[Shot], level: int, name: str) -> None:
    for shot in shots:
        shot.said[name] = shot.dirs.pop(level)


def _frames_below(shots: list[Shot], base: Path) -> None:
    """Raises DatasetError unless the first of two levels is the person, the second its frames."""
    first = {shot.dirs[0] for shot in shots}
    second = {shot.dirs[1] for shot in shots if len(shot.dirs) > 1}
    people = words.are_people(first) or not (words.are_places(first) or words.are_frames(first))
    if not (people and words.are_frames(second)):
        raise fault(
            base, f"which folder is the person, {few(first, 3)} or {few(second, 3)}?",
            "one level of folders names the person", SAY_LEVELS,
        )  # fmt: skip


def _declared(plan: Plan, base: Path, said: Said) -> None:
    """The division by folders or lists, and names.csv, into the plan."""
    if (base / "pictures.csv").exists():
        raise fault(
            base, "is a set that was imported before (it has pictures.csv)",
            "an import takes pictures from elsewhere",
            f"use it as it is, --data folder --root {base}, or import its source again",
        )  # fmt: skip
    names = set(plan.names)

    def look_up(word: str) -> str | None:
        key = words.plain(word)
        key = str(int(key)) if key.isdecimal() else key
        return key if key in names else None

    lists = declared.read_lists(base, look_up)
    if lists is not None and said.parts:
        raise fault(
            base, "folders and lists (train.txt, test.txt) both say who is trained on",
            "one division is declared", "take the lists away, or import one part's parent",
        )  # fmt: skip
    plan.parts = said.parts if lists is None else lists
    for _, row in declared.table_rows(base / "names.csv", ("identity", "name"), _raise):
        one = look_up(row["identity"])
        if one is not None:
            plan.people[one] = words.plain(row["name"])


def _raise(error: DatasetError) -> None:
    raise error


def _outside(outside: list[Shot], base: Path, folders: set[str]) -> DatasetError:
    first = outside[0]
    top = first.dirs[0] if first.dirs else first.path.name
    return fault(
        first.path, f"lies outside the folders {few(folders)} ({len(outside)} such pictures)",
        "every picture lies in a folder of its modality",
        f"move them in or out, or pass them over with --skip {top!r}",
    )  # fmt: skip


def _unsaid(outside: list[Shot], said: set[str]) -> DatasetError:
    first = outside[0].path
    return fault(
        first, f"its name does not say one modality ({len(outside)} such; others say {few(said)})",
        "every file's name says its modality once, where folders do not",
        f"rename it, or pass it over with --skip {first.name!r}",
    )  # fmt: skip


def _no_modality(shots: list[Shot], base: Path) -> DatasetError:
    depth = max(len(shot.dirs) for shot in shots)
    held = []
    for level in range(depth):
        counts = Counter(shot.dirs[level] for shot in shots if len(shot.dirs) > level)
        if len(counts) <= 12:
            held.append(few(counts))
    names = f" (folders: {'; '.join(held)})" if held else ""
    return fault(
        base, f"no level of folders names both modalities{names}",
        f"folders, or the names of all files, say {', '.join(words.MODALITIES)}, in any case",
        "say which is which with --rgb NAME --ir NAME, or import a table",
    )  # fmt: skip


def _nothing(source: Path, texts: list[str]) -> DatasetError:
    bare = [name for name in texts if not Path(name).suffix]
    held = f"; {len(bare)} files have no ending: {few(bare, 3)}" if bare else ""
    return fault(
        source, f"holds no picture to import{held}",
        f"pictures end in {', '.join(sorted(SUFFIXES))}",
        "give the pictures their ending" if bare else "check the path: it may be another folder's",
    )  # fmt: skip


def _below(shots: list[Shot], base: Path) -> list[str]:
    return [shot.path.relative_to(base).as_posix() for shot in shots]
