"""The training loop over any objective, and the one sequence that makes a cell: prepare, train, evaluate, write.

A method is a network and an objective, ``objective(batch) -> terms``, a dict of scalars with ``"total"`` among them. The
loop draws batches by key, steps SGD, logs every term of every step on the device, and looks at them once an epoch.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import __version__, batches, checkpoint, datasets, losses, protocols, runs
from .config import Config, from_flat
from .datasets.bank import Bank, bank
from .evaluation import Embedded
from .modality import BASE, Modality
from .network import BaseDerivativeNet, strides_of

EVALUATION_BATCH = 256  # fixed: another batch size gives other bits


class TrainingError(RuntimeError):
    """A run that cannot go on: what happened, at which step, and what was saved last."""


OutOfMemory = torch.OutOfMemoryError


class ResumeError(TrainingError):
    """A checkpoint that belongs to another configuration, data, torch, device or number of threads."""


@dataclass(frozen=True)
class Batch:
    """One step's input. ``images[m]`` float [P K, 3, H, W] normalised, ``labels[m]`` int64 [P K], for V and I.

    ``progress`` is the share of all steps gone by, in [0, 1).
    """

    images: dict[Modality, Tensor]
    labels: dict[Modality, Tensor]
    progress: float


Objective = Callable[[Batch], dict[str, Tensor]]


@dataclass
class Setup:
    """Everything a run needs before its first step; see ``prepare``."""

    config: Config
    dataset: datasets.Dataset
    bank: Bank
    pool: batches.Pool
    net: nn.Module
    objective: Objective
    device: torch.device
    dtype: torch.dtype  # of the autocast regions
    resumed: dict[str, Any] = field(default_factory=dict)  # which checkpoint a run went on from, for its provenance
    best: dict[str, Any] = field(default_factory=dict)  # with validation: score, epoch and net state of the best epoch so far

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        batch = self.config.data.identities * self.config.data.shots
        return self.config.optim.steps or batches.steps_per_epoch(self.pool.count(Modality.V), self.pool.count(Modality.I), batch)

    @property
    def cell(self) -> runs.Cell:
        return runs.Cell(self.config.flat(), self.dataset.fingerprint)


def open_data(config: Config) -> datasets.Dataset:
    """The data set of a configuration; raises DatasetError, or BatchError if it has fewer people than a batch takes."""
    dataset = datasets.open(config.data.data, root=config.data.root, **config.data.options())
    batches.enough(config.data.identities, len(dataset.identities("train")))
    if config.test.draw == "official":
        _permutations(dataset)  # a file that is not there is better missed now than after the training
    return dataset


def _permutations(dataset: datasets.Dataset) -> Any:
    try:
        return protocols.load_permutations(dataset.root / "exp" / "rand_perm_cam.mat")
    except (OSError, ValueError) as error:
        raise TrainingError(f"draw = 'official': {error}. Set draw to 'seeded', or put the file there.") from error


def prepare(config: Config, device: str | None = None, progress: bool = True) -> Setup:
    """Open the data, decode them into the bank (once, cached), build network and objective from the seed.

    ``device`` None: the first GPU if there is one, else the CPU. Raises DatasetError, BatchError or WeightsError.
    """
    dataset = open_data(config)
    where = _device(device)
    pictures = bank(dataset, config.data.height, config.data.width, progress=progress).to(where)
    rows = {m: dataset.select("train", m) for m in BASE}
    pool = batches.Pool.of(rows, {m: [dataset.records[row].identity for row in rows[m]] for m in BASE})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(batches.torch_seed(config.run.seed))
        net, objective = METHODS[config.run.method](config, pool.num_ids)
    net.to(where, memory_format=torch.channels_last)
    return Setup(config, dataset, pictures, pool, net, objective, where, _precision(config, where))


def _device(name: str | None) -> torch.device:
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = str(error).partition("\n")[0]
        raise TrainingError(f"device {name!r} cannot be used here ({first}); `bdlab doctor` says what there is") from error
    return device


def base_derivative(config: Config, num_ids: int) -> tuple[BaseDerivativeNet, Objective]:
    """The paper's method and every row of Table IV: eq. 9 over the modalities and the graph of the configuration."""
    net = build_net(config, num_ids)
    order, loss = list(net.modalities), config.loss
    net.register_buffer("graph", losses.graph_weights(order, config.graph), persistent=False)  # a buffer: on the device before any step

    def objective(batch: Batch) -> dict[str, Tensor]:
        out = net(batch.images)
        labels = {m: batch.labels[m.parent] for m in order}
        terms = {"id": losses.identity(out.logits, labels, over=loss.id_over)}
        total = loss.alpha * terms["id"]
        if loss.beta or loss.gamma:
            table = losses.table(out.features, labels, loss.margin_intra, loss.margin_cross, loss.reduction)
            terms["mml"], terms["mdl"] = table.diagonal().sum(), (table * net.graph).sum()
            ramp = min(1.0, batch.progress / loss.triplet_ramp) if loss.triplet_ramp else 1.0
            total = total + ramp * (loss.beta * terms["mml"] + loss.gamma * terms["mdl"])
        spread = torch.cat(list(out.features.values())).detach().float().std(0).mean()
        return {"total": total, **terms, "spread": spread}

    return net, objective


