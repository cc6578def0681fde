"""The published protocols: who is query, who is gallery, what does not count."""

from .published import Result, evaluate, regdb, sysu

__all__ = ["Result", "evaluate", "regdb", "sysu"]
