"""What there is to embed: sets, folders of any form, files; nothing is taken for what it is not."""

import pytest
from PIL import Image

from bdlab.datasets import DatasetError
from bdlab.datasets.importing import words
from bdlab.deploy import DeployError
from bdlab.deploy.pictures import UNKNOWN, collect, collect_all, words_of
from bdlab.modality import Modality


def put(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 32)).save(root / path)
    return str(root)


def table(found):
    return {r.path: (r.modality.value, r.identity) for r in found.records}


#: Files of a folder -> what each is, as (modality, identity).
TREES = {
    "the folder layout": {"visible/0003/a.jpg": ("V", 3), "infrared/0003/b.png": ("I", 3)},
    "other words, in any case": {"RGB/7/a.jpg": ("V", 7), "Thermal/8/a.jpg": ("I", 8)},
    "identities first": {"12/rgb/a.jpg": ("V", 12), "12/ir/a.jpg": ("I", 12)},
    "nobody named": {"visible/a.jpg": ("V", UNKNOWN), "lwir/x/y/b.jpg": ("I", UNKNOWN)},
    "frames below an identity": {"visible/5/walk/a.jpg": ("V", 5)},
}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_folders_say_what_pictures_are(tmp_path, tree):
    assert table(collect(put(tmp_path, *tree))) == tree


@pytest.mark.parametrize("word", words.MODALITIES)
def test_every_word_of_an_import_is_understood(tmp_path, word):
    """One list of words: what `data import` takes, embed and search take too, in any case."""
    m = words.MODALITIES[word].value
    for spelled in (word, word.upper(), word.capitalize()):
        tree = {f"{spelled}/3/a.jpg": (m, 3), f"4/{spelled}/b.jpg": (m, 4)}
        root = tmp_path / f"at {spelled} there"
        assert table(collect(put(root, *tree))) == tree
        assert table(collect(str(root / spelled))) == {"3/a.jpg": (m, 3)}


def test_what_systems_strew_is_no_picture(tmp_path):
    put(tmp_path, "visible/1/a.jpg", "visible/1/@eaDir/a.jpg", "__MACOSX/visible/1/a.jpg")
    put(tmp_path, "visible/1/.hidden.jpg")
    (tmp_path / "visible/1/notes.txt").write_text("x")
    assert table(collect(str(tmp_path))) == {"visible/1/a.jpg": ("V", 1)}


def test_a_modality_is_given_where_no_folder_says_it(tmp_path):
    root = put(tmp_path / "camera7", "a.jpg", "0004/b.jpg")
    with pytest.raises(DeployError, match=r"a\.jpg.*give --modality V or --modality I"):
        collect(root)
    assert table(collect(root, "I")) == {"a.jpg": ("I", UNKNOWN), "0004/b.jpg": ("I", 4)}


def test_a_modality_given_never_overrules_a_folder(tmp_path):
    root = put(tmp_path, "visible/1/a.jpg", "infrared/1/b.jpg")
    assert table(collect(root, "I")) == {"infrared/1/b.jpg": ("I", 1)}
    (tmp_path / "infrared/1/b.jpg").unlink()
    with pytest.raises(DeployError, match="no picture of infrared"):
        collect(root, "I")


def test_a_loose_file_beside_telling_folders_is_left_out_by_name(tmp_path):
    root = put(tmp_path, "overview.png", "visible/1/a.jpg", "infrared/1/b.jpg")
    for modality, expected in ((None, 2), ("V", 1), ("I", 1)):
        found = collect(root, modality)
        assert len(found) == expected
        assert found.left_out == ("overview.png",)
    assert "overview.png" in words_of(found.left_out)
    assert collect_all([root, root], None).left_out == ("overview.png", "overview.png")


def test_one_file_knows_its_folders(tmp_path):
    put(tmp_path, "visible/0009/a.jpg")
    found = collect(str(tmp_path / "visible/0009/a.jpg"))
    assert table(found) == {"a.jpg": ("V", 9)}


def test_several_sources_share_a_root(tmp_path):
    put(tmp_path, "x/visible/1/a.jpg", "y/visible/2/b.jpg", "y/visible/2/c.jpg")
    one = str(tmp_path / "x/visible/1/a.jpg")
    found = collect_all([one, str(tmp_path / "y")], None)
    paths = [(found.root / record.path).resolve() for record in found.records]
    wanted = ("x/visible/1/a.jpg", "y/visible/2/b.jpg", "y/visible/2/c.jpg")
    assert paths == [(tmp_path / path).resolve() for path in wanted]
    assert [r.identity for r in found.records] == [1, 2, 2]


def test_a_set_keeps_its_parts(regdb):
    whole = collect("regdb", root=regdb.root)
    assert len(whole) == len(regdb.records)
    part = collect("regdb", "I", regdb.root, "test")
    assert len(part) == len(regdb.select("test", Modality.I))
    assert collect(str(regdb.root)).records == whole.records


@pytest.mark.parametrize(
    ("source", "said"), [("absent", "neither a folder, nor a picture, nor a set"), ("", "neither")]
)
def test_what_is_not_there(tmp_path, monkeypatch, source, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeployError, match=said):
        collect(source)


def test_an_empty_folder_and_a_part_of_a_folder(tmp_path):
    (tmp_path / "visible").mkdir()
    with pytest.raises(DeployError, match="no picture in it"):
        collect(str(tmp_path))
    with pytest.raises(DeployError, match="a folder has no part 'test'"):
        collect(put(tmp_path, "visible/1/a.jpg"), part="test")
    with pytest.raises(DatasetError):
        collect("folder", root=tmp_path / "absent")
