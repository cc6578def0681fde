"""Every layout by name, and the module that reads it."""

from __future__ import annotations

from types import ModuleType

from . import folder, llcm, regdb, sysu

READERS: dict[str, ModuleType] = {"regdb": regdb, "sysu": sysu, "llcm": llcm, "folder": folder}
