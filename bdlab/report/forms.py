"""A table in words and signs: for a terminal, as CSV, Markdown and LaTeX; and what a reader must
know beside the numbers.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator, Sequence

from bdlab import config, paper
from bdlab.experiments.verdicts import FEWEST, Verdict

from .table import PAPER_DATA, PRIMARY, SETTINGS, Column, Table, Value


def title(table: Table) -> str:
    return f"{table.sweep.title}, on {table.params['data']}"


def lead(table: Table) -> str:
    return ", ".join(
        [
            f"{table.params['preset']} preset",
            *(f"{key} {value}" for key, value in table.changes.items()),
        ]
    )


def command(table: Table) -> str:
    """The command line that makes a table."""
    p, cells = table.params, [result["params"] for own in table.cells.values() for _, result in own]
    seeds, splits = (
        ",".join(map(str, sorted({c[key] for c in cells}))) for key in ("seed", "split")
    )
    words = [
        f"bdlab run {table.sweep.name} --data {p['data']}",
        *(["--root DIR"] if p["data"] not in config.TWINS else []),
    ]
    words += [
        f"--preset {p['preset']} --seeds {seeds}",
        *([f"--splits {splits}"] if splits != "1" else []),
    ]
    return " ".join(
        [*words, *[f"--set {key}={json.dumps(value)}" for key, value in table.changes.items()]]
    )


def notes(table: Table) -> list[str]:
    """What a reader must know: per cent, spread, selection (the caption); what the verdicts mean;
    data and chance.
    """
    cells = [result for own in table.cells.values() for _, result in own]
    people = cells[0]["provenance"]["identities"]["test"]
    said = [_caption(cells), _about_verdicts(table)]
    said.append(
        f"{people} test identities: a guess finds the right one first in about {100 / people:.1f} %."
    )
    data = table.params["data"]
    if any(c.paper for c in table.columns) and data not in PAPER_DATA:
        printed = " and ".join(
            dict.fromkeys(PAPER_DATA[SETTINGS[c.setting][1]] for c in table.columns if c.paper)
        )
        what = "a set rendered by bdlab" if data in config.TWINS else "a folder of the user's own"
        said.append(
            f"The paper's columns are for {printed} itself; ours are for {data}, {what}: compare orders, not levels."
        )
    if table.printed:
        said.append(
            f"{', '.join(table.printed)}: the paper's numbers alone; these methods are not trained here."
        )
    return said


def _caption(cells: Sequence[dict]) -> str:
    provenance = cells[0]["provenance"]
    seeds, splits = (
        _list(sorted({result["params"][key] for result in cells})) for key in ("seed", "split")
    )
    feature = {"bn": "feature after the neck's batch norm", "pool": "pooled feature"}[
        provenance["feature"]
    ]
    test = provenance.get("test", {})
    extra = [
        w
        for w, on in (
            ("k-reciprocal re-ranking", test.get("rerank")),
            ("mirrored pictures averaged in", test.get("flip")),
        )
        if on
    ]
    extra += ["official gallery draw"] if test.get("draw") == "official" else []
    selection = " / ".join(
        dict.fromkeys(
            re.sub(r" \(epoch \d+\)", "", cell["provenance"]["selection"]) for cell in cells
        )
    )
    return (
        f"Per cent; mean ± standard deviation over cells, n of them a row (seeds {seeds}, splits {splits}). "
        f"{selection.capitalize()}, {', '.join([feature, *extra])}."
    )


def _about_verdicts(table: Table) -> str:
    if not table.verdicts:
        return "No contrast is declared."
    against = list(dict.fromkeys(v.against for v in table.verdicts))
    what = (
        f"each row against {against[0]}"
        if len(against) == 1
        else ", ".join(f"{v.row} against {v.against}" for v in table.verdicts)
    )
    units = {v.unit for v in table.verdicts if v.n}
    how = "paired by seed, a t interval" if units != {"splits"} else (
        "paired, the seeds of a split averaged, and the interval widened because splits overlap (Nadeau and Bengio)"
    )  # fmt: skip
    return (
        f"Verdicts are on {table.primary.head}: {what}, {len(table.verdicts)} contrasts, declared with the sweep. Differences are {how}, "
        "95 % for itself alone; the word is for the whole table (Holm over the contrasts, level 5 %). 'Not shown' does not mean equal: "
        f"beside it stands the true difference that would be seen four times in five. Below {FEWEST} seeds nothing is said."
    )


def _list(numbers: Sequence[int]) -> str:
    whole = len(numbers) > 3 and list(numbers) == list(range(numbers[0], numbers[-1] + 1))
    return f"{numbers[0]}..{numbers[-1]}" if whole else ", ".join(map(str, numbers))


def judged(verdict: Verdict) -> tuple[str, str, str, str]:
    """A verdict in words: difference, interval, pairs, the word (with what could have been seen)."""
    if verdict.difference is None:
        return ("-", "-", "0", "not run")
    interval = "-" if verdict.low is None else f"[{verdict.low:+.2f}, {verdict.high:+.2f}]"
    reach = f" (seen from {verdict.detectable:.1f})" if verdict.word == "not shown" else ""
    return (f"{verdict.difference:+.2f}", interval, str(verdict.n), verdict.word + reach)


def text(table: Table) -> str:
    """For a terminal: title, aligned columns (a star at the best of each), verdicts, what the
    numbers are.
    """
    kept = [k for k, c in enumerate(table.columns) if not c.aside]
    columns = [table.columns[k] for k in kept]
    heads = [["", "", *[c.group for c in columns]], ["row", "n", *[c.metric for c in columns]]]
    body = [
        [
            row,
            table.standing(row),
            *[own[k].text + "*" * (own[k].best and not table.columns[k].paper) for k in kept],
        ]
        for row, own in table.values.items()
    ]
    widths = [max(len(line[k]) for line in [*heads[1:], *body]) for k in range(len(heads[1]))]
    for _, group in itertools.groupby(range(2, len(widths)), key=lambda k: heads[0][k]):
        own = list(group)  # a setting's name must fit over its columns
        widths[own[0]] += max(
            0, len(heads[0][own[0]]) - sum(widths[k] for k in own) - 2 * (len(own) - 1)
        )
    lines = [_line(line, widths) for line in (heads[1], *body)]
    lines.insert(1, "-" * max(map(len, lines)))
    lines.insert(0, _spans(heads[0], widths))
    said = [
        *notes(table),
        *table.warnings,
        *(
            f"left out: {x.name}: {x.word}, {x.why}".rstrip(", ")
            for x in table.left_out
            if x.word != "superseded"
        ),
    ]
    return "\n".join(
        [f"{title(table)}, {lead(table)}", "", *lines, "", *_verdict_lines(table), *said]
    )


def _verdict_lines(table: Table) -> list[str]:
    if not table.verdicts:
        return []
    lines = [(f"{table.primary.head}", "difference", "95 %", "pairs", "verdict")]
    lines += [(f"{v.row} against {v.against}", *judged(v)) for v in table.verdicts]
    widths = [max(len(line[k]) for line in lines) for k in range(4)]
    return [f"{_line(line[:4], widths)}  {line[4]}" for line in lines] + [""]


def _line(line: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        v.ljust(width) if k == 0 else v.rjust(width)
        for k, (v, width) in enumerate(zip(line, widths, strict=True))
    )


def _spans(heads: Sequence[str], widths: Sequence[int]) -> str:
    """The line above the metrics: each setting once, over its own columns."""
    out = ""
    for name, group in itertools.groupby(range(len(heads)), key=lambda k: heads[k]):
        own = list(group)
        width = sum(widths[k] for k in own) + 2 * (len(own) - 1)
        out += name[:width].center(width) + "  "
    return out.rstrip()


def to_csv(table: Table) -> str:
    """One line a row and column, fractions as in the files; the paper's columns in per cent as
    printed, named so.

    The line of the column that verdicts are about also holds them: a line for each contrast of its
    row.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    verdict = [
        "against",
        "difference",
        "low",
        "high",
        "pairs",
        "unit_of_pairs",
        "p_holm",
        "detectable",
        "verdict",
        "people_low",
        "people_high",
    ]
    heads = [
        "sweep",
        "data",
        "preset",
        "row",
        "source",
        "setting",
        "metric",
        "unit",
        "mean",
        "sd",
        "n",
        "left_out",
        *verdict,
    ]
    writer.writerow(heads)
    for row, own in table.values.items():
        for column, value in zip(table.columns, own, strict=True):
            printed = column.paper or row in table.printed
            if printed and value.mean is None:
                continue
            scale, unit, n = (
                (1, "per cent", "") if printed else (100, "fraction", table.counts[row])
            )
            standing = "" if printed else table.standing(row).partition(" ")[2].strip("()")
            source = f"paper {PAPER_DATA[SETTINGS[column.setting][1]]}" if printed else "bdlab"
            line = [
                table.sweep.name,
                table.params["data"],
                table.params["preset"],
                row,
                source,
                column.setting,
                column.metric,
                unit,
            ]
            line += [*(_number(v, scale) for v in (value.mean, value.sd)), n, standing]
            for said in (_said(table, row) if column == table.primary else [[]]) or [[]]:
                writer.writerow([*line, *said, *[""] * (len(verdict) - len(said))])
    return out.getvalue()


