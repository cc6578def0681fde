"""Messy trees and tables, made here with the truth that made them: each is imported right, or
refused with a remedy that works when it is followed. Nobody ever ends under another person, part or
modality.
"""

from __future__ import annotations

import csv
import os
import shutil
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bdlab.datasets import folder, importing
from bdlab.modality import Modality

from . import trees

TOPS = ("visible", "infrared")
PEOPLE = ("1", "2", "3", "10")
PARTS = {"1": "train", "2": "train", "3": "test", "10": "test", "anna": "train", "bo": "test"}

Truth = dict[bytes, tuple[str, int, str | None]]  # a picture's bytes -> person, modality, part


def build(root: Path, pattern: str, tops=TOPS, people=PEOPLE, shots=2, parted=False) -> Truth:
    """A tree by a pattern of {m} modality, {p} person, {n} person as a number, {k} shot, {part}."""
    truth: Truth = {}
    for modality, top in enumerate(tops):
        for number, person in enumerate(people):
            part = PARTS.get(person, "train")
            for k in range(shots):
                data = trees.png(trees.pixels(modality, number, k))
                words = {"m": top, "p": person, "n": number + 1, "k": k, "part": part}
                trees.write(root / pattern.format(**words), data)
                truth[data] = (person, modality, part if parted else None)
    return truth


def key(name: str) -> str:
    name = unicodedata.normalize("NFC", name)
    return str(int(name)) if name.isdecimal() else name


def compare(out: Path, truth: Truth, people=None) -> None:
    """Every picture of the truth, and no other, under its person, modality and part."""
    with (out / "names.csv").open(encoding="utf-8", newline="") as file:
        names = {int(row["identity"]): row["name"] for row in csv.DictReader(file)}
    dataset = folder.read(out)
    seen = {}
    for record in dataset.records:
        data = (out / record.path).read_bytes()
        part = record.split if any(part for _, _, part in truth.values()) else None
        name = (people or {}).get(names[record.identity], names[record.identity])
        seen[data] = (key(name), int(record.modality is Modality.I), part)
    assert seen == {data: (key(name), m, part) for data, (name, m, part) in truth.items()}


def strew(root: Path, truth: Truth) -> dict:
    """What shares and systems leave in every folder."""
    for place in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        for name in (".DS_Store", "Thumbs.db", "@eaDir/a.png", "__MACOSX/._a.png", "Icon\r"):
            trees.write(place / name, "x")
    trees.write(root / "lost+found/x", "x")
    return {}


def texts(root: Path, truth: Truth) -> dict:
    for name in ("README", "readme.txt", "visible/notes.md", "visible/1/boxes.json"):
        trees.write(root / name, "x")
    return {}


def padded(root: Path, truth: Truth) -> dict:
    """1 in one modality is 0001 in the other."""
    for person in PEOPLE:
        (root / "infrared" / person).rename(root / "infrared" / f"{int(person):04d}")
    return {}


def accents(root: Path, truth: Truth) -> dict:
    """The same name, written by two systems in two forms of Unicode."""
    (root / "visible/1").rename(root / "visible" / unicodedata.normalize("NFC", "Zoé"))
    (root / "infrared/1").rename(root / "infrared" / unicodedata.normalize("NFD", "Zoé"))
    for data, (person, modality, part) in truth.items():
        truth[data] = ("Zoé" if person == "1" else person, modality, part)
    return {}


def lists(root: Path, truth: Truth) -> dict:
    trees.write(root / "train.txt", "0001\n2\n")
    trees.write(root / "test.txt", "3, 10")
    for data, (person, modality, _) in truth.items():
        truth[data] = (person, modality, PARTS[person])
    return {}


def annexed(root: Path, truth: Truth) -> dict:
    """git-annex: pictures are links to content above the set's folder."""
    store = root.parent / ".git/annex/objects"
    for number, path in enumerate(sorted(root.rglob("*.png"))):
        content = store / f"{number:03d}/MD5E-{number}.png"
        content.parent.mkdir(parents=True)
        path.rename(content)
        path.symlink_to(os.path.relpath(content, path.parent))
    return {}


