"""What an installation is made of, and whether its parts are in order."""

from __future__ import annotations

import importlib
import json
import platform
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from bdlab import __version__, machine

#: What every command but the lightest needs, and a module of it that breaks where the build is
#: wrong (another torch, say).
NEEDED = {
    "torch": "torch",
    "torchvision": "torchvision.ops",
    "numpy": "numpy",
    "pillow": "PIL.Image",
    "matplotlib": "matplotlib.pyplot",
    "seaborn": "seaborn",
    "scipy": "scipy.io",
}
JUPYTER = ("jupyterlab", "papermill", "ipywidgets", "ipykernel", "nbformat")


def examine() -> tuple[list[str], bool]:
    """Lines for a terminal, each marked ok, -- (absent, needed for some things only) or !!
    (broken), and whether none is broken.
    """
    system = f"{platform.system()} {platform.machine()}"
    lines = [f"bdlab {__version__} on Python {platform.python_version()}, {system}"]
    sound = True

    def say(mark: str, text: str) -> None:
        nonlocal sound
        sound = sound and mark != "!!"
        lines.append(f"{mark} {text}")

    for name, module in NEEDED.items():
        try:
            importlib.import_module(module)
            say("ok", f"{name} {metadata.version(name)}")
        # whatever keeps a package from being imported is what we are here to say
        except Exception as error:
            why = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            say("!!", f"{name} cannot be imported ({why}); `make` installs it anew")
    if sound:
        _machine(say)
        _notebooks(say)
        free = shutil.disk_usage(Path.cwd()).free
        say("ok" if free > 2e9 else "!!", f"{free / 1e9:.0f} GB free in this folder")
    return lines, sound


def _machine(say: Callable[[str, str], None]) -> None:
    """What trains here, and in which precision."""
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        say("ok", f"GPU: {torch.cuda.get_device_name()}, {memory:.0f} GiB")
    else:
        cores = f"training runs on {machine.cores()} CPU cores"
        say("--", f"no GPU: {cores} (the demo is made for that; the paper preset is not)")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = str(machine.best_precision(device)).removeprefix("torch.")
    say("ok", f"precision 'auto' means {dtype} here")


def _notebooks(say: Callable[[str, str], None]) -> None:
    """Whether notebooks can be run and opened."""
    from bdlab import batch

    absent = [name for name in JUPYTER if importlib.util.find_spec(name) is None]
    if absent:
        say("--", f"no {', '.join(absent)}: only `bdlab train` works")
    else:
        versions = ", ".join(f"{name} {metadata.version(name)}" for name in JUPYTER)
        say("ok", f"Jupyter parts: {versions}")
        _kernel(say)
    say("ok" if batch.NOTEBOOK.is_file() else "!!", f"notebooks: {batch.NOTEBOOK.parent}")


def _kernel(say: Callable[[str, str], None]) -> None:
    """JupyterLab's kernel must be this Python, not another one's. (Sweeps start their own.)"""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    install = f"{Path(sys.executable).name} -m ipykernel install --sys-prefix"
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        say("!!", f"there is no kernel named python3: {install}")
        return
    first = spec.argv[0]
    ours = Path(first).resolve() == Path(sys.executable).resolve()
    if first in ("python", "python3") or ours:
        say("ok", f"kernel python3 runs {json.dumps(first)}")
    else:
        where = f"from {spec.resource_dir}, by JUPYTER_PATH say"
        say("!!", f"kernel python3 ({where}) runs {json.dumps(first)}, not {sys.executable}: "
            f"{install}")  # fmt: skip
