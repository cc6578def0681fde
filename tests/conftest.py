"""Shared by all tests: a quiet matplotlib, few threads, and data and caches in a place of the run's
own.
"""

import os
import typing
from pathlib import Path

import beartype
import matplotlib as mpl
import pytest
import torch
import torchvision
from jaxtyping import install_import_hook

assert beartype, torchvision  # imported before TYPE_CHECKING is pretended: they would believe it
#: Whose shapes ("B 3 H W") are checked at every call, in tests only: jaxtyping reads them, beartype
#: holds them against the values.
CHECKED = ("bdlab.losses", "bdlab.network")

with install_import_hook(CHECKED, "beartype.beartype"):
    typing.TYPE_CHECKING = True  # the names of the shapes are imported for a checker only
    import bdlab.losses
    import bdlab.network  # noqa: F401

    typing.TYPE_CHECKING = False

from bdlab import datasets

mpl.use("Agg")
REPOSITORY = Path(__file__).resolve().parent.parent
REAL = REPOSITORY.parent / "shared" / "realdata" / "roadscene"
WEIGHTS = REPOSITORY.parent / "shared" / "weights" / "resnet50_v1_backbone_fp16.pth"


#: Whatever asks for one of these drives a browser, a JupyterLab or processes that are killed.
SLOW_FIXTURES = {"launch", "chromium", "lab", "browser"}


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items):
    for item in items:
        if SLOW_FIXTURES & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def own_place(tmp_path_factory):
    """Twins and banks of the tests are shared within a run and never mixed with the user's."""
    place = tmp_path_factory.mktemp("place")
    before = {name: os.environ.get(name) for name in ("BDLAB_DATA", "BDLAB_CACHE")}
    os.environ |= {"BDLAB_DATA": str(place / "data"), "BDLAB_CACHE": str(place / "bank")}
    yield place
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="session")
def regdb(own_place):
    """The smallest RegDB-like twin."""
    return datasets.open("synthetic-regdb", size="smoke")


@pytest.fixture(scope="session")
def sysu(own_place):
    """The smallest SYSU-like twin."""
    return datasets.open("synthetic-sysu", size="smoke")


@pytest.fixture(autouse=True)
def seeded():
    """Every test draws the same numbers with the same threads, alone or among others."""
    torch.manual_seed(0)
    # others may use the machine too; two threads on one busy core wait for each other
    torch.set_num_threads(1)


def _tested(data):
    from bdlab.experiments import sweeps
    from bdlab.training import loop
    from bdlab.training import setup as setups
    from bdlab.workbench.retrieval import search

    torch.manual_seed(0)
    torch.set_num_threads(1)
    setup = setups.prepare(
        sweeps.configure("table4", "MDL4", "smoke", data, {"epochs": 1}),
        device="cpu",
        progress=False,
    )
    loop.train(setup)
    return search.test(setup)


@pytest.fixture(scope="session")
def tested_regdb(own_place):
    """A network of four steps on the smallest RegDB-like twin, tested."""
    return _tested("synthetic-regdb")


@pytest.fixture(scope="session")
def tested_sysu(own_place):
    """The same on the SYSU-like twin."""
    return _tested("synthetic-sysu")
