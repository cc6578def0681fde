"""The same ranks on an accelerator, where a stable sort of indices costs what a sort of values
does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .counting import PerQuery
from .gallery import Gallery

if TYPE_CHECKING:
    from jaxtyping import Int

# a handful of int64 arrays of this many numbers: about a gigabyte
_NUMBERS = (1 << 28) // 8


def rank_on_device(
    matrix: Any,
    query_ids: Int[np.ndarray, " Q"],
    gallery: Gallery,
    excluded: Any,
) -> PerQuery:
    """PerQuery [Q, T] of a torch tensor [Q, G], on its own device; ValueError if a distance that
    counts is not finite.
    """
    import torch

    device = matrix.device
    if excluded is not None:
        excluded = torch.as_tensor(excluded, device=device)
        matrix = matrix.masked_fill(excluded, 0)
    if not bool(matrix.isfinite().all()):
        raise ValueError("distances hold NaN or infinite values")
    if excluded is not None:
        matrix = matrix.masked_fill(excluded, torch.inf)
    drawn = torch.as_tensor(gallery.drawn.ravel(), device=device)  # [T, g] -> [T g]
    rows = max(1, _NUMBERS // drawn.numel())
    parts = []
    for start in range(0, len(matrix), rows):
        block = matrix[start : start + rows]
        part = block.index_select(1, drawn)  # [R, T g]
        part = part.view(-1, gallery.length)  # [R T, g]
        ids = query_ids[start : start + rows]
        ids = ids.repeat(gallery.trials)
        parts.append(_rank(part, ids, gallery))
    columns = []
    for column in zip(*parts, strict=True):
        values = torch.cat(column).cpu().numpy()
        columns.append(values.reshape(-1, gallery.trials))  # [Q T] -> [Q, T]
    return PerQuery(*columns)


def _rank(
    part: Any,
    query_ids: Int[np.ndarray, " R"],
    gallery: Gallery,
) -> tuple[Any, Any, Any]:
    """first, ap, inp [R] of the rows of ``part`` [R, g]."""
    import torch

    device = part.device
    own = torch.as_tensor(_codes(query_ids, gallery), device=device)
    codes = torch.as_tensor(_drawn_codes(gallery), device=device)
    ranked, order = torch.sort(part, dim=1, stable=True)
    listed = codes[order]  # [g] -> [R, g]
    same = listed == own[:, None]
    match = same & ranked.isfinite()
    place = torch.arange(gallery.length, device=device)
    place = place.expand_as(order)
    some = match.any(1)
    n = torch.where(some, match.sum(1), torch.nan).double()
    listed_so_far = (place + 1.0).double()
    precision = match * match.cumsum(1) / listed_so_far
    last = torch.where(match, place, -1).amax(1)
    first = torch.where(match, place, gallery.length)
    first = first.amin(1)
    if gallery.runs:
        shape = (len(part), len(gallery.ids))
        nearest = torch.full(shape, gallery.length, device=device)
        nearest.scatter_reduce_(1, listed, place, "amin")
        first = (nearest < first[:, None]).sum(1)
    inp = n / (last + 1.0).double()
    return (
        torch.where(some, first, -1),
        precision.sum(1) / n,
        torch.where(some, inp, torch.nan),
    )


def _codes(
    query_ids: Int[np.ndarray, " R"],
    gallery: Gallery,
) -> Int[np.ndarray, " R"]:
    """Each query's identity as its number among the gallery's; -1 where it has none."""
    code = np.searchsorted(gallery.ids, query_ids)
    code = code.clip(max=len(gallery.ids) - 1)
    return np.where(gallery.ids[code] == query_ids, code, -1)


def _drawn_codes(gallery: Gallery) -> Int[np.ndarray, " g"]:
    """The identities of the draw as 0, 1, ...: what scatter needs."""
    codes = np.empty(gallery.length, dtype=np.int64)
    place = gallery.layout[gallery.where]
    numbers = np.arange(len(gallery.ids))
    codes[place] = np.repeat(numbers, gallery.counts)
    return codes
