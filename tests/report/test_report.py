"""Tables from run folders: means, spreads, verdicts, what is left out, the paper beside, what is
never mixed, every form.
"""

import csv
import dataclasses
import hashlib
import io
import json
import re

import pytest
from click.testing import CliRunner

from bdlab import report
from bdlab.cli import main
from bdlab.experiments import runs, sweeps
from bdlab.report import figures
from bdlab.report.words import notes
from tests.experiments.test_runs import PRINT

#: What a cell was computed by and on.
MADE_BY = {
    "bdlab": "0", "code": "c0de" * 16, "torch": "2.0", "device": "cpu", "precision": "float32",
    "threads": 1, "git_sha": "a" * 40, "git_dirty": False, "files": {},
}  # fmt: skip
TEST = {"draw": "seeded", "cmc": "pictures", "published_counts": True}


def put(
    out,
    row,
    seed=0,
    r1=0.5,
    settings=("v2t", "t2v"),
    sweep="table4",
    data="regdb",
    people=None,
    guard=None,
    more=None,
    each=None,
    **changes,
):
    """A committed cell with made-up scores (R1 = r1, everything else half of it; ``people`` the R1
    of each identity; ``more`` provenance; ``each`` the R1 of each setting).
    """
    c = runs.Cell(
        sweeps.configure(sweep, row, "demo", data, {"seed": seed, **changes}).flat(), PRINT
    )
    attempt = runs.begin(out, c)
    (attempt / "weights.pt").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    for epoch in (1, 2):
        terms = {"total": 3.0 / epoch, "id": 2.0 / epoch, "mml": 1.0, "mdl": 0.5}
        runs.append_line(
            attempt / "history.jsonl", {"epoch": epoch, "terms": terms, "generator": {}}
        )
    mean = dict.fromkeys(runs.METRICS, r1 / 2) | {"R1": r1}
    provenance = {
        "fingerprint": PRINT, "weights_bytes": 7, "weights_sha256": digest,
        "identities": {"train": 206, "test": 206}, "selection": "last epoch", "feature": "bn",
        "seconds": 60.0, **MADE_BY, "test": {"draw": "seeded"},
        "protocols": dict.fromkeys(settings, TEST),
    }  # fmt: skip
    provenance |= more or {}
    scores = {s: {"mean": mean, "std": mean, "cmc": [r1, 1.0], "trials": [mean]} for s in settings}
    for setting, value in (each or {}).items():
        if setting in scores:
            scores[setting] = scores[setting] | {"mean": mean | {"R1": value}}
    if people:
        own = {
            "ids": list(range(len(people))),
            "queries": [10] * len(people),
            "R1": people,
            "mAP": people,
        }
        scores = {s: value | {"by_identity": own} for s, value in scores.items()}
    result = {
        "schema": runs.SCHEMA,
        "params": dict(c.params),
        "scores": scores,
        "guard": guard or {},
        "provenance": provenance,
    }
    runs.write_json(attempt / "result.json", result)
    assert runs.commit(out, c.name, attempt)
    return out / c.name


def put_failed(out, row, seed=0, reason="ValueError: no", sweep="table4", data="regdb", **changes):
    """An attempt that failed."""
    c = runs.Cell(
        sweeps.configure(sweep, row, "demo", data, {"seed": seed, **changes}).flat(), PRINT
    )
    runs.fail(runs.begin(out, c), reason)
    return c.name


def column(table, head):
    return next(k for k, c in enumerate(table.columns) if c.head == head)


