"""The working copy of the notebooks: made once, never written over; the server's words."""

from pathlib import Path

from bdlab import batch
from bdlab.cli import lab


def test_every_notebook_is_copied_and_the_first_is_opened(tmp_path):
    first = lab.working_copy(tmp_path / "my")
    assert first == tmp_path / "my" / "00_start_here.ipynb"
    copied = {p.relative_to(tmp_path / "my") for p in (tmp_path / "my").rglob("*.ipynb")}
    assert copied == {p.relative_to(batch.NOTEBOOKS) for p in batch.NOTEBOOKS.rglob("*.ipynb")}


def test_what_was_changed_is_never_written_over(tmp_path):
    first = lab.working_copy(tmp_path)
    first.write_text("mine")
    (tmp_path / "03_losses.ipynb").unlink()
    lab.working_copy(tmp_path)
    assert first.read_text() == "mine"
    assert (tmp_path / "03_losses.ipynb").is_file()


def test_the_server_serves_the_folder_one_is_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_TOKEN", "old")
    words, environment = lab.command(Path("my/00_start_here.ipynb"), 0, True)
    assert f"--ServerApp.root_dir={tmp_path}" in words
    assert "--LabApp.default_url=/lab/tree/my/00_start_here.ipynb" in words
    assert "--ServerApp.ip=127.0.0.1" in words
    assert "JUPYTER_TOKEN" not in environment
    assert environment["BDLAB_WORK"] == str(tmp_path)
    elsewhere, _ = lab.command(tmp_path.parent / "x" / "my" / "a.ipynb", 0, True)
    assert f"--ServerApp.root_dir={tmp_path.parent / 'x'}" in elsewhere
