"""`bdlab data import` as its user meets it: on a terminal a plan is shown and nothing written;
``--scale LOW HIGH`` is one option of two words.
"""

import json
import os
import select
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from bdlab.datasets.pictures import load
from tests.cli.test_commands import call, folder, said
from tests.conftest import REPOSITORY


def on_a_terminal(*words):
    """What a command says on a terminal of its own, and its exit code."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bdlab.cli", *map(str, words)]
    about = {"cwd": REPOSITORY, "stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = subprocess.Popen(command, **about)
    os.close(theirs)
    told = b""
    end = time.monotonic() + 240
    while time.monotonic() < end:
        ready, _, _ = select.select([ours], [], [], 1)
        if ready:
            try:
                part = os.read(ours, 4096)
            except OSError:  # Linux says so where the other side is closed
                break
            if not part:
                break
            told += part
        elif process.poll() is not None:
            break
    os.close(ours)
    return told.decode(), process.wait(timeout=60)


def test_a_terminal_is_shown_the_plan_first(tmp_path):
    source, out = folder(tmp_path / "mine"), tmp_path / "out"
    told, code = on_a_terminal("data", "import", source, out)
    assert code == 0, told
    assert "12 people, 72 pictures (36 visible, 36 infrared)" in told
    assert "Nothing was written: this is the plan. With OUT and --yes it is done." in told
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    told, code = on_a_terminal("data", "import", source, out, "--yes")
    assert code == 0, told
    assert "Nothing was written" not in told
    assert len(list(out.glob("visible/*/*"))) == 36


def test_away_from_a_terminal_it_is_done_unless_it_is_a_dry_run(tmp_path):
    """The broken variant would ask a script for --yes."""
    source, out = folder(tmp_path / "mine"), tmp_path / "out"
    planned = call("data", "import", source, out, "--dry-run")
    assert planned.exit_code == 0, said(planned)
    assert "Nothing was written" in planned.output
    assert "Nothing was written" in call("data", "import", source).output
    assert not out.exists()
    assert call("data", "import", source, out).exit_code == 0
    assert out.is_dir()


def raw(root):
    """Six people whose infrared pictures count from 7,000 to 8,999."""
    for person in range(1, 7):
        draw = np.random.default_rng(person)
        for top, kind in (("rgb", np.uint8), ("ir", np.uint16)):
            (root / top / str(person)).mkdir(parents=True)
            shape = (24, 16, 3) if top == "rgb" else (24, 16)
            ends = (0, 256) if top == "rgb" else (7000, 9000)
            array = draw.integers(*ends, shape)
            Image.fromarray(array.astype(kind)).save(root / top / str(person) / "a.png")
    return root


SPELLED = {
    "two words": ("--scale", "7500", "8500"),
    "before the places": ("--scale", "7500.0", "8.5e3"),
    "joined": ("--scale=7500,8500",),
}


@pytest.mark.parametrize("words", SPELLED.values(), ids=SPELLED)
@pytest.mark.parametrize("first", [True, False])
def test_a_range_is_two_words(tmp_path, words, first):
    source, out = raw(tmp_path / "in"), tmp_path / "out"
    places = (source, out)
    done = call("data", "import", *(words + places if first else places + words))
    assert done.exit_code == 0, said(done)
    assert "one range for the set, 7500 to 8500" in done.output
    assert json.loads((out / "set.json").read_text())["made"]["scale"] == [7500, 8500]
    values = np.asarray(Image.open(source / "ir/3/a.png")).astype(float)
    wanted = np.rint(((values - 7500) / 1000).clip(0, 1) * 255)
    found = load(out / "infrared/0003/0001.png", 24, 16)[:, :, 0]
    np.testing.assert_array_equal(found, wanted)


def test_below_zero_and_by_itself(tmp_path):
    source = raw(tmp_path / "in")
    done = call("data", "import", source, tmp_path / "a", "--scale", "-10", "8500")
    assert done.exit_code == 0, said(done)
    done = call("data", "import", source, tmp_path / "b", "--scale", "auto")
    assert done.exit_code == 0, said(done)
    low, high = json.loads((tmp_path / "b/set.json").read_text())["made"]["scale"]
    assert 7000 <= low < 7100 < 8900 < high <= 8999


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--scale", "wide"), "is not auto or LOW HIGH"),
        (("--scale", "7000"), "is not auto or LOW HIGH"),
        (("--scale", "9000", "7000"), "is no range"),
        (("--scale",), "requires an argument"),
    ],
)
def test_what_is_no_range(tmp_path, words, says):
    done = call("data", "import", raw(tmp_path / "in"), tmp_path / "out", *words)
    assert done.exit_code == 2
    assert says in said(done)
    assert not (tmp_path / "out").exists()
