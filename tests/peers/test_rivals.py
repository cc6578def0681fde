"""Margins, weights, rows and docstrings of the rivals against what their public code says, and
LLCM's record against its authors' repository.
"""

from __future__ import annotations

import copy
import json
import re

import pytest

from bdlab import rules
from bdlab.datasets import llcm as reader
from bdlab.experiments import recipe, sweeps
from bdlab.experiments.rows import AS_PUBLISHED
from bdlab.methods import METHODS, agw, asymmetric, bdtr, cmgan, x_modality
from bdlab.modality import Modality
from bdlab.network import generator

from . import numbers

RIVALS, LLCM = numbers.read("rivals.json"), numbers.read("llcm.json")
XIV, AGW, BDTR = "X-modality (XIV), [16]", "AGW, [22]", "BDTR, [6]"
CMGAN, MAC = "cmGAN, [24]", "asymmetric / MAC, [8]"


def number(pattern: str, text: str) -> float:
    """The number where a pattern has brackets, in a sentence of theirs."""
    return float(re.search(pattern, text).group(1))


def words(documented) -> str:
    return " ".join(documented.__doc__.split())


def row(name: str) -> dict:
    """Every parameter of a rival's row as published."""
    return sweeps.configure("readings", f"{name}-as-published", "smoke", "synthetic-regdb").flat()


def constants(rivals: dict) -> dict[str, tuple[object, object]]:
    """(ours, theirs) by what it is: constants and rows."""
    xiv, agws = rivals[XIV]["losses"], rivals[AGW]
    bdtrs, gans = rivals[BDTR]["losses"], rivals[CMGAN]
    within = number(r"margin ([\d.]+)\) within", xiv["per modality (V, I, X), added up"])
    blocks = {
        1: number(r"(\d) in layer2", agws["network"]),
        2: number(r"(\d) in layer3", agws["network"]),
    }
    published = {
        "BDTR, cross margin": (bdtr.CROSS, number(r"\[([\d.]+) \+ d", bdtrs["cross"])),
        "BDTR, intra margin": (bdtr.INTRA, number(r"\[([\d.]+) - d", bdtrs["intra"])),
        "BDTR, intra weight": (bdtr.INTRA_WEIGHT, number(r"intra ([\d.]+)", bdtrs["weights"])),
        "BDTR, cross weight": (row("BDTR")["rival"], number(r"cross ([\d.]+)", bdtrs["weights"])),
        "BDTR, ID weight": (row("BDTR")["alpha"], number(r"id ([\d.]+)", bdtrs["weights"])),
        "XIV, cross margin": (x_modality.MARGIN, number(r"margin ([\d.]+)", xiv["cross terms"])),
        "XIV, cross weight": (x_modality.WEIGHT, number(r"weight ([\d.]+)", xiv["cross terms"])),
        "XIV, margin within": (row("X-Modality")["margin_intra"], within),
        "XIV, start": (generator.THIRDS[0], number(r"weights ([\d.]+)", rivals[XIV]["generator"])),
        "AGW, blocks": (agw.BLOCKS, blocks),
        "AGW, triplet's weight": (
            row("AGW")["rival"], number(r"weight (\d)", agws["losses"]["triplet"]),
        ),
    }  # fmt: skip
    sums = rivals["id loss over modalities, eq. 8"]
    published["XIV, sum over modalities"] = (
        row("X-Modality")["id_over"] == "sum",
        any("XIVReID" in code for code in sums["sum over modalities"]),
    )
    published["AGW, mean over the batch"] = (
        row("AGW")["id_over"] == "mean",
        any("AGW" in code for code in sums["mean over the concatenated batch"]),
    )
    for code in gans:
        text = json.dumps(code["losses"])
        weight = number(r"(0\.\d+)", text[text.index("gamma") if "gamma" in text else 0 :])
        published[f"cmGAN, adversary, {code['repository']}"] = (row("cmGAN")["rival"], weight)
    return published


