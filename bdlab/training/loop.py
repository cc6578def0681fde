"""The training loop over any method's objective, and its exact resumption.

The loop draws batches by key, steps SGD, logs every term of every step on the device, and looks at
them once an epoch.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bdlab import files
from bdlab.config import Config, identity
from bdlab.methods.objective import Batch

from . import checkpoint, collapse
from .extract import evaluate
from .setup import Setup, TrainingError, cut, draw_epoch


class ResumeError(TrainingError):
    """A checkpoint that belongs to another configuration, data, torch, device or number of threads."""


def learning_rate(config: Config, epoch: float) -> float:
    """The base rate after ``epoch`` epochs (fractional): linear warm-up, then ten-fold drops or
    half a cosine; a pure function.

    Warm-up and drops as in AGW's code, by whole epochs ((e + 1) / warmup; the paper names only "a
    warm-up"). The cosine is ours, for the demo, and moves with every step.
    """
    optim = config.optim
    if optim.schedule == "step":
        whole = int(epoch)
        warm = min(1.0, (whole + 1) / optim.warmup) if optim.warmup else 1.0
        return optim.lr * warm * 0.1 ** sum(whole >= m for m in config.milestones)
    if epoch < optim.warmup:
        return optim.lr * (epoch + 1e-2) / (optim.warmup + 1e-2)
    gone = (epoch - optim.warmup) / max(optim.epochs - optim.warmup, 1e-9)
    return optim.lr * 0.5 * (1 + math.cos(math.pi * min(gone, 1.0)))


def optimiser(setup: Setup) -> torch.optim.SGD:
    """SGD over the net's parameter groups; ``scale`` in a group multiplies the base rate (1 or 0.1,
    E_V and G_S their own).
    """
    optim, net = setup.config.optim, setup.net
    body_scale = 0.1 if optim.groups == "agw" else 1.0
    generator_scale = body_scale if optim.generator_lr is None else optim.generator_lr / optim.lr
    head, generators = list(net.head()), list(net.generators())
    special = {id(p) for p in [*head, *generators]}
    body = [p for p in net.parameters() if p.requires_grad and id(p) not in special]
    groups = [(head, 1.0), (body, body_scale), (generators, generator_scale)]
    return torch.optim.SGD(
        [{"params": p, "scale": scale} for p, scale in groups if p],
        lr=optim.lr, momentum=optim.momentum, nesterov=optim.nesterov and optim.momentum > 0,
        weight_decay=optim.weight_decay, fused=setup.device.type in ("cpu", "cuda"),
    )  # fmt: skip


def train(
    setup: Setup,
    folder: Path | None = None,
    resume: Iterable[Path] = (),
    inexact: bool = False,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Train ``setup.net`` and return the history, one dict an epoch.

    With a ``folder``, history.jsonl and checkpoints are written there; ``resume`` lists earlier
    attempt folders, whose newest valid checkpoint is gone on from: on a CPU bit for bit (same torch
    and threads; ``inexact=True`` allows others and says so in the provenance), on a GPU up to the
    order of its sums. Raises TrainingError at the first term that is not finite, ResumeError.
    """
    config, opt = setup.config, optimiser(setup)
    history, start, log = _resume(setup, opt, list(resume), inexact)
    if folder:
        for line in history:
            files.append_line(folder / "history.jsonl", line)
    for epoch in range(len(history), config.optim.epochs):
        began = time.perf_counter()
        line, log = _epoch(setup, opt, epoch, start, log, history, folder, on_step)
        seconds = time.perf_counter() - began
        pictures = (
            len(config.modalities)
            * config.data.identities
            * config.data.shots
            * (setup.steps - start)
        )
        line["time"] = {
            "seconds": round(seconds, 3),
            "pictures_per_s": round(pictures / seconds, 1),
        }
        history.append(line)
        line["guard"] = collapse.watch(history, config, setup.pool.num_ids)
        start, log = 0, None
        if config.data.validation:
            _keep_best(setup, line)
        if folder:
            files.append_line(folder / "history.jsonl", line)
            _save(setup, opt, folder, history, 0, None)
        if on_epoch:
            on_epoch(line)
    if setup.best:
        setup.net.load_state_dict(setup.best["net"])
    return history


