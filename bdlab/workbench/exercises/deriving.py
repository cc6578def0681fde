"""Exercise 1: eq. 1, two pictures and ten numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bdlab.network import Encoder, Generator

from .marking import Case, Exercise, Mark, Trap, mark

Array = np.ndarray


def derive(yours: Callable[..., Any]) -> Mark:
    """Exercise 1, eq. 1: ``yours(visible [3, H, W], infrared [1, H, W], e [3], b, g [3], c [3]) ->
    (D_V, D_I)``, both [3, H, W].
    """
    return mark(yours, DERIVE)


def _derived(
    visible: Array, infrared: Array, e: Array, b: float, g: Array, c: Array
) -> tuple[Array, Array]:
    """The network's own E_V and G_S with these ten numbers."""
    encoder, generator = Encoder().double(), Generator().double()
    numbers = {
        encoder.conv.weight: e,
        encoder.conv.bias: b,
        generator.conv.weight: g,
        generator.conv.bias: c,
    }
    with torch.no_grad():
        for parameter, value in numbers.items():
            parameter.copy_(torch.as_tensor(value, dtype=torch.float64).reshape(parameter.shape))
        x, y = (
            torch.from_numpy(np.asarray(picture, dtype=np.float64))[None]
            for picture in (visible, infrared)
        )
        return generator(encoder(x))[0].numpy(), generator(y)[0].numpy()


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _mix(planes: Array, weights: Array) -> Array:
    """[3, H, W] -> [1, H, W], the weighted sum."""
    return np.tensordot(weights, planes, 1)[None]


def _spread(plane: Array, g: Array, c: Array) -> Array:
    """[1, H, W] -> [3, H, W], a weight and a bias a channel."""
    return plane * np.reshape(g, (3, 1, 1)) + np.reshape(c, (3, 1, 1))


def _pictures() -> list[Case]:
    rng = np.random.default_rng(1)
    light, dark = rng.uniform(0.2, 2, (3, 4, 2)), rng.normal(-0.4, 1, (3, 4, 2))
    infrared = rng.normal(0.3, 1, (1, 4, 2))
    e, g, c, none = (
        np.array([0.5, 0.3, 0.1]),
        np.array([0.9, 0.4, 1.3]),
        np.array([0.2, -0.1, 0.3]),
        np.zeros(3),
    )
    return [
        Case("a light picture, all biases 0", (light, _relu(infrared) + 0.1, e, 0.0, g, none)),
        Case("a light picture, with biases", (light, _relu(infrared) + 0.1, e, 0.15, g, c)),
        Case(
            "pictures with dark pixels, below 0 as normalised ones are",
            (dark, infrared, e, 0.15, g, c),
        ),
        Case(
            "a negative weight in E_V and in G_S",
            (dark, infrared, e * [1, -1, 1], -0.2, g * [1, 1, -1], c),
        ),
    ]


DERIVE = Exercise(
    "derive",
    _pictures(),
    _derived,
    ("D_V", "D_I"),
    [
        Trap(
            lambda v, i, e, b, g, c: (_spread(_mix(v, e) + b, g, c), _spread(i, g, c)),
            (
                "Light pictures come out right, dark ones do not. What follows the convolution in "
                "E_V? What can it never be after that?"
            ),
        ),
        Trap(
            lambda v, i, e, b, g, c: (
                _relu(_spread(_relu(_mix(v, e) + b), g, c)),
                _relu(_spread(i, g, c)),
            ),
            "Only one of the two parts ends in a ReLU. Is it the encoder or the generator?",
        ),
        Trap(
            lambda v, i, e, b, g, c: (
                _spread(_relu(_mix(v, e) + b), g, c),
                _spread(_relu(i), g, c),
            ),
            "The infrared picture goes into G_S as it is. Whose ReLU did you put before it?",
        ),
        Trap(
            lambda v, i, e, b, g, c: (
                _spread(_relu(_mix(v, e) + b), g, c),
                _spread(_relu(i * e.sum() + b), g, c),
            ),
            (
                "D_V is right. For D_I look at eq. 1 again: does the infrared picture, one channel "
                "already, pass through E_V?"
            ),
        ),
        Trap(
            lambda v, i, e, b, g, c: (_spread(_relu(_mix(v, e)), g, c), _spread(i, g, c)),
            (
                "Right while the biases are 0. E_V has four numbers, not three: where does the "
                "fourth go, before or after the ReLU?"
            ),
        ),
        Trap(
            lambda v, i, e, b, g, c: (_spread(_relu(_mix(v, e)) + b, g, c), _spread(i, g, c)),
            (
                "E_V's bias belongs to its convolution, so it is added before the ReLU clips, not "
                "after."
            ),
        ),
        Trap(
            lambda v, i, e, b, g, c: (
                _spread(_relu(_mix(v, e) + b), g, 0 * c),
                _spread(i, g, 0 * c),
            ),
            (
                "Right while the biases are 0. G_S has six numbers: a weight and a bias for each "
                "channel that comes out."
            ),
        ),
        Trap(
            lambda v, i, e, b, g, c: (
                _spread(_relu(v * np.reshape(e, (3, 1, 1)) + b), g, c),
                _spread(i, g, c),
            ),
            (
                "Your E_V keeps the three colours apart. It has ONE kernel over all three: how "
                "many channels come out of it?"
            ),
        ),
        Trap(
            lambda v, i, e, b, g, c: (_spread(v, g, c), _spread(i, g, c)),
            (
                "The visible picture goes into G_S as three channels. G_S takes one: which part "
                "makes one of three?"
            ),
        ),
        Trap(
            lambda v, i, e, b, g, c: (
                _spread(_relu(v.mean(0, keepdims=True) + b), g, c),
                _spread(i, g, c),
            ),
            (
                "You average the colours. The weights e are learned and need not be equal, nor sum "
                "to one."
            ),
        ),
        Trap(
            lambda *a: _derived(*a)[::-1],
            "Both pictures are right, but they come back in the wrong order: D_V first, then D_I.",
        ),
    ],
    "D_V depends on the colours through one weighted sum a pixel, clipped at 0; D_I is I with its "
    "contrast and level changed, "
    "channel by channel.",
)