def mixed_case(root: Path, truth: Truth) -> dict:
    (root / "2/rgb").rename(root / "2/RGB")
    return {}


@dataclass
class Tree:
    """A tree that is imported right."""

    pattern: str = "{m}/{p}/{k}.png"
    tops: tuple[str, str] = TOPS
    people: tuple[str, ...] = PEOPLE
    spoil: object = None
    options: dict = field(default_factory=dict)
    parted: bool = False


RIGHT = {
    "the layout itself": Tree(),
    "RGB and IR": Tree(tops=("RGB", "IR")),
    "color and thermal": Tree(tops=("color", "thermal")),
    "Colour and NIR": Tree(tops=("Colour", "NIR")),
    "VIS and LWIR": Tree(tops=("VIS", "LWIR")),
    "rgb and tir": Tree(tops=("rgb", "tir")),
    "V and T": Tree(tops=("V", "T")),
    "people first": Tree("{p}/{m}/{k}.png"),
    "people by name first": Tree("{p}/{m}/{k}.png", people=("anna", "Bo Li", "张", "17")),
    "frames below a person": Tree("{m}/{p}/seq0/{k}.png"),
    "people first, tracklets below": Tree("{p}/{m}/tracklet_{k}/a.png"),
    "frames of days": Tree("{m}/{p}/2024-05-0{n}/{k}.png", people=("anna", "bo")),
    "one folder too high": Tree("MyData/{m}/{p}/{k}.png"),
    "two folders too high": Tree("a/MyData/{p}/{m}/{k}.png", tops=("RGB", "IR")),
    "Market's names": Tree("{m}/000{n}_c1s1_00{k}_00.png", people=("1", "2", "3", "4")),
    "Market's names in folders": Tree("{m}/{n}/000{n}_c2s1_0{k}.png", people=("1", "2", "3", "4")),
    "a folder a camera": Tree("{m}/cam{k}/{p}/a.png"),
    "parts above": Tree("{part}/{m}/{p}/{k}.png", parted=True),
    "parts below": Tree("{m}/{part}/{p}/{k}.png", tops=("rgb", "ir"), parted=True),
    "folders that only hold others": Tree("{m}/images/{p}/{k}.png"),
    "ids with a word": Tree("{m}/{p}/{k}.png", people=("id_1", "id_2", "id_3")),
    "systems' folders everywhere": Tree(spoil=strew),
    "text files": Tree(spoil=texts),
    "numbers padded in one modality": Tree(spoil=padded),
    "two forms of Unicode": Tree(spoil=accents),
    "train.txt and test.txt": Tree(spoil=lists),
    "links of git-annex": Tree(spoil=annexed),
    "RGB and rgb": Tree("{p}/{m}/{k}.png", tops=("rgb", "ir"), spoil=mixed_case),
    "names of one's own": Tree(tops=("A", "B"), options={"visible": ["A"], "infrared": ["B"]}),
    "one name of one's own": Tree(tops=("day", "ir"), options={"visible": ["day"]}),
}


def test_the_plan_says_how_folders_are_understood(tmp_path):
    build(tmp_path, "MyData/{p}/{m}/seq{k}/a.png", ("RGB", "IR"))
    text = importing.plan(tmp_path).text()
    assert "folders are -/identity/modality/-" in text
    assert "4 people, 16 pictures (8 visible, 8 infrared)" in text
    assert "MyData/1/RGB/seq0/a.png -> OUT/visible/0001/" in text


@pytest.mark.parametrize("case", RIGHT.values(), ids=RIGHT)
def test_a_tree_is_imported_right(tmp_path, case):
    root = tmp_path / "in"
    truth = build(root, case.pattern, case.tops, case.people, parted=case.parted)
    if case.spoil:
        case.spoil(root, truth)
    before = sorted(p.relative_to(root) for p in root.rglob("*"))
    out = importing.write(importing.plan(root, **case.options), tmp_path / "out")
    compare(out, truth)
    assert sorted(p.relative_to(root) for p in root.rglob("*")) == before


