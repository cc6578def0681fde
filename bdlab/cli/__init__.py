"""The command line, `bdlab` and `python -m bdlab.cli`."""

from . import data  # its commands join the group
from .commands import main

__all__ = ["data", "main"]
