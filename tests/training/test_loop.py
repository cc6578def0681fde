"""The loop: learning, schedule, groups, logs, exact resume, refusal to go on with other settings,
NaN, results.
"""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from bdlab import losses, pixels
from bdlab.experiments import cell, plan, runs, sweeps
from bdlab.methods.objective import Batch
from bdlab.modality import Modality
from bdlab.training import batches, extract, loop
from bdlab.training import setup as setups

SMOKE = {"epochs": 2, "steps": 3}


def config(row="MDL4", **changes):
    return sweeps.configure("table4", row, "smoke", "synthetic-regdb", SMOKE | changes)


def prepared(row="MDL4", **changes):
    return setups.prepare(config(row, **changes), device="cpu", progress=False)


def bits(net):
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def untimed(history):
    return [{k: v for k, v in line.items() if k != "time"} for line in history]


class TestLearningRate:
    def test_paper_schedule_of_the_notes(self):
        c = sweeps.configure("table4", "MDL4", "paper", "regdb")
        at = [loop.learning_rate(c, e + 0.5) for e in range(60)]
        want = [
            0.01 * (e + 1) / 10 if e < 10 else 0.01 if e < 20 else 0.001 if e < 50 else 0.0001
            for e in range(60)
        ]
        assert at == pytest.approx(want)

    def test_cosine_rises_then_falls_to_nothing(self):
        c = sweeps.configure("table4", "MDL4", "demo", "synthetic-regdb")
        at = [loop.learning_rate(c, e) for e in np.linspace(0, c.optim.epochs, 200)]
        top = int(np.argmax(at))
        assert at[top] == pytest.approx(c.optim.lr, rel=0.02)
        assert at[:top] == sorted(at[:top])
        assert at[top:] == sorted(at[top:], reverse=True)
        assert at[0] > 0
        assert at[-1] == pytest.approx(0, abs=1e-9)


class TestGroups:
    def test_agw_groups_train_the_head_ten_times_faster(self):
        s = prepared(groups="agw", generator_lr=0.002, lr=0.01)
        opt = loop.optimiser(s)
        scale = {id(p): g["scale"] for g in opt.param_groups for p in g["params"]}
        assert {scale[id(p)] for p in s.net.head()} == {1.0}
        assert {scale[id(p)] for p in s.net.generators()} == {0.2}
        assert {scale[id(p)] for p in s.net.trunk.parameters()} == {0.1}
        assert {scale[id(p)] for p in s.net.stems.parameters()} == {0.1}
        assert len(scale) == sum(p.requires_grad for p in s.net.parameters())

    def test_uniform_groups_are_uniform(self):
        assert {g["scale"] for g in loop.optimiser(prepared(groups="uniform")).param_groups} == {
            1.0
        }


def test_objective_is_eq_9_with_the_ramp():
    s = prepared(triplet_ramp=0.5, alpha=1.0, beta=2.0, gamma=3.0)
    s.net.eval()
    batch = setups.first_batch(s)
    out = s.net(batch.images)
    labels = {m: batch.labels[m.parent] for m in Modality}
    parts = [
        losses.identity(out.logits, labels),
        losses.mml(out.features, labels),
        losses.mdl(out.features, labels, s.config.graph),
    ]
    for progress, ramp in ((0.0, 0.0), (0.25, 0.5), (0.5, 1.0), (0.9, 1.0)):
        terms = s.objective(Batch(batch.images, batch.labels, progress))
        assert terms["total"].item() == pytest.approx(
            (parts[0] + ramp * (2 * parts[1] + 3 * parts[2])).item(), rel=1e-5
        )
        assert (terms["id"].item(), terms["mml"].item(), terms["mdl"].item()) == pytest.approx(
            [p.item() for p in parts], rel=1e-5
        )


