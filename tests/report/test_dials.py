"""The dials of rendered people: gains by loops over made-up cells, and what is said of them."""

import numpy as np
import pytest

from bdlab import report
from bdlab.report import dials, figures
from tests.report.test_report import put

pytestmark = pytest.mark.slow

CHANNEL, APPEARANCE = (0.2, 0.5), (0.1, 0.5, 1.0)


def gain(channel, appearance, seed):
    """In per cent: follows the channel gap by 10 points in all, the appearance gap not at all."""
    noise = [0.3, -0.2, 0.1, -0.4, 0.2][seed] * (1 if appearance == 0.5 else -1)
    return 10 * (channel == 0.5) + 2 + noise


@pytest.fixture
def table(tmp_path):
    for channel in CHANNEL:
        for appearance in APPEARANCE:
            for seed in range(5):
                base, place = 40 + seed, f"c{channel:g} a{appearance:g}"
                scores = {"B2": base, "MDL4": base + gain(channel, appearance, seed)}
                for name, score in scores.items():
                    put(
                        tmp_path, f"{name} {place}", seed, score / 100,
                        sweep="dials", data="synthetic-regdb",
                    )  # fmt: skip
    (made,) = report.tables(tmp_path)
    return made


def test_gains_are_the_differences_at_each_setting(table):
    found = dials.gains(table)
    assert set(found) == {(c, a) for c in CHANNEL for a in APPEARANCE}
    for (channel, appearance), by_seed in found.items():
        assert by_seed == pytest.approx(
            {(1, seed): gain(channel, appearance, seed) for seed in range(5)}
        )


def test_an_effect_averages_the_other_dial(table):
    found = dials.gains(table)
    for seed in range(5):
        high = np.mean([gain(0.5, a, seed) for a in APPEARANCE])
        low = np.mean([gain(0.2, a, seed) for a in APPEARANCE])
        assert dials.effect(found, 0)[seed] == pytest.approx(high - low)
        high = np.mean([gain(c, 1.0, seed) for c in CHANNEL])
        low = np.mean([gain(c, 0.1, seed) for c in CHANNEL])
        assert dials.effect(found, 1)[seed] == pytest.approx(high - low)


def test_what_is_said(table):
    said = dials.sentences(dials.gains(table))
    assert "largest channel gap the gain changes by +10.0 [+10.0, +10.0] points (5 seeds)." in said
    assert "largest appearance gap the gain changes by +0.0" in said
    assert "5 seeds): not shown." in said


def test_four_seeds_say_nothing(table):
    found = dials.gains(table)
    del found[0.2, 0.1][1, 0]
    assert "4 complete seeds are too few" in dials.sentences(found)


def test_the_page_shows_them(table):
    ((title, words, figure),) = figures.gained(table)
    assert title == "Where the gain lies"
    assert "channel gap" in words
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["channel gap 0.2", "channel gap 0.5"]


def test_other_sweeps_have_no_such_figure(tmp_path):
    put(tmp_path, "MDL4")
    put(tmp_path, "B2")
    (other,) = report.tables(tmp_path)
    assert figures.gained(other) == []
