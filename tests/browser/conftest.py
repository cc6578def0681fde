"""The notebooks as a reader has them under the hand: a JupyterLab of the tests' own, driven in a
real Chromium.

A test asks for ``notebook`` and opens a copy with parameters of its own: ``book =
notebook("02_derivative_modalities", size="smoke")``, ``book.run()``,
``book.page.keyboard.press(...)``, ``book.screenshot("moved")``. Nothing is written into the
checkout. Screenshots go to the folder that ``BDLAB_SCREENSHOTS`` names, else to the tests'
temporary folder.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.conftest import REPOSITORY

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
#: No news, no question about news; every cell in the page, also those out of sight, so that they
#: can be found.
SETTINGS = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "notebook-extension/tracker": {"windowingMode": "none"},
}
PATIENCE = 120_000  # ms for what must come: others may use the machine too
IDLE = "Python 3 (ipykernel) | Idle"
#: What went red, as words: errors, standard error, a widget that could not be drawn.
RED = """() => [
    ...document.querySelectorAll('[data-mime-type="application/vnd.jupyter.error"]'),
    ...document.querySelectorAll('[data-mime-type="application/vnd.jupyter.stderr"]'),
    ...[...document.querySelectorAll('.jp-OutputArea-output')].filter(
        o => /Error displaying widget|Loading widget/.test(o.innerText)),
].map(o => o.innerText)"""
PROMPTS = (
    "() => [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')].map(p => "
    "p.innerText.trim())"
)


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: where it answers, its token, and the folder it serves."""

    url: str
    token: str
    root: Path


