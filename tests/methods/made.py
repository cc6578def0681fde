"""A rival of any name on noise: its configuration, network, objective and one batch."""

import torch

from bdlab import rules
from bdlab.config import from_flat, preset
from bdlab.methods import METHODS
from bdlab.methods.objective import Batch
from bdlab.modality import BASE

PAIRS = {"V I": "V-I", "V I DV": "V-I I-DV", "V I DV DI": "V-I V-DI I-DV"}
OWN = sorted(set(METHODS) - {"base-derivative"})


def config(method, **changes):
    modalities = rules.METHODS[method] or "V I"
    more = {"generator_lr": 0.001} if method == "gan" else {}
    base = {
        "method": method,
        "modalities": modalities,
        "pairs": PAIRS[modalities],
        "triplet_ramp": 0.0,
    } | more
    return from_flat(preset("smoke", "synthetic-regdb") | base | changes)


def made(method, people=5, **changes):
    """(network, objective) of a method, from a fixed random start."""
    torch.manual_seed(0)
    return METHODS[method](config(method, **changes), people)


def batch(people=4, shots=2, size=(64, 32), progress=0.5):
    """Every person a colour of their own, with noise: something to learn."""
    labels = torch.arange(people).repeat_interleave(shots)
    look = torch.Generator().manual_seed(1)
    looks = {m: torch.randn(people, 3, 1, 1, generator=look)[labels] for m in BASE}
    images = {m: looks[m] + 0.3 * torch.randn(len(labels), 3, *size, generator=look) for m in BASE}
    return Batch(images, dict.fromkeys(BASE, labels), progress)


def gradients(net, term):
    """Names of the parameters that a term's gradient reaches (not only with zeros)."""
    net.zero_grad(set_to_none=True)
    term.backward(retain_graph=True)
    return {
        name for name, p in net.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0
    }
