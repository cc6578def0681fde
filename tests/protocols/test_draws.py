"""The galleries of SYSU-MM01's trials: permutations that do not fit, and the authors' MATLAB file
read and refused.
"""

import numpy as np
import pytest
from scipy.io import savemat

from bdlab import protocols
from bdlab.evaluation import Embedded
from bdlab.protocols import draws

from .test_published import permutations_of, tiny


def spoil(change):
    query, gallery = tiny(0)
    table = permutations_of(gallery, first=0 if change == "from 0" else 1)
    camera, identity = max((c, i) for c in table for i in table[c] if table[c][i].shape[1] > 1)
    rows = table[camera][identity]
    if change == "no identity":
        del table[camera][identity]
    elif change == "no camera":
        del table[camera]
    elif change != "from 0":
        table[camera][identity] = {
            "beyond": rows + 1, "one trial": rows[:1], "flat": rows[0], "floats": rows * 1.0,
            "short": rows[:, :1],
            "twice": np.ones_like(rows),
        }[change]  # fmt: skip
    return protocols.sysu(Embedded(**query), Embedded(**gallery), "all", 10, "official", table)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("no identity", "missing"),
        ("no camera", "missing"),
        ("from 0", "entries 0 to"),
        ("beyond", "count from 1"),
        ("one trial", "1 trials, number 2"),
        ("flat", "integer table"),
        ("floats", "integer table"),
        ("short", "1 entries"),
        ("twice", "names a file twice"),
    ],
)
def test_permutations_that_do_not_fit(change, message):
    with pytest.raises(ValueError, match=message):
        spoil(change)


def cell(values):
    array = np.empty((len(values), 1), dtype=object)
    array[:, 0] = values
    return array


def test_permutations_from_matlab(tmp_path):
    query, gallery = tiny(4)
    table = permutations_of(gallery)
    cameras = [
        cell([table.get(c, {}).get(i, np.zeros((0, 0))).astype(float) for i in range(1, 12)])
        for c in range(1, 7)
    ]
    savemat(tmp_path / "rand_perm_cam.mat", {"rand_perm_cam": cell(cameras)})
    loaded = draws.load_permutations(tmp_path / "rand_perm_cam.mat")
    assert {c: set(loaded[c]) for c in loaded if loaded[c]} == {c: set(table[c]) for c in table}
    a, b = Embedded(**query), Embedded(**gallery)
    found = protocols.sysu(a, b, "all", 1, "official", loaded)
    assert found.mean == protocols.sysu(a, b, "all", 1, "official", table).mean
    # Each trial takes the first column's file: entry n is the n-th file by name.
    assert all(len(rows) == len(found.draws[0]) for rows in found.draws)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"not matlab", "not a MATLAB file"),
        (b"", "not a MATLAB file"),
        ({"other": 1.0}, "no variable"),
        ({"rand_perm_cam": np.ones((2, 2))}, "cell of cameras"),
        ({"rand_perm_cam": cell([np.ones((2, 2)), np.ones((2, 3))])}, "not a cell of identities"),
        (
            {"rand_perm_cam": cell([cell([np.full((2, 2), 1.5), np.ones((1, 1))])] * 2)},
            "whole numbers",
        ),
        ({"rand_perm_cam": cell([cell(["text", "more"])] * 2)}, "whole numbers"),
    ],
)
def test_permutation_files_that_are_not(tmp_path, content, message):
    path = tmp_path / "rand_perm_cam.mat"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        savemat(path, content)
    with pytest.raises(ValueError, match=message) as caught:
        draws.load_permutations(path)
    assert "rand_perm_cam.mat" in str(caught.value)
