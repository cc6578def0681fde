"""Features on disk: what was computed, whole or not at all; a damaged folder is named."""

import json
from pathlib import Path

import numpy as np
import pytest

import bdlab
from bdlab.deploy import DeployError, features
from bdlab.deploy.pictures import collect
from bdlab.modality import Modality


@pytest.fixture(scope="module")
def embed(cell):
    return bdlab.embedder(cell, device="cpu")


@pytest.fixture
def written(embed, own, tmp_path):
    features.write(tmp_path / "f", embed, collect(str(own)))
    return tmp_path / "f"


def test_what_is_read_is_what_was_computed(embed, own, written):
    pictures = collect(str(own))
    found, fresh = features.read(written), features.compute(embed, pictures)
    assert found.pictures.records == fresh.pictures.records == pictures.records
    assert np.array_equal(np.asarray(found.array), fresh.array)
    assert found.array.dtype == np.float32
    assert found.about == json.loads((written / "about.json").read_text())
    np.testing.assert_allclose(np.linalg.norm(found.array, axis=1), 1, atol=1e-6)


def test_each_row_is_its_pictures_feature(embed, written):
    """Rows of two modalities lie in one array: each must be its own picture's."""
    found = features.read(written)
    for row in (0, len(found) // 2, len(found) - 1):
        record = found.pictures.records[row]
        alone = embed(found.pictures.root / record.path, record.modality)[0]
        np.testing.assert_allclose(found.array[row], alone, atol=1e-6)


def test_of_one_modality(written):
    found = features.read(written)
    part = found.of(Modality.I)
    rows = [n for n, r in enumerate(found.pictures.records) if r.modality is Modality.I]
    assert np.array_equal(np.asarray(part.array), np.asarray(found.array)[rows])
    assert isinstance(part.array, features.Rows), "still mapped"
    with pytest.raises(DeployError, match="no picture of visible"):
        part.of(Modality.V)


def test_pages_are_given_back(tmp_path):
    """What has been read of a mapped gallery does not add up."""
    path = tmp_path / "a.npy"
    np.save(path, np.ones((4096, 1024), np.float32))
    sizes = {}
    for kind in (features.Rows, np.memmap):
        array = np.lib.format.open_memmap(path, mode="r").view(kind)
        for start in range(0, 4096, 256):
            array[start : start + 256].sum()
        sizes[kind] = resident(path)
    assert sizes[features.Rows] < 4 << 20 < 15 << 20 < sizes[np.memmap]


def resident(path):
    """Bytes of a mapped file that are in memory, as the kernel says."""
    smaps = Path("/proc/self/smaps")
    if not smaps.is_file():
        pytest.skip("only Linux says what is in memory")
    text = smaps.read_text()
    total = 0
    for part in text.split(str(path))[1:]:
        total += int(part.split("Rss:")[1].split()[0]) << 10
    return total


def test_a_folder_that_is_there_is_left_alone(embed, own, written):
    before = {path.name: path.read_bytes() for path in written.iterdir()}
    with pytest.raises(DeployError, match="is there already"):
        features.write(written, embed, collect(str(own)))
    assert {path.name: path.read_bytes() for path in written.iterdir()} == before


def test_half_a_folder_never_appears(embed, own, tmp_path, monkeypatch):
    pictures = collect(str(own))
    broken = tmp_path / "a.png"
    broken.write_bytes(b"no picture")
    record = pictures.records[-1]
    more = type(record)(str(broken), 1, record.modality)
    with pytest.raises(ValueError, match=r"a\.png"):
        features.write(tmp_path / "f", embed, type(pictures)(own, (*pictures.records, more)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: (f / "about.json").unlink(), "no whole folder of features"),
        (lambda f: (f / "features.npy").write_bytes(b"x"), "no whole folder of features"),
        (lambda f: np.save(f / "features.npy", np.zeros((2, 2))), "float64"),
        (lambda f: cut(f / "index.csv"), "rows for"),
        (lambda f: spoil(f / "index.csv"), "index.csv, line 2: .* no row of an index"),
    ],
)
def test_a_damaged_folder_is_named(written, change, said):
    change(written)
    with pytest.raises(DeployError, match=said) as caught:
        features.read(written)
    assert str(written) in str(caught.value)
    assert "again" in str(caught.value) or "columns" in str(caught.value)


def cut(path):
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def spoil(path):
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "a.jpg,one,V,0,", *lines[2:]]))
