"""Raw thermal values: one range for a set, false colours turned back, boxes cut out of frames."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from bdlab.datasets import DatasetError, check, folder, importing, thermal
from bdlab.datasets.pictures import full, raw
from bdlab.datasets.thermal import Scale

from . import trees

H, W = 24, 16


def saved(array: np.ndarray, form: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, form)
    return out.getvalue()


def counts(person: int, low: int = 7000, high: int = 9000) -> np.ndarray:
    """What a camera of 14 bits counts: everybody between ``low`` and ``high``."""
    return np.random.default_rng(person).integers(low, high, (H, W)).astype(np.uint16)


def degrees(person: int) -> np.ndarray:
    return (counts(person).astype(np.float32) - 7000) / 50 - 5


def build(root, values, suffix="png"):
    """A set whose infrared pictures hold ``values(person)``."""
    for person in range(1, 7):
        array = values(person)
        form = {"png": "PNG", "tiff": "TIFF"}[suffix]
        trees.write(root / f"rgb/{person}/a.png", trees.png(trees.pixels(person)))
        trees.write(root / f"ir/{person}/a.{suffix}", saved(array, form))
    return root


def grey_of(out, person):
    (path,) = (out / f"infrared/{person:04d}").iterdir()
    return np.asarray(full(path.read_bytes(), path))[:, :, 0]


def made(out):
    return json.loads((out / "set.json").read_text())["made"]


def test_one_range_for_the_set_is_what_the_formula_says(tmp_path):
    root = build(tmp_path / "in", counts)
    plan = importing.plan(root, scale=Scale(7500, 8500))
    out = importing.write(plan, tmp_path / "out")
    for person in range(1, 7):
        want = np.rint(np.clip((counts(person) - 7500.0) / 1000, 0, 1) * 255)
        np.testing.assert_array_equal(grey_of(out, person), want)
    every = np.concatenate([counts(person).ravel() for person in range(1, 7)])
    assert made(out)["scale"] == [7500, 8500]
    assert made(out)["clipped"]["below"] == pytest.approx((every < 7500).mean())
    assert made(out)["clipped"]["above"] == pytest.approx((every > 8500).mean())
    assert folder.read(out).provenance["made"]["scale"] == [7500, 8500]
    assert check.check(out, progress=False).ok


def test_equal_values_stay_equal_across_pictures(tmp_path):
    """The broken variant, a range of each picture's own, gives one temperature two greys."""

    def values(person):
        array = counts(person, 7000, 7200 if person % 2 else 9000)
        array[0, 0] = 7100
        return array

    out = importing.write(
        importing.plan(build(tmp_path / "in", values), scale="auto"), tmp_path / "out"
    )
    assert len({int(grey_of(out, person)[0, 0]) for person in range(1, 7)}) == 1
    own = {
        int(Scale(float(array.min()), float(array.max())).grey(array)[0, 0])
        for array in map(values, range(1, 7))
    }
    assert len(own) > 1


def test_the_automatic_range_is_between_percentiles_of_the_set(tmp_path):
    out = importing.write(
        importing.plan(build(tmp_path / "in", counts), scale="auto"), tmp_path / "out"
    )
    every = np.concatenate([counts(person).ravel() for person in range(1, 7)])
    assert made(out)["scale"] == pytest.approx(list(np.percentile(every, (0.1, 99.9))))


def test_degrees_as_floats_are_taken_with_a_range(tmp_path):
    root = build(tmp_path / "in", degrees, "tiff")
    error = trees.refused(
        lambda: importing.write(importing.plan(root), tmp_path / "out"), ".tiff", "6 of 12"
    )
    assert "--scale auto" in error.remedy
    out = importing.write(importing.plan(root, scale=Scale(-10, 40)), tmp_path / "out")
    want = np.rint(np.clip((degrees(2).astype(float) + 10) / 50, 0, 1) * 255)
    np.testing.assert_array_equal(grey_of(out, 2), want)


def test_raw_counts_without_a_range_are_refused_and_the_remedy_works(tmp_path):
    root = build(tmp_path / "in", counts)
    error = trees.refused(
        lambda: importing.write(importing.plan(root), tmp_path / "out"), "in", "of 256 grey levels"
    )
    assert "--scale auto" in error.remedy
    assert not (tmp_path / "out").exists()
    out = importing.write(importing.plan(root, scale="auto"), tmp_path / "out")
    assert np.ptp(grey_of(out, 1)) > 200
    assert check.check(out, progress=False).ok


def test_a_range_for_pictures_of_8_bits_is_refused(tmp_path):
    root = trees.folder(tmp_path / "in")
    plan = importing.plan(root, scale=Scale(0, 100))
    error = trees.refused(lambda: importing.write(plan, tmp_path / "out"), "in", "has 8 bits")
    assert "leave --scale out" in error.remedy


@pytest.mark.parametrize("ends", [(5, 5), (9, 3), (0, float("nan"))])
def test_a_range_has_two_ends(ends):
    trees.refused(lambda: Scale(*ends), None, "is no range")


def test_values_that_are_no_numbers_are_refused():
    array = degrees(1)
    array[3, 4] = np.nan
    trees.refused(lambda: raw(saved(array, "TIFF"), "x.tiff"), "x.tiff", "1 values that are no")


