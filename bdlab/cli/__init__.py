"""The command line, `bdlab` and `python -m bdlab.cli`."""

from . import deploy  # noqa: F401 - its commands join ``main``
from .commands import main

__all__ = ["main"]
