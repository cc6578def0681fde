"""The inputs of every fixture beside this file, from numpy alone. Nothing here is anybody else's
code.

Every function seeds its own ``np.random.default_rng``; counts come from ``sysu_counts.csv``.
``drift()`` compares a few numbers of
every input with those of the day the fixtures were made: call it first, so that another numpy's
stream is not taken for a fault.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
VISIBLE, INFRARED = (1, 2, 4, 5), (3, 6)
GALLERY = {"all": (1, 2, 4, 5), "indoor": (1, 2)}


# ---------------------------------------------------------------- SYSU-MM01
def sysu_counts() -> dict[tuple[int, int], tuple[int, str]]:
    """(identity, camera) -> (pictures, list); only those with pictures."""
    with open(HERE / "sysu_counts.csv", newline="") as file:
        return {
            (int(r["identity"]), int(r["camera"])): (int(r["pictures"]), r["list"])
            for r in csv.DictReader(file)
        }


def sysu_rows(cameras: tuple[int, ...], part: str = "test") -> np.ndarray:
    """[N, 3] int64: identity, camera, picture (from 1), ascending in that order."""
    found = [
        (i, c, k)
        for (i, c), (n, p) in sorted(sysu_counts().items())
        if c in cameras and p == part
        for k in range(1, n + 1)
    ]
    return np.array(found, dtype=np.int64)


def sysu_path(identity: int, camera: int, picture: int) -> str:
    return f"cam{camera}/{identity:04d}/{picture:04d}.jpg"


def sysu_plain() -> tuple[np.ndarray, np.ndarray]:
    """(visible [6775, 32], infrared [3803, 32]) float64 of unit length, rows as ``sysu_rows``: an
    identity, a place, noise.

    Cameras 2 and 3 share a place, so a wrong camera rule shows. No two distances are equal.
    """
    rng = np.random.default_rng(20260101)
    identity, place = rng.normal(size=(534, 32)), rng.normal(size=(7, 32))
    place[3] = place[2]
    made = []
    for cameras in (VISIBLE, INFRARED):
        rows = sysu_rows(cameras)
        f = identity[rows[:, 0]] + 0.7 * place[rows[:, 1]] + 1.1 * rng.normal(size=(len(rows), 32))
        made.append(f / np.sqrt((f * f).sum(1, keepdims=True)))
    return made[0], made[1]


def sysu_ties() -> tuple[np.ndarray, np.ndarray]:
    """As ``sysu_plain``, but [.., 6] of -1, 0, 1 (float64): squared distances are whole numbers,
    most of them shared by many.
    """
    rng = np.random.default_rng(20260102)
    identity = rng.integers(-1, 2, size=(534, 6))
    made = []
    for cameras in (VISIBLE, INFRARED):
        rows = sysu_rows(cameras)
        kept, other = rng.random((len(rows), 6)) < 0.6, rng.integers(-1, 2, size=(len(rows), 6))
        made.append(np.where(kept, identity[rows[:, 0]], other).astype(np.float64))
    return made[0], made[1]


# ---------------------------------------------------------------- RegDB and small cases
def regdb_plain() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(visible, thermal [2060, 64] float64 of unit length, ids [2060]): 206 identities of ten
    pictures in each modality.
    """
    rng = np.random.default_rng(20260103)
    ids, centre = np.repeat(np.arange(206), 10), rng.normal(size=(206, 64))
    made = []
    for _ in range(2):
        f = centre[ids] + 1.9 * rng.normal(size=(2060, 64))
        made.append(f / np.sqrt((f * f).sum(1, keepdims=True)))
    return made[0], made[1], ids


def small_case(seed: int, ties: bool) -> dict[str, np.ndarray]:
    """One small ranking: ``distances`` [Q, G] whole numbers as float64 (without ties every row is a
    permutation), ``q``, ``g``
    identities, ``qc`` cameras out of 3, 6 and ``gc`` out of 1, 2, 4, 5, gallery camera-major.
    Excluded: qc = 3 against gc = 2.
    Some queries have no match."""
    rng = np.random.default_rng([20260104, seed, int(ties)])
    people = int(rng.integers(4, 9))
    queries, gallery = int(rng.integers(6, 15)), int(rng.integers(10, 40))
    q, g = (
        rng.integers(0, people + 1, queries),
        rng.integers(0, people, gallery),
    )  # identity ``people`` is in no gallery
    g[:people] = rng.permutation(people)
    qc, gc = rng.choice([3, 6], queries), np.sort(rng.choice([1, 2, 4, 5], gallery))
    g = g[rng.permutation(gallery)]
    q[0], qc[0] = g[0], 6  # at least this one has a match
    d = (
        rng.integers(0, 6, (queries, gallery))
        if ties
        else np.stack([rng.permutation(gallery) for _ in range(queries)])
    )
    return {"distances": d.astype(np.float64), "q": q, "g": g, "qc": qc, "gc": gc}


