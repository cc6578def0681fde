"""The film of a cell: where its test pictures lie on its own map after every epoch of its training.

A finished cell keeps the network of its end alone. ``shoot`` trains it once more as it was, by the
same seed, and keeps the places; ``read`` gives them back. The plane is that of the finished
network, so the last frame is the map itself where both trainings end alike.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bdlab import files, machine
from bdlab.config import from_flat
from bdlab.experiments.cell import epoch_line
from bdlab.training import extract
from bdlab.training.loop import train
from bdlab.training.setup import TrainingError, prepare
from bdlab.workbench.retrieval.search import Tested, reopen

from . import numbers

FILE = "film.npz"
#: Up to so far [half the map's width] the two trainings ended alike: a tenth of a point's mark.
ALIKE = 1e-3


class FilmError(ValueError):
    """A film that cannot be shown: one sentence that names the fault and its remedy."""


@dataclass(frozen=True, eq=False)
class Film:
    """``where`` [E + 1, N, 2] float32 on the map's scale, frame k after k epochs (0: the start);
    ``rank1`` [E + 1] of the primary setting; ``apart``: how far from the finished network's places
    the training that was filmed ended, the mean over the points.
    """

    where: np.ndarray
    rank1: np.ndarray
    apart: float

    @property
    def epochs(self) -> int:
        return len(self.where) - 1

    def words(self, epoch: int) -> str:
        """What a frame shows, in one sentence."""
        when = f"epoch {epoch} of {self.epochs}" if epoch else "before the first step"
        said = f"{when}: Rank-1 was {self.rank1[epoch]:.0%}; colours and lists are of the end"
        if self.apart <= ALIKE:
            return said
        return f"{said}. Filmed in a training that ended elsewhere ({self.apart:.3f} apart)"


def shoot(
    folder: Path | str,
    root: Path | str | None = None,
    device: str | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Train a finished cell once more and write its film beside its result; returns the file.

    Nothing else in the folder changes. ``root``: where its data lie now, if elsewhere; a line an
    epoch is said. On the machine that trained it, by as many threads, the places of the end are
    the finished network's to the last bit; elsewhere ``Film.apart`` says how far they are. Raises
    what ``retrieval.reopen`` and a training raise.
    """
    folder = Path(folder)
    tested = reopen(folder, str(root) if root else None, device)
    result = json.loads((folder / "result.json").read_text())
    origin = result["provenance"]
    params = result["params"] | {"precision": origin.get("precision", "auto")}
    config = from_flat(params | ({"root": str(root)} if root else {}))
    flat, frames = numbers.Plane(numbers.features(tested)), []
    before = torch.get_num_threads()
    torch.set_num_threads(origin.get("threads", before))
    try:
        setup = prepare(config, device, progress=False)

        def expose(line: dict[str, Any] | None = None) -> None:
            frames.append(_frame(replace(tested, setup=setup), flat))
            if line is not None:
                say(epoch_line(line, config.optim.epochs))

        expose()
        train(setup, on_epoch=expose)
        end, _ = _frame(replace(tested, setup=setup), flat)
    finally:
        torch.set_num_threads(before)
    apart = np.linalg.norm(end - numbers.plane(tested)[0], axis=1).mean()
    packed = io.BytesIO()
    np.savez(
        packed,
        where=np.stack([where for where, _ in frames]),
        rank1=np.array([rank1 for _, rank1 in frames]),
        apart=apart,
        weights=origin["weights_sha256"],
    )
    files.write(folder / FILE, packed.getvalue())
    return folder / FILE


def _frame(tested: Tested, flat: numbers.Plane) -> tuple[np.ndarray, float]:
    """Where the test pictures lie by the network as it is now [N, 2], and its Rank-1."""
    embedded = extract.embed(tested.setup, modalities=list(tested.embedded))
    scores = extract.evaluate(tested.setup, embedded=embedded)
    where = flat.place(numbers.features(replace(tested, embedded=embedded)))
    return where, next(iter(scores.values())).mean["R1"]


def read(tested: Tested) -> Film:
    """The film of a cell on the desk. Raises FilmError where there is none, where it is damaged and
    where it is of other weights.
    """
    if tested.folder is None:
        raise FilmError(
            f"{numbers.title(tested)} has no folder, so no film: give the desk a finished cell's "
            "folder."
        )
    path = tested.folder / FILE
    again = f'`bdlab.workbench.desk.film.shoot("{tested.folder}")`'
    if not path.is_file():
        raise FilmError(
            f"{numbers.title(tested)} has no film. {again} trains it once more and keeps its map "
            f"after every epoch{_time(tested.folder)}; then open the desk anew."
        )
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
            film = Film(kept["where"], kept["rank1"], float(kept["apart"]))
            weights = str(kept["weights"])
        points = len(numbers.points(tested).rows)
        fits = film.where.shape == (len(film.rank1), points, 2) and np.isfinite(film.where).all()
    except (EOFError, KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise FilmError(f"{path}: damaged ({error}). {again} makes it anew.") from error
    if not fits or weights != _origin(tested.folder).get("weights_sha256"):
        raise FilmError(f"{path}: the film of another training. {again} makes this one's.")
    return film


def _origin(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "result.json").read_text())["provenance"]
    except (KeyError, OSError, ValueError) as error:
        raise TrainingError(f"{folder}: no finished cell, result.json cannot be read") from error


def _time(folder: Path) -> str:
    """How long a cell's first training took, in words for a bracket."""
    seconds = _origin(folder).get("seconds")
    return "" if seconds is None else f" (the first training took {machine.span(seconds)})"
