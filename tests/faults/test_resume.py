"""Exact resume from every step, refusals, runs that turn NaN, and bits that must not hang on
workers or evaluations.
"""

import numpy as np
import pytest
import torch

from bdlab.datasets import bank, twin
from bdlab.experiments import runs, sweeps
from bdlab.training import batches, checkpoint, extract, loop
from bdlab.training import setup as setups

from . import random

pytestmark = pytest.mark.slow

SMOKE = {"epochs": 2, "steps": 3}


def prepared(data="synthetic-regdb", row="MDL4", **changes):
    return setups.prepare(
        sweeps.configure("table4", row, "smoke", data, SMOKE | changes),
        device="cpu",
        progress=False,
    )


def bits(net):
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def untimed(history):
    return [{k: v for k, v in line.items() if k != "time"} for line in history]


class Stop(Exception):
    pass


def stopped(folder, at, **changes):
    """A run that ends in the middle of its ``at``-th step's aftermath, before that step's
    checkpoint.
    """

    def stop(step, _):
        if step == at:
            raise Stop

    folder.mkdir(parents=True)
    with pytest.raises(Stop):
        loop.train(prepared(**changes), folder, on_step=stop)
    return folder


class TestResume:
    def test_from_every_step_the_bits_are_those_of_the_whole_run(self, tmp_path, figures):
        count = 0
        for every in (0, 1, 2):
            whole = prepared(checkpoint_every=every)
            history = loop.train(whole)
            for at in range(1, 7):
                first, second = (
                    stopped(tmp_path / f"{every}-{at}" / "1", at, checkpoint_every=every),
                    tmp_path / f"{every}-{at}" / "2",
                )
                second.mkdir()
                again = prepared(checkpoint_every=every)
                resumed = loop.train(again, second, resume=[first])
                assert same(bits(whole.net), bits(again.net)), (every, at)
                assert (
                    untimed(history)
                    == untimed(resumed)
                    == untimed(runs.read_lines(second / "history.jsonl"))
                ), (every, at)
                assert bool(again.resumed) == (at > 3 or (0 < every < at)), (every, at)
                count += 1
        figures.note(
            "resume", f"stopped at each of 6 steps x 3 checkpoint rhythms: 0 of {count} differ"
        )

    def test_without_the_momentum_it_would_not_be(self, tmp_path, monkeypatch, figures):
        """The broken variant: an optimiser that starts afresh gives other bits."""
        whole = prepared()
        loop.train(whole)
        stopped(tmp_path / "1", 4)
        monkeypatch.setattr(torch.optim.SGD, "load_state_dict", lambda self, state: None)
        again = prepared()
        loop.train(again, resume=[tmp_path / "1"])
        assert not same(bits(whole.net), bits(again.net))
        figures.breaks("resume", "momentum forgotten: other bits")

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"gamma": 1.0}, "configuration was"),
            ({"size": "smoke", "channel_gap": 0.1}, "data fingerprint was"),
            ({"threads": 2}, "threads was 1, is 2.*--inexact"),
            ({"torch": "9.9.9"}, r"torch was .*, is 9\.9\.9.*--inexact"),
        ],
        ids=["configuration", "data", "threads", "torch"],
    )
    def test_what_differs_is_refused_or_labelled(
        self, tmp_path, monkeypatch, changes, said, figures
    ):
        stopped(tmp_path / "1", 4)
        lasting = "threads" not in changes and "torch" not in changes
        if "threads" in changes:
            monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
        elif "torch" in changes:
            monkeypatch.setattr(torch, "__version__", "9.9.9")
        changed = changes if lasting else {}
        with pytest.raises(loop.ResumeError, match=said):
            loop.train(prepared(**changed), resume=[tmp_path / "1"])
        again = prepared(**changed)
        if lasting:
            with pytest.raises(loop.ResumeError, match=said):
                loop.train(again, resume=[tmp_path / "1"], inexact=True)
        else:
            loop.train(again, resume=[tmp_path / "1"], inexact=True)
            assert again.resumed["exact"] is False
        if "torch" in changes:
            figures.note(
                "resume",
                "4 negative controls refused with the reason; --inexact says so in the provenance",
            )


