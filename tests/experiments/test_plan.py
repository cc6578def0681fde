"""What a plan measures: the speed of a step leaves the setup as it was, counts what is there, and
says it in words.
"""

import copy

import pytest
import torch

from bdlab import machine
from bdlab.experiments import plan as planning
from bdlab.experiments import runs, sweeps
from bdlab.experiments.plan import Plan, RowCost, Speed
from bdlab.training import setup as setups


@pytest.fixture(scope="module")
def setup(own_place):
    return setups.prepare(
        sweeps.configure("table4", "MDL4", "smoke", "synthetic-regdb"), device="cpu", progress=False
    )


def test_measuring_a_speed_leaves_the_setup_as_it_was(setup):
    before = copy.deepcopy(setup.net.state_dict())
    speed = planning.speed(setup)
    assert all(torch.equal(value, before[name]) for name, value in setup.net.state_dict().items())
    assert (setup.best, setup.resumed) == ({}, {})
    assert speed.pictures == 4 * 4 * 2  # modalities, identities, shots
    assert 0 <= speed.outside < 1
    assert speed.memory == 0
    assert speed.network > 0
    # Not a timing: a step is more than its network, but two measured medians need not say so.
    assert speed.of_rate == pytest.approx(speed.flops / speed.seconds / speed.rate)


def test_flops_are_those_of_the_network(setup):
    """A 1 x 1 convolution of known size, forward and backward; and the network has more of them
    with more modalities.
    """
    fewer = setups.prepare(
        sweeps.configure("table4", "B1", "smoke", "synthetic-regdb"), device="cpu", progress=False
    )
    four, two = planning.speed(setup).flops, planning.speed(fewer).flops
    assert 1.8 * two < four < 2.2 * two


def test_shares_by_hand():
    speed = Speed(seconds=0.1, network=0.09, pictures=96, flops=int(1e9), rate=1e11, memory=3 << 30)
    assert speed.per_second == pytest.approx(960)
    assert speed.outside == pytest.approx(0.1)
    assert speed.of_rate == pytest.approx(0.1)
    for part in (
        "100.0 ms a step",
        "960 pictures/s",
        "10 % of the step is outside",
        "10 % of the 100 ",
        "3.0 GiB on the GPU",
    ):
        assert part in str(speed)


def test_a_plan_in_words():
    speed = Speed(0.1, 0.09, 96, int(1e9), 1e11, 0)
    plan = Plan((RowCost("B1", 2, 1, 1000, speed, 10**9, start=20.0),), jobs=2, device="cpu")
    said = planning.text(plan)
    assert plan.seconds == pytest.approx(120)  # two cells of 100 s and their kernels
    assert "About 2 min on cpu" in said
    assert "20 s a cell" in said
    assert "2.00 GB" in said
    assert "fit into" not in said
    assert "5 such jobs fit" in planning.text(Plan(plan.rows, 2, "cuda", 5))


def test_no_time_is_nought():
    speed = Speed(0.001, 0.001, 96, int(1e9), 1e11, 0)
    said = planning.text(Plan((RowCost("B1", 1, 0, 8, speed, 10**9),), jobs=2, device="cpu"))
    assert "0.00" not in said.partition("and ")[0]
    assert "About 1 s" in said
    assert machine.span(0.01) == "1 s"
    assert machine.span(400) == "7 min"
    assert machine.span(9000) == "2.5 h"


@pytest.mark.parametrize(
    ("free", "most", "jobs"), [(100 << 30, 16, 16), (100 << 30, 99, 25), (1 << 30, 16, 1)]
)
def test_jobs_that_fit_leave_room(monkeypatch, free, most, jobs):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, free))
    assert machine.jobs_that_fit(3 << 30, torch.device("cuda"), most) == jobs


def test_the_matrix_rate_is_a_rate():
    assert machine.matrix_rate(torch.device("cpu"), torch.float32, times=1) > 1e8


@pytest.mark.slow
def test_a_row_of_two_sweeps_is_planned_for_each(monkeypatch, tmp_path):
    """`plan all`: table2 and families both have two-stream rows and Ours; rows of one name are not
    one row.
    """
    monkeypatch.setattr(planning, "speed", lambda setup: planning.Speed(0.1, 0.09, 96, 1, 1.0, 0))
    cells = []
    for sweep, row in (("table3", "Ours"), ("table2", "Ours"), ("table2", "AGW")):
        config = sweeps.configure(sweep, row, "smoke", "synthetic-regdb")
        cells.append(runs.Cell(config.flat(), setups.open_data(config).fingerprint))
    plan = planning.measure(cells, tmp_path, 1)
    assert [(r.row, r.cells) for r in plan.rows] == [
        (f"{s} synthetic-regdb {r}", 1)
        for s, r in (("table3", "Ours"), ("table2", "Ours"), ("table2", "AGW"))
    ]
    assert [r.row for r in planning.measure(cells[1:], tmp_path, 1).rows] == ["Ours", "AGW"]


def test_slow_steps_are_measured_twice_only(setup, monkeypatch):
    monkeypatch.setattr(planning, "PATIENCE", 0.0)
    steps = []
    train = planning.loop.train
    monkeypatch.setattr(
        planning.loop,
        "train",
        lambda s, on_step: train(s, on_step=lambda a, b: (steps.append(a), on_step(a, b))),
    )
    planning.speed(setup)
    assert steps == [1, 2]
