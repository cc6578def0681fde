"""The commands that use a trained cell: embed, search, export, test; and track."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bdlab.config import DATASETS, TWINS
from bdlab.rules import Corruption, corruptions

from .commands import faults, main

PATH = click.Path(path_type=Path)
cell_option = click.option(
    "--cell",
    required=True,
    help="A finished cell's folder, or a published file (.safetensors, .pt).",
)
MODALITY = click.Choice(["V", "I"])
scale_option = click.option(
    "--scale",
    type=float,
    nargs=2,
    metavar="LOW HIGH",
    help="Range of raw infrared values (default: the set's, or that of the cell's training set).",
)


@main.command()
@click.argument("source", metavar="SET|FOLDER")
@cell_option
@click.option("--out", type=PATH, default=Path("features"), show_default=True)
@click.option("--root", type=PATH, help="Where a set given by name lies.")
@click.option("--part", default="all", show_default=True, help="train, val or test of a set.")
@click.option("--modality", type=MODALITY, help="Keep one; or what a folder holds.")
@scale_option
@faults
def embed(source, cell, out, root, part, modality, scale) -> None:
    """Features of a data set or of a folder of pictures, as features.npy and index.csv.

    The modality of a picture is read from its folders (visible, rgb, infrared, thermal, ...) or
    given; its identity from a folder whose name is a number. A set that `bdlab data import` wrote
    keeps its names, cameras and rules.
    """
    import dataclasses

    import bdlab
    from bdlab.deploy import features, pictures, raw

    found = pictures.collect(source, modality, root, part)
    if scale:
        found = dataclasses.replace(found, scale=raw.given(scale))
    said = features.write(out, bdlab.embedder(cell), found)
    counts = ", ".join(f"{len(found.of(m))} of {m.title}" for m in found.modalities)
    click.echo(f"{len(found)} pictures ({counts}): {out}/features.npy, index.csv, about.json")
    if found.left_out:
        click.echo(pictures.words_of(found.left_out))
    if said.get(features.RAW):
        click.echo(raw.Known(*said["scale"], said["scale_from"]).words)
    click.echo(f"Next: bdlab search QUERY --gallery {out} --cell {cell}")


@main.command()
@click.argument("query", nargs=-1, required=True)
@click.option("--gallery", required=True, help="A folder of pictures, or of features (embed).")
@cell_option
@click.option("--query-modality", type=MODALITY, help="Of the queries, if no folder says it.")
@click.option("--gallery-modality", type=MODALITY, help="Default: the other one than the query's.")
@click.option("--ranks", "-k", type=click.IntRange(1), default=20, show_default=True)
@click.option("--out", type=PATH, default=Path("search"), show_default=True)
@click.option("--page-queries", type=click.IntRange(0), default=100, show_default=True)
@click.option("--approximate", is_flag=True, help="By faiss, its recall stated (default: exact).")
@click.option("--exclude", help="Camera rule: none, camera, sysu (default: what the set declares).")
@scale_option
@faults
def search(cell, out, page_queries, **options) -> None:
    """Rank a gallery for each QUERY (pictures or folders): a table, a CSV, a page with pictures.

    \b
    bdlab search a.jpg --query-modality V --gallery camera7/ --gallery-modality I --cell runs/...
    bdlab search mine/visible --gallery mine/infrared --cell runs/<cell>
    """
    import bdlab
    from bdlab.deploy import page, searching

    options["queries"], options["k"] = options.pop("query"), options.pop("ranks")
    found = searching.search_files(bdlab.embedder(cell), **options)
    out.mkdir(parents=True, exist_ok=True)
    searching.write_csv(out / "ranks.csv", found)
    page.write_page(out / "index.html", found, page_queries)
    click.echo(searching.text(found))
    click.echo(f"All lists: {out / 'ranks.csv'}; with pictures: {out / 'index.html'}")


@main.command()
@click.argument("cell")
@click.option("--to", required=True, help="onnx, torchscript, torch or safetensors.")
@click.option("--out", type=PATH, help="The file (default: the cell's name, here).")
@click.option("--licence", default="", help="Of the weights; safetensors are for publishing.")
@faults
def export(cell, to, out, licence) -> None:
    """Write a cell as one file for other programs; its features are compared with ours first.

    ONNX and TorchScript take uint8 pictures [N, H, W, 3] and infrared [N] (bool), and give
    unit-length features. safetensors come with a model card.
    """
    from bdlab.deploy import export as exporting

    path = exporting.export(cell, to, out, licence)
    click.echo(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")


class Place(click.ParamType):
    """A data set by name, and where it lies: ``folder=my/pictures``; without a place, its usual."""

    name = "SET[=ROOT]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str | None]:
        data, _, root = value.partition("=")
        if data not in DATASETS:
            self.fail(f"{data!r} is no set: choose one of {', '.join(DATASETS)}", param, ctx)
        return data, root or None


def _corruption(
    _context: click.Context, parameter: click.Parameter, words: str
) -> tuple[Corruption, ...]:
    """The tests on corrupted pictures that words name."""
    try:
        return corruptions(words)
    except ValueError as error:
        raise click.BadParameter(str(error), param=parameter) from None


@main.command()
@click.option(
    "--cell",
    "places",
    multiple=True,
    required=True,
    help="A finished cell's folder, a published file, or a folder of runs: all its cells; "
    "repeatable.",
)
@click.option("--data", type=Place(), multiple=True, required=True, help="A set; repeatable.")
@click.option("--root", type=PATH, help="Where the set lies, if there is one.")
@click.option("--split", type=int, default=1, show_default=True)
@click.option("--size", help="Of a twin: smoke, demo, full.")
@click.option(
    "--corruption",
    default="none",
    callback=_corruption,
    help="Corrupt visible pictures too: mixed, a family or a kind, e.g. 'mixed noise fog-5'.",
)
@click.option("--out", type=PATH, help="Also write the scores: JSON, or a table as .csv.")
@faults
def test(places, data, root, split, size, corruption, out) -> None:
    """Test cells on other sets than they were trained on, by each set's protocol; labelled so.

    \b
    bdlab test --cell runs/<cell> --data synthetic-sysu
    bdlab test --cell runs --data synthetic-regdb --data synthetic-sysu --data folder=my/pictures
    """
    import bdlab
    from bdlab import datasets
    from bdlab.deploy import cross
    from bdlab.files import write, write_json

    if root and (len(data) > 1 or data[0][1]):
        raise click.UsageError("--root is for one set; for several: --data NAME=ROOT")
    cells = [cell for place in places for cell in cross.cells_of(place)]
    opened = []
    for name, place in data:
        options = {"split": split} | ({"size": size} if size and name in TWINS else {})
        opened.append(datasets.open(name, place or root, **options))
    tests = []
    for cell in cells:
        embedder = bdlab.embedder(cell)
        tests += [cross.test(embedder, dataset, *corruption) for dataset in opened]
    click.echo(tests[0].text() if len(tests) == 1 else cross.table(tests))
    if out and out.suffix == ".csv":
        write(out, cross.to_csv(tests).encode())
    elif out:
        scores = [one.to_json() for one in tests]
        write_json(out, scores[0] if len(scores) == 1 else {"tests": scores})


@main.command()
@click.argument("runs", type=PATH, default=Path("runs"))
@click.option("--to", default="csv", show_default=True, help="csv, tensorboard or mlflow.")
@click.option("--out", type=PATH, help="Where to (default: RUNS/track/<to>).")
@faults
def track(runs, to, out) -> None:
    """Hand parameters, histories and scores of all RUNS to another program, running ones too."""
    from bdlab.deploy import track as tracking

    place, cells = tracking.export(runs, to, out)
    click.echo(f"{cells} cells: {place}")
    if to == "tensorboard":
        click.echo(f"Next: tensorboard --logdir {place}")
    if to == "mlflow":
        click.echo(f"Next: mlflow ui --backend-store-uri sqlite:///{place / 'mlflow.db'}")
