"""Time and memory of exact ranking (scores and the 20 nearest, 100 queries, 512 numbers a feature)
as the gallery, its people and the threads of the matrix product grow.

Writes ``docs/growth.csv`` and the figure ``docs/growth.png`` and ``.svg``; ``--smoke`` writes to a
temporary folder.
"""

import csv
import tempfile
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.ticker import NullLocator
from ranking import WIDTH, store
from side_by_side import CORES, asked, machine, peak_memory, timed
from threadpoolctl import threadpool_limits

from bdlab import evaluation
from bdlab.evaluation import Embedded
from bdlab.workbench import style

DOCS = Path(__file__).resolve().parent.parent / "docs"
QUERIES = 100
SIZES, PEOPLE_OF_SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000), 100
PEOPLE, SIZE_OF_PEOPLE = (10, 100, 1_000, 10_000), 100_000
THREADS = [2**n for n in range(CORES.bit_length())]
COLUMNS = ("grown", "gallery", "people", "threads", "seconds", "megabytes")


def measure(features, people, threads, turns):
    """(median seconds, most megabytes beside the features) of ranking all of ``features``."""
    rng = np.random.default_rng(1)
    ids = np.arange(len(features)) % people
    query = Embedded(
        rng.standard_normal((QUERIES, WIDTH), dtype=np.float32), rng.integers(0, people, QUERIES)
    )
    gallery = Embedded(features, ids)

    def work():
        return evaluation.rank_large(query, gallery)

    with threadpool_limits(threads):
        memory = peak_memory(work)
        return float(np.median([timed(work)[0] for _ in range(turns)])), memory / 1e6


def draw(rows):
    """Six panels: time and memory over the size of the gallery, the number of people and of
    threads, all axes logarithmic but memory's.
    """
    figure, axes = plt.subplots(2, 3, figsize=(12, 6), sharey="row", layout="constrained")
    fixed = {row[0]: f"{row[1]:,}" for row in rows}
    panels = [
        ("gallery", "pictures in the gallery"),
        ("people", f"people in a gallery of {fixed['people']}"),
    ]
    panels.append(("threads", f"threads, a gallery of {fixed['threads']}"))
    for column, (grown, label) in enumerate(panels):
        own = [dict(zip(COLUMNS, row, strict=True)) for row in rows if row[0] == grown]
        for row, (what, unit) in enumerate(
            (("seconds", "seconds"), ("megabytes", "MB beside the features"))
        ):
            ax = axes[row, column]
            x, y = [r[grown] for r in own], [r[what] for r in own]
            sns.lineplot(x=x, y=y, marker="o", ax=ax)
            ax.set(xscale="log", xlabel=label if row else "", ylabel=unit if not column else "")
            if what == "seconds":
                ax.set_yscale("log")
            if grown == "threads":
                ax.set_xticks(THREADS, THREADS, minor=False)
                ax.xaxis.set_minor_locator(NullLocator())
    axes[1, 0].set_ylim(0, 1.1 * max(row[-1] for row in rows))
    sns.despine(figure)
    return figure


def main() -> None:
    options = asked(turns=3)
    mpl.use("Agg")
    style.theme()
    sizes, people = (SIZES, PEOPLE) if not options.smoke else ((100, 300), (2, 10))
    fixed = SIZE_OF_PEOPLE if not options.smoke else 300
    with tempfile.TemporaryDirectory() as folder:
        features = store(folder, sizes[-1])
        rows = [("gallery", size, size // PEOPLE_OF_SIZES or 2, CORES) for size in sizes]
        rows += [("people", fixed, count, CORES) for count in people] + [
            ("threads", fixed, people[-1], count) for count in THREADS
        ]
        rows = [row + tuple(measure(features[: row[1]], *row[2:], options.turns)) for row in rows]
        target = Path(folder) if options.smoke else DOCS
        with (target / "growth.csv").open("w", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows([*row[:4], f"{row[4]:.4f}", f"{row[5]:.1f}"] for row in rows)
        figure = draw(rows)
        for suffix in ("png", "svg"):
            figure.savefig(target / f"growth.{suffix}", dpi=120)
        for grown, size, count, threads, seconds, megabytes in rows:
            print(
                f"{grown:<8} {size:>9,} pictures {count:>7,} people {threads} threads "
                f"{seconds:>9.3f} s {megabytes:>7.0f} MB"
            )
        print(
            f"growth: {QUERIES} queries x {WIDTH}, {machine()}, {CORES} cores; figure and numbers "
            f"in {target.name}/"
        )


if __name__ == "__main__":
    main()