def test_b1_has_no_triplet_terms_and_rows_train_what_they_own():
    s = prepared("B1")
    assert set(s.objective(setups.first_batch(s))) == {"total", "id", "spread"}
    for row in ("B1", "B2", "MDL1", "MDL2", "MDL3", "MDL4"):
        s = prepared(row, triplet_ramp=0.0)
        s.objective(setups.first_batch(s))["total"].backward()
        silent = [
            n
            for n, p in s.net.named_parameters()
            if p.requires_grad and (p.grad is None or not p.grad.abs().sum() > 0)
        ]
        assert silent == [], row


@pytest.mark.slow
def test_a_run_learns_its_training_people():
    """Three hundred steps on sixteen rendered people leave ln 16, a guess's loss, far behind."""
    s = prepared("B1", epochs=12, steps=25, lr=0.05)
    history = loop.train(s)
    assert history[0]["terms"]["id"] > 0.7 * math.log(16)
    assert history[-1]["terms"]["id"] < 0.5 * math.log(16)
    assert history[-1]["guard"] == {}, "the guard leaves a run alone that learns"


@pytest.mark.slow
def test_a_run_whose_labels_are_shuffled_does_not(monkeypatch):
    """The broken variant: the same run with labels that mean nothing stays near ln 16."""
    s = prepared("B1", epochs=12, steps=25, lr=0.05)
    draw = loop.draw_epoch

    def shuffled(setup, epoch, steps):
        rows, how, labels = draw(setup, epoch, steps)
        noise = torch.from_numpy(
            batches.generator(9, "plan", epoch).permuted(labels.numpy(), axis=1)
        )
        return rows, how, noise

    monkeypatch.setattr(loop, "draw_epoch", shuffled)
    assert loop.train(s)[-1]["terms"]["id"] > 0.7 * math.log(16)


class TestHistory:
    def test_lines_hold_terms_generator_and_time(self, tmp_path):
        s = prepared()
        history = loop.train(s, tmp_path)
        assert runs.read_lines(tmp_path / "history.jsonl") == history
        assert [line["epoch"] for line in history] == [1, 2]
        assert [line["steps"] for line in history] == [3, 6]
        assert set(history[0]["terms"]) == {"total", "id", "mml", "mdl", "spread", "gradient"}
        assert len(sum(history[0]["generator"].values(), [])) == 10
        assert history[1]["generator"] != history[0]["generator"]
        assert history[0]["time"]["pictures_per_s"] > 0

    def test_lines_say_how_alive_the_hinges_are_and_at_which_ramp(self, tmp_path):
        result = cell.run(config(triplet_ramp=1.0), tmp_path, device="cpu")
        history = runs.read_lines(tmp_path / "history.jsonl")
        directions = "V-V I-I DV-DV DI-DI V-I I-V V-DI DI-V I-DV DV-I"
        for line in history:
            assert set(line["active"]) == set(directions.split())
            assert all(0 <= share <= 1 for share in line["active"].values())
            assert line["relative"]["mdl"] == pytest.approx(line["terms"]["mdl"] / 3)
        # progress before the last of three steps of an epoch
        assert [line["ramp"] for line in history] == pytest.approx([2 / 6, 5 / 6])
        assert "  ramp 0.33  total" in cell.epoch_line(history[0], 2)
        life = result["guard"]["life"]
        both = [line["relative"]["mdl"] for line in history]
        assert life["mdl"]["share"] == pytest.approx(sum(both) / 2)

    def test_a_ramp_that_is_over_is_not_printed(self):
        (line,) = loop.train(prepared(epochs=1, triplet_ramp=0.0))
        assert line["ramp"] == 1.0
        assert "ramp" not in cell.epoch_line(line, 1)

    def test_hooks_hear_every_step_and_epoch(self):
        steps, epochs = [], []
        loop.train(prepared(), on_step=lambda *a: steps.append(a), on_epoch=epochs.append)
        assert steps == [(k, 6) for k in range(1, 7)]
        assert [line["epoch"] for line in epochs] == [1, 2]


