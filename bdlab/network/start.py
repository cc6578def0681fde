"""What a network takes from weights that somebody trained before: a backbone's parts, or all a cell
has that there is a place for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from bdlab.modality import Modality

from .reading import Weights, WeightsError, read

#: What a net that starts from a cell takes over from it, unless it is set otherwise.
INHERITED = ("backbone", "strides", "last_stride", "pool", "feature", "height", "width")


def network_in(found: Weights, wanted: Sequence[str]) -> dict[str, Tensor]:
    """Of a state dict, the names of the network whose first names are ``wanted``.

    ``module.`` and every other prefix goes; with it goes what stands outside of the prefix (a head,
    a projector). Where there is no such network all names are given back, so that whoever loads
    them can say what does not fit. Raises WeightsError if there is more than one.
    """
    prefixes = _prefixes(found.state, wanted)
    if not prefixes:
        return dict(found.state)
    if len(prefixes) > 1:
        raise WeightsError(
            f"{found.file}: {len(prefixes)} networks in one file, under "
            f"{', '.join(map(repr, prefixes))}; save the one that is meant alone"
        )
    state = {}
    for name, value in found.state.items():
        if name.startswith(prefixes[0]):
            state[name.removeprefix(prefixes[0])] = value
    return state


def _prefixes(state: Mapping[str, Tensor], wanted: Sequence[str]) -> list[str]:
    """What stands before the names of each such network in a state dict: "" or "module.", say.

    A name alone may be another network's, so a second one that is wanted must be there too; blocks
    inside a network repeat its names, so the outermost counts.
    """
    first, *others = wanted
    prefixes = []
    for name in state:
        prefix = name.removesuffix(first)
        if name.endswith(first) and any(prefix + other in state for other in others):
            prefixes.append(prefix)
    outermost: list[str] = []
    for prefix in sorted(prefixes):  # what a prefix begins with stands before it
        if not outermost or not prefix.startswith(outermost[-1]):
            outermost.append(prefix)
    return outermost


def continue_from(net: nn.Module, weights: str | None) -> None:
    """Give a net all of a cell that it has a place for: stems, trunk, E_V, G_S, pooling and neck.

    The classifier begins anew, since the people are others. A stem the cell has not begins as its
    parent's. Of any other weights nothing is taken here. Raises WeightsError naming the file and
    the first name that does not fit.
    """
    if weights in (None, "imagenet"):
        return
    found = read(weights)
    if found.params is None:
        return
    target = net.state_dict()
    taken = {}
    for name in target:
        source = _source(name, found.state)
        if source is None and name.startswith(("trunk.", "stems.")):
            raise WeightsError(f"{found.file}: {name} is missing; {_remedy(found)}")
        if source is None:
            continue
        value = found.state[source]
        if value.shape != target[name].shape:
            raise WeightsError(
                f"{found.file}: {source} is {tuple(value.shape)}, not {tuple(target[name].shape)}; "
                f"{_remedy(found)}"
            )
        taken[name] = value
    net.load_state_dict(taken, strict=False)


def _remedy(found: Weights) -> str:
    params = found.params or {}
    return (
        f"the cell is of the backbone {params.get('backbone')!r} and the method "
        f"{params.get('method')!r}: set backbone={params.get('backbone')} (`--from` does)"
    )


def _source(name: str, state: Mapping[str, Tensor]) -> str | None:
    """Which of a cell's names fills this one of ours; None for what begins anew."""
    part, _, rest = name.partition(".")
    if part in ("classifier", "extras"):
        return None
    if name in state:
        return name
    if part == "stems":
        stem, _, rest = rest.partition(".")
        parent = f"stems.{Modality(stem).parent.value}.{rest}"
        return parent if parent in state else None
    return None


def inherited(weights: str | Path) -> dict[str, Any]:
    """The parameters that a training which starts from a cell takes over. Raises WeightsError."""
    found = read(weights)
    if found.params is None:
        raise WeightsError(
            f"{found.file}: no cell, so nothing says how it was trained; "
            "give it as --set weights=..., with its backbone"
        )
    return {name: found.params[name] for name in INHERITED if name in found.params}