WEIGHTS = "trunk.2.0.conv1.weight"


class Injection:
    """Makes one step of a run go wrong, in one of three places."""

    def __init__(self, setup, place, value, at):
        self.setup, self.place, self.value, self.at, self.step = setup, place, value, at, 0
        self.objective, setup.objective = setup.objective, self.terms
        next(setup.net.parameters()).register_hook(self.gradient)

    def terms(self, batch):
        self.step += 1
        terms = self.objective(batch)
        return {
            k: v * self.value if k == "mml" and self.here("term") else v for k, v in terms.items()
        }

    def here(self, place):
        return self.step == self.at and self.place == place

    def gradient(self, gradient):
        return gradient * self.value if self.here("gradient") else gradient

    def weights(self, *_):
        if self.here("weights"):
            with torch.no_grad():
                dict(self.setup.net.named_parameters())[WEIGHTS][0, 0, 1, 1] = self.value


INJECTIONS = [
    (place, value, at)
    for (place, at) in (("term", 5), ("gradient", 5), ("weights", 5))
    for value in (float("nan"), float("inf"))
]


def inject(folder, place, value, at):
    setup = prepared(checkpoint_every=1)
    injection = Injection(setup, place, value, at)
    folder.mkdir()
    loop.train(setup, folder, on_step=injection.weights)


class TestNotFinite:
    @pytest.mark.parametrize(("place", "value", "at"), INJECTIONS)
    def test_the_run_stops_naming_step_term_and_last_good_checkpoint(
        self, tmp_path, place, value, at, figures
    ):
        said = {
            "term": "the term 'mml' is",
            "gradient": "the term 'gradient' is",
            "weights": f"the weights {WEIGHTS!r} are",
        }
        with pytest.raises(setups.TrainingError) as caught:
            inject(tmp_path / "1", place, value, at)
        text = str(caught.value)
        assert said[place] in text
        assert f"step {at}" in text
        assert "checkpoint-00000004.pt" in text
        assert [path.name for path in checkpoint.found(tmp_path / "1")] == [
            "checkpoint-00000004.pt",
            "checkpoint-00000003.pt",
        ]
        for path in checkpoint.found(tmp_path / "1"):
            assert all(
                v.isfinite().all()
                for v in checkpoint.load(path)["net"].values()
                if v.is_floating_point()
            )
        whole, again = prepared(checkpoint_every=1), prepared(checkpoint_every=1)
        loop.train(whole)
        loop.train(again, resume=[tmp_path / "1"])
        assert same(bits(whole.net), bits(again.net))
        if (place, value, at) == INJECTIONS[-1]:
            figures.note(
                "nan",
                f"{len(INJECTIONS)} injections (term, gradient, weights): all stop and name it, 0 "
                "saved, all resume to the same bits",
            )

    def test_a_first_step_has_no_checkpoint_to_name(self, tmp_path):
        with pytest.raises(
            setups.TrainingError, match="'mml' is nan at step 1 .*No checkpoint had been saved yet"
        ):
            inject(tmp_path / "1", "term", float("nan"), 1)

    def test_a_run_that_looks_at_its_terms_only_is_told_apart(self, tmp_path, monkeypatch, figures):
        """The broken variant: weights are saved without a look at them, as they were before this
        suite.
        """
        monkeypatch.setattr(
            torch.Tensor, "isfinite", lambda self: torch.ones_like(self, dtype=torch.bool)
        )
        # a step later, when its history is written
        with pytest.raises(ValueError, match="not JSON"):
            inject(tmp_path / "1", "weights", float("nan"), 5)
        monkeypatch.undo()
        net = checkpoint.newest([tmp_path / "1"])[1]["net"]
        spoilt = [
            name
            for name, value in net.items()
            if value.is_floating_point() and not value.isfinite().all()
        ]
        assert spoilt
        figures.breaks(
            "nan", f"no look before saving: the newest checkpoint has NaN in {spoilt[0]}"
        )


