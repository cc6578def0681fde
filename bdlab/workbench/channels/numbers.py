"""The ten numbers of E_V and G_S: by name, from a training that was run, and in a row.

By the names the history keeps them under: ``E_V.weight`` [3], ``E_V.bias`` [1], ``G_S.weight`` [3],
``G_S.bias`` [3]. They work in one of two spaces: ``normalised`` (ImageNet mean and deviation, as
the stems see pictures) or ``unit`` (0 black to 1 white).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bdlab.config import from_flat
from bdlab.datasets import Dataset
from bdlab.experiments import cell, reference, runs
from bdlab.pixels import LUMA, MEAN, STD
from bdlab.training import setup

Numbers = Mapping[str, Sequence[float]]

SPACES = ("normalised", "unit")
CHANNELS = ("red", "green", "blue")
#: The ten numbers in the order of every list of them here.
PARTS = {"E_V.weight": 3, "E_V.bias": 1, "G_S.weight": 3, "G_S.bias": 3}
NAMES = (
    *(f"E_V {c}" for c in CHANNELS),
    "E_V bias",
    *(f"G_S {c}" for c in CHANNELS),
    *(f"G_S {c} bias" for c in CHANNELS),
)
PRESETS = ("uniform", "luma", "D_I = I")
NO_FILM = (
    "Its history holds no generator, so there is no film of epochs: train the cell again for one."
)
#: The one channel that infrared enters G_S as, of a grey pixel x in the normalised space: SLOPE x +
#: LEVEL.
SLOPE = sum(1 / s for s in STD) / 3
LEVEL = -sum(m / s for m, s in zip(MEAN, STD, strict=True)) / 3


# -- ten numbers
# --------------------------------------------------------------------------------------------------


def checked(numbers: Numbers) -> dict[str, list[float]]:
    """The ten numbers as plain lists; raises ValueError for a part that is missing, too long or not
    finite.
    """
    found = {}
    for part, count in PARTS.items():
        if part not in numbers:
            have = ", ".join(numbers) or "none"
            raise ValueError(
                f"a generator needs {part} (given: {have}); rows without D_V have no E_V: take "
                "MDL2, MDL3 or MDL4, or a preset"
            )
        values = np.asarray(numbers[part], float).ravel()
        if len(values) != count or not np.isfinite(values).all():
            raise ValueError(
                f"{part} = {values.tolist()}: {count} finite number{'s' * (count > 1)} are meant, "
                "one a channel"
            )
        found[part] = values.tolist()
    return found


def preset(name: str, space: str = "normalised") -> dict[str, list[float]]:
    """Ten numbers by name: ``uniform`` and ``luma`` as training can start, ``D_I = I`` such that
    infrared comes out as it was.

    In the unit space the last is all ones; in the normalised one the three channels have scales of
    their own to be undone.
    """
    one_of("preset", name, PRESETS)
    one_of("space", space, SPACES)
    scale = 1 / (np.array(STD) * SLOPE) if space == "normalised" else np.ones(3)
    shift = (
        -np.array(MEAN) / np.array(STD) - scale * LEVEL if space == "normalised" else np.zeros(3)
    )
    encoder = LUMA if name == "luma" else (0.333,) * 3
    weights, biases = {"uniform": ((0.333,) * 3, (0.0,) * 3), "luma": ((1.0,) * 3, (0.0,) * 3)}.get(
        name, (scale, shift)
    )
    return checked(
        {"E_V.weight": encoder, "E_V.bias": (0.0,), "G_S.weight": weights, "G_S.bias": biases}
    )


def flat(numbers: Numbers) -> list[float]:
    """Ten numbers in a row, in the order of ``NAMES``."""
    return [value for values in checked(numbers).values() for value in values]


def unflat(values: Sequence[float]) -> dict[str, list[float]]:
    """The inverse of ``flat``."""
    ends = np.cumsum(list(PARTS.values()))[:-1]
    return checked(dict(zip(PARTS, np.split(np.asarray(values, float), ends), strict=True)))


# -- a generator that was trained
# --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Learned:
    """A trained generator: its ten numbers, the history of them (epoch 0 is the start, where
    known), its space, its name, and a ``note`` on what the cell does not have.
    """

    numbers: dict[str, list[float]]
    history: list[dict[str, Any]]
    space: str
    name: str
    note: str = ""

    @property
    def moved(self) -> float:
        """The largest change of any of the ten numbers over the history."""
        return moved(self.history)


def learned(
    numbers: Numbers,
    history: Iterable[Mapping[str, Any]],
    params: Mapping[str, Any],
    name: str = "",
) -> Learned:
    """A net's ``generator_numbers()``, its history's lines and its parameters by flat names -> what
    the explorer takes.
    """
    space, note = params["generator_space"], ""
    if "E_V.weight" not in numbers and "G_S.weight" in numbers:
        idle = preset("uniform", space)
        missing = {part: idle[part] for part in ("E_V.weight", "E_V.bias")}
        numbers = {**missing, **numbers}
        history = [{**line, "generator": {**missing, **line["generator"]}} for line in history]
        note = "This cell has no D_V, so it learned no E_V: E_V stands at the uniform start."
    elif "DI" not in params.get("modalities", "DI"):
        note = "This cell has no D_I: G_S(I) is what its G_S would make of I, untrained for it."
    lines = [{"epoch": line["epoch"], "generator": checked(line["generator"])} for line in history]
    if not lines:
        note = f"{note} {NO_FILM}".strip()
    elif params["generator_init"] in PRESETS:  # a random start is in no file
        lines.insert(
            0,
            {"epoch": 0, "generator": preset(params["generator_init"], params["generator_space"])},
        )
    return Learned(
        checked(numbers),
        lines,
        space,
        name or f"{params['row']} on {params['data']}",
        note,
    )


def read(folder: Path | str) -> Learned:
    """The generator of a committed cell, or of a run that came with bdlab (its last epoch's, to
    five digits). Raises ValueError for a folder that is none or has not one E_V and one shared G_S.
    """
    folder = Path(folder)
    params = record(folder)["params"]
    if not _ours(params):
        raise ValueError(
            f"{folder}: its method ({params['method']}) or shared_generator = false does not share "
            "one G_S; take MDL4"
        )
    lines = [line for line in runs.read_lines(folder / "history.jsonl") if line.get("generator")]
    shipped = folder.parent == reference.FOLDER
    try:
        if shipped:
            numbers = lines[-1]["generator"] if lines else {}
        else:
            numbers = cell.load(folder).generator_numbers()
        return learned(numbers, lines, params, folder.name)
    except (ValueError, cell.TrainingError) as error:
        raise ValueError(f"{folder}: {error}") from error


def record(folder: Path | str) -> dict[str, Any]:
    """What a finished cell, or a run that came with bdlab, says of itself: its result.json. Raises
    ValueError for another folder.
    """
    folder, fault = Path(folder), "there is no such folder"
    if folder.parent == reference.FOLDER:
        faults = {place: found for place, _, found in reference.load()}
        fault = faults.get(folder, fault) or ""
    elif folder.is_dir():
        fault = runs.check(folder) or ""
    if fault:
        raise ValueError(
            f"{folder}: {fault}; a committed cell is meant, as `bdlab train MDL4` makes one and "
            "`bdlab status` lists them"
        )
    return json.loads((folder / "result.json").read_text())


def data_of(first: Path, second: Path | None, root: Path | str | None) -> Dataset:
    """The data set of one cell, or of two. ValueError if it is not the one a cell was trained
    on.
    """
    result = record(first)
    if second:
        other = record(second)
        if _people_in(result["provenance"]) != _people_in(other["provenance"]):
            sets = [one["params"]["data"] for one in (result, other)]
            raise ValueError(
                f"{first} was trained on {sets[0]}, {second} on {sets[1]}, and the two are not the "
                "same data: lay two cells of one data set and root side by side, or open each by "
                "itself."
            )
    place = {"root": str(root)} if root else {}
    dataset = setup.open_data(from_flat(result["params"] | place))
    there = {"fingerprint": dataset.fingerprint, "data": dataset.provenance}
    if _people_in(there) != _people_in(result["provenance"]):
        raise ValueError(
            f"{dataset.root}: not the data that {first} was trained on, so its test people may "
            "have been trained on. Give the root it was trained with."
        )
    return dataset


def _people_in(provenance: Mapping[str, Any]) -> Any:
    """What tells one data set from another: the recipe of rendered people, whose bytes differ
    between processors; else the fingerprint.
    """
    return provenance.get("data", {}).get("twin") or provenance["fingerprint"]


def find(out: Path | str, data: str, **wanted: Any) -> Path | None:
    """The committed cell that ``cell.find`` gives among those that learned both derivatives with
    one G_S; ``wanted``: parameters that must be so.
    """

    def fits(params: Mapping[str, Any], _: Mapping[str, Any]) -> bool:
        learned = params.get("generator", "learned") == "learned"
        return learned and _ours(params) and "DV" in params["modalities"]

    return cell.find(out, data, "MDL4", fits, **wanted)


def _ours(params: Mapping[str, Any]) -> bool:
    """Whether a cell's parameters (an older one's may lack a field) make both derivatives with one
    G_S.
    """
    return params["method"] == "base-derivative" and params.get("shared_generator", True)


def moved(history: Sequence[Mapping[str, Any]]) -> float:
    """The largest change of any of the ten numbers over a history; 0 for one of less than two
    lines.
    """
    return (
        float(np.ptp([flat(line["generator"]) for line in history], axis=0).max())
        if len(history) > 1
        else 0.0
    )


def one_of(name: str, value: str, choices: Sequence[str]) -> None:
    """ValueError unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name} {value!r}: one of {', '.join(choices)} is meant")