class TestTable:
    def test_means_spreads_and_counts(self, tmp_path):
        for seed, r1 in enumerate((0.5, 0.6, 0.7)):
            put(tmp_path, "B2", seed, r1)
        put(tmp_path, "MDL4", 0, 0.9)
        (table,) = report.tables(tmp_path)
        k = column(table, "v2t R1")
        assert table.values["B2"][k].mean == pytest.approx(60)
        assert table.values["B2"][k].sd == pytest.approx(10)
        assert table.values["MDL4"][k].sd is None
        assert table.counts == {"B1": 0, "B2": 3, "MDL1": 0, "MDL2": 0, "MDL3": 0, "MDL4": 1}
        assert not any(table.values[row][k].best for row in table.values), "one pair says nothing"

    def test_the_papers_numbers_stand_beside_and_missing_rows_stay_visible(self, tmp_path):
        put(tmp_path, "B2")
        (table,) = report.tables(tmp_path)
        k = column(table, "paper RegDB v2t R1")
        assert [table.values[row][k].mean for row in table.values] == [
            45.34,
            65.79,
            79.98,
            75.42,
            79.21,
            80.67,
        ]
        assert table.values["MDL3"][column(table, "v2t R1")].text == "-"
        assert "paper, RegDB" in report.text(table)

    def test_sysu_settings_stand_beside_sysu_columns(self, tmp_path):
        put(
            tmp_path,
            "MDL4",
            data="sysu",
            settings=("all-single", "all-multi", "indoor-single", "indoor-multi"),
        )
        (table,) = report.tables(tmp_path)
        assert table.values["MDL4"][column(table, "paper SYSU-MM01 indoor mAP")].mean == 63.38
        assert not any("RegDB" in c.head for c in table.columns)
        assert "all-multi" in report.to_csv(table)
        assert "all-multi" in report.to_html(table)
        assert "all-multi" not in report.text(table)

    @pytest.mark.slow
    def test_what_differs_is_never_averaged(self, tmp_path):
        put(tmp_path, "B2", 0, 0.5)
        put(tmp_path, "B2", 1, 0.7, lr=0.02)
        put(tmp_path, "B2", 0, 0.3, data="synthetic-regdb")
        put(tmp_path, "B2", 0, 0.2, data="synthetic-regdb", channel_gap=0.9)
        found = report.tables(tmp_path)
        assert len(found) == 4
        assert all(table.counts["B2"] == 1 for table in found)
        assert len({page for _, page in report.write(tmp_path)}) == 4

    def test_a_weight_that_one_row_sets_itself_still_parts_the_tables(self, tmp_path):
        """B1 sets gamma to 0, so gamma is among the rows' own parameters; another gamma is another
        table all the same.
        """
        put(tmp_path, "B1")
        put(tmp_path, "B2")
        put(tmp_path, "B2", gamma=2.5)
        assert sorted((t.counts["B1"], t.counts["B2"]) for t in report.tables(tmp_path)) == [
            (0, 1),
            (1, 1),
        ]

    def test_galleries_of_different_size_still_make_a_page(self, tmp_path):
        for seed, curve in enumerate(([0.5, 1.0], [0.2, 0.6, 1.0])):
            folder = put(tmp_path, "B2", seed)
            result = json.loads((folder / "result.json").read_text())
            result["scores"]["v2t"]["cmc"] = curve
            runs.write_json(folder / "result.json", result)
        assert report.write(tmp_path)
        assert figures.mean_curve([[0.5, 1.0], [0.2, 0.6, 1.0]]).tolist() == pytest.approx(
            [0.35, 0.8, 1.0]
        )

    def test_a_row_of_its_own_weights_stays_in_the_table(self, tmp_path):
        put(tmp_path, "B1")
        put(tmp_path, "MDL4")
        (table,) = report.tables(tmp_path)
        assert (table.counts["B1"], table.counts["MDL4"]) == (1, 1)

    def test_a_sweep_of_the_users_own(self, tmp_path):
        file = tmp_path / "mine.yaml"
        file.write_text("name: mine\nrows: {plain: {gamma: 1.0}, strong: {gamma: 2.0}}")
        for row in ("plain", "strong"):
            put(tmp_path / "out", row, sweep=str(file))
        (table,) = report.tables(tmp_path / "out")
        assert table.counts == {"plain": 1, "strong": 1}
        assert not any(c.paper for c in table.columns)
        assert "Which row is the baseline is not kept" in table.warnings[0]

    def test_a_users_sweep_declares_its_baseline(self, tmp_path):
        file = tmp_path / "mine.yaml"
        file.write_text(
            "name: mine\ntitle: My own\nbaseline: weak\n"
            "rows: {strong: {gamma: 2.0}, weak: {gamma: 1.0}}"
        )
        for row in ("weak", "strong"):
            put(tmp_path / "out", row, sweep=str(file))
        (table,) = report.tables(tmp_path / "out", [sweeps.sweep(str(file))])
        assert [(v.row, v.against) for v in table.verdicts] == [("strong", "weak")]
        assert table.warnings == []
        assert "not declared before the runs" in report.text(table)
        assert "My own, on regdb" in report.text(table)
        put(tmp_path / "out", "B2")
        done = CliRunner().invoke(main, ["report", str(tmp_path / "out"), "--sweep", str(file)])
        assert "strong against weak" in done.output
        assert "Table IV" not in done.output
        assert "mine-regdb-demo.csv, mine-regdb-demo.md, mine-regdb-demo.tex" in done.output

    def test_a_sweep_of_the_users_own_at_two_settings_is_two_tables(self, tmp_path):
        file = tmp_path / "mine.yaml"
        file.write_text("name: mine\nrows: {plain: {gamma: 1.0}, strong: {gamma: 2.0}}")
        for row in ("plain", "strong"):
            for rate in (0.01, 0.02):
                put(tmp_path / "out", row, sweep=str(file), lr=rate)
        assert [table.counts for table in report.tables(tmp_path / "out")] == [
            {"plain": 1, "strong": 1}
        ] * 2

    def test_what_has_not_run_is_not_called_undecided(self, tmp_path):
        for seed in range(6):
            put(tmp_path, "B2", seed, 0.5 + seed / 100)
            put(tmp_path, "MDL4", seed, 0.6 + seed / 90)
        put(tmp_path, "MDL3", 0, 0.6)
        (table,) = report.tables(tmp_path)
        said = report.outcome(table)
        assert said.startswith("MDL4 is better than B2 by 10.3 points")
        assert "too few seeds yet for MDL3 against B2" in said
        assert "not run yet: B1, MDL1, MDL2 against B2" in said

    def test_not_shown_is_explained_where_it_stands(self, tmp_path):
        for seed in range(6):
            put(tmp_path / "sure", "B2", seed, 0.5 + seed / 100)
            put(tmp_path / "sure", "MDL4", seed, 0.6 + seed / 90)
            put(tmp_path / "open", "B2", seed, 0.5 + seed / 100)
            put(tmp_path / "open", "MDL4", seed, 0.55 - seed / 100)
        for name, explained in (("sure", False), ("open", True)):
            (table,) = report.tables(tmp_path / name)
            assert ("does not mean equal" in report.text(table)) is explained, name

    def test_an_empty_folder_says_what_to_do(self, tmp_path):
        with pytest.raises(runs.RunError, match="bdlab run table4"):
            report.tables(tmp_path)

    def test_an_invalid_cell_does_not_count(self, tmp_path):
        put(tmp_path, "B2")
        folder = put(tmp_path, "B2", 1, 0.9)
        (folder / "weights.pt").unlink()
        (table,) = report.tables(tmp_path)
        assert table.counts["B2"] == 1
        (left,) = table.left_out
        assert (left.name, left.word, left.why) == (folder.name, "invalid", "weights.pt is missing")
        assert table.standing("B2") == "1 (1 invalid)"

    def test_what_the_guard_found_is_said(self, tmp_path):
        put(tmp_path, "B2", 0, guard={"collapse": "Collapsed to a point: words."})
        put(tmp_path, "B2", 1)
        (table,) = report.tables(tmp_path)
        assert table.warnings == [
            "collapse, in 1 of 2 cells (B2). The first: Collapsed to a point: words."
        ]


