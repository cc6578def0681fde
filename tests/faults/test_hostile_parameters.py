"""Parameters made to harm or to arrive as something else: names, strings, YAML, options, two
thousand generated values, real kernels.
"""

import ast
import decimal
import enum
import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import papermill
import pytest
from click.testing import CliRunner
from papermill.translators import PythonTranslator

from bdlab import batch, cli
from bdlab.config import ConfigError, from_flat
from bdlab.experiments import runs, sweeps
from tests.test_batch import write_notebook

from . import random

pytestmark = pytest.mark.slow

MAKE = "__import__('os').mkdir('canary')"
NAMES = [
    MAKE,
    f"x = {MAKE} #",
    f"params\n{MAKE}\nx",
    f"params; {MAKE}; x",
    f"params:{MAKE}",
    f"[{MAKE} for _ in 'x'] and params",
    "",
    " ",
    "params ",
    "Params",
    "params.__class__",
    "params[0]",
    "import os",
    "__builtins__",
    "print",
    "lambda",
    "params = None\nfolder",
    "\0",
    "params\r",
    "ｐarams",
]
STRINGS = [
    MAKE,
    f'"; {MAKE}; "',
    f"'; {MAKE}; '",
    f'"""; {MAKE}; """',
    f'\\"; {MAKE}; #',
    f'\\\\"; {MAKE}; #',
    f'"\n{MAKE}\n"',
    f"${{{MAKE}}}",
    f"{{{MAKE}}}",
    "{params.__class__.__mro__}",
    f"$(mkdir canary) `mkdir canary`; {MAKE}",
    "%%bash\nmkdir canary",
    "!mkdir canary",
    "%(x)s %n {0}",
    "\\N{BULLET}\\x41\\u0041\\",
    "\r\n\t\v\f\0\x1b[31m",
    "\u2028\u2029\x85\ufeff",
    "\U0001f9ea\u202egnp.exe",
    "../../canary",
    "9" * 5000,
]
YAMLS = {
    "rows: {a: !!python/object/apply:os.mkdir [canary]}": "cannot be read",
    "rows: {a: {gamma: !!python/object/apply:os.mkdir [canary]}}": "cannot be read",
    "!!python/object/new:os.mkdir [canary]": "cannot be read",
    "rows: {a: {gamma: !!python/name:os.system ''}}": "cannot be read",
    "rows: {a: {&x gamma: [*x, *x]}}": "gamma = ",
    "a: &a [h, h]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n": "needs `rows`",
    "rows: {a: {epochs: 2024-01-01}}": "epochs = datetime.date",
    "rows: {a: {weights: !!binary aGk=}}": "weights = b'hi'",
    "rows: {a: {modalities: !!set {V, I}}}": "modalities = {",
    "rows: {no: {gamma: 1.0}}": "False stands where a name is meant",
}
LAUGHS = "".join(
    f"- &{b} [{', '.join(9 * [f'*{a}'])}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
OPTIONS = [
    ("--set", f"epochs={MAKE}"),
    ("--set", f"{MAKE}=1"),
    ("--set", "gamma=NaN"),
    ("--set", "gamma=-Infinity"),
    ("--set", "gamma=1e999"),
    ("--set", f"gamma={'9' * 400}"),
    ("--set", f"pairs={'[' * 60_000}"),
    ("--seeds", f"0;{MAKE}"),
    ("--seeds", "$(mkdir canary)"),
    ("--splits", "1,`mkdir canary`"),
]


def spelled(value):
    """A value as nested [name of its type, itself or its parts]: equal only where every type is
    equal too.
    """
    if type(value) is dict:
        return ["dict", [[spelled(key), spelled(part)] for key, part in value.items()]]
    if isinstance(value, list | tuple):
        return [type(value).__name__, [spelled(part) for part in value]]
    return [type(value).__name__, ascii(value)]


class TestFixed:
    """60 by hand. No canary may appear in the folder the tests stand in."""

    @pytest.fixture(autouse=True)
    def place(self, tmp_path, monkeypatch, figures):
        monkeypatch.chdir(tmp_path)
        yield tmp_path
        assert not list(tmp_path.rglob("canary"))

    def test_names(self, place):
        for name in NAMES:
            with pytest.raises(ValueError, match="has no parameter"):
                batch.execute(batch.NOTEBOOK, place / "out.ipynb", {name: 1})
            with pytest.raises(ConfigError, match="unknown parameter"):
                from_flat({name: 1})
        assert not (place / "out.ipynb").exists()

    def test_strings(self, place):
        """As a row's name they make a plain folder name within the sweep's folder, as a value they
        stay what they are.
        """
        names = set()
        for string in STRINGS:
            params = from_flat({"row": string, "weights": string}).flat()
            assert params["row"] == params["weights"] == string
            code = PythonTranslator.codify({"params": params})
            assert ast.literal_eval(ast.parse(code).body[0].value)["row"] == string
            folder = runs.begin(place / "out", runs.Cell(params, "f" * 64))
            assert folder.parent.parent == place / "out" / ".attempts"
            assert json.loads((folder / "params.json").read_text())["row"] == string
            names.add(folder.parent.name)
        assert len(names) == len(STRINGS)

    @pytest.mark.parametrize(
        ("text", "said"),
        [*YAMLS.items(), (f"rows: {{x: {{pairs: &a [h]}}}}\nz:\n{LAUGHS}", "unknown entry 'z'")],
    )
    def test_yaml(self, place, text, said):
        Path("mine.yaml").write_text(text)
        with pytest.raises(ConfigError) as caught:
            sweeps.configs("mine.yaml", "folder")
        assert said in str(caught.value)
        assert len(str(caught.value)) < 2000

    def test_a_thousand_million_laughs(self, place):
        """A value of a few lines that no memory could print."""
        Path("mine.yaml").write_text(
            "rows:\n  x:\n    gamma: &a [h]\n    pairs:\n" + LAUGHS.replace("- &", "      - &")
        )
        with pytest.raises(ConfigError, match=r"(gamma|pairs) = \[.*is a list") as caught:
            sweeps.configs("mine.yaml", "folder")
        assert len(str(caught.value)) < 2000

    @pytest.mark.parametrize("words", OPTIONS, ids=[f"{k}" for k in range(len(OPTIONS))])
    def test_options(self, place, words):
        result = CliRunner().invoke(
            cli.main,
            [
                "run",
                "table4",
                "--preset",
                "smoke",
                "--data",
                "folder",
                "--root",
                str(place),
                *words,
            ],
        )
        assert result.exit_code == 2
        assert isinstance(result.exception, SystemExit), result.exception
        assert len(result.output) < 5000

    def test_as_many_as_promised(self, figures):
        count = len(NAMES) + len(STRINGS) + len(YAMLS) + len(OPTIONS)
        assert count == 60
        figures.note("hostile parameters", f"{count} by hand: none executed")


class Word(enum.StrEnum):
    RED = "red"


class Text(str):
    pass


def generated(rng, depth=0):
    """A random value: JSON's own types with the worst of their contents, and now and then something
    that only looks like one.
    """
    pieces = [
        '"',
        "'",
        "\\",
        "\n",
        "\r",
        "{",
        "}",
        "$",
        "#",
        "\0",
        "\u2028",
        "\U0001f9ea",
        "é",
        "\\u0041",
        MAKE,
        "a",
        " ",
    ]
    kind = rng.integers(9 if depth < 3 else 6)
    if kind == 0:
        return "".join(rng.choice(pieces, rng.integers(6)).tolist())
    if kind == 1:
        return [0, -1, 1, 2**31, -(2**63), 10**30, int(rng.integers(2**62))][rng.integers(7)]
    if kind == 2:
        return [0.0, -0.0, 1e-320, 1.7976931348623157e308, 0.1, float(rng.normal()), 1e22, 5e-324][
            rng.integers(8)
        ]
    if kind == 3:
        return [True, False, None][rng.integers(3)]
    if kind in (4, 5):
        odd = [
            (1, 2),
            math.nan,
            math.inf,
            np.float64(0.5),
            np.int64(3),
            np.bool_(True),
            b"x",
            {1},
            {1: 2},
            Word.RED,
            Text("x"),
            Path("x"),
            1j,
            decimal.Decimal("0.1"),
            "\udc80",
            range(3),
        ]
        return (
            odd[rng.integers(len(odd))]
            if kind == 5 and rng.random() < 0.5
            else "".join(rng.choice(pieces, 3).tolist())
        )
    if kind in (6, 7):
        return [generated(rng, depth + 1) for _ in range(rng.integers(5))]
    return {
        "".join(rng.choice(pieces, 2).tolist()): generated(rng, depth + 1)
        for _ in range(rng.integers(5))
    }


def plain(value):
    """Whether a value is JSON's own, written apart from the one in bdlab: JSON gives back the same
    spelling.
    """
    try:
        return spelled(
            json.loads(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
        ) == spelled(value)
    except (TypeError, ValueError):
        return False


def test_generated_values_survive_exactly_or_are_refused(tmp_path, monkeypatch, figures):
    """Through papermill's own translation to code, which must hold literals only and give back
    every type.
    """
    rng, counts = random("values"), {"survived": 0, "refused": 0}
    book = write_notebook(tmp_path / "book.ipynb", "pass")
    arrived = []

    def translated(_source, _target, parameters, **_):
        arrived.append(
            ast.literal_eval(ast.parse(PythonTranslator.codify(parameters)).body[0].value)
        )
        return SimpleNamespace(cells=[])

    monkeypatch.setattr(papermill, "execute_notebook", translated)
    for _ in range(2000):
        value = generated(rng)
        if plain(value):
            batch.execute(book, tmp_path / "out.ipynb", {"params": value})
            assert spelled(arrived.pop()) == spelled(value)
            counts["survived"] += 1
        else:
            with pytest.raises(ValueError, match="plain JSON"):
                batch.execute(book, tmp_path / "out.ipynb", {"params": value})
            counts["refused"] += 1
        assert not arrived
    assert min(counts.values()) > 100
    figures.note(
        "hostile parameters",
        f"2,000 generated: {counts['survived']:,} survived exactly, {counts['refused']} refused",
    )


def test_papermills_translation_alone_is_told_apart(tmp_path, monkeypatch, figures):
    """The broken variant: without the checks a name is run as code, and values arrive as other
    types.
    """
    monkeypatch.chdir(tmp_path)
    exec(PythonTranslator.codify({f"x = {MAKE} #": 1}))
    assert (tmp_path / "canary").is_dir()
    rng, changed = random("values"), 0
    for _ in range(2000):
        value = generated(rng)
        try:
            changed += spelled(
                eval(PythonTranslator.codify({"params": value}).partition("=")[2])
            ) != spelled(value)
        except (NameError, SyntaxError, TypeError, ValueError):
            changed += 1
    assert changed > 0
    figures.breaks(
        "hostile parameters",
        f"papermill alone: a name made the canary, {changed} of 2,000 values arrived as another "
        "type or not at all",
    )


ECHO = """
import json, pathlib
def spelled(value):
    if type(value) is dict:
        return ["dict", [[spelled(key), spelled(part)] for key, part in value.items()]]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, [spelled(part) for part in value]]
    return [type(value).__name__, ascii(value)]
pathlib.Path(folder, "echo.json").write_text(json.dumps(spelled(params)))
"""


def test_real_kernels_get_what_was_sent(tmp_path, monkeypatch, figures):
    monkeypatch.chdir(tmp_path)
    book, rng = write_notebook(tmp_path / "book.ipynb", ECHO), random("kernels")
    values = [value for value in (generated(rng) for _ in range(400)) if plain(value)]
    sent = {
        "plain": {"strings": STRINGS, "deep": values[:100]},
        "{params} {0}": values[100:200],
        "a 'b' \"c\" $(mkdir canary) %s": {string: [string, values[200:210]] for string in STRINGS},
    }

    def run(name):
        folder = tmp_path / name
        folder.mkdir()
        batch.execute(book, folder / "out.ipynb", {"params": sent[name], "folder": str(folder)})
        return (
            json.loads((folder / "echo.json").read_text()) == spelled(sent[name])
            and (folder / "out.ipynb").is_file()
        )

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, sent)) == [True] * 3
    assert not list(tmp_path.rglob("canary"))
    figures.note(
        "hostile parameters", f"{len(sent)} real kernels: every type arrived, canary absent"
    )
