"""Sweeps by name and from YAML: cells, order, every way to get a file wrong; and every row
trains.
"""

import dataclasses
import json

import pytest
import torch
import yaml

from bdlab import paper
from bdlab.config import ConfigError
from bdlab.experiments import sweeps
from bdlab.training import loop
from bdlab.training import setup as setups

MINE = """
name: mine
title: My own ablation
baseline: plain
rows:
  plain: {modalities: V I, pairs: V-I}
  grey: {modalities: V I DV, pairs: V-I I-DV, gamma: 2.0, margin_cross: 0.7}
"""


def test_cells_are_rows_times_splits_times_seeds_and_the_slowest_come_first():
    found = sweeps.configs("table4", "regdb", "demo", seeds=(0, 1), splits=(1, 2, 3))
    assert len(found) == 6 * 2 * 3
    assert len({(c.run.row, c.data.split, c.run.seed) for c in found}) == len(found)
    assert [len(c.modalities) for c in found] == sorted(
        (len(c.modalities) for c in found), reverse=True
    )


def test_a_sweep_of_ones_own(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)
    sweep = sweeps.sweep(str(file))
    assert (sweep.name, sweep.baseline, list(sweep.rows)) == ("mine", "plain", ["plain", "grey"])
    config = sweeps.configure(str(file), "grey", "demo", "folder")
    assert (config.run.sweep, config.run.row, config.loss.gamma, config.loss.margin_cross) == (
        "mine",
        "grey",
        2.0,
        0.7,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rows: [a, b]", "needs `rows`"),
        ("name: x", "needs `rows`"),
        ("- 1", "needs `rows`"),
        ("rows: {a: 5}", "needs `rows`"),
        ("rows: {a: {}}\nbaseline: b", "the baseline 'b' is not one of the rows"),
        ("rows: {a: {}}\ncontrasts: [[a, b]]", "pairs of rows are meant"),
        ("rows: {a: {}}\ncontrasts: {a: a}", "pairs of rows are meant"),
        ("rows: {a: {}}\ncontrasts: [a]", "pairs of rows are meant"),
        ("rows: {a: {}}\nname: all", "'all' is taken"),
        ("rows: {a: {}}\nsteps: 5", "unknown entry 'steps'"),
        ("rows: {a: {}}\n7: 8", "unknown entry '7'"),
        ("rows: {a: {}}\nname: table4", "'table4' is taken"),
        ("rows: {a: {}}\nname: ../../up", "not plain"),
        ("rows: {a: [", "cannot be read"),
        ("a: !!python/object/apply:os.getcwd []", "cannot be read"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path, text, said):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        sweeps.sweep(str(file))
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "rows:\n  A: {gamma: 1.0}\n  B: {gamma: 2.0}\n  A: {gamma: 3.0}",
            r":4: .*'A' stands twice, first in line 2",
        ),
        ("rows:\n  A:\n    gamma: 1.0\n    gamma: 2.0", r":4: .*'gamma' stands twice"),
        ("rows: {A: {}}\ntitle: a\ntitle: b", r":3: .*'title' stands twice"),
        ("rows:\n  A: {}\n  B: {gama: 1.0}", r":3: row B: .*did you mean 'gamma'"),
        ("rows:\n  A: {}\n  B: {lr: 1e-3}", r":3: row B: lr = '1e-3' is a str"),
        ("rows:\n  A: {}\n  B: 5", r":3: row B: 5"),
        ("title: t\nrows: {A: {}}\nbaseline: C", r":3: the baseline 'C'"),
        ("title: t\nrows:\n - [", r":\d: the sweep cannot be read"),
        ("rows: {A: {modalities: V I, pairs: V-DI}}", r"row A: the pair V-DI needs DI"),
        *(
            (f"rows:\n  A: {{{name}: 1}}", f":2: row A: {name} is set by its own")
            for name in sweeps.RESERVED
        ),
    ],
)
def test_faults_name_file_line_and_row(tmp_path, text, said):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=rf"mine\.yaml{said}|mine\.yaml: {said}"):
        sweeps.configs(str(file), "folder", "smoke")


