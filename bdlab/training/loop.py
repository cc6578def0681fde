"""The training loop over any method's objective.

The loop draws batches by key, steps SGD, logs every term of every step on the device, and looks at
them once an epoch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bdlab import files
from bdlab.config import Config
from bdlab.losses import ACTIVE
from bdlab.methods.objective import Batch, ramp

from . import collapse, resumption
from .extract import evaluate
from .resumption import ResumeError, diverged, save
from .setup import Setup, cut, draw_epoch

__all__ = ["ResumeError", "learning_rate", "optimiser", "train"]

History = list[dict[str, Any]]


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
        drops = sum(whole >= milestone for milestone in config.milestones)
        return optim.lr * warm * 0.1**drops
    if epoch < optim.warmup:
        return optim.lr * (epoch + 1e-2) / (optim.warmup + 1e-2)
    falling = max(optim.epochs - optim.warmup, 1e-9)
    gone = min((epoch - optim.warmup) / falling, 1.0)
    return optim.lr * 0.5 * (1 + math.cos(math.pi * gone))


def optimiser(setup: Setup) -> torch.optim.SGD:
    """SGD over the net's parameter groups; ``scale`` in a group multiplies the base rate (1 or 0.1,
    E_V and G_S their own).
    """
    optim, net = setup.config.optim, setup.net
    body_scale = 0.1 if optim.groups == "agw" else 1.0
    generator_scale = body_scale
    if optim.generator_lr is not None:
        generator_scale = optim.generator_lr / optim.lr
    head = list(net.head())
    generators = list(net.generators())
    special = set(map(id, head + generators))
    body = []
    for parameter in net.parameters():
        if parameter.requires_grad and id(parameter) not in special:
            body.append(parameter)
    groups = [
        {"params": head, "scale": 1.0},
        {"params": body, "scale": body_scale},
        {"params": generators, "scale": generator_scale},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.SGD(
        groups,
        lr=optim.lr,
        momentum=optim.momentum,
        nesterov=optim.nesterov and optim.momentum > 0,
        weight_decay=optim.weight_decay,
        fused=setup.device.type in ("cpu", "cuda"),
    )


def train(
    setup: Setup,
    folder: Path | None = None,
    resume: Iterable[Path] = (),
    inexact: bool = False,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> History:
    """Train ``setup.net`` and return the history, one dict an epoch.

    With a ``folder``, history.jsonl and checkpoints are written there; ``resume`` lists
    earlier attempt folders, whose newest valid checkpoint is gone on from: on a CPU bit for bit
    (same torch and threads; ``inexact=True`` allows others and says so in the provenance), on a GPU
    up to the order of its sums. Raises TrainingError at the first term that is not finite,
    ResumeError.
    """
    opt = optimiser(setup)
    epochs = setup.config.optim.epochs
    history, start, log = resumption.resume(setup, opt, list(resume), inexact)
    if folder:
        for line in history:
            files.append_line(folder / "history.jsonl", line)
    for epoch in range(len(history), epochs):
        run = _Epoch(
            setup,
            opt,
            epoch,
            history,
            folder,
            on_step,
        )
        line = run.all(start, log)
        history.append(line)
        _judge(setup, history)
        start, log = 0, None
        if folder:
            files.append_line(folder / "history.jsonl", line)
            save(
                setup,
                opt,
                folder,
                history,
                0,
                None,
            )
        if on_epoch:
            on_epoch(line)
    if setup.best:
        setup.net.load_state_dict(setup.best["net"])
    return history


def _judge(setup: Setup, history: History) -> None:
    """Add to the last line what the guard says of the run so far, and its validation score."""
    config, people = setup.config, setup.pool.num_ids
    line = history[-1]
    line["relative"] = collapse.relative(line, config, people)
    line["guard"] = collapse.watch(history, config, people)
    if config.data.validation:
        _keep_best(setup, line)


def _keep_best(setup: Setup, line: dict[str, Any]) -> None:
    """Score an epoch on the held-out identities (mAP, mean over the settings) and remember the best
    network, never by the test part.
    """
    scores = [result.mean["mAP"] for result in evaluate(setup, "val").values()]
    line["validation"] = sum(scores) / len(scores)
    if line["validation"] > setup.best.get("score", -1.0):
        state = setup.net.state_dict()
        setup.best["score"] = line["validation"]
        setup.best["epoch"] = line["epoch"]
        setup.best["net"] = {name: value.clone() for name, value in state.items()}


class _Epoch:
    """One epoch; no value leaves the device before its end unless a checkpoint is due."""

    def __init__(
        self,
        setup: Setup,
        opt: torch.optim.SGD,
        epoch: int,
        history: History,
        folder: Path | None,
        on_step: Callable[[int, int], None] | None,
    ):
        self.setup = setup
        self.opt = opt
        self.epoch = epoch
        self.history = history
        self.folder = folder
        self.on_step = on_step
        self.first = epoch * setup.steps  # steps of the epochs before
        self.total = setup.steps * setup.config.optim.epochs
        self.names: list[str] = []

    def all(
        self,
        start: int,
        log: Tensor | None,
    ) -> dict[str, Any]:
        """Every step from ``start``, ``log`` [steps, terms] holding those before; its line."""
        began = time.perf_counter()
        setup, steps = self.setup, self.setup.steps
        rows, draws, labels = draw_epoch(setup, self.epoch, steps)
        setup.net.train()
        for step in range(start, steps):
            self._set_rate(step / steps)
            progress = (self.first + step) / self.total
            batch = cut(
                setup,
                rows[step],
                draws[step],
                labels[step],
                progress,
            )
            terms = _step(setup, self.opt, batch)
            self.names = list(terms)
            values = [value.detach().float() for value in terms.values()]
            if log is None:
                log = torch.zeros(steps, len(values), device=setup.device)
            log[step] = torch.stack(values)
            if self.on_step:
                self.on_step(self.first + step + 1, self.total)
            self._checkpoint(step + 1, log)
        assert log is not None  # an epoch has a step
        return self._line(log.cpu(), time.perf_counter() - began, steps - start)

    def _set_rate(self, share: float) -> None:
        rate = learning_rate(self.setup.config, self.epoch + share)
        for group in self.opt.param_groups:
            group["lr"] = group["scale"] * rate

    def _checkpoint(
        self,
        done: int,
        log: Tensor,
    ) -> None:
        """Within an epoch, every so many steps; at its end ``train`` saves."""
        every = self.setup.config.run.checkpoint_every
        if not self.folder or not every or done % every:
            return
        if done < self.setup.steps:
            self._check_finite(log[:done].cpu())
            save(
                self.setup,
                self.opt,
                self.folder,
                self.history,
                done,
                log,
            )

    def _check_finite(self, values: Tensor) -> None:
        """Raise TrainingError at the first of the [steps, terms] that is not finite."""
        bad = (~values.isfinite()).nonzero()
        if not len(bad):
            return
        step, term = bad[0].tolist()
        value = values[step, term].item()
        number = self.first + step + 1
        where = f"step {number} (epoch {self.epoch + 1})"
        name = self.names[term]
        raise diverged(f"the term {name!r} is {value} at {where}", self.folder)

    def _line(
        self,
        values: Tensor,
        seconds: float,
        steps: int,
    ) -> dict[str, Any]:
        """The history's line from the terms [steps, terms] of every step."""
        self._check_finite(values)
        setup, data = self.setup, self.setup.config.data
        terms, active = {}, {}
        means = values.double().mean(0).tolist()
        for name, mean in zip(self.names, means, strict=True):
            if name.startswith(ACTIVE):
                active[name.removeprefix(ACTIVE)] = mean
            else:
                terms[name] = mean
        done = self.first + setup.steps
        a_step = len(setup.config.modalities) * data.identities * data.shots
        pictures = a_step * steps
        return {
            "epoch": self.epoch + 1,
            "steps": done,
            "lr": self.opt.param_groups[0]["lr"],
            "ramp": ramp(setup.config, (done - 1) / self.total),
            "terms": terms,
            "active": active,
            "generator": setup.net.generator_numbers(),
            "time": {
                "seconds": round(seconds, 3),
                "pictures_per_s": round(pictures / seconds, 1),
            },
        }


def _step(
    setup: Setup,
    opt: torch.optim.SGD,
    batch: Batch,
) -> dict[str, Tensor]:
    """One step of SGD; returns the objective's terms and the norm of the ``gradient``."""
    reduced = setup.dtype != torch.float32
    with torch.autocast(setup.device.type, setup.dtype, enabled=reduced):
        terms = setup.objective(batch)
    opt.zero_grad(set_to_none=True)
    terms["total"].backward()
    gradients = [p.grad for p in setup.net.parameters() if p.grad is not None]
    terms["gradient"] = torch.nn.utils.get_total_norm(gradients)
    opt.step()
    return terms