@pytest.mark.usefixtures("without_figures")
class TestVerdicts:
    GAINS = {"MDL4": (0.1, 0.11, 0.1, 0.09, 0.1), "MDL1": (0.1, -0.1, 0.05, -0.06, 0.02)}

    @pytest.fixture
    def table(self, tmp_path):
        for seed in range(5):
            put(tmp_path, "B2", seed, 0.3 + 0.01 * seed)
            for row, gains in self.GAINS.items():
                put(tmp_path, row, seed, 0.3 + 0.01 * seed + gains[seed])
        put(tmp_path, "MDL2", 0, 0.9)
        (table,) = report.tables(tmp_path)
        return table

    def test_each_row_is_held_against_the_baseline_by_seed(self, table):
        words = {v.row: v.word for v in table.verdicts}
        assert words == {
            "B1": "too few seeds",
            "MDL1": "not shown",
            "MDL2": "too few seeds",
            "MDL3": "too few seeds",
            "MDL4": "better",
        }
        assert {v.against for v in table.verdicts} == {"B2"}
        (mine,) = table.of("MDL4")
        assert mine.difference == pytest.approx(10)
        assert mine.pairs == pytest.approx([100 * g for g in self.GAINS["MDL4"]])
        assert table.primary.head == "v2t R1"

    def test_every_form_says_difference_interval_pairs_and_word(self, table):
        interval = "[+9.12, +10.88]"
        said = {
            form: getattr(report, form)(table)
            for form in ("text", "to_html", "to_markdown", "to_latex")
        }
        for form, words in said.items():
            for part in (
                "+10.00",
                interval,
                "better",
                "not shown (seen from ",
                "too few seeds",
                "Holm",
                "Last epoch",
            ):
                # LaTeX sets plus and minus as signs of mathematics
                assert part in words.replace("$", ""), (form, part)
        lines = list(csv.DictReader(io.StringIO(report.to_csv(table))))
        line = next(
            r
            for r in lines
            if (r["row"], r["setting"], r["metric"], r["source"]) == ("MDL4", "v2t", "R1", "bdlab")
        )
        assert (line["against"], line["difference"], line["pairs"], line["verdict"]) == (
            "B2",
            "0.1",
            "5",
            "better",
        )
        assert [float(line[k]) for k in ("low", "high")] == pytest.approx(
            [0.0912, 0.1088], abs=1e-4
        )
        assert sum(bool(r["verdict"]) for r in lines) == 5

    def test_splits_are_the_unit_where_there_are_several(self, tmp_path):
        for split in range(1, 6):
            for seed in (0, 1):
                put(tmp_path, "B2", seed, 0.3, split=split)
                put(tmp_path, "MDL4", seed, 0.4 + 0.01 * split, split=split)
        (table,) = report.tables(tmp_path)
        (mine,) = table.of("MDL4")
        assert (mine.n, mine.unit) == (5, "splits")
        # t of 4 degrees, variance of 1..5 per cent, Nadeau and Bengio
        half = 2.7764451 * ((1 / 5 + 1) * 2.5) ** 0.5
        assert (mine.low, mine.high) == pytest.approx((13 - half, 13 + half))
        assert "Nadeau and Bengio" in report.text(table)
        assert "95 % over splits" in report.to_html(table)

    def test_contrasts_may_be_declared(self, tmp_path, monkeypatch):
        own = dataclasses.replace(sweeps.TABLE4, contrasts=(("MDL4", "MDL3"), ("MDL4", "B2")))
        monkeypatch.setitem(sweeps.SWEEPS, "table4", own)
        for row in ("B2", "MDL3", "MDL4"):
            put(tmp_path, row)
        (table,) = report.tables(tmp_path)
        assert [(v.row, v.against) for v in table.of("MDL4")] == [("MDL4", "MDL3"), ("MDL4", "B2")]
        assert "MDL3<br>B2" in report.to_markdown(table)

    def test_other_people_are_another_question(self, tmp_path):
        for seed in range(2):
            put(tmp_path, "B2", seed, 0.5, people=[0.2, 0.8, 0.5])
            put(tmp_path, "MDL4", seed, 0.6, people=[0.9, 0.2, 0.7])
        (table,) = report.tables(tmp_path)
        mean, low, high = table.people["MDL4", "B2"]
        assert mean == pytest.approx(10)
        assert low == pytest.approx(-60)
        assert high == pytest.approx(70)
        assert "95 % over people" in report.to_html(table)
        assert "[-60.00, +70.00]" in report.to_html(table)
        for form in (report.text, report.to_markdown, report.to_latex):
            assert "MDL4 against B2 -60.00 to +70.00" in form(table).replace("$-$", "-"), form


