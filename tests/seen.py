"""What torch is asked to do, operation by operation, and tensors without values. Torch keeps both
under private names: they stand here alone (test_private_names.py).
"""

import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["UNREADABLE", "FakeTensorMode", "Seen"]

#: What reading a value raises under FakeTensorMode.
UNREADABLE = (DataDependentOutputException, DynamicOutputShapeException)


class Seen(TorchDispatchMode):
    """Every operation, and those that move values between devices and wait for it."""

    def __init__(self):
        super().__init__()
        self.operations, self.waits = [], []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.operations.append(func.name())
        devices = {
            t.device.type
            for t in tree_leaves((args, kwargs, result))
            if isinstance(t, torch.Tensor) and t.ndim
        }
        if len(devices) > 1 and not (kwargs or {}).get("non_blocking"):
            self.waits.append(func.name())
        return result
