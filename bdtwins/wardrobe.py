"""Who the synthetic people are: a body, clothes, hair and bags drawn from a random stream, and what
things are made of.

Identity lives in what infrared keeps (proportions, cut, hem and sleeve length, layers, hair, bags,
warmth of each garment); colours and prints come on top and are drawn independently of the material:
that is the point of the twins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: material -> NIR reflectance (mean, sd), temperature in degrees Celsius on a mild day (mean, sd),
#: depth of its folds. Reflectances follow the literature's gist, not one source: most dyes are
#: transparent near 850 nm, so dyed cloth is bright whatever its colour; leather and rubber are
#: dark; leaves are very bright; glass and sky are cold in long wave.
MATERIALS: dict[str, tuple[float, float, float, float, float]] = {
    "skin": (0.72, 0.05, 33.4, 0.5, 0.0),
    "hair": (0.36, 0.12, 26.5, 1.0, 0.5),
    "tee": (0.66, 0.16, 29.8, 1.1, 0.8),
    "shirt": (0.62, 0.18, 29.2, 1.1, 1.0),
    "knit": (0.60, 0.18, 27.6, 1.2, 0.9),
    "jacket": (0.50, 0.20, 25.6, 1.3, 1.1),
    "down": (0.56, 0.18, 23.4, 1.0, 1.4),
    "leather": (0.24, 0.10, 25.4, 1.0, 0.9),
    "denim": (0.58, 0.14, 28.4, 0.9, 0.8),
    "twill": (0.60, 0.18, 28.2, 1.1, 0.7),
    "light": (0.64, 0.18, 29.4, 1.0, 1.0),
    "shoe": (0.42, 0.20, 24.0, 1.5, 0.0),
    "bag": (0.40, 0.20, 19.5, 1.4, 0.5),
}

UPPERS = ("tee", "shirt", "hoodie", "jacket", "open", "coat", "dress", "tank")
LOWERS = ("trousers", "wide", "slim", "shorts", "skirt", "long skirt")
HAIRS = ("crop", "short", "medium", "long", "bun", "ponytail", "afro", "bald")
HATS = ("none", "cap", "beanie", "brim", "hood")
BAGS = ("none", "backpack", "shoulder", "handbag", "waist")
PRINTS = ("plain", "stripes", "pinstripes", "checks", "logo", "block", "bands")


@dataclass(frozen=True)
class Cloth:
    """One garment's surface: ``surface`` is five values (red, green, blue, NIR 0..1, heat in
    degrees Celsius).
    """

    surface: np.ndarray
    crease: float


@dataclass(frozen=True)
class Person:
    """One identity. Lengths are metres or fractions of the height; factors are about 1; angles are
    radians.
    """

    height: float
    build: float
    shoulders: float
    hips: float
    legs: float
    head: float
    belly: float
    stoop: float
    stride: float
    stance: float
    swing: float
    skin: Cloth
    hair: str
    hair_cloth: Cloth
    hat: str
    hat_cloth: Cloth
    beard: bool
    upper: str
    upper_cloth: Cloth
    inner_cloth: Cloth
    hem: float
    sleeve: float
    loose: float
    opening: float
    print: str
    print_colour: np.ndarray
    period: float
    lower: str
    lower_cloth: Cloth
    length: float
    shoe_cloth: Cloth
    boots: bool
    socks: bool
    bag: str
    bag_cloth: Cloth
    bag_size: float
    bag_side: int


def colour(rng: np.random.Generator, sober: float = 0.5) -> np.ndarray:
    """A cloth's albedo ``[3]`` float32: dark, light or (with chance ``1 - sober``) coloured, rarely
    vivid.
    """
    kind = rng.random()
    if kind < sober:
        value, warmth = (
            (rng.uniform(0.07, 0.30), 0.06)
            if rng.random() < 0.55
            else (rng.uniform(0.40, 0.88), 0.06)
        )
        return np.clip(
            value * (1 + 2 * warmth * rng.standard_normal() * np.array([1.0, 0.1, -1.0])),
            0.03,
            0.92,
        ).astype(np.float32)
    hue, value = rng.random(), rng.uniform(0.18, 0.62)
    saturation = rng.uniform(0.15, 0.52)
    k = (np.array([5.0, 3.0, 1.0]) + hue * 6) % 6
    rgb = value * (1 - saturation * np.clip(np.minimum(k, 4 - k), 0, 1))
    return np.clip(rgb, 0.03, 0.92).astype(np.float32)


def cloth(rng: np.random.Generator, material: str, albedo: np.ndarray) -> Cloth:
    """A surface of one material: NIR and heat are drawn from the table, whatever the colour."""
    nir, nir_sd, heat, heat_sd, crease = MATERIALS[material]
    values = [*albedo, np.clip(rng.normal(nir, nir_sd), 0.06, 0.95), rng.normal(heat, heat_sd)]
    return Cloth(np.array(values, np.float32), crease)


def _pick(rng: np.random.Generator, weights: dict[str, float]) -> str:
    names = list(weights)
    odds = np.array([weights[name] for name in names])
    return names[int(rng.choice(len(names), p=odds / odds.sum()))]


def person(rng: np.random.Generator) -> Person:
    """Draw one identity from ``rng``."""
    body = _body(rng)
    upper = _pick(
        rng,
        {
            "tee": 20,
            "shirt": 12,
            "hoodie": 14,
            "jacket": 15,
            "open": 15,
            "coat": 8,
            "dress": 9,
            "tank": 7,
        },
    )
    return Person(
        **body, **_upper(rng, upper), **_lower(rng, upper), **_head(rng, upper), **_bag(rng)
    )


def _body(rng: np.random.Generator) -> dict:
    return {
        "height": float(np.clip(rng.normal(1.72, 0.10), 1.48, 1.98)),
        "build": float(np.clip(rng.normal(1.04, 0.15), 0.80, 1.45)),
        "shoulders": float(np.clip(rng.normal(1.0, 0.09), 0.80, 1.22)),
        "hips": float(np.clip(rng.normal(1.0, 0.09), 0.82, 1.22)),
        "legs": float(np.clip(rng.normal(0.50, 0.017), 0.455, 0.54)),
        "head": float(np.clip(rng.normal(0.98, 0.05), 0.87, 1.1)),
        "belly": float(max(0.0, rng.normal(0.0, 0.5))),
        "stoop": float(np.clip(rng.normal(0.04, 0.05), -0.04, 0.18)),
        "stride": float(rng.uniform(0.6, 1.2)),
        "stance": float(rng.uniform(0.6, 1.7)),
        "swing": float(rng.uniform(0.5, 1.3)),
    }


def _upper(rng: np.random.Generator, upper: str) -> dict:
    materials = {
        "tee": {"tee": 1},
        "tank": {"tee": 1},
        "shirt": {"shirt": 1},
        "hoodie": {"knit": 1},
        "dress": {"light": 1},
        "jacket": {"jacket": 5, "down": 3, "leather": 2},
        "open": {"jacket": 4, "knit": 3, "leather": 2},
        "coat": {"knit": 2, "down": 2, "jacket": 1},
    }
    hems = {
        "coat": (0.24, 0.40),
        "dress": (0.18, 0.38),
        "jacket": (0.44, 0.50),
        "open": (0.40, 0.49),
    }
    sleeve = {"tank": 0.0, "tee": rng.uniform(0.28, 0.55)}.get(upper, 1.0)
    if upper in ("shirt", "dress") and rng.random() < 0.5:
        sleeve = rng.uniform(0.3, 0.62)
    print_name = _pick(
        rng,
        {
            "plain": 42,
            "stripes": 12,
            "pinstripes": 7,
            "checks": 9,
            "logo": 14,
            "block": 9,
            "bands": 7,
        },
    )
    return {
        "upper": upper,
        "upper_cloth": cloth(rng, _pick(rng, materials[upper]), colour(rng)),
        "inner_cloth": cloth(rng, "tee", colour(rng, 0.65)),
        "hem": float(rng.uniform(*hems.get(upper, (0.435, 0.52)))),
        "sleeve": float(sleeve),
        "loose": float(rng.uniform(0.0, 1.0))
        + (0.5 if upper in ("coat", "jacket", "hoodie", "open") else 0.0),
        "opening": float(rng.uniform(0.25, 0.75)),
        "print": print_name,
        "print_colour": colour(rng, 0.4),
        "period": float(rng.uniform(0.05, 0.13)),
    }


def _lower(rng: np.random.Generator, upper: str) -> dict:
    lower = _pick(
        rng, {"trousers": 34, "slim": 20, "wide": 12, "shorts": 20, "skirt": 9, "long skirt": 5}
    )
    if upper == "dress":
        lower = "slim" if rng.random() < 0.3 else "bare"
    # how far down the leg the cloth reaches: 0 = hip, 0.5 = knee, 1 = ankle
    reach = {
        "shorts": (0.28, 0.56),
        "skirt": (0.28, 0.52),
        "long skirt": (0.66, 0.92),
        "bare": (0.12, 0.13),
    }.get(lower, (0.90, 1.0))
    if lower == "slim" and rng.random() < 0.25:
        reach = (0.68, 0.8)
    navy = np.array([0.13, 0.17, 0.27], np.float32) * rng.uniform(0.6, 2.0)
    material = _pick(rng, {"denim": 4, "twill": 4, "light": 2})
    return {
        "lower": lower,
        "lower_cloth": cloth(rng, material, navy if rng.random() < 0.35 else colour(rng, 0.72)),
        "length": float(rng.uniform(*reach)),
        "shoe_cloth": cloth(rng, "shoe", colour(rng, 0.8)),
        "boots": bool(rng.random() < 0.15),
        "socks": bool(rng.random() < 0.4),
    }


def _head(rng: np.random.Generator, upper: str) -> dict:
    tone = rng.uniform(0.25, 0.82) * np.array([1.0, 0.79, 0.66])
    hair_colour = (
        np.array([1.0, 0.78, 0.58]) * _pick_value(rng, ((0.09, 6), (0.2, 3), (0.48, 2)))
        if rng.random() < 0.85
        else np.full(3, 0.62)
    )
    hair = _pick(
        rng,
        {
            "crop": 16,
            "short": 24,
            "medium": 12,
            "long": 17,
            "bun": 8,
            "ponytail": 9,
            "afro": 6,
            "bald": 8,
        },
    )
    hat = _pick(rng, {"none": 66, "cap": 13, "beanie": 11, "brim": 5, "hood": 5})
    if hat == "hood" and upper not in ("hoodie", "coat"):
        hat = "none"
    return {
        "skin": cloth(rng, "skin", tone.astype(np.float32)),
        "hair": hair,
        "hair_cloth": cloth(
            rng, "hair", np.clip(hair_colour * rng.uniform(0.7, 1.3), 0.03, 0.8).astype(np.float32)
        ),
        "hat": hat,
        "hat_cloth": cloth(rng, "knit", colour(rng)),
        "beard": bool(hair in ("crop", "short", "bald", "afro") and rng.random() < 0.22),
    }


def _pick_value(rng: np.random.Generator, pairs: tuple[tuple[float, float], ...]) -> float:
    odds = np.array([weight for _, weight in pairs])
    return pairs[int(rng.choice(len(pairs), p=odds / odds.sum()))][0]


def _bag(rng: np.random.Generator) -> dict:
    return {
        "bag": _pick(rng, {"none": 42, "backpack": 22, "shoulder": 17, "handbag": 14, "waist": 5}),
        "bag_cloth": cloth(rng, "bag", colour(rng, 0.55)),
        "bag_size": float(rng.uniform(0.75, 1.3)),
        "bag_side": int(rng.choice((-1, 1))),
    }
