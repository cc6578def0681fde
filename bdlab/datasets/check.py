"""The data doctor: looks a folder over, opens every picture, names everything that is wrong and who
can help.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bdlab import rules
from bdlab.modality import Modality

from .grouped import told
from .looks import Paths, look_at_all
from .places import recognise, unrecognised
from .readers import READERS
from .records import Dataset, DatasetError, Fault
from .twin import read_twin


@dataclass(frozen=True)
class Report:
    """What the doctor found. ``faults`` must be mended before the set can be used, ``notes`` only
    be known.
    """

    root: Path
    layout: str
    counts: dict[str, int]
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    #: Every single fault; ``faults`` tells many of one kind once.
    errors: tuple[DatasetError, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the set can be used as it is."""
        return not self.faults

    def text(self) -> str:
        """The report as lines for a terminal: counts, notes, every fault, the verdict."""
        lines = [f"{self.root}: layout {self.layout}"]
        lines += [f"  {value:>8,} {name}" for name, value in self.counts.items()]
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"fault: {fault}" for fault in self.faults]
        count = len(self.errors)
        bad = f"{count} fault{'s' * (count != 1)}: the set cannot be used as it is"
        return "\n".join([*lines, "ok: the set can be used" if self.ok else bad])


def check(root: Path | str, layout: str | None = None, progress: bool = True) -> Report:
    """Looks over the folder ``root``; ``layout`` is one of ``datasets.READERS``, None recognises
    it.

    Every index file is read (RegDB: of all ten trials) and every picture decoded; all faults are
    named, not only the first. Nothing is raised for what is on disk. Raises DatasetError for a
    layout that does not exist.
    """
    root = Path(root)
    if layout is not None and layout not in READERS:
        raise DatasetError(
            f"there is no layout {layout!r}",
            rule=f"the layouts are {', '.join(READERS)}",
            remedy="leave it out to have it recognised",
        )
    found: list[DatasetError] = []
    fault = found.append
    layout = layout or recognise(root)
    if layout is None or not root.is_dir():
        fault(unrecognised(root))
        return Report(root, "unknown", {}, tuple(told(found)), (), tuple(found))
    twin = None
    try:
        twin = read_twin(root)
    except DatasetError as error:
        fault(error)
    dataset = _read(root, layout, fault)
    paths = READERS[layout].on_disk(root, fault)
    notes = (
        [f"a synthetic twin ({', '.join(f'{k} {v}' for k, v in twin.items())}): not the real set"]
        if twin
        else []
    )
    notes += look_at_all(root, paths, progress, fault)
    counts = _counts(paths, dataset)
    if layout in rules.PROTOCOLS and not twin:
        notes += _compare(layout, counts, dataset)
    return Report(
        root,
        layout + (" (synthetic twin)" if twin else ""),
        counts,
        tuple(told(found)),
        tuple(notes),
        tuple(found),
    )


def _read(root: Path, layout: str, fault: Fault) -> Dataset | None:
    """The data set as far as it can be read, all faults collected; of RegDB's trials the last that
    can be.
    """
    dataset = None
    for split in READERS[layout].doctors_splits(root):
        collected: list[DatasetError] = []
        try:
            dataset = READERS[layout].read(root, split, fault=collected.append)
        except DatasetError as error:
            # after other faults, a part without pictures is only their consequence
            collected = collected or [error]
        for error in collected:
            fault(error)
    return dataset


def _counts(paths: Paths, dataset: Dataset | None) -> dict[str, int]:
    """What is on disk, and what of it each part uses."""
    by_modality = Counter(modality for _, modality in paths.values())
    counts = {"identities": len({identity for identity, _ in paths.values()})}
    counts |= {f"{m.title} pictures": by_modality[m] for m in (Modality.V, Modality.I)}
    for part in ("train", "val", "test") if dataset else ():
        if ids := dataset.identities(part):
            counts[f"{part} identities"] = len(ids)
            counts |= {
                f"{part} {m.title} pictures": len(dataset.select(part, m))
                for m in (Modality.V, Modality.I)
            }
    return counts


def _compare(layout: str, counts: dict[str, int], dataset: Dataset | None) -> list[str]:
    """Against the published counts, as notes: a set that differs can be used, and its scores are
    labelled.
    """
    protocol = rules.PROTOCOLS[layout]
    held = counts | {"pictures": counts["visible pictures"] + counts["infrared pictures"]}
    other = min((_differing(held, form) for form in protocol.wholes), key=len)
    unlike = dataset.provenance["unlike_published"] if dataset else []
    if not other and not unlike:
        form = f"{counts['identities']:,} identities on disk"
        return [f"all counts are the published ones ({form})"]
    least = min(form["identities"] for form in protocol.wholes)
    what = "a part of the set" if counts["identities"] < least else "not the published set"
    return [
        f"{what}: {'; '.join([*other, *unlike])}. It can be used: its scores are labelled as not "
        f"comparable with published ones; for the whole of it, {protocol.source}"
    ]


def _differing(counts: dict[str, int], form: Mapping[str, int]) -> list[str]:
    """What is on disk and differs from one form of the whole set, in words."""
    return [
        f"{counts.get(name, 0):,} {name} of {value:,}"
        for name, value in form.items()
        if counts.get(name, 0) != value
    ]
