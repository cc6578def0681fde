"""Plain data that every floor may ask: the published protocols, the data sets that follow them, and
the names of the methods.

A protocol is a record: its settings, who is query and who is gallery, what does not count, how a
gallery is drawn, what the real set holds and which columns of the paper it belongs to. A new
protocol is one more record in ``PROTOCOLS``. Nothing here computes on pictures.
"""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Setting:
    """One way a protocol is asked.

    ``query`` is the modality that asks, "V" or "I". ``cameras`` the gallery is drawn from (empty:
    all of them); ``shots`` pictures of an identity and camera are drawn (0: all pictures stand in
    the gallery). ``drawn`` says which side is drawn. ``counts`` are the published queries, gallery
    pictures and queries with a match. ``paper`` is the paper's column (data set, mode), if it
    prints one; ``aside``: shown in long tables only.
    """

    name: str
    title: str
    words: str
    query: str
    mode: str = ""
    cameras: tuple[int, ...] = ()
    shots: int = 0
    drawn: str = "gallery"
    counts: Mapping[str, int] = field(default_factory=dict)
    paper: tuple[str, str] | None = None
    aside: bool = False


@dataclass(frozen=True)
class Protocol:
    """A published protocol: how a trained network is tested on one kind of set.

    ``visible`` and ``infrared`` are the cameras of the modalities (empty: one camera pair, without
    numbers). ``blind`` holds pairs (query camera, gallery camera) of which nothing counts;
    ``same_camera`` leaves out pictures of the query's own identity and camera. ``unique_ids``: CMC
    counts distinct identities. ``draws`` are the gallery draws it knows, the default first;
    ``trials`` of them are averaged. ``wholes`` are the forms in which the real set is whole on
    disk, ``parts`` what its parts hold. ``tuned`` are the paper's parameters on this set (III-C).
    """

    name: str
    title: str
    source: str
    settings: tuple[Setting, ...]
    visible: tuple[int, ...] = ()
    infrared: tuple[int, ...] = ()
    indoor: tuple[int, ...] = ()
    blind: frozenset[tuple[int, int]] = frozenset()
    same_camera: bool = False
    camera_rule: str = "none"
    unique_ids: bool = False
    draws: tuple[str, ...] = ("all pictures of the split",)
    trials: int = 1
    splits: int = 1
    wholes: tuple[Mapping[str, int], ...] = ()
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    tuned: Mapping[str, Any] = field(default_factory=dict)
    paper_epochs: int = 60
    holds_out: bool = False  # whether the real set names identities for validation

    def __getitem__(self, setting: str) -> Setting:
        """The setting of that name; KeyError naming those that exist."""
        for one in self.settings:
            if one.name == setting:
                return one
        raise KeyError(f"{setting!r}: {self.title} is asked by {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the settings, in order."""
        return tuple(setting.name for setting in self.settings)

    @property
    def has_cameras(self) -> bool:
        """Whether the protocol needs to know which camera took a picture."""
        return bool(self.visible)

    @property
    def is_drawn(self) -> bool:
        """Whether galleries are drawn; else every picture of the other modality stands in them."""
        return any(setting.shots for setting in self.settings)

    @property
    def excludes(self) -> bool:
        """Whether anything is ever left out of a gallery."""
        return bool(self.blind) or self.same_camera

    @property
    def both_ways(self) -> bool:
        """Whether either modality asks in some setting."""
        return len({setting.query for setting in self.settings}) == 2

    def cameras(self, modality: str) -> tuple[int, ...]:
        """The cameras of "V" or "I"."""
        return self.visible if modality == "V" else self.infrared

    def excluded(self, query_camera: Any, gallery_camera: Any, same_identity: Any = False) -> Any:
        """Whether a gallery picture does not exist for a query: the one camera rule.

        Numbers, or integer arrays that broadcast; ``same_identity`` likewise, bool.
        """
        rules = [(query_camera == a) & (gallery_camera == b) for a, b in sorted(self.blind)]
        if self.same_camera:
            rules.append((query_camera == gallery_camera) & same_identity)
        if not rules:  # false everywhere, in the shape the two have together
            return (query_camera != query_camera) & (gallery_camera != gallery_camera)
        return functools.reduce(operator.or_, rules)

    def excluded_either(self, camera: Any, other: Any, same_identity: Any = False) -> Any:
        """``excluded`` whoever of the two asks: for pairs that have no query."""
        return self.excluded(camera, other, same_identity) | self.excluded(
            other, camera, same_identity
        )


# -- the published protocols
# ----------------------------------------------------------------------------------------------

REGDB = Protocol(
    name="regdb",
    title="RegDB",
    source="ask Dongguk University (dm.dongguk.edu) for RegDB (an agreement)",
    settings=tuple(
        Setting(
            name, title, words, query, mode=name,
            counts={"queries": 2060, "gallery": 2060, "valid_queries": 2060}, paper=paper,
        )
        for name, title, words, query, paper in (
            ("v2t", "visible to infrared", "visible asks infrared", "V", ("regdb", "v2t")),
            ("t2v", "infrared to visible", "infrared asks visible", "I", None),
        )
    ),
    splits=10,
    wholes=({"identities": 412, "visible pictures": 4120, "infrared pictures": 4120},),
    parts={
        part: {"identities": 206, "visible pictures": 2060, "infrared pictures": 2060}
        for part in ("train", "test")
    },
    tuned={"gamma": 5.0},
    paper_epochs=60,
)  # fmt: skip

_SYSU_QUERIES = {"all": {"queries": 3803}, "indoor": {"queries": 3803, "valid_queries": 2208}}
_SYSU_GALLERY = {("all", 1): 301, ("all", 10): 3010, ("indoor", 1): 112, ("indoor", 10): 1120}
_SYSU_CAMERAS = {"all": (1, 2, 4, 5), "indoor": (1, 2)}

#: Pictures of the 513 identity folders on disk, or of the 491 identities that the lists name.
SYSU = Protocol(
    name="sysu",
    title="SYSU-MM01",
    source="ask Sun Yat-sen University for SYSU-MM01 (a signed agreement)",
    settings=tuple(
        Setting(
            f"{mode}-{kind}", f"{mode}-search" + (", multi-shot" if shots > 1 else ""),
            f"infrared asks visible, {mode}-search, {shots} a camera", "I", mode=mode,
            cameras=_SYSU_CAMERAS[mode], shots=shots,
            counts=_SYSU_QUERIES[mode] | {"gallery": _SYSU_GALLERY[mode, shots]},
            paper=("sysu", mode) if shots == 1 else None, aside=shots > 1,
        )
        for mode in ("all", "indoor")
        for kind, shots in (("single", 1), ("multi", 10))
    ),
    visible=(1, 2, 4, 5),
    infrared=(3, 6),
    indoor=(1, 2, 3),
    blind=frozenset({(3, 2)}),
    camera_rule="a camera-3 query skips all of camera 2",
    unique_ids=True,
    draws=("seeded", "official"),
    trials=10,
    wholes=(
        {"identities": 513, "visible pictures": 30071, "infrared pictures": 15792},
        {"identities": 491, "visible pictures": 29033, "infrared pictures": 15712},
    ),
    parts={
        "train": {"identities": 395, "visible pictures": 22258, "infrared pictures": 11909},
        "test": {"identities": 96, "visible pictures": 6775, "infrared pictures": 3803},
    },
    tuned={"gamma": 1.0},
    paper_epochs=80,
    holds_out=True,
)  # fmt: skip

#: LLCM (Zhang and Wang, CVPR 2023). "v2t-as-code" is what the public test scripts do for VIS to IR:
#: the drawn infrared pictures ask all visible ones. Numbers of the two readings cannot be compared.
#: The paper has no LLCM; its parameters on SYSU-MM01 are taken.
LLCM = Protocol(
    name="llcm",
    title="LLCM",
    source="ask Xiamen University for LLCM (a signed agreement)",
    settings=(
        Setting("t2v", "infrared to visible", "infrared asks visible", "I", mode="t2v", shots=1),
        Setting("v2t", "visible to infrared", "visible asks infrared", "V", mode="v2t", shots=1),
        Setting(
            "v2t-as-code", "visible to infrared, as the public test code",
            "drawn infrared pictures ask all visible ones", "I", mode="v2t-as-code", shots=1,
            drawn="query",
        ),
    ),
    visible=(1, 2, 3, 4, 5, 6, 7, 8, 9),
    infrared=(1, 2, 4, 5, 6, 7, 8, 9),
    same_camera=True,
    camera_rule="a query skips its own identity's pictures of its own camera",
    unique_ids=True,
    draws=("seeded",),
    trials=10,
    wholes=({"identities": 1064, "pictures": 46767},),
    parts={
        "train": {"identities": 713},
        "test": {"identities": 1064 - 713},
        "all": {"pictures": 46767},
    },
    tuned={"gamma": 1.0},
    paper_epochs=80,
)  # fmt: skip

PROTOCOLS: dict[str, Protocol] = {p.name: p for p in (REGDB, SYSU, LLCM)}


def declaring(protocol: Protocol, exclude: str) -> Protocol:
    """A protocol with the camera rule a set of one's own declares: "none" (the protocol's own),
    "camera" (a person's pictures by the query's own camera do not count) or "sysu" (SYSU-MM01's).
    """
    if exclude == "camera":
        words = "a person's pictures by the query's own camera do not count"
        return replace(protocol, same_camera=True, camera_rule=words)
    if exclude == "sysu":
        return replace(protocol, blind=SYSU.blind, camera_rule=SYSU.camera_rule)
    if exclude != "none":
        raise ValueError(f"exclude = {exclude!r}: none, camera or sysu is meant")
    return protocol


def every_setting() -> list[Setting]:
    """The settings of all protocols, the main ones first; of one name, the first protocol's."""
    by_name: dict[str, Setting] = {}
    for protocol in PROTOCOLS.values():
        for setting in protocol.settings:
            by_name.setdefault(setting.name, setting)
    return sorted(by_name.values(), key=lambda setting: setting.aside)


# -- the data sets
# ----------------------------------------------------------------------------------------------

TWIN = "synthetic-"
#: Rendered stand-ins, one for each protocol; what is the user's own is tested as RegDB is.
TWINS = tuple(TWIN + name for name in PROTOCOLS)
OWN = "folder"
DATASETS = (*PROTOCOLS, OWN, *TWINS)


def protocol_of(data: str) -> Protocol:
    """The protocol a data set is tested by, from the set's name; KeyError for an unknown one."""
    name = data.removeprefix(TWIN)
    return REGDB if name == OWN else PROTOCOLS[name]


def is_twin(data: str) -> bool:
    """Whether these are rendered people."""
    return data in TWINS


def draws_of(data: str) -> tuple[str, ...]:
    """The gallery draws that can be asked for; where nothing is drawn, "seeded" is everything."""
    protocol = protocol_of(data)
    return protocol.draws if protocol.is_drawn else ("seeded",)


def can_hold_out(data: str) -> bool:
    """Whether identities for validation can be held out of training without touching the test."""
    return data == OWN or is_twin(data) or protocol_of(data).holds_out


# -- tests on corrupted visible pictures
# ----------------------------------------------------------------------------------------------

#: Families of corruption and their kinds; ``datasets.corruption`` carries them out.
CORRUPTIONS: dict[str, tuple[str, ...]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur"),
    "weather": ("snow", "fog", "rain", "spatter", "brightness"),
    "digital": ("contrast", "elastic", "pixelate", "jpeg", "saturate"),
}
MIXED = "mixed"  # any kind
SEVERITIES = (1, 2, 3, 4, 5)
CLEAN = "none"
#: Between a setting and the test on corrupted pictures that it was asked with: ``v2t@mixed``.
CORRUPTED = "@"


@dataclass(frozen=True)
class Corruption:
    """A test in which every visible picture has one of these kinds, at one of these severities."""

    name: str
    kinds: tuple[str, ...]
    severities: tuple[int, ...] = SEVERITIES

    @property
    def label(self) -> str:
        """What every result of it carries: it is not the published benchmark."""
        return f"{self.name}, in the manner of SYSU-MM01-C and RegDB-C"


def corruptions(words: str) -> tuple[Corruption, ...]:
    """The tests that words ask for, separated by blanks; none for ``"none"``.

    A word is ``mixed``, a family or a kind, each with or without a severity: ``mixed noise fog-5``.
    Raises ValueError for any other, or one that stands twice.
    """
    whole = tuple(kind for kinds in CORRUPTIONS.values() for kind in kinds)
    kinds = {MIXED: whole, **CORRUPTIONS, **{kind: (kind,) for kind in whole}}
    found: dict[str, Corruption] = {}
    for word in [] if words == CLEAN else words.split():
        what, dash, severity = word.partition("-")
        if what not in kinds or word in found or (dash and severity not in map(str, SEVERITIES)):
            raise ValueError(
                f"{word!r}: choose from {', '.join(kinds)}, each once, with or without a severity "
                "of 1 to 5: fog-5"
            )
        found[word] = Corruption(word, kinds[what], (int(severity),) if dash else SEVERITIES)
    if not found and words != CLEAN:
        raise ValueError(f"no word at all; {CLEAN!r} asks for the clean test alone")
    return tuple(found.values())


# -- is it the real set?
# ----------------------------------------------------------------------------------------------


def counted(records: Iterable[Any], part: str) -> dict[str, int]:
    """Identities and pictures of a part, out of a table of records; "train" takes those held out
    for validation with it, "all" takes everything.
    """
    parts = {"train": {"train", "val"}, "all": {"train", "val", "test"}}.get(part, {part})
    chosen = [record for record in records if record.split in parts]
    pictures = Counter(str(record.modality.value) for record in chosen)
    return {
        "identities": len({record.identity for record in chosen}),
        "visible pictures": pictures["V"],
        "infrared pictures": pictures["I"],
        "pictures": pictures["V"] + pictures["I"],
    }


def unlike_published(protocol: Protocol, records: Sequence[Any]) -> list[str]:
    """How a table of records differs from the published set, in words; empty: it has its counts.

    Known before any training: the parts' counts, and of every setting the queries, the gallery and
    the queries with a match.
    """
    wrong = []
    for part, published in protocol.parts.items():
        found = counted(records, part)
        wrong += [
            f"{found[name]:,} {part} {name}, published {count:,}"
            for name, count in published.items()
            if found[name] != count
        ]
    test = [record for record in records if record.split == "test"]
    for setting in protocol.settings:
        found = expected_counts(protocol, setting, test)
        wrong += unlike_counts(setting, found, f"{setting.name}: ")
    return wrong


def unlike_counts(setting: Setting, found: Mapping[str, int], where: str = "") -> list[str]:
    """Where the counts of a test differ from the published ones, in words."""
    return [
        f"{where}{name.replace('_', ' ')} {found[name]:,}, published {count:,}"
        for name, count in setting.counts.items()
        if found[name] != count
    ]


def expected_counts(protocol: Protocol, setting: Setting, test: Sequence[Any]) -> dict[str, int]:
    """Queries, gallery pictures and queries with a match that a setting will have on these test
    records.
    """
    sides: dict[str, Counter[tuple[int, int]]] = {"V": Counter(), "I": Counter()}
    for record in test:
        sides[str(record.modality.value)][record.identity, record.camera] += 1
    other = "I" if setting.query == "V" else "V"
    queries, gallery = dict(sides[setting.query]), dict(sides[other])
    if setting.cameras:
        gallery = {who: n for who, n in gallery.items() if who[1] in setting.cameras}
    if setting.shots and setting.drawn == "gallery":
        gallery = {who: min(setting.shots, n) for who, n in gallery.items()}
    elif setting.shots:
        queries = {who: min(setting.shots, n) for who, n in queries.items()}
    seen: dict[int, list[int]] = {}
    for identity, camera in gallery:
        seen.setdefault(identity, []).append(camera)
    valid = 0
    for (identity, camera), n in queries.items():
        left = [c for c in seen.get(identity, []) if not protocol.excluded(camera, c, True)]
        valid += n if left else 0
    return {
        "queries": sum(queries.values()),
        "gallery": sum(gallery.values()),
        "valid_queries": valid,
    }


# -- the methods
# ----------------------------------------------------------------------------------------------

#: What can be trained, and the modalities each is made for (empty: any).
METHODS: dict[str, str] = {
    "base-derivative": "",
    "one-stream": "",
    "zero-padding": "V I",
    "asymmetric": "V I",
    "bdtr": "V I",
    "cmgan": "V I",
    "x-modality": "V I DV",
    "agw": "",
    "gan": "V I DV DI",
}