class TestDeterminism:
    def test_the_same_seed_gives_the_same_bits_and_another_does_not(self):
        a, b, c = prepared(), prepared(), prepared(seed=1)
        assert same(bits(a.net), bits(b.net))
        assert not same(bits(a.net), bits(c.net))
        assert untimed(loop.train(a)) == untimed(loop.train(b))
        assert same(bits(a.net), bits(b.net))

    def test_evaluating_in_between_changes_no_bit(self):
        a, b = prepared(), prepared()
        loop.train(a)
        loop.train(b, on_epoch=lambda _: extract.evaluate(b))
        assert same(bits(a.net), bits(b.net))

    def test_the_global_generators_are_neither_used_nor_moved(self):
        torch.manual_seed(1)
        before = torch.get_rng_state()
        a = prepared()
        loop.train(a)
        assert torch.equal(before, torch.get_rng_state())
        torch.manual_seed(2)
        assert same(bits(prepared().net), bits(prepared().net))


COMPILE = torch.nn.Module.compile


# The checker of shapes around a forward (see conftest) makes the compiler look at attributes.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
@pytest.mark.slow
class TestCompiled:
    """torch.compile with the eager backend: what it traces is what runs, without a compiler of C++
    or GPU code.
    """

    @pytest.fixture(autouse=True)
    def modes(self, monkeypatch):
        torch.compiler.reset()
        asked = []

        def eager(net, mode, dynamic):
            asked.append(mode)
            COMPILE(net, backend=self.traced, dynamic=dynamic)

        self.graphs = []
        monkeypatch.setattr(torch.nn.Module, "compile", eager)
        yield asked
        torch.compiler.reset()

    def traced(self, graph, examples):
        self.graphs.append(graph)
        return graph.forward

    @pytest.mark.parametrize("row", ["B2", "MDL4"])
    def test_it_trains_to_the_same_bits_under_the_same_names(self, row, modes):
        plain, compiled = prepared(row), prepared(row, compile="reduce-overhead")
        assert modes == ["reduce-overhead"]
        assert untimed(loop.train(plain)) == untimed(loop.train(compiled))
        assert self.graphs
        assert same(bits(plain.net), bits(compiled.net))
        x = pixels.normalise(plain.bank.pictures[:4])
        assert torch.equal(plain.net.export().embed(x, "V"), compiled.net.export().embed(x, "V"))

    def test_where_it_cannot_be_compiled_one_line_says_why_and_what_helps(self, monkeypatch):
        def broken(graph, examples):
            raise RuntimeError("No working C++ compiler found\nand much more")

        monkeypatch.setattr(
            torch.nn.Module,
            "compile",
            lambda net, mode, dynamic: COMPILE(net, backend=broken, dynamic=dynamic),
        )
        with pytest.raises(
            setups.TrainingError,
            match=r"^compile = 'default': .*\(No working C\+\+ compiler found\)\. .* "
            r"or set compile to 'no'\.$",
        ):
            loop.train(prepared(compile="default"))

    def test_its_speed_is_counted_like_the_plain_ones(self):
        assert plan.speed(prepared(compile="default")).flops == plan.speed(prepared()).flops


class Stop(Exception):
    pass


class TestWhole:
    def test_run_writes_the_contract(self, tmp_path):
        c = config()
        setup = setups.prepare(c, device="cpu", progress=False)
        attempt = runs.begin(tmp_path, runs.Cell.of(setup))
        result = cell.run(c, attempt, device="cpu")
        assert runs.commit(tmp_path, runs.Cell.of(setup).name, attempt)
        done = runs.done(tmp_path, runs.Cell.of(setup))
        assert done == json.loads(json.dumps(result))
        assert set(done["scores"]) == {"v2t", "t2v"}
        assert set(done["scores"]["v2t"]["mean"]) == set(runs.METRICS)
        wanted = (
            "bdlab git_sha git_dirty torch device threads fingerprint feature selection seed "
            "seconds protocols data"
        )
        assert set(wanted.split()) <= set(done["provenance"])

        x = pixels.normalise(setup.bank.pictures[:4])
        net = cell.load(tmp_path / runs.Cell.of(setup).name)
        again = setups.prepare(c, device="cpu", progress=False)
        loop.train(again)
        assert torch.equal(net.embed(x, "V"), again.net.eval().embed(x, "V"))

    def test_embeddings_are_of_the_test_people_only(self):
        s = prepared()
        for m, e in extract.embed(s).items():
            assert set(e.ids) == set(s.dataset.identities("test"))
            assert not set(e.ids) & set(s.dataset.identities("train"))
            assert len(e.ids) == len(s.dataset.select("test", m)) == len(e.keys)
            np.testing.assert_allclose(np.linalg.norm(e.features, axis=1), 1, atol=1e-5)

    def test_fewer_people_than_a_batch_takes(self):
        with pytest.raises(
            batches.BatchError, match="takes 17 identities, the training part has 16"
        ):
            prepared(identities=17)


