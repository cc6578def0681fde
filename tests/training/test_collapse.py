"""The guard speaks when a run has gone wrong, in the right words, and is silent when it has not."""

import math

import pytest

from bdlab.config import from_flat
from bdlab.training import collapse

CONFIG = from_flat({"epochs": 8})  # MDL4: four modalities, three edges; margins 0.3 and 0.5
PEOPLE = 200
GUESS = math.log(PEOPLE)


def history(epochs=8, **last):
    """A healthy run whose last two epochs have ``last`` instead."""
    lines = [
        {
            "terms": {
                "id": GUESS * (1 - 0.1 * e),
                "mml": 0.9 - 0.1 * e,
                "mdl": 2 - 0.2 * e,
                "spread": 0.3,
            }
        }
        for e in range(epochs)
    ]
    for line in lines[-2:]:
        line["terms"].update(last)
    return lines


def test_a_healthy_run_is_left_alone():
    assert collapse.watch(history(), CONFIG, PEOPLE) == {}


@pytest.mark.parametrize(
    ("last", "kind", "said"),
    [
        ({"id": 0.97 * GUESS}, "guess", "a guess among 200 people"),
        ({"mdl": 3.01}, "margin", "MDL sits at 3.01, the sum of its margins (3.00)"),
        ({"mml": 1.18}, "margin", "MML sits at 1.18"),
        ({"spread": 0.005}, "shrunk", "1.7%"),
        ({"id": GUESS, "mdl": 3.0}, "collapse", "Raise triplet_ramp"),
    ],
)
def test_each_fault_has_its_own_words(last, kind, said):
    (found,) = collapse.watch(history(**last), CONFIG, PEOPLE).items()
    assert found[0] == kind
    assert said in found[1]


@pytest.mark.parametrize(
    "last", [{"id": 0.9 * GUESS}, {"mdl": 2.7}, {"mdl": 3.3}, {"mml": 1.0}, {"spread": 0.02}]
)
def test_what_is_merely_slow_is_not_called_a_fault(last):
    assert collapse.watch(history(**last), CONFIG, PEOPLE) == {}


def test_it_waits_for_the_ramp_and_for_three_epochs():
    stuck = {"id": GUESS, "mdl": 3.0}
    assert collapse.watch(history(2, **stuck), CONFIG, PEOPLE) == {}
    assert (
        collapse.watch(history(3, **stuck), from_flat({"epochs": 8, "triplet_ramp": 0.5}), PEOPLE)
        == {}
    )
    assert "collapse" in collapse.watch(
        history(4, **stuck), from_flat({"epochs": 8, "triplet_ramp": 0.5}), PEOPLE
    )


def test_one_bad_epoch_is_not_a_plateau():
    lines = history()
    lines[-1]["terms"]["mdl"] = 3.0
    assert collapse.watch(lines, CONFIG, PEOPLE) == {}


def test_a_sum_over_anchors_is_brought_back_to_one():
    config = from_flat({"epochs": 8, "reduction": "sum"})
    assert "margin" in collapse.watch(history(mdl=72.0), config, PEOPLE)
    assert collapse.watch(history(mdl=3.0), config, PEOPLE) == {}


def test_an_id_loss_summed_over_the_modalities_is_held_against_their_sum():
    """Four streams at half of a guess each sum to twice a guess: a run that learns."""
    config = from_flat({"epochs": 8, "id_over": "sum"})
    assert collapse.watch(history(id=2 * GUESS), config, PEOPLE) == {}
    assert "guess" in collapse.watch(history(id=4 * GUESS), config, PEOPLE)


def test_a_term_whose_weight_is_zero_is_not_judged():
    assert collapse.watch(history(mdl=3.0), from_flat({"epochs": 8, "gamma": 0.0}), PEOPLE) == {}


def test_the_weighted_triplet_at_ln_2():
    assert "ln 2" in collapse.watch(history(wrt=math.log(2)), CONFIG, PEOPLE)["margin"]
    assert collapse.watch(history(wrt=0.5), CONFIG, PEOPLE) == {}


class TestLife:
    def run(self, mml, mdl):
        """Two epochs of MDL4 with these values of MML and MDL."""
        lines = []
        for a, b in zip(mml, mdl, strict=True):
            terms = {"mml": a, "mdl": b, "spread": 0.3, "gradient": a}
            line = {"terms": terms, "active": {"V-I": a, "I-V": b}}
            lines.append(line | {"relative": collapse.relative(line, CONFIG, PEOPLE)})
        return lines

    def test_shares_words_and_activity_are_means_of_the_last_two_epochs(self):
        # levels: 4 x 0.3 = 1.2 and 2 x 3 x 0.5 = 3; the first epoch is another story
        life = collapse.life(self.run([9.0, 0.5, 0.7], [9.0, 2.0, 4.0]))
        assert life["mml"] == {"share": pytest.approx(0.5), "word": "alive"}
        assert life["mdl"] == {"share": pytest.approx(1.0), "word": "dead"}
        assert life["active"] == pytest.approx({"V-I": 0.6, "I-V": 3.0})
        assert (life["spread"], life["gradient"]) == pytest.approx((0.3, 0.6))

    @pytest.mark.parametrize(
        ("share", "word"),
        [(0.0, "satisfied"), (0.019, "satisfied"), (0.1, "alive"), (0.6, "alive"),
         (0.61, "collapsing"), (0.94, "collapsing"), (0.96, "dead"), (1.0, "dead"),
         (1.04, "dead"), (6.0, "unordered")],
    )  # fmt: skip
    def test_words(self, share, word):
        assert collapse.word(share) == word

    def test_a_run_without_hinges_or_of_old_has_none(self):
        assert collapse.life(history()) == {}
        b1 = from_flat({"modalities": "V I", "pairs": "", "beta": 0.0, "gamma": 0.0})
        assert collapse.relative({"terms": {"id": 1.0}}, b1, PEOPLE) == {}

    def test_a_sum_over_anchors_is_brought_back_to_one(self):
        config = from_flat({"epochs": 8, "reduction": "sum"})
        assert collapse.relative({"terms": {"mdl": 36.0}}, config, PEOPLE) == {"mdl": 0.5}


@pytest.mark.parametrize(
    ("rank1", "people", "at_chance"),
    [(0.01, 206, True), (0.03, 206, False), (0.07, 50, True), (0.25, 50, False)],
)
def test_chance(rank1, people, at_chance):
    scores = {"v2t": {"mean": {"R1": rank1}}, "t2v": {"mean": {"R1": 0.0}}}
    assert bool(collapse.chance(scores, people)) is at_chance


def test_chance_is_where_guessing_puts_it():
    """Random distances, people with two pictures each: the bound is seldom passed, and a method
    twice as good as it passes.
    """
    import numpy as np

    rng, people, passed = np.random.default_rng(0), 50, 0
    for _ in range(300):
        # all queries of a person agree: the worst case the docstring speaks of
        first = rng.integers(people, size=people)
        passed += bool(
            not collapse.chance(
                {"v2t": {"mean": {"R1": float((first == np.arange(people)).mean())}}}, people
            )
        )
    assert passed <= 6


def test_an_id_loss_that_does_not_fall_is_a_word_and_no_error():
    def run(*losses):
        return [{"terms": {"id": loss}} for loss in losses]

    assert (
        "did not fall: 2.00 at first, 2.10 at last" in collapse.still(run(2.0, 1.0, 2.1))["still"]
    )
    assert "still" in collapse.still(run(2.0, 2.0))
    assert collapse.still(run(2.0, 1.9)) == {}
    assert collapse.still(run(2.0)) == {}  # one epoch has nothing to fall from
