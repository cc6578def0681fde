"""The source distribution: what an installation needs, and what a reader of it looks for."""

import sys
import tarfile

import pytest

from .test_wheel import copied, run, tracked

pytest.importorskip("setuptools")

#: Beside the packages.
ASIDE = {
    "CHANGELOG.md", "CITATION.cff", "LICENSE", "MANIFEST.in", "README.md", "environment.yml",
    "pyproject.toml", "setup.py",
}  # fmt: skip
BUILD = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"


def held(tree, place):
    """Names of the files in the sdist of a tree, built without a network."""
    run(sys.executable, "-c", BUILD, place, cwd=tree)
    with tarfile.open(next(place.glob("bdlab-*.tar.gz"))) as archive:
        return {file.name.partition("/")[2] for file in archive if file.isfile()}


@pytest.mark.slow
def test_an_sdist_holds_what_the_source_is_read_for(tmp_path):
    names = held(copied(tmp_path), tmp_path / "sdist")
    wanted = ASIDE | set(tracked("bdlab", "bdtwins", "notebooks"))
    assert wanted - names == set()
    assert any(name.endswith(".png") for name in wanted)
    assert any(name.endswith(".safetensors") for name in wanted)
    not_meant = ("tests/", "benchmarks/", "runs/", "my/", "data/", "docs/")
    assert [name for name in names if name.startswith(not_meant)] == []


@pytest.mark.slow
def test_what_the_manifest_leaves_out_is_missed(tmp_path):
    """The broken variant: no line for the pictures and the citation."""
    tree = copied(tmp_path)
    lines = (tree / "MANIFEST.in").read_text().splitlines()
    kept = [line for line in lines if "png" not in line and "CITATION" not in line]
    (tree / "MANIFEST.in").write_text("\n".join(kept) + "\n")
    missing = (ASIDE | set(tracked("bdtwins"))) - held(tree, tmp_path / "sdist")
    assert {"CITATION.cff", "environment.yml", "bdtwins/pictures/dials.png"} <= missing
