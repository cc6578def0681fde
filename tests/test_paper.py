"""The paper's tables as data: counts, a few numbers read from the print, and their provenance."""

import pytest

from bdlab import paper
from bdlab.config import from_flat
from bdlab.experiments import sweeps
from bdlab.modality import MDL_GRAPHS


def test_every_table_is_there_with_its_numbers():
    counts = {}
    for v in paper.values():
        counts[v.table] = counts.get(v.table, 0) + 1
        assert 0 < v.value < 100
        assert v.dataset in ("regdb", "sysu")
        assert v.mode in ("v2t", "all", "indoor")
        assert v.metric in ("R1", "R10", "R20", "mAP")
        assert v.assumed == (v.table in ("fig6", "fig7") and v.row != "baseline")
    assert counts["table3"] == 18
    assert counts["table4"] == 36
    assert len({(v.table, v.row, v.dataset, v.mode, v.metric) for v in paper.values()}) == len(
        paper.values()
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (("table1", "Ours", "sysu", "all", "R1"), 51.05),
        (("table1", "AlignGAN", "sysu", "indoor", "mAP"), 54.3),
        (("table2", "Hi-CMD", "regdb", "v2t", "R1"), 70.93),
        (("table3", "AGW", "sysu", "indoor", "mAP"), 62.97),
        (("table4", "B1", "regdb", "v2t", "R1"), 45.34),
        (("table4", "MDL3", "sysu", "all", "mAP"), 49.64),
        (("table4", "MDL4", "regdb", "v2t", "mAP"), 78.83),
    ],
)
def test_numbers_as_printed(key, value):
    found = paper.value(*key)
    assert found.value == value
    assert found.source == "Table " + {"1": "I", "2": "II", "3": "III", "4": "IV"}[key[0][-1]]


def test_what_is_not_printed_is_none():
    assert paper.value("table1", "Hi-CMD", "sysu", "indoor", "R1") is None


def test_figures_hold_what_a_table_gives_and_nothing_else():
    """No bar of Fig. 6 and no point of Fig. 7 is legible."""
    theirs = {
        "Table IV (B2)": ("table4", "B2"),
        "Table II (Ours)": ("table2", "Ours"),
        "Table I (Ours)": ("table1", "Ours"),
    }
    drawn = [v for v in paper.values() if v.table.startswith("fig")]
    assert len(drawn) == 14
    for v in drawn:
        table, row = theirs[v.source.replace(":", ";").partition(";")[0]]
        assert v.value == paper.value(table, row, v.dataset, v.mode, v.metric).value