class TestSameBits:
    def test_whatever_the_number_of_workers(self, tmp_path, monkeypatch, figures):
        """Pictures are rendered by 1, 2 and 3 processes and decoded by 1, 2 and 5 threads."""
        seen = set()
        for jobs, threads in ((1, 1), (2, 2), (3, 5)):
            root = twin.ensure("synthetic-regdb", tmp_path / str(jobs), size="smoke", jobs=jobs)
            monkeypatch.setattr(bank, "cores", lambda threads=threads: threads)
            monkeypatch.setenv("BDLAB_CACHE", str(tmp_path / f"cache-{jobs}"))
            setup = setups.prepare(
                sweeps.configure(
                    "table4", "MDL4", "smoke", "synthetic-regdb", SMOKE | {"root": str(root)}
                ),
                "cpu",
                progress=False,
            )
            loop.train(setup)
            weights = b"".join(value.numpy().tobytes() for value in setup.net.state_dict().values())
            seen.add((setup.dataset.fingerprint, setup.bank.pictures.numpy().tobytes(), weights))
        assert len(seen) == 1
        figures.note(
            "same",
            "1-3 rendering processes x 1-5 decoding threads: 0 of 3 differ (data, pictures, "
            "weights)",
        )

    @pytest.mark.parametrize("data", ["synthetic-regdb", "synthetic-sysu"])
    def test_whether_or_not_evaluation_runs_in_between(self, data, monkeypatch, figures):
        held = {"validation": True} if data == "synthetic-sysu" else {}
        plain, watched = prepared(data, **held), prepared(data, **held)
        loop.train(watched, on_epoch=lambda _: extract.evaluate(watched))
        monkeypatch.setattr(loop, "_keep_best", lambda *_: None)
        history = loop.train(plain)
        # the last epoch of one against the best of the other: what the loss has seen must be the
        # same
        if held:
            lines = loop.train(prepared(data, **held))
            assert [line["terms"] for line in history] == [line["terms"] for line in lines]
            figures.note("same", "validation and tests between the epochs: 0 of 2 runs differ")
        else:
            assert same(bits(plain.net), bits(watched.net))

    def test_an_evaluation_that_forgets_to_switch_back_is_told_apart(self, monkeypatch, figures):
        """The broken variant: a test in training mode moves the batch norms' statistics."""
        plain, careless = prepared(), prepared()
        loop.train(plain)
        monkeypatch.setattr(torch.nn.Module, "eval", lambda self: self)
        loop.train(careless, on_epoch=lambda _: extract.evaluate(careless))
        assert not same(bits(plain.net), bits(careless.net))
        figures.breaks("same", "evaluation in training mode: other bits")

    def test_neighbouring_seeds_share_no_draws(self, figures):
        """Every stream of 30 seeds x 2 purposes x 5 epochs x 8 steps begins with 128 bits of its
        own.
        """
        keys = [
            (s, p, e, t)
            for s in range(30)
            for p in ("plan", "augment")
            for e in range(5)
            for t in range(8)
        ]
        firsts = {tuple(batches.generator(*key).integers(2**63, size=2)) for key in keys}
        assert len(firsts) == len(keys)
        a, b = (
            batches.draw(seed, 0, 200, 24, 4)
            for seed in random("seeds").integers(10_000) + np.arange(2)
        )
        # as often as chance has it
        assert abs((a == b).mean(axis=(0, 1)) - [1 / 9, 1 / 9, 1 / 2]).max() < 0.02
        figures.note("same", f"{len(keys):,} streams of neighbouring seeds: 0 draws shared")

    def test_seeds_that_are_added_up_are_told_apart(self, figures):
        """The broken variant."""
        keys = [s + e + t for s in range(30) for e in range(5) for t in range(8)]
        shared = len(keys) - len(
            {tuple(np.random.default_rng(key).integers(2**63, size=2)) for key in keys}
        )
        assert shared > 0
        figures.breaks("same", f"seed + epoch + step: {shared:,} of {len(keys):,} streams shared")
