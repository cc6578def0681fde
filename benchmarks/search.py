"""A gallery of 1,000,000 features on disk, searched: what the whole process holds at most, imports
and index included; alone, and with torch and torchvision imported, as a search for pictures needs
them. Each in a fresh process that reads its own peak.

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
        far = np.sqrt(np.maximum(2 - 2 * (gallery @ query), 0))
        found.append(np.sort(np.partition(far, K)[:K]))
    return np.stack(found)


def queries(gallery: np.ndarray) -> np.ndarray:
    """Gallery pictures moved a little, so that there is something to find."""
    moved = np.array(gallery[:QUERIES]) + 0.02
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def ours_beside_torch(folder: Path) -> np.ndarray:
    """The same in a process that has what embedding the queries needs."""
    from bdlab.deploy import embedding

    assert embedding.torch
    return ours(folder)


def peak() -> int:
    """The most bytes this process has held, mapped pages counted too.

    On Linux since it was started: ``ru_maxrss`` of a child begins at what its parent held.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) << 10
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most << 10


def child(work, folder: Path, answers) -> None:
    found = work(folder)
    answers.put((found, peak()))


def measured(work, folder: Path) -> tuple[np.ndarray, float]:
    """(what ``work`` found, the most gigabytes its process held, mapped pages counted too)."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=child, args=(work, folder, answers))
    process.start()
    found, most = answers.get()
    process.join()
    return found, most / 1e9


def main() -> None:
    options = asked(turns=1, full={"action": "store_true"})
    count = 3000 if options.smoke else 1_000_000
    width = 2048 if options.full else 512
    what = f"search, {QUERIES} x {count:,} x {width}, memory of the whole process"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "features"
        store(folder, count, width)
        found, alone = measured(ours, folder)
        again, beside = measured(ours_beside_torch, folder)
        np.testing.assert_array_equal(found, again)
        report(what, [alone], "GB", at_most=1)
        report(f"{what}, torch imported", [beside], "GB", at_most=1)
        if not options.full:
            theirs, peers = measured(peer, folder)
            np.testing.assert_allclose(found, theirs, atol=1e-3)
            report(f"{what}, all in memory", [peers], "GB")


if __name__ == "__main__":
    main()
