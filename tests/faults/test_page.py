"""docs/faults.md names every promise and what is not promised, with figures that were measured."""

import pytest

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