def build_net(config: Config, num_ids: int) -> BaseDerivativeNet:
    """The base-derivative network of a configuration, from torch's current random state."""
    model = {name: value for name, value in vars(config.model).items() if name != "modalities"}
    return BaseDerivativeNet(num_ids, config.modalities, **model)


METHODS: dict[str, Callable[[Config, int], tuple[nn.Module, Objective]]] = {"base-derivative": base_derivative}


def learning_rate(config: Config, epoch: float) -> float:
    """The base rate after ``epoch`` epochs (fractional): linear warm-up, then ten-fold drops or half a cosine; a pure function.

    Warm-up and drops as in AGW's code, by whole epochs ((e + 1) / warmup; the paper names only "a warm-up"). The
    cosine is ours, for the demo, and moves with every step.
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
    """SGD over the net's parameter groups; ``scale`` in a group multiplies the base rate (1 or 0.1, E_V and G_S their own)."""
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

    With a ``folder``, history.jsonl and checkpoints are written there; ``resume`` lists earlier attempt folders, whose
    newest valid checkpoint is gone on from: on a CPU bit for bit (same torch and threads; ``inexact=True`` allows others
    and says so in the provenance), on a GPU up to the order of its sums. Raises TrainingError at the first term that is
    not finite, ResumeError.
    """
    config, opt = setup.config, optimiser(setup)
    history, start, log = _resume(setup, opt, list(resume), inexact)
    if folder:
        for line in history:
            runs.append_line(folder / "history.jsonl", line)
    for epoch in range(len(history), config.optim.epochs):
        began = time.perf_counter()
        line, log = _epoch(setup, opt, epoch, start, log, history, folder, on_step)
        seconds = time.perf_counter() - began
        pictures = len(config.modalities) * config.data.identities * config.data.shots * (setup.steps - start)
        line["time"] = {"seconds": round(seconds, 3), "pictures_per_s": round(pictures / seconds, 1)}
        history.append(line)
        start, log = 0, None
        if config.data.validation:
            _keep_best(setup, line)
        if folder:
            runs.append_line(folder / "history.jsonl", line)
            _save(setup, opt, folder, history, 0, None)
        if on_epoch:
            on_epoch(line)
    if setup.best:
        setup.net.load_state_dict(setup.best["net"])
    return history


def _keep_best(setup: Setup, line: dict[str, Any]) -> None:
    """Score an epoch on the held-out identities (mAP, mean over the settings) and remember the best network, never by the test part."""
    scores = [result.mean["mAP"] for result in evaluate(setup, "val").values()]
    line["validation"] = sum(scores) / len(scores)
    if line["validation"] > setup.best.get("score", -1.0):
        state = {name: value.clone() for name, value in setup.net.state_dict().items()}
        setup.best.update({"score": line["validation"], "epoch": line["epoch"], "net": state})


def _epoch(setup, opt, epoch, start, log, history, folder, on_step) -> tuple[dict[str, Any], Tensor]:
    """One epoch from step ``start``; no value leaves the device before its end unless a checkpoint is due."""
    config, steps = setup.config, setup.steps
    total = steps * config.optim.epochs
    rows, draws, labels = _draw_epoch(setup, epoch, steps)
    setup.net.train()
    for step in range(start, steps):
        for group in opt.param_groups:
            group["lr"] = group["scale"] * learning_rate(config, epoch + step / steps)
        terms = _step(setup, opt, _batch(setup, rows[step], draws[step], labels[step], (epoch * steps + step) / total))
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


def _draw_epoch(setup: Setup, epoch: int, steps: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rows [steps, 2 P K] (V's slots, then I's), augmentation [steps, 2 P K, 3] and labels [steps, P K], on the device at once."""
    data, seed = setup.config.data, setup.config.run.seed
    plan = batches.plan(seed, epoch, setup.pool, data.identities, data.shots, steps)
    rows = np.concatenate([plan.rows[m] for m in BASE], axis=1)
    draws = batches.draw(seed, epoch, steps, data.identities * data.shots, data.pad)
    return tuple(torch.from_numpy(values).to(setup.device) for values in (rows, draws, plan.labels))


