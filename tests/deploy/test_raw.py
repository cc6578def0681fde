"""Raw infrared values: one known range makes them grey, by the formula; without one they are
refused, and it is always said which range it was.
"""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import bdlab
from bdlab.datasets import DatasetError, importing
from bdlab.datasets.pictures import load
from bdlab.datasets.thermal import Scale
from bdlab.deploy import DeployError, cross, export, features, page, searching
from bdlab.deploy.pictures import collect
from tests.cli.test_commands import call, said

LOW, HIGH = 7000, 27000  # 79 of 256 levels of a 16-bit file: what used to pass as a picture
PEOPLE = 4


def counts(person):
    """What a camera of 14 bits and more counts, [H, W] uint16."""
    return np.random.default_rng(person).integers(LOW, HIGH, (48, 24)).astype(np.uint16)


def grey(values, low, high):
    """The formula, beside the package's."""
    share = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
    return np.stack([np.rint(share * 255).astype(np.uint8)] * 3, axis=-1)


def put(root, kind=np.uint16, suffix="png"):
    """visible/<id>/a.png of noise, infrared/<id>/a.<suffix> of raw values."""
    for person in range(1, PEOPLE + 1):
        for top, values in (("visible", None), ("infrared", counts(person))):
            if values is None:
                draw = np.random.default_rng((1, person))
                array, end = draw.integers(0, 256, (48, 24, 3)).astype(np.uint8), "png"
            else:
                array, end = values.astype(kind), suffix
            place = root / f"{top}/{person:04d}"
            place.mkdir(parents=True)
            Image.fromarray(array).save(place / f"a.{end}")
    return root


@pytest.fixture
def raw(tmp_path):
    return put(tmp_path / "raw")


@pytest.fixture
def ranged(cell, tmp_path):
    """The cell, as if its set had been imported with a range."""
    place = shutil.copytree(cell, tmp_path / "ranged")
    result = json.loads((place / "result.json").read_text())
    result["provenance"]["data"]["made"] = {"form": "made", "scale": [8000, 20000]}
    (place / "result.json").write_text(json.dumps(result))
    return place


def infrared(root):
    return sorted(root.glob("infrared/*/*"))


def wanted(embed, low, high):
    """Features of the grey pictures, resized by the embedder."""
    return embed([grey(counts(person), low, high) for person in range(1, PEOPLE + 1)], "I")


def test_without_a_range_they_are_refused(cell, raw):
    embed = bdlab.embedder(cell, device="cpu")
    assert load(infrared(raw)[0], 32, 16).std() > 0, "each alone would pass as a dark picture"
    for ask in (
        lambda: embed(infrared(raw), "I"),
        lambda: features.compute(embed, collect(str(raw))),
        lambda: searching.search_files(embed, [str(raw)], str(raw)),
    ):
        with pytest.raises(DeployError, match=r"a\.png: raw values from 7\d\d\d.*--scale LOW HIGH"):
            ask()


def test_the_remedy_works_and_is_the_formula(cell, raw):
    embed = bdlab.embedder(cell, device="cpu", scale=(8000, 20000))
    found = embed(infrared(raw), "I")
    np.testing.assert_array_equal(found, wanted(embed, 8000, 20000))
    assert not np.allclose(found, wanted(embed, 0, 65535), atol=1e-3), "the broken variant: / 257"
    whole = bdlab.embedder(cell, device="cpu", scale=(0, 65535))
    as_trained = [load(path, embed.height, embed.width) for path in infrared(raw)]
    np.testing.assert_array_equal(whole(infrared(raw), "I"), embed(as_trained, "I"))


def test_degrees_as_floats_too(cell, tmp_path):
    root = put(tmp_path / "raw", np.float32, "tiff")
    embed = bdlab.embedder(cell, device="cpu", scale=(8000, 20000))
    np.testing.assert_array_equal(embed(infrared(root), "I"), wanted(embed, 8000, 20000))


def test_visible_pictures_and_8_bits_need_none(cell, own, raw):
    embed = bdlab.embedder(cell, device="cpu")
    assert embed(infrared(raw), "V").shape == (PEOPLE, embed.dim)
    assert "scale" not in features.compute(embed, collect(str(own))).about


@pytest.mark.parametrize("form", ["cell", "safetensors"])
def test_the_cells_own_range_is_used(ranged, raw, tmp_path, form):
    place = ranged
    if form != "cell":
        place = export.export(ranged, form, tmp_path / f"net.{form}", licence="MIT")
    embed = bdlab.embedder(place, device="cpu")
    np.testing.assert_array_equal(embed(infrared(raw), "I"), wanted(embed, 8000, 20000))
    about = features.compute(embed, collect(str(raw))).about
    assert about["scale"] == [8000, 20000]
    assert about["scale_from"] == "the set the cell was trained on"
    other = bdlab.embedder(place, device="cpu", scale=(0, 65535))
    assert other.scale.origin == "--scale", "what is given goes first"


