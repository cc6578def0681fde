"""Modalities, pairs and the named graphs, against the paper's Table IV as data."""

import pytest

from bdlab.modality import (
    MDL_GRAPHS,
    Modality,
    ModalityError,
    format_pairs,
    parse_modalities,
    parse_pairs,
)

V, I, DV, DI = Modality


def test_values_are_the_names_files_use():
    assert [m.value for m in Modality] == ["V", "I", "DV", "DI"]
    assert Modality("DV") is DV
    assert f"{DI}" == "DI"


def test_derivatives_know_their_parents():
    assert [m.parent for m in Modality] == [V, I, V, I]


def test_graphs_are_table_iv():
    assert MDL_GRAPHS == {
        "none": (),
        "base": ((V, I),),
        "mdl1": ((V, I), (V, DI)),
        "mdl2": ((V, I), (I, DV)),
        "mdl3": ((V, I), (V, DI), (I, DV), (DI, DV)),
        "mdl4": ((V, I), (V, DI), (I, DV)),
    }


@pytest.mark.parametrize("pairs", MDL_GRAPHS.values())
def test_pairs_round_trip(pairs):
    assert parse_pairs(format_pairs(pairs)) == pairs


def test_pairs_by_name_or_in_any_case():
    assert parse_pairs("MDL4") == MDL_GRAPHS["mdl4"] == parse_pairs("v-i V-di i-dv")
    assert parse_pairs("") == parse_pairs("none") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("V-X", "unknown modality 'X'"),
        ("V-V", "pairs a modality with itself"),
        ("V-I I-V", "given twice"),
        ("V", "not a pair"),
        ("V-I-DV", "not a pair"),
        ("mdl5", "not a pair like V-DI nor the name of a graph"),
    ],
)
def test_wrong_pairs_are_named(text, said):
    with pytest.raises(ModalityError, match=said):
        parse_pairs(text)


def test_modalities_come_in_one_order():
    assert parse_modalities("DI I V") == (V, I, DI)


@pytest.mark.parametrize(
    ("text", "said"),
    [("V", "lacks I"), ("", "lacks V and I"), ("V I V", "twice"), ("V I Z", "'Z'")],
)
def test_wrong_modalities_are_named(text, said):
    with pytest.raises(ModalityError, match=said):
        parse_modalities(text)
