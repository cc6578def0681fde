"""Every row of every table and figure of the paper, of Fig. 1's families and of its open readings,
as data; ``SWEEPS`` also has what is asked beside the paper (``questions``).
"""

from __future__ import annotations

from typing import Any

from .questions import CONTROLS, CORRUPTION, DIALS, MODERN
from .recipe import ALONE, FOUR, OURS, TWO, Row, Sweep

TABLE4 = Sweep(
    "table4",
    "Table IV: which derivative modalities, which edges",
    {
        "B1": Row("two streams, ID loss only", ALONE),
        "B2": Row("B1 with triplets within and across", TWO),
        "MDL1": Row("B2 with D_I", {"modalities": "V I DI", "pairs": "V-I V-DI"}),
        "MDL2": Row("B2 with D_V", {"modalities": "V I DV", "pairs": "V-I I-DV"}),
        "MDL3": Row(
            "all four, and D_I-D_V", {"modalities": "V I DV DI", "pairs": "V-I V-DI I-DV DI-DV"}
        ),
        "MDL4": Row("all four: the paper's own", FOUR),
    },
    baseline="B2",
)

PADDING = Row(
    "zero-padding [20]: one network, grey and infrared each in its own channel",
    {"method": "zero-padding", **ALONE},
)
BDTR = Row(
    "two streams, bi-directional top-ranking [6] (BDTR, without eBDTR's centres)",
    {"method": "bdtr", **ALONE},
)
CMGAN = Row(
    "one network against a modality discriminator [24]",
    {"method": "cmgan", **TWO, "beta": 0.0, "gamma": 1.0},
)
AGW = Row(
    "two streams, non-local blocks, GeM, weighted-regularised triplet [22]",
    {"method": "agw", "pool": "gem", **ALONE},
)


X = Row(
    "an auxiliary modality X made from visible [16]",
    {
        "method": "x-modality",
        "modalities": "V I DV",
        "pairs": "V-I I-DV",
    },
)
#: Rivals with the losses of their public code, held against our clean form of them.
AS_PUBLISHED: dict[str, tuple[Row, dict[str, Any]]] = {
    "AGW": (AGW, {"rival_form": "as-published"}),
    "BDTR": (BDTR, {"rival_form": "as-published"}),
    "cmGAN": (CMGAN, {"rival": 0.05}),
    "X-Modality": (
        X,
        {"rival_form": "as-published", "pairs": "", "gamma": 0.0, "beta": 1.0, "id_over": "sum"},
    ),
}


def _readings_of_rivals() -> dict[str, Row]:
    """Each rival in our clean form and as published."""
    rows: dict[str, Row] = {}
    for name, (row, changes) in AS_PUBLISHED.items():
        published = Row(f"{row.title}, as published", {**row.changes, **changes})
        rows |= {name: row, f"{name}-as-published": published}
    return rows


def _unprinted(row: Row, table: str) -> Row:
    return Row(f"{row.title} (not in the paper's {table})", row.changes)


TABLE1 = Sweep(
    "table1",
    "Table I: Ours and rivals on SYSU-MM01, all under the paper's protocol",
    {
        "Zero-Padding": PADDING,
        "eBDTR": BDTR,
        "cmGAN": CMGAN,
        "X-Modality": _unprinted(X, "Table I"),
        "AGW": _unprinted(AGW, "Table I"),
        "Ours": OURS,
    },
    baseline="Ours",
    data=("sysu",),
)

TABLE2 = Sweep(
    "table2",
    "Table II: Ours and rivals on RegDB, all under the paper's protocol",
    {
        "Zero-Padding": PADDING,
        "eBDTR": BDTR,
        "X-Modality": X,
        "AGW": _unprinted(AGW, "Table II"),
        "Ours": OURS,
    },
    baseline="Ours",
    data=("regdb",),
)

TABLE3 = Sweep(
    "table3",
    "Table III: the same backbone",
    {
        "Baseline": Row("two streams, triplets within and across (B2)", TWO),
        "AGW": AGW,
        "Ours": OURS,
    },
    baseline="Baseline",
    contrasts=(("AGW", "Baseline"), ("Ours", "Baseline"), ("Ours", "AGW")),
)