def _keep_best(setup: Setup, line: dict[str, Any]) -> None:
    """Score an epoch on the held-out identities (mAP, mean over the settings) and remember the best
    network, never by the test part.
    """
    scores = [result.mean["mAP"] for result in evaluate(setup, "val").values()]
    line["validation"] = sum(scores) / len(scores)
    if line["validation"] > setup.best.get("score", -1.0):
        state = {name: value.clone() for name, value in setup.net.state_dict().items()}
        setup.best.update({"score": line["validation"], "epoch": line["epoch"], "net": state})


def _epoch(
    setup, opt, epoch, start, log, history, folder, on_step
) -> tuple[dict[str, Any], Tensor]:
    """One epoch from step ``start``; no value leaves the device before its end unless a checkpoint
    is due.
    """
    config, steps = setup.config, setup.steps
    total = steps * config.optim.epochs
    rows, draws, labels = draw_epoch(setup, epoch, steps)
    setup.net.train()
    for step in range(start, steps):
        for group in opt.param_groups:
            group["lr"] = group["scale"] * learning_rate(config, epoch + step / steps)
        terms = _step(
            setup,
            opt,
            cut(setup, rows[step], draws[step], labels[step], (epoch * steps + step) / total),
        )
        names = list(terms)
        if log is None:
            log = torch.zeros(steps, len(names), device=setup.device)
        log[step] = torch.stack([value.detach().float() for value in terms.values()])
        if on_step:
            on_step(epoch * steps + step + 1, total)
        every = config.run.checkpoint_every
        if folder and every and (step + 1) % every == 0 and step + 1 < steps:
            _check_finite(log[: step + 1].cpu(), names, epoch, steps, folder)
            _save(setup, opt, folder, history, step + 1, log)
    values = log.cpu()
    _check_finite(values, names, epoch, steps, folder)
    line = {
        "epoch": epoch + 1, "steps": (epoch + 1) * steps, "lr": opt.param_groups[0]["lr"],
        "terms": {name: float(value) for name, value in zip(names, values.double().mean(0), strict=True)},
        "generator": setup.net.generator_numbers(),
    }  # fmt: skip
    return line, log


def _step(setup: Setup, opt: torch.optim.SGD, batch: Batch) -> dict[str, Tensor]:
    with torch.autocast(setup.device.type, setup.dtype, enabled=setup.dtype != torch.float32):
        terms = setup.objective(batch)
    opt.zero_grad(set_to_none=True)
    terms["total"].backward()
    gradients = [p.grad for p in setup.net.parameters() if p.grad is not None]
    terms["gradient"] = torch.stack(torch._foreach_norm(gradients)).norm()
    opt.step()
    return terms


def _check_finite(
    values: Tensor, names: Sequence[str], epoch: int, steps: int, folder: Path | None
) -> None:
    bad = (~values.isfinite()).nonzero()
    if not len(bad):
        return
    step, term = bad[0].tolist()
    raise _diverged(
        f"the term {names[term]!r} is {values[step, term].item()} at step {epoch * steps + step + 1} (epoch {epoch + 1})",
        folder,
    )


def _diverged(what: str, folder: Path | None) -> TrainingError:
    saved = checkpoint.found(folder) if folder else []
    last = (
        f"The last good checkpoint is {saved[0]}." if saved else "No checkpoint had been saved yet."
    )
    return TrainingError(f"{what}. {last} Lower lr, raise warmup, or set precision='float32'.")


