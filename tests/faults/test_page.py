"""docs/faults.md names every promise and what is not promised, with figures that were measured."""

import inspect
import re

import pytest

from bdlab import batch, machine
from bdlab.experiments import claims
from tests.conftest import REPOSITORY

from .conftest import END, PROMISES, START

PAGE = (REPOSITORY / "docs" / "faults.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("promise", PROMISES.values(), ids=PROMISES)
def test_every_promise_stands_there_with_its_figures_and_its_broken_variant(promise):
    table = PAGE.partition(START)[2].partition(END)[0]
    (line,) = [line for line in table.splitlines() if line.startswith(f"| {promise} |")]
    _, _, measured, broken, _ = [cell.strip() for cell in line.split("|")]
    assert any(c.isdigit() for c in measured)
    assert broken


@pytest.mark.parametrize(
    "limit",
    [
        "fsync",
        "torch versions",
        "numbers of threads",
        "Network file systems",
        "someone else's notebook",
    ],
)
def test_what_is_not_promised_stands_beside_it(limit):
    assert limit in PAGE.partition("## Not promised")[2]


def section(page, title):
    """The text under a heading, on one line."""
    return " ".join(page.partition(f"## {title}\n")[2].partition("\n## ")[0].split())


def wrong(page):
    """What a page says of claims and threads that the code does not do."""
    how, limits = section(page, "How"), section(page, "Not promised")
    words = {
        "a claim's beat": f"touches its claim every {claims.BEAT:.0f} seconds" in how,
        "a claim's end": f"rested for {claims.STALE / 60:.0f} minutes is given up" in how,
        "the limit of a claim": f"for longer than {claims.STALE / 60:.0f} minutes" in limits,
        "fixed threads": "hang neither on `--jobs` nor on the cores" in how,
        "locks": "no locks" not in how,
        "jobs and threads": "`--jobs` sets" not in page,
        "machines": not re.search(r"promised on\s+one machine|cannot be known", page),
    }
    return [name for name, right in words.items() if not right]


def test_claims_and_threads_are_described_as_they_are():
    assert wrong(PAGE) == []
    assert not {"jobs", "cores"} & set(inspect.signature(machine.cell_threads).parameters)


def test_a_page_of_the_time_before_claims_is_told_apart():
    """The broken variant."""
    old = (
        "## How\n\n- Two runners on one folder need no locks.\n\n## Not promised\n\n- `--jobs` "
        "sets the threads of a cell. Two runners are promised on\n  one machine.\n"
    )
    assert len(wrong(old)) == 7


@pytest.mark.parametrize("jobs", [1, 3])
def test_threads_do_not_hang_on_the_jobs(monkeypatch, tmp_path, jobs):
    given = []

    def run_cell(cell, out, threads, **more):
        given.append(threads)
        return batch.Outcome(cell, "done", out)

    monkeypatch.setattr(batch, "run_cell", run_cell)
    monkeypatch.setattr(machine, "on_gpu", lambda: False)
    batch.run_all(["a", "b", "c"], tmp_path, jobs=jobs)
    assert given == [1, 1, 1]
    batch.run_all(["a"], tmp_path, jobs=jobs, threads=2)
    assert given[3:] == [2]
