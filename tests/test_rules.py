"""The records of the protocols: what they say of cameras and counts, and what follows from them."""

from __future__ import annotations

import numpy as np
import pytest

from bdlab import rules
from bdlab.modality import Modality


class Row:
    def __init__(self, identity, modality, camera=0, split="test"):
        self.identity, self.modality, self.camera, self.split = identity, modality, camera, split


class TestCorruptions:
    def test_words_are_tests(self):
        mixed, noise, fog = rules.corruptions("mixed noise fog-5")
        assert set(mixed.kinds) == {k for kinds in rules.CORRUPTIONS.values() for k in kinds}
        assert (noise.kinds, noise.severities) == (rules.CORRUPTIONS["noise"], (1, 2, 3, 4, 5))
        assert (fog.name, fog.kinds, fog.severities) == ("fog-5", ("fog",), (5,))
        assert rules.corruptions("none") == ()

    @pytest.mark.parametrize(
        "words", ["", " ", "frost", "fog-0", "fog-6", "fog-", "fog fog", "none mixed", "fog,snow"]
    )
    def test_other_words_name_the_choices(self, words):
        with pytest.raises(ValueError, match=r"fog-5|'none' asks for the clean test"):
            rules.corruptions(words)


@pytest.mark.parametrize("protocol", rules.PROTOCOLS.values(), ids=rules.PROTOCOLS)
def test_a_record_agrees_with_itself(protocol):
    assert len(set(protocol.names)) == len(protocol.names)
    for name in protocol.names:
        setting = protocol[name]
        assert setting.name == name
        assert setting.query in ("V", "I")
        side = "I" if (setting.query == "V") == (setting.drawn == "gallery") else "V"
        assert set(setting.cameras) <= set(protocol.cameras(side))
        assert setting.paper is None or setting.paper[0] == protocol.name
    with pytest.raises(KeyError, match=protocol.names[0]):
        protocol["nowhere"]
    assert protocol.is_drawn == (protocol.trials > 1)


def test_the_camera_rules():
    cameras = np.arange(1, 7)
    pairs = rules.SYSU.excluded(cameras[:, None], cameras[None, :])
    assert np.argwhere(pairs).tolist() == [[2, 1]]  # camera 3 asks, camera 2 is hidden
    assert rules.SYSU.excluded(3, 2)
    assert not rules.SYSU.excluded(2, 3)
    either = rules.SYSU.excluded_either(cameras[:, None], cameras[None, :])
    assert np.argwhere(either).tolist() == [[1, 2], [2, 1]]
    same = np.eye(6, dtype=bool)
    llcm = rules.LLCM.excluded(cameras[:, None], cameras[None, :], same)
    assert (llcm == np.eye(6, dtype=bool)).all()
    others = rules.LLCM.excluded(cameras[:, None], cameras[None, :], np.zeros((6, 6), bool))
    assert not others.any()
    nothing = rules.REGDB.excluded(cameras[:, None], cameras[None, :], same)
    assert nothing.shape == (6, 6)
    assert not nothing.any()
    assert [p.name for p in rules.PROTOCOLS.values() if p.excludes] == ["sysu", "llcm"]


def test_every_data_set_has_its_protocol():
    found = {data: rules.protocol_of(data).name for data in rules.DATASETS}
    assert found == {
        "regdb": "regdb", "sysu": "sysu", "llcm": "llcm", "folder": "regdb",
        "synthetic-regdb": "regdb", "synthetic-sysu": "sysu", "synthetic-llcm": "llcm",
    }  # fmt: skip
    with pytest.raises(KeyError):
        rules.protocol_of("market")
    assert [d for d in rules.DATASETS if not rules.can_hold_out(d)] == ["regdb", "llcm"]
    assert [d for d in rules.DATASETS if rules.is_twin(d)] == list(rules.TWINS)
    official = [d for d in rules.DATASETS if "official" in rules.draws_of(d)]
    assert official == ["sysu", "synthetic-sysu"]
    assert all(rules.draws_of(d)[0] == "seeded" for d in rules.DATASETS)


def test_counts_known_from_the_records():
    """LLCM by hand: identity 1 is in camera 1 twice and 2 once (visible), 1 (infrared); identity 2
    in one camera only, so its query has nothing left to find.
    """
    visible = [Row(1, Modality.V, 1), Row(1, Modality.V, 1), Row(1, Modality.V, 2)]
    visible.append(Row(2, Modality.V, 4))
    infrared = [Row(1, Modality.I, 1), Row(2, Modality.I, 4), Row(2, Modality.I, 4)]
    found = {
        setting.name: rules.expected_counts(rules.LLCM, setting, visible + infrared)
        for setting in rules.LLCM.settings
    }
    assert found == {
        "t2v": {"queries": 3, "gallery": 3, "valid_queries": 1},
        "v2t": {"queries": 4, "gallery": 2, "valid_queries": 1},
        "v2t-as-code": {"queries": 2, "gallery": 4, "valid_queries": 1},
    }


def test_the_validation_people_count_as_trained():
    rows = [Row(1, Modality.V, split="train"), Row(2, Modality.I, split="val")]
    rows.append(Row(3, Modality.V))
    assert rules.counted(rows, "train")["identities"] == 2
    assert rules.counted(rows, "test")["identities"] == 1
    assert rules.counted(rows, "all")["pictures"] == 3


def test_settings_of_all_protocols_stand_in_one_list():
    names = [setting.name for setting in rules.every_setting()]
    assert len(set(names)) == len(names)
    assert names[:2] == ["v2t", "t2v"]
    assert set(names) == {name for p in rules.PROTOCOLS.values() for name in p.names}
    aside = [setting.aside for setting in rules.every_setting()]
    assert aside == sorted(aside)


def test_methods_say_what_they_are_made_for():
    from bdlab.modality import parse_modalities

    for name, modalities in rules.METHODS.items():
        assert not modalities or parse_modalities(modalities), name
    assert next(iter(rules.METHODS)) == "base-derivative"
