"""20,000 seeded mutations of index files, lists and trees: only DatasetError escapes, and what is
accepted is right.

Right is what an independent oracle says: regular expressions over bytes for the text files, a walk
over the disk for trees. The loose readers, written as public code does, must fail under the same
cases.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

from bdlab.datasets import DatasetError, llcm, regdb, sysu
from bdlab.modality import Modality

from . import trees

CASES = {
    "index": 11_000,
    "llcm": 5_000,
    "list": 3_000,
    "tree": 1_000,
}  # and 5,000 pictures in test_pictures_fuzz

LINES = [
    b"Visible/%d/p_%d.bmp %d\n" % (one, shot, label)
    for label, one in enumerate((3, 12, 285))
    for shot in range(2)
]
WORDS = [
    b"\n",
    b"\r\n",
    b"\r",
    b" ",
    b"\t",
    b"/",
    b"\\",
    b"..",
    b"/../",
    b"\0",
    b"-1",
    b"1.0",
    b"+1",
    b"0",
    b"00",
    b"9" * 12,
    b",",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    "\u0663".encode(),
    "\u00e9".encode(),
    "\u2028".encode(),
    b"\x0b",
    b"Visible",
    b"Thermal/",
    b"Visible/3/p_0.bmp 0\n",
    b".bmp",
    b".txt",
    b"C:",
    b"\x1b",
    b"#",
    b'"',
    b"1,2",
]


# -- index files
# --------------------------------------------------------------------------------------------------

_LINE = re.compile(
    rb"[ \t]*(Visible[/\\]([0-9]{1,9})[/\\]([^/\\\s.][^/\\ \t]*\.(?i:bmp|png|jpe?g|tiff?|webp)))"
    rb"[ \t]+([0-9]{1,9})[ \t]*"
)


def index_oracle(data: bytes) -> list[tuple[str, int, int]] | None:
    """What an index file says, or None: a grammar over bytes, then the rules between lines as
    sets.
    """
    if b"\0" in data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return None
    found = []
    for line in data[3 * data.startswith(b"\xef\xbb\xbf") :].split(b"\n"):
        line = line[:-1] if line.endswith(b"\r") else line
        if not line.strip(b" \t"):
            continue
        match = _LINE.fullmatch(line)
        try:
            if not match or not match[3].decode().isprintable():
                return None
        except UnicodeDecodeError:
            return None
        found.append((match[1].decode().replace("\\", "/"), int(match[2]), int(match[4])))
    pairs = {(one, label) for _, one, label in found}
    distinct = (
        {path for path, _, _ in found},
        {one for one, _ in pairs},
        {label for _, label in pairs},
    )
    if not found or [len(d) for d in distinct] != [len(found), len(pairs), len(pairs)]:
        return None
    return found


def parse_index(data: bytes) -> list[tuple[str, int, int]]:
    return [(e.path, e.identity, e.label) for e in regdb.parse_index(data, Modality.V, "f")]


def disagreements(
    parse, oracle, seeds: list[bytes], cases: int, words: list[bytes]
) -> tuple[list, int]:
    """Cases where ``parse`` and ``oracle`` differ (None: refused with DatasetError), and how many
    were accepted.
    """
    rng = np.random.default_rng(20)
    wrong, accepted = [], 0
    for case in range(cases):
        data = trees.mutated(seeds[case % len(seeds)], rng, words)
        try:
            got = parse(data)
        except DatasetError as error:
            got = None
            trees.assert_tells(error, "f", "")
        accepted += got is not None
        if got != oracle(data):
            wrong.append((data, got, oracle(data)))
    return wrong, accepted


INDEX_SEEDS = [
    b"".join(LINES),
    b"".join(LINES[:1]),
    b"\xef\xbb\xbf" + b"".join(LINES).replace(b"\n", b"\r\n"),
    b"".join(LINES).replace(b"/", b"\\"),
]
LIST_SEEDS = [b"1,2,3,10,11,295\n", b"7", b"\xef\xbb\xbf4, 5 ,6\r\n"]


def test_index_files():
    wrong, accepted = disagreements(parse_index, index_oracle, INDEX_SEEDS, CASES["index"], WORDS)
    assert not wrong, wrong[:3]
    assert 0.05 < accepted / CASES["index"] < 0.8  # the cases reach both sides


_WORD = rb"[ \t]*[0-9]{1,9}[ \t]*"
_LIST = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:[ \t\r]*\n)*([ \t\r]*"
    + _WORD
    + rb"(?:,"
    + _WORD
    + rb")*[ \t\r]*)(?:\n[ \t\r]*)*"
)


def list_oracle(data: bytes) -> list[int] | None:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return None
    match = re.fullmatch(
        rb"(?:\xef\xbb\xbf)?(?:[ \t\r]*\n)*"
        rb"([ \t\r]*[0-9]{1,9}[ \t]*(?:,[ \t]*[0-9]{1,9}[ \t]*)*\r*[ \t\r]*)(?:\n[ \t\r]*)*",
        data,
    )
    ids = [int(word) for word in re.findall(rb"[0-9]+", match[1])] if match else []
    return ids if ids and 0 not in ids and len(set(ids)) == len(ids) else None


def test_lists():
    wrong, accepted = disagreements(
        lambda data: sysu.parse_ids(data, "f"), list_oracle, LIST_SEEDS, CASES["list"], WORDS
    )
    assert not wrong, wrong[:3]
    assert 0.05 < accepted / CASES["list"] < 0.8


# -- LLCM's training lists
# --------------------------------------------------------------------------------------------------

LLCM_LINES = [line.replace(b"Visible", b"vis").replace(b".bmp", b".jpg") for line in LINES]
LLCM_SEEDS = [
    b"".join(LLCM_LINES),
    b"".join(LLCM_LINES[:1]),
    b"\xef\xbb\xbf" + b"".join(LLCM_LINES).replace(b"\n", b"\r\n"),
    b"".join(LLCM_LINES).replace(b"/", b"\\"),
]
LLCM_WORDS = [*WORDS, b"nir/", b"vis", b"test_vis/", b"nir/3/p_0.jpg 0\n", b"//", b"/./", b"anna/"]
_PATH = re.compile(r"[ \t]*([^ \t]+)[ \t]+([0-9]{1,9})[ \t]*", re.ASCII)
_PICTURE = re.compile(r"[^.].*\.(bmp|png|jpe?g|tiff?|webp)", re.IGNORECASE)


def llcm_oracle(data: bytes) -> list[tuple[str, int, int]] | None:
    """What a visible training list says, or None, by rules of its own over text."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    found = []
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        if not line.strip(" \t"):
            continue
        match = _PATH.fullmatch(line)
        if not match or not match[1].isprintable():
            return None
        path, label = match[1].replace("\\", "/"), int(match[2])
        *folders, name = path.split("/")
        if not folders or not _PICTURE.fullmatch(name) or {"", ".", ".."} & set(folders):
            return None
        if folders[0] in ("nir", "test_vis", "test_nir") or re.match("[A-Za-z]:", path):
            return None
        number = re.fullmatch("[0-9]{1,9}", folders[-1])
        found.append((path, int(number[0]) if number else llcm.BY_LABEL + label, label))
    pairs = {(one, label) for _, one, label in found}
    alone = [len({path for path, _, _ in found}), *(len({p[k] for p in pairs}) for k in (0, 1))]
    return found if found and alone == [len(found), len(pairs), len(pairs)] else None


