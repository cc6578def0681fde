"""The command line, `bdlab` and `python -m bdlab.cli`."""

from . import data, deploy, teach  # their commands join the group
from .commands import main

__all__ = ["data", "deploy", "main", "teach"]
