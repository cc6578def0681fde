"""What can be trained: the paper's own method, and the rivals of Fig. 1 and Tables I-III, one small
file each.

A method is a name for (network, objective), and an objective is ``objective(batch) -> terms``. The
terms are scalars with ``"total"`` among them; every other one is logged as it is. A network of a
method has ``head()``, ``generators()`` and ``generator_numbers()`` for the optimiser and the
history, and ``embed(x, modality)`` for the test.

Rivals are built from the base-derivative network's own parts and trained under the paper's protocol
(section III-C: data, batches, backbone, schedule), so that rows differ by their method alone. None
claims its authors' numbers: each docstring says what it takes of the original, what it leaves out,
and what differs from the public code. ``rival_form = as-published`` takes that code's own losses
where they are small.
"""

from __future__ import annotations

from . import agw, asymmetric, base_derivative, bdtr, cmgan, gan, one_stream, x_modality
from .objective import Batch, Method, Objective

__all__ = ["METHODS", "RIVALS", "Batch", "Method", "Objective"]

#: name of ``Run.method`` -> builder of (network, objective); the paper's own comes first
METHODS: dict[str, Method] = {
    "base-derivative": base_derivative.build,
    "one-stream": one_stream.one_stream,
    "zero-padding": one_stream.zero_padding,
    "asymmetric": asymmetric.build,
    "bdtr": bdtr.build,
    "cmgan": cmgan.build,
    "x-modality": x_modality.build,
    "agw": agw.build,
    "gan": gan.build,
}
RIVALS = {name: build for name, build in METHODS.items() if name != "base-derivative"}
