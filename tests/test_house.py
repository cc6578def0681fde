"""The house rules a machine can check: who imports whom, what the environment file says, what the
repository speaks of.
"""

import ast
import re
import subprocess
import tomllib
import types

import pytest
import yaml
from packaging.requirements import Requirement

from . import conftest
from .conftest import REPOSITORY
from .density import measure

PACKAGE = REPOSITORY / "bdlab"
#: Modules and folders of the package, lower floors first: each imports only from floors below its
#: own. Named together: they do not know each other.
FLOORS = [
    {"modality", "rules", "pixels", "files", "machine", "paper"},
    {"config", "losses", "network", "evaluation", "datasets"},
    {"protocols", "methods"},
    {"training"},
    {"experiments"},
    {"workbench", "batch", "deploy"},
    {"report"},
    {"cli"},
]
MOST_ENTRIES, MOST_FLOORS = 20, 8
#: Of code in a module: neither blank nor a comment nor part of a docstring.
MOST_LINES = 300
WIDGETS = {
    "workbench/widgets.py", "workbench/explorers.py", "workbench/live.py",
    "workbench/losses/drag.py", "workbench/losses/graph.py", "workbench/retrieval/game.py",
    "workbench/channels/controls.py", "workbench/desk/epochs.py",
    *(
        f"workbench/{room}/explore.py"
        for room in ("data", "channels", "losses", "retrieval", "desk", "comparison")
    ),
}  # fmt: skip
#: Outside packages that only some files of ours may import.
ONLY = {
    "ipywidgets": WIDGETS,
    "anywidget": WIDGETS,
    "papermill": {"batch/notebooks.py"},
    "bdtwins": {"datasets/twin.py"},
    "distributed": {"cli/sweep.py"},
    "dask": set(),
    "ray": set(),
    "jupyter_client": {"cli/doctor.py", "batch/notebooks.py"},
}
#: Must work without anything installed: the parameters, the run contract.
STANDARD_ONLY = {
    "modality.py", "rules.py", "files.py",
    *(f"experiments/{name}.py" for name in ("runs", "claims", "provenance")),
    *(f"config/{name}.py" for name in ("sections", "presets", "reading", "checks", "identity")),
}  # fmt: skip


def modules(top=PACKAGE):
    """Every module of a package as (its path below it, its path)."""
    for path in sorted(top.rglob("*.py")):
        yield path.relative_to(top).as_posix(), path


def imports(path, package=PACKAGE):
    """(modules and folders of the package, outside packages) that a file imports, wherever in it
    the import stands.
    """
    inside, outside = set(), set()
    here = path.relative_to(package.parent).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            full = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*here[: len(here) + 1 - node.level]] if node.level else []
            base += node.module.split(".") if node.module else []
            full = [[*base, alias.name] for alias in node.names]
        else:
            continue
        for parts in full:
            if parts[0] == package.name:
                inside |= set(parts[1:2])
            else:
                outside.add(parts[0])
    return inside, outside


def part(name):
    """The module or folder of the package that a file belongs to; None for the package's own
    ``__init__``.
    """
    first = name.split("/")[0].removesuffix(".py")
    return None if first == "__init__" else first


def floor(name):
    return next(k for k, names in enumerate(FLOORS) if name in names)


def faults(found):
    """Imports that go up or sideways, for {module: imported modules}."""
    return [
        (a, b)
        for a, names in found.items()
        for b in names
        if a != b and b != "__version__" and floor(b) >= floor(a)
    ]


def too_long(package):
    """Modules of more code lines than fit in a glance."""
    return [name for name, path in modules(package) if measure(path).lines > MOST_LINES]


def test_imports_go_down():
    found = {}
    for name, path in modules():
        if part(name):
            found.setdefault(part(name), set()).update(imports(path)[0])
    assert set(found) <= {name for names in FLOORS for name in names}, "a module without a floor"
    assert faults(found) == []
    assert len(FLOORS) <= MOST_FLOORS
    assert len(found) <= MOST_ENTRIES


def test_an_import_that_goes_up_is_found():
    """The broken variant."""
    assert faults({"losses": {"training"}}) == [("losses", "training")]
    assert faults({"losses": {"network"}}) == [("losses", "network")]