def parse_llcm(data: bytes) -> list[tuple[str, int, int]]:
    return [(e.path, e.identity, e.label) for e in llcm.parse_list(data, Modality.V, "f")]


def test_llcms_lists():
    cases = CASES["llcm"]
    wrong, accepted = disagreements(parse_llcm, llcm_oracle, LLCM_SEEDS, cases, LLCM_WORDS)
    assert not wrong, wrong[:3]
    assert 0.05 < accepted / cases < 0.8


# -- readers as public code writes them
# --------------------------------------------------------------------------------------------------


def loose_index(data: bytes) -> list[tuple[str, int, int]]:
    """The broken variant: how public code reads these files."""
    try:
        rows = [line.split(" ") for line in data.decode().splitlines()]
        return [(path, int(path.split("/")[1]), int(label)) for path, label in rows]
    except Exception as error:
        raise DatasetError("no", file="f", rule="r", remedy="r") from error


def loose_list(data: bytes) -> list[int]:
    try:
        return [int(word) for word in data.decode().splitlines()[0].split(",")]
    except Exception as error:
        raise DatasetError("no", file="f", rule="r", remedy="r") from error


@pytest.mark.parametrize(
    ("parse", "oracle", "seeds"),
    [(loose_index, index_oracle, INDEX_SEEDS), (loose_list, list_oracle, LIST_SEEDS)],
)
def test_a_loose_reader_fails(parse, oracle, seeds):
    wrong, _ = disagreements(parse, oracle, seeds, 500, WORDS)
    assert any(got is not None for _, got, _ in wrong)  # it accepts what it should not


