"""bdlab: an interactive workbench for visible-infrared person re-identification."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .deploy.embedding import Embedder

__version__ = "0.1.0"


def embedder(
    cell: str | Path, device: str | None = None, scale: tuple[float, float] | None = None
) -> Embedder:
    """A trained cell as a function: ``bdlab.embedder("runs/<cell>")(pictures, "V")`` -> [N, D].

    ``scale`` (low, high) is the range of raw infrared values. See ``deploy.embedding``; torch is
    imported when it is called.
    """
    from .deploy.embedding import embedder as of_cell

    return of_cell(cell, device, scale)