class TestQuickLoop:
    """`-m "not slow"`: what drives a browser or kills processes is no part of it."""

    #: Whole modules that say so themselves.
    SLOW_MODULES = ("kills", "kernels", "sweeps", "resume", "writes", "lab")

    def marks(self, fixtures):
        """The marks that a test of these fixtures is given on collection."""
        given = []
        item = types.SimpleNamespace(fixturenames=fixtures, add_marker=given.append)
        conftest.pytest_collection_modifyitems([item])
        return [mark.name for mark in given]

    def test_whoever_asks_for_a_browser_is_slow(self):
        assert self.marks(["tmp_path", "chromium", "live"]) == ["slow"]
        assert self.marks(["notebook", "lab", "browser"]) == ["slow"]
        assert self.marks(["tmp_path", "regdb"]) == []

    def test_the_fixtures_are_there(self):
        """A fixture that is renamed must be renamed here."""
        defined = (REPOSITORY / "tests").glob("*/conftest.py")
        names = re.findall(r"^def (\w+)\(", "\n".join(p.read_text() for p in defined), re.MULTILINE)
        assert set(names) >= conftest.SLOW_FIXTURES

    def test_the_long_faults_are_slow(self):
        for name in self.SLOW_MODULES:
            text = (REPOSITORY / "tests" / "faults" / f"test_{name}.py").read_text()
            assert "\npytestmark = pytest.mark.slow\n" in text, name


def test_some_packages_have_few_importers():
    for name, path in modules():
        for package in imports(path)[1] & ONLY.keys():
            assert name in ONLY[package], f"{name} imports {package}"


def counts_cores(text):
    """Whether a module asks the system for its cores: what a process may use is fewer."""
    return any(
        isinstance(node, ast.Attribute) and node.attr in ("cpu_count", "sched_getaffinity")
        for node in ast.walk(ast.parse(text))
    )


def test_cores_are_counted_in_one_place():
    found = [name for name, path in modules() if counts_cores(path.read_text())]
    assert found == ["machine.py"]
    assert counts_cores("pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))")


def test_the_renderer_knows_nothing_of_bdlab():
    for name, path in modules(REPOSITORY / "bdtwins"):
        assert "bdlab" not in imports(path, REPOSITORY / "bdtwins")[1], name


def test_imports_are_read_in_every_form(tmp_path):
    """The broken variants: none of these may pass unseen."""
    room = tmp_path / "bdlab" / "report"
    room.mkdir(parents=True)
    for text, inside, outside in (
        ("from bdlab.cli import sweep", {"cli"}, set()),
        ("import bdlab.cli.sweep", {"cli"}, set()),
        ("from bdlab import cli", {"cli"}, set()),
        ("from ..cli import sweep", {"cli"}, set()),
        ("from .. import cli", {"cli"}, set()),
        ("from . import page", {"report"}, set()),
        ("def f():\n    import papermill.execute", set(), {"papermill"}),
    ):
        (room / "a.py").write_text(text)
        assert imports(room / "a.py", tmp_path / "bdlab") == (inside, outside), text


def test_the_run_contract_needs_the_standard_library_only():
    import sys

    there = [(name, path) for name, path in modules() if name in STANDARD_ONLY]
    assert len(there) >= 4
    for name, path in there:
        assert imports(path)[1] <= sys.stdlib_module_names, name


@pytest.mark.parametrize(
    "module", ["datasets", "experiments.runs", "experiments.sweeps", "paper", "cli"]
)
def test_light_modules_do_not_pull_in_torch(module):
    """`bdlab --help`, `bdlab status` and a data check answer at once."""
    import sys

    heavy = "{'torch', 'matplotlib'}"
    code = f"import sys, bdlab.{module}; sys.exit(not {heavy}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


@pytest.mark.slow
def test_training_needs_no_jupyter():
    """A GPU node may have neither Jupyter nor papermill: `bdlab train` must not import them."""
    import sys

    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in {'IPython', 'ipywidgets', 'papermill', 'nbformat', "
        "'nbclient', 'jupyter_client'}:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "import bdlab.training.loop, bdlab.experiments.sweeps, bdlab.workbench.notebook, "
        "bdlab.report, bdlab.cli\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", code],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


