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
PEOPLE_4 = ("1", "2", "3", "4")
NAMED = ("Müller, Jürgen", "O'Brien #2", "a & b")
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


def blank_behind(root: Path, truth: Truth) -> dict:
    (root / "visible/anna").rename(root / "visible/anna ")
    return {}


def held_out(root: Path, truth: Truth) -> dict:
    """Person 2 lies in val."""
    for modality in TOPS:
        (root / modality / "val").mkdir()
        (root / modality / "train/2").rename(root / modality / "val/2")
    for data, (person, modality, part) in truth.items():
        truth[data] = (person, modality, "val" if person == "2" else part)
    return {}


def frames_of_one(root: Path, truth: Truth) -> dict:
    """Frames lie in a folder of their own in one modality alone."""
    for person in PEOPLE:
        place = root / "visible" / person
        (place / "seq0").mkdir()
        (place / "0.png").rename(place / "seq0/0.png")
    return {}


def empty_people(root: Path, truth: Truth) -> dict:
    for modality in TOPS:
        (root / modality / "99").mkdir()
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
    "endings in capitals": Tree("{m}/{p}/IMG_{k}.PNG"),
    "blanks and accents in names of files": Tree("{m}/{p}/Foto {k} (Straße é).png"),
    "commas and signs in people's names": Tree(people=NAMED),
    "a blank behind a name": Tree(people=("anna", "bo"), spoil=blank_behind),
    "modalities in capitals": Tree(tops=("VISIBLE", "Infrared")),
    "LLCM's names": Tree("{m}/{p}/{p}_c01_s1_{k}.png", tops=("vis", "nir")),
    "Duke's names": Tree("{m}/000{n}_c2_f00{k}.png", people=PEOPLE_4),
    "cameras between": Tree("{p}/camera_{k}/{m}/a.png"),
    "three parts": Tree("{m}/{part}/{p}/{k}.png", spoil=held_out, parted=True),
    "frames below in one modality": Tree(spoil=frames_of_one),
    "people without any picture": Tree(spoil=empty_people),
    "SYSU's cameras": Tree(
        "{m}/000{n}/{k}.png", ("cam1", "cam3"), PEOPLE_4,
        options={"visible": ["cam1"], "infrared": ["cam3"]},
    ),
    "modalities behind the names of files": Tree("{p}/{k}_{m}.png", tops=("rgb", "ir")),
    "in front of them": Tree("{p}/{m}-{k}.png", tops=("VIS", "Thermal"), people=("anna", "bo")),
    "modalities and people in them": Tree(
        "000{n}_c1s1_00{k}_{m}.png", ("rgb", "nir"), PEOPLE_4
    ),
    "modalities in them, cameras above": Tree("cam{k}/{p}/a {m}.png", tops=("color", "tir")),
    "words of one's own in them": Tree(
        "{p}/{k}_{m}.png", ("v", "t"), options={"visible": ["v"], "infrared": ["t"]}
    ),
    "one name of one's own": Tree(tops=("day", "ir"), options={"visible": ["day"]}),
}  # fmt: skip


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


def shouted(root, truth):
    trees.write(root / "Train.txt", "1\n2\n")


def unshouted(root, truth):
    (root / "Train.txt").unlink()
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


def linked_twice(root, truth):
    (root / "infrared").rename(root / "flir")
    (root / "infrared").symlink_to("flir")


def unsaid(root, truth):
    (root / "1/0_rgb.png").rename(root / "1/0.png")


def said_twice(root, truth):
    (root / "1/0_rgb.png").rename(root / "1/0_rgb_ir.png")


def said(root, truth):
    for name in ("0.png", "0_rgb_ir.png"):
        if (root / "1" / name).exists():
            (root / "1" / name).rename(root / "1/0_rgb.png")


def two_infrared_words(root, truth):
    for path in root.rglob("*_nir.png"):
        shutil.copy(path, path.with_name(path.name.replace("nir", "tir")))


