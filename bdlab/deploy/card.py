"""Published weights: a safetensors file that says how it was made, and a model card beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save

from bdlab import __version__

from . import DeployError
from .embedding import Embedder
from .export import num_ids

CARD = """# {name}

A network for visible-infrared person re-identification, trained with bdlab {bdlab}: the
{method} method with the modalities {modalities}, backbone {backbone}, pictures of
{height} x {width} pixels, {people} people to train on.

**Licence.** {licence}

**Trained on.** {data}

**Scores** on the test part of the same set, fractions as measured by the run itself:

{scores}

**Use.** `bdlab.embedder("{name}.safetensors")(pictures, "V")` gives unit-length features;
`bdlab search QUERY --gallery FOLDER --cell {name}.safetensors` ranks a folder of pictures;
`bdlab train ... --from {name}.safetensors` goes on from it.

**Limits.** Features of this file compare with features of this file only. People, cameras and
places unlike those it was trained on lower the scores; measure on your own with
`bdlab test --cell {name}.safetensors`. It finds likely pictures and proves nobody's identity.

sha256 of the cell's weights: {sha256}
"""


def published(ours: Embedder, licence: str) -> tuple[bytes, str]:
    """The bytes of the safetensors file and the text of its card.

    Raises DeployError without a licence: what nobody may use is not published.
    """
    if not licence:
        raise DeployError(
            "--to safetensors publishes weights: say under which licence with --licence, e.g. "
            "--licence MIT (mind the licences of the pictures and of the weights it began from)"
        )
    result = _result(ours.file)
    provenance = result.get("provenance", {})
    about = {
        "format": "pt",
        "bdlab": __version__,
        "bdlab.params": json.dumps(ours.params),
        "bdlab.num_ids": str(num_ids(ours)),
        "bdlab.data": json.dumps(provenance.get("data", {})),
        "bdlab.fingerprint": str(provenance.get("fingerprint", "")),
        "bdlab.scores": json.dumps(_means(result)),
        "bdlab.weights_sha256": ours.sha256,
        "licence": licence,
    }
    state = {}
    for name, value in ours.net.state_dict().items():
        state[name] = value.contiguous().clone()  # streams that share a stem are written twice
    return save(state, about), _card(ours, licence, result)


def _result(file: Path) -> dict[str, Any]:
    """The result.json beside a cell's weights; empty where there is none."""
    try:
        return json.loads((file.parent / "result.json").read_text())
    except (OSError, ValueError):
        return {}


def _means(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value["mean"] for name, value in result.get("scores", {}).items()}


def _card(ours: Embedder, licence: str, result: dict[str, Any]) -> str:
    rows = []
    for setting, mean in _means(result).items():
        rows.append(f"| {setting} | {mean['R1']:.4f} | {mean['mAP']:.4f} | {mean['mINP']:.4f} |")
    table = "| setting | Rank-1 | mAP | mINP |\n|---|---|---|---|\n" + "\n".join(rows)
    data = result.get("provenance", {}).get("data", {})
    said = "; ".join(f"{key}: {value}" for key, value in data.items())
    shown = {key: ours.params[key] for key in ("method", "modalities", "backbone")}
    return CARD.format(
        **shown, name=ours.name, bdlab=__version__, height=ours.height, width=ours.width,
        people=num_ids(ours), licence=licence, data=f"{ours.params['data']}; {said}",
        scores=table if rows else "not known (the weights lay outside of their cell)",
        sha256=ours.sha256,
    )  # fmt: skip
