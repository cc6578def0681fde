"""Sweeps that the paper does not have, as data: the controls; corrupted pictures, modern parts and
the dials of the rendered people.
"""

from __future__ import annotations

from collections.abc import Iterable

from bdlab.rules import MIXED

from .recipe import FOUR, OURS, TWO, Row, Sweep

#: Twice B2's steps put as many pictures through the trunk as Ours does. That stands for as many
#: seconds, which no recipe can fix beforehand: the trunk is nearly all of a step; what each row
#: really took is in its provenance.
CONTROLS = Sweep(
    "controls",
    "Controls: is it the derivatives, or more streams and more compute?",
    {
        "Ours": OURS,
        "grey": Row("D_V fixed grey, D_I a copy of I: no generator", FOUR | {"generator": "grey"}),
        "frozen": Row("E_V and G_S stay at their start", FOUR | {"generator": "frozen"}),
        "unshared": Row(
            "D_V and D_I each with a G of their own", FOUR | {"shared_generator": False}
        ),
        "B2": Row("two streams", TWO),
        "B2-batch": Row(
            "B2 with as many pictures a step as Ours", TWO | {"passes": 2}, {"identities": 2}
        ),
        "B2-steps": Row(
            "B2 with as many pictures through the trunk in all", TWO | {"passes": 2}, {"steps": 2}
        ),
        "B2-weight": Row("B2 with its one edge weighed as much as MDL4's three", TWO, {"gamma": 3}),
    },
    baseline="Ours",
    data=("regdb",),
)

#: Any kind at any severity, one family, one severity: each a test of the same trained network.
STRESS = "mixed noise blur weather digital mixed-1 mixed-2 mixed-3 mixed-4 mixed-5"
CORRUPTION = Sweep(
    "corruption",
    "Stress: visible test pictures corrupted, in the manner of SYSU-MM01-C and RegDB-C",
    {
        "B2": Row("two streams", TWO | {"corruption": STRESS}),
        "MDL4": Row("all four: the paper's own", FOUR | {"corruption": STRESS}),
    },
    baseline="B2",
    data=("regdb",),
    judged=f"@{MIXED}",
)

#: Parts of later recipes. CAJ's own draw for one view of a visible picture is "channels"; erasing
#: and smoothing at the values of its lineage.
MODERN_PARTS = {
    "channels": Row("channel exchange and grey", {"channel_exchange": 0.75, "random_grey": 0.125}),
    "erasing": Row("random erasing", {"random_erasing": 0.5}),
    "smoothing": Row("label smoothing", {"label_smoothing": 0.1}),
    "all": Row(
        "channel exchange and grey, erasing, smoothing",
        {
            "channel_exchange": 0.75,
            "random_grey": 0.125,
            "random_erasing": 0.5,
            "label_smoothing": 0.1,
        },
    ),
    "vit": Row("a vision transformer", {"backbone": "vit_b_16"}, small={"backbone": "vit_micro"}),
}


def _with_parts() -> dict[str, Row]:
    """B2 and MDL4 as they are, and each with each part."""
    streams = {"B2": Row("two streams", TWO), "MDL4": Row("all four: the paper's own", FOUR)}
    rows = dict(streams)
    for part, added in MODERN_PARTS.items():
        for name, row in streams.items():
            title = f"{name} with {added.title}"
            changes = {**row.changes, **added.changes}
            rows[f"{name}+{part}"] = Row(title, changes, small=added.small)
    return rows


MODERN = Sweep(
    "modern",
    "Modern parts: do the derivatives still help when the baseline is augmented?",
    _with_parts(),
    baseline="B2",
    contrasts=(
        ("MDL4", "B2"),
        *((f"MDL4+{part}", f"B2+{part}") for part in MODERN_PARTS),
    ),
    data=("regdb",),
)

#: The dials of the rendered people (bdtwins/README.md): how far infrared is from any grey of the
#: colour picture; how far pose, place and light are from those of the other camera. The paper
#: explains its larger gain on RegDB by a smaller appearance gap (section III-D).
CHANNEL_GAPS = (0.2, 0.5)
APPEARANCE_GAPS = (0.1, 0.5, 1.0)


def _with_dials() -> dict[str, Row]:
    """B2 and MDL4 at each setting of both dials."""
    rows = {}
    for channel in CHANNEL_GAPS:
        for appearance in APPEARANCE_GAPS:
            dials = {"channel_gap": channel, "appearance_gap": appearance}
            title = f"channel gap {channel:g}, appearance gap {appearance:g}"
            for name, streams in (("B2", TWO), ("MDL4", FOUR)):
                place = f"c{channel:g} a{appearance:g}"
                rows[f"{name} {place}"] = Row(f"{name} at {title}", streams | dials)
    return rows


def _gains(rows: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """MDL4 against B2 at each setting."""
    return tuple((row, row.replace("MDL4", "B2")) for row in rows if row.startswith("MDL4"))


DIALS = Sweep(
    "dials",
    "The two gaps of the rendered people: where do the derivatives help?",
    _with_dials(),
    baseline="B2 c0.5 a0.1",
    contrasts=_gains(_with_dials()),
    data=("regdb",),
    rendered=True,
)
