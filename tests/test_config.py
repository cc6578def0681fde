"""Parameters: round trips, presets, and every way to get one wrong."""

import json

import pytest

from bdlab.config import (
    DATASETS,
    FIELDS,
    PRESETS,
    Config,
    ConfigError,
    by_protocol,
    from_flat,
    preset,
)


def test_defaults_are_the_papers():
    flat = Config().flat()
    want = {
        "height": 288,
        "width": 144,
        "pad": 10,
        "identities": 6,
        "shots": 4,
        "momentum": 0.9,
        "lr": 0.01,
        "margin_intra": 0.3,
        "margin_cross": 0.5,
        "pairs": "V-I V-DI I-DV",
        "backbone": "resnet50",
        "last_stride": 1,
        "milestones": "20 50",
        "alpha": 1.0,
        "beta": 1.0,
        "weight_decay": 5e-4,
        "nesterov": True,
        "warmup": 10.0,
        "id_over": "mean",
        "reduction": "mean",
    }
    assert {name: flat[name] for name in want} == want


def test_paper_preset_has_the_papers_epochs_and_weights():
    regdb, sysu = (from_flat(preset("paper", data)) for data in ("regdb", "sysu"))
    assert (regdb.optim.epochs, regdb.loss.gamma) == (60, 5.0)
    assert (sysu.optim.epochs, sysu.loss.gamma) == (80, 1.0)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("data", DATASETS)
def test_every_preset_round_trips_through_json(name, data):
    config = from_flat(preset(name, data))
    assert from_flat(json.loads(json.dumps(config.flat()))) == config
    assert config.run.preset == name


def test_flat_names_are_unique_and_known():
    assert list(Config().flat()) == list(FIELDS)
    assert all(set(changes) <= set(FIELDS) for changes in PRESETS.values())
    assert all(set(by_protocol(name, data)) <= set(FIELDS) for name in PRESETS for data in DATASETS)


def test_an_integer_is_a_float_where_one_is_meant():
    assert from_flat({"gamma": 2}).loss.gamma == 2.0
    assert isinstance(from_flat({"gamma": 2}).loss.gamma, float)


WRONG = [
    ({"gama": 1.0}, "unknown parameter 'gama'; did you mean 'gamma'"),
    ({"zzz": 1}, "the parameters are "),
    ({"gamma": "1e-3"}, "write 1.0e-3"),
    ({"gamma": True}, "truth value"),
    ({"gamma": float("nan")}, "not finite"),
    ({"gamma": float("inf")}, "not finite"),
    ({"gamma": None}, "float is meant"),
    ({"gamma": -1.0}, "must not be negative"),
    ({"epochs": 1.5}, "int is meant"),
    ({"epochs": 0}, "must be above 0"),
    ({"epochs": "6"}, "int is meant"),
    ({"lr": 0.0}, "must be above 0"),
    ({"seed": -1}, "must not be negative"),
    ({"steps": 0}, "above 0, or null"),
    ({"pool": "max"}, "choose one of 'avg', 'gem'"),
    ({"last_stride": 1.0}, "choose one of 1, 2"),
    ({"last_stride": True}, "choose one of 1, 2"),
    ({"data": "market"}, "unknown data set 'market'"),
    ({"modalities": "V DV"}, "lacks I"),
    ({"modalities": "V I", "pairs": "V-I V-DI"}, "V-DI needs DI"),
    ({"pairs": "V-Q"}, "unknown modality 'Q'"),
    ({"milestones": "50 20"}, "finite and ascend"),
    ({"milestones": "soon"}, "epochs separated by blanks"),
    ({"milestones": "nan"}, "finite and ascend"),
    ({"identities": 1}, "no negative pair"),
    ({"shots": 1}, "no positive pair"),
    ({"momentum": 1.0}, "below 1"),
    ({"generator_lr": -1.0}, "must not be negative"),
    ({"method": "nope"}, "choose one of 'base-derivative'"),
    ({"alpha": 0.0, "beta": 0.0, "gamma": 0.0}, "nothing to train on"),
    ({"modalities": "V I", "pairs": "V-I", "generator_lr": 0.1}, "no derivative modality"),
    ({"generator": "frozen", "generator_lr": 0.1}, "whose E_V or G_S is learned"),
    ({"generator": "none"}, "choose one of 'learned', 'frozen', 'grey'"),
    ({"shared_generator": 1}, "bool is meant"),
    ({"rival": -0.5}, "must not be negative"),
    ({"passes": 0}, "must be above 0"),
    ({"method": "cmgan"}, "is made for modalities = 'V I', not 'V I DV DI'"),
    (
        {"method": "gan", "modalities": "V I", "pairs": "V-I"},
        "is made for modalities = 'V I DV DI'",
    ),
    ({"method": "x-modality"}, "is made for modalities = 'V I DV'"),
    ({"data": "regdb", "channel_gap": 0.5}, "belong to the synthetic twins"),
    ({"channel_gap": 1.5}, r"must lie in \[0, 1\]"),
    ({"triplet_ramp": 2.0}, r"must lie in \[0, 1\]"),
    ({"channel_exchange": 1.5}, r"is a share and must lie in \[0, 1\]"),
    ({"random_grey": -0.1}, r"is a share and must lie in \[0, 1\]"),
    ({"random_erasing": 2}, r"is a share and must lie in \[0, 1\]"),
    ({"label_smoothing": -0.1}, r"is a share and must lie in \[0, 1\]"),
    ({"label_smoothing": 1.0}, "leaves nothing of the label"),
    ({"channel_exchange": 0.8, "random_grey": 0.3}, "together at most 1"),
    ({"corruption": "frost"}, "corruption = 'frost': 'frost': choose from mixed, noise"),
    ({"corruption": "fog-9"}, "with or without a severity of 1 to 5: fog-5"),
    ({"corruption": ""}, "'none' asks for the clean test"),
    ({"corruption": 3}, "str is meant"),
    ({"margin_intra": (0.3,)}, "tuple"),
    ({"root": 5}, "str or null is meant"),
    ({"data": None}, "str is meant"),
    ({"nesterov": 1}, "bool is meant"),
    ({"split": 0}, "must be above 0"),
]


@pytest.mark.parametrize(
    ("params", "said"), WRONG, ids=[next(iter(p)) + f"-{k}" for k, (p, _) in enumerate(WRONG)]
)
def test_wrong_parameters_name_themselves(params, said):
    with pytest.raises(ConfigError, match=said) as caught:
        from_flat(params)
    assert "\n" not in str(caught.value)


def test_unknown_presets_and_sets_name_the_choices():
    with pytest.raises(ConfigError, match="choose one of paper, middle, study, demo, smoke"):
        preset("huge", "regdb")
    with pytest.raises(ConfigError, match="unknown data set"):
        preset("demo", "market")


def test_options_of_the_data_are_only_those_that_are_set():
    assert from_flat({"data": "regdb", "split": 3}).data.options() == {"split": 3}
    assert from_flat({"channel_gap": 0.5}).data.options() == {"split": 1, "channel_gap": 0.5}


def test_people_are_held_out_where_they_exist():
    """The twins and SYSU-MM01 name them; RegDB's and LLCM's own splits hold nobody out."""
    for data in DATASETS:
        asked = preset("smoke", data) | {"validation": True}
        if data in ("regdb", "llcm"):
            with pytest.raises(ConfigError, match="hold nobody out"):
                from_flat(asked)
        else:
            assert from_flat(asked).data.validation
