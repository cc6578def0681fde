"""What was declared before a sweep's first cell is what a plain report shows; what was not, is not
called so.
"""

import json

import pytest
from click.testing import CliRunner

from bdlab import report
from bdlab.cli import main
from bdlab.experiments import sweeps
from bdlab.report import declared
from tests.report.test_report import put

pytestmark = pytest.mark.usefixtures("without_figures")
MINE = "name: mine\ntitle: My own\nbaseline: weak\nrows: {strong: {gamma: 2.0}, weak: {gamma: 1.0}}"


def declare(out, **changes):
    """The declaration that a run of MINE leaves."""
    asked = {"data": ["regdb"], "preset": ["demo"], "seeds": [0, 1], "splits": [1], "set": {}}
    asked |= {key: changes.pop(key) for key in [*asked, "asked_rows"] if key in changes}
    asked["cells"] = {}
    asked["rows"] = asked.pop("asked_rows", None)
    about = {
        "name": "mine",
        "title": "My own",
        "rows": {"strong": "twice the weight", "weak": "the weight itself"},
        "baseline": "weak",
        "contrasts": [["strong", "weak"]],
        "yaml_sha256": "0" * 64,
        "data": ["regdb"],
        "asked": [asked],
    }
    about |= changes
    titles = about["rows"].items()
    about["rows"] = {row: {"title": title, "changes": {}, "times": {}} for row, title in titles}
    place = out / "sweeps"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{about['name']}.json").write_text(json.dumps(about))


@pytest.fixture
def out(tmp_path):
    """Two rows of a user's sweep; by name the better one comes first."""
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)
    for row, r1 in (("strong", 0.53), ("weak", 0.5)):
        put(tmp_path / "runs", row, 0, r1, sweep=str(file))
    return tmp_path / "runs"


class TestDeclared:
    def test_a_plain_report_keeps_the_sign(self, out):
        declare(out)
        (table,) = report.tables(out)
        assert [(v.row, v.against) for v in table.verdicts] == [("strong", "weak")]
        assert table.verdicts[0].difference == pytest.approx(3)
        done = CliRunner().invoke(main, ["report", str(out)])
        assert "My own, on regdb" in done.output
        assert "strong against weak" in done.output
        assert "+3.00" in done.output
        assert declared.WITH_SWEEP in done.output
        assert "twice the weight" in (out / "report" / "mine-regdb-demo.html").read_text()

    def test_without_a_declaration_the_sign_turns_and_it_is_said(self, out):
        """The broken variant: what a report without the file has to guess."""
        (table,) = report.tables(out)
        assert [(v.row, v.against) for v in table.verdicts] == [("weak", "strong")]
        assert declared.WITH_SWEEP not in report.text(table)
        assert declared.AFTERWARDS in report.text(table)

    def test_seeds_that_never_began_are_missing(self, out):
        declare(out, seeds=[0, 1, 2], rows={"strong": "s", "weak": "w", "never": "n"})
        (table,) = report.tables(out)
        assert table.standing("weak") == "1 (2 missing)"
        assert table.standing("never") == "0 (3 missing)"

    def test_seeds_asked_of_one_row_are_not_missing_in_another(self, out):
        declare(out, seeds=[0, 1, 2], asked_rows=["strong"])
        (table,) = report.tables(out)
        assert table.standing("strong") == "1 (2 missing)"
        assert table.standing("weak") == "1"

    def test_what_was_asked_on_another_set_is_not_missing_here(self, out):
        declare(out, seeds=[0, 1, 2], data=["sysu"])
        (table,) = report.tables(out)
        assert table.standing("weak") == "1"
        assert table.asked == frozenset()
        assert [(v.row, v.against) for v in table.verdicts] == [("strong", "weak")]

    def test_contrasts_chosen_afterwards_are_marked(self, out, tmp_path):
        declare(out, contrasts=[["weak", "strong"]])
        (table,) = report.tables(out, [sweeps.sweep(str(tmp_path / "mine.yaml"))])
        assert declared.WITH_SWEEP not in report.text(table)
        assert any("chosen afterwards" in words for words in table.warnings)
        assert any("weak against strong" in words for words in table.warnings)

    def test_two_declarations_of_one_name_are_marked(self, out):
        declare(out)
        other = json.loads((out / "sweeps" / "mine.json").read_text())
        other |= {"baseline": "strong", "contrasts": [["weak", "strong"]]}
        other["asked"][0]["data"] = ["sysu"]
        (out / "sweeps" / "mine-2.json").write_text(json.dumps(other))
        (table,) = report.tables(out)
        assert [(v.row, v.against) for v in table.verdicts] == [("strong", "weak")]
        assert any("declared more than once" in words for words in table.warnings)

    @pytest.mark.parametrize(
        "content", ["{", "[1]", "{}", json.dumps({"name": "mine", "rows": 3}), ""]
    )
    def test_a_damaged_file_is_said_and_never_fatal(self, out, content):
        (out / "sweeps").mkdir()
        (out / "sweeps" / "mine.json").write_text(content)
        (table,) = report.tables(out)
        assert any("sweeps/mine.json is no declaration" in words for words in table.warnings)
        assert declared.WITH_SWEEP not in report.text(table)

    def test_a_baseline_that_is_no_row_is_a_damaged_file(self, out):
        declare(out, baseline="gone")
        (table,) = report.tables(out)
        assert any("'gone' is none of its rows" in words for words in table.warnings)

    def test_a_row_that_was_not_declared_is_left_out_by_name(self, out):
        declare(out, rows={"weak": "w", "other": "o"}, contrasts=[["other", "weak"]])
        (table,) = report.tables(out)
        assert [(run.params["row"], run.word) for run in table.left_out] == [
            ("strong", "undeclared")
        ]
        assert any(words.startswith("strong: 1 results") for words in table.warnings)


class TestOfBdlab:
    def test_its_own_sweeps_are_declared_in_its_list(self, tmp_path):
        put(tmp_path, "B2")
        (table,) = report.tables(tmp_path)
        assert table.declared == declared.IN_BDLAB

    def test_contrasts_declared_by_an_older_bdlab_count(self, tmp_path):
        put(tmp_path, "B2")
        rows = dict.fromkeys(sweeps.TABLE4.rows, "row")
        declare(tmp_path, name="table4", rows=rows, baseline="B1", contrasts=[["B2", "B1"]])
        (table,) = report.tables(tmp_path)
        assert [(v.row, v.against) for v in table.verdicts] == [("B2", "B1")]
        assert any("other contrasts in today's bdlab" in words for words in table.warnings)