class TestPackaging:
    told = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    project = told["project"]

    def test_types_are_checked_where_the_numbers_come_from(self):
        listed = set(self.told["tool"]["mypy"]["files"])
        rooms = ("network", "evaluation", "protocols", "methods", "training", "experiments")
        modules = ("modality", "rules", "pixels", "losses")
        assert {f"bdlab/{room}" for room in rooms} <= listed
        assert {f"bdlab/{module}.py" for module in modules} <= listed
        assert all((REPOSITORY / path).exists() for path in listed)

    def test_requirements_are_ranges(self):
        for text in [
            *self.project["dependencies"],
            *sum(self.project["optional-dependencies"].values(), []),
        ]:
            specifiers = list(Requirement(text).specifier)
            assert [s.operator for s in specifiers] == [">="], text

    def test_extras_are_those_promised(self):
        assert set(self.project["optional-dependencies"]) == {
            "lab",
            "test",
            "docs",
            "cluster",
            "export",
            "search",
            "tiff",
            "timm",
            "track",
        }
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
            "faiss": "faiss-cpu",
        }
        declared = {
            Requirement(t).name
            for t in [
                *self.project["dependencies"],
                *sum(self.project["optional-dependencies"].values(), []),
            ]
        }
        for _, path in modules():
            for package in imports(path)[1] - sys.stdlib_module_names - {"bdtwins"}:
                assert names.get(package, package) in declared, f"{path.name} imports {package}"

    def test_make_test_installs_what_its_tests_need(self):
        """ONNX and faiss too: a test that is skipped everywhere promises nothing."""
        makefile = (REPOSITORY / "Makefile").read_text()
        (extras,) = re.findall(r"install .* -e '\.\[([a-z,]+)\]'", makefile)
        optional = set(self.project["optional-dependencies"])
        assert set(extras.split(",")) == optional - {"track"}, "trackers are large"

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
        done = subprocess.run(
            ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip("not a git checkout")
        return [REPOSITORY / name for name in done.stdout.split("\0") if name]

    def test_no_path_of_one_machine_and_nothing_large(self):
        for path in self.tracked():
            if not path.is_file():
                continue
            # the two trained cells that ship are the only weights
            shipped = path.suffix == ".safetensors" and path.parents[1].name == "reference"
            most = 1_500_000 if shipped else 1_000_000
            assert path.stat().st_size < most, path
            assert path.suffix not in {".pt", ".pth", ".npy", ".jpg", ".bmp"}, (
                f"{path}: no weights, no data"
            )
            if (
                path.suffix in {".py", ".md", ".toml", ".yml", ".ipynb", ".cff", ".html"}
                and path.name != "test_house.py"
            ):
                assert not re.search(r"(?<![\w.])/(work|root|home)/[a-z]", path.read_text()), path

    def test_modules_stay_within_a_glance(self):
        for package in ("bdlab", "bdtwins"):
            assert too_long(REPOSITORY / package) == []

    def test_a_module_of_one_line_more_is_found(self, tmp_path):
        """The broken variant; blank lines, comments and docstrings do not count."""
        rest = '"""A docstring\n\nof three lines."""\n\n# a comment\n'
        (tmp_path / "short.py").write_text(rest + "x = 1\n" * MOST_LINES)
        assert too_long(tmp_path) == []
        (tmp_path / "long.py").write_text(rest + "x = 1\n" * (MOST_LINES + 1))
        assert too_long(tmp_path) == ["long.py"]


class TestReadme:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")

    def named(self, text):
        """The entries of the package that a README's tree names."""
        block = text[text.index("\nbdlab/\n") : text.index("\nbdtwins/")]
        return {
            word.removesuffix(".py").rstrip("/") for word in re.findall(r"[a-z]+(?:/|\.py)", block)
        }

    def test_its_tree_names_every_entry(self):
        entries = {part(name) for name, _ in modules()} - {None}
        assert self.named(self.text) == entries | {"bdlab"}

    def test_an_entry_left_out_is_noticed(self):
        """The broken variant."""
        assert "losses" not in self.named(self.text.replace("losses.py", "        ", 1))

    def test_it_is_short(self):
        assert len(self.text.split()) <= 700

    def test_who_uses_uv_is_told_extras_that_exist(self):
        named = re.search(r"`uv pip install -e '\.\[([a-z,]+)\]'`", self.text).group(1)
        assert set(named.split(",")) <= set(TestPackaging.project["optional-dependencies"])

    def test_its_links_lead_somewhere(self):
        for target in re.findall(r"\]\(([^)#:]+)\)", self.text):
            assert (REPOSITORY / target).exists(), target
