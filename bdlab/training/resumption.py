"""A run's state into a checkpoint and back: what must be the same for an exact resume, and what is
refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bdlab.config import identity

from . import checkpoint
from .setup import Setup, TrainingError

#: What --inexact cannot override: another configuration or other data or files are another run.
FIXED = ("configuration", "data fingerprint", "files read")
State = tuple[list[dict[str, Any]], int, Tensor | None]


class ResumeError(TrainingError):
    """A checkpoint of another configuration, data, torch, device or number of threads."""


def save(
    setup: Setup,
    opt: torch.optim.SGD,
    folder: Path,
    history: list[dict[str, Any]],
    step: int,
    log: Tensor | None,
) -> None:
    """Write the checkpoint after ``step`` steps of the epoch that follows ``history``; ``log``
    holds the terms of those steps. Raises TrainingError for weights that are not finite.
    """
    steps = len(history) * setup.steps + step
    _check_weights(setup, steps, folder)
    state = {
        "belongs": belongs(setup),
        "net": setup.net.state_dict(),
        "optimiser": opt.state_dict(),
        "history": history,
        "step": step,
        "log": log,
        "best": setup.best,
    }
    checkpoint.save(folder, steps, state)


def _check_weights(
    setup: Setup,
    steps: int,
    folder: Path,
) -> None:
    """Terms look at a step's start, the weights at its end."""
    floats = {}
    for name, value in setup.net.state_dict().items():
        if value.is_floating_point():
            floats[name] = value.isfinite().all()
    if not torch.stack(list(floats.values())).all():
        name = next(name for name, finite in floats.items() if not finite)
        raise diverged(f"the weights {name!r} are not finite after step {steps}", folder)


def diverged(what: str, folder: Path | None) -> TrainingError:
    """The error of a run that cannot go on, with its last good checkpoint and what may help."""
    checkpoints = checkpoint.found(folder) if folder else []
    last = "No checkpoint had been saved yet."
    if checkpoints:
        last = f"The last good checkpoint is {checkpoints[0]}."
    return TrainingError(f"{what}. {last} Lower lr, raise warmup, or set precision='float32'.")


def belongs(setup: Setup) -> dict[str, Any]:
    """What must be the same for an exact resume. A GPU's bits do not hang on the host's threads."""
    threads = torch.get_num_threads() if setup.device.type == "cpu" else 0
    # what differs from its introduction: a checkpoint of an older release goes on too
    parameters = identity(setup.config.flat())
    for name in setup.files:  # known by their content
        parameters.pop(name, None)
    return {
        "configuration": parameters,
        "data fingerprint": setup.dataset.fingerprint,
        "files read": dict(setup.files),
        "torch": str(torch.__version__),
        "device": setup.device.type,
        "threads": threads,
        "precision": str(setup.dtype),
    }


def resume(
    setup: Setup,
    opt: torch.optim.SGD,
    folders: Sequence[Path],
    inexact: bool,
) -> State:
    """(history, step, log) of the newest valid checkpoint, its state put into net and optimiser;
    ([], 0, None) without one. Raises ResumeError for one of another run.
    """
    newest = checkpoint.newest(list(folders))
    if newest is None:
        return [], 0, None
    path, state = newest
    differs = _differences(setup, state, path, inexact)
    try:
        history, step, log = _take(setup, opt, state)
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise ResumeError(
            f"{path}: does not fit the network it says it is of ({first}); "
            "delete the attempt to start over"
        ) from error
    exact = not differs and setup.device.type == "cpu"  # a GPU's sums may come in another order
    setup.resumed.update({"from": f"{path.parent.name}/{path.name}", "exact": exact})
    return history, step, log


def _differences(
    setup: Setup,
    state: dict[str, Any],
    path: Path,
    inexact: bool,
) -> dict[str, str]:
    """What is not as it was, in words by name; raises ResumeError where that is not allowed."""
    now = belongs(setup)
    then = state.get("belongs", {})
    differs = {}
    for name, value in now.items():
        if value != then.get(name):
            differs[name] = f"{name} was {_short(then.get(name))}, is {_short(value)}"
    fixed = [name for name in FIXED if name in differs]
    if fixed or (differs and not inexact):
        raise ResumeError(
            f"{path}: this checkpoint cannot be gone on from exactly: "
            f"{'; '.join(differs.values())}. "
            "Run it as before, or allow other bits with --inexact "
            "(configuration, data and files cannot be overridden), "
            "or delete the attempt to start over."
        )
    return differs


def _take(
    setup: Setup,
    opt: torch.optim.SGD,
    state: dict[str, Any],
) -> State:
    """A checkpoint's state into net and optimiser. Momenta of another shape are refused: the fused
    step would write past them.
    """
    setup.net.load_state_dict(state["net"])
    opt.load_state_dict(state["optimiser"])
    for parameter, buffers in opt.state.items():
        momentum = buffers["momentum_buffer"]
        if momentum is not None and momentum.shape != parameter.shape:
            shapes = f"{list(momentum.shape)} for {list(parameter.shape)}"
            raise ValueError(f"a momentum of shape {shapes} weights")
    history, step, log = list(state["history"]), state["step"], state["log"]
    logged = 0 if log is None else len(log)
    if not 0 <= step < setup.steps or logged != (setup.steps if step else 0):
        raise ValueError(f"step {step} of {setup.steps}, with {logged} steps logged")
    setup.best.update(state["best"])
    return history, step, None if log is None else log.to(setup.device)


def _short(value: Any) -> str:
    """A value as an error shows it."""
    text = str(value)
    if len(text) < 40:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text[:12]}... ({digest[:8]})"
