"""`bdlab teach`: slides, solutions and progress, from a folder of one's own."""

import json
import shutil

import pytest
from click.testing import CliRunner

from bdlab import batch
from bdlab.cli import main
from bdlab.cli.teach import shipped
from bdlab.config import ConfigError


@pytest.fixture
def bdlab(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words, code=0):
        done = CliRunner().invoke(main, ["teach", *words])
        assert done.exit_code == code, done.output
        return done.output

    return run


def test_slides_of_a_shipped_notebook_by_the_beginning_of_its_name(bdlab, tmp_path):
    assert "02_hinge.slides.html: " in bdlab("slides", "exercises/02")
    assert (tmp_path / "02_hinge.slides.html").is_file()
    bdlab("slides", str(batch.NOTEBOOKS / "03_losses.ipynb"), "b.html")
    assert (tmp_path / "b.html").read_text().startswith("<!DOCTYPE html>")


def test_a_name_of_none_or_of_several_is_told_what_there_is():
    for name in ("nothing", "exercises/0", ""):
        with pytest.raises(ConfigError, match="00_start_here, .*exercises/06_rescued"):
            shipped(name)


def test_solutions_go_beside_the_learners_own(bdlab, tmp_path):
    own = tmp_path / "my" / "exercises" / "02_hinge.ipynb"
    own.parent.mkdir(parents=True)
    shutil.copyfile(batch.NOTEBOOKS / "exercises" / "02_hinge.ipynb", own)
    own.write_text(own.read_text().replace("The hinge across two modalities", "Mine"))
    before = own.read_bytes()
    assert bdlab("solutions").count("my/solutions/0") == 6
    assert own.read_bytes() == before
    made = (tmp_path / "my" / "solutions" / "02_hinge.ipynb").read_text()
    assert "Mine" in made
    assert "np.mean(costs)" in made
    assert "np.mean(precision)" in (tmp_path / "my" / "solutions" / "04_score.ipynb").read_text()


def test_progress_is_printed_and_written(bdlab, tmp_path):
    shutil.copytree(batch.NOTEBOOKS / "exercises", tmp_path / "class" / "ada")
    said = bdlab("progress", "class")
    assert said.count("not begun") == 6
    assert "ada" in (tmp_path / "progress.html").read_text()
    assert json.loads((tmp_path / "class" / "ada" / "02_hinge.ipynb").read_text())


def test_a_folder_without_exercises_is_named(bdlab, tmp_path):
    (tmp_path / "my").mkdir()
    assert "no notebook in it calls a check" in bdlab("progress", code=2)
    assert not (tmp_path / "progress.html").exists()
