"""What this machine has: cores, a GPU, the precision it multiplies well, how fast its matrix
product is.

torch is imported where it is asked something: a reader of pictures wants to know the cores alone.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

ONEDNN_ASKED = "_is_mkldnn_bf16_supported"  # the one private name of torch that is used
SIDE = {"cpu": 1024, "cuda": 8192}  # rows and columns of the matrix product a device is measured by
# bytes a process holds on a GPU beside its tensors: the driver's context and libraries' kernels
CONTEXT = 600 << 20


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cell_threads() -> int:
    """CPU threads of a cell unless others are asked for: one, or four where a GPU does the work.

    Fixed, because other threads give other bits: it hangs neither on the cores nor on how many
    cells run at a time.
    """
    return 4 if on_gpu() else 1


def world_size() -> int:
    """How many processes torchrun, or a launcher like it, says there are of this one."""
    word = os.environ.get("WORLD_SIZE", "")
    return int(word) if word.isdecimal() else 1


def on_gpu() -> bool:
    """Whether cells train on a GPU here."""
    import torch

    return torch.cuda.is_available()


def best_precision(device: torch.device, side: int = 144) -> torch.dtype:
    """What ``auto`` means on a device for pictures whose shorter side has ``side`` pixels."""
    import torch

    if device.type == "cuda":
        return (
            torch.bfloat16
            if torch.cuda.is_bf16_supported(including_emulation=False)
            else torch.float32
        )
    # oneDNN's bfloat16 convolution leaves memory unwritten (so: NaN now and then) where it strides
    # to maps one pixel wide.
    fast = device.type == "cpu" and side >= 32 and onednn_has_bfloat16()
    return torch.bfloat16 if fast else torch.float32


def onednn_has_bfloat16() -> bool:
    """Whether the CPU's convolutions multiply bfloat16 themselves. torch answers this by a private
    name only (``ONEDNN_ASKED``); where that is gone, no is the safe answer.
    """
    import torch

    ask = getattr(torch.ops.mkldnn, ONEDNN_ASKED, None)
    return bool(ask and ask())


def span(seconds: float) -> str:
    """A time in the unit that fits, never nought: ``12 s``, ``7 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def clock(device: torch.device) -> float:
    """Seconds, read when the device has done all it was given."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def matrix_rate(device: torch.device, dtype: torch.dtype, times: int = 5) -> float:
    """FLOP/s of a large square matrix product on a device, the best of a few: what can be had there
    at all.
    """
    import torch

    side = SIDE.get(device.type, 1024)
    a, best = torch.ones(side, side, device=device, dtype=dtype), float("inf")
    for _ in range(times):
        began = clock(device)
        a @ a
        best = min(best, clock(device) - began)
    return 2 * side**3 / best


def jobs_that_fit(memory: int, device: torch.device, most: int) -> int:
    """How many such runs one GPU's free memory holds at a time, from 1 to ``most``; a tenth of it
    is left alone.
    """
    import torch

    torch.cuda.empty_cache()  # what this process has measured with is free again
    free, _ = torch.cuda.mem_get_info(device)
    return max(1, min(most, int(0.9 * free / (memory + CONTEXT))))
