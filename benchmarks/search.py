"""A gallery of 1,000,000 features on disk, searched: what the whole process holds at most.

The peer reads the features into memory, as a script written for the purpose does, and finds the
same 20 nearest by one matrix of distances a block. ``--full``: features of 2,048 numbers (8 GB on
disk) instead of 512; there the peer is left out.
"""

import json
import multiprocessing
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
from side_by_side import asked, report

K, QUERIES, PEOPLE = 20, 200, 20_000


def store(folder: Path, count: int, width: int) -> None:
    """A folder of random features as ``bdlab embed`` writes one, by pieces."""
    folder.mkdir()
    shape = (count, width)
    array = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float32, shape)
    draw = np.random.default_rng(0)
    for start in range(0, count, 20_000):
        part = draw.standard_normal((min(20_000, count - start), width), dtype=np.float32)
        array[start : start + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    array.flush()
    with (folder / "index.csv").open("w") as index:
        index.write("path,identity,modality,camera,split\n")
        for row in range(count):
            index.write(f"infrared/{row % PEOPLE:05d}/{row}.jpg,{row % PEOPLE},I,0,\n")
    about = {"weights_sha256": "0", "cell": "made", "root": "nowhere"}
    (folder / "about.json").write_text(json.dumps(about | {"rows": count, "dim": width}))


def ours(folder: Path) -> np.ndarray:
    """The distances [Q, k] of the lists, by ``bdlab search``'s own functions."""
    from bdlab.datasets import Record
    from bdlab.deploy import features, searching
    from bdlab.deploy.pictures import Pictures
    from bdlab.modality import Modality

    gallery = features.read(folder)
    asked_for = queries(gallery.array)
    records = [Record(f"{n}.jpg", n % PEOPLE, Modality.V) for n in range(len(asked_for))]
    pictures = Pictures(Path("elsewhere"), tuple(records))
    query = features.Features(pictures, asked_for, gallery.about)
    return searching.search(query, gallery, K).distances


def peer(folder: Path) -> np.ndarray:
    """The same distances with the whole gallery in memory."""
    gallery = np.load(folder / "features.npy")
    found = []
    for query in queries(gallery):
        far = np.sqrt(np.maximum(2 - 2 * gallery @ query, 0))
        found.append(np.sort(np.partition(far, K)[:K]))
    return np.stack(found)


def queries(gallery: np.ndarray) -> np.ndarray:
    """Gallery pictures moved a little, so that there is something to find."""
    moved = np.array(gallery[:QUERIES]) + 0.02
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def child(work, folder: Path, answers) -> None:
    found = work(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # kilobytes, on a Mac bytes
    answers.put((found, peak if sys.platform == "darwin" else peak << 10))


def measured(work, folder: Path) -> tuple[np.ndarray, float]:
    """(what ``work`` found, the most gigabytes its process held, mapped pages counted too)."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=child, args=(work, folder, answers))
    process.start()
    found, peak = answers.get()
    process.join()
    return found, peak / 1e9


def main() -> None:
    options = asked(turns=1, full={"action": "store_true"})
    count = 3000 if options.smoke else 1_000_000
    width = 2048 if options.full else 512
    what = f"search, {QUERIES} x {count:,} x {width}, memory of the whole process"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "features"
        store(folder, count, width)
        found, ours_ = measured(ours, folder)
        if not options.full:
            theirs, peers = measured(peer, folder)
            np.testing.assert_allclose(found, theirs, atol=1e-3)
            report(f"{what}, all in memory", [peers], "GB")
        report(what, [ours_], "GB", at_most=1)


if __name__ == "__main__":
    main()
