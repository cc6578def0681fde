"""A cell as a function: the test's own features, from files and arrays; what it refuses."""

import numpy as np
import pytest
import torch
from PIL import Image

import bdlab
from bdlab.datasets import DatasetError
from bdlab.datasets.pictures import load
from bdlab.deploy import DeployError
from bdlab.deploy.embedding import net_of
from bdlab.modality import BASE
from bdlab.network import reading
from bdlab.training import extract
from bdlab.workbench.retrieval import search


@pytest.fixture(scope="module")
def tested(cell):
    return search.reopen(cell, device="cpu")


@pytest.fixture(scope="module")
def embed(cell):
    return bdlab.embedder(cell, device="cpu")


@pytest.mark.parametrize("m", BASE)
def test_it_gives_the_features_of_the_test_bit_for_bit(tested, embed, m):
    dataset = tested.setup.dataset
    rows = dataset.select("test", m)
    found = embed([dataset.root / dataset.records[row].path for row in rows], m)
    assert found.dtype == np.float32
    assert np.array_equal(found, extract.embed(tested.setup)[m].features)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_the_other_stem_is_missed(tested, embed):
    """The broken variant."""
    dataset = tested.setup.dataset
    rows = dataset.select("test", BASE[0])
    found = embed([dataset.root / dataset.records[row].path for row in rows], "I")
    assert not np.allclose(found, extract.embed(tested.setup)[BASE[0]].features, atol=1e-3)


def test_files_arrays_and_lists_are_one(own, embed):
    paths = sorted(own.glob("visible/*/*"))[:3]
    of_files = embed(paths, "V")
    arrays = [load(path, embed.height, embed.width) for path in paths]
    for given in (np.stack(arrays), arrays, [str(path) for path in paths]):
        assert np.array_equal(embed(given, "V"), of_files)
    # one alone: another shape of the product, so equal up to rounding
    np.testing.assert_allclose(embed(arrays[0], "V")[0], of_files[0], atol=1e-6)
    np.testing.assert_allclose(embed(paths[0], "V")[0], of_files[0], atol=1e-6)


def test_arrays_of_any_size_are_resized_as_files_are(own, embed, tmp_path):
    path = tmp_path / "large.png"
    Image.open(next(own.glob("infrared/*/*"))).resize((50, 90)).save(path)
    whole = np.asarray(Image.open(path).convert("RGB"))
    assert whole.shape[:2] != (embed.height, embed.width)
    np.testing.assert_array_equal(embed(whole, "I"), embed(path, "I"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((2, 8, 8, 3), np.float32), "float32"),
        (np.zeros((8, 8, 1), np.uint8), r"\(8, 8, 1\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "numpy arrays are meant"),
        ([], "no picture"),
    ],
)
def test_what_is_no_picture_is_refused(embed, given, said):
    with pytest.raises(ValueError, match=said):
        embed(given, "V")


def test_derivative_modalities_are_for_training(embed):
    with pytest.raises(ValueError, match="V or I is meant"):
        embed(np.zeros((8, 8, 3), np.uint8), "DV")


def test_a_broken_file_is_named(embed, tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(DatasetError, match=r"a\.png"):
        embed([tmp_path / "a.png"], "V")


def test_mirrored_pictures_as_in_the_test(tested, cell, own):
    from bdlab.deploy.embedding import Embedder

    found = reading.read(cell)
    both = Embedder(net_of(found), dict(found.params) | {"flip": True}, found.file, "cpu")
    path = next(own.glob("visible/*/*"))
    picture = load(path, both.height, both.width)
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    a, b = both(picture, "V"), both(mirrored, "V")
    np.testing.assert_allclose(a, b, atol=1e-5)
    assert not np.allclose(a, bdlab.embedder(cell, "cpu")(picture, "V"), atol=1e-4)


def test_weights_without_a_cell_say_nothing_of_their_use(tmp_path):
    from bdlab.network.resnet import resnet

    torch.save(resnet("resnet10").state_dict(), tmp_path / "a.pth")
    with pytest.raises(DeployError, match="holds weights but no cell"):
        bdlab.embedder(tmp_path / "a.pth")


@pytest.mark.parametrize(
    "change",
    [
        lambda saved: saved["state"].pop("neck.weight"),
        lambda saved: saved.update(num_ids=1 << 40),
        lambda saved: saved["params"].update(backbone="__import__('os')"),
        lambda saved: saved["params"].pop("strides"),
    ],
)
def test_a_cell_that_does_not_fit_together_is_refused(cell, tmp_path, change):
    saved = torch.load(cell / "weights.pt", weights_only=True)
    change(saved)
    torch.save(saved, tmp_path / "a.pt")
    with pytest.raises(DeployError, match=r"a\.pt: not the weights of a cell"):
        bdlab.embedder(tmp_path / "a.pt")


def test_importing_bdlab_stays_light():
    import subprocess
    import sys

    from tests.conftest import REPOSITORY

    code = (
        "import sys, bdlab; bdlab.embedder; sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0
