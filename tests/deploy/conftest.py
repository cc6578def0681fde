"""A cell of a few steps, and ten rendered people in a folder as a reader would have them."""

import pytest
import torch

from bdlab.deploy.pictures import example
from bdlab.experiments import cell as cells
from bdlab.experiments import runs, sweeps
from bdlab.training import setup as setups

PEOPLE = 10


def committed(out, row="MDL4", **changes):
    """The folder of a finished cell of four steps on the smallest RegDB-like twin."""
    torch.set_num_threads(1)
    config = sweeps.configure("table4", row, "smoke", "synthetic-regdb", {"epochs": 1} | changes)
    cell = runs.Cell(config.flat(), setups.open_data(config).fingerprint)
    attempt = runs.begin(out, cell, 1)
    cells.run(config, attempt, "cpu")
    runs.commit(out, cell.name, attempt)
    return out / cell.name


@pytest.fixture(scope="session")
def cell(regdb, tmp_path_factory):
    return committed(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def other_cell(regdb, tmp_path_factory):
    return committed(tmp_path_factory.mktemp("other"), seed=1)


@pytest.fixture(scope="session")
def own(own_place, tmp_path_factory):
    """visible/<id>/*, infrared/<id>/* of ten people nobody of whom was trained on."""
    return example(tmp_path_factory.mktemp("own") / "people", PEOPLE, "smoke")
