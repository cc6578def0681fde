"""The command line, `bdlab` and `python -m bdlab.cli`."""

from .commands import main

__all__ = ["main"]