def drop(truth: Truth, **what) -> None:
    """Take people or a shot out of the truth."""
    for data, (person, _, _) in list(truth.items()):
        if person == what.get("person"):
            del truth[data]


def lonely(root, truth):
    shutil.rmtree(root / "infrared/3")
    drop(truth, person="3")


def take_out(root, truth):
    shutil.rmtree(root / "visible/3")


def two_infrareds(root, truth):
    shutil.copytree(root / "nir", root / "tir")


def spelling(root, truth):
    (root / "infrared/anna").rename(root / "infrared/Anna")


def spelled(root, truth):
    (root / "infrared/Anna").rename(root / "infrared/anna")


def twice(root, truth):
    (root / "visible/01").mkdir()
    (root / "visible/1/0.png").rename(root / "visible/01/0.png")


def merged(root, truth):
    (root / "visible/01/0.png").rename(root / "visible/1/0.png")
    (root / "visible/01").rmdir()


def wrong_name(root, truth):
    (root / "visible/1/0.png").rename(root / "visible/1/0002_c1s1_0.png")


def right_name(root, truth):
    (root / "visible/1/0002_c1s1_0.png").rename(root / "visible/1/0.png")


def half_divided(root, truth):
    trees.write(root / "train.txt", "1\n2\n")


def divided(root, truth):
    lists(root, truth)


def nobody_listed(root, truth):
    lists(root, truth)
    trees.write(root / "test.txt", "3\nmartha\n10\n")


def linked_out(root, truth):
    elsewhere = root.parent / "elsewhere.png"
    (root / "visible/1/0.png").rename(elsewhere)
    (root / "visible/1/0.png").symlink_to(elsewhere)


def copied_in(root, truth):
    (root / "visible/1/0.png").unlink()
    shutil.copy(root.parent / "elsewhere.png", root / "visible/1/0.png")


def two_parts(root, truth):
    (root / "test/visible/1").mkdir(parents=True)
    (root / "train/visible/1/0.png").rename(root / "test/visible/1/0.png")


def one_part(root, truth):
    (root / "test/visible/1/0.png").rename(root / "train/visible/1/0.png")
    (root / "test/visible/1").rmdir()


@dataclass
class Refused:
    """A tree that is refused: what is said, and what the remedy says to do."""

    says: str
    remedy: str
    pattern: str = "{m}/{p}/{k}.png"
    tops: tuple[str, str] = TOPS
    people: tuple[str, ...] = PEOPLE
    spoil: object = None
    mend: object = None  # done to the tree
    options: dict = field(default_factory=dict)  # or said to the import
    parted: bool = False


def stray(name):
    return lambda root, truth: trees.write(root / name, trees.png(trees.pixels(9)))


