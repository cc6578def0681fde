"""What holds for every rival: gradients, embeddings, parameter groups, saving, loading, going on,
one through papermill.
"""

import itertools
import json

import pytest
import torch

from bdlab import batch as sweeps
from bdlab import network
from bdlab.config import ConfigError
from bdlab.experiments import cell, rows, runs
from bdlab.methods import METHODS, agw, x_modality
from bdlab.modality import BASE, Modality
from bdlab.training import extract, loop
from bdlab.training import setup as setups
from bdlab.workbench import pictures

from .made import OWN, batch, config, made

V, I = BASE


def test_every_name_of_a_configuration_can_be_built_and_no_other():
    from typing import get_args

    from bdlab.config import Method

    assert set(get_args(Method)) == set(METHODS)


@pytest.mark.slow
@pytest.mark.parametrize("method", OWN)
def test_gradients_reach_every_parameter_and_the_loss_falls(method):
    net, objective = made(method)
    seen, ids, b = set(), [], batch()
    slow = {id(p) for p in net.generators()}
    groups = [
        ([p for p in net.parameters() if p.requires_grad and id(p) not in slow], 0.02),
        (net.generators(), 0.001),
    ]
    opt = torch.optim.SGD([{"params": p, "lr": lr} for p, lr in groups if p], momentum=0.9)
    for _ in range(12):
        terms = objective(b)
        opt.zero_grad(set_to_none=True)
        terms["total"].backward()
        seen |= {
            name
            for name, p in net.named_parameters()
            if p.grad is not None and p.grad.abs().sum() > 0
        }
        opt.step()
        ids.append(terms["id"].item())
    assert seen == {name for name, p in net.named_parameters() if p.requires_grad}
    assert ids[-1] < 0.8 * ids[0]


@pytest.mark.parametrize("method", OWN)
def test_embeddings_have_unit_length_and_export_keeps_the_bits(method):
    net, objective = made(method)
    objective(batch())  # moves the batch norms off their start
    net.eval()
    x = batch().images
    with torch.no_grad():
        for m in BASE:
            found = net.embed(x[m], m)
            assert found.dtype == torch.float32
            assert found.norm(dim=1).tolist() == pytest.approx([1.0] * len(found), abs=1e-5)
            assert torch.equal(net.export().embed(x[m], m), found)
    assert not len(net.export().extras)
    assert net.export().derive(x) == {}


@pytest.mark.parametrize("method", OWN)
def test_extras_are_trained_as_head_or_generators_and_groups_take_every_parameter_once(method):
    net, _ = made(method)
    head, generators = net.head(), net.generators()
    assert {id(p) for p in net.extras.parameters()} <= {id(p) for p in [*head, *generators]}
    assert not {id(p) for p in head} & {id(p) for p in generators}
    assert (generators != []) == (method in ("x-modality", "gan"))
    assert (net.generator_numbers() != {}) == (method == "x-modality")
    setup = setups.Setup(
        config(method, groups="agw"),
        None,
        None,
        None,
        net,
        None,
        torch.device("cpu"),
        torch.float32,
    )
    groups = [p for group in loop.optimiser(setup).param_groups for p in group["params"]]
    assert sorted(map(id, groups)) == sorted(id(p) for p in net.parameters() if p.requires_grad)


@pytest.mark.parametrize("method", OWN)
def test_weight_nought_takes_away_what_a_rival_adds(method):
    """The broken variant of every rival's own term: without it, extras are never trained and the
    terms are eq. 9's.
    """
    (net, objective), (_, full) = made(method, rival=0.0), made(method)
    terms = objective(batch())
    terms["total"].backward()
    own = set(full(batch())) - set(terms)
    names = {
        "asymmetric": {"own", "bridge"},
        "bdtr": {"cross", "intra"},
        "cmgan": {"adversary"},
        "agw": {"wrt"},
    }
    assert own == names.get(method, {"judge", "fool", "cycle"} if method == "gan" else set())
    idle = {name for name, p in net.extras.named_parameters() if p.grad is None}
    assert idle == {
        name for name, _ in net.extras.named_parameters() if not name.startswith("from_")
    }


@pytest.mark.slow
@pytest.mark.parametrize("method", OWN)
def test_a_cell_is_saved_and_loaded(method, tmp_path, regdb):
    c = config(method, epochs=1, steps=2)
    folder = tmp_path / "cell"
    folder.mkdir()
    result = cell.run(c, folder, device="cpu")
    assert result["params"]["method"] == method
    history = runs.read_lines(folder / "history.jsonl")
    assert set(history[0]["terms"]) >= {"id", "total", "gradient"}
    net = cell.load(folder)
    setup = setups.prepare(c, device="cpu", progress=False)
    again = extract.evaluate(setup, embedded=extract.embed(setup, net=net))
    assert {s: r.to_json() for s, r in again.items()} == result["scores"]
    shown = pictures.derived(setup, setups.first_batch(setup))
    assert set(shown) == set(c.modalities)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["one-stream", "gan"])