@pytest.mark.usefixtures("without_figures")
class TestLeftOut:
    def test_failed_and_missing_cells_stand_in_the_table_with_the_reason(self, tmp_path):
        for seed in range(3):
            put(tmp_path, "B2", seed)
        put(tmp_path, "MDL4", 0)
        name = put_failed(tmp_path, "MDL4", 1, "OutOfMemoryError: too large")
        (table,) = report.tables(tmp_path)
        assert table.standing("B2") == "3"
        assert table.standing("MDL4") == "1 (1 failed, 1 missing)"
        assert table.standing("B1") == "0 (3 missing)"
        for form in ("text", "to_html", "to_markdown", "to_latex", "to_csv"):
            assert "1 failed, 1 missing" in getattr(report, form)(table), form
        for form in ("text", "to_html"):
            assert name in getattr(report, form)(table)
            assert "OutOfMemoryError: too large" in getattr(report, form)(table)

    def test_a_failed_cell_of_another_table_is_not_this_ones(self, tmp_path):
        put(tmp_path, "B2")
        put_failed(tmp_path, "B2", 1, data="sysu")
        put_failed(tmp_path, "B2", 1, gamma=2.0)
        (table,) = report.tables(tmp_path)
        assert table.left_out == []
        assert "No run of this table was left out." in report.to_html(table)

    def test_the_older_of_two_results_is_left_out_by_name(self, tmp_path, monkeypatch):
        import os

        old = put(tmp_path, "B2", 0, 0.9)
        monkeypatch.setitem(globals(), "PRINT", "another set of pictures")
        new = put(tmp_path, "B2", 0, 0.1)
        os.utime(old, (1, 1))
        (table,) = report.tables(tmp_path)
        assert table.cells["B2"][0][0] == new
        assert [(x.name, x.word) for x in table.left_out] == [(old.name, "superseded")]
        assert table.standing("B2") == "1"
        assert "they differ in data fingerprint" in table.left_out[0].why
        assert "B2: 1 older results" in report.text(table)
        assert old.name in report.to_html(table)

    def test_a_damaged_cell_that_was_set_aside_is_remembered(self, tmp_path):
        put(tmp_path, "B2")
        folder = put(tmp_path, "B2", 1)
        runs.set_aside(tmp_path, folder.name, "weights.pt is damaged")
        (table,) = report.tables(tmp_path)
        assert table.left_out[0].why == "set aside: weights.pt is damaged"