def _number(value: float | None, scale: float) -> float | str:
    return "" if value is None else round(value / scale, 6)


def _said(table: Table, row: str) -> list[list]:
    """The verdicts of a row as CSV fields, fractions."""
    found = []
    for v in table.of(row):
        people = table.people.get((v.row, v.against), (None, None, None))[1:]
        numbers = [_number(x, 100) for x in (v.difference, v.low, v.high)]
        p = "" if v.p is None else f"{v.p:.4g}"
        found.append(
            [
                v.against,
                *numbers,
                v.n,
                v.unit,
                p,
                _number(v.detectable, 100),
                v.word,
                *(_number(x, 100) for x in people),
            ]
        )
    return found


def _wide(table: Table) -> tuple[list[Column], Iterator[tuple[str, list[Value], list[Verdict]]]]:
    """The columns a page of paper has room for, and each row with its values in them and its
    verdicts.
    """
    kept = [k for k, c in enumerate(table.columns) if not c.aside]
    rows = ((row, [own[k] for k in kept], table.of(row)) for row, own in table.values.items())
    return [table.columns[k] for k in kept], rows


def to_markdown(table: Table) -> str:
    """A Markdown table with its title, verdicts and notes; methods that are only printed in the
    paper stand in italics.
    """
    columns, rows = _wide(table)
    heads = [
        "row",
        "n",
        *(c.head for c in columns),
        "against",
        f"{PRIMARY} difference",
        "95 %",
        "pairs",
        "verdict",
    ]
    lines = [heads, ["---", *["---:"] * (len(heads) - 2), "---"]]
    for row, values, verdicts in rows:
        numbers = [
            f"**{v.text}**" if v.best and not c.paper else v.text
            for v, c in zip(values, columns, strict=True)
        ]
        said = [(v.against, *judged(v)) for v in verdicts] or [("",) * 5]
        name = f"*{row}*" if row in table.printed else row
        lines.append(
            [
                name,
                table.standing(row),
                *numbers,
                *("<br>".join(own) for own in zip(*said, strict=True)),
            ]
        )
    body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return (
        "\n\n".join(
            [
                f"### {title(table)}, {lead(table)}",
                body,
                *notes(table),
                *table.warnings,
                f"Made by `{command(table)}`",
            ]
        )
        + "\n"
    )