def test_going_on_gives_the_bits_of_one_that_never_stopped(method, tmp_path, regdb):
    """A shared stem stands twice in a checkpoint, a translator among the extras."""
    for name in ("whole", "part", "rest"):
        (tmp_path / name).mkdir()
    whole = setups.prepare(config(method, epochs=2, steps=3), device="cpu", progress=False)
    loop.train(whole, tmp_path / "whole")
    part = setups.prepare(config(method, epochs=2, steps=3), device="cpu", progress=False)
    count = itertools.count(1)

    def stop(*_):
        if next(count) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.train(part, tmp_path / "part", on_step=stop)
    rest = setups.prepare(config(method, epochs=2, steps=3), device="cpu", progress=False)
    loop.train(rest, tmp_path / "rest", [tmp_path / "part"])
    a, b = whole.net.state_dict(), rest.net.state_dict()
    assert all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.slow
def test_one_goes_through_the_notebook(tmp_path, regdb):
    c = config("gan", epochs=1, steps=2, sweep="families", row="GAN")
    (outcome,) = sweeps.run_all(
        [runs.Cell(c.flat(), regdb.fingerprint)], tmp_path / "out", jobs=1, timeout=600
    )
    assert outcome.word == "done", outcome.reason
    result = json.loads((outcome.folder / "result.json").read_text())
    assert result["params"]["method"] == "gan"
    assert isinstance(cell.load(outcome.folder), network.BaseDerivativeNet)


def test_a_rival_wants_its_own_modalities():
    with pytest.raises(
        ConfigError, match="'cmgan' is made for modalities = 'V I', not 'V I DV DI'"
    ):
        config("cmgan", modalities="V I DV DI")
    assert made("agw", modalities="V I DV DI")[0].modalities == tuple(Modality)


class TestAsPublished:
    """The losses of the public code instead of ours, where they are small."""

    @pytest.mark.parametrize("method", ["agw", "bdtr", "x-modality"])
    def test_it_trains_and_its_terms_are_others(self, method):
        changes = {"gamma": 0.0, "pairs": ""} if method == "x-modality" else {}
        b = batch()
        clean = made(method, **changes)[1](b)
        net, objective = made(method, rival_form="as-published", **changes)
        terms = objective(b)
        terms["total"].backward()
        added = {"agw": "wrt", "bdtr": "cross", "x-modality": "gap"}[method]
        assert terms[added] > 0
        if added in clean:
            assert terms[added].item() != pytest.approx(clean[added].item(), rel=1e-4)
        for name, p in net.named_parameters():
            if p.requires_grad:
                assert p.grad is not None, name

    def test_agw_has_one_inner_channel_and_a_fixed_exponent(self):
        net, _ = made("agw", pool="gem", rival_form="as-published")
        blocks = [m for m in net.trunk.modules() if isinstance(m, agw.NonLocal)]
        assert {block.g.out_channels for block in blocks} == {1}
        assert not net.pool.p.requires_grad
        assert made("agw", pool="gem")[0].pool.p.requires_grad

    def test_centres_are_the_means_of_a_persons_pictures(self):
        """The gap of x-modality, from the network's own features, person by person."""
        changes = {"gamma": 0.0, "pairs": "", "rival_form": "as-published"}
        b = batch(people=4, shots=2)
        terms = made("x-modality", **changes)[1](b)
        features = made("x-modality", **changes)[0](b.images).features
        centres = {}
        for m, f in features.items():
            rows = [f[b.labels[m.parent] == person].mean(0) for person in range(4)]
            centres[m] = torch.stack(rows)
        gaps = [x_modality.centre_gap(centres[m], centres[I]) for m in (V, Modality.DV)]
        torch.testing.assert_close(terms["gap"], 0.1 * torch.stack(gaps).sum())

    def test_others_have_no_such_form(self):
        with pytest.raises(ConfigError, match=r"as-published' is for bdtr, x-modality, agw"):
            config("cmgan", rival_form="as-published")

    def test_each_stands_beside_its_clean_form_among_the_readings(self):
        readings = rows.SWEEPS["readings"]
        for name in ("AGW", "BDTR", "X-Modality", "cmGAN"):
            assert (f"{name}-as-published", name) in readings.contrasts
            clean, published = readings.rows[name], readings.rows[f"{name}-as-published"]
            assert clean.changes["method"] == published.changes["method"]
            assert clean.changes != published.changes
        for table in ("table1", "table2", "table3"):
            for row in rows.SWEEPS[table].rows.values():
                assert "rival_form" not in row.changes
