"""The product as it is installed: a wheel outside the repository runs a sweep and opens
notebooks.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest

from tests.conftest import REPOSITORY

pytest.importorskip("setuptools")


def run(python, *words, cwd, **more):
    done = subprocess.run(
        [str(python), *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        **more,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def tracked(*folders):
    """Names of the repository's files."""
    words = ["git", "ls-files", "-z", *folders]
    listed = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.split("\0") if (REPOSITORY / name).is_file()]


def copied(place):
    """The repository's files in a place of their own, as a fresh clone has them."""
    for name in filter(None, tracked()):
        (place / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, place / "tree" / name)
    return place / "tree"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this tree, built without a network."""
    place = tmp_path_factory.mktemp("wheel")
    tree = copied(place)
    words = ("-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "-w", place)
    run(sys.executable, *words, cwd=tree)
    return next(place.glob("bdlab-*.whl"))


@pytest.mark.slow
def test_a_wheel_holds_what_the_product_needs(wheel):
    """Every file of the package, data among them, and the renderer's modules."""
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = [name for name in tracked("bdtwins") if name.endswith(".py")]
    assert {*tracked("bdlab"), *modules} <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "runs/"))]
    notebooks = {path.name for path in (REPOSITORY / "notebooks").rglob("*.ipynb")}
    inside = {name.rpartition("/")[2] for name in names if name.endswith(".ipynb")}
    assert inside == notebooks


@pytest.mark.slow
def test_an_installed_bdlab_runs_outside_the_repository(wheel, tmp_path):
    builder = venv.EnvBuilder(with_pip=False, symlinks=True)
    builder.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    # its requirements are those of this environment, without what is installed here as bdlab
    places = [sysconfig.get_path("purelib"), *(p for p in sys.path if p.endswith("-packages"))]
    (site / "requirements.pth").write_text("\n".join(dict.fromkeys(places)) + "\n")
    home = tmp_path / "home"
    home.mkdir()
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    own = {"OMP_NUM_THREADS": "1", "BDLAB_DATA": str(tmp_path / "data"), "MPLBACKEND": "nosuch"}
    more = {"cwd": home, "env": env | own}
    where = run(python, "-c", "import bdlab, bdtwins; print(bdlab.__file__)", **more)
    assert where.startswith(str(site))
    said = run(python, "-m", "bdlab.cli", "demo", "--preset", "smoke", "--jobs", "2", **more)
    assert "6 trained now, 0 found done, 0 failed" in said
    assert "MDL4" in run(python, "-m", "bdlab.cli", "report", **more)
    again = run(python, "-m", "bdlab.cli", "run", "table4", "--preset", "smoke", **more)
    assert "0 trained now, 6 found done, 0 failed" in again
    code = (
        "from pathlib import Path; from bdlab.cli import lab; print(lab.working_copy(Path('my')))"
    )
    assert run(python, "-c", code, **more).strip() == "my/00_start_here.ipynb"
    assert (home / "my" / "exercises" / "02_hinge.ipynb").is_file()