@pytest.mark.usefixtures("without_figures")
class TestPrintedRows:
    @pytest.fixture
    def table(self, tmp_path, monkeypatch):
        """Table II with one trained row of its own name and one that the paper does not have."""
        sweep = sweeps.Sweep(
            "table2",
            "Table II",
            {"base": sweeps.Row("base", {}), "Ours": sweeps.Row("ours", {})},
            "base",
        )
        monkeypatch.setitem(sweeps.SWEEPS, "table2", sweep)
        put(tmp_path, "Ours", sweep="table2")
        put(tmp_path, "base", sweep="table2")
        (table,) = report.tables(tmp_path)
        return table

    def test_methods_not_trained_stand_with_the_papers_numbers(self, table):
        assert "Hi-CMD" in table.printed
        assert "Ours" not in table.printed
        k = next(k for k, c in enumerate(table.columns) if c.head == "paper RegDB v2t R1")
        assert table.values["Hi-CMD"][k].mean == 70.93
        assert table.values["Ours"][k].mean == 80.67
        assert table.values["base"][k].text == "-"
        assert table.values["Hi-CMD"][0].text == "-"
        assert not any(v.best for v in table.values["Hi-CMD"])
        assert "Hi-CMD" not in {v.row for v in table.verdicts}

    def test_they_are_greyed_in_every_form(self, table):
        assert re.search(r"<tr class=printed><td>Hi-CMD</td>", report.to_html(table))
        assert r"\textcolor{gray}{Hi-CMD}" in report.to_latex(table)
        assert "| *Hi-CMD* |" in report.to_markdown(table)
        assert "Hi-CMD" in report.text(table)
        assert "these methods are not trained here" in report.text(table)

    def test_rank_10_and_20_are_in_the_page_and_the_csv(self, table):
        assert "v2t R10" in {c.head for c in table.columns}
        assert "86.39" in report.to_html(table)
        assert "86.39" in report.to_csv(table)
        assert "R10" not in report.text(table)


