"""What decides a synthetic twin: its kind, size, seed and dials, its parts, and who passes which
camera.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from .cameras import presence
from .person import VERSION
from .scenery import stream


class TwinError(ValueError):
    """A twin that cannot be rendered or read: ``problem``, ``file``, the ``rule`` it breaks and the
    ``remedy``.
    """

    def __init__(
        self, problem: str, *, file: Path | str | None = None, rule: str = "", remedy: str = ""
    ):
        self.problem, self.file, self.rule, self.remedy = problem, file, rule, remedy
        place = "" if file is None else f"{file}: "
        sentences = [
            f"{place}{problem}",
            rule and f"The rule: {rule}",
            remedy and f"Remedy: {remedy}",
        ]
        super().__init__(" ".join(sentence.rstrip(".") + "." for sentence in sentences if sentence))


KINDS = ("synthetic-regdb", "synthetic-sysu", "synthetic-llcm")
SIZES = ("smoke", "demo", "full")
#: Kinds whose validation people are in no split's train and test parts.
HELD_APART = ("synthetic-regdb", "synthetic-llcm")
#: Easy enough for a small network from scratch, far enough from zero to be worth the name.
DEFAULT_DIALS: dict[str, dict[str, float]] = {
    "synthetic-regdb": {"channel_gap": 0.5, "appearance_gap": 0.1},
    "synthetic-sysu": {"channel_gap": 0.4, "appearance_gap": 0.5},
    "synthetic-llcm": {"channel_gap": 0.4, "appearance_gap": 0.5},
}


@dataclass(frozen=True)
class Size:
    """Identities of each part, pictures of an identity in each modality, picture height and width
    in pixels.
    """

    train: int
    val: int
    test: int
    visible: int
    infrared: int
    height: int
    width: int

    @property
    def identities(self) -> int:
        return self.train + self.val + self.test


#: RegDB's splits halve the people anew each time, so the people held out for validation come on top
#: of them: nobody of these is trained on or tested in any split. SYSU-MM01's lists name their own.
#: The full SYSU twin has about 30,000 pictures (the real set 45,863): 62 an identity, over the
#: cameras it appears in.
SPECS: dict[str, dict[str, Size]] = {
    "synthetic-regdb": {
        "smoke": Size(16, 4, 8, 4, 4, 32, 16),
        "demo": Size(200, 20, 50, 10, 10, 64, 32),
        "full": Size(206, 40, 206, 10, 10, 288, 144),
    },
    "synthetic-sysu": {
        "smoke": Size(13, 3, 8, 4, 4, 32, 16),
        "demo": Size(180, 20, 50, 10, 10, 64, 32),
        "full": Size(296, 99, 96, 40, 22, 288, 144),
    },
    "synthetic-llcm": {
        "smoke": Size(13, 3, 8, 4, 4, 32, 16),
        "demo": Size(180, 20, 50, 10, 10, 64, 32),
        "full": Size(713, 40, 351, 23, 20, 288, 144),
    },
}


@dataclass(frozen=True)
class Twin:
    """Everything that decides a twin's bytes."""

    kind: str
    size: str
    seed: int
    channel_gap: float
    appearance_gap: float

    @property
    def spec(self) -> Size:
        return SPECS[self.kind][self.size]

    def card(self) -> dict:
        """The part of ``twin.json`` that two sets must share to be the same set."""
        return asdict(self) | {
            "renderer": VERSION,
            "height": self.spec.height,
            "width": self.spec.width,
        }


def settle(
    kind: str,
    size: str = "demo",
    seed: int = 0,
    channel_gap: float | None = None,
    appearance_gap: float | None = None,
) -> Twin:
    """Check the choices and fill in the default dials; TwinError names the bad one and what is
    allowed.
    """
    if kind not in KINDS:
        raise TwinError(
            f"there is no synthetic set {kind!r}", remedy=f"choose one of {', '.join(KINDS)}"
        )
    if size not in SIZES:
        raise TwinError(f"there is no size {size!r}", remedy=f"choose one of {', '.join(SIZES)}")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise TwinError(
            f"the seed is {seed!r}",
            rule="a seed is a whole number from 0",
            remedy="give seed=0, 1, 2, ...",
        )
    dials = {}
    for name, value in (("channel_gap", channel_gap), ("appearance_gap", appearance_gap)):
        value = DEFAULT_DIALS[kind][name] if value is None else value
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float | np.number)
            or not 0 <= value <= 1
        ):
            raise TwinError(
                f"{name} is {value!r}",
                rule="a dial is a number from 0 to 1",
                remedy=f"leave it out for {DEFAULT_DIALS[kind][name]}",
            )
        dials[name] = float(value)
    return Twin(kind, size, int(seed), **dials)


def folder_name(twin: Twin) -> str:
    """``<kind>-<size>-s<seed>-c<channel gap>-a<appearance gap>``: the folder of a set."""
    return f"{twin.kind}-{twin.size}-s{twin.seed}-c{twin.channel_gap}-a{twin.appearance_gap}"


@lru_cache(maxsize=64)
def parts(twin: Twin, split: int = 1) -> dict[str, list[int]]:
    """Identities of each part of one of the seeded splits (only RegDB has more than one); the
    result is shared, do not change it.
    """
    spec, people = twin.spec, first_people(twin)
    order = [int(i) + 1 for i in stream(twin.seed, "split", split).permutation(people)]
    test = order[people - spec.test :]
    held = order[spec.train : people - spec.test] or list(range(people + 1, spec.identities + 1))
    found = {"train": order[: spec.train], "val": held, "test": test}
    return {name: sorted(ids) for name, ids in found.items()}


def first_people(twin: Twin) -> int:
    """How many identities, from 1, the splits divide; those after them are held out of each."""
    spec = twin.spec
    return spec.identities - (spec.val if twin.kind in HELD_APART else 0)


@lru_cache(maxsize=4096)
def cameras(twin: Twin, identity: int) -> dict[bool, tuple[int, ...]]:
    """``{False: RGB cameras, True: infrared cameras}`` that catch an identity.

    SYSU: every fourth identity of each part never enters the indoor cameras (the real set: 40 of 96
    test identities).
    """
    outdoor_only = twin.kind == "synthetic-sysu" and any(
        identity in part[3::4] for part in parts(twin).values()
    )
    return presence(twin.kind, twin.seed, identity, outdoor_only)
