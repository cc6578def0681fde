"""The command line as its user meets it: first words, a whole small sweep, and bad input in one
paragraph with exit code 2.
"""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from PIL import Image

from bdlab import cli, machine
from bdlab.cli import sweep
from bdlab.experiments import runs
from bdlab.experiments.rows import SWEEPS
from tests.conftest import REAL
from tests.report.test_report import put

FEW = {"epochs": 1, "steps": 2, "identities": 3}


def small(**changes):
    """Options of a training that takes a moment."""
    options = [["--set", f"{name}={value}"] for name, value in (FEW | changes).items()]
    return ("--preset", "smoke", *sum(options, []))


SMALL = small()


def call(*words):
    return CliRunner().invoke(cli.main, [str(word) for word in words])


def said(result):
    """What a user sees, on either stream."""
    return result.output + (
        result.stderr if result.stderr_bytes and result.stderr not in result.output else ""
    )


def folder(root, people=12, per=3, lonely=False):
    """A small folder set of noise pictures."""
    for modality in ("visible", "infrared"):
        for person in range(1, people + 1):
            place = root / modality / f"{person:04d}"
            place.mkdir(parents=True)
            for k in range(per):
                shade = (37 * person + 11 * k) % 256
                Image.new("RGB", (16, 32), (shade, (shade * 3) % 256, 80)).save(place / f"{k}.png")
    if lonely:
        for file in (root / "infrared" / "0003").iterdir():
            file.unlink()
        (root / "infrared" / "0003").rmdir()
    return root


def test_help_names_every_promised_command():
    text = call("--help").output
    for name in ("demo", "run", "train", "plan", "status", "report", "data", "doctor", "lab"):
        assert name in text
    assert "bdlab demo" in text


@pytest.mark.slow
def test_train_status_report_and_again(tmp_path):
    root, out = folder(tmp_path / "set"), tmp_path / "out"
    first = call("train", "MDL4", "--data", "folder", "--root", root, "--out", out, *SMALL)
    assert first.exit_code == 0, said(first)
    assert "epoch   1/1" in first.output
    again = call("train", "MDL4", "--data", "folder", "--root", root, "--out", out, *SMALL)
    assert "done before" in again.output
    status = call("status", out)
    assert "1 done" in status.output
    assert status.exit_code == 0
    report = call("report", out)
    assert report.exit_code == 0
    assert "HTML report:" in report.output
    other = call("report", out, "--sweep", "table1")
    assert other.exit_code == 2
    assert "no cell of the sweep table1 to report; it holds table4" in said(other)
    assert "MDL4" in report.output
    (page,) = (out / "report").glob("*.html")
    assert "data:image/png" in page.read_text()


def test_train_goes_on_from_an_interrupted_attempt(tmp_path, monkeypatch):
    from bdlab.experiments import cell as cells
    from bdlab.training import extract

    root, out = folder(tmp_path / "set"), tmp_path / "out"
    words = (
        "train",
        "B2",
        "--data",
        "folder",
        "--root",
        root,
        "--out",
        out,
        *small(epochs=3),
    )
    evaluate = extract.evaluate
    monkeypatch.setattr(cells, "evaluate", lambda setup: (_ for _ in ()).throw(KeyboardInterrupt))
    assert call(*words).exit_code != 0
    monkeypatch.setattr(cells, "evaluate", evaluate)
    done = call(*words)
    assert done.exit_code == 0
    (cell,) = [p for p in out.iterdir() if p.name.startswith("table4")]
    assert json.loads((cell / "result.json").read_text())["provenance"]["resumed"]["exact"] is True