def _weights(alpha: float, beta: float, gamma: float, source: str) -> Row:
    return Row(
        f"ID, MML and MDL as {alpha:g}:{beta:g}:{gamma:g} ({source})",
        FOUR | {"alpha": alpha, "beta": beta, "gamma": gamma},
    )


FIG6 = Sweep(
    "fig6",
    "Fig. 6: alpha:beta:gamma on RegDB",
    {
        "baseline": Row("two streams (B2): the straight level", TWO),
        "1:1:1": _weights(1.0, 1.0, 1.0, "assumed, not legible in the paper"),
        "1:1:3": _weights(1.0, 1.0, 3.0, "assumed, not legible in the paper"),
        "2:1:5": _weights(2.0, 1.0, 5.0, "legible in the paper"),
        "1:1:5": _weights(1.0, 1.0, 5.0, "legible in the paper"),
    },
    baseline="baseline",
    data=("regdb",),
)

FIG7 = Sweep(
    "fig7",
    "Fig. 7: the weight of MDL (lambda = gamma) on SYSU-MM01",
    {
        "baseline": Row("two streams (B2): the straight line", TWO),
    }
    | {
        f"{g:.1f}": Row(f"MDL weighs {g:g} (assumed: no point is legible)", FOUR | {"gamma": g})
        for g in (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
    },
    baseline="baseline",
    data=("sysu",),
)

FAMILIES = Sweep(
    "families",
    "Fig. 1: five kinds of network, one protocol and the same losses",
    {
        "one-stream": Row("(a) one network for both modalities", {"method": "one-stream", **TWO}),
        "two-stream": Row("(b) a stem for each modality (B2)", TWO),
        "asymmetric": Row("(c) a classifier for each modality", {"method": "asymmetric", **TWO}),
        "GAN": Row(
            "(d) translations in the derivatives' place (illustrative)",
            {"method": "gan", **FOUR, "generator_lr": 0.001},
        ),
        "base-derivative": Row("(e) the paper's own (MDL4)", FOUR),
    },
    baseline="two-stream",
    data=("regdb",),
)

#: The infrared channel is no reading of its own: where three equal channels are stored, any one of
#: them is, normalised, an affine function of their mean, which G_S's weight and bias take up.
READ_OTHERWISE = {
    "id-sum": Row("eq. 8's N counts one modality: ID summed over them", FOUR | {"id_over": "sum"}),
    "hinge-sum": Row("eq. 4 and 7 sum over the anchors", FOUR | {"reduction": "sum"}),
    "lr-everywhere": Row("lr 0.01 is every layer's", FOUR | {"lr": 0.01, "groups": "uniform"}),
    "lr-ten-times": Row(
        "lr 0.1 for neck and classifier, 0.01 for the rest", FOUR | {"lr": 0.1, "groups": "agw"}
    ),
    "init-luma": Row("E_V starts as luma, G_S as a copy", FOUR | {"generator_init": "luma"}),
    "init-random": Row("E_V and G_S start at random", FOUR | {"generator_init": "random"}),
    "space-unit": Row("E_V and G_S work on pixels in [0, 1]", FOUR | {"generator_space": "unit"}),
    "pool-gem": Row("generalised-mean pooling", FOUR | {"pool": "gem"}),
    "feature-pool": Row("tested before the neck", FOUR | {"feature": "pool"}),
}
READINGS = Sweep(
    "readings",
    "What the paper leaves open, one reading at a time (notes of the README)",
    {"Ours": OURS, **READ_OTHERWISE, **_readings_of_rivals()},
    baseline="Ours",
    contrasts=(
        *((name, "Ours") for name in READ_OTHERWISE),
        *((f"{name}-as-published", name) for name in AS_PUBLISHED),
    ),
    data=("regdb",),
)

EVERY = (
    TABLE1, TABLE2, TABLE3, TABLE4, FIG6, FIG7, FAMILIES, READINGS, CONTROLS, CORRUPTION, MODERN,
    DIALS,
)  # fmt: skip
SWEEPS: dict[str, Sweep] = {sweep.name: sweep for sweep in EVERY}
