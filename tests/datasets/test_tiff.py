"""Thermal TIFFs: those that Pillow reads, those that need tifffile, and what is said without it."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from bdlab.datasets import folder, importing, pictures, tiff
from bdlab.modality import Modality

from . import trees

DEGREES = np.linspace(-5, 40, 12 * 8).reshape(12, 8)  # [H, W] degrees, float64


def values(data):
    return pictures.raw(data, "a.tif")


@pytest.mark.parametrize("kind", ["float32", "uint16", "int16", "int32"])
@pytest.mark.parametrize("order", "<>")
def test_pillow_reads_what_cameras_write(kind, order, monkeypatch):
    """Nothing needs tifffile for these: floats of 32 bits and counts, in both orders of bytes."""
    monkeypatch.setitem(sys.modules, "tifffile", None)
    want = (DEGREES * 100 + 1000).astype(kind)
    np.testing.assert_array_equal(values(trees.tiff(want, order)), want)


class TestWithoutTifffile:
    @pytest.mark.parametrize("kind", ["float64", "float16"])
    def test_the_remedy_names_the_extra(self, kind, monkeypatch):
        monkeypatch.setitem(sys.modules, "tifffile", None)
        data = trees.tiff(DEGREES.astype(kind))
        error = trees.refused(lambda: values(data), "a.tif", "a TIFF that Pillow does not read")
        assert "pip install 'bdlab[tiff]'" in error.remedy
        assert "export it as" in error.remedy

    def test_its_other_remedy_works(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "tifffile", None)
        np.testing.assert_allclose(values(trees.tiff(DEGREES.astype(np.float32))), DEGREES, 1e-6)

    @pytest.mark.parametrize("kind", ["float64", "float32", "uint16"])
    def test_a_cut_file_is_not_sent_to_tifffile(self, kind, monkeypatch):
        """Its directory stands at its end: what was cut off is no other kind of TIFF."""
        monkeypatch.setitem(sys.modules, "tifffile", None)
        data = trees.tiff((DEGREES + 10).astype(kind))[: 8 + 40]
        error = trees.refused(lambda: values(data), "a.tif", "is no readable picture")
        assert "tiff" not in error.remedy


class TestWithTifffile:
    @pytest.fixture(autouse=True)
    def needed(self):
        pytest.importorskip("tifffile", reason="pip install 'bdlab[tiff]'")

    @pytest.mark.parametrize("kind", ["float64", "float16"])
    @pytest.mark.parametrize("order", "<>")
    def test_values_are_those_of_the_file(self, kind, order):
        want = DEGREES.astype(kind)
        found = values(trees.tiff(want, order))
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, want.astype(np.float32))

    def test_counts_of_32_bits(self):
        want = (DEGREES * 100 + 1000).astype(np.uint32)
        np.testing.assert_array_equal(values(trees.tiff(want, ">")), want)
        beyond = trees.tiff(want + np.uint32(2**31), ">")
        trees.refused(lambda: values(beyond), "a.tif", "no counts of a camera")

    def test_it_is_turned_as_its_tag_says(self):
        found = values(trees.tiff(DEGREES, t274=6))
        np.testing.assert_array_equal(found, np.rot90(DEGREES, -1).astype(np.float32))

    def test_degrees_become_one_range(self, tmp_path):
        """From files of 64 bits to grey levels, by hand."""
        for person in range(4):
            trees.write(tmp_path / f"in/rgb/{person}/0.png", trees.png(trees.pixels(person)))
            trees.write(tmp_path / f"in/ir/{person}/0.tif", trees.tiff(DEGREES + person))
        error = trees.refused(
            lambda: importing.write(importing.plan(tmp_path / "in"), tmp_path / "no"),
            None,
            "mode F",
        )
        assert "--scale auto" in error.remedy
        plan = importing.plan(tmp_path / "in", scale=importing.Scale(-5, 43))
        d = folder.read(importing.write(plan, tmp_path / "out"))
        (one,) = [r for r in d.records if (r.identity, r.modality) == (2, Modality.I)]
        grey = np.asarray(pictures.full((d.root / one.path).read_bytes(), one.path))[..., 0]
        np.testing.assert_array_equal(grey, np.rint((DEGREES + 2 + 5) / 48 * 255))

    def test_what_is_no_number_is_refused(self):
        spoilt = DEGREES.copy()
        spoilt[0, 0] = np.nan
        trees.refused(lambda: values(trees.tiff(spoilt)), "a.tif", "1 values that are no numbers")

    @pytest.mark.parametrize(
        ("tags", "says"),
        [
            ({"t259": 8}, "compression ADOBE_DEFLATE"),
            ({"t277": 2}, "is a TIFF that Pillow does not read"),
            ({"t256": 90_000, "t257": 90_000}, "claims more pixels"),
            ({"t279": 10_000_000}, "cut short"),
        ],
    )
    def test_other_kinds_and_false_claims_are_refused(self, tags, says):
        trees.refused(lambda: values(trees.tiff(DEGREES, **tags)), "a.tif", says)

    def test_pages_are_refused(self):
        import tifffile

        out = io.BytesIO()
        tifffile.imwrite(out, np.stack([DEGREES, DEGREES]), photometric="minisblack", metadata=None)
        error = trees.refused(lambda: values(out.getvalue()), "a.tif", "2 pages of 12 x 8")
        assert "a file of its own" in error.remedy
        counts = io.BytesIO()  # Pillow's own, of 16 bits: the same rule
        tifffile.imwrite(counts, np.stack([DEGREES] * 3).astype(np.uint16), metadata=None,
                         photometric="minisblack")  # fmt: skip
        trees.refused(lambda: values(counts.getvalue()), "a.tif", "has 3 frames")

    def test_any_damage_is_a_fault_of_the_file(self):
        rng = np.random.default_rng(5)
        good = trees.tiff(DEGREES)
        read = 0
        for _ in range(300):
            data = trees.mutated(good, rng, [b"\0", b"\xff\xff\xff\xff", b"II"])
            try:
                read += pictures.raw(data, "a.tif") is not None
            except pictures.DatasetError as error:
                trees.assert_tells(error, "a.tif", "")
        assert read > 10


def test_a_tiff_is_known_by_its_first_bytes():
    assert tiff.is_tiff(trees.tiff(DEGREES))
    assert tiff.is_tiff(trees.tiff(DEGREES, ">"))
    assert not tiff.is_tiff(trees.png(trees.pixels(1)))
    assert not tiff.is_tiff(b"II*\0")
