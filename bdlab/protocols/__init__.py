"""The published protocols: who is query, who is gallery, what does not count."""

from .published import SYSU_SETTINGS, Result, evaluate, regdb, sysu

__all__ = ["SYSU_SETTINGS", "Result", "evaluate", "regdb", "sysu"]
