"""JupyterLab at a working copy of the notebooks."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from bdlab.config import ConfigError


def working_copy(folder: Path) -> Path:
    """``folder`` with a copy of every notebook that is not in it yet; returns the first of them.

    A copy that was changed is never written over. Raises ConfigError if the notebooks are missing.
    """
    from bdlab.batch import NOTEBOOKS

    sources = sorted(NOTEBOOKS.rglob("*.ipynb"))
    if not sources:
        raise ConfigError(f"{NOTEBOOKS}: the notebooks are missing; install bdlab anew")
    copies = []
    for source in sources:
        if ".ipynb_checkpoints" in source.parts:
            continue
        copy = folder / source.relative_to(NOTEBOOKS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            shutil.copyfile(source, copy)
        copies.append(copy)
    starts = [copy for copy in copies if copy.name.startswith("00_")]
    return (starts or copies)[0]


def command(first: Path, port: int, no_browser: bool) -> tuple[list[str], dict[str, str]]:
    """The words and the environment that open JupyterLab at a notebook."""
    root = Path.cwd().resolve()
    first = first.resolve()
    if not first.is_relative_to(root):
        root = first.parent.parent
    # nothing here asks the network
    quiet = "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"
    words = [
        sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
        quiet, f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{first.relative_to(root).as_posix()}",
    ]  # fmt: skip
    # a container's user; still loopback and token
    words += ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    words += ["--no-browser"] if no_browser else []
    # A token that lies about in the environment is not random; Jupyter makes one of its own where
    # it finds none.
    lying = ("JUPYTER_TOKEN", "JUPYTER_TOKEN_FILE", "MPLBACKEND")
    environment = {name: value for name, value in os.environ.items() if name not in lying}
    # the notebooks' data/ and runs/ are those of the command line
    return words, environment | {"BDLAB_WORK": str(Path.cwd())}