@pytest.mark.parametrize("spoil", [None, "x", [1], [9, 3], [1, "y"], {"low": 1}])
def test_a_damaged_range_is_no_range(ranged, spoil):
    result = json.loads((ranged / "result.json").read_text())
    result["provenance"]["data"]["made"] = {"scale": spoil}
    (ranged / "result.json").write_text(json.dumps(result))
    assert bdlab.embedder(ranged, device="cpu").scale is None


class TestSearch:
    def test_new_raw_pictures_are_read_as_the_gallerys_set_was(self, cell, raw, tmp_path):
        """The set keeps the range it was imported with; its own pictures are grey already."""
        plan = importing.plan(raw, scale=Scale(7000, 27000))
        done = importing.write(plan, tmp_path / "set")
        embed = bdlab.embedder(cell, device="cpu")
        one = tmp_path / "new/infrared/a.png"
        one.parent.mkdir(parents=True)
        Image.fromarray(counts(2)).save(one)
        for gallery in (done, tmp_path / "f"):
            if gallery != done:
                features.write(gallery, embed, collect(str(done)))
            found = searching.search_files(embed, [str(one)], str(gallery), "I", "I", k=1)
            assert found.gallery.pictures.records[found.columns[0, 0]].identity == 2
            assert found.distances[0, 0] < 1e-3
            note = "Raw infrared values: 7000 is black, 27000 white (the set's own)."
            assert [said for said in found.notes if "Raw" in said] == [note]

    def test_two_ranges_are_warned_of(self, cell, raw, tmp_path):
        embed = bdlab.embedder(cell, device="cpu", scale=(7000, 27000))
        features.write(tmp_path / "f", embed, collect(str(raw)))
        ask = {"query_modality": "I", "gallery_modality": "I"}
        found = searching.search_files(
            embed, [str(raw)], str(tmp_path / "f"), **ask, scale=(0, 65535)
        )
        assert any("Two ranges" in note for note in found.notes)
        same = searching.search_files(embed, [str(raw)], str(tmp_path / "f"), **ask)
        assert not any("Two ranges" in note for note in same.notes)

    def test_the_page_shows_what_the_net_saw(self, cell, raw, tmp_path):
        embed = bdlab.embedder(cell, device="cpu")
        found = searching.search_files(embed, [str(raw)], str(raw), scale=(7000, 27000))
        page.write_page(tmp_path / "a.html", found)
        assert (tmp_path / "a.html").read_text().count("data:image/jpeg") == PEOPLE * (PEOPLE + 1)


def test_from_the_command_line(cell, raw, tmp_path):
    refused = call("embed", raw, "--cell", cell, "--out", tmp_path / "f")
    assert refused.exit_code == 2
    assert "--scale LOW HIGH" in said(refused)
    assert not (tmp_path / "f").exists()
    words = ("--cell", cell, "--scale", 7000, 27000)
    done = call("embed", raw, *words, "--out", tmp_path / "f")
    assert done.exit_code == 0, said(done)
    assert "Raw infrared values: 7000 is black, 27000 white (--scale)." in done.output
    done = call("search", raw, "--gallery", raw, *words, "--out", tmp_path / "s")
    assert done.exit_code == 0, said(done)
    assert "Raw infrared values: 7000 is black, 27000 white (--scale)." in done.output
    wrong = call("embed", raw, "--cell", cell, "--scale", 9, 3, "--out", tmp_path / "g")
    assert wrong.exit_code == 2
    assert "is no range" in said(wrong)


def test_a_range_that_is_none(cell):
    with pytest.raises(DatasetError, match="is no range"):
        bdlab.embedder(cell, device="cpu", scale=(5, 5))


def test_a_set_that_trains_as_it_is_is_tested_as_it_is(cell, tmp_path):
    """16 bits used to the full need no range in training; the test reads them the same way."""
    from bdlab import datasets

    root = tmp_path / "set"
    for person in range(1, 9):
        draw = np.random.default_rng(person)
        for top in ("visible", "infrared"):
            for k in range(2):
                (root / f"{top}/{person:04d}").mkdir(parents=True, exist_ok=True)
                array = draw.integers(0, 65536, (48, 24)).astype(np.uint16)
                Image.fromarray(array).save(root / f"{top}/{person:04d}/{k}.png")
    embed = bdlab.embedder(cell, device="cpu")
    found = cross.test(embed, datasets.open("folder", root))
    assert set(found.results) == {"v2t", "t2v"}