def printed(name: str) -> str:
    """The paper's numbers of a table alone, as Markdown: what there is before anything has been
    run; empty if it has none.
    """
    own = [v for v in paper.values() if v.table == name]
    if not own:
        return ""
    columns = list(dict.fromkeys((v.dataset, v.mode, v.metric) for v in own))
    heads = ["row", *(f"{PAPER_DATA[data]} {mode} {metric}" for data, mode, metric in columns)]
    lines = [heads, ["---", *["---:"] * len(columns)]]
    for row in dict.fromkeys(v.row for v in own):
        found = {
            (v.dataset, v.mode, v.metric): f"{v.value:.2f}" + " (assumed)" * v.assumed
            for v in own
            if v.row == row
        }
        lines.append([row, *(found.get(column, "-") for column in columns)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def to_latex(table: Table) -> str:
    r"""A LaTeX table (booktabs, xcolor): the paper's numbers grey, the best of each column bold,
    the notes as its caption.
    """
    columns, rows = _wide(table)
    groups = [
        (name, len(list(own))) for name, own in itertools.groupby(columns, key=lambda c: c.group)
    ]
    starts = list(itertools.accumulate([3, *(count for _, count in groups)]))
    above = [rf"\multicolumn{{{count}}}{{c}}{{{_tex(name)}}}" for name, count in groups] + [
        rf"\multicolumn{{5}}{{c}}{{{_tex(table.primary.head)}}}"
    ]
    rules = " ".join(
        rf"\cmidrule(lr){{{a}-{a + count - 1}}}"
        for a, count in zip(starts, [*(c for _, c in groups), 5], strict=True)
    )
    heads = [
        "row",
        "$n$",
        *(c.metric for c in columns),
        "against",
        "difference",
        r"95\,\%",
        "pairs",
        "verdict",
    ]
    body = []
    for row, values, verdicts in rows:
        numbers = [_tex_value(v, c.paper, v.best) for v, c in zip(values, columns, strict=True)]
        name = rf"\textcolor{{gray}}{{{_tex(row)}}}" if row in table.printed else _tex(row)
        said = [(v.against, *judged(v)) for v in verdicts] or [("",) * 5]
        body.append([name, _tex(table.standing(row)), *numbers, *map(_tex, said[0])])
        body += [["", "", *[""] * len(columns), *map(_tex, more)] for more in said[1:]]
    lines = [
        "% needs \\usepackage{booktabs,xcolor}",
        rf"% made by {command(table)}",
        r"\begin{table}[t]\centering\small",
        rf"\caption{{{_tex(title(table))}, {_tex(lead(table))}. {' '.join(map(_tex, notes(table)))}}}",
        rf"\begin{{tabular}}{{lr{'r' * len(columns)}lrrrl}}",
        r"\toprule",
        " & ".join(["", "", *above]) + r" \\",
        rules,
        *(
            " & ".join(line) + r" \\" + (r"\midrule" if k == 0 else "")
            for k, line in enumerate([heads, *body])
        ),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _tex_value(value: Value, printed: bool, best: bool) -> str:
    shown = _tex(value.text)
    if printed and value.mean is not None:
        return rf"\textcolor{{gray}}{{{shown}}}"
    return rf"\textbf{{{shown}}}" if best else shown


def _tex(words: str) -> str:
    signs = {
        "\\": r"\textbackslash{}",
        "±": r"$\pm$",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "-": "-",
    }
    return re.sub(r"[\\±~^&%$#_{}]", lambda m: signs.get(m[0], "\\" + m[0]), words)