class TestTest:
    """How a network is tested is labelled, and nothing is ever chosen by the test part."""

    def sysu(self, **changes):
        return setups.prepare(
            sweeps.configure(
                "table4", "B2", "smoke", "synthetic-sysu", {"epochs": 3, "steps": 3} | changes
            ),
            device="cpu",
            progress=False,
        )

    def test_validation_keeps_the_best_epoch_and_resumes_with_it(self, tmp_path):
        whole = self.sysu(validation=True)
        assert whole.dataset.identities("val")
        states = []
        history = loop.train(whole, on_epoch=lambda _: states.append(bits(whole.net)))
        scores = [line["validation"] for line in history]
        best = int(np.argmax(scores))
        assert whole.best["epoch"] == best + 1
        assert same(bits(whole.net), states[best])

        (tmp_path / "1").mkdir()
        with pytest.raises(Stop):
            loop.train(
                self.sysu(validation=True),
                tmp_path / "1",
                on_step=lambda s, _: (_ for _ in ()).throw(Stop) if s == 8 else None,
            )
        again = self.sysu(validation=True)
        loop.train(again, resume=[tmp_path / "1"])
        assert again.resumed
        assert same(bits(whole.net), bits(again.net))
        assert again.best["epoch"] == best + 1

    def test_without_validation_the_last_epoch_stays(self):
        s = self.sysu()
        assert not s.dataset.identities("val")
        loop.train(s)
        assert s.best == {}

    def test_reranking_and_mirroring_are_labelled_and_change_the_ranking(self):
        plain, extra = self.sysu(), self.sysu(rerank=True, flip=True)
        a, b = extract.evaluate(plain), extract.evaluate(extra)
        for name in a:
            assert a[name].provenance["reranking"] == "none"
            assert b[name].provenance["reranking"].startswith("k-reciprocal")
            assert (a[name].provenance["flip"], b[name].provenance["flip"]) == (False, True)
            assert a[name].provenance["draw"] == "seeded"
            assert a[name].provenance["published_counts"] is False
        features = [extract.embed(s)[Modality.V].features for s in (plain, extra)]
        np.testing.assert_allclose(np.linalg.norm(features[1], axis=1), 1, atol=1e-5)
        assert not np.allclose(*features)

    def test_a_set_that_claims_to_be_sysu_is_scored_and_labelled(self):
        """It may be a part of SYSU-MM01 or somebody's own six cameras: no table hides that."""
        s = self.sysu()
        s.dataset = dataclasses.replace(s.dataset, name="sysu")
        for result in extract.evaluate(s).values():
            assert result.provenance["published_counts"] is False
            assert result.provenance["unlike_published"]

    def test_the_official_draw_needs_its_file(self):
        with pytest.raises(setups.TrainingError, match=r"rand_perm_cam\.mat"):
            self.sysu(draw="official")


class TestGuard:
    def test_a_run_that_does_not_learn_says_so_in_history_and_result(self, tmp_path):
        result = cell.run(config(epochs=4, lr=1e-7, triplet_ramp=0.0), tmp_path, device="cpu")
        history = runs.read_lines(tmp_path / "history.jsonl")
        assert [line["guard"] for line in history[:2]] == [{}, {}]
        assert "a guess among 16 people" in history[-1]["guard"]["guess"]
        assert history[-1]["guard"].items() <= result["guard"].items()
        assert cell.epoch_line(history[-1], 4).endswith("[guess]")
