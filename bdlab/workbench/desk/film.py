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
from bdlab.evaluation import Embedded
from bdlab.experiments import reference
from bdlab.experiments.cell import epoch_line
from bdlab.modality import BASE
from bdlab.training import extract
from bdlab.training.loop import train
from bdlab.training.setup import TrainingError, prepare
from bdlab.workbench.retrieval.search import Tested, reopen

from . import numbers

FILE = reference.FILM
#: Up to so far [half the map's width] the two trainings ended alike: a tenth of a point's mark.
ALIKE = 1e-3


class FilmError(ValueError):
    """A film that cannot be shown: one sentence that names the fault and its remedy."""


@dataclass(frozen=True, eq=False)
class Film:
    """``where`` [E + 1, N, 2] float32 on the map's scale, frame k after k epochs (0: the start), of
    pictures of people ``ids`` [N] in ``streams`` [N] (numbers in the order of ``Modality``);
    ``rank1`` [E + 1] of the primary setting; ``gap`` [E + 1] the mean distance of a person's V and
    I over that of two people's; ``apart``: how far from the finished network's places the training
    that was filmed ended, the mean over the points.
    """

    where: np.ndarray
    ids: np.ndarray
    streams: np.ndarray
    rank1: np.ndarray
    gap: np.ndarray
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
        end = _frame(replace(tested, setup=setup), flat)[0]
    finally:
        torch.set_num_threads(before)
    apart = np.linalg.norm(end - numbers.plane(tested)[0], axis=1).mean()
    packed = io.BytesIO()
    where, rank1, gap = zip(*frames, strict=True)
    points = numbers.points(tested)
    np.savez_compressed(
        packed,
        where=np.stack(where).astype(np.float16),  # a map is two wide: off by a 4000th at most
        ids=points.ids,
        streams=points.streams,
        rank1=np.array(rank1),
        gap=np.array(gap),
        apart=apart,
        weights=_weights(origin),
    )
    files.write(folder / FILE, packed.getvalue())
    return folder / FILE


def _frame(tested: Tested, flat: numbers.Plane) -> tuple[np.ndarray, float, float]:
    """Where the test pictures lie by the network as it is now [N, 2], its Rank-1 and its gap."""
    embedded = extract.embed(tested.setup, modalities=list(tested.embedded))
    scores = extract.evaluate(tested.setup, embedded=embedded)
    where = flat.place(numbers.features(replace(tested, embedded=embedded)))
    return where, next(iter(scores.values())).mean["R1"], _gap(*(embedded[m] for m in BASE))


def _gap(visible: Embedded, infrared: Embedded) -> float:
    """Mean V-I distance of one person over that of two; 1 where nobody is told apart."""
    likeness = visible.features @ infrared.features.T  # [V, I]
    far = np.sqrt(np.maximum(2 - 2 * likeness, 0))
    same = visible.ids[:, None] == infrared.ids
    others = far[~same].mean()
    return float(far[same].mean() / others) if others > 0 else 1.0


def read(tested: Tested) -> Film:
    """The film of a cell on the desk. Raises FilmError where there is none, where it is damaged and
    where it is of other weights.
    """
    if tested.folder is None:
        raise FilmError(
            f"{numbers.title(tested)} has no folder, so no film: give the desk a finished cell's "
            "folder."
        )
    film, points = opened(tested.folder), numbers.points(tested)
    if not np.array_equal(film.ids, points.ids) or not np.array_equal(film.streams, points.streams):
        raise FilmError(
            f"{tested.folder / FILE}: the film of other pictures. {_remedy(tested.folder)}"
        )
    return film


def opened(folder: Path | str) -> Film:
    """The film in a cell's folder, its data unseen. Raises FilmError as ``read`` does."""
    path = Path(folder) / FILE
    if not path.is_file():
        raise FilmError(
            f"{path.parent.name} has no film. {_again(path.parent)} trains it once more and keeps "
            f"its map after every epoch{_time(path.parent)}; then open it anew."
        )
    try:
        # opened here: np.load leaves a file that it cannot read open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            where = kept["where"].astype(np.float32)
            arrays = [kept[name] for name in ("ids", "streams", "rank1", "gap")]
            film = Film(where, *arrays, apart=float(kept["apart"]))
            weights = str(kept["weights"])
    except (EOFError, KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise FilmError(f"{path}: damaged ({error}). {_remedy(path.parent)}") from error
    if not _whole(film) or weights != _weights(_origin(path.parent)):
        raise FilmError(f"{path}: the film of another training. {_remedy(path.parent)}")
    return film


def _whole(film: Film) -> bool:
    """Whether the film's arrays belong together."""
    epochs, points = len(film.rank1), len(film.ids)
    fits = film.where.shape == (epochs, points, 2) and film.gap.shape == (epochs,)
    return fits and film.streams.shape == (points,) and bool(np.isfinite(film.where).all())


def _origin(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "result.json").read_text())["provenance"]
    except (KeyError, OSError, ValueError) as error:
        raise TrainingError(f"{folder}: no finished cell, result.json cannot be read") from error


def _again(folder: Path) -> str:
    return f'`bdlab.workbench.desk.film.shoot("{folder}")`'


def _remedy(folder: Path) -> str:
    return f"{_again(folder)} makes it anew."


def _weights(origin: dict[str, Any]) -> str | None:
    """Which weights a film belongs to: of a shipped cell those that its training left."""
    return origin.get("unpacked_from", origin.get("weights_sha256"))


def _time(folder: Path) -> str:
    """How long a cell's first training took, in words for a bracket."""
    seconds = _origin(folder).get("seconds")
    return "" if seconds is None else f" (the first training took {machine.span(seconds)})"
