r"""A table as LaTeX: results and verdicts are two tables, each made smaller where it would leave
the page; below them what a reader must know.

Needs booktabs, graphicx and xcolor. All numbers of a column have two decimals, so that columns set
flush right are aligned at the point.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from . import forms, words
from .table import Column, Table, Value

HEAD = r"""% needs \usepackage{booktabs,graphicx,xcolor}
% made by COMMAND
\providecommand{\bdlabfits}[1]{%
  \resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{#1}}
"""
SIGNS = {
    "\\": r"\textbackslash{}",
    "±": r"$\pm$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "²": r"\textsuperscript{2}",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "−": r"$-$",
    "…": r"\dots{}",
}


def to_latex(table: Table) -> str:
    """Two LaTeX tables and a paragraph of notes: the paper's numbers grey, bold only where the
    verdicts allow it, minus signs as such.
    """
    title = f"{words.title(table)}, {words.lead(table)}. {words.outcome(table)}"
    parts = [HEAD.replace("COMMAND", words.command(table)), _float(title, _results(table))]
    if table.verdicts:
        caption = f"{words.title(table)}: verdicts on {table.primary.head}, points of per cent."
        parts.append(_float(caption, _verdicts(table)))
    said = [*table.warnings, *words.notes(table), *words.over_people(table)]
    notes = " ".join(tex(sentence) for sentence in said)
    parts.append(f"{{\\footnotesize\\sloppy\\noindent {notes}\\par}}")
    return "\n".join(parts) + "\n"


def _float(caption: str, tabular: str) -> str:
    lines = [
        r"\begin{table}[htb]\centering\small\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{tex(caption)}}}",
        rf"\bdlabfits{{{tabular}}}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def _tabular(columns: str, lines: Sequence[str]) -> str:
    inside = "\n".join([r"\toprule", *lines, r"\bottomrule"])
    return f"\\begin{{tabular}}{{{columns}}}\n{inside}\n\\end{{tabular}}"


def _row(fields: Sequence[str]) -> str:
    return " & ".join(fields) + r" \\"


# -- results


def _results(table: Table) -> str:
    kept = [table.columns[k] for k in forms.narrow(table)]
    above, rules = _groups(kept)
    heads = ["row", "$n$", "triplets"]
    columns = "lll"
    for column in kept:
        columns += "r" if column.paper else r"r@{\,}l"
        heads += [column.metric] if column.paper else [column.metric, ""]
    lines = [above, rules, _row(heads), r"\midrule"]
    for row, values in table.values.items():
        fields = [_name(table, row), tex(table.standing(row)), tex(forms.alive(table, row))]
        for k in forms.narrow(table):
            fields += _paper(values[k]) if table.columns[k].paper else _ours(values[k])
        lines.append(_row(fields))
    return _tabular(columns, lines)


def _groups(columns: Sequence[Column]) -> tuple[str, str]:
    """The line above the metrics, each setting once over its columns, and the rules under it."""
    fields, rules, at = ["", "", ""], [], 4
    for name, group in itertools.groupby(columns, key=lambda column: column.group):
        width = sum(1 if column.paper else 2 for column in group)
        fields.append(rf"\multicolumn{{{width}}}{{c}}{{{tex(name)}}}")
        rules.append(rf"\cmidrule(lr){{{at}-{at + width - 1}}}")
        at += width
    return _row(fields), "".join(rules)


def _name(table: Table, row: str) -> str:
    return rf"\textcolor{{gray}}{{{tex(row)}}}" if row in table.printed else tex(row)


def _paper(value: Value) -> list[str]:
    """One field: a printed number in grey."""
    if value.mean is None:
        return ["--"]
    return [rf"\textcolor{{gray}}{{{value.mean:.2f}}}"]


def _ours(value: Value) -> list[str]:
    """Two fields: a mean and, smaller, its deviation."""
    if value.mean is None:
        return ["--", ""]
    mean = f"{value.mean:.2f}"
    spread = "" if value.sd is None else rf"{{\scriptsize$\pm${value.sd:.2f}}}"
    return [rf"\textbf{{{mean}}}" if value.best else mean, spread]


# -- verdicts


def _verdicts(table: Table) -> str:
    heads = ["row", "against", "difference", r"95\,\%", "pairs", "verdict"]
    lines = [_row(heads), r"\midrule"]
    for verdict in table.verdicts:
        difference, interval, pairs, word = words.judged(table, verdict)
        fields = [tex(verdict.row), tex(verdict.against), _signed(difference), _signed(interval)]
        lines.append(_row([*fields, pairs, tex(word)]))
    return _tabular("llrrrl", lines)


def _signed(text: str) -> str:
    """Numbers with true plus and minus signs."""
    return "--" if text == "-" else re.sub(r"([+-])(?=\d)", r"$\1$", text)


def tex(text: str) -> str:
    """A text with LaTeX's own signs escaped; a minus before a number is one, and a long word may
    break at its hyphens, slashes and points.
    """
    minus = re.sub(r"(?<![\w.])-(?=\d)", "−", text)
    plain = re.sub(r"[&%$#_{}]", r"\\\g<0>", minus.replace("\\", "\0"))
    signs = {"\0" if sign == "\\" else sign: code for sign, code in SIGNS.items()}
    for sign, code in signs.items():
        plain = plain.replace(sign, code)
    return plain
