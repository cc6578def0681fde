"""Figures of embeddings while they train: film strips, Fig. 3 remade, curves over the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from bdlab.modality import BASE, Modality
from bdlab.workbench.style import COLOURS, MARKS, MATH, PALETTE, STYLES, on

from .toy import Frame, shadow

V, I = BASE


def collapse(
    films: Mapping[str, Sequence[Frame]], shown: Sequence[int] = (0, 2, 5, -1), people: int = 6
) -> Figure:
    """Runs as film strips, all panels in one plane (that of the first run's end) and scale; right
    their features' spread, logarithmic.
    """
    figure, axes = plt.subplots(
        len(films),
        len(shown) + 1,
        figsize=(2.5 * len(shown) + 4.2, 2.7 * len(films)),
        width_ratios=[1] * len(shown) + [1.5],
        squeeze=False,
        layout="constrained",
    )
    onto = next(iter(films.values()))[-1]
    flat = {name: shadow(frames, onto) for name, frames in films.items()}
    reach = 1.15 * max(
        np.abs(flat[name][k][m][_first(onto, people)]).max()
        for name in films
        for k in shown
        for m in (V, I)
    )
    for row, (name, frames) in zip(axes, films.items(), strict=True):
        for ax, k in zip(row, shown, strict=False):
            _embedding(flat[name][k], frames[k], people, ax, reach)
            ax.set_title(f"step {frames[k].step}", fontsize=10)
        row[0].set_ylabel(name, fontsize=12)
    for ax in axes[1:, -1]:
        ax.remove()
    last = figure.add_subplot(axes[0, -1].get_gridspec()[:, -1]) if len(films) > 1 else axes[0, -1]
    if len(films) > 1:
        axes[0, -1].remove()
    spreads = {}
    for name, frames in films.items():
        spreads[name] = [[frame.spread for frame in frames]]
    curves(spreads, _steps(films), "spread of the features", last)
    last.set_yscale("log")
    return figure


def fig3(runs: Mapping[str, Frame], people: int = 6) -> Figure:
    """Fig. 3 remade: new people under each run, the mean V and mean I of a person joined by a line;
    scaled to strangers' distance. A dashed circle is drawn round a person of whom at least half of
    the pictures find one of the same person first.
    """
    figure, axes = plt.subplots(
        1, len(runs), figsize=(5.2 * len(runs), 4.9), squeeze=False, layout="constrained"
    )
    flat = {}
    for name, frame in runs.items():
        (spots,), keep = shadow([frame]), _first(frame, people)
        scale = np.sqrt(sum(spots[m][keep].var(axis=0).sum() for m in (V, I)) / 2)
        middle = np.concatenate([spots[m][keep] for m in (V, I)]).mean(axis=0)
        flat[name] = {m: (p - middle) / scale for m, p in spots.items()}
    reach = 1.1 * max(
        np.abs(p[_first(runs[name], people)]).max()
        for name, spots in flat.items()
        for p in spots.values()
    )
    for ax, (name, frame) in zip(axes[0], runs.items(), strict=True):
        _embedding(flat[name], frame, people, ax, reach)
        for person in range(people):
            if frame.matched(person):
                ax.add_patch(_circle(flat[name], frame.ids == person))
        ax.set_title(
            f"{name}\nV–I gap {frame.gap:.2f}, Rank-1 {frame.rank1:.0%} (all {len(set(frame.ids))} "
            "new people)",
            fontsize=11,
        )
    axes[0][-1].legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
    return figure


def curves(
    values: Mapping[str, Sequence[Sequence[float]]],
    steps: Sequence[int],
    title: str,
    ax: Axes | None = None,
) -> Figure:
    """A number over the steps, one line style and colour a name, a thin line a seed and a thick one
    for their mean.
    """
    figure, ax = on(ax, (5, 3.4))
    for k, (name, lines) in enumerate(values.items()):
        style = {"color": PALETTE[(0, 1, 2, 4)[k % 4]], "ls": STYLES[k % 6]}
        for line in lines if len(lines) > 1 else ():
            ax.plot(steps, line, lw=0.8, alpha=0.5, **style)
        ax.plot(steps, np.mean(lines, axis=0), lw=2.4, label=name, **style)
    ax.set(title=title, xlabel="step")
    ax.legend(fontsize="small")
    return figure


def seeds(found: Mapping[str, Sequence[Frame]]) -> Figure:
    """Gap and Rank-1 of several ways to train, a mark a seed, lines join a seed's runs, a bar is
    the mean.
    """
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for ax, (title, read) in zip(
        axes,
        {"V–I gap (smaller is better)": "gap", "Rank-1 (larger is better)": "rank1"}.items(),
        strict=True,
    ):
        values = np.array([_read(frames, read) for frames in found.values()])
        ax.plot(values, color="0.7", lw=1, marker="o", ms=6, mfc=PALETTE[0], mec="white")
        for k, mean in enumerate(values.mean(axis=1)):
            ax.plot([k - 0.22, k + 0.22], [mean, mean], color="black", lw=2.5)
            ax.text(k + 0.25, mean, f"{mean:.2f}", va="center", fontsize=10)
        ax.set_xticks(range(len(found)), list(found))
        ax.set(title=title, xlim=(-0.4, len(found) - 0.4))
    return figure


def _embedding(
    spots: Mapping[Modality, np.ndarray], frame: Frame, people: int, ax: Axes, reach: float
) -> None:
    keep = _first(frame, people)
    # a collapsed cloud would be hidden by its numbers
    there = np.ptp(spots[V][keep], axis=0).max() > 0.1 * reach
    for m, where in spots.items():
        ax.scatter(
            *where[keep].T,
            s=26,
            marker=MARKS[m],
            color=COLOURS[m],
            alpha=0.75,
            lw=0,
            label=MATH[m],
            zorder=2 if m in (V, I) else 1,
        )
    for person in range(people):
        ends = np.array([spots[m][frame.ids == person].mean(axis=0) for m in (V, I)])
        ax.plot(*ends.T, color="black", lw=1.4, zorder=3)
        if there:
            ax.text(
                *ends.mean(axis=0),
                str(person + 1),
                fontsize=9,
                ha="center",
                va="center",
                zorder=4,
                bbox={"boxstyle": "circle,pad=0.12", "fc": "white", "ec": "0.4", "lw": 0.6},
            )
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])


def _circle(spots: Mapping[Modality, np.ndarray], person: np.ndarray) -> Circle:
    """Round a person's V and I in the plane; they were matched in all dimensions."""
    held = np.concatenate([spots[m][person] for m in (V, I)])
    middle = held.mean(axis=0)
    radius = 1.08 * np.linalg.norm(held - middle, axis=1).max()
    return Circle(middle, radius, fill=False, ls="--", lw=1.2, ec="0.35")


def _first(frame: Frame, people: int) -> np.ndarray:
    return np.flatnonzero(frame.ids < people)


def _read(frames: Sequence[Frame], name: str) -> list[float]:
    """One measure of every frame."""
    return [getattr(frame, name) for frame in frames]


def _steps(films: Mapping[str, Sequence[Frame]]) -> list[int]:
    return [frame.step for frame in next(iter(films.values()))]
