"""What a folder of runs says: one table a sweep, data set and preset, as text, CSV and one self-contained HTML page."""

from __future__ import annotations

import base64
import csv
import io
import itertools
import json
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from . import batches, cells, config, figures, paper, recipes, runs, setups
from .datasets.bank import bank
from .modality import Modality

#: Our settings and the columns of the paper they are printed beside: (title, paper's data set, paper's mode).
SETTINGS = {
    "v2t": ("visible to infrared", "regdb", "v2t"),
    "t2v": ("infrared to visible", None, None),
    "all-single": ("all-search", "sysu", "all"),
    "indoor-single": ("indoor-search", "sysu", "indoor"),
    "all-multi": ("all-search, multi-shot", None, None),
    "indoor-multi": ("indoor-search, multi-shot", None, None),
}
ASIDE = ("all-multi", "indoor-multi")  # in the page and the CSV; a terminal is too narrow for six settings
PAPER_DATA = {"regdb": "RegDB", "sysu": "SYSU-MM01"}


@dataclass(frozen=True)
class Column:
    """One column of a table; ``setting`` and ``metric`` name what it shows, ``paper`` whether the numbers are printed ones."""

    head: str
    setting: str = ""
    metric: str = ""
    paper: bool = False


@dataclass(frozen=True)
class Value:
    """One number of a table in per cent: mean and standard deviation over ``n`` cells; None where there is none."""

    mean: float | None
    sd: float | None = None
    best: bool = False

    @property
    def text(self) -> str:
        if self.mean is None:
            return "-"
        return f"{self.mean:.2f}" + (f" ± {self.sd:.2f}" if self.sd is not None else "")


@dataclass
class Table:
    """A sweep on one data set at one preset, ready to be shown. ``values[row][k]`` belongs to ``columns[k]``."""

    sweep: recipes.Sweep
    params: dict[str, Any]  # of one of its cells
    changes: dict[str, Any]  # what all of them change beside preset and row
    columns: list[Column]
    values: dict[str, list[Value]]
    counts: dict[str, int]
    cells: dict[str, list[tuple[Path, dict]]]
    warnings: list[str] = field(default_factory=list)

    @property
    def slug(self) -> str:
        return "-".join([self.sweep.name, self.params["data"], self.params["preset"]])


def tables(out: Path | str) -> list[Table]:
    """The tables of a folder of runs; raises RunError if there is no finished cell in it."""
    groups: dict[str, list[tuple[Path, dict]]] = {}
    changes: dict[str, dict[str, Any]] = {}
    found = [(folder, result) for folder, result, _ in runs.committed(Path(out)) if result]
    for folder, result in found:
        made = changed(result["params"], [r["params"] for _, r in found])
        key = json.dumps([*(result["params"][k] for k in ("sweep", "data", "preset")), made], sort_keys=True)
        groups.setdefault(key, []).append((folder, result))
        changes[key] = made
    if not groups:
        raise runs.RunError(
            f"{out}: no finished cell there; `bdlab status {out}` says what stands, `bdlab run table4 --out {out}` makes some"
        )
    return [_table(cells, changes[key]) for key, cells in sorted(groups.items())]