def test_yaml_alone_lets_a_row_vanish():
    """The broken variant."""
    rows = yaml.safe_load("rows:\n  A: {gamma: 1.0}\n  A: {gamma: 3.0}")["rows"]
    assert rows == {"A": {"gamma": 3.0}}


@pytest.mark.parametrize("name", sweeps.RESERVED)
def test_reserved_names_are_refused_by_every_way_in(name):
    """A smoke network titled "paper", a foreign row in Table IV."""
    with pytest.raises(ConfigError, match=f"^{name} is set by its own option"):
        sweeps.configs("table4", "folder", "smoke", changes={name: "x"})
    if name not in sweeps.PLACE:
        with pytest.raises(ConfigError, match=f"^{name} is set by its own option"):
            sweeps.configure("table4", "B1", "smoke", "folder", {name: "x"})


def test_a_wrong_parameter_in_a_row_is_found_before_anything_runs(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("rows: {a: {gama: 1.0}}")
    with pytest.raises(ConfigError, match="did you mean 'gamma'"):
        sweeps.configs(str(file), "folder")
    file.write_text("rows: {a: {lr: 1e-3}}")
    with pytest.raises(ConfigError, match="YAML reads 1e-3 as text"):
        sweeps.configs(str(file), "folder")


def test_unknown_names_say_what_there_is():
    with pytest.raises(ConfigError, match="did you mean table4"):
        sweeps.sweep("tabel4")
    with pytest.raises(ConfigError, match="unknown row 'B3' of table4: choose one of B1, B2"):
        sweeps.configure("table4", "B3", "demo", "regdb")
    with pytest.raises(ConfigError, match="there is no such file"):
        sweeps.sweep("absent.yaml")


def test_contrasts_are_each_row_against_the_baseline_unless_declared(tmp_path):
    assert sweeps.sweep("table4").contrasts == tuple(
        (row, "B2") for row in ("B1", "MDL1", "MDL2", "MDL3", "MDL4")
    )
    assert ("Ours", "AGW") in sweeps.sweep("table3").contrasts
    file = tmp_path / "mine.yaml"
    file.write_text(MINE + "contrasts: [[grey, plain]]\n")
    assert sweeps.sweep(str(file)).contrasts == (("grey", "plain"),)
    for chosen in sweeps.SWEEPS.values():
        assert chosen.baseline in chosen.rows
        assert chosen.contrasts
        assert all({*pair} <= chosen.rows.keys() for pair in chosen.contrasts)


class TestThePapersTables:
    @pytest.mark.parametrize("name", ["table1", "table2", "table3", "table4", "fig6", "fig7"])
    def test_rows_have_the_papers_names_or_say_that_it_has_none(self, name):
        printed = {v.row for v in paper.values() if v.table == name}
        for row, about in sweeps.sweep(name).rows.items():
            assert (
                row in printed or "not in the paper" in about.title or "legible" in about.title
            ), row
            assert not (row in printed and "not in the paper" in about.title), row

    def test_each_belongs_to_its_data(self):
        on = {s.name: s.data for s in sweeps.SWEEPS.values()}
        assert (on["table1"], on["fig7"], on["table2"], on["fig6"]) == (
            ("sysu",),
            ("sysu",),
            ("regdb",),
            ("regdb",),
        )
        for name, protocols in on.items():
            assert {v.dataset for v in paper.values() if v.table == name} <= set(protocols)

    def test_fig_6_is_four_proportions_with_the_papers_own(self):
        rows = {
            row: sweeps.configure("fig6", row, "paper", "regdb").loss
            for row in sweeps.sweep("fig6").rows
            if row != "baseline"
        }
        assert {
            row: f"{loss.alpha:g}:{loss.beta:g}:{loss.gamma:g}" for row, loss in rows.items()
        } == {row: row for row in rows}
        assert set(rows) == {"1:1:1", "1:1:3", "2:1:5", "1:1:5"}
        titles = {row: about.title for row, about in sweeps.sweep("fig6").rows.items()}
        assert [row for row in rows if "assumed" in titles[row]] == ["1:1:1", "1:1:3"]

    def test_fig_7_is_six_weights_and_every_one_is_marked_assumed(self):
        rows = {row: about for row, about in sweeps.sweep("fig7").rows.items() if row != "baseline"}
        found = {row: sweeps.configure("fig7", row, "paper", "sysu") for row in rows}
        assert {row: c.loss.gamma for row, c in found.items()} == {
            row: float(row) for row in ("0.2", "0.4", "0.6", "0.8", "1.0", "1.2")
        }
        assert all("assumed" in about.title for about in rows.values())
        assert {c.optim.epochs for c in found.values()} == {80}

    def test_ours_is_one_configuration_in_every_sweep(self):
        def flat(name, row):
            found = sweeps.configure(name, row, "paper", "regdb").flat()
            return {key: value for key, value in found.items() if key not in ("sweep", "row")}

        ours = flat("table4", "MDL4")
        for name, row in (
            ("table2", "Ours"),
            ("table3", "Ours"),
            ("fig6", "1:1:5"),
            ("readings", "Ours"),
            ("families", "base-derivative"),
        ):
            assert flat(name, row) == ours
        for name, row in (
            ("table3", "Baseline"),
            ("fig6", "baseline"),
            ("families", "two-stream"),
            ("controls", "B2"),
        ):
            assert flat(name, row) == flat("table4", "B2")

    @pytest.mark.parametrize(("data", "epochs"), [("regdb", 60), ("sysu", 80)])
    def test_at_the_paper_preset_every_row_has_the_papers_protocol(self, data, epochs):
        of_real_sets = [name for name, chosen in sweeps.SWEEPS.items() if not chosen.rendered]
        for name in of_real_sets:
            for config in sweeps.configs(name, data, "paper"):
                assert (config.optim.epochs, config.optim.lr) == (
                    epochs,
                    0.1 if config.run.row == "lr-ten-times" else 0.01,
                )
                # what a row is made of is its own affair
                changed = sweeps.SWEEPS[name].rows[config.run.row].changes
                assert config.model.backbone == changed.get("backbone", "resnet50")
                assert (config.data.height, config.data.width) == (288, 144)


class TestReadingsAndControls:
    @pytest.mark.parametrize("name", ["readings", "controls"])
    @pytest.mark.parametrize("preset", ["paper", "demo"])
    def test_every_row_differs_from_ours_in_what_it_says(self, name, preset):
        flats = {
            row: sweeps.configure(name, row, preset, "synthetic-regdb").flat()
            for row in sweeps.sweep(name).rows
        }
        ours = flats.pop("Ours")
        changed = {
            row: {key for key in ours if flat[key] != ours[key]} - {"row"}
            for row, flat in flats.items()
        }
        assert all(changed.values())
        assert len(
            {json.dumps([flats[row][key] for key in sorted(ours) if key != "row"]) for row in flats}
        ) == len(flats)
        if name == "readings" and preset == "paper":
            assert {row: changed[row] for row in changed if row.startswith("lr")} == {
                "lr-everywhere": {"groups"},
                "lr-ten-times": {"lr"},
            }

    @pytest.mark.parametrize("preset", ["paper", "demo", "smoke"])
    @pytest.mark.parametrize("data", ["regdb", "sysu"])
    def test_b2_sees_as_many_pictures_as_ours(self, preset, data):
        """In a step, or in all: for a rule that counts batches and for a fixed number of steps."""
        pictures = {"regdb": (2060, 2060), "sysu": (22258, 11909)}[data]
        step, whole, updates = {}, {}, {}
        for row in ("Ours", "B2", "B2-batch", "B2-steps"):
            config = sweeps.configure("controls", row, preset, data)
            setup = setups.Setup(config, None, None, _Counted(*pictures), None, None, None, None)
            step[row] = len(config.modalities) * config.data.identities * config.data.shots
            updates[row] = setup.steps
            whole[row] = step[row] * setup.steps
        assert step["B2-batch"] == step["Ours"] == 2 * step["B2"] == 2 * step["B2-steps"]
        assert updates["B2-batch"] == updates["Ours"] == updates["B2"]
        assert whole["B2-steps"] == whole["Ours"] == 2 * whole["B2"]

    def test_times_multiply_what_is_set(self):
        assert (
            sweeps.configure(
                "controls", "B2-steps", "demo", "synthetic-regdb", {"steps": 10}
            ).optim.steps
            == 20
        )
        weighed = [
            sweeps.configure("controls", row, "paper", "regdb") for row in ("B2-weight", "Ours")
        ]
        assert (
            weighed[0].loss.gamma * len(weighed[0].graph)
            == weighed[1].loss.gamma * len(weighed[1].graph)
            == 15
        )


def differing(sweep, row, other, preset="demo"):
    """The parameters in which two rows differ."""
    flats = [
        sweeps.configure(sweep, name, preset, "synthetic-regdb").flat() for name in (row, other)
    ]
    return {key for key in flats[0] if flats[0][key] != flats[1][key]} - {"row"}


class TestDials:
    def test_each_contrast_is_mdl4_against_b2_on_the_same_people(self):
        contrasts = sweeps.sweep("dials").contrasts
        assert len(contrasts) == 6
        for row, against in contrasts:
            assert (row[:4], against[:2]) == ("MDL4", "B2")
            assert differing("dials", row, against) == {"modalities", "pairs"}

    def test_rows_have_the_dials_of_their_names(self):
        for row in sweeps.sweep("dials").rows:
            data = sweeps.configure("dials", row, "demo", "synthetic-regdb").data
            assert row.endswith(f"c{data.channel_gap:g} a{data.appearance_gap:g}")

    def test_no_real_set_has_them(self):
        with pytest.raises(
            ConfigError, match="channel_gap, appearance_gap belong to the synthetic"
        ):
            sweeps.configs("dials", "regdb", "paper")
        assert "dials" not in {c.run.sweep for c in sweeps.configs("all", "regdb", "paper")}
        assert "dials" in {c.run.sweep for c in sweeps.configs("all")}


class TestStressAndModern:
    @pytest.mark.parametrize("preset", ["paper", "demo", "smoke"])
    def test_each_contrast_of_modern_is_mdl4_against_b2_under_one_recipe(self, preset):
        plain = differing("modern", "MDL4", "B2", preset)
        assert plain == {"modalities", "pairs"}
        contrasts = sweeps.sweep("modern").contrasts
        assert len(contrasts) == 6
        for row, against in contrasts:
            assert (row.partition("+")[2], row[:4]) == (against.partition("+")[2], "MDL4")
            assert differing("modern", row, against, preset) == plain

    @pytest.mark.parametrize("preset", ["paper", "demo"])
    def test_each_part_changes_what_it_says(self, preset):
        parts = {
            "channels": {"channel_exchange", "random_grey"},
            "erasing": {"random_erasing"},
            "smoothing": {"label_smoothing"},
            "vit": {"backbone"},
        }
        parts["all"] = parts["channels"] | parts["erasing"] | parts["smoothing"]
        for name in ("B2", "MDL4"):
            for part, changed in parts.items():
                assert differing("modern", f"{name}+{part}", name, preset) == changed

    def test_a_transformer_has_the_presets_size(self):
        sizes = {"paper": "vit_b_16", "middle": "vit_b_16", "study": "vit_micro"}
        sizes |= {"demo": "vit_micro", "smoke": "vit_micro"}
        for preset, backbone in sizes.items():
            config = sweeps.configure("modern", "MDL4+vit", preset, "synthetic-regdb")
            assert config.model.backbone == backbone

    def test_corruption_trains_what_table4_trains(self):
        for row in ("B2", "MDL4"):
            ours, plain = (
                sweeps.configure(name, row, "demo", "synthetic-regdb").flat()
                for name in ("corruption", "table4")
            )
            differ = {key for key in ours if ours[key] != plain[key]}
            assert differ == {"sweep", "corruption"}

    def test_what_verdicts_are_about_is_declared(self, tmp_path):
        sweep = sweeps.sweep("corruption")
        assert sweeps.declare(tmp_path, sweep, []).sweep.judged == "@mixed"
        with pytest.raises(ConfigError, match="verdicts were about '@mixed', are about ''"):
            sweeps.declare(tmp_path, dataclasses.replace(sweep, judged=""), [])


class _Counted:
    """A pool of so many pictures."""

    def __init__(self, visible, infrared):
        self.counts = {"V": visible, "I": infrared}

    def count(self, m):
        return self.counts[m]


class TestAll:
    def test_every_row_of_every_sweep_once_on_each_twin_it_belongs_to(self):
        found = sweeps.configs("all", preset_name="demo")
        places = {(c.run.sweep, c.run.row, c.data.data) for c in found}
        want = {
            (s.name, row, f"synthetic-{p}")
            for s in sweeps.SWEEPS.values()
            for row in s.rows
            for p in s.data
        }
        assert places == want
        assert len(found) == len(want)

    def test_on_one_set_only_what_belongs_to_its_protocol(self):
        assert {c.run.sweep for c in sweeps.configs("all", "sysu", "paper")} == {
            "table1",
            "table3",
            "table4",
            "fig7",
        }
        assert {c.data.data for c in sweeps.configs("all", "regdb", "paper", seeds=(0, 1))} == {
            "regdb"
        }

    def test_without_a_data_set_a_sweep_takes_its_own_twin(self):
        assert {c.data.data for c in sweeps.configs("fig7")} == {"synthetic-sysu"}
        assert {c.data.data for c in sweeps.configs("table4")} == {"synthetic-regdb"}


def distinct():
    """Every different configuration of all sweeps at the smoke preset, by the first row that has
    it.
    """
    found = {}
    for config in sweeps.configs("all", preset_name="smoke"):
        key = json.dumps(
            {key: value for key, value in config.flat().items() if key not in ("sweep", "row")},
            sort_keys=True,
        )
        found.setdefault(key, config)
    return list(found.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "config", distinct(), ids=lambda c: f"{c.run.sweep}-{c.run.row}-{c.data.data}"
)
def test_every_row_trains_and_its_gradients_reach_what_it_owns(config):
    """Ten steps on one batch of the smallest twin with the ramp gone: the ID loss falls; every
    trained parameter is reached, no other.
    """
    setup = setups.prepare(config, device="cpu", progress=False)
    opt = loop.optimiser(setup)
    for group in opt.param_groups:
        group["lr"] = group["scale"] * 0.02
    batch = dataclasses.replace(setups.first_batch(setup), progress=1.0)
    fixed = {name: p.clone() for name, p in setup.net.named_parameters() if not p.requires_grad}
    seen, ids = set(), []
    for _ in range(10):
        ids.append(loop._step(setup, opt, batch)["id"].item())
        seen |= {
            name
            for name, p in setup.net.named_parameters()
            if p.grad is not None and p.grad.abs().sum() > 0
        }
    assert seen == {name for name, p in setup.net.named_parameters() if p.requires_grad}
    assert all(
        torch.equal(value, dict(setup.net.named_parameters())[name])
        for name, value in fixed.items()
    )
    assert ids[-1] < ids[0]