@pytest.mark.usefixtures("without_figures")
class TestForms:
    @pytest.fixture
    def table(self, tmp_path):
        for row in sweeps.TABLE4.rows:
            put(tmp_path, row, 0, 0.5)
            put(tmp_path, row, 1, 0.6)
        (table,) = report.tables(tmp_path)
        return table

    def test_text_is_aligned_and_says_what_it_is(self, table):
        lines = report.text(table).splitlines()
        body = [line for line in lines if re.match(r"(row|B\d|MDL\d) +(?!against)", line)]
        assert len({len(line) for line in body}) == 1
        assert "paper, RegDB v2t" in report.text(table)
        assert sum("55.00 ± 7.07" in line for line in lines) == 6
        assert any("a guess finds the right one first in about 0.5 %" in line for line in lines)

    def test_csv_has_fractions_for_ours_and_per_cent_as_printed_for_theirs(self, table):
        rows = list(csv.DictReader(io.StringIO(report.to_csv(table))))
        ours = next(
            r
            for r in rows
            if (r["row"], r["source"], r["setting"], r["metric"]) == ("MDL4", "bdlab", "v2t", "R1")
        )
        theirs = next(
            r for r in rows if (r["row"], r["source"], r["metric"]) == ("MDL4", "paper RegDB", "R1")
        )
        assert (ours["mean"], ours["unit"], ours["n"]) == ("0.55", "fraction", "2")
        assert (theirs["mean"], theirs["unit"]) == ("80.67", "per cent")

    def test_markup_in_a_reason_is_only_text(self, tmp_path):
        put(tmp_path, "B2")
        put_failed(tmp_path, "B2", 1, "ValueError: <script>alert(1)</script>")
        (table,) = report.tables(tmp_path)
        page = report.to_html(table)
        assert "&lt;script&gt;" in page
        assert "<script>" not in page

    def test_markdown_lines_have_equal_columns(self, table):
        lines = [line for line in report.to_markdown(table).splitlines() if line.startswith("|")]
        assert len(lines) == 2 + 6
        assert len({line.count("|") for line in lines}) == 1

    def test_write_leaves_all_forms_beside_each_other(self, tmp_path):
        put(tmp_path, "MDL4")
        ((_, page),) = report.write(tmp_path)
        assert {p.suffix for p in page.parent.iterdir()} == {".html", ".csv", ".md", ".tex"}
        assert all(p.stem == page.stem for p in page.parent.iterdir())

    def test_a_row_that_multiplies_a_change_stands_with_the_others(self, tmp_path):
        """`--set steps=10` makes 20 of them in B2-steps, and gamma threefold in B2-weight."""
        for row in ("Ours", "B2-steps", "B2-weight"):
            put(tmp_path, row, sweep="controls", steps=10, gamma=2.0)
        (table,) = report.tables(tmp_path)
        assert table.changes == {"steps": 10, "gamma": 2.0}
        assert sum(map(bool, table.cells.values())) == 3

    def test_the_command_names_what_was_changed(self, tmp_path):
        put(tmp_path, "MDL4", 3, gamma=2.5)
        (table,) = report.tables(tmp_path)
        assert report.command(table).endswith("--seeds 3 --set gamma=2.5")