def changed(params: dict[str, Any], everything: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What a cell's parameters change beside its preset, its row and its seed and split; cells of one table share it.

    A user's sweep is known from its cells alone (``everything``): what differs between its rows but never within one is theirs.
    """
    name, row = params["sweep"], params["row"]
    loose = {"sweep", "row", "seed", "split", *runs.NOT_IDENTITY}
    if name in recipes.SWEEPS and row in recipes.SWEEPS[name].rows:
        plain = recipes.configure(name, row, params["preset"], params["data"]).flat()
    else:
        plain = config.from_flat(config.preset(params["preset"], params["data"])).flat()
        alike = [p for p in everything if all(p[k] == params[k] for k in ("sweep", "data", "preset"))]
        rows = [[p for p in alike if p["row"] == own] for own in dict.fromkeys(p["row"] for p in alike)]
        loose |= {key for key in params if all(len({json.dumps(p.get(key)) for p in own}) == 1 for own in rows)}
    return {key: value for key, value in params.items() if key not in loose and value != plain.get(key)}


def _table(cells: list[tuple[Path, dict]], changes: dict[str, Any]) -> Table:
    params = cells[0][1]["params"]
    sweep = recipes.SWEEPS.get(params["sweep"])
    if sweep is None:
        names = dict.fromkeys(result["params"]["row"] for _, result in cells)
        sweep = recipes.Sweep(params["sweep"], params["sweep"], {name: recipes.Row(name, {}) for name in names}, next(iter(names)))
    by_row = {row: [cell for cell in cells if cell[1]["params"]["row"] == row] for row in sweep.rows}
    kept, warnings = {}, []
    for row, own in by_row.items():
        kept[row], doubled = _newest(own)
        warnings += [f"{row}: {count} results for one seed and split; only the newest is shown" for count in doubled]
    settings = [s for s in SETTINGS if all(s in result["scores"] for _, result in cells)]
    ours = [Column(f"{s} {metric}", s, metric) for s in settings for metric in ("R1", "mAP", "mINP")]
    columns = [c for c in ours if c.setting not in ASIDE]
    columns += [
        Column(f"paper {PAPER_DATA[SETTINGS[s][1]]} {SETTINGS[s][2]} {metric}", s, metric, paper=True)
        for s in settings
        for metric in ("R1", "mAP")
        if SETTINGS[s][1] and paper.value(sweep.name, sweep.baseline, SETTINGS[s][1], SETTINGS[s][2], metric)
    ]
    columns += [c for c in ours if c.setting in ASIDE]
    values = {row: [_value(column, row, kept[row], sweep.name) for column in columns] for row in sweep.rows}
    for k in range(len(columns)):
        best = max((v[k].mean for v in values.values() if v[k].mean is not None), default=None)
        for row in values:
            if best is not None and values[row][k].mean == best:
                values[row][k] = Value(best, values[row][k].sd, best=True)
    return Table(sweep, params, changes, columns, values, {row: len(kept[row]) for row in kept}, kept, warnings)


def _newest(cells: list[tuple[Path, dict]]) -> tuple[list[tuple[Path, dict]], list[int]]:
    """One cell a (seed, split), the newest; and how many there were where there was more than one."""
    groups: dict[tuple, list] = {}
    for cell in cells:
        groups.setdefault((cell[1]["params"]["split"], cell[1]["params"]["seed"]), []).append(cell)
    newest = [max(group, key=lambda cell: cell[0].stat().st_mtime) for _, group in sorted(groups.items())]
    return newest, [len(group) for group in groups.values() if len(group) > 1]


def _value(column: Column, row: str, cells: list[tuple[Path, dict]], sweep: str) -> Value:
    if column.paper:
        _, data, mode = SETTINGS[column.setting]
        printed = paper.value(sweep, row, data, mode, column.metric)
        return Value(printed.value if printed else None)
    numbers = [100 * result["scores"][column.setting]["mean"][column.metric] for _, result in cells]
    if not numbers:
        return Value(None)
    return Value(statistics.fmean(numbers), statistics.stdev(numbers) if len(numbers) > 1 else None)


def text(table: Table) -> str:
    """The table for a terminal: title, aligned columns (a star at the best of each), what the numbers are."""
    kept = [k for k, c in enumerate(table.columns) if c.setting not in ASIDE]
    columns = [table.columns[k] for k in kept]
    heads = [["", "", *[_setting(c) for c in columns]], ["row", "n", *[c.metric for c in columns]]]
    body = [
        [row, str(table.counts[row]), *[own[k].text + "*" * (own[k].best and not table.columns[k].paper) for k in kept]]
        for row, own in table.values.items()
    ]
    widths = [max(len(line[k]) for line in [*heads[1:], *body]) for k in range(len(heads[1]))]
    for _, group in itertools.groupby(range(2, len(widths)), key=lambda k: heads[0][k]):
        own = list(group)  # a setting's name must fit over its columns
        widths[own[0]] += max(0, len(heads[0][own[0]]) - sum(widths[k] for k in own) - 2 * (len(own) - 1))
    lines = [_line(line, widths) for line in (heads[1], *body)]
    lines.insert(1, "-" * max(map(len, lines)))
    lines.insert(0, _spans(heads[0], widths))
    return "\n".join([f"{table.sweep.title}, on {table.params['data']}, {_lead(table)}", "", *lines, "", *notes(table), *table.warnings])


def _lead(table: Table) -> str:
    return ", ".join([f"{table.params['preset']} preset", *(f"{key} {value}" for key, value in table.changes.items())])


def _setting(column: Column) -> str:
    return f"paper, {PAPER_DATA[SETTINGS[column.setting][1]]} {SETTINGS[column.setting][2]}" if column.paper else column.setting


def _line(line: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        value.ljust(width) if k == 0 else value.rjust(width) for k, (value, width) in enumerate(zip(line, widths, strict=True))
    )


def _spans(heads: Sequence[str], widths: Sequence[int]) -> str:
    """The line above the metrics: each setting once, over its own columns."""
    out, k = "", 0
    while k < len(heads):
        end = k + 1
        while end < len(heads) and heads[end] == heads[k]:
            end += 1
        width = sum(widths[k:end]) + 2 * (end - k - 1)
        out += heads[k][:width].center(width) + "  "
        k = end
    return out.rstrip()


def notes(table: Table) -> list[str]:
    """What a reader must know beside the numbers: per cent, spread, selection, data, chance."""
    cells = [result for own in table.cells.values() for _, result in own]
    provenance = cells[0]["provenance"]
    seeds = sorted({result["params"]["seed"] for result in cells})
    splits = sorted({result["params"]["split"] for result in cells})
    feature = {"bn": "feature after the neck's batch norm", "pool": "pooled feature"}[provenance["feature"]]
    test = provenance.get("test", {})
    extra = [
        word for word, on in (("k-reciprocal re-ranking", test.get("rerank")), ("mirrored pictures averaged in", test.get("flip"))) if on
    ]
    extra += ["official gallery draw"] if test.get("draw") == "official" else []
    selection = " / ".join(dict.fromkeys(re.sub(r" \(epoch \d+\)", "", cell["provenance"]["selection"]) for cell in cells))
    people = provenance["identities"]["test"]
    said = [
        f"Per cent; mean ± standard deviation over cells, n of them a row (seeds {_list(seeds)}, splits {_list(splits)}). "
        f"{selection.capitalize()}, {', '.join([feature, *extra])}.",
        f"{people} test identities: a guess finds the right one first in about {100 / people:.1f} %.",
    ]
    data = table.params["data"]
    if any(c.paper for c in table.columns) and data not in PAPER_DATA:
        printed = " and ".join(dict.fromkeys(PAPER_DATA[SETTINGS[c.setting][1]] for c in table.columns if c.paper))
        what = "a set rendered by bdlab" if data in config.TWINS else "a folder of the user's own"
        said.append(f"The paper's columns are for {printed} itself; ours are for {data}, {what}: compare orders, not levels.")
    return said


def _list(numbers: Sequence[int]) -> str:
    return (
        f"{numbers[0]}..{numbers[-1]}"
        if len(numbers) > 3 and numbers == list(range(numbers[0], numbers[-1] + 1))
        else ", ".join(map(str, numbers))
    )


def to_csv(table: Table) -> str:
    """The table as CSV: one line a row and column, fractions as in the files; the paper's columns in per cent as printed, named so."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["sweep", "data", "preset", "row", "source", "setting", "metric", "unit", "mean", "sd", "n"])
    for row, own in table.values.items():
        for column, value in zip(table.columns, own, strict=True):
            scale, unit, n = (1, "per cent", "") if column.paper else (100, "fraction", table.counts[row])
            numbers = ["" if v is None else round(v / scale, 6) for v in (value.mean, value.sd)]
            source = f"paper {PAPER_DATA[SETTINGS[column.setting][1]]}" if column.paper else "bdlab"
            writer.writerow(
                [
                    table.sweep.name,
                    table.params["data"],
                    table.params["preset"],
                    row,
                    source,
                    column.setting,
                    column.metric,
                    unit,
                    *numbers,
                    n,
                ]
            )
    return out.getvalue()


def to_html(table: Table, unfinished: Iterable[runs.State] = ()) -> str:
    """One page that needs nothing else: table, curves, derivative pictures, provenance; figures are inside it as PNG."""
    template = jinja2.Template(resources.files(__package__).joinpath("report.html").read_text(encoding="utf-8"), autoescape=True)
    groups = [(name, list(own)) for name, own in itertools.groupby(table.columns, key=_setting)]
    rows = [
        {"name": row, "title": table.sweep.rows[row].title, "n": table.counts[row], "groups": _grouped(table.columns, own)}
        for row, own in table.values.items()
    ]
    pictures = [{"title": t, "words": w, "png": _png(f)} for t, w, f in report_figures(table)]
    return template.render(
        title=f"{table.sweep.title}, on {table.params['data']}", lead=_lead(table), notes=notes(table)[1:],
        warnings=table.warnings, groups=groups, rows=rows, caption=notes(table)[0], command=command(table), figures=pictures,
        unfinished=list(unfinished), provenance=_provenance(table), citation=f"The paper: {paper.CITATION}",
    )  # fmt: skip


def _grouped(columns: Sequence[Column], values: Sequence[Value]) -> list[list[tuple[Column, Value]]]:
    """A row's values under the settings they belong to."""
    pairs = zip(columns, values, strict=True)
    return [list(own) for _, own in itertools.groupby(pairs, key=lambda pair: _setting(pair[0]))]


def command(table: Table) -> str:
    """The command line that makes a table."""
    p, cells = table.params, [result["params"] for own in table.cells.values() for _, result in own]
    seeds, splits = (",".join(map(str, sorted({c[key] for c in cells}))) for key in ("seed", "split"))
    words = [f"bdlab run {table.sweep.name} --data {p['data']}", *(["--root DIR"] if p["data"] not in config.TWINS else [])]
    words += [f"--preset {p['preset']} --seeds {seeds}", *([f"--splits {splits}"] if splits != "1" else [])]
    return " ".join([*words, *[f"--set {key}={json.dumps(value)}" for key, value in table.changes.items()]])


def report_figures(table: Table) -> list[tuple[str, str, Figure]]:
    """The figures of a page: (title, a sentence on what it shows, figure)."""
    first = {row: own[0] for row, own in table.cells.items() if own}
    histories = {row: runs.read_lines(folder / "history.jsonl") for row, (folder, _) in first.items()}
    made = [
        (
            "Loss terms", "Each term of eq. 9 before its weight, mean over an epoch's steps, first seed of each row. "
            "More modalities and edges sum more terms, so rows are compared in shape, not in height.", figures.training_curves(histories),
        )
    ]  # fmt: skip
    words = "How many queries have found their person by each rank, mean over the cells of a row."
    made.append(("Cumulative matching", words, _cmc_panels(table)))
    made += _derivative_figures(table, first)
    return made


def _cmc_panels(table: Table) -> Figure:
    settings = list(dict.fromkeys(c.setting for c in table.columns if not c.paper))
    rows = (len(settings) + 1) // 2
    figure, axes = plt.subplots(rows, min(len(settings), 2), figsize=(10.4, 3.6 * rows), squeeze=False, layout="constrained")
    for ax in axes.flat[len(settings) :]:
        ax.remove()
    for ax, setting in zip(axes.flat, settings, strict=False):
        curves = {row: _mean_curve([r["scores"][setting]["cmc"] for _, r in own]) for row, own in table.cells.items() if own}
        figures.cmc(curves, ax=ax)
        ax.set_title(f"{setting}: {SETTINGS[setting][0]}")
    return figure


def _mean_curve(curves: Sequence[Sequence[float]]) -> np.ndarray:
    """The mean of CMC curves; one that ends with its smaller gallery has matched everybody there."""
    length = max(map(len, curves))
    return np.mean([[*curve, *[1.0] * (length - len(curve))] for curve in curves], axis=0)


def _derivative_figures(table: Table, first: dict[str, tuple[Path, dict]]) -> list[tuple[str, str, Figure]]:
    """Four people in four modalities from a trained generator; left out, with the reason, where the pictures are not at hand."""
    rows = [row for row, (_, result) in first.items() if {"DV", "DI"} <= set(result["params"]["modalities"].split())]
    if not rows:
        return []
    folder, result = first[rows[-1]]
    try:
        pictures = derivatives(folder, result)
    except (OSError, ValueError, RuntimeError) as error:
        table.warnings.append(f"No derivative pictures: {error}")
        return []
    words = f"Test people in the four modalities of {rows[-1]} after training, brought back to colours and clipped to [0, 1]."
    history = runs.read_lines(folder / "history.jsonl")
    return [
        ("Derivative modalities", words, figures.people(pictures)),
        (
            "How the generator moved",
            f"The weights and biases of E_V and G_S over the epochs of {rows[-1]}.",
            figures.generator_curves(history),
        ),
    ]


@torch.no_grad()
def derivatives(folder: Path, result: dict, count: int = 8) -> dict[Modality, np.ndarray]:
    """The first ``count`` test people of a committed cell in all its modalities: float [count, H, W, 3] in [0, 1]."""
    settings = config.from_flat(result["params"])
    dataset = setups.open_data(settings)
    pictures = bank(dataset, settings.data.height, settings.data.width, progress=False).pictures
    net = cells.load(folder)
    images = {}
    for m in (Modality.V, Modality.I):
        rows = {dataset.records[row].identity: row for row in reversed(dataset.select("test", m))}
        images[m] = batches.normalise(pictures[torch.tensor([rows[i] for i in sorted(rows)[:count]])])
    images = {**images, **net.derive(images)}
    return {m: cells.shown(x) for m, x in images.items()}


def _provenance(table: Table) -> list[tuple[str, str]]:
    cells = [result for own in table.cells.values() for _, result in own]
    shown = ("bdlab", "git_sha", "git_dirty", "torch", "device", "precision", "threads", "fingerprint", "data", "selection", "feature")
    said = []
    for key in shown:
        different = dict.fromkeys(json.dumps(result["provenance"].get(key), ensure_ascii=False) for result in cells)
        said.append((key, "; ".join(value.strip('"') for value in different)))
    seconds = sum(result["provenance"]["seconds"] for result in cells)
    return [*said, ("training and evaluation", f"{seconds / 60:.1f} minutes over {len(cells)} cells")]


def _png(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    return base64.b64encode(buffer.getvalue()).decode()


def write(out: Path | str) -> list[tuple[Table, Path]]:
    """``<out>/report/<table>.html`` and ``.csv`` for every table of a folder; returns the tables with their pages."""
    out = Path(out)
    figures.theme()
    found = tables(out)
    place = out / "report"
    place.mkdir(exist_ok=True)
    unfinished = [s for s in runs.status(out) if s.word != "done"]
    made = []
    for number, table in enumerate(found):
        slug = table.slug if all(table.slug != other.slug for other, _ in made) else f"{table.slug}-{number}"
        runs.write(place / f"{slug}.csv", to_csv(table).encode())
        mine = [s for s in unfinished if s.name.startswith(f"{table.sweep.name}-")]
        runs.write(place / f"{slug}.html", to_html(table, mine).encode())
        made.append((table, place / f"{slug}.html"))
    return made
