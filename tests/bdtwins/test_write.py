"""The synthetic twins: layout, determinism, dials, counterfactuals, and sets that are whole or
absent.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bdtwins
from bdlab import datasets
from bdlab.datasets import twin as twins
from bdlab.modality import Modality
from bdtwins import TwinError, workers, write

REGDB, SYSU, LLCM = bdtwins.KINDS
LUMA = np.array([0.299, 0.587, 0.114])
SHAPE = (64, 32)


def contents(root: Path) -> dict[str, str]:
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def pixels(file: Path) -> np.ndarray:
    with Image.open(file) as picture:
        return np.asarray(picture)


def make(kind, root, **options):
    return bdtwins.make(kind, root, **{"size": "smoke", "jobs": 1, "progress": False} | options)


@pytest.fixture(scope="module")
def regdb(tmp_path_factory):
    return make(REGDB, tmp_path_factory.mktemp("regdb") / "set")


@pytest.fixture(scope="module")
def sysu(tmp_path_factory):
    return make(SYSU, tmp_path_factory.mktemp("sysu") / "set")


def sample(kind, count=16, **options):
    """Counterfactuals of some people, one shot each, as float luma pictures ``[count, H, W]`` by
    name.
    """
    found = [
        bdtwins.counterfactual(kind, i, i % 4, shape=SHAPE, **options) for i in range(1, count + 1)
    ]
    return {name: np.stack([f[name].astype(float) @ LUMA for f in found]) for name in found[0]}


def correlation(a, b):
    return float(
        np.mean([np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a, b, strict=True)])
    )


def distance(a, b):
    return float(np.abs(a - b).mean())


# -- layout
# ------------------------------------------------------------------------------------------------


def test_regdb_layout(regdb):
    for split in range(1, 11):
        people = {}
        for part, count in (("train", 16), ("test", 8), ("val", 4)):
            for word, folder in (("visible", "Visible"), ("thermal", "Thermal")):
                lines = [
                    line.split(" ")
                    for line in (regdb / "idx" / f"{part}_{word}_{split}.txt")
                    .read_text()
                    .splitlines()
                ]
                assert len(lines) == count * 4
                assert all(
                    (regdb / path).is_file() and path.startswith(f"{folder}/") for path, _ in lines
                )
                by_label = {}
                for path, label in lines:
                    by_label.setdefault(int(label), set()).add(int(path.split("/")[1]))
                assert sorted(by_label) == list(range(count))
                assert all(len(ids) == 1 for ids in by_label.values())
                same = people.setdefault(part, by_label)
                assert same == by_label, "both modalities number the people alike"
        ids = {part: set().union(*found.values()) for part, found in people.items()}
        assert not ids["train"] & ids["test"]
        assert ids["train"] | ids["test"] == set(range(1, 25))
        assert ids["val"] == {25, 26, 27, 28}, "held out of every split"
    splits = {(regdb / "idx" / f"test_visible_{k}.txt").read_text() for k in range(1, 11)}
    assert len(splits) == 10
    with Image.open(next((regdb / "Thermal" / "3").glob("*.bmp"))) as picture:
        assert picture.size == (16, 32)
        assert picture.mode == "RGB"


def test_sysu_layout(sysu):
    parts = {
        name: [int(i) for i in (sysu / "exp" / f"{name}_id.txt").read_text().split(",")]
        for name in ("train", "val", "test", "available")
    }
    assert [len(parts[name]) for name in ("train", "val", "test", "available")] == [13, 3, 8, 24]
    assert sorted(parts["train"] + parts["val"] + parts["test"]) == parts["available"]
    cameras = {
        i: {c for c in range(1, 7) if (sysu / f"cam{c}" / f"{i:04d}").is_dir()}
        for i in parts["available"]
    }
    assert all(seen & {1, 2, 4, 5} and seen & {3, 6} for seen in cameras.values())
    assert sum(not seen & {1, 2} for i, seen in cameras.items() if i in parts["test"]) >= 2
    for folder in sysu.glob("cam*/*"):
        assert sorted(p.name for p in folder.iterdir()) == [
            f"{n + 1:04d}.jpg" for n in range(len(list(folder.iterdir())))
        ]
    brightness = {
        c: np.mean([pixels(p).mean() for p in sysu.glob(f"cam{c}/*/0001.jpg")]) for c in range(1, 7)
    }
    assert max(brightness[3], brightness[6]) < min(brightness[c] for c in (1, 2, 4, 5))


@pytest.mark.parametrize("kind", [REGDB, SYSU])
def test_the_ordinary_readers_serve_a_twin(kind, regdb, sysu):
    root = {REGDB: regdb, SYSU: sysu}[kind]
    plain = datasets.open(kind.removeprefix("synthetic-"), root)
    assert plain.name == kind, "a twin stays a twin"
    for split in ("train", "test"):
        for modality in (Modality.V, Modality.I):
            assert plain.select(split, modality)
    assert len(plain.records) == 24 * 8  # nobody held out is trained on or tested
    held = datasets.open(kind, root, size="smoke", val_holdout=True)
    assert len(held.identities("val")) == {REGDB: 4, SYSU: 3}[kind]
    assert held.identities("test") == plain.identities("test")
    assert not set(held.identities("val")) & {*held.identities("train"), *held.identities("test")}
    if kind == REGDB:
        assert held.identities("train") == plain.identities("train")
    if kind == SYSU:
        assert {r.camera for r in plain.records if r.modality is Modality.I} == {3, 6}


def test_sizes():
    counts = {}
    for kind in bdtwins.KINDS:
        for size in bdtwins.SIZES:
            twin = bdtwins.settle(kind, size)
            counts[kind, size] = sum(
                1 for i in range(1, twin.spec.identities + 1) for _ in bdtwins.shots(twin, i)
            )
    assert counts[REGDB, "full"] == 8_240 + 800  # the people held out come on top
    assert counts[REGDB, "demo"] == 5_000 + 400
    assert counts[SYSU, "demo"] == 5_000
    assert 29_000 < counts[SYSU, "full"] < 31_500
    for size in ("demo", "full"):
        twin = bdtwins.settle(SYSU, size)
        per_id = {
            i: {s.camera for s in bdtwins.shots(twin, i)}
            for i in range(1, twin.spec.identities + 1)
        }
        assert all(seen & {1, 4, 5} and seen & {3, 6} for seen in per_id.values()), (
            "a camera 3 query has more to find than camera 2"
        )
        outdoors = [i for i in bdtwins.parts(twin)["test"] if not per_id[i] & {1, 2}]
        assert 0.2 < len(outdoors) / twin.spec.test < 0.5
        shares = [np.mean([c in seen for seen in per_id.values()]) for c in range(1, 7)]
        assert all(0.4 < share < 0.95 for share in shares)


# -- determinism
# ------------------------------------------------------------------------------------------------


def test_same_bytes_on_an_older_processor(regdb, tmp_path, monkeypatch):
    """What numpy does without any of a processor's wide instructions is what it does here."""
    monkeypatch.setattr(workers, "NARROW", f"X86_V3 AVX2 FMA3 {workers.NARROW}")
    assert contents(make(REGDB, tmp_path / "a")) == contents(regdb)


