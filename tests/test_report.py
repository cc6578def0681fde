"""Tables from run folders: means, spreads, missing rows, the paper beside, what is never mixed, the page by itself."""

import csv
import hashlib
import io
import json
import re

import pytest

from bdlab import recipes, report, runs

from .test_runs import PRINT


def put(out, row, seed=0, r1=0.5, settings=("v2t", "t2v"), sweep="table4", data="regdb", **changes):
    """A committed cell with made-up scores (R1 = r1, everything else half of it)."""
    c = runs.Cell(recipes.configure(sweep, row, "demo", data, {"seed": seed, **changes}).flat(), PRINT)
    attempt = runs.begin(out, c)
    (attempt / "weights.pt").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    for epoch in (1, 2):
        terms = {"total": 3.0 / epoch, "id": 2.0 / epoch, "mml": 1.0, "mdl": 0.5}
        runs.append_line(attempt / "history.jsonl", {"epoch": epoch, "terms": terms, "generator": {}})
    mean = dict.fromkeys(runs.METRICS, r1 / 2) | {"R1": r1}
    provenance = {
        "fingerprint": PRINT, "weights_bytes": 7, "weights_sha256": digest,
        "identities": {"train": 206, "test": 206}, "selection": "last epoch", "feature": "bn",
        "seconds": 60.0, "bdlab": "0", "device": "cpu",
    }  # fmt: skip
    scores = {s: {"mean": mean, "std": mean, "cmc": [r1, 1.0], "trials": [mean]} for s in settings}
    runs.write_json(attempt / "result.json", {"schema": runs.SCHEMA, "params": dict(c.params), "scores": scores, "provenance": provenance})
    assert runs.commit(out, c.name, attempt)
    return out / c.name


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
        assert [row for row in table.values if table.values[row][k].best] == ["MDL4"]

    def test_the_papers_numbers_stand_beside_and_missing_rows_stay_visible(self, tmp_path):
        put(tmp_path, "B2")
        (table,) = report.tables(tmp_path)
        k = column(table, "paper RegDB v2t R1")
        assert [table.values[row][k].mean for row in table.values] == [45.34, 65.79, 79.98, 75.42, 79.21, 80.67]
        assert table.values["MDL3"][column(table, "v2t R1")].text == "-"
        assert "paper, RegDB" in report.text(table)

    def test_sysu_settings_stand_beside_sysu_columns(self, tmp_path):
        put(tmp_path, "MDL4", data="sysu", settings=("all-single", "all-multi", "indoor-single", "indoor-multi"))
        (table,) = report.tables(tmp_path)
        assert table.values["MDL4"][column(table, "paper SYSU-MM01 indoor mAP")].mean == 63.38
        assert not any("RegDB" in c.head for c in table.columns)
        assert "all-multi" in report.to_csv(table)
        assert "all-multi" in report.to_html(table)
        assert "all-multi" not in report.text(table)

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
        """B1 sets gamma to 0, so gamma is among the rows' own parameters; another gamma is another table all the same."""
        put(tmp_path, "B1")
        put(tmp_path, "B2")
        put(tmp_path, "B2", gamma=2.5)
        assert sorted((t.counts["B1"], t.counts["B2"]) for t in report.tables(tmp_path)) == [(0, 1), (1, 1)]

    def test_galleries_of_different_size_still_make_a_page(self, tmp_path):
        for seed, curve in enumerate(([0.5, 1.0], [0.2, 0.6, 1.0])):
            folder = put(tmp_path, "B2", seed)
            result = json.loads((folder / "result.json").read_text())
            result["scores"]["v2t"]["cmc"] = curve
            runs.write_json(folder / "result.json", result)
        assert report.write(tmp_path)
        assert report._mean_curve([[0.5, 1.0], [0.2, 0.6, 1.0]]).tolist() == pytest.approx([0.35, 0.8, 1.0])

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

    def test_a_sweep_of_the_users_own_at_two_settings_is_two_tables(self, tmp_path):
        file = tmp_path / "mine.yaml"
        file.write_text("name: mine\nrows: {plain: {gamma: 1.0}, strong: {gamma: 2.0}}")
        for row in ("plain", "strong"):
            for rate in (0.01, 0.02):
                put(tmp_path / "out", row, sweep=str(file), lr=rate)
        assert [table.counts for table in report.tables(tmp_path / "out")] == [{"plain": 1, "strong": 1}] * 2

    def test_an_empty_folder_says_what_to_do(self, tmp_path):
        with pytest.raises(runs.RunError, match="bdlab run table4"):
            report.tables(tmp_path)

    def test_an_invalid_cell_does_not_count(self, tmp_path):
        put(tmp_path, "B2")
        folder = put(tmp_path, "B2", 1, 0.9)
        (folder / "weights.pt").unlink()
        (table,) = report.tables(tmp_path)
        assert table.counts["B2"] == 1


class TestForms:
    @pytest.fixture
    def table(self, tmp_path):
        for row in recipes.TABLE4.rows:
            put(tmp_path, row, 0, 0.5)
            put(tmp_path, row, 1, 0.6)
        (table,) = report.tables(tmp_path)
        return table

    def test_text_is_aligned_and_says_what_it_is(self, table):
        lines = report.text(table).splitlines()
        body = [line for line in lines if re.match(r"(row|B\d|MDL\d)\b", line)]
        assert len({len(line) for line in body}) == 1
        assert "paper, RegDB v2t" in report.text(table)
        assert "55.00 ± 7.07*" in lines[5] or "55.00 ± 7.07*" in lines[6]
        assert any("a guess finds the right one first in about 0.5 %" in line for line in lines)

    def test_csv_has_fractions_for_ours_and_per_cent_as_printed_for_theirs(self, table):
        rows = list(csv.DictReader(io.StringIO(report.to_csv(table))))
        ours = next(r for r in rows if (r["row"], r["source"], r["setting"], r["metric"]) == ("MDL4", "bdlab", "v2t", "R1"))
        theirs = next(r for r in rows if (r["row"], r["source"], r["metric"]) == ("MDL4", "paper RegDB", "R1"))
        assert (ours["mean"], ours["unit"], ours["n"]) == ("0.55", "fraction", "2")
        assert (theirs["mean"], theirs["unit"]) == ("80.67", "per cent")

    def test_the_page_needs_nothing_from_outside(self, table):
        page = report.to_html(table)
        assert not re.search(r"""(src|href)=["'](?!data:)""", page)
        assert page.count("data:image/png;base64,") >= 2
        assert "80.67" in page
        assert "bdlab run table4 --data regdb --root DIR --preset demo --seeds 0,1" in page

    def test_failed_cells_are_shown_with_their_reason_and_markup_is_only_text(self, table):
        state = runs.State("table4-B2-x", "failed", "ValueError: <script>alert(1)</script>", 1, 12)
        page = report.to_html(table, [state])
        assert "&lt;script&gt;" in page
        assert "<script>" not in page

    def test_the_command_names_what_was_changed(self, tmp_path):
        put(tmp_path, "MDL4", 3, gamma=2.5)
        (table,) = report.tables(tmp_path)
        assert report.command(table).endswith("--seeds 3 --set gamma=2.5")


def test_pictures_that_are_not_at_hand_are_left_out_with_the_reason(tmp_path):
    put(tmp_path, "MDL4")
    ((table, page),) = report.write(tmp_path)
    assert any("No derivative pictures" in w for w in table.warnings)
    assert "No derivative pictures" in page.read_text()
