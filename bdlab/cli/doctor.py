"""What an installation is made of, and whether its parts are in order."""

from __future__ import annotations

import importlib
import json
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path

from bdlab import __version__, machine

#: What every command but the lightest needs, and a module of it that breaks where the build is
#: wrong (another torch, say).
NEEDED = {
    "torch": "torch", "torchvision": "torchvision.ops", "numpy": "numpy", "pillow": "PIL.Image", "matplotlib": "matplotlib.pyplot",
    "seaborn": "seaborn", "scipy": "scipy.io",
}  # fmt: skip
JUPYTER = ("jupyterlab", "papermill", "ipywidgets", "ipykernel", "nbformat")


def examine() -> tuple[list[str], bool]:
    """Lines for a terminal, each marked ok, -- (absent, needed for some things only) or !!
    (broken), and whether none is broken.
    """
    lines, sound = (
        [
            f"bdlab {__version__} on Python {platform.python_version()}, {platform.system()} {platform.machine()}"
        ],
        True,
    )

    def say(mark: str, text: str) -> None:
        nonlocal sound
        sound = sound and mark != "!!"
        lines.append(f"{mark} {text}")

    for name, module in NEEDED.items():
        try:
            importlib.import_module(module)
            say("ok", f"{name} {metadata.version(name)}")
        except (
            Exception
        ) as error:  # whatever keeps a package from being imported is what we are here to say
            say(
                "!!",
                f"{name} cannot be imported ({type(error).__name__}: {str(error).partition(chr(10))[0]}); `make` installs it anew",
            )
    if not sound:
        return lines, False
    import torch

    from bdlab import batch

    if torch.cuda.is_available():
        say(
            "ok",
            f"GPU: {torch.cuda.get_device_name()}, {torch.cuda.get_device_properties(0).total_memory / 2**30:.0f} GiB",
        )
    else:
        say(
            "--",
            f"no GPU: training runs on {batch.cores()} CPU cores (the demo is made for that; the paper preset is not)",
        )
    dtype = str(
        machine.best_precision(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    ).removeprefix("torch.")
    say("ok", f"precision 'auto' means {dtype} here")
    absent = [name for name in JUPYTER if importlib.util.find_spec(name) is None]
    say(
        "--" if absent else "ok",
        f"no {', '.join(absent)}: only `bdlab train` works"
        if absent
        else "Jupyter parts: " + ", ".join(f"{n} {metadata.version(n)}" for n in JUPYTER),
    )
    if not absent:
        _kernel(say)
    say("ok" if batch.NOTEBOOK.is_file() else "!!", f"notebooks: {batch.NOTEBOOK.parent}")
    free = shutil.disk_usage(Path.cwd()).free
    say("ok" if free > 2e9 else "!!", f"{free / 1e9:.0f} GB free in this folder")
    return lines, sound


def _kernel(say) -> None:
    """The kernel papermill will start must be this Python, not another one's."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        say("!!", "there is no kernel named python3: python -m ipykernel install --sys-prefix")
        return
    command = json.dumps(spec.argv[0])
    same = (
        spec.argv[0] in ("python", "python3")
        or Path(spec.argv[0]).resolve() == Path(sys.executable).resolve()
    )
    say(
        "ok" if same else "!!",
        f"kernel python3 runs {command}"
        + ("" if same else f", not {sys.executable}: python -m ipykernel install --sys-prefix"),
    )