WIDE = (
    "import numpy as np; found = np.lib.introspect.opt_func_info(func_name='exp|sin|log')\n"
    "print(sorted({s['current'] for f in found.values() for s in f.values() if s['current']}))"
)


def test_the_widest_instructions_are_left_out():
    """And the broken variant, on a processor that has them: a child as it would be by itself."""
    said = {}
    for name, environment in (("narrow", workers.environment()), ("plain", dict(os.environ))):
        words = [sys.executable, "-c", WIDE]
        child = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        said[name] = child.stdout
    assert not re.search("AVX512|X86_V4", said["narrow"])
    has = Path("/proc/cpuinfo").is_file() and "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    assert bool(re.search("AVX512|X86_V4", said["plain"])) or not has


def test_same_bytes_whatever_the_jobs(regdb, sysu, tmp_path):
    np.random.seed(1)  # noqa: NPY002 - the point: the global stream must neither be read nor moved
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert contents(make(REGDB, tmp_path / "a", jobs=2)) == contents(regdb)
    assert contents(make(SYSU, tmp_path / "b")) == contents(sysu)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_same_bytes_from_other_processes(regdb, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "SMALL", 0)
    assert contents(make(REGDB, tmp_path / "a", jobs=2)) == contents(regdb)


@pytest.mark.parametrize("read_from", ["a file", "standard input"])
def test_a_script_without_a_main_guard_renders_once(tmp_path, read_from):
    """Children that import the script which started them would start anew in each."""
    script = (
        "import bdtwins; from bdtwins import write; write.SMALL = 0; print('began')\n"
        f"bdtwins.make({REGDB!r}, 'set', size='smoke', jobs=2, progress=False)\n"
    )
    (tmp_path / "mine.py").write_text(script)
    # what a careless user may have beside it
    (tmp_path / "random.py").write_text("raise SystemExit('the wrong module')")
    file = read_from == "a file"
    done = subprocess.run(
        [sys.executable, "-P", "mine.py" if file else "-"],
        input=None if file else script,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(bdtwins.__file__).parent.parent)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "began\n"
    assert (tmp_path / "set" / "twin.json").is_file()