def test_pictures_that_are_not_at_hand_are_left_out_with_the_reason(tmp_path):
    put(tmp_path, "MDL4")
    ((table, page),) = report.write(tmp_path)
    assert any("No pictures of people" in w for w in table.warnings)
    for ending in (".html", ".md", ".tex"):
        assert "No pictures of people" in page.with_suffix(ending).read_text()


def test_the_page_needs_nothing_from_outside(tmp_path):
    for row in ("B2", "MDL4"):
        put(tmp_path, row, 0, 0.5)
        put(tmp_path, row, 1, 0.6)
    (table,) = report.tables(tmp_path)
    page = report.to_html(table)
    assert not re.search(r"""src=["'](?!data:)|href=""", page)
    assert page.count("data:image/png;base64,") >= 4
    assert "80.67" in page
    assert "bdlab run table4 --data regdb --root DIR --preset demo --seeds 0,1" in page


class TestCorruptedPictures:
    """Settings as ``v2t@mixed`` stand beside the clean ones and are never averaged with them."""

    TESTS = ("v2t", "t2v", "v2t@mixed", "t2v@mixed", "v2t@noise", "t2v@noise", "v2t@mixed-5")

    def table(self, out, settings=TESTS):
        for row in ("B2", "MDL4"):
            for seed in range(5):
                stressed = dict.fromkeys(settings, 0.3 + 0.01 * seed)
                r1 = stressed | {"v2t": 0.6, "v2t@mixed": 0.2 + 0.01 * seed + 0.2 * (row == "MDL4")}
                put(out, row, seed, 0.5, settings, sweep="corruption", each=r1)
        (table,) = report.tables(out)
        return table

    def test_columns(self, tmp_path):
        table = self.table(tmp_path)
        shown = [c.setting for c in table.columns if c.metric == "R1" and not c.aside]
        assert shown == ["v2t", "t2v", "v2t@mixed", "v2t@noise"]
        assert table.value("B2", "v2t", "R1").mean == pytest.approx(60)
        assert table.value("B2", "v2t@mixed", "R1").mean == pytest.approx(22)
        assert "v2t@mixed-5" in report.to_csv(table)
        assert "in the manner of SYSU-MM01-C and RegDB-C" in report.text(table)

    def test_verdicts_are_about_what_the_sweep_declares(self, tmp_path):
        table = self.table(tmp_path)
        assert table.primary.setting == "v2t@mixed"
        (verdict,) = table.verdicts
        assert verdict.difference == pytest.approx(20)

    def test_without_such_tests_they_are_about_the_clean_one(self, tmp_path):
        table = self.table(tmp_path, ("v2t", "t2v"))
        assert table.primary.setting == "v2t"
        assert "in the manner of" not in " ".join(notes(table))

    def test_another_sweep_with_corrupted_tests_is_judged_clean(self, tmp_path):
        put(tmp_path, "B2", 0, 0.5, self.TESTS, corruption="mixed noise mixed-5")
        (table,) = report.tables(tmp_path)
        assert table.primary.setting == "v2t"
        assert table.changes == {"corruption": "mixed noise mixed-5"}

    def test_a_test_that_a_cell_lacks_is_not_shown(self, tmp_path):
        put(tmp_path, "B2", 0, 0.5, self.TESTS, sweep="corruption")
        put(tmp_path, "MDL4", 0, 0.5, ("v2t", "t2v"), sweep="corruption")
        (table,) = report.tables(tmp_path)
        assert not [c for c in table.columns if "@" in c.setting]

    def test_a_figure_shows_them(self, tmp_path):
        ((title, _, figure),) = figures.stressed(self.table(tmp_path))
        assert title == "Under corruption"
        labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
        assert labels == ["clean", "mixed", "noise", "mixed-5"]
        heights = [bar.get_height() for bar in figure.axes[0].containers[0]]
        assert heights[:2] == pytest.approx([60, 22])
        (tmp_path / "plain").mkdir()
        assert figures.stressed(self.table(tmp_path / "plain", ("v2t", "t2v"))) == []
