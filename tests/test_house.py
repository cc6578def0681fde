"""The house rules a machine can check: who imports whom, what the environment file says, what the repository speaks of."""

import ast
import re
import subprocess
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from .conftest import REPOSITORY

#: Lower floors first; a module imports only from floors below its own. Named together: they do not know each other.
FLOORS = [
    {"modality"},
    {"config"},
    {"runs", "network", "losses", "evaluation", "datasets", "batches", "paper", "verdicts", "guard"},
    {"protocols", "checkpoint", "rivals"},
    {"training"},
    {"recipes", "figures"},
    {"report", "explorers", "exercises", "notebook"},
    {"batch"},
    {"planning", "doctor"},
    {"cli"},
]
#: Parts of a floor in files of their own, and whose parts they are.
PART_OF = {
    "files": "runs",
    "arrays": "evaluation",
    "backbone": "network",
    "ranks": "evaluation",
    "rerank": "protocols",
    "gaps": "figures",
    "channels": "figures",
    "generators": "figures",
    "retrieval": "figures",
    "embedding": "figures",
    "sketch": "figures",
    "methods": "training",
    "setups": "training",
    "testing": "training",
    "cells": "training",
    "sweeps": "recipes",
    "galleries": "protocols",
    "sweeping": "cli",
}
ONLY = {
    "ipywidgets": {"explorers"},
    "anywidget": {"explorers"},
    "papermill": {"batch"},
    "distributed": {"cli"},
    "dask": set(),
    "ray": set(),
    "jupyter_client": {"doctor", "batch"},
}
#: Must work without torch: a data set's reader, the paper's numbers, the parameters.
STANDARD_ONLY = {"runs", "modality", "config"}


def modules():
    """Every module of the package as (its name on the floors, its path)."""
    for path in sorted((REPOSITORY / "bdlab").rglob("*.py")):
        parts = path.relative_to(REPOSITORY / "bdlab").with_suffix("").parts
        if parts[0] != "__init__":
            yield PART_OF.get(parts[0], parts[0]), path


def imports(path):
    """(own modules, outside packages) a file imports, wherever in it the import stands."""
    depth = len(path.relative_to(REPOSITORY / "bdlab").parts) - 1
    own, outside = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            outside |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            outside.add(node.module.partition(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.level == depth + 1:
            own |= {node.module.partition(".")[0]} if node.module else {alias.name for alias in node.names}
    return {PART_OF.get(name, name) for name in own}, outside


def floor(name):
    return next(k for k, names in enumerate(FLOORS) if name in names)


def faults(found):
    """Imports that go up or sideways, for {module: imported modules}."""
    return [(a, b) for a, names in found.items() for b in names if a != b and b != "__version__" and floor(b) >= floor(a)]


def test_imports_go_down():
    found = {}
    for name, path in modules():
        found.setdefault(name, set()).update(imports(path)[0])
    assert set(found) <= {name for names in FLOORS for name in names}, "a module without a floor"
    assert faults(found) == []


def test_an_import_that_goes_up_is_found():
    """The broken variant."""
    assert faults({"losses": {"training"}}) == [("losses", "training")]
    assert faults({"losses": {"network"}}) == [("losses", "network")]


def test_some_packages_have_one_importer():
    for name, path in modules():
        for package in imports(path)[1] & ONLY.keys():
            assert name in ONLY[package], f"{path.name} imports {package}"


def test_the_run_contract_needs_the_standard_library_only():
    import sys

    for name, path in modules():
        if name in STANDARD_ONLY:
            assert imports(path)[1] <= sys.stdlib_module_names, path.name


@pytest.mark.parametrize("module", ["datasets", "runs", "recipes", "paper", "cli"])
def test_light_modules_do_not_pull_in_torch(module):
    """`bdlab --help`, `bdlab status` and a data check answer at once."""
    import sys

    code = f"import sys, bdlab.{module}; sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def test_training_needs_no_jupyter():
    """A GPU node may have neither Jupyter nor papermill: `bdlab train` must not import them."""
    import sys

    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in {'IPython', 'ipywidgets', 'papermill', 'nbformat', 'nbclient', 'jupyter_client'}:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "import bdlab.training.loop, bdlab.experiments.sweeps, bdlab.workbench.notebook, bdlab.report, bdlab.cli\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


class TestPackaging:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

    def test_requirements_are_ranges(self):
        for text in [*self.project["dependencies"], *sum(self.project["optional-dependencies"].values(), [])]:
            specifiers = list(Requirement(text).specifier)
            assert [s.operator for s in specifiers] == [">="], text

    def test_extras_are_those_promised(self):
        assert set(self.project["optional-dependencies"]) == {"lab", "test", "docs", "app", "cluster"}
        assert self.project["requires-python"] == ">=3.11"

    def test_every_outside_import_is_declared(self):
        import sys

        names = {
            "traitlets": "ipywidgets",
            "yaml": "pyyaml",
            "PIL": "pillow",
            "sklearn": "scikit-learn",
            "jupyter_client": "papermill",
            "IPython": "ipykernel",
        }
        declared = {Requirement(t).name for t in [*self.project["dependencies"], *sum(self.project["optional-dependencies"].values(), [])]}
        for _, path in modules():
            for package in imports(path)[1] - sys.stdlib_module_names:
                assert names.get(package, package) in declared, f"{path.name} imports {package}"

    def test_environment_file_is_thin_and_parses(self):
        environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text())
        assert environment["name"] == "bdlab"
        pip = [entry for entry in environment["dependencies"] if isinstance(entry, dict)]
        assert pip == [{"pip": ["-e .[lab,test]"]}]
        for spec in environment["dependencies"]:
            if isinstance(spec, str):
                assert re.fullmatch(r"[a-z0-9_-]+((>=|=)[0-9.]+)?", spec), spec

    def test_citation_and_version_agree(self):
        import bdlab

        citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
        assert citation["version"] == self.project["version"] == bdlab.__version__
        assert citation["preferred-citation"]["year"] == 2020


class TestRepository:
    def tracked(self):
        done = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip("not a git checkout")
        return [REPOSITORY / name for name in done.stdout.split("\0") if name]

    def test_no_path_of_one_machine_and_nothing_large(self):
        for path in self.tracked():
            if not path.is_file():
                continue
            assert path.stat().st_size < 1_000_000, path
            assert path.suffix not in {".pt", ".pth", ".npy", ".jpg", ".bmp"}, f"{path}: no weights, no data"
            if path.suffix in {".py", ".md", ".toml", ".yml", ".ipynb", ".cff", ".html"} and path.name != "test_house.py":
                assert not re.search(r"(?<![\w.])/(work|root|home)/[a-z]", path.read_text()), path

    def test_modules_stay_within_a_glance(self):
        """A guide of 300 lines a module."""
        long = {path.name for _, path in modules() if len(path.read_text().splitlines()) > 300}
        assert not long
