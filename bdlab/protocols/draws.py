"""Gallery draws: which pictures stand in a trial's gallery, by the authors' permutations or a
seeded draw.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from bdlab.evaluation import Embedded
from bdlab.rules import Setting


def _files(
    pictures: Embedded,
    cameras: tuple[int, ...],
) -> dict[tuple[int, int], list[int]]:
    """(identity, camera) -> rows in file order; identities then cameras ascending, only those with
    a picture; ``cameras`` empty: all.
    """
    rows: dict[tuple[int, int], list[int]] = {}
    for row, identity in enumerate(pictures.ids.tolist()):
        camera = int(pictures.cameras[row])
        if not cameras or camera in cameras:
            rows.setdefault((identity, camera), []).append(row)
    if pictures.keys:
        for files in rows.values():
            files.sort(key=pictures.keys.__getitem__)
    return {who: rows[who] for who in sorted(rows)}


def seeded_draw(
    pictures: Embedded,
    setting: Setting,
    trial: int,
) -> np.ndarray:
    """Rows [g] of one trial by the public re-implementation's draw, seeded with the trial's number.

    A generator of its own: seeding the global one would change whatever is trained next. One shot
    draws what that code draws. For ten shots much public code takes ten of the files by numpy's
    global generator, which the trial's number does not seed: those galleries cannot be had again.
    Ours are ``sample`` in the same loops, or all files where there are fewer.
    """
    rng, rows = random.Random(trial), []
    for files in _files(pictures, setting.cameras).values():
        if setting.shots == 1:
            rows.append(rng.choice(files))
        else:
            rows += rng.sample(files, min(setting.shots, len(files)))
    return np.array(rows, dtype=np.int64)


def official_draw(
    gallery: Embedded,
    setting: Setting,
    permutations: Any,
    trial: int,
) -> np.ndarray:
    """Gallery rows [g] of one trial (from 0): the first ``shots`` entries of
    ``permutations[camera][id][trial]``, cameras outside and identities inside.

    An entry is MATLAB's, so 1 is the first file of that identity and camera. The order is that of
    the authors' code: it decides among equal distances. Raises ValueError for an identity or trial
    that is missing, entries that are not distinct integers from 1 to the number of files, or too
    few of them.
    """
    by_identity = _files(gallery, setting.cameras)
    rows = []
    for identity, camera in sorted(by_identity, key=lambda who: (who[1], who[0])):
        files = by_identity[identity, camera]
        where = f"permutations, camera {camera}, identity {identity}"
        try:
            table = np.asarray(permutations[camera][identity])
        except (KeyError, IndexError, TypeError):
            problem = f"missing, but the gallery has {len(files)} pictures of it"
            raise ValueError(f"{where}: {problem}") from None
        order = _checked_order(table, trial, len(files), setting.shots, where)
        rows += [files[number - 1] for number in order]
    return np.array(rows, dtype=np.int64)


def _checked_order(
    table: np.ndarray,
    trial: int,
    files: int,
    shots: int,
    where: str,
) -> list[int]:
    """The first ``shots`` entries of a trial in one table [trials, order]; ValueError if it does
    not fit the ``files`` there are.
    """
    if table.ndim != 2 or not np.issubdtype(table.dtype, np.integer):
        problem = f"{table.dtype} {table.shape}; an integer table [trials, order] is meant"
        raise ValueError(f"{where}: {problem}")
    if trial >= len(table):
        raise ValueError(f"{where}: {len(table)} trials, number {trial + 1} is asked for")
    order = table[trial].tolist()
    if order and not 1 <= min(order) <= max(order) <= files:
        span = f"entries {min(order)} to {max(order)}"
        raise ValueError(f"{where}: {span}, but the files count from 1 to {files}")
    if len(set(order)) != len(order):
        raise ValueError(f"{where}: trial {trial + 1} names a file twice")
    if len(order) < min(shots, files):
        raise ValueError(f"{where}: {len(order)} entries, {min(shots, files)} are needed")
    return order[:shots]


def load_permutations(path: str | Path) -> dict[int, dict[int, np.ndarray]]:
    """``permutations[camera][id]``, [trials, order] int64 from 1, out of the authors'
    ``rand_perm_cam.mat``.

    The file holds a MATLAB cell ``rand_perm_cam{camera}{id}(trial, order)``; empty cells
    (identities that camera never saw) are left out. Raises ValueError naming the file and the cell
    if it holds something else.
    """
    from scipy.io import loadmat  # a second of import that only this needs

    if not Path(path).is_file():
        raise ValueError(
            f"{path}: no such file; rand_perm_cam.mat comes with SYSU-MM01, in its exp folder"
        )
    try:
        cells = loadmat(path)["rand_perm_cam"]
    except KeyError:
        raise ValueError(f"{path}: holds no variable rand_perm_cam") from None
    except Exception as error:  # scipy raises whatever a damaged file leads it to
        raise ValueError(f"{path}: not a MATLAB file up to version 7 ({error})") from None
    if cells.dtype != object:
        raise ValueError(f"{path}: rand_perm_cam is {cells.dtype}; a cell of cameras is meant")
    found = {}
    for camera, identities in enumerate(cells.ravel(), start=1):
        where = f"{path}: rand_perm_cam{{{camera}}}"
        found[camera] = _tables(identities, where)
    return found


def _tables(
    identities: Any,
    where: str,
) -> dict[int, np.ndarray]:
    """Identity -> table [trials, order] of one camera's cell, the empty ones left out."""
    is_array = isinstance(identities, np.ndarray)
    if not is_array or (identities.size and identities.dtype != object):
        raise ValueError(f"{where} is not a cell of identities")
    found = {}
    for identity, table in enumerate(identities.ravel(), start=1):
        if np.size(table):
            found[identity] = _whole_numbers(table, f"{where}{{{identity}}}")
    return found


def _whole_numbers(
    table: Any,
    where: str,
) -> np.ndarray:
    """The table in int64; ValueError unless it is two-dimensional and holds whole numbers."""
    table = np.asarray(table)  # MATLAB keeps integers as doubles
    fits = table.ndim == 2 and table.dtype.kind in "iuf"
    if not fits or not np.isfinite(table).all() or (table != np.floor(table)).any():
        raise ValueError(
            f"{where}: {table.dtype} {table.shape}; whole numbers (trial, order) are meant"
        )
    return table.astype(np.int64)
