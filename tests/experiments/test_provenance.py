"""Where a result comes from: bdlab's own commit and no other's, a hash of the modules that
compute.
"""

import json
import shutil
import subprocess
from importlib import metadata

import pytest

from bdlab.experiments import provenance
from tests.conftest import REPOSITORY


def git(folder, *words):
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    """A small repository that is bdlab's: the package's folder and its project file."""
    top = tmp_path / "checkout"
    (top / "bdlab").mkdir(parents=True)
    (top / "bdlab" / "__init__.py").write_text("a = 1\n")
    (top / "pyproject.toml").write_text('[project]\nname = "bdlab"\n')
    git(top, "init", "-q")
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "one")
    return top


class TestCommit:
    def test_a_checkout_gives_its_commit_and_whether_it_was_changed(self, checkout):
        state = provenance._checkout(checkout / "bdlab")
        assert state == {
            "git_sha": git(checkout, "rev-parse", "HEAD"),
            "git_dirty": False,
            "git_note": None,
        }
        (checkout / "bdlab" / "__init__.py").write_text("a = 2\n")
        assert provenance._checkout(checkout / "bdlab")["git_dirty"] is True

    def test_a_project_that_holds_an_installed_bdlab_is_not_asked(self, checkout):
        """The other's commit is not bdlab's, whether the package lies deep in it or at its top."""
        (checkout / "pyproject.toml").write_text('[project]\nname = "mine"\n')
        inside = checkout / "site-packages" / "bdlab"
        shutil.copytree(checkout / "bdlab", inside)
        assert provenance._checkout(inside) is None
        assert provenance._checkout(checkout / "bdlab") is None

    def test_git_environment_of_a_hook_is_not_heeded(self, checkout, tmp_path, monkeypatch):
        (tmp_path / "other").mkdir()
        git(tmp_path / "other", "init", "-q")
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
        sha = provenance._checkout(checkout / "bdlab")["git_sha"]
        monkeypatch.delenv("GIT_DIR")
        assert sha == git(checkout, "rev-parse", "HEAD")

    def test_a_checkout_of_another_owner_is_null_and_said(self, checkout, monkeypatch):
        words = "fatal: detected dubious ownership in repository"
        monkeypatch.setattr(provenance, "_git", lambda *_: (128, words))
        state = provenance._checkout(checkout / "bdlab")
        assert (state["git_sha"], state["git_dirty"]) == (None, None)
        assert "another owner" in state["git_note"]

    def test_pip_from_git_says_its_commit(self, tmp_path, monkeypatch):
        class Found:
            def locate_file(self, name):
                return tmp_path / name

            def read_text(self, name):
                return json.dumps({"vcs_info": {"vcs": "git", "commit_id": "c" * 40}})

        monkeypatch.setattr(metadata, "distribution", lambda name: Found())
        assert provenance._installed(tmp_path / "bdlab")["git_sha"] == "c" * 40
        # another bdlab than the one that is installed, by PYTHONPATH say
        elsewhere = provenance._installed(tmp_path / "mine" / "bdlab")
        assert elsewhere["git_sha"] is None
        assert "neither a checkout" in elsewhere["git_note"]

    def test_this_one_has_a_commit_or_says_why_not(self):
        state = provenance.git_state()
        assert (state["git_sha"] is None) == (state["git_note"] is not None)
        assert state["git_sha"] is None or len(state["git_sha"]) == 40


class TestCode:
    @pytest.fixture
    def package(self, tmp_path):
        ignored = shutil.ignore_patterns("__pycache__")
        return shutil.copytree(REPOSITORY / "bdlab", tmp_path / "bdlab", ignore=ignored)

    def test_a_copy_has_the_same(self, package):
        assert provenance.code_of(package) == provenance.code()

    @pytest.mark.parametrize(
        "name", ["losses.py", "network/net.py", "training/loop.py", "experiments/cell.py"]
    )
    def test_a_module_that_computes_changes_it(self, package, name):
        (package / name).write_text((package / name).read_text() + "# another\n")
        assert provenance.code_of(package) != provenance.code()

    def test_a_new_module_changes_it(self, package):
        (package / "methods" / "new.py").write_text("")
        assert provenance.code_of(package) != provenance.code()

    def test_documents_figures_and_reports_do_not(self, package):
        for name in ("report/page.py", "workbench/style.py", "cli/commands.py"):
            (package / name).write_text((package / name).read_text() + "# another\n")
        (package / "README.md").write_text("more")
        assert provenance.code_of(package) == provenance.code()

    def test_line_ends_do_not(self, package):
        path = package / "losses.py"
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        assert provenance.code_of(package) == provenance.code()