def test_a_pool_of_multiprocessing_does_not(tmp_path):
    """The broken variant: the usual pool in a script without a main guard."""
    (tmp_path / "mine.py").write_text(
        "from concurrent.futures import ProcessPoolExecutor as Pool\n"
        "from multiprocessing import get_context\n"
        "print(list(Pool(2, mp_context=get_context('spawn')).map(abs, [1, 2])))\n"
    )
    words = [sys.executable, "mine.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "BrokenProcessPool" in done.stderr


def test_a_rendering_process_that_dies_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "SMALL", 0)
    monkeypatch.setattr(workers, "CODE", "import sys; sys.stdin.read(); sys.exit('out of luck')")
    with pytest.raises(TwinError, match="ended early: out of luck"):
        make(REGDB, tmp_path / "set", jobs=2)
    assert list(tmp_path.iterdir()) == []


def test_neighbouring_seeds_and_shots_share_nothing(regdb, tmp_path):
    other = make(REGDB, tmp_path / "set", seed=1)
    mine, theirs = (
        {v for k, v in contents(r).items() if k.endswith(".bmp")} for r in (regdb, other)
    )
    assert len(mine) == len(theirs) == 28 * 8
    assert not mine & theirs


def test_dials_change_no_draw_of_the_visible_pictures():
    a, b = (
        bdtwins.counterfactual(SYSU, 2, 1, channel_gap=c, appearance_gap=g)
        for c, g in ((0.0, 0.0), (1.0, 1.0))
    )
    assert np.array_equal(a["rgb"], b["rgb"])
    assert not np.array_equal(a["ir"], b["ir"])


# -- dials
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [REGDB, SYSU])
def test_channel_gap_is_monotonic_from_luminance_to_physics(kind):
    steps = [sample(kind, channel_gap=c, appearance_gap=0.0) for c in (0.0, 0.25, 0.5, 0.75, 1.0)]
    found = [correlation(s["rgb"], s["ir"]) for s in steps]
    assert found[0] > 0.95  # the same scene in grey, but for blur and noise
    assert (np.diff(found) < -0.02).all()
    # NIR still shares its shading with the visible
    assert found[-1] < (0.15 if kind == REGDB else 0.55)


@pytest.mark.parametrize("kind", [REGDB, SYSU])
def test_appearance_gap_is_monotonic_from_the_same_to_independent(kind):
    steps = [sample(kind, appearance_gap=a) for a in (0.0, 0.2, 0.5, 0.8, 1.0)]
    found = [distance(s["rgb"], s["rgb_at_ir"]) for s in steps]
    assert found[0] < 6  # sensor noise only
    assert (np.diff(found) > 0).all()
    mixed = [
        distance(a, b)
        for a, b in zip(steps[-1]["rgb"], np.roll(steps[-1]["rgb_at_ir"], 1, axis=0), strict=True)
    ]
    assert found[-1] > 0.8 * np.mean(mixed)  # as far apart as two different people in two places


def test_the_two_gaps_are_apart():
    low, high = (sample(SYSU, 6, channel_gap=c, appearance_gap=0.5) for c in (0.0, 1.0))
    assert np.array_equal(low["rgb_at_ir"], high["rgb_at_ir"]), (
        "the channel dial does not move the camera"
    )
    assert distance(low["rgb_at_ir"], low["ir"]) < 0.4 * distance(high["rgb_at_ir"], high["ir"])
    near, far = (sample(SYSU, 6, channel_gap=0.7, appearance_gap=a) for a in (0.0, 1.0))
    assert np.array_equal(near["ir_at_rgb"], far["ir_at_rgb"]), (
        "the appearance dial does not change the sensor"
    )
    assert distance(near["ir_at_rgb"], near["ir"]) < 0.5 * distance(far["ir_at_rgb"], far["ir"])