def said(template: str, text: str, pattern: str) -> str:
    """Our words with a number of theirs in them."""
    return template.replace("{}", f"{number(pattern, text):g}")


def documented(rivals: dict) -> dict[str, tuple[str, list[str]]]:
    """(our docstrings, the words that they must hold) by method; the numbers in these are theirs,
    and ``?`` stands where their code is no longer what our words say of it.
    """
    xiv, agws, bdtrs, gans, mac = (rivals[name] for name in (XIV, AGW, BDTR, CMGAN, MAC))
    cross, intra = bdtrs["losses"]["cross"], bdtrs["losses"]["intra"]
    within, gap = xiv["losses"]["per modality (V, I, X), added up"], xiv["losses"]["cross terms"]
    near, gan = mac["nearest"], gans[0]["losses"]
    return {
        "bdtr": (
            words(bdtr.build) + words(bdtr.published_ranking),
            [
                bdtrs["repository"],
                said("{} people a batch", bdtrs["sampling"], r"(\d+) identities"),
                said("intra term weighs {}", bdtrs["losses"]["weights"], r"intra ([\d.]+)"),
                said("[{} + D(x_i, z_p)", cross, r"\[([\d.]+) \+"),
                said("[{} - D(z_p, z_n)", intra, r"\[([\d.]+) -"),
            ],
        ),
        "x-modality": (
            words(x_modality.build) + words(x_modality.centre_gap),
            [
                xiv["repository"],
                said("label smoothing {}", within, r"cross-entropy \(([\d.]+)\)"),
                said("each cross term weighs {}", gap, r"weight ([\d.]+)"),
                said("margin {}", gap, r"margin ([\d.]+)"),
                said("[{} + d_ii", gap, r"margin ([\d.]+)"),
                "modalities are summed" if "SUM" in str(xiv["losses"]) else "?",
                "tested before the neck" if "before the neck" in xiv["test feature"] else "?",
            ],
        ),
        "agw": (
            words(agw.build) + words(agw.published_triplet),
            [
                agws["repository"],
                "one inner channel" if "= 1," in agws["network"] else "?",
                said("p stays {}", agws["pooling"], r"p = (\d)"),
                "1e-6 in its denominator" if "1e-6" in agws["losses"]["triplet"] else "?",
                "batch of eight people" if agws["sampling"].startswith("8 ") else "?",
                said("lr of {} for neck", agws["optimiser"], r"lr ([\d.]+) for neck"),
            ],
        ),
        "cmgan": (
            words(cmgan.build),
            [
                *(code["repository"] for code in gans),
                said("weighs {}", gan["modality"], r"gamma ([\d.]+)"),
                said("margin is {}", gan["triplet"], r"margin ([\d.]+)"),
                "four of five epochs" if "% 5" in gans[0]["alternation"] else "?",
            ],
        ),
        "asymmetric": (
            words(asymmetric.build),
            [
                near["repository"],
                said("rate {}", near["classifiers"], r"rate (\.\d+)"),
                said("weight {}", near["agreement"], r"configurations ([\d.]+)"),
                said("loss {}.0 for each modality", near["specific id"], r"so ([\d.]+)"),
            ],
        ),
    }


def unlike(rivals: dict) -> list[str]:
    """What of ours is not theirs, and what our docstrings do not say."""
    wrong = [name for name, (ours, theirs) in constants(rivals).items() if ours != theirs]
    for name, (text, wanted) in documented(rivals).items():
        for word in wanted:
            if not re.search(re.escape(word) + r"(?!\.?\d)", text):  # 2 is not the start of 2.5
                wrong.append(f"{name}: {word}")
    return wrong


def test_constants_rows_and_docstrings_are_those_of_the_public_code():
    assert unlike(RIVALS) == []
    assert {"bdtr", "x-modality", "agw", "cmgan", "asymmetric"} <= METHODS.keys()