REFUSED = {
    "names that say nothing": Refused(
        "folders: A, B", "--rgb NAME --ir NAME", tops=("A", "B"),
        options={"visible": ["A"], "infrared": ["B"]},
    ),
    "two numbers, one of them the person": Refused(
        "which folder is the person", "--levels", "{m}/{p}/{k}/a.png",
        options={"levels": "modality/identity/-"},
    ),
    "sites above the people": Refused(
        "which folder is the person", "--levels", "{m}/site{k}/{p}/a.png",
        options={"levels": "modality/-/identity"},
    ),
    "teams above the people": Refused(
        "which folder is the person", "--levels", "{m}/team/{p}/{k}.png", people=("sue", "dan"),
        options={"levels": "modality/-/identity"},
    ),
    "two infrared cameras": Refused(
        "nir, tir are all infrared", "--ir NAME", tops=("rgb", "nir"), spoil=two_infrareds,
        options={"infrared": ["nir"]},
    ),
    "a picture at the top": Refused(
        "outside the folders", "--skip 'cover.png'", spoil=stray("cover.png"),
        options={"skip": ["cover.png"]},
    ),
    "a picture in no person's folder": Refused(
        "outside a person's folder", "--skip 'x.png'", spoil=stray("visible/x.png"),
        options={"skip": ["x.png"]},
    ),
    "a third modality": Refused(
        "outside the folders", "--skip 'depth'", spoil=stray("depth/1/0.png"),
        options={"skip": ["depth"]},
    ),
    "pictures of another format": Refused(
        "x.gif is not a picture", "--skip '*.gif'", spoil=stray("visible/1/x.gif"),
        options={"skip": ["*.gif"]},
    ),
    "a person in one modality": Refused(
        "identity '3' has no infrared", "leave the identity out", spoil=lonely, mend=take_out
    ),
    "two spellings of a name": Refused(
        "has no", "did you mean 'anna'", people=("anna", "bo"), spoil=spelling, mend=spelled
    ),
    "two spellings, distractors allowed": Refused(
        "has no", "did you mean 'anna'", people=("anna", "bo"), spoil=spelling, mend=spelled,
        options={"distractors": True},
    ),
    "two spellings of a number": Refused(
        "are one name", "merge the two", spoil=twice, mend=merged
    ),
    "a name against its folder": Refused(
        "its name says person 0002, its folder 1", "rename it", spoil=wrong_name, mend=right_name
    ),
    "half a division": Refused(
        "is not there, but train.txt is", "correct it", spoil=half_divided, mend=divided
    ),
    "nobody's name in a list": Refused(
        "'martha' is nobody", "correct it", spoil=nobody_listed, mend=divided
    ),
    "a link out": Refused("a link out", "copy the files in", spoil=linked_out, mend=copied_in),
    "one person in two parts": Refused(
        "'1' is in", "keep each person in one part", "{part}/{m}/{p}/{k}.png",
        spoil=two_parts, mend=one_part, parted=True,
    ),
    "a camera where a person should be": Refused(
        "stands where a person's name should", "--levels", people=("1", "cam2"),
        options={"levels": "modality/identity"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_a_tree_is_refused_and_its_remedy_works(tmp_path, case):
    root = tmp_path / "in"
    truth = build(root, case.pattern, case.tops, case.people, parted=case.parted)
    if case.spoil:
        case.spoil(root, truth)
    first = {} if not case.mend else case.options
    error = trees.refused(lambda: importing.plan(root, **first), None, case.says)
    assert case.remedy in error.remedy
    if case.mend:
        case.mend(root, truth)
    compare(importing.write(importing.plan(root, **case.options), tmp_path / "out"), truth)


def test_names_that_do_not_say_who_it_is_need_a_table(tmp_path):
    """The last remedy: what no tree says, a table does."""
    root = tmp_path / "in"
    truth = build(root, "{m}/{k}{p}.png")
    error = trees.refused(lambda: importing.plan(root), None, "does not say who it is")
    assert "a table (path, identity, modality)" in error.remedy
    file = table(root, truth, BASIC)
    compare(importing.write(importing.plan(file), tmp_path / "out"), truth)


def rows(truth: Truth, root: Path, columns: tuple[str, ...]) -> list[list[str]]:
    """The rows of a table of a built tree."""
    found = []
    for path in sorted(root.rglob("*.png")):
        person, modality, part = truth[path.read_bytes()]
        said = {
            "path": path.relative_to(root).as_posix(), "absolute": str(path), "identity": person,
            "modality": ("rgb", "IR")[modality], "split": part or PARTS[person],
            "camera": f"gate {modality}", "name": f"Person {person}", "note": "x",
        }  # fmt: skip
        found.append([said[column] for column in columns])
    return found


def table(root: Path, truth: Truth, columns, header=None, separator=",") -> Path:
    lines = [header or columns, *rows(truth, root, columns)]
    return trees.write(root / "all.csv", "\n".join(separator.join(line) for line in lines) + "\n")


BASIC = ("path", "identity", "modality")
TABLES = {
    "commas": (BASIC, None, ","),
    "semicolons": (BASIC, None, ";"),
    "tabs": (BASIC, None, "\t"),
    "capital headers": (BASIC, ("Path", "IDENTITY", "Modality"), ";"),
    "other headers": (BASIC, ("filename", "PID", "spectrum"), ","),
    "absolute paths": (("absolute", *BASIC[1:]), BASIC, ","),
    "a division": ((*BASIC, "split"), None, ","),
    "everything": ((*BASIC, "camera", "split", "name"), None, "\t"),
}


@pytest.mark.parametrize(("columns", "header", "separator"), TABLES.values(), ids=TABLES)
def test_a_table_is_imported_right(tmp_path, columns, header, separator):
    root = tmp_path / "in"
    truth = build(root, "all/{m}{p}_{k}.png", parted="split" in columns)
    file = table(root, truth, columns, header, separator)
    out = importing.write(importing.plan(file), tmp_path / "out")
    people = {f"Person {person}": person for person in PEOPLE} if "name" in columns else None
    compare(out, truth, people)
    if "camera" in columns:
        found = folder.read(out)
        assert {(r.modality, r.camera) for r in found.records} == {(Modality.V, 1), (Modality.I, 2)}
        assert found.provenance["made"]["cameras"] == {"1": "gate 0", "2": "gate 1"}
        assert found.called(10) == "Person 10"


def spoiled(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


BROKEN_TABLES = {
    "a column nobody knows": (None, None, "not understood: note", {"skip": ["note"]}),
    "two parts for one person": (",test,x", ",train,x", "has the split", {"skip": ["note"]}),
    "an unknown part": (",test,x", ",dev,x", "unknown part 'dev'", {"skip": ["note"]}),
    "a number written twice": (",10,", ",010,", "is written '10' before", {"skip": ["note"]}),
    "a picture that is not there": ("all/", "al/", "(1 of 16", {"skip": ["note"]}),
}


@pytest.mark.parametrize(
    ("old", "new", "says", "options"), BROKEN_TABLES.values(), ids=BROKEN_TABLES
)
def test_a_table_is_refused_by_line_and_its_remedy_works(tmp_path, old, new, says, options):
    root = tmp_path / "in"
    truth = build(root, "all/{m}{p}_{k}.png", parted=True)
    file = table(root, truth, (*BASIC, "split", "note"))
    if old:
        lines = file.read_text().splitlines(keepends=True)
        at = max(n for n, line in enumerate(lines) if old in line)
        lines[at] = lines[at].replace(old, new, 1)
        file.write_text("".join(lines))
    error = trees.refused(lambda: importing.plan(file, **(options if old else {})), "all.csv", says)
    assert error.line == (at + 1 if old else 1)
    if old:
        spoiled(file, lines[at], lines[at].replace(new, old, 1))
    compare(importing.write(importing.plan(file, **options), tmp_path / "out"), truth)


def test_a_division_that_is_dropped_would_be_seen(tmp_path):
    """The broken variant of the comparison above: the same set, its lists taken away."""
    truth = build(tmp_path / "in", "{part}/{m}/{p}/{k}.png", parted=True)
    out = importing.write(importing.plan(tmp_path / "in"), tmp_path / "out")
    compare(out, truth)
    (out / "train.txt").unlink()
    (out / "test.txt").unlink()
    with pytest.raises(AssertionError):
        compare(out, truth)


def test_distractors_stand_in_the_gallery(tmp_path):
    truth = build(tmp_path / "in", "{m}/{p}/{k}.png")
    shutil.rmtree(tmp_path / "in/infrared/3")
    plan = importing.plan(tmp_path / "in", distractors=True)
    assert "distractors of the gallery, one modality only: 3" in plan.text()
    dataset = folder.read(importing.write(plan, tmp_path / "out"))
    assert dataset.provenance["distractors"] == {"identities": 1, "pictures": 2}
    assert [r.split for r in dataset.records if r.identity == 3] == ["test", "test"]
    assert len([data for data, (person, *_) in truth.items() if person == "3"]) == 4
    trees.write(tmp_path / "out/train.txt", "1\n2\n3\n")
    trees.write(tmp_path / "out/test.txt", "10\n")
    trees.refused(lambda: folder.read(tmp_path / "out"), "train.txt", "one modality")