class TestClaims:
    def recomputed(self, claim):
        return [round(paper.value(*a).value - paper.value(*b).value, 2) for a, b, _ in claim.checks]

    def test_every_difference_comes_to_what_is_said(self):
        for claim in paper.claims():
            assert self.recomputed(claim) == [value for _, _, value in claim.checks], claim.claim
            assert claim.holds in ("yes", "no", "in part", "cannot be checked")
        assert sum(len(claim.checks) for claim in paper.claims()) == 22

    def test_a_changed_number_is_found(self, monkeypatch):
        """The broken variant: one printed value typed wrongly."""
        import dataclasses

        wrong = [
            dataclasses.replace(v, value=64.2)
            if (v.row, v.mode, v.metric) == ("MDL3", "indoor", "mAP")
            else v
            for v in paper.values()
        ]
        monkeypatch.setattr(paper, "values", lambda: wrong)
        assert any(
            self.recomputed(claim) != [value for _, _, value in claim.checks]
            for claim in paper.claims()
        )

    def test_what_a_claim_says_is_what_its_numbers_say(self):
        """Each number that a finding names is among its checks, and a claim that holds names just
        its numbers.
        """
        import re

        for claim in paper.claims():
            said = {abs(value) for _, _, value in claim.checks}
            if claim.checks:
                named = {float(number) for number in re.findall(r"\d+\.\d\d", claim.found)} - {
                    49.92,
                    50.73,
                    49.63,
                }
                assert named <= said, claim.found
            if claim.holds == "yes":
                assert {float(number) for number in re.findall(r"\d+\.\d\d", claim.claim)} == said

    def test_the_caption_of_fig_2_holds_for_mdl3_only(self):
        """The edges at each modality: two at each in MDL3's ring, one at D_V and D_I in MDL4."""
        (claim,) = [c for c in paper.claims() if c.where.startswith("Fig. 2")]
        assert claim.holds == "in part"
        edges = {}
        for name in ("mdl3", "mdl4"):
            ends = [modality.value for pair in MDL_GRAPHS[name] for modality in pair]
            edges[name] = {m: ends.count(m) for m in ("V", "I", "DV", "DI")}
        assert edges["mdl3"] == {"V": 2, "I": 2, "DV": 2, "DI": 2}
        assert edges["mdl4"] == {"V": 2, "I": 2, "DV": 1, "DI": 1}

    def test_what_no_table_repeats_is_not_judged(self):
        """Claims on points of Figs. 6 and 7: all that is known of them is one setting each."""
        uncheckable = [c for c in paper.claims() if c.holds == "cannot be checked"]
        assert {c.where.rpartition("; ")[2] for c in uncheckable} == {"Fig. 6", "Fig. 7"}
        assert not any(c.checks for c in uncheckable)
        known = {(v.table, v.row) for v in paper.values() if v.table.startswith("fig")}
        assert len({row for table, row in known if row != "baseline"}) == len(
            {table for table, row in known}
        )

    def test_the_range_of_table_3_is_over_all_its_differences(self):
        keys = [
            (v.dataset, v.mode, v.metric)
            for v in paper.values()
            if (v.table, v.row) == ("table3", "Ours")
        ]
        gains = [
            paper.value("table3", "Ours", *k).value - paper.value("table3", "Baseline", *k).value
            for k in keys
        ]
        assert (round(min(gains), 2), round(max(gains), 2)) == (6.88, 14.88)

    def test_no_rival_of_the_tables_is_better_than_those_compared_with(self):
        for table, row, place in (
            ("table1", "AlignGAN", ("sysu", "all")),
            ("table2", "Hi-CMD", ("regdb", "v2t")),
        ):
            for metric in ("R1", "mAP"):
                rivals = {
                    v.row: v.value
                    for v in paper.values()
                    if (v.table, v.dataset, v.mode, v.metric) == (table, *place, metric)
                }
                assert (
                    max((value, name) for name, value in rivals.items() if name != "Ours")[1] == row
                )


class TestTable4:
    def test_rows_are_the_papers(self):
        assert list(sweeps.TABLE4.rows) == list(
            dict.fromkeys(v.row for v in paper.values() if v.table == "table4")
        )

    @pytest.mark.parametrize(
        ("row", "graph"),
        [
            ("B1", "none"),
            ("B2", "base"),
            ("MDL1", "mdl1"),
            ("MDL2", "mdl2"),
            ("MDL3", "mdl3"),
            ("MDL4", "mdl4"),
        ],
    )
    def test_a_row_is_its_graph_and_just_the_modalities_the_graph_needs(self, row, graph):
        config = sweeps.configure("table4", row, "paper", "regdb")
        assert config.graph == MDL_GRAPHS[graph]
        assert set(config.modalities) == {"V", "I"} | {m for pair in config.graph for m in pair}

    def test_b1_has_the_id_loss_only_and_the_others_the_papers_weights(self):
        weights = {
            row: (c.loss.alpha, c.loss.beta, c.loss.gamma)
            for row in sweeps.TABLE4.rows
            for c in [sweeps.configure("table4", row, "paper", "regdb")]
        }
        assert weights.pop("B1") == (1.0, 0.0, 0.0)
        assert set(weights.values()) == {(1.0, 1.0, 5.0)}

    def test_rows_differ_in_nothing_else(self):
        own = {key for row in sweeps.TABLE4.rows.values() for key in row.changes} | {"row"}
        flats = [
            sweeps.configure("table4", row, "demo", "synthetic-regdb").flat()
            for row in sweeps.TABLE4.rows
        ]
        assert all(
            {k: v for k, v in flat.items() if k not in own}
            == {k: v for k, v in flats[0].items() if k not in own}
            for flat in flats
        )


def test_a_term_a_row_leaves_out_stays_out():
    config = sweeps.configure("table4", "B1", "paper", "regdb", {"gamma": 2.0, "beta": 0.5})
    assert (config.loss.beta, config.loss.gamma) == (0.0, 0.0)


def test_recipes_are_above_the_paper_presets():
    assert (
        from_flat(
            sweeps.configure("table4", "MDL4", "paper", "sysu", {"gamma": 0.4}).flat()
        ).loss.gamma
        == 0.4
    )
