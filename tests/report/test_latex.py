"""The LaTeX form: two tables that fit the page, balanced, with true minus signs; compiled where
there is a compiler.
"""

import re
import shutil
import subprocess

import pytest

from bdlab import report
from bdlab.experiments import sweeps
from bdlab.report import latex
from tests.report.test_report import put

pytestmark = pytest.mark.slow

PAGE = r"""\documentclass{article}
\usepackage{booktabs,graphicx,xcolor}
\begin{document}
\input{table}
\end{document}
"""
COMPILER = shutil.which("pdflatex") or shutil.which("tectonic")
SETTINGS = ("all-single", "indoor-single", "all-multi", "indoor-multi")


@pytest.fixture
def table(tmp_path):
    """The widest table: two settings, the paper beside, deviations, a verdict of every kind."""
    for seed in range(5):
        for row, gain in (("B2", 0), ("MDL4", 0.1), ("MDL1", -0.1), ("MDL2", 0.1 * (-1) ** seed)):
            r1 = 0.4 + gain + 0.003 * seed * (row != "B2")
            mixed = (
                {"device": "NVIDIA H100 80GB HBM3 & more_of_it"}
                if (row, seed) == ("MDL4", 4)
                else None
            )
            put(tmp_path, row, seed, r1, SETTINGS, data="sysu", more=mixed)
    (table,) = report.tables(tmp_path)
    return table


def tabulars(source):
    return re.findall(r"\\begin{tabular}{([^\n]*)}\n(.*?)\\end{tabular}", source, re.DOTALL)


def test_results_and_verdicts_are_two_tables(table):
    source = report.to_latex(table)
    assert source.count(r"\begin{table}") == 2
    (_, results), (_, verdicts) = tabulars(source)
    assert "verdict" not in results
    assert "not shown" in verdicts


def test_it_is_balanced_and_its_lines_have_equal_columns(table):
    source = report.to_latex(table)
    assert source.count("{") == source.count("}")
    for columns, body in tabulars(source):
        width = len(re.sub(r"@{[^}]*}", "", columns).replace(" ", ""))
        for line in body.splitlines():
            if line.endswith(r"\\") and "multicolumn" not in line:
                assert len(re.findall(r"(?<!\\)&", line)) + 1 == width, line
    text = source.partition(r"\begin{table}")[2]
    assert not re.search(r"(?<!\\)[%_#]", text)


def test_minus_signs_are_signs(table):
    (_, verdicts) = tabulars(report.to_latex(table))[1]
    assert re.search(r"\$-\$\d+\.\d\d", verdicts)
    assert not re.search(r"(?<![\w$])-\d", verdicts)


def test_bold_stands_only_where_the_verdict_allows_it(tmp_path, table):
    assert r"\textbf" not in report.to_latex(table), "one pair of each contrast is unlike"
    for seed in range(5):
        put(tmp_path / "alike", "B2", seed, 0.3)
        put(tmp_path / "alike", "MDL4", seed, 0.4 + 0.001 * seed)
    (alike,) = report.tables(tmp_path / "alike")
    assert report.to_latex(alike).count(r"\textbf") == 1
    put(tmp_path / "few", "B2")
    (few,) = report.tables(tmp_path / "few")
    assert r"\textbf" not in report.to_latex(few)


def compiled(folder, source):
    """The compiler's log; CalledProcessError if it gives up."""
    (folder / "page.tex").write_text(PAGE)
    (folder / "table.tex").write_text(source)
    quiet = (
        ["-interaction=nonstopmode", "-halt-on-error"] if "pdflatex" in COMPILER else ["--print"]
    )
    done = subprocess.run(
        [COMPILER, *quiet, "page.tex"], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout + done.stderr


def overfull(log):
    """Points by which boxes leave the page."""
    return [float(points) for points in re.findall(r"Overfull \\hbox \((\d+\.?\d*)pt", log)]


@pytest.mark.skipif(not COMPILER, reason="neither pdflatex nor tectonic is here")
class TestCompiled:
    def test_it_compiles_and_fits_the_page(self, tmp_path, table):
        log = compiled(tmp_path, report.to_latex(table))
        assert [points for points in overfull(log) if points > 1] == []

    def test_every_trained_sweep_of_the_paper_compiles(self, tmp_path):
        for name in ("table1", "table3"):
            row = list(sweeps.SWEEPS[name].rows)[-1]
            put(tmp_path / name, row, 0, 0.5, SETTINGS, sweep=name, data="sysu")
            (table,) = report.tables(tmp_path / name)
            log = compiled(tmp_path, report.to_latex(table))
            assert [points for points in overfull(log) if points > 1] == [], name

    def test_a_table_that_is_not_made_to_fit_is_found(self, tmp_path, table, monkeypatch):
        """The broken variant."""
        head = re.sub(r"\\resizebox.*{!}{#1}", "#1", latex.HEAD)
        monkeypatch.setattr(latex, "HEAD", head)
        log = compiled(tmp_path, report.to_latex(table))
        assert max(overfull(log)) > 1