def test_by_default_regdb_has_a_small_appearance_gap_and_sysu_a_large_one():
    share = {}
    for kind in bdtwins.KINDS:
        given, least, most = (
            sample(kind, **o) for o in ({}, {"appearance_gap": 0.0}, {"appearance_gap": 1.0})
        )
        a, low, high = (distance(s["rgb"], s["rgb_at_ir"]) for s in (given, least, most))
        share[kind] = (a - low) / (high - low)
    assert share[REGDB] < 0.45
    assert share[SYSU] > 0.75


def test_a_counterfactual_holds_the_very_pictures_of_the_set(regdb):
    found = bdtwins.counterfactual(REGDB, 5, 2, size="smoke")
    assert set(found) == {"rgb", "ir", "rgb_at_ir", "ir_at_rgb"}
    assert all(v.shape == (32, 16, 3) and v.dtype == np.uint8 for v in found.values())
    assert np.array_equal(found["rgb"], pixels(regdb / "Visible/5/person_v_00003_5.bmp"))
    assert np.array_equal(found["ir"], pixels(regdb / "Thermal/5/person_t_00003_5.bmp"))


# -- whole or absent
# ------------------------------------------------------------------------------------------------


def test_a_finished_set_is_reused_and_described(regdb):
    before = {p: p.stat().st_mtime_ns for p in regdb.rglob("*")}
    assert make(REGDB, regdb) == regdb
    assert {p: p.stat().st_mtime_ns for p in regdb.rglob("*")} == before
    card = bdtwins.describe(regdb)
    assert card["counts"] == {"identities": 28, "visible": 112, "infrared": 112}
    assert (card["kind"], card["size"], card["seed"]) == (REGDB, "smoke", 0)
    assert {k: card[k] for k in ("channel_gap", "appearance_gap")} == bdtwins.DEFAULT_DIALS[REGDB]


def older(regdb, place):
    """The set as it was made before anybody was held out."""
    root = shutil.copytree(regdb, place)
    for identity in (25, 26, 27, 28):
        for top in ("Visible", "Thermal"):
            shutil.rmtree(root / top / str(identity))
    for file in (root / "idx").glob("val_*"):
        file.unlink()
    card = json.loads((root / "twin.json").read_text())
    card["counts"] = {"identities": 24, "visible": 96, "infrared": 96}
    (root / "twin.json").write_text(json.dumps(card))
    return root