def _batch(setup: Setup, rows: Tensor, draws: Tensor, labels: Tensor, progress: float) -> Batch:
    pictures = batches.normalise(batches.cut(setup.bank.pictures, rows, draws, setup.config.data.pad))
    return Batch(dict(zip(BASE, pictures.chunk(2), strict=True)), dict.fromkeys(BASE, labels), progress)


def _step(setup: Setup, opt: torch.optim.SGD, batch: Batch) -> dict[str, Tensor]:
    with torch.autocast(setup.device.type, setup.dtype, enabled=setup.dtype != torch.float32):
        terms = setup.objective(batch)
    opt.zero_grad(set_to_none=True)
    terms["total"].backward()
    gradients = [p.grad for p in setup.net.parameters() if p.grad is not None]
    terms["gradient"] = torch.stack(torch._foreach_norm(gradients)).norm()
    opt.step()
    return terms


def _check_finite(values: Tensor, names: Sequence[str], epoch: int, steps: int, folder: Path | None) -> None:
    bad = (~values.isfinite()).nonzero()
    if not len(bad):
        return
    step, term = bad[0].tolist()
    saved = checkpoint.found(folder) if folder else []
    last = f"The last good checkpoint is {saved[0]}." if saved else "No checkpoint had been saved yet."
    raise TrainingError(
        f"the term {names[term]!r} is {values[step, term].item()} at step {epoch * steps + step + 1} (epoch {epoch + 1}). {last} "
        "Lower lr, raise warmup, or set precision='float32'."
    )


def _save(setup: Setup, opt: torch.optim.SGD, folder: Path, history: list, step: int, log: Tensor | None) -> None:
    state = {
        "belongs": _belongs(setup), "net": setup.net.state_dict(), "optimiser": opt.state_dict(),
        "history": history, "step": step, "log": log, "best": setup.best,
    }  # fmt: skip
    checkpoint.save(folder, len(history) * setup.steps + step, state)


def _belongs(setup: Setup) -> dict[str, Any]:
    """What must be the same for an exact resume. A GPU's bits do not hang on the host's threads."""
    threads = torch.get_num_threads() if setup.device.type == "cpu" else 0
    kept = {k: v for k, v in setup.config.flat().items() if k not in runs.NOT_IDENTITY}
    return {
        "configuration": kept, "data fingerprint": setup.dataset.fingerprint, "torch": str(torch.__version__),
        "device": setup.device.type, "threads": threads, "precision": str(setup.dtype),
    }  # fmt: skip


