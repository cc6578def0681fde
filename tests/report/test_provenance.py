"""Cells of another precision, machine, version or code are never averaged or compared silently,
and every form says what differs.
"""

import csv
import io

import pytest

from bdlab import report
from bdlab.report import provenance
from tests.report.test_report import put

pytestmark = pytest.mark.usefixtures("without_figures")
FORMS = ("text", "to_html", "to_markdown", "to_latex", "to_csv")
#: (what is changed in a cell's provenance, the words of it, the value as it is shown)
CHANGES = [
    ({"precision": "bfloat16"}, "precision", "bfloat16"),
    ({"device": "NVIDIA H100 80GB HBM3"}, "device", "NVIDIA H100 80GB HBM3"),
    ({"threads": 2}, "threads", "2 (seed 1)"),
    ({"torch": "2.11.0"}, "torch", "2.11.0"),
    ({"bdlab": "0.9"}, "bdlab", "0.9"),
    ({"code": "d" * 64}, "computing code", "d" * 12),
    ({"files": {"weights": "e" * 64}}, "other files read", "weights " + "e" * 12),
]


def said(table):
    return {form: getattr(report, form)(table) for form in FORMS}


class TestMixedMeans:
    @pytest.mark.parametrize(("more", "words", "value"), CHANGES)
    def test_what_differs_within_a_mean_is_named(self, tmp_path, more, words, value):
        put(tmp_path, "B2", 0)
        put(tmp_path, "B2", 1, more=more)
        (table,) = report.tables(tmp_path)
        assert table.mixed["B2"].startswith(words)
        assert value in table.mixed["B2"]
        assert table.standing("B2") == "2 (mixed)"
        for form in ("text", "to_markdown", "to_csv", "to_latex"):
            assert value in getattr(report, form)(table), form

    def test_every_form_says_it(self, tmp_path):
        put(tmp_path, "B2", 0)
        put(tmp_path, "B2", 1, more={"precision": "bfloat16"})
        (table,) = report.tables(tmp_path)
        for form, words in said(table).items():
            assert "bfloat16" in words, form
            assert "float32 (seed 0)" in words, form

    def test_cells_alike_are_not_marked(self, tmp_path):
        """What must not happen: a warning that always stands there is read by nobody."""
        put(tmp_path, "B2", 0)
        put(tmp_path, "B2", 1, more={"git_sha": "b" * 40, "seconds": 1.0})
        (table,) = report.tables(tmp_path)
        assert (table.mixed, table.unlike, table.warnings) == ({}, {}, [])
        assert table.standing("B2") == "2"
        assert "commit aaaaaaaaaaaa / bbbbbbbbbbbb" in report.text(table)

    def test_another_picture_set_in_one_split_is_seen_and_another_split_is_not(self, tmp_path):
        put(tmp_path, "B2", 0)
        put(tmp_path, "B2", 1, more={"fingerprint": "9" * 64})
        put(tmp_path, "MDL4", 0)
        put(tmp_path, "MDL4", 0, split=2, more={"fingerprint": "9" * 64})
        (table,) = report.tables(tmp_path)
        assert list(table.mixed) == ["B2"]
        assert "pictures (data fingerprint)" in table.mixed["B2"]

    def test_code_that_was_not_kept_is_said(self, tmp_path):
        put(tmp_path, "B2", more={"code": None})
        (table,) = report.tables(tmp_path)
        for form, words in said(table).items():
            if form != "to_csv":
                assert "The computing code is unknown for 1 of 1 cells" in words, form
        line = next(csv.DictReader(io.StringIO(report.to_csv(table))))
        assert "computing code is unknown" in line["not_comparable"]

    def test_a_comparison_without_values_would_be_blind(self, tmp_path, monkeypatch):
        """The broken variant: a fact that is not compared is not seen."""
        put(tmp_path, "B2", 0)
        put(tmp_path, "B2", 1, more={"precision": "bfloat16"})
        fewer = {key: words for key, words in provenance.FACTS.items() if key != "precision"}
        monkeypatch.setattr(provenance, "FACTS", fewer)
        with pytest.raises(KeyError):
            report.text(report.tables(tmp_path)[0])


