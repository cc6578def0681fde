"""The published protocols: who is query, who is gallery, what does not count."""

from .published import SYSU_SETTINGS, evaluate, llcm, regdb, sysu
from .result import Result

__all__ = ["SYSU_SETTINGS", "Result", "evaluate", "llcm", "regdb", "sysu"]
