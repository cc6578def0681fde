"""Weights of a backbone: torchvision's download, or a state dict in a file."""

from __future__ import annotations

import urllib.error
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision import models

from bdlab.files import digest

from .reading import WeightsError, locate, read
from .start import network_in

__all__ = ["WeightsError", "downloaded", "fill", "find_weights"]

State = Mapping[str, Tensor]


def fill(body: nn.Module, name: str, weights: str | None, head: str) -> None:
    """Put ``weights`` (None, ``"imagenet"`` or a file) into the model ``body`` called ``name``; the
    ImageNet classifier, whose names start with ``head``, is neither needed nor used.

    A finished cell fills more than a backbone: see ``start.continue_from``, later.
    """
    if weights == "imagenet":
        _load(body, _download(name), f"torchvision's {name}", head)
    elif weights is not None:
        found = read(weights)
        if found.params is None:
            _load(body, network_in(found, list(body.state_dict())), weights, head)


def find_weights(weights: str | None) -> None:
    """Raise WeightsError if ``weights`` names a file that is not there."""
    if weights not in (None, "imagenet"):
        locate(weights)


def _download(name: str) -> State:
    published = name in models.list_models(models)
    if not published:
        raise WeightsError(
            f"there are no ImageNet weights for {name}: use weights=None, or a backbone that has "
            "some, like resnet50 or resnet18"
        )
    entry = models.get_model_weights(name).IMAGENET1K_V1
    cached = downloaded(name)
    if cached and not digest(cached).startswith(_digits(entry.url)):
        raise WeightsError(
            f"{cached}: not the file that torchvision published under this name (its sha256 does "
            "not begin as its name says); delete it, and it is downloaded anew"
        )
    try:
        return entry.get_state_dict(progress=True, check_hash=True)
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        raise WeightsError(
            f"ImageNet weights for {name} could not be downloaded ({error}). "
            f"Without a network, give a file: weights='path/to/{name}.pth' "
            "(a torchvision state dict), or weights=None for a random start."
        ) from error


def downloaded(name: str) -> Path | None:
    """Where torch keeps torchvision's ImageNet weights of a backbone; None if it has none."""
    if name not in models.list_models(models):
        return None
    url = models.get_model_weights(name).IMAGENET1K_V1.url
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
    return path if path.is_file() else None


def _digits(url: str) -> str:
    """The first digits of the sha256, as torchvision writes them into a file's name."""
    return Path(url).stem.rpartition("-")[2]


def _load(body: nn.Module, state: State, source: str, head: str) -> None:
    """Put a state dict into a backbone, in float32; WeightsError names what does not fit."""
    given = {}
    for name, value in state.items():
        if not name.startswith(head):
            given[name] = value.float() if value.is_floating_point() else value
    faults = _faults(body, given, head)
    if faults:
        raise WeightsError(f"{source}: these weights do not fit the backbone: {'; '.join(faults)}")
    body.load_state_dict(given, strict=False)


def _faults(body: nn.Module, given: State, head: str) -> list[str]:
    """The first name of each kind that does not fit: another shape, missing, unknown."""
    shapes, missing = [], []
    wanted = body.state_dict()
    for name, value in wanted.items():
        if name.startswith(head):
            continue
        if name not in given and not name.endswith("num_batches_tracked"):
            missing.append(f"{name} is missing")
        elif name in given and given[name].shape != value.shape:
            shapes.append(f"{name} is {tuple(given[name].shape)}, not {tuple(value.shape)}")
    unknown = [f"{name} is unknown" for name in sorted(given.keys() - wanted.keys())]
    return shapes[:1] + missing[:1] + unknown[:1]