class TestUnlikePairs:
    @pytest.fixture
    def table(self, tmp_path):
        """Five pairs; the derivative row was trained on a GPU in two of them."""
        for seed in range(5):
            gpu = {"device": "H100", "precision": "bfloat16"} if seed < 2 else None
            put(tmp_path, "B2", seed, 0.3)
            put(tmp_path, "MDL4", seed, 0.4 + 0.001 * seed, more=gpu)
        (table,) = report.tables(tmp_path)
        return table

    def test_a_contrast_says_how_many_pairs_differ(self, table):
        words = table.unlike["MDL4", "B2"]
        assert "precision in 2 of 5 pairs (bfloat16 against float32)" in words
        for form, text in said(table).items():
            assert "2 of 5 pairs" in text, form
            assert form == "to_csv" or "better (unlike pairs)" in text, form
        assert "between cells of unlike provenance" in report.outcome(table)

    def test_it_is_not_set_in_bold(self, table, tmp_path):
        assert not any(value.best for value in table.values["MDL4"])
        for seed in range(5):
            put(tmp_path / "alike", "B2", seed, 0.3)
            put(tmp_path / "alike", "MDL4", seed, 0.4 + 0.001 * seed)
        (alike,) = report.tables(tmp_path / "alike")
        assert alike.value("MDL4", "v2t", "R1").best
        assert not any(value.best for value in alike.values["MDL4"][1:])

    def test_a_row_of_one_precision_against_one_of_another(self, tmp_path):
        """No mean is mixed, and every pair is."""
        for seed in range(2):
            put(tmp_path, "B2", seed)
            put(tmp_path, "MDL4", seed, more={"precision": "bfloat16"})
        (table,) = report.tables(tmp_path)
        assert table.mixed == {}
        assert "2 of 2 pairs" in table.unlike["MDL4", "B2"]


class TestLabels:
    HALVED = "identities halved by seed 1: no index files, not comparable with published trials"

    def test_an_invented_split_is_labelled_in_every_form(self, tmp_path):
        put(tmp_path, "B2", more={"data": {"split": 1, "source": self.HALVED}})
        (table,) = report.tables(tmp_path)
        for form, words in said(table).items():
            assert "no index files" in words, form

    @pytest.mark.parametrize("data", ["regdb", "sysu"])
    def test_a_part_of_a_set_is_labelled_in_every_form(self, tmp_path, data):
        setting = "v2t" if data == "regdb" else "all-single"
        test = {setting: {"draw": "seeded", "cmc": "pictures", "published_counts": False}}
        people = {"train": 30, "test": 30}
        more = {"protocols": test, "identities": people}
        put(tmp_path, "B2", settings=(setting,), data=data, more=more)
        (table,) = report.tables(tmp_path)
        name = {"regdb": "RegDB", "sysu": "SYSU-MM01"}[data]
        label = f"other counts than the published ones of {name} (30 test identities)"
        for form, words in said(table).items():
            assert label in words, form

    def test_counts_that_were_not_kept_are_said(self, tmp_path):
        put(tmp_path, "B2", more={"protocols": {}})
        (table,) = report.tables(tmp_path)
        for form, words in said(table).items():
            assert "published counts of RegDB was not kept" in words, form

    def test_the_whole_published_set_has_no_label(self, tmp_path):
        put(tmp_path, "B2")
        (table,) = report.tables(tmp_path)
        assert provenance.labels("regdb", table.columns, table.results) == []

    def test_the_draw_is_named_in_every_form(self, tmp_path):
        put(tmp_path, "B2", settings=("all-single",), data="sysu")
        (table,) = report.tables(tmp_path)
        for form, words in said(table).items():
            assert "seeded" in words, form
