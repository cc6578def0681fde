"""One painting, three sensors: RGB, near infrared (NIR) and long-wave infrared (LWIR).

``channel_gap`` says how much of its own physics the infrared sensor sees: 0 is the luminance of the
RGB picture, 1 is reflectance under a lamp (NIR) or heat (LWIR), between is their weighted sum - so
its effect is monotonic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import FAR, HEAT, LIT, NIR, NX, NY

BANDS = ("nir", "lwir")
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Light:
    """Illumination of a shot: direction (unit-free, x to the right, y down, z to the camera), and
    its strength.
    """

    sun: float  # -1 .. 1, where from: left to right
    ambient: float  # share that comes from everywhere
    exposure: float
    warmth: float  # colour temperature: above 0 is yellowish
    tint: float  # above 0 is greenish
    veil: float  # share of stray light and haze
    lamp: float  # NIR: strength of the frontal lamp
    spread: float  # NIR: radius of its cone in picture heights
    weather: float  # LWIR: degrees Celsius on top of the table, surroundings only
    gain: float  # LWIR: degrees Celsius from black to white


@dataclass(frozen=True)
class Lens:
    """A camera: its blur (in picture heights), noise (fraction of full scale) and contrast."""

    blur: float
    noise: float
    contrast: float


def _lambert(layers: np.ndarray, light: Light) -> np.ndarray:
    nx, ny = layers[NX], layers[NY]
    nz = np.sqrt(np.clip(1.0 - nx * nx - ny * ny, 0.02, 1.0))
    direction = np.array([light.sun, -0.55, 0.75]) / np.sqrt(light.sun**2 + 0.55**2 + 0.75**2)
    facing = np.maximum(nx * direction[0] + ny * direction[1] + nz * direction[2], 0.0)
    # a flat patch facing the camera comes out near 1, so albedo reads as the picture's tone
    return (light.ambient * (1 - 0.22 * ny) + (1 - light.ambient) * 1.45 * facing).astype(
        np.float32
    ) * layers[LIT]


def rgb(layers: np.ndarray, light: Light) -> np.ndarray:
    """What an RGB sensor receives: ``[H, W, 3]`` float32 in 0..1, before lens and noise."""
    lit = _lambert(layers, light) * np.float32(light.exposure)
    tint = np.array([1 + light.warmth, 1 + light.tint, 1 - light.warmth], np.float32)
    seen = np.moveaxis(layers[:3], 0, -1) * lit[..., None]
    seen = (1 - light.veil) * seen + light.veil * 0.62
    return np.clip(seen * tint, 0.0, 1.0).astype(np.float32)


def luminance(layers: np.ndarray, light: Light) -> np.ndarray:
    """Rec. 601 luma of what an RGB sensor receives: ``[H, W]`` float32 in 0..1."""
    seen = rgb(layers, light)
    return LUMA[0] * seen[..., 0] + LUMA[1] * seen[..., 1] + LUMA[2] * seen[..., 2]


def nir(layers: np.ndarray, light: Light) -> np.ndarray:
    """Near infrared in the dark: reflectance under a frontal lamp, ``[H, W]`` float32 in 0..1."""
    nx, ny = layers[NX], layers[NY]
    nz = np.sqrt(np.clip(1.0 - nx * nx - ny * ny, 0.02, 1.0))
    height, width = nx.shape
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height - 0.42
    x = (np.arange(width, dtype=np.float32)[None, :] + 0.5 - width / 2) / height
    cone = np.exp(-(x * x + y * y) / np.float32(2 * light.spread**2))
    # the lamp's light spreads with the square of the distance; stray light keeps the far end from
    # pure black
    fall = np.float32(light.lamp) / np.maximum(layers[FAR], 0.7) ** 1.7 * cone + 0.035
    return np.clip(layers[NIR] * (0.30 + 0.78 * nz) * fall, 0.0, 1.0).astype(np.float32)


def lwir(layers: np.ndarray, light: Light) -> np.ndarray:
    """Long-wave infrared: heat mapped by the camera's gain, ``[H, W]`` float32 in 0..1 (no lamp, no
    sun, no shadow).
    """
    nx, ny = layers[NX], layers[NY]
    warm = np.where(layers[FAR] > 1.01, layers[HEAT] + np.float32(light.weather), layers[HEAT])
    # cloth seen at a grazing angle shows its cool outside and reflects the surroundings
    warm = warm - np.float32(3.2) * np.minimum(nx * nx + ny * ny, 1.2)
    grey = np.clip((warm - (33.0 - light.gain)) / np.float32(light.gain), 0.0, 1.0)
    return (grey**0.9).astype(np.float32)


def _finish(seen: np.ndarray, lens: Lens, rng: np.random.Generator) -> np.ndarray:
    """Lens blur, contrast, noise; ``[H, W]`` or ``[H, W, 3]`` float in 0..1 -> uint8 of the same
    shape.
    """
    # only rendering needs it, and every run opens this module
    from scipy.ndimage import gaussian_filter

    sigma = lens.blur * seen.shape[0]
    if sigma > 0.15:
        seen = gaussian_filter(seen, (sigma, sigma, 0)[: seen.ndim], truncate=2.5)
    seen = (seen - 0.5) * np.float32(lens.contrast) + 0.5
    seen = seen + np.float32(lens.noise) * rng.standard_normal(seen.shape, dtype=np.float32)
    return np.clip(np.rint(seen * 255), 0, 255).astype(np.uint8)


def shoot_rgb(layers: np.ndarray, light: Light, lens: Lens, rng: np.random.Generator) -> np.ndarray:
    """The RGB picture ``[H, W, 3]`` uint8."""
    seen = rgb(layers, light)
    # most sensor noise is shared by the channels after demosaicing
    grey = rng.standard_normal(seen.shape[:2], dtype=np.float32)[..., None]
    return _finish(
        seen + np.float32(0.8 * lens.noise) * grey,
        Lens(lens.blur, 0.4 * lens.noise, lens.contrast),
        rng,
    )


def shoot_infrared(
    layers: np.ndarray,
    light: Light,
    lens: Lens,
    band: str,
    channel_gap: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """The infrared picture ``[H, W, 3]`` uint8, three equal channels as the real sets store it."""
    physics = {"nir": nir, "lwir": lwir}[band](layers, light)
    grey = (
        np.float32(1 - channel_gap) * luminance(layers, light) + np.float32(channel_gap) * physics
    )
    return np.repeat(_finish(grey, lens, rng)[..., None], 3, axis=2)
