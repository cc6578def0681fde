"""A second network of the same data, to lie beside the first on the desk."""

import pytest
import torch

from bdlab.experiments import cell as cells
from bdlab.experiments import sweeps
from bdlab.training import loop
from bdlab.training import setup as setups
from bdlab.workbench.retrieval import search


@pytest.fixture(scope="session")
def rival_regdb(own_place):
    """The baseline B2 (no derivative modality), four steps on the smallest RegDB-like twin."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    config = sweeps.configure("table4", "B2", "smoke", "synthetic-regdb", {"epochs": 1})
    setup = setups.prepare(config, device="cpu", progress=False)
    loop.train(setup)
    return search.test(setup)


@pytest.fixture(scope="session")
def cell(own_place, tmp_path_factory):
    """The folder of a finished cell: the network of ``tested_regdb``, written."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("desk") / "cell"
    folder.mkdir()
    config = sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb", {"epochs": 1})
    cells.run(config, folder, device="cpu")
    return folder
