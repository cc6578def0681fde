"""Arrays that are numpy or torch, the features of a set of pictures, and the distances between
features: what evaluation needs to know of either.

torch is never imported here: an array can only be a tensor if its owner has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: numpy, torch, or what numpy makes an array of.
Array = Any


def is_tensor(array: Array) -> bool:
    """Whether this is a torch tensor; torch is not imported for the question."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def integers(
    values: Array,
    name: str,
    length: int,
) -> np.ndarray:
    """``values`` as an int64 array [length]; ValueError for another shape or for anything but
    integers, with what makes integers of them.
    """
    array = np.asarray(values.detach().cpu() if is_tensor(values) else values)
    if array.shape != (length,):
        raise ValueError(f"{name} have shape {array.shape}: ({length},) is meant")
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} are {array.dtype}: integers are meant{_remedy(array)}")
    return array.astype(np.int64)


def _remedy(array: np.ndarray) -> str:
    """How integers are made of what somebody has; empty where nobody can say.

    Text is not numbered here: query and gallery are checked apart, and one name must be one number
    in both.
    """
    if array.dtype.kind in "USTO":
        return (
            "; number text once for query and gallery together: "
            "np.unique(ids, return_inverse=True)[1] of np.concatenate([query_ids, gallery_ids])"
        )
    if array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.rint(array)).all():
        return "; they are whole, use .astype(int)"
    return ""


def finite(array: np.ndarray) -> bool:
    """Whether all is finite: NaN wins a minimum and an infinity is one, so two passes and no
    temporary do.
    """
    least, most = array.min(), array.max()
    return bool(np.isfinite(least) and np.isfinite(most))


def refuse_infinite(array: np.ndarray) -> None:
    """ValueError unless all distances are finite."""
    if not finite(array):
        raise ValueError("distances hold NaN or infinite values")


def all_finite(array: Array) -> bool:
    """Whether features are finite; taken on trust for a memory map. ValueError unless they are real
    numbers.
    """
    if is_tensor(array):
        return bool(array.isfinite().all())
    check_real(array)
    return isinstance(array, np.memmap) or finite(array)


def check_real(array: np.ndarray) -> None:
    """ValueError unless an array holds real numbers."""
    real = np.issubdtype(array.dtype, np.floating)
    if not real and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"the array is {array.dtype}: real numbers are meant")


def wide(array: Array) -> Array:
    """The array in float32 or better: halves widen, integers become float64; a CPU tensor becomes
    its numpy view.
    """
    if is_tensor(array):
        return _wide_tensor(array.detach())
    array = np.asanyarray(array)
    check_real(array)
    if array.dtype in (np.float32, np.float64):
        return array
    return array.astype(np.result_type(array.dtype, np.float32))


def _wide_tensor(tensor: Array) -> Array:
    if not tensor.is_floating_point():
        tensor = tensor.double()
    elif tensor.element_size() < 4:
        tensor = tensor.float()
    return tensor.numpy() if tensor.device.type == "cpu" else tensor


def host(array: Array) -> np.ndarray:
    """A numpy array as it is, a tensor's values copied from its device."""
    return array.detach().cpu().numpy() if is_tensor(array) else array


@dataclass(frozen=True, eq=False)
class Embedded:
    """The features of a set of pictures: ``features`` [N, D] numpy or torch, ``ids`` [N],
    ``cameras`` [N] or None.

    ``keys``: N relative paths, the order of files within an identity and camera; None means row
    order. Integers are kept as int64 numpy arrays. Raises ValueError on empty or unequal lengths,
    wrong types, non-finite features (not looked for in a memory map, which may be larger than
    memory: their distances are refused instead) or a key given twice.
    """

    features: Any
    ids: Any
    cameras: Any = None
    keys: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if not is_tensor(self.features):
            self._set("features", np.asanyarray(self.features))
        shape = tuple(self.features.shape)
        if len(shape) != 2 or 0 in shape:
            raise ValueError(f"features have shape {shape}: [N, D] with N and D above 0 is meant")
        if not all_finite(self.features):
            raise ValueError("features hold NaN or infinite values")
        self._set("ids", integers(self.ids, "ids", shape[0]))
        if self.cameras is not None:
            self._set("cameras", integers(self.cameras, "cameras", shape[0]))
        if self.keys is not None:
            self._set("keys", self._checked_keys(self.keys))

    def _set(
        self,
        name: str,
        value: Any,
    ) -> None:
        object.__setattr__(self, name, value)

    def _checked_keys(self, given: Sequence[str]) -> tuple[str, ...]:
        keys = tuple(map(str, given))
        if len(keys) != len(self):
            raise ValueError(f"{len(keys)} keys for {len(self)} rows of features")
        cameras = self.ids if self.cameras is None else self.cameras
        pictures = zip(self.ids.tolist(), cameras.tolist(), keys, strict=True)
        if len(set(pictures)) != len(keys):
            raise ValueError(
                "a key is given twice for the same identity and camera: "
                "which picture comes first is undefined"
            )
        return keys

    def __len__(self) -> int:
        return int(self.features.shape[0])


def distances(
    a: Array,
    b: Array,
    chunk: int | None = None,
    squared: bool = False,
) -> Array:
    """Euclidean distances [A, B] between the rows of ``a`` [A, D] and ``b`` [B, D], in float32 or
    better.

    For unit vectors they order as cosine similarity does. ``squared`` leaves the root out, which
    changes no order but of distances so close that the root would round them together. ``chunk``
    rows of ``b`` are widened at a time. ValueError if the widths differ.
    """
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features of width {a.shape[1]} and {b.shape[1]} cannot be compared")
    a = wide(a)
    norms = _norms(a)[:, None]  # [A, 1]
    turned = a * -2.0
    rows = chunk or b.shape[0]
    parts = []
    for start in range(0, b.shape[0], rows):
        part = _beside(wide(b[start : start + rows]), a)
        block = turned @ part.T  # [A, D] @ [D, rows] -> [A, rows]
        block += _norms(part)[None, :]
        block += norms
        parts.append(_root(block, squared))
    if len(parts) == 1:
        return parts[0]
    if is_tensor(parts[0]):
        return sys.modules["torch"].cat(parts, 1)
    return np.concatenate(parts, 1)


def _beside(
    part: Array,
    other: Array,
) -> Array:
    """``part`` where ``other`` is: on its device if that is a tensor (of the same type), else a
    numpy array.
    """
    if not is_tensor(other):
        return host(part)
    return sys.modules["torch"].as_tensor(part, device=other.device, dtype=other.dtype)


def _norms(x: Array) -> Array:
    """The rows' squared lengths [N]."""
    if is_tensor(x):
        return (x * x).sum(1)
    return np.einsum("ij,ij->i", x, x)  # no copy of a large gallery


def _root(
    block: Array,
    squared: bool,
) -> Array:
    """Squared distances that rounding took below 0 put right, and their root unless ``squared``; in
    place.
    """
    if is_tensor(block):
        block = block.clamp_(min=0)
        return block if squared else block.sqrt_()
    np.maximum(block, 0, out=block)
    return block if squared else np.sqrt(block, out=block)