def test_the_people_held_out_are_added_to_an_older_set(regdb, tmp_path):
    root = older(regdb, tmp_path / "set")
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*.bmp")}
    assert make(REGDB, root) == root
    assert contents(root) == contents(regdb)
    assert before.items() <= {p: p.stat().st_mtime_ns for p in root.rglob("*.bmp")}.items()
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_adding_them_goes_on_where_it_was_interrupted(regdb, tmp_path, monkeypatch):
    root = older(regdb, tmp_path / "set")
    with monkeypatch.context() as patch:
        patch.setattr(write, "_index", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            make(REGDB, root)
    assert bdtwins.describe(root)["counts"]["identities"] == 24
    assert make(REGDB, root) == root
    assert contents(root) == contents(regdb)


def test_an_older_set_with_a_picture_gone_is_refused(regdb, tmp_path):
    root = older(regdb, tmp_path / "set")
    next((root / "Visible" / "4").iterdir()).unlink()
    with pytest.raises(TwinError, match="missing"):
        make(REGDB, root)


#: People of the first split before anybody was held out: they must stay who they were.
FIRST_TEST = {
    "smoke": [3, 4, 6, 7, 8, 13],
    "demo": [9, 16, 25, 28, 31, 36],
    "full": [1, 6, 11, 12, 13, 18],
}
SEVENTH_TRAIN = {
    "smoke": [3, 4, 5, 6, 7, 8],
    "demo": [1, 2, 3, 4, 6, 7],
    "full": [7, 8, 11, 13, 17, 18],
}


@pytest.mark.parametrize("size", FIRST_TEST)
def test_holding_people_out_moved_nobody(size):
    twin = bdtwins.settle(REGDB, size)
    assert bdtwins.parts(twin)["test"][:6] == FIRST_TEST[size]
    assert bdtwins.parts(twin, 7)["train"][:6] == SEVENTH_TRAIN[size]


@pytest.mark.parametrize(
    "change", [{"seed": 3}, {"channel_gap": 0.123}, {"appearance_gap": 1}, {"size": "demo"}]
)
def test_another_set_is_never_overwritten(regdb, change):
    before = contents(regdb)
    with pytest.raises(TwinError, match=r"another synthetic set.*Remedy"):
        make(REGDB, regdb, **change)
    assert contents(regdb) == before


def test_a_foreign_or_damaged_folder_is_refused(regdb, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not touch")
    with pytest.raises(TwinError, match="not a finished"):
        make(REGDB, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "do not touch"
    damaged = shutil.copytree(regdb, tmp_path / "damaged")
    next((damaged / "Visible" / "4").iterdir()).unlink()
    with pytest.raises(TwinError, match="missing"):
        make(REGDB, damaged)
    (damaged / "twin.json").write_text("{")
    with pytest.raises(TwinError, match="not a finished"):
        make(REGDB, damaged)


def test_a_failed_make_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "_index", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        make(REGDB, tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_make_leaves_nothing_that_looks_done(tmp_path):
    code = (
        "import sys; import bdtwins; "
        "bdtwins.make(sys.argv[1], sys.argv[2], size='demo', jobs=1, progress=False)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, REGDB, str(tmp_path / "set")])
    try:
        end = time.monotonic() + 30
        while not list(tmp_path.glob(".set.making-*/Visible/*/*.bmp")):
            assert time.monotonic() < end
            assert child.poll() is None
            time.sleep(0.02)
        assert not (tmp_path / "set").exists()
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert not (tmp_path / "set").exists()
    assert not list(tmp_path.rglob("twin.json"))
    make(REGDB, tmp_path / "set")
    assert json.loads((tmp_path / "set" / "twin.json").read_text())["size"] == "smoke"


def test_two_makers_of_one_set_meet_in_peace(regdb, tmp_path, monkeypatch):
    real = write._index

    def slow(twin, work):
        real(twin, work)
        shutil.copytree(regdb, tmp_path / "set")  # the other maker finishes first

    monkeypatch.setattr(write, "_index", slow)
    assert make(REGDB, tmp_path / "set") == tmp_path / "set"
    assert contents(tmp_path / "set") == contents(regdb)
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


# -- choices
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"kind": "regdb"}, "synthetic-regdb"),
        ({"size": "huge"}, "smoke, demo, full"),
        ({"channel_gap": 1.5}, "0 to 1"),
        ({"appearance_gap": -0.1}, "0 to 1"),
        ({"channel_gap": float("nan")}, "0 to 1"),
        ({"appearance_gap": "0.5"}, "0 to 1"),
        ({"channel_gap": True}, "0 to 1"),
        ({"seed": -1}, "whole number"),
        ({"seed": 1.5}, "whole number"),
        ({"jobs": 0}, "whole number"),
    ],
)
def test_bad_choices_are_named_with_a_remedy(tmp_path, options, word):
    kind = options.pop("kind", REGDB) if "kind" in options else REGDB
    with pytest.raises(TwinError, match=word) as error:
        make(kind, tmp_path / "set", **options)
    assert "Remedy" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_counterfactual_of_nobody_is_refused():
    for identity, shot, word in ((0, 0, "1 to 270"), (271, 0, "1 to 270"), (1, 10, "0 to 9")):
        with pytest.raises(TwinError, match=word):
            bdtwins.counterfactual(REGDB, identity, shot)


def test_default_places_tell_the_parameters_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("BDLAB_DATA", str(tmp_path))
    found = {
        twins.default_root(REGDB),
        twins.default_root(SYSU),
        twins.default_root(REGDB, size="smoke"),
        twins.default_root(REGDB, seed=1),
        twins.default_root(REGDB, channel_gap=0.123456),
        twins.default_root(REGDB, channel_gap=0.123457),
        twins.default_root(REGDB, appearance_gap=0.0),
    }
    assert len(found) == 7
    assert all(p.parent == tmp_path for p in found)
    root = twins.ensure(SYSU, size="smoke", jobs=1, progress=False)
    assert root == twins.default_root(SYSU, size="smoke")
    assert (root / "twin.json").is_file()
    monkeypatch.delenv("BDLAB_DATA")
    assert twins.default_root(REGDB).parent == Path("data")
