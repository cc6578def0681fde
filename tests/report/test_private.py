"""Without pictures: no person and no path of the machine in anything a report writes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bdlab import report
from bdlab.cli import main
from bdlab.files import without_paths
from bdlab.report import figures
from tests.conftest import REPOSITORY
from tests.report.test_report import put, put_failed

pytestmark = pytest.mark.slow


@pytest.fixture
def out(tmp_path):
    """Cells that name the machine's paths in every place where one can stand."""
    out = tmp_path / "anna smith" / "runs"
    weights = str(tmp_path / "anna smith" / "secret place" / "resnet.pth")
    data = {"split": 1, "source": f"read from {tmp_path}/anna smith/faces"}
    root = {"root": str(tmp_path / "anna smith" / "faces"), "weights": weights}
    put(out, "B2", 0, more={"data": data}, guard={"chance": f"see {tmp_path}/log.txt"}, **root)
    put_failed(out, "MDL4", 0, f"DatasetError: {tmp_path}/anna smith/faces/7.png: damaged", **root)
    return out


def written(out):
    return {path.suffix: path.read_text() for path in (out / "report").iterdir()}


def test_no_path_stands_in_any_form(out, tmp_path):
    done = CliRunner().invoke(main, ["report", str(out), "--no-pictures"])
    assert done.exit_code == 0, done.output
    forms = written(out)
    assert set(forms) == {".html", ".csv", ".md", ".tex"}
    table_text = done.output.partition("HTML report:")[0]
    for form, text in {**forms, "terminal": table_text}.items():
        assert str(tmp_path) not in text, form
        assert "secret place" not in text, form
        assert str(Path.home()) + "/" not in text, form
    assert "resnet.pth" in forms[".md"], "what was read is still named"


def test_a_plain_report_names_them(out, tmp_path):
    """The broken variant: the same folder without the option."""
    report.write(out)
    assert str(tmp_path) in written(out)[".html"]


def test_the_page_on_data_says_when():
    text = " ".join((REPOSITORY / "data" / "README.md").read_text(encoding="utf-8").split())
    for words in ("`bdlab report RUNS --no-pictures`", "`bdlab run ... --no-pictures`"):
        assert words in text
    assert "who has not signed" in text
    assert "is to be given away" in text


def test_no_person_is_drawn(out, monkeypatch):
    def drawn(table):
        raise AssertionError("people were asked for")

    monkeypatch.setattr(figures, "people", drawn)
    report.write(out, pictures=False)
    with pytest.raises(AssertionError, match="people were asked for"):
        report.write(out)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("/homes/anna/x.png: damaged", ".../x.png: damaged"),
        ("see ~/runs/a, then go on", "see .../a, then go on"),
        (r"C:\Users\anna\x.pth is gone", ".../x.pth is gone"),
        ("92,216 pictures/s and/or 3/4", "92,216 pictures/s and/or 3/4"),
        ("</td> and <br/>", "</td> and <br/>"),
        ("Rank-1 is 3.0 % (v2t)", "Rank-1 is 3.0 % (v2t)"),
    ],
)
def test_paths_are_found_and_nothing_else(text, plain):
    assert without_paths(text) == plain


def test_the_runs_themselves_are_left_as_they_are(out):
    (folder,) = (path for path in out.iterdir() if (path / "result.json").is_file())
    before = (folder / "result.json").read_text()
    report.write(out, pictures=False)
    assert json.loads((folder / "result.json").read_text()) == json.loads(before)