def _save(
    setup: Setup, opt: torch.optim.SGD, folder: Path, history: list, step: int, log: Tensor | None
) -> None:
    floats = {
        name: value for name, value in setup.net.state_dict().items() if value.is_floating_point()
    }
    finite = torch.stack(
        [value.isfinite().all() for value in floats.values()]
    )  # terms look at a step's start, these at its end
    if not finite.all():
        name = list(floats)[int(finite.logical_not().nonzero()[0])]
        raise _diverged(
            f"the weights {name!r} are not finite after step {len(history) * setup.steps + step}",
            folder,
        )
    state = {
        "belongs": _belongs(setup), "net": setup.net.state_dict(), "optimiser": opt.state_dict(),
        "history": history, "step": step, "log": log, "best": setup.best,
    }  # fmt: skip
    checkpoint.save(folder, len(history) * setup.steps + step, state)


def _belongs(setup: Setup) -> dict[str, Any]:
    """What must be the same for an exact resume. A GPU's bits do not hang on the host's threads."""
    threads = torch.get_num_threads() if setup.device.type == "cpu" else 0
    # what differs from its introduction: a checkpoint of an older release goes on too
    kept = {k: v for k, v in identity(setup.config.flat()).items() if k not in setup.files}
    return {
        "configuration": kept, "data fingerprint": setup.dataset.fingerprint,
        "files read": dict(setup.files), "torch": str(torch.__version__),
        "device": setup.device.type, "threads": threads, "precision": str(setup.dtype),
    }  # fmt: skip


def _resume(
    setup: Setup, opt: torch.optim.SGD, folders: list[Path], inexact: bool
) -> tuple[list[dict], int, Tensor | None]:
    found = checkpoint.newest(folders)
    if found is None:
        return [], 0, None
    path, state = found
    now, then = _belongs(setup), state.get("belongs", {})
    differs = [key for key in now if now[key] != then.get(key)]
    fixed = {"configuration", "data fingerprint", "files read"} & set(differs)
    if fixed or (differs and not inexact):
        said = "; ".join(
            f"{key} was {_short(then.get(key))}, is {_short(now[key])}" for key in differs
        )
        raise ResumeError(
            f"{path}: this checkpoint cannot be gone on from exactly: {said}. Run it as before, or allow other bits with --inexact "
            "(configuration, data and files cannot be overridden), or delete the attempt to start over."
        )
    try:
        history, step, log = _take(setup, opt, state)
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise ResumeError(
            f"{path}: does not fit the network it says it is of ({first}); delete the attempt to start over"
        ) from error
    exact = not differs and setup.device.type == "cpu"  # a GPU's sums may come in another order
    setup.resumed.update({"from": f"{path.parent.name}/{path.name}", "exact": exact})
    return history, step, log


def _take(
    setup: Setup, opt: torch.optim.SGD, state: dict[str, Any]
) -> tuple[list[dict], int, Tensor | None]:
    """A checkpoint's state into net and optimiser. Momenta of another shape are refused: the fused
    step would write past them.
    """
    setup.net.load_state_dict(state["net"])
    opt.load_state_dict(state["optimiser"])
    for parameter, kept in opt.state.items():
        if kept["momentum_buffer"] is not None and kept["momentum_buffer"].shape != parameter.shape:
            raise ValueError(
                f"a momentum of shape {list(kept['momentum_buffer'].shape)} for {list(parameter.shape)} weights"
            )
    history, step, log = list(state["history"]), state["step"], state["log"]
    if (
        not 0 <= step < setup.steps
        or (log is None) != (step == 0)
        or (log is not None and len(log) != setup.steps)
    ):
        raise ValueError(
            f"step {step} of {setup.steps}, with {0 if log is None else len(log)} steps logged"
        )
    setup.best.update(state["best"])
    return history, step, None if log is None else log.to(setup.device)


def _short(value: Any) -> str:
    text = str(value)
    return (
        text
        if len(text) < 40
        else f"{text[:12]}... ({hashlib.sha256(text.encode()).hexdigest()[:8]})"
    )