def broken_picture(root):
    (root / "visible" / "0002" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    return root


BAD = {
    "no such folder": (lambda p: p / "absent", (), ["absent"]),
    "an identity with one modality": (
        lambda p: folder(p, lonely=True),
        (),
        ["3", "infrared", "Remedy"],
    ),
    "fewer people than a batch takes": (
        folder,
        small(identities=7),
        ["takes 7 identities", "has 6", "set identities to at most 6"],
    ),
    "a broken picture": (lambda p: broken_picture(folder(p)), (), ["0002/1.png"]),
    "unknown parameter": (
        folder,
        ("--set", "gama=1"),
        ["unknown parameter 'gama'", "did you mean 'gamma'"],
    ),
    "no weights file": (
        folder,
        ("--set", "weights=absent.pth"),
        ["absent.pth: neither a cell's folder nor a weights file"],
    ),
    "a row's own parameter": (folder, ("--set", "modalities=V I DI"), ["makes the row"]),
    "a name with its own option": (folder, ("--set", "preset=paper"), ["set by its own option"]),
    "wrong type": (folder, small(epochs="many"), ["epochs = 'many'", "int is meant"]),
}


@pytest.mark.parametrize(("make", "more", "words"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("command", [("train", "B2"), ("run", "table4")], ids=["train", "run"])
def test_bad_input_is_one_paragraph_and_nothing_counts_as_done(
    tmp_path, command, make, more, words
):
    root, out = make(tmp_path / "set"), tmp_path / "out"
    more = more if "--preset" in more else (*SMALL, *more)
    result = call(*command, "--data", "folder", "--root", root, "--out", out, *more)
    assert result.exit_code == 2, said(result)
    text = said(result)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert len([line for line in text.splitlines() if line.startswith("bdlab: ")]) == 1
    for word in words:
        assert word in text, text
    assert not any(s.word == "done" for s in runs.status(out))


@pytest.mark.parametrize(
    ("words", "expect"),
    [
        (("run", "tabel4"), "did you mean table4"),
        (("train", "MDL9"), "unknown row 'MDL9'"),
        (("run", "absent.yaml"), "absent.yaml: there is no such file; no YAML file lies in"),
        (("report", "nowhere"), "no finished cell there"),
        (("run", "table4", "--preset", "smoke", "--dask", "local:many"), "local:N"),
        (("run", "table4", "--data", "folder"), "root"),
        (("run", "table4", "--preset", "smoke", "--dask", "local:0"), "local:N"),
        (("run", "table4", "--preset", "smoke", "--dask", "nonsense"), "no scheduler answers"),
        (("train", "B2", "--preset", "smoke", "--device", "gpu"), "device 'gpu' cannot be used"),
        (("run", "table4", "--seeds", "4-0"), "ends before it begins"),
        (("train", "B2", "--set", "gamma=1", "--set", " gamma =3"), "gamma is set twice"),
    ],
)
def test_unknown_names(tmp_path, monkeypatch, words, expect):
    monkeypatch.chdir(tmp_path)
    result = call(*words)
    assert not list(tmp_path.rglob("report"))
    assert result.exit_code == 2, said(result)
    assert expect in said(result)


@pytest.mark.parametrize("value", ["a", "1,,2", "-1", "1-b"])
def test_seeds_are_numbers_or_ranges(value):
    result = call("run", "table4", "--seeds", value)
    assert result.exit_code == 2
    assert "not a number or a range" in said(result)


def test_status_cuts_a_long_reason_between_two_words(tmp_path):
    folder = tmp_path / ".attempts" / "a-cell" / "1"
    folder.mkdir(parents=True)
    reason = " ".join(f"word{number:03}" for number in range(100))
    (folder / "failure.json").write_text(json.dumps({"reason": reason}))
    line = call("status", tmp_path).output.splitlines()[0]
    note, dots, rest = line.partition("epochs  ")[2].partition(" ...")
    assert (dots, rest) == (" ...", "")
    assert reason.startswith(f"{note} ")
    assert 150 < len(note) < 200
    assert not reason.startswith(f"{reason[:200]} ")  # cut at 200 signs it would end in mid-word


def test_status_of_nothing_and_of_failures(tmp_path):
    assert "nothing has been run" in call("status", tmp_path).output
    put(tmp_path, "B2")
    c = runs.Cell(
        json.loads((next(tmp_path.glob("table4-*")) / "params.json").read_text()) | {"seed": 9},
        "f" * 64,
    )
    runs.fail(runs.begin(tmp_path, c), "ValueError: the reason")
    text = call("status", tmp_path).output
    assert "the reason" in text
    assert "1 failed" in text
    assert "1 done" in text


@pytest.mark.slow
def test_plan_measures_and_names_the_rows(tmp_path):
    result = call(
        "plan", "table4", "--preset", "smoke", "--out", tmp_path, "--jobs", "1", "--seeds", "0,1"
    )
    assert result.exit_code == 0, said(result)
    for row in ("B1", "B2", "MDL1", "MDL2", "MDL3", "MDL4"):
        assert any(
            line.startswith(row) and line.split()[1] == "2" for line in result.output.splitlines()
        )
    assert "GB of weights" in result.output
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_only_some_rows(tmp_path):
    root = folder(tmp_path / "set")
    plan = call(
        "plan",
        "table4",
        "--rows",
        "B2,B1",
        "--data",
        "folder",
        "--root",
        root,
        "--out",
        tmp_path / "out",
        *SMALL,
    )
    assert plan.exit_code == 0, said(plan)
    assert [line.split()[0] for line in plan.output.splitlines()[1:3]] == ["B2", "B1"]
    wrong = call("plan", "table4", "--rows", "B3", "--data", "folder", "--root", root, *SMALL)
    assert (wrong.exit_code, "unknown row 'B3'" in said(wrong)) == (2, True)


@pytest.mark.slow
def test_all_is_every_sweep_on_its_own_twins(own_place):
    cells = sweep.cells("all", None, None, "smoke", [0], [1], {})
    assert len({cell.name for cell in cells}) == len(cells) > 60
    prints = {(cell.params["data"], cell.fingerprint) for cell in cells}
    of_data = {data: [one for one in prints if one[0] == data] for data, _ in prints}
    dials = {(c.params["channel_gap"], c.params["appearance_gap"]) for c in cells} - {(None, None)}
    assert {data: len(found) for data, found in of_data.items()} == {
        "synthetic-regdb": len(dials),
        "synthetic-sysu": 1,
    }, "one setting of the dials is the twin's own"


@pytest.mark.parametrize(("cells_left", "fitting", "jobs"), [(3, 2, 2), (3, 9, 3), (0, 9, 1)])
def test_jobs_that_fit_a_gpu_are_measured(monkeypatch, tmp_path, cells_left, fitting, jobs):
    cells = sweep.cells("table4", None, None, "smoke", [0, 1, 2], [1], {}, ["B1"])
    done = cells[cells_left:]
    monkeypatch.setattr(runs, "done", lambda out, cell: cell in done)
    monkeypatch.setattr("bdlab.machine.on_gpu", lambda: True)
    measured = []
    monkeypatch.setattr(
        "bdlab.experiments.plan.measure",
        lambda own, out, jobs: measured.append(own) or SimpleNamespace(fitting=fitting),
    )
    assert sweep._jobs("fit", cells, tmp_path) == jobs
    assert measured == ([cells[:cells_left]] if cells_left else [])
    assert sweep._jobs(5, cells, tmp_path) == 5
    assert (
        call("run", "table4", "--jobs", "fits").exit_code
        == call("run", "table4", "--jobs", "0").exit_code
        == 2
    )


def test_jobs_that_fit_are_the_default_without_a_gpu(monkeypatch, tmp_path):
    monkeypatch.setattr("bdlab.machine.on_gpu", lambda: False)
    cells = sweep.cells("table4", None, None, "smoke", [0, 1], [1], {}, ["B1"])
    assert (
        sweep._jobs("fit", cells, tmp_path)
        == sweep._jobs(None, cells, tmp_path)
        == min(machine.cores(), 2)
    )


def test_doctor_is_content_with_this_installation():
    result = call("doctor")
    assert result.exit_code == 0, result.output
    assert "ok torch " in result.output
    assert "!!" not in result.output


def test_doctor_names_a_package_that_is_broken(monkeypatch):
    from bdlab.cli import doctor

    monkeypatch.setitem(doctor.NEEDED, "seaborn", "bdlab_has_no_such_module")
    result = call("doctor")
    assert result.exit_code == 1
    assert "!! seaborn cannot be imported (ModuleNotFoundError" in result.output


def test_data_make_check_import(tmp_path):
    made = call("data", "make", "synthetic-sysu", "--size", "smoke", "--root", tmp_path / "twin")
    assert made.exit_code == 0, said(made)
    checked = call("data", "check", tmp_path / "twin")
    assert checked.exit_code == 0, checked.output
    (next((tmp_path / "twin").rglob("*.jpg"))).write_bytes(b"")
    assert call("data", "check", tmp_path / "twin").exit_code == 1
    imported = call("data", "import", folder(tmp_path / "mine"), tmp_path / "copy")
    assert imported.exit_code == 0, said(imported)
    assert call("data", "check", tmp_path / "copy").exit_code == 0
    again = call("data", "import", tmp_path / "mine", tmp_path / "copy")
    assert again.exit_code == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["corruption", "modern", "dials"])
def test_what_is_asked_since_runs_to_its_end(regdb, tmp_path, name):
    """Every row at the smoke preset, and the report with every contrast."""
    chosen = SWEEPS[name]
    for row in chosen.rows:
        words = ("--sweep", name, "--preset", "smoke", "--out", tmp_path)
        done = call("train", row, *words)
        assert done.exit_code == 0, said(done)
    made = call("report", tmp_path, "--no-pictures")
    assert made.exit_code == 0, said(made)
    for row, against in chosen.contrasts:
        assert f"{row} against {against}" in made.output
    assert "declared with the sweep. Differences" in made.output
    results = [json.loads(file.read_text()) for file in tmp_path.glob("*/result.json")]
    assert {result["params"]["row"] for result in results} == set(chosen.rows)
    for result in results:
        tests = [setting for setting in result["scores"] if "@" in setting]
        assert len(tests) == (20 if name == "corruption" else 0)
        assert result["provenance"]["test"]["corruption"] == result["params"]["corruption"]
    assert ("Verdicts are on v2t@mixed R1" in made.output) == (name == "corruption")


@pytest.mark.slow
def test_the_third_set_trains_and_is_reported_in_every_reading(own_place, tmp_path):
    for row in ("B2", "MDL4"):
        words = ("--data", "synthetic-llcm", "--preset", "smoke", "--out", tmp_path)
        done = call("train", row, *words)
        assert done.exit_code == 0, said(done)
    made = call("report", tmp_path, "--no-pictures")
    assert made.exit_code == 0, said(made)
    heads = next(line for line in made.output.splitlines() if "as-code" in line)
    assert heads.split() == ["v2t", "t2v", "v2t-as-code"]
    assert "MDL4 against B2" in made.output
    assert "paper" not in heads, "the paper has no numbers of it"


@pytest.mark.skipif(not REAL.exists(), reason="the real thermal crops are not here")
def test_real_thermal_crops_train(tmp_path):
    result = call("train", "MDL4", "--data", "folder", "--root", REAL, "--out", tmp_path, *SMALL)
    assert result.exit_code == 0, said(result)
