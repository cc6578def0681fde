"""Time and memory of exact ranking (scores and the 20 nearest, 100 queries, 512 numbers a feature) as the gallery and its people grow.

Writes ``docs/growth.csv`` and the figure ``docs/growth.png`` and ``.svg``; ``--smoke`` writes to a temporary folder.
"""

import csv
import tempfile
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from ranking import WIDTH, store
from side_by_side import CORES, asked, machine, peak_memory, timed

from bdlab import evaluation, figures
from bdlab.evaluation import Embedded

DOCS = Path(__file__).resolve().parent.parent / "docs"
QUERIES = 100
SIZES, PEOPLE_OF_SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000), 100
PEOPLE, SIZE_OF_PEOPLE = (10, 100, 1_000, 10_000), 100_000
COLUMNS = ("grown", "gallery", "people", "seconds", "megabytes")


def measure(features, people, turns):
    """(median seconds, most megabytes beside the features) of ranking all of ``features``."""
    rng = np.random.default_rng(1)
    ids = np.arange(len(features)) % people
    query = Embedded(rng.standard_normal((QUERIES, WIDTH), dtype=np.float32), rng.integers(0, people, QUERIES))
    gallery = Embedded(features, ids)

    def work():
        return evaluation.rank_large(query, gallery)

    memory = peak_memory(work)
    return float(np.median([timed(work)[0] for _ in range(turns)])), memory / 1e6


def draw(rows):
    """Four panels: time and memory over the size of the gallery and over the number of people, both axes logarithmic but memory's."""
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), sharey="row", layout="constrained")
    panels = [("gallery", "pictures in the gallery"), ("people", f"people in a gallery of {max(r[1] for r in rows if r[0] == 'people'):,}")]
    for column, (grown, label) in enumerate(panels):
        own = [dict(zip(COLUMNS, row, strict=True)) for row in rows if row[0] == grown]
        for row, (what, unit) in enumerate((("seconds", "seconds"), ("megabytes", "MB beside the features"))):
            ax = axes[row, column]
            x, y = [r[grown] for r in own], [r[what] for r in own]
            sns.lineplot(x=x, y=y, marker="o", ax=ax)
            ax.set(xscale="log", xlabel=label if row else "", ylabel=unit if not column else "")
            if what == "seconds":
                ax.set_yscale("log")
    axes[1, 0].set_ylim(0, 1.1 * max(row[-1] for row in rows))
    sns.despine(figure)
    return figure


def main() -> None:
    options = asked(turns=3)
    mpl.use("Agg")
    figures.theme()
    sizes, people = (SIZES, PEOPLE) if not options.smoke else ((100, 300), (2, 10))
    fixed = SIZE_OF_PEOPLE if not options.smoke else 300
    with tempfile.TemporaryDirectory() as folder:
        features = store(folder, sizes[-1])
        rows = [("gallery", size, size // PEOPLE_OF_SIZES or 2) for size in sizes] + [("people", fixed, count) for count in people]
        rows = [row + tuple(measure(features[: row[1]], row[2], options.turns)) for row in rows]
        target = Path(folder) if options.smoke else DOCS
        with (target / "growth.csv").open("w", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows([*row[:3], f"{row[3]:.4f}", f"{row[4]:.1f}"] for row in rows)
        figure = draw(rows)
        for suffix in ("png", "svg"):
            figure.savefig(target / f"growth.{suffix}", dpi=120)
        for grown, size, count, seconds, megabytes in rows:
            print(f"{grown:<8} {size:>9,} pictures {count:>7,} people {seconds:>9.3f} s {megabytes:>7.0f} MB")
        print(f"growth: {QUERIES} queries x {WIDTH}, {machine()}, {CORES} cores; figure and numbers in {target.name}/")


if __name__ == "__main__":
    main()