@pytest.fixture(scope="session")
def lab(own_place, tmp_path_factory):
    """JupyterLab on 127.0.0.1 with a token, its every folder private, serving ``notebooks/`` of a
    temporary folder.
    """
    place = tmp_path_factory.mktemp("lab")
    names = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    names |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    for name in (*names.values(), "root/notebooks"):
        (place / name).mkdir(parents=True)
    for name, values in SETTINGS.items():
        path = place / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    words = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
    ]
    words += [
        f"--ServerApp.root_dir={place / 'root'}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    own = {name: str(place / folder) for name, folder in names.items()}
    with open(place / "log", "w") as log:
        server = subprocess.Popen(
            words, env=os.environ | own, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield _answering(server, place)
    finally:
        _end(server)


def _answering(server: subprocess.Popen, place: Path, seconds: float = 60) -> Lab:
    """Wait for the file in which the server says where it is; fails with its log."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        for path in (place / "runtime").glob("jpserver-*.json"):
            try:
                about = json.loads(path.read_text())
            except ValueError:
                continue  # half written
            return Lab(about["url"], about["token"], place / "root")
        time.sleep(0.1)
    _end(server)
    raise RuntimeError(f"JupyterLab did not come up:\n{(place / 'log').read_text()[-3000:]}")


def _end(server: subprocess.Popen) -> None:
    """Ask the server to end, with its kernels; after a while insist."""
    if server.poll() is None:
        server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture(scope="module")
def browser():
    """Chromium for the tests of one file. Of one only: while Playwright runs, its event loop is
    this thread's.
    """
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: pip install 'bdlab[test]'"
    )
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with playwright.sync_playwright() as running:
        window = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield window
        window.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory):
    """The folder for screenshots: ``BDLAB_SCREENSHOTS``, or a temporary one."""
    named = os.environ.get("BDLAB_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass(frozen=True)
class Book:
    """A notebook open in a page of its own."""

    page: object  # playwright.sync_api.Page
    path: Path
    screenshots: Path

    def run(self, seconds: float = 400) -> None:
        """Run all cells, by the menu, and wait until each has a new number and the kernel rests;
        fails at the first red.
        """
        before = self.page.evaluate(PROMPTS)
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        until = time.monotonic() + seconds
        while not all(
            p[1:-2].isdigit() and p != old
            for p, old in zip(self.page.evaluate(PROMPTS), before, strict=True)
            if p
        ):
            self.nothing_red()
            assert time.monotonic() < until, (
                f"still running after {seconds} s: {self.page.evaluate(PROMPTS)}"
            )
            self.page.wait_for_timeout(200)
        self.rest()
        self.page.wait_for_function("() => !/Loading widget/.test(document.body.innerText)")
        self.nothing_red()

    def rest(self, seconds: float = 120) -> None:
        """Wait until the status bar says that the kernel rests (the toolbar says so too early)."""
        self.page.locator("#jp-main-statusbar").get_by_text(IDLE, exact=True).wait_for(
            timeout=1000 * seconds
        )

    def red(self) -> list[str]:
        return self.page.evaluate(RED)

    def nothing_red(self) -> None:
        found = [words for words in self.red() if "Loading widget" not in words]
        if found:
            self.screenshot("red")
        assert not found, found

    def changes(self, read, action, seconds: float = 60):
        """Do ``action``, wait until ``read()`` gives something else than before, and return
        that.
        """
        before, until = read(), time.monotonic() + seconds
        action()
        while (after := read()) == before:
            assert time.monotonic() < until, f"nothing changed within {seconds} s"
            self.page.wait_for_timeout(50)
        return after

    def screenshot(self, name: str, of=None) -> Path:
        """A PNG of the window, or of one locator."""
        path = self.screenshots / f"{self.path.stem}-{name}.png"
        (of or self.page).screenshot(path=path)
        return path


@pytest.fixture
def notebook(lab, browser, screenshots):
    """``notebook(stem, **parameters)`` opens a copy of a notebook with some of its parameters set,
    in a fresh page.
    """
    pages = []

    def opened(stem: str, **parameters) -> Book:
        name = f"notebooks/{stem}.ipynb"
        path = lab.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(_with(REPOSITORY / name, parameters)))
        context = browser.new_context(viewport={"width": 1400, "height": 1000})
        context.set_default_timeout(PATIENCE)
        pages.append(context)
        book = Book(context.new_page(), path, screenshots)
        book.page.goto(f"{lab.url}lab/tree/{name}?token={lab.token}&reset")
        book.rest()
        return book

    yield opened
    for context in pages:
        context.close()
    for session in _ask(lab, "GET"):  # its kernel would stay
        _ask(lab, "DELETE", session["id"])


@pytest.fixture
def scratch(notebook, tmp_path, monkeypatch):
    """``scratch(code, **parameters)`` opens a notebook of one cell of code, runs it, and fails at
    the end of the test if the console said that something went wrong.
    """
    wrong = []
    monkeypatch.setattr(sys.modules[__name__], "REPOSITORY", tmp_path)

    def opened(code: str, **parameters) -> Book:
        lines = "\n".join(f'{name} = ""  # str' for name in parameters or {"nothing": ""})
        cells = [_code("a", lines, ["parameters"]), _code("b", code, [])]
        kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        book = {"cells": cells, "metadata": {"kernelspec": kernel}}
        path = tmp_path / "notebooks" / "scratch.ipynb"
        path.parent.mkdir()
        path.write_text(json.dumps(book | {"nbformat": 4, "nbformat_minor": 5}))
        book = notebook("scratch", **parameters)
        book.page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        book.page.on("pageerror", lambda error: wrong.append(str(error)))
        book.run()
        return book

    yield opened
    assert wrong == []


def _code(name: str, source: str, tags: list[str]) -> dict:
    about = {"cell_type": "code", "id": name, "metadata": {"tags": tags}, "source": source}
    return about | {"outputs": [], "execution_count": None}


def _ask(lab: Lab, method: str, session: str = "") -> list:
    """The server's list of running notebooks, or the end of one of them."""
    request = Request(
        f"{lab.url}api/sessions/{session}",
        method=method,
        headers={"Authorization": f"token {lab.token}"},
    )
    with urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or "[]")


def _with(path: Path, parameters: dict) -> dict:
    """A notebook with lines of its parameters cell changed and the kept outputs taken out, so
    that what a test sees is its own run; KeyError for a name it does not have.
    """
    book = json.loads(path.read_text())
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    (cell,) = [c for c in book["cells"] if "parameters" in c["metadata"].get("tags", [])]
    lines = dict(line.split(" = ", 1) for line in "".join(cell["source"]).splitlines())
    if unknown := parameters.keys() - lines.keys():
        raise KeyError(f"{path.name} has no parameter {sorted(unknown)}")
    for name, value in parameters.items():
        lines[name] = f"{value!r}  # {lines[name].partition('  # ')[2]}"
    cell["source"] = "\n".join(f"{name} = {value}" for name, value in lines.items())
    return book