@pytest.mark.parametrize(
    ("path", "old", "new", "named"),
    [
        ((BDTR, "losses", "intra"), "[0.1 - d", "[0.3 - d", "BDTR, intra margin"),
        ((BDTR, "losses", "weights"), "intra 0.1", "intra 1.0", "bdtr: intra term weighs 1"),
        ((XIV, "losses", "cross terms"), "weight 0.1", "weight 1.0", "XIV, cross weight"),
        ((XIV, "losses", "cross terms"), "margin 0.5", "margin 0.3", "XIV, cross margin"),
        ((AGW, "network"), "3 in layer3", "1 in layer3", "AGW, blocks"),
        ((CMGAN, 0, "losses", "modality"), "0.05", "0.5", "cmGAN, adversary, pineb1ue/cmGAN"),
        ((MAC, "nearest", "agreement"), "2.5", "2.0", "asymmetric: weight 2"),
    ],
)
def test_another_number_is_noticed(path, old, new, named):
    """The broken variants: one number of theirs read wrongly."""
    other = copy.deepcopy(RIVALS)
    place = other
    for key in path[:-1]:
        place = place[key]
    assert old in place[path[-1]]
    place[path[-1]] = place[path[-1]].replace(old, new)
    assert named in unlike(other)


def test_cross_terms_of_x_modality_stand_in_for_mdl():
    """V-I and X-I, as theirs; what the clean row's pairs are, with X in the place of D_V."""
    assert RIVALS[XIV]["losses"]["cross terms"].startswith("V-I and X-I")
    assert AS_PUBLISHED["X-Modality"][0].changes["pairs"] == "V-I I-DV"
    assert (row("X-Modality")["gamma"], row("X-Modality")["pairs"]) == (0.0, "")
    assert recipe.TWO["pairs"] == "V-I"


class TestLLCM:
    record, protocol = rules.LLCM, LLCM["protocol"]

    def test_the_published_counts(self):
        about = LLCM["set"]
        (whole,) = self.record.wholes
        assert whole == {"identities": about["identities"], "pictures": about["boxes"]}
        train = about["train identities"]
        assert self.record.parts["train"]["identities"] == train
        assert self.record.parts["test"]["identities"] == about["identities"] - train

    def test_cameras_and_rules(self):
        cameras = self.protocol["cameras"]
        assert list(self.record.visible) == cameras["VIS"]
        assert list(self.record.infrared) == cameras["NIR"]
        assert len(self.record.visible) == LLCM["set"]["cameras"]
        assert reader.CAMERAS[Modality.I] == tuple(cameras["NIR"])
        assert self.record.same_camera == ("same camera" in self.protocol["excluded"].lower())
        assert self.record.unique_ids == (self.protocol["cmc"] == "distinct identities")
        assert self.protocol["also"].endswith("mean of ten trials")
        assert self.record.trials == 10

    def test_the_directions(self):
        theirs = LLCM["directions"]
        assert set(self.record.names) == set(theirs)
        for setting in self.record.settings:
            asks = "I" if setting.name != "v2t" else "V"
            assert setting.query == asks, setting.name
        assert theirs["t2v"].partition(": ")[2].startswith("NIR queries")
        assert theirs["v2t"].partition(": ")[2].startswith("VIS queries")
        assert "drawn NIR pictures are the queries" in theirs["v2t-as-code"]
        assert self.record["v2t-as-code"].drawn == "query"

    def test_the_layout(self):
        layout = LLCM["layout"]
        for modality, word in reader.WORDS.items():
            assert f"idx/train_{word}.txt" in layout["training lists"]
            assert f"test_{word}/cam" in layout["test pictures"]
            assert reader.TOPS[f"test_{word}"] is modality
        assert "idx/test_id.txt" in layout["test list"]
        folder = re.search(r"test_nir/cam\{([\d,]+)\}", layout["test pictures"]).group(1)
        assert tuple(map(int, folder.split(","))) == reader.CAMERAS[Modality.I]