@pytest.mark.parametrize("name", thermal.PALETTES)
def test_false_colours_are_turned_back(tmp_path, name):
    ramp = np.linspace(0, 255, H * W).reshape(H, W).astype(np.uint8)
    colours = np.rint(thermal._colours(name)[ramp]).astype(np.uint8)
    root = build(tmp_path / "in", lambda person: np.roll(colours, person, axis=0))
    error = trees.refused(
        lambda: importing.write(importing.plan(root), tmp_path / "out"), "ir", f"palette {name}"
    )
    assert f"--palette {name}" in error.remedy
    out = importing.write(importing.plan(root, palette=name), tmp_path / "out")
    back = grey_of(out, 2).astype(int)
    assert np.abs(back - np.roll(ramp, 2, axis=0)).max() <= 2
    assert made(out)["palettes"] == {name: 6}
    assert check.check(out, progress=False).ok


def test_a_palette_nothing_is_in_is_refused(tmp_path):
    plan = importing.plan(trees.folder(tmp_path / "in"), palette="auto")
    trees.refused(lambda: importing.write(plan, tmp_path / "out"), "in", "no infrared picture is")
    with pytest.raises(DatasetError, match="palette = 'rainbow' does not exist"):
        importing.plan(tmp_path / "in", palette="rainbow")


@pytest.mark.parametrize("grey", [True, False])
def test_other_pictures_are_of_no_palette(grey):
    noise = trees.pixels(1, height=H, width=W)
    assert thermal.palette_of(noise[:, :, :1].repeat(3, 2) if grey else noise) is None
    # a coat of one colour lies on many palettes
    assert thermal.palette_of(np.full((H, W, 3), thermal._colours("jet")[40], np.uint8)) is None


BOXES = ["rgb/a.png;2;3;8;10;anna", "ir/a.png;1;2;9;12;anna", "rgb/a.png;-4;1;14;30;bo",
         "ir/a.png;6;4;10;20;bo", "ir/a.png;0;0;16;24;"]  # fmt: skip


def frames(root, values=None):
    for number, top in enumerate(("rgb", "ir")):
        trees.write(root / top / "a.png", trees.png(frame(number)))
    return root


def frame(number):
    return trees.pixels(5, number, height=H, width=W)


def boxes(root, lines=BOXES, header="Path;x;y;w;h;Identity"):
    return trees.write(root / "boxes.csv", "\n".join([header, *lines]) + "\n")


def test_people_are_cut_out_of_frames(tmp_path):
    root = frames(tmp_path / "frames")
    plan = importing.plan(boxes=boxes(tmp_path), frames=root)
    assert "1 pictures of nobody known" in plan.text()
    out = importing.write(plan, tmp_path / "out")
    crops = {
        "visible/0001": frame(0)[3:13, 2:10], "infrared/0001": frame(1)[2:14, 1:10],
        "visible/0002": frame(0)[1:24, 0:10],  # clamped to the frame
        "infrared/0002": frame(1)[4:24, 6:16], "unknown/infrared": frame(1),
    }  # fmt: skip
    for place, want in crops.items():
        (path,) = (out / place).iterdir()
        np.testing.assert_array_equal(np.asarray(full(path.read_bytes(), path)), want)
    assert made(out)["clamped_boxes"] == 1
    assert folder.read(out).names == {1: "anna", 2: "bo"}
    assert "unknown/infrared/0001.png" in (out / "pictures.csv").read_text()


BAD_BOXES = {
    "outside": ("rgb/a.png;40;3;8;10;anna", "leaves fewer than 8"),
    "a sliver": ("rgb/a.png;12;3;80;10;anna", "leaves fewer than 8"),
    "no size": ("rgb/a.png;2;3;0;10;anna", "is no box"),
    "no number": ("rgb/a.png;2;three;8;10;anna", "is no box"),
    "no frame": ("rgb/b.png;2;3;8;10;anna", "is not there"),
    "no modality": ("a.png;2;3;8;10;anna", "one modality"),
}


@pytest.mark.parametrize(("line", "says"), BAD_BOXES.values(), ids=BAD_BOXES)
def test_a_bad_box_is_refused_by_line(tmp_path, line, says):
    root = frames(tmp_path / "frames")
    trees.write(root / "a.png", trees.png(frame(2)))
    file = boxes(tmp_path, [*BOXES, line])

    def done():
        importing.write(importing.plan(boxes=file, frames=root), tmp_path / "out")

    trees.refused(done, "boxes.csv" if says != "leaves fewer than 8" else None, says, 7)
    assert not (tmp_path / "out").exists()


def test_boxes_and_frames_belong_together(tmp_path):
    trees.refused(lambda: importing.plan(boxes=boxes(tmp_path)), None, "boxes and their frames")
    trees.refused(lambda: importing.plan(), None, "a source, or boxes")


def test_raw_frames_are_cut_and_scaled(tmp_path):
    root = frames(tmp_path / "frames")
    trees.write(root / "ir/a.png", saved(counts(1), "PNG"))
    plan = importing.plan(boxes=boxes(tmp_path), frames=root, scale=Scale(7000, 9000))
    out = importing.write(plan, tmp_path / "out")
    want = np.rint((counts(1)[2:14, 1:10] - 7000.0) / 2000 * 255)
    np.testing.assert_array_equal(grey_of(out, 1), want)
