"""Notebooks 01, 02 and 05 on a folder of one's own: ten rendered people, so that every clone tests
what only some machines can test on real crops.
"""

import pytest

from bdlab import datasets
from bdlab.deploy.pictures import example

from . import test_01_data as data
from . import test_02_derivative_modalities as derivatives
from . import test_05_retrieval as retrieval

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def people(own_place, tmp_path_factory):
    return example(tmp_path_factory.mktemp("own") / "people", 10, "smoke")


def test_the_notebook_of_the_data(tmp_path, people):
    path, printed, found = data.executed(tmp_path, data="folder", root=str(people))
    data.looks_right(path, data.FIGURES - 1)
    assert "Left out: folder is no twin" in printed
    assert "gaps" not in found
    assert -1 <= found["agreement"]["luma–IR, one person"] <= 1


def test_the_notebook_of_the_derivatives(tmp_path, people):
    path, printed, found = derivatives.executed(tmp_path, data="folder", root=str(people))
    derivatives.looks_right(path, derivatives.FIGURES + 1)
    assert "people of folder" in printed
    cell = tmp_path / "runs" / found["cell"]
    derivatives.agrees(found, cell, datasets.open("folder", people))


def test_the_notebook_of_the_retrieval(tmp_path, people):
    path, printed, found = retrieval.executed(tmp_path, data="folder", root=str(people))
    retrieval.looks_right(path)
    assert ": folder, modalities V I DV DI" in printed
    assert found["R1"].keys() == {"v2t", "t2v"}