# -- trees
# --------------------------------------------------------------------------------------------------


def tree_oracle(root: Path) -> set[tuple[str, int, str, str]]:
    """The four index files taken at their word: (path, identity, modality, part) of every line."""
    said = set()
    for part in ("train", "test"):
        for word, top, letter in (("visible", "Visible", "V"), ("thermal", "Thermal", "I")):
            for line in (root / f"idx/{part}_{word}_1.txt").read_text("utf-8-sig").split("\n"):
                if line.strip():
                    path = line.split()[0].replace("\\", "/")
                    assert path.startswith(f"{top}/")
                    assert (root / path).is_file()
                    said.add((path, int(path.split("/")[1]), letter, part))
    return said


def spoil(root: Path, rng: np.random.Generator) -> None:
    """One random change of a tree."""
    files = sorted(p for p in root.rglob("*") if p.is_file())
    one, other = (files[rng.integers(len(files))] for _ in range(2))
    folders = sorted(p for p in root.rglob("*") if p.is_dir())
    place = folders[rng.integers(len(folders))]
    part, modality = ("train", "test")[rng.integers(2)], ("visible", "thermal")[rng.integers(2)]
    index = root / f"idx/{part}_{modality}_1.txt"
    match rng.integers(9):
        case 0:
            one.unlink()
        case 1:
            shutil.copy(one, place / other.name)
        case 2:
            shutil.rmtree(place)
        case 3:
            one.rename(place / ("new" + one.suffix))
        case 4:
            place.rename(
                place.with_name(("7", "x", "07", "Visible", "9")[rng.integers(5)])
                if not place.with_name("9").exists()
                else place
            )
        case 5 if index.is_file():
            index.write_bytes(trees.mutated(index.read_bytes(), rng, WORDS))
        case 6 if one != other:
            one.unlink()
            one.symlink_to(other)
        case 7:
            (place / "fresh").mkdir()
        case 8 if index.is_file():
            index.write_bytes(index.read_bytes().replace(b"\n", b"\r\n"))
        case _:
            one.write_bytes(other.read_bytes())


@pytest.fixture
def memory(tmp_path):
    """A folder in memory where the system has one: a thousand small trees wear a disk out."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        dir=shared if shared.is_dir() and os.access(shared, os.W_OK) else tmp_path
    ) as folder:
        yield Path(folder)


def test_trees(memory):
    rng = np.random.default_rng(22)
    good = trees.regdb(memory / "good", identities=4, shots=1, trials=range(1, 2))
    accepted = 0
    for case in range(CASES["tree"]):
        root = memory / "set"
        shutil.copytree(good, root)
        try:
            for _ in range(rng.integers(1, 3)):
                spoil(root, rng)
        except OSError:
            pass  # the second change met what the first one left
        try:
            d = regdb.read(root)
        except DatasetError as error:
            trees.assert_tells(error, "set", "")
        else:
            if d.provenance["source"].startswith("trial"):
                accepted += 1
                assert {
                    (r.path, r.identity, r.modality.value, r.split) for r in d.records
                } == tree_oracle(root), case
            assert not set(d.identities("train")) & set(d.identities("test"))
            assert all(int(r.path.split("/")[1]) == r.identity for r in d.records)
        shutil.rmtree(root)
    assert accepted > CASES["tree"] // 20
