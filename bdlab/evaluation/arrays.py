"""Arrays that are numpy or torch, and the distances between features: what evaluation needs to know
of either.

torch is never imported here: an array can only be a tensor if its owner has imported it.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def is_tensor(array: Any) -> bool:
    """Whether this is a torch tensor; torch is not imported for the question."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def integers(values: Any, name: str, length: int) -> np.ndarray:
    """``values`` as an int64 array [length]; ValueError for another shape or for anything but
    integers.
    """
    array = np.asarray(values.detach().cpu() if is_tensor(values) else values)
    if array.shape != (length,):
        raise ValueError(f"{name} have shape {array.shape}: ({length},) is meant")
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} are {array.dtype}: integers are meant")
    return array.astype(np.int64)


def finite(array: np.ndarray) -> bool:
    """Whether all is finite: NaN wins a minimum and an infinity is one, so two passes and no
    temporary do.
    """
    return bool(np.isfinite(array.min()) and np.isfinite(array.max()))


def all_finite(array: Any) -> bool:
    """Whether features are finite; taken on trust for a memory map. ValueError unless they are real
    numbers.
    """
    if is_tensor(array):
        return bool(array.isfinite().all())
    check_real(array)
    return isinstance(array, np.memmap) or finite(array)


def check_real(array: np.ndarray) -> None:
    if not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        raise ValueError(f"the array is {array.dtype}: real numbers are meant")


def wide(array: Any) -> Any:
    """The array in float32 or better: halves widen, integers become float64; a CPU tensor becomes
    its numpy view.
    """
    if is_tensor(array):
        array = array.detach()
        if not array.is_floating_point():
            array = array.double()
        elif array.element_size() < 4:
            array = array.float()
        return array.numpy() if array.device.type == "cpu" else array
    array = np.asanyarray(array)
    check_real(array)
    return (
        array
        if array.dtype in (np.float32, np.float64)
        else array.astype(np.result_type(array.dtype, np.float32))
    )


def distances(a: Any, b: Any, chunk: int | None = None, squared: bool = False) -> Any:
    """Euclidean distances [A, B] between the rows of ``a`` [A, D] and ``b`` [B, D], in float32 or
    better.

    For unit vectors they order as cosine similarity does. ``squared`` leaves the root out, which
    changes no order but of distances so close that the root would round them together. ``chunk``
    rows of ``b`` are widened at a time. ValueError if the widths differ.
    """
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features of width {a.shape[1]} and {b.shape[1]} cannot be compared")
    a = wide(a)
    norms, turned = _norms(a)[:, None], a * -2.0
    parts = []
    for start in range(0, b.shape[0], chunk or b.shape[0]):
        part = _beside(wide(b[start : start + (chunk or b.shape[0])]), a)
        block = turned @ part.T
        block += _norms(part)[None, :]
        block += norms
        parts.append(_root(block, squared))
    if len(parts) == 1:
        return parts[0]
    return sys.modules["torch"].cat(parts, 1) if is_tensor(parts[0]) else np.concatenate(parts, 1)


def _beside(part: Any, other: Any) -> Any:
    """``part`` where ``other`` is: on its device if that is a tensor (of the same type), else a
    numpy array.
    """
    if not is_tensor(other):
        return host(part)
    return sys.modules["torch"].as_tensor(part, device=other.device, dtype=other.dtype)


def _norms(x: Any) -> Any:
    # einsum: no copy of a large gallery
    return (x * x).sum(1) if is_tensor(x) else np.einsum("ij,ij->i", x, x)


def _root(block: Any, squared: bool) -> Any:
    if is_tensor(block):
        block = block.clamp_(min=0)
        return block if squared else block.sqrt_()
    np.maximum(block, 0, out=block)
    return block if squared else np.sqrt(block, out=block)


def host(array: Any) -> np.ndarray:
    """A numpy array as it is, a tensor's values copied from its device."""
    return array.detach().cpu().numpy() if is_tensor(array) else array