def rerank_case(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(query [24, 16], gallery [60, 16]) float64 of unit length, 8 identities: query i is identity
    i % 8, gallery likewise.
    """
    rng = np.random.default_rng([20260105, seed])
    centre = rng.normal(size=(8, 16))
    made = []
    for count in (24, 60):
        f = centre[np.arange(count) % 8] + 0.9 * rng.normal(size=(count, 16))
        made.append(f / np.sqrt((f * f).sum(1, keepdims=True)))
    return made[0], made[1]


# ---------------------------------------------------------------- losses
STREAMS = ("V", "I", "DV", "DI")
LOSS_CASES = {
    "unit": (0.0, 1.0),
    "wide": (0.0, 3.0),
    "close": (3.0, 0.02),
    "closer": (3.0, 0.001),
}  # offset, scale


def loss_batch(case: str, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """({stream: [24, 64] float64}, labels [24]): 6 people of 4 pictures, the same labels in every
    stream.
    """
    offset, scale = LOSS_CASES[case]
    rng = np.random.default_rng([20260106, list(LOSS_CASES).index(case), seed])
    people = np.repeat(np.arange(6), 4)
    person = 0.8 * rng.normal(size=(6, 64))
    return {
        s: offset + scale * (person[people] + rng.normal(size=(24, 64))) for s in STREAMS
    }, people


def uneven_batch() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """({"V": [7, 16], "I": [9, 16]}, labels): identities missing in one stream, some alone."""
    rng = np.random.default_rng(20260107)
    f = {"V": rng.normal(size=(7, 16)), "I": rng.normal(size=(9, 16))}
    return f, {"V": np.array([0, 0, 1, 2, 2, 3, 5]), "I": np.array([0, 1, 1, 2, 4, 4, 3, 3, 0])}


def direction(shape: tuple[int, ...]) -> np.ndarray:
    """The fixed array a gradient is multiplied with and summed: its direction is seen too."""
    return np.random.default_rng([20260108, *shape]).normal(size=shape)


WRT_SCALES = (0.01, 0.05, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)


def wrt_batch(scale: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """([48, 64] float64, labels [48]): two streams of 24 below each other."""
    rng = np.random.default_rng([20260109, WRT_SCALES.index(scale), seed])
    people = np.tile(np.repeat(np.arange(6), 4), 2)
    return scale * (0.8 * rng.normal(size=(6, 64))[people] + rng.normal(size=(48, 64))), people


def pair_batch(
    seed: int, count: int = 8, dim: int = 32, spread: float = 1.5
) -> tuple[np.ndarray, np.ndarray]:
    """(visible, infrared), both [count, dim] float64; row i of both is person i (BDTR's batches,
    XIV's means of four pictures).
    """
    rng = np.random.default_rng([20260110, seed])
    person = rng.normal(size=(count, dim))
    return person + spread * rng.normal(size=(count, dim)), person + spread * rng.normal(
        size=(count, dim)
    )


# ---------------------------------------------------------------- LLCM
LLCM_VISIBLE, LLCM_INFRARED = (1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 4, 5, 6, 7, 8, 9)
LLCM_TEST = tuple(range(3, 3 + 2 * 26, 2))  # 26 test identities, the odd ones from 3 to 53
LLCM_TRAIN = tuple(range(2, 2 + 2 * 8, 2))  # 8 training identities


def llcm_counts() -> dict[tuple[str, int, int], int]:
    """("vis" | "nir", camera, test identity) -> pictures in the small tree; 0 is no folder."""
    rng = np.random.default_rng(20260111)
    found = {}
    for identity in LLCM_TEST:
        for kind, cameras in (("vis", LLCM_VISIBLE), ("nir", LLCM_INFRARED)):
            found |= {
                (kind, c, identity): int(n)
                for c, n in zip(
                    cameras,
                    rng.choice([0, 1, 2, 3], len(cameras), p=(0.5, 0.2, 0.2, 0.1)),
                    strict=True,
                )
            }
            found[kind, 1 if identity % 4 == 1 else 2, identity] += (
                1  # nobody is missing in a modality
            )
    return found


def llcm_rows(kind: str) -> np.ndarray:
    """[N, 3] identity, camera, picture (from 1): the test pictures of "vis" or "nir", identities
    then cameras ascending.
    """
    return np.array(
        [
            (i, c, k)
            for (s, c, i), n in sorted(llcm_counts().items(), key=lambda e: (e[0][2], e[0][1]))
            if s == kind
            for k in range(1, n + 1)
        ]
    )


def llcm_features() -> tuple[np.ndarray, np.ndarray]:
    """(vis [Nv, 24], nir [Nn, 24]) float64 of unit length, rows as ``llcm_rows``; a camera pulls
    its own pictures together.
    """
    rng = np.random.default_rng(20260112)
    identity, place = rng.normal(size=(60, 24)), rng.normal(size=(10, 24))
    made = []
    for kind in ("vis", "nir"):
        rows = llcm_rows(kind)
        f = identity[rows[:, 0]] + 0.6 * place[rows[:, 1]] + 1.2 * rng.normal(size=(len(rows), 24))
        made.append(f / np.sqrt((f * f).sum(1, keepdims=True)))
    return made[0], made[1]


def llcm_tree(root: Path) -> None:
    """The small tree under ``root``: pictures of 16 x 8, index files, eight training identities of
    three pictures a modality.
    """
    from PIL import Image

    rng, root = np.random.default_rng(20260113), Path(root)

    def picture(path: str) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 8, 3), dtype=np.uint8)).save(
            root / path, quality=85
        )

    for kind in ("vis", "nir"):
        for i, c, k in llcm_rows(kind).tolist():
            picture(f"test_{kind}/cam{c}/{i:04d}/{i:04d}_c{c:02d}_{k:04d}.jpg")
    (root / "idx").mkdir(parents=True, exist_ok=True)
    for kind in ("vis", "nir"):
        lines = []
        for label, i in enumerate(LLCM_TRAIN):
            for k in (1, 2, 3):
                lines.append(f"{kind}/{i:04d}/{i:04d}_c{k:02d}_{k:04d}.jpg {label}")
                picture(lines[-1].split()[0])
        (root / "idx" / f"train_{kind}.txt").write_text("\n".join(lines) + "\n")
    (root / "idx" / "test_id.txt").write_text(",".join(map(str, LLCM_TEST)) + "\n")


# -------------------------------------------------------- a whole SYSU-MM01 of tiny pictures
def sysu_tree(root: Path, folders: int = 513) -> int:
    """Every picture of SYSU-MM01 as a tiny JPEG under ``root``, no two equal, and the three lists;
    returns how many.

    ``folders`` 513: all identities; 491: only those of the lists, the other form in which the set
    is whole.
    """
    from PIL import Image

    root, rng, blobs = Path(root), np.random.default_rng(20260114), {}
    for grey in (False, True):
        one = rng.integers(0, 256, (16, 8, 1 if grey else 3), dtype=np.uint8)
        held = io.BytesIO()
        Image.fromarray(np.repeat(one, 3, 2) if grey else one).save(held, "JPEG", quality=70)
        blobs[grey] = held.getvalue()
    lists: dict[str, set[int]] = {"train": set(), "val": set(), "test": set()}
    made = 0
    for (i, c), (n, part) in sysu_counts().items():
        if part == "none" and folders == 491:
            continue
        if part != "none":
            lists[part].add(i)
        place, blob = root / f"cam{c}" / f"{i:04d}", blobs[c in INFRARED]
        place.mkdir(parents=True)
        for k in range(1, n + 1):
            note = made.to_bytes(4, "big")  # a comment segment makes every file its own
            (place / f"{k:04d}.jpg").write_bytes(blob[:2] + b"\xff\xfe\x00\x06" + note + blob[2:])
            made += 1
    (root / "exp").mkdir()
    for name, ids in lists.items():
        (root / "exp" / f"{name}_id.txt").write_text(",".join(map(str, sorted(ids))) + "\n")
    return made


# ---------------------------------------------------------------- is it the same stream?
def fingerprints() -> dict[str, list[float]]:
    """For every input: its sum, the sum of its absolute values, its last number."""

    def of(*arrays):
        sums = [(np.sum(a), np.abs(a).sum(), np.asarray(a).ravel()[-1]) for a in arrays]
        return [float(x) for three in sums for x in three]

    found = {
        "sysu_plain": of(*sysu_plain()),
        "sysu_ties": of(*sysu_ties()),
        "regdb_plain": of(*regdb_plain()[:2]),
        "rerank_case": of(*rerank_case()),
    }
    found |= {f"loss_{case}": of(*loss_batch(case)[0].values()) for case in LOSS_CASES}
    found |= {f"wrt_{scale}": of(wrt_batch(scale)[0]) for scale in WRT_SCALES}
    found |= {f"pair_{seed}": of(*pair_batch(seed)) for seed in range(4)} | {
        "uneven": of(*uneven_batch()[0].values())
    }
    found |= {
        f"small_{seed}_{int(t)}": of(*small_case(seed, t).values())
        for seed in range(20)
        for t in (False, True)
    }
    return found | {
        "llcm_features": of(*llcm_features()),
        "llcm_counts": of(list(llcm_counts().values())),
    }


def drift() -> list[str]:
    """Inputs that are not those the fixtures were made from; [] is right."""
    then, now = json.loads((HERE / "inputs.json").read_text())["fingerprints"], fingerprints()
    return [
        name
        for name in then
        if not np.allclose(then[name], now.get(name, np.nan), rtol=1e-9, atol=1e-9)
    ]