def _resume(setup: Setup, opt: torch.optim.SGD, folders: list[Path], inexact: bool) -> tuple[list[dict], int, Tensor | None]:
    found = checkpoint.newest(folders)
    if found is None:
        return [], 0, None
    path, state = found
    now, then = _belongs(setup), state["belongs"]
    differs = [key for key in now if now[key] != then.get(key)]
    if {"configuration", "data fingerprint"} & set(differs) or (differs and not inexact):
        said = "; ".join(f"{key} was {_short(then.get(key))}, is {_short(now[key])}" for key in differs)
        raise ResumeError(
            f"{path}: this checkpoint cannot be gone on from exactly: {said}. Run it as before, or allow other bits with --inexact "
            "(configuration and data cannot be overridden), or delete the attempt to start over."
        )
    setup.net.load_state_dict(state["net"])
    opt.load_state_dict(state["optimiser"])
    setup.best.update(state["best"])
    log = None if state["log"] is None else state["log"].to(setup.device)
    exact = not differs and setup.device.type == "cpu"  # a GPU's sums may come in another order
    setup.resumed.update({"from": f"{path.parent.name}/{path.name}", "exact": exact})
    return list(state["history"]), state["step"], log


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) < 40 else f"{text[:12]}... ({hashlib.sha256(text.encode()).hexdigest()[:8]})"


def first_batch(setup: Setup) -> Batch:
    """What the first step of a run sees."""
    rows, draws, labels = _draw_epoch(setup, 0, 1)
    return _batch(setup, rows[0], draws[0], labels[0], 0.0)


@torch.no_grad()
def derived(setup: Setup, batch: Batch) -> dict[Modality, np.ndarray]:
    """A batch in all modalities of the net as it is now, ready to be shown (see ``shown``)."""
    images = {**batch.images, **setup.net.derive(batch.images)}
    return {m: shown(images[m]) for m in Modality if m in images}


def shown(images: Tensor) -> np.ndarray:
    """Normalised pictures [B, 3, H, W] -> [B, H, W, 3] float in [0, 1] for a figure; what lies outside is clipped."""
    return batches.denormalise(images).permute(0, 2, 3, 1).cpu().numpy()


@torch.no_grad()
def embed(setup: Setup, split: str = "test", net: nn.Module | None = None) -> dict[Modality, Embedded]:
    """Test features of one part, both base modalities: unit-length float32 rows with identities, cameras and paths."""
    net = (net or setup.net).eval()
    out = {}
    for m in BASE:
        rows = setup.dataset.select(split, m)
        pieces = []
        for i in range(0, len(rows), EVALUATION_BATCH):
            x = batches.normalise(setup.bank.pictures[torch.tensor(rows[i : i + EVALUATION_BATCH], device=setup.device)])
            feature = net.embed(x, m)
            pieces.append(F.normalize(feature + net.embed(x.flip(-1), m), dim=1) if setup.config.test.flip else feature)
        records = [setup.dataset.records[row] for row in rows]
        ids, cameras = np.array([r.identity for r in records]), np.array([r.camera for r in records])
        out[m] = Embedded(torch.cat(pieces).cpu().numpy(), ids, cameras, [r.path for r in records])
    return out


def evaluate(setup: Setup, split: str = "test") -> dict[str, protocols.Result]:
    """Scores of every setting of the set's protocol: ``v2t`` and ``t2v``, or SYSU-MM01's four.

    What differs from the plain test (re-ranking, mirrored pictures, pooled feature) is labelled in each provenance. On the
    real SYSU-MM01 the published counts must hold. Raises TrainingError if they do not, or for unfit permutations.
    """
    embedded, config = embed(setup, split), setup.config
    notes = {"feature": config.model.feature, "flip": config.test.flip}
    options: dict[str, Any] = {"rerank": config.test.rerank, "notes": notes}
    if setup.dataset.protocol == "sysu":
        options |= {"draw": config.test.draw, "expect": setup.dataset.name == "sysu" and split == "test"}
        if config.test.draw == "official" and split == "test":
            options["permutations"] = _permutations(setup.dataset)
        elif split != "test":
            options["draw"] = "seeded"
    try:
        return protocols.evaluate(setup.dataset.protocol, embedded[Modality.V], embedded[Modality.I], **options)
    except ValueError as error:
        raise TrainingError(f"{setup.dataset.root}: the test part cannot be scored: {error}. `bdlab data check` looks it over.") from error


