"""The four modalities of the paper and the graphs of cross-modality constraints between them.

V and I are the *base* modalities (visible, infrared); DV = G_S(E_V(V)) and DI = G_S(I) are
*derivative* (section II-A). A graph is a tuple of unordered pairs; each pair stands for the two
directed losses of eq. 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Modality(StrEnum):
    """One of the paper's four modalities; its value is the short name used in files and on the
    command line.
    """

    V = "V"
    I = "I"
    DV = "DV"
    DI = "DI"

    @property
    def parent(self) -> Modality:
        """The base modality this one is made from (a base modality is its own parent)."""
        return {"DV": Modality.V, "DI": Modality.I}.get(self.value, self)

    @property
    def title(self) -> str:  # type: ignore[override]  # text has a method of this name
        """The name a figure or a sentence uses."""
        return {
            "V": "visible",
            "I": "infrared",
            "DV": "D_V (from visible)",
            "DI": "D_I (from infrared)",
        }[self.value]


Pair = tuple[Modality, Modality]

BASE = (Modality.V, Modality.I)
DERIVATIVE = (Modality.DV, Modality.DI)


class ModalityError(ValueError):
    """A modality or a pair that the framework does not have."""


def parse_modality(name: str) -> Modality:
    """``"DV"`` -> ``Modality.DV``; raises ModalityError naming the value and the four there are."""
    try:
        return Modality(str(name).strip().upper())
    except ValueError:
        raise ModalityError(f"unknown modality {name!r}: the four are V, I, DV, DI") from None


def parse_modalities(text: str) -> tuple[Modality, ...]:
    """``"V I DV"`` -> three modalities, in the order of the enumeration; raises ModalityError.

    The base modalities must both be there: without one of them there is nothing to match across.
    """
    modalities = [parse_modality(name) for name in text.split()]
    if len(set(modalities)) != len(modalities):
        raise ModalityError(f"a modality is named twice in {text!r}")
    if missing := [m.value for m in BASE if m not in modalities]:
        raise ModalityError(
            f"{text!r} lacks {' and '.join(missing)}: "
            "both base modalities are needed to match across them"
        )
    return tuple(m for m in Modality if m in modalities)


def parse_pairs(text: str) -> tuple[Pair, ...]:
    """``"V-I V-DI I-DV"`` -> the tuple of pairs; a graph's name (``"mdl4"``) is accepted too.

    Raises ModalityError for an unknown modality, a modality paired with itself, or a pair given
    twice (in either order: a pair is two directions already).
    """
    if text.strip().lower() in MDL_GRAPHS:
        return MDL_GRAPHS[text.strip().lower()]
    pairs: list[Pair] = []
    for word in text.split():
        ends = word.split("-")
        if len(ends) != 2:
            graphs = ", ".join(MDL_GRAPHS)
            raise ModalityError(
                f"{word!r} is not a pair like V-DI nor the name of a graph ({graphs})"
            )
        a, b = (parse_modality(end) for end in ends)
        if a is b:
            raise ModalityError(
                f"{word!r} pairs a modality with itself; that is the intra-modality loss (MML)"
            )
        if (a, b) in pairs or (b, a) in pairs:
            raise ModalityError(f"the pair {word!r} is given twice in {text!r}")
        pairs.append((a, b))
    return tuple(pairs)


def format_pairs(pairs: tuple[Pair, ...]) -> str:
    """The inverse of parse_pairs: ``"V-I V-DI I-DV"``."""
    return " ".join(f"{a}-{b}" for a, b in pairs)


def check_pairs(modalities: Sequence[Modality], pairs: Sequence[Pair]) -> None:
    """Raise ModalityError if a pair names a modality outside ``modalities``."""
    for a, b in pairs:
        if a not in modalities or b not in modalities:
            names = ", ".join(modalities)
            raise ModalityError(f"the pair {a}-{b} needs features of both; there are only {names}")


_V, _I, _DV, _DI = Modality

#: The graphs of Fig. 2 and Table IV by name. ``mdl4`` is the paper's own; its superscripts are
#: ours.
MDL_GRAPHS: dict[str, tuple[Pair, ...]] = {
    "none": (),
    "base": ((_V, _I),),
    "mdl1": ((_V, _I), (_V, _DI)),
    "mdl2": ((_V, _I), (_I, _DV)),
    "mdl3": ((_V, _I), (_V, _DI), (_I, _DV), (_DI, _DV)),
    "mdl4": ((_V, _I), (_V, _DI), (_I, _DV)),
}