def ending(root, truth):
    for path in [path for path in root.rglob("*") if path.is_file()]:
        path.rename(path.with_name(f"{path.name}.png"))


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
    "a list with another spelling": Refused(
        "is not read, but is called almost as train.txt", "write it as train.txt",
        spoil=shouted, mend=unshouted,
    ),
    "a list with another spelling, meant otherwise": Refused(
        "is not read, but is called almost as train.txt", "call it otherwise", spoil=shouted,
        options={"skip": ["Train.txt"]},
    ),
    "nobody's name in a list": Refused(
        "'martha' is nobody", "correct it", spoil=nobody_listed, mend=divided
    ),
    "a link out": Refused("a link out", "copy the files in", spoil=linked_out, mend=copied_in),
    "one person in two parts": Refused(
        "'1' is in", "keep each person in one part", "{part}/{m}/{p}/{k}.png",
        spoil=two_parts, mend=one_part, parted=True,
    ),
    "names with a word more": Refused(
        "folders: rgb_images, thermal_images", "--rgb NAME --ir NAME",
        tops=("rgb_images", "thermal_images"),
        options={"visible": ["rgb_images"], "infrared": ["thermal_images"]},
    ),
    "one letter in names of files": Refused(
        "no level of folders names both", "--rgb NAME --ir NAME", "{p}/{k}_{m}.png", ("v", "t"),
        options={"visible": ["v"], "infrared": ["t"]},
    ),
    "a file that does not say its modality": Refused(
        "its name does not say one modality (1 such; others say ir, rgb)", "rename it",
        "{p}/{k}_{m}.png", ("rgb", "ir"), spoil=unsaid, mend=said,
    ),
    "a file that says two": Refused(
        "its name does not say one modality", "rename it", "{p}/{k}_{m}.png", ("rgb", "ir"),
        spoil=said_twice, mend=said,
    ),
    "two infrared words in names of files": Refused(
        "nir, tir are all infrared", "--ir NAME", "{p}/{k}_{m}.png", ("rgb", "nir"),
        spoil=two_infrared_words, options={"infrared": ["nir"]},
    ),
    "a folder and a link to it": Refused(
        "outside the folders infrared, visible", "--skip 'flir'", spoil=linked_twice,
        options={"skip": ["flir"]},
    ),
    "pictures without an ending": Refused(
        "16 files have no ending", "give the pictures their ending", "{m}/{p}/{k}", mend=ending,
    ),
    "days above the people": Refused(
        "which folder is the person", "--levels", "{m}/2024-05-01/{p}/{k}.png",
        options={"levels": "modality/-/identity"},
    ),
    "a video beside pictures": Refused(
        "clip.mp4 is not a picture", "--skip '*.mp4'", spoil=stray("visible/1/clip.mp4"),
        options={"skip": ["*.mp4"]},
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
        part = part or PARTS.get(person, "train")
        said = {
            "path": path.relative_to(root).as_posix(), "absolute": str(path), "identity": person,
            "modality": ("rgb", "IR")[modality], "split": part,
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


def quoted(text: str) -> str:
    lines = [line.split(",") for line in text.splitlines()]
    return "".join(",".join(f'"{word}"' for word in words) + "\n" for words in lines)


#: What programs make of a table: how it is written, and what is changed.
WRITTEN = {
    "a byte order mark": (";", lambda text: "\ufeff" + text),
    "Windows' lines, tabs": ("\t", lambda text: ("\ufeff" + text).replace("\n", "\r\n")),
    "an old Mac's lines": (",", lambda text: text.replace("\n", "\r")),
    "empty columns at the right": (";", lambda text: text.replace("\n", ";;\n")),
    "empty rows at the end": (";", lambda text: text + ";;\n;;\n"),
    "quotes": (",", quoted),
    "blanks around": (",", lambda text: text.replace(",", " , ")),
    "backslashes": (",", lambda text: text.replace("/", "\\")),
    "./ in front": (",", lambda text: text.replace("all/", "./all/")),
    "the other form of Unicode": (",", lambda text: unicodedata.normalize("NFD", text)),
}


@pytest.mark.parametrize(("separator", "change"), WRITTEN.values(), ids=WRITTEN)
def test_a_table_as_programs_write_it(tmp_path, separator, change):
    root = tmp_path / "in"
    truth = build(root, "all/é {m}{p}_{k}.png")
    file = table(root, truth, BASIC, None, separator)
    trees.write(file, change(file.read_text()))
    compare(importing.write(importing.plan(file), tmp_path / "out"), truth)


def test_a_table_with_three_parts(tmp_path):
    root = tmp_path / "in"
    truth = build(root, "all/{m}{p}_{k}.png", parted=True)
    for data, (person, modality, part) in truth.items():
        truth[data] = (person, modality, "val" if person == "2" else part)
    file = table(root, truth, (*BASIC, "split"))
    compare(importing.write(importing.plan(file), tmp_path / "out"), truth)


#: A table that is refused, what is said, and how the remedy is followed.
REMEDIES = {
    "Excel's hint": (
        lambda text: "sep=,\n" + text, "has no column path", "name the columns in the first line",
        lambda text: text.partition("\n")[2], {},
    ),
    "no header": (
        lambda text: text.partition("\n")[2], "has no column path", "name the columns",
        lambda text: ",".join(BASIC) + "\n" + text, {},
    ),
    "a column of numbers without a name": (
        lambda text: "".join(f"{n or ''},{line}\n" for n, line in enumerate(text.splitlines())),
        "not understood: one without a name", "--skip ''", None, {"skip": [""]},
    ),
    "an old code page": (
        lambda text: text.encode("cp1252"), "is no CSV table", "save it as CSV UTF-8",
        lambda data: data.decode("cp1252"), {},
    ),
    "UTF-16": (
        lambda text: text.encode("utf-16"), "UTF-16", "save it as CSV UTF-8",
        lambda data: data.decode("utf-16"), {},
    ),
    "a modality's other word": (
        lambda text: text.replace("rgb", "daylight"), "unknown modality 'daylight'",
        "correct the line", lambda text: text.replace("daylight", "V"), {},
    ),
    "paths of another machine": (
        lambda text: text.replace("all/", "C:\\data\\all\\"), "(16 of 16", "correct the paths",
        lambda text: text.replace("C:\\data\\all\\", "all/"), {},
    ),
    "one person written as 1 and 1.0": (
        lambda text: text.replace(",1,rgb", ",1.0,rgb"), "is written '1' before", "correct",
        lambda text: text.replace(",1.0,rgb", ",1,rgb"), {},
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "says", "remedy", "follow", "options"), REMEDIES.values(), ids=REMEDIES
)
def test_a_table_is_refused_and_its_remedy_works(tmp_path, spoil, says, remedy, follow, options):
    root = tmp_path / "in"
    truth = build(root, "all/é {m}{p}_{k}.png")
    file = table(root, truth, BASIC)
    spoilt = spoil(file.read_text())
    trees.write(file, spoilt)
    error = trees.refused(lambda: importing.plan(file), "all.csv", says)
    assert remedy in error.remedy
    trees.write(file, follow(spoilt) if follow else spoilt)
    compare(importing.write(importing.plan(file, **options), tmp_path / "out"), truth)


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