def write(setup: Setup, folder: Path, scores: dict[str, protocols.Result], seconds: float) -> dict[str, Any]:
    """weights.pt (the whole net as it is tested) and result.json with full provenance; returns the result."""
    config = setup.config
    buffer = io.BytesIO()  # torch.save on a full disk says nothing of use
    torch.save({"params": config.flat(), "num_ids": setup.pool.num_ids, "state": setup.net.state_dict()}, buffer)
    weights = buffer.getvalue()
    runs.write(folder / "weights.pt", weights)
    trained = sum(line["time"]["seconds"] for line in runs.read_lines(folder / "history.jsonl"))  # of earlier attempts too
    device = torch.cuda.get_device_name(setup.device) if setup.device.type == "cuda" else "cpu"
    provenance = {
        "bdlab": __version__, **runs.git_state(), "torch": str(torch.__version__), "device": device,
        "precision": str(setup.dtype).removeprefix("torch."), "threads": torch.get_num_threads(),
        "fingerprint": setup.dataset.fingerprint, "data": setup.dataset.provenance, "feature": config.model.feature,
        "selection": f"best of the epochs on held-out identities (epoch {setup.best['epoch']})" if setup.best else "last epoch",
        "test": vars(config.test), "seed": config.run.seed, "seconds": round(max(seconds, trained), 1),
        "identities": {split: len(setup.dataset.identities(split)) for split in ("train", "test")},
        "pictures": {split: {m.value: len(setup.dataset.select(split, m)) for m in BASE} for split in ("train", "test")},
        "protocols": {name: result.provenance for name, result in scores.items()},
        "resumed": setup.resumed or None, "weights_bytes": len(weights), "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }  # fmt: skip
    result = {
        "schema": runs.SCHEMA, "params": config.flat(),
        "scores": {name: value.to_json() for name, value in scores.items()}, "provenance": provenance,
    }  # fmt: skip
    runs.write_json(folder / "params.json", config.flat())
    runs.write_json(folder / "result.json", result)
    return result


def epoch_line(line: dict[str, Any], epochs: int) -> str:
    """One epoch of a history in words."""
    terms = "  ".join(f"{name} {line['terms'][name]:.3f}" for name in ("total", "id", "mml", "mdl") if name in line["terms"])
    return f"epoch {line['epoch']:>3}/{epochs}  lr {line['lr']:.4f}  {terms}  {line['time']['pictures_per_s']:,.0f} pictures/s"


def run(config: Config, folder: Path, device: str | None = None, resume: Iterable[Path] = (), inexact: bool = False, **hooks: Any) -> dict:
    """A whole cell into an attempt folder: what the training notebook does step by step. Returns the result."""
    began = time.perf_counter()
    setup = prepare(config, device)
    train(setup, folder, resume, inexact, **hooks)
    return write(setup, folder, evaluate(setup), time.perf_counter() - began)


def load(folder: Path | str) -> BaseDerivativeNet:
    """The trained network of a committed cell, in eval mode on the CPU. Raises TrainingError if its weights are damaged."""
    path = Path(folder) / "weights.pt"
    result = json.loads((Path(folder) / "result.json").read_text())
    if runs.sha256(path) != result["provenance"]["weights_sha256"]:
        raise TrainingError(f"{path}: damaged, its sha256 is not the one in result.json; run the cell again")
    saved = torch.load(path, map_location="cpu", weights_only=True)
    params = saved["params"]
    strides = strides_of(params["strides"], params["weights"])
    config = from_flat(params | {"weights": None, "strides": strides})  # the numbers are in the file; nothing to download
    net = build_net(config, saved["num_ids"])
    net.load_state_dict(saved["state"])
    return net.eval()


def _precision(config: Config, device: torch.device) -> torch.dtype:
    """``auto``: bfloat16 where the device multiplies it natively, else float32."""
    if config.optim.precision != "auto":
        return getattr(torch, config.optim.precision)
    return best_precision(device, min(config.data.height, config.data.width))


def best_precision(device: torch.device, side: int = 144) -> torch.dtype:
    """What ``auto`` means on a device for pictures whose shorter side has ``side`` pixels."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    # oneDNN's bfloat16 convolution leaves memory unwritten (so: NaN now and then) where it strides to maps one pixel wide.
    fast = device.type == "cpu" and side >= 32 and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if fast else torch.float32
